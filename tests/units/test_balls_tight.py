"""Balls are tight: the worst that rounding can do reaches a fifth of each bound, and what is exact has radius 0.

The adversary is another reading of the equations. Arrays of its numbers, of Arb's 200 bits, are off by the whole
accuracy of every operation, each in the direction that makes the final error larger; hidden inputs lie at an end of
their balls. Sums are made one term after the other, the largest first, so that each addition rounds it.
"""

from __future__ import annotations

import flint
import numpy as np
import pytest

from comparisons.balls import Ball, units_of
from comparisons.letters import LETTERS
from comparisons.operations import OPERATIONS
from comparisons.precisions import FLOAT32, FLOAT64
from reference import alphabet
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

flint.ctx.prec = 200
REACH = 1 / 5
BOTH = pytest.mark.parametrize("precision", [FLOAT32, FLOAT64], ids=["float32", "float64"])


# The adversary -------------------------------------------------------------------------------------------------------


class Adversary:
    """Says for each operation, in the order in which they come, in which direction it is off."""

    def __init__(self, precision, signs=()):
        self.precision, self.signs, self.n_asked = precision, list(signs), 0

    def next(self):
        self.n_asked += 1
        if self.n_asked > len(self.signs):
            self.signs.append(1)
        return self.signs[self.n_asked - 1]

    def constant(self, x):
        return Off(self, float(np.dtype(self.precision.name).type(x)))

    def number(self, mid, radius):
        return Off(self, flint.arb(mid) + (self.next() * flint.arb(radius) if radius else 0))

    def rounded(self, exact, units=1.0):
        return Off(self, exact * (1 + self.next() * flint.arb(units) * self.precision.unit))

    def of(self, function, *values):
        exact = values[0] / values[1] if function == "divide" else getattr(flint.arb, function)(*values)
        return self.rounded(exact, units_of(function, self.precision))


def _operator(operation):
    """An operator of the adversary's numbers that takes Python's too, and leaves arrays to NumPy."""

    def operator(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        return operation(self, other if isinstance(other, Off) else self.adversary.constant(other))

    return operator


class Off:
    """A number of the adversary's."""

    __slots__ = ("adversary", "value")

    def __init__(self, adversary, value):
        self.adversary, self.value = adversary, flint.arb(value)

    @_operator
    def __add__(self, other):
        exact = self.value + other.value
        return Off(self.adversary, exact) if 0 in (self.value, other.value) else self.adversary.rounded(exact)

    @_operator
    def __mul__(self, other):
        exact = self.value * other.value
        is_exact = any(x.value in (0, 1, -1) for x in (self, other))
        return Off(self.adversary, exact) if is_exact else self.adversary.rounded(exact)

    @_operator
    def __truediv__(self, other):
        if self.value == 0 or other.value == 1:
            return self
        return self.adversary.of("divide", self.value, other.value)

    @_operator
    def __rpow__(self, base):
        return self.adversary.rounded(base.value**self.value, units_of("power", self.adversary.precision))

    __radd__, __rmul__ = __add__, __mul__
    __sub__ = _operator(lambda self, other: self + -other)
    __rsub__ = _operator(lambda self, other: other + -self)
    __rtruediv__ = _operator(lambda self, other: other / self)
    __gt__ = _operator(lambda self, other: bool(self.value > other.value))
    __ge__ = _operator(lambda self, other: bool(self.value >= other.value))
    __lt__ = _operator(lambda self, other: bool(self.value < other.value))
    __le__ = _operator(lambda self, other: bool(self.value <= other.value))
    __eq__ = _operator(lambda self, other: bool(self.value == other.value))

    def __neg__(self):
        return Off(self.adversary, -self.value)

    def exp(self):
        return self.adversary.of("exp", self.value)

    def log(self):
        return self.adversary.of("log", self.value)

    def log1p(self):
        return self.adversary.of("log1p", self.value)

    def sqrt(self):
        return self.adversary.of("sqrt", self.value)

    def tanh(self):
        return self.adversary.of("tanh", self.value)

    def sigmoid(self):
        return self.adversary.rounded(1 / (1 + (-self.value).exp()), units_of("sigmoid", self.adversary.precision))


def worst(equation, ball, inputs, precision):
    """How far the adversary gets from the ball's midpoint, having tried each sign."""

    def error(signs):
        adversary = Adversary(precision, signs)
        with np.errstate(all="ignore"):
            actual = equation(*(adversaries(adversary, x) for x in inputs))
        return float(abs(actual[0, 0].value - ball.mid[0, 0])), adversary.signs

    most, signs = error([])
    for at in range(len(signs)):
        other, flipped = error([*signs[:at], -signs[at], *signs[at + 1 :]])
        if other > most:
            most, signs = other, flipped
    return most


def adversaries(adversary, ball):
    """An array of the adversary's numbers, each within its ball."""
    numbers = [adversary.number(mid, radius) for mid, radius in zip(ball.mid.flat, ball.radius.flat, strict=True)]
    array = np.empty(ball.shape, object)
    array.flat = numbers
    return array


# The letters ---------------------------------------------------------------------------------------------------------


def numbers(rng, shape=(1, 1)):
    return rng.choice([-1, 1], shape) * 2.0 ** rng.uniform(-2, 2, shape)


def positive(rng):
    return 2.0 ** rng.uniform(-2, 2, (1, 1))


def far_out(rng):
    return rng.choice([-1, 1], (1, 1)) * rng.uniform(6, 12, (1, 1))


def below_half(rng):
    return rng.uniform(0.05, 0.45, (1, 1))


def above_half(rng):
    return rng.uniform(0.55, 0.95, (1, 1))


def falling(rng):
    """Terms of a sum: the first is the largest by far."""
    return 2.0 ** -np.minimum(8 * np.arange(12.0), 24).reshape(1, -1) * rng.uniform(1, 2, (1, 12))


def weights(rng):
    return rng.uniform(1, 2, (12, 1))


def label(value):
    return lambda rng: np.full((1, 1), value)


def spoken(name):
    """A letter that the adversary's numbers have as a method; balls have their own."""
    method = np.frompyfunc(lambda x: getattr(x, name)(), 1, 1)
    return lambda a: getattr(alphabet, name)(a) if isinstance(a, Ball) else method(a)


def fused(slope, **constants):
    return lambda A, Y: times_sigmoid_slope(slope(A, Y, **constants), A)


def slope_with_the_labels_last(Z, Y):
    small = exp(minimum(Z, -Z))
    tail = small / (1 + small)
    return np.where(Z > 0, 1 - tail, tail) - Y


def slope_with_the_step_last(Z, Y):
    small = exp(minimum(Z, -Z))
    tail = small / (1 + small)
    return np.where(Z > 0, -(Y + tail) + 1, tail - Y)


SLOPES = slope_with_the_labels_last, slope_with_the_step_last
TWO, DOT = (numbers, numbers), (falling, weights)
OFTEN = float(np.float32(1e-12))  # clamps nothing here
CASES = {
    "a + b": (lambda a, b: a + b, TWO),
    "a − b": (lambda a, b: a - b, TWO),
    "a b": (lambda a, b: a * b, TWO),
    "a/b": (lambda a, b: a / b, TWO),
    "a/3": (lambda a: a / 3, (numbers,)),
    "0.1 a": (lambda a: 0.1 * a, (numbers,)),
    "A B": (lambda A, B: A @ B, DOT),
    "A B + b": (lambda A, B, b: A @ B + b, (*DOT, lambda rng: numbers(rng) / 16)),
    "A B/3": (lambda A, B: A @ B / 3, DOT),
    "A B/32": (lambda A, B: A @ B / 32, DOT),
    "0.7 A B": (lambda A, B: 0.7 * (A @ B), DOT),
    "Σa": (lambda a: a.sum(axis=-1, keepdims=True), (falling,)),
    "Σa/3": (lambda a: a.sum(axis=-1, keepdims=True) / 3, (falling,)),
    "exp": (exp, (numbers,)),
    "log": (log, (positive,)),
    "sqrt": (sqrt, (positive,)),
    "0.9ᵗ": (lambda t: 0.9**t, (lambda rng: np.floor(rng.uniform(2, 50, (1, 1))),)),
    "σ": (spoken("sigmoid"), (numbers,)),
    "tanh": (spoken("tanh"), (numbers,)),
    "1 − a²": (lambda a: 1 - a * a, (numbers,)),
    "lerp 0.1": (lambda a, b: lerp(a, b, weight=0.1), TWO),
    "lerp 0.001": (lambda a, b: lerp(a, b, weight=1 - 0.999), TWO),
    "xlogy": (lambda Y, A: xlogy(Y, A), (label(0.25), below_half)),
}
HALVES = {"A < ½": below_half, "A > ½": above_half}
for half, A in HALVES.items():
    for Y in (0.0, 1.0, 0.25):
        of_both = (A, label(Y))
        CASES |= {
            f"slope, {half}, Y = {Y:g}": (cross_entropy_slope, of_both),
            f"1/3 slope, {half}, Y = {Y:g}": (lambda A, Y: cross_entropy_slope(A, Y, over=3), of_both),
            f"clamped, {half}, Y = {Y:g}": (
                lambda A, Y: clamped_cross_entropy_slope(A, Y, over=3, epsilon=OFTEN),
                of_both,
            ),
            f"clipped, {half}, Y = {Y:g}": (
                lambda A, Y: clipped_cross_entropy_slope(A, Y, over=3, epsilon=1e-7),
                of_both,
            ),
            f"fused, {half}, Y = {Y:g}": (fused(cross_entropy_slope), of_both),
            f"1/3 fused, {half}, Y = {Y:g}": (fused(cross_entropy_slope, over=3), of_both),
            f"clamped, fused, {half}, Y = {Y:g}": (fused(clamped_cross_entropy_slope, over=3, epsilon=OFTEN), of_both),
            f"clipped, fused, {half}, Y = {Y:g}": (fused(clipped_cross_entropy_slope, over=3, epsilon=1e-7), of_both),
        }
    CASES[f"dA ∘ A ∘ (1 − A), {half}"] = (times_sigmoid_slope, (numbers, A))
for far, Z in {"": numbers, "far out, ": far_out}.items():
    for Y in (0.0, 1.0, 0.25):
        CASES |= {
            f"loss of the logits, {far}Y = {Y:g}": (logits_loss, (Z, label(Y))),
            f"slope of the logits, {far}Y = {Y:g}": (logits_loss_slope, (Z, label(Y)), *SLOPES),
            f"1/3 slope of the logits, {far}Y = {Y:g}": (
                lambda Z, Y: logits_loss_slope(Z, Y) / 3,
                (Z, label(Y)),
                *(lambda Z, Y, slope=slope: slope(Z, Y) / 3 for slope in SLOPES),
            ),
        }
HIDDEN_ONLY = {
    "max(a, b)": (maximum, TWO),
    "min(a, b)": (minimum, TWO),
    "a [b > 0]": (lambda a, b: a * (b > 0), TWO),
}


def inputs_of(case, precision, share, seed):
    """Balls of the case's inputs: recorded, or with a radius of this share of them; labels are always known."""
    rng = np.random.default_rng(seed)
    for draw in case[1]:
        mid = np.asarray(draw(rng), precision.name).astype(np.float64)
        is_label = draw.__qualname__.startswith("label")
        size = np.minimum(np.abs(mid), np.abs(1 - mid)) if draw in HALVES.values() else np.abs(mid)
        yield Ball(mid, share * size if share and not is_label else None, precision)


def check_tight(ball, most):
    """The adversary reaches a fifth of the radius, and does not leave the ball."""
    radius = float(ball.radius[0, 0])
    assert most <= radius, f"{most / radius} of the radius"
    assert most >= REACH * radius, f"only {most / radius} of the radius"


def check_case(case, precision, share, seed, widened=1):
    equation, _, *orders = case
    inputs = list(inputs_of(case, precision, share, seed))
    ball = equation(*inputs)
    most = max(worst(reading, ball, inputs, precision) for reading in (equation, *orders))
    check_tight(Ball(ball.mid, widened * ball.radius, precision), most)


SHARES = pytest.mark.parametrize("share", [None, 2.0**-20, 0.01, 0.5], ids=["recorded", "2⁻²⁰", "1 %", "50 %"])


@BOTH
@SHARES
@pytest.mark.parametrize("name", CASES)
def test_the_worst_rounding_reaches_a_fifth_of_the_bound(name, share, precision):
    for seed in range(3):
        check_case(CASES[name], precision, share, seed)


@BOTH
@pytest.mark.parametrize("share", [2.0**-20, 0.01, 0.5], ids=["2⁻²⁰", "1 %", "50 %"])
@pytest.mark.parametrize("name", HIDDEN_ONLY)
def test_a_hidden_choice_reaches_a_fifth_of_the_bound(name, share, precision):
    for seed in range(5):
        check_case(HIDDEN_ONLY[name], precision, share, seed)


@BOTH
@SHARES
@pytest.mark.parametrize("name", CASES)
def test_a_radius_ten_times_wider_is_rejected(name, share, precision):
    with pytest.raises(AssertionError, match="only"):
        check_case(CASES[name], precision, share, seed=0, widened=10)


def test_every_operation_and_letter_has_a_case(monkeypatch):
    used = set()
    for table in (OPERATIONS, LETTERS):
        for key in table:
            monkeypatch.setitem(table, key, noting(used, key, table[key]))
    for name, case in (CASES | HIDDEN_ONLY).items():
        case[0](*inputs_of(case, FLOAT32, 0.01 if name in HIDDEN_ONLY else None, seed=0))
    for expression, _ in EXACT.values():
        expression(*recorded())
    assert set(OPERATIONS) | set(LETTERS) == used


def noting(used, key, function):
    def noted(*arguments, **constants):
        used.add(key)
        return function(*arguments, **constants)

    return noted


# What is exact -------------------------------------------------------------------------------------------------------


def recorded(precision=FLOAT32):
    """x: numbers, 0 and −0 among them; A and B: to multiply; y: 0 and 1; all as they were recorded."""
    rng = np.random.default_rng(0)
    x = np.array([[0.3, -7.0, 1e30], [0.0, -0.0, 5e-30], [1.0, -1.0, 0.75]])
    arrays = x, rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.integers(0, 2, (3, 3))
    return [Ball.recorded(np.asarray(array, precision.name), precision) for array in arrays]


def zeros(x):
    return 0 * x


def half_known(x):
    """A hidden ball of which everybody knows that it is above 0."""
    return Ball(np.abs(x.mid) + 2, np.ones(x.shape), x.precision)


EXACT = {
    "x + 0": (lambda x, A, B, y: x + 0, lambda x, A, B, y: x),
    "0 − x": (lambda x, A, B, y: 0 - x, lambda x, A, B, y: -x),
    "−x": (lambda x, A, B, y: -x, lambda x, A, B, y: -x),
    "x − x": (lambda x, A, B, y: x - x, lambda x, A, B, y: 0 * x),
    "0 x": (lambda x, A, B, y: 0 * x, lambda x, A, B, y: 0 * x),
    "0 of a hidden number": (lambda x, A, B, y: half_known(x) * 0, lambda x, A, B, y: 0 * x),
    "1 x": (lambda x, A, B, y: x * 1, lambda x, A, B, y: x),
    "−1 x": (lambda x, A, B, y: -1 * x, lambda x, A, B, y: -x),
    "0/A": (lambda x, A, B, y: 0 / A, lambda x, A, B, y: 0 * x),
    "max(x, 0)": (lambda x, A, B, y: maximum(x, 0), lambda x, A, B, y: np.maximum(x, 0)),
    "min(x, A)": (lambda x, A, B, y: minimum(x, A), lambda x, A, B, y: np.minimum(x, A)),
    "[x > A]": (lambda x, A, B, y: x > A, lambda x, A, B, y: x > A),
    "[x ≥ x]": (lambda x, A, B, y: x >= x, lambda x, A, B, y: 1 + 0 * x),
    "[x < x]": (lambda x, A, B, y: x < x, lambda x, A, B, y: 0 * x),
    "[x ≤ 0]": (lambda x, A, B, y: x <= 0, lambda x, A, B, y: x <= 0),
    "A [hidden > 0]": (lambda x, A, B, y: A * (half_known(x) > 0), lambda x, A, B, y: A),
    "min(x, 1) ≤ hidden": (lambda x, A, B, y: minimum(x, 0.5) <= half_known(x), lambda x, A, B, y: 1 + 0 * x),
    "A 0 B": (lambda x, A, B, y: (0 * A) @ B, lambda x, A, B, y: 0 * x),
    "A 0 + x": (lambda x, A, B, y: A @ (0 * B) + x, lambda x, A, B, y: x),
    "A 0 + 0 B": (lambda x, A, B, y: A @ (0 * B) + (0 * A) @ B, lambda x, A, B, y: 0 * x),
    "Σ0/3": (lambda x, A, B, y: (0 * x).sum(axis=-1, keepdims=True) / 3, lambda x, A, B, y: 0 * x[:, :1]),
    "Σx of one": (lambda x, A, B, y: x[:, :1].sum(axis=-1, keepdims=True), lambda x, A, B, y: x[:, :1]),
    "4 Σx of one": (lambda x, A, B, y: 4 * x[:, :1].sum(axis=-1, keepdims=True), lambda x, A, B, y: 4 * x[:, :1]),
    "x − x y": (lambda x, A, B, y: x - x * y, lambda x, A, B, y: x * (1 - y)),
    "ln 1": (lambda x, A, B, y: log(1 + 0 * x), lambda x, A, B, y: 0 * x),
    "ln 0, clamped": (lambda x, A, B, y: maximum(log(0 * x), -100), lambda x, A, B, y: 0 * x - 100),
    "√0": (lambda x, A, B, y: sqrt(0 * x), lambda x, A, B, y: 0 * x),
    "tanh 0": (lambda x, A, B, y: tanh(0 * x), lambda x, A, B, y: 0 * x),
    "0.9⁰": (lambda x, A, B, y: 0.9 ** (0 * x), lambda x, A, B, y: 1 + 0 * x),
    "lerp(x, x)": (lambda x, A, B, y: lerp(x, x, weight=0.1), lambda x, A, B, y: x),
    "0 ln x": (lambda x, A, B, y: xlogy(0 * x, x), lambda x, A, B, y: 0 * x),
    "A A′ (1 − A′)": (lambda x, A, B, y: times_sigmoid_slope(A, y), lambda x, A, B, y: 0 * x),
    "clamped at Y": (
        lambda x, A, B, y: clamped_cross_entropy_slope(y, y, over=3, epsilon=1e-12),
        lambda x, A, B, y: 0 * x,
    ),
    "clipped outside": (
        lambda x, A, B, y: clipped_cross_entropy_slope(y, y, over=3, epsilon=1e-7),
        lambda x, A, B, y: 0 * x,
    ),
    "0.75 in its precision": (lambda x, A, B, y: in_precision_of(0.75, x), lambda x, A, B, y: np.asarray(0.75)),
}


@BOTH
@pytest.mark.parametrize("name", EXACT)
def test_what_is_exact_has_radius_0(name, precision):
    balls = recorded(precision)
    equation, expected = EXACT[name]
    ball = equation(*balls)
    assert np.array_equal(expected(*(x.mid for x in balls)), ball.mid)
    assert not ball.radius.any()


@BOTH
def test_a_power_of_two_only_scales_the_radius_of_a_sum(precision):
    _, A, B, _ = recorded(precision)
    assert np.array_equal(8 * (A @ B).radius, (8 * (A @ B)).radius)
    assert (3 * (A @ B).radius < (3 * (A @ B)).radius).all()


@BOTH
def test_a_scalar_is_as_far_off_as_it_is_rounded(precision):
    x = Ball.recorded(np.ones(1), precision)
    expected = abs(np.dtype(precision.name).type(0.1).astype(float) - 0.1)
    assert expected == in_precision_of(0.1, x).radius


LOOKS_EXACT = {
    "a subnormal number + 0 may be 0": lambda p: Ball.recorded(np.full(1, p.smallest / 2), p) + 0,
    "a subnormal constant may be 0": lambda p: Ball.recorded(np.ones(1), p) * (p.smallest / 2),
    "a sum that cancels": lambda p: Ball.recorded(np.array([1.0, 1.0, -2.0]), p).sum(axis=0, keepdims=True),
    "hidden numbers that are equal": lambda p: hidden(p) - hidden(p),
    "1, hidden, times x": lambda p: hidden(p) * Ball.recorded(np.ones(1), p),
    "ln of a hidden 1": lambda p: log(hidden(p)),
    "max of hidden numbers that are equal": lambda p: maximum(hidden(p), hidden(p)),
    "[hidden > 1]": lambda p: hidden(p) > 1,
    "[hidden ≥ hidden]": lambda p: hidden(p) >= hidden(p),
    "a sum of 0 and a rounded sum": lambda p: (
        Ball.recorded(np.zeros(2), p).sum(axis=0, keepdims=True)
        + Ball.recorded(np.ones(3), p).sum(axis=0, keepdims=True)
    ),
}


def hidden(precision):
    return Ball(np.ones(1), np.full(1, precision.unit), precision)


@BOTH
@pytest.mark.parametrize("name", LOOKS_EXACT)
def test_what_only_looks_exact_has_a_radius(name, precision):
    assert (LOOKS_EXACT[name](precision).radius > 0).all()


UNBOUNDED = {
    "1/0": lambda x: 1 / (0 * x),
    "0/0": lambda x: (0 * x) / (0 * x),
    "0 over what may be 0": lambda x: (0 * x) / Ball(x.mid, x.mid, x.precision),
    "1 over what may be 0": lambda x: 1 / Ball(x.mid, 2 * x.mid, x.precision),
    "ln of what may be 0": lambda x: log(Ball(x.mid, x.mid, x.precision)),
    "ln of what is below 0": lambda x: log(-x),
    "√ of what is below 0": lambda x: sqrt(-x),
    "√ of hidden numbers below 0": lambda x: sqrt(Ball(-2 * x.mid, x.mid, x.precision)),
    "x²": lambda x: x * x,
    "0 x²": lambda x: 0 * (x * x),
    "x² − x²": lambda x: x * x - x * x,
    "1/x²": lambda x: 1 / (x * x),
    "X X": lambda x: x @ x,
    "X X/x": lambda x: x @ x / 1e300,
    "Σx": lambda x: (x + x).sum(axis=-1, keepdims=True),
    "exp x": lambda x: exp(x),
    "σ(x²)": lambda x: sigmoid(x * x),
    "tanh x²": lambda x: tanh(x * x),
    "√x²": lambda x: sqrt(x * x),
    "min(max(x², 0), 1)": lambda x: minimum(maximum(x * x, 0), 1),
    "lerp(x², 0)": lambda x: lerp(x * x, 0 * x, weight=0.1),
    "logits": lambda x: logits_loss(x * x, 0 * x),
    "slope of the logits": lambda x: logits_loss_slope(x * x, 0 * x),
}


@BOTH
@pytest.mark.parametrize("name", UNBOUNDED)
def test_what_may_leave_the_range_has_no_bound(name, precision):
    """A part of it may be ∞ or NaN in the format, even where float64 still has a number for it."""
    x = Ball.recorded(np.full((2, 2), precision.largest / 4), precision)
    ball = UNBOUNDED[name](x)
    assert not (np.isfinite(ball.mid) & np.isfinite(ball.radius)).any()


@BOTH
def test_the_logarithm_of_what_may_be_0_is_known_where_it_is_clamped(precision):
    """ln x of 0 < x ≤ 2 lies below ln 2: clamped at −100, within [−100, ln 2]."""
    ball = maximum(log(Ball(np.ones(1), np.ones(1), precision)), -100)
    assert abs(ball.mid + 100) <= ball.radius
    assert abs(ball.mid - np.log(2)) <= ball.radius
    assert ball.radius <= 51
