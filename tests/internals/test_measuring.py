"""Measuring in child processes: a sample of the facts holds here, a changed expectation fails, nothing ever crashes."""

import dataclasses
import importlib.util

import pytest

from comparisons.errors import UsageError
from comparisons.internals.catalogue import AREAS, fact_of, facts
from comparisons.internals.measuring import judged, measure
from tests.frameworks import not_installed
from tests.internals.fake import installation

pytestmark = pytest.mark.xdist_group("internals")
SAMPLE = (
    "adam-epsilon",
    "loss-slope-outside",
    "relu-at-0",
    "subnormals",
    "dense-float64-input",
    "fit-compiled",
    "mean-in-the-gradient",
    "rmsprop-epsilon",
    "norm-of-one",
)  # fmt: skip; one of each area, none slow; all of them: `backproof internals --run`


@pytest.fixture(scope="module")
def outcomes():
    """What became of the sample."""
    for package in ("torch", "keras", "tensorflow"):
        if importlib.util.find_spec(package) is None:
            not_installed(f"{package} is not installed")
    return {outcome.fact.area: outcome for outcome in measure([fact_of(name) for name in SAMPLE])}


def test_the_sample_has_one_fact_of_each_area():
    assert sorted({fact.area for fact in facts()}) == sorted(fact_of(name).area for name in SAMPLE)


@pytest.mark.parametrize("area", [area for area in AREAS if any(fact.area == area for fact in facts())])
def test_a_fact_holds_here_and_no_longer_with_another_expectation(area, outcomes):
    outcome = outcomes[area]
    assert ("holds", ()) == (outcome.status, outcome.reasons)
    for name in outcome.fact.expected:
        changed = dataclasses.replace(outcome.fact, expected={**outcome.fact.expected, name: "something else"})
        again = judged(changed, outcome.figures, outcome.versions, outcome.processor, 0)
        assert "no longer holds" == again.status
        (reason,) = again.reasons
        assert reason.startswith(f"{name}: measured ")
        assert reason.endswith(", expected something else")


# What a child may do to us ------------------------------------------------------------------------------------------

READY = "ready()\n"
CRASH = (
    READY
    + """
for name in job["facts"]:
    say("measuring", fact=name)
    if name == "adam-epsilon":
        os.abort()
    say("measured", fact=name, figures={"Keras": 0.0}, seconds=0.1)
"""
)


@pytest.fixture
def other_python(tmp_path):
    """Writes a program that behaves as another installation's Python might."""
    return lambda body, answer="True": installation(tmp_path, body, answer)


def test_a_crash_costs_the_fact_that_it_was_at(other_python):
    names = ["adam-config", "adam-epsilon", "adam-cast"]
    found = measure([fact_of(name) for name in names], python=other_python(CRASH), at_once=1)
    assert names == [outcome.fact.id for outcome in found]
    assert {"no longer holds"} == {outcome.status for outcome in found}
    assert "SIGABRT" in found[1].reasons[0]
    assert {"Keras": 0.0} == found[2].figures
    assert "Keras: measured 0.0, expected 0.001" in found[0].reasons[0]


def test_what_raises_no_longer_holds(other_python):
    body = READY + 'say("raised", fact=job["facts"][0], reason="AttributeError: gone")'
    (found,) = measure([fact_of("adam-config")], python=other_python(body))
    assert "no longer holds" == found.status
    assert "measured nothing, since it raised AttributeError: gone; expected Keras 0.001" in found.reasons[0]


def test_what_is_not_installed_is_not_run(other_python):
    body = READY + 'say("missing", fact=job["facts"][0], packages=["keras", "torch"])'
    (found,) = measure([fact_of("adam-config")], python=other_python(body))
    assert ("not run", ("keras and torch not installed",)) == (found.status, found.reasons)


def test_a_python_that_ends_before_it_measured_has_not_run(other_python):
    (found,) = measure([fact_of("adam-config")], python=other_python('print("no NumPy here"); sys.exit(5)'))
    assert "not run" == found.status
    assert "measured nothing: it exited with status 5; no NumPy here" == found.reasons[0]


def test_a_hang_is_given_up(other_python):
    body = READY + 'say("measuring", fact=job["facts"][0])\nimport time\ntime.sleep(60)'
    (found,) = measure([fact_of("adam-config")], python=other_python(body), patience=0.5)
    assert "no longer holds" == found.status
    assert "without a sign of life" in found.reasons[0]


def test_what_is_no_python_is_the_users_mistake(other_python, tmp_path):
    with pytest.raises(UsageError, match=r"it is no Python from 3\.11 on"):
        measure([fact_of("adam-config")], python=other_python("", answer="False"))
    with pytest.raises(UsageError, match="No such file"):
        measure([fact_of("adam-config")], python=tmp_path / "nowhere")


def test_what_depends_on_the_machine_is_not_held_against_another(other_python):
    body = READY + 'say("measured", fact=job["facts"][0], figures={"graph": 1}, seconds=0.1)'
    (found,) = measure([fact_of("adam-compiled")], python=other_python(body))
    assert "not run" == found.status
    assert "and this is one of tomorrow" in found.reasons[0]
