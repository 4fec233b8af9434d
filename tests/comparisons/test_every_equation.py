"""The suite that the project is for: every number of every step lies where its equation says, in every implementation.

Each test is one sentence about one quantity, and its id is experiment-implementation-precision-quantity, so that
`pytest tests/comparisons -k "keras and dW"` runs what it says. Whatever fails tells what `backproof run` would tell.
"""

import itertools
from typing import NamedTuple

import pytest

from comparisons.composed import network_of
from comparisons.experiment import NAMED
from comparisons.implementations.registry import BUILT_IN
from comparisons.wording import disagreement

EVERYTHING = ("A[0]", "Y", "Z", "A", "J", "dA", "dZ", "dW", "db", "m", "v", "W", "b")
MUST_SHOW = {
    "numpy": EVERYTHING,
    "torch": EVERYTHING,
    "torch-plain": ("J", "W", "b"),
    "keras": EVERYTHING,
    "keras-fit": ("W", "b"),
}
DOES_NOT_EXIST = {"keras": ("dA[5]",)}  # Keras recovers the logits, so that nothing is ever derived at the output


class Case(NamedTuple):
    """A quantity that an implementation must show in an experiment."""

    experiment: str
    implementation: str
    precision: str
    quantity: str = ""

    @property
    def param(self):
        """The case under its id; all of one implementation go to one worker, where xdist has several."""
        group = pytest.mark.xdist_group(f"trained-{self.implementation}")
        return pytest.param(self, id="-".join(filter(None, self)), marks=group)


def kind(quantity):
    """`dW` of `dW[2]`, `m` of `m_W[2]`; the input is a kind of its own."""
    return quantity if quantity == "A[0]" else quantity.partition("_" if "_" in quantity else "[")[0]


def must_show(experiment, implementation):
    """The quantities that it must show: those of its kinds that there are in the experiment, and exist in it."""
    shapes = network_of(NAMED[experiment]).shapes
    there_are = [name for name, shape in shapes.items() if shape and kind(name) in MUST_SHOW[implementation]]
    return [name for name in there_are if name not in DOES_NOT_EXIST.get(implementation, ())]


def runs():
    """Every implementation in every experiment and precision."""
    return [Case(*run) for run in itertools.product(NAMED, MUST_SHOW, ("float32", "float64"))]


def cases(*kinds):
    """Every quantity of these kinds, in every run that must show it."""
    return [
        run._replace(quantity=quantity).param
        for run in runs()
        for quantity in must_show(run.experiment, run.implementation)
        if kind(quantity) in kinds
    ]


def check(case, trained):
    """Fail with the disagreement, as everybody words it, and nothing else."""
    found = trained(case.experiment, case.implementation, case.precision).certificate
    name = f"{case.implementation} ({case.precision})"
    row = next((row for row in found.rows if row.quantity == case.quantity), None)
    if row is None:
        pytest.fail(f"{name} no longer shows {case.quantity}", pytrace=False)
    if row.verdict == "disagrees":
        pytest.fail(disagreement(case.implementation, case.precision, found.rows), pytrace=False)
    if row.verdict == "not compared":
        pytest.fail(f"{name} shows {case.quantity}, but none of its numbers could be judged", pytrace=False)


@pytest.mark.parametrize("case", cases("A[0]", "Y"))
def test_what_goes_in_is_the_experiments(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", cases("Z", "A"))
def test_activations_follow_from_the_layer_before(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", cases("J"))
def test_the_loss_curve_follows_from_the_outputs_at_every_step(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", cases("dA", "dZ", "dW", "db"))
def test_gradients_follow_from_the_layer_behind(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", cases("m", "v"))
def test_optimizer_state_follows_from_the_gradients(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", cases("W", "b"))
def test_weights_follow_from_the_step_before(case, trained):
    check(case, trained)


@pytest.mark.parametrize("case", [run.param for run in runs()])
def test_what_is_shown_is_what_must_be_shown(case, trained):
    found = trained(case.experiment, case.implementation, case.precision).certificate
    assert set(must_show(case.experiment, case.implementation)) == set(found.shown)


def test_every_implementation_that_there_is_must_show_something():
    assert {one.name for one in BUILT_IN} == set(MUST_SHOW)
    assert all(MUST_SHOW.values())


def test_every_kind_of_quantity_is_asked_for():
    shapes = [shape for experiment in NAMED.values() for shape in network_of(experiment).shapes.items()]
    assert {name for name, shape in shapes if shape} == {param.values[0].quantity for param in cases(*EVERYTHING)}
