"""Curves: loss and accuracy of an implementation's own weights, computed alike for all by the reference's forward pass.

The loss that an implementation reports belongs to its last batch, or is a running mean; these belong to the whole
training set and test set after an epoch.
"""

from __future__ import annotations

import numpy as np

from comparisons.trace import Trace
from reference.learned import loss_and_accuracy


def final_of(trace: Trace) -> dict[str, float | None] | None:
    """Loss, accuracy and test accuracy with the last step's weights; None where they are not all shown."""
    curve = curve_of(trace)
    return None if curve is None else {name: None if values is None else float(values[-1]) for name, values in curve.items()}


def curve_of(trace: Trace) -> dict[str, np.ndarray | None] | None:
    """Loss, accuracy and test accuracy after each epoch, (epochs,) each; None where the weights are not all shown."""
    parameters = trace.network.parameters
    if not set(parameters) <= set(trace.shown) or not trace.is_whole:
        return None
    per_epoch = trace.experiment.steps_per_epoch
    weights = {name: np.asarray(trace.shown[name])[per_epoch - 1 :: per_epoch] for name in parameters}
    X, Y = trace.experiment.train_set()
    loss, accuracy = loss_and_accuracy(trace.network, weights, X, Y)
    test = trace.experiment.test_set()
    test_accuracy = None if test is None else loss_and_accuracy(trace.network, weights, *test)[1]
    return {"loss": loss, "accuracy": accuracy, "test_accuracy": test_accuracy}
