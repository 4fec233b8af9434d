"""How accurately the frameworks compute elementary functions: the one table of constants that balls use.

The unit is the unit roundoff of the result: |computed − exact| ≤ units · u · |exact|, and below the smallest normal
number what flushing to 0 may lose. Each constant is the largest error that `benchmarks/accuracy.py` found in NumPy,
PyTorch and TensorFlow, rounded up to a whole unit; `benchmarks/accuracy.csv` has what it found, and a test holds the
two together. float32 is measured over all 2³² inputs where a function has one argument. In float64 that cannot be done:
a sample's maximum is an assumption, and the output says so.
"""

from __future__ import annotations

from typing import NamedTuple


class Accuracy(NamedTuple):
    """The largest error of a function over the frameworks, in unit roundoffs of the result, and who is that far off."""

    float32: float
    float64: float
    worst32: str
    worst64: str

    @property
    def float16(self) -> float:
        """As in float32: what computes in float16 goes through float32, or is as careful in its own unit."""
        return self.float32


ACCURACY = {
    "exp": Accuracy(4, 3, "NumPy", "TensorFlow"),
    "log": Accuracy(5, 3, "NumPy", "TensorFlow"),
    "log1p": Accuracy(6, 4, "TensorFlow", "TensorFlow"),
    "sqrt": Accuracy(2, 2, "PyTorch: not correctly rounded", "PyTorch"),
    "divide": Accuracy(2, 2, "TensorFlow in graph mode, by a constant", "TensorFlow in graph mode, by a constant"),
    "power": Accuracy(7, 2, "TensorFlow", "all, beside the error of y ln x"),
    "sigmoid": Accuracy(9, 4, "TensorFlow", "TensorFlow"),
    "tanh": Accuracy(7, 8, "TensorFlow", "TensorFlow"),
}
ASSUMED = ("float64",)  # precisions whose constants are a sample's
