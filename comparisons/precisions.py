"""Precisions: a format's unit roundoff, the ends of its range, and rounding to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Precision(NamedTuple):
    """A binary floating-point format.

    `unit` is the unit roundoff: rounding to nearest changes a normal number x by at most unit · |x|. `smallest` is the
    smallest normal number: below it, flush-to-zero or subnormal rounding may change a number by that much. `largest` is
    the largest number.
    """

    name: str
    unit: float
    smallest: float
    largest: float

    def rounded(self, x: np.ndarray | float) -> np.ndarray:
        """x (float64), rounded to nearest even in this format: to a subnormal, 0 or ∞ where its range ends."""
        x = np.asarray(x, np.float64)
        if self.unit <= 2.0**-53:
            return x
        last_digit = np.maximum(np.frexp(x)[1] - self.digits, self.least_exponent)
        with np.errstate(over="ignore"):
            nearest = np.ldexp(np.rint(np.ldexp(x, -last_digit)), last_digit)
        return np.where(np.abs(nearest) > self.largest, np.copysign(np.inf, x), nearest)

    @property
    def digits(self) -> int:
        """Binary digits of the significand, the leading one included."""
        return int(-np.log2(self.unit))

    @property
    def least_exponent(self) -> int:
        """The smallest subnormal number is 2 to this power."""
        return int(np.log2(self.smallest)) + 1 - self.digits


FLOAT16 = Precision("float16", 2.0**-11, 2.0**-14, 65504.0)
FLOAT32 = Precision("float32", 2.0**-24, 2.0**-126, (2 - 2.0**-23) * 2.0**127)
FLOAT64 = Precision("float64", 2.0**-53, 2.0**-1022, (2 - 2.0**-52) * 2.0**1023)
PRECISIONS = {precision.name: precision for precision in (FLOAT32, FLOAT64)}


def coarser(one: Precision, other: Precision) -> Precision:
    """The one that rounds where two precisions meet."""
    return one if one.unit >= other.unit else other
