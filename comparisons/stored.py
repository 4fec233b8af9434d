"""A stored trace: one that stays on disk, and of which some steps at a time are read, or some examples of a step.

It has the names and the steps of a trace; its numbers come in parts, each of which is a trace of its own that begins
with what the step before left, or are those of a few steps alone. What is larger than the memory that may be used is
judged so (`comparisons.streaming`). Where a single step is larger, its examples come in blocks
(`comparisons.blockwise`).
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from comparisons.tensors import Place, part_of
from comparisons.trace import Stack, Trace, chunk_of, joined, measured, places_of
from reference.network import Network

MEMORY = 2**30  # bytes that a process may take, where nobody says otherwise
BASE = 2**27  # bytes that a process takes before it has read anything
CACHE_BYTES = 2**20  # of one array of a block
N_SOME = 2**12  # examples that are looked at together in any case
ARRAYS = (
    8  # of float64 for each number of a step: middle and radius, recorded and computed, in the forms that are tried
)
FEW = 4  # one in so many of the steps that are judged together are few


class File(NamedTuple):
    """A chunk on disk, and its steps: from `begin` to before `end`, counted from 0."""

    path: Path
    begin: int
    end: int


class OnDisk(Mapping[str, Stack]):
    """What is shown of the steps from `begin` to before `end`, by name; a quantity is read when it is asked for.

    Sizes: how many examples each step of the experiment has.
    """

    def __init__(
        self, names: tuple[str, ...], files: tuple[File, ...], shapes: Mapping[str, tuple], network: Network,
        sizes: np.ndarray, begin: int = 0, end: int | None = None,
    ) -> None:  # fmt: skip
        self.names, self.files, self.shapes, self.network, self.sizes = names, files, shapes, network, sizes
        self.begin, self.end = begin, files[-1].end if end is None else end

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names  # and nothing is read for it

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Stack:
        if name not in self.names:
            raise KeyError(name)
        ((_, _, shown),) = self.only((name,)).portions(self.end - self.begin)
        return shown[name]

    def only(self, names: Iterable[str]) -> OnDisk:
        """Of these quantities alone."""
        return OnDisk(tuple(names), self.files, self.shapes, self.network, self.sizes, self.begin, self.end)

    def between(self, begin: int, end: int) -> OnDisk:
        """Of these steps alone."""
        return OnDisk(self.names, self.files, self.shapes, self.network, self.sizes, begin, end)

    def portions(self, n_at_once: int) -> Iterator[tuple[int, int, Mapping[str, Stack]]]:
        """So many steps at a time, those of the last portion fewer: where they begin and end, and what is shown."""
        pending: list[Mapping[str, Stack]] = []
        n = 0
        for file in self.files:
            if file.end <= self.begin or file.begin >= self.end:
                continue
            shown, at = self.read(file), max(file.begin, self.begin)
            while at < min(file.end, self.end):
                end = min(file.end, self.end, at + n_at_once - n)
                pending.append(_cut(shown, self.sizes, file, at, end))
                n, at = n + end - at, end
                if n == n_at_once:
                    yield end - n, end, joined(pending)
                    pending, n = [], 0
            del shown  # before the next one is read
        if pending:
            yield self.end - n, self.end, joined(pending)

    def at(self, steps: Sequence[int]) -> dict[str, list[np.ndarray]]:
        """What is shown at these steps, counted from 0 and in ascending order; each file is read once."""
        found: dict[str, list[np.ndarray]] = {name: [] for name in self.names}
        for file, inside in itertools.groupby(steps, self._file_of):
            shown = self.read(file)
            for step in inside:
                for name, stack in _cut(shown, self.sizes, file, step, step + 1).items():
                    (value,) = next(iter(stack.values())) if isinstance(stack, Mapping) else stack
                    found[name].append(value)
        return found

    def _file_of(self, step: int) -> File:
        return self.files[bisect_right(self.files, step, key=lambda file: file.end)]

    def read(self, file: File) -> dict[str, Stack]:
        """What is shown of the steps of a file."""
        found = chunk_of(file.path, self.shapes, self.network, self.names)
        return {name: found[name] for name in self.names}


@dataclass(frozen=True, eq=False)
class Stored(Trace):
    """A trace on disk; `steps_at_once` are as many as may be judged together.

    Columns at once: if not even one step may be judged whole, so many of its examples, or None.
    """

    steps_at_once: int = 1
    columns_at_once: int | None = None

    @property
    def on_disk(self) -> OnDisk:
        """What is shown, which is not in memory."""
        assert isinstance(self.shown, OnDisk)
        return self.shown

    @cached_property
    def n_steps(self) -> int:
        return self.on_disk.end - self.on_disk.begin

    @property
    def n_that_fit(self) -> int:
        """How many of its steps fit into memory; 0 where a step is larger."""
        return 0 if self.columns_at_once else self.steps_at_once

    @property
    def files(self) -> tuple[File, ...]:
        """The chunks that it lies in."""
        return self.on_disk.files

    def parts(self, after: int = 0) -> Iterator[Trace]:
        """The steps after this one, by default all, in parts, each with as many steps as may be judged together."""
        remembered = [name for name in self.network.remembered if name in self.shown]
        left: dict[str, np.ndarray] = {}
        if after >= self.first:
            left = {name: value for name, (value,) in self.read(remembered, [after]).items()}
        of_those = self.on_disk.between(max(after, self.on_disk.begin), self.on_disk.end)
        for begin, end, shown in of_those.portions(self.steps_at_once):
            part = self._in_memory(shown, begin, end, left or self.start)
            yield part
            left = {name: part.values(name, end).copy() for name in remembered}
            del part, shown  # before the next one is read

    def part(self, first: int, last: int) -> Trace:
        """The steps from `first` to `last`, both included; in memory where they are few, and leave room for others."""
        if not self.first <= first <= last < self.first + self.n_steps:
            raise ValueError(
                f"steps {first} to {last} of a trace that has {self.first} to {self.first + self.n_steps - 1}"
            )
        start, is_start = self.start, first == self.first
        if not is_start:
            remembered = [name for name in self.network.remembered if name in self.shown]
            start = {name: value for name, (value,) in self.read(remembered, [first - 1]).items()}
        ended = self.ended if last == self.first + self.n_steps - 1 else ""
        part = replace(self, shown=self.on_disk.between(first - 1, last), start=start, first=first,
                       start_shown=self.start_shown and is_start, ended=ended)  # fmt: skip
        return part.in_memory() if part.n_steps <= self.n_that_fit // FEW else part

    def read(self, names: Iterable[str], steps: Sequence[int]) -> dict[str, list[np.ndarray]]:
        return self.on_disk.only(names).at([step - 1 for step in steps])

    def values(self, name: str, step: int) -> np.ndarray:
        return OneStep(self, step).read(name)[0]

    def hiding(self, *names: str) -> Stored:
        return replace(self, shown=self.on_disk.only(name for name in self.shown if name not in names))

    @cached_property
    def examples_at_once(self) -> int:
        """How many examples fit into memory: those of a block, or of the steps that do, and some thousand anyway."""
        return self.columns_at_once or max(self.steps_at_once * int(self.experiment.batch_sizes.max()), N_SOME)

    def blocks(self, m: int, at_most: int | None = None) -> list[slice]:
        """The examples of a step of m in blocks of as equal a width as can be, one if it fits; or so wide at most."""
        n_blocks = -(-m // min(m, at_most or self.columns_at_once or m))
        ends = [m * number // n_blocks for number in range(n_blocks + 1)]
        return list(itertools.starmap(slice, itertools.pairwise(ends)))

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        if not self.columns_at_once:
            for part in self.parts():
                yield from part.arrays()
            return
        for number in range(self.first, self.first + self.n_steps):
            step = OneStep(self, number)
            for name in self.shown:
                blocks = self.blocks(step.m) if self.network.per_example(name) else [None]
                yield from ((name, step.read(name, block)) for block in blocks)

    def in_memory(self) -> Trace:
        """All of it, whatever it takes."""
        ((begin, end, shown),) = self.on_disk.portions(self.n_steps)
        return self._in_memory(shown, begin, end, self.start)

    def _in_memory(self, shown: Mapping[str, Stack], begin: int, end: int, start: Mapping[str, np.ndarray]) -> Trace:
        """Steps of it, counted from 0 in the experiment."""
        is_first, is_last = begin == self.first - 1, end == self.on_disk.end
        return Trace(
            self.experiment, self.implementation, shown, start, self.start_shown and is_first, begin + 1, self.about,
            self.ended if is_last else "", self.equations,
        )  # fmt: skip


class OneStep:
    """One step of a stored trace, counted from 1, of whose m examples some at a time are read."""

    def __init__(self, trace: Stored, number: int) -> None:
        sizes = trace.experiment.batch_sizes
        self.number, self.m = number, int(sizes[number - 1])
        self.file = next(file for file in trace.files if file.begin < number <= file.end)
        self.at = number - 1 - self.file.begin
        self.at_of_size = int((sizes[self.file.begin : number - 1] == self.m).sum())
        self.places = places_of(self.file.path, trace.on_disk.shapes, trace.network)

    def read(self, name: str, columns: slice | None = None) -> np.ndarray:
        """A quantity as a stack of this step alone, and if it has an entry per example, of these or of all."""
        place = self.places[name]
        if isinstance(place, Place):
            return part_of(self.file.path, place, self.at)
        return part_of(self.file.path, place[self.m], self.at_of_size, columns)


def _cut(shown: Mapping[str, Stack], sizes: np.ndarray, file: File, begin: int, end: int) -> Mapping[str, Stack]:
    """What a file shows of the steps from `begin` to before `end`, counted from 0 in the experiment."""
    if (begin, end) == (file.begin, file.end):
        return shown
    of_file, at = sizes[file.begin : file.end], slice(begin - file.begin, end - file.begin)
    before, inside = (Counter(of_file[some].tolist()) for some in (slice(at.start), at))

    def cut(stack: Stack) -> Stack:
        if not isinstance(stack, Mapping):
            return stack[at].copy()
        return {m: stack[m][before[m] : before[m] + n].copy() for m, n in inside.items()}

    return {name: cut(stack) for name, stack in shown.items()}


def steps_within(memory: int, trace: Trace) -> int:
    """How many steps of an experiment can be judged at once in a process that takes so many bytes; 0 if none is whole.

    Whatever is shown, all quantities count: what is hidden is a ball.
    """
    of_step, of_example = _n_numbers(trace)
    return max(0, memory - BASE) // (8 * ARRAYS * (of_step + of_example * int(trace.experiment.batch_sizes.max())))


def columns_within(memory: int, trace: Trace) -> int:
    """How many examples of a step can be judged at once, at least one, beside all data and those of one step.

    No more than a core's own cache holds of the widest quantity: larger blocks are judged more slowly.
    """
    of_step, of_example = _n_numbers(trace)
    widest = max(trace.network.shape(name, 1)[0] for name in trace.network.shapes if trace.network.per_example(name))
    data = sum(array.nbytes for array in trace.experiment.data.examples.items().values())
    m, n_given = int(trace.experiment.batch_sizes.max()), trace.experiment.sizes[0] + 1
    rest = memory - BASE - 8 * ARRAYS * of_step - data - 2 * 8 * n_given * m
    return max(1, min(rest // (8 * ARRAYS * of_example), CACHE_BYTES // (8 * widest)))


def _n_numbers(trace: Trace) -> tuple[int, int]:
    """How many numbers all quantities of a step have beside those of its examples, and how many an example has."""
    of_step = of_example = 0
    for name in trace.network.shapes:
        n = math.prod(trace.network.shape(name, 1))
        is_of_example = trace.network.per_example(name)
        of_step, of_example = of_step + n * (not is_of_example), of_example + n * is_of_example
    return of_step, of_example


def shared(memory: int, n_traces: int) -> int:
    """What one of several traces that are held at the same time may take, that the process takes no more than this.

    A trace that fits is in memory as it was recorded, which is at most one of `ARRAYS`. Half of these are for the
    traces, and half for the work on one of them.
    """
    return BASE + (memory - BASE) * (ARRAYS // 2) // max(ARRAYS // 2, n_traces)


def files_of(
    chunks: Iterable[Path], shapes: Mapping[str, tuple], network: Network
) -> tuple[tuple[File, ...], dict[str, dict[int, tuple[int, str]]]]:
    """The files with their steps, by their headers, and what `measured` says of all of them together."""
    files: list[File] = []
    found: dict[str, dict[int, tuple[int, str]]] = {}
    for path in chunks:
        of_file = measured(places_of(path, shapes, network))
        begin = files[-1].end if files else 0
        files.append(
            File(path, begin, begin + max(sum(n for n, _ in by_size.values()) for by_size in of_file.values()))
        )
        for name, by_size in of_file.items():
            for m, (n, precision) in by_size.items():
                n_before, known = found.setdefault(name, {}).get(m, (0, precision))
                found[name][m] = (n_before + n, precision if known == precision else f"{known} and {precision}")
    return tuple(files), found


def stored(
    trace: Trace, files: tuple[File, ...], shapes: Mapping[str, tuple], steps_at_once: int, columns: int | None = None
) -> Stored:
    """The trace with what these files show, so many steps of it judged at once, or so many columns of one."""
    names = tuple(places_of(files[0].path, shapes, trace.network))
    of_trace = {field.name: getattr(trace, field.name) for field in fields(Trace)}
    of_trace["shown"] = OnDisk(names, files, shapes, trace.network, trace.experiment.batch_sizes)
    return Stored(**of_trace, steps_at_once=steps_at_once, columns_at_once=columns)
