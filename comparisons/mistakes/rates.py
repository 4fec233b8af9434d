"""Another learning rate than the experiment's, in whatever equation it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from comparisons.experiment import Experiment
from comparisons.mistakes.known import Only, variant
from reference.alphabet import Array
from reference.forms import Change, Form
from reference.network import Equation, Group, Network, arguments, now


def negative(alpha: Array) -> Array:
    """−alpha"""
    return -1 * alpha


def doubled(alpha: Array) -> Array:
    """2 alpha"""
    return 2 * alpha


def over_time(alpha: Array, t: Array, *, decay: float) -> Array:
    """alpha/(1 + decay (t − 1))"""
    return alpha / (1 + decay * (t - 1))


@cache
def over_epochs(per_epoch: int, epochs: int) -> Callable[..., Array]:
    """A function that multiplies by a factor after each epoch."""

    def by_epoch(alpha: Array, t: Array, *, factor: float) -> Array:
        """alpha factor^(epochs passed)"""
        return alpha * factor ** sum(1 * (t > per_epoch * k) for k in range(1, epochs))

    return by_epoch


def instead_of_alpha(
    name: str, only: Only, by: Callable[..., Array] = negative, which: str = "", **constants: float
) -> Form:
    """A form in which these equations read another rate, which is made from alpha and perhaps t."""
    reads = {argument: now(argument) for argument in arguments(by)[0]}

    def adds(network: Network) -> Group:
        return Group(shapes={name: ()}, update=(Equation(name, by, reads, constants),))

    return variant(which, Change(only=only, reads={"alpha": lambda _: now(name)}), adds=adds)


def twice(only: Only) -> Form:
    """2 alpha."""
    return instead_of_alpha("twice_alpha", only, doubled)


def decayed(experiment: Experiment, only: Only) -> Iterable[Form]:
    """Falling from step to step, or after each epoch."""
    decay = experiment.optimizer.learning_rate / experiment.epochs
    yield instead_of_alpha("falling_alpha", only, over_time, which="α/(1 + α/epochs (t − 1))", decay=decay)
    if experiment.epochs > 1:
        by = over_epochs(experiment.steps_per_epoch, experiment.epochs)
        for factor in (0.5, 0.9, 0.95, 0.96, 0.99):
            yield instead_of_alpha("falling_alpha", only, by, which=f"times {factor:g} each epoch", factor=factor)
