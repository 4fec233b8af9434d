"""The running loss and accuracy are what Keras's `fit` logs in its History of the same training.

How far the two may lie apart is computed: `fit` adds up and divides in the experiment's precision, and so do balls.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.curves import curves_of
from comparisons.implementations.registry import find
from comparisons.precisions import FLOAT64, PRECISIONS
from comparisons.trace import load
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.learned import behind
from reference.network import before, now
from reference.running import evaluate

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).parent / "subjects" / "keras_history.py"
LOSS = tuple(form for form in DIALECTS if form.name == "loss-through-logits")
pytestmark = pytest.mark.xdist_group("keras-history")


@pytest.fixture(scope="module")
def folder(once, needs):
    """Traces of `fit` in both precisions, and the History that it returned, from a process of its own."""
    needs(find("keras-fit"))

    def fill(folder):
        python = [sys.executable, "-P", str(SCRIPT), str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            python, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        (folder / "history.json").write_text(done.stdout)

    return once("keras-history", fill)


@pytest.fixture(params=["float32", "float64"])
def logged(request, folder):
    """The trace, and what `fit` logged."""
    history = json.loads((folder / "history.json").read_text())[request.param]
    return load(folder / f"{request.param}.trace"), {name: np.array(values) for name, values in history.items()}


def losses_before(trace):
    """The loss of each batch before its update, as a ball, and the batch's size."""
    network, precision = in_form(trace.network, *LOSS), PRECISIONS[trace.precision]
    for step, (X, Y) in enumerate(trace.experiment.batches()):
        shown = {name: trace.shown[name][step - 1] if step else trace.start[name] for name in network.parameters}
        values = {before(name): Ball.recorded(value, precision) for name, value in shown.items()}
        values |= {now("A[0]"): Ball.recorded(X, precision), now("Y"): Ball.recorded(Y, precision)}
        yield evaluate(behind(network, ["J"]), values)[now("J")], X.shape[1]


def running_means(trace, *, is_weighted=True):
    """By epoch, the ball of the mean over its batches, added up one after the other."""
    found, per_epoch = list(losses_before(trace)), trace.experiment.steps_per_epoch
    for first in range(0, len(found), per_epoch):
        epoch = [(loss, size if is_weighted else 1) for loss, size in found[first : first + per_epoch]]
        total = epoch[0][0] * float(epoch[0][1])
        for loss, weight in epoch[1:]:
            total = total + loss * float(weight)
        yield total / float(sum(weight for _, weight in epoch))


def are_inside(means, losses):
    """Whether each loss lies in its ball."""
    pairs = list(zip(means, losses, strict=True))
    return [bool((np.abs(loss - mean.mid) <= mean.radius).all()) for mean, loss in pairs]


def test_the_running_loss_is_the_one_that_fit_logs(logged):
    trace, history = logged
    assert len(history["loss"]) == trace.experiment.epochs > 1
    assert all(are_inside(running_means(trace), history["loss"]))
    assert all(are_inside(running_means(trace), curves_of(trace).running_loss))


def test_an_unweighted_mean_of_the_batches_is_another_one(logged):
    trace, history = logged
    assert trace.experiment.batch_sizes[0] != trace.experiment.batch_sizes[trace.experiment.steps_per_epoch - 1]
    assert not any(are_inside(running_means(trace, is_weighted=False), history["loss"]))


def test_the_loss_after_the_epoch_is_another_one(logged):
    trace, history = logged
    assert not any(are_inside(running_means(trace), curves_of(trace).loss))
    assert not any(are_inside(running_means(trace), np.roll(history["loss"], 1)))


def test_the_running_accuracy_is_the_one_that_fit_logs(logged):
    # A count of examples over their number: `fit` rounds it once, and here each batch's share is rounded in float64.
    trace, history = logged
    n = sum(trace.experiment.batch_sizes[: trace.experiment.steps_per_epoch])
    actual = curves_of(trace).running_accuracy
    right = np.rint(actual * n)
    assert (np.abs(history["accuracy"] - right / n) <= PRECISIONS[trace.precision].unit * right / n).all()
    assert (np.abs(actual - right / n) <= 2 * trace.experiment.steps_per_epoch * FLOAT64.unit).all()
    assert len(set(right)) > 1
    assert (np.rint(curves_of(trace).accuracy * n) != right).any(), "after the epoch it is another one"
