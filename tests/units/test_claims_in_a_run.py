"""The claims in a run: C1 of what the run has trained, the others anew; what cannot be measured says why."""

from dataclasses import replace

import pytest

from comparisons import claims_in_a_run
from comparisons.claims import CLAIMS, Evidence
from comparisons.claims_in_a_run import claims_of, close_to_all
from comparisons.messages import claims_line, figures_line
from tests.small import small


@pytest.mark.parametrize(
    ("accuracies", "holds"),
    [
        ({"a": 0.99, "b": 1.0}, True),
        ({"a": 0.9899, "b": 1.0}, False),
        ({"a": None, "b": 1.0}, None),
        ({"a": None, "b": 0.5}, False),
        ({"a": None}, None),
        ({}, None),
    ],
    ids=str,
)
def test_c1_is_of_the_runs_that_there_are(accuracies, holds):
    actual, lines = close_to_all(accuracies)
    assert holds is actual
    assert len(accuracies) == len(lines)
    assert all(line.startswith(f"{name}: training accuracy ") for name, line in zip(accuracies, lines, strict=True))


@pytest.fixture
def quick(monkeypatch):
    """Claims that hold, do not, and cannot be measured; C1 must not be measured by training."""

    def cannot(experiment):
        raise ValueError("no\nsuch layer")

    def must_not(experiment):
        raise AssertionError("C1 trained everything again")

    kinds = {"C1": must_not, "C2": lambda e: Evidence(True, ("yes",)), "C3": lambda e: Evidence(False, ("no",))}
    taken = [replace(claim, measure=kinds.get(claim.name, cannot)) for claim in CLAIMS[:4]]
    monkeypatch.setattr(claims_in_a_run, "CLAIMS", taken)


@pytest.mark.usefixtures("quick")
def test_what_raises_is_neither_true_nor_false_and_says_why():
    found = list(claims_of(small(), {"numpy (float32)": 1.0}))
    assert [("C1", True), ("C2", True), ("C3", False), ("C4", None)] == [(c["name"], c["holds"]) for c in found]
    assert ["it cannot be measured on this experiment: ValueError: no such layer"] == found[3]["lines"]
    assert all(claim["seconds"] >= 0 and claim["says"] for claim in found)


@pytest.mark.usefixtures("quick")
def test_what_would_take_long_is_left_to_its_own_command():
    by_name = {claim["name"]: claim for claim in claims_of(small(), {"numpy (float32)": 1.0}, 60.0, 539.0)}
    assert [True, True, None, None] == [claim["holds"] for claim in by_name.values()]
    (line,) = by_name["C3"]["lines"]
    assert "train the experiment 9 times, which would take about 9 minutes; backproof claims does it" in line
    (line,) = {c["name"]: c for c in claims_of(small(), {}, 60.0, 541.0)}["C3"]["lines"]
    assert "no" == line


def told(*holds):
    return [{"name": f"C{number}", "holds": one} for number, one in enumerate(holds, 1)]


@pytest.mark.parametrize(
    ("claims", "experiment", "line"),
    [
        (told(True, True), "article", "Claims: 2 of 2 of the article's claims hold (backproof claims)."),
        (told(True, False, False), "article",
         "Claims: 1 of 3 of the article's claims hold; C2 and C3 do not (backproof claims)."),
        (told(None, False, True), "mine",
         "Claims: 1 of 3 of the article's claims hold; C2 does not; C1 was not measured (backproof claims "
         "--experiment …)."),
        ([], "article", ""),
    ],
)  # fmt: skip
def test_one_line_names_what_does_not_hold(claims, experiment, line):
    assert line == claims_line(claims, experiment)


def test_figures_that_nobody_wanted_are_not_missed():
    assert "" == figures_line("") == figures_line("they were left out, as asked")
    assert "Figures cannot be drawn: float32: it exited with status 1." == figures_line(
        "float32: it exited with status 1"
    )
