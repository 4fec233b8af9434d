"""The article's listing in Keras, and translated literally to PyTorch: why their losses end apart, to rounding."""

import re
from pathlib import Path

import pytest

from comparisons.causes import Side, explained
from comparisons.certifying import certify
from comparisons.curves import curves_of
from comparisons.drift import drift_of
from comparisons.implementations.registry import BUILT_IN, find
from comparisons.placing import closest_forms
from comparisons.references import References
from comparisons.result import revived, to_json
from comparisons.trace import load
from comparisons.whole_runs import whole_runs
from comparisons.wording import explanation_text

KERAS, TORCH = "keras-fit", "torch-default"
CAUSES = {
    "where Adam's epsilon joins": ("epsilon-hat", "textbook"),
    "the precision of Adam's powers": ("powers-in-precision", "textbook"),
    "Adam's epsilon": ("textbook", "epsilon-1e-8"),
}
pytestmark = pytest.mark.xdist_group("trained-keras-fit")


@pytest.fixture(scope="module")
def both(trained):
    """The two by name, side by side in float64."""
    runs = {KERAS: trained("article", KERAS, "float64"), TORCH: trained("article", TORCH, "float64", alone=True)}
    return {name: (run.certificate, load(run.trace)) for name, run in runs.items()}


@pytest.fixture(scope="module")
def explanation(both):
    """Why they end apart, as a result keeps it."""
    compared = whole_runs([(trace, found.forms, found.not_told_apart) for found, trace in both.values()])
    (explanation,) = compared["explanations"]
    return revived(to_json(explanation))


def test_it_runs_only_where_it_is_named():
    assert TORCH not in {one.name for one in BUILT_IN}
    assert find(TORCH).name == TORCH


def test_it_is_certified_in_the_dialect_of_pytorchs_epsilon_and_in_no_other(both):
    certificate, _ = both[TORCH]
    assert (certificate.verdict, certificate.forms) == ("agrees", ("epsilon-1e-8",))
    assert certificate.chain.holds


def test_in_the_textbooks_form_it_is_rejected(both):
    certificate = certify(both[TORCH][1], forms=())
    assert certificate.verdict == "disagrees"


def test_its_loss_differs_from_keras_because_of_three_known_forms_and_of_nothing_else(explanation):
    causes = {cause.choice: (cause.one, cause.other) for cause in explanation.causes}
    assert CAUSES.items() <= causes.items()
    for cause in explanation.causes:
        assert (cause.largest > explanation.by_rounding) == (cause.choice in CAUSES)
    assert explanation.largest_unexplained <= explanation.by_rounding < explanation.largest_measured
    assert "and nothing else" in explanation_text(explanation)


def test_the_page_shows_what_is_printed(explanation):
    page = (Path(__file__).parents[2] / "docs" / "whole-runs.md").read_text(encoding="utf-8")
    causes = [line for line in explanation_text(explanation).splitlines() if line.strip().startswith(tuple(CAUSES))]
    assert len(causes) == len(CAUSES)
    assert all(without_numbers(line) in without_numbers(page) for line in causes)


def without_numbers(text):
    """The text without its numbers, whose last digits depend on the processor, and with single blanks."""
    return " ".join(re.sub(r"[+-]?\d[\d,.]*(e[+-]?\d+)?", "#", text).split())


@pytest.fixture(scope="module")
def side(both, references):
    """`side(name, without)`: a run with its forms, or one of them withheld; replicas of the same forms are run once."""
    drifts = {}

    def of(name, without):
        found, trace = both[name]
        forms = closest_forms(trace, found.forms, found.not_told_apart, references)
        forms = tuple(form for form in forms if form.name != without)
        if forms not in drifts:
            drifts[forms] = drift_of(trace.experiment, forms, n=8)
        return Side(trace, forms, curves_of(trace), drifts[forms])

    return of


@pytest.fixture(scope="module")
def references(both):
    """The reference's curves by forms, each trained once."""
    return References(both[KERAS][1].experiment)


@pytest.mark.parametrize("withheld", ["epsilon-hat", "powers-in-precision", "epsilon-1e-8"])
def test_with_a_cause_withheld_more_than_rounding_is_left_over(withheld, side, references):
    explanation = explained(side(KERAS, withheld), side(TORCH, withheld), references)
    assert len([cause for cause in explanation.causes if cause.choice in CAUSES]) == len(CAUSES) - 1
    assert explanation.largest_unexplained > explanation.by_rounding
    assert "can explain but a part" in explanation_text(explanation)
