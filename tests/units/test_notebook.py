"""A certificate in a notebook: a function from a cell is certified, shown as HTML and looked into as a table."""

import re
import subprocess
import sys
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import backproof
from comparisons.certificate import Row
from comparisons.experiment import Circles, Experiment, GradientDescent

SMALL = Experiment(layers=(1,), activations=("sigmoid",), optimizer=GradientDescent(), epochs=2, batch_size=8,
                   data=Circles(n_train=20, n_test=0))  # fmt: skip
CELL = """
import numpy as np


def train(experiment):
    W, b = experiment.initial().values()
    alpha = experiment.dtype.type(experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        dZ = 1 / (1 + np.exp(-(W @ X + b))) - Y
        dW, db = dZ @ X.T / X.shape[1], dZ.sum(axis=1, keepdims=True) / X.shape[1]
        W, b = W - alpha * dW, b - alpha * db
        yield {"dW[1]": dW, "db[1]": db, "W[1]": W, "b[1]": b}
"""


@pytest.fixture
def cell():
    """`cell(text)`: the function that a cell defines, which no file has."""

    def run(text):
        names = {"__name__": "__main__"}
        exec(compile(text, "<ipython-input-1>", "exec"), names)
        return names["train"]

    return run


def test_a_function_from_a_cell_is_certified(cell):
    certificate = backproof.certify(cell(CELL), SMALL)
    assert "agrees" == certificate.verdict
    assert "✓ train (float32) agrees" in repr(certificate)


def test_a_wrong_one_disagrees(cell):
    certificate = backproof.certify(cell(CELL.replace("keepdims=True) / X.shape[1]", "keepdims=True)")), SMALL)
    assert ("disagrees", ("db[1]",)) == (certificate.verdict, certificate.broken())


def test_the_table_has_a_row_for_each_quantity_and_all_that_a_row_has(cell):
    certificate = backproof.certify(cell(CELL), SMALL)
    table = certificate.table
    assert [row.quantity for row in certificate.rows] == list(table.index)
    assert {"verdict", *(field.name for field in fields(Row))} - {"quantity"} == set(table.columns)
    for row in certificate.rows:
        assert (row.verdict, row.checked, row.worst) == tuple(table.loc[row.quantity, ["verdict", "checked", "worst"]])
    assert table["first_broken"].isna().all()


def test_the_table_of_a_disagreement_has_its_first_step(cell):
    wrong = backproof.certify(cell(CELL.replace("keepdims=True) / X.shape[1]", "keepdims=True)")), SMALL)
    assert 1 == wrong.table.loc["db[1]", "first_broken"]
    assert ["db[1]"] == list(wrong.table.query("verdict == 'disagrees'").index)


def test_what_showed_nothing_has_a_table_without_rows():
    def nothing(experiment):
        for X, _ in experiment.batches():
            yield {"A[0]": X}

    certificate = backproof.certify(nothing, SMALL)
    assert ("not compared", ["A[0]"]) == (certificate.verdict, list(certificate.table.index))


class Words(HTMLParser):
    """The text of a page, and its tags, which must all be closed in order."""

    def __init__(self):
        super().__init__()
        self.text, self.open = "", []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.text += f"{data}\n"


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_its_html_says_what_its_repr_says(cell, wrong):
    text = CELL.replace("keepdims=True) / X.shape[1]", "keepdims=True)") if wrong else CELL
    certificate = backproof.certify(cell(text), SMALL)
    words = Words()
    words.feed(certificate._repr_html_())
    assert [] == words.open
    for line in repr(certificate).splitlines():
        assert line in words.text
    assert all(row.equation in words.text for row in certificate.rows)


def test_what_is_shown_as_html_is_no_html_of_the_user():
    def train(experiment):
        for X, _ in experiment.batches():
            yield {"A[0]": np.array(X)}

    train.__name__ = "<script>alert()</script>"
    assert not re.search("<script", backproof.certify(train, SMALL)._repr_html_())


def test_pandas_is_imported_by_whom_asks_for_a_table():
    says = (
        "import sys, comparisons.certificate, comparisons.wording, comparisons.messages; print('pandas' in sys.modules)"
    )
    call = [sys.executable, "-c", says]
    assert "False" == subprocess.check_output(call, text=True, cwd=Path(__file__).parents[2]).strip()
