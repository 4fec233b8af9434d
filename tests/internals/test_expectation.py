"""What a figure must be: each kind of expectation takes what it should, and rejects what it should."""

import math

import pytest

from comparisons.internals.expectation import Says, above, below, measured, meets, off, rounded, text_of

ACCEPTED = [
    (1.5, 1.5), (2, 2.0), (math.nan, math.nan), (math.inf, math.inf), (-0.0, -0.0), (True, True), ("a", "a"),
    ([1.0, [math.nan]], [1.0, [math.nan]]), ((1, 2), [1, 2]), (Says("rank"), "unknown rank"), (measured(1, 2), 1.5),
    (above(1, "it grows"), math.inf), (below(1, "it shrinks"), -math.inf), ([measured(0, 1), 2], [0.5, 2]),
]  # fmt: skip
REJECTED = [
    (1.5, math.nextafter(1.5, 2)), (2, 3), (math.nan, 0.0), (0.0, math.nan), (0.0, -0.0), (1, True), (True, 1),
    ("a", "b"), ([1.0], [1.0, 2.0]), ([1.0, 2.0], 1.0), (1.0, "1.0"), (Says("rank"), "shape"), (Says("rank"), 3),
    (measured(1, 2), math.nan), (measured(1, 2), 2.5), (above(1, "it grows"), 0.5), (measured(0, 1), True),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "actual"), ACCEPTED)
def test_a_figure_that_is_as_expected_meets_it(expected, actual):
    assert meets(expected, actual)


@pytest.mark.parametrize(("expected", "actual"), REJECTED)
def test_a_figure_that_is_not_as_expected_does_not(expected, actual):
    assert not meets(expected, actual)


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32", "float64"])
def test_so_many_roundings_are_allowed_and_no_more(precision):
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}[precision]
    assert meets(rounded(-3.0, 4, precision), -3.0 * (1 + 4 * unit))
    assert not meets(rounded(-3.0, 4, precision), -3.0 * (1 + 9 * unit))


def test_an_expectation_says_why():
    assert "6 ± 1 (of the rate)" == str(off(6, 1, "of the rate"))
    assert "0.1 (within 3 roundings in float16)" == str(rounded(0.1, 3, "float16"))
    assert "at least 2 (far from 1)" == str(above(2, "far from 1"))
    assert "at most 2 (few)" == str(below(2, "few"))
    assert "1 to 2 (measured)" == str(measured(1, 2))
    assert "[0.5, nan, text]" == text_of([0.5, math.nan, "text"])
