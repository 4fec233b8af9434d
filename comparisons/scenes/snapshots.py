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
    reached = [step for step in steps if trace.first <= step < trace.first + trace.n_steps]
    shown = trace.read(trace.shown, reached)
    by_step = {step: {name: _kept(trace, name, shown[name][at]) for name in shown} for at, step in enumerate(reached)}
    return {
        "implementation": trace.implementation,
        "precision": trace.precision,
        "values": [by_step.get(step, {}) for step in steps],
    }


def _kept(trace: Trace, name: str, values: np.ndarray) -> Any:
    values = values.astype(np.float64)
    if name == "J" or not trace.network.shapes[name]:
        return significant(values.item(), DIGITS)
    n_columns = N_EXAMPLES if trace.network.per_example(name) else N_SIDE
    return significant(values[:N_SIDE, :n_columns], DIGITS)
