"""A trace is what an implementation showed, bit for bit, in memory and on disk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from comparisons import saving
from comparisons.certifying import certify
from comparisons.errors import UsageError
from comparisons.experiment import Arrays, FromFile
from comparisons.implementations import numpy_reference
from comparisons.recording import record
from comparisons.trace import load
from tests.controls.plain_network import PlainNetwork, honest
from tests.small import small

WRITER = Path(__file__).with_name("trace_writer.py")


def bits(trace):
    """Everything in a trace, as bytes."""
    stacks = {
        (name, m): part
        for name, stack in trace.shown.items()
        for m, part in (stack.items() if isinstance(stack, dict) else [(0, stack)])
    }
    stacks |= {("start", name): array for name, array in trace.start.items()}
    return {key: (array.dtype.name, array.shape, array.tobytes()) for key, array in stacks.items()}


@pytest.fixture(scope="module")
def trace():
    return record(numpy_reference.train, small())


# In memory -----------------------------------------------------------------------------------------------------------


def test_values_of_a_step_are_those_that_were_yielded_there(trace):
    yields = numpy_reference.train(trace.experiment)
    next(yields)  # the start values
    for step, values in enumerate(yields, 1):
        for name in trace.shown:
            assert np.array_equal(trace.values(name, step), values[name])


def test_the_values_are_copies(trace):
    def reuses_its_arrays(experiment):
        kept = {}
        for shown in PlainNetwork(experiment).train():
            for name, value in shown.items():
                kept.setdefault((name, np.shape(value)), np.empty_like(value))[...] = value
            yield {name: kept[name, np.shape(value)] for name, value in shown.items()}

    expected, actual = record(honest, trace.experiment), record(reuses_its_arrays, trace.experiment)
    assert bits(expected) == bits(actual)


@pytest.mark.parametrize(("first", "last"), [(1, 12), (1, 1), (3, 7), (12, 12)])
def test_a_part_has_the_numbers_of_its_steps(trace, first, last):
    part = trace.part(first, last)
    assert (part.first, part.n_steps) == (first, last - first + 1)
    assert part.is_whole == ((first, last) == (1, 12))
    for name in trace.shown:
        for step in range(first, last + 1):
            assert np.array_equal(trace.values(name, step), part.values(name, step))
    for name in trace.network.parameters:
        expected = trace.values(name, first - 1) if first > 1 else trace.start[name]
        assert np.array_equal(expected, part.start[name])


def test_a_part_of_a_part_is_a_part(trace):
    assert bits(trace.part(3, 9).part(5, 6)) == bits(trace.part(5, 6))


def test_the_start_of_a_part_is_not_judged_as_the_experiments(trace):
    assert trace.start_shown
    assert certify(trace.part(5, 6), forms=()).verdict == "agrees"


@pytest.mark.parametrize(("first", "last"), [(0, 3), (5, 13), (7, 6)])
def test_steps_that_it_does_not_have_are_refused(trace, first, last):
    with pytest.raises(ValueError, match=f"steps {first} to {last} of a trace that has 1 to 12"):
        trace.part(first, last)


# On disk -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_trace_on_disk_has_the_same_bits(tmp_path, precision):
    experiment = small(precision)
    expected = record(numpy_reference.train, experiment)
    actual = load(record(numpy_reference.train, experiment, into=tmp_path / "x.trace"))
    assert bits(expected) == bits(actual)
    assert expected.experiment == actual.experiment
    assert (expected.implementation, expected.start_shown) == (actual.implementation, actual.start_shown)
    assert expected.about == actual.about


def test_it_is_the_same_in_one_chunk_and_in_many(tmp_path, monkeypatch):
    one = record(honest, small(), into=tmp_path / "one.trace")
    monkeypatch.setattr(saving, "CHUNK_BYTES", 1)
    many = record(honest, small(), into=tmp_path / "many.trace")
    assert len(list(one.glob("0*.safetensors"))) == 1
    assert len(list(many.glob("0*.safetensors"))) == 12
    assert bits(load(one)) == bits(load(many))


def test_it_replaces_an_older_trace_whole(tmp_path):
    record(numpy_reference.train, small(epochs=8), into=tmp_path / "x.trace")
    record(honest, small(), into=tmp_path / "x.trace")
    assert bits(load(tmp_path / "x.trace")) == bits(record(honest, small()))


def test_it_replaces_nothing_else(tmp_path):
    save_file({"W[1]": np.ones(3)}, tmp_path / "mine.safetensors")
    with pytest.raises(UsageError, match="holds files but no trace"):
        record(honest, small(), into=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.safetensors"]


def test_own_data_and_own_start_values_travel_with_it(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    X, Y = small().train_set()
    np.savez(home / "data.npz", X=X, Y=Y[0])
    np.savez(home / "start.npz", **{name: value + 0.25 for name, value in small().initial().items()})
    experiment = small(data=Arrays(file=home / "data.npz"), start=FromFile(file=home / "start.npz"))
    expected = bits(record(honest, experiment))
    folder = record(honest, experiment, into=tmp_path / "x.trace")
    for path in home.iterdir():
        path.unlink()
    elsewhere = folder.rename(tmp_path / "elsewhere.trace")
    assert expected == bits(load(elsewhere))
    assert certify(load(elsewhere)).verdict == "agrees"


def test_a_trace_that_was_written_without_the_suite_is_certified(tmp_path):
    experiment = small(layers=(1,), activations=("sigmoid",), epochs=2, optimizer="gradient-descent")
    given = record(numpy_reference.train, experiment, into=tmp_path / "numpy.trace")
    mine = tmp_path / "mine.trace"
    subprocess.run([sys.executable, "-I", WRITER, given, mine], check=True)
    certificate = certify(load(mine))
    assert certificate.implementation == "mine"
    assert certificate.verdict == "agrees"
    assert certificate.chain.holds
