"""Values: what an equation reads at some steps of a trace: as it was recorded, given or, if hidden, computed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from comparisons.balls import Ball
from comparisons.composed import batches_of
from comparisons.plans import Plans
from comparisons.precisions import FLOAT64, Precision
from comparisons.stacks import Portions, Stacks, from_then_on, whole
from comparisons.tallies import Tally
from comparisons.trace import Trace
from reference.network import Network, Ref


@dataclass(frozen=True, eq=False)
class Carried:
    """What one part of a trace leaves for the next: the last balls of what is hidden, of peers of all side by side.

    They are known by the key of the component that computes them, and by name: in other forms they are others.
    For the part itself: `tallies` to count in, likewise, and `batches`, the experiment's from its first step on, by the
    network's way of taking them.
    """

    balls: dict[tuple, Ball] = field(default_factory=dict)
    peers: dict[tuple, Ball] = field(default_factory=dict)
    tallies: dict[tuple, Tally] = field(default_factory=dict)
    batches: dict[Any, Iterator] = field(default_factory=dict)


class Values:
    """The values of one trace, in the precision in which it is judged."""

    def __init__(self, trace: Trace, precision: Precision, plans: Plans, carried: Carried) -> None:
        self.trace, self.precision, self.plans, self.carried = trace, precision, plans, carried
        self.steps = {int(m): trace.steps_of(int(m)) for m in np.unique(trace.sizes)}
        self._known_given: dict[Any, dict[str, dict[int, Ball]]] = {}

    def of(self, network: Network, ref: Ref, m: int, steps: np.ndarray, hidden: Mapping[str, Stacks]) -> Ball:
        """A quantity's ball at these steps, consecutive ones of those with m examples, or of all where m is 0."""
        name = ref.name
        if ref.before and name not in self.trace.shown and name not in hidden and len(steps) == 1 and steps[0] == 0:
            carried = self.carried_over(network, name)
            if carried is not None:
                return carried
        if network.per_example(name):
            return self._with_examples(network, ref, m, steps, hidden)
        if name in self.trace.shown:
            return self._shown(network, ref, steps)
        if name in network.given:
            stack: Ball | Portions = self.given(network)[name][0]
        else:
            stack = hidden[name][0] if name in hidden else self.start_only(network, name)
        return whole(stack)[_range(steps + (not ref.before))]

    def given(self, network: Network) -> dict[str, dict[int, Ball]]:
        """What the experiment gives: examples and labels by batch size, and the scalars of the step in float64."""
        if network.batches not in self._known_given:
            self._known_given[network.batches] = self._computed_given(network)
        return self._known_given[network.batches]

    def start_only(self, network: Network, name: str) -> Ball:
        """What a remembered quantity holds before its first step."""
        shape = network.shape(name, 0)
        carried = self.carried_over(network, name)
        if carried is not None:
            return carried
        if name in self.trace.start:
            return Ball.recorded(self._rounded(self.trace.start[name]).reshape(1, *shape), self.precision)
        if self.trace.first > 1:
            raise ValueError(f"{name} is hidden, so what it was before step {self.trace.first} is not known")
        return Ball(np.full((1, *shape), network.start[name]), None, self.precision)

    def carried_over(self, network: Network, name: str) -> Ball | None:
        """What the part before this one has left of a hidden quantity; None where there is none."""
        return self.carried.balls.get((self.plans.key_of(network, name), name)) if self.carried.balls else None

    def as_it_was(self, name: str) -> AsItWas:
        """What a shown quantity was before each step."""
        start = self.trace.network.start.get(name, np.nan)
        stack = self.trace.shown[name]
        first = self._rounded(self.trace.start[name]) if name in self.trace.start else np.asarray(start)
        return AsItWas(first, np.asarray(stack))

    def _shown(self, network: Network, ref: Ref, steps: np.ndarray) -> Ball:
        """A shown quantity at these steps, or as the step before each left it."""
        name, stack = ref.name, np.asarray(self.trace.shown[ref.name])
        if not ref.before or steps[0]:
            return Ball.recorded(stack[_range(steps - ref.before)], self.precision)
        first = Ball(np.full(stack.shape[1:], np.nan), None, self.precision)
        if name in network.remembered or name in self.trace.start:
            first = self.start_only(network, name)
        return from_then_on(first, Ball.recorded(stack[steps[1:] - 1], self.precision))

    def _with_examples(
        self, network: Network, ref: Ref, m: int, steps: np.ndarray, hidden: Mapping[str, Stacks]
    ) -> Ball:
        name, places = ref.name, self.places(m, steps)
        if name not in self.trace.shown and name not in network.given and name not in hidden:
            return self._as_before_the_first(network, name, m)
        if ref.before:
            return self._a_step_earlier(network, name, m, hidden)[places]
        if name in self.trace.shown:
            return Ball.recorded(self.trace.shown[name][m][places], self.precision)
        stack = self.given(network)[name][m] if name in network.given else hidden[name][m]
        return stack.part(places.start, len(steps)) if isinstance(stack, Portions) else stack[places]

    def places(self, m: int, steps: np.ndarray) -> slice:
        """Where these steps are among those with m examples."""
        begin = int(np.searchsorted(self.steps[m], steps[0]))
        return slice(begin, begin + len(steps))

    def _as_before_the_first(self, network: Network, name: str, m: int) -> Ball:
        """What a slot with an entry per example holds before step 1."""
        if self.trace.first > 1:
            raise ValueError(f"{name} is hidden, so what it was before step {self.trace.first} is not known")
        return Ball(np.full((1, *network.shape(name, m)), network.start[name]), None, self.precision)

    def _a_step_earlier(self, network: Network, name: str, m: int, hidden: Mapping[str, Stacks]) -> Ball:
        """A stack with an entry per example, of the step before each; all batches are of one size."""
        if len(self.steps) > 1:
            raise ValueError(f"{name} of the step before has another number of examples")
        if name in self.trace.shown:
            stack = Ball.recorded(self.trace.shown[name][m], self.precision)
        else:
            stack = whole(self.given(network)[name][m] if name in network.given else hidden[name][m])
        return from_then_on(self._as_before_the_first(network, name, m), stack[:-1])

    def _computed_given(self, network: Network) -> dict[str, dict[int, Ball]]:
        experiment, first, n = self.trace.experiment, self.trace.first, self.trace.n_steps
        batches = self.carried.batches.get(network.batches)
        if batches is None:
            batches = itertools.islice(batches_of(experiment, network), first - 1, None)
        xs: dict[int, list] = {m: [] for m in self.steps}
        ys: dict[int, list] = {m: [] for m in self.steps}
        for X, Y in itertools.islice(batches, n):
            xs[X.shape[1]].append(X)
            ys[X.shape[1]].append(Y)
        t = np.arange(first - 1, first + n, dtype=np.float64).reshape(-1, 1, 1)
        rates = experiment.learning_rates()
        alpha = np.concatenate([rates[:1], rates])[first - 1 : first + n].reshape(-1, 1, 1)
        return {
            "A[0]": {m: Ball.recorded(self._rounded(np.stack(x)), self.precision) for m, x in xs.items()},
            "Y": {m: Ball.recorded(self._rounded(np.stack(y)), self.precision) for m, y in ys.items()},
            "t": {0: Ball(t, None, FLOAT64)},
            "alpha": {0: Ball(alpha, None, FLOAT64)},
        }

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        """What is given in the trace's precision, in the one that it is judged in."""
        return values if self.precision.name == self.trace.precision else self.precision.rounded(values)


@dataclass(frozen=True, eq=False)
class AsItWas:
    """What a quantity was before each step: at first `first`, and then what the step before left, in float64."""

    first: np.ndarray
    stack: np.ndarray

    def __getitem__(self, steps: np.ndarray) -> np.ndarray:
        if steps[0]:
            return np.asarray(self.stack[_range(steps - 1)], np.float64)
        rest = self.stack[steps[1:] - 1]
        return np.concatenate([np.broadcast_to(self.first, (1, *self.stack.shape[1:])), rest]).astype(np.float64)


def _range(places: np.ndarray) -> slice | np.ndarray:
    """The places as a slice, which copies nothing, where nothing lies between them."""
    begin, end = int(places[0]), int(places[-1]) + 1
    return slice(begin, end) if end - begin == len(places) else places
