"""Experiments with parameters of one's own, and all that an experiment hands out."""

from pathlib import Path

import numpy as np

from comparisons.experiment import Experiment


def bits(experiment: Experiment) -> list[bytes]:
    """Everything that an experiment hands out, as bytes."""
    arrays = [*experiment.initial().values(), *experiment.train_set(), *(experiment.test_set() or ())]
    arrays += [array for batch in experiment.batches() for array in batch]
    return [array.tobytes() for array in arrays]


def own_start(folder: Path, **changes) -> Path:
    """A file of initial parameters for one layer of one unit and two features."""
    path = folder / "start.npz"
    parameters = {"W[1]": [[0.5, -0.25]], "b[1]": [[1.0]]} | changes
    np.savez(path, **{name: np.array(value) for name, value in parameters.items() if value is not None})
    return path


def one_layer(data: object = None, **start) -> Experiment:
    """An experiment of one layer that starts from a file."""
    return Experiment(layers=(1,), activations=("sigmoid",), start={"kind": "file", **start}, data=data or {})
