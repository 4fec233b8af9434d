"""The recorder: an array that computes nothing and writes down what the equations do to it.

A sheet holds what was written down: values, each given once, and the operations that give them. It knows the alphabet
and nothing of what the equations mean. `reference.tape` replays it.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from reference import alphabet

Function = Callable[..., Any]

ELEMENTWISE = frozenset((
    np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.greater, np.greater_equal, np.less,
    np.less_equal, np.equal, np.not_equal, np.bitwise_and, np.exp, np.log, np.log1p, np.sqrt, np.tanh, np.maximum,
    np.minimum,
))  # fmt: skip
ON_NUMBERS: Mapping[Function, Function] = {  # what Python does to a scalar of the step, which stays a Python number
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.power: operator.pow, np.negative: operator.neg, np.greater: operator.gt, np.greater_equal: operator.ge,
    np.less: operator.lt, np.less_equal: operator.le, np.equal: operator.eq, np.not_equal: operator.ne,
    np.sqrt: alphabet.sqrt,
}  # fmt: skip


class Value(NamedTuple):
    """An array of the step: its shape, its type, whether its last axis are the examples."""

    shape: tuple[int, ...]
    dtype: np.dtype
    has_examples: bool


class Read(NamedTuple):
    """What an operation reads of the arrays: which value, and whether turned (`.mT`)."""

    value: int
    turned: bool = False


class Number(NamedTuple):
    """What an operation reads of the numbers: a slot of the step's scalars or a constant, in the type it is read in."""

    slot: int | None
    constant: Any
    dtype: np.dtype


class Place(NamedTuple):
    """In which value a value lies, and where it begins: at which number, or at which row if it has examples."""

    home: int
    begin: int


class Operation(NamedTuple):
    """`function` of what it reads gives a value. Beside ufuncs: `total`, `chosen`, `spread` and `cast`."""

    function: Function
    reads: tuple[Read | Number, ...]
    gives: int


class OnNumbers(NamedTuple):
    """A Python function of scalars of the step, read from slots or constant, gives the scalar of a slot."""

    function: Function
    reads: tuple[tuple[int | None, Any], ...]
    gives: int


def total(x: np.ndarray) -> np.ndarray:
    """Σ along the last axis"""
    return x.sum(axis=-1, keepdims=True)


def chosen(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x where the condition holds, else y"""
    return np.where(condition, x, y)


def spread(x: np.ndarray) -> np.ndarray:
    """x as often as its result has columns"""
    return x


def cast(x: np.ndarray) -> np.ndarray:
    """x in the type of its result"""
    return x


@dataclass(eq=False)
class Sheet:
    """What was written down of a step: arrays, scalars, operations. Equal operations on the same are one.

    `spreads`: whether a column that meets examples is laid out as often as there are, which is faster where they are
    few.
    """

    spreads: bool = False
    values: list[Value] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    on_numbers: list[OnNumbers] = field(default_factory=list)
    stand_ins: list[Any] = field(default_factory=list)  # a number of each scalar's type
    known: dict[tuple, int] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)  # of values that lie in another one, beside others
    homes: set[int] = field(default_factory=set)  # the values that others lie in

    def value(self, shape: Sequence[int], dtype: Any, *, has_examples: bool = False) -> int:
        """A new value."""
        self.values.append(Value(tuple(shape), np.dtype(dtype), has_examples))
        return len(self.values) - 1

    def array(self, value: int) -> Recorder:
        """The value as an array that equations read."""
        return Recorder(self, Read(value))

    def scalar(self, stand_in: Any) -> Scalar:
        """A new scalar of the step, of the type of this number."""
        self.stand_ins.append(stand_in)
        return Scalar(self, len(self.stand_ins) - 1)

    def noted(self, function: Function, reads: tuple[Read | Number, ...], of: Value) -> int:
        """The value that an operation gives, written down if it is not known."""
        key = (function, tuple(read if isinstance(read, Read) else _key(read) for read in reads), of)
        if key not in self.known:
            self.known[key] = self.value(of.shape, of.dtype, has_examples=of.has_examples)
            self.operations.append(Operation(function, reads, self.known[key]))
        return self.known[key]

    def of_numbers(self, function: Function, inputs: Sequence[Any]) -> Scalar:
        """The scalar that Python's function of scalars gives."""
        known = [self.stand_ins[x.slot] if isinstance(x, Scalar) else x for x in inputs]
        given = self.scalar(function(*known))
        reads = tuple((x.slot, None) if isinstance(x, Scalar) else (None, x) for x in inputs)
        self.on_numbers.append(OnNumbers(function, reads, given.slot))
        return given

    def place(self, value: int) -> Place:
        """Where a value lies: in itself, if in no other."""
        return self.places.get(value, Place(value, 0))

    def extent(self, value: int) -> int:
        """How much room a value takes where it lies: its rows if it has examples, else its numbers."""
        of = self.values[value]
        return of.shape[0] if of.has_examples else math.prod(of.shape)

    def can_lie(self, parts: Sequence[int]) -> bool:
        """Whether these values lie side by side, in this order, or can be made to."""
        places = [self.places.get(part) for part in parts]
        kinds = {
            (v.dtype, v.has_examples, v.shape[1:] if v.has_examples else ())
            for v in map(self.values.__getitem__, parts)
        }
        if len(set(parts)) < len(parts) or len(kinds) > 1:
            return False
        if places == [None] * len(parts):
            return not self.homes & set(parts)
        if None in places or len({place.home for place in places if place}) > 1:
            return False
        ends = [place.begin + self.extent(part) for place, part in zip(places, parts, strict=True) if place]
        return ends[:-1] == [place.begin for place in places[1:] if place]

    def side_by_side(self, parts: Sequence[int]) -> int:
        """These values as one. Error: ValueError where they cannot lie so."""
        if not self.can_lie(parts):
            raise ValueError("these values do not lie side by side")
        values, extent = [self.values[part] for part in parts], sum(map(self.extent, parts))
        first = values[0]
        shape = (extent, *first.shape[1:]) if first.has_examples else (extent,)
        if parts[0] not in self.places:
            home = self.value(shape, first.dtype, has_examples=first.has_examples)
            self.divide(home, parts)
            return home
        place = self.place(parts[0])
        if place.begin == 0 and extent == self.extent(place.home):
            return place.home
        key = ("side by side", *parts)
        if key not in self.known:
            self.known[key] = self.value(shape, first.dtype, has_examples=first.has_examples)
            self.places[self.known[key]] = place
        return self.known[key]

    def divide(self, home: int, parts: Sequence[int]) -> None:
        """Let these new values lie side by side in another one."""
        begin = 0
        self.homes.add(home)
        for part in parts:
            self.places[part] = Place(home, begin)
            begin += self.extent(part)


def _key(number: Number) -> tuple:
    return number.slot, type(number.constant), np.asarray(number.constant).tobytes(), number.dtype


class _Speaks(np.lib.mixins.NDArrayOperatorsMixin):
    """What speaks the alphabet to a sheet."""

    __array_priority__ = 1000
    sheet: Sheet

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        if ufunc is np.matmul:
            return _product(self.sheet, *inputs)
        return _elementwise(self.sheet, ufunc, inputs) if ufunc in ELEMENTWISE else NotImplemented

    def __letter__(self, letter: Function, arguments: tuple, constants: dict[str, float]) -> Any:
        if letter is alphabet.in_precision_of:
            x, like = arguments
            return self.sheet.of_numbers(like.dtype.type, [x])
        return inspect.unwrap(letter)(*arguments, **constants)


class Scalar(_Speaks):
    """A scalar of the step, which stays a Python number until it meets an array."""

    def __init__(self, sheet: Sheet, slot: int) -> None:
        self.sheet, self.slot = sheet, slot


class Recorder(_Speaks):
    """An array of the step."""

    def __init__(self, sheet: Sheet, read: Read) -> None:
        self.sheet, self.read, self.value = sheet, read, sheet.values[read.value]

    shape = property(lambda self: self.value.shape[::-1] if self.read.turned else self.value.shape)
    ndim = property(lambda self: len(self.value.shape))
    dtype = property(lambda self: self.value.dtype)
    mT = property(lambda self: Recorder(self.sheet, self.read._replace(turned=not self.read.turned)))

    def sum(self, *, axis: int, keepdims: bool) -> Recorder:
        """Σ along the last axis."""
        if axis != -1 or not keepdims or self.read.turned:
            raise TypeError("a recorder sums along the last axis and keeps it: .sum(axis=-1, keepdims=True)")
        of = Value((*self.shape[:-1], 1), self.dtype, False)
        return self.sheet.array(self.sheet.noted(total, (self.read,), of))

    def __array_function__(self, function: Function, types: Any, arguments: tuple, options: dict) -> Any:
        if function in (np.zeros_like, np.ones_like) and not options:
            return function(np.empty((), arguments[0].dtype))
        if function is np.where and len(arguments) == 3 and not options:
            dtype = np.result_type(*(x.dtype for x in arguments[1:]))
            of = _value_of(arguments, dtype)
            reads = [_read(self.sheet, x, np.dtype(bool) if x is arguments[0] else dtype, of) for x in arguments]
            return self.sheet.array(self.sheet.noted(chosen, tuple(reads), of))
        return NotImplemented


def _elementwise(sheet: Sheet, ufunc: np.ufunc, inputs: tuple) -> Recorder | Scalar:
    if not any(isinstance(x, Recorder) for x in inputs):
        return sheet.of_numbers(ON_NUMBERS.get(ufunc, ufunc), inputs)
    *types, gives = ufunc.resolve_dtypes((*(_type(sheet, x) for x in inputs), None))
    of = _value_of(inputs, gives)
    reads = tuple(_read(sheet, x, dtype, of) for x, dtype in zip(inputs, types, strict=True))
    return sheet.array(sheet.noted(ufunc, reads, of))


def _type(sheet: Sheet, x: Any) -> Any:
    """As NumPy chooses a loop: Python numbers take the type of what they meet."""
    x = sheet.stand_ins[x.slot] if isinstance(x, Scalar) else x
    is_plain = isinstance(x, (int, float)) and not isinstance(x, (bool, np.generic))
    return type(x) if is_plain else np.dtype(bool) if isinstance(x, bool) else x.dtype


def _value_of(inputs: Sequence[Any], dtype: np.dtype) -> Value:
    arrays = [x for x in inputs if isinstance(x, Recorder)]
    if any(x.read.turned for x in arrays):
        raise TypeError("a recorder turns (.mT) what a matrix product reads, and nothing else")
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return Value(shape, dtype, any(x.value.has_examples for x in arrays))


def _read(sheet: Sheet, x: Any, dtype: np.dtype, of: Value) -> Read | Number:
    """How an operation that gives `of` reads x, in this type; what is of another type or broadcast comes first."""
    if isinstance(x, Scalar):
        return Number(x.slot, None, dtype)
    if not isinstance(x, Recorder):
        return Number(None, x, dtype)
    read = x.read
    if x.dtype != dtype:
        read = Read(sheet.noted(cast, (read,), x.value._replace(dtype=dtype)))
    if sheet.spreads and of.has_examples and not x.value.has_examples:
        read = Read(sheet.noted(spread, (read,), of._replace(dtype=dtype)))
    return read


def _product(sheet: Sheet, one: Any, other: Any) -> Recorder:
    """A matrix product; over examples it is a sum over them."""
    if not isinstance(one, Recorder) or not isinstance(other, Recorder) or one.dtype != other.dtype:
        raise TypeError("a recorder multiplies matrices of the step, of one type")
    is_over_examples = one.value.has_examples and other.value.has_examples
    if is_over_examples and (one.read.turned or not other.read.turned):
        raise TypeError("a recorder sums over the examples, which are the columns: dZ @ A.mT")
    if one.value.has_examples != is_over_examples or (
        other.value.has_examples and other.read.turned != is_over_examples
    ):
        raise TypeError("a recorder keeps examples as columns: W @ A")
    if one.shape[-1] != other.shape[0]:
        raise ValueError(f"a matrix product of {one.shape} and {other.shape}")
    of = Value((one.shape[0], other.shape[1]), one.dtype, other.value.has_examples and not is_over_examples)
    return sheet.array(sheet.noted(np.matmul, (one.read, other.read), of))
