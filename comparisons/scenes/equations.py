"""Equations: the textbook network as text, each with what it reads, its phase of the step and its layer."""

from __future__ import annotations

import re
from typing import Any

from reference.learned import behind
from reference.network import Network


def equations_of(network: Network) -> list[dict[str, Any]]:
    """All equations in running order."""
    forward = {equation.defines for equation in behind(network, ["J"])}
    gradients = [f"d{name}" for name in network.parameters]
    backward = {equation.defines for equation in behind(network, gradients)} - forward
    return [
        {
            "defines": equation.defines,
            "text": str(equation),
            "reads": list(dict.fromkeys(ref.name for ref in equation.reads.values())),
            "phase": _phase(equation.defines, forward, backward),
            "layer": layer_of(equation.defines),
        }
        for equation in network.equations
    ]


def _phase(name: str, forward: set[str], backward: set[str]) -> str:
    if name in forward:
        return "forward"
    return "backward" if name in backward else "update"


def layer_of(name: str) -> int | None:
    """2 of dW[2] and of m_W[2]; None of what belongs to no layer, such as J."""
    number = re.search(r"\[(\d+)\]$", name)
    return int(number[1]) if number else None
