"""Balls where numbers end: NaN has no bound, infinity is exact where it is, and a fused sigmoid ends early."""

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import FLOAT32, FLOAT64
from reference.alphabet import sigmoid

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
