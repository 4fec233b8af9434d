"""Running the list trains the network: one step worked by hand, then what a step leaves for the next."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import PRECISIONS
from reference.article import network
from reference.network import before, now
from reference.running import batches_given, evaluate, train

PRECISION_NAMES = pytest.mark.parametrize("dtype", ["float32", "float64"])

# A network 2-2-1 (ReLU, sigmoid) on four examples, one step of gradient descent with α = ½:
#
#   W[1] = |  1  1/2 |  b[1] = | 1/2 |   W[2] = | 2  3/2 |   b[2] = -8   X = | 1  4  3  5 |   Y = | 1  0  0  0 |
#          | -1   1  |         |  1  |                                       | 2 -1  1 -3 |
#
# Forwards. Z[1] has 1 + 2/2 + 1/2 = 5/2, 4 - 1/2 + 1/2 = 4, 3 + 1/2 + 1/2 = 4, 5 - 3/2 + 1/2 = 4 in its first row and
# -1 + 2 + 1 = 2, -4 - 1 + 1 = -4, -3 + 1 + 1 = -1, -5 - 3 + 1 = -7 in its second, of which ReLU leaves 2, 0, 0, 0.
# Z[2] is 2 · 5/2 + 3/2 · 2 - 8 = 0, then three times 2 · 4 - 8 = 0. So every output is σ(0) = ½, and J = ln 2.
#
# Backwards. dA[2] = -(1/½) = -2 where Y is 1, and 1/(1 - ½) = 2 where it is 0. σ′ = ½ · ½, so dZ[2] = -½, ½, ½, ½.
# dW[2] = ¼ (-5/4 + 2 + 2 + 2) = 19/16 and ¼ (-½ · 2) = -1/4; db[2] = ¼ · 1. dA[1] is 2 and 3/2 times dZ[2];
# dZ[1] keeps of its second row only the first entry. dW[1] = ¼ dZ[1] Xᵀ has ¼ (-1 + 4 + 3 + 5) = 11/4,
# ¼ (-2 - 1 + 1 - 3) = -5/4, ¼ (-3/4) = -3/16, ¼ (-3/2) = -3/8; db[1] = ¼ (-1 + 1 + 1 + 1) = 1/2, ¼ (-3/4) = -3/16.
SMALL = network((2, 2, 1), ("relu", "sigmoid"), optimizer="gradient-descent")
START = {"W[1]": [[1, 1 / 2], [-1, 1]], "b[1]": [[1 / 2], [1]], "W[2]": [[2, 3 / 2]], "b[2]": [[-8]]}
X, Y = [[1, 4, 3, 5], [2, -1, 1, -3]], [[1, 0, 0, 0]]
BY_HAND = {
    "Z[1]": [[5 / 2, 4, 4, 4], [2, -4, -1, -7]],
    "A[1]": [[5 / 2, 4, 4, 4], [2, 0, 0, 0]],
    "Z[2]": [[0, 0, 0, 0]],
    "A[2]": [[1 / 2] * 4],
    "dA[2]": [[-2, 2, 2, 2]],
    "dZ[2]": [[-1 / 2, 1 / 2, 1 / 2, 1 / 2]],
    "dW[2]": [[19 / 16, -1 / 4]],
    "db[2]": [[1 / 4]],
    "dA[1]": [[-1, 1, 1, 1], [-3 / 4, 3 / 4, 3 / 4, 3 / 4]],
    "dZ[1]": [[-1, 1, 1, 1], [-3 / 4, 0, 0, 0]],
    "dW[1]": [[11 / 4, -5 / 4], [-3 / 16, -3 / 8]],
    "db[1]": [[1 / 2], [-3 / 16]],
    "W[1]": [[1 - 11 / 8, 1 / 2 + 5 / 8], [-1 + 3 / 32, 1 + 3 / 16]],
    "b[1]": [[1 / 4], [1 + 3 / 32]],
    "W[2]": [[2 - 19 / 32, 3 / 2 + 1 / 8]],
    "b[2]": [[-8 - 1 / 8]],
}


def check_by_hand(step):
    """All these fractions are sums of few powers of two, so that no number is rounded in either precision."""
    for name, expected in BY_HAND.items():
        assert step[name].tolist() == expected, name
    assert step["J"].item() == -np.log(step["A[2]"])[0, 0]


def trained_by_hand(dtype, rate=0.5, start=START):
    start = {name: np.array(value, dtype) for name, value in start.items()}
    return next(train(SMALL, start, batches_given([(np.array(X, dtype), np.array(Y, dtype))], rate)))


@PRECISION_NAMES
def test_a_step_worked_by_hand_comes_out_exactly(dtype):
    check_by_hand(trained_by_hand(dtype))


def test_the_fractions_worked_by_hand_need_no_rounding():
    for value in itertools.chain(*map(np.ravel, [*BY_HAND.values(), *START.values()])):
        assert Fraction(float(np.float32(value))) == Fraction(float(value)).limit_denominator(64)


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0.25}, {"start": {**START, "b[1]": [[1], [1 / 2]]}}, {"start": {**START, "W[2]": [[2, 1]]}}],
    ids=["another-rate", "another-bias", "another-weight"],
)
def test_a_step_that_is_not_the_one_worked_by_hand_is_refused(wrong):
    with pytest.raises(AssertionError):
        check_by_hand(trained_by_hand("float64", **wrong))


# Steps after steps ----------------------------------------------------------------------------------------------------

ADAM = network((2, 4, 3, 1), ("relu", "tanh", "sigmoid"))


def start_of(composed, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=composed.shape(name, 1)).astype(dtype) for name in sorted(composed.parameters)}


def batches(dtype="float64", sizes=(5, 5, 3), seed=1):
    rng = np.random.default_rng(seed)
    for n in sizes:
        yield rng.normal(size=(2, n)).astype(dtype), (rng.random((1, n)) > 0.5).astype(dtype)


def test_each_step_yields_every_quantity_and_what_was_given():
    for number, step in enumerate(train(ADAM, start_of(ADAM), batches_given(batches(), 0.1)), 1):
        assert step.keys() == set(ADAM.shapes)
        assert (step["t"], step["alpha"]) == (number, 0.1)
    assert number == 3


def test_shapes_are_the_networks_in_a_partial_batch_too():
    for n, step in zip((5, 5, 3), train(ADAM, start_of(ADAM), batches_given(batches(), 0.1)), strict=True):
        assert {name: np.shape(value) for name, value in step.items()} == {name: ADAM.shape(name, n) for name in step}


def test_a_step_starts_from_what_the_step_before_left():
    steps = list(train(ADAM, start_of(ADAM), batches_given(batches(), 0.1)))
    old = start_of(ADAM) | {name: np.zeros(ADAM.shape(name, 1)) for name in ADAM.start}
    for step in steps:
        assert np.array_equal(step["Z[1]"], old["W[1]"] @ step["A[0]"] + old["b[1]"])
        assert np.array_equal(step["m_W[1]"], 0.9 * old["m_W[1]"] + (1 - 0.9) * step["dW[1]"])
        assert not np.array_equal(step["Z[1]"], step["W[1]"] @ step["A[0]"] + step["b[1]"])
        old = step


def test_training_that_is_cut_in_two_is_the_same_training():
    whole = list(train(ADAM, start_of(ADAM), batches_given(batches(), 0.1)))
    state = {name: whole[0][name] for name in ADAM.remembered}
    rest = list(train(ADAM, state, list(batches_given(batches(), 0.1))[1:]))
    assert all(np.array_equal(rest[-1][name], whole[-1][name]) for name in whole[-1])
    fresh = {name: whole[0][name] for name in ADAM.parameters}  # without the moments it is another one
    rest = list(train(ADAM, fresh, list(batches_given(batches(), 0.1))[1:]))
    assert not np.array_equal(rest[-1]["W[1]"], whole[-1]["W[1]"])


@PRECISION_NAMES
def test_training_keeps_the_precision_of_its_start_values(dtype):
    step = list(train(ADAM, start_of(ADAM, dtype), batches_given(batches(dtype), 0.1)))[-1]
    assert {value.dtype.name for name, value in step.items() if ADAM.shapes[name]} == {dtype}
    assert all(isinstance(step[name], (int, float)) for name in ("t", "alpha", "c1", "c2"))


@PRECISION_NAMES
def test_replicas_with_a_leading_axis_train_as_each_by_itself(dtype):
    # To rounding: a matrix product of a stack may add in another order, so that the next steps drift apart; each step
    # of the stack is judged on its own numbers.
    starts = [start_of(ADAM, dtype, seed) for seed in range(4)]
    stacked = {name: np.stack([start[name] for start in starts]) for name in starts[0]}
    old = stacked | {name: np.zeros((4, *ADAM.shape(name, 1)), dtype) for name in ADAM.start}
    for step in train(ADAM, stacked, batches_given(batches(dtype), 0.1)):
        assert {value.dtype.name for name, value in step.items() if ADAM.shapes[name]} == {dtype}
        for replica in range(4):
            check_replica(replica, step, old, dtype)
        old = step


def check_replica(replica, step, old, dtype):
    """Each quantity of one replica lies in the ball of its equation on that replica's numbers alone."""

    def of(value):
        if not isinstance(value, np.ndarray):
            return value
        return Ball.recorded(value[replica] if value.ndim == 3 else value, PRECISIONS[dtype])

    for equation in ADAM.equations:
        values = {ref: of((old if ref.before else step)[ref.name]) for ref in equation.reads.values()}
        ball, actual = equation.value(values), step[equation.defines]
        if isinstance(ball, Ball):
            assert (np.abs(actual[replica] - ball.mid) <= ball.radius).all()


def test_replicas_that_mix_are_refused():
    starts = [start_of(ADAM, "float64", seed) for seed in range(4)]
    stacked = {name: np.stack([start[name] for start in starts]) for name in starts[0]}
    old = stacked | {name: np.zeros((4, *ADAM.shape(name, 1))) for name in ADAM.start}
    step = next(train(ADAM, stacked, batches_given(batches(), 0.1)))
    with pytest.raises(AssertionError):
        check_replica(0, step | {"A[1]": step["A[1]"][::-1]}, old, "float64")


def test_training_takes_batches_as_it_goes():
    endless = ((np.ones((2, 3)), np.ones((1, 3))) for _ in itertools.count())
    steps = train(ADAM, start_of(ADAM), batches_given(endless, 0.1))
    assert [step["t"] for step in itertools.islice(steps, 3)] == [1, 2, 3]


def test_no_batches_are_no_steps():
    assert list(train(ADAM, start_of(ADAM), batches_given([], 0.1))) == []


def test_start_values_stay_as_they_were():
    start = start_of(ADAM)
    list(train(ADAM, start, batches_given(batches(), 0.1)))
    assert all(np.array_equal(value, start_of(ADAM)[name]) for name, value in start.items())


def test_a_parameter_without_a_start_value_and_a_start_value_without_a_quantity_are_refused():
    start = start_of(ADAM)
    given = list(batches_given(batches(), 0.1))
    without = {name: value for name, value in start.items() if name != "W[2]"}
    with pytest.raises(ValueError, match=r"no start value for W\[2\]"):
        next(train(ADAM, without, given))
    with pytest.raises(ValueError, match=r"a start value for W\[9\], which the network does not have"):
        next(train(ADAM, {**start, "W[9]": start["W[1]"]}, given))


def test_what_overflows_shows_in_the_values_and_warns_nobody():
    start = {name: 1e200 * value for name, value in start_of(ADAM).items()}
    step = next(train(ADAM, start, batches_given(batches(), 0.1)))
    assert not np.isfinite(step["Z[2]"]).all()


# The interpreter ------------------------------------------------------------------------------------------------------


def test_what_is_settled_on_is_what_the_later_equations_read():
    values = {now("A[0]"): np.ones((2, 1))} | {before(name): np.array(value) for name, value in START.items()}
    seen = []

    def settle(equation, value):
        seen.append(equation.defines)
        return np.full_like(value, 3.0) if equation.defines == "A[1]" else value

    evaluate(SMALL.equations[:3], values, settle)
    assert seen == ["Z[1]", "A[1]", "Z[2]"]
    assert values[now("A[1]")].tolist() == [[3], [3]]
    assert values[now("Z[2]")].tolist() == [[2 * 3 + 3 / 2 * 3 - 8]]


def test_steps_are_numbered_from_one():
    given = list(batches_given([("X", "Y"), ("X2", "Y2")], 0.5))
    assert given == [
        {"A[0]": "X", "Y": "Y", "t": 1, "alpha": 0.5},
        {"A[0]": "X2", "Y": "Y2", "t": 2, "alpha": 0.5},
    ]
