"""Processes: jobs in children, as many at a time as there are processors; a crash, a hang or a kill costs one job only.

The standard library does it: a child tells line by line what it does, its printed output goes to a file whose end is
shown if it fails, and children end when their parent does. Jobs that share a child are done by it one after the other,
which saves what a start costs: of a framework, seconds.
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

from comparisons.machine import n_threads

N_LAST_LINES = 20
OURS = "ours"  # what a child of jobs shares that runs nothing of the user's
QUIET = 15.0  # seconds; a child that has told nothing for so long may hang, and another one begins in its place


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
    shares: str = ""  # jobs with the same word here may be done by one child, one after the other

    @property
    def kind(self) -> tuple[str, str, dict[str, str]]:
        """What a child must have been started as, to do this one too."""
        return self.shares, self.python, self.environment

    def of(self, event: str) -> list[dict[str, Any]]:
        """What it told under this name."""
        return [told for told in self.events if told["event"] == event]


class _Child:
    def __init__(self, job: Job) -> None:
        self.kind = job.kind
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115  (`finish` closes it)
        reader, self.writer = os.pipe()
        self.reader = os.fdopen(reader, "rb", buffering=0)
        self.process = subprocess.Popen(
            [job.python, "-P", "-m", "comparisons.worker"],
            stdin=subprocess.PIPE,
            stdout=self.printed,
            stderr=subprocess.STDOUT,
            pass_fds=(self.writer,),
            start_new_session=True,
            env=_environment() | job.environment,
        )
        os.close(self.writer)
        self.unread, self.has_closed, self.n_passed = b"", False, 0
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.take(job)

    def take(self, job: Job) -> None:
        """Give it this job, the first or the next."""
        self.job: Job | None = job
        self.alive_at, self.n_printed_before = time.monotonic(), self._n_printed()
        assert self.process.stdin is not None
        task = {**job.task, "pipe": self.writer, "parent": os.getpid(), "shares": bool(job.shares)}
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
            if not job.shares:
                self.process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once; `finish` says how

    def can_take(self, job: Job) -> bool:
        """Whether it has nothing to do and was started for such jobs."""
        return self.job is None and self.kind == job.kind and not self.has_ended()

    @property
    def is_busy(self) -> bool:
        """Whether it holds one of the places: not where it may hang."""
        return self.job is not None and time.monotonic() - self.alive_at <= QUIET

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
        if self.job is None or self.job.passed_to is None:
            return
        while new := os.pread(self.printed.fileno(), 65536, self.n_passed):
            self.n_passed += len(new)
            self.job.passed_to.write(self.decoder.decode(new))
        self.job.passed_to.flush()

    def settle(self, reason: str | None = None) -> Job:
        """Note how its job ended, and what was printed; it has none now."""
        job = self.job
        assert job is not None
        self.pass_on()
        end = self.n_passed = self._n_printed()
        begin = max(self.n_printed_before, end - 16384)
        lines = os.pread(self.printed.fileno(), end - begin, begin).decode(errors="replace").splitlines()
        job.ended, job.output = reason, "\n".join(lines[-N_LAST_LINES:])
        self.job = None
        return job

    def finish(self, reason: str | None = None) -> Job | None:
        """Wait for its end and note how it came: of its job, if it had one."""
        status = self.process.wait()
        if reason is None and status < 0:
            reason = f"it was ended by signal {-status} ({signal.Signals(-status).name})"
        elif reason is None and status:
            reason = f"it exited with status {status}"
        job = self.settle(reason) if self.job else None
        self.close()
        return job

    def close(self) -> None:
        """Close what leads to it."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.printed.close()
        self.reader.close()

    def _n_printed(self) -> int:
        return os.fstat(self.printed.fileno()).st_size


def _is_zombie(number: int) -> bool:
    """Whether a child has ended and waits to be asked how, as `ps` tells it."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
    return told.stdout.strip().startswith("Z")


def _environment() -> dict[str, str]:
    """The parent's environment, but that the frameworks' start-up messages are left out, and freed memory is kept.

    Memory: glibc gives large arrays back to the system until it has seen some, and each new one costs its pages anew.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    keeps_memory = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
    return {**quiet, **keeps_memory, **os.environ}


def work(
    jobs: Iterable[Job],
    *,
    patience: float,
    told: Callable[[Job, dict[str, Any]], Iterable[Job] | None] = lambda job, event: None,
    left: Callable[[Job], Iterable[Job] | None] = lambda job: None,
    idle: Callable[[], None] = lambda: None,
    at_once: int | None = None,
    spare: list[_Child] | None = None,
) -> list[Job]:
    """Do all jobs, `at_once` of them at the same time, and return them when the last one has ended.

    At once: by default as many as there are processors; more would only take them from each other.
    Patience: a child that tells nothing for so many seconds is ended. Told: called with everything that a child
    tells; the jobs that it returns are done too. Left: called with each job whose child did not end well; likewise.
    Idle: called some ten times a second. Ctrl-C ends all children.
    Spare: `spare_children`, to which jobs are given that they can take; children of ours stay there for the next call.
    """
    waiting, done, n_places = list(jobs), [], at_once or n_threads()
    children: list[_Child] = [] if spare is None else spare
    selector = selectors.DefaultSelector()
    for child in children:
        selector.register(child.reader, selectors.EVENT_READ, child)
    try:
        while waiting or any(child.job for child in children):
            while waiting and sum(child.is_busy for child in children) < n_places:
                _begin(waiting, children, selector)
            ended = [child for child in children if child.has_ended()]
            heard = []
            for key, _ in selector.select(timeout=0.1):
                child = key.data
                heard.append(child)
                events = child.read()
                for event in events or ():
                    if event["event"] == "next":
                        done.append(child.settle())
                    elif child.job:
                        child.job.events.append(event)
                        waiting += told(child.job, event) or ()
                if events is None:
                    selector.unregister(child.reader)
                    child.has_closed = True
            for child in children[:]:
                child.pass_on()
                is_over = child in ended and (child.has_closed or child not in heard)
                is_silent = not is_over and child.job is not None and time.monotonic() - child.alive_at > patience
                if not is_over and not is_silent:
                    continue
                child.end()  # what it started and left behind may hold its pipe open
                if not child.has_closed:
                    selector.unregister(child.reader)
                job = child.finish(f"it was ended after {patience:g} s without a sign of life" if is_silent else None)
                children.remove(child)
                if job is not None:
                    done.append(job)
                    waiting += (job.ended and left(job)) or ()
            idle()
    finally:
        selector.close()
        kept = [child for child in children if spare is not None and child.job is None and child.kind[0] == OURS]
        _end(child for child in children if child not in kept)
        children[:] = kept
    return done


@contextlib.contextmanager
def spare_children() -> Iterator[list[_Child]]:
    """Children that wait for the jobs of the next `work`, and are ended when nothing more comes."""
    spare: list[_Child] = []
    try:
        yield spare
    finally:
        _end(spare)


def _end(children: Iterable[_Child]) -> None:
    for child in children:
        child.end()
        child.close()


def _begin(waiting: list[Job], children: list[_Child], selector: selectors.BaseSelector) -> None:
    """Begin one of the waiting jobs: the first that a child can take that has nothing to do, else one in a new child.

    A job that could share the child of one that is being done is begun last, for it may save a start by waiting.
    """
    for job in waiting:
        for child in children:
            if child.can_take(job):
                waiting.remove(job)
                child.take(job)
                return
    kinds = [child.kind for child in children if child.job]
    job = next((job for job in waiting if not job.shares or job.kind not in kinds), waiting[0])
    waiting.remove(job)
    children.append(child := _Child(job))
    selector.register(child.reader, selectors.EVENT_READ, child)
