"""Exact numbers for the tests: every equation reads them too, and what comes out bounds its own error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest


def _with_exact(operation: Callable[[Exact, Exact], Any]) -> Callable[[Exact, Any], Any]:
    """An operator of exact numbers that takes other numbers too, and leaves arrays to NumPy."""

    def operator(self: Exact, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else operation(self, _exact(other))

    return operator


def _divide(a: Exact, b: Exact) -> Exact:
    quotient = a.value / b.value
    return Exact(quotient, (a.slope - quotient * b.slope) / b.value)


class Exact:
    """A number and its slope, each an interval of Arb's: with hundreds of bits an independent oracle.

    Arrays of them speak the alphabet (NumPy calls the methods of what it does not know). The slope is the complex
    step's: i h times it is what a step of i h adds, but for h², which does not exist here.

    With 48 bits, the intervals contain what complex128 computes in any order of summation: each operation of theirs
    adds 2⁻⁴⁸ of its result, 32 unit roundoffs of float64.
    """

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = 0) -> None:
        self.value, self.slope = flint.arb(value), flint.arb(slope)

    __add__ = __radd__ = _with_exact(lambda a, b: Exact(a.value + b.value, a.slope + b.slope))
    __mul__ = __rmul__ = _with_exact(lambda a, b: Exact(a.value * b.value, a.slope * b.value + a.value * b.slope))
    __sub__ = _with_exact(lambda a, b: Exact(a.value - b.value, a.slope - b.slope))
    __rsub__ = _with_exact(lambda a, b: Exact(b.value - a.value, b.slope - a.slope))
    __truediv__ = _with_exact(_divide)
    __rtruediv__ = _with_exact(lambda a, b: _divide(b, a))
    __rpow__ = _with_exact(lambda exponent, base: Exact(base.value**exponent.value))
    __lt__ = _with_exact(lambda a, b: bool(a.value < b.value))
    __gt__ = _with_exact(lambda a, b: bool(a.value > b.value))
    __le__ = _with_exact(lambda a, b: bool(a.value <= b.value))
    __ge__ = _with_exact(lambda a, b: bool(a.value >= b.value))
    __eq__ = _with_exact(lambda a, b: bool(a.value == b.value))

    def __neg__(self) -> Exact:
        return Exact(-self.value, -self.slope)

    def exp(self) -> Exact:
        value = self.value.exp()
        return Exact(value, self.slope * value)

    def log(self) -> Exact:
        return Exact(self.value.log(), self.slope / self.value)

    def log1p(self) -> Exact:
        return Exact(self.value.log1p(), self.slope / (1 + self.value))

    def sqrt(self) -> Exact:
        value = self.value.sqrt()
        return Exact(value, self.slope / (2 * value))

    def tanh(self) -> Exact:
        value = self.value.tanh()
        return Exact(value, self.slope * (1 - value * value))


def _exact(x: Any) -> Exact:
    return x if isinstance(x, Exact) else Exact(float(x))


_as_exact = np.frompyfunc(_exact, 1, 1)
_with_slope = np.frompyfunc(lambda x, slope: Exact(float(x), float(slope)), 2, 1)


def _up(x: flint.arb) -> float:
    """The interval's upper end, and up, since float() rounds to nearest; 0 only where it is 0."""
    return 0.0 if x.is_zero() else float(np.nextafter(float(x.upper()), np.inf))


class ExactNumbers:
    """Arrays of exact numbers, made and measured."""

    bits = staticmethod(flint.ctx.workprec)

    @staticmethod
    def of(values: Any, slopes: Any = 0) -> Any:
        """The numbers as exact ones, with these slopes."""
        return _with_slope(values, slopes)

    @staticmethod
    def distance(actual: Any, exact: Any, part: Callable[[Exact], flint.arb] = lambda x: x.value) -> np.ndarray:
        """How far numbers lie from exact ones at most."""
        far = np.frompyfunc(lambda a, e: _up(abs(flint.arb(float(a)) - part(e))), 2, 1)
        return np.asarray(far(actual, _as_exact(exact)), np.float64)

    @staticmethod
    def slopes(exact: Any) -> tuple[np.ndarray, np.ndarray]:
        """The middles of the slopes' intervals, and how far these reach."""
        exact = _as_exact(exact)
        middle = np.frompyfunc(lambda e: float(e.slope.mid()), 1, 1)(exact)
        reach = np.frompyfunc(lambda e, mid: _up(abs(e.slope - flint.arb(mid))), 2, 1)(exact, middle)
        return np.asarray(middle, np.float64), np.asarray(reach, np.float64)


@pytest.fixture(scope="session")
def exact() -> type[ExactNumbers]:
    """Exact numbers: `exact.of(values, slopes)`, `exact.bits(300)`, `exact.distance(actual, result)`."""
    return ExactNumbers
