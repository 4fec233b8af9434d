"""Balls are sound: whatever a correct implementation may compute, and the exact value, lies inside.

Two more readings of the equations are the judges, and neither knows anything of balls: the arrays of an implementation
that makes any of the choices that are open to it (`tests/units/conftest.py`), and arrays of Arb's numbers of 200 bits,
which give the exact value.
"""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from comparisons.balls import Ball
from comparisons.precisions import FLOAT32, FLOAT64
from reference.alphabet import (
    clamped_cross_entropy_slope,
    clipped_cross_entropy_slope,
    cross_entropy_slope,
    exp,
    in_precision_of,
    lerp,
    log,
    logits_loss,
    logits_loss_slope,
    maximum,
    minimum,
    sigmoid,
    sqrt,
    tanh,
    times_sigmoid_slope,
    xlogy,
)
from reference.article import network
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import before, now
from reference.running import evaluate

flint.ctx.prec = 200
BOTH = pytest.mark.parametrize("precision", [FLOAT32, FLOAT64], ids=["float32", "float64"])


def examples(n):
    return settings(max_examples=n, deadline=None, derandomize=True, database=None)


# What lies inside ----------------------------------------------------------------------------------------------------


def check_computed(ball, actual):
    """Every number lies inside its ball, or its ball has no bound."""
    values = np.asarray(actual, np.float64)
    assert values.shape == ball.shape
    bounded = np.isfinite(ball.mid) & np.isfinite(ball.radius)
    with np.errstate(all="ignore"):
        outside = bounded & ~(np.abs(values - ball.mid) <= ball.radius)
    assert not outside.any(), f"{values[outside]} outside {ball.mid[outside]} ± {ball.radius[outside]}"


def check_exact(ball, exact):
    """Every exact value that is a number lies inside its ball, as far as float64 can tell, or its ball has no bound."""
    for at in np.ndindex(ball.shape):
        value, mid, radius = flint.arb(exact[at]), float(ball.mid[at]), float(ball.radius[at])
        if np.isfinite(mid) and np.isfinite(radius) and value.is_finite():
            distance = abs(value - mid)
            assert distance <= radius or distance < 2.0**-1074, f"{value} outside {mid} ± {radius}"


def exactly(values):
    """An array of Arb's numbers."""
    return np.frompyfunc(lambda x: flint.arb(float(x)), 1, 1)(np.asarray(values))


# Numbers -------------------------------------------------------------------------------------------------------------


def numbers(precision):
    """All kinds: small ones, so that equal ones meet, 0, −0, ±1, subnormal, tiny, huge, and anything else."""
    width, last = {"float32": 32, "float64": 64}[precision.name], 2.0**precision.least_exponent
    ends = [last, precision.smallest - last, precision.smallest, 3 * precision.smallest, precision.largest / 3]
    anything = st.floats(width=width, allow_nan=False, allow_infinity=False)
    return st.one_of(small(precision), st.sampled_from([0.0, -0.0, 1.0, -1.0, *ends, *(-x for x in ends)]), anything)


def small(precision):
    """Numbers between −6 and 6 that neither over- nor underflow in an expression, and 0."""
    return st.integers(-4096, 4096).map(lambda n: float(np.dtype(precision.name).type(n / 700)))


def tiny(precision):
    """Numbers whose products are about to underflow."""
    root = 2.0 ** (int(np.log2(precision.smallest)) // 2)
    return st.one_of(small(precision).map(lambda x: x * root), small(precision))


def matrices(precision, elements, shape=(3, 3)):
    return arrays(np.dtype(precision.name), shape, elements=elements(precision), fill=st.nothing())


SEEDS = st.integers(0, 2**32 - 1)
LABELS = arrays(np.float32, (3, 3), elements=st.sampled_from([0.0, 1.0, 0.0, 1.0, 0.25, float(np.float32(0.9))]))
RADII = st.sampled_from([None, None, 2.0**-50, 2.0**-22, 1e-3, 0.3, 2.0])


def known(choices, values, share):
    """A ball and what the implementation has there: what is recorded, or, with a radius, anything inside.

    What was computed has a radius of more than the smallest normal number, so that it holds 0 wherever it may be read.
    """
    values = np.asarray(values, choices.dtype)
    recorded = Ball.recorded(values, choices.precision)
    if share is None:
        return recorded, choices.array(values)
    size = np.abs(recorded.mid)
    radius = share * np.minimum(size, 1) + choices.precision.smallest * (size > 0)
    shift = choices.rng.choice([-1, 1, 0.5, -0.3], values.shape) * radius
    hidden = (recorded.mid + shift).astype(choices.dtype)
    is_inside = np.abs(hidden.astype(np.float64) - recorded.mid) <= radius
    return Ball(recorded.mid, radius, choices.precision), choices.array(np.where(is_inside, hidden, values))


# Expressions ---------------------------------------------------------------------------------------------------------


EXPRESSIONS = {
    "a + b": lambda a, b, c, Y: a + b,
    "a − b": lambda a, b, c, Y: a - b,
    "a − a": lambda a, b, c, Y: a - a,
    "a b": lambda a, b, c, Y: a * b,
    "a b + c": lambda a, b, c, Y: a * b + c,
    "a b − c": lambda a, b, c, Y: a * b - c,
    "c − a b": lambda a, b, c, Y: c - a * b,
    "a/b": lambda a, b, c, Y: a / b,
    "a/(1 + b²)": lambda a, b, c, Y: a / (1 + b * b),
    "a/3": lambda a, b, c, Y: a / 3,
    "a/4": lambda a, b, c, Y: a / 4,
    "0.1 a": lambda a, b, c, Y: 0.1 * a,
    "−a": lambda a, b, c, Y: -a,
    "A B": lambda a, b, c, Y: a @ b,
    "A B + c": lambda a, b, c, Y: a @ b + c,
    "c − A Bᵀ": lambda a, b, c, Y: c - a @ b.mT,
    "A B + B C": lambda a, b, c, Y: a @ b + b @ c,
    "A 0 + B C": lambda a, b, c, Y: a @ (0 * b) + b @ c,
    "A B/3": lambda a, b, c, Y: a @ b / 3,
    "A B/32": lambda a, b, c, Y: a @ b / 32,
    "3.0000001 Σa of one": lambda a, b, c, Y: 3.0000001 * a[:, :1].sum(axis=-1, keepdims=True),
    "0.7 A B": lambda a, b, c, Y: 0.7 * (a @ b),
    "1000 A B": lambda a, b, c, Y: (a @ b) * 1000,
    "(A B + c)/3/7": lambda a, b, c, Y: (a @ b + c) / 3 / 7,
    "Σa": lambda a, b, c, Y: a.sum(axis=-1, keepdims=True),
    "c + Σa": lambda a, b, c, Y: c + a.sum(axis=-1, keepdims=True),
    "−Σa b/3": lambda a, b, c, Y: -(a * b).sum(axis=-1, keepdims=True) / 3,
    "max(a, b)": lambda a, b, c, Y: maximum(a, b),
    "min(a, b)": lambda a, b, c, Y: minimum(a, b),
    "max(a, 0)": lambda a, b, c, Y: maximum(a, 0),
    "a [b > 0]": lambda a, b, c, Y: a * (b > 0),
    "a [b ≥ c]": lambda a, b, c, Y: a * (b >= c),
    "a [b < c] + 0.1 a [b ≤ 0]": lambda a, b, c, Y: a * (b < c) + 0.1 * (a * (b <= 0)),
    "exp a": lambda a, b, c, Y: exp(a),
    "exp(−a²)": lambda a, b, c, Y: exp(-(a * a)),
    "ln a²": lambda a, b, c, Y: log(a * a),
    "ln max(a, 0)": lambda a, b, c, Y: log(maximum(a, 0)),
    "max(ln σ(a), −100)": lambda a, b, c, Y: maximum(log(sigmoid(a)), -100.0),
    "√a²": lambda a, b, c, Y: sqrt(a * a),
    "a/(√max(b, 0) + 1e-7)": lambda a, b, c, Y: a / (sqrt(maximum(b, 0)) + 1e-7),
    "σ(a)": lambda a, b, c, Y: sigmoid(a),
    "tanh a": lambda a, b, c, Y: tanh(a),
    "a (1 − tanh² b)": lambda a, b, c, Y: a * (1 - tanh(b) * tanh(b)),
    "lerp(a, b; 0.1)": lambda a, b, c, Y: lerp(a, b, weight=0.1),
    "lerp(a, b²; 0.001)": lambda a, b, c, Y: lerp(a, b * b, weight=1 - 0.999),
    "lerp(a, a; 0.1)": lambda a, b, c, Y: lerp(a, a, weight=0.1),
    "0.9 a + 0.1 b": lambda a, b, c, Y: 0.9 * a + (1 - 0.9) * b,
    "xlogy(Y, σ(a))": lambda a, b, c, Y: xlogy(Y, sigmoid(a)),
    "−Σ(xlogy(Y, σ(a)) + xlogy(1 − Y, 1 − σ(a)))/3": lambda a, b, c, Y: (
        -(xlogy(Y, sigmoid(a)) + xlogy(1 - Y, 1 - sigmoid(a))).sum(axis=-1, keepdims=True) / 3
    ),
    "slope of the cross-entropy": lambda a, b, c, Y: cross_entropy_slope(sigmoid(a), Y),
    "1/3 slope of the cross-entropy": lambda a, b, c, Y: cross_entropy_slope(sigmoid(a), Y, over=3),
    "clamped": lambda a, b, c, Y: clamped_cross_entropy_slope(sigmoid(a), Y, over=3, epsilon=1e-12),
    "clipped": lambda a, b, c, Y: clipped_cross_entropy_slope(sigmoid(a), Y, over=3, epsilon=1e-7),
    "b σ′(a)": lambda a, b, c, Y: times_sigmoid_slope(b, sigmoid(a)),
    "loss of the logits": lambda a, b, c, Y: logits_loss(a, Y),
    "1/3 Σ loss of the logits": lambda a, b, c, Y: logits_loss(a, Y).sum(axis=-1, keepdims=True) / 3,
    "slope of the logits' loss": lambda a, b, c, Y: logits_loss_slope(a, Y),
    "1/3 slope of the logits' loss": lambda a, b, c, Y: logits_loss_slope(a, Y) / 3,
    "1/4 slope of the logits' loss": lambda a, b, c, Y: logits_loss_slope(a, Y) / 4,
}
POWERS = {
    "a (1 − 0.9⁷)": lambda a, b, c, Y: a * (1 - 0.9 ** in_precision_of(7, a)),
    "b 0.999²": lambda a, b, c, Y: b * 0.999 ** in_precision_of(2, a),
}


def fused(slope, **constants):
    """The slope of a cross-entropy, taken back through σ, whose output is read five times."""

    def through_sigmoid(a, b, c, Y):
        A = sigmoid(a)
        return times_sigmoid_slope(slope(A, Y, **constants), A)

    return through_sigmoid


FUSED = {
    "fused": fused(cross_entropy_slope),
    "1/3 fused": fused(cross_entropy_slope, over=3),
    "clamped, fused": fused(clamped_cross_entropy_slope, over=3, epsilon=float(np.float32(1e-12))),
    "clamped wide, fused": fused(clamped_cross_entropy_slope, over=4, epsilon=1e-3),
    "clipped, fused": fused(clipped_cross_entropy_slope, over=3, epsilon=1e-7),
    "clipped wide, fused": fused(clipped_cross_entropy_slope, over=3, epsilon=0.2),
}
ALL = EXPRESSIONS | POWERS | FUSED
NOT_ARBS = {"ln max(a, 0)", "a/(√max(b, 0) + 1e-7)"}  # the larger of Arb's number and 0 may be Python's 0
FULL = [name for name in EXPRESSIONS if "Σ" not in name]  # those that give a (3, 3)


def drawn(data, choices, kind):
    """The balls of a, b, c and Y, and what an implementation has there."""
    inputs = [known(choices, data.draw(matrices(choices.precision, kind)), data.draw(RADII)) for _ in "abc"]
    inputs.append(known(choices, data.draw(LABELS), None))
    return zip(*inputs, strict=True)


@BOTH
@pytest.mark.parametrize("name", ALL)
def test_what_is_computed_lies_in_its_ball(name, precision, implementation):
    @examples(12)
    @given(data=st.data(), kind=st.sampled_from([numbers, small, tiny]), seed=SEEDS, flushes=st.booleans())
    def check(data, kind, seed, flushes):
        balls, computed = drawn(data, implementation(precision, seed, flushes), kind)
        ball = ALL[name](*balls)
        for _ in range(2):
            actual = ALL[name](*computed).values
            if name in FUSED:  # whose dA must be a number, and is not where a quotient divides by 0
                actual = np.where(np.isnan(actual), ball.mid, actual)
            check_computed(ball, actual)

    check()


@BOTH
@pytest.mark.parametrize("name", [name for name in EXPRESSIONS | FUSED if name not in NOT_ARBS])
def test_the_exact_value_lies_in_its_ball(name, precision, implementation):
    @examples(4)
    @given(data=st.data(), kind=st.sampled_from([numbers, small, tiny]), seed=SEEDS)
    def check(data, kind, seed):
        balls, computed = drawn(data, implementation(precision, seed, False), kind)
        with np.errstate(all="ignore"):
            exact = ALL[name](*(exactly(x.values) for x in computed))
        check_exact(ALL[name](*balls), exact)

    check()


@BOTH
@examples(150)
@given(data=st.data(), names=st.tuples(*[st.sampled_from(FULL)] * 3, st.sampled_from(list(ALL))), seed=SEEDS)
def test_what_an_expression_of_expressions_gives_lies_in_its_ball(precision, implementation, data, names, seed):
    def composed(a, b, c, Y):
        rotated = (a, b, c), (b, c, a), (c, a, b)
        inner = [stored(ALL[name](*three, Y)) for name, three in zip(names[:3], rotated, strict=True)]
        return ALL[names[3]](*inner, Y)

    balls, computed = drawn(data, implementation(precision, seed, False), small)
    ball, actual = composed(*balls), composed(*computed).values
    if names[3] in FUSED:
        actual = np.where(np.isnan(actual), ball.mid, actual)
    check_computed(ball, actual)


def stored(x):
    """A result that is put into an array, where every reader finds the same numbers."""
    return x.stored() if hasattr(x, "stored") else x


@BOTH
@examples(60)
@given(n=st.integers(2, 40), seed=SEEDS, scale=st.sampled_from([1, 3, 7, 32, 0.1]))
def test_a_sum_in_any_order_lies_in_its_ball(precision, implementation, n, seed, scale):
    choices = implementation(precision, seed, False)
    a, b = (choices.rng.normal(size=(2, n)) * 2.0 ** choices.rng.integers(-30, 30, (2, n)) for _ in "ab")
    a[1], b[1] = -a[0], b[0] * (1 + 2.0**-20)  # so that the sum of both rows nearly cancels
    bias = choices.rng.normal(size=(1, 1))
    inputs = [known(choices, x, None) for x in (a.reshape(1, -1), b.reshape(-1, 1), bias)]

    def dot(a, b, bias):
        return (a @ b + bias) / scale

    def total(a, b, bias):
        return (bias + a.sum(axis=-1, keepdims=True)) / scale

    for equation in (dot, total):
        ball = equation(*(ball for ball, _ in inputs))
        for _ in range(4):
            check_computed(ball, equation(*(computed for _, computed in inputs)).values)


# Whole networks ------------------------------------------------------------------------------------------------------

APPLIED = [form for form in DIALECTS if form.applies_to(network(beta1=0.9, beta2=0.999, epsilon=1e-6))]


def in_forms(composed, forms):
    """The network in those of the dialects that apply to it, one after the other as they are listed."""
    for form in sorted(forms, key=DIALECTS.index):
        composed = in_form(composed, form) if form.applies_to(composed) else composed
    return composed


def judging(composed, actual, is_shown):
    """What is computed lies in its ball, and a parameter has a bound; only what is shown goes on as computed."""

    def settle(equation, ball):
        name = equation.defines
        if composed.shapes[name] == ():  # a scalar of the step, which Python computes
            return ball
        values = actual[now(name)].values
        check_computed(ball, values)
        if name in composed.parameters:
            assert np.isfinite(ball.radius).all()
        return Ball.recorded(values, ball.precision) if is_shown(name) else ball

    return settle


SHOWN = {"everything": "WbZAdmvJ", "gradients": "Wbd", "weights": "Wb", "weights, loss": "WbJ"}


@BOTH
@pytest.mark.parametrize("shows", SHOWN)
@examples(10)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    hidden=st.lists(st.sampled_from(["relu", "leaky-relu", "sigmoid", "tanh", "linear"]), min_size=4, max_size=4),
    optimizer=st.sampled_from(["adam", "adam", "gradient-descent"]),
    forms=st.lists(st.sampled_from(APPLIED), max_size=5, unique_by=lambda form: form.choice),
    m=st.integers(1, 5),
    seed=SEEDS,
)
def test_every_quantity_of_a_step_lies_in_its_ball(
    precision, implementation, shows, sizes, hidden, optimizer, forms, m, seed
):
    activations = (*hidden[: len(sizes) - 1], "sigmoid")
    constants = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-6} if optimizer == "adam" else {}
    composed = in_forms(network((*sizes, 1), activations, optimizer=optimizer, **constants), forms)
    choices = implementation(precision, seed, seed % 2 == 0)
    state = {name: np.full(composed.shapes[name], value) for name, value in composed.start.items()}
    state |= {name: choices.rng.normal(0, 0.8, composed.shape(name, m)) for name in composed.parameters}
    carried = {name: known(choices, value, None) for name, value in state.items()}
    for t in (1, 2, 3):
        inputs = {before(name): carried[name] for name in composed.remembered}
        inputs[now("A[0]")] = known(choices, choices.rng.normal(0, 2, (sizes[0], m)), None)
        inputs[now("Y")] = known(choices, choices.rng.integers(0, 2, (1, m)), None)
        scalars = {now("t"): np.full((1, 1), float(t)), now("alpha"): np.full((1, 1), 0.3)}
        actual = {ref: computed for ref, (_, computed) in inputs.items()} | scalars
        evaluate(composed.equations, actual, lambda _, value: stored(value))
        balls = {ref: ball for ref, (ball, _) in inputs.items()}
        balls |= {ref: Ball(value, None, FLOAT64) for ref, value in scalars.items()}
        evaluate(composed.equations, balls, judging(composed, actual, lambda name: name[0] in SHOWN[shows]))
        carried = {name: (balls[now(name)], actual[now(name)]) for name in composed.remembered}


# No radius explodes --------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("weight", [0.1, 0.001])
def test_a_hidden_moments_radius_stays_bounded(precision, weight):
    """Each lerp makes of a radius r at most a r + c, so that it stays below aⁿ r + c/(1 − a).

    Moments are at most 1 in size and so |end − start| at most 2, and u is the roundings of a number and its midpoint.
    Three roundings, of the weight, the difference and the product, are off by 4 w u (2 + r) at most, the last one by
    u (1 + r); a part of 2⁻²⁰ is above what is of second order, and the slack of the balls.
    """
    rng = np.random.default_rng(0)
    u, margin = precision.unit + FLOAT64.unit, 1 + 2.0**-20
    off = 4 * weight * u
    a = 1 - weight * (1 - 2.0**-20) + (off + u) * margin
    c = (2 * off + u + 4 * precision.smallest) * margin
    moment = Ball(rng.uniform(-1, 1, 20), np.full(20, 0.5), precision)
    for _ in range(2000):
        end = Ball.recorded(rng.uniform(-1, 1, 20).astype(precision.name), precision)
        moment = lerp(moment, end, weight=weight)
    assert (moment.radius <= 0.5 * a**2000 + c / (1 - a)).all()


@BOTH
def test_spelled_out_a_hidden_moments_radius_explodes(precision):
    moment, end = Ball(np.ones(1), np.full(1, precision.unit), precision), Ball.recorded(np.zeros(1), precision)
    for _ in range(2000):
        moment = moment + 0.1 * (end - moment)
    assert not (moment.radius < 1e50).any()


@BOTH
@pytest.mark.parametrize("Y", [0.0, 1.0, 0.25])
@pytest.mark.parametrize("name", FUSED)
def test_the_gradient_of_a_saturated_hidden_output_is_bounded(name, Y, precision):
    """By 1 in size: |A − Y| is, and its radius is not larger where A may be on either side of a clip or a clamp."""
    Z = Ball(np.array([[-700.0, -60, -20, 20, 60, 700]]), np.full((1, 6), 1e-3), precision)
    ball = FUSED[name](Z, None, None, Ball.recorded(np.full((1, 6), Y), precision))
    assert (np.abs(ball.mid) <= 1).all()
    assert (ball.radius <= 1).all()


# What must be rejected -----------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("name", ALL)
def test_what_is_just_outside_is_rejected(name, precision, implementation):
    choices = implementation(precision, 0, False)
    a, b, c = choices.rng.uniform(0.25, 2, (3, 3, 3)) * [[[1]], [[-1]], [[1]]]
    inputs = [known(choices, x, None)[0] for x in (a, b, c, choices.rng.integers(0, 2, (3, 3)))]
    ball = ALL[name](*inputs)
    check_computed(ball, ball.mid)
    for at in np.ndindex(ball.shape):
        for sign in (-1, 1):
            actual, end = ball.mid.copy(), ball.mid[at] + sign * ball.radius[at]
            while abs(Fraction(end) - Fraction(ball.mid[at])) <= Fraction(ball.radius[at]):
                end = np.nextafter(end, sign * np.inf)
            actual[at] = np.nextafter(end, sign * np.inf)
            with pytest.raises(AssertionError, match="outside"):
                check_computed(ball, actual)


def test_an_exact_value_just_outside_is_rejected():
    ball = Ball(np.ones((1, 1)), np.full((1, 1), 0.5), FLOAT64)
    check_exact(ball, np.full((1, 1), flint.arb(1.5)))
    with pytest.raises(AssertionError, match="outside"):
        check_exact(ball, np.full((1, 1), flint.arb(1.5) + flint.arb(2) ** -150))
