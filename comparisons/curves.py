"""Curves: loss and accuracy of an implementation's own weights, computed alike for all by the reference's forward pass.

After an epoch they belong to the whole training set and test set, with the weights that the epoch ended with. `fit`
reports something else: the mean over the epoch's batches, each before its update, and a partial batch weighted by its
examples. Both are here, for every implementation that shows its weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from comparisons.portions import losses_and_accuracies
from comparisons.stored import Stored
from comparisons.trace import Trace
from reference.learned import loss_and_accuracy

N_EPOCHS = 256  # whose weights are in memory at the same time


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
    per_epoch = trace.experiment.steps_per_epoch
    ends = range(per_epoch, trace.n_steps + 1, per_epoch)
    portions = [_after(trace, ends[begin : begin + N_EPOCHS]) for begin in range(0, len(ends), N_EPOCHS)]
    loss, accuracy, *on_test = np.concatenate(portions, axis=1)
    return Curves(loss, accuracy, on_test[0] if on_test else None, *_running(trace))


def _after(trace: Trace, steps: range) -> np.ndarray:
    """Loss and accuracy on the training set after these steps and, if there is a test set, accuracy on it."""
    found = trace.read(trace.network.parameters, steps)
    weights = {name: np.stack(values) for name, values in found.items()}
    loss, accuracy = losses_and_accuracies(trace.network, weights, *trace.experiment.train_set())
    test = trace.experiment.test_set()
    return np.stack(
        [loss, accuracy] + ([] if test is None else [losses_and_accuracies(trace.network, weights, *test)[1]])
    )


def _running(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Σ m J / Σ m over an epoch's batches, J and accuracy each before the batch's update.

    A trace on disk is read a part at a time, and what is kept of its steps is that of one epoch and of one part.
    """
    per_epoch = trace.experiment.steps_per_epoch
    epochs: list[np.ndarray] = []  # of each part those that end in it: (2, epochs)
    begun = np.empty((3, 0))  # of the steps of an epoch that has not ended: m, loss, accuracy
    batches = trace.experiment.batches()
    for part in trace.hiding(*(name for name in trace.shown if name not in trace.network.parameters)).parts():
        begun = np.concatenate([begun, [part.sizes, *_before_each_step(part, batches)]], axis=1)
        del part  # before the next one is read
        n_ended = begun.shape[1] // per_epoch
        sizes, *both = begun[:, : n_ended * per_epoch].reshape(3, n_ended, per_epoch)
        epochs.append(np.stack([(sizes * one).sum(axis=1) / sizes.sum(axis=1) for one in both]))
        begun = begun[:, n_ended * per_epoch :].copy()
    loss, accuracy = np.concatenate(epochs, axis=1)
    return loss, accuracy


def _before_each_step(trace: Trace, batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """J and accuracy of each step's own batch, the next of these, before its update."""
    names, of_part = trace.network.parameters, list(itertools.islice(batches, trace.n_steps))
    before = {name: np.concatenate([trace.start[name][None], np.asarray(trace.shown[name])[:-1]]) for name in names}
    loss, accuracy = np.empty(trace.n_steps), np.empty(trace.n_steps)
    for m in np.unique(trace.sizes):
        steps = trace.steps_of(int(m))
        X, Y = (np.stack([of_part[step][which] for step in steps]) for which in (0, 1))
        weights = {name: value[steps] for name, value in before.items()}
        loss[steps], accuracy[steps] = loss_and_accuracy(trace.network, weights, X, Y)
    return loss, accuracy


def final(trace: Trace) -> dict[str, float | None] | None:
    """Loss, accuracy and test accuracy with the weights that the last step left; None where they are not all shown."""
    names = trace.network.parameters
    if not set(names) <= set(trace.shown) or not trace.is_whole:
        return None
    weights = {name: np.stack(values) for name, values in trace.read(names, [trace.n_steps]).items()}
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
