"""Stored scenes: what figures need as it lies on disk beside a result, in `scenes.json`.

Standard library only, since reports read it. The names of the fields are a promise: `docs/scenes.md` documents them,
and `version` changes when one of them does.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparisons.errors import UsageError
from comparisons.messages import NO_PATH, NO_PLANE
from comparisons.shape import nothing, number, read_versioned

VERSION = 1
FILE = "scenes.json"

numbers = [number]
_SET = {"x": numbers, "y": numbers, "label": [int]}
_RUN = {"implementation": str, "precision": str}
SHAPE: Mapping[str, Any] = {
    "why": dict,
    "points": ({"train": _SET, "test": (_SET, nothing)}, nothing),
    "boundaries": (
        {
            "x": numbers,
            "y": numbers,
            "n": int,
            "epochs": [int],
            "runs": [
                _RUN | {"probabilities": str, "not_finite": [int], "lines": [[numbers]], "loss": numbers,
                        "accuracy": numbers}
            ],
            "pairs": [{"one": str, "other": str, "precision": str, "n": int, "largest": numbers, "levels": str}],
            "floor": float,
        },
        nothing,
    ),
    "surface": (
        _RUN
        | {
            "u": numbers,
            "v": numbers,
            "loss": [numbers],
            "path": {"epoch": [int], "u": numbers, "v": numbers, "loss": numbers},
            "on_plane": numbers,
            "share": number,
            "lines": [{"level": number, "polylines": [numbers]}],
        },
        nothing,
    ),
    "activations": [
        {"name": str, "formula": str, "derivative": str, "z": numbers, "a": numbers, "slope": numbers, "used": bool}
    ],
    "equations": [{"defines": str, "text": str, "reads": [str], "phase": str, "layer": (int, nothing)}],
    "snapshots": {"steps": [int], "examples": int, "runs": [_RUN | {"values": [dict]}]},
    "errors": {
        "steps": [[int]],
        "edges": numbers,
        "rows": [_RUN | {"quantity": str, "worst": numbers, "counts": [int]}],
    },
}  # fmt: skip


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The scenes of one experiment in several precisions as one; what does not depend on the runs is in each alike."""
    first = parts[0]
    whole: dict[str, Any] = {name: first[name] for name in SHAPE}
    for name, lists in (("boundaries", ("runs", "pairs")), ("snapshots", ("runs",)), ("errors", ("rows",))):
        there = [part[name] for part in parts if part[name] is not None]
        if there:
            whole[name] = there[0] | {each: [entry for one in there for entry in one[each]] for each in lists}
    whole["surface"] = next((part["surface"] for part in parts if part["surface"] is not None), None)
    reasons = [reason for part in parts for reason in part["why"].items()]
    reasons.sort(key=lambda reason: reason[1] != NO_PATH)  # of two precisions' reasons, that of the one with a path
    reasons.insert(0, ("surface", NO_PLANE))
    whole["why"] = {name: why for name, why in reasons if whole[name] is None}
    return whole


def write(scenes: Mapping[str, Any], folder: Path) -> Path:
    """Write scenes.json, whole or not at all. Error: OSError where that cannot be done."""
    path = Path(folder) / FILE
    temporary = path.with_suffix(".json.new")
    text = json.dumps({"version": VERSION, **scenes}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return path


def read(folder: str | Path) -> Mapping[str, Any] | None:
    """The scenes in a result's folder; None where it has none, as of a run with --no-figures or an older one.

    Error: UsageError, one sentence, for what is no JSON, of another version, or damaged.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    content = read_versioned(path, VERSION, SHAPE, "run again")
    for wrong in _missing_frames(content):
        raise UsageError(f"{path} is damaged: {wrong}; run again")
    return content


def _missing_frames(content: Mapping[str, Any]) -> Iterator[str]:
    """Pictures that have not as many bytes as their grid has cells."""
    boundaries = content["boundaries"]
    if boundaries is None:
        return
    n_frames = len(boundaries["epochs"])
    pictures = [(one["probabilities"], boundaries["n"], "probabilities") for one in boundaries["runs"]]
    pictures += [(pair["levels"], pair["n"], "levels") for pair in boundaries["pairs"]]
    for text, n, name in pictures:
        try:
            actual = len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            yield f"{name} of a boundary are no base64"
            continue
        if actual != n_frames * n * n:
            yield f"{name} of a boundary have {actual:,} bytes instead of {n_frames * n * n:,}"
