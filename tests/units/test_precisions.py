"""Precisions round as NumPy's casts do, and their unit, smallest and largest number are the format's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons.precisions import FLOAT32, FLOAT64, PRECISIONS, coarser

ANYTHING = st.floats(allow_nan=True, allow_infinity=True)
NEAR_FLOAT32 = st.builds(
    lambda number, halves: float(number) * (1 + halves * 2.0**-25),  # ties are odd numbers of halves of its last digit
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.integers(-9, 9),
)
ENDS = [0.0, -0.0, FLOAT32.largest, FLOAT32.largest * (1 + 2.0**-25), -FLOAT32.largest * (1 + 2.0**-25), 2.0**128,
        2.0**-149, 2.0**-150, 3 * 2.0**-150, -(2.0**-150) * (1 + 2.0**-52), 2.0**-126 * (1 - 2.0**-25)]  # fmt: skip


def bits(x):
    """The numbers' bits, which tell −0 from 0; all NaN alike."""
    return np.where(np.isnan(x), np.nan, x).astype(np.float64).view(np.int64)


def cast(x):
    with np.errstate(over="ignore"):
        return np.asarray(x, np.float64).astype(np.float32).astype(np.float64)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(st.lists(st.one_of(ANYTHING, NEAR_FLOAT32, st.sampled_from(ENDS)), min_size=1))
def test_rounding_to_float32_is_numpys_cast(numbers):
    x = np.array(numbers)
    assert bits(cast(x)).tolist() == bits(FLOAT32.rounded(x)).tolist()


@pytest.mark.parametrize("x", ENDS)
def test_rounding_at_the_ends_of_the_range_is_numpys_cast(x):
    assert bits(cast(x)) == bits(FLOAT32.rounded(x))


def test_a_tie_goes_to_the_even_neighbour():
    halfway = 1 + np.array([1, 3, 5]) * 2.0**-24
    assert (1 + np.array([0, 4, 4]) * 2.0**-24).tolist() == FLOAT32.rounded(halfway).tolist()


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(ANYTHING)
def test_float64_is_left_as_it_is(x):
    assert bits(np.float64(x)) == bits(FLOAT64.rounded(x))


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
def test_the_format_is_numpys(precision):
    info = np.finfo(precision.name)
    assert float(info.eps) / 2 == precision.unit
    assert float(info.smallest_normal) == precision.smallest
    assert float(info.max) == precision.largest
    assert info.nmant + 1 == precision.digits
    assert float(info.smallest_subnormal) == 2.0**precision.least_exponent


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.floats(min_value=FLOAT32.smallest, max_value=FLOAT32.largest))
def test_rounding_moves_a_normal_number_by_at_most_a_unit_of_it(x):
    assert abs(FLOAT32.rounded(x) - x) <= FLOAT32.unit * x


def test_the_unit_is_reached_to_first_order():
    """At 1 + u: the largest move there is, u/(1 + u) of the number."""
    x = 1 + FLOAT32.unit
    assert FLOAT32.unit == abs(FLOAT32.rounded(x) - x)


def test_where_two_meet_the_coarser_rounds():
    assert coarser(FLOAT32, FLOAT64) is FLOAT32
    assert coarser(FLOAT64, FLOAT32) is FLOAT32
    assert coarser(FLOAT64, FLOAT64) is FLOAT64


def test_a_rounding_that_truncates_is_rejected():
    truncating = FLOAT32._replace(unit=2.0**-23)  # one digit fewer
    assert bits(cast(1 + 2.0**-23)) != bits(truncating.rounded(1 + 2.0**-23))
