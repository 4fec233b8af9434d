"""Whole runs of traces on disk: what is found a part at a time is what is found in memory, bit for bit."""

import contextlib
import dataclasses
import errno
import json

import numpy as np
import pytest

from comparisons import afterwards, drift, worker
from comparisons.agreement import differences
from comparisons.command import traces
from comparisons.curves import curves_of, final
from comparisons.errors import UsageError
from comparisons.experiment import Circles
from comparisons.placing import closest_forms
from comparisons.references import References
from comparisons.result import ImplementationResult, to_json
from comparisons.series import Series
from comparisons.stored import BASE, OnDisk, shared, steps_within
from comparisons.trace import Trace, load
from comparisons.whole_runs import whole_runs
from reference.dialects import DIALECTS
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
def test_curves_in_parts_are_those_of_the_whole(precision, batch_size, tmp_path, monkeypatch):
    experiment = small(precision, batch_size=batch_size, epochs=3, data=Circles(n_train=40, n_test=10))
    folder = folder_of(tmp_path / "it.trace", experiment)
    whole = load(folder)
    expected = bits(curves_of(whole))
    for n_steps in (1, 2, 5, 7, 41):  # an epoch ends within a part, at its end, and lasts several parts
        part = in_parts(folder, n_steps)
        monkeypatch.setattr("comparisons.curves.N_EPOCHS", n_steps)
        assert bits(curves_of(part)) == expected
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


# Pairs ----------------------------------------------------------------------------------------------------------------

KERAS = tuple(form for form in DIALECTS if form.name in ("powers-in-precision", "epsilon-hat"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two runs in two sets of forms, the one showing all, the other its weights."""
    place, experiment = tmp_path_factory.mktemp("pair"), small(data=Circles(n_train=40, n_test=10))
    one = folder_of(place / "one.trace", experiment, name="one")
    return one, folder_of(place / "other.trace", experiment, ("A", "Z", "d", "J", "Y"), KERAS, name="other")


def compared(one, other):
    """All that whole runs have to say of the two."""
    return to_json(whole_runs([(one, (), {}), (other, tuple(form.name for form in KERAS), {})]))


def test_whole_runs_in_parts_are_those_of_the_whole(pair):
    one, other = pair
    expected = compared(load(one), load(other))
    assert expected["explanations"]
    assert expected["agreements"][0]["verdict"] == "explained"
    for n_steps, beside in ((1, 5), (5, 5), (5, 12)):
        assert compared(in_parts(one, n_steps), in_parts(other, beside)) == expected
    assert compared(load(one), in_parts(other, 5)) == expected
    assert compared(load(one), load(one)) != expected


def test_a_part_that_is_held_against_other_steps_is_noticed(pair, monkeypatch):
    one, other = pair
    expected = compared(load(one), load(other))
    distances = drift.Drift.distances
    monkeypatch.setattr(drift.Drift, "distances", lambda among, run, first=1: distances(among, run, 1))
    assert compared(in_parts(one, 5), in_parts(other, 5)) != expected


def holding(trace, value, *places):
    """The trace with this value of A[4] at these steps and indices."""
    stack = {size: np.array(part) for size, part in trace.shown["A[4]"].items()}
    for step, index in places:
        m = int(trace.sizes[step - 1])
        stack[m][np.searchsorted(trace.steps_of(m), step - 1)][index] = value
    return dataclasses.replace(trace, shown={**trace.shown, "A[4]": stack})


def test_of_equally_large_differences_the_same_one_is_told_in_parts(pair, monkeypatch):
    trace = load(pair[0])
    assert (trace.sizes[1], trace.sizes[8], trace.sizes[11]) == (16, 8, 8)
    places = (2, (0, 3)), (12, (1, 2)), (9, (0, 5))
    one, other = (holding(trace, value, *places) for value in (2.0, 3.0))
    expected = differences(one, other)
    (told,) = [gap for gap in expected if gap.quantity == "A[4]"]
    assert (told.step, told.index) == (9, (0, 5))
    monkeypatch.setattr(Trace, "parts", lambda it: (it.part(n, n) for n in range(1, it.n_steps + 1)))
    assert differences(one, other) == expected
    assert differences(trace, other) != expected


def test_the_closest_forms_are_found_from_the_first_steps_alone(pair):
    alike = {"where Adam's epsilon joins": ("textbook", "epsilon-hat")}
    trace = in_parts(pair[1], 5)
    references = References(trace.experiment)
    assert closest_forms(trace, ("powers-in-precision",), alike, references) == KERAS
    assert closest_forms(load(pair[1]), ("powers-in-precision",), alike, references) == KERAS


def test_the_command_shares_the_memory_between_the_two_and_says_the_same(pair, monkeypatch, capsys):
    asked = []

    def printed(n_steps):
        def read(folder, memory):
            asked.append(memory)
            return load(folder) if n_steps is None else in_parts(folder, n_steps)

        monkeypatch.setattr(traces, "load_trace", read)
        assert traces.compare_command(*pair, "256MiB") == 0
        lines = capsys.readouterr().out.splitlines()
        return [line for line in lines if "median" not in line]

    assert printed(5) == printed(None)
    assert set(asked) == {shared(2**28, 2)} == {2**28}


class Told:
    """A pipe on which what is told is kept."""

    def __init__(self):
        self.events = []

    def tell(self, event, **what):
        self.events.append((event, what))

    def alive(self):
        return contextlib.nullcontext()


@pytest.mark.parametrize("do", ["agree", "draw"])
def test_the_jobs_of_a_run_take_what_memory_says(do, pair, monkeypatch):
    folders = dict(zip(("one", "other"), pair, strict=True))
    experiment, asked, jobs = load(pair[0]).experiment, [], []
    results = [
        ImplementationResult(name, "float32", "agrees", "", forms=forms)
        for name, forms in (("one", ()), ("other", tuple(form.name for form in KERAS)))
    ]

    def taken(given, **_):
        jobs.extend(json.loads(json.dumps(job.task)) for job in given if job.task["do"] == do)
        raise InterruptedError

    monkeypatch.setattr(afterwards, "work", taken)
    with pytest.raises(InterruptedError):
        afterwards.worked_out(
            [experiment], results, {(name, "float32"): folder for name, folder in folders.items()}, figures=True,
            elapsed=0.0, patience=1.0, memory=2**28, watch=lambda *_: None, idle=lambda: None,
        )  # fmt: skip
    (job,) = jobs

    def noted(folder, memory):
        asked.append(memory)
        return in_parts(folder, 5)

    monkeypatch.setattr("comparisons.trace.load", noted)
    pipe = Told()
    assert {"agree": worker._agree, "draw": worker._draw}[do](job, pipe) == 0
    assert asked == [2**28, 2**28]
    assert [event for event, _ in pipe.events] == [{"agree": "agreed", "draw": "drawn"}[do]]


def test_a_full_disk_is_the_last_line_of_what_a_job_prints(pair, monkeypatch, capsys):
    def full(*_):
        raise UsageError("no room")

    monkeypatch.setattr(Series, "add", full)
    pipe, tasks = Told(), [(str(folder), [], {}) for folder in pair]
    assert worker._agree({"traces": tasks, "memory": 2**28}, pipe) == 1
    assert pipe.events == []
    assert capsys.readouterr().err.splitlines()[-1] == "no room"


# What is kept, and what there is room for -----------------------------------------------------------------------------


def test_a_series_gives_back_what_was_added_and_refuses_what_is_not_there():
    kept, numbers = Series(3), np.arange(30.0).reshape(10, 3)
    kept.add(numbers[:4])
    kept.add(numbers[4:])
    assert np.array_equal(kept.read(3, 7), numbers[2:7])
    assert np.array_equal(np.concatenate(list(kept.portions())), numbers)
    for first, last in ((0, 3), (8, 11), (5, 4)):
        with pytest.raises(ValueError, match="of a series that has 1 to 10"):
            kept.read(first, last)
    with pytest.raises(ValueError, match="has 3 numbers"):
        kept.add(numbers.T)


def test_a_disk_that_is_full_is_told_in_one_sentence(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = Series(1)
    kept._file.close()
    kept._file = type("Full", (), {"seek": lambda *_: None, "write": full})()
    with pytest.raises(UsageError, match="No space left on device; free some space, or name another folder"):
        kept.add(np.ones((1, 1)))


@pytest.mark.parametrize("n_traces", [1, 2, 4, 5, 20])
def test_several_traces_share_what_there_is(pair, n_traces):
    """As they were recorded they take half of it at most, and work on one takes another half at most."""
    trace = load(pair[0])
    per_step = steps_within(BASE + 10**9, trace)
    share = shared(BASE + 10**9, n_traces) - BASE
    assert n_traces * share / 8 <= 10**9 / 2
    assert share <= 10**9
    assert steps_within(BASE + share, trace) <= per_step
