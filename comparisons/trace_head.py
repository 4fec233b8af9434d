"""The head of a trace: its `trace.json`, read field by field and held against its experiment."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from reference.network import Network

VERSION = 1


def read(folder: Path) -> dict[str, Any]:
    """What trace.json says. Error: UsageError where it is missing, no JSON, or not as it must be."""
    path = folder / "trace.json"
    if not path.is_file():
        raise UsageError(f"{folder} is no trace: it has no trace.json; name a folder that `backproof record` wrote")
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(head, dict) or head.get("version") != VERSION:
        version = head.get("version") if isinstance(head, dict) else None
        raise UsageError(f"{path} has version {version!r}; this Backproof reads version {VERSION}")
    kinds = {"implementation": str, "experiment": dict, "digest": str, "complete": bool, "n_steps": int, "shown": dict}
    for name, kind in kinds.items():
        if not isinstance(head.get(name), kind):
            raise UsageError(f"{path}: {name} must be a {kind.__name__}, but is {head.get(name)!r}"[:300])
    if not all(isinstance(shape, list) for shape in head["shown"].values()):
        raise UsageError(f'{path}: shown must give each quantity its shape, such as "Z[1]": [4, "m"]')
    if not isinstance(head.setdefault("start", None), (str, type(None))):
        raise UsageError(f"{path}: start must be null or the name of a file, but is {head['start']!r}"[:300])
    if not isinstance(head.setdefault("ended", None), (str, type(None))) or (head["ended"] and head["complete"]):
        raise UsageError(f"{path}: ended must be null or, in a trace that is not complete, how its recording ended")
    if not isinstance(head.setdefault("about", {}), dict):
        raise UsageError(f"{path}: about must be a table, but is {head['about']!r}"[:300])
    head["kept"] = _kept(head.get("kept"), head["n_steps"], path)
    return head


def _kept(ranges: Any, n_steps: int, path: Path) -> tuple[tuple[int, int], ...] | None:
    """The steps that are there; None for all."""
    if ranges is None:
        return None
    are_pairs = isinstance(ranges, list) and all(isinstance(one, list) and len(one) == 2 for one in ranges)
    ends = [end for one in ranges for end in one] if are_pairs else []
    are_steps = all(type(end) is int for end in ends)
    if not (ends and are_steps and all(first <= last for first, last in ranges)
            and all(one[1] + 1 < other[0] for one, other in itertools.pairwise(ranges))
            and (ends[0], ends[-1]) == (1, n_steps)):  # fmt: skip
        raise UsageError(
            f"{path}: kept must be ranges of steps with gaps between them, in order, from step 1 to {n_steps}, such as "
            f"[[1, 1], [99, 100]], but is {ranges!r}"[:300]
        )
    return tuple((first, last) for first, last in ranges)


def check(head: Mapping[str, Any], folder: Path, network: Network, experiment: Experiment) -> None:
    """Refuse what trace.json says of its quantities and steps where the experiment says otherwise."""
    for name, shape in head["shown"].items():
        own = list(network.shapes.get(name, ()))
        if not own:
            raise UsageError(f"{folder}/trace.json shows {name!r}, which is no array of this experiment's network")
        if shape != own:
            raise UsageError(f"{folder}/trace.json gives {name} the shape {shape}, but here it is {own}")
    sizes = sorted({int(m) for m in experiment.batch_sizes})
    for field_name, actual, expected in (
        ("n_steps", head["n_steps"], min(head["n_steps"], experiment.n_steps) if head["ended"] else experiment.n_steps),
        ("batch_sizes", head.get("batch_sizes", sizes), sizes),
    ):
        if actual != expected:
            raise UsageError(f"{folder}/trace.json says {field_name} {actual}, but its experiment has {expected}")
