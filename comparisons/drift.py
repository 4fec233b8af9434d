"""Drift: how far correct runs of one experiment part from each other, by rounding alone, and what lies beyond.

Training amplifies rounding, so "how close at epoch 50" has no answer but this one: replicas of the reference in the
same forms and precision, apart by what IEEE 754 leaves open, and their spread over the steps. A run is scored by its
largest distance from the replicas' mean, in spreads, over all steps; each replica is scored alike against the others.
A correct run comes out above all K replicas once in K + 1 times: that is the false-alarm rate, and nothing is picked.
It is advice: a certificate sees faults that drown in drift.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from comparisons.experiment import Experiment
from comparisons.precisions import PRECISIONS
from reference.forms import Form, in_form
from reference.learned import loss_and_accuracy
from reference.replicas import train_replicas
from reference.tape import replayed

N_REPLICAS = 32


@dataclass(frozen=True, eq=False)
class Drift:
    """Replicas of an experiment's reference in some forms: their parameters (steps, K, n) and losses (steps, K).

    `reference` is the reference itself in these forms, unmoved: its parameters (steps, n) and loss (steps,).
    `losses_after_epochs` are the replicas' on the whole training set, (K, epochs), and
    `reference_loss_after_epochs` the reference's, (epochs,).
    """

    precision: str
    forms: tuple[str, ...]
    parameters: np.ndarray
    losses: np.ndarray
    reference: np.ndarray
    reference_loss: np.ndarray
    losses_after_epochs: np.ndarray
    reference_loss_after_epochs: np.ndarray

    @property
    def n_replicas(self) -> int:
        return self.losses.shape[1]

    @property
    def false_alarm_rate(self) -> float:
        """How often a correct run scores above all replicas: 1/(K + 1)."""
        return 1 / (self.n_replicas + 1)

    @cached_property
    def scores(self) -> np.ndarray:
        """Each replica's largest distance from the mean of the others, in their spreads, (K,)."""
        total = self.parameters.sum(axis=1)
        found = []
        for number in range(self.n_replicas):
            others = np.delete(self.parameters, number, axis=1)
            mean = (total - self.parameters[:, number]) / (self.n_replicas - 1)
            found.append(self._distances(self.parameters[:, number], mean, others).max())
        return np.array(found)

    def distances(self, parameters: np.ndarray) -> np.ndarray:
        """A run's distance from the replicas' mean after each step, in their spreads, (steps,)."""
        return self._distances(parameters, self.parameters.mean(axis=1), self.parameters)

    def _distances(self, run: np.ndarray, mean: np.ndarray, others: np.ndarray) -> np.ndarray:
        """|run − mean| over the others' root mean square distance; the latter is at least one rounding of the mean."""
        spread = np.sqrt(((others - mean[:, None]) ** 2).sum(axis=2).mean(axis=1))
        rounding = PRECISIONS[self.precision].unit * np.sqrt((mean**2).sum(axis=1))
        return np.sqrt(((run - mean) ** 2).sum(axis=1)) / np.maximum(spread, rounding)

    @cached_property
    def spread(self) -> np.ndarray:
        """The replicas' spread after each step, relative to their mean's size, (steps,)."""
        mean = self.parameters.mean(axis=1)
        spread = np.sqrt(((self.parameters - mean[:, None]) ** 2).sum(axis=2).mean(axis=1))
        return spread / np.sqrt((mean**2).sum(axis=1))

    @cached_property
    def loss_spread(self) -> np.ndarray:
        """The spread of the replicas' losses, relative to their mean, (steps,)."""
        return self.losses.std(axis=1) / np.abs(self.losses.mean(axis=1))

    @cached_property
    def doublings(self) -> float:
        """How often the parameters' spread doubles in a hundred steps: the least-squares slope of its log₂."""
        seen = self.spread > 0
        if seen.sum() < 2:
            return 0.0
        steps = np.flatnonzero(seen)
        centred = steps - steps.mean()
        slope = (centred * np.log2(self.spread[seen])).sum() / (centred**2).sum()
        return float(100 * slope)

    @cached_property
    def horizon(self) -> float:
        """The step from which free runs tell nothing any more: the losses' spread is as large as the loss.

        Beyond the last step it is where the growth so far would lead; ∞ where the spread does not grow.
        """
        lost = np.flatnonzero(self.loss_spread >= 1)
        if len(lost):
            return float(lost[0] + 1)
        last = self.loss_spread[-1]
        if self.doublings <= 0 or last == 0:
            return math.inf
        return len(self.loss_spread) - 100 * math.log2(last) / self.doublings


def drift_of(experiment: Experiment, forms: Sequence[Form], n: int = N_REPLICAS, seed: int = 0) -> Drift:
    """Train the replicas and the reference of an experiment in these forms.

    Error: ValueError for forms that exclude each other or change nothing.
    """
    network = in_form(network_of(experiment), *forms)
    accuracy = {name: getattr(row, experiment.precision) for name, row in ACCURACY.items()}
    replicas = list(train_replicas(network, experiment.initial(), given_by(experiment), n, accuracy, seed))
    at_ends = slice(experiment.steps_per_epoch - 1, None, experiment.steps_per_epoch)
    steps = replayed(network, experiment.initial(), given_by(experiment), ("J", *network.parameters))
    reference = [{name: value.copy() for name, value in step.items()} for step in steps]
    alone = [{name: step[name][None] for name in network.parameters} for step in reference[at_ends]]
    return Drift(
        precision=experiment.precision,
        forms=tuple(form.name for form in forms),
        parameters=flat([step for step in replicas], network.parameters, n),
        losses=np.stack([step["J"][:, 0, 0] for step in replicas]).astype(np.float64),
        reference=flat(reference, network.parameters)[:, 0],
        reference_loss=np.array([step["J"].item() for step in reference]),
        losses_after_epochs=np.stack([_losses(experiment, replicas[at_ends], number) for number in range(n)]),
        reference_loss_after_epochs=_losses(experiment, alone, 0),
    )


def _losses(experiment: Experiment, ends: Sequence[Mapping[str, np.ndarray]], number: int) -> np.ndarray:
    """One replica's loss on the training set after each epoch, (epochs,), as `curves` has an implementation's."""
    network = network_of(experiment)
    weights = {name: np.stack([end[name][number] for end in ends]) for name in network.parameters}
    return loss_and_accuracy(network, weights, *experiment.train_set())[0].astype(np.float64)


def flat(steps: Sequence[Mapping[str, np.ndarray]], names: Sequence[str], n: int = 1) -> np.ndarray:
    """All parameters side by side in float64, (steps, n, numbers)."""
    columns = [np.stack([step[name] for step in steps]).reshape(len(steps), n, -1) for name in names]
    return np.concatenate(columns, axis=2).astype(np.float64)
