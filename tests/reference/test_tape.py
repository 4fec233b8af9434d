"""The tape gives what the plain functions give, bit for bit, and in blocks of many examples what any order may give."""

import itertools

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.certifying import certify
from comparisons.composed import given_by, network_of
from comparisons.precisions import FLOAT64, PRECISIONS
from reference import blocks, memory, playing
from reference.activations import ACTIVATIONS, relu
from reference.alphabet import exp
from reference.article import network
from reference.decay import DECAYS
from reference.dialects import DIALECTS, summed_weight_gradient
from reference.forms import Change, Form, in_form
from reference.layers import weight_gradient
from reference.network import Equation, Group, Network, before, now
from reference.optimizers import OPTIMIZERS, first_moment
from reference.recorder import Sheet
from reference.running import batches_given, checked_start, train
from reference.tape import Tape, replayed
from reference.writing import peers
from tests.small import small

SIZES = (2, 3, 4, 3, 5, 4, 1)
EACH_PRECISION = pytest.mark.parametrize("dtype", ["float32", "float64"])
SOME_BATCHES = (7, 7, 3, 7, 1, 3, 7)


def networks():
    """Every optimizer, decay and activation, in the textbook's form and in each dialect that applies."""
    chosen = {optimizer: {"optimizer": optimizer} for optimizer in OPTIMIZERS}
    chosen |= {kind: {"optimizer": "adam", "decay": (kind, 0.1)} for kind in DECAYS}
    chosen["rmsprop-centered"] = {"optimizer": "rmsprop", "centered": True}
    for name, how in chosen.items():
        textbook = network(SIZES, (*ACTIVATIONS, "sigmoid"), **how)
        yield pytest.param(textbook, id=name)
        for form in DIALECTS:
            if form.applies_to(textbook):
                yield pytest.param(in_form(textbook, form), id=f"{name}-{form.name}")


ADAM = network((2, 4, 3, 1), ("relu", "tanh", "sigmoid"))


def start_of(composed, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=composed.shape(name, 1)).astype(dtype) for name in sorted(composed.parameters)}


def given_to(dtype, sizes=SOME_BATCHES, seed=1):
    rng = np.random.default_rng(seed)
    batches = [(rng.normal(size=(2, m)).astype(dtype), (rng.random((1, m)) > 0.5).astype(dtype)) for m in sizes]
    return list(batches_given(batches, [0.1 / step for step in range(1, len(sizes) + 1)]))


def bits(values):
    return {
        name: (np.asarray(value).dtype, np.shape(value), np.asarray(value).tobytes()) for name, value in values.items()
    }


def both(composed, dtype, sizes=SOME_BATCHES, kept=None):
    """All steps of the plain functions and of the tape, as bits."""
    start = start_of(composed, dtype)
    plain = [bits(step) for step in train(composed, start, given_to(dtype, sizes))]
    played = [bits(step) for step in replayed(composed, start, given_to(dtype, sizes), kept)]
    return plain, played


# Bit for bit ----------------------------------------------------------------------------------------------------------


@EACH_PRECISION
@pytest.mark.parametrize("composed", list(networks()))
def test_the_tape_gives_every_bit_that_the_plain_functions_give(composed, dtype):
    plain, played = both(composed, dtype)
    assert plain == played


@EACH_PRECISION
@pytest.mark.parametrize("m", [1, 2, 32, 255, 256, 257, 1000])
def test_it_does_so_for_any_number_of_examples_of_one_block(m, dtype):
    plain, played = both(ADAM, dtype, (m, m + 1, m))
    assert plain == played


@EACH_PRECISION
def test_it_does_so_where_little_is_kept_and_memory_is_used_again(dtype):
    for kept in (("J",), ("A[3]", "Y"), ("W[2]", "dZ[1]", "c1", "t"), ()):
        plain, played = both(ADAM, dtype, kept=kept)
        assert [{name: step[name] for name in kept} for step in plain] == played


@EACH_PRECISION
def test_it_does_so_where_rows_are_many_and_are_taken_in_chunks(dtype, monkeypatch):
    monkeypatch.setattr(memory, "CHUNK_BYTES", 64)
    for kept in (None, ("J", "W[1]", "v_b[3]")):
        plain, played = both(ADAM, dtype, (7, 300, 7), kept)
        assert [{name: step[name] for name in played[0]} for step in plain] == played


def test_it_does_so_where_nothing_is_known_to_be_alike(monkeypatch):
    monkeypatch.setattr(playing, "_is_dot_alike", lambda *_: False)
    monkeypatch.setattr(playing, "_is_laid_out_alike", lambda *_: False)
    plain, played = both(ADAM, "float32")
    assert plain == played


def test_what_overflows_shows_in_the_values_and_warns_nobody():
    start = {name: 1e200 * value for name, value in start_of(ADAM, "float64").items()}
    plain = bits(next(train(ADAM, start, given_to("float64"))))
    assert plain == bits(next(replayed(ADAM, start, given_to("float64"))))
    assert not np.isfinite(next(replayed(ADAM, start, given_to("float64")))["Z[2]"]).all()


def test_a_tape_of_another_equation_is_noticed():
    summed = in_form(ADAM, Form("summed-gradient", "mistake", (Change(weight_gradient, summed_weight_gradient),)))
    plain, _ = both(ADAM, "float64")
    _, played = both(summed, "float64")
    assert {name for name in plain[0] if plain[0][name] != played[0][name]} >= {"dW[1]", "m_W[2]", "W[3]"}
    assert plain[0]["db[1]"] == played[0]["db[1]"]


def test_parameters_gradients_and_slots_are_each_one_flat_vector():
    tape = Tape(ADAM, np.dtype("float32"), 7, tuple(ADAM.shapes))
    n = sum(np.prod(ADAM.shape(name, 0)) for name in ADAM.parameters)
    for kind in ("{}", "d{}", "m_{}", "v_{}"):
        arrays = [tape.arrays[kind.format(name)] for name in ADAM.parameters]
        begins = sorted((array.ctypes.data, array.nbytes) for array in arrays)
        assert all(at + size == after for (at, size), (after, _) in itertools.pairwise(begins))
        assert sum(array.size for array in arrays) == n
        assert len({id(array.base if array.base is not None else array) for array in arrays}) == 1


def test_equal_equations_of_different_parameters_run_as_one():
    together = {group[0].by.__name__: len(group) for group in peers(ADAM) if len(group) > 1}
    assert together == {"first_moment": 6, "second_moment": 6, "adam_step": 6}
    assert sum(len(group) for group in peers(ADAM)) == len(ADAM.equations)


def test_equations_that_wait_for_each_other_do_not():
    stale = Change(first_moment, only=lambda e, n: e.defines == "m_b[1]", reads={"g": lambda e: now("late")})
    late = Equation("late", first_moment, {"m": before("m_b[2]"), "g": now("m_b[2]")}, {"beta1": 0.9})
    chained = Form("chained", "mistake", (stale,), adds=lambda _: _group(late, {"late": (4, 1)}))
    circular = in_form(network((2, 4, 4, 1), ("relu", "relu", "sigmoid")), chained)
    assert max(map(len, peers(circular))) == 1
    plain, played = both(circular, "float64")
    assert plain == played


def _group(equation, shapes):
    return Group(shapes=shapes, update=(equation,))


# Many examples, in blocks ---------------------------------------------------------------------------------------------


def in_small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "CACHE_BYTES", 2**17)


@EACH_PRECISION
@pytest.mark.parametrize("m", [2000, 2001])
def test_what_is_summed_in_blocks_lies_in_the_balls_of_its_equations(m, dtype, monkeypatch):
    in_small_blocks(monkeypatch)
    old = checked_start(ADAM, start_of(ADAM, dtype))
    tape = Tape(ADAM, np.dtype(dtype), m, tuple(ADAM.shapes))
    assert hasattr(tape.play, "__self__"), "it is not played in blocks"
    tape.put(old)
    for step in given_to(dtype, (m, m)):
        values = {name: np.copy(value) if np.ndim(value) else value for name, value in tape.step(step).items()}
        check_in_balls(values, old, dtype)
        with pytest.raises(AssertionError, match=r"dW\[2\]"):
            check_in_balls(values | {"dW[2]": values["dW[2]"] * np.asarray(1 + 1e-3, dtype)}, old, dtype)
        old = values


def check_in_balls(values, old, dtype):
    def ball(value):
        return Ball.recorded(value, PRECISIONS[dtype]) if np.ndim(value) else Ball(value, None, FLOAT64)

    for equation in ADAM.equations:
        if ADAM.shapes[equation.defines]:
            reads = {ref: ball((old if ref.before else values)[ref.name]) for ref in equation.reads.values()}
            expected = equation.value(reads)
            error = np.abs(np.asarray(values[equation.defines], np.float64) - expected.mid)
            assert (error <= expected.radius).all(), equation.defines


def test_in_blocks_the_examples_own_numbers_do_not_depend_on_what_else_is_kept(monkeypatch):
    in_small_blocks(monkeypatch)
    (step,) = given_to("float32", (2000,))
    found = []
    for kept in (tuple(ADAM.shapes), ("A[3]", "J", "W[1]")):
        tape = Tape(ADAM, np.dtype("float32"), 2000, kept)
        tape.put(checked_start(ADAM, start_of(ADAM, "float32")))
        found.append(bits(tape.step(step)))
    assert found[1] == {name: found[0][name] for name in found[1]}


def test_where_an_example_waits_for_all_others_they_are_taken_at_once(monkeypatch):
    in_small_blocks(monkeypatch)

    def centred(Z):
        """max(0, Z − 1/m Σᵢ Z⁽ⁱ⁾)"""
        return relu(Z - Z.sum(axis=-1, keepdims=True) / Z.shape[-1])

    waiting = in_form(ADAM, Form("centred", "mistake", (Change(relu, centred),)))
    assert blocks.phases(Tape(waiting, np.dtype("float32"), 2000, ("J",)).written) is None
    plain, played = both(waiting, "float32", (2000, 2000))
    assert plain == played


# One text -------------------------------------------------------------------------------------------------------------


def test_replacing_one_function_changes_run_tape_ball_print_and_certificate_together():
    experiment = small("float64")
    form = Form("summed-gradient", "mistake", (Change(weight_gradient, summed_weight_gradient),))
    textbook, changed = network_of(experiment), in_form(network_of(experiment), form)

    def subject(composed):
        def train_it(taken):
            for step in replayed(composed, taken.initial(), given_by(taken)):
                yield {name: value.copy() for name, value in step.items() if composed.shapes[name]}

        return train_it

    for own, other, forms, others in ((textbook, changed, (), (form,)), (changed, textbook, (form,), ())):
        plain = [bits(step) for step in train(own, experiment.initial(), given_by(experiment))]
        played = [bits(step) for step in replayed(own, experiment.initial(), given_by(experiment))]
        assert plain == played
        assert str(own.by_name["dW[2]"]) != str(other.by_name["dW[2]"])
        assert certify(subject(own), experiment, forms).verdict == "agrees"
        assert "dW[2]" in certify(subject(own), experiment, others).broken()
        step = next(train(own, experiment.initial(), given_by(experiment)))
        reads = {now(name): Ball.recorded(step[name], FLOAT64) for name in ("dZ[2]", "A[1]")}
        inside = {composed: composed.by_name["dW[2]"].value(reads) for composed in (own, other)}
        error = {composed: np.abs(step["dW[2]"] - ball.mid) <= ball.radius for composed, ball in inside.items()}
        assert error[own].all()
        assert not error[other].all()


# What cannot be taped -------------------------------------------------------------------------------------------------


def clipped(Z):
    """max(0, Z)"""
    return np.clip(Z, 0, np.inf)


def in_loops(Z):
    """max(0, Z)"""
    return np.array([relu(z) for z in np.asarray(Z)])


def upright(dZ, A):
    """1/m dZ Aᵀ"""
    return (A @ dZ.mT).mT / A.shape[-1]


def along_the_units(dZ):
    """1/m Σᵢ dZ⁽ⁱ⁾"""
    return dZ.sum(axis=-2, keepdims=True) / dZ.shape[-1]


@pytest.mark.parametrize("wrong", [clipped, in_loops], ids=lambda function: function.__name__)
def test_an_equation_that_is_not_spelled_in_the_alphabet_is_refused(wrong):
    with pytest.raises(TypeError):
        Tape(in_form(ADAM, Form("wrong", "mistake", (Change(relu, wrong),))), np.dtype("float32"), 7, ())


def test_a_sum_that_is_not_over_the_examples_is_refused():
    sheet = Sheet()
    dZ, A = (sheet.array(sheet.value((n, 7), "float32", has_examples=True)) for n in (3, 4))
    with pytest.raises(TypeError, match="sums along the last axis"):
        along_the_units(dZ)
    with pytest.raises(TypeError, match=r"turns \(\.mT\) what a matrix product reads"):
        upright(dZ, A)


def test_arrays_of_another_type_or_with_a_leading_axis_are_refused():
    start, given = start_of(ADAM, "float32"), given_to("float64")
    with pytest.raises(TypeError, match="float64"):
        next(replayed(ADAM, start, given))
    stacked = {name: np.stack([value] * 3) for name, value in start.items()}
    with pytest.raises(TypeError, match="a tape holds"):
        next(replayed(ADAM, stacked, given_to("float32")))


def test_what_is_remembered_for_each_example_is_refused():
    shapes = {**ADAM.shapes, "seen": (4, "m")}
    seen = Equation("seen", relu, {"Z": before("seen")})
    with pytest.raises(TypeError, match="seen is remembered"):
        Tape(Network((*ADAM.equations, seen), shapes, {**ADAM.start, "seen": 0.0}), np.dtype("float32"), 7, ())


def test_start_values_are_checked_as_for_the_plain_functions():
    start = start_of(ADAM, "float32")
    with pytest.raises(ValueError, match=r"no start value for W\[2\]"):
        next(replayed(ADAM, {name: start[name] for name in start if name != "W[2]"}, given_to("float32")))
    with pytest.raises(ValueError, match=r"a start value for W\[9\]"):
        next(replayed(ADAM, {**start, "W[9]": start["W[1]"]}, given_to("float32")))


def test_start_values_stay_as_they_were_and_slots_may_be_given():
    whole = [
        {name: np.copy(v) for name, v in s.items()}
        for s in replayed(ADAM, start_of(ADAM, "float64"), given_to("float64"))
    ]
    state = {name: whole[0][name] for name in ADAM.remembered}
    kept = bits(state)
    rest = [bits(step) for step in replayed(ADAM, state, given_to("float64")[1:])]
    assert rest == [bits(step) for step in whole[1:]]
    assert bits(state) == kept


def test_the_arrays_are_the_tapes_own_and_the_next_step_writes_over_them():
    steps = replayed(ADAM, start_of(ADAM, "float32"), given_to("float32", (7, 7)), ("W[1]",))
    first = next(steps)["W[1]"]
    copy = first.copy()
    next(steps)
    assert not np.array_equal(first, copy)


def test_a_letter_may_stand_in_any_equation():
    def swish(Z):
        """Z/(1 + e^−Z)"""
        return Z / (1 + exp(-Z))

    changed = in_form(ADAM, Form("swish", "mistake", (Change(relu, swish),)))
    assert changed.by_name["A[1]"].by is swish
    plain, played = both(changed, "float32")
    assert plain == played
