"""How accurately the frameworks compute elementary functions: the one table of constants that balls use.

The unit is the unit roundoff of the result: |computed − exact| ≤ units · u · |exact|, and below the smallest normal
number what flushing to 0 may lose. In float32 each constant is the largest error that `benchmarks/accuracy.py` found
in NumPy, PyTorch and TensorFlow (`benchmarks/accuracy.csv`), over all 2³² inputs where a function has one argument,
rounded up to a whole unit.

In float64 nobody can look at every input, and a sample's maximum is no bound. Each constant is the worst over the
frameworks of what its vendor states, twice the stated ULP (`benchmarks/stated.csv`), and where none is stated, in
TensorFlow's Eigen, of `MARGIN` times a sample's maximum. That is an assumption, and the output says of which functions.
Tests hold the table and what was measured and stated together.
"""

from __future__ import annotations

from typing import NamedTuple

MARGIN = 1.6  # in float32, the largest error of all inputs was up to 1.53 times that of such a sample (NumPy's log)


class Accuracy(NamedTuple):
    """The largest error of a function over the frameworks, in unit roundoffs of the result, and who is that far off.

    `assumed64` tells that in float64 some framework's vendor states nothing, so that its part is a sample's.
    """

    float32: float
    float64: float
    worst32: str
    worst64: str
    assumed64: bool

    @property
    def float16(self) -> float:
        """As in float32: what computes in float16 goes through float32, or is as careful in its own unit."""
        return self.float32


ACCURACY = {
    "exp": Accuracy(4, 4, "NumPy", "TensorFlow", True),
    "log": Accuracy(5, 4, "NumPy", "TensorFlow", True),
    "log1p": Accuracy(6, 8, "TensorFlow", "NumPy", True),
    "sqrt": Accuracy(2, 2, "PyTorch: not correctly rounded", "PyTorch", False),
    "divide": Accuracy(2, 2, "TensorFlow in a graph, by a constant", "TensorFlow in a graph, by a constant", False),
    "power": Accuracy(7, 2, "TensorFlow", "all, beside the error of y ln x", False),
    "sigmoid": Accuracy(9, 6, "TensorFlow", "TensorFlow", True),
    "tanh": Accuracy(7, 12, "TensorFlow", "TensorFlow", True),
}


def assumed(precision: str) -> tuple[str, ...]:
    """The functions whose accuracy in this precision is assumed; in float32 none is."""
    return tuple(name for name, row in ACCURACY.items() if row.assumed64) if precision == "float64" else ()
