"""Points: the data, and the square of the plane in which they and the boundaries are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.experiment import Experiment
from comparisons.scenes.digits import in_a_window

Window = tuple[tuple[float, float], tuple[float, float]]

DIGITS = 5
MARGIN = 0.1  # of the data's extent, on each side


def points_of(experiment: Experiment) -> dict[str, Any]:
    """The training set and the test set, if there is one. Data: of two features."""
    window, test = window_of(experiment), experiment.test_set()
    return {
        "train": _set(*experiment.train_set(), window),
        "test": None if test is None else _set(*test, window),
    }


def window_of(experiment: Experiment) -> Window:
    """From where to where the plane is drawn, along x and along y: the data's extent and a tenth on each side."""
    sets = [experiment.train_set(), experiment.test_set()]
    X = np.concatenate([one[0] for one in sets if one is not None], axis=1).astype(np.float64)
    sides = []
    for low, high in zip(X.min(axis=1), X.max(axis=1), strict=True):
        margin = MARGIN * (high - low) or max(1.0, abs(high))  # a feature that is the same everywhere has no extent
        sides.append((float(low - margin), float(high + margin)))
    return sides[0], sides[1]


def grid_of(window: Window, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The centres of n × n cells: along x, along y, and all of them, (2, n n), x fastest."""
    along = [low + (high - low) * (np.arange(n) + 0.5) / n for low, high in window]
    x, y = np.meshgrid(*along)
    return along[0], along[1], np.stack([x.ravel(), y.ravel()])


def _set(X: np.ndarray, Y: np.ndarray, window: Window) -> dict[str, list]:
    (left, right), (bottom, top) = window
    return {
        "x": in_a_window(X[0], right - left, DIGITS),
        "y": in_a_window(X[1], top - bottom, DIGITS),
        "label": (Y[0] > 0.5).astype(int).tolist(),
    }
