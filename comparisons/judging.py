"""Judging: every shown quantity of every step against its equation, on the implementation's own values.

The network's list runs on balls: shown quantities enter as they were recorded, hidden ones stay the balls that their
equations gave, and no code knows which is which. Equations are evaluated for all steps at once, stacked by batch size
where they have an entry per example, and step after step only where hidden quantities feed each other through time.

What an equation judges depends on nothing but the equation and the hidden quantities behind it, so outcomes are kept:
trying another form judges only what that form changes.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from comparisons.balls import Ball
from comparisons.certificate import Row
from comparisons.components import DATA, are_alike, hidden_behind
from comparisons.composed import batches_of
from comparisons.plans import Component, Plans, is_by_size
from comparisons.precisions import FLOAT64, PRECISIONS, Precision
from comparisons.rows import Piece, row_of
from comparisons.stacks import Stacks, concatenated, from_then_on, side_by_side
from comparisons.tallies import Tally
from comparisons.trace import Trace
from reference.network import Equation, Network, Ref, now
from reference.running import evaluate

N_REMEMBERED = 16  # of what was broken: more would take as long to compare as to judge

Pieces = tuple[str, list[Piece], np.ndarray | None]  # of a quantity, and what it was before each step if it is carried


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a component gave: the rows of its shown quantities and the balls of its hidden ones."""

    rows: dict[str, Row]
    hidden: dict[str, Stacks]


@dataclass(frozen=True, eq=False)
class Carried:
    """What one part of a trace leaves for the next: the last balls of what is hidden, by name, of peers by all names.

    For the part itself: `tallies` to count in, by quantity, and `batches`, the experiment's from its first step on.
    """

    balls: dict[str, Ball] = field(default_factory=dict)
    peers: dict[tuple[str, ...], Ball] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    batches: Iterator | None = None


class Judging:
    """Judges one trace under any forms; `network` is the textbook's, or one in forms, of the same experiment.

    Carried: what the part before this one has left. Plans: those of the whole trace where this is a part of it.
    """

    def __init__(
        self, trace: Trace, precision: Precision | None = None, carried: Carried | None = None,
        plans: Plans | None = None,
    ) -> None:  # fmt: skip
        self.trace = trace
        self.carried = carried or Carried()
        self.left = Carried()
        self.precision = precision or PRECISIONS[trace.precision]
        self.steps = {int(m): trace.steps_of(int(m)) for m in np.unique(trace.sizes)}
        self.shown = {name: self._recorded(name) for name in trace.shown}
        self._known_given: dict[Any, dict[str, Stacks]] = {}
        self._kept: dict[tuple, Outcome] = {}
        self.plans = plans or Plans(trace.shown)
        self._known_data: dict[Any, list[Row]] = {}
        self._broke: deque[tuple[tuple[str, ...], Network]] = deque(maxlen=N_REMEMBERED)

    def outcome(self, network: Network, component: Component, hidden: dict[str, Stacks]) -> Outcome:
        """What a component gives, kept; its hidden quantities join the others."""
        if component.key not in self._kept:
            self._kept[component.key] = self._judge(network, component, hidden)
        hidden |= self._kept[component.key].hidden
        return self._kept[component.key]

    def rows(self, network: Network) -> Iterator[Row]:
        """The rows of all shown quantities, in an order in which what is hidden comes before what it explains."""
        if not self.trace.n_steps:
            return
        if network.batches not in self._known_data:
            self._known_data[network.batches] = list(self.given_rows(network))
        yield from self._known_data[network.batches]
        for outcome in self._outcomes(network):
            yield from outcome.rows.values()

    def given_rows(self, network: Network) -> Iterator[Row]:
        """The rows of examples and labels, which are the experiment's."""
        for name in self._given_shown():
            pieces = self._against_experiment(network, name)
            yield row_of(name, f"{name} is the experiment's", pieces, self.trace, tally=self.carried.tallies.get(name))

    def is_broken(self, network: Network) -> bool:
        """Whether any quantity is broken; what was broken before and is judged alike is so again."""
        if self.is_broken_as_before(network):
            return True
        found = next((row.quantity for row in self.rows(network) if row.first_broken is not None), None)
        if found is not None:
            self._broke.appendleft(((found, *hidden_behind(found, network, self.shown)), network))
        return found is not None

    def is_broken_as_before(self, network: Network) -> bool:
        """Whether a quantity that was broken under another network is judged alike under this one."""
        for found in self._broke:
            if are_alike(*found, network):
                self._broke.remove(found)
                self._broke.appendleft(found)
                return True
        return False

    def start_rows(self) -> Iterator[Row]:
        """The start values that the implementation showed, against the experiment's."""
        for name, pieces, _ in self.start_pieces():
            yield row_of(name, "the experiment's start value", pieces, self.trace)

    def start_pieces(self) -> Iterator[Pieces]:
        """The start values that the implementation showed, beside the experiment's."""
        if self.trace.start_shown:
            for name, expected in self.trace.experiment.initial().items():
                yield name, [Piece(np.array([-1]), Ball(expected[None]), self.trace.start[name][None])], None

    def all_pieces(self, network: Network) -> Iterator[Pieces]:
        """What `rows` judges, number by number; nothing of it is kept but what it leaves for the next part."""
        if not self.trace.n_steps:
            return
        for name in self._given_shown():
            yield name, self._against_experiment(network, name), None
        hidden: dict[str, Stacks] = {}
        for component in self.plan(network):
            if component.are_peers:
                hidden |= self._scanned(network, component.equations, hidden)
                continue
            for name, pieces in self._pieces(network, component, hidden).items():
                if name in self.trace.shown:
                    yield name, pieces, self._as_it_was(network, name)
                else:
                    hidden[name] = self._hidden(network, component, name, pieces)

    def plan(self, network: Network) -> list[Component]:
        """The components of a network, as this trace is judged under it."""
        return self.plans.of(network)

    def _outcomes(self, network: Network) -> Iterator[Outcome]:
        hidden: dict[str, Stacks] = {}
        for component in self.plan(network):
            yield self.outcome(network, component, hidden)

    def _judge(self, network: Network, component: Component, hidden: Mapping[str, Stacks]) -> Outcome:
        """Evaluate one component on all steps; a cycle step after step."""
        equations = component.equations
        if component.are_peers:
            return Outcome({}, self._scanned(network, equations, hidden))
        pieces = self._pieces(network, component, hidden)
        rows, balls = {}, {}
        for equation in equations:
            name = equation.defines
            if name in self.trace.shown:
                old = self._as_it_was(network, name)
                rows[name] = row_of(name, str(equation), pieces[name], self.trace, old, self.carried.tallies.get(name))
            else:
                balls[name] = self._hidden(network, component, name, pieces[name])
        return Outcome(rows, balls)

    def pieces(self, network: Network, quantity: str) -> list[Piece]:
        """The balls of a shown quantity beside what was recorded, in all steps."""
        hidden: dict[str, Stacks] = {}
        for component in self.plan(network):
            if quantity in {e.defines for e in component.equations}:
                return list(self._pieces(network, component, hidden)[quantity])
            self.outcome(network, component, hidden)
        raise KeyError(quantity)

    def _pieces(self, network: Network, component: Component, hidden: Mapping[str, Stacks]) -> dict[str, list]:
        """For each quantity of a component its balls, beside what was recorded of it if it is shown."""
        equations, is_cycle = component.equations, component.is_cycle
        pieces: dict[str, list] = {e.defines: [] for e in equations}
        defined = frozenset(pieces)
        for m, steps in self._portions(network, equations, is_cycle):
            values: dict[Ref, Ball] = {}
            for equation in equations:
                for ref in equation.reads.values():
                    own = ref.name in defined and ref.name not in self.trace.shown
                    if ref in values or (own and not ref.before):
                        continue
                    last = pieces[ref.name][-1][1] if own and pieces[ref.name] else None
                    values[ref] = last if last is not None else self._value(network, ref, m, steps, hidden)

            def settle(equation: Equation, ball: Ball, m: int = m, steps: np.ndarray = steps) -> Ball:
                name = equation.defines
                if name in self.trace.shown:
                    shown = self._value(network, now(name), m, steps, hidden)
                    pieces[name].append(Piece(steps, ball, shown.mid))
                    return shown
                # A quantity is an array in memory, so that no term of a later equation joins its sum.
                computed = Ball(ball.mid, ball.spread, ball.precision, origin=ball.origin)
                pieces[name].append((steps, computed))
                return computed

            evaluate(equations, values, settle)
        return pieces

    def _scanned(
        self, network: Network, equations: tuple[Equation, ...], hidden: Mapping[str, Stacks]
    ) -> dict[str, Stacks]:
        """Peers, their numbers side by side, step after step."""
        steps, first = np.arange(self.trace.n_steps), equations[0]
        reads = {
            name: [self._value(network, e.reads[name], 0, steps, hidden) for e in equations]
            for name, ref in first.reads.items()
            if not ref.before
        }
        stacks = {name: side_by_side(balls) for name, balls in reads.items()}
        names = tuple(e.defines for e in equations)
        last = self.carried.peers.get(names) or side_by_side([self._start_only(network, name) for name in names])
        own = next(name for name, ref in first.reads.items() if ref.before)
        balls = [last]
        for step in steps:
            with np.errstate(all="ignore"):
                now_read = {name: stack[step : step + 1] for name, stack in stacks.items()}
                last = first.by(**now_read, **{own: last}, **first.constants)
            balls.append(last)
        self.left.peers[names] = last
        mid, radius = np.concatenate([b.mid for b in balls]), np.concatenate([b.radius for b in balls])
        ends = np.cumsum([0, *(int(np.prod(network.shape(e.defines, 0))) for e in equations)])
        return {
            e.defines: {
                0: Ball(
                    mid[:, begin:end].reshape(-1, *network.shape(e.defines, 0)),
                    radius[:, begin:end].reshape(-1, *network.shape(e.defines, 0)),
                    self.precision,
                )
            }
            for e, begin, end in zip(equations, ends[:-1], ends[1:], strict=True)
        }

    def _portions(
        self, network: Network, equations: tuple[Equation, ...], is_cycle: bool
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Which steps are evaluated together, and their batch size (0 where it does not matter)."""
        if is_cycle:
            for step, m in enumerate(self.trace.sizes):
                yield int(m), np.array([step])
        elif is_by_size(network, equations):
            yield from self.steps.items()
        else:
            yield 0, np.arange(self.trace.n_steps)

    def _value(self, network: Network, ref: Ref, m: int, steps: np.ndarray, hidden: Mapping[str, Stacks]) -> Ball:
        """A quantity's ball at these steps: as it was recorded, given or, if hidden, computed."""
        if (
            ref.before
            and ref.name in self.carried.balls
            and ref.name not in hidden
            and steps[0] == 0
            and len(steps) == 1
        ):
            return self.carried.balls[ref.name]
        if ref.name in self.shown:
            stacks = self.shown[ref.name]
        elif ref.name in network.given:
            stacks = self._given(network)[ref.name]
        elif ref.name in hidden:
            stacks = hidden[ref.name]
        elif network.per_example(ref.name):
            return self._as_before_the_first(network, ref.name, m)
        else:
            stacks = {0: self._start_only(network, ref.name)}
        if network.per_example(ref.name):
            stack = stacks[m]
            if ref.before:
                return self._a_step_earlier(network, ref.name, stack, m)[steps]
            return stack if len(steps) == len(self.steps[m]) else stack[np.searchsorted(self.steps[m], steps)]
        stack, at = stacks[0], steps + (0 if ref.before else 1)
        if at[0] == 0 and ref.name in self.shown and ref.name not in self.trace.start:
            stack = from_then_on(self._start_only(network, ref.name), stack[1:])
        if len(at) == self.trace.n_steps:
            return stack[at[0] : at[-1] + 1]
        return stack[at]

    def _as_before_the_first(self, network: Network, name: str, m: int) -> Ball:
        """What a slot with an entry per example holds before step 1."""
        if self.trace.first > 1:
            raise ValueError(f"{name} is hidden, so what it was before step {self.trace.first} is not known")
        return Ball(np.full((1, *network.shape(name, m)), network.start[name]), None, self.precision)

    def _a_step_earlier(self, network: Network, name: str, stack: Ball, m: int) -> Ball:
        """A stack with an entry per example, of the step before each; all batches are of one size."""
        if len(self.steps) > 1:
            raise ValueError(f"{name} of the step before has another number of examples")
        return from_then_on(self._as_before_the_first(network, name, m), stack[:-1])

    def _start_only(self, network: Network, name: str) -> Ball:
        """What a remembered quantity holds before its first step."""
        shape = network.shape(name, 0)
        if name in self.carried.balls:
            return self.carried.balls[name]
        if name in self.trace.start:
            return Ball.recorded(self._rounded(self.trace.start[name]).reshape(1, *shape), self.precision)
        if self.trace.first > 1:
            raise ValueError(f"{name} is hidden, so what it was before step {self.trace.first} is not known")
        return Ball(np.full((1, *shape), network.start[name]), None, self.precision)

    def _recorded(self, name: str) -> Stacks:
        stack = self.trace.shown[name]
        if isinstance(stack, Mapping):
            return {m: Ball.recorded(part, self.precision) for m, part in stack.items()}
        if name in self.trace.start:
            first = self._rounded(self.trace.start[name])
        else:
            first = np.full(stack.shape[1:], self.trace.network.start.get(name, np.nan))
        return {0: Ball.recorded(np.concatenate([first.reshape(1, *stack.shape[1:]), stack]), self.precision)}

    def _given(self, network: Network) -> dict[str, Stacks]:
        """What the experiment gives: examples and labels by batch size, and the scalars of the step in float64."""
        if network.batches not in self._known_given:
            self._known_given[network.batches] = self._computed_given(network)
        return self._known_given[network.batches]

    def _computed_given(self, network: Network) -> dict[str, Stacks]:
        experiment, first, n = self.trace.experiment, self.trace.first, self.trace.n_steps
        batches = self.carried.batches or itertools.islice(batches_of(experiment, network), first - 1, None)
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

    def _hidden(self, network: Network, component: Component, name: str, pieces: list) -> Stacks:
        """The balls of a hidden quantity, of which the last is left for the next part."""
        stacks = self._gathered(network, name, pieces)
        if name in network.remembered and 0 in stacks:
            is_last = component.is_cycle  # which is the very ball that the next step would read
            self.left.balls[name] = pieces[-1][1] if is_last else stacks[0][-1:]
        return stacks

    def _gathered(self, network: Network, name: str, pieces: list) -> Stacks:
        """The balls of a hidden quantity, whole where all its steps were evaluated at once."""
        if network.per_example(name):
            by_size: dict[int, list] = {}
            for steps, ball in pieces:
                by_size.setdefault(ball.shape[-1], []).append((steps, ball))
            return {m: part[0][1] if len(part) == 1 else concatenated(part) for m, part in by_size.items()}
        shape = network.shape(name, 0) or (1, 1)
        first = Ball(np.full((1, *shape), np.nan))
        if name in network.remembered:
            first = self._start_only(network, name)
        mid = np.empty((self.trace.n_steps + 1, *shape))
        radius = np.zeros_like(mid)
        mid[0] = first.mid[0]
        if name in self.carried.balls:
            radius[0] = first.radius[0]
        for steps, ball in pieces:
            mid[steps + 1] = ball.mid
            if ball.spread is not None:
                radius[steps + 1] = ball.spread
        return {0: Ball(mid, radius if radius.any() else None, pieces[0][1].precision)}

    def _given_shown(self) -> list[str]:
        return [name for name in DATA if name in self.trace.shown]

    def _against_experiment(self, network: Network, name: str) -> list[Piece]:
        given = self._given(network)[name]
        return [Piece(self.steps[m], Ball(given[m].mid), self.shown[name][m].mid) for m in self.steps]

    def _as_it_was(self, network: Network, name: str) -> np.ndarray | None:
        """What a carried quantity was before each step."""
        return self.shown[name][0].mid if name in network.remembered else None
