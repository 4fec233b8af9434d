"""Certifying that is interrupted goes on from the last whole part, and comes to the same certificate bit for bit."""

import ast
import copy
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from comparisons import journal as journals
from comparisons import journal_file, streaming
from comparisons.certifying import certify
from comparisons.journal import FILE, Journal
from comparisons.judging import Judging
from comparisons.trace import load
from comparisons.values import Carried
from tests.on_disk import HIDDEN, SUMMED, folder_of, in_blocks, in_parts, told
from tests.small import small

N_AT_ONCE = 5  # of 12 steps: parts that end with 5, 10 and 12


class Enough(Exception):
    """What interrupts."""


@pytest.fixture
def seen(monkeypatch):
    """The first step of every part that is judged in a going, one after the other."""
    parts = []

    class Noting(Judging):
        def __init__(self, trace, precision=None, carried=None, plans=None):
            if carried is not None:
                parts.append(trace.first)
            super().__init__(trace, precision, carried, plans)

    monkeypatch.setattr(streaming, "Judging", Noting)
    return parts


def certified(folder, stop=None, every=0.0, **how):
    """The certificate, or None where it is interrupted after so many calls of progress, and what these were."""
    trace, calls = in_parts(folder, N_AT_ONCE), []

    def progress(*call):
        calls.append(call)
        if len(calls) == stop:
            raise Enough

    try:
        return certify(trace, progress=progress, journal=Journal.beside(trace, every), **how), calls
    except Enough:
        return None, calls


PLAIN = small("float32", "gradient-descent", layers=(2, 1), activations=("relu", "sigmoid"))  # whose search is short
CASES = {
    "the forms that are found": (PLAIN, (), (), {}),
    "a fault that is named": (PLAIN, (), (SUMMED,), {}),
    "a broken trace, moments hidden": (small("float64"), HIDDEN["moments"], (SUMMED,), {"forms": ()}),
    **{f"hidden: {name}": (small(), names, (), {"forms": ()}) for name, names in HIDDEN.items()},
}


@pytest.mark.parametrize(("experiment", "hidden", "planted", "how"), CASES.values(), ids=CASES)
def test_interrupted_at_every_part_and_resumed_it_is_the_same(experiment, hidden, planted, how, tmp_path, seen):
    folder = folder_of(tmp_path / "it.trace", experiment, hidden, planted)
    whole, calls = certified(folder, **how)
    n_parts, n_goings = len(seen), calls[-1][0]
    assert [call[1:] for call in calls if call[0] == 1] == [(0, 12), (5, 12), (10, 12), (12, 12)]
    assert not (folder / FILE).exists()
    for stop in range(1, len(calls) + 1):
        seen.clear()
        first, its_calls = certified(folder, stop, **how)
        assert (first, its_calls) == (None, calls[:stop])
        is_first_start = calls[stop - 1] == (1, 0, 12)
        assert (folder / FILE).exists() is not is_first_start
        second, more_calls = certified(folder, **how)
        assert told(second) == told(whole)
        assert not (folder / FILE).exists()
        assert len(seen) == n_parts, "every part once, before or after"
        assert more_calls == calls[stop - 1 :] or calls[stop - 1][1] == 12
        assert more_calls[-1][0] == n_goings or calls[stop - 1] == (n_goings, 12, 12)


def test_interrupted_after_each_step_that_is_judged_in_blocks_of_examples_it_is_the_same(tmp_path):
    folder = folder_of(tmp_path / "it.trace", small("float64"), HIDDEN["moments"], (SUMMED,))

    def start(stop=None):
        trace, calls = in_blocks(folder, 5), []

        def progress(*call):
            calls.append(call)
            if len(calls) == stop:
                raise Enough

        try:
            return certify(trace, forms=(), progress=progress, journal=Journal.beside(trace, 0.0)), calls
        except Enough:
            return None, calls

    whole, calls = start()
    assert calls == [(1, step, 12) for step in range(13)]
    for stop in range(2, 13):
        assert start(stop)[0] is None
        again, more_calls = start()
        assert told(again) == told(whole)
        assert more_calls == calls[stop - 1 :]


def test_it_may_be_interrupted_after_each_part_anew(tmp_path, seen):
    folder = folder_of(tmp_path / "it.trace", PLAIN, (), (SUMMED,))
    whole, _ = certified(folder)
    n_parts, n_starts = len(seen), 0
    seen.clear()
    found = None
    while found is None:
        found, _ = certified(folder, 2)
        n_starts += 1
    assert n_starts > 10
    assert told(found) == told(whole)
    assert len(seen) == n_parts


def test_what_a_kill_leaves_between_two_parts_is_enough(tmp_path, seen):
    """Nothing is written at the end of a process that is killed: what lies there then was written after a part."""
    folder = folder_of(tmp_path / "it.trace", small(), HIDDEN["moments"])
    whole, calls = certified(folder, forms=())
    left = tmp_path / "left"
    left.mkdir()
    trace, number = in_parts(folder, N_AT_ONCE), 0

    def keep(*call):
        nonlocal number
        if (folder / FILE).exists():
            shutil.copy(folder / FILE, left / f"{number}")
        number += 1

    certify(trace, forms=(), progress=keep, journal=Journal.beside(trace, 0.0))
    assert [path.name for path in sorted(left.iterdir())] == ["1", "2", "3"]
    for path in left.iterdir():
        shutil.copy(path, folder / FILE)
        seen.clear()
        assert told(certified(folder, forms=())[0]) == told(whole)
        assert len(seen) == len(calls) - 1 - int(path.name)


def test_it_is_written_at_the_end_of_what_was_interrupted_however_seldom_it_is_written(tmp_path, seen):
    folder = folder_of(tmp_path / "it.trace", small())
    certified(folder, 3, every=1e9, forms=())
    seen.clear()
    certified(folder, forms=())
    assert seen == [11]


def test_where_writing_takes_long_it_is_written_more_seldom(tmp_path, monkeypatch):
    folder, clock, written = folder_of(tmp_path / "it.trace", small()), [0.0], []
    monkeypatch.setattr(journals.time, "monotonic", lambda: clock[0])

    def slow(path, content):
        written.append(clock[0])
        clock[0] += 1.0
        path.touch()

    monkeypatch.setattr(Path, "write_bytes", slow)
    journal = Journal.beside(in_parts(folder, 1))
    for _ in range(1000):
        clock[0] += 1.0
        journal.has_judged(1, journal_file.Judged((), ""), journal_file.Left(1, {}, Carried()))
    assert written == [2.0, *(103.0 + 101.0 * n for n in range(9))]


def test_a_trace_that_is_judged_at_once_tells_nothing_and_leaves_nothing(tmp_path):
    folder, calls = folder_of(tmp_path / "it.trace", small()), []
    trace = load(folder)
    assert Journal.beside(trace) is None
    assert certify(trace, forms=(), progress=lambda *call: calls.append(call)).verdict == "agrees"
    assert calls == []
    assert not (folder / FILE).exists()


# What is not used -----------------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted(tmp_path):
    """A trace whose certifying was interrupted after a going and two parts; moments and a weight are hidden."""
    folder = folder_of(tmp_path / "it.trace", small(), HIDDEN["a weight too"], (SUMMED,))
    assert certified(folder, 7, naming=False)[1][-2:] == [(2, 5, 12), (2, 10, 12)]
    return folder


def content(path):
    """The JSON of a journal, and its tensors."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["journal"]), load_file(path)


def rewritten(path, told_, tensors):
    save_file(tensors, path, {"journal": json.dumps(told_)})


def begins_anew(folder, n_at_once=N_AT_ONCE, trace=None):
    """Whether nothing of what was noted is taken up."""
    journal = Journal.beside(trace or in_parts(folder, n_at_once))
    return (journal.ended, journal.running, journal.is_kept) == ({}, None, False)


def places(value, path=()):
    """All fields of a JSON value, however deep; of a list, and of what is by quantity, the first entry."""
    if path:
        yield path
    inside = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    if isinstance(value, list) or path[-1:] in (("tallies",), ("balls",), ("rows",)):
        inside = inside[:1]
    for key, one in inside:
        yield from places(one, (*path, key))


def changed(value, path, to):
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return value


def test_the_journal_of_the_same_is_used(interrupted, seen):
    assert not begins_anew(interrupted)
    certified(interrupted, 2, naming=False)
    assert seen == [11]


def test_a_field_that_is_missing_or_of_another_type_has_it_begun_anew(interrupted):
    told_, tensors = content(interrupted / FILE)
    trace = in_parts(interrupted, N_AT_ONCE)
    of_journal = [path for path in places(told_) if path[0] != "of"]
    assert {path[:2] for path in of_journal} >= {("running", "tallies"), ("running", "balls"), ("running", "peers")}
    for path in of_journal:
        for to in ({"a": 1}, [[]]) if isinstance(path[-1], int) else ({"a": 1}, [[]], None):
            if to is None and path[-1] in told_["running"]["balls"]:
                continue  # one ball less is for the judging to miss: see below
            rewritten(interrupted / FILE, changed(told_, path, to), tensors)
            assert begins_anew(interrupted, trace=trace), (path, to)
    rewritten(interrupted / FILE, told_, tensors)
    assert not begins_anew(interrupted)


def test_another_array_has_it_begun_anew(interrupted):
    told_, tensors = content(interrupted / FILE)
    trace = in_parts(interrupted, N_AT_ONCE)
    for name, tensor in tensors.items():
        if tensor.size:  # counts of nothing are empty
            for other in (None, tensor[..., :-1], tensor.astype(np.float32), tensor.reshape(1, 1, *tensor.shape)):
                rest = {key: value for key, value in tensors.items() if key != name}
                rewritten(interrupted / FILE, told_, rest if other is None else {**rest, name: other.copy()})
                assert begins_anew(interrupted, trace=trace), name
    for kind in ("cuts", "n_of"):
        name = told_["running"]["tallies"]["W[1]"]["ratios"][kind]
        rewritten(interrupted / FILE, told_, {**tensors, name: -tensors[name]})
        assert begins_anew(interrupted)


@pytest.mark.parametrize("damage", [b"", b"{", b"no safetensors at all", None], ids=["empty", "short", "text", "cut"])
def test_what_is_no_journal_has_it_begun_anew(damage, interrupted):
    path = interrupted / FILE
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert begins_anew(interrupted)


def test_a_journal_of_another_trace_division_code_or_machine_is_not_used(interrupted, tmp_path, monkeypatch):
    assert begins_anew(interrupted, N_AT_ONCE + 1)
    other = folder_of(tmp_path / "other.trace", small(), HIDDEN["a weight too"])
    shutil.copy(interrupted / FILE, other / FILE)
    assert begins_anew(other)
    for name, to in (("code", lambda: "0"), ("environment", lambda: {"processor": "another"})):
        with monkeypatch.context() as patch:
            patch.setattr(journals, name, to)
            assert begins_anew(interrupted)
    assert not begins_anew(interrupted)
    os.utime(interrupted / "000000.safetensors", ns=(0, 0))
    assert begins_anew(interrupted)


def test_the_code_is_all_that_judges(tmp_path, monkeypatch):
    for name in ("comparisons/mistakes", "reference"):
        (tmp_path / name).mkdir(parents=True)
    files = [tmp_path / name for name in ("comparisons/a.py", "comparisons/mistakes/b.py", "reference/c.py")]
    monkeypatch.setattr(journals, "__file__", str(files[0]))
    seen = set()
    for file in [None, *files, *files]:
        if file:
            file.write_text(file.read_text() + "x = 1" if file.exists() else "")
        journals.code.cache_clear()
        seen.add(journals.code())
    journals.code.cache_clear()
    assert len(seen) == 7


def test_a_journal_altered_alike_everywhere_is_data(interrupted):
    """Another number in it is another number in the certificate; nothing in it is looked up, imported or run."""
    told_, tensors = content(interrupted / FILE)
    row = told_["ended"][0]["rows"]["J"]
    row |= {"worst": 0.123, "equation": "__import__('os').system('false')"}
    rewritten(interrupted / FILE, told_, tensors)
    certificate, _ = certified(interrupted, naming=False, forms=())
    assert (certificate.row("J").worst, certificate.row("J").equation) == (0.123, row["equation"])
    assert b"pickle" not in Path(journal_file.__file__).read_bytes()


def test_a_going_that_judges_something_else_is_not_taken_up(interrupted, seen):
    told_, tensors = content(interrupted / FILE)
    told_["ended"][0]["judged"]["digest"] = "0" * 64
    rewritten(interrupted / FILE, told_, tensors)
    certified(interrupted, 2, naming=False)
    assert seen == [1]


def test_what_is_judged_is_written_out_alike_in_every_process_and_apart_from_all_else():
    """Functions that differ in what they close over alone, as variants of mistakes do, are told apart."""
    program = (
        "from comparisons.diagnosis import Diagnosis\n"
        "from comparisons.goings import judged_in\n"
        "from comparisons.labels import Labels\n"
        "from comparisons.mistakes.table import variants\n"
        "from comparisons.plans import Plans\n"
        "from comparisons.precisions import FLOAT32\n"
        "from comparisons.streaming import Pass\n"
        "from comparisons.composed import network_of\n"
        "from reference.forms import in_form\n"
        "from tests.small import small\n"
        "found, network = {}, network_of(small())\n"
        "for form in variants(small()):\n"
        "    try:\n"
        "        changed = in_form(network, form)\n"
        "    except ValueError:\n"
        "        continue\n"
        "    passes = [Pass(changed, Plans(()).of(changed), (), ())]\n"
        "    found[repr((form.name, len(found)))] = judged_in(FLOAT32, passes, Labels(passes)).digest\n"
        "print(found)\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True, cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert printed[0] == printed[1]
    digests = list(ast.literal_eval(printed[0]).values())
    assert len(digests) > 50
    assert len(set(digests)) == len(digests)


# Where it cannot be written -------------------------------------------------------------------------------------------


def refusing(number, after=0):
    """Writing fails with this error, after so many times."""
    calls = []

    def write(path, content):
        calls.append(path)
        with path.open("wb") as file:
            file.write(content[:10] if len(calls) > after else content)
        if len(calls) > after:
            raise OSError(number, os.strerror(number))

    return write


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_it_cannot_be_written_certifying_goes_on_without_one(number, after, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small())
    whole, _ = certified(folder, forms=())
    before = sorted(folder.iterdir())
    trace = in_parts(folder, N_AT_ONCE)
    journal = Journal.beside(trace, 0.0)
    monkeypatch.setattr(Path, "write_bytes", refusing(number, after))
    assert told(certify(trace, forms=(), journal=journal)) == told(whole)
    assert journal.failed == (os.strerror(number) if number == errno.ENOSPC else "")
    assert (journal.is_kept, sorted(folder.iterdir())) == (False, before)
