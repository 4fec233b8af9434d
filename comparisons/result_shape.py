"""What `result.json` holds, field by field, as docs/result.md says it; standard library only."""

from __future__ import annotations

from typing import Any

from comparisons.shape import maybe, nothing, number

_RUN = {"implementation": str, "precision": str}
_GAP = {"quantity": str, "absolute": number, "relative": number, "ulps": number, "step": int, "index": [int]}
_SCORE = _RUN | {
    "forms": [str], "score": number, "rank": int, "n_replicas": int, "parted_at": (int, nothing),
    "false_alarm_rate": float, "loss_difference": number, "doublings": number, "horizon": number,
}  # fmt: skip
_PAIR = {"one": str, "other": str, "precision": str}

IMPLEMENTATION: dict[Any, Any] = {
    "name": str, "precision": str, "verdict": str, "reason": str, "forms": [str], "not_told_apart": {str: [str]},
    "chain": ({"holds": bool, "missing": [str], "n_links": int, "n_judged": int}, nothing), "loss": number,
    "accuracy": number, "test_accuracy": number, "seconds": number, "shown": [str], "skipped": bool,
    "same_arithmetic": bool, "explained_by": maybe([[str]]), "means": maybe({str: str}), "hints": maybe([str]),
    "show_next": maybe([str]), "ended": maybe(str), "output": maybe(str),
}  # fmt: skip
ROW: dict[Any, Any] = _RUN | {
    "quantity": str, "checked": int, "not_judged": int, "worst": number, "median": number, "radius": number,
    "step": int, "index": [int], "expected": number, "bound": number, "actual": number, "verdict": str,
    "outside": int, "blind": int, "first_broken": (int, nothing), "n_broken_steps": int, "equation": str,
}  # fmt: skip
EXPLANATION: dict[Any, Any] = _PAIR | {
    "loss_one": number, "loss_other": number, "measured": number, "predicted": number, "unexplained": number,
    "largest_measured": number, "largest_unexplained": number, "by_rounding": number, "n_replicas": int,
    "causes": [{"choice": str, "one": str, "other": str, "last": number, "largest": number}],
}  # fmt: skip
_CURVES = {"reference": [number], "low": [number], "high": [number]}
EXPERIMENT: dict[Any, Any] = {
    "name": str, "precision": str, "layers": [int], "activations": [str], "loss": str, "epochs": int,
    "batch_size": int, "optimizer": dict,
}  # fmt: skip
ENVIRONMENT: dict[Any, Any] = {"python": str, "versions": {str: str}, "platform": str, "processor": maybe(str),
                               "threads": maybe(int), "assumed": maybe(str)}  # fmt: skip
SHAPE: dict[Any, Any] = {
    "verdict": str, "checked": int, "experiment": EXPERIMENT, "environment": ENVIRONMENT,
    "implementations": [IMPLEMENTATION], "rows": [ROW],
    "agreements": maybe([_PAIR | {"verdict": str, "reason": str, "parted_at": (int, nothing), "differences": [_GAP],
                                  "scores": [_SCORE]}]),
    "explanations": maybe([EXPLANATION]),
    "histories": maybe([_RUN | {"loss": [number], "accuracy": [number], "test_accuracy": ([number], nothing),
                                "running_loss": [number], "running_accuracy": [number]}]),
    "bands": maybe([_CURVES | {"precision": str, "forms": [str], "after_epochs": maybe(_CURVES),
                               "doublings": number, "horizon": number}]),
    "not_whole": maybe(str), "no_figures": maybe(str),
    "dialects": maybe({str: {"choice": str, "says": str, "source": str}}),
    "claims": maybe([{"name": str, "says": str, "holds": (bool, nothing), "lines": [str], "seconds": number}]),
}  # fmt: skip
VERDICTS = ("agrees", "disagrees", "not compared")
PRECISIONS = ("float32", "float64")


def untold(content: dict[str, Any]) -> str:
    """The first verdict or precision in a result of this shape that nobody knows; nothing if all are known."""
    words: list[tuple[str, tuple[str, ...]]] = [(content["verdict"], VERDICTS)]
    for entry in (*content["implementations"], *content["rows"]):
        words += [(entry["verdict"], VERDICTS), (entry["precision"], PRECISIONS)]
    return next((f"{word!r} is none of {', '.join(known)}" for word, known in words if word not in known), "")
