"""Activations: curves of the reference's functions and of the equations that go back through them."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.scenes.digits import significant
from reference.activations import ACTIVATIONS
from reference.network import Equation, arguments, now

Z = np.linspace(-6.0, 6.0, 121)
ALWAYS = ("sigmoid", "tanh", "relu", "leaky-relu")
DIGITS = 5


def activations_of(used: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each activation that the article speaks of or an experiment uses: its formula, its derivative, both as curves."""
    return [_activation(name, name in used) for name in dict.fromkeys((*ALWAYS, *used))]


def _activation(name: str, is_used: bool) -> dict[str, Any]:
    activation = ACTIVATIONS[name]
    forward = Equation("A", activation.forward, {"Z": now("Z")}, activation.constants)
    reads = {argument: now(argument) for argument in sorted(arguments(activation.backward)[0])}
    backward = Equation("dZ", activation.backward, reads, activation.constants)
    values = {now("Z"): Z, now("dA"): np.ones_like(Z)}
    values[now("A")] = forward.value(values)
    return {
        "name": name,
        "formula": str(forward),
        "derivative": str(backward),
        "z": significant(Z, DIGITS),
        "a": significant(values[now("A")], DIGITS),
        "slope": significant(backward.value(values), DIGITS),
        "used": is_used,
    }
