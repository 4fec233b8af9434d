"""Operations: what each of NumPy's functions that an equation may use does to balls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.balls import (
    OWN,
    SLACK,
    Ball,
    Sum,
    added,
    is_one,
    is_open,
    is_trivial,
    is_zero,
    joined,
    plus,
    rounded,
    scaled,
    size_of,
    units_of,
)
from comparisons.precisions import FLOAT64


def _add(a: Ball, b: Ball, sign: int = 1) -> Ball:
    mid = a.mid + b.mid if sign > 0 else a.mid - b.mid
    if is_open(a) or is_open(b):
        return joined(mid, a, b)
    given = plus(a.spread, b.spread)
    exact = is_zero(a) | is_zero(b) | ((mid == 0) if given is None else (mid == 0) & (given == 0))
    terms = Sum(1, np.abs(a.mid) + np.abs(b.mid), given, closed=True)
    return rounded(mid, given, a.precision, exact=exact, sum_of=terms)


def _is_power_of_two(x: Ball) -> bool:
    return x.spread is None and x.mid.ndim == 0 and abs(np.frexp(x.mid)[0]) == 0.5


def _multiply(a: Ball, b: Ball) -> Ball:
    mid = a.mid * b.mid
    for fresh, factor in ((a, b), (b, a)):
        if is_open(fresh) and factor.mid.ndim == 0:
            size = np.abs(factor.mid)
            off = 0.0 if factor.spread is None else factor.spread / size
            return scaled(mid, fresh, factor, size, 0 if _is_power_of_two(factor) else 1, off)
    given = None
    if b.spread is not None:
        given = np.abs(a.mid) * b.spread
    if a.spread is not None:
        given = plus(given, a.spread * size_of(b))
    exact = is_trivial(b)
    if not exact.ndim:  # a number
        exact = exact if exact else is_trivial(a)
    elif not exact.all():
        exact = exact | is_trivial(a)
    return rounded(mid, given, a.precision, exact=exact)


def _divide(a: Ball, b: Ball) -> Ball:
    """A number that all divide by may be turned round first, as 1/m: one more rounding, but none for a power of 2."""
    mid = a.mid / b.mid
    least = np.abs(b.mid) if b.spread is None else np.maximum(np.abs(b.mid) - b.spread, 0)
    roundings = units_of("divide", a.precision)
    is_correct = roundings <= 1
    if b.mid.ndim == 0:
        roundings = 0 if is_correct and _is_power_of_two(b) else 1 + roundings
    if is_open(a) and b.mid.ndim == 0:
        off = 0.0 if b.spread is None else b.spread / least
        return scaled(mid, a, b, 1 / np.abs(b.mid), roundings, off)
    given = None
    if b.spread is not None:
        given = np.abs(mid) * b.spread / least
    if a.spread is not None:
        given = plus(given, a.spread / least)
    exact = is_zero(a) if given is None else is_zero(a) & (given == 0)
    if is_correct:
        exact = exact | is_one(b)
    return rounded(mid, given, a.precision, roundings, own=min(roundings, 1), exact=exact)


def _negative(a: Ball) -> Ball:
    return Ball(-a.mid, a.spread, a.precision, a.sum_of)


def _matmul(a: Ball, b: Ball) -> Ball:
    n = a.shape[-1]
    given = None if b.spread is None else np.abs(a.mid) @ b.spread
    if a.spread is not None:
        given = plus(given, a.spread @ size_of(b))
    terms = Sum(n, size_of(a) @ size_of(b), given, 2 * n * a.precision.smallest)
    return added(a.mid @ b.mid, terms, a.precision)


def elementary(function: str, mid: np.ndarray, given: np.ndarray | None, a: Ball, exact: Any = None) -> Ball:
    """The ball of an elementary function, which NumPy also computes for the midpoint, no better than others."""
    roundings, own = units_of(function, a.precision), units_of(function, FLOAT64)
    return rounded(mid, given, a.precision, roundings, own, exact)


def _exp(a: Ball) -> Ball:
    mid = np.exp(a.mid)
    return elementary("exp", mid, None if a.spread is None else mid * np.expm1(a.spread), a)


def _log(a: Ball) -> Ball:
    """ln 0 is −∞; of a ball that touches 0 only the upper end is known. No implementation's number is below 0 here."""
    exact = is_zero(a) | (is_one(a) & (a.mid > 0))
    if a.spread is None:
        return elementary("log", np.log(a.mid), None, a, exact)
    width = a.spread * SLACK
    touches = (a.spread > 0) & ~(width < a.mid)
    mid = np.log(np.where(touches, a.mid + width, a.mid))
    given = np.where(a.spread == 0, 0.0, -np.log1p(-width / a.mid))
    ball = elementary("log", mid, np.where(touches, np.inf, given), a, exact)
    if touches.any():
        top = elementary("log", mid, np.where(touches, 0.0, given), a, exact)
        ball.origin = ("at most", top.mid + top.radius)
    return ball


def _sqrt(a: Ball) -> Ball:
    """√x between the roots of the ends, half of whose distance is r/(√low + √high), without a cancellation.

    No implementation's number is below 0 here.
    """
    roundings = units_of("sqrt", a.precision)
    if a.spread is None:
        return rounded(np.sqrt(a.mid), None, a.precision, roundings, exact=is_zero(a))
    width = a.spread * SLACK
    low, high = np.maximum(a.mid - width, 0), a.mid + width
    both = np.sqrt(low) + np.sqrt(high)
    given = np.where(a.spread == 0, 0.0, np.where(low > 0, width, high / 2) / both)
    return rounded(both / 2, given, a.precision, roundings, own=3, exact=is_zero(a))


def _power(a: Ball, b: Ball) -> Ball:
    """A positive constant to a power: x^y is e^(y ln x), and y ln x moves by at most |ŷ| Δln x + Δy |ln x|.

    Error: c_power, and |y ln x| more: computed as e^(y ln x), one rounding of y ln x is |y ln x| of the power. In
    float64 TensorFlow does lose that much, NumPy and Python do not.
    """
    if np.any(a.mid <= 0):
        raise NotImplementedError("a power is of a positive number")
    mid = np.power(a.mid, b.mid)
    given = None
    if a.spread is not None or b.spread is not None:
        of_log = -np.log1p(-a.radius * SLACK / a.mid)
        given = mid * np.expm1(size_of(b) * of_log + b.radius * np.abs(np.log(a.mid)))
    exponent = size_of(b) * np.abs(np.log(a.mid))
    roundings = units_of("power", a.precision) + exponent
    return rounded(mid, given, a.precision, roundings, units_of("power", FLOAT64), exact=is_zero(b))


def _extreme(choose: Callable, sign: int) -> Callable[[Ball, Ball], Ball]:
    """The larger or the smaller: where one of the two is always it, that one; else by the ends of the intervals."""

    def extreme(a: Ball, b: Ball) -> Ball:
        mid = choose(a.mid, b.mid)
        spread = plus(a.spread, b.spread)
        if spread is None:
            return Ball(mid, None, a.precision)
        gap, width = sign * (a.mid - b.mid), spread * SLACK
        is_a, is_b = (gap >= width) & (width < np.inf), (-gap >= width) & (width < np.inf)
        radius = np.where(is_a, a.radius, b.radius)
        undecided = ~(is_a | is_b)
        if undecided.any():
            low, high = choose(a.mid - a.radius, b.mid - b.radius), choose(_high(a), _high(b))
            own = 4 * OWN * np.maximum(np.abs(low), np.abs(high))
            mid = np.where(undecided, (low + high) / 2, mid)
            radius = np.where(undecided, (high - low) / 2 * SLACK + own, radius)
        return Ball(mid, radius, a.precision)

    return extreme


def _high(x: Ball) -> np.ndarray:
    return x.origin[1] if x.origin is not None and x.origin[0] == "at most" else x.mid + x.radius


def _mask(compare: Callable) -> Callable[[Ball, Ball], Ball]:
    """A mask of 0 and 1; where the balls cannot decide, the whole of [0, 1]; of NaN, no bound."""

    def mask(a: Ball, b: Ball) -> Ball:
        decided = compare(a.mid, b.mid).astype(np.float64)
        of_nan, spread = np.isnan(a.mid) | np.isnan(b.mid), plus(a.spread, b.spread)
        undecided = of_nan
        if spread is not None:
            undecided = of_nan | ~((spread == 0) | (np.abs(a.mid - b.mid) > spread * SLACK))
        if not undecided.any():
            return Ball(decided, None, a.precision)
        radius = np.where(of_nan, np.inf, np.where(undecided, 0.5, 0.0))
        return Ball(np.where(undecided, 0.5, decided), radius, a.precision)

    return mask


maximum, minimum = _extreme(np.maximum, 1), _extreme(np.minimum, -1)

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
    np.maximum: maximum,
    np.minimum: minimum,
    np.greater: _mask(np.greater),
    np.greater_equal: _mask(np.greater_equal),
    np.less: _mask(np.less),
    np.less_equal: _mask(np.less_equal),
}
