"""The article's three levels of the forward pass: neuron by neuron, layer by layer, and vectorised over the examples.

One result, to rounding; only the last is fast. It is the equations of `reference.layers` and `reference.activations`
themselves; the other two say in loops what its matrix product does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from reference.activations import ACTIVATIONS
from reference.alphabet import Array
from reference.layers import weighted_sum

Activate = Callable[[Array], Array]  # g, from z to a


def neuron(w: Array, a: Array, b: Array, g: Activate) -> tuple[Array, Array]:
    """z = wᵀ a + b, and g(z)

    Shapes: w, a (n_in, 1), a column each; b and the two results (1, 1).
    """
    z = w.mT @ a + b
    return z, g(z)


def layer_of_neurons(W: Array, a: Array, b: Array, g: Activate) -> tuple[Array, Array]:
    """zᵢ = wᵢᵀ a + bᵢ, and g(zᵢ), for one neuron i after the other; wᵢᵀ is row i of W

    Shapes: W (n, n_in), a (n_in, 1), b (n, 1); the results (n, 1).
    """
    neurons = [neuron(W[i : i + 1].mT, a, b[i : i + 1], g) for i in range(len(W))]
    z, activated = zip(*neurons, strict=True)
    return np.concatenate(z), np.concatenate(activated)


def layer(W: Array, A: Array, b: Array, g: Activate) -> tuple[Array, Array]:
    """Z = W A + b, and g(Z), for all neurons, and for as many examples as A has columns

    Shapes: W (n, n_in), A (n_in, m), b (n, 1); the results (n, m).
    """
    Z = weighted_sum(W, A, b)
    return Z, g(Z)


def neuron_by_neuron(parameters: Mapping[str, Array], X: Array, activations: Sequence[str]) -> dict[str, Array]:
    """The forward pass in loops over examples, layers and neurons."""
    return _example_by_example(layer_of_neurons, parameters, X, activations)


def layer_by_layer(parameters: Mapping[str, Array], X: Array, activations: Sequence[str]) -> dict[str, Array]:
    """The forward pass in loops over examples and layers: a layer's neurons are the rows of W."""
    return _example_by_example(layer, parameters, X, activations)


def vectorised(parameters: Mapping[str, Array], X: Array, activations: Sequence[str]) -> dict[str, Array]:
    """The forward pass in a loop over layers: the examples are the columns of A, A[0] = X."""
    return _forward(layer, parameters, X, activations)


LEVELS = {"neuron by neuron": neuron_by_neuron, "layer by layer": layer_by_layer, "vectorised": vectorised}


def _forward(
    one_layer: Callable[..., tuple[Array, Array]], parameters: Mapping[str, Array], X: Array, activations: Sequence[str]
) -> dict[str, Array]:
    """Z[l] and A[l] of every layer by name, from A[0] = X."""
    values = {"A[0]": X}
    for number, name in enumerate(activations, 1):
        g = partial(ACTIVATIONS[name].forward, **ACTIVATIONS[name].constants)
        W, A, b = parameters[f"W[{number}]"], values[f"A[{number - 1}]"], parameters[f"b[{number}]"]
        values[f"Z[{number}]"], values[f"A[{number}]"] = one_layer(W, A, b, g)
    return values


def _example_by_example(
    one_layer: Callable[..., tuple[Array, Array]], parameters: Mapping[str, Array], X: Array, activations: Sequence[str]
) -> dict[str, Array]:
    """The same, for one column of X after the other."""
    columns = [_forward(one_layer, parameters, X[:, i : i + 1], activations) for i in range(X.shape[1])]
    return {name: np.concatenate([column[name] for column in columns], axis=1) for name in columns[0]}
