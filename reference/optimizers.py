"""The equations that move the parameters: the article's gradient descent, its listing's Adam, and their neighbours.

They are few. Momentum is gradient descent along m, an accumulated gradient; Nesterov accumulates once more; RMSprop
divides by the root of Adam's second moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reference.alphabet import Array, sqrt
from reference.network import Equation, Group, Ref, Shape, before, elementwise, now


@elementwise
def descent_step(theta: Array, g: Array, alpha: Array) -> Array:
    """theta − alpha g

    Momentum reads m in the place of g, Nesterov n.

    Shapes: theta, g alike; alpha is a scalar of the step.
    Convention: Keras has alpha in its momentum already, and adds that: dialect velocity.
    Source: the article's W ← W − α dW.
    """
    return theta - alpha * g


@elementwise
def accumulated(m: Array, g: Array, *, momentum: float) -> Array:
    """momentum m + g

    Momentum's m from the m of the step before. Nesterov's n is the same sum once more, from this step's m: what m will
    be if the gradient stays as it is.

    Convention: PyTorch's, whose first m is g; here it is momentum 0 + g. Keras has alpha inside, so that a change of it
    comes into effect slowly: dialect velocity.
    Source: Polyak 1964, Some methods of speeding up the convergence of iteration methods; Sutskever et al. 2013, On the
    importance of initialization and momentum in deep learning.
    """
    return momentum * m + g


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


@elementwise
def variance(v: Array, m: Array) -> Array:
    """v − m²

    Of centered RMSprop, whose m and v are the moments of Adam: never below 0 but for rounding.

    Source: Graves 2013, arXiv:1308.0850, equation 40.
    """
    return v - m * m


@elementwise
def rms_step(theta: Array, g: Array, v: Array, alpha: Array, *, epsilon: float) -> Array:
    """theta − alpha g/(√v + epsilon)

    Centered RMSprop reads the variance in the place of v.

    Shapes: theta, g, v alike; alpha is a scalar of the step.
    Convention: epsilon joins outside the root (PyTorch). Keras adds it to v: dialect epsilon-in-the-root.
    Source: Tieleman & Hinton 2012, COURSERA: Neural networks for machine learning, lecture 6.5.
    """
    return theta - alpha * g / (sqrt(v) + epsilon)


def gradient_descent(parameters: Mapping[str, Shape]) -> list[Group]:
    """The article's rule for each parameter."""
    return [Group(update=(_descent(theta, now(f"d{theta}")),)) for theta in parameters]


def momentum(parameters: Mapping[str, Shape], *, momentum: float = 0.9) -> list[Group]:
    """Momentum for each parameter: m, and the parameter itself, which goes along m."""
    groups = []
    for theta, shape in parameters.items():
        m = f"m_{theta}"
        update = (_accumulated(m, before(m), theta, momentum), _descent(theta, now(m)))
        groups.append(Group({m: shape}, {m: 0.0}, update=update))
    return groups


def nesterov(parameters: Mapping[str, Shape], *, momentum: float = 0.9) -> list[Group]:
    """Nesterov's momentum for each parameter: m, n, and the parameter itself, which goes along n."""
    groups = []
    for theta, shape in parameters.items():
        m, n = f"m_{theta}", f"n_{theta}"
        moments = (_accumulated(m, before(m), theta, momentum), _accumulated(n, now(m), theta, momentum))
        groups.append(Group({m: shape, n: shape}, {m: 0.0}, update=(*moments, _descent(theta, now(n)))))
    return groups


def rmsprop(
    parameters: Mapping[str, Shape], *, rho: float = 0.9, epsilon: float = 1e-7, centered: bool = False
) -> list[Group]:
    """RMSprop for each parameter: v, if centered m and the variance v − m² too, and the parameter itself.

    Convention: Keras's constants; PyTorch's rho is 0.99 and its epsilon 1e-8.
    """
    groups = []
    for theta, shape in parameters.items():
        v, g = f"v_{theta}", now(f"d{theta}")
        slots: dict[str, Shape] = {v: shape}
        update = [Equation(v, second_moment, {"v": before(v), "g": g}, {"beta2": rho})]
        divisor = v
        if centered:
            m, divisor = f"m_{theta}", f"var_{theta}"
            slots[m] = shape
            update.append(Equation(m, first_moment, {"m": before(m), "g": g}, {"beta1": rho}))
            update.append(Equation(divisor, variance, {"v": now(v), "m": now(m)}))
        reads = {"theta": before(theta), "g": g, "v": now(divisor), "alpha": now("alpha")}
        update.append(Equation(theta, rms_step, reads, {"epsilon": epsilon}))
        groups.append(Group({**slots, divisor: shape}, dict.fromkeys(slots, 0.0), update=tuple(update)))
    return groups


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


def _descent(theta: str, along: Ref) -> Equation:
    return Equation(theta, descent_step, {"theta": before(theta), "g": along, "alpha": now("alpha")})


def _accumulated(name: str, onto: Ref, theta: str, momentum: float) -> Equation:
    return Equation(name, accumulated, {"m": onto, "g": now(f"d{theta}")}, {"momentum": momentum})


OPTIMIZERS: Mapping[str, Callable[..., list[Group]]] = {
    "gradient-descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}
