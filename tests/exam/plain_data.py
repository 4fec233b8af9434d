"""The batches that a plain loop trains on: the experiment's, or what a mistake with the data makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


def batches(experiment, fault: str | None) -> Iterator[Batch]:
    """X (n_x, m) and Y (1, m) of each step.

    The experiment's own batches are always taken too, one for each step, as a loop that has them at hand would.
    """
    n_per_epoch = experiment.steps_per_epoch
    first_of_size: dict[int, Batch] = {}  # the first batch of each size
    first_epoch: list[Batch] = []
    labels_before = None
    for step, (X, Y) in enumerate(experiment.batches()):
        first_of_size.setdefault(X.shape[1], (X, Y))
        if step < n_per_epoch:
            first_epoch.append((X, Y))
        if fault == "same-batch":
            yield first_of_size[X.shape[1]]
        elif fault == "unshuffled":
            yield in_the_datas_order(experiment, step)
        elif fault == "shuffled-once":
            yield first_epoch[step % n_per_epoch]
        elif fault == "shuffled-labels":
            yield X, in_the_datas_order(experiment, step)[1]
        elif fault == "labels-of-the-batch-before":
            yield X, Y if labels_before is None else labels_before
        else:
            yield X, Y
        labels_before = Y


def in_the_datas_order(experiment, step: int) -> Batch:
    """The batch of this step (from 0) where nobody shuffles."""
    X, Y = experiment.train_set()
    begin = step % experiment.steps_per_epoch * experiment.batch_size
    taken = slice(begin, begin + experiment.batch_size)
    return X[:, taken].copy(), Y[:, taken].copy()
