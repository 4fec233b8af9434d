"""Why two runs end with different losses: the explanations of a result, worded for a table."""

from __future__ import annotations

import math
from typing import Any

from comparisons.result import REFERENCE, Result, revived
from comparisons.wording import explanation_text, multiple, signed

N_PAIRS = 60  # so many are shown, the widest first


def explanations(result: Result) -> list[dict[str, Any]]:
    """Each pair of runs whose forms differ; chosen is the widest without the reference, in the finest precision."""
    found = [revived(explanation) for explanation in result.explanations]
    found.sort(key=width, reverse=True)
    found = found[:N_PAIRS]
    if not found:
        return []
    chosen = max(found, key=lambda e: (REFERENCE not in (e.one, e.other), e.precision == "float64", width(e)))
    return [_worded(e, e is chosen) for e in found]


def width(explanation: Any) -> float:
    """How far apart two runs end; 0 where a loss is no number."""
    measured = explanation.measured
    return abs(measured) if isinstance(measured, (int, float)) else 0.0


def _share(part: float | None, largest: float) -> float:
    """How long a bar is, in percent of the longest."""
    share = abs(part or 0.0) / largest
    return round(100 * share, 1) if math.isfinite(share) else 100.0


def _worded(e: Any, is_chosen: bool) -> dict[str, Any]:
    largest = max((abs(cause.last or 0.0) for cause in e.causes), default=0.0) or 1.0
    causes = [
        {"choice": cause.choice, "one": cause.one, "other": cause.other, "last": signed(cause.last),
         "share": _share(cause.last, largest), "way": "down" if (cause.last or 0.0) < 0 else "up"}
        for cause in e.causes
    ]  # fmt: skip
    sums = [
        ("together, predicted", signed(e.predicted), "sum"),
        ("measured", signed(e.measured), "total"),
        ("left unexplained", signed(e.unexplained), "total"),
        ("the most left unexplained after any epoch", multiple(e.largest_unexplained), ""),
        (f"the most that rounding leaves, of {e.n_replicas} pairs of correct replicas", multiple(e.by_rounding), ""),
    ]
    return {
        "name": f"{e.one} and {e.other} ({e.precision})", "one": e.one, "other": e.other, "causes": causes,
        "sums": sums, "head": explanation_text(e).splitlines()[0], "chosen": is_chosen,
    }  # fmt: skip
