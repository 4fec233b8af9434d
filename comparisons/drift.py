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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from comparisons.experiment import Experiment
from comparisons.portions import losses_and_accuracies
from comparisons.precisions import PRECISIONS
from comparisons.series import Series
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.learned import behind
from reference.network import Network
from reference.replicas import train_replicas, train_side_by_side
from reference.side_by_side import Runs, in_stacks

Names = tuple[str, ...]

N_REPLICAS = 32
N_AT_ONCE = 2**17  # so many numbers of runs are looked at together: some steps, which stay in the cache
N_OF_A_STEP = 2**20  # so many numbers has a step of what is trained side by side; beyond, stacking saves nothing
CANCELS = 2**10  # from so many times smaller on than what it is the difference of, a sum has lost too many digits
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


class Trained(NamedTuple):
    """What came of training in several sets of forms, each known by the names of its forms.

    `curves`: the reference's loss on the training set after each epoch, (epochs,).
    """

    drifts: dict[Names, Drift]
    curves: dict[Names, np.ndarray]


def drift_of(experiment: Experiment, forms: Sequence[Form], n: int = N_REPLICAS, seed: int = 0) -> Drift:
    """Train the replicas and the reference of an experiment in these forms; what is kept of a step is small.

    Error: ValueError for forms that exclude each other or change nothing; UsageError where the disk is full.
    """
    return drifts_of(experiment, [forms], n=n, seed=seed).drifts[names_of(forms)]


def drifts_of(
    experiment: Experiment,
    sets: Iterable[Sequence[Form]],
    alone: Iterable[Sequence[Form]] = (),
    n: int = N_REPLICAS,
    seed: int = 0,
) -> Trained:
    """Train replicas and the reference in each of these sets of forms, and in some the reference `alone`.

    All are trained side by side, as far as a step of them is small; each set comes to what it comes to by itself.
    Error: as `drift_of`.
    """
    textbook = network_of(experiment)
    drifting = {names_of(forms): in_form(textbook, *forms) for forms in sets}
    networks = drifting | {names_of(forms): in_form(textbook, *forms) for forms in alone}
    courses = {names: course(network) for names, network in networks.items()}
    first = {one: names for names, one in reversed(courses.items())}  # who trains the reference for all of one course
    needed = {names: networks[names] for names in networks if names in drifting or first[courses[names]] == names}
    gathered: dict[Names, Gathered] = {}
    for some in stacks(experiment, dict(sorted(needed.items(), key=_in_order)), drifting, n):
        gathered |= _trained(experiment, some, drifting, n, seed)
    drifts = {names: gathered[names].drift(experiment.precision, names) for names in drifting}
    return Trained(drifts, {names: gathered[first[courses[names]]].curve() for names in networks})


def names_of(forms: Iterable[Form]) -> Names:
    """By which a set of forms is known."""
    return tuple(form.name for form in forms)


def course(network: Network) -> tuple:
    """All that decides which parameters a run comes to: the loss does not, where its gradient is another equation."""
    names = [name for name in network.remembered if name in network.by_name]
    return tuple(equation.key for equation in behind(network, names)), tuple(network.start.items())


def _in_order(named: tuple[Names, Network]) -> list[int]:
    """Sets of forms by choice after choice, so that most of those which have an equation in common lie together."""
    choices = dict.fromkeys(form.choice for form in DIALECTS)
    chosen = {form.choice: place for place, form in enumerate(DIALECTS) if form.name in named[0]}
    return [chosen.get(choice, -1) for choice in choices]


def stacks(
    experiment: Experiment, networks: Mapping[Names, Network], drifting: Collection[Names], n: int
) -> Iterator[dict[Names, Network]]:
    """The networks that are trained side by side: of one build, and a step of them no larger than stays in the cache.

    One alone is trained whatever its size.
    """
    names = list(networks)
    for numbers in in_stacks(list(networks.values())):
        some: dict[Names, Network] = {}
        size = 0
        for name in (names[number] for number in numbers):
            own = (n + 1 if name in drifting else 1) * _size(experiment, networks[name])
            if some and size + own > N_OF_A_STEP:
                yield some
                some, size = {}, 0
            some[name] = networks[name]
            size += own
        yield some


def _size(experiment: Experiment, network: Network) -> int:
    """How many numbers a step of one run has."""
    m = min(experiment.batch_size, experiment.data.examples.X.shape[1])
    return sum(math.prod(network.shape(name, m)) for name in network.shapes)


def _trained(
    experiment: Experiment, networks: Mapping[Names, Network], drifting: Collection[Names], n: int, seed: int
) -> dict[Names, Gathered]:
    """Train these side by side, a few steps in memory at a time."""
    runs: list[Runs] = []
    gathered: dict[Names, Gathered] = {}
    for names, network in networks.items():
        begin = sum(one.n for one in runs)
        n_replicas = n if names in drifting else 0
        if n_replicas:
            runs.append(Runs(network, n, are_moved=True))
        runs.append(Runs(network))
        gathered[names] = Gathered(experiment, network, slice(begin, begin + n_replicas))
    n_runs, parameters = sum(one.n for one in runs), runs[0].network.parameters
    n_numbers = sum(math.prod(runs[0].network.shape(name, 0)) for name in parameters)
    accuracy = {name: getattr(row, experiment.precision) for name, row in ACCURACY.items()}
    training = train_side_by_side(runs, experiment.initial(), given_by(experiment), accuracy, seed)
    done, per_epoch = 0, experiment.steps_per_epoch
    while steps := list(itertools.islice(training, max(1, N_AT_ONCE // (n_runs * n_numbers)))):
        ends = [at for at in range(len(steps)) if (done + at + 1) % per_epoch == 0]
        losses = np.stack([step["J"][:, 0, 0] for step in steps]).astype(np.float64)
        after = _losses(experiment, [steps[at] for at in ends]) if ends else None
        numbers = flat(steps, parameters, n_runs)
        for one in gathered.values():
            one.add(numbers, losses, ends, after)
        done += len(steps)
    return gathered


class Gathered:
    """What is kept of the runs in one set of forms while they are trained: `replicas` lie here, the reference behind.

    Without replicas it is the reference's losses after the epochs.
    """

    def __init__(self, experiment: Experiment, network: Network, replicas: slice) -> None:
        self.unit = PRECISIONS[experiment.precision].unit
        self.replicas, self.reference, self.n = replicas, replicas.stop, replicas.stop - replicas.start
        self.scores = np.full(self.n, -np.inf)
        n_numbers = sum(math.prod(network.shape(name, 0)) for name in network.parameters)
        self.means: Series | None = Series(n_numbers) if self.n else None
        self.apart: Series | None = Series(4) if self.n else None
        self.last_losses: list[np.ndarray] = []  # of each portion those of its epochs' ends: (epochs, n + 1)
        self.after_epochs: list[np.ndarray] = []

    def add(self, numbers: np.ndarray, losses: np.ndarray, ends: Sequence[int], after: np.ndarray | None) -> None:
        """The next steps of all runs: parameters, (steps, runs, numbers), losses, (steps, runs), and which of the steps
        end an epoch, with the losses on the training set after these."""
        of_all = slice(self.replicas.start, self.reference + 1)
        if after is not None:
            self.last_losses.append(losses[ends, of_all])
            self.after_epochs.append(after[:, of_all])
        if self.means is None or self.apart is None:
            return
        among = numbers[:, self.replicas]
        total = among.sum(axis=1)
        mean = total / self.n
        spread, largest = spread_and_largest(among, total, mean, self.unit)
        self.scores = np.maximum(self.scores, largest)
        size, of_replicas = np.sqrt((mean**2).sum(axis=1)), losses[:, self.replicas]
        relative = of_replicas.std(axis=1) / np.abs(of_replicas.mean(axis=1))
        self.means.add(mean)
        self.apart.add(np.stack([spread, size, relative, losses[:, self.reference]], axis=1))

    def curve(self) -> np.ndarray:
        """The reference's loss on the training set after each epoch."""
        return np.concatenate(self.after_epochs)[:, self.n]

    def drift(self, precision: str, forms: Names) -> Drift:
        """What is known of the replicas, when all steps were added."""
        assert self.means is not None
        assert self.apart is not None
        on_last_batches, on_all = np.concatenate(self.last_losses), np.concatenate(self.after_epochs)
        return Drift(
            precision=precision,
            forms=forms,
            scores=self.scores,
            means=self.means,
            apart=self.apart,
            last_losses=on_last_batches[:, : self.n].T,
            reference_last_loss=on_last_batches[:, self.n],
            losses_after_epochs=on_all[:, : self.n].T,
            reference_loss_after_epochs=on_all[:, self.n],
        )


def replicas_of(experiment: Experiment, network: Network, n: int, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """The loss and the parameters of n replicas after each step, (n, …) each, in the network's forms."""
    accuracy = {name: getattr(row, experiment.precision) for name, row in ACCURACY.items()}
    return train_replicas(network, experiment.initial(), given_by(experiment), n, accuracy, seed)


def spread_and_largest(
    runs: np.ndarray, total: np.ndarray, mean: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """The runs' spread after each step, (steps,), and each run's largest distance, in these steps, from the mean of the
    others, in their spreads, (runs,).

    Convention: the others' spread is not worked out from all others anew. With d = x − c, where c is the mean of all,
    and g, by how much the mean of the others is off c, Σ|d − g|² over the others is Σ|d|² − 2 g·Σd + (n − 1)|g|², and
    the sums over the others are those over all less what is the one's own. All terms are as large as d, which is small
    and exact, so only their sum can cancel: where it does, because one run is out by far, all others are gone through.
    """
    n = runs.shape[1]
    others = (total[:, None] - runs) / (n - 1)  # the mean of the others
    apart, off = runs - mean[:, None], others - mean[:, None]
    of_each = (apart**2).sum(axis=2)
    left = apart.sum(axis=1)[:, None] - apart  # Σ d over the others
    whole, own = of_each.sum(axis=1)[:, None], (n - 1) * (off**2).sum(axis=2)
    squares = whole - of_each - 2 * (off * left).sum(axis=2) + own
    for step, number in np.argwhere(~(squares * CANCELS > whole + own)):
        squares[step, number] = ((np.delete(runs[step], number, axis=0) - others[step, number]) ** 2).sum()
    spread, size = np.sqrt(squares / (n - 1)), np.sqrt((others**2).sum(axis=2))
    return np.sqrt(of_each.mean(axis=1)), _distances(runs, others, spread, size, unit).max(axis=0)


def _distances(run: np.ndarray, mean: np.ndarray, spread: np.ndarray, size: np.ndarray, unit: float) -> np.ndarray:
    """|run − mean| over the others' spread after each step; the latter is at least one rounding of the mean."""
    return np.asarray(np.sqrt(((run - mean) ** 2).sum(axis=-1)) / np.maximum(spread, unit * size))


def _losses(experiment: Experiment, ends: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The losses of several runs on the training set after some epochs, (epochs, runs), as `curves` has a trace's."""
    network = network_of(experiment)
    weights = {name: np.concatenate([end[name] for end in ends]) for name in network.parameters}
    return losses_and_accuracies(network, weights, *experiment.train_set())[0].reshape(len(ends), -1)


def flat(steps: Sequence[Mapping[str, np.ndarray]], names: Sequence[str], n: int = 1) -> np.ndarray:
    """All parameters side by side in float64, (steps, n, numbers)."""
    columns = [np.stack([step[name] for step in steps]).reshape(len(steps), n, -1) for name in names]
    return np.concatenate(columns, axis=2).astype(np.float64)
