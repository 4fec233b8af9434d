"""Weight decay: each parameter is drawn towards 0, through its gradient (coupled) or beside it (decoupled).

It is a rewiring. Whatever the optimizer, coupled decay has it read another gradient, and decoupled decay has it start
from a parameter that has shrunk already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reference.alphabet import Array
from reference.network import Equation, Group, Ref, Shape, before, elementwise, now


@elementwise
def decayed_gradient(g: Array, theta: Array, *, decay: float) -> Array:
    """g + decay theta

    The gradient of J + ½ decay Σ theta², which is L2 regularisation: what the optimizer makes of g it makes of this.

    Convention: `weight_decay` of PyTorch's optimizers but AdamW. In Keras it is the regularizer L2(decay/2), which has
    no ½ of its own.
    Source: Krogh & Hertz 1991, A simple weight decay can improve generalization.
    """
    return g + decay * theta


@elementwise
def shrunk(theta: Array, alpha: Array, *, decay: float) -> Array:
    """theta − alpha decay theta

    Shapes: alpha is a scalar of the step, so that decay follows the schedule of the learning rate.
    Convention: PyTorch multiplies by 1 − alpha decay: dialect decay-as-a-factor. Keras multiplies theta by decay first:
    dialect decay-before-alpha. The paper's decay is not multiplied by the learning rate but for its schedule.
    Source: Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2.
    """
    return theta - alpha * decay * theta


def coupled(groups: Iterable[Group], parameters: Mapping[str, Shape], rate: float) -> list[Group]:
    """The optimizer's groups, which read g_θ = dθ + rate θ where they read dθ."""
    decay = [
        Group(
            shapes={f"g_{theta}": shape},
            update=(
                Equation(
                    f"g_{theta}", decayed_gradient, {"g": now(f"d{theta}"), "theta": before(theta)}, {"decay": rate}
                ),
            ),
        )
        for theta, shape in parameters.items()
    ]
    return [*decay, *_reading({now(f"d{theta}"): now(f"g_{theta}") for theta in parameters}, groups)]


def decoupled(groups: Iterable[Group], parameters: Mapping[str, Shape], rate: float) -> list[Group]:
    """The optimizer's groups, which start from kept_θ = θ − alpha rate θ where they start from θ."""
    decay = [
        Group(
            shapes={f"kept_{theta}": shape},
            update=(
                Equation(f"kept_{theta}", shrunk, {"theta": before(theta), "alpha": now("alpha")}, {"decay": rate}),
            ),
        )
        for theta, shape in parameters.items()
    ]
    return [*decay, *_reading({before(theta): now(f"kept_{theta}") for theta in parameters}, groups)]


def _reading(instead: Mapping[Ref, Ref], groups: Iterable[Group]) -> list[Group]:
    """The groups, whose updates read something else instead."""

    def rewired(equation: Equation) -> Equation:
        return replace(equation, reads={name: instead.get(ref, ref) for name, ref in equation.reads.items()})

    return [replace(group, update=tuple(map(rewired, group.update))) for group in groups]


DECAYS: Mapping[str, Callable[[Iterable[Group], Mapping[str, Shape], float], list[Group]]] = {
    "coupled": coupled,
    "decoupled": decoupled,
}
