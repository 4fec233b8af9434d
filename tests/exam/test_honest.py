"""Tests of the honest variations: there are many, they are small, and every one of them agrees."""

import pytest

from comparisons.certifying import certify
from tests.exam.honest import LAYOUTS, SHOWN, variations
from tests.exam.honest_writings import CORRECTED, DESCENTS, OUTPUTS, PRODUCTS, RELUS, SIGMOIDS, SUMS

SAMPLE = [pytest.param(train, experiment, id=name) for name, train, experiment in variations(24, seed=20)]


@pytest.mark.parametrize(("train", "experiment"), SAMPLE)
def test_an_honest_variation_agrees(train, experiment):
    certificate = certify(train, experiment)
    assert certificate.verdict == "agrees", certificate


def test_there_are_a_thousand_and_each_choice_is_made():
    drawn = list(variations(1000, seed=0))
    assert len({name.partition(": ")[2] + experiment.digest for name, _, experiment in drawn}) == 1000
    axes = {
        "product": PRODUCTS,
        "summation": SUMS,
        "relu": RELUS,
        "sigmoid": SIGMOIDS,
        "output": OUTPUTS,
        "descent": DESCENTS,
        "corrected": CORRECTED,
        "layout": LAYOUTS,
        "shown": SHOWN,
    }
    for axis, choices in axes.items():
        assert set(choices) == {getattr(train, axis) for _, train, _ in drawn}
    assert all(experiment.n_steps <= 48 for _, _, experiment in drawn)


def test_the_same_seed_draws_the_same():
    assert [name for name, _, _ in variations(5, seed=3)] == [name for name, _, _ in variations(5, seed=3)]
    assert [name for name, _, _ in variations(5, seed=3)] != [name for name, _, _ in variations(5, seed=4)]
