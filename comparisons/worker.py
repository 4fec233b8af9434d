"""The child process: records or certifies, and tells its parent about it line by line on a pipe of its own.

Started as `python -P -m comparisons.worker`, so that no module of the current folder comes before ours. The job is
JSON on standard input, and where jobs share a child more of them follow; what the user's code prints goes where
standard output goes.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

SAVED_EVERY = 1.0  # seconds after which what was shown is in the trace's folder, whatever becomes of the child
TOLD_EVERY = 0.3  # seconds between two words on how far certifying has come


class Pipe:
    """Tells the parent; a parent that is gone ends the child."""

    def __init__(self, descriptor: int) -> None:
        self.stream = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
        self.last = 0.0
        self.one_at_a_time = threading.Lock()

    def tell(self, event: str, **what: Any) -> None:
        """One line of JSON."""
        with self.one_at_a_time:
            self.last = time.monotonic()
            try:
                self.stream.write(json.dumps({"event": event, **what}) + "\n")
                self.stream.flush()
            except BrokenPipeError:
                os._exit(1)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Tells every second that it is alive: for long work of our own, not for the user's, which may hang."""
        is_done = threading.Event()

        def say() -> None:
            while not is_done.wait(1):
                self.tell("alive")

        thread = threading.Thread(target=say, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_done.set()
            thread.join()


def main() -> int:
    """Do the jobs, one a line; the exit status is 0 even where a precision failed: the parent was told."""
    tasks = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the user's code, and what it starts, reads nothing
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    pipe: Pipe | None = None
    for line in tasks:
        job = json.loads(line)
        if pipe is None:
            threading.Thread(target=_end_with, args=(job["parent"],), daemon=True).start()
            pipe = Pipe(job["pipe"])
        if status := _done(job, pipe):
            return status
        if job["shares"]:
            pipe.tell("next")
    return 0


def _done(job: dict[str, Any], pipe: Pipe) -> int:
    """Do a job; another status than 0 ends the process."""
    if job["do"] == "certify":
        return _certify(job, pipe)
    if job["do"] == "check":
        from comparisons.check import in_child

        return in_child(job, pipe)
    if job["do"] == "measure":
        from comparisons.internals.child import in_child as measure

        return measure(job, pipe)
    if job["do"] == "agree":
        return _agree(job, pipe)
    if job["do"] == "draw":
        return _draw(job, pipe)
    if job["do"] == "claims":
        return _claims(job, pipe)
    return _record(job, pipe)


def _end_with(parent: int) -> None:
    """End, with whatever was started here, when the parent is no more, even if the user's code hangs."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _record(job: dict[str, Any], pipe: Pipe) -> int:
    from comparisons.errors import UsageError
    from comparisons.experiment import Experiment
    from comparisons.implementations.registry import Implementation, load
    from comparisons.recording import how_it_ended, recorded

    implementation, file = Implementation(job["name"], job["target"]), job["target"].rpartition(":")[0]
    try:
        with _uncollected() if job["shares"] else nullcontext():
            subject, layout = load(implementation)
    except UsageError as error:
        pipe.tell("failed", precision=None, reason=str(error))
        return 0
    except BaseException as error:
        pipe.tell("failed", precision=None, reason=how_it_ended(error, file))
        print_trimmed(error, implementation)
        return 1
    pipe.tell("loaded")
    for task in job["tasks"]:
        experiment = Experiment.from_json(task["experiment"])
        watch = _Progress(experiment, pipe)
        began = time.perf_counter()
        try:
            _, ending = recorded(
                subject, experiment, name=job["name"], layout=layout, into=task["into"], progress=watch,
                every=SAVED_EVERY,
            )  # fmt: skip
        except UsageError as error:
            pipe.tell("failed", precision=experiment.precision, reason=str(error))
            continue
        except BaseException as error:
            of_disk = of_disk_alone(error, task["into"])
            reason = of_disk or how_it_ended(error, file)
            pipe.tell("failed", precision=experiment.precision, reason=reason)
            if not of_disk:
                print_trimmed(error, implementation)
            if not isinstance(error, Exception):
                raise
            continue
        seconds = time.perf_counter() - began
        if ending is not None and not isinstance(ending, UsageError):
            print_trimmed(ending, implementation)
        pipe.tell(
            "recorded", precision=experiment.precision, trace=task["into"], seconds=seconds,
            ended="" if ending is None else how_it_ended(ending, file),
        )  # fmt: skip
        if isinstance(ending, SystemExit):
            raise ending
    return 0


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage, of which the import of a framework makes none and looks through all that it made."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _certify(job: dict[str, Any], pipe: Pipe) -> int:
    from comparisons.certifying import certify
    from comparisons.errors import UsageError
    from comparisons.journal import Journal
    from comparisons.result import to_json
    from comparisons.trace import load

    try:
        with pipe.alive():
            trace = load(Path(job["trace"]), job["memory"])
            certificate = certify(trace, progress=Certifying(job["precision"], pipe), journal=Journal.beside(trace))
    except UsageError as error:
        pipe.tell("failed", precision=None, reason=str(error))
        return 0
    pipe.tell("certified", certificate=to_json(certificate))
    return 0


def _agree(job: dict[str, Any], pipe: Pipe) -> int:
    from comparisons.errors import UsageError
    from comparisons.result import to_json
    from comparisons.stored import shared
    from comparisons.trace import load
    from comparisons.whole_runs import whole_runs

    memory = shared(job["memory"], len(job["traces"]))
    try:
        with pipe.alive():
            traces = [(load(Path(folder), memory), forms, alike) for folder, forms, alike in job["traces"]]
            found = whole_runs(traces)
    except UsageError as error:
        print(error, file=sys.stderr)  # the last line is told where whole runs are missing
        return 1
    pipe.tell("agreed", **{name: to_json(part) for name, part in found.items()})
    return 0


def _draw(job: dict[str, Any], pipe: Pipe) -> int:
    from comparisons.experiment import Experiment
    from comparisons.scenes.gathering import scenes_of
    from comparisons.trace import load

    with pipe.alive():
        traces = ((load(Path(folder), job["memory"]), forms) for folder, forms in job["traces"])
        scenes = scenes_of(Experiment.from_json(job["experiment"]), traces, job["surface"])
    pipe.tell("drawn", scenes=scenes)
    return 0


def _claims(job: dict[str, Any], pipe: Pipe) -> int:
    from comparisons.claims_in_a_run import claims_of
    from comparisons.experiment import Experiment

    with pipe.alive():
        experiment = Experiment.from_json(job["experiment"])
        for claim in claims_of(experiment, job["accuracies"], job["seconds"], job["at_most"]):
            pipe.tell("claim", claim=claim)
    pipe.tell("measured")
    return 0


class Certifying:
    """Tells the parent how far certifying a long trace has come, a few times a second."""

    def __init__(self, precision: str, pipe: Pipe) -> None:
        self.precision, self.pipe, self.last = precision, pipe, float("-inf")

    def __call__(self, number: int, step: int, n_steps: int) -> None:
        if time.monotonic() - self.last >= TOLD_EVERY or step == n_steps:
            self.pipe.tell("certifying", precision=self.precision, step=step, n_steps=n_steps, going=number)
            self.last = time.monotonic()


class _Progress:
    """Tells the parent every epoch with loss and accuracy, and at least once a second that it is alive."""

    def __init__(self, experiment: Any, pipe: Pipe) -> None:
        from comparisons.composed import network_of

        self.experiment, self.pipe, self.network = experiment, pipe, network_of(experiment)
        self.data = experiment.train_set()

    def __call__(self, number: int, values: Any) -> None:
        per_epoch = self.experiment.steps_per_epoch
        if number % per_epoch == 0:
            self.pipe.tell(
                "epoch", precision=self.experiment.precision, epoch=number // per_epoch, **self._measured(values)
            )
        elif time.monotonic() - self.pipe.last > 1:
            n_steps = self.experiment.n_steps
            self.pipe.tell("step", precision=self.experiment.precision, step=number, n_steps=n_steps)

    def _measured(self, values: Any) -> dict[str, float]:
        from reference.learned import loss_and_accuracy

        if not set(self.network.parameters) <= set(values):
            return {}
        weights = {name: values[name] for name in self.network.parameters}
        loss, accuracy = loss_and_accuracy(self.network, weights, *self.data)
        return {"loss": float(loss), "accuracy": float(accuracy)}


def of_disk_alone(error: BaseException, folder: str) -> str:
    """That the trace could not be written; nothing if the error came from elsewhere, such as the user's own files."""
    from comparisons import saving

    if not any(frame.filename == saving.__file__ for frame in traceback.extract_tb(error.__traceback__)):
        return ""
    said = getattr(error, "strerror", None) or error  # safetensors has an error of its own
    return f"{folder} could not be written: {said}; free some space or choose another --out"


def print_trimmed(error: BaseException, implementation: Any) -> None:
    """The traceback from the user's file on; all of it where the file is not in it."""
    target = implementation.target.rpartition(":")[0]
    file = target if target.endswith(".py") else getattr(sys.modules.get(target), "__file__", None)
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename != file:
        part = part.tb_next
    traceback.print_exception(type(error), error, part or error.__traceback__)


class _Leaving:
    """Ends the process once everything is done, without taking apart what was loaded: of a framework, half a second.

    Registered before anything else, so that it is called last: after the threads and `atexit` functions of the user's
    code. Where something was raised, the interpreter ends as it always does.
    """

    status: int | None = None

    def __call__(self) -> None:
        if self.status is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            ctypes.CDLL(None).fflush(None)  # what code in other languages printed
            os._exit(self.status)


if __name__ == "__main__":
    leaving = _Leaving()
    atexit.register(leaving)
    leaving.status = main()
