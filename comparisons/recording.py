"""record: a subject and an experiment give a trace.

The subject is a generator function `train(experiment)`; each of its yields shows one step. It is given a watched copy
of the experiment, so that a yield before the first batch is known for what it is: start values of its own.

A recording that something ends on the way, a number that is not finite among them, keeps the steps before it: a trace
that says how it ended, and that can be certified up to there.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from comparisons.composed import network_of
from comparisons.delivery import Delivery, DeliveryError
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.machine import n_threads, processor
from comparisons.saving import CHUNK_BYTES, TraceFolder
from comparisons.trace import Stack, Trace, joined, stacked

Subject = Callable[[Any], Iterator[Mapping[str, Any]]]
LOOP = "loop over experiment.batches(), which gives everybody the same, and yield once after every batch"
Progress = Callable[[int, Mapping[str, np.ndarray]], None]


class Watched:
    """The experiment as a subject sees it: its fields and methods, and a count of the batches handed out."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self.n_handed_out = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._experiment, name)

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The experiment's batches, counted as they are handed out."""
        for batch in self._experiment.batches():
            self.n_handed_out += 1
            yield batch


class Memory:
    """Keeps a trace in memory, stacked in chunks as it grows."""

    def __init__(self, experiment: Experiment) -> None:
        self.network, self.sizes = network_of(experiment), experiment.batch_sizes
        self.chunks: list[Mapping[str, Stack]] = []
        self.pending: list[Mapping[str, np.ndarray]] = []
        self.n_steps = self.bytes = 0
        self.own_start: dict[str, np.ndarray] | None = None
        self.ended = ""

    def start(self, values: Mapping[str, np.ndarray]) -> None:
        """The start values that the implementation showed."""
        self.own_start = dict(values)

    def step(self, values: Mapping[str, np.ndarray]) -> None:
        """The next step."""
        self.pending.append(values)
        self.bytes += sum(value.nbytes for value in values.values())
        if self.bytes >= CHUNK_BYTES:
            self.close(complete=False)

    def close(self, *, complete: bool, ended: str = "") -> None:
        """Stack what is pending."""
        self.ended = ended
        if self.pending:
            sizes = self.sizes[self.n_steps : self.n_steps + len(self.pending)]
            self.chunks.append(stacked(self.pending, map(int, sizes), self.network))
            self.n_steps += len(self.pending)
            self.pending, self.bytes = [], 0


class Recording(NamedTuple):
    """What was recorded, as a Trace or in a folder, and what ended it before its last step, if anything did."""

    kept: Trace | Path
    error: Exception | SystemExit | None


def record(
    subject: Subject,
    experiment: Experiment,
    *,
    name: str | None = None,
    layout: str | None = None,
    into: str | Path | None = None,
    progress: Progress | None = None,
) -> Trace | Path:
    """Run the subject on the experiment and keep what it shows: as a Trace, or in the folder `into`.

    Layout: how the subject's arrays lie, by default the LAYOUT of the module that defines it, or the article's columns.
    Progress is called after every step with its number and what it showed.
    Error: DeliveryError, one sentence, for a yield that is not what it must be. What the subject itself raises passes
    through. The steps before are in the folder, or in the error's `recorded`: a trace that says how it ended.
    """
    kept, error = recorded(subject, experiment, name=name, layout=layout, into=into, progress=progress)
    if error is not None:
        vars(error)["recorded"] = kept
        raise error
    return kept


def recorded(
    subject: Subject,
    experiment: Experiment,
    *,
    name: str | None = None,
    layout: str | None = None,
    into: str | Path | None = None,
    progress: Progress | None = None,
    every: float | None = None,
) -> Recording:
    """As `record`, but what ends it after its first step is returned beside what was kept.

    Every: so many seconds the folder gets what was shown, so that it is there if this process hangs or is ended.
    Error: whatever comes before the first step.
    """
    name = name or str(getattr(subject, "__name__", type(subject).__name__))
    layout = layout or getattr(subject, "__globals__", {}).get("LAYOUT", "columns")
    network = network_of(experiment)
    about = environment()
    delivery = Delivery(network, experiment.precision, layout)
    keep = Memory(experiment) if into is None else TraceFolder(Path(into), experiment, name, about, every)
    number, complete, error, ended = 0, False, None, ""
    delivered = _delivered(subject, experiment, delivery)
    try:
        while not complete and error is None:
            try:
                number, values = next(delivered)
            except StopIteration:
                complete = True
            except (Exception, SystemExit) as raised:
                error, ended = raised, how_it_ended(raised, _file_of(subject))
            else:
                _keep(number, values, keep, progress)
                del values  # which may be large, before the next ones come
    except KeyboardInterrupt:
        ended = "it was interrupted" if number else ""
        raise
    finally:
        keep.close(complete=complete, ended=ended)
    if error is not None and number == 0:
        raise error
    if isinstance(keep, TraceFolder):
        return Recording(keep.folder, error)
    start = keep.own_start if keep.own_start is not None else experiment.initial()
    shown = joined(keep.chunks)
    trace = Trace(experiment, name, shown, start, keep.own_start is not None, about=about, ended=keep.ended)
    return Recording(trace, error)


def _keep(number: int, values: Mapping[str, np.ndarray], keep: Memory | TraceFolder, progress: Progress | None) -> None:
    if number == 0:
        keep.start(values)
        return
    keep.step(values)
    if progress:
        progress(number, values)


def _delivered(
    subject: Subject, experiment: Experiment, delivery: Delivery
) -> Iterator[tuple[int, Mapping[str, np.ndarray]]]:
    """The number of each step and what it shows; 0 and the start values, if it shows these."""
    watched, sizes, number = Watched(experiment), experiment.batch_sizes, 0
    yields = subject(watched)
    if not isinstance(yields, Iterator):
        raise DeliveryError(
            f"train(experiment) returned {type(yields).__name__}; it must yield after every step, with at least one "
            "`yield` in its body"
        )
    has_start = False
    for yielded in yields:
        if number == 0 and watched.n_handed_out == 0:
            if has_start:
                raise DeliveryError(f"train(experiment) yields again before it took a batch; {LOOP}")
            yield 0, delivery.start(yielded)
            has_start = True
            continue
        number += 1
        if number > len(sizes):
            raise DeliveryError(
                f"there are {len(sizes):,} batches, but more yields than that; yield once after every batch"
            )
        yield number, delivery.step(yielded, number, int(sizes[number - 1]))
    if watched.n_handed_out == 0:
        raise DeliveryError(f"train(experiment) ended before it took a batch; {LOOP}")
    if number < len(sizes):
        raise DeliveryError(
            f"there are {len(sizes):,} batches, but only {number:,} yields; go through all of experiment.batches() and "
            "yield once after every batch"
        )


def how_it_ended(error: BaseException, file: str) -> str:
    """One sentence: a mistake's own, or what was raised and where in the user's file, if it was there."""
    if isinstance(error, UsageError):
        return str(error)
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            where = f" at {Path(file).name}:{frame.lineno}"
    said = f": {error}".splitlines()[0] if str(error) else ""
    return f"it raised {type(error).__name__}{where}{said}"


def _file_of(subject: Subject) -> str:
    return str(getattr(getattr(subject, "__code__", None), "co_filename", ""))


def environment() -> dict[str, Any]:
    """With what the numbers were made: versions of what is loaded, platform, processor, threads."""
    import sys
    from importlib import metadata

    loaded = [package for package in ("numpy", "torch", "tensorflow", "keras", "jax") if package in sys.modules]
    versions = {package: metadata.version(package) for package in loaded}
    return {
        "python": platform.python_version(),
        "versions": versions,
        "platform": platform.platform(),
        "processor": processor(),
        "threads": n_threads(),
    }
