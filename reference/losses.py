"""Binary cross-entropy, the article's loss, and its derivative at the output."""

from __future__ import annotations

from reference.alphabet import Array, cross_entropy_slope, xlogy
from reference.network import Equation, Group, now


def cross_entropy(A: Array, Y: Array) -> Array:
    """−1/m Σᵢ (Y ln A + (1 − Y) ln(1 − A))

    Shapes: A, Y (1, m); the result is (1, 1).
    Convention: 0 · ln 0 is 0; a saturated wrong output gives ∞, where PyTorch and Keras clamp or clip.
    """
    return -(xlogy(Y, A) + xlogy(1 - Y, 1 - A)).sum(axis=-1, keepdims=True) / A.shape[-1]


def output_gradient(A: Array, Y: Array) -> Array:
    """−(Y/A − (1 − Y)/(1 − A))

    Shapes: A, Y (1, m), the result alike.
    Convention: per example, as the article has it; its 1/m stands at the weights.
    """
    return cross_entropy_slope(A, Y)


def binary_cross_entropy(layer: int) -> Group:
    """The loss behind the last layer, which must have one unit with a sigmoid."""
    A, Y = now(f"A[{layer}]"), now("Y")
    return Group(
        shapes={"J": (1, 1), f"dA[{layer}]": (1, "m")},
        forward=(Equation("J", cross_entropy, {"A": A, "Y": Y}),),
        backward=(Equation(f"dA[{layer}]", output_gradient, {"A": A, "Y": Y}),),
    )


LOSSES = {"binary-cross-entropy": binary_cross_entropy}
