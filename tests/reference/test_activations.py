"""The activations are correct for every finite number, and their way back is their true derivative."""

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from comparisons.accuracy import ACCURACY
from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference.activations import ACTIVATIONS, relu, relu_backward, sigmoid, tanh
from reference.network import arguments

everywhere = settings(deadline=None, derandomize=True, max_examples=200)
finite = st.floats(allow_nan=False, allow_infinity=False)
finite32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
NAMES = pytest.mark.parametrize("name", ACTIVATIONS)
TINY = 2.0**-1074  # the smallest number above 0, a subnormal
EDGES = [0.0, TINY, 2.0**-1022, 36.7, 709.0, 709.8, 745.1, 745.2, 1e4, 1.7976931348623157e308]
EDGES += [-z for z in EDGES]


def correctly(name, z):
    """g(z) in mpmath's numbers."""
    z = mpmath.mpf(float(z))
    return {
        "relu": lambda: max(z, mpmath.mpf(0)),
        "leaky-relu": lambda: max(mpmath.mpf(0.01) * z, z),
        "sigmoid": lambda: 1 / (1 + mpmath.exp(-z)),
        "tanh": lambda: mpmath.tanh(z),
        "linear": lambda: z,
    }[name]()


def check_accuracy(name, actual, z):
    """|actual − g(z)| is at most so many units of g(z) as the table of accuracies grants, or as there are roundings.

    A unit is u |g(z)|, and half the distance of two subnormals where this is more: they are evenly spaced.
    """
    precision = np.finfo(np.asarray(actual).dtype)
    rounded = {"relu": 0, "linear": 0, "leaky-relu": 2}  # its slope, and the product with it
    units = rounded[name] if name in rounded else getattr(ACCURACY[name], precision.dtype.name)
    with mpmath.workdps(60):
        expected = correctly(name, z)
        unit = max(float(precision.eps) / 2 * abs(expected), mpmath.mpf(float(precision.smallest_subnormal)) / 2)
        assert mpmath.isfinite(float(actual))
        assert abs(float(actual) - expected) <= units * unit


def activated(name, z):
    g = ACTIVATIONS[name]
    with np.errstate(over="ignore", under="ignore"):
        return g.forward(z, **g.constants)


def taken_back(name, dA, z, A):
    g = ACTIVATIONS[name]
    of = {"dA": dA, "Z": z, "A": A}
    return g.backward(**{argument: of[argument] for argument in arguments(g.backward)[0]}, **g.constants)


@NAMES
@everywhere
@given(z=finite)
def test_an_activation_is_correct_for_every_finite_number(name, z):
    check_accuracy(name, activated(name, np.array([[z]]))[0, 0], z)


@NAMES
@everywhere
@given(z=finite32)
def test_an_activation_is_correct_for_every_finite_number_of_float32(name, z):
    actual = activated(name, np.array([[z]], np.float32))
    assert actual.dtype == np.float32
    check_accuracy(name, actual[0, 0], z)


@NAMES
@pytest.mark.parametrize("z", EDGES, ids=str)
def test_an_activation_is_correct_at_the_edges(name, z):
    for n in (1, 7, 64):  # alone, and where NumPy takes several numbers at a time
        actual = activated(name, np.full((1, n), z))
        for value in actual.ravel():
            check_accuracy(name, value, z)


@pytest.mark.parametrize(
    ("spelling", "z"),
    [
        (lambda z: 1 / (1 + np.exp(-z)), -720.0),
        (lambda z: np.exp(z) / (1 + np.exp(z)), 720.0),
        (lambda z: (np.tanh(z / 2) + 1) / 2, -30.0),
    ],
    ids=["1/(1+exp(-z))", "exp(z)/(1+exp(z))", "through-tanh"],
)
def test_a_sigmoid_that_overflows_or_cancels_is_refused(spelling, z):
    check_accuracy("sigmoid", sigmoid(np.array(z)), z)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        check_accuracy("sigmoid", spelling(np.array(z)), z)


def test_a_tanh_from_exponentials_is_refused():
    z = np.array(1e-13)
    check_accuracy("tanh", tanh(z), z)
    with pytest.raises(AssertionError):
        check_accuracy("tanh", (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)), z)


def test_values_at_zero_are_the_articles():
    zero = np.array([0.0, -0.0])
    values = {name: activated(name, zero).tolist() for name in ACTIVATIONS}
    assert values == {"relu": [0, 0], "leaky-relu": [0, 0], "sigmoid": [0.5, 0.5], "tanh": [0, 0], "linear": [0, 0]}


def test_saturated_values_are_zero_and_one_and_never_beyond():
    z = np.array([-np.inf, -1e308, -745.2, 36.8, 745.2, 1e308, np.inf])
    assert sigmoid(z).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert tanh(z).tolist() == [-1, -1, -1, 1, 1, 1, 1]
    assert sigmoid(np.array(-745.1)) == TINY


@NAMES
def test_what_is_no_number_stays_visible(name):
    assert np.isnan(activated(name, np.array([np.nan, 1.0]))).tolist() == [True, False]


# The way back --------------------------------------------------------------------------------------------------------


def check_slope(name, z, exact, backward=taken_back):
    """dA ∘ g′(z) lies in its ball, in which the slope that Arb finds through g lies as well."""
    dA, Z = (Ball(np.array([[number]]), None, FLOAT64) for number in (1.0, z))
    A = activated(name, Z)
    ball = backward(name, dA, Z, A)
    actual = backward(name, dA.mid, Z.mid, activated(name, Z.mid))
    with exact.bits(3000):
        slope, reach = exact.slopes(activated(name, exact.of([[z]], [[1.0]])))
    assert abs(slope - ball.mid) <= ball.radius + reach
    assert abs(actual - ball.mid) <= ball.radius


@NAMES
@everywhere
@given(z=finite.filter(bool))
@example(z=TINY)
@example(z=-745.2)
@example(z=745.2)
def test_the_way_back_multiplies_by_the_true_slope(name, z, exact):
    check_slope(name, z, exact)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky-relu"])
def test_a_slope_that_is_another_activations_is_refused(name, exact):
    def linear(name, dA, z, A):
        return dA

    with pytest.raises(AssertionError):
        check_slope(name, -0.5, exact, linear)


def test_a_slope_that_takes_z_for_a_is_refused(exact):
    def of_z(name, dA, z, A):
        return taken_back(name, dA, z, z)

    for name in ("sigmoid", "tanh"):
        check_slope(name, -0.5, exact)
        with pytest.raises(AssertionError):
            check_slope(name, -0.5, exact, of_z)


def test_the_slope_of_relu_at_zero_is_zero():
    Z = np.array([[-1.0, -TINY, -0.0, 0.0, TINY, 1.0]])
    assert relu_backward(np.full_like(Z, 3.0), Z).tolist() == [[0, 0, 0, 0, 3, 3]]
    assert relu(Z).tolist() == [[0, 0, 0, 0, TINY, 1]]


def test_the_slope_of_leaky_relu_at_zero_is_the_lesser_one():
    Z = np.array([[-1.0, -0.0, 0.0, TINY]])
    assert taken_back("leaky-relu", np.full_like(Z, 100.0), Z, Z).tolist() == [[1, 1, 1, 100]]


def test_a_saturated_slope_is_zero():
    Z = np.array([[-800.0, 800.0]])
    for name in ("sigmoid", "tanh"):
        assert taken_back(name, np.ones_like(Z), Z, activated(name, Z)).tolist() == [[0, 0]]
