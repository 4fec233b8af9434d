"""The dense layer: Z[l] = W[l] A[l-1] + b[l], A[l] = g[l](Z[l]), and the way back through it."""

from __future__ import annotations

from reference.activations import ACTIVATIONS
from reference.alphabet import Array
from reference.network import Equation, Group, Shape, arguments, before, now


def weighted_sum(W: Array, A: Array, b: Array) -> Array:
    """W A + b

    Shapes: W (n, n_in), A (n_in, m), b (n, 1); the result is (n, m).
    Error: any order of summation is rounding, the bias's place in it included.
    """
    return W @ A + b


def weight_gradient(dZ: Array, A: Array) -> Array:
    """1/m dZ Aᵀ

    Shapes: dZ (n, m), A (n_in, m); the result is (n, n_in), as W.
    Convention: the article's 1/m stands here; automatic differentiation puts it into the loss.
    """
    return dZ @ A.mT / A.shape[-1]


def bias_gradient(dZ: Array) -> Array:
    """1/m Σᵢ dZ⁽ⁱ⁾

    Shapes: dZ (n, m); the result is (n, 1), as b.
    """
    return dZ.sum(axis=-1, keepdims=True) / dZ.shape[-1]


def input_gradient(W: Array, dZ: Array) -> Array:
    """Wᵀ dZ

    Shapes: W (n, n_in), dZ (n, m); the result is (n_in, m). W is the one that the forward pass used.
    """
    return W.mT @ dZ


def dense(layer: int, n_in: int, n: int, activation: str) -> Group:
    """The equations of dense layer number `layer` with n units; dA[0] is nobody's business and has none."""
    g = ACTIVATIONS[activation]
    W, b, Z, A = f"W[{layer}]", f"b[{layer}]", f"Z[{layer}]", f"A[{layer}]"
    dA, dZ, dW, db, A_in = f"d{A}", f"d{Z}", f"d{W}", f"d{b}", f"A[{layer - 1}]"
    of_activation = {"dA": now(dA), "Z": now(Z), "A": now(A)}
    read = arguments(g.backward)[0]
    backward = [
        Equation(dZ, g.backward, {n: of_activation[n] for n in of_activation if n in read}, g.constants),
        Equation(dW, weight_gradient, {"dZ": now(dZ), "A": now(A_in)}),
        Equation(db, bias_gradient, {"dZ": now(dZ)}),
    ]
    shapes: dict[str, Shape] = {W: (n, n_in), b: (n, 1), dW: (n, n_in), db: (n, 1)}
    shapes |= {Z: (n, "m"), A: (n, "m"), dZ: (n, "m")}
    if layer > 1:
        backward.append(Equation(f"d{A_in}", input_gradient, {"W": before(W), "dZ": now(dZ)}))
        shapes[f"d{A_in}"] = (n_in, "m")
    return Group(
        shapes=shapes,
        forward=(
            Equation(Z, weighted_sum, {"W": before(W), "A": now(A_in), "b": before(b)}),
            Equation(A, g.forward, {"Z": now(Z)}, g.constants),
        ),
        backward=tuple(backward),
    )
