"""train: the NumPy network alone, for a reader who wants to see it learn."""

from __future__ import annotations

from comparisons.composed import network_of
from comparisons.experiment import Experiment
from reference.learned import Learned, learn


def train(experiment: Experiment | None = None) -> Learned:
    """`W, b, history = train(experiment)`: an experiment's network in NumPy, trained; without arguments the article's.

    W and b are {1: array, …} by layer; history has loss, accuracy and test_accuracy after each epoch.
    """
    experiment = Experiment() if experiment is None else experiment
    return learn(network_of(experiment), experiment, experiment.learning_rates())
