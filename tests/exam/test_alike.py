"""Tests of what the plants' table says of telling forms apart: two are alike where exact arithmetic gives one result.

Both are run in float64 on one experiment. They are alike if all that both show is the same in half of its digits: what
rounding alone separates is the same in nearly all of them, and two different computations in none or few.
"""

from itertools import combinations

import numpy as np
import pytest

from tests.exam.plain import train
from tests.exam.plants import PLANTS, VISIBILITIES, Plant, is_shown

HALF_OF_THE_DIGITS = np.finfo(np.float64).eps ** 0.5


RUNS: dict[tuple, list] = {}


def run(name: str, number, plant: Plant) -> list:
    """Every step of this form on the plant's experiment, in float64; run once."""
    key = (name, number, plant.experiment.digest)
    if key not in RUNS:
        RUNS[key] = list(train(plant.experiment.but(precision="float64"), name, number))
    return RUNS[key]


def are_alike(one: list, other: list, visibility: str) -> bool:
    """Whether all that both show is the same in half of its digits, as far as the training goes."""
    for expected, actual in zip(one, other, strict=True):
        for name in expected.keys() & actual.keys():
            if not is_shown(name, visibility):
                continue
            scale = np.max(np.abs(expected[name]))
            if not np.all(np.abs(expected[name] - actual[name]) <= HALF_OF_THE_DIGITS * scale):
                return False
    return True


WITH_ALIKE = [
    pytest.param(plant, visibility, id=f"{plant.id}-{visibility}")
    for plant in PLANTS
    for visibility in VISIBILITIES
    if plant.seen(visibility) == "one of these"
]


@pytest.mark.parametrize(("plant", "visibility"), WITH_ALIKE)
def test_forms_that_are_said_to_be_alike_are(plant, visibility):
    for name in plant.alike[visibility]:
        assert are_alike(run(plant.name, plant.number, plant), run(name, None, plant), visibility), name


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_forms_of_one_experiment_are_alike_only_where_the_table_says_so(visibility):
    visible = [plant for plant in PLANTS if plant.seen(visibility) in ("named", "one of these")]
    found = set()
    for one, other in combinations(visible, 2):
        if one.experiment.digest != other.experiment.digest or one.experiment.precision != other.experiment.precision:
            continue
        if other.name in one.alike.get(visibility, ()):
            assert one.name in other.alike.get(visibility, ())
            continue
        if are_alike(run(one.name, one.number, one), run(other.name, other.number, other), visibility):
            found.add((one.id, other.id))
    assert not found
