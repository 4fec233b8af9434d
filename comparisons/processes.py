"""Processes: each job in a child of its own, all at the same time; a crash, a hang or a kill costs that job only.

The standard library does it: a child tells line by line what it does, its printed output goes to a file whose end is
shown if it fails, and children end when their parent does.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

N_LAST_LINES = 20


@dataclass
class Job:
    """What a child is to do, and what became of it."""

    name: str
    task: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    ended: str | None = None  # how it ended if not well: a sentence
    output: str = ""
    passed_to: TextIO | None = None  # where what it prints goes as well, as it comes
    python: str = sys.executable  # another installation's, which must find this package
    environment: dict[str, str] = field(default_factory=dict)  # besides the parent's

    def of(self, event: str) -> list[dict[str, Any]]:
        """What it told under this name."""
        return [told for told in self.events if told["event"] == event]


class _Child:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115  (`finish` closes it)
        reader, writer = os.pipe()
        self.reader = os.fdopen(reader, "rb", buffering=0)
        self.process = subprocess.Popen(
            [job.python, "-P", "-m", "comparisons.worker"],
            stdin=subprocess.PIPE,
            stdout=self.printed,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
            env=_environment() | job.environment,
        )
        os.close(writer)
        self.unread, self.has_closed, self.n_passed = b"", False, 0
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.alive_at = time.monotonic()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({**job.task, "pipe": writer, "parent": os.getpid()}).encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once; `finish` says how

    def read(self) -> Iterator[dict[str, Any]] | None:
        """What it told since the last call; None when it has closed its pipe."""
        data = self.reader.read(65536)
        if not data:
            return None
        self.alive_at = time.monotonic()
        *lines, self.unread = (self.unread + data).split(b"\n")
        return (json.loads(line) for line in lines)

    def has_ended(self) -> bool:
        """Whether it has, without taking it from the table: its number must not be used again before `end`."""
        if not hasattr(os, "waitid"):  # Python on macOS before 3.13
            return _is_zombie(self.process.pid)
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> None:
        """End it and whatever it started; once, since afterwards its number may be another's."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def pass_on(self) -> None:
        """Pass on what it printed since the last call, if somebody wants it."""
        if self.job.passed_to is None:
            return
        while new := os.pread(self.printed.fileno(), 65536, self.n_passed):
            self.n_passed += len(new)
            self.job.passed_to.write(self.decoder.decode(new))
        self.job.passed_to.flush()

    def finish(self, reason: str | None = None) -> None:
        """Wait for its end and note how it came."""
        status = self.process.wait()
        if reason is None and status < 0:
            reason = f"it was ended by signal {-status} ({signal.Signals(-status).name})"
        elif reason is None and status:
            reason = f"it exited with status {status}"
        self.job.ended = reason
        self.pass_on()
        self.printed.seek(0, os.SEEK_END)
        self.printed.seek(max(0, self.printed.tell() - 16384))
        lines = self.printed.read().decode(errors="replace").splitlines()
        self.job.output = "\n".join(lines[-N_LAST_LINES:])
        self.printed.close()
        self.reader.close()


def _is_zombie(number: int) -> bool:
    """Whether a child has ended and waits to be asked how, as `ps` tells it."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
    return told.stdout.strip().startswith("Z")


def _environment() -> dict[str, str]:
    """The parent's environment, but that the frameworks' start-up messages are left out."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    return {**quiet, **os.environ}


def work(
    jobs: Iterable[Job],
    *,
    patience: float,
    told: Callable[[Job, dict[str, Any]], Iterable[Job] | None] = lambda job, event: None,
    left: Callable[[Job], Iterable[Job] | None] = lambda job: None,
    idle: Callable[[], None] = lambda: None,
    at_once: int | None = None,
) -> list[Job]:
    """Do all jobs, `at_once` of them at the same time (all, by default), and return them when the last one has ended.

    Patience: a child that tells nothing for so many seconds is ended. Told: called with everything that a child
    tells; the jobs that it returns are done too. Left: called with each job whose child did not end well; likewise.
    Idle: called some ten times a second. Ctrl-C ends all children.
    """
    waiting, done = list(jobs), []
    running: list[_Child] = []
    selector = selectors.DefaultSelector()
    try:
        while waiting or running:
            while waiting and (at_once is None or len(running) < at_once):
                child = _Child(waiting.pop(0))
                running.append(child)
                selector.register(child.reader, selectors.EVENT_READ, child)
            ended = [child for child in running if child.has_ended()]
            heard = []
            for key, _ in selector.select(timeout=0.1):
                child = key.data
                heard.append(child)
                events = child.read()
                for event in events or ():
                    child.job.events.append(event)
                    waiting += told(child.job, event) or ()
                if events is None:
                    selector.unregister(child.reader)
                    child.has_closed = True
            for child in running[:]:
                child.pass_on()
                is_over = child in ended and (child.has_closed or child not in heard)
                is_silent = not is_over and time.monotonic() - child.alive_at > patience
                if not is_over and not is_silent:
                    continue
                child.end()  # what it started and left behind may hold its pipe open
                if not child.has_closed:
                    selector.unregister(child.reader)
                child.finish(f"it was ended after {patience:g} s without a sign of life" if is_silent else None)
                running.remove(child)
                done.append(child.job)
                waiting += (child.job.ended and left(child.job)) or ()
            idle()
    finally:
        for child in running:
            child.end()
        selector.close()
    return done
