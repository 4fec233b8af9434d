"""Boundaries: A[L] over the plane of two features after each epoch, the line where it is ½, and how two runs differ.

The output is the reference's own forward pass in float64 on the recorded parameters, so that what differs between two
runs is what they have learned and not how a figure was computed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from comparisons.experiment import Experiment
from comparisons.portions import losses_and_accuracies
from comparisons.result import REFERENCE
from comparisons.scenes.contours import contours
from comparisons.scenes.digits import OF_LOSS, bytes_of, evenly, in_a_window, significant
from comparisons.scenes.path import Path, outputs
from comparisons.scenes.points import grid_of, window_of

N, N_OF_PAIRS = 60, 30  # cells along each side
N_EPOCHS = 60
N_WITH_EACH_OTHER = 5  # more runs than these are each compared with the reference alone
FLOOR = 1e-18  # the difference where the logarithmic scale of a pair begins
DIGITS = 4


class _Drawn(NamedTuple):
    """A run as it is kept, and its output on the coarser grid, (epochs, cells)."""

    path: Path
    kept: dict[str, Any]
    coarse: np.ndarray


class Boundaries:
    """Collects the boundaries of runs of one experiment in one precision. Data: of two features."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.window = experiment, window_of(experiment)
        self.epochs = evenly(experiment.epochs, N_EPOCHS)
        self.x, self.y, self.grid = grid_of(self.window, N)
        self.drawn: list[_Drawn] = []

    def add(self, path: Path) -> None:
        """Draw one more run."""
        parameters = path.at(self.epochs)
        fine = outputs(path.network, parameters, self.grid)
        loss, accuracy = losses_and_accuracies(path.network, parameters, *self.experiment.train_set())
        kept = {
            "implementation": path.implementation,
            "precision": path.precision,
            "probabilities": bytes_of(np.rint(255 * np.where(np.isfinite(fine), fine, 0.0))),
            "not_finite": (~np.isfinite(fine)).sum(axis=1).tolist(),
            "lines": [self._lines(one) for one in fine.reshape(-1, N, N)],
            "loss": significant(loss, OF_LOSS),
            "accuracy": significant(accuracy, OF_LOSS),
        }
        coarse = outputs(path.network, parameters, grid_of(self.window, N_OF_PAIRS)[2])
        self.drawn.append(_Drawn(path, kept, coarse))

    def gathered(self) -> dict[str, Any] | None:
        """All of it; None where there was no run."""
        if not self.drawn:
            return None
        (left, right), (bottom, top) = self.window
        return {
            "x": [left, right],
            "y": [bottom, top],
            "n": N,
            "epochs": self.epochs,
            "runs": [one.kept for one in self.drawn],
            "pairs": [_pair(one, other) for one, other in _pairs(self.drawn)],
            "floor": FLOOR,
        }

    def _lines(self, z: np.ndarray) -> list[list[float]]:
        """The polylines where the output is ½, each as x, y, x, y, …"""
        (left, right), (bottom, top) = self.window
        polylines = []
        for line in contours(self.x, self.y, z, 0.5):
            x, y = in_a_window(line[:, 0], right - left, DIGITS), in_a_window(line[:, 1], top - bottom, DIGITS)
            polylines.append([number for point in zip(x, y, strict=True) for number in point])
        return polylines


def _pairs(drawn: Sequence[_Drawn]) -> list[tuple[_Drawn, _Drawn]]:
    if len(drawn) <= N_WITH_EACH_OTHER:
        return list(itertools.combinations(drawn, 2))
    reference = [one for one in drawn if one.path.implementation == REFERENCE]
    return [(one, other) for one in reference for other in drawn if other is not one]


def _pair(one: _Drawn, other: _Drawn) -> dict[str, Any]:
    with np.errstate(invalid="ignore"):
        difference = np.abs(one.coarse - other.coarse)
    return {
        "one": one.path.implementation,
        "other": other.path.implementation,
        "precision": one.path.precision,
        "n": N_OF_PAIRS,
        "largest": significant(difference.max(axis=1), 3),
        "levels": bytes_of(levels_of(difference)),
    }


def levels_of(difference: np.ndarray) -> np.ndarray:
    """0 for exactly equal, else 1 … 255, from the floor to 1 by the logarithm; what is not finite is 255."""
    with np.errstate(all="ignore"):
        level = 1 + np.rint(254 * (1 - np.log(difference) / math.log(FLOOR)))
    level = np.where(np.isfinite(difference), np.clip(level, 1, 255), 255)
    return np.where(difference == 0, 0, level).astype(np.uint8)
