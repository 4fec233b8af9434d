"""Gradient descent, the article's rule, and Adam, its listing's: the equations that move the parameters."""

from __future__ import annotations

from collections.abc import Mapping

from reference.alphabet import Array, sqrt
from reference.network import Equation, Group, Shape, before, elementwise, now


@elementwise
def descent_step(theta: Array, g: Array, alpha: Array) -> Array:
    """theta − alpha g

    Shapes: theta, g alike; alpha is a scalar of the step.
    Source: the article's W ← W − α dW.
    """
    return theta - alpha * g


@elementwise
def first_moment(m: Array, g: Array, *, beta1: float) -> Array:
    """beta1 m + (1 − beta1) g

    Convention: PyTorch and Keras compute it as m + (1 − beta1)(g − m): dialect first-moment-lerp.
    Source: Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1.
    """
    return beta1 * m + (1 - beta1) * g


@elementwise
def second_moment(v: Array, g: Array, *, beta2: float) -> Array:
    """beta2 v + (1 − beta2) g²

    Convention: Keras computes it as v + (1 − beta2)(g² − v): dialect second-moment-lerp.
    Source: Kingma & Ba 2015, Algorithm 1.
    """
    return beta2 * v + (1 - beta2) * (g * g)


def bias_correction(t: Array, *, beta: float) -> Array:
    """1 − betaᵗ

    A scalar of the step, in float64; t counts from 1.
    """
    return 1 - beta**t


@elementwise
def adam_step(theta: Array, m: Array, v: Array, c1: Array, c2: Array, alpha: Array, *, epsilon: float) -> Array:
    """theta − alpha (m/c1) / (√(v/c2) + epsilon)

    The last of Adam's five equations; c1 = 1 − β₁ᵗ and c2 = 1 − β₂ᵗ correct the moments' bias.

    Shapes: theta, m, v alike; c1, c2 and alpha are scalars of the step; t counts from 1.
    Convention: epsilon joins after the bias correction (PyTorch, optax). Keras adds it before: dialect epsilon-hat.
    Source: Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1.
    """
    return theta - alpha * (m / c1) / (sqrt(v / c2) + epsilon)


def gradient_descent(parameters: Mapping[str, Shape]) -> list[Group]:
    """The article's rule for each parameter."""
    return [
        Group(
            update=(
                Equation(theta, descent_step, {"theta": before(theta), "g": now(f"d{theta}"), "alpha": now("alpha")}),
            )
        )
        for theta in parameters
    ]


def adam(
    parameters: Mapping[str, Shape], *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
) -> list[Group]:
    """Adam for each parameter: two scalars of the step shared by all, then m, v and the parameter itself.

    Convention: the listing's constants, which are Keras's; PyTorch's epsilon is 1e-8.
    """
    clock = Group(
        shapes={"c1": (), "c2": ()},
        update=(
            Equation("c1", bias_correction, {"t": now("t")}, {"beta": beta1}),
            Equation("c2", bias_correction, {"t": now("t")}, {"beta": beta2}),
        ),
    )
    return [clock, *(_adam_of(theta, shape, beta1, beta2, epsilon) for theta, shape in parameters.items())]


def _adam_of(theta: str, shape: Shape, beta1: float, beta2: float, epsilon: float) -> Group:
    m, v, g = f"m_{theta}", f"v_{theta}", now(f"d{theta}")
    of_step = {"m": now(m), "v": now(v), "c1": now("c1"), "c2": now("c2"), "alpha": now("alpha")}
    return Group(
        shapes={m: shape, v: shape},
        start={m: 0.0, v: 0.0},
        update=(
            Equation(m, first_moment, {"m": before(m), "g": g}, {"beta1": beta1}),
            Equation(v, second_moment, {"v": before(v), "g": g}, {"beta2": beta2}),
            Equation(theta, adam_step, {"theta": before(theta), **of_step}, {"epsilon": epsilon}),
        ),
    )


OPTIMIZERS = {"gradient-descent": gradient_descent, "adam": adam}
