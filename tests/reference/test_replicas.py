"""Networks side by side, and replicas of them: each run comes to what it comes to alone."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from reference import replicas
from reference.alphabet import Array, in_precision_of
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import Equation, before, now
from reference.open import OPEN, OPEN_LETTERS
from reference.replicas import Moves, moved, train_replicas, train_side_by_side
from reference.running import evaluate, train
from reference.side_by_side import Runs, SideBySide, in_stacks
from tests.small import small

N = 5
EACH_PRECISION = pytest.mark.parametrize("precision", ["float32", "float64"])
SETS = (
    (),
    ("epsilon-hat",),
    ("first-moment-lerp", "gradient-through-logits"),
    ("mean-at-the-loss", "loss-through-logits"),
    ("powers-in-precision", "second-moment-lerp"),
)


class Plain(np.lib.mixins.NDArrayOperatorsMixin):
    """The plain thing: an array whose open results are moved as they come, by moves that are drawn when they do."""

    def __init__(self, values: np.ndarray, moves: Moves) -> None:
        self.values, self.moves = values, moves

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)
    mT = property(lambda self: Plain(self.values.mT, self.moves))

    def sum(self, *, axis, keepdims=False):
        return Plain(self.moved(self.values.sum(axis=axis, keepdims=keepdims), "dot"), self.moves)

    def __array_ufunc__(self, ufunc, method, *inputs):
        values = ufunc(*(x.values if isinstance(x, Plain) else x for x in inputs))
        return Plain(self.moved(values, OPEN.get(ufunc)), self.moves)

    def __letter__(self, letter, arguments, constants):
        values = inspect.unwrap(letter)(*(x.values if isinstance(x, Plain) else x for x in arguments), **constants)
        return values if letter is in_precision_of else Plain(self.moved(values, OPEN_LETTERS.get(letter)), self.moves)

    def moved(self, values, function):
        if function is None:
            return values
        values = np.ascontiguousarray(values)
        bits = values.view(np.int32 if values.dtype == np.float32 else np.int64)
        pool, n, generator = self.moves.pools[function], values.size, self.moves.generator
        if n > replicas.POOL // 2:
            moves = generator.choice(pool, n)
        else:
            begin = int(generator.integers(replicas.POOL - n))
            moves = pool[begin : begin + n]
        can_move = (values != 0) & np.isfinite(values)
        return (bits + moves.reshape(values.shape) * can_move).view(values.dtype)


def one_by_one(network, experiment, seed=0):
    """What replicas alone come to by the one interpreter."""
    start = experiment.initial()
    moves, dtype = Moves(accuracy_of(experiment), seed), np.result_type(*start.values())

    def alike(value: Array) -> Plain:
        return Plain(np.broadcast_to(value, (N, *np.shape(value))).astype(dtype), moves)

    state = {name: alike(np.full(network.shapes[name], value)) for name, value in network.start.items()}
    state |= {name: alike(value) for name, value in start.items()}
    for step in given_by(experiment):
        values = {now(name): value for name, value in step.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values)
        state = {name: values[now(name)] for name in network.remembered}
        yield {name: values[now(name)].values for name in ("J", *network.parameters)}


def accuracy_of(experiment):
    return {name: getattr(row, experiment.precision) for name, row in ACCURACY.items()}


def in_forms(experiment, names):
    return in_form(network_of(experiment), *(form for form in DIALECTS if form.name in names))


def side_by_side(experiment, runs, seed=0):
    return train_side_by_side(runs, experiment.initial(), given_by(experiment), accuracy_of(experiment), seed)


def bits(steps, rows=slice(None)):
    """All numbers of these rows, to the last bit."""
    return [{name: value[rows].tobytes() for name, value in step.items()} for step in steps]


@pytest.mark.parametrize("names", SETS[:3], ids=str)
@pytest.mark.parametrize("optimizer", ["adam", "gradient-descent"])
@EACH_PRECISION
def test_replicas_are_the_same_bit_for_bit(precision, optimizer, names):
    experiment = small(precision, optimizer)
    network = in_forms(experiment, names) if optimizer == "adam" else network_of(experiment)
    found = train_replicas(network, experiment.initial(), given_by(experiment), N, accuracy_of(experiment))
    assert bits(found) == bits(one_by_one(network, experiment))


@EACH_PRECISION
def test_sets_of_forms_side_by_side_are_each_alone_bit_for_bit(precision):
    experiment = small(precision)
    networks = [in_forms(experiment, names) for names in SETS]
    runs = [run for network in networks for run in (Runs(network, N, are_moved=True), Runs(network))]
    found = list(side_by_side(experiment, runs))
    for number, network in enumerate(networks):
        begin = number * (N + 1)
        assert bits(found, slice(begin, begin + N)) == bits(one_by_one(network, experiment))
        alone = train(network, experiment.initial(), given_by(experiment))
        kept = ("J", *network.parameters)
        assert bits(found, begin + N) == [{name: step[name].tobytes() for name in kept} for step in alone]


def test_the_order_in_which_they_stand_changes_no_bit():
    experiment = small()
    networks = [in_forms(experiment, SETS[number]) for number in (1, 0, 2, 0, 1)]  # equal ones lie apart
    found = list(side_by_side(experiment, [Runs(network, N, are_moved=True) for network in networks]))
    assert bits(found, slice(0, N)) == bits(found, slice(4 * N, 5 * N)) == bits(one_by_one(networks[0], experiment))
    assert bits(found, slice(N, 2 * N)) == bits(found, slice(3 * N, 4 * N)) == bits(one_by_one(networks[1], experiment))
    assert bits(found, slice(0, N)) != bits(found, slice(N, 2 * N))


def test_results_larger_than_the_pool_are_moved_alike(monkeypatch):
    monkeypatch.setattr(replicas, "POOL", 2**8)  # some results have more than half as many numbers, and some have not
    experiment = small()
    network = in_forms(experiment, ())
    found = train_replicas(network, experiment.initial(), given_by(experiment), N, accuracy_of(experiment))
    assert bits(found) == bits(one_by_one(network, experiment))


def test_a_seed_gives_the_same_moves_and_another_seed_others():
    experiment = small()
    runs = [Runs(in_forms(experiment, ()), N, are_moved=True)]
    assert bits(side_by_side(experiment, runs, 1)) == bits(one_by_one(runs[0].network, experiment, 1))
    assert bits(side_by_side(experiment, runs, 1)) != bits(side_by_side(experiment, runs))


def test_what_is_0_or_not_finite_stays_where_it_is():
    for dtype in (np.float32, np.float64):
        values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0], dtype)
        found = moved(values.copy(), np.ones(7, np.int8))
        assert found[:5].tobytes() == values[:5].tobytes()
        assert np.array_equal(found[5:], np.nextafter(values[5:], np.array([2, -2], dtype)))


def test_a_state_that_is_not_handed_on_is_noticed(monkeypatch):
    experiment = small()
    network = network_of(experiment)
    assert SideBySide([Runs(network)], network.parameters).given  # parameters and slots lie side by side
    first = {}

    def forgetful(self, arrays):
        first.setdefault("after", after(self, arrays))
        return first["after"]

    after = SideBySide.after
    expected = bits(side_by_side(experiment, [Runs(network, N, are_moved=True)]))
    monkeypatch.setattr(SideBySide, "after", forgetful)
    assert bits(side_by_side(experiment, [Runs(network, N, are_moved=True)])) != expected


def test_only_networks_of_one_build_go_side_by_side():
    textbook, hat = (in_forms(small(), names) for names in SETS[:2])
    wider = network_of(small().but(layers=(3, 1), activations=("relu", "sigmoid")))
    other = replace(textbook, start={**textbook.start, "m_W[1]": 1.0})
    assert in_stacks([textbook, wider, hat, other]) == [[0, 2], [1], [3]]
    with pytest.raises(ValueError, match="one build"):
        SideBySide([Runs(textbook), Runs(wider)], textbook.parameters)


def test_a_scalar_of_the_step_that_the_runs_would_not_share_is_refused():
    network = network_of(small())
    own = Equation("c1", lambda A: A.sum(axis=-1), {"A": now("A[1]")})
    equations = tuple(own if equation.defines == "c1" else equation for equation in network.equations)
    with pytest.raises(TypeError, match="c1 is a scalar of the step, but computed from what each run computes"):
        SideBySide([Runs(replace(network, equations=equations))], network.parameters)
    remembered = replace(network.by_name["c1"], by=lambda c: c, reads={"c": before("c1")}, constants={})
    equations = tuple(remembered if equation.defines == "c1" else equation for equation in network.equations)
    with pytest.raises(TypeError, match="c1 is a scalar of the step and remembered"):
        SideBySide([Runs(replace(network, equations=equations, start={**network.start, "c1": 1.0}))], ("J",))
