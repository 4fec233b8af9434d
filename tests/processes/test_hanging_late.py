"""A hang loses nothing: the steps before it are judged, and it is told after which one and why it ended."""

import json
import time

import numpy as np
import pytest

from comparisons import saving
from comparisons.certifying import certify
from comparisons.implementations.registry import find
from comparisons.recording import record, recorded
from comparisons.run import run
from comparisons.saving import TraceFolder, end
from comparisons.trace import load
from tests.controls.plain_network import honest
from tests.small import small

pytestmark = pytest.mark.xdist_group("hangs")  # one run of them all

PATIENCE = 6  # seconds: enough for an interpreter to start on a busy machine, and to save what was recorded
LATE = "step == 5 and time.sleep(600)"
HANGS = {  # by name, what happens before a yield and what ends it
    "hangs": (LATE, f"it was ended after {PATIENCE} s without a sign of life"),
    "is_wrong_and_hangs": (f"{LATE}; W = W + (step == 2)", f"it was ended after {PATIENCE} s without a sign of life"),
    "loops": ("exec('while step == 5: pass')", f"it was ended after {PATIENCE} s without a sign of life"),
    "is_killed": ("step == 5 and (time.sleep(3), os.kill(os.getpid(), 9))", "it was ended by signal 9 (SIGKILL)"),
}


@pytest.fixture(scope="module")
def eight(tiny):
    """The tiny experiment with eight steps."""
    return tiny.but(epochs=4)


@pytest.fixture(scope="module")
def result(tmp_path_factory, eight, write):
    """Each of them beside an honest one, in both precisions."""
    folder = tmp_path_factory.mktemp("hangs")
    chosen = [find(write(folder, "honest")), *(find(write(folder, name, line)) for name, (line, _) in HANGS.items())]
    return run([eight, eight.but(precision="float64")], chosen, folder / "out", patience=PATIENCE)


def one_of(result, name, precision="float32"):
    (one,) = [one for one in result.implementations if (one.name, one.precision) == (name, precision)]
    return one


@pytest.mark.parametrize("name", ["hangs", "loops", "is_killed"])
def test_the_steps_before_it_are_judged_and_it_is_told_how_it_ended(name, result):
    one = one_of(result, name)
    assert ("not compared", f"after step 4 of 8: {HANGS[name][1]}") == (one.verdict, one.ended)
    n_judged = sum(row.checked for row in result.rows if (row.implementation, row.precision) == (name, "float32"))
    assert 12 == n_judged
    said = f"the recording ended {one.ended}; all 12 numbers judged up to there lie inside their balls"
    assert said == one.reason


def test_a_fault_before_it_is_a_disagreement(result):
    one = one_of(result, "is_wrong_and_hangs")
    assert ("disagrees", f"after step 4 of 8: {HANGS['hangs'][1]}") == (one.verdict, one.ended)
    assert {2} == {row.first_broken for row in result.rows if row.implementation == one.name and row.outside}
    assert ("disagrees", 1) == (result.verdict, result.exit_code)


def test_what_was_to_come_after_it_is_not_compared_for_the_same_reason(result):
    for name, (_, reason) in HANGS.items():
        one = one_of(result, name, "float64")
        assert ("not compared", reason, "") == (one.verdict, one.reason, one.ended)


def test_the_honest_one_beside_them_agrees(result):
    assert {"agrees"} == {one_of(result, "honest", precision).verdict for precision in ("float32", "float64")}


@pytest.mark.parametrize(("name", "code"), [("hangs", 3), ("is_wrong_and_hangs", 1)])
def test_check_judges_what_was_before_and_certify_the_trace_that_stays(name, code, folder, write, backproof):
    toml = folder / "tiny.toml"
    toml.write_text(toml.read_text().replace("epochs = 2", "epochs = 4"))
    path = write(folder, "mine", HANGS[name][0])
    done = backproof("check", path, "--experiment", "tiny.toml", "--patience", str(PATIENCE), "--out", "kept")
    ended = f"after step 4 of 8: it was ended after {PATIENCE} s without a sign of life"
    assert (code, True) == (done.returncode, ended in done.stdout)
    assert ("disagrees with the article at step 2" in done.stdout) == (code == 1)
    again = backproof("certify", "kept/mine-float32.trace")
    assert (code, True) == (again.returncode, f"the recording ended {ended}" in again.stdout)


# How it is saved -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """The honest one, in memory."""
    return record(honest, small())


def first(n, trace):
    """What it shows in its first steps."""
    return [{name: trace.values(name, step) for name in trace.shown} for step in range(1, n + 1)]


def test_what_is_saved_on_the_way_is_the_trace_of_the_steps_until_then(tmp_path, whole):
    keep = TraceFolder(tmp_path / "x.trace", small(), "mine", {})
    for values in first(4, whole):
        keep.step(values)
    assert 0 == json.loads((tmp_path / "x.trace/trace.json").read_text())["n_steps"]
    keep.save()
    assert end(tmp_path / "x.trace", "it was ended")
    trace = load(tmp_path / "x.trace")
    assert (4, "it was ended") == (trace.n_steps, trace.ended)
    assert set(whole.shown) == set(trace.shown)
    for name in trace.shown:
        assert np.array_equal(whole.values(name, 4), trace.values(name, 4))
    assert certify(trace).ended.startswith("after step 4 of 12: it was ended")


@pytest.mark.parametrize("chunk", [1, 2**13, 2**23], ids=["a step", "some", "all"])
def test_a_trace_that_was_saved_at_every_step_is_the_one_that_was_not(chunk, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "CHUNK_BYTES", chunk)
    keep = TraceFolder(tmp_path / "x.trace", small(), "mine", {})
    for values in first(12, whole):
        keep.step(values)
        keep.save()
    keep.close(complete=True)
    once = record(honest, small(), into=tmp_path / "once.trace")
    chunks = sorted(path.name for path in once.glob("0*"))
    assert chunks == sorted(path.name for path in (tmp_path / "x.trace").glob("0*"))
    for name in chunks:
        assert (once / name).read_bytes() == (tmp_path / "x.trace" / name).read_bytes()


def test_what_is_shown_is_saved_after_a_while_without_another_step(tmp_path, until):
    def slow(experiment):
        for number, shown in enumerate(honest(experiment), 1):
            if number == 3:
                until(has_two_steps)
            yield shown

    def has_two_steps():
        return json.loads((tmp_path / "x.trace/trace.json").read_text())["n_steps"] == 2

    recorded(slow, small(), into=tmp_path / "x.trace", every=0.05)
    assert load(tmp_path / "x.trace").is_whole


def test_nothing_is_saved_after_the_end(tmp_path, whole):
    keep = TraceFolder(tmp_path / "x.trace", small(), "mine", {}, every=0.01)
    for values in first(2, whole):
        keep.step(values)
    keep.close(complete=False, ended="it raised ValueError")
    written = (tmp_path / "x.trace/trace.json").stat().st_mtime_ns
    keep.save()
    time.sleep(0.05)
    assert written == (tmp_path / "x.trace/trace.json").stat().st_mtime_ns


def test_what_has_no_step_or_has_said_how_it_ended_is_left_as_it_is(tmp_path):
    TraceFolder(tmp_path / "x.trace", small(), "mine", {})
    assert not end(tmp_path / "x.trace", "it was ended")
    assert not end(tmp_path / "none.trace", "it was ended")
    record(honest, small(), into=tmp_path / "whole.trace")
    assert end(tmp_path / "whole.trace", "it was ended")
    assert load(tmp_path / "whole.trace").is_whole
