"""Whole runs: all runs of one experiment in one precision, each with the reference and each with each other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from comparisons.agreement import compared
from comparisons.causes import Side, between, explained
from comparisons.curves import Curves, curves_of
from comparisons.drift import Drift, names_of
from comparisons.placing import Score, placed
from comparisons.references import References
from comparisons.trace import Trace
from reference.forms import Form


class _Run(NamedTuple):
    trace: Trace
    forms: tuple[Form, ...]
    score: Score | None
    curves: Curves | None
    drift: Drift


def whole_runs(
    traces: Sequence[tuple[Trace, Sequence[str], Mapping[str, Sequence[str]]]],
) -> dict[str, Any]:
    """Compare all pairs; explain the differences of those whose forms differ; histories and replicas' bands by epoch.

    A run alone has nothing to be compared with, and a history.
    Traces: each with the forms in which it was certified and those that were not told apart.
    """
    if len(traces) < 2:
        alone = [(trace, curves_of(trace)) for trace, _, _ in traces]
        histories = [_history(trace, curves) for trace, curves in alone if curves is not None]
        return {"agreements": [], "explanations": [], "histories": histories, "bands": []}
    references = References(traces[0][0].experiment)
    places = placed(traces, references, _asked_for)
    runs = [
        _Run(trace, place.forms, place.score, curves_of(trace), place.drift)
        for (trace, _, _), place in zip(traces, places, strict=True)
    ]
    agreements, explanations = [], []
    for one, other in itertools.combinations(runs, 2):
        agreements.append(compared(one.trace, other.trace, one.score, other.score))
        if one.forms != other.forms and one.curves is not None and other.curves is not None:
            side = Side(one.trace, one.forms, one.curves, one.drift)
            explanations.append(explained(side, Side(other.trace, other.forms, other.curves, other.drift), references))
    used = {names_of(run.forms): run.drift for run in reversed(runs)}
    return {
        "agreements": agreements,
        "explanations": explanations,
        "histories": [_history(run.trace, run.curves) for run in runs if run.curves is not None],
        "bands": [_band(drift) for drift in used.values()],
    }


def _asked_for(closest: Sequence[tuple[Form, ...]]) -> list[tuple[Form, ...]]:
    """In which forms the reference is asked for, when the pairs of runs in these are explained."""
    return [forms for pair in itertools.combinations(closest, 2) if pair[0] != pair[1] for forms in between(*pair)]


def _history(trace: Trace, curves: Curves) -> dict[str, Any]:
    columns = {name: None if column is None else column.tolist() for name, column in asdict(curves).items()}
    return {"implementation": trace.implementation, "precision": trace.precision, **columns}


def _band(drift: Drift) -> dict[str, Any]:
    """The replicas' losses by epoch and forms, the reference's, the lowest and the highest: on the epoch's last batch,
    and after it on the whole training set."""
    return {
        "precision": drift.precision,
        "forms": list(drift.forms),
        "reference": drift.reference_last_loss.tolist(),
        "low": drift.last_losses.min(axis=0).tolist(),
        "high": drift.last_losses.max(axis=0).tolist(),
        "after_epochs": {
            "reference": drift.reference_loss_after_epochs.tolist(),
            "low": drift.losses_after_epochs.min(axis=0).tolist(),
            "high": drift.losses_after_epochs.max(axis=0).tolist(),
        },
        "doublings": drift.doublings,
        "horizon": drift.horizon,
    }
