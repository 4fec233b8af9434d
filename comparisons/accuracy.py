"""How accurately the frameworks compute elementary functions: the one table of constants that balls use.

The unit is the unit roundoff of the result: |computed − exact| ≤ units · u · |exact|. Where IEEE 754 requires correct
rounding, that is 1.
"""

from __future__ import annotations

from typing import NamedTuple


class Accuracy(NamedTuple):
    """The largest error of a function over the frameworks, in unit roundoffs of the result, and where that is from."""

    float32: float
    float64: float
    source32: str
    source64: str


ACCURACY = {
    "exp": Accuracy(4, 4, "to be measured", "assumed"),
    "log": Accuracy(4, 4, "to be measured", "assumed"),
    "log1p": Accuracy(4, 4, "to be measured", "assumed"),
    "sqrt": Accuracy(2, 2, "to be measured", "assumed"),
    "divide": Accuracy(2, 2, "to be measured", "assumed"),
    "power": Accuracy(4, 4, "to be measured", "assumed"),
    "sigmoid": Accuracy(12, 12, "to be measured", "assumed"),
    "tanh": Accuracy(8, 8, "to be measured", "assumed"),
}
