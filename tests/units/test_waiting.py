"""An equation that waits for the step before gives, split or walked step after step, the same balls to the last bit."""

import numpy as np
import pytest

from comparisons import waiting
from comparisons.balls import Ball
from comparisons.operations import OPERATIONS
from comparisons.precisions import FLOAT32, FLOAT64
from comparisons.waiting import Recurrence, as_one
from reference import alphabet, optimizers

N_STEPS, N_NUMBERS = 9, 7
EQUATIONS = {
    "first moment": (lambda own, x, y: optimizers.first_moment(own, x, beta1=0.9)),
    "second moment": (lambda own, x, y: optimizers.second_moment(own, x, beta2=0.999)),
    "accumulated": (lambda own, x, y: optimizers.accumulated(own, x, momentum=0.9)),
    "a letter": (lambda own, x, y: alphabet.lerp(own, x * x, weight=0.25)),
    "a letter that reads the ball first": (lambda own, x, y: alphabet.lerp(x, own, weight=0.25)),
    "an operator with the ball first": (lambda own, x, y: x - own * y),
    "a sum that stays open": (lambda own, x, y: own + (x * y).sum(axis=1, keepdims=True) * 0.5),
    "a parameter": (lambda own, x, y: optimizers.adam_step(own, x, x * x, y * y + 1.0, 0.5, 1e-3, epsilon=1e-7)),
    "a number in it": (lambda own, x, y: 1.0 - np.maximum(own, x) / 3.0),
    "itself alone": (lambda own, x, y: own * own),
}


@pytest.fixture(params=[FLOAT32, FLOAT64], ids=lambda precision: precision.name)
def stacks(request):
    """Two balls of all steps, zeros and what is exact among them, and one of the step before the first."""
    rng = np.random.default_rng(3)
    mids = rng.normal(size=(3, N_STEPS, N_NUMBERS)) * 2.0 ** rng.integers(-60, 60, (3, N_STEPS, N_NUMBERS))
    radii = np.abs(mids) * 1e-7 * (rng.random(mids.shape) < 0.6)
    mids[:, :, 0], radii[:, :, 0] = 0.0, 0.0
    mids[0, 4, 3] = radii[1, 5, 4] = np.inf
    x, y, first = (Ball(mid, radius, request.param) for mid, radius in zip(mids, radii, strict=True))
    return first[:1], {"x": x, "y": y}


def walked(equation, first, now):
    """What it gives step after step, from nothing but the step's own balls."""
    last = first
    for step in range(N_STEPS):
        with np.errstate(all="ignore"):
            last = equation(last, **{name: ball[step : step + 1] for name, ball in now.items()})
        yield last


def split(equation, stacks):
    """What it gives step after step, but for what does not wait, which came out for all steps."""
    first, now = stacks
    return Recurrence.of(equation, "own", first, now, {})


def bits(balls):
    return [(ball.mid.tobytes(), ball.radius.tobytes(), ball.precision) for ball in balls]


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
def test_split_or_walked_it_is_the_same(equation, stacks):
    found = list(split(equation, stacks).steps(N_STEPS))
    assert N_STEPS == len(found)
    assert bits(walked(equation, *stacks)) == bits(found)


def test_what_does_not_wait_is_evaluated_once(stacks, monkeypatch):
    n_times = {"multiply": 0, "add": 0}

    def counted(name, operation):
        def counting(*operands):
            n_times[name] += 1
            return operation(*operands)

        return counting

    monkeypatch.setitem(OPERATIONS, np.multiply, counted("multiply", OPERATIONS[np.multiply]))
    monkeypatch.setitem(OPERATIONS, np.add, counted("add", OPERATIONS[np.add]))
    list(split(lambda own, x, y: own + x * x, stacks).steps(N_STEPS))
    assert {"multiply": 1, "add": N_STEPS} == n_times


def test_terms_that_a_step_could_not_tell_apart_would_be_noticed(stacks, monkeypatch):
    """A sum whose terms were those of another step has another radius."""
    monkeypatch.setattr(waiting, "_part", lambda x, at: x)
    equation = EQUATIONS["a sum that stays open"]
    with pytest.raises((AssertionError, ValueError)):
        assert bits(walked(equation, *stacks)) == bits(split(equation, stacks).steps(N_STEPS))


# Several as one -------------------------------------------------------------------------------------------------------


def cut(balls, numbers):
    return [Ball(ball.mid[:, numbers], ball.radius[:, numbers], ball.precision) for ball in balls]


def test_both_moments_come_to_the_same_operations_and_are_done_as_one(stacks):
    moments = [split(EQUATIONS[name], stacks) for name in ("first moment", "second moment")]
    assert moments[0].key == moments[1].key
    together = list(as_one(moments).steps(N_STEPS))
    for number, name in enumerate(("first moment", "second moment")):
        numbers = slice(number * N_NUMBERS, (number + 1) * N_NUMBERS)
        assert bits(walked(EQUATIONS[name], *stacks)) == bits(cut(together, numbers))


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, 0.5, 1 / 3], ids=str)
def test_factors_that_round_or_do_not_keep_to_their_own_numbers(factor, stacks):
    equations = [lambda own, x, y: own * 0.9 + x, lambda own, x, y: own * factor + y]
    together = list(as_one([split(equation, stacks) for equation in equations]).steps(N_STEPS))
    for number, equation in enumerate(equations):
        numbers = slice(number * N_NUMBERS, (number + 1) * N_NUMBERS)
        assert bits(walked(equation, *stacks)) == bits(cut(together, numbers))


OTHERS = {
    "another operator": lambda own, x, y: own * 0.9 - x,
    "a factor of all steps": lambda own, x, y: own * y + x,
    "the other way round": lambda own, x, y: x + own * 0.9,
    "a divisor": lambda own, x, y: own / 0.9 + x,
    "a sum that is open": lambda own, x, y: own * 0.9 + (x * y).sum(axis=1, keepdims=True),
    "a number": lambda own, x, y: own * 0.9 + 3.0,
    "one more": lambda own, x, y: own * 0.9 + x + y,
    "a letter": lambda own, x, y: alphabet.lerp(own, x, weight=0.9),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_operations_are_not_taken_for_the_same(other, stacks):
    assert split(lambda own, x, y: own * 0.9 + x, stacks).key != split(other, stacks).key


def test_weights_of_a_letter_and_numbers_that_are_no_factors_keep_equations_apart(stacks):
    for one, other in (
        (lambda own, x, y: alphabet.lerp(own, x, weight=0.5), lambda own, x, y: alphabet.lerp(own, x, weight=0.25)),
        (lambda own, x, y: own / 3.0, lambda own, x, y: own / 5.0),
        (lambda own, x, y: own + 3.0, lambda own, x, y: own + 5.0),
    ):
        assert split(one, stacks).key != split(other, stacks).key
