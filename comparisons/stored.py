"""A stored trace: one that stays on disk, and of which some steps at a time are read.

It has the names and the steps of a trace; its numbers come in parts, each of which is a trace of its own that begins
with what the step before left. What is larger than the memory that may be used is judged so (`comparisons.streaming`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from comparisons.trace import Stack, Trace, chunk_of, joined, measured
from reference.network import Network

MEMORY = 2**30  # bytes that a process may take, where nobody says otherwise
BASE = 2**27  # bytes that a process takes before it has read anything
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
    """A trace on disk; `steps_at_once` are as many as may be judged together."""

    steps_at_once: int = 1

    @cached_property
    def n_steps(self) -> int:
        return self.files[-1].end

    @property
    def files(self) -> tuple[File, ...]:
        """The chunks that it lies in."""
        assert isinstance(self.shown, OnDisk)
        return self.shown.files

    def parts(self, after: int = 0) -> Iterator[Trace]:
        """The steps after this one, by default all, in parts, each with as many steps as may be judged together."""
        remembered = [name for name in self.network.remembered if name in self.shown]
        left: dict[str, np.ndarray] = {}
        if after and remembered:
            before = self.hiding(*(name for name in self.shown if name not in remembered)).part(after, after)
            left = {name: before.values(name, after) for name in remembered}
        for begin, end, shown in self._portions(after):
            part = replace(self._in_memory(shown, begin, is_last=end == self.n_steps), start=left or self.start)
            yield part
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
        return around if (first, last) == (files[0].begin + 1, files[-1].end) else around.part(first, last)

    def values(self, name: str, step: int) -> np.ndarray:
        return self.part(step, step).values(name, step)

    def hiding(self, *names: str) -> Stored:
        assert isinstance(self.shown, OnDisk)
        return replace(self, shown=self.shown.without(names))

    def in_memory(self) -> Trace:
        """All of it, whatever it takes."""
        return self.part(1, self.n_steps)

    def _in_memory(self, shown: Mapping[str, Stack], begin: int, *, is_last: bool) -> Trace:
        """Some of its steps, from this one on, counted from 0."""
        return Trace(
            self.experiment, self.implementation, shown, self.start, self.start_shown and not begin, begin + 1,
            self.about, self.ended if is_last else "",
        )  # fmt: skip

    def _portions(self, after: int = 0) -> Iterator[tuple[int, int, Mapping[str, Stack]]]:
        """Steps that are judged together: where they begin and end, counted from 0, and what is shown of them."""
        assert isinstance(self.shown, OnDisk)
        pending: list[Trace] = []
        n = 0
        for file in [file for file in self.files if file.end > after]:
            whole = Trace(self.experiment, self.implementation, self.shown.read(file), {}, first=file.begin + 1)
            begin = max(file.begin, after)
            while begin < file.end:
                end = min(file.end, begin + self.steps_at_once - n)
                pending.append(_cut(whole, begin, end))
                n, begin = n + end - begin, end
                if n == self.steps_at_once:
                    yield end - n, end, joined(part.shown for part in pending)
                    pending, n = [], 0
        if pending:
            yield self.n_steps - n, self.n_steps, joined(part.shown for part in pending)


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
    """How many steps of an experiment can be judged at once in a process that takes so many bytes; at least one.

    Whatever is shown, all quantities count: what is hidden is a ball.
    """
    m = int(trace.experiment.batch_sizes.max())
    n_numbers = sum(math.prod(trace.network.shape(name, m)) for name in trace.network.shapes)
    return max(1, (memory - BASE) // (8 * ARRAYS * n_numbers))


def files_of(
    chunks: Iterable[Path], shapes: Mapping[str, tuple], network: Network
) -> tuple[tuple[File, ...], dict[str, dict[int, tuple[int, str]]]]:
    """The files with their steps, each read once, and what `measured` says of all of them together."""
    files: list[File] = []
    found: dict[str, dict[int, tuple[int, str]]] = {}
    for path in chunks:
        of_file = measured(chunk_of(path, shapes, network))
        begin = files[-1].end if files else 0
        files.append(
            File(path, begin, begin + max(sum(n for n, _ in by_size.values()) for by_size in of_file.values()))
        )
        for name, by_size in of_file.items():
            for m, (n, precision) in by_size.items():
                n_before, known = found.setdefault(name, {}).get(m, (0, precision))
                found[name][m] = (n_before + n, precision if known == precision else f"{known} and {precision}")
    return tuple(files), found


def stored(trace: Trace, files: tuple[File, ...], shapes: Mapping[str, tuple], steps_at_once: int) -> Stored:
    """The trace with what these files show, so many steps of it judged at once."""
    names = tuple(chunk_of(files[0].path, shapes, trace.network))
    of_trace = {field.name: getattr(trace, field.name) for field in fields(Trace)}
    of_trace["shown"] = OnDisk(names, files, shapes, trace.network)
    return Stored(**of_trace, steps_at_once=steps_at_once)
