"""Precisions: a format's unit roundoff, its smallest normal number, and rounding to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Precision(NamedTuple):
    """A binary floating-point format.

    `unit` is the unit roundoff: rounding to nearest changes a normal number x by at most unit · |x|. `smallest` is the
    smallest normal number: below it, flush-to-zero or subnormal rounding may change a number by that much.
    """

    name: str
    unit: float
    smallest: float

    def rounded(self, x: np.ndarray | float) -> np.ndarray:
        """x (float64), rounded to nearest even in this format, its exponent range aside."""
        if self.unit <= 2.0**-53:
            return np.asarray(x, np.float64)
        significand, exponent = np.frexp(np.asarray(x, np.float64))
        return np.ldexp(np.rint(np.ldexp(significand, self.digits)), exponent - self.digits)

    @property
    def digits(self) -> int:
        """Binary digits of the significand, the leading one included."""
        return int(-np.log2(self.unit))


FLOAT32 = Precision("float32", 2.0**-24, 2.0**-126)
FLOAT64 = Precision("float64", 2.0**-53, 2.0**-1022)
PRECISIONS = {precision.name: precision for precision in (FLOAT32, FLOAT64)}


def coarser(one: Precision, other: Precision) -> Precision:
    """The one that rounds where two precisions meet."""
    return one if one.unit >= other.unit else other
