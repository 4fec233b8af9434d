"""The letters' bounds: what reads a number twice gets one derived bound, or its balls would explode.

Each function is a letter of `reference.alphabet` on balls. c_f is the accuracy of an elementary function in unit
roundoffs (`comparisons.accuracy`), and k roundings make a number grow by `growth(k)` of itself at most. What an
operand's radius r does, and what roundings do to it, is written out to all orders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.balls import (
    SLACK,
    Ball,
    Sum,
    added,
    as_ball,
    as_balls,
    as_sum,
    growth,
    is_zero,
    plus,
    rounded,
    size_of,
    units_of,
)
from comparisons.operations import elementary, maximum, minimum
from comparisons.precisions import FLOAT32, FLOAT64
from reference import alphabet

FUSED_END = float.fromhex("-0x1.5a92d8p+6")  # the largest float32 whose σ a fused kernel returns as 0: −86.6434


def sigmoid(z: Ball) -> Ball:
    """σ(z), which moves by its reach; in float32 it may be 0 from `FUSED_END` down.

    In a graph of TensorFlow's, a hidden layer whose Z nothing else reads is one kernel of oneDNN's. Its e^−z overflows
    early: it returns 0 where σ(z) is below 2 · 2⁻¹²⁶ and still a normal number, so that another 2⁻¹²⁶ is lost beside
    the one that every result may lose (`benchmarks/accuracy.md`).
    """
    reach = None if z.spread is None else sigmoid_reach(z)
    if z.precision == FLOAT32 and (may_be_fused := z.mid - z.radius <= FUSED_END).any():
        reach = plus(reach, np.where(may_be_fused, z.precision.smallest, 0.0))
    return elementary("sigmoid", alphabet.sigmoid(z.mid), reach, z)


def sigmoid_reach(z: Ball, part: float = 1) -> np.ndarray:
    """How far σ moves within z's ball; with part ½, how far on average on the way to its ends.

    σ′ = σ(z) σ(−z) is at most ¼, and changes by at most a factor of e per unit: r/4, and σ′(z) (eʳ − 1), both convex
    in r. σ itself stays between 0 and 1. Where z is not bounded, it may be NaN.
    """
    down, up = alphabet.sigmoid(z.mid), alphabet.sigmoid(-z.mid)
    reach = part * np.fmin(z.radius / 4, down * up * np.expm1(z.radius))
    return np.where(np.isfinite(z.radius), np.minimum(reach, np.maximum(down, up)), np.inf)


def tanh(z: Ball) -> Ball:
    """tanh(z), which moves by its reach; tanh(0) is 0.

    tanh′ = 1 − tanh² = 4 σ(2z) σ(−2z) is at most 1, and changes by at most a factor of e² per unit: r, and
    tanh′(z) (e²ʳ − 1)/2. tanh itself stays between −1 and 1.
    """
    mid = np.tanh(z.mid)
    reach = None
    if z.spread is not None:
        slope = 4 * alphabet.sigmoid(2 * z.mid) * alphabet.sigmoid(-2 * z.mid)
        reach = np.minimum(np.fmin(z.spread, slope * np.expm1(2 * z.spread) / 2), 1 + np.abs(mid))
        reach = np.where(np.isfinite(z.spread), reach, np.inf)
    return elementary("tanh", mid, reach, z, exact=is_zero(z))


def lerp(start: Any, end: Any, *, weight: float) -> Ball:
    """(1 − w) r_start + w r_end, and the roundings of end − start, of w, of their product, and of the sum.

    The start's radius shrinks by 1 − w in each step, and so stays within r_end + (2wu |end − start| + u |lerp|)/w.
    """
    start, end = as_balls(start, end)
    p, size = start.precision, abs(weight)
    difference = end.mid - start.mid
    distance = np.abs(difference)
    given = None
    for ball, share in ((start, abs(1 - weight)), (end, size)):
        if ball.spread is not None:
            given, distance = plus(given, share * ball.spread), distance + ball.spread
    two = growth(2, p, own=2)
    of_weight = float(as_ball(weight, p).radius) * (1 + two)
    local = (size * two + of_weight) * distance + (1 + size) * p.smallest * (distance > 0)
    mid = start.mid + weight * difference
    terms = Sum(1, abs(1 - weight) * np.abs(start.mid) + size * np.abs(end.mid), closed=True)
    return rounded(mid, plus(given, local), p, exact=distance == 0, sum_of=terms)


def xlogy(y: Any, x: Any) -> Ball:
    """y ln x, and exactly 0 where y is exactly 0, whatever the ball of x."""
    y, x = as_balls(y, x)
    return _or_zero(y, y * np.log(x))


def _or_zero(y: Ball, ball: Ball) -> Ball:
    zero = is_zero(y)
    radius = None if ball.spread is None else np.where(zero, 0.0, ball.spread)
    return Ball(np.where(zero, 0.0, ball.mid), radius, ball.precision)


def cross_entropy_slope(A: Any, Y: Any, *, over: int = 1) -> Ball:
    """Y/A and (1 − Y)/(1 − A), each 0 where its numerator is: terms of a sum, which 1/over may have scaled first."""
    A, Y = as_balls(A, Y)
    ones, zeros = _or_zero(Y, Y / A), _or_zero(1 - Y, (1 - Y) / (1 - A))
    slope = -(Ball(ones.mid, ones.spread, ones.precision, as_sum(ones)) - zeros)
    if over != 1:
        slope = slope / over
    return _remembering(slope, A, Y, over)


def clamped_cross_entropy_slope(A: Any, Y: Any, *, over: int, epsilon: float) -> Ball:
    """(A − Y)/max(A (1 − A), epsilon)/over; it is fused where A (1 − A) is multiplied back.

    Where A is hidden and not clamped it is (1 − Y)/(1 − A) − Y/A, which moves by r Y/(A (A − r)) with 1/A, and so on;
    of A − Y, 1 − A, A (1 − A), the quotient and 1/over each rounds.
    """
    A, Y = as_balls(A, Y)
    clamp = as_ball(epsilon, A.precision)
    slope = (A - Y) / maximum(_sigmoid_slope(A), clamp) / over
    if A.spread is not None:
        p, low, high = A.precision, A.mid - A.spread * SLACK, 1 - A.mid - A.spread * SLACK
        moved = A.spread * (size_of(Y) / (A.mid * low) + size_of(1 - Y) / ((1 - A.mid) * high))
        moved = (moved + Y.radius / (low * high)) / over
        roundings = 3 + units_of("divide", p) + (0 if over == 1 else 1 + units_of("divide", p))
        flushed = p.smallest * (2 + 1 / (low * high))
        terms = Sum(roundings, np.abs(slope.mid) + moved, moved, flushed, closed=True)
        smooth = added(slope.mid, terms, p)
        is_smooth = (_kept(A, clamp)[0] == 1) & (smooth.radius < slope.radius)
        slope = Ball(slope.mid, np.where(is_smooth, smooth.radius, slope.radius), p)
    return _remembering(slope, A, Y, over, clamp=clamp)


def clipped_cross_entropy_slope(A: Any, Y: Any, *, over: int, epsilon: float) -> Ball:
    """The cross-entropy's slope inside [epsilon, 1 − epsilon], exactly 0 outside, and their hull where A may be either.

    It is fused where A (1 − A) is multiplied back.
    """
    A, Y = as_balls(A, Y)
    inside = minimum(A <= 1 - epsilon, A >= epsilon)
    clipped = maximum(minimum(A, as_ball(1 - epsilon, A.precision)), as_ball(epsilon, A.precision))
    return _remembering(cross_entropy_slope(clipped, Y, over=over) * inside, A, Y, over, inside=inside)


def _remembering(slope: Ball, A: Ball, Y: Ball, over: int, **limit: Ball) -> Ball:
    slope.origin = ("cross-entropy", A, Y, over, limit)
    return slope


def _sigmoid_slope(A: Ball) -> Ball:
    """A (1 − A), which moves by |1 − 2A| r + r²: one rounding of 1 − A, one of the product."""
    mid = A.mid * (1 - A.mid)
    given = None if A.spread is None else A.spread * (np.abs(1 - 2 * A.mid) + A.spread)
    absolute = size_of(A) * (np.abs(1 - A.mid) + A.radius)
    return added(mid, Sum(2, absolute, given, 2 * A.precision.smallest, closed=True), A.precision)


def times_sigmoid_slope(dA: Any, A: Any) -> Ball:
    """dA ∘ A ∘ (1 − A); where dA is the cross-entropy's at this same hidden A, the two are fused."""
    dA, A = as_balls(dA, A)
    if dA.origin is not None and dA.origin[0] == "cross-entropy" and dA.origin[1] is A and A.spread is not None:
        _, A, Y, over, limit = dA.origin
        return _fused_slope(A, Y, over, **limit)
    return dA * _sigmoid_slope(A)


def _fused_slope(A: Ball, Y: Ball, over: int, clamp: Ball | None = None, inside: Ball | None = None) -> Ball:
    """(A − Y)/over, which is what remains of the cross-entropy's slope times A (1 − A).

    Roundings as the product is written: 1 − A in both, the quotient c_divide, the difference, 1/over and its product,
    A (1 − A), its product with dA, and one of 1 − Y or, clamped, of A (1 − A) in dA. They multiply A − Y where dA is
    clamped, and else its terms (1 − Y) A and Y (1 − A), which cancel unless Y is 0 or 1. A clamp leaves a part
    min(1, A (1 − A)/epsilon) of the result.

    Convention: A is between 0 and 1, and dA a number: neither 1/A nor 1/(1 − A) overflows or divides by 0.
    """
    p, smallest, spread = A.precision, A.precision.smallest, A.radius
    roundings = 6 + units_of("divide", p) + (0 if over == 1 else 1 + units_of("divide", p))
    mid, given = (A.mid - Y.mid) / over, (spread + Y.radius) / over
    if clamp is None:
        absolute = (size_of(1 - Y) * size_of(A) + size_of(Y) * (np.abs(1 - A.mid) + spread)) / over
        fused = added(mid, Sum(roundings, absolute, given, 4 * smallest, closed=True), p)
        return fused if inside is None else fused * inside
    (least, most), size = _kept(A, clamp), np.abs(mid) + given
    given = given * most + np.abs(mid) * (most - least) / 2
    flushed = smallest * (4 + size / (clamp.mid - clamp.radius))
    return added(mid * (least + most) / 2, Sum(roundings, size * most, given, flushed, closed=True), p)


def _kept(A: Ball, clamp: Ball) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that min(1, A (1 − A)/epsilon) may be."""
    width = A.radius * SLACK
    least = np.maximum(A.mid - width, 0) * np.maximum(1 - A.mid - width, 0) / (size_of(clamp) * SLACK)
    most = (np.abs(A.mid) + width) * (np.abs(1 - A.mid) + width) / (clamp.mid - clamp.radius)
    return np.minimum(least, 1), np.minimum(most, 1)


def logits_loss(Z: Any, Y: Any) -> Ball:
    """max(Z, 0) − Z Y + ln(1 + e^−|Z|), which moves by |Z| r with Y, and with Z by r times |σ − Y| on the way.

    For a label of 0 or 1 the product Z Y and max(Z, 0) − Z Y are exact, so that only e^−|Z|, ln(1 + ·) and the last
    addition round; for others these two round as well.
    """
    Z, Y = as_balls(Z, Y)
    p, size = Z.precision, size_of(Z)
    bend, tail = np.maximum(Z.mid, 0) - Z.mid * Y.mid, np.log1p(np.exp(-np.abs(Z.mid)))
    small = np.exp(-np.maximum(np.abs(Z.mid) - Z.radius, 0))
    of_small = growth(units_of("exp", p), p, units_of("exp", FLOAT64))
    of_small = small / (1 + small) * of_small * (1 + of_small)
    of_tail = growth(units_of("log1p", p), p, units_of("log1p", FLOAT64)) * (np.log1p(small) + of_small)
    given = of_small + of_tail + 4 * p.smallest
    hard = is_zero(Y) | is_zero(1 - Y)
    if not hard.all():
        one, product = growth(1, p, own=1), size * size_of(Y)
        bent = np.abs(bend) + Z.radius * (1 + size_of(Y)) + size * Y.radius
        given = given + np.where(hard, 0.0, one * product + one * (bent + one * product))
    if Z.spread is not None:
        given = given + Z.spread * (np.abs(alphabet.logits_loss_slope(Z.mid, Y.mid)) + sigmoid_reach(Z, 1 / 2))
    if Y.spread is not None:
        given = given + size * Y.spread
    return rounded(bend + tail, given, p, sum_of=Sum(1, np.abs(bend) + tail, closed=True))


def logits_loss_slope(Z: Any, Y: Any) -> Ball:
    """[Z > 0] − Y ± e^−|Z|/(1 + e^−|Z|), its terms in any order; with Z it moves by the reach of σ, with Y by r.

    The last term's roundings: c_exp, the sum 1 + ·, its reciprocal c_divide, the product with it, and the product with
    1/m where that scales the terms first. For a label of 0 or 1 the terms' sum rounds once: two ones cancel, or what
    the third has been added to first is within a factor of 2 of the other. For others it rounds twice, and so does Y
    times 1/m. Where Z may have either sign, so may the terms.
    """
    Z, Y = as_balls(Z, Y)
    p = Z.precision
    small = np.exp(-np.abs(Z.mid))
    moved = np.zeros(Z.shape) if Z.spread is None else sigmoid_reach(Z)
    tail = small / (1 + small) + moved
    of_tail = growth(units_of("exp", p) + units_of("divide", p) + 3, p, units_of("exp", FLOAT64) + 2) * tail
    step = ((Z.mid > 0) | ~(np.abs(Z.mid) > Z.radius * SLACK)) * 1.0
    absolute, largest = step + size_of(Y) + tail + of_tail, np.maximum(step, size_of(Y)) + tail + of_tail
    of_sum = growth((absolute > tail + of_tail) * 1.0, p, own=1) * largest
    hard = is_zero(Y) | is_zero(1 - Y)
    if not hard.all():
        of_sum = np.where(hard, of_sum, growth(2, p, own=2) * absolute + growth(1, p, own=0) * size_of(Y))
    radius = (of_tail + of_sum + moved + Y.radius + 6 * p.smallest) * SLACK
    return Ball(alphabet.logits_loss_slope(Z.mid, Y.mid), radius, p, Sum(1, step + size_of(Y) + tail, closed=True))


def in_precision_of(x: Any, like: Any) -> Ball:
    """x, rounded to the precision of `like`."""
    return as_ball(x, like.precision)


LETTERS: dict[Callable, Callable[..., Ball]] = {letter: globals()[letter.__name__] for letter in alphabet.LETTERS}
