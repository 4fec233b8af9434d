"""The table of accuracies is what was measured, rounded up to a whole unit: neither less nor more."""

import math
from pathlib import Path

import pandas as pd
import pytest

from comparisons.accuracy import ACCURACY, Accuracy

MEASURED = pd.read_csv(Path(__file__).parents[2] / "benchmarks" / "accuracy.csv")
FUNCTIONS = {"divide": ("divide", "divide_by_constant"), "power": ("power", "power_any")}


def units_that_measuring_asks_for(function: str, precision: str, table: pd.DataFrame) -> int:
    """The largest error found over the frameworks, rounded up to a whole unit."""
    mine = table[table.function.isin(FUNCTIONS.get(function, (function,))) & (table.precision == precision)]
    assert set(mine.framework) == {"numpy", "torch", "tensorflow"}, "a framework was not measured"
    return math.ceil(mine.worst_units.max())


def is_what_was_measured(row: Accuracy, function: str, precision: str, table: pd.DataFrame) -> bool:
    return getattr(row, precision) == units_that_measuring_asks_for(function, precision, table)


# Of a power in float64 the constant is beside |y ln x|, so that another test judges it.
CASES = [(f, p) for f in ACCURACY for p in ("float32", "float64") if (f, p) != ("power", "float64")]


@pytest.mark.parametrize(("function", "precision"), CASES, ids=[f"{f}-{p}" for f, p in CASES])
def test_each_constant_is_the_largest_measured_error_rounded_up(function, precision):
    assert is_what_was_measured(ACCURACY[function], function, precision, MEASURED)


@pytest.mark.parametrize("change", [-1, 1], ids=["too small", "too large"])
def test_a_constant_that_is_off_by_one_is_rejected(change):
    off = ACCURACY["exp"]._replace(float32=ACCURACY["exp"].float32 + change)
    assert not is_what_was_measured(off, "exp", "float32", MEASURED)


def test_a_framework_that_was_not_measured_is_noticed():
    without = MEASURED[MEASURED.framework != "torch"]
    with pytest.raises(AssertionError, match="not measured"):
        units_that_measuring_asks_for("exp", "float32", without)


@pytest.mark.parametrize("function", ["exp", "log", "log1p", "sigmoid", "sqrt", "tanh"])
def test_float32_was_measured_on_every_input_in_every_framework(function):
    mine = MEASURED[(MEASURED.function == function) & (MEASURED.precision == "float32") & MEASURED.exhaustive]
    assert set(mine.framework) == {"numpy", "torch", "tensorflow"}
    assert (mine.inputs == 2**32).all()
