"""A trace judged part after part gives what it gives whole, and takes memory that does not grow with its steps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import saving, streaming
from comparisons.certifying import certify
from comparisons.command import traces as commands
from comparisons.command.sizes import LEAST, bytes_of
from comparisons.composed import given_by, network_of
from comparisons.errors import UsageError
from comparisons.recording import record
from comparisons.stored import Stored, steps_within
from comparisons.tallies import Counts
from comparisons.trace import Trace, load
from comparisons.values import Carried
from reference.tape import replayed
from tests.on_disk import HIDDEN, SUMMED, folder_of, in_parts, told, without_medians
from tests.peak import peak
from tests.small import small

EACH = pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
EACH_PRECISION = pytest.mark.parametrize("precision", ["float32", "float64"])


# What comes out -------------------------------------------------------------------------------------------------------


@EACH_PRECISION
@EACH
def test_in_parts_of_any_size_everything_but_the_medians_comes_out_as_from_the_whole(hidden, precision, tmp_path):
    folder = folder_of(tmp_path / "it.trace", small(precision), hidden)
    whole = certify(load(folder), forms=())
    parts = [certify(in_parts(folder, n), forms=()) for n in (1, 5, 7, 12)]
    assert all(told(without_medians(part)) == told(without_medians(whole)) for part in parts)
    assert all(told(part) == told(parts[0]) for part in parts)
    for row, cut in zip(whole.rows, parts[0].rows, strict=True):
        for exact, found in ((row.median, cut.median), (row.radius, cut.radius)):
            assert found <= exact < found * (1 + 2**-6) or found == exact or math.isnan(found) == math.isnan(exact)


@EACH
def test_what_is_broken_is_broken_alike(hidden, tmp_path):
    folder = folder_of(tmp_path / "it.trace", small("float64"), hidden, (SUMMED,))
    whole, parts = certify(load(folder), forms=()), certify(in_parts(folder, 5), forms=())
    assert whole.verdict == "disagrees"
    assert told(without_medians(parts))[2:4] == told(without_medians(whole))[2:4]
    assert parts.broken() == whole.broken()


def test_the_forms_that_are_found_are_the_same(tmp_path):
    for forms in ((), (SUMMED,)):
        folder = folder_of(tmp_path / "it.trace", small(), (), forms)
        whole, parts = certify(load(folder)), certify(in_parts(folder, 7))
        assert (whole.forms, whole.not_told_apart, whole.explained_by) == (
            parts.forms, parts.not_told_apart, parts.explained_by)  # fmt: skip
        assert without_medians(whole).rows == without_medians(parts).rows
        assert parts.hints == whole.hints
    assert whole.explained_by == (("summed-weights",),)


def test_a_part_that_forgets_what_the_one_before_left_is_noticed(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small(), HIDDEN["moments"])
    assert certify(in_parts(folder, 5), forms=()).verdict == "agrees"
    monkeypatch.setattr(streaming, "replace", lambda carried, **more: Carried(**more))
    with pytest.raises(ValueError, match="is hidden, so what it was before step 6 is not known"):
        certify(in_parts(folder, 5), forms=())


def test_a_fault_in_a_late_part_is_found_where_it_is(tmp_path):
    experiment = small()
    network = network_of(experiment)

    def subject(taken):
        for number, step in enumerate(
            replayed(network, taken.initial(), given_by(taken), ["dW[2]", "dZ[2]", "A[1]"]), 1
        ):
            moved = {name: value.copy() for name, value in step.items()}
            if number in (9, 11):
                moved["dW[2]"][1, 2] += 1
            yield moved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "CHUNK_BYTES", 2**10)
        folder = record(subject, experiment, into=tmp_path / "it.trace")
    for n in (1, 4, 12):
        row = certify(in_parts(folder, n), forms=()).row("dW[2]")
        assert (row.first_broken, row.n_broken_steps, row.outside, row.index) == (9, 2, 2, (1, 2))


# What is kept on disk -------------------------------------------------------------------------------------------------


def test_a_stored_trace_has_the_steps_and_numbers_of_the_whole(tmp_path):
    folder = folder_of(tmp_path / "it.trace", small())
    whole, kept = load(folder), in_parts(folder, 5)
    assert len(kept.on_disk.files) > 1
    assert (kept.n_steps, tuple(kept.shown), kept.is_whole) == (whole.n_steps, tuple(whole.shown), True)
    assert np.array_equal(kept.shown["W[1]"], whole.shown["W[1]"])
    assert np.array_equal(kept.values("Z[2]", 12), whole.values("Z[2]", 12))
    for first, last in ((1, 12), (4, 9), (12, 12), (1, 1)):
        one, other = kept.part(first, last), whole.part(first, last)
        assert isinstance(one, Stored) == (last > first)  # more than one in four of the five stay on disk
        assert all(np.array_equal(one.values(name, last), other.values(name, last)) for name in whole.shown)
        assert {name: value.tolist() for name, value in one.start.items()} == {
            name: value.tolist() for name, value in other.start.items()}  # fmt: skip
    assert [(part.first, part.n_steps) for part in kept.parts()] == [(1, 5), (6, 5), (11, 2)]
    assert set(kept.hiding("W[1]").shown) == set(whole.shown) - {"W[1]"}
    with pytest.raises(ValueError, match="steps 3 to 13 of a trace that has 1 to 12"):
        kept.part(3, 13)
    with pytest.raises(KeyError):
        kept.hiding("W[1]").shown["W[1]"]


def test_a_trace_that_fits_is_read_whole(tmp_path):
    folder = folder_of(tmp_path / "it.trace", small())
    assert type(load(folder, memory=2**30)) is Trace
    assert isinstance(load(folder, memory=LEAST), Trace)
    trace = load(folder)
    assert steps_within(2**30, trace) > steps_within(2**29, trace) > 12
    assert steps_within(1, trace) == 0


@pytest.mark.parametrize("memory", [None, 1])
def test_a_trace_that_lacks_a_chunk_is_refused_however_it_is_read(memory, tmp_path):
    folder = folder_of(tmp_path / "it.trace", small())
    sorted(folder.glob("0*.safetensors"))[-1].unlink()
    with pytest.raises(UsageError, match="is truncated"):
        load(folder, memory)


# Memory ---------------------------------------------------------------------------------------------------------------

N_SHORT, N_LONG = 20, 200  # epochs of three steps: 10 and 100 parts of six steps


def two_layers(epochs):
    """A run of so many epochs: in each part a quantity costs as much to follow, and of a small network few are."""
    return small(layers=(2, 1), activations=("relu", "sigmoid"), epochs=epochs)


def growth(work):
    """How many times the memory of the short run the long one takes, which has ten times its steps."""
    short, long = (peak(lambda n=n: work(two_layers(n))) for n in (N_SHORT, N_LONG))
    return long / short


def test_memory_does_not_grow_with_the_steps(tmp_path):
    """In parts it is not even doubled (counts grow, more and more slowly); whole, it is more than half of ten times."""
    folders = {}

    def recorded(experiment):
        folders[experiment.epochs] = folder_of(tmp_path / f"{experiment.epochs}.trace", experiment, chunk=2**15)

    def certified(experiment):
        assert certify(in_parts(folders[experiment.epochs], 6), forms=()).verdict == "agrees"

    def certified_whole(experiment):
        assert certify(load(folders[experiment.epochs]), forms=()).verdict == "agrees"

    recorded(two_layers(2))  # so that what is made once is there
    certified(two_layers(2))
    assert growth(recorded) < 2
    assert growth(certified) < 2
    assert growth(certified_whole) > 5


# Medians and sizes ----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, allow_nan=False), min_size=1), st.integers(1, 5))
def test_a_median_of_cut_numbers_is_at_most_a_64th_below_the_exact_one(numbers, n_parts):
    counts = Counts()
    for part in np.array_split(np.array(numbers), n_parts):
        counts.add(part)
    below, above = np.sort(numbers)[[(len(numbers) - 1) // 2, len(numbers) // 2]]
    least = 2.0**-1022  # below it numbers have fewer bits
    assert counts.median() / (1 + 2**-52) <= below / 2 + above / 2 or math.isinf(above)
    assert counts.median() * (1 + 2**-6) >= below - least or math.isinf(below)


def test_a_median_of_nothing_is_none_and_of_exact_zeros_is_zero():
    counts = Counts()
    assert math.isnan(counts.median())
    counts.add(np.array([0.0, 0.0, 1.0]))
    assert counts.median() == 0.0
    counts.add(np.array([1.0]))
    assert counts.median() == 0.5


@pytest.mark.parametrize(
    ("text", "size"), [("1GiB", 2**30), ("512 MiB", 2**29), ("0.5GB", 5 * 10**8), ("300000000", 3 * 10**8)]
)
def test_a_size_is_read_as_it_is_written(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["much", "1TiB", "-1GiB", "1 G", "", "64MiB"])
def test_what_is_no_size_or_too_little_is_refused(text):
    with pytest.raises(UsageError, match="--memory is"):
        bytes_of(text)


def test_the_command_judges_in_parts_what_is_larger_than_it_may_take(tmp_path, monkeypatch, capsys):
    folder, seen = folder_of(tmp_path / "it.trace", small()), []

    def noted(path, memory):
        seen.append(memory)
        return load(path, 1)

    monkeypatch.setattr(commands, "load_trace", noted)
    assert commands.certify_command([folder], "256MiB") == 0
    assert seen == [2**28]
    assert "agrees" in capsys.readouterr().out
