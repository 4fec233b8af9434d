"""A thinned trace: what is kept of it is judged as it was in the whole, and what is gone is told of."""

import dataclasses
import errno
import json
import os
import shutil

import numpy as np
import pytest
import safetensors.numpy
from safetensors.numpy import save_file

from comparisons import saving, thinning
from comparisons.agreement import compare
from comparisons.certifying import certify
from comparisons.command.keeping import keep_of
from comparisons.composed import Onward, given_by, network_of
from comparisons.errors import UsageError
from comparisons.journal import Journal
from comparisons.recording import record
from comparisons.thinning import named_in, ranges_of, thin
from comparisons.trace import load
from comparisons.wording import certificate_text
from reference.tape import replayed
from tests.on_disk import HIDDEN, folder_of, told
from tests.small import small
from tests.units.test_streaming import growth, two_layers

EPOCHS = 10  # thirty steps


def faulty_at(path, *steps, hidden=(), quantity="dW[2]", chunk=2**12):
    """A trace of the reference in which one number of a quantity is moved, by as much as the step's number says."""
    network = network_of(small(epochs=EPOCHS))
    shown = [name for name, shape in network.shapes.items() if shape and not name.startswith(tuple(hidden) or "-")]

    def subject(taken):
        for number, step in enumerate(replayed(network, taken.initial(), given_by(taken), shown), 1):
            moved = {name: value.copy() for name, value in step.items()}
            if number in steps:
                moved[quantity][1, 2] += number
            yield moved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "CHUNK_BYTES", chunk)
        return record(subject, small(epochs=EPOCHS), name="subject", into=path)


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def whole_and_thinned(tmp_path, keep, *steps, hidden=(), rows=()):
    """The same trace twice: whole, and with these steps kept."""
    folder = faulty_at(tmp_path / "whole.trace", *steps, hidden=hidden)
    shutil.copytree(folder, tmp_path / "thin.trace")
    thin(tmp_path / "thin.trace", keep, rows)
    return load(folder), load(tmp_path / "thin.trace")


# What is kept ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "ranges"),
    [
        ((), ((1, 1), (29, 30))),
        ((10, 20), ((1, 1), (9, 10), (19, 20), (29, 30))),
        ((3,), ((1, 3), (29, 30))),
        ((2, 4, 29), ((1, 4), (28, 30))),
    ],
)
def test_each_step_is_kept_with_the_one_before_and_so_are_the_first_and_the_last(steps, ranges):
    assert ranges_of(steps, 30) == ranges
    assert ranges_of((1,), 1) == ((1, 1),)


def test_what_rows_name_is_their_worst_and_their_first_broken_step(tmp_path):
    row = certify(load(faulty_at(tmp_path / "it.trace", 9, 17)), forms=()).row("dW[2]")
    assert (row.first_broken, row.step) == (9, 17)
    assert named_in([row]) == {9, 17}
    assert named_in([dataclasses.replace(row, step=0, first_broken=None)]) == set()
    assert named_in([dataclasses.replace(row, checked=0)]) == set()


@pytest.mark.parametrize("n_at_once", [1, 4])
@pytest.mark.parametrize("keep", [2, 3, 7, 50])
def test_what_is_kept_is_what_it_was_and_is_judged_as_it_was(keep, n_at_once, tmp_path):
    whole, thinned = whole_and_thinned(tmp_path, keep)
    if keep == 2:
        assert not thinned.has_gaps  # each step, or the one before
        return
    thinned = dataclasses.replace(thinned, steps_at_once=n_at_once)
    wanted = sorted({1, *range(keep, 31, keep), 30})
    judged = [step for part in thinned.parts() for step in range(part.first, part.first + part.n_steps)]
    assert set(wanted) <= set(judged)
    assert (thinned.n_steps, thinned.is_whole, thinned.n_kept) == (30, False, len(thinned.kept_steps))
    for part in thinned.parts():
        for step in range(part.first, part.first + part.n_steps):
            for name in whole.shown:
                assert np.array_equal(part.values(name, step), whole.values(name, step))
                assert np.array_equal(thinned.values(name, step), whole.values(name, step))
    found = {row.quantity: row for row in certify(thinned, forms=()).rows}
    each = [certify(whole.part(step, step), forms=()) for step in judged]
    for name, row in found.items():
        rows = [one.row(name) for one in each if name in {r.quantity for r in one.rows}]
        assert row.checked == sum(one.checked for one in rows)
        assert row.worst == max(one.worst for one in rows)
    with pytest.raises(ValueError, match="is not there"):
        thinned.values("W[1]", keep + 1 if keep < 50 else 20)


def test_thinned_with_the_worst_a_faulty_run_disagrees_at_the_same_step_with_the_same_numbers(tmp_path):
    folder = faulty_at(tmp_path / "it.trace", 9, 17)
    before = certify(load(folder))
    thin(folder, "worst", before.rows)
    after = certify(load(folder))
    assert load(folder).n_kept < 30
    assert (after.verdict, after.broken(), after.forms) == ("disagrees", before.broken(), before.forms)
    assert "dW[2]" in after.broken()
    for name in ("step", "index", "expected", "bound", "actual", "worst", "first_broken", "outside", "n_broken_steps"):
        assert repr(getattr(after.row("dW[2]"), name)) == repr(getattr(before.row("dW[2]"), name))
    for row in before.rows:
        assert after.row(row.quantity).worst == row.worst
    assert "step 17" in certificate_text(after)


def test_a_fault_at_a_kept_step_is_found_and_of_one_that_is_gone_the_certificate_says_that_it_is(tmp_path):
    for fault, verdict in ((20, "disagrees"), (18, "agrees")):
        whole, thinned = whole_and_thinned(tmp_path / str(fault), 10, fault)
        assert certify(whole).verdict == "disagrees"
        certificate = certify(thinned)
        assert certificate.verdict == verdict
        assert certificate.chain.missing[0] == "7 of 30 steps are there"
        assert not certificate.chain.holds
        assert "the chain is not closed: 7 of 30 steps are there" in certificate_text(certificate)


def test_a_fault_between_two_steps_is_seen_at_a_kept_one(tmp_path):
    """The weights of step 20 do not follow from those of step 19, which are kept for that."""
    folder = faulty_at(tmp_path / "it.trace", 20, quantity="W[2]")
    thin(folder, 10)
    row = certify(load(folder), forms=()).row("W[2]")
    assert (row.first_broken, row.outside, row.index) == (20, 1, (1, 2))


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_what_is_hidden_and_carried_is_not_followed_and_told_of(hidden, tmp_path):
    _, thinned = whole_and_thinned(tmp_path, 10, hidden=hidden)
    certificate = certify(thinned)
    assert certificate.broken() == ()
    whole = {row.quantity for row in certify(load(tmp_path / "whole.trace"), forms=()).rows}
    assert {row.quantity for row in certificate.rows} == whole
    moments = all(f"m_{name}" in thinned.shown for name in thinned.network.parameters)
    for name in set(thinned.network.parameters) & set(thinned.shown):
        row = certificate.row(name)
        assert bool(row.checked) is moments
        assert row.not_judged > 0 or moments
    told_of = "what is hidden cannot be followed where steps are missing"
    assert any(missing.endswith(told_of) for missing in certificate.chain.missing) is not moments


def test_it_can_be_interrupted_and_resumed_as_any_other(tmp_path):
    _, thinned = whole_and_thinned(tmp_path, 10)
    calls, whole = [], certify(thinned, forms=())

    def stop(*call):
        calls.append(call)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        certify(thinned, forms=(), progress=stop, journal=Journal.beside(thinned))
    resumed = certify(thinned, forms=(), progress=stop, journal=Journal.beside(thinned))
    assert calls == [(1, 0, 30), (1, 1, 30), (1, 10, 30), (1, 10, 30), (1, 20, 30), (1, 30, 30)]
    assert told(resumed) == told(whole)


def test_whole_runs_are_not_compared_with_it(tmp_path):
    whole, thinned = whole_and_thinned(tmp_path, 10)
    for pair in ((whole, thinned), (thinned, whole)):
        with pytest.raises(
            UsageError, match="subject is thinned, and whole runs are compared step by step; certify it"
        ):
            compare(*pair)
    with pytest.raises(UsageError, match="trace is thinned"):
        thinned.in_memory()


def test_items_are_passed_over_up_to_the_one_that_comes_next():
    onward = Onward(iter(range(10)))
    assert next(onward) == 0
    onward.next_is(4)
    assert [next(onward), next(onward)] == [4, 5]
    onward.next_is(9)
    assert list(onward) == [9]


# On disk --------------------------------------------------------------------------------------------------------------


def test_all_is_nothing_to_do_and_so_is_what_is_thinned_already(tmp_path):
    folder = faulty_at(tmp_path / "it.trace")
    before = files_in(folder)
    for keep in ("all", 2):
        thin(folder, keep)
        assert files_in(folder) == before
    thin(folder, 10)
    after = files_in(folder)
    assert json.loads(after["trace.json"])["kept"] == [[1, 1], [9, 10], [19, 20], [29, 30]]
    assert sorted(name for name in after if name.endswith("safetensors")) == [
        "000000.kept.safetensors", "shown-start.safetensors"][: 1 + ("shown-start.safetensors" in after)]  # fmt: skip
    thin(folder, 15)
    assert files_in(folder) == after
    assert sum(map(len, after.values())) < sum(map(len, before.values())) / 2


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
PLACES = [("chunk", 1), ("chunk", 2), ("head", 1), ("after", 1)]


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "interrupted"])
@pytest.mark.parametrize(("place", "number"), PLACES, ids=[f"{place}-{number}" for place, number in PLACES])
def test_whatever_ends_it_the_trace_is_whole_or_thinned(place, number, error, tmp_path, monkeypatch):
    """At a chunk, of which half is then written, where trace.json is written, and after it was replaced."""
    folder = faulty_at(tmp_path / "it.trace", 20)
    before, calls = files_in(folder), []

    def save(tensors, path):
        calls.append("chunk")
        if place == "chunk" and len(calls) == number:
            path.write_bytes(b"half of")
            raise error
        save_file(tensors, path)

    def head(path, content):
        if place == "head":
            path.with_suffix(".json.new").write_text("half of")
            raise error
        saving.replace_head(path, content)
        if place == "after":
            raise error

    monkeypatch.setattr(thinning, "CHUNK_BYTES", 2**13)
    monkeypatch.setattr(safetensors.numpy, "save_file", save)
    monkeypatch.setattr(thinning, "replace_head", head)
    with pytest.raises((UsageError, KeyboardInterrupt)) as raised:
        thin(folder, 5)
    assert len(calls) >= number
    if place == "after":
        assert load(folder).has_gaps
    else:
        assert files_in(folder) == before
        if error is FULL:
            assert str(raised.value) == (
                f"{folder} could not be thinned: No space left on device; all of its steps are kept, as they were"
            )
    assert certify(load(folder), forms=()).row("dW[2]").first_broken == 20


KEPT = {
    "no list": "all",
    "none": [],
    "no pairs": [1, 30],
    "threes": [[1, 2, 3]],
    "text": [["1", "30"]],
    "truth": [[True, 1], [29, 30]],
    "out of order": [[9, 10], [1, 1], [29, 30]],
    "backwards": [[1, 1], [10, 9], [29, 30]],
    "without a gap": [[1, 1], [2, 10], [29, 30]],
    "without the first": [[9, 10], [29, 30]],
    "without the last": [[1, 1], [9, 10]],
    "after the last": [[1, 1], [30, 31]],
}


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_other_ranges_are_refused_in_one_sentence(kept, tmp_path):
    folder = faulty_at(tmp_path / "it.trace")
    thin(folder, 10)
    path = folder / "trace.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kept": kept}))
    with pytest.raises(UsageError, match=r"kept must be ranges of steps .* from step 1 to 30") as raised:
        load(folder)
    assert "\n" not in str(raised.value)


def test_more_or_fewer_steps_than_the_ranges_say_are_refused(tmp_path):
    folder = faulty_at(tmp_path / "it.trace")
    thin(folder, 10)
    path = folder / "trace.json"
    whole = path.read_text()
    for kept in (
        [[1, 1], [9, 10], [29, 30]],
        [[1, 1], [8, 10], [19, 20], [29, 30]],
        [[1, 1], [10, 11], [18, 20], [29, 30]],
    ):
        path.write_text(json.dumps(json.loads(whole) | {"kept": kept}))
        with pytest.raises(UsageError, match="is truncated"):
            load(folder)
    path.write_text(whole)
    (folder / "000000.kept.safetensors").unlink()
    with pytest.raises(UsageError, match=r"000000\.kept\.safetensors and so on are missing"):
        load(folder)


def test_recorded_anew_a_thinned_trace_is_whole(tmp_path):
    thin(faulty_at(tmp_path / "it.trace"), 10)
    folder = faulty_at(tmp_path / "it.trace")
    assert load(folder).is_whole
    assert not list(folder.glob("*.kept.*"))


def test_thinning_takes_memory_that_does_not_grow_with_the_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(thinning, "CHUNK_BYTES", 2**15)
    folders = {}

    def thinned(experiment):
        thin(folders[experiment.epochs], 15)
        assert certify(load(folders[experiment.epochs], memory=1), forms=()).verdict == "agrees"

    for epochs in (2, 20, 200):
        folders[epochs] = folder_of(tmp_path / f"{epochs}.trace", two_layers(epochs), chunk=2**15)
    thinned(two_layers(2))
    assert growth(thinned) < 2


@pytest.mark.parametrize(("text", "keep"), [("all", "all"), ("worst", "worst"), ("1", "all"), ("100", 100)])
def test_what_to_keep_is_read_as_it_is_written(text, keep):
    assert keep_of(text) == keep


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "best", "N"])
def test_what_is_no_choice_is_refused(text):
    with pytest.raises(UsageError, match=f'--keep is "{text}"; it is all, worst'):
        keep_of(text)
