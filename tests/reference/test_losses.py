"""Binary cross-entropy: numbers worked by hand, the edges, and what Keras publishes."""

from decimal import Decimal

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference.activations import sigmoid_backward
from reference.dialects import (
    KERAS_CLIP,
    LOG_CLAMP,
    clamped_cross_entropy,
    clamped_output_gradient,
    clipped_cross_entropy,
    cross_entropy_of_logits,
    logits_gradient,
)
from reference.losses import LOSSES, binary_cross_entropy, cross_entropy, output_gradient

everywhere = settings(deadline=None, derandomize=True)
examples = st.lists(st.tuples(st.floats(2.0**-1022, 1 - 2.0**-53), st.sampled_from([0.0, 1.0])), min_size=1, max_size=9)


def row(*numbers, dtype=np.float64):
    return np.array([numbers], dtype)


def check_loss(actual, A, Y):
    """J lies in its ball, in which mpmath's lies as well."""
    ball = cross_entropy(Ball(A, None, FLOAT64), Ball(Y, None, FLOAT64))
    with mpmath.workdps(400):
        losses = [mpmath.log(a if y else 1 - mpmath.mpf(a)) for a, y in zip(A[0].tolist(), Y[0].tolist(), strict=True)]
        expected = -mpmath.fsum(losses) / len(losses)
        assert abs(expected - float(ball.mid[0, 0])) <= float(ball.radius[0, 0])
    assert actual.shape == ball.shape == (1, 1)
    assert abs(actual - ball.mid) <= ball.radius


@everywhere
@given(examples)
def test_the_loss_is_the_mean_of_minus_the_logarithm_of_what_was_given_to_the_label(pairs):
    A, Y = (row(*numbers) for numbers in zip(*pairs, strict=True))
    check_loss(cross_entropy(A, Y), A, Y)


@pytest.mark.parametrize(
    "wrong",
    [lambda J: -J, lambda J: J * 3, lambda J: J / np.log(2), lambda J: J * (1 + 1e-14)],
    ids=["sign", "sum", "base-2", "1e-14"],
)
def test_a_loss_that_is_another_is_refused(wrong):
    A, Y = row(0.5, 0.25, 0.75), row(1, 0, 1)
    check_loss(cross_entropy(A, Y), A, Y)
    with pytest.raises(AssertionError):
        check_loss(wrong(cross_entropy(A, Y)), A, Y)


def test_a_coin_costs_the_logarithm_of_two():
    # L = -(y ln ½ + (1 - y) ln(1 - ½)) = -ln ½, whatever y is; the mean of four equal numbers is the number
    A, Y = row(0.5, 0.5, 0.5, 0.5), row(1, 0, 1, 0)
    assert cross_entropy(A, Y).item() == -np.log(A)[0, 0]
    check_loss(cross_entropy(A, Y), A, Y)


def test_the_gradient_worked_by_hand_is_per_example():
    # -(1/A) for y = 1: -2, -4; 1/(1 - A) for y = 0: 2, 4/3 (rounded once); no 1/m
    assert output_gradient(row(0.5, 0.25, 0.5, 0.25), row(1, 1, 0, 0)).tolist() == [[-2, -4, 2, 4 / 3]]
    assert output_gradient(row(0.5), row(1)).tolist() == [[-2]]


def test_with_the_sigmoid_it_is_the_prediction_less_the_label():
    A, Y = row(0.5, 0.25, 0.5, 0.75), row(1, 1, 0, 0)
    assert sigmoid_backward(output_gradient(A, Y), A).tolist() == (A - Y).tolist()
    assert sigmoid_backward(output_gradient(A, 1 - Y), A).tolist() != (A - Y).tolist()


def test_a_saturated_output_that_is_right_costs_nothing():
    assert cross_entropy(row(1, 0), row(1, 0)).tolist() == [[0]]
    assert output_gradient(row(1, 0), row(1, 0)).tolist() == [[-1, 1]]


@pytest.mark.parametrize("right", [[1, 0], [1]], ids=["among-others", "alone"])
def test_a_saturated_output_that_is_wrong_costs_infinitely_much(right):
    A, Y = row(*right, 0), row(*right, 1)
    assert cross_entropy(A, Y).tolist() == [[np.inf]]
    assert output_gradient(A, Y)[0, -1] == -np.inf


def test_the_frameworks_forms_make_it_cost_something_finite():
    A, Y = row(1), row(0)
    with np.errstate(divide="ignore"):
        assert clamped_cross_entropy(A, Y, least=LOG_CLAMP).tolist() == [[100]]
    assert clipped_cross_entropy(A, Y, epsilon=KERAS_CLIP).tolist() == (-np.log(row(1 - (1 - 1e-7)))).tolist()
    assert cross_entropy_of_logits(row(800), Y).tolist() == [[800]]
    assert logits_gradient(row(800), Y).tolist() == [[1]]
    assert clamped_output_gradient(A, Y, epsilon=1e-12).item() == 1 / 1e-12


def test_the_textbook_loses_the_gradient_of_a_saturated_output_that_is_wrong():
    # Its dA is infinite and its σ′ is 0; the logits know better.
    with np.errstate(invalid="ignore"):
        assert np.isnan(sigmoid_backward(output_gradient(row(1), row(0)), row(1))).all()


def test_the_groups_equations_are_the_articles_lines():
    group = binary_cross_entropy(5)
    assert [str(equation) for equation in (*group.forward, *group.backward)] == [
        "J = −1/m Σᵢ (Y ln A[5] + (1 − Y) ln(1 − A[5]))",
        "dA[5] = −(Y/A[5] − (1 − Y)/(1 − A[5]))",
    ]
    assert group.shapes == {"J": (1, 1), "dA[5]": (1, "m")}
    assert LOSSES == {"binary-cross-entropy": binary_cross_entropy}


# Keras's own golden numbers: keras/src/losses/losses_test.py: BinaryCrossentropyTest (keras-team/keras at 3422977,
# Apache-2.0). They are cut off behind their last digit, not rounded.


def check_digits(published, actual):
    """The number, cut off where the published one ends, is the published one."""
    unit = Decimal(1).scaleb(Decimal(published).as_tuple().exponent)
    assert 0 <= Decimal(float(actual)) - Decimal(published) < unit


def saturated(dtype):
    return clipped_cross_entropy(row(1, 1, 1, 0, dtype=dtype), row(1, 0, 1, 0, dtype=dtype), epsilon=KERAS_CLIP).item()


def test_kerass_number_for_one_wrong_of_four_comes_out_in_float32_with_clipped_probabilities():
    check_digits("3.98559", saturated(np.float32))  # 1 - 1e-7 is 1 - 2⁻²³ there, and -ln 2⁻²³ / 4 = 3.98559…
    with pytest.raises(AssertionError):
        check_digits("3.98559", saturated(np.float64))  # -ln 1e-7 / 4 = 4.0295…


def test_kerass_numbers_for_logits_come_out_in_the_logits_form():
    Z, Y = row(10, -10, 10, 10, 10, -10), row(1, 0, 1, 0, 1, 1)
    check_digits("3.3333", cross_entropy_of_logits(Z, Y).item())
    check_digits("0.0", cross_entropy_of_logits(Z[:, :3], Y[:, :3]).item())
    check_digits("6.666", cross_entropy_of_logits(Z[:, 3:], Y[:, 3:]).item())
    with pytest.raises(AssertionError):
        check_digits("3.3333", cross_entropy_of_logits(Z, 1 - Y).item())
