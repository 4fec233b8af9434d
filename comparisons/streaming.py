"""Streaming: judging a stored trace part after part, within a memory that grows neither with steps nor with examples.

Each part begins with what the one before left: shown quantities as they were recorded, hidden ones as their last balls.
So every number is judged as if the trace lay in memory whole. Rows of parts are joined (`comparisons.tallies`) and
kept by what was judged: trying another form goes through the trace once more, for what that form changes. Where one
step is larger than memory, a part is a block of its examples (`comparisons.blockwise`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from comparisons.blockwise import Blockwise
from comparisons.certificate import Row
from comparisons.components import DATA
from comparisons.composed import batches_of
from comparisons.judging import Carried, Judging
from comparisons.near import Near
from comparisons.plans import Component, Plans, is_by_size
from comparisons.precisions import PRECISIONS, Precision
from comparisons.stacks import Stacks
from comparisons.stored import Stored
from comparisons.tallies import Tally
from comparisons.trace import Trace
from reference.network import Network

N_NEAR = 100  # steps around the first broken one in which hints are looked for
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
        trace = self.trace
        alone = Trace(trace.experiment, trace.implementation, {}, trace.start, trace.start_shown)
        yield from Judging(alone, self.precision).start_rows()

    def plan(self, network: Network) -> list[Component]:
        """The components of a network, as this trace is judged under it."""
        return self.plans.of(network)

    def near(self, step: int, quantity: str) -> Judging | Near | None:
        """The steps near a broken one: in memory if they fit, and else what is bounded by their number.

        None where that is nothing, or what is hidden would have to be followed too far.
        """
        last = min(step + N_NEAR, self.trace.n_steps)
        is_carried = set(self.trace.network.remembered) <= set(self.trace.shown)
        if not is_carried and last > 2 * N_NEAR:
            return None
        first = max(1, step - N_NEAR) if is_carried else 1
        if last - first + 1 <= self.trace.n_that_fit:
            return Judging(self.trace.part(first, last), self.precision)
        return None if self.trace.network.per_example(quantity) else Near(self.trace, first, last, self.precision)

    def _go_through(self, network: Network, plan: list[Component], open_: list[Component], given_key: tuple) -> None:
        """Judge what is not known yet, and for each part anew whatever hidden quantities that needs."""
        needed = _needed(plan, open_, self.trace.shown)
        tallies = {e.defines: Tally() for component in open_ for e in component.equations}
        tallies |= {name: Tally() for name in DATA} if given_key not in self._kept else {}
        is_given = given_key not in self._kept
        orders = {e.defines: self._order(network, component) for component in open_ for e in component.equations}
        orders |= dict.fromkeys(DATA, self._by_size)
        rows = self._in_blocks if self.trace.columns_at_once else self._in_parts
        for row in rows(network, needed, tallies, self._reading(needed, is_given=is_given), is_given):
            if row.quantity in tallies:
                tallies[row.quantity].add(row, orders[row.quantity])
        if is_given:
            self._kept[given_key] = _whole(tallies, DATA)
        for component in open_:
            self._kept[component.key] = _whole(tallies, (e.defines for e in component.equations))

    def _in_parts(
        self, network: Network, needed: list[Component], tallies: dict[str, Tally], trace: Stored, is_given: bool
    ) -> Iterator[Row]:
        """The rows of one part after the other."""
        carried, batches = Carried(), batches_of(trace.experiment, network)
        for part in trace.parts():
            judging = Judging(part, self.precision, Carried(carried.balls, carried.peers, tallies, batches), self.plans)
            if is_given:
                yield from judging.given_rows(network)
            hidden: dict[str, Stacks] = {}
            for component in needed:
                yield from judging.outcome(network, component, hidden).rows.values()
            carried = judging.left
            del judging, part, hidden  # before the next one is read

    def _in_blocks(
        self, network: Network, needed: list[Component], tallies: dict[str, Tally], trace: Stored, is_given: bool
    ) -> Iterator[Row]:
        """The rows of one step after the other."""
        equations = [equation for component in needed for equation in component.equations]
        yield from Blockwise(trace, network, equations, self.precision, tallies, is_given=is_given).rows()

    def _reading(self, needed: list[Component], *, is_given: bool) -> Stored:
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


def judging_of(trace: Trace, precision: Precision | None = None) -> Judging | Streaming:
    """What judges a trace: in memory, or part after part if it is stored."""
    return Streaming(trace, precision) if isinstance(trace, Stored) else Judging(trace, precision)


def judging_of_steps(
    trace: Trace, first: int, last: int, precision: Precision | None, plans: Plans
) -> Judging | Streaming:
    """What judges these steps: in memory if they fit, and else all up to the last, on disk."""
    if isinstance(trace, Stored) and last - first + 1 > trace.n_that_fit:
        return Streaming(trace.until(last), precision, plans)
    return Judging(trace.part(first, last), precision, plans=plans)


def _needed(plan: list[Component], open_: list[Component], shown: Collection[str]) -> list[Component]:
    """These components, and those that give the hidden quantities behind them, in the plan's order."""
    wanted = set(map(id, open_))
    reads: set[str] = set()
    for component in reversed(plan):
        defined = {e.defines for e in component.equations}
        if id(component) in wanted or defined & reads:
            wanted.add(id(component))
            reads |= {ref.name for e in component.equations for ref in e.reads.values()}.difference(defined, shown)
    return [component for component in plan if id(component) in wanted]


def _whole(tallies: dict[str, Tally], names: Iterable[str]) -> dict[str, Row]:
    return {name: tallies[name].whole() for name in names if tallies[name].row is not None}
