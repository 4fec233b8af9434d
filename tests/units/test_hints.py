"""Hints: each is said of numbers that bear it out, and not of numbers that do not, or that would bear out anything."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from comparisons.hints import AT_MOST, Evidence, Part, hints_of, values
from comparisons.judging import Judging
from comparisons.recording import record
from tests.exam.experiments import article, even, hidden, with_the_origin, wrong_and_saturated
from tests.exam.plain import train

PLAIN = article(precision="float64")
EVEN = even(precision="float64")


@cache
def honest(experiment):
    """The honest run."""
    return record(train, experiment)


def with_numbers(experiment, **changed):
    """The honest run with other numbers recorded: for each letter and layer, such as dW_2, what to make of a stack.

    What makes them is given the stack, and if it takes two, the numbers of its steps, from 1.
    """
    trace = honest(experiment)
    shown = dict(trace.shown)
    for name, change in changed.items():
        quantity = "J" if name == "J" else "{}[{}]".format(*name.split("_"))
        old = trace.shown[quantity]
        if isinstance(old, Mapping):
            shown[quantity] = {m: change(part, trace.steps_of(m) + 1) for m, part in old.items()}
        else:
            shown[quantity] = change(old, np.arange(1, trace.n_steps + 1))
    return replace(trace, shown=shown)


def hints(experiment, **changed):
    """What is said of the one quantity that is changed."""
    trace = with_numbers(experiment, **changed)
    (name,) = changed
    quantity = "J" if name == "J" else "{}[{}]".format(*name.split("_"))
    return hints_of(Judging(trace), trace.network, quantity)


def of(experiment, quantity):
    """A quantity of the honest run."""
    return honest(experiment).shown[quantity]


def per_step(steps, like):
    """A number for each step, to be multiplied with a stack."""
    return np.asarray(steps, dtype=float).reshape(-1, *[1] * (like.ndim - 1))


def times(factor):
    return lambda stack, steps: stack * factor


def at(*chosen):
    """The number 1 added at these steps alone."""
    return lambda stack, steps: stack + per_step(np.isin(steps, chosen), stack)


def sizes(steps):
    return honest(PLAIN).sizes[steps - 1]


def said(found, beginning):
    """The hint that begins so; nothing if none does."""
    return next((hint for hint in found if hint.startswith(beginning)), "")


# A factor ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda dW, steps: dW * per_step(sizes(steps), dW), "m, the number of examples, times"),
        (lambda dW, steps: dW / per_step(sizes(steps), dW), "1/m, of the number of examples, times"),
        (times(-1), "-1 times"),
        (times(2), "2 times"),
        (times(0.1), "the learning rate, 0.1, times"),
        (times(10), "1 over the learning rate, 10, times"),
        (times(1.1), "1.1 times"),
        (times(np.pi), "3.1415"),
        (times(-0.75), "-0.75 times"),
    ],
    ids=["m", "1/m", "-1", "2", "rate", "1 over the rate", "1.1", "pi", "-0.75"],
)
def test_a_constant_factor_is_named_or_the_shortest_number_that_fits(change, words):
    found = said(hints(PLAIN, dW_2=change), "dW[2] is ")
    assert found.startswith(f"dW[2] is {words}")
    assert found.endswith(" times what it should be, at every step")


def test_the_shortest_number_that_fits_is_known_as_closely_as_the_balls_allow():
    factor = float(said(hints(PLAIN, dW_2=times(np.pi)), "dW[2] is ").split()[2])
    assert abs(factor - np.pi) < 1e-13
    assert factor != np.pi


@pytest.mark.parametrize(
    ("quantity", "factor", "ratio"),
    [
        ("dW_2", 6, "the number of units of layer 2"),
        ("dW_2", 1 / 6, "1 over the number of units of layer 2"),
        ("dW_2", 4, "the number of inputs of layer 2"),
        ("db_2", 1.5, "6/4, the units of layer 2 over its inputs"),
        ("db_4", 1.5, "6/4, the inputs of layer 4 over its units"),
    ],
)
def test_a_factor_that_is_a_ratio_of_layer_sizes_says_so(quantity, factor, ratio):
    (found,) = [hint for hint in hints(PLAIN, **{quantity: times(factor)}) if "times" in hint]
    assert found.endswith(f" times what it should be, at every step, which is {ratio}")


def test_a_factor_in_some_steps_is_said_of_these():
    found = hints(PLAIN, dW_2=lambda dW, steps: dW * per_step(np.where(steps > 4, 1.1, 1), dW))
    assert "dW[2] is 1.1 times what it should be, at every step that is broken" in found


@pytest.mark.parametrize(
    "change",
    [
        lambda dW, steps: dW * per_step(1 + steps / 10, dW),
        lambda dW, steps: dW + 1e-3,
        lambda dW, steps: np.where(np.arange(4) == 1, 1.1, 1) * dW,
        times(0),
        lambda dW, steps: dW * per_step(steps < 5, dW),
    ],
    ids=["another in each step", "no factor", "of a column", "0", "0 from a step on"],
)
def test_numbers_without_one_factor_get_none(change):
    assert not [hint for hint in hints(PLAIN, dW_2=change) if " times what it should be" in hint]


def test_a_factor_that_is_known_too_loosely_is_not_told():
    """A ball of 1 ± 0.4 would bear out factors of 1.5 to 3.3 for a number of 2 alike."""
    assert list(values(evidence(radius=1e-6))) == ["dW[2] is 2 times what it should be, at every step"]
    assert list(values(evidence(radius=0.4))) == []


def evidence(radius):
    """Twice what it should be, in balls that are so wide."""
    trace = with_numbers(PLAIN, dW_2=lambda dW, steps: 2 + 0 * dW + per_step(steps / 100, dW))
    actual = trace.shown["dW[2]"]
    part = Part(np.arange(trace.n_steps), actual / 2, np.full_like(actual, radius), actual, 2.0**-53)
    return Evidence(trace, "dW[2]", (part,))


# Another place, another quantity, another step -----------------------------------------------------------------------


def test_a_transposed_quantity_is_told():
    assert "every number of dW[3] lies in the ball of its transposed place: it is transposed" in hints(
        PLAIN, dW_3=lambda dW, steps: dW.swapaxes(1, 2)
    )


@pytest.mark.parametrize("change", [lambda dW, steps: dW[:, ::-1], times(2)], ids=["turned round", "doubled"])
def test_what_is_not_transposed_is_not_called_so(change):
    assert not [hint for hint in hints(PLAIN, dW_3=change) if "transposed" in hint]


def test_balls_without_an_end_bear_nothing_out():
    trace = with_numbers(PLAIN, dW_3=times(2))
    actual = trace.shown["dW[3]"]
    radius = np.zeros_like(actual)
    radius[:, 0, 1] = np.inf  # what is expected at [1, 0] of a transposed one
    mid = np.where(np.isinf(radius), 0, actual)
    mid[:, 1, 0] += 1
    mid = np.where(np.arange(36).reshape(6, 6) % 7 == 0, mid, (mid + mid.swapaxes(1, 2)) / 2)
    part = Part(np.arange(trace.n_steps), mid, radius, actual, 2.0**-53)
    assert not [hint for hint in values(Evidence(trace, "dW[3]", (part,))) if "transposed" in hint]


def test_a_quantity_that_equals_another_one_is_told():
    assert "dZ[4] equals dA[4], bit for bit, at every step" in hints(
        PLAIN, dZ_4=lambda dZ, steps: of(PLAIN, "dA[4]")[dZ.shape[-1]]
    )


def test_quantities_that_never_change_are_not_called_equal():
    trace = with_numbers(PLAIN, b_1=lambda b, steps: b * 0 + 1, b_4=lambda b, steps: b * 0 + 1)
    assert ("b[1] is the same at every step",) == hints_of(Judging(trace), trace.network, "b[1]")


def test_the_number_of_another_layer_is_told():
    nudged = np.nextafter(of(PLAIN, "db[2]"), 1)
    found = hints(PLAIN, db_3=lambda db, steps: nudged)
    assert "every number of db[3] lies in the ball of db[2]: it is that of another layer" in found
    found = hints(PLAIN, db_3=lambda db, steps: of(PLAIN, "db[2]"))
    assert "db[3] equals db[2], bit for bit, at every step" in found


@pytest.mark.parametrize("change", [times(2), lambda db, steps: of(PLAIN, "db[2]") * 1.001], ids=["doubled", "near it"])
def test_what_is_of_no_other_layer_is_not_called_so(change):
    assert not [hint for hint in hints(PLAIN, db_3=change) if "layer" in hint and "ball" in hint]


def test_what_never_changes_is_told_and_nothing_else_of_it():
    assert ("b[1] is the same at every step",) == hints(PLAIN, b_1=times(0))
    assert ("W[1] is the same at every step",) == hints(PLAIN, W_1=lambda W, steps: W * 0 + PLAIN.initial()["W[1]"])
    assert ("A[1] is the same at every step",) == hints(EVEN, A_1=lambda A, steps: A * 0 + 1)


def test_what_should_never_change_is_not_told_for_it():
    trace = honest(PLAIN)
    same = np.zeros_like(trace.shown["dW[2]"])
    part = Part(np.arange(trace.n_steps), same, same, same + 1, 2.0**-53)
    one = replace(trace, shown={**trace.shown, "dW[2]": same + 1})
    assert [] == list(values(Evidence(one, "dW[2]", (part,))))


def test_numbers_that_are_0_and_should_not_be_are_told():
    found = hints(PLAIN, dW_2=lambda dW, steps: dW * per_step(steps < 5, dW))
    assert "every number of dW[2] that is broken is 0" in found
    assert not said(hints(PLAIN, dW_2=lambda dW, steps: dW * per_step(steps < 5, dW) + 1), "every number of dW[2]")


@pytest.mark.parametrize("experiment", [PLAIN, EVEN], ids=["partial batches", "batches of one size"])
def test_a_quantity_that_is_one_step_late_is_told(experiment):
    late = "dW[2] is what it should have been a step before, at every step"
    assert late in hints(experiment, dW_2=lambda dW, steps: np.concatenate([dW[:1], dW[:-1]]))
    assert late not in hints(experiment, dW_2=lambda dW, steps: np.concatenate([dW[:2], dW[:-2]]))


# Where ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (np.s_[:, 1], "only row 1 of dW[2] is broken"),
        (np.s_[:, [0, 2]], "only rows 0 and 2 of dW[2] are broken"),
        (np.s_[:, :, 3], "only column 3 of dW[2] is broken"),
    ],
)
def test_a_row_or_column_that_alone_is_broken_is_told(place, expected):
    def change(dW, steps):
        dW = dW.copy()
        dW[place] += 1
        return dW

    assert expected in hints(hidden("tanh", precision="float64"), dW_2=change)


def test_rows_whose_others_are_0_anyway_are_not_told():
    """Units that are off have gradients of 0, which a factor leaves as they are."""
    assert (of(PLAIN, "db[3]") == 0).all(axis=(0, 2)).any()
    assert not [hint for hint in hints(PLAIN, db_3=times(2)) if hint.startswith("only row")]


def at_zero(change):
    """Something done to dZ[4] where Z[4] is 0."""
    return lambda dZ, steps: change(dZ, of(with_the_origin(), "Z[4]")[dZ.shape[-1]] == 0)


def test_what_is_broken_only_at_0_is_told():
    only = "dZ[4] is broken only where Z[4] is exactly 0"
    assert only in hints(with_the_origin(), dZ_4=at_zero(lambda dZ, is_zero: dZ + is_zero))
    assert only not in hints(with_the_origin(), dZ_4=at_zero(lambda dZ, is_zero: dZ + is_zero + 1))
    assert only not in hints(with_the_origin(), dZ_4=at_zero(lambda dZ, is_zero: dZ + ~is_zero))


def near(limit):
    """1 added to dA[2] where the output is so near to 0 or 1."""

    def change(dA, steps):
        A = of(wrong_and_saturated(), "A[2]")[dA.shape[-1]]
        return dA + (np.minimum(A, 1 - A) <= limit)

    return change


def test_what_is_broken_only_where_an_output_is_saturated_is_told():
    found = said(hints(wrong_and_saturated(), dA_2=near(1e-9)), "dA[2] is broken only where")
    assert found == "dA[2] is broken only where A[2] is within 6.6e-11 of 0 or 1"
    assert not said(hints(wrong_and_saturated(), dA_2=near(0.3)), "dA[2] is broken only where")
    assert not said(hints(wrong_and_saturated(), dA_2=near(1)), "dA[2] is broken only where")


# When ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (range(3, 25, 3), "dW[2] is broken only in the smaller batch at the end of each epoch, in 8 steps of 8 such"),
        ([6, 9], "dW[2] is broken only in the smaller batch at the end of each epoch, in 2 steps of 8 such"),
        ([5], "dW[2] is broken at step 5 alone"),
        (range(5, 25), "dW[2] is broken at every step from step 5 on, and at none before"),
        (range(7, 25), "dW[2] is broken at every step from step 7 on, where an epoch begins, and at none before"),
    ],
    ids=["smaller batches", "some of them", "one step", "from a step on", "from an epoch on"],
)
def test_when_it_is_broken_is_told(steps, expected):
    assert expected in hints(PLAIN, dW_2=at(*steps))


@pytest.mark.parametrize("steps", [range(1, 25), [3, 4], [5, 7, 24]], ids=["every step", "two", "now and then"])
def test_steps_without_a_pattern_get_no_hint(steps):
    assert not said(hints(PLAIN, dW_2=at(*steps)), "dW[2] is broken ")


def test_batches_of_one_size_have_no_smaller_ones():
    assert not [hint for hint in hints(EVEN, dW_2=at(3, 6)) if "smaller" in hint]


def test_steps_of_a_part_are_counted_as_in_the_whole():
    trace = with_numbers(PLAIN, dW_2=at(8)).part(4, 12)
    assert "dW[2] is broken at step 8 alone" in hints_of(Judging(trace), trace.network, "dW[2]")


def test_no_more_hints_than_can_be_read():
    def change(dW, steps):
        return np.where(np.arange(6)[:, None] == 1, 2, 1) * dW.swapaxes(1, 2) * per_step(steps > 3, dW)

    assert len(hints(PLAIN, dW_3=change)) <= AT_MOST
