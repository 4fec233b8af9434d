"""Ctrl-C, and a `backproof` that is itself killed: nobody is left behind, and nothing partial looks whole."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from comparisons.errors import UsageError
from comparisons.trace import load
from tests.processes.conftest import HANGS


@pytest.fixture
def started(command, folder, environment):
    """`started("run", …)`: `backproof`, in a group of its own as a shell would start it; it is ended with the test."""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [*command, *arguments], cwd=folder, env=environment, process_group=0,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ctrl_c(process):
    """What a terminal does: the signal goes to all that the shell started together."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)


def hanging(folder, write, n=2):
    """Files that tell the number of their process and hang, and where they tell it."""
    paths = [write(folder, f"hangs{number}", "hangs") for number in range(n)]
    return ",".join(paths), [Path(f"{path}.pid") for path in paths]


def is_complete(trace):
    return (trace / "trace.json").exists() and json.loads((trace / "trace.json").read_text())["complete"]


def are_written(files):
    return all(file.exists() and file.read_text() for file in files)


def test_ctrl_c_ends_all_children_and_concludes_nothing(started, folder, write, until, has_ended):
    names, pids = hanging(folder, write)
    process = started("run", "tiny.toml", "--implementations", names, "--out", "out")
    until(are_written, pids)
    _, error = ctrl_c(process)
    assert (130, "interrupted; nothing was concluded\n") == (process.returncode, error)
    for pid in pids:
        until(has_ended, pid)


def test_ctrl_c_leaves_nothing_partial_that_looks_whole(started, folder, write, until):
    names, pids = hanging(folder, write)
    out = folder / "out"
    out.mkdir()
    (out / "result.json").write_text("what an earlier run left")
    process = started("run", "tiny.toml", "--implementations", names, "--out", "out")
    until(are_written, pids)
    ctrl_c(process)
    assert not list(out.glob("result.*"))
    traces = list(out.glob("*.trace"))
    assert 2 == len(traces)
    for trace in traces:
        assert not is_complete(trace)
        with pytest.raises(UsageError, match="is incomplete"):
            load(trace)


def test_a_trace_that_was_complete_before_ctrl_c_stays_one(started, folder, write, until):
    names = f"{write(folder, 'honest')},{write(folder, 'hangs', 'hangs')}"
    process = started("run", "tiny.toml", "--implementations", names, "--out", "out")
    trace = folder / "out/honest-float32.trace"
    until(is_complete, trace)
    ctrl_c(process)
    assert load(trace).is_whole
    assert not (folder / "out/result.json").exists()


def test_ctrl_c_while_recording_leaves_an_incomplete_trace(started, folder, write, until):
    path = write(folder, "hangs", "hangs")
    process = started("record", path, "tiny.toml", "--out", "x.trace")
    until(are_written, [Path(f"{path}.pid")])
    _, error = ctrl_c(process)
    assert (130, "interrupted; nothing was concluded\n") == (process.returncode, error)
    with pytest.raises(UsageError, match="is incomplete"):
        load(folder / "x.trace")


def test_ctrl_c_after_some_steps_leaves_a_trace_of_these(started, backproof, folder, write, until):
    path = write(folder, "hangs", f"if step == 3: {HANGS}")
    process = started("record", path, "tiny.toml", "--out", "x.trace")
    until(are_written, [Path(f"{path}.pid")])
    _, error = ctrl_c(process)
    assert (130, "interrupted; nothing was concluded\n") == (process.returncode, error)
    done = backproof("certify", "x.trace")
    assert 3 == done.returncode
    assert "the recording ended after step 2 of 4: it was interrupted; all 6 numbers judged" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_children_end_when_backproof_is_killed_even_if_they_hang(number, started, folder, write, until, has_ended):
    names, pids = hanging(folder, write, n=1)
    process = started("run", "tiny.toml", "--implementations", names, "--out", "out")
    until(are_written, pids)
    process.send_signal(number)
    process.communicate(timeout=60)
    until(has_ended, pids[0])
    assert not (folder / "out/result.json").exists()
