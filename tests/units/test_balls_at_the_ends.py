"""Balls where numbers end: NaN has no bound, infinity is exact where it is, and a fused sigmoid ends early."""

import numpy as np
import pytest

from comparisons.balls import Ball, is_infinite
from comparisons.precisions import FLOAT32, FLOAT64
from reference.alphabet import exp, log, sigmoid
from reference.losses import cross_entropy

BOTH = pytest.mark.parametrize("precision", [FLOAT32, FLOAT64], ids=["float32", "float64"])


@BOTH
@pytest.mark.parametrize("radius", [None, np.zeros(1), np.ones(1)], ids=["recorded", "radius 0", "hidden"])
@pytest.mark.parametrize("compare", [np.greater, np.greater_equal, np.less, np.less_equal])
def test_a_mask_of_nan_has_no_bound(compare, radius, precision):
    nan, one = Ball(np.full(1, np.nan), radius, precision), Ball.recorded(np.ones(1), precision)
    for ball in (compare(nan, one), compare(one, nan), one * compare(nan, 0), 0 * one * compare(nan, 0)):
        assert not (np.isfinite(ball.mid) & np.isfinite(ball.radius)).any()


@BOTH
def test_a_mask_of_infinity_is_exact(precision):
    ball = Ball(np.array([np.inf, -np.inf]), None, precision) > 0
    assert ball.mid.tolist() == [1, 0]
    assert not ball.radius.any()


FUSED_END = float.fromhex("-0x1.5a92d8p+6")  # benchmarks/accuracy.md: from here down a fused float32 σ is 0


@pytest.mark.parametrize(
    ("z", "radius", "precision", "may_be_0"),
    [
        (FUSED_END, None, FLOAT32, True),
        (-87.3, None, FLOAT32, True),
        (np.nextafter(np.float32(FUSED_END), np.float32(0)), None, FLOAT32, False),
        (-86.5, np.full(1, 0.2), FLOAT32, True),
        (-80.0, np.full(1, 0.2), FLOAT32, False),
        (FUSED_END, None, FLOAT64, False),
        (-708.3, None, FLOAT64, False),
    ],
)
def test_a_float32_sigmoid_may_be_0_where_a_fused_one_is_and_nowhere_before(z, radius, precision, may_be_0):
    ball = sigmoid(Ball(np.full(1, z), radius, precision))
    assert (np.abs(ball.mid) <= ball.radius).item() == may_be_0
    assert ball.radius <= ball.mid + 3 * precision.smallest + (0 if radius is None else radius * ball.mid)


# Infinity ------------------------------------------------------------------------------------------------------------


def loss_of(A, Y, precision):
    return cross_entropy(Ball.recorded(np.array([A]), precision), Ball.recorded(np.array([Y]), precision))


@BOTH
@pytest.mark.parametrize(("A", "Y"), [([0.0, 0.5, 0.5], [1.0, 1.0, 0.0]), ([0.5, 1.0, 1.0], [1.0, 0.0, 1.0])])
def test_the_loss_of_a_saturated_wrong_output_is_exactly_infinite(A, Y, precision):
    ball = loss_of(A, Y, precision)
    assert (ball.mid, ball.radius) == (np.inf, 0)


@BOTH
def test_the_loss_of_a_saturated_right_output_is_not(precision):
    ball = loss_of([0.0, 1.0, 0.5], [0.0, 1.0, 1.0], precision)
    assert np.isfinite(ball.mid)
    assert 0 < ball.radius < 1e-5


NOT_EXACTLY = {
    "a subnormal output may be 0": lambda p: loss_of([p.smallest / 2, 0.5], [1.0, 1.0], p),
    "an output that may be 0": lambda p: log(Ball(np.zeros(2), np.full(2, p.smallest), p)).sum(axis=0),
    "a sum that overflows": lambda p: Ball.recorded(np.full(4, p.largest), p).sum(axis=0),
    "a sum of what overflows": lambda p: (
        Ball.recorded(np.full(4, p.largest), p) * Ball.recorded(np.full(4, p.largest), p)
    ).sum(axis=0),
    "a sum of powers of e that overflow": lambda p: exp(Ball.recorded(np.full(4, 800.0), p)).sum(axis=0),
    "∞ and what may overflow to −∞": lambda p: Ball.recorded(np.array([np.inf, -p.largest, -p.largest]), p).sum(axis=0),
    "∞ and −∞": lambda p: Ball.recorded(np.array([np.inf, -np.inf]), p).sum(axis=0),
    "∞ and a number without a bound": lambda p: Ball(np.array([np.inf, 0]), np.array([0, np.inf]), p).sum(axis=0),
    "∞ and NaN": lambda p: Ball.recorded(np.array([np.inf, np.nan]), p).sum(axis=0),
    "∞ times what may be 0": lambda p: Ball.recorded(np.array([np.inf, 1]), p).sum(axis=0) * Ball(1.0, np.ones(()), p),
    "∞ plus what may be −∞": lambda p: (
        Ball.recorded(np.array([np.inf, 1]), p).sum(axis=0) + Ball(np.zeros(()), np.full((), np.inf), p)
    ),
}


@BOTH
@pytest.mark.parametrize("name", NOT_EXACTLY)
def test_what_may_overflow_is_neither_exactly_infinite_nor_bounded(name, precision):
    ball = NOT_EXACTLY[name](precision)
    assert not is_infinite(ball).any()
    assert not (np.isfinite(ball.mid) & np.isfinite(ball.radius)).any()
