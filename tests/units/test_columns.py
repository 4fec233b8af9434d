"""A sum over the examples in blocks has the ball of the whole: as many roundings, and only float64's order differs."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons.balls import OWN, Ball
from comparisons.columns import EXAMPLES, Columns, NotInBlocks, Sums
from comparisons.mistakes.averages import gradient_of_all_units
from comparisons.precisions import FLOAT32, FLOAT64
from reference.alphabet import sigmoid
from reference.dialects import (
    clamped_cross_entropy,
    clamped_output_gradient,
    clipped_cross_entropy,
    cross_entropy_of_logits,
    logits_gradient,
    mean_output_gradient,
    summed_bias_gradient,
    summed_weight_gradient,
)
from reference.layers import bias_gradient, input_gradient, weight_gradient, weighted_sum
from reference.losses import cross_entropy

EACH_PRECISION = pytest.mark.parametrize("precision", [FLOAT32, FLOAT64], ids=["float32", "float64"])
SUMS = {
    weight_gradient: ("dZ", "A"), bias_gradient: ("dZ",), summed_weight_gradient: ("dZ", "A"),
    summed_bias_gradient: ("dZ",), gradient_of_all_units: ("dZ",), cross_entropy: ("P", "Y"),
    clamped_cross_entropy: ("P", "Y"), clipped_cross_entropy: ("P", "Y"), cross_entropy_of_logits: ("Z", "Y"),
}  # fmt: skip
CONSTANTS = {clamped_cross_entropy: {"least": -100.0}, clipped_cross_entropy: {"epsilon": 1e-7}}


def numbers_of(seed, m, precision):
    """Numbers of every kind of quantity, some of them 0, for m examples."""
    draw = np.random.default_rng(seed)
    cast = np.dtype(precision.name).type
    Z = cast(draw.normal(size=(1, 1, m)) * 4)
    return {
        "dZ": cast(draw.normal(size=(1, 3, m)) * (draw.random((1, 3, m)) < 0.7)),
        "A": cast(draw.normal(size=(1, 2, m)) * (draw.random((1, 2, 1)) < 0.7)),
        "Z": Z, "P": sigmoid(Z), "Y": cast(draw.integers(0, 2, (1, 1, m))),
    }  # fmt: skip


def ball_of(values, precision, share):
    """A quantity that is shown, or that was computed and lies within a share of its number."""
    ball = Ball.recorded(values, precision)
    return ball if share is None else Ball(ball.mid, np.abs(ball.mid) * share, precision)


def in_blocks(equation, balls, width, constants):
    """The equation's ball, its examples so many at a time."""
    m, sums = balls[0].shape[-1], Sums()
    for begin in range(0, m, width):
        sums.begin()
        columns = [Columns(ball[..., begin : begin + width], EXAMPLES, m, sums) for ball in balls]
        found = equation(*columns, **constants)
    assert found.axis is None
    return found.ball


def apart(n):
    """How far two float64 sums of n positive terms may be apart, as a part of them: each meets n roundings."""
    return np.expm1(2 * n * OWN)


@EACH_PRECISION
@pytest.mark.parametrize("equation", SUMS, ids=lambda equation: equation.__name__)
@given(seed=st.integers(0, 2**32), m=st.integers(1, 40), share=st.sampled_from([None, 2.0**-20]), data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
def test_a_sum_in_blocks_has_the_ball_of_the_whole(equation, precision, seed, m, share, data):
    """Midpoints are within what is counted for each, and radii, Σ|terms| as far apart as sums in another order are."""
    values = numbers_of(seed, m, precision)
    balls = [ball_of(values[name], precision, None if name == "Y" else share) for name in SUMS[equation]]
    constants = CONSTANTS.get(equation, {})
    whole = equation(*balls, **constants)
    blocks = in_blocks(equation, balls, data.draw(st.integers(1, m), "width"), constants)
    one, other = whole.sum_of, blocks.sum_of
    assert np.array_equal(np.broadcast_to(one.n_roundings, one.absolute.shape), other.n_roundings + 0 * other.absolute)
    assert np.allclose(one.flushed, other.flushed, rtol=4 * OWN, atol=0)
    with np.errstate(all="ignore"):
        far = apart(m + 8) * one.absolute
        assert (np.abs(whole.mid - blocks.mid) <= apart(np.max(one.n_roundings)) * one.absolute).all()
        assert (np.abs(one.absolute - other.absolute) <= far).all()
        assert (np.abs(whole.radius - blocks.radius) <= apart(m + 8) * whole.radius).all()
    assert ((whole.radius == 0) == (blocks.radius == 0)).all()


@given(seed=st.integers(0, 2**32), m=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=50, deadline=None, derandomize=True, database=None)
def test_the_exact_sum_and_sums_in_any_order_lie_inside(seed, m, width):
    values = numbers_of(seed, m, FLOAT32)
    dZ, A = values["dZ"][0], values["A"][0]
    ball = in_blocks(weight_gradient, [ball_of(values[n], FLOAT32, None) for n in ("dZ", "A")], width, {})
    order = np.random.default_rng(seed).permutation(m)
    for row, column in np.ndindex(3, 2):
        mid, radius = Fraction(float(ball.mid[0, row, column])), Fraction(float(ball.radius[0, row, column]))
        terms = [(dZ[row, i], A[column, i]) for i in range(m)]
        exact = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in terms) / m
        assert abs(exact - mid) <= radius
        total = np.float32(0)
        for i in order:
            total += dZ[row, i] * A[column, i]
        assert abs(Fraction(float(total / np.float32(m))) - mid) <= radius


# Controls -------------------------------------------------------------------------------------------------------------

M = 2**12
UNIT = np.float32(2.0**-24 * (1 - 2.0**-10))  # is lost where it is added to 1


def one_and_many_small():
    """db of these numbers, added from the first to the last as a correct program may, loses all but the first."""
    dZ = np.full((1, 1, M), UNIT, np.float32)
    dZ[..., 0] = 1
    db = np.float32(0)
    for number in dZ[0, 0]:
        db += number
    assert db == 1
    return ball_of(dZ, FLOAT32, None), db / M


@pytest.mark.parametrize("width", [1, 100, 2**10, M])
def test_the_worst_order_lies_inside_in_blocks_of_any_size(width):
    dZ, db = one_and_many_small()
    ball = in_blocks(bias_gradient, [dZ], width, {})
    assert abs(db - ball.mid.item()) <= ball.radius.item()


def test_a_joined_sum_that_forgets_the_roundings_of_a_block_is_noticed(monkeypatch):
    """Forgetting half of them halves the bound, and nearly all of it is needed."""
    dZ, db = one_and_many_small()
    joined = Sums.joined

    def forgetful(self, block, infinite, between):
        ball = joined(self, block, infinite, between)
        mid, terms, ends = self.found[self.at - 1]
        self.found[self.at - 1] = mid, terms._replace(n_roundings=block.sum_of.n_roundings), ends
        return ball

    monkeypatch.setattr(Sums, "joined", forgetful)
    ball = in_blocks(bias_gradient, [dZ], M // 4, {})
    assert abs(db - ball.mid.item()) > ball.radius.item()


def test_an_infinite_term_makes_the_sum_infinite_and_exact_whichever_block_it_is_in():
    """J of a saturated wrong output is ∞, which nothing finite is; two ends that cancel bound nothing."""
    values = np.zeros((1, 1, 8), np.float32)
    values[..., 5] = np.inf
    for width in (1, 3, 8):
        ball = in_blocks(bias_gradient, [ball_of(values, FLOAT32, None)], width, {})
        assert (ball.mid.item(), ball.radius.item()) == (np.inf, 0)
    values[..., 1] = -np.inf
    ball = in_blocks(bias_gradient, [ball_of(values, FLOAT32, None)], 3, {})
    assert not np.isfinite(ball.radius.item())


# What is no sum -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "equation", [mean_output_gradient, clamped_output_gradient, logits_gradient], ids=lambda equation: equation.__name__
)
def test_what_each_example_has_is_the_same_number_by_number(equation):
    values = numbers_of(1, 12, FLOAT32)
    first = "Z" if equation is logits_gradient else "P"
    balls = [ball_of(values[name], FLOAT32, None) for name in (first, "Y")]
    constants = {"epsilon": 1e-12} if equation is clamped_output_gradient else {}
    whole = equation(*balls, **constants)
    for begin in range(0, 12, 4):
        columns = [Columns(ball[..., begin : begin + 4], EXAMPLES, 12, Sums()) for ball in balls]
        found = equation(*columns, **constants)
        assert found.axis == EXAMPLES
        assert np.array_equal(found.ball.mid, whole.mid[..., begin : begin + 4])
        assert np.array_equal(found.ball.radius, whole.radius[..., begin : begin + 4])


def test_weights_times_examples_are_examples():
    dZ = Columns(Ball(np.ones((1, 3, 5))), EXAMPLES, 20, Sums())
    W, b = (Columns(Ball(np.ones(shape)), None, 20, Sums()) for shape in ((1, 3, 3), (1, 3, 1)))
    for found in (weighted_sum(W, dZ, b), input_gradient(W, dZ)):
        assert (found.axis, found.shape, found.ball.shape) == (EXAMPLES, (1, 3, 20), (1, 3, 5))


@pytest.mark.parametrize(
    "what",
    [
        lambda A, W: A.mT @ A,
        lambda A, W: A @ W,
        lambda A, W: A + A.mT,
        lambda A, W: A + W,
        lambda A, W: A.sum(axis=-1),
    ],
    ids=["examples by examples", "no other factor", "turned", "no examples", "no axis"],
)
def test_what_needs_the_other_examples_is_refused(what):
    A = Columns(Ball(np.ones((1, 5, 5))), EXAMPLES, 20, Sums())
    W = Columns(Ball(np.ones((1, 5, 5))), None, 20, Sums())
    with pytest.raises(NotInBlocks):
        what(A, W)
