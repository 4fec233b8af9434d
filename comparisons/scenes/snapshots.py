"""Snapshots: the numbers that a run showed, at a few of its steps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from comparisons.scenes.digits import evenly, significant
from comparisons.trace import Trace

N_STEPS = 12
N_EXAMPLES = 4  # of a quantity with an entry per example, the first columns of the batch
N_SIDE = 32  # of any other, so many rows and columns: more than a figure can show
DIGITS = 6


def steps_of(n_steps: int) -> list[int]:
    """1, 2, 5, 10, … and the last; at most so many, evenly chosen."""
    round_ones = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    steps = [*itertools.takewhile(lambda step: step < n_steps, round_ones), n_steps]
    return [steps[at] for at in evenly(len(steps) - 1, N_STEPS)]


def snapshot_of(trace: Trace, steps: list[int]) -> dict[str, Any]:
    """What the run showed at these steps; nothing at those that it did not reach."""
    reached = trace.first + trace.n_steps
    return {
        "implementation": trace.implementation,
        "precision": trace.precision,
        "values": [
            {name: _shown(trace, name, step) for name in trace.shown} if trace.first <= step < reached else {}
            for step in steps
        ],
    }


def _shown(trace: Trace, name: str, step: int) -> Any:
    values = np.asarray(trace.values(name, step), np.float64)
    if name == "J" or not trace.network.shapes[name]:
        return significant(values.item(), DIGITS)
    n_columns = N_EXAMPLES if trace.network.per_example(name) else N_SIDE
    return significant(values[:N_SIDE, :n_columns], DIGITS)
