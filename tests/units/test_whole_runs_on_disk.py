"""Whole runs of traces on disk: what is found a part at a time is what is found in memory, bit for bit."""

import dataclasses

import numpy as np
import pytest

from comparisons.curves import curves_of, final
from comparisons.experiment import Circles
from comparisons.stored import OnDisk
from comparisons.trace import load
from tests.on_disk import folder_of, in_parts
from tests.small import small

EACH_PRECISION = pytest.mark.parametrize("precision", ["float32", "float64"])


@pytest.fixture(autouse=True)
def no_quantity_is_read_whole(monkeypatch):
    """What asks a trace on disk for all steps of a quantity fails."""
    monkeypatch.setattr(OnDisk, "__getitem__", lambda *_: pytest.fail("a quantity was read whole"))


def bits(found):
    """All numbers of a result, to the last bit."""
    return {
        field.name: value.tobytes() if isinstance(value, np.ndarray) else repr(value)
        for field in dataclasses.fields(found)
        for value in [getattr(found, field.name)]
    }


@EACH_PRECISION
@pytest.mark.parametrize("batch_size", [16, 40, 1])
def test_curves_in_parts_are_those_of_the_whole(precision, batch_size, tmp_path):
    experiment = small(precision, batch_size=batch_size, epochs=3, data=Circles(n_train=40, n_test=10))
    folder = folder_of(tmp_path / "it.trace", experiment)
    whole = load(folder)
    for n_steps in (1, 2, 5, 7, 41):  # an epoch ends within a part, at its end, and lasts several parts
        part = in_parts(folder, n_steps)
        assert bits(curves_of(part)) == bits(curves_of(whole))
        assert final(part) == final(whole)


def test_a_part_that_begins_with_other_weights_gives_another_curve(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small())
    expected = bits(curves_of(load(folder)))
    parts = type(in_parts(folder, 5)).parts

    def forgetful(trace):
        return (dataclasses.replace(part, start=trace.start) for part in parts(trace))

    monkeypatch.setattr(type(in_parts(folder, 5)), "parts", forgetful)
    actual = bits(curves_of(in_parts(folder, 5)))
    assert {name for name in expected if expected[name] != actual[name]} == {"running_loss", "running_accuracy"}
