"""Surface: a plane through the space of all parameters, the loss on it, and the path that training took.

The plane holds the final parameters and the first two principal components of the epochs' parameters around them. A
path lies in no plane, so its points are projected; the loss there stands beside the loss at the real parameters.

Source: Li et al. 2018, arXiv:1712.09913, section 7.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from comparisons.experiment import Experiment
from comparisons.portions import losses_and_accuracies
from comparisons.scenes.contours import contours
from comparisons.scenes.digits import OF_LOSS, significant
from comparisons.scenes.path import Path

N = 41  # points along each side
N_LEVELS = 12
MARGIN = 0.25  # of the path's extent, on each side
DIGITS = 4
N_MULTIPLICATIONS = 2.0**35  # more of them would keep a run waiting for a figure, ten seconds and longer


class Plane(NamedTuple):
    """Two orthonormal directions (2, numbers) through `origin`, the path's coordinates, its share in the plane."""

    origin: np.ndarray
    directions: np.ndarray
    coordinates: np.ndarray  # (epochs + 1, 2)
    share: float

    def at(self, coordinates: np.ndarray) -> np.ndarray:
        """The points of the plane, (k, numbers)."""
        return self.origin + coordinates @ self.directions


def plane_of(path: Path) -> Plane | None:
    """The plane of a path; None where the path is a line, a point, or not finite, and so lies in many or in none.

    Convention: the start has no positive coordinate, so that training goes to the right and up.
    """
    flat = path.flat
    if not np.isfinite(flat).all() or flat.shape[1] < 2:
        return None
    away = flat - flat[-1]
    _, sizes, directions = np.linalg.svd(away, full_matrices=False)
    least = sizes[0] * max(away.shape) * np.finfo(np.float64).eps
    if len(sizes) < 2 or not sizes[1] > least:
        return None
    directions = directions[:2] * np.where(directions[:2] @ away[0] > 0, -1.0, 1.0)[:, None]
    share = float((sizes[:2] ** 2).sum() / (sizes**2).sum())
    return Plane(flat[-1], directions, away @ directions.T, share)


def multiplications(path: Path, experiment: Experiment) -> float:
    """How many the loss at all points of the plane would take: one for each example and weight."""
    n_weights = sum(values[0].size for values in path.parameters.values())
    return float(N * N * experiment.train_set()[0].shape[1] * n_weights)


def surface_of(path: Path, experiment: Experiment) -> dict[str, Any] | None:
    """The loss on the whole training set over the plane of this path; None where it has no plane."""
    plane = plane_of(path)
    if plane is None:
        return None
    X, Y = (values.astype(np.float64) for values in experiment.train_set())

    def loss_at(numbers: np.ndarray) -> np.ndarray:
        return losses_and_accuracies(path.network, path.from_flat(numbers), X, Y)[0]

    u, v = (_around(plane.coordinates[:, axis]) for axis in (0, 1))
    loss = loss_at(plane.at(np.stack([a.ravel() for a in np.meshgrid(u, v)], axis=1))).reshape(N, N)
    return {
        "implementation": path.implementation,
        "precision": path.precision,
        "u": significant(u, OF_LOSS),
        "v": significant(v, OF_LOSS),
        "loss": significant(loss, DIGITS),
        "path": {
            "epoch": list(range(len(plane.coordinates))),
            "u": significant(plane.coordinates[:, 0], OF_LOSS),
            "v": significant(plane.coordinates[:, 1], OF_LOSS),
            "loss": significant(loss_at(path.flat), OF_LOSS),
        },
        "on_plane": significant(loss_at(plane.at(plane.coordinates)), OF_LOSS),
        "share": significant(plane.share, OF_LOSS),
        "lines": _lines(u, v, loss),
    }


def _around(coordinates: np.ndarray) -> np.ndarray:
    low, high = coordinates.min(), coordinates.max()
    margin = MARGIN * (high - low)
    return np.linspace(low - margin, high + margin, N)


def _lines(u: np.ndarray, v: np.ndarray, loss: np.ndarray) -> list[dict[str, Any]]:
    """Contour lines at levels between the lowest and the highest loss, spaced by the logarithm."""
    with np.errstate(invalid="ignore"):
        seen = loss[np.isfinite(loss) & (loss > 0)]
    if not len(seen):
        return []
    levels = np.geomspace(seen.min(), seen.max(), N_LEVELS + 2)[1:-1]
    return [
        {
            "level": significant(level, DIGITS),
            "polylines": [significant(line.ravel(), DIGITS) for line in contours(u, v, loss, level)],
        }
        for level in levels
    ]
