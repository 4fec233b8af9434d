"""Merging: operations that do the same to different values are done once, to these side by side.

The 1/m of all gradients, the sums over the examples of all layers: for few examples a call costs more than what it
computes. It changes no number, since each row of a result depends on the same rows as before, in the same order.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from reference.recorder import ELEMENTWISE, Number, Operation, Read, Sheet, cast, spread, total


def merge(sheet: Sheet, *, with_examples: bool) -> None:
    """Join operations that do the same to different values, wherever these can lie side by side.

    With examples: those too that give or read an entry per example. Operations that give the most numbers of fixed
    size come first: they choose how things lie, and the others follow if they can.
    """
    alike: dict[tuple, list[Operation]] = {}
    for operation in sheet.operations:
        how = _how(sheet, operation)
        if how is not None and (with_examples or not any(sheet.values[v].has_examples for v in values_of(operation))):
            alike.setdefault(how, []).append(operation)
    for operations in sorted(alike.values(), key=lambda group: -_n_numbers(sheet, group)):
        if len(operations) > 1:
            _join(sheet, _independent(sheet, operations))


def values_of(operation: Operation) -> list[int]:
    """What an operation gives, and then what it reads."""
    return [operation.gives, *(read.value for read in operation.reads if isinstance(read, Read))]


def _n_numbers(sheet: Sheet, operations: Sequence[Operation]) -> int:
    values = [sheet.values[operation.gives] for operation in operations]
    return sum(math.prod(value.shape) for value in values if not value.has_examples)


def _how(sheet: Sheet, operation: Operation) -> tuple | None:
    """What an operation does, apart from the values; None where it cannot be joined with its like."""
    of = sheet.values[operation.gives]
    arrays = [sheet.values[value] for value in values_of(operation)[1:]]
    if any(isinstance(read, Read) and read.turned for read in operation.reads):
        return None
    if operation.function is total:
        is_row_by_row = arrays[0].has_examples
    elif operation.function is spread:
        is_row_by_row = arrays[0].shape == (of.shape[0], 1)
    else:
        is_row_by_row = operation.function in ELEMENTWISE | {cast}
        is_row_by_row &= all((x.shape, x.has_examples) == (of.shape, of.has_examples) for x in arrays)
    numbers = tuple(
        (read.slot, np.asarray(read.constant).tobytes(), read.dtype) if isinstance(read, Number) else None
        for read in operation.reads
    )
    columns = next((x.shape[1:] for x in (of, *arrays) if x.has_examples), ())
    return (operation.function, numbers, of.dtype, of.has_examples, columns) if is_row_by_row else None


def _join(sheet: Sheet, operations: Sequence[Operation]) -> None:
    """Join these operations, of which none waits for another: all, or else those whose results lie together."""
    homes: dict[int, list[Operation]] = {}
    for operation in operations:
        homes.setdefault(sheet.place(operation.gives).home, []).append(operation)
    if (order := _order(sheet, operations)) is not None:
        _put(sheet, order)
        return
    for together in homes.values():
        if (order := _order(sheet, together)) is not None:
            _put(sheet, order)


def _put(sheet: Sheet, order: Sequence[Operation]) -> None:
    """One operation in the place of all of these."""
    columns = iter([sheet.side_by_side(column) for column in _columns(order)])
    reads = tuple(Read(next(columns)) if isinstance(read, Read) else read for read in order[0].reads)
    gives = sheet.side_by_side([operation.gives for operation in order])
    gone = set(map(id, order))
    at = next(number for number, operation in enumerate(sheet.operations) if id(operation) in gone)
    sheet.operations[at] = Operation(order[0].function, reads, gives)
    sheet.operations[:] = [operation for operation in sheet.operations if id(operation) not in gone]


def _order(sheet: Sheet, operations: Sequence[Operation]) -> list[Operation] | None:
    """An order in which what these read and what they give can lie side by side; None if there is none."""
    orders = [
        sorted(operations, key=lambda operation: sheet.place(operation.gives)),
        sorted(operations, key=lambda operation: [sheet.place(value) for value in values_of(operation)[1:]]),
        list(operations),
    ]
    for order in orders:
        columns = [*_columns(order), [operation.gives for operation in order]]
        if len(order) > 1 and not _cross(columns) and all(map(sheet.can_lie, columns)):
            return order
    return None


def _columns(order: Sequence[Operation]) -> list[list[int]]:
    """The values that operations of one kind read, by the place of the argument."""
    return [list(column) for column in zip(*(values_of(operation)[1:] for operation in order), strict=True)]


def _cross(columns: Sequence[Sequence[int]]) -> bool:
    """Whether two columns have a value in common, but not all: no value can lie in two places."""
    sets = [frozenset(column) for column in columns]
    return any(one != other and one & other for number, one in enumerate(sets) for other in sets[:number])


def _independent(sheet: Sheet, operations: Sequence[Operation]) -> list[Operation]:
    """Of these operations as many as wait for none of the others, not even by way of something else."""
    waits = waits_for(sheet)
    behind = [0] * len(waits)  # for each operation, a bit for each that it waits for
    for number in sorted_by_waiting(waits) or ():
        for other in waits[number]:
            behind[number] |= behind[other] | 1 << other
    at = {id(operation): number for number, operation in enumerate(sheet.operations)}
    found: list[Operation] = []
    for operation in operations:
        here = at[id(operation)]
        if not any((behind[here] >> at[id(o)] | behind[at[id(o)]] >> here) & 1 for o in found):
            found.append(operation)
    return found


def waits_for(sheet: Sheet) -> list[set[int]]:
    """For each operation, the numbers of those that give it what it reads."""
    given: dict[int, list[tuple[int, int, int]]] = {}
    for number, operation in enumerate(sheet.operations):
        place = sheet.place(operation.gives)
        given.setdefault(place.home, []).append((place.begin, place.begin + sheet.extent(operation.gives), number))
    waits: list[set[int]] = []
    for operation in sheet.operations:
        found = set()
        for value in values_of(operation)[1:]:
            home, begin = sheet.place(value)
            end = begin + sheet.extent(value)
            found |= {number for first, last, number in given.get(home, ()) if first < end and begin < last}
        waits.append(found)
    return waits


def in_order(sheet: Sheet) -> tuple[Operation, ...]:
    """The operations, each after those that give it what it reads, and otherwise as they stood."""
    order = sorted_by_waiting(waits_for(sheet))
    assert order is not None, "joined operations wait for one another"
    return tuple(sheet.operations[number] for number in order)


def sorted_by_waiting(waits: Sequence[set[int]]) -> list[int] | None:
    """Numbers, each after those that it waits for, the smallest first; None where they wait in a circle."""
    missing = [set(others) for others in waits]
    readers: dict[int, list[int]] = {}
    for number, others in enumerate(waits):
        for other in others:
            readers.setdefault(other, []).append(number)
    ready = [number for number, others in enumerate(missing) if not others]
    order: list[int] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(number)
        for reader in readers.get(number, ()):
            missing[reader].discard(number)
            if not missing[reader]:
                heapq.heappush(ready, reader)
    return order if len(order) == len(waits) else None
