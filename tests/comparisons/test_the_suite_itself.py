"""The suite can fail: it is run on a planted fault, on what shows too little or crashes, and on what is missing."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from comparisons.certifying import certify
from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation, load
from comparisons.recording import record
from comparisons.wording import disagreement

pytestmark = pytest.mark.xdist_group("the suite itself")
ROOT = Path(__file__).parents[2]
SUITE = Path(__file__).parent / "test_every_equation.py"
TINY = {
    "layers": (2, 1),
    "activations": ("relu", "sigmoid"),
    "epochs": 1,
    "batch_size": 8,
    "data": {"kind": "circles", "n_train": 20, "n_test": 4},
}

WRONG = """
from comparisons.implementations.numpy_reference import train as right


def train(experiment):
    for step, values in enumerate(right(experiment)):
        yield values if step != 2 else {**values, "J": 2 * values["J"]}
"""

PLANTED = """
from comparisons import experiment
from comparisons.implementations import registry

experiment.NAMED = {{"article": experiment.Experiment(**{tiny!r})}}
planted = {{name: change for name, change in {planted!r}.items()}}
registry.BUILT_IN = tuple(one._replace(**planted.get(one.name, {{}})) for one in registry.BUILT_IN)
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """`suite("numpy", {"numpy": {"target": …}})`: what the suite says of the tiny experiment, these rows changed."""

    def run(selected, planted, **environment):
        folder = tmp_path_factory.mktemp("suite")
        (folder / "planted.py").write_text(PLANTED.format(tiny=TINY, planted=planted))
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
        path = os.pathsep.join([str(ROOT), str(folder)])
        plugins = ["-p", "planted", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        options = [*plugins, "-k", selected, f"--basetemp={folder / 'temporary'}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", str(SUITE), *options, f"--junitxml={folder / 'report.xml'}"],
            cwd=ROOT, env={**outside, "PYTHONPATH": path, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Said(done.stdout, ElementTree.parse(folder / "report.xml"))

    return run


class Said:
    """What the suite printed, and its outcomes by the id of the test."""

    def __init__(self, printed, report):
        self.printed = printed
        self.passed, self.failed, self.skipped = set(), {}, {}
        for case in report.iter("testcase"):
            name = case.get("name").partition("[")[2][:-1]
            match [(outcome.tag, outcome) for outcome in case]:
                case []:
                    self.passed.add(name)
                case [("failure", outcome)]:
                    self.failed[name] = outcome.text
                case [("skipped", outcome)]:
                    self.skipped[name] = outcome.get("message")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """The reference, but that it shows twice the loss at step 2."""
    path = tmp_path_factory.mktemp("wrong") / "wrong.py"
    path.write_text(WRONG)
    return f"{path}:train"


@pytest.fixture(scope="module")
def said(suite, wrong):
    """What the suite says of it, in the place of `numpy`, beside an honest twin in the place of `torch`."""
    honest = {"target": "comparisons.implementations.numpy_reference:train", "requires": ()}
    return suite("numpy or (torch and not plain)", {"numpy": {"target": wrong}, "torch": honest})


def test_a_planted_fault_fails_the_test_of_its_quantity_and_no_other(said):
    assert {"article-numpy-float32-J", "article-numpy-float64-J"} == set(said.failed)
    assert {"article-numpy-float32-W[1]", "article-numpy-float64-dZ[2]", "article-numpy-float32"} <= said.passed
    assert not said.skipped


def test_its_honest_twin_passes(said):
    assert {"article-torch-float32-J", "article-torch-float64-J"} <= said.passed


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_it_fails_with_the_disagreement_and_nothing_else(precision, said, wrong):
    train, layout = load(Implementation("numpy", wrong))
    certificate = certify(record(train, Experiment(**TINY, precision=precision), layout=layout))
    expected = disagreement("numpy", precision, certificate.rows)
    assert expected == said.failed[f"article-numpy-{precision}-J"]
    first, worst, checked = expected.splitlines()
    row = certificate.row("J")
    assert row.actual == pytest.approx(2 * row.expected)
    assert first.startswith(f"numpy ({precision}) disagrees with the article at step 2, equation  J = ")
    assert worst.startswith("  worst     J: expected 0.")
    assert "  checked   3 numbers, 1 outside; broken in 1 step; everything before it in the step holds" == checked


def test_nothing_else_is_printed_of_it(said):
    failures = said.printed.partition("= FAILURES =")[2].partition("- generated xml")[0]
    lines = [line for line in failures.splitlines() if line and not line.startswith(("=", "_", "-"))]
    assert [line for text in said.failed.values() for line in text.splitlines()] == lines


@pytest.mark.parametrize("fate", ["crashes", "is silent about a quantity"])
def test_what_is_no_longer_compared_or_shown_fails(fate, suite, tmp_path):
    line = {
        "crashes": "raise ArithmeticError('no more')",
        "is silent about a quantity": "yield {name: values[name] for name in values if name != 'J'}",
    }[fate]
    (tmp_path / "other.py").write_text(WRONG.rpartition("        yield")[0] + f"        {line}\n")
    said = suite("numpy and float32 and J", {"numpy": {"target": f"{tmp_path / 'other.py'}:train"}})
    expected = {
        "crashes": "numpy (float32) was not compared: it raised ArithmeticError at other.py:7: no more\n",
        "is silent about a quantity": "numpy (float32) no longer shows J",
    }[fate]
    assert said.failed["article-numpy-float32-J"].startswith(expected)


def test_a_missing_framework_is_a_visible_skip_and_where_ci_is_true_a_failure(suite):
    missing = {"numpy": {"requires": ("no_such_package",)}}
    reason = "numpy needs no_such_package, not installed; pip install no_such_package"
    here = suite("numpy and float32 and J", missing)
    assert {"article-numpy-float32-J": reason} == here.skipped
    assert reason in here.printed
    there = suite("numpy and float32 and J", missing, CI="true")
    assert reason in there.failed["article-numpy-float32-J"]
