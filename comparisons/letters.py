"""The letters' bounds: what reads a number twice gets one derived bound, or its balls would explode.

Each function is a letter of `reference.alphabet` on balls. u is the unit roundoff of the recorded precision and c_f the
accuracy of an elementary function in unit roundoffs (`comparisons.accuracy`); first-order terms are written out, the
slack of `comparisons.balls` takes the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.balls import Ball, Sum, as_ball, is_zero, plus, rounded, units_of, _precision
from reference import alphabet


def _balls(*arguments: Any) -> list[Ball]:
    precision = _precision(arguments)
    return [as_ball(x, precision) for x in arguments]


def _given(*arguments: Any) -> bool:
    return any(isinstance(x, Ball) and x.spread is not None for x in arguments)


def sigmoid(z: Ball) -> Ball:
    """σ rises by at most ¼ per unit, and by σ(z)(1 − σ(z)) times e^r within r of z."""
    mid = alphabet.sigmoid(z.mid)
    given = None
    if z.spread is not None:
        given = np.minimum(z.spread / 4, mid * alphabet.sigmoid(-z.mid) * np.expm1(z.spread))
    return rounded(mid, given, z.precision, units_of("sigmoid", z.precision))


def tanh(z: Ball) -> Ball:
    """tanh rises by at most 1 per unit, and by 1 − tanh² times e^2r/2 within r of z; tanh(0) is 0."""
    mid = np.tanh(z.mid)
    given = None
    if z.spread is not None:
        given = np.minimum(z.spread, (1 - mid * mid + 4 * 2.0**-53) * np.expm1(2 * z.spread) / 2)
    return rounded(mid, given, z.precision, units_of("tanh", z.precision), exact=is_zero(z))


def lerp(start: Any, end: Any, *, weight: float) -> Ball:
    """(1 − w) r_start + w r_end, and the roundings of end − start, of w, of their product, and of the sum."""
    start, end = _balls(start, end)
    w = as_ball(weight, start.precision)
    u, size = start.precision.unit, abs(weight)
    difference = end.mid - start.mid
    mid = start.mid + weight * difference
    given = plus(
        None if start.spread is None else abs(1 - weight) * start.spread,
        None if end.spread is None else size * end.spread,
    )
    spread = np.abs(difference) + end.radius + start.radius
    w_error = 0.0 if w.spread is None else float(w.spread)
    local = (2 * u * size + w_error) * spread
    still = is_zero(start) & is_zero(end)
    local = np.where(still, 0.0, local + 4 * start.precision.smallest * (spread > 0))
    given = local if given is None else given + local
    terms = Sum(1, abs(1 - weight) * np.abs(start.mid) + size * np.abs(end.mid), given, closed=True)
    return rounded(mid, given, start.precision, exact=still | (spread == 0), sum_of=terms)


def xlogy(y: Any, x: Any) -> Ball:
    """y ln x, and exactly 0 where y is exactly 0, whatever the ball of x."""
    y, x = _balls(y, x)
    product = y * np.log(x)
    zero = is_zero(y)
    return Ball(np.where(zero, 0.0, product.mid), np.where(zero, 0.0, product.radius), product.precision)


def cross_entropy_slope(A: Any, Y: Any, *, over: int = 1) -> Ball:
    """Y/A and (1 − Y)/(1 − A), each 0 where its numerator is, and their difference over the number of examples."""
    A, Y = _balls(A, Y)
    ones, zeros = _or_zero(Y, Y / A), _or_zero(1 - Y, (1 - Y) / (1 - A))
    slope = -(ones - zeros)
    if over != 1:
        slope = slope / over
    return Ball(slope.mid, slope.spread, slope.precision, slope.sum_of, ("cross-entropy", A, Y, over))


def _or_zero(numerator: Ball, quotient: Ball) -> Ball:
    zero = is_zero(numerator)
    radius = None if quotient.spread is None else np.where(zero, 0.0, quotient.spread)
    return Ball(np.where(zero, 0.0, quotient.mid), radius, quotient.precision)


def clamped_cross_entropy_slope(A: Any, Y: Any, *, over: int, epsilon: float) -> Ball:
    """(A − Y)/max(A (1 − A), epsilon)/over, as it stands; it is fused where A (1 − A) is multiplied back."""
    A, Y = _balls(A, Y)
    slope = (A - Y) / np.maximum(A * (1 - A), epsilon) / over
    return Ball(slope.mid, slope.spread, slope.precision, slope.sum_of, ("clamped", A, Y, over, epsilon))


def clipped_cross_entropy_slope(A: Any, Y: Any, *, over: int, epsilon: float) -> Ball:
    """The cross-entropy's slope inside [epsilon, 1 − epsilon], exactly 0 outside, and their hull where A may be either.

    It is fused where A (1 − A) is multiplied back.
    """
    A, Y = _balls(A, Y)
    inside = (A <= 1 - epsilon) * (A >= epsilon)
    clipped = np.maximum(np.minimum(A, 1 - epsilon), epsilon)
    slope = cross_entropy_slope(clipped, Y, over=over) * inside
    return Ball(slope.mid, slope.spread, slope.precision, slope.sum_of, ("clipped", A, Y, over, inside))


def times_sigmoid_slope(dA: Any, A: Any) -> Ball:
    """dA ∘ A ∘ (1 − A); where dA is the cross-entropy's at this same A, the fused (A − Y)/over.

    Fused, the roundings are those of the product as it is written: one each for 1 − A and its twin in dA (which is the
    same number and cancels), the quotient, the difference, the mean, and two products: at most 8 u |A − Y|/over; dA's
    clamp can only make the result smaller, down to A (1 − A)/epsilon of it.
    """
    dA, A = _balls(dA, A)
    if dA.origin is not None and dA.origin[1] is A and A.spread is not None:
        return _fused_slope(dA, A)
    return dA * (A * (1 - A))


def _fused_slope(dA: Ball, A: Ball) -> Ball:
    kind, _, Y, over = dA.origin[:4]
    unfused = dA * (A * (1 - A))
    mid, given = (A.mid - Y.mid) / over, plus(A.spread, Y.spread) / over
    if kind == "clamped":
        epsilon = dA.origin[4]
        least = np.maximum(A.mid - A.spread, 0) * np.maximum(1 - A.mid - A.spread, 0)
        share = np.clip(least / epsilon * (1 - 8 * A.precision.unit), 0, 1)
        kept = np.where(least >= epsilon * (1 + 8 * A.precision.unit), 1.0, share)
        given = given + (1 - kept) * (np.abs(mid) + given)
    fused = rounded(mid, given, A.precision, 8, exact=(mid == 0) & (given == 0))
    if kind == "clipped":
        fused = fused * dA.origin[4]
    better = ~(unfused.radius <= fused.radius)
    return Ball(
        np.where(better, fused.mid, unfused.mid), np.where(better, fused.radius, unfused.radius), A.precision
    )


def logits_loss(Z: Any, Y: Any) -> Ball:
    """softplus((1 − 2Y) Z): it changes by at most r with Z, and by |Z| r with Y.

    e^−|Z| has c_exp, ln(1 + ·) has c_log1p. For a label of 0 or 1 the product Z Y and max(Z, 0) − Z Y are exact, so
    that only the last addition rounds; for others these two round as well.
    """
    Z, Y = _balls(Z, Y)
    p, size = Z.precision, np.abs(Z.mid)
    small = np.exp(-size)
    tail, bend = np.log1p(small), np.maximum(Z.mid, 0) - Z.mid * Y.mid
    mid = bend + tail
    local = (units_of("exp", p) * small / (1 + small) + units_of("log1p", p) * tail) * p.unit + 4 * p.smallest
    hard = is_zero(Y) | is_zero(1 - Y)
    local = local + np.where(hard, 0.0, p.unit * (size * np.abs(Y.mid) + np.abs(bend)))
    given = local if Z.spread is None else local + Z.spread
    given = given if Y.spread is None else given + size * Y.spread
    return rounded(mid, given, p, sum_of=Sum(1, np.abs(bend) + tail, given, closed=True))


def logits_loss_slope(Z: Any, Y: Any) -> Ball:
    """σ(Z) − Y as a sum of three terms in any order; it changes by at most ¼ r with Z, and less where σ is flat."""
    Z, Y = _balls(Z, Y)
    p = Z.precision
    small = np.exp(-np.abs(Z.mid))
    tail = small / (1 + small)  # σ(−|Z|)
    positive = Z.mid > 0
    step = positive * 1.0 - Y.mid
    mid = step + np.where(positive, -tail, tail)
    tail_error = (units_of("exp", p) + 1 + units_of("divide", p)) * p.unit * tail
    absolute = positive * 1.0 + np.abs(Y.mid) + tail
    n_roundings = positive * 1.0 + (Y.mid != 0)
    given = tail_error + n_roundings * p.unit * absolute + 4 * p.smallest
    if Z.spread is not None:
        slope = tail * (1 - tail)
        given = given + np.minimum(Z.spread / 4, slope * np.expm1(Z.spread))
    return Ball(mid, given * (1 + 2.0**-40) + 8 * 2.0**-53 * absolute, p, Sum(1, absolute, given, closed=True))


def in_precision_of(x: Any, like: Any) -> Ball:
    """x, rounded to the precision of `like`."""
    return as_ball(x, like.precision)


LETTERS: dict[Callable, Callable[..., Ball]] = {
    letter: globals()[letter.__name__] for letter in alphabet.LETTERS
}
