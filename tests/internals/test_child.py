"""A child that measures: whatever an experiment does, the parent is told, and the next fact is measured."""

import dataclasses
import math

import numpy as np
import pytest

from comparisons.internals import child
from comparisons.internals.catalogue import fact_of


class Told(list):
    """A pipe that keeps what it is told."""

    def tell(self, event, **what):
        self.append({"event": event, **what})


def raises():
    raise AttributeError("module 'keras' has no attribute 'optimizers'")


MADE = {
    "holds": {"needs": ("numpy",), "measure": lambda: {"x": np.float32(0.5), "y": np.array([1, 2])}},
    "raises": {"needs": ("numpy",), "measure": raises},
    "missing": {"needs": ("a_package_of_nobody",), "measure": raises},
    "no figure": {"needs": ("numpy",), "measure": lambda: {"x": object()}},
}


def events(monkeypatch, *names):
    """What the child tells of these made facts, after its first words."""
    made = {name: dataclasses.replace(fact_of("adam-epsilon"), id=name, **MADE[name]) for name in names}
    monkeypatch.setattr(child, "fact_of", made.__getitem__)
    pipe = Told()
    assert 0 == child.in_child({"facts": list(names)}, pipe)
    assert {"python", "numpy"} <= set(pipe[0]["versions"])
    return [event for event in pipe[1:] if event["event"] != "measuring"]


def test_figures_are_numbers_that_json_has(monkeypatch):
    (told,) = events(monkeypatch, "holds")
    assert ("measured", {"x": 0.5, "y": [1, 2]}) == (told["event"], told["figures"])


def test_what_an_experiment_raises_is_told_and_the_next_is_measured(monkeypatch):
    raised, measured = events(monkeypatch, "raises", "holds")
    assert "AttributeError: module 'keras' has no attribute 'optimizers'" == raised["reason"]
    assert "measured" == measured["event"]


def test_a_package_that_is_not_there_is_told_and_nothing_is_measured(monkeypatch):
    (told,) = events(monkeypatch, "missing")
    assert ("missing", ["a_package_of_nobody"]) == (told["event"], told["packages"])


def test_what_is_no_figure_is_told_as_an_error(monkeypatch):
    (told,) = events(monkeypatch, "no figure")
    assert "TypeError: a figure is a number, a text or a list of them, not object" == told["reason"]


@pytest.mark.parametrize(
    ("value", "plain"), [((1, (2.5,)), [1, [2.5]]), (np.bool_(True), True), (np.array(3), 3), ("text", "text")]
)
def test_a_figure_becomes_plain(value, plain):
    assert plain == child.plain(value)
    assert type(plain) is type(child.plain(value))


def test_nan_stays_nan():
    assert math.isnan(child.plain(np.float32("nan")))
