"""Digits: numbers as JSON holds them, with as many digits as a figure can show."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

OF_LOSS = 6  # significant digits, as a loss is printed


def significant(values: Any, digits: int) -> Any:
    """Numbers with so many significant digits, nested as they were; NaN is null, infinities "inf" and "-inf"."""
    if isinstance(values, np.ndarray):
        if values.size > 1 and np.isfinite(values).all():
            return _nested(map(float, map(f"%.{digits}g".__mod__, values.ravel().tolist())), values.shape)
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return [significant(value, digits) for value in values]
    if math.isfinite(values):
        return float(f"{values:.{digits}g}")
    return None if math.isnan(values) else ("inf" if values > 0 else "-inf")


def _nested(numbers: Iterator[float], shape: tuple[int, ...]) -> list:
    """Numbers as lists of this shape."""
    if len(shape) == 1:
        return list(itertools.islice(numbers, shape[0]))
    return [_nested(numbers, shape[1:]) for _ in range(shape[0])]


def in_a_window(values: np.ndarray, side: float, digits: int) -> list:
    """Coordinates with so many digits of the side of the window in which they lie, wherever that is."""
    n_decimals = digits - 1 - math.floor(math.log10(side))
    return [float(value) for value in np.round(np.asarray(values, np.float64), n_decimals).ravel()]


def bytes_of(values: np.ndarray) -> str:
    """Whole numbers from 0 to 255 as base64."""
    return base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode("ascii")


def evenly(n: int, most: int) -> list[int]:
    """At most so many of the numbers 0 … n, evenly spaced; 0 and n are always among them."""
    return np.unique(np.rint(np.linspace(0, n, min(n + 1, most))).astype(int)).tolist()
