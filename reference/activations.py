"""The article's activations, each with the equation that takes its gradient back: dZ = dA ∘ g′(Z)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reference import alphabet
from reference.alphabet import Array, maximum, times_sigmoid_slope


def relu(Z: Array) -> Array:
    """max(0, Z)

    Shapes: (n, m), as Z.
    """
    return maximum(Z, 0)


def relu_backward(dA: Array, Z: Array) -> Array:
    """dA ∘ (Z > 0)

    Convention: ReLU′(0) = 0, as in Keras, PyTorch and JAX.
    """
    return dA * (Z > 0)


def leaky_relu(Z: Array, *, slope: float) -> Array:
    """max(slope Z, Z)

    Convention: the slope is 0.01 in PyTorch, 0.2 in `keras.activations.leaky_relu`, 0.3 in Keras's LeakyReLU layer.
    """
    return maximum(slope * Z, Z)


def leaky_relu_backward(dA: Array, Z: Array, *, slope: float) -> Array:
    """dA ∘ (Z > 0) + slope dA ∘ (Z ≤ 0)"""
    return dA * (Z > 0) + slope * (dA * (Z <= 0))


def sigmoid(Z: Array) -> Array:
    """σ(Z)

    Stable for every finite Z: `reference.alphabet.sigmoid`.
    """
    return alphabet.sigmoid(Z)


def sigmoid_backward(dA: Array, A: Array) -> Array:
    """dA ∘ A ∘ (1 − A)

    σ′(Z) = σ(Z)(1 − σ(Z)), from the activation that is already there.
    """
    return times_sigmoid_slope(dA, A)


def tanh(Z: Array) -> Array:
    """tanh(Z)"""
    return alphabet.tanh(Z)


def tanh_backward(dA: Array, A: Array) -> Array:
    """dA ∘ (1 − A²)"""
    return dA * (1 - A * A)


def linear(Z: Array) -> Array:
    """Z

    No activation at all: the name is Keras's.
    """
    return Z


def linear_backward(dA: Array) -> Array:
    """dA"""
    return dA


class Activation(NamedTuple):
    """An activation: its function, the equation that goes back through it, and their constants."""

    forward: Callable[..., Array]
    backward: Callable[..., Array]
    constants: Mapping[str, float] = {}


ACTIVATIONS = {
    "relu": Activation(relu, relu_backward),
    "leaky-relu": Activation(leaky_relu, leaky_relu_backward, {"slope": 0.01}),
    "sigmoid": Activation(sigmoid, sigmoid_backward),
    "tanh": Activation(tanh, tanh_backward),
    "linear": Activation(linear, linear_backward),
}
