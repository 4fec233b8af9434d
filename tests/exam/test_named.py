"""Tests of the names: each plant is named as its table says, and nothing else is.

All are asked with everything shown, a third of them at every visibility; `make exam` asks all at all.
"""

import pytest

from comparisons.recording import record
from comparisons.trace import Trace
from tests.exam.answers import answer, asked_of, is_right
from tests.exam.plants import PLANTS, VISIBILITIES, Plant

ANSWERED = [plant for plant in PLANTS if "refused" not in (plant.seen(visibility) for visibility in VISIBILITIES)]


def recorded(plant: Plant) -> Trace:
    """The plain loop with its fault, everything shown."""
    return record(plant.train, plant.experiment)


@pytest.mark.parametrize(("number", "plant"), list(enumerate(ANSWERED)), ids=[plant.id for plant in ANSWERED])
def test_a_plant_is_named_as_its_table_says(number, plant):
    trace = recorded(plant)
    answers = [answer(trace, plant, visibility) for visibility in asked_of(number)]
    assert [] == [said for said in answers if not said.is_right]
    if plant.kind == "mistake":
        assert answers[0].is_located


def test_every_visibility_is_asked_of_every_kind():
    asked = {(plant.kind, visibility) for number, plant in enumerate(ANSWERED) for visibility in asked_of(number)}
    assert asked == {(kind, visibility) for kind in ("mistake", "dialect") for visibility in VISIBILITIES}


def test_what_is_refused_is_named_by_the_error_it_ends_with():
    assert {"nan-from-log"} == {plant.name for plant in PLANTS} - {plant.name for plant in ANSWERED}


def test_another_mistakes_name_is_no_right_answer():
    plant = next(plant for plant in PLANTS if plant.name == "summed-weights")
    other = next(plant for plant in PLANTS if plant.name == "summed-bias")
    assert answer(recorded(plant), plant, "everything").is_right
    assert not answer(recorded(plant), other, "everything").is_right
    assert not answer(recorded(other), plant, "everything").is_right


def test_a_name_among_others_is_no_right_answer_where_it_should_stand_alone():
    plant = next(plant for plant in PLANTS if plant.name == "summed-gradient")
    trace = recorded(plant)
    assert answer(trace, plant, "gradients").is_right
    from comparisons.certifying import certify
    from tests.exam.answers import less

    assert not is_right(certify(less(trace, "gradients")), plant, "gradients", "named")
