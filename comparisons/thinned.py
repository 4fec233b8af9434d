"""A thinned trace: on disk are some of its steps, in ranges, and between them are gaps.

In each range all steps but the first can be judged, since what they begin with is there; so can step 1. What is hidden
and carried from step to step cannot be followed, so that what needs it is not judged.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from comparisons.errors import UsageError
from comparisons.stored import File, Stored
from comparisons.trace import Stack, Trace, joined

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Thinned(Stored):
    """`kept` are the ranges of steps that are there, from 1, both ends included; `shown` has these steps alone."""

    kept: Ranges = ()

    @cached_property
    def n_steps(self) -> int:
        return self.kept[-1][1]

    @property
    def is_whole(self) -> bool:
        return False

    @property
    def has_gaps(self) -> bool:
        return True

    @cached_property
    def kept_steps(self) -> np.ndarray:
        """The numbers of the steps that are there."""
        return steps_in(self.kept)

    @cached_property
    def judged(self) -> Ranges:
        """The ranges of steps that can be judged."""
        ranges = ((first if first == 1 else first + 1, last) for first, last in self.kept)
        return tuple((first, last) for first, last in ranges if first <= last)

    def parts(self, after: int = 0) -> Iterator[Trace]:
        """The steps that can be judged, after this one, in parts of consecutive ones."""
        for first, last in self.judged:
            for begin in range(max(first, after + 1), last + 1, self.steps_at_once):
                yield self._run(begin, min(last, begin + self.steps_at_once - 1))

    def part(self, first: int, last: int) -> Trace:
        """Of the steps from `first` to `last` the last ones in a row that can be judged.

        Error: ValueError where none of them can.
        """
        for begin, end in reversed(self.judged):
            if begin <= last and end >= first:
                return self._run(max(begin, first), min(end, last))
        raise ValueError(f"steps {first} to {last} are not there, or not the step before")

    def values(self, name: str, step: int) -> np.ndarray:
        return self._between(*self._places(step, step), step).values(name, step)

    def read(self, names: Iterable[str], steps: Sequence[int]) -> dict[str, list[np.ndarray]]:
        return Trace.read(self, names, steps)

    def in_memory(self) -> Trace:
        raise UsageError(f"{self.implementation}'s trace is thinned; what needs all of its steps cannot be had from it")

    def _run(self, first: int, last: int) -> Trace:
        if first == 1:
            return self._between(*self._places(1, last), 1)
        return self._between(*self._places(first - 1, last), first - 1).part(first, last)

    def _places(self, first: int, last: int) -> tuple[int, int]:
        """Where these steps lie among those that are there: from the first place to before the second."""
        number = bisect.bisect_right(self.kept, (first, self.n_steps)) - 1
        if number < 0 or not self.kept[number][0] <= first <= last <= self.kept[number][1]:
            raise ValueError(f"step {first} is not there: {self.n_kept:,} of {self.n_steps:,} steps are kept")
        place = int(np.searchsorted(self.kept_steps, first))
        return place, place + last - first + 1

    @property
    def n_kept(self) -> int:
        """How many steps are there."""
        return len(self.kept_steps)

    def _between(self, begin: int, end: int, first: int) -> Trace:
        """The steps at these places, of which the first has this number."""
        files = [file for file in self.files if file.end > begin and file.begin < end]
        shown = joined(self._of_file(file, begin, end) for file in files)
        is_first, is_last = first == 1, first + end - begin - 1 == self.n_steps
        return Trace(
            self.experiment, self.implementation, shown, self.start if is_first else {}, self.start_shown and is_first,
            first, self.about, self.ended if is_last else "",
        )  # fmt: skip

    def _of_file(self, file: File, begin: int, end: int) -> dict[str, Stack]:
        sizes = self.experiment.batch_sizes[self.kept_steps[file.begin : file.end] - 1]
        wanted = np.zeros(file.end - file.begin, bool)
        wanted[max(begin - file.begin, 0) : end - file.begin] = True
        return chosen(self._read(file), wanted, sizes)

    def _read(self, file: File) -> Mapping[str, Stack]:
        """What is shown of a file; of the last one it is kept, since several ranges lie in it."""
        last = vars(self).get("_last")
        if last is None or last[0] != file:
            last = vars(self)["_last"] = file, self.on_disk.read(file)
        return last[1]


def chosen(shown: Mapping[str, Stack], wanted: np.ndarray, sizes: np.ndarray) -> dict[str, Stack]:
    """What is shown of the wanted steps alone; `sizes` are the batch sizes of all that there are."""
    found: dict[str, Stack] = {}
    for name, stack in shown.items():
        if isinstance(stack, Mapping):
            parts = {m: part[wanted[sizes == m]] for m, part in stack.items()}
            found[name] = {m: part for m, part in parts.items() if len(part)}
        else:
            found[name] = stack[wanted]
    return found


def steps_in(ranges: Sequence[tuple[int, int]]) -> np.ndarray:
    """The numbers of all steps in these ranges."""
    return np.concatenate([np.arange(first, last + 1) for first, last in ranges])


def thinned(trace: Stored, kept: Ranges) -> Thinned:
    """The stored trace as one of which these steps are there."""
    of_trace = {name: getattr(trace, name) for name in trace.__dataclass_fields__}
    return replace(Thinned(**of_trace), kept=kept)
