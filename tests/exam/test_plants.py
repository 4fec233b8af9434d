"""Tests of the plants themselves, which need no diagnosis: each differs from the honest run where the table says."""

from functools import cache

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.delivery import DeliveryError
from comparisons.experiment import Experiment
from comparisons.recording import record
from comparisons.trace import Trace
from tests.exam.answers import less
from tests.exam.plain import train
from tests.exam.plants import PLANTS, VISIBILITIES, Plant, is_shown

EXPERIMENTS = {(plant.experiment.name, plant.experiment.precision): plant.experiment for plant in PLANTS}


@cache
def honest(name: str, precision: str) -> Trace:
    """The honest run on the experiment of this name, everything shown."""
    return record(train, EXPERIMENTS[name, precision])


@cache
def planted(number: int, visibility: str) -> Trace:
    """The run of a plant; recorded once with everything shown, unless that is refused."""
    plant = PLANTS[number]
    if plant.everything == "refused":
        return record(showing(plant.train, visibility), plant.experiment)
    if visibility == "everything":
        return record(plant.train, plant.experiment)
    return less(planted(number, "everything"), visibility)


def showing(train, visibility: str):
    """The loop, which shows only what is of this visibility."""

    def shown(experiment):
        for step in train(experiment):
            yield {name: value for name, value in step.items() if is_shown(name, visibility)}

    return shown


def honest_twin(plant: Plant) -> Trace:
    """The honest run on the plant's experiment."""
    return honest(plant.experiment.name, plant.experiment.precision)


def first_difference(expected: Trace, actual: Trace) -> tuple[int, str] | None:
    """Step and name of the first quantity with other bits, in the order of computation."""
    network = expected.network
    names = [name for name in (*network.given, *network.by_name) if name in expected.shown and name in actual.shown]
    for step in range(1, expected.n_steps + 1):
        for name in names:
            if not np.array_equal(expected.values(name, step), actual.values(name, step)):
                return step, name
    return None


def cases(*seen: str):
    """Each plant with each visibility at which it is seen so."""
    return pytest.mark.parametrize(
        ("number", "visibility"),
        [
            pytest.param(number, visibility, id=f"{plant.id}-{visibility}")
            for number, plant in enumerate(PLANTS)
            for visibility in VISIBILITIES
            if plant.seen(visibility) in seen
        ],
    )


def test_every_plant_has_an_id_of_its_own():
    assert len(PLANTS) == len({plant.id for plant in PLANTS})


def test_experiments_of_one_name_and_precision_are_one():
    for plant in PLANTS:
        assert EXPERIMENTS[plant.experiment.name, plant.experiment.precision].digest == plant.experiment.digest


def test_forms_that_look_alike_are_of_the_table():
    names = {plant.name for plant in PLANTS}
    for plant in PLANTS:
        for visibility in VISIBILITIES:
            assert (plant.seen(visibility) == "one of these") == bool(plant.alike.get(visibility))
            assert names.issuperset(plant.alike.get(visibility, ()))


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("name", EXPERIMENTS, ids="-".join)
def test_the_honest_loop_agrees(name, visibility):
    certificate = certify(less(honest(*name), visibility))
    assert certificate.verdict == "agrees", certificate
    assert () == certificate.forms  # as a textbook has it, without any dialect


@pytest.mark.parametrize("name", EXPERIMENTS, ids="-".join)
def test_the_honest_loop_shows_every_array_of_the_network(name):
    network = honest(*name).network
    arrays = {quantity for quantity in (*network.given, *network.by_name) if network.shapes[quantity]}
    assert arrays == set(honest(*name).shown)


@pytest.mark.parametrize("number", range(len(PLANTS)), ids=[plant.id for plant in PLANTS])
def test_the_first_quantity_that_differs_is_the_one_that_the_fault_changes(number):
    plant = PLANTS[number]
    if plant.everything == "refused":
        with pytest.raises(DeliveryError, match=rf"step {plant.step}: {plant.first}.* is nan"):
            record(plant.train, plant.experiment)
        return
    assert (plant.step, plant.first) == first_difference(honest_twin(plant), planted(number, "everything"))


@cases("hidden")
def test_what_is_hidden_is_the_honest_run_to_the_bit(number, visibility):
    expected, actual = less(honest_twin(PLANTS[number]), visibility), planted(number, visibility)
    assert set(expected.shown) == set(actual.shown)
    assert first_difference(expected, actual) is None


def test_every_experiment_is_small():
    for experiment in EXPERIMENTS.values():
        assert isinstance(experiment, Experiment)
        assert experiment.n_steps <= 60
