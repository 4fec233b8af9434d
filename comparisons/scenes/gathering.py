"""Gathering: all scenes of the runs of one experiment in one precision, from their traces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from comparisons.composed import network_of
from comparisons.experiment import Experiment
from comparisons.messages import NO_PATH, NO_PLANE, not_in_a_plane, too_large
from comparisons.scenes.activations import activations_of
from comparisons.scenes.boundaries import Boundaries
from comparisons.scenes.equations import equations_of
from comparisons.scenes.errors import EDGES, bins_of, errors_of
from comparisons.scenes.path import Path, path_of
from comparisons.scenes.points import points_of
from comparisons.scenes.snapshots import N_EXAMPLES, snapshot_of, steps_of
from comparisons.scenes.surface import N_MULTIPLICATIONS, multiplications, surface_of
from comparisons.trace import Trace


def scenes_of(
    experiment: Experiment, traces: Iterable[tuple[Trace, Sequence[str]]], surface_from: str | None = None
) -> dict[str, Any]:
    """What docs/scenes.md describes, without its version.

    Traces: each with the names of the forms in which it was certified; they are looked at one after the other, so that
    memory holds one. Surface from: the implementation whose path is drawn on the surface of the loss.
    """
    boundaries = Boundaries(experiment) if experiment.data.n_x == 2 else None
    steps = steps_of(experiment.n_steps)
    surface, no_surface = None, NO_PATH
    snapshots, errors = [], []
    for trace, forms in traces:
        path = path_of(trace)
        if path is not None and boundaries is not None:
            boundaries.add(path)
        if path is not None and trace.implementation == surface_from:
            surface, no_surface = _surface(path, experiment)
        elif path is not None and no_surface == NO_PATH:
            no_surface = ""  # there is a path, but another's is drawn
        snapshots.append(snapshot_of(trace, steps))
        errors += errors_of(trace, forms)
        del trace, path  # before the next one is read
    drawn = boundaries.gathered() if boundaries is not None else None
    reasons = {
        "points": not_in_a_plane(experiment.data.n_x) if boundaries is None else "",
        "boundaries": not_in_a_plane(experiment.data.n_x) if boundaries is None else "" if drawn else NO_PATH,
        "surface": no_surface,
    }
    return {
        "why": {name: reason for name, reason in reasons.items() if reason},
        "points": None if boundaries is None else points_of(experiment),
        "boundaries": drawn,
        "surface": surface,
        "activations": activations_of(experiment.activations),
        "equations": equations_of(network_of(experiment)),
        "snapshots": {"steps": steps, "examples": N_EXAMPLES, "runs": snapshots},
        "errors": {"steps": bins_of(experiment.n_steps), "edges": list(EDGES), "rows": errors},
    }


def _surface(path: Path, experiment: Experiment) -> tuple[dict[str, Any] | None, str]:
    """The surface, or why there is none."""
    n = multiplications(path, experiment)
    if n > N_MULTIPLICATIONS:
        return None, too_large(n)
    surface = surface_of(path, experiment)
    return surface, "" if surface else NO_PLANE
