"""Balls: the numbers that a correct implementation may produce, as a float64 midpoint and a radius.

A ball is a NumPy duck array: the reference's own equations run on it unchanged. Every operation adds the worst that
rounding can do to what its operands' radii become, in round-to-nearest, with or without fused multiply-add and
flush-to-zero, and for any order of summation. Algebraic rearrangement is another form, not rounding.

Three things keep balls small. *Exact is exact*: x ± 0, 0 · x and ±1 · x do not round, so that zeros and masks have
radius 0 and radius 0 can be judged. *A sum stays open*: a term that is added to a fresh sum, or the factor 1/m that is
applied to it, is one more rounding anywhere in that sum. *A ball remembers its origin*: a letter that would read a
number twice finds that it was made from the same number (see `comparisons.letters`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.precisions import FLOAT64, Precision, coarser

OWN = 2.0**-53  # the midpoint is itself computed, in float64
SLACK = 1 + 2.0**-40  # for the radius's own roundings, and for second-order terms


class Sum(NamedTuple):
    """A sum whose terms may still be joined: how many roundings any of them meets at most, and Σ|terms|.

    `given` is the part of the radius that came with the terms, `closed` tells that no further term may join.
    """

    n_roundings: int
    absolute: np.ndarray
    given: np.ndarray | None
    closed: bool = False


class Ball(np.lib.mixins.NDArrayOperatorsMixin):
    """All numbers within `radius` of `mid`; `precision` is the format whose rounding the next operation meets.

    A radius of None is 0 everywhere, and cheaper. `sum` has the terms of the last addition, `origin` the letter and
    the balls that this one was made from.
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
        size = np.abs(mid)
        subnormal = (size < precision.smallest) & (size > 0)
        return cls(mid, np.where(subnormal, size, 0.0) if subnormal.any() else None, precision)

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
        """Σ along an axis, in any order: n − 1 roundings."""
        how = {"axis": axis, "keepdims": keepdims}
        size = np.abs(self.mid) if self.spread is None else np.abs(self.mid) + self.spread
        given = None if self.spread is None else self.spread.sum(**how)
        return _added(self.mid.sum(**how), Sum(self.mid.shape[axis] - 1, size.sum(**how), given), self.precision)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        operation = OPERATIONS.get(ufunc)
        if operation is None or method != "__call__" or options:
            return NotImplemented
        precision = _precision(inputs)
        with np.errstate(all="ignore"):
            return operation(*(as_ball(x, precision) for x in inputs))

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Ball:
        from comparisons.letters import LETTERS  # the letters' bounds are written with balls

        with np.errstate(all="ignore"):
            return LETTERS[letter](*arguments, **constants)


def _precision(inputs: tuple) -> Precision:
    precision = None
    for x in inputs:
        if isinstance(x, Ball):
            precision = x.precision if precision is None else coarser(precision, x.precision)
    assert precision is not None
    return precision


def as_ball(x: Any, precision: Precision) -> Ball:
    """x as an operand in this precision: what is finer is rounded on its way in."""
    if isinstance(x, Ball):
        if x.precision.unit >= precision.unit:
            return x
        if x.spread is None:
            given = _distance(x.mid, precision)
        else:
            given = x.spread + precision.unit * (np.abs(x.mid) + x.spread)
        return Ball(x.mid, given, precision)
    mid = np.asarray(x, np.float64)
    return Ball(mid, _distance(mid, precision), precision)


def _distance(mid: np.ndarray, precision: Precision) -> np.ndarray | None:
    """How far the numbers move when they are rounded; None if they do not."""
    moved = np.abs(mid - precision.rounded(mid))
    return moved if moved.any() else None


def plus(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """The sum of two radii, of which None is 0."""
    if one is None:
        return other
    return one if other is None else one + other


def is_zero(x: Ball) -> np.ndarray:
    """Where a ball holds 0 and nothing else."""
    return x.mid == 0 if x.spread is None else (x.mid == 0) & (x.spread == 0)


def rounded(
    mid: np.ndarray,
    given: np.ndarray | None,
    precision: Precision,
    units: float = 1,
    exact: np.ndarray | bool = False,
    sum_of: Sum | None = None,
) -> Ball:
    """The ball of a result that is rounded once, by at most `units` unit roundoffs, but not where it is `exact`."""
    size = np.abs(mid)
    if given is not None:
        size = size + given
    rounding = (units * precision.unit + OWN) * SLACK * size + 2 * precision.smallest
    if exact is not False:
        rounding = np.where(exact, 0.0, rounding)
    return Ball(mid, rounding if given is None else given * SLACK + rounding, precision, sum_of)


def _added(mid: np.ndarray, terms: Sum, precision: Precision, n_here: np.ndarray | None = None) -> Ball:
    """The ball of a sum: each term meets at most so many roundings, `n_here` where not alike; a sum of 0s is exact.

    Error: n roundings change a sum by at most n u Σ|terms|, in any order, without a term in u².
    Source: Jeannerod & Rump 2013, Improved error bounds for inner products in floating-point arithmetic, SIAM J.
    Matrix Anal. Appl. 34(2), Theorem 3.1 and Theorem 2.1.
    """
    n_roundings = terms.n_roundings if n_here is None else n_here
    per_rounding = (precision.unit + OWN) * SLACK * terms.absolute + 2 * precision.smallest
    rounding = n_roundings * np.where(terms.absolute > 0, per_rounding, 0.0)
    if terms.given is not None:
        rounding = rounding + terms.given * SLACK
    return Ball(mid, rounding, precision, terms)


# The operations ------------------------------------------------------------------------------------------------------


def _add(a: Ball, b: Ball, sign: int = 1) -> Ball:
    mid = a.mid + b.mid if sign > 0 else a.mid - b.mid
    for fresh, term in ((a, b), (b, a)):
        if fresh.sum_of is not None and not fresh.sum_of.closed:
            return _joined(mid, fresh.sum_of, term, fresh.precision)
    given = plus(a.spread, b.spread)
    exact = is_zero(a) | is_zero(b) | ((mid == 0) if given is None else (mid == 0) & (given == 0))
    absolute = np.abs(a.mid) + np.abs(b.mid)
    return rounded(mid, given, a.precision, exact=exact, sum_of=Sum(1, absolute, given, closed=True))


def _joined(mid: np.ndarray, fresh: Sum, term: Ball, precision: Precision) -> Ball:
    """A term that joins a fresh sum, at whatever place in its order; joining a 0 rounds nothing."""
    is_sum = term.sum_of is not None and not term.sum_of.closed
    n_roundings = fresh.n_roundings + 1 + (term.sum_of.n_roundings if is_sum else 0)
    size = term.sum_of.absolute if is_sum else np.abs(term.mid) + term.radius
    absolute = fresh.absolute + size
    n_here = np.where(size == 0, fresh.n_roundings, np.where(fresh.absolute == 0, 0, n_roundings))
    terms = Sum(n_roundings, absolute, plus(fresh.given, term.sum_of.given if is_sum else term.spread))
    return _added(mid, terms, precision, n_here)


def _multiply(a: Ball, b: Ball) -> Ball:
    for fresh, factor in ((a, b), (b, a)):
        if _is_factor_of_sum(fresh, factor):
            return _scaled(fresh, factor, fresh.mid * factor.mid, np.abs(factor.mid))
    mid = a.mid * b.mid
    given = None
    if b.spread is not None:
        given = np.abs(a.mid) * b.spread
    if a.spread is not None:
        given = plus(given, a.spread * (np.abs(b.mid) if b.spread is None else np.abs(b.mid) + b.spread))
    return rounded(mid, given, a.precision, exact=_keeps(a) | _keeps(b))


def _keeps(x: Ball) -> np.ndarray:
    """Where a factor is exactly 0 or ±1: the product does not round."""
    size = np.abs(x.mid)
    keeps = (size == 0) | (size == 1)
    return keeps if x.spread is None else keeps & (x.spread == 0)


def _is_factor_of_sum(fresh: Ball, factor: Ball) -> bool:
    return fresh.sum_of is not None and not fresh.sum_of.closed and factor.mid.ndim == 0


def _scaled(fresh: Ball, factor: Ball, mid: np.ndarray, size: np.ndarray) -> Ball:
    """A fresh sum times or over one number: the factor may have been applied to each term, and as 1/m."""
    old = fresh.sum_of
    assert old is not None
    given = None if old.given is None else old.given * size
    if factor.spread is not None:
        given = plus(given, old.absolute * factor.spread * (size / np.where(factor.mid == 0, 1, np.abs(factor.mid))))
    exact = float(np.log2(np.abs(factor.mid))).is_integer() if factor.mid != 0 and factor.spread is None else False
    n_roundings = old.n_roundings + (0 if exact else 2)
    return _added(mid, Sum(n_roundings, old.absolute * size, given), fresh.precision)


def _divide(a: Ball, b: Ball) -> Ball:
    if _is_factor_of_sum(a, b):
        return _scaled(a, b, a.mid / b.mid, 1 / np.abs(b.mid))
    mid = a.mid / b.mid
    size = np.abs(b.mid) if b.spread is None else np.maximum(np.abs(b.mid) - b.spread, 0)
    given = None
    if b.spread is not None:
        given = np.abs(mid) * b.spread / size
    if a.spread is not None:
        given = plus(given, a.spread / size)
    exact = is_zero(a)
    if exact.any():
        mid = np.where(exact, 0.0, mid)
        given = None if given is None else np.where(exact, 0.0, given)
    return rounded(mid, given, a.precision, units_of("divide", a.precision), exact=exact | _is_one(b))


def _is_one(x: Ball) -> np.ndarray:
    return np.abs(x.mid) == 1 if x.spread is None else (np.abs(x.mid) == 1) & (x.spread == 0)


def _negative(a: Ball) -> Ball:
    return Ball(-a.mid, a.spread, a.precision, a.sum_of)


def _matmul(a: Ball, b: Ball) -> Ball:
    size_a, size_b = np.abs(a.mid), np.abs(b.mid)
    given = None
    if b.spread is not None:
        given = size_a @ np.broadcast_to(b.spread, b.shape)
        size_b = size_b + b.spread
    if a.spread is not None:
        given = plus(given, np.broadcast_to(a.spread, a.shape) @ size_b)
        size_a = size_a + a.spread
    return _added(a.mid @ b.mid, Sum(a.shape[-1], size_a @ size_b, given), a.precision)


def units_of(function: str, precision: Precision) -> float:
    """The accuracy of an elementary function in this precision, in unit roundoffs of the result."""
    return getattr(ACCURACY[function], precision.name)


def _exp(a: Ball) -> Ball:
    mid = np.exp(a.mid)
    given = None if a.spread is None else mid * np.expm1(a.spread)
    return rounded(mid, given, a.precision, units_of("exp", a.precision))


def _log(a: Ball) -> Ball:
    mid = np.log(a.mid)
    given = None
    if a.spread is not None:
        given = np.where(a.spread < a.mid, -np.log1p(-a.spread / a.mid), np.inf)
        given = np.where(a.spread == 0, 0.0, given)
    return rounded(mid, given, a.precision, units_of("log", a.precision), exact=_is_one(a) & (a.mid > 0))


def _sqrt(a: Ball) -> Ball:
    mid = np.sqrt(np.maximum(a.mid, 0))
    given = None if a.spread is None else np.where(
        a.spread == 0, 0.0, np.maximum(mid - np.sqrt(np.maximum(a.mid - a.spread, 0)), np.sqrt(np.maximum(a.mid + a.spread, 0)) - mid))
    return rounded(mid, given, a.precision, units_of("sqrt", a.precision), exact=is_zero(a) | _is_one(a))


def _power(a: Ball, b: Ball) -> Ball:
    """A positive constant to an exact power."""
    if b.spread is not None or np.any(a.mid <= 0):
        raise NotImplementedError("a power is of a positive number, with an exact exponent")
    mid = np.power(a.mid, b.mid)
    given = None if a.spread is None else mid * np.expm1(np.abs(b.mid) * -np.log1p(-a.spread / a.mid))
    return rounded(mid, given, a.precision, units_of("power", a.precision), exact=b.mid == 0)


def _extreme(choose: Callable) -> Callable[[Ball, Ball], Ball]:
    """The larger or the smaller, by the ends of the intervals; where one of the two is always it, that one as it is."""

    def extreme(a: Ball, b: Ball) -> Ball:
        mid = choose(a.mid, b.mid)
        if a.spread is None and b.spread is None:
            return Ball(mid, None, a.precision)
        low = choose(a.mid - a.radius, b.mid - b.radius)
        high = choose(a.mid + a.radius, b.mid + b.radius)
        is_a = choose(a.mid - a.radius, b.mid + b.radius) == a.mid - a.radius
        is_a &= choose(a.mid + a.radius, b.mid - b.radius) == a.mid + a.radius
        is_b = choose(b.mid - b.radius, a.mid + a.radius) == b.mid - b.radius
        is_b &= choose(b.mid + b.radius, a.mid - a.radius) == b.mid + b.radius
        middle = (low + high) / 2
        spread = (high - low) / 2 + 2 * OWN * np.maximum(np.abs(low), np.abs(high))
        return Ball(np.where(is_a, a.mid, np.where(is_b, b.mid, middle)),
                    np.where(is_a, a.radius, np.where(is_b, b.radius, spread)), a.precision)  # fmt: skip

    return extreme


def _mask(compare: Callable) -> Callable[[Ball, Ball], Ball]:
    """A mask of 0 and 1; where the balls cannot decide, the whole of [0, 1]."""

    def mask(a: Ball, b: Ball) -> Ball:
        decided = compare(a.mid, b.mid).astype(np.float64)
        spread = plus(a.spread, b.spread)
        if spread is None:
            return Ball(decided, None, a.precision)
        open_ = (spread > 0) & (np.abs(a.mid - b.mid) <= spread * SLACK)
        if not open_.any():
            return Ball(decided, None, a.precision)
        return Ball(np.where(open_, 0.5, decided), np.where(open_, 0.5, 0.0), a.precision)

    return mask


OPERATIONS: dict[np.ufunc, Callable[..., Ball]] = {
    np.add: _add,
    np.subtract: lambda a, b: _add(a, b, -1),
    np.multiply: _multiply,
    np.divide: _divide,
    np.negative: _negative,
    np.matmul: _matmul,
    np.exp: _exp,
    np.log: _log,
    np.sqrt: _sqrt,
    np.power: _power,
    np.maximum: _extreme(np.maximum),
    np.minimum: _extreme(np.minimum),
    np.greater: _mask(np.greater),
    np.greater_equal: _mask(np.greater_equal),
    np.less: _mask(np.less),
    np.less_equal: _mask(np.less_equal),
}
