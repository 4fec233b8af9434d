"""Errors: how far each judged number is from what its equation gives, over the steps and in units in the last place.

The numbers are judged once more, exactly as `certify` judges them, in the forms that held there, and part after part
where the trace does not fit into memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from comparisons.judging import Judging
from comparisons.mistakes.table import variants
from comparisons.rows import Judged, Piece, judged
from comparisons.scenes.digits import significant
from comparisons.streaming import judgings_of
from comparisons.trace import Trace
from comparisons.wording import SENSITIVITY
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import Network

N_BINS = 200
EDGES = (0.0, 0.5, *(2.0**power for power in range(21)))  # units in the last place of what is expected
DIGITS = 3


def bins_of(n_steps: int) -> list[list[int]]:
    """At most so many bins of steps, first and last of each, in order; the first begins at the start, 0."""
    ends = np.linspace(0, n_steps, min(n_steps, N_BINS) + 1).astype(int).tolist()
    return [[begin + 1 if begin else 0, end] for begin, end in itertools.pairwise(ends)]


def errors_of(trace: Trace, forms: Sequence[str]) -> list[dict[str, Any]]:
    """For each shown quantity the worst error in each bin of steps, and how many numbers are how far off."""
    known = {form.name: form for form in (*variants(trace.experiment), *DIALECTS)}
    network = in_form(trace.network, *(known[name] for name in forms))
    last_steps = np.array([last for _, last in bins_of(trace.experiment.n_steps)])
    found: dict[str, _Errors] = {}
    for judging in judgings_of(trace, network):
        _count(judging, network, last_steps, found)
        del judging  # before the next part is read
    order = {name: number for number, name in enumerate([*network.given, *network.by_name])}
    return [
        {
            "implementation": trace.implementation,
            "precision": trace.precision,
            "quantity": name,
            "worst": [None if worst == -1 else worst for worst in significant(found[name].worst, DIGITS)],
            "counts": found[name].counts.tolist(),
        }
        for name in sorted(found, key=lambda name: order.get(name, len(order)))
    ]


def _count(judging: Judging, network: Network, last_steps: np.ndarray, found: dict[str, _Errors]) -> None:
    """Count all numbers of a part, by quantity."""
    trace = judging.trace
    for name, pieces, old in itertools.chain(judging.start_pieces(), judging.all_pieces(network)):
        for piece in pieces:
            errors = found.setdefault(name, _Errors(len(last_steps)))
            errors.add(piece, judged(piece, SENSITIVITY[trace.precision], old), trace, last_steps)


class _Errors:
    """Of one quantity: the worst error by bin of steps, −1 where nothing was judged, and counts between the edges."""

    def __init__(self, n_bins: int) -> None:
        self.worst = np.full(n_bins, -1.0)
        self.counts = np.zeros(len(EDGES) + 1, np.int64)

    def add(self, piece: Piece, numbers: Judged, trace: Trace, last_steps: np.ndarray) -> None:
        """Count the numbers of one piece."""
        is_all = bool(numbers.is_judged.all())
        ratio = numbers.ratio if is_all else np.where(numbers.is_judged, numbers.ratio, -1.0)
        bins = np.searchsorted(last_steps, piece.steps + trace.first)
        begins = np.flatnonzero(np.diff(bins, prepend=-1))  # steps are in order, so that those of a bin lie together
        worst = np.maximum.reduceat(ratio.ravel(), begins * (ratio.size // len(ratio)))
        np.maximum.at(self.worst, bins[begins], worst)
        expected, actual = numbers.mid, numbers.actual
        if not is_all:
            expected, actual = expected[numbers.is_judged], actual[numbers.is_judged]
        self.counts += _counts(in_units(expected, actual, trace.experiment.dtype))


def _counts(units: np.ndarray) -> list[int]:
    """How many lie up to the first edge, up to the next one, and so on, and beyond the last; NaN is beyond."""
    below, counts = 0, []
    for edge in EDGES:  # seldom far: most errors are within a unit
        up_to = int(np.count_nonzero(units <= edge)) if below < units.size else below
        counts.append(up_to - below)
        below = up_to
    return [*counts, units.size - below]


def in_units(expected: np.ndarray, actual: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The errors in units in the last place of what is expected, rounded to this format.

    No error is 0 of any unit; an error where 0 or nothing finite is expected is more than any number of them.
    """
    with np.errstate(all="ignore"):
        unit, is_zero = _unit_of(expected.astype(dtype, copy=False)), expected == 0
        np.copyto(unit, 1.0, where=is_zero)
        units = np.abs(actual - expected) / unit
        is_beyond = ~np.isfinite(units) | ~np.isfinite(unit) | (is_zero & (units > 0))
        if is_beyond.any():
            units = np.where(is_beyond & (actual != expected), np.inf, np.where(actual == expected, 0.0, units))
        return units


def _unit_of(x: np.ndarray) -> np.ndarray:
    """The distance to the next number of the format: the power of two that x begins with, times ε; ∞ if not finite.

    NumPy's `spacing` gives the same of what is finite, in five times the time.
    """
    format_ = np.finfo(x.dtype)
    whole = np.dtype(f"i{x.itemsize}")
    power = (x.view(whole) & np.array(np.inf, x.dtype).view(whole)).view(x.dtype)  # the exponent's bits alone
    return np.maximum(power * format_.eps, format_.smallest_subnormal).astype(np.float64)
