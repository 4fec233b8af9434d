"""The reference's network of an experiment, and what the experiment gives each of its steps."""

from __future__ import annotations

from collections.abc import Iterator

from comparisons.experiment import Experiment
from reference.alphabet import Array
from reference.article import network
from reference.network import Network
from reference.running import batches_given


def network_of(experiment: Experiment) -> Network:
    """The article's equations for this experiment, in the textbook's form."""
    optimizer = experiment.optimizer.model_dump(exclude={"kind", "learning_rate"})
    decay = None if experiment.decay.kind == "none" else (experiment.decay.kind, experiment.decay.rate)
    return network(
        experiment.sizes,
        experiment.activations,
        experiment.loss,
        experiment.optimizer.kind,
        decay,
        **optimizer,
    )


def given_by(experiment: Experiment) -> Iterator[dict[str, Array]]:
    """What each step is given: A[0], Y, t and alpha."""
    return batches_given(experiment.batches(), experiment.learning_rates())


def batches_of(experiment: Experiment, network: Network) -> Iterator:
    """The experiment's batches, as the network in its form takes them."""
    batches = experiment.batches()
    return network.batches(batches) if network.batches else batches


class Onward(Iterator):
    """Goes through items in their order, and passes over some when it is told which one comes next."""

    def __init__(self, items: Iterator) -> None:
        self.items, self.at, self.following = items, 0, 0

    def next_is(self, number: int) -> None:
        """The next one is that of this number, counted from 0; those that lie before it are passed over."""
        self.following = number

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> object:
        while self.at < self.following:
            next(self.items)
            self.at += 1
        self.at, self.following = self.at + 1, self.at + 1
        return next(self.items)
