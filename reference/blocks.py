"""Blocks of columns: many examples go through a tape some at a time, so that what belongs to them stays in cache."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np

from reference.alphabet import Array
from reference.memory import Run, allocated, local_homes, runs
from reference.merging import values_of, waits_for
from reference.playing import Numbers, bound
from reference.recorder import Operation
from reference.writing import Written

CACHE_BYTES = 2**20  # what the arrays of a block may take together: a core's own cache


def columns_of(one: Written) -> int:
    """How many examples are a block."""
    sheet = one.sheet
    homes = {sheet.place(value).home for operation in one.operations for value in values_of(operation)}
    memory = allocated(sheet, one.operations, 1, {}, (), {})
    mine = {id(memory.by_home[home]): memory.by_home[home].nbytes for home in homes
            if home in memory.by_home and sheet.values[home].has_examples}  # fmt: skip
    return max(1, CACHE_BYTES // max(1, sum(mine.values())))


class Phases(NamedTuple):
    """The operations of a step: what waits for no example, what is done to each block, and what waits for its sums."""

    first: tuple[Operation, ...]
    of_block: tuple[Operation, ...]
    last: tuple[Operation, ...]
    sums: tuple[int, ...]  # the homes of sums over the examples


def phases(one: Written) -> Phases | None:
    """The step in phases; None where what is computed of an example waits for a sum over all of them."""
    sheet = one.sheet
    kinds: list[str] = []
    for operation, others in zip(one.operations, waits_for(sheet), strict=True):
        is_of_example = sheet.values[operation.gives].has_examples
        is_sum = not is_of_example and any(sheet.values[value].has_examples for value in values_of(operation))
        is_late = any(kinds[other] in ("sum", "last") for other in others)
        if is_late and (is_of_example or is_sum):
            return None
        kinds.append("last" if is_late else "block" if is_of_example else "sum" if is_sum else "first")
    homes = {kind: {sheet.place(o.gives).home for o, of in zip(one.operations, kinds, strict=True) if of == kind}
             for kind in ("first", "sum", "last")}  # fmt: skip
    if homes["sum"] & (homes["first"] | homes["last"]):
        return None
    first, of_block, last = (
        tuple(operation for operation, kind in zip(one.operations, kinds, strict=True) if kind in wanted)
        for wanted in (("first",), ("block", "sum"), ("last",))
    )
    return Phases(first, of_block, last, tuple(homes["sum"]))


class Blocks:
    """A step that takes its examples in blocks; sums over them are added up block after block."""

    def __init__(
        self, one: Written, of: Phases, columns: int, m: int, inputs: Mapping[str, int],
        fixed: Mapping[int, np.ndarray], kept: Collection[int], numbers: Numbers,
    ) -> None:  # fmt: skip
        sheet = one.sheet
        n_blocks = -(-m // columns)
        width = -(-m // n_blocks)
        self.sheet, self.bounds = sheet, [(begin, min(begin + width, m)) for begin in range(0, m, width)]
        homes = {sheet.place(value).home for value in kept}
        memory = allocated(sheet, of.first, 1, fixed, {sheet.place(o.gives).home for o in of.first}, {})
        shared = memory.by_home
        self.first = bound(memory, [Run((operation,)) for operation in of.first], 1, numbers)
        self.sums = {home: np.zeros(sheet.extent(home), sheet.values[home].dtype) for home in of.sums}
        n = len(self.bounds)
        self.of_blocks = {home: np.zeros((n, array.size), array.dtype) for home, array in self.sums.items()}
        self.full = {value: np.zeros(sheet.values[value].shape, sheet.values[value].dtype)
                     for value in kept if sheet.values[value].has_examples}  # fmt: skip
        later = runs(sheet, of.last, 1)
        fixed = {**shared, **self.sums}
        self.memory = allocated(sheet, of.last, 1, fixed, homes, local_homes(sheet, later, {*homes, *fixed}))
        self.last = bound(self.memory, later, 1, numbers)
        self.lane = self._lane(of, width, inputs, shared, numbers)

    def _lane(
        self, of: Phases, width: int, inputs: Mapping[str, int], shared: Mapping[int, np.ndarray], numbers: Numbers
    ) -> Callable[[int, Mapping[str, Array]], None]:
        """What takes a block of the step's examples through the operations, in memory of its own."""
        sheet, mine = self.sheet, {home: np.zeros_like(array) for home, array in self.sums.items()}
        homes = {sheet.place(value).home for value in inputs.values()}
        own = {home: np.zeros(sheet.extent(home) * width, sheet.values[home].dtype) for home in homes}
        kept = {sheet.place(value).home for value in self.full}
        memory = allocated(sheet, of.of_block, width, {**shared, **mine, **own}, kept, {})
        of_width = {}
        for begin, end in self.bounds:
            n = end - begin
            if n not in of_width:
                of_width[n] = (
                    [(name, memory.view(value, n)) for name, value in inputs.items()],
                    bound(memory, [Run((operation,)) for operation in of.of_block], n, numbers),
                    [(self.full[value], memory.view(value, n)) for value in self.full],
                )

        def play(number: int, step: Mapping[str, Array]) -> None:
            begin, end = self.bounds[number]
            loads, calls, stores = of_width[end - begin]
            for name, array in loads:
                np.copyto(array, step[name][:, begin:end], casting="no")
            for call in calls:
                call()
            for full, array in stores:
                full[:, begin:end] = array
            for home, array in mine.items():
                self.of_blocks[home][number] = array

        return play

    def play(self, step: Mapping[str, Array]) -> None:
        """A step."""
        for call in self.first:
            call()
        for number in range(len(self.bounds)):
            self.lane(number, step)
        for home, array in self.sums.items():
            np.add.reduce(self.of_blocks[home], axis=0, out=array)
        for call in self.last:
            call()

    def view(self, value: int) -> np.ndarray:
        """The array of a value that was kept."""
        return self.full[value] if value in self.full else self.memory.view(value, 1)
