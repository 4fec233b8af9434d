"""Judging: every shown quantity of every step against its equation, on the implementation's own values.

The network's list runs on balls: shown quantities enter as they were recorded, hidden ones stay the balls that their
equations gave, and no code knows which is which. Equations are evaluated for many steps at once, stacked by batch size
where they have an entry per example, and step after step only where hidden quantities feed each other through time.

What an equation judges depends on nothing but the equation and the hidden quantities behind it, so outcomes are kept:
trying another form judges only what that form changes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.balls import Ball, in_memory
from comparisons.certificate import Row
from comparisons.components import DATA, are_alike, hidden_behind
from comparisons.plans import Component, Plans, is_by_size
from comparisons.precisions import PRECISIONS, Precision
from comparisons.rows import Old, Piece, RowSoFar, row_of
from comparisons.scans import requests, scanned, together
from comparisons.stacks import Portions, Stacks, whole
from comparisons.trace import Trace
from comparisons.values import Carried, Values
from reference.network import Equation, Network, Ref, now
from reference.running import evaluate

PORTION = 2**16  # numbers of a quantity that are evaluated together: they stay in the cache
GIVEN = "given"  # the tally of a quantity that is given
N_REMEMBERED = 16  # of what was broken: more would take as long to compare as to judge

Pieces = tuple[str, list[Piece], Old | None]  # of a quantity, and what it was before each step if it is carried


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a component gave: the rows of its shown quantities and the balls of its hidden ones."""

    rows: dict[str, Row]
    hidden: dict[str, Stacks]


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
        self.plans = plans or Plans(trace.shown)
        self.values = Values(trace, self.precision, self.plans, self.carried)
        self.steps = self.values.steps
        widest = {m: max(math.prod(trace.network.shape(n, m)) for n in trace.network.shapes) for m in (0, *self.steps)}
        self.n_at_once = {m: max(1, PORTION // n) for m, n in widest.items()}
        self._kept: dict[tuple, Outcome] = {}
        self._known_data: dict[Any, list[Row]] = {}
        self._broke: deque[tuple[tuple[str, ...], Network]] = deque(maxlen=N_REMEMBERED)

    def outcome(self, network: Network, component: Component, hidden: dict[str, Stacks]) -> Outcome:
        """What a component gives, kept; its hidden quantities join the others."""
        if component.key not in self._kept:
            self._kept[component.key] = self._judge(network, component, hidden)
        hidden |= self._kept[component.key].hidden
        return self._kept[component.key]

    def knows(self, component: Component) -> bool:
        """Whether the outcome of a component is kept."""
        return component.key in self._kept

    def keep(self, found: Mapping[tuple, tuple[dict[str, Stacks], Ball]]) -> None:
        """Keep what a scan of peers gave, by the components' keys."""
        for key, (hidden, last) in found.items():
            self._kept[key] = Outcome({}, hidden)
            self.left.peers[key] = last

    def forget(self, component: Component) -> None:
        """Let go of an outcome that nothing needs any more."""
        self._kept.pop(component.key, None)

    def prepare(self, networks: Iterable[Network]) -> None:
        """Judge under several networks at once, each as far as the first component that is broken."""
        plans = [(network, self.plan(network)) for network in networks if self.trace.n_steps]
        for _ in together(self, plans, lambda outcome: any(r.first_broken is not None for r in outcome.rows.values())):
            pass

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
            tally = self.carried.tallies.get((GIVEN, network.batches, name))
            yield row_of(name, f"{name} is the experiment's", pieces, self.trace, tally=tally)

    def is_broken(self, network: Network) -> bool:
        """Whether any quantity is broken; what was broken before and is judged alike is so again."""
        if self.is_broken_as_before(network):
            return True
        found = next((row.quantity for row in self.rows(network) if row.first_broken is not None), None)
        if found is not None:
            self._broke.appendleft(((found, *hidden_behind(found, network, self.trace.shown)), network))
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
        for at, component in enumerate(self.plan(network)):
            self._scan(network, at, hidden)
            if component.are_peers:
                self.outcome(network, component, hidden)
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
        for at, component in enumerate(self.plan(network)):
            self._scan(network, at, hidden)
            yield self.outcome(network, component, hidden)

    def _scan(self, network: Network, at: int, hidden: Mapping[str, Stacks]) -> None:
        """Scan the component at this place of the plan, if it is peers, and those after it that can be scanned too."""
        plan = self.plan(network)
        if plan[at].are_peers and not self.knows(plan[at]):
            self.keep(scanned(self, requests(self, network, plan[at:], hidden)))

    def _judge(self, network: Network, component: Component, hidden: Mapping[str, Stacks]) -> Outcome:
        """Evaluate one component on all steps; a cycle step after step."""
        equations = component.equations
        rows = {
            e.defines: RowSoFar(e.defines, str(e), self.trace, self.carried.tallies.get((component.key, e.defines)))
            for e in equations
            if e.defines in self.trace.shown
        }
        old = {name: self._as_it_was(network, name) for name in rows}
        found: dict[str, list] = {e.defines: [] for e in equations if e.defines not in rows}
        for portion in self._by_portion(network, component, hidden):
            for name, piece in portion.items():
                if name in rows:
                    rows[name].add(piece, old[name])
                else:
                    found[name].append(piece)
        balls = {name: self._hidden(network, component, name, pieces) for name, pieces in found.items()}
        return Outcome({name: row.row() for name, row in rows.items()}, balls)

    def pieces(self, network: Network, quantity: str) -> list[Piece]:
        """The balls of a shown quantity beside what was recorded, in all steps."""
        hidden: dict[str, Stacks] = {}
        for at, component in enumerate(self.plan(network)):
            if quantity in {e.defines for e in component.equations}:
                return list(self._pieces(network, component, hidden)[quantity])
            self._scan(network, at, hidden)
            self.outcome(network, component, hidden)
        raise KeyError(quantity)

    def _pieces(self, network: Network, component: Component, hidden: Mapping[str, Stacks]) -> dict[str, list]:
        """For each quantity of a component its balls, beside what was recorded of it if it is shown."""
        pieces: dict[str, list] = {e.defines: [] for e in component.equations}
        for portion in self._by_portion(network, component, hidden):
            for name, piece in portion.items():
                pieces[name].append(piece)
        return pieces

    def _by_portion(
        self, network: Network, component: Component, hidden: Mapping[str, Stacks]
    ) -> Iterator[dict[str, Any]]:
        """The pieces of a component's quantities, some steps at a time; of a hidden one its steps and its ball."""
        equations, is_cycle = component.equations, component.is_cycle
        defined = frozenset(e.defines for e in equations)
        last: dict[str, Any] = {}
        for m, steps in self._portions(network, equations, is_cycle):
            values: dict[Ref, Ball] = {}
            for equation in equations:
                for ref in equation.reads.values():
                    own = ref.name in defined and ref.name not in self.trace.shown
                    if ref in values or (own and not ref.before):
                        continue
                    is_known = own and ref.name in last
                    values[ref] = last[ref.name][1] if is_known else self.values.of(network, ref, m, steps, hidden)
            pieces: dict[str, Any] = {}

            def settle(
                equation: Equation, ball: Ball, m: int = m, steps: np.ndarray = steps, pieces: dict = pieces
            ) -> Ball:
                name = equation.defines
                if name in self.trace.shown:
                    shown = self.values.of(network, now(name), m, steps, hidden)
                    pieces[name] = Piece(steps, ball, shown.mid)
                    return shown
                pieces[name] = (steps, computed := in_memory(ball))
                return computed

            evaluate(equations, values, settle)
            yield pieces
            last = pieces

    def _portions(
        self, network: Network, equations: tuple[Equation, ...], is_cycle: bool
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Which steps are evaluated together, and their batch size (0 where it does not matter)."""
        if is_cycle:
            for step, m in enumerate(self.trace.sizes):
                yield int(m), np.array([step])
        else:
            is_stacked = is_by_size(network, equations)
            yield from self._by_size(self.steps if is_stacked else {0: np.arange(self.trace.n_steps)})

    def _by_size(self, steps: Mapping[int, np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        """As many steps of a size at a time as are evaluated together."""
        for m, places in steps.items():
            for begin in range(0, len(places), n := self.n_at_once[m]):
                yield m, places[begin : begin + n]

    def _hidden(self, network: Network, component: Component, name: str, pieces: list) -> Stacks:
        """The balls of a hidden quantity, of which the last is left for the next part."""
        stacks = self._gathered(network, name, pieces)
        if name in network.remembered and 0 in stacks:
            is_last = component.is_cycle  # which is the very ball that the next step would read
            self.left.balls[component.key, name] = pieces[-1][1] if is_last else whole(stacks[0])[-1:]
        return stacks

    def _gathered(self, network: Network, name: str, pieces: list) -> Stacks:
        """The balls of a hidden quantity of all steps."""
        if network.per_example(name):
            by_size: dict[int, Ball | Portions] = {}
            for _, ball in pieces:
                by_size.setdefault(ball.shape[-1], Portions()).add(ball)  # type: ignore[union-attr]
            return by_size
        shape = network.shape(name, 0) or (1, 1)
        first = Ball(np.full((1, *shape), np.nan))
        if name in network.remembered:
            first = self.values.start_only(network, name)
        mid = np.empty((self.trace.n_steps + 1, *shape))
        radius = np.zeros_like(mid)
        mid[0] = first.mid[0]
        if self.values.carried_over(network, name) is not None:
            radius[0] = first.radius[0]
        for steps, ball in pieces:
            mid[steps + 1] = ball.mid
            if ball.spread is not None:
                radius[steps + 1] = ball.spread
        return {0: Ball(mid, radius if radius.any() else None, pieces[0][1].precision)}

    def _given_shown(self) -> list[str]:
        return [name for name in DATA if name in self.trace.shown]

    def _against_experiment(self, network: Network, name: str) -> list[Piece]:
        given, found = self.values.given(network)[name], []
        for m, steps in self._by_size(self.steps):
            actual = self.values.of(network, now(name), m, steps, {}).mid
            found.append(Piece(steps, Ball(given[m].mid[self.values.places(m, steps)]), actual))
        return found

    def _as_it_was(self, network: Network, name: str) -> Old | None:
        """What a carried quantity was before each step."""
        return self.values.as_it_was(name) if name in network.remembered else None
