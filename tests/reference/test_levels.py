"""Neuron by neuron, layer by layer and vectorised: one result, to rounding, which the project's own balls judge."""

import itertools

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import PRECISIONS
from reference.activations import ACTIVATIONS, linear, relu
from reference.article import network
from reference.layers import weighted_sum
from reference.learned import behind
from reference.levels import LEVELS, layer, layer_of_neurons, neuron, vectorised
from reference.network import before, now
from reference.running import evaluate

NETWORKS = {
    "article": ((2, 4, 6, 6, 4, 1), ("relu", "relu", "relu", "relu", "sigmoid")),
    "all-activations": ((2, 3, 5, 4, 3, 6, 1), (*ACTIVATIONS, "sigmoid")),
    "one-neuron": ((2, 1), ("sigmoid",)),
}
CASES = pytest.mark.parametrize(("sizes", "activations"), NETWORKS.values(), ids=NETWORKS)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(sizes, dtype, n_examples=9):
    rng = np.random.default_rng(0)
    parameters = {}
    for number, (n_in, n) in enumerate(itertools.pairwise(sizes), 1):
        parameters[f"W[{number}]"] = rng.normal(size=(n, n_in)).astype(dtype)
        parameters[f"b[{number}]"] = rng.normal(size=(n, 1)).astype(dtype)
    return parameters, rng.normal(size=(sizes[0], n_examples)).astype(dtype)


def check_sums(values, parameters, activations, dtype):
    """Every Z[l] of a level lies in the ball of W[l] A[l-1] + b[l] on its own numbers, A[l] in that of g(Z[l])."""

    def ball(value):
        return Ball.recorded(value, PRECISIONS[dtype])

    for number, name in enumerate(activations, 1):
        W, A, b = (
            ball(value)
            for value in (parameters[f"W[{number}]"], values[f"A[{number - 1}]"], parameters[f"b[{number}]"])
        )
        g = ACTIVATIONS[name]
        check_inside(values[f"Z[{number}]"], weighted_sum(W, A, b))
        check_inside(values[f"A[{number}]"], g.forward(ball(values[f"Z[{number}]"]), **g.constants))


def check_whole(values, sizes, activations, parameters, X, dtype):
    """Every Z and A of a level lies in its ball from the parameters and X alone, with everything between hidden."""
    composed = network(sizes, activations)
    given = {now("A[0]"): X} | {before(name): value for name, value in parameters.items()}
    balls = {ref: Ball.recorded(value, PRECISIONS[dtype]) for ref, value in given.items()}
    evaluate(behind(composed, [f"A[{len(activations)}]"]), balls)
    for name, value in values.items():
        check_inside(value, balls[now(name)])


def check_inside(actual, ball):
    assert actual.shape == ball.shape
    assert (np.abs(actual.astype(np.float64) - ball.mid) <= ball.radius).all()


@DTYPES
@CASES
@pytest.mark.parametrize("level", LEVELS)
def test_each_level_gives_the_one_result_to_rounding(level, sizes, activations, dtype):
    parameters, X = drawn(sizes, dtype)
    values = LEVELS[level](parameters, X, activations)
    names = {f"{kind}[{number}]" for kind in "ZA" for number in range(1, len(sizes))} | {"A[0]"}
    assert values.keys() == names
    assert {value.dtype.name for value in values.values()} == {dtype}
    check_sums(values, parameters, activations, dtype)
    check_whole(values, sizes, activations, parameters, X, dtype)


def spoiled(parameters, name, index, by):
    """The parameters with one number moved."""
    moved = parameters[name].copy()
    moved[index] += by
    return {**parameters, name: moved}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("dtype", "by"), [("float32", 1e-4), ("float64", 1e-12)])
def test_a_level_with_one_number_that_is_off_is_refused(level, dtype, by):
    sizes, activations = NETWORKS["article"]
    parameters, X = drawn(sizes, dtype)
    values = LEVELS[level](spoiled(parameters, "b[5]", (0, 0), by), X, activations)
    with pytest.raises(AssertionError):
        check_sums(values, parameters, activations, dtype)
    with pytest.raises(AssertionError):
        check_whole(values, sizes, activations, parameters, X, dtype)


def test_vectorised_is_the_networks_own_equations():
    sizes, activations = NETWORKS["all-activations"]
    parameters, X = drawn(sizes, "float64")
    values = vectorised(parameters, X, activations)
    given = {now("A[0]"): X} | {before(name): value for name, value in parameters.items()}
    own = evaluate(behind(network(sizes, activations), ["A[6]"]), given)
    assert all(np.array_equal(values[name], own[now(name)]) for name in values)
    neurons = LEVELS["neuron by neuron"](parameters, X, activations)
    assert neurons.keys() == values.keys()


def test_a_neuron_worked_by_hand():
    # z = 2·3 + (-1)·4 + ½ = 5/2; w, a are columns
    w, a, b = np.array([[2.0], [-1.0]]), np.array([[3.0], [4.0]]), np.array([[0.5]])
    z, activated = neuron(w, a, b, relu)
    assert (z.tolist(), activated.tolist()) == ([[2.5]], [[2.5]])
    assert neuron(-w, a, b, relu)[1].tolist() == [[0]]
    assert neuron(w[::-1], a, b, linear)[0].tolist() == [[-3 + 8 + 0.5]]


def test_a_layers_neurons_are_the_rows_of_its_weights():
    W, b = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, -6.0]]), np.array([[1.0], [2.0], [3.0]])
    a = np.array([[1.0], [10.0]])
    for one_layer in (layer_of_neurons, layer):
        z, activated = one_layer(W, a, b, relu)
        assert z.tolist() == [[22], [45], [-52]]
        assert activated.tolist() == [[22], [45], [0]]
        assert one_layer(W[::-1], a, b, relu)[0].tolist() != z.tolist()


def test_a_layer_takes_as_many_examples_as_there_are_columns():
    W, b = np.array([[1.0, 2.0]]), np.array([[1.0]])
    A = np.array([[1.0, 10.0, 0.0], [1.0, 0.0, -1.0]])
    assert layer(W, A, b, relu)[0].tolist() == [[4, 11, -1]]
    assert [layer(W, A[:, i : i + 1], b, relu)[1].item() for i in range(3)] == [4, 11, 0]


def test_an_unknown_activation_is_refused_by_its_name():
    parameters, X = drawn((2, 1), "float64")
    for level in LEVELS.values():
        with pytest.raises(KeyError, match="softmax"):
            level(parameters, X, ("softmax",))
