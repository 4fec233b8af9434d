"""What a wrong twin takes for the experiment that it was asked to train."""

import numpy as np

from comparisons.experiment import Coupled, Decoupled


class Another:
    """The experiment, but for some of its fields or methods."""

    def __init__(self, experiment, **changes):
        self._experiment = experiment
        vars(self).update(changes)

    def __getattr__(self, name):
        return getattr(self._experiment, name)


def wrong(experiment):
    """With coupled decay where decoupled was asked for, and the other way round; without decay, with no schedule.

    Of gradient descent the two decays are the same but for rounding, α (dW + λ W) = α dW + α λ W: it gets half a decay.
    """
    decay, optimizer = experiment.decay, experiment.optimizer
    if decay.kind == "none":
        return Another(experiment, learning_rates=lambda: np.full(experiment.n_steps, optimizer.learning_rate))
    if optimizer.kind == "gradient-descent":
        return Another(experiment, decay=type(decay)(rate=decay.rate / 2))
    return Another(experiment, decay={"coupled": Decoupled, "decoupled": Coupled}[decay.kind](rate=decay.rate))
