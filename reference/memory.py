"""Memory for a tape: which values may lie where, so that as little as possible is touched, and views of them.

A value's memory is used again when nobody reads it any more, and an elementwise operation writes over what it reads
where that is read for the last time. What lies side by side is one piece of memory with views.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reference.merging import values_of
from reference.recorder import ELEMENTWISE, Operation, Read, Sheet, cast, chosen, spread, total

CHUNK_BYTES = 2**18  # of one array: an operation's three and its neighbours' stay in a core's own cache
ROWWISE = ELEMENTWISE | {cast, chosen, spread, total}


class Run(NamedTuple):
    """Consecutive operations; where `n_rows` is not 0, they go through so many rows together, chunk after chunk."""

    operations: tuple[Operation, ...]
    n_rows: int = 0
    chunk: int = 0


@dataclass(frozen=True, eq=False)
class Memory:
    """Where the values of a sheet lie, by home, for a number of examples; in `local` ones a chunk's rows alone."""

    sheet: Sheet
    by_home: Mapping[int, np.ndarray]
    local: Collection[int]

    def view(self, value: int, n_examples: int, rows: slice | None = None) -> np.ndarray:
        """The value's array for so many examples, or some rows of it."""
        of, place = self.sheet.values[value], self.sheet.place(value)
        whole, row = self.by_home[place.home], (n_examples,) if of.has_examples else of.shape[1:]
        if place.home in self.local and rows is not None:
            n_rows = rows.stop - rows.start
            return whole[: n_rows * math.prod(row)].reshape(n_rows, *row)
        if of.has_examples:
            n_rows = self.sheet.extent(place.home)
            array = whole[: n_rows * n_examples].reshape(n_rows, n_examples)
            array = array[place.begin : place.begin + self.sheet.extent(value)]
        else:
            array = whole[place.begin : place.begin + self.sheet.extent(value)].reshape(of.shape)
        return array if rows is None else array[rows]


def runs(sheet: Sheet, operations: Sequence[Operation], n_examples: int) -> list[Run]:
    """The operations in runs: those over the same many rows, too many for the cache, go through them in chunks."""
    found: list[Run] = []
    for operation in operations:
        n_rows = _rows(sheet, operation, n_examples)
        if found and n_rows and found[-1].n_rows == n_rows:
            chunk = min(found[-1].chunk, _chunk(sheet, operation, n_examples))
            found[-1] = Run((*found[-1].operations, operation), n_rows, chunk)
        else:
            found.append(Run((operation,), n_rows, _chunk(sheet, operation, n_examples) if n_rows else 0))
    return found


def _rows(sheet: Sheet, operation: Operation, n_examples: int) -> int:
    """The rows of an operation that can be done to some of them at a time, 0 if it cannot or need not."""
    values = values_of(operation)
    n_rows = {sheet.values[value].shape[0] for value in values}
    is_turned = any(isinstance(read, Read) and read.turned for read in operation.reads)
    if operation.function not in ROWWISE or len(n_rows) > 1 or is_turned:
        return 0
    return n_rows.pop() if max(_n_bytes(sheet, v, n_examples) for v in values) > 4 * CHUNK_BYTES else 0


def _n_bytes(sheet: Sheet, value: int, n_examples: int) -> int:
    of = sheet.values[value]
    n = sheet.extent(value) * (n_examples if of.has_examples else 1)
    return n * of.dtype.itemsize


def _chunk(sheet: Sheet, operation: Operation, n_examples: int) -> int:
    """So many rows that an array of them has the bytes of a chunk."""
    values = values_of(operation)
    return max(1, min(CHUNK_BYTES * sheet.values[v].shape[0] // max(1, _n_bytes(sheet, v, n_examples)) for v in values))


def local_homes(sheet: Sheet, found: Sequence[Run], kept: Collection[int]) -> dict[int, int]:
    """The homes that live inside one chunked run, with the chunk's rows: nobody else reads or gives them."""
    users: dict[int, set[int]] = {}
    for number, run in enumerate(found):
        for operation in run.operations:
            for value in values_of(operation):
                users.setdefault(sheet.place(value).home, set()).add(number if run.n_rows else -1)
    alone = {home: min(numbers) for home, numbers in users.items() if len(numbers) == 1 and -1 not in numbers}
    given = {operation.gives for run in found for operation in run.operations}
    return {home: found[number].chunk for home, number in alone.items()
            if home in given and home not in kept and home not in sheet.homes}  # fmt: skip


def allocated(
    sheet: Sheet, operations: Sequence[Operation], n_examples: int, fixed: Mapping[int, np.ndarray],
    kept: Collection[int], local: Mapping[int, int],
) -> Memory:  # fmt: skip
    """Memory for all that the operations read and give; `fixed` lies where it lies, `kept` is not written over."""
    last = {sheet.place(value).home: number for number, o in enumerate(operations) for value in values_of(o)}
    stays = {*kept, *fixed}
    by_home = dict(fixed)
    free: dict[tuple, list[np.ndarray]] = {}

    def size(home: int) -> tuple:
        of = sheet.values[home]
        row = n_examples if of.has_examples else math.prod(of.shape[1:])
        return local.get(home, of.shape[0]) * row, of.dtype, home in local

    for number, operation in enumerate(operations):
        home = sheet.place(operation.gives).home
        ending = {sheet.place(value).home for value in values_of(operation)[1:]} - stays
        ending = {other for other in ending if last[other] == number and other in by_home}
        if home not in by_home:
            heirs = [other for other in _whole_reads(sheet, operation) if other in ending and size(other) == size(home)]
            if heirs and operation.gives == home:
                by_home[home] = by_home[heirs[-1]]
                ending.discard(heirs[-1])
            else:
                waiting = free.get(size(home))
                by_home[home] = waiting.pop() if waiting else np.zeros(size(home)[0], size(home)[1])
        for other in ending:
            free.setdefault(size(other), []).append(by_home[other])
    return Memory(sheet, by_home, frozenset(local))


def _whole_reads(sheet: Sheet, operation: Operation) -> list[int]:
    """What an operation may write over: homes that it reads whole, number by number."""
    if operation.function not in ELEMENTWISE | {chosen}:
        return []
    reads = operation.reads[2:] if operation.function is chosen else operation.reads
    shape = sheet.values[operation.gives].shape
    return [read.value for read in reads if isinstance(read, Read) and not read.turned
            and read.value not in sheet.places and sheet.values[read.value].shape == shape]  # fmt: skip
