"""References: an experiment's reference in several sets of forms, each trained once, whoever asks for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from comparisons.composed import given_by, network_of
from comparisons.drift import Drift, Names, Trained, course, drifts_of, flat, names_of, stacks
from comparisons.experiment import Experiment
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.network import Network
from reference.replicas import train_side_by_side
from reference.side_by_side import Runs
from reference.tape import replayed

N_FIRST_STEPS = 100  # in which rounding has not grown yet, so that the forms' own roundings show
N_KEPT = 2**17  # so many numbers of first steps are kept; larger ones are worked out each time


class References:
    """What is known of the reference of an experiment, and of replicas of it, by the forms in which they ran."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.trained = Trained({}, {})
        self._networks: dict[Names, Network] = {}
        self._courses: dict[Names, tuple] = {}
        self._first: dict[tuple, np.ndarray] = {}  # by the course

    def train(self, sets: Iterable[Sequence[Form]], alone: Iterable[Sequence[Form]] = ()) -> None:
        """Train replicas in these sets of forms, and the reference alone in some, all at once; what is known is not."""
        missing = {names_of(forms): forms for forms in map(_ordered, sets)}
        for names in self.trained.drifts:
            missing.pop(names, None)
        others = {names_of(forms): forms for forms in map(_ordered, alone)}
        for names in (*self.trained.curves, *missing):
            others.pop(names, None)
        if missing or others:
            found = drifts_of(self.experiment, list(missing.values()), list(others.values()))
            self.trained.drifts.update(found.drifts)
            self.trained.curves.update(found.curves)

    def drift(self, forms: Sequence[Form]) -> Drift:
        """The replicas in these forms."""
        self.train([forms])
        return self.trained.drifts[names_of(_ordered(forms))]

    def curve(self, forms: Sequence[Form]) -> np.ndarray:
        """The reference's loss on the training set after each epoch, in these forms."""
        self.train([], [forms])
        return self.trained.curves[names_of(_ordered(forms))]

    def learn_first_steps(self, sets: Iterable[Sequence[Form]]) -> None:
        """Train the first steps in all of these sets of forms at once, as far as they are small."""
        missing = {self._course(forms): names_of(_ordered(forms)) for forms in sets}
        networks = {names: self._networks[names] for one, names in missing.items() if one not in self._first}
        for some in stacks(self.experiment, networks, (), 0):
            network = next(iter(some.values()))
            n_numbers = sum(math.prod(network.shape(name, 0)) for name in network.parameters)
            if len(some) == 1 or N_FIRST_STEPS * n_numbers > N_KEPT:
                continue
            runs = [Runs(one) for one in some.values()]
            given = itertools.islice(given_by(self.experiment), N_FIRST_STEPS)
            steps = list(train_side_by_side(runs, self.experiment.initial(), given, {}))
            numbers = flat(steps, network.parameters, len(runs))
            self._first |= {course(one): numbers[:, row] for row, one in enumerate(some.values())}

    def first_steps(self, forms: Sequence[Form]) -> Iterator[np.ndarray]:
        """The reference's parameters side by side after each of its first steps in these forms, (numbers,)."""
        key = self._course(forms)
        if key not in self._first:
            steps = _first_steps(self.experiment, self._networks[names_of(_ordered(forms))])
            first = next(steps)
            if N_FIRST_STEPS * len(first) > N_KEPT:
                return itertools.chain([first], steps)
            self._first[key] = np.array([first, *steps])
        return iter(self._first[key])

    def _course(self, forms: Sequence[Form]) -> tuple:
        """What decides the course of a run in these forms; sets of forms with one course have one reference."""
        names = names_of(_ordered(forms))
        if names not in self._networks:
            self._networks[names] = in_form(network_of(self.experiment), *_ordered(forms))
            self._courses[names] = course(self._networks[names])
        return self._courses[names]


def _first_steps(experiment: Experiment, network: Network) -> Iterator[np.ndarray]:
    given = itertools.islice(given_by(experiment), N_FIRST_STEPS)
    for step in replayed(network, experiment.initial(), given, network.parameters):
        yield flat([step], network.parameters)[0, 0]


def _ordered(forms: Sequence[Form]) -> tuple[Form, ...]:
    """In the order in which they are applied."""
    return tuple(form for form in DIALECTS if form in forms)
