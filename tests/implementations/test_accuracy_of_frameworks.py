"""The frameworks are as accurate as the balls take them to be: measured again, on a sample of all float32 numbers.

`benchmarks/accuracy.py` measures every input; this looks at every 65,537th, and at the worst ones that it found.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from comparisons.accuracy import ACCURACY
from comparisons.precisions import FLOAT32
from reference import alphabet
from tests.frameworks import framework

tf = framework("tensorflow")
torch = framework("torch")

EVERY = 65_537  # a prime, so that significands and exponents of all kinds come up
SAMPLE = np.arange(0, 2**32, EVERY, dtype=np.uint64).astype(np.uint32).view(np.float32)
EXACT = {"exp": np.exp, "log": np.log, "log1p": np.log1p, "tanh": np.tanh, "sqrt": np.sqrt, "sigmoid": alphabet.sigmoid}
COMPUTED = {
    "numpy": {**EXACT, "sigmoid": alphabet.sigmoid},
    "torch": {name: getattr(torch, name) for name in EXACT},
    "tensorflow": {
        "exp": tf.exp, "log": tf.math.log, "log1p": tf.math.log1p,
        "tanh": tf.tanh, "sqrt": tf.sqrt, "sigmoid": tf.sigmoid,
    },
}  # fmt: skip
CASES = [(name, function) for name in COMPUTED for function in EXACT]


def inputs_of(function: str, name: str) -> np.ndarray:
    """The sample, and the worst input that the benchmark found for this function in this framework."""
    found = pd.read_csv(Path(__file__).parents[2] / "benchmarks" / "accuracy.csv")
    mine = found[(found.function == function) & (found.framework == name) & (found.precision == "float32")]
    worst = [float.fromhex(at) for at in mine["at"]]
    assert worst, "the benchmark has no row of this function"
    x = np.concatenate([SAMPLE, np.array(worst, np.float32)])
    return x[np.isfinite(x) & ((np.abs(x) >= FLOAT32.smallest) | (x == 0))]


def worst_units(function: str, x: np.ndarray, values: np.ndarray) -> float:
    """The largest error in unit roundoffs of the result; what flushing to 0 may lose is no error.

    The exact value comes from float64, whose own error is below 2⁻²⁶ of a unit.
    """
    with np.errstate(all="ignore"):
        exact = EXACT[function](x.astype(np.float64))
        in_range = np.isfinite(exact) & (np.abs(exact) <= np.finfo(np.float32).max)
        error = np.abs(values.astype(np.float64) - exact)[in_range] - FLOAT32.smallest
        size = FLOAT32.unit * np.abs(exact[in_range])
    return float(np.max(np.divide(error, size, out=np.zeros_like(error), where=(error > 0) & (size > 0))))


@pytest.mark.parametrize(("name", "function"), CASES, ids=[f"{n}-{f}" for n, f in CASES])
def test_a_function_is_as_accurate_as_balls_take_it_to_be(name, function, request):
    x = inputs_of(function, name)
    with np.errstate(all="ignore"):
        values = np.asarray(COMPUTED[name][function](torch.from_numpy(x) if name == "torch" else x))
    assert values.dtype == np.float32
    assert worst_units(function, x, values) <= ACCURACY[function].float32


@pytest.mark.parametrize("function", list(EXACT))
def test_a_function_that_is_one_unit_worse_is_rejected(function):
    x = inputs_of(function, "numpy")
    with np.errstate(all="ignore"):
        exact = EXACT[function](x.astype(np.float64))
        off = exact * (1 + (ACCURACY[function].float32 + 1) * FLOAT32.unit)
    normal = np.abs(exact) > 2**24 * FLOAT32.smallest
    assert worst_units(function, x[normal], off[normal]) > ACCURACY[function].float32
