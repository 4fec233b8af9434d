"""What a figure must be for a fact to hold: a value to the bit, an interval with its reason, or words in a message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNITS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


@dataclass(frozen=True)
class Within:
    """A number from `low` to `high`, and why these two; `about` is what it should be, if that is one number."""

    low: float
    high: float
    because: str
    about: str = ""

    def __str__(self) -> str:
        if self.about:
            return f"{self.about} ({self.because})"
        if self.low == -math.inf:
            return f"at most {self.high:.9g} ({self.because})"
        if self.high == math.inf:
            return f"at least {self.low:.9g} ({self.because})"
        return f"{self.low:.9g} to {self.high:.9g} ({self.because})"


@dataclass(frozen=True)
class Says:
    """A text that contains these words."""

    words: str

    def __str__(self) -> str:
        return f'text with "{self.words}"'


def rounded(value: float, n: int, precision: str = "float32") -> Within:
    """A number that differs from the exact value by n roundings in this precision: n u / (1 − n u) of it."""
    nu = n * UNITS[precision]
    radius = abs(value) * nu / (1 - nu)
    return Within(value - radius, value + radius, f"within {n} roundings in {precision}", f"{value:.9g}")


def off(value: float, error: float, because: str) -> Within:
    """A number that differs from a value by no more than an error that has a reason."""
    return Within(value - error, value + error, because, f"{value:.9g} ± {error:.3g}")


def measured(low: float, high: float) -> Within:
    """A figure without a derivation: it was measured, on the versions that the catalogue names, inside this range."""
    return Within(low, high, "measured")


def above(low: float, because: str) -> Within:
    """At least so much."""
    return Within(low, math.inf, because)


def below(high: float, because: str) -> Within:
    """At most so much."""
    return Within(-math.inf, high, because)


def meets(expected: Any, actual: Any) -> bool:
    """Whether a figure is what is expected of it; NaN is NaN, −0 is not 0, and a truth value is no number."""
    if isinstance(expected, Within):
        return is_number(actual) and expected.low <= actual <= expected.high
    if isinstance(expected, Says):
        return isinstance(actual, str) and expected.words in actual
    if isinstance(expected, (list, tuple)):
        is_list = isinstance(actual, (list, tuple)) and len(actual) == len(expected)
        return is_list and all(meets(one, other) for one, other in zip(expected, actual, strict=True))
    if is_number(expected):
        return is_number(actual) and _same(float(expected), float(actual))
    return type(expected) is type(actual) and bool(expected == actual)


def is_number(value: Any) -> bool:
    """Whether it is one; a truth value is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other and math.copysign(1, one) == math.copysign(1, other)


def text_of(value: Any) -> str:
    """A figure or an expectation in words: as many digits as make the number."""
    if isinstance(value, float):
        return f"{value:.17g}" if len(repr(value)) > 17 else repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(text_of, value))}]"
    return str(value)
