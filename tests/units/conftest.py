"""What a correct implementation may compute: arrays that the equations read as they read NumPy's.

They make, operation by operation, one of the choices that IEEE 754 and the frameworks leave open: the order of each
sum, fused multiply-add or not, where subnormals are flushed, how far off an elementary function is, where 1/m is
applied and whether by division. NumPy's own float32 and float64 round; what they do not have is rounded from fractions
and from Arb's numbers of 200 bits.
"""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from comparisons.balls import units_of
from reference import alphabet
from reference.alphabet import (
    cross_entropy_slope,
    exp,
    in_precision_of,
    logits_loss_slope,
    minimum,
    sigmoid,
    tanh,
    times_sigmoid_slope,
)

flint.ctx.prec = 200


@pytest.fixture(scope="session")
def implementation():
    """Makes an implementation in a precision, whose choices a seed determines and which may flush subnormals."""
    return Implementation


EXACT = {
    "exp": flint.arb.exp,
    "log": flint.arb.log,
    "log1p": flint.arb.log1p,
    "sqrt": flint.arb.sqrt,
    "tanh": flint.arb.tanh,
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "power": lambda base, exponent: base**exponent,
    "divide": lambda a, b: a / b,
}
FAR = {"exp": 1000, "sigmoid": 1000, "tanh": 500}  # beyond, the result does not change any more in any precision


class Implementation:
    """How a correct implementation in this precision computes; drawn anew for every operation."""

    def __init__(self, precision, seed, flushes):
        self.precision, self.flushes = precision, flushes
        self.dtype = np.dtype(precision.name)
        self.rng = np.random.default_rng(seed)

    def array(self, values):
        """An array of its own."""
        return Computed(self, np.asarray(values, self.dtype))

    def coin(self):
        return bool(self.rng.integers(2))

    def flushed(self, values):
        """Subnormal numbers, read or written as 0 or not."""
        subnormal = (np.abs(values) < self.precision.smallest) & (values != 0)
        if not self.flushes or not subnormal.any():
            return values
        gone = subnormal & (self.rng.integers(2, size=np.shape(values)) == 1)
        return np.where(gone, np.copysign(self.dtype.type(0), values), values)

    def read(self, x):
        """An operand: what is finer is rounded on its way in."""
        return self.flushed(np.asarray(x, np.float64).astype(self.dtype))

    def nearest(self, x):
        """The number of the format that is nearest, to even."""
        if x == 0:
            return 0.0
        exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
        exponent -= abs(x) < Fraction(2) ** exponent
        last_digit = Fraction(2) ** max(exponent - self.precision.digits + 1, self.precision.least_exponent)
        rounded = round(x / last_digit) * last_digit
        return float(rounded) if abs(rounded) <= self.precision.largest else float("inf") * (1 if x > 0 else -1)

    def within(self, exact, units):
        """A number of the format within so many unit roundoffs of the exact value."""
        nearest = self.nearest(exact)
        if units <= 1 or abs(exact) < self.precision.smallest or not np.isfinite(nearest):
            return nearest
        most = Fraction(units * self.precision.unit) * abs(exact)
        share = self.rng.choice([-1, 1, self.rng.uniform(-1, 1)])
        actual = self.nearest(exact + Fraction(share) * most)
        while np.isfinite(actual) and actual != nearest and abs(Fraction(actual) - exact) > most:
            actual = float(np.nextafter(self.dtype.type(actual), self.dtype.type(nearest)))
        return actual if np.isfinite(actual) else nearest

    def function(self, name, *arguments):
        """An elementary function, as far off as it may be."""
        units = units_of(name, self.precision)
        arguments = np.broadcast_arrays(*map(self.flushed, arguments))
        native = {"sigmoid": alphabet.sigmoid, "power": np.power}.get(name) or getattr(np, name)
        values = np.asarray(native(*arguments)).astype(self.dtype)
        for at in np.ndindex(values.shape):
            numbers = [float(x[at]) for x in arguments]
            usual = all(map(np.isfinite, numbers)) and np.isfinite(values[at])
            if usual and (name not in FAR or abs(numbers[0]) < FAR[name]):
                exact = EXACT[name](*map(flint.arb, numbers))
                man, exponent = exact.mid().man_exp()
                values[at] = self.within(Fraction(int(man)) * Fraction(2) ** int(exponent), units)
        if name == "sigmoid":
            values = np.minimum(values, self.dtype.type(1))
        return self.flushed(values)

    def add(self, a, b):
        return self.flushed(self.flushed(a) + self.flushed(b))

    def multiply(self, a, b):
        return self.flushed(self.flushed(a) * self.flushed(b))

    def fused(self, a, b, c):
        """a b + c, rounded once."""
        a, b, c = np.broadcast_arrays(*map(self.flushed, (a, b, c)))
        values = a * b + c
        for at in np.ndindex(values.shape):
            if np.isfinite(a[at]) and np.isfinite(b[at]) and np.isfinite(c[at]):
                values[at] = self.nearest(Fraction(float(a[at])) * Fraction(float(b[at])) + Fraction(float(c[at])))
        return self.flushed(values)

    def over(self, a, number):
        """a over a number that all share: by division, or times its reciprocal."""
        if self.coin():
            return self.function("divide", a, self.read(number))
        return self.multiply(a, self.reciprocal(number))

    def reciprocal(self, number):
        return self.function("divide", self.dtype.type(1), self.read(number))

    def scaled(self, values, how, number):
        """Values times or over a number that all share."""
        if how == "correctly over":
            return self.flushed(self.flushed(values) / self.read(number))
        return self.over(values, number) if how == "over" else self.multiply(values, number)

    def for_terms(self, how, number):
        """A scale that is applied to each term: all are divided correctly, or times the same reciprocal."""
        if how == "over" and self.coin():
            return "times", self.reciprocal(number)
        return "correctly over" if how == "over" else how, number


class Computed(np.lib.mixins.NDArrayOperatorsMixin):
    """An array as an implementation computes it: `factors` if it is a product, `terms` if a sum not yet made."""

    __array_priority__ = 1000

    def __init__(self, choices, values=None, factors=None, terms=None, scales=()):
        self.choices, self.factors, self.terms, self.scales = choices, factors, terms, scales
        self._values = values
        self.shape = terms[0][0].shape if values is None else np.shape(values)

    ndim = property(lambda self: len(self.shape))
    mT = property(lambda self: Computed(self.choices, self.values.mT))

    @property
    def values(self):
        if self._values is None:
            with np.errstate(all="ignore"):
                self._values = self._added_up()
        return self._values

    def stored(self):
        """The same numbers, put into an array, where every reader finds the same."""
        return Computed(self.choices, self.values)

    def _added_up(self):
        """The sum in some order, its scale applied to each term or to the sum."""
        choices = self.choices
        terms, at_the_end = list(self.terms), list(self.scales)
        if at_the_end and choices.coin():
            scales, at_the_end = [choices.for_terms(*scale) for scale in at_the_end], []
            terms = [(self._scaled(self._product(term), scales), None) for term in terms]
        style = choices.rng.integers(5)
        if style < 3:
            choices.rng.shuffle(terms)
        elif style == 3:
            terms.reverse()
        while len(terms) > 1:
            i = 0 if style else int(choices.rng.integers(len(terms) - 1))  # one after the other, or as a tree
            one, other = terms.pop(i), terms.pop(i)
            total = (self._joined(one, other), None)
            terms.append(total) if style == 1 else terms.insert(0, total)  # pairwise
        return self._scaled(self._product(terms[0]), at_the_end)

    def _product(self, term):
        return term[0] if term[1] is None else self.choices.multiply(*term)

    def _joined(self, one, other):
        for product, term in ((one, other), (other, one)):
            if product[1] is not None and self.choices.coin():
                return self.choices.fused(*product, self._product(term))
        return self.choices.add(self._product(one), self._product(other))

    def _scaled(self, values, scales):
        for scale in scales:
            values = self.choices.scaled(values, *scale)
        return values

    def __getitem__(self, at):
        return Computed(self.choices, self.values[at])

    def sum(self, *, axis, keepdims=False):
        parts = np.moveaxis(self.values, axis, 0)
        terms = [(np.expand_dims(part, axis) if keepdims else part, None) for part in parts]
        return Computed(self.choices, terms=terms)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            return NotImplemented
        with np.errstate(all="ignore"):
            return COMPUTE[ufunc](self.choices, *inputs)

    def __array_function__(self, function, types, args, options):
        values = [x.values if isinstance(x, Computed) else x for x in args]
        return Computed(self.choices, np.asarray(function(*values), self.choices.dtype))

    def __letter__(self, letter, arguments, constants):
        with np.errstate(all="ignore"):
            if letter in OWN_LETTERS:
                return OWN_LETTERS[letter](self.choices, *arguments, **constants)
            return letter.__wrapped__(*arguments, **constants)


def values_of(choices, x):
    return x.values if isinstance(x, Computed) else choices.read(x)


def shape_of(x):
    return x.shape if isinstance(x, Computed) else np.shape(x)


def is_open(x):
    return isinstance(x, Computed) and x._values is None


def as_terms(choices, x, shape):
    """The terms of a sum, or of a number as a sum of one."""
    if is_open(x) and not x.scales:
        return [(np.broadcast_to(a, shape), b if b is None else np.broadcast_to(b, shape)) for a, b in x.terms]
    return [(np.broadcast_to(values_of(choices, x), shape), None)]


def _add(choices, a, b):
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    if is_open(a) or is_open(b):
        return Computed(choices, terms=as_terms(choices, a, shape) + as_terms(choices, b, shape))
    for product, other in ((a, b), (b, a)):
        if isinstance(product, Computed) and product.factors is not None and choices.coin():
            return Computed(choices, choices.fused(*product.factors, values_of(choices, other)))
    return Computed(choices, choices.add(values_of(choices, a), values_of(choices, b)))


def _subtract(choices, a, b):
    return _add(choices, a, _negative(choices, b))


def _negative(choices, a):
    if is_open(a):
        return Computed(choices, terms=[(-left, right) for left, right in a.terms], scales=a.scales)
    if isinstance(a, Computed) and a.factors is not None:
        return Computed(choices, -a.values, factors=(-a.factors[0], a.factors[1]))
    return Computed(choices, -values_of(choices, a))


def _multiply(choices, a, b):
    for total, number in ((a, b), (b, a)):
        if is_open(total) and shape_of(number) == ():
            scale = ("times", values_of(choices, number))
            return Computed(choices, terms=total.terms, scales=(*total.scales, scale))
    factors = values_of(choices, a), values_of(choices, b)
    return Computed(choices, choices.multiply(*factors), factors=np.broadcast_arrays(*factors))


def _divide(choices, a, b):
    if is_open(a) and shape_of(b) == ():
        return Computed(choices, terms=a.terms, scales=(*a.scales, ("over", b)))
    if shape_of(b) == ():
        return Computed(choices, choices.over(values_of(choices, a), b))
    return Computed(choices, choices.function("divide", values_of(choices, a), values_of(choices, b)))


def _matmul(choices, a, b):
    a, b = values_of(choices, a), values_of(choices, b)
    shape = (*a.shape[:-1], b.shape[-1])
    return Computed(
        choices,
        terms=[
            (np.broadcast_to(a[..., :, [k]], shape), np.broadcast_to(b[..., [k], :], shape)) for k in range(a.shape[-1])
        ],
    )


def _function(name):
    return lambda choices, *inputs: Computed(choices, choices.function(name, *(values_of(choices, x) for x in inputs)))


def _native(function):
    """What does not round: a choice, or a mask of NumPy's."""

    def native(choices, a, b):
        values = function(choices.flushed(values_of(choices, a)), choices.flushed(values_of(choices, b)))
        return values if values.dtype == bool else Computed(choices, values)

    return native


COMPUTE = {
    np.add: _add,
    np.subtract: _subtract,
    np.negative: _negative,
    np.multiply: _multiply,
    np.divide: _divide,
    np.matmul: _matmul,
    **{f: _function(f.__name__) for f in (np.exp, np.log, np.log1p, np.sqrt, np.power)},
    **{f: _native(f) for f in (np.maximum, np.minimum, np.greater, np.less, np.greater_equal, np.less_equal, np.equal)},
}


def _in_precision(choices, x, like):
    return Computed(choices, values_of(choices, x))


def _logits_slope(choices, Z, Y):
    """Its three terms in any order; TensorFlow differentiates by a reciprocal, and counts Z = 0 as positive."""
    small = exp(minimum(Z, -Z))
    one = choices.array(np.ones(Z.shape))
    tail = small / (1 + small) if choices.coin() else small * (one / (1 + small))
    positive = Z > 0 if choices.coin() else Z >= 0
    tail = np.where(positive, -tail.values, tail.values)
    parts = positive.astype(choices.dtype), -values_of(choices, Y), tail
    return Computed(choices, terms=[(part, None) for part in np.broadcast_arrays(*parts)])


def _cross_entropy_slope(choices, A, Y, *, over=1):
    """Its two terms in any order, and 1/over applied to them or to their sum."""
    A, Y = (Computed(choices, values_of(choices, x)) for x in (A, Y))
    ones = np.where(Y.values == 0, 0, (Y / A).values).astype(choices.dtype)
    zeros = np.where(Y.values == 1, 0, ((1 - Y) / (1 - A)).values).astype(choices.dtype)
    slope = Computed(choices, terms=[(-ones, None), (zeros, None)])
    return slope if over == 1 else slope / over


def _times_slope(choices, dA, A):
    """Its three factors in any order."""
    products = (lambda: dA * (A * (1 - A)), lambda: (dA * (1 - A)) * A, lambda: (dA * A) * (1 - A))
    return products[choices.rng.integers(3)]()


OWN_LETTERS = {
    sigmoid: _function("sigmoid"),
    tanh: _function("tanh"),
    cross_entropy_slope: _cross_entropy_slope,
    logits_loss_slope: _logits_slope,
    times_sigmoid_slope: _times_slope,
    in_precision_of: _in_precision,
}
