"""Whole runs: all runs of one experiment in one precision, each with the reference and each with each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from comparisons.agreement import closest_forms, compared
from comparisons.causes import Curves, explain
from comparisons.curves import curves_of
from comparisons.drift import Drift, drift_of
from comparisons.trace import Trace
from reference.forms import Form


def whole_runs(
    traces: Sequence[tuple[Trace, Sequence[str], Mapping[str, Sequence[str]]]],
    alive: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Compare all pairs; explain the differences of those whose forms differ; histories and replicas' bands by epoch.

    Traces: each with the forms in which it was certified and those that were not told apart. Alive: called now and
    then in long work.
    """
    named: list[tuple[Trace, tuple[Form, ...]]] = []
    drifts: dict[tuple[str, ...], Drift] = {}
    for trace, names, alike in traces:
        forms = closest_forms(trace, names, alike, drifts)
        named.append((trace, forms))
        key = tuple(form.name for form in forms)
        if key not in drifts:
            drifts[key] = drift_of(trace.experiment, forms)
        alive()
    curves: Curves = {}
    agreements, explanations = [], []
    for (one, forms), (other, other_forms) in itertools.combinations(named, 2):
        agreements.append(compared(one, forms, other, other_forms, drifts))
        if forms != other_forms:
            explanations.append(explain(one, forms, other, other_forms, curves))
        alive()
    return {
        "agreements": agreements,
        "explanations": [found for found in explanations if found is not None],
        "histories": [history for trace, _ in named if (history := _history(trace)) is not None],
        "bands": [_band(trace, drifts[key]) for trace, key in _one_for_each(named)],
    }


def _history(trace: Trace) -> dict[str, Any] | None:
    curves = curves_of(trace)
    if curves is None:
        return None
    columns = {name: None if column is None else column.tolist() for name, column in asdict(curves).items()}
    return {"implementation": trace.implementation, "precision": trace.precision, **columns}


def _one_for_each(named: Sequence[tuple[Trace, tuple]]) -> list[tuple[Trace, tuple[str, ...]]]:
    found: dict[tuple[str, ...], Trace] = {}
    for trace, forms in named:
        found.setdefault(tuple(form.name for form in forms), trace)
    return [(trace, key) for key, trace in found.items()]


def _band(trace: Trace, drift: Drift) -> dict[str, Any]:
    """The replicas' losses at the last batch of each epoch: the reference's, the lowest, the highest, by forms."""
    per_epoch = trace.experiment.steps_per_epoch
    ends = slice(per_epoch - 1, None, per_epoch)
    return {
        "precision": drift.precision,
        "forms": list(drift.forms),
        "reference": drift.reference_loss[ends].tolist(),
        "low": drift.losses[ends].min(axis=1).tolist(),
        "high": drift.losses[ends].max(axis=1).tolist(),
        "doublings": drift.doublings,
        "horizon": drift.horizon,
    }
