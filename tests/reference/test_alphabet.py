"""The alphabet: letters compute what their formulas say, hand over to what knows better, and leave types alone."""

import inspect
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference import alphabet
from reference.alphabet import LETTERS, cross_entropy_slope, letter, sqrt, times_sigmoid_slope, xlogy

everywhere = settings(deadline=None, derandomize=True)
probabilities = st.floats(0, 1)
labels = st.sampled_from([0.0, 1.0])
moderate = st.floats(-1e6, 1e6)


def σ(z):
    return 1 / (1 + mpmath.exp(-z))


def slope_of_cross_entropy(A, Y, over=1):
    return -((Y / A if Y else 0) - ((1 - Y) / (1 - A) if Y != 1 else 0)) / over


# What each letter says, spelled in mpmath's numbers; a mean over 32 examples and Keras's epsilon where it needs one.
FORMULAS = {
    "sigmoid": (σ, [moderate], {}),
    "tanh": (mpmath.tanh, [moderate], {}),
    "lerp": (lambda start, end, weight: start + weight * (end - start), [moderate, moderate], {"weight": 0.1}),
    "xlogy": (lambda y, x: y * mpmath.log(x) if y else mpmath.mpf(0), [labels, st.floats(2.0**-1022, 1)], {}),
    "cross_entropy_slope": (slope_of_cross_entropy, [st.floats(2.0**-1000, 1 - 2.0**-53), labels], {"over": 32}),
    "clamped_cross_entropy_slope": (
        lambda A, Y, over, epsilon: (A - Y) / max(A * (1 - A), mpmath.mpf(epsilon)) / over,
        [probabilities, labels],
        {"over": 32, "epsilon": 1e-12},
    ),
    "clipped_cross_entropy_slope": (
        lambda A, Y, over, epsilon: slope_of_cross_entropy(A, Y, over) if epsilon <= A <= 1 - epsilon else 0 * A,
        [probabilities, labels],
        {"over": 32, "epsilon": 1e-7},
    ),
    "times_sigmoid_slope": (lambda dA, A: dA * A * (1 - A), [moderate, probabilities], {}),
    "logits_loss": (
        lambda Z, Y: max(Z, mpmath.mpf(0)) - Z * Y + mpmath.log1p(mpmath.exp(-abs(Z))),
        [st.floats(-700, 700), probabilities],
        {},
    ),
    "logits_loss_slope": (lambda Z, Y: σ(Z) - Y, [st.floats(-700, 700), labels], {}),
    "in_precision_of": (lambda x, like: x, [moderate, moderate], {}),
}
PARTS = pytest.mark.parametrize("spoken", LETTERS, ids=lambda spoken: spoken.__name__)


def check_formula(name, actual, numbers):
    """The letter's number lies in its ball around what the formula gives exactly."""
    formula, _, constants = FORMULAS[name]
    ball = getattr(alphabet, name)(*(Ball(np.array(x), None, FLOAT64) for x in numbers), **constants)
    with mpmath.workdps(1000):
        expected = mpmath.mpf(formula(*map(mpmath.mpf, numbers), **constants))
        assert abs(expected - float(ball.mid)) <= float(ball.radius)
        assert abs(expected - float(actual)) <= 2 * float(ball.radius)


@PARTS
@everywhere
@given(data=st.data())
def test_a_letter_computes_what_its_formula_says(spoken, data):
    _, arguments, constants = FORMULAS[spoken.__name__]
    numbers = [data.draw(numbers) for numbers in arguments]
    check_formula(spoken.__name__, spoken(*map(np.array, numbers), **constants), numbers)


@PARTS
def test_a_letter_that_is_off_by_a_millionth_is_refused(spoken):
    numbers = [0.25, 0.5][: len(FORMULAS[spoken.__name__][1])]
    actual = spoken(*map(np.array, numbers), **FORMULAS[spoken.__name__][2])
    check_formula(spoken.__name__, actual, numbers)
    with pytest.raises(AssertionError):
        check_formula(spoken.__name__, actual * (1 + 1e-6), numbers)


@PARTS
def test_a_letter_says_its_formula_with_its_arguments_names(spoken):
    formula = spoken.__doc__.splitlines()[0]
    for name in inspect.signature(spoken).parameters:
        assert name in formula or name == "z"  # e^−z is written with a superscript's base


def test_all_letters_are_listed():
    spoken = {f for f in vars(alphabet).values() if hasattr(f, "__wrapped__") and f.__module__ == alphabet.__name__}
    assert spoken == set(LETTERS)
    assert {spoken.__name__ for spoken in LETTERS} == set(FORMULAS)


class Speaker:
    """Something that has its own answer to every letter."""

    def __letter__(self, spoken, arguments, constants):
        return spoken.__name__, len(arguments), constants


@PARTS
@pytest.mark.parametrize("at", [0, 1], ids=["first", "second"])
def test_a_letter_hands_over_to_an_argument_that_answers(spoken, at):
    _, arguments, constants = FORMULAS[spoken.__name__]
    numbers = [np.ones(2) for _ in arguments]
    numbers[min(at, len(numbers) - 1)] = Speaker()
    assert spoken(*numbers, **constants) == (spoken.__name__, len(arguments), constants)


def test_only_letters_hand_over():
    def double(x):
        return 2 * x

    assert letter(double)(Speaker()) == ("double", 1, {})
    with pytest.raises(TypeError):
        double(Speaker())


def test_an_argument_that_is_named_hands_over_as_well():
    assert times_sigmoid_slope(A=Speaker(), dA=np.ones(1)) == ("times_sigmoid_slope", 2, {})


def test_the_root_of_a_python_number_is_one_and_that_of_float32_stays_float32():
    assert type(sqrt(2.0)) is float
    assert type(sqrt(4)) is float
    assert sqrt(2.0) == math.sqrt(2) == float(np.sqrt(2.0))
    assert sqrt(np.float32(2)).dtype == np.float32
    assert sqrt(np.array([2], np.float32)).dtype == np.float32


def test_zero_times_a_logarithm_is_zero_whatever_the_logarithm_is():
    assert xlogy(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, np.inf, 0.0, 1.0])).tolist() == [0, 0, -np.inf, 0]
    assert xlogy(np.array([-2.0]), np.array([1.0])).tolist() == [0]
    assert xlogy(np.array([-2.0]), np.array([0.0])).tolist() == [np.inf]
    with np.errstate(all="ignore"):
        assert np.isnan(0.0 * np.log(np.array(0.0)))  # what it would be otherwise


def test_the_slope_at_a_saturated_output_is_minus_or_plus_one_where_it_is_right_and_infinite_where_it_is_wrong():
    A, Y = np.array([1.0, 0.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    assert cross_entropy_slope(A, Y).tolist() == [-1, 1, -np.inf, np.inf]
    with np.errstate(all="ignore"):
        assert np.isnan(-(Y / A - (1 - Y) / (1 - A))[:2]).all()  # 0/0


@everywhere
@given(z=st.floats(-30, 30), y=probabilities)
def test_the_loss_of_logits_is_the_cross_entropy_of_their_sigmoid(z, y):
    expected, actual = (f(Ball(np.array(z), None, FLOAT64), y) for f in (entropy_of_sigmoid, alphabet.logits_loss))
    assert abs(expected.mid - actual.mid) <= expected.radius + actual.radius
    wrong = alphabet.logits_loss(Ball(np.array(-z), None, FLOAT64), y)
    assert abs(z) * abs(1 - 2 * y) < 1e-3 or abs(expected.mid - wrong.mid) > expected.radius + wrong.radius


def entropy_of_sigmoid(z, y):
    A = alphabet.sigmoid(z)
    return -(xlogy(y, A) + xlogy(1 - y, 1 - A))
