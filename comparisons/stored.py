"""A stored trace: one that stays on disk, and of which some steps at a time are read, or some examples of a step.

It has the names and the steps of a trace; its numbers come in parts, each of which is a trace of its own that begins
with what the step before left. What is larger than the memory that may be used is judged so (`comparisons.streaming`).
Where a single step is larger, its examples come in blocks (`comparisons.blockwise`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
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
FEW = 2**14  # examples that need no blocks where steps fit
CACHE_BYTES = 2**20  # of one array of a block
ARRAYS = (
    8  # of float64 for each number of a step: middle and radius, recorded and computed, in the forms that are tried
)


class File(NamedTuple):
    """A chunk on disk, and its steps: from `begin` to before `end`, counted from 0."""

    path: Path
    begin: int
    end: int


class OnDisk(Mapping[str, Stack]):
    """What is shown, by name; a quantity is read, whole, when it is asked for."""

    def __init__(
        self, names: tuple[str, ...], files: tuple[File, ...], shapes: Mapping[str, tuple], network: Network
    ) -> None:
        self.names, self.files, self.shapes, self.network = names, files, shapes, network

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names  # and nothing is read for it

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Stack:
        if name not in self.names:
            raise KeyError(name)
        alone = OnDisk((name,), self.files, self.shapes, self.network)
        return joined(map(alone.read, self.files))[name]

    def read(self, file: File) -> dict[str, Stack]:
        """What is shown of the steps of a file."""
        found = chunk_of(file.path, self.shapes, self.network, self.names)
        return {name: found[name] for name in self.names}

    def without(self, names: tuple[str, ...]) -> OnDisk:
        """The same, but these."""
        return OnDisk(tuple(name for name in self.names if name not in names), self.files, self.shapes, self.network)


@dataclass(frozen=True, eq=False)
class Stored(Trace):
    """A trace on disk; `steps_at_once` are as many as may be judged together.

    Columns at once: if not even one step may be judged whole, so many of its examples, or None.
    """

    steps_at_once: int = 1
    columns_at_once: int | None = None

    @cached_property
    def n_steps(self) -> int:
        return self.files[-1].end

    @property
    def n_that_fit(self) -> int:
        """How many of its steps fit into memory; 0 where a step is larger."""
        return 0 if self.columns_at_once else self.steps_at_once

    @property
    def files(self) -> tuple[File, ...]:
        """The chunks that it lies in."""
        assert isinstance(self.shown, OnDisk)
        return self.shown.files

    def parts(self) -> Iterator[Trace]:
        """The whole trace in consecutive parts, each with as many steps as may be judged together."""
        left: dict[str, np.ndarray] = {}
        for begin, end, shown in self._portions():
            part = replace(self._in_memory(shown, begin, is_last=end == self.n_steps), start=left or self.start)
            yield part
            remembered = [name for name in self.network.remembered if name in self.shown]
            left = {name: part.values(name, end).copy() for name in remembered}
            del part, shown  # before the next one is read

    def part(self, first: int, last: int) -> Trace:
        """The steps from `first` to `last`, both included, in memory."""
        if not 1 <= first <= last <= self.n_steps:
            raise ValueError(f"steps {first} to {last} of a trace that has 1 to {self.n_steps}")
        assert isinstance(self.shown, OnDisk)
        files = [file for file in self.files if file.begin < last and file.end > max(first - 2, 0)]
        shown = joined(self.shown.read(file) for file in files)
        start = self.start
        if files[0].begin:
            start = {name: np.zeros(self.network.shape(name, 0)) for name in self.network.remembered if name in shown}
        around = replace(self._in_memory(shown, files[0].begin, is_last=files[-1].end == self.n_steps), start=start)
        is_all = (first, last) == (around.first, around.first + around.n_steps - 1)
        return around if is_all else around.part(first, last)

    def values(self, name: str, step: int) -> np.ndarray:
        return OneStep(self, step).read(name)[0]

    def hiding(self, *names: str) -> Stored:
        assert isinstance(self.shown, OnDisk)
        return replace(self, shown=self.shown.without(names))

    def until(self, last: int) -> Stored:
        """The steps from the first to the last, which is included; they stay on disk."""
        assert isinstance(self.shown, OnDisk)
        files = tuple(file._replace(end=min(file.end, last)) for file in self.files if file.begin < last)
        ended = self.ended if last >= self.n_steps else ""
        return replace(self, shown=OnDisk(self.shown.names, files, self.shown.shapes, self.network), ended=ended)

    @cached_property
    def examples_at_once(self) -> int:
        """How many examples fit into memory: those of a block, or of the steps that do, and some thousand anyway."""
        return self.columns_at_once or max(self.steps_at_once * int(self.experiment.batch_sizes.max()), FEW)

    def blocks(self, m: int, at_most: int | None = None) -> list[slice]:
        """The examples of a step of m in blocks of as equal a width as can be, one if it fits; or so wide at most."""
        n_blocks = -(-m // min(m, at_most or self.columns_at_once or m))
        ends = [m * number // n_blocks for number in range(n_blocks + 1)]
        return list(itertools.starmap(slice, itertools.pairwise(ends)))

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every shown number of every step, some at a time, by the name of its quantity."""
        if not self.columns_at_once:
            for part in self.parts():
                for name, stack in part.shown.items():
                    yield from ((name, x) for x in (stack.values() if isinstance(stack, Mapping) else [stack]))
            return
        for number in range(1, self.n_steps + 1):
            step = OneStep(self, number)
            for name in self.shown:
                blocks = self.blocks(step.m) if self.network.per_example(name) else [None]
                yield from ((name, step.read(name, block)) for block in blocks)

    def in_memory(self) -> Trace:
        """All of it, whatever it takes."""
        return self.part(1, self.n_steps)

    def _in_memory(self, shown: Mapping[str, Stack], begin: int, *, is_last: bool) -> Trace:
        """Some of its steps, from this one on, counted from 0."""
        return Trace(
            self.experiment, self.implementation, shown, self.start, self.start_shown and not begin, begin + 1,
            self.about, self.ended if is_last else "",
        )  # fmt: skip

    def _portions(self) -> Iterator[tuple[int, int, Mapping[str, Stack]]]:
        """Steps that are judged together: where they begin and end, counted from 0, and what is shown of them."""
        assert isinstance(self.shown, OnDisk)
        pending: list[Trace] = []
        n = 0
        for file in self.files:
            whole = Trace(self.experiment, self.implementation, self.shown.read(file), {}, first=file.begin + 1)
            begin = file.begin
            while begin < file.end:
                end = min(file.end, begin + self.steps_at_once - n)
                pending.append(_cut(whole, begin, end))
                n, begin = n + end - begin, end
                if n == self.steps_at_once:
                    yield end - n, end, joined(part.shown for part in pending)
                    pending, n = [], 0
        if pending:
            yield self.n_steps - n, self.n_steps, joined(part.shown for part in pending)


class OneStep:
    """One step of a stored trace, counted from 1, of whose m examples some at a time are read."""

    def __init__(self, trace: Stored, number: int) -> None:
        assert isinstance(trace.shown, OnDisk)
        sizes = trace.experiment.batch_sizes
        self.number, self.m = number, int(sizes[number - 1])
        self.file = next(file for file in trace.files if file.begin < number <= file.end)
        self.at = number - 1 - self.file.begin
        self.at_of_size = int((sizes[self.file.begin : number - 1] == self.m).sum())
        self.places = places_of(self.file.path, trace.shown.shapes, trace.network)

    def read(self, name: str, columns: slice | None = None) -> np.ndarray:
        """A quantity as a stack of this step alone, and if it has an entry per example, of these or of all."""
        place = self.places[name]
        if isinstance(place, Place):
            return part_of(self.file.path, place, self.at)
        return part_of(self.file.path, place[self.m], self.at_of_size, columns)


def _cut(whole: Trace, begin: int, end: int) -> Trace:
    """The steps from `begin` to before `end`, counted from 0 in the experiment."""
    if (begin, end) == (whole.first - 1, whole.first - 1 + whole.n_steps):
        return whole
    shown: dict[str, Stack] = {}
    for name, stack in whole.shown.items():
        at = slice(begin - whole.first + 1, end - whole.first + 1)
        if isinstance(stack, Mapping):
            places = {m: whole.steps_of(m) for m in stack}
            inside = {m: stack[m][(places[m] >= at.start) & (places[m] < at.stop)] for m in stack}
            shown[name] = {m: part.copy() for m, part in inside.items() if len(part)}
        else:
            shown[name] = stack[at].copy()
    return replace(whole, shown=shown, first=begin + 1)


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
    of_trace["shown"] = OnDisk(names, files, shapes, trace.network)
    return Stored(**of_trace, steps_at_once=steps_at_once, columns_at_once=columns)
