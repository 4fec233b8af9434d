"""How far long work has come: a table or a bar on a terminal, some lines elsewhere, nothing of what is soon done."""

import io
import json
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console

from comparisons import worker
from comparisons.command import app, traces
from comparisons.command.progress import Progress
from comparisons.command.steps import Steps, ending_as_ctrl_c
from comparisons.journal import FILE
from comparisons.trace import load
from tests.on_disk import folder_of
from tests.small import small

N = 1_000_000


def console(*, is_terminal):
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=140, _environ={"TERM": "xterm"})


def steps(number, step):
    return {"event": "certifying", "precision": "float32", "step": step, "n_steps": N, "going": number}


def shown(progress):
    """The live table as it is now."""
    with progress.console.capture() as captured:
        progress.console.print(progress._table())
    return captured.get()


def test_the_live_table_shows_the_step_of_certifying_and_the_pass():
    progress = Progress(["numpy"], [small()], console(is_terminal=True))
    progress.watch("numpy", steps(1, 340_000))
    assert "certifying 340,000 of 1,000,000 " in shown(progress)
    progress.watch("numpy", steps(2, 5))
    assert "certifying 5 of 1,000,000 (pass 2)" in shown(progress)
    progress.watch("numpy", {"event": "certified", "certificate": {"precision": "float32"}})
    assert "certifying" not in shown(progress)


def test_the_live_table_shows_the_step_within_long_epochs_alone():
    progress = Progress(["numpy"], [small()], console(is_terminal=True))
    progress.watch("numpy", {"event": "epoch", "precision": "float32", "epoch": 1})
    assert "step" not in shown(progress)
    progress.watch("numpy", {"event": "step", "precision": "float32", "step": 4, "n_steps": 12})
    assert "training, step 4 of 12 " in shown(progress)
    progress.watch("numpy", {"event": "epoch", "precision": "float32", "epoch": 2})
    assert "training, step 6 of 12 " in shown(progress)


def test_elsewhere_there_are_ten_lines_for_each_pass():
    progress = Progress(["numpy"], [small()], console(is_terminal=False))
    for number in (1, 2):
        for step in range(0, N + 1, 1000):
            progress.watch("numpy", steps(number, step))
    lines = progress.console.file.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[0] == "numpy (float32): certifying 100,000 of 1,000,000"
    assert lines[-1] == "numpy (float32): certifying 1,000,000 of 1,000,000 (pass 2)"


def test_the_worker_tells_its_parent_a_few_times_a_second(monkeypatch):
    clock, told = [0.0], []

    class Pipe:
        def tell(self, event, **what):
            told.append((event, what))

    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    certifying = worker.Certifying("float32", Pipe())
    for step in range(1001):
        clock[0] = step / 1000  # a second
        certifying(3, step, 1000)
    assert told[0] == ("certifying", {"precision": "float32", "step": 0, "n_steps": 1000, "going": 3})
    assert told[-1][1]["step"] == 1000
    assert 2 < len(told) < 6


def test_a_child_that_certifies_tells_how_far_it_is_and_leaves_no_journal(tmp_path):
    folder, told = folder_of(tmp_path / "it.trace", small()), []

    class Pipe(worker.Pipe):
        def __init__(self):
            pass

        def tell(self, event, **what):
            told.append((event, what))

    job = {"trace": str(folder), "precision": "float32", "memory": 1}
    assert worker._certify(job, Pipe()) == 0
    steps = [what for event, what in told if event == "certifying"]
    assert {(one["precision"], one["n_steps"]) for one in steps} == {("float32", 12)}
    assert [one["going"] for one in steps if one["step"] == 12] == list(range(1, steps[-1]["going"] + 1))
    assert told[-1][0] == "certified"
    assert not (folder / FILE).exists()
    told.clear()
    worker._certify(job | {"memory": 2**30}, Pipe())
    assert {event for event, _ in told} <= {"alive", "certified"}


def test_on_a_terminal_a_bar_says_steps_and_time_and_goes():
    with Steps(console(is_terminal=True)) as steps:
        steps.show("certifying it.trace", 250_000, N)
        steps.bar.refresh()
        assert "250,000 of 1,000,000 steps" in steps.console.file.getvalue()
        steps.show("certifying it.trace (pass 2)", 1, N)
        assert [task.description for task in steps.bar.tasks] == ["certifying it.trace (pass 2)"]
    assert steps.console.file.getvalue().endswith("\x1b[2K")  # the line is wiped out


def test_elsewhere_the_command_says_ten_lines_of_what_takes_long_and_none_of_what_does_not():
    for soon, n_lines in ((0.0, 10), (1e9, 0)):
        with Steps(console(is_terminal=False), soon) as steps:
            for step in range(0, N + 1, 1000):
                steps.show("recording numpy", step, N, ", loss 0.5")
        lines = steps.console.file.getvalue().splitlines()
        assert len(lines) == n_lines
        assert lines[:1] in ([], ["recording numpy: 100,000 of 1,000,000 steps, loss 0.5"])


# The commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A trace of which the command judges five steps at a time, telling of each part."""
    folder = folder_of(tmp_path / "it.trace", small())

    def in_parts(path, memory=None):
        vars(trace := load(path, 1)).update(steps_at_once=5, columns_at_once=None)
        return trace

    monkeypatch.setattr(traces, "load_trace", in_parts)
    monkeypatch.setattr(Steps, "is_due", lambda steps: True)
    monkeypatch.setattr(Steps, "__init__", lambda steps, init=Steps.__init__: init(steps, soon=0.0))
    return folder


def test_certify_says_how_far_it_is_and_nothing_of_a_trace_that_fits(folder, capsys, monkeypatch):
    assert traces.certify_command([folder], "1GiB") == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[:4] == [
        f"certifying {folder}{number}: {step} of 12 steps" for number in ("", " (pass 2)") for step in (5, 10, 12)
    ][:4]  # fmt: skip
    monkeypatch.setattr(traces, "load_trace", load)
    assert traces.certify_command([folder], "1GiB") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_where_and_goes_on_from_there(number, folder, capsys, monkeypatch):
    calls = []

    def interrupting(steps, what, step, n_steps, reached=""):
        calls.append(step)
        if len(calls) == 3:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "show", interrupting)
        patch.setattr(app, "app", lambda **how: traces.certify_command([folder], "1GiB"))
        with pytest.raises(SystemExit) as ended:
            app.main()
    assert ended.value.code == 130
    assert signal.getsignal(number) is before
    said = f"interrupted: certifying {folder} was at step 10 of 12; the same command goes on from there\n"
    assert capsys.readouterr() == ("", said)
    assert (folder / FILE).exists()
    assert traces.certify_command([folder], "1GiB") == 0
    assert f"{folder}: 5 of 12 steps\n" not in (after := capsys.readouterr()).err
    assert f"{folder}: 12 of 12 steps\n" in after.err
    assert not (folder / FILE).exists()


def test_where_nothing_was_noted_nothing_was_concluded(folder, capsys, monkeypatch):
    def interrupted(*call):
        raise KeyboardInterrupt

    monkeypatch.setattr(Steps, "show", interrupted)
    monkeypatch.setattr(app, "app", lambda **how: traces.certify_command([folder], "1GiB"))
    with pytest.raises(SystemExit):
        app.main()
    assert capsys.readouterr().err == "interrupted; nothing was concluded\n"


def test_a_full_disk_costs_the_journal_and_is_told_in_one_sentence(folder, capsys, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert traces.certify_command([folder], "1GiB") == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("backproof: ")]
    assert line == (
        f"backproof: {folder / FILE} could not be written: No space left on device; certifying went on, "
        "and could not have been resumed"
    )


def test_being_asked_to_end_is_ctrl_c_for_as_long_as_it_says():
    with pytest.raises(KeyboardInterrupt), ending_as_ctrl_c():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_recording_says_steps_and_loss(folder, tmp_path, capsys):
    (tmp_path / "tiny.toml").write_text('name = "tiny"\nepochs = 10\n\n[data]\nn_train = 20\nn_test = 0\n')
    assert traces.record_command("numpy", str(tmp_path / "tiny.toml"), tmp_path / "x.trace", None, "1GiB") == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[4].startswith("recording numpy: 5 of 10 steps, loss 0.")
    assert json.loads((tmp_path / "x.trace" / "trace.json").read_text())["complete"]
