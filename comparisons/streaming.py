"""Streaming: judging a stored trace part after part, within a memory that does not grow with its steps.

Each part begins with what the one before left: shown quantities as they were recorded, hidden ones as their last balls.
So every number is judged as if the trace lay in memory whole. Rows of parts are joined (`comparisons.tallies`) and
kept by what was judged: trying another form goes through the trace once more, for what that form changes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from comparisons.certificate import Row
from comparisons.components import DATA
from comparisons.composed import batches_of
from comparisons.judging import Carried, Judging
from comparisons.plans import Component, Plans, is_by_size
from comparisons.precisions import PRECISIONS, Precision
from comparisons.stacks import Stacks
from comparisons.stored import Stored
from comparisons.tallies import Tally
from comparisons.trace import Trace
from reference.network import Network

N_NEAR = 100  # steps around the first broken one in which hints are looked for
NOTHING: Mapping[str, Tally] = {}
Order = Callable[[int], tuple[int, ...]]


class Streaming:
    """Judges one stored trace under any forms, as `Judging` does one in memory."""

    def __init__(self, trace: Stored, precision: Precision | None = None, plans: Plans | None = None) -> None:
        self.trace = trace
        self.precision = precision or PRECISIONS[trace.precision]
        self.sizes = trace.experiment.batch_sizes
        self.plans = plans or Plans(trace.shown)
        self._kept: dict[tuple, dict[str, Row]] = {}

    def rows(self, network: Network) -> Iterator[Row]:
        """The rows of all shown quantities, in an order in which what is hidden comes before what it explains."""
        plan = self.plan(network)
        given_key = ("given", network.batches)
        open_ = [component for component in plan if component.key not in self._kept]
        if open_ or given_key not in self._kept:
            self._go_through(network, plan, open_, given_key)
        yield from self._kept[given_key].values()
        for component in plan:
            yield from self._kept[component.key].values()

    def is_broken(self, network: Network) -> bool:
        """Whether any quantity is broken."""
        return any(row.first_broken is not None for row in self.rows(network))

    def is_broken_as_before(self, network: Network) -> bool:
        """What was broken under another network is not remembered here: a pass through the trace tells."""
        return False

    def start_rows(self) -> Iterator[Row]:
        """The start values that the implementation showed, against the experiment's."""
        first = self.trace.part(self.trace.first, self.trace.first)
        yield from Judging(first.in_memory(), self.precision).start_rows()

    def plan(self, network: Network) -> list[Component]:
        """The components of a network, as this trace is judged under it."""
        return self.plans.of(network)

    def near(self, step: int) -> Judging | None:
        """The steps near a broken one, in memory; None where what is hidden would have to be followed too far."""
        first, last = self.trace.first, min(step + N_NEAR, self.trace.first + self.trace.n_steps - 1)
        is_carried = set(self.trace.network.remembered) <= set(self.trace.shown)
        if not is_carried and last >= first + 2 * N_NEAR:
            return None
        first = max(first, step - N_NEAR) if is_carried else first
        return Judging(self.trace.part(first, last).in_memory(), self.precision)

    def judgings(
        self, network: Network, needed: Sequence[Component], tallies: Mapping[str, Tally] = NOTHING,
        *, is_given: bool = True,
    ) -> Iterator[Judging]:  # fmt: skip
        """What judges each part, with what those before left; `tallies` are to count in.

        When the next one is asked for, it must have judged all that is needed; whoever takes them lets go of each
        before, or memory holds two parts.
        """
        carried = Carried()
        batches = itertools.islice(batches_of(self.trace.experiment, network), self.trace.first - 1, None)
        for part in self._reading(needed, is_given=is_given).parts():
            judging = Judging(
                part, self.precision, Carried(carried.balls, carried.peers, dict(tallies), batches), self.plans
            )
            yield judging
            carried = judging.left
            del judging, part  # before the next one is read

    def _go_through(self, network: Network, plan: list[Component], open_: list[Component], given_key: tuple) -> None:
        """Judge what is not known yet, and for each part anew whatever hidden quantities that needs."""
        needed, is_given = _needed(plan, open_), given_key not in self._kept
        tallies = {e.defines: Tally() for component in open_ for e in component.equations}
        tallies |= {name: Tally() for name in DATA} if is_given else {}
        for judging in self.judgings(network, needed, tallies, is_given=is_given):
            if is_given:
                for row in judging.given_rows(network):
                    tallies[row.quantity].add(row, self._by_size)
            hidden: dict[str, Stacks] = {}
            for component in needed:
                outcome = judging.outcome(network, component, hidden)
                if component in open_:
                    for name, row in outcome.rows.items():
                        tallies[name].add(row, self._order(network, component))
            del judging, hidden  # before the next one is read
        if is_given:
            self._kept[given_key] = _whole(tallies, DATA)
        for component in open_:
            self._kept[component.key] = _whole(tallies, (e.defines for e in component.equations))

    def _reading(self, needed: Sequence[Component], *, is_given: bool) -> Stored:
        """The trace with what these components define or read alone, and with examples and labels if these are."""
        equations = [equation for component in needed for equation in component.equations]
        names = {e.defines for e in equations} | {ref.name for e in equations for ref in e.reads.values()}
        shown = list(self.trace.shown)
        kept = {shown[0], *names, *(DATA if is_given else ())}  # at least one, which says how many steps there are
        return self.trace.hiding(*(name for name in shown if name not in kept))

    def _order(self, network: Network, component: Component) -> Order:
        """Of equally bad steps the one that `Judging` would meet first."""
        is_stacked = not component.is_cycle and is_by_size(network, component.equations)
        return self._by_size if is_stacked else lambda step: (step,)

    def _by_size(self, step: int) -> tuple[int, ...]:
        return int(self.sizes[step - 1]), step


def judging_of(
    trace: Trace, precision: Precision | None = None, plans: Plans | None = None
) -> Judging | Streaming:  # fmt: skip
    """What judges a trace: in memory, or part after part if it is stored. Plans: of a trace that shows the same."""
    if isinstance(trace, Stored):
        return Streaming(trace, precision, plans)
    return Judging(trace, precision, plans=plans)


def judgings_of(trace: Trace, network: Network) -> Iterator[Judging]:
    """What judges a trace in this network, a part at a time; `all_pieces` of each is to be gone through to its end."""
    if isinstance(trace, Stored):
        streaming = Streaming(trace)
        yield from streaming.judgings(network, streaming.plan(network))
    else:
        yield Judging(trace)


def _needed(plan: list[Component], open_: list[Component]) -> list[Component]:
    """These components, and those that give the hidden quantities behind them, in the plan's order."""
    wanted = set(map(id, open_))
    reads: set[str] = set()
    for component in reversed(plan):
        defined = {e.defines for e in component.equations}
        if id(component) in wanted or defined & reads:
            wanted.add(id(component))
            reads |= {ref.name for e in component.equations for ref in e.reads.values()} - defined
    return [component for component in plan if id(component) in wanted]


def _whole(tallies: dict[str, Tally], names: Iterable[str]) -> dict[str, Row]:
    return {name: tallies[name].whole() for name in names if tallies[name].row is not None}
