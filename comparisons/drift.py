"""Drift: how far correct runs of one experiment part from each other, by rounding alone, and what lies beyond.

Training amplifies rounding, so "how close at epoch 50" has no answer but this one: replicas of the reference in the
same forms and precision, apart by what IEEE 754 leaves open, and their spread over the steps. A run is scored by its
largest distance from the replicas' mean, in spreads, over all steps; each replica is scored alike against the others.
A correct run comes out above all K replicas once in K + 1 times: that is the false-alarm rate, and nothing is picked.
It is advice: a certificate sees faults that drown in drift. Replicas are trained once, memory has a few of their steps
at a time, and what a run is held against later is kept on disk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from comparisons.experiment import Experiment
from comparisons.portions import losses_and_accuracies
from comparisons.precisions import PRECISIONS
from comparisons.series import Series
from reference.forms import Form, in_form
from reference.network import Network
from reference.replicas import train_replicas
from reference.tape import replayed

N_REPLICAS = 32
N_AT_ONCE = 2**17  # so many numbers of replicas are looked at together: some steps, which stay in the cache
SPREAD, SIZE, LOSS_SPREAD, REFERENCE_LOSS = range(4)  # the columns of `Drift.apart`


@dataclass(frozen=True, eq=False)
class Drift:
    """What is known of K replicas of an experiment's reference in some forms, and of the reference itself, unmoved.

    `scores`: each replica's largest distance from the mean of the others, in their spreads, (K,). Of every step, on
    disk: in `means` the mean of the replicas' parameters; in `apart` their spread, the size of their mean, the spread
    of their losses relative to the losses' mean, and the reference's loss. `last_losses` are the replicas' on the last
    batch of each epoch, (K, epochs), and `reference_last_loss` the reference's, (epochs,); `losses_after_epochs` and
    `reference_loss_after_epochs` likewise those on the whole training set.
    """

    precision: str
    forms: tuple[str, ...]
    scores: np.ndarray
    means: Series
    apart: Series
    last_losses: np.ndarray
    reference_last_loss: np.ndarray
    losses_after_epochs: np.ndarray
    reference_loss_after_epochs: np.ndarray

    @property
    def n_replicas(self) -> int:
        return len(self.scores)

    @property
    def false_alarm_rate(self) -> float:
        """How often a correct run scores above all replicas: 1/(K + 1)."""
        return 1 / (self.n_replicas + 1)

    def distances(self, parameters: np.ndarray, first: int = 1) -> np.ndarray:
        """A run's distance from the replicas' mean after each of these steps, from `first` on, in their spreads."""
        last = first + len(parameters) - 1
        apart = self.apart.read(first, last)
        return _distances(
            parameters, self.means.read(first, last), apart[:, SPREAD], apart[:, SIZE], PRECISIONS[self.precision].unit
        )

    def reference_loss(self, first: int, last: int) -> np.ndarray:
        """The reference's loss at these steps, both included."""
        return self.apart.read(first, last)[:, REFERENCE_LOSS]

    @cached_property
    def doublings(self) -> float:
        """How often the parameters' spread doubles in a hundred steps: the least-squares slope of its log₂.

        Convention: sums are rounded once, so that they do not depend on how many steps are read together; sums of all
        steps at once would differ in the last places. Steps whose spread is 0 or not finite tell nothing.
        """
        n = sum(len(steps) for steps, _ in self._seen())
        if n < 2:
            return 0.0
        middle = sum(int(steps.sum()) for steps, _ in self._seen()) / n
        slope = math.fsum(x for steps, logs in self._seen() for x in ((steps - middle) * logs).tolist())
        return 100 * slope / math.fsum(x for steps, _ in self._seen() for x in ((steps - middle) ** 2).tolist())

    def _seen(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The steps whose replicas are apart, and log₂ of their spread relative to the mean's size; some at a time."""
        first = 0
        for apart in self.apart.portions():
            with np.errstate(all="ignore"):
                relative = apart[:, SPREAD] / apart[:, SIZE]
            at = np.flatnonzero((relative > 0) & np.isfinite(relative))
            yield at + first, np.log2(relative[at])
            first += len(apart)

    @cached_property
    def horizon(self) -> float:
        """The step from which free runs tell nothing any more: the losses' spread is as large as the loss.

        Beyond the last step it is where the growth so far would lead; ∞ where the spread does not grow.
        """
        first = 1
        for apart in self.apart.portions():
            if len(lost := np.flatnonzero(apart[:, LOSS_SPREAD] >= 1)):
                return float(lost[0] + first)
            first += len(apart)
        n = self.apart.n_steps
        last = float(self.apart.read(n, n)[0, LOSS_SPREAD])
        if self.doublings <= 0 or last == 0:
            return math.inf
        return n - 100 * math.log2(last) / self.doublings


def drift_of(experiment: Experiment, forms: Sequence[Form], n: int = N_REPLICAS, seed: int = 0) -> Drift:
    """Train the replicas and the reference of an experiment in these forms; what is kept of a step is small.

    Error: ValueError for forms that exclude each other or change nothing; UsageError where the disk is full.
    """
    network = in_form(network_of(experiment), *forms)
    unit, per_epoch = PRECISIONS[experiment.precision].unit, experiment.steps_per_epoch
    n_numbers = sum(math.prod(network.shape(name, 0)) for name in network.parameters)
    scores, means, apart = np.full(n, -np.inf), Series(n_numbers), Series(4)
    last_losses: list[np.ndarray] = []
    after_epochs: list[np.ndarray] = []
    together = zip(replicas_of(experiment, network, n, seed), _reference(experiment, network), strict=True)
    while steps := list(itertools.islice(together, max(1, N_AT_ONCE // (n * n_numbers)))):
        replicas, reference = zip(*steps, strict=True)
        parameters = flat(replicas, network.parameters, n)
        mean = parameters.mean(axis=1)
        spread, size = _spread(parameters, mean), np.sqrt((mean**2).sum(axis=1))
        losses = np.stack([step["J"][:, 0, 0] for step in replicas]).astype(np.float64)
        loss = np.array([step["J"].item() for step in reference])
        begin = means.n_steps
        scores = np.maximum(scores, _largest_distances(parameters, unit))
        means.add(mean)
        apart.add(np.stack([spread, size, losses.std(axis=1) / np.abs(losses.mean(axis=1)), loss], axis=1))
        if ends := [at for at in range(len(steps)) if (begin + at + 1) % per_epoch == 0]:
            last_losses.append(np.concatenate([losses[ends], loss[ends, None]], axis=1))
            after = [_losses(experiment, [runs[at] for at in ends]) for runs in (replicas, reference)]
            after_epochs.append(np.concatenate(after, axis=1))
    on_last_batches, on_all = np.concatenate(last_losses), np.concatenate(after_epochs)
    return Drift(
        precision=experiment.precision,
        forms=tuple(form.name for form in forms),
        scores=scores,
        means=means,
        apart=apart,
        last_losses=on_last_batches[:, :n].T,
        reference_last_loss=on_last_batches[:, n],
        losses_after_epochs=on_all[:, :n].T,
        reference_loss_after_epochs=on_all[:, n],
    )


def replicas_of(experiment: Experiment, network: Network, n: int, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """The loss and the parameters of n replicas after each step, (n, …) each, in the network's forms."""
    accuracy = {name: getattr(row, experiment.precision) for name, row in ACCURACY.items()}
    return train_replicas(network, experiment.initial(), given_by(experiment), n, accuracy, seed)


def _reference(experiment: Experiment, network: Network) -> Iterator[dict[str, np.ndarray]]:
    """The same of the reference, a stack of one."""
    for step in replayed(network, experiment.initial(), given_by(experiment), ("J", *network.parameters)):
        yield {name: value[None].copy() for name, value in step.items()}


def _largest_distances(parameters: np.ndarray, unit: float) -> np.ndarray:
    """Each replica's largest distance, in these steps, from the mean of the others, in their spreads, (K,)."""
    total, n = parameters.sum(axis=1), parameters.shape[1]
    found = []
    for number in range(n):
        others = np.delete(parameters, number, axis=1)
        mean = (total - parameters[:, number]) / (n - 1)
        spread, size = _spread(others, mean), np.sqrt((mean**2).sum(axis=1))
        found.append(_distances(parameters[:, number], mean, spread, size, unit).max())
    return np.array(found)


def _distances(run: np.ndarray, mean: np.ndarray, spread: np.ndarray, size: np.ndarray, unit: float) -> np.ndarray:
    """|run − mean| over the others' spread after each step; the latter is at least one rounding of the mean."""
    return np.asarray(np.sqrt(((run - mean) ** 2).sum(axis=1)) / np.maximum(spread, unit * size))


def _spread(parameters: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The root mean square distance of several runs from their mean after each step, (steps,)."""
    return np.asarray(np.sqrt(((parameters - mean[:, None]) ** 2).sum(axis=2).mean(axis=1)))


def _losses(experiment: Experiment, ends: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The losses of several runs on the training set after some epochs, (epochs, runs), as `curves` has a trace's."""
    network = network_of(experiment)
    weights = {name: np.concatenate([end[name] for end in ends]) for name in network.parameters}
    return losses_and_accuracies(network, weights, *experiment.train_set())[0].reshape(len(ends), -1)


def flat(steps: Sequence[Mapping[str, np.ndarray]], names: Sequence[str], n: int = 1) -> np.ndarray:
    """All parameters side by side in float64, (steps, n, numbers)."""
    columns = [np.stack([step[name] for step in steps]).reshape(len(steps), n, -1) for name in names]
    return np.concatenate(columns, axis=2).astype(np.float64)
