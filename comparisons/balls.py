"""Balls: the numbers that a correct implementation may produce, as a float64 midpoint and a radius.

A ball is a NumPy duck array: the reference's own equations run on it unchanged. Every operation adds the worst that
rounding can do to what its operands' radii become, in round-to-nearest, with or without fused multiply-add, with
subnormal numbers kept or flushed to 0 wherever they are read or written, and for any order of summation. Algebraic
rearrangement is another form, not rounding. The exact value of the equation on the same numbers lies inside too. A
result that may leave the range of the format has an infinite radius: it may be anything, ∞ and NaN included.

Three things keep balls small. *Exact is exact*: x ± 0, 0 · x and ±1 · x do not round, so that zeros and masks have
radius 0 and radius 0 can be judged. *A sum stays open*: a term that is added to a fresh sum, or the factor 1/m that is
applied to it, is one more rounding anywhere in that sum. *A ball remembers its origin*: a letter that would read a
number twice finds that it was made from the same number (see `comparisons.letters`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.precisions import FLOAT64, Precision, coarser

OWN = 2.0**-53  # the midpoint is itself computed, in float64
SLACK = 1 + 2.0**-30  # for the roundings of the radius itself, also in float64: sums of up to 2²² terms


class Sum(NamedTuple):
    """A sum whose terms may still be joined: how many roundings any of them meets at most, and Σ|terms|.

    `given` is the part of the radius that came with the terms, `flushed` what all of its operations may lose to
    underflow; `closed` tells that no further term may join.
    """

    n_roundings: float | np.ndarray
    absolute: np.ndarray
    given: np.ndarray | None = None
    flushed: float | np.ndarray = 0.0
    closed: bool = False


class Ball(np.lib.mixins.NDArrayOperatorsMixin):
    """All numbers within `radius` of `mid`; `precision` is the format whose rounding the next operation meets.

    `spread` is the radius, or None where it is 0 everywhere, which is cheaper. `sum_of` has the terms of the last
    addition, `origin` the letter and the balls that this one was made from.
    """

    __slots__ = ("mid", "origin", "precision", "spread", "sum_of")
    __array_priority__ = 1000

    def __init__(
        self,
        mid: Any,
        radius: np.ndarray | None = None,
        precision: Precision = FLOAT64,
        sum_of: Sum | None = None,
        origin: tuple | None = None,
    ) -> None:
        self.mid = np.asarray(mid, np.float64)
        self.spread = radius
        self.precision = precision
        self.sum_of = sum_of
        self.origin = origin

    @classmethod
    def recorded(cls, values: Any, precision: Precision) -> Ball:
        """Numbers as they were recorded: exact, but where a subnormal may be read as 0."""
        mid = np.asarray(values, np.float64)
        return cls(mid, _flushed(mid, precision), precision)

    radius = property(lambda self: np.zeros(self.mid.shape) if self.spread is None else self.spread)
    shape = property(lambda self: self.mid.shape)
    ndim = property(lambda self: self.mid.ndim)

    @property
    def mT(self) -> Ball:
        """Transposed."""
        return Ball(self.mid.mT, None if self.spread is None else self.spread.mT, self.precision)

    @property
    def absolute(self) -> np.ndarray:
        """The sum of the absolute values of the terms that it was added up from; of a product, its own."""
        return np.abs(self.mid) if self.sum_of is None else self.sum_of.absolute

    def __getitem__(self, index: Any) -> Ball:
        return Ball(self.mid[index], None if self.spread is None else self.spread[index], self.precision)

    def __repr__(self) -> str:
        return f"Ball({self.mid!r} ± {self.radius!r}, {self.precision.name})"

    def sum(self, *, axis: int, keepdims: bool = False) -> Ball:
        """Σ along an axis, in any order: each term meets at most n − 1 roundings.

        A term that is exactly ∞ makes the sum exactly that, as long as the others cannot overflow to −∞. It does not
        count among the absolute terms, so that the sum is exact as one of 0s is, and stays so when it is scaled.
        """
        n = max(self.mid.shape[axis] - 1, 0)
        how: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        with np.errstate(all="ignore"):
            mid, absolute = self.mid.sum(**how), size_of(self).sum(**how)
            given = None if self.spread is None else self.spread.sum(**how)
            if np.isinf(mid).any():
                infinite = is_infinite(self)
                others = np.where(infinite, 0.0, size_of(self)).sum(**how)
                exactly = np.isinf(mid) & infinite.any(**how) & (others <= self.precision.largest / 2)
                absolute, given = np.where(exactly, 0.0, absolute), None if given is None else given * ~exactly
            terms = Sum(n, absolute, given, n * self.precision.smallest)
            return added(mid, terms, self.precision)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        from comparisons.operations import OPERATIONS  # what the operations do is written with balls

        operation = OPERATIONS.get(ufunc)
        if operation is None or method != "__call__" or options:
            return NotImplemented
        with np.errstate(all="ignore"):
            return operation(*as_balls(*inputs))

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Ball:
        from comparisons.letters import LETTERS  # and so are the letters

        for one in arguments:
            if isinstance(one, Ball) and type(one) is not Ball:  # a stand-in, which is asked first
                return one.__letter__(letter, arguments, constants)
        with np.errstate(all="ignore"):
            return LETTERS[letter](*arguments, **constants)


# Operands ------------------------------------------------------------------------------------------------------------


def as_balls(*inputs: Any) -> list[Ball]:
    """Operands in the precision in which they meet: the coarsest among the balls."""
    precisions = [x.precision for x in inputs if isinstance(x, Ball)]
    precision = precisions[0]
    for other in precisions[1:]:
        precision = coarser(precision, other)
    return [as_ball(x, precision) for x in inputs]


def as_ball(x: Any, precision: Precision) -> Ball:
    """x as an operand in this precision: what is finer is rounded on its way in, and flushed where it is subnormal."""
    if isinstance(x, (int, float)):
        return _constant(float(x), precision)
    if not isinstance(x, Ball):
        return _moved(np.asarray(x, np.float64), precision)
    if x.precision.unit >= precision.unit:
        return x
    if x.spread is None:
        return _moved(x.mid, precision)
    return rounded(x.mid, x.spread, precision, own=0, exact=is_zero(x))


@functools.cache
def _constant(x: float, precision: Precision) -> Ball:
    return _moved(np.asarray(x), precision)


def _moved(mid: np.ndarray, precision: Precision) -> Ball:
    """Float64 numbers, as far off as they are rounded or flushed."""
    moved, flushed = np.abs(mid - precision.rounded(mid)), _flushed(mid, precision)
    moved = moved if flushed is None else np.maximum(moved, flushed)
    return Ball(mid, moved if moved.any() else None, precision)


def _flushed(mid: np.ndarray, precision: Precision) -> np.ndarray | None:
    """How far the numbers move where subnormals are read as 0; None if there are none."""
    size = np.abs(mid)
    subnormal = size < precision.smallest
    if not subnormal.any():
        return None
    subnormal &= size > 0
    return np.where(subnormal, size, 0.0) if subnormal.any() else None


def in_memory(x: Ball) -> Ball:
    """A quantity is an array in memory, so that no term of a later equation joins its sum."""
    return Ball(x.mid, x.spread, x.precision, origin=x.origin)


def is_zero(x: Ball) -> np.ndarray:
    """Where a ball holds 0 and nothing else."""
    return x.mid == 0 if x.spread is None else (x.mid == 0) & (x.spread == 0)


def is_one(x: Ball) -> np.ndarray:
    """Where a ball holds 1 or −1 and nothing else."""
    return np.abs(x.mid) == 1 if x.spread is None else (np.abs(x.mid) == 1) & (x.spread == 0)


def is_trivial(x: Ball) -> np.ndarray:
    """Where a ball holds 0, 1 or −1 and nothing else: as a factor it does not round."""
    if x.spread is not None and x.spread.all():
        return np.zeros(x.shape, bool)
    size = np.abs(x.mid)
    found = (size == 0) | (size == 1)
    return found if x.spread is None else found & (x.spread == 0)


def is_infinite(x: Ball) -> np.ndarray:
    """Where a ball is exactly ∞ or −∞; a result that may merely overflow has no radius of 0."""
    return np.isinf(x.mid) if x.spread is None else np.isinf(x.mid) & (x.spread == 0)


def size_of(x: Ball) -> np.ndarray:
    """The largest absolute value in a ball."""
    return np.abs(x.mid) if x.spread is None else np.abs(x.mid) + x.spread


def plus(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """The sum of two radii, of which None is 0."""
    if one is None:
        return other
    return one if other is None else one + other


# Roundings -----------------------------------------------------------------------------------------------------------


def units_of(function: str, precision: Precision) -> float:
    """The accuracy of an elementary function in this precision, in unit roundoffs of the result."""
    return getattr(ACCURACY[function], precision.name)


def growth(roundings: Any, precision: Precision, own: Any) -> Any:
    """How much a number grows at most by so many roundings, and so many `own` ones of the midpoint, as a part of it.

    Error: (1 + u)ⁿ − 1 ≤ eⁿᵘ − 1, of whatever order in u.
    """
    if isinstance(roundings, (int, float)) and isinstance(own, (int, float)):
        return _growth(roundings, precision.unit, own)
    return np.expm1(roundings * precision.unit + own * OWN) * SLACK


@functools.cache
def _growth(roundings: float, unit: float, own: float) -> Any:
    return np.expm1(roundings * unit + own * OWN) * SLACK


def rounded(
    mid: np.ndarray,
    given: np.ndarray | None,
    precision: Precision,
    roundings: float | np.ndarray = 1,
    own: float = 1,
    exact: np.ndarray | None = None,
    sum_of: Sum | None = None,
) -> Ball:
    """The ball of a result, `given` what its operands' radii did: it is rounded, but not where it is `exact`."""
    if exact is not None and given is None and exact.all():
        return Ball(mid, None, precision, sum_of)
    size = np.abs(mid) if given is None else np.abs(mid) + given
    rounding = growth(roundings, precision, own) * size + precision.smallest * SLACK
    if not size.max(initial=0.0) <= precision.largest / 2:
        rounding = np.where(size <= precision.largest / 2, rounding, np.inf)
        rounding = rounding if exact is None else np.where(exact, 0.0, rounding)
    elif exact is not None and np.count_nonzero(exact):
        rounding = rounding * ~exact
    return Ball(mid, rounding if given is None else given * SLACK + rounding, precision, sum_of)


def added(mid: np.ndarray, terms: Sum, precision: Precision) -> Ball:
    """The ball of a sum, in any order and with or without fused multiply-add; a sum of 0s is exact.

    Error: each term is multiplied by at most n factors 1 + δ, |δ| ≤ u, and so is each loss by underflow.
    Source: Higham 2002, Accuracy and Stability of Numerical Algorithms, sections 3.1 and 4.2.
    """
    if not terms.absolute.max(initial=0.0) <= precision.largest / 2:
        terms = terms._replace(absolute=np.where(terms.absolute <= precision.largest / 2, terms.absolute, np.inf))
    if terms.given is None and not np.any(terms.n_roundings) and not np.any(terms.flushed):
        return Ball(mid, None, precision, terms)
    grows = growth(terms.n_roundings, precision, own=terms.n_roundings)
    rounding = grows * terms.absolute + (1 + grows) * terms.flushed
    if not terms.absolute.all():
        rounding = rounding * (terms.absolute > 0)
    return Ball(mid, rounding if terms.given is None else terms.given * SLACK + rounding, precision, terms)


# Sums ----------------------------------------------------------------------------------------------------------------


def is_open(x: Ball) -> bool:
    return x.sum_of is not None and not x.sum_of.closed


def as_sum(x: Ball) -> Sum:
    """The open sum that a ball is, or the ball as the only term of one."""
    return x.sum_of if x.sum_of is not None and not x.sum_of.closed else Sum(0, size_of(x), x.spread)


def joined(mid: np.ndarray, a: Ball, b: Ball) -> Ball:
    """Two sums as one, its terms in any order: one more rounding, but none where one of the two is 0."""
    one, other = as_sum(a), as_sum(b)
    n_roundings = one.n_roundings + other.n_roundings + 1
    flushed = one.flushed + other.flushed + a.precision.smallest
    if not (one.absolute.all() and other.absolute.all()):
        alone = [one.absolute == 0, other.absolute == 0]
        n_roundings = np.select(alone, [other.n_roundings, one.n_roundings], n_roundings)
        flushed = np.select(alone, [other.flushed, one.flushed], flushed)
    terms = Sum(n_roundings, one.absolute + other.absolute, plus(one.given, other.given), flushed)
    return added(mid, terms, a.precision)


def scaled(mid: np.ndarray, fresh: Ball, factor: Ball, size: np.ndarray, roundings: float, off: Any) -> Ball:
    """A fresh sum times a number of this size that may be off by a share of it: applied to each term, or to the sum."""
    old = as_sum(fresh)
    given = None if old.given is None else old.given * (size * (1 + off))
    if factor.spread is not None:
        may_turn = np.isinf(mid) & ~(off < 1)  # an infinite sum, by a factor that may be of another sign
        given = plus(given, np.where(may_turn, np.inf, old.absolute * (size * off)))
    flushed = old.flushed * np.maximum(size, 1)
    if roundings > 0 or size < 1:
        flushed = flushed + (old.n_roundings + 1) * fresh.precision.smallest
    terms = Sum(old.n_roundings + roundings, old.absolute * (size * (1 + off)), given, flushed)
    return added(mid, terms, fresh.precision)
