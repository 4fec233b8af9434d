"""Mistakes that nobody sees in the code that makes them: weight decay and clipping that were not asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from comparisons.experiment import Experiment
from comparisons.mistakes.known import (
    Forms,
    Known,
    altered,
    always,
    cached,
    gradients,
    updates,
    used_instead,
    variant,
    weight_gradients,
)
from reference.alphabet import Array, maximum, minimum, sqrt
from reference.decay import decayed_gradient as with_decay
from reference.dialects_of_optimizers import to_float32
from reference.forms import Change, Form
from reference.network import before, elementwise


def plus_decay(gradient: Array, W: Array, *, rate: float) -> Array:
    return gradient + rate * W


@cached
def decayed_gradient(by: Callable[..., Array]) -> Callable[..., Array]:
    """The gradient, and rate W."""
    return altered(by, plus_decay, "{} + rate W", reads=("W",), constants=("rate",))


def between(gradient: Array, *, limit: float) -> Array:
    return maximum(minimum(gradient, limit), -limit)


@cached
def clipped_values(by: Callable[..., Array]) -> Callable[..., Array]:
    """Each number, clipped to ± limit."""
    return altered(by, between, "{}, clipped to ± limit", constants=("limit",))


@elementwise
def clipped_gradient(g: Array, *, limit: float) -> Array:
    """g, clipped to ± limit"""
    return between(g, limit=limit)


def shortened(gradient: Array, *, limit: float) -> Array:
    squares = (gradient * gradient).sum(axis=-1, keepdims=True).mT.sum(axis=-1, keepdims=True)
    return gradient * minimum(limit / sqrt(squares), 1.0)


@cached
def clipped_norm(by: Callable[..., Array]) -> Callable[..., Array]:
    """The array, shortened to the norm limit."""
    return altered(by, shortened, "{}, at most of norm limit", constants=("limit",))


def shortened_gradient(g: Array, *, limit: float) -> Array:
    """g, at most of norm limit"""
    return shortened(g, limit=limit)


def numbered(
    numbers: Iterable[float],
    name: str,
    make: Callable[[float], Change],
    after: tuple[Callable[..., Array], str],
    weights_only: bool = False,
) -> Forms:
    """A variant for each number, done to the gradient that is shown and to a copy that the optimizer alone sees."""

    def forms(experiment: Experiment) -> Iterable[Form]:
        named = {f"{name} = {number:g}": number for number in numbers}
        if experiment.precision == "float64":
            coarse = {number: to_float32(number) for number in numbers}
            named |= {
                f"{name} = {number:g} in float32": coarse[number] for number in numbers if coarse[number] != number
            }
        for words, number in named.items():
            yield variant(words, make(number))
        for words, number in named.items():
            function, constant = after
            adds, change = used_instead(function, {constant: number}, weights_only)
            yield variant(f"{words}, in the optimizer", change, adds=adds)

    return forms


RATES = (0.1, 0.01, 1e-3, 5e-4, 1e-4, 1e-5)
LIMITS = (0.01, 0.1, 0.5, 1.0, 5.0)

SILENT = (
    Known(
        "l2-on-the-gradient", "mistake", "dW[l]",
        says="A weight decay nobody asked for: λ W joins the gradient of the weights.",
        wrong="dW = dZ @ A_prev.T / m + lam * W", right="dW = dZ @ A_prev.T / m",
        shows="dW is off by a small multiple of W; db holds.",
        seen="a default that could turn it on unasked: pytorch/FBGEMM#1249",
        forms=numbered(
            RATES, "λ",
            lambda rate: Change(only=weight_gradients, wrap=decayed_gradient, constants={"rate": always(rate)},
                                reads={"W": lambda e: before(e.defines.removeprefix("d"))}),
            (with_decay, "decay"), weights_only=True,
        ),
    ),
    Known(
        "clipped-gradient-values", "mistake", "dW[l], db[l]",
        says="Every number of the gradient is clipped silently.",
        wrong="dW = np.clip(dW, -1, 1)", right="nothing: the article does not clip",
        shows="Steps with small gradients hold, others are broken in their largest numbers.",
        seen="always to 1: neuroailab/tfutils#115",
        forms=numbered(
            LIMITS, "c",
            lambda c: Change(only=gradients, wrap=clipped_values, constants={"limit": always(c)}),
            (clipped_gradient, "limit"),
        ),
    ),
    Known(
        "clipped-gradient-norm", "mistake", "dW[l], db[l]",
        says="Each gradient that is longer than a limit is shortened silently.",
        wrong="dW *= min(1, c / np.linalg.norm(dW))", right="nothing: the article does not clip",
        shows="Steps with small gradients hold; in others a whole array has the same factor below 1.",
        seen="DyNet's default, a limit of 5: clab/dynet#1511",
        forms=numbered(
            LIMITS, "c",
            lambda c: Change(only=gradients, wrap=clipped_norm, constants={"limit": always(c)}),
            (shortened_gradient, "limit"),
        ),
    ),
    Known(
        "clipped-weights", "mistake", "W[l], b[l]",
        says="Parameters are clipped silently after each step.",
        wrong="W = np.clip(W - rate * dW, -1, 1)", right="W = W - rate * dW",
        shows="No parameter is larger than the limit, and several are equal to it.",
        seen="of batch normalization, which nobody meant to clip: martinarjovsky/WassersteinGAN#18",
        forms=lambda experiment: [
            variant(f"c = {c:g}", Change(only=updates, wrap=clipped_values, constants={"limit": always(c)}))
            for c in (0.01, 0.1, 0.5, 1.0, 2.0)
        ],
    ),
)  # fmt: skip
