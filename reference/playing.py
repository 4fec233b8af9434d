"""Playing: each operation of a tape as one call that is ready, its arrays and its numbers already in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from reference.memory import Memory, Run
from reference.recorder import Number, OnNumbers, Operation, Read, cast, chosen, spread, total
from reference.writing import Written

Call = Callable[[], object]
SMALL = 2**15  # multiplications of a matrix product, up to which the call costs more than what it computes
FEW = 256  # numbers, up to which a call costs more than what it computes
BITS = {4: np.int32, 8: np.int64}
SPECIAL = (0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-310)


class Numbers:
    """The scalars of the step: Python computes them, and where they meet arrays they lie in arrays of no dimension."""

    def __init__(self, one: Written) -> None:
        self.slots = list(one.sheet.stand_ins)
        self.names = one.slots
        self.todo = [_on_numbers(operation) for operation in one.sheet.on_numbers]
        self.met: dict[tuple[int, np.dtype], np.ndarray] = {}
        self.full: dict[tuple, np.ndarray] = {}

    def array(self, number: Number) -> np.ndarray:
        """A number, rounded to the type in which it is read; that of a slot is renewed at every step."""
        if number.slot is None:
            return np.array(number.constant, number.dtype)
        return self.met.setdefault((number.slot, number.dtype), np.zeros((), number.dtype))

    def laid_out(self, function: np.ufunc, number: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A constant as often as there are numbers, if that gives the same bits."""
        if not _is_laid_out_alike(function, number.dtype, number.tobytes()):
            return number
        return self.full.setdefault((number.tobytes(), number.dtype, shape), np.full(shape, number))

    def scratch(self, shape: tuple[int, ...], dtype: type, which: int) -> np.ndarray:
        """Memory that one operation at a time may use."""
        return self.full.setdefault((which, dtype, shape), np.empty(shape, dtype))

    def of(self, given: Mapping[str, Any]) -> Sequence[Any]:
        """All scalars of a step, by slot, from those that it is given."""
        for name, number in given.items():
            self.slots[self.names[name]] = number
        for do in self.todo:
            do(self.slots)
        for (slot, _), array in self.met.items():
            array[()] = self.slots[slot]
        return self.slots


def _on_numbers(operation: OnNumbers) -> Callable[[list], None]:
    function, reads, gives = operation

    def do(slots: list) -> None:
        slots[gives] = function(*[constant if slot is None else slots[slot] for slot, constant in reads])

    return do


def bound(memory: Memory, runs: Sequence[Run], n_examples: int, numbers: Numbers) -> list[Call]:
    """Calls that do what the runs say, in order."""
    calls: list[Call] = []
    for run in runs:
        if not run.n_rows or run.chunk >= run.n_rows:
            for operation in run.operations:
                calls += _calls(memory, operation, n_examples, numbers, slice(0, run.n_rows) if run.n_rows else None)
            continue
        for begin in range(0, run.n_rows, run.chunk):
            rows = slice(begin, min(begin + run.chunk, run.n_rows))
            for operation in run.operations:
                calls += _calls(memory, operation, n_examples, numbers, rows)
    return calls


def _calls(memory: Memory, operation: Operation, n_examples: int, numbers: Numbers, rows: slice | None) -> list[Call]:
    function, out = operation.function, memory.view(operation.gives, n_examples, rows)
    reads = [_argument(memory, read, n_examples, numbers, rows) for read in operation.reads]
    if function is total:
        return [partial(np.add.reduce, reads[0], -1, None, out.reshape(-1, 1), True)]
    if function is spread:
        return [partial(np.copyto, out, reads[0].reshape(-1, 1))]
    if function is cast:
        return [partial(np.copyto, out, reads[0])]
    if function is chosen:
        return _chosen(reads[0], reads[1], reads[2], out, numbers)
    if function is np.matmul:
        return [_product(reads[0], reads[1], out)]
    if function in (np.maximum, np.minimum):  # NumPy is fast where both are arrays
        full = [numbers.laid_out(function, x, out.shape) if isinstance(read, Number) and read.slot is None else x
                for x, read in zip(reads, operation.reads, strict=True)]  # fmt: skip
        return [partial(function, *full, out=out)]
    return [partial(function, *reads, out)]


def _argument(memory: Memory, read: Read | Number, n_examples: int, numbers: Numbers, rows: slice | None) -> np.ndarray:
    if isinstance(read, Number):
        return numbers.array(read)
    array = memory.view(read.value, n_examples, rows)
    return array.mT if read.turned else array


def _chosen(condition: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray, numbers: Numbers) -> list[Call]:
    """y, and over it x where the condition holds; y may lie there already.

    A processor cannot foresee conditions of many numbers, so that these are chosen without a branch, bit by bit.
    """
    is_whole = condition.shape == out.shape and out.flags.c_contiguous
    if is_whole and out.size > FEW and out.itemsize in BITS and x.dtype == y.dtype == out.dtype:
        bits = BITS[out.itemsize]
        mask, turned = (numbers.scratch(out.shape, bits, which) for which in (0, 1))
        mine, other, given = (array.view(bits) for array in (x, y, out))
        return [
            partial(np.copyto, mask, condition),
            partial(np.negative, mask, mask),  # all bits, or none
            partial(np.bitwise_xor, mine, other, turned),
            partial(np.bitwise_and, turned, mask, turned),
            partial(np.bitwise_xor, other, turned, given),
        ]
    is_there = y.shape == out.shape and y.ctypes.data == out.ctypes.data
    copies: list[Call] = [] if is_there else [partial(np.copyto, out, y)]
    if condition.shape == out.shape and x.shape in ((), out.shape) and out.flags.c_contiguous:
        return [*copies, partial(np.putmask, out, condition, x)]
    return [*copies, partial(np.copyto, out, x, where=condition)]


def _product(one: np.ndarray, other: np.ndarray, out: np.ndarray) -> Call:
    """The matrix product; where it is small by np.dot, which calls the same routine with less on the way.

    That it gives the same bits is not taken for granted: it is tried on numbers of these shapes.
    """
    is_small = one.shape[0] * one.shape[1] * other.shape[1] <= SMALL
    like = [(x.shape, x.flags.c_contiguous, x.flags.f_contiguous) for x in (one, other)]
    if is_small and out.flags.c_contiguous and _is_dot_alike(out.dtype, *like):
        return partial(np.dot, one, other, out)
    return partial(np.matmul, one, other, out)


@cache
def _is_dot_alike(dtype: np.dtype, *like: tuple[tuple[int, int], bool, bool]) -> bool:
    rng = np.random.default_rng(0)
    if not all(is_c or is_f for _, is_c, is_f in like):
        return False
    for _ in range(4):
        one, other = (
            np.asarray(rng.normal(size=shape).astype(dtype), order="C" if is_c else "F") for shape, is_c, _ in like
        )
        if np.matmul(one, other).tobytes() != np.dot(one, other).tobytes():
            return False
    return True


@cache
def _is_laid_out_alike(function: np.ufunc, dtype: np.dtype, number: bytes) -> bool:
    with np.errstate(all="ignore"):
        tried = np.tile(np.array(SPECIAL).astype(dtype), 8)
    constant = np.frombuffer(number, dtype)[0]
    return function(tried, constant).tobytes() == function(tried, np.full_like(tried, constant)).tobytes()
