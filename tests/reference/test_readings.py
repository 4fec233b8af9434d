"""One text, many readings: every equation, in every form, is given every kind of array that it may be given."""

import functools
import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64, PRECISIONS
from reference.activations import ACTIVATIONS, relu
from reference.article import network
from reference.decay import DECAYS
from reference.dialects import DIALECTS, summed_weight_gradient
from reference.forms import Change, Form, in_form
from reference.layers import bias_gradient, weight_gradient
from reference.network import Equation, Network, before, now
from reference.optimizers import OPTIMIZERS
from reference.running import batches_given, evaluate, train
from reference.tape import Tape

STEP = 2.0**-300  # of the complex step; its square, 2⁻⁶⁰⁰, is beside everything here smaller than any rounding
SIZES = (2, 3, 4, 3, 5, 4, 1)  # no two neighbours alike, and none is the batch's size
N_EXAMPLES, N_STEPS = 7, 3


class Case(NamedTuple):
    """An equation of a network in a form."""

    network: Network
    equation: Equation


def networks():
    """Networks with every activation, in the textbook's form and in each dialect that applies to them, by name."""
    chosen = {optimizer: {"optimizer": optimizer} for optimizer in OPTIMIZERS}
    chosen |= {kind: {"optimizer": "gradient-descent", "decay": (kind, 0.1)} for kind in DECAYS}
    chosen["rmsprop-centered"] = {"optimizer": "rmsprop", "centered": True}
    for name, how in chosen.items():
        textbook = network(SIZES, (*ACTIVATIONS, "sigmoid"), **how)
        yield f"{name}-textbook", textbook
        for form in DIALECTS:
            if form.applies_to(textbook):
                yield f"{name}-{form.name}", in_form(textbook, form)


NETWORKS = dict(networks())
TEXTBOOK = NETWORKS["gradient-descent-textbook"]


def cases():
    """Of equations that use the same function with the same constants the first, and so all that there are."""
    found = {}
    for name, composed in NETWORKS.items():
        for equation in composed.equations:
            found.setdefault(use(equation), pytest.param(Case(composed, equation), id=f"{name}-{equation.defines}"))
    return list(found.values())


def use(equation):
    return equation.by, tuple(equation.constants.items())


@functools.cache
def steps_of(composed, dtype):
    """All numbers of each step of a short training, this step's and the step before's, by their Ref."""
    rng = np.random.default_rng(0)
    start = {name: rng.normal(0, 0.7, composed.shape(name, N_EXAMPLES)).astype(dtype) for name in composed.parameters}
    labels = np.array([[0, 1, 1, 0, 1, 0, 0]], dtype)
    batches = [(rng.normal(0, 1, (2, N_EXAMPLES)).astype(dtype), labels) for _ in range(N_STEPS)]
    steps, old = [], {}
    for values in train(composed, start, batches_given(batches, 0.1)):
        steps.append({now(name): value for name, value in values.items()} | old)
        old = {before(name): values[name] for name in composed.remembered}
    return steps


def read_by(equation, values):
    """What the equation reads among these values."""
    return {ref: values[ref] for ref in equation.reads.values()}


def is_array(value):
    return np.ndim(value) > 0


def as_balls(values, dtype):
    """Arrays as they were recorded; scalars of the step are float64 numbers, unless they are NumPy's own."""
    precision = PRECISIONS[np.dtype(dtype).name]
    return {
        ref: Ball.recorded(value, precision)
        if isinstance(value, (np.ndarray, np.floating))
        else Ball(value, None, FLOAT64)
        for ref, value in values.items()
    }


def check_inside(actual, ball):
    assert np.isfinite(ball.radius).all(), "the ball has no bound"
    assert np.shape(actual) == ball.shape
    error = np.abs(np.asarray(actual, np.float64) - ball.mid)
    assert (error <= ball.radius).all(), f"up to {np.max(error - ball.radius)} outside"


# The readings: each gives the equation one kind of array, and asserts what must come out -----------------------------


def in_float32(case, exact):
    """Arrays of float32 give float32, inside the ball; scalars of the step do not promote what they meet."""
    values = read_by(case.equation, steps_of(case.network, np.float32)[-1])
    actual = evaluate([case.equation], dict(values))[now(case.equation.defines)]
    assert (np.ones(1, np.float32) * actual).dtype == np.float32
    check_inside(actual, case.equation.value(as_balls(values, np.float32)))


def in_float64(case, exact):
    """Arrays of float64 give float64, inside the ball."""
    values = read_by(case.equation, steps_of(case.network, np.float64)[-1])
    actual = evaluate([case.equation], dict(values))[now(case.equation.defines)]
    assert np.asarray(actual).dtype == np.float64
    assert np.shape(actual) == case.network.shape(case.equation.defines, N_EXAMPLES)
    check_inside(actual, case.equation.value(as_balls(values, np.float64)))


def with_a_leading_axis(case, exact):
    """All steps at once give a stack of what each of them gives, inside the ball of each."""
    steps = [read_by(case.equation, step) for step in steps_of(case.network, np.float64)[1:]]
    stacked = case.equation.value({ref: stack([step[ref] for step in steps]) for ref in steps[0]})
    assert len(stacked) == len(steps)
    for number, values in enumerate(steps):
        ball = case.equation.value(as_balls(values, np.float64))
        check_inside(stacked[number] if is_array(ball.mid) else stacked[number, 0, 0], ball)


def stack(values):
    """A stack of arrays; scalars of the step become (steps, 1, 1)."""
    return np.stack(values) if is_array(values[0]) else np.array(values, np.float64).reshape(-1, 1, 1)


def in_complex_arrays(case, exact):
    """A small imaginary part comes out times the slope; Arb says how accurate complex128 has to be."""
    values = read_by(case.equation, steps_of(case.network, np.float64)[-1])
    directions = directions_at(values)
    moved = {ref: value + 1j * STEP * directions[ref] if ref in directions else value for ref, value in values.items()}
    actual = np.imag(case.equation.value(moved)) / STEP
    with exact.bits(48):
        slope, reach = exact.slopes(case.equation.value(exactly(values, exact, directions)))
    assert np.shape(actual) == np.shape(slope)
    assert (np.abs(actual - slope) <= reach).all()
    assert (slope != 0).any() or case.network.shapes[case.equation.defines] == (), "nothing was differentiated"


def directions_at(values):
    """A direction for each array but the labels, which are what they are."""
    rng = np.random.default_rng(1)
    return {
        ref: rng.normal(size=np.shape(value)) for ref, value in values.items() if is_array(value) and ref.name != "Y"
    }


def exactly(values, exact, directions):
    return {ref: exact.of(value, directions.get(ref, 0)) for ref, value in values.items()}


def in_balls(case, exact):
    """The exact result lies inside the balls of both precisions."""
    for dtype in (np.float32, np.float64):
        values = read_by(case.equation, steps_of(case.network, dtype)[-1])
        ball = case.equation.value(as_balls(values, dtype))
        with exact.bits(300):
            distance = exact.distance(ball.mid, case.equation.value(exactly(values, exact, {})))
        assert (distance <= ball.radius).all()


def in_a_recorder(case, exact):
    """What was written down once gives at two steps what the equation gives, bit for bit."""
    shapes = case.network.shapes
    if shapes[case.equation.defines] == ():
        return  # scalars of the step are computed beside the tape, as Python numbers
    alone = {ref: f"before {ref.name}" if ref.before else ref.name for ref in case.equation.reads.values()}
    equation = replace(case.equation, defines="it", reads={n: now(alone[r]) for n, r in case.equation.reads.items()})
    given = {name: shapes[ref.name] for ref, name in alone.items()}
    tape = Tape(Network((equation,), {**given, "it": shapes[case.equation.defines]}), np.float64, N_EXAMPLES, ["it"])
    for step in steps_of(case.network, np.float64)[1:]:
        values = read_by(case.equation, step)
        played = tape.step({alone[ref]: value for ref, value in values.items()})["it"]
        assert played.tobytes() == case.equation.value(values).tobytes()


def in_print(case, exact):
    """The text has the names of all that is read and the constants to the last bit; no argument is left over."""
    text = str(case.equation)
    words = set(re.findall(r"[A-Za-z_0-9]+(?:\[\d+\])?", text.replace("ᵗ", " t")))
    numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)}
    assert {case.equation.defines, *(ref.name for ref in case.equation.reads.values())} <= words
    assert set(case.equation.constants.values()) <= numbers
    assert not words & set(case.equation.constants)


READINGS = (in_float32, in_float64, with_a_leading_axis, in_complex_arrays, in_balls, in_a_recorder, in_print)


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.__name__)
@pytest.mark.parametrize("case", cases())
def test_every_equation_is_read(case, reading, exact):
    reading(case, exact)


@pytest.mark.parametrize("composed", NETWORKS.values(), ids=NETWORKS)
def test_no_equation_of_any_network_is_left_out(composed):
    read = {use(parameter.values[0].equation) for parameter in cases()}
    assert {use(equation) for equation in composed.equations} <= read


def test_every_activation_optimizer_and_dialect_is_among_them():
    functions = {parameter.values[0].equation.by for parameter in cases()}
    assert {g.forward for g in ACTIVATIONS.values()} | {g.backward for g in ACTIVATIONS.values()} <= functions
    assert {f"{optimizer}-textbook" for optimizer in OPTIMIZERS} <= set(NETWORKS)
    in_no_network = {form.name for form in DIALECTS if not any(name.endswith(f"-{form.name}") for name in NETWORKS)}
    assert in_no_network == {"epsilon-1e-7"}  # which is no dialect here


# Equations that one reading must refuse -------------------------------------------------------------------------------


def promotes(Z):
    """max(0, Z)"""
    return np.maximum(Z, np.zeros(1)) if isinstance(Z, np.ndarray) else np.maximum(Z, 0)


def forgets_the_last_axis(Z):
    """max(0, Z)"""
    return np.maximum(Z, 0).sum(axis=-1, keepdims=True)


def takes_the_first_axis(dZ):
    """1/m Σᵢ dZ⁽ⁱ⁾"""
    return dZ.sum(axis=1, keepdims=True) / dZ.shape[1]


def is_not_analytic(Z):
    """max(0, Z)"""
    return np.maximum(np.real(Z), 0) if isinstance(Z, np.ndarray) else np.maximum(Z, 0)


def is_another_function_on_balls(Z):
    """max(0, Z)"""
    return np.maximum(Z, 0) * (1.001 if isinstance(Z, Ball) else 1)


def is_another_function_on_recorders(Z):
    """max(0, Z)"""
    return np.maximum(Z, 0 if isinstance(Z, np.ndarray) else 2.0**-1074)


def is_not_spelled_in_the_alphabet(Z):
    """max(0, Z)"""
    return np.clip(Z, 0, np.inf)


def has_no_formula(Z):
    """The usual choice."""
    return np.maximum(Z, 0)


WRONG = [
    (in_float32, relu, promotes),
    (in_float64, relu, forgets_the_last_axis),
    (with_a_leading_axis, bias_gradient, takes_the_first_axis),
    (in_complex_arrays, relu, is_not_analytic),
    (in_balls, relu, is_another_function_on_balls),
    (in_a_recorder, relu, is_another_function_on_recorders),
    (in_a_recorder, relu, is_not_spelled_in_the_alphabet),
    (in_print, relu, has_no_formula),
]


@pytest.mark.parametrize(("reading", "right", "wrong"), WRONG, ids=lambda function: function.__name__)
def test_a_reading_refuses_an_equation_that_it_cannot_read(reading, right, wrong, exact):
    equation = next(e for e in TEXTBOOK.equations if e.by is right)
    reading(Case(TEXTBOOK, equation), exact)
    with pytest.raises((AssertionError, TypeError)):
        reading(Case(TEXTBOOK, replace(equation, by=wrong)), exact)


def test_every_reading_has_an_equation_that_it_refuses():
    assert {reading for reading, _, _ in WRONG} == set(READINGS)


# One text -------------------------------------------------------------------------------------------------------------


def test_replacing_one_function_changes_run_ball_and_print_together():
    summed = Form("summed-gradient", "mistake", (Change(weight_gradient, summed_weight_gradient),))
    changed = in_form(TEXTBOOK, summed)
    values = steps_of(TEXTBOOK, np.float64)[-1]
    old, new = TEXTBOOK.by_name["dW[2]"], changed.by_name["dW[2]"]
    assert (str(old), str(new)) == ("dW[2] = 1/m dZ[2] A[1]ᵀ", "dW[2] = dZ[2] A[1]ᵀ")
    for one, other in ((old, new), (new, old)):
        ball = one.value(as_balls(read_by(one, values), np.float64))
        check_inside(one.value(values), ball)
        with pytest.raises(AssertionError, match="outside"):
            check_inside(other.value(values), ball)
    runs = [steps_of(composed, np.float64)[0] for composed in (TEXTBOOK, changed)]
    assert np.array_equal(*(run[now("dZ[2]")] for run in runs))
    for name in ("dW[2]", "W[2]"):
        assert not np.array_equal(*(run[now(name)] for run in runs))
