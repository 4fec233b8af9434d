"""Scenes: what a run stored for its figures, as `comparisons/stored_scenes.py` reads it; see docs/scenes.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from comparisons.stored_scenes import read

Scene = Mapping[str, Any]


@dataclass(frozen=True)
class Scenes:
    """All that figures need; None for what this experiment has not, and `why` says why."""

    why: Mapping[str, str]
    points: Scene | None
    boundaries: Scene | None
    surface: Scene | None
    activations: Sequence[Scene]
    equations: Sequence[Scene]
    snapshots: Scene
    errors: Scene


def scenes_of(folder: str | Path) -> Scenes | None:
    """The scenes in a result's folder; None where the run stored none.

    Error: UsageError for a file of another version, or one that figures cannot be drawn from.
    """
    content = read(folder)
    return None if content is None else Scenes(**{field.name: content[field.name] for field in fields(Scenes)})
