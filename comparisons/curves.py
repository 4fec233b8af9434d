"""Curves: loss and accuracy of an implementation's own weights, computed alike for all by the reference's forward pass.

After an epoch they belong to the whole training set and test set, with the weights that the epoch ended with. `fit`
reports something else: the mean over the epoch's batches, each before its update, and a partial batch weighted by its
examples. Both are here, for every implementation that shows its weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from comparisons.stored import Stored
from comparisons.trace import Trace
from reference.learned import loss_and_accuracy


@dataclass(frozen=True, eq=False)
class Curves:
    """By epoch, (epochs,) each: after it, and as `fit` reports it (`running`).

    test_accuracy is None where there is no test set.
    """

    loss: np.ndarray
    accuracy: np.ndarray
    test_accuracy: np.ndarray | None
    running_loss: np.ndarray
    running_accuracy: np.ndarray


def curves_of(trace: Trace) -> Curves | None:
    """The curves; None where the weights are not all shown, or not for all steps."""
    names = trace.network.parameters
    if not set(names) <= set(trace.shown) or not trace.is_whole:
        return None
    after = {name: np.asarray(trace.shown[name]) for name in names}
    X, Y = trace.experiment.train_set()
    ends = slice(trace.experiment.steps_per_epoch - 1, None, trace.experiment.steps_per_epoch)
    loss, accuracy = loss_and_accuracy(trace.network, {name: value[ends] for name, value in after.items()}, X, Y)
    test = trace.experiment.test_set()
    test_accuracy = None
    if test is not None:
        test_accuracy = loss_and_accuracy(trace.network, {n: v[ends] for n, v in after.items()}, *test)[1]
    running_loss, running_accuracy = _running(trace, after)
    return Curves(loss, accuracy, test_accuracy, running_loss, running_accuracy)


def _running(trace: Trace, after: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Σ m J / Σ m over an epoch's batches, J and accuracy each before the batch's update."""
    before = {name: np.concatenate([trace.start[name][None], value[:-1]]) for name, value in after.items()}
    loss, accuracy = np.empty(trace.n_steps), np.empty(trace.n_steps)
    batches = list(trace.experiment.batches())
    for m in np.unique(trace.sizes):
        steps = trace.steps_of(int(m))
        X, Y = (np.stack([batches[step][which] for step in steps]) for which in (0, 1))
        weights = {name: value[steps] for name, value in before.items()}
        loss[steps], accuracy[steps] = loss_and_accuracy(trace.network, weights, X, Y)
    per_epoch = (trace.experiment.epochs, trace.experiment.steps_per_epoch)
    sizes = trace.sizes.reshape(per_epoch)
    total = sizes.sum(axis=1)
    return (sizes * loss.reshape(per_epoch)).sum(axis=1) / total, (sizes * accuracy.reshape(per_epoch)).sum(
        axis=1
    ) / total


def final(trace: Trace) -> dict[str, float | None] | None:
    """Loss, accuracy and test accuracy with the weights that the last step left; None where they are not all shown."""
    names = trace.network.parameters
    if not set(names) <= set(trace.shown) or not trace.is_whole:
        return None
    weights = {name: trace.values(name, trace.n_steps)[None] for name in names}
    loss, accuracy = _last(trace, weights, *trace.experiment.train_set())
    test = trace.experiment.test_set()
    test_accuracy = None if test is None else _last(trace, weights, *test)[1]
    return {"loss": loss, "accuracy": accuracy, "test_accuracy": test_accuracy}


def _last(trace: Trace, weights: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
    """Loss and accuracy of the last weights; of blocks of examples the mean, where not all of them fit into memory."""
    m = X.shape[1]
    total = np.zeros(2)
    for block in trace.blocks(m, trace.examples_at_once) if isinstance(trace, Stored) else [slice(0, m)]:
        loss, accuracy = loss_and_accuracy(trace.network, weights, X[:, block], Y[:, block])
        found = np.array([loss[-1], accuracy[-1]], np.float64)
        if block == slice(0, m):
            return float(found[0]), float(found[1])
        total += (block.stop - block.start) / m * found
    return float(total[0]), float(total[1])
