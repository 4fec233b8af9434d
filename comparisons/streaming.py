"""Streaming: judging a stored trace part after part, within a memory that does not grow with its steps.

Each part begins with what the one before left: shown quantities as they were recorded, hidden ones as their last balls.
So every number is judged as if the trace lay in memory whole. Rows of parts are joined (`comparisons.tallies`) and
kept by what was judged: trying another form goes through the trace once more, for what that form changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from comparisons.certificate import Row
from comparisons.components import DATA
from comparisons.composed import Onward, batches_of
from comparisons.goings import Going, Goings, judged_in
from comparisons.judging import Carried, Judging
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
    """Judges one stored trace under any forms, as `Judging` does one in memory.

    Goings: where each time that it goes through the trace is counted, told of and noted.
    """

    def __init__(self, trace: Stored, precision: Precision | None = None, goings: Goings | None = None) -> None:
        self.trace, self.goings = trace, goings or Goings()
        self.precision = precision or PRECISIONS[trace.precision]
        self.sizes = trace.experiment.batch_sizes
        self.plans = Plans(trace.shown, has_gaps=trace.has_gaps)
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
        yield from Judging(self.trace.part(1, 1), self.precision).start_rows()

    def plan(self, network: Network) -> list[Component]:
        """The components of a network, as this trace is judged under it."""
        return self.plans.of(network)

    def near(self, step: int) -> Judging | None:
        """The steps near a broken one, in memory; None where what is hidden would have to be followed too far."""
        if self.trace.has_gaps:
            return Judging(self.trace.part(step, step), self.precision, plans=self.plans)
        last = min(step + N_NEAR, self.trace.n_steps)
        is_carried = set(self.trace.network.remembered) <= set(self.trace.shown)
        if not is_carried and last > 2 * N_NEAR:
            return None
        return Judging(self.trace.part(max(1, step - N_NEAR) if is_carried else 1, last), self.precision)

    def _go_through(self, network: Network, plan: list[Component], open_: list[Component], given_key: tuple) -> None:
        """Judge what is not known yet, and for each part anew whatever hidden quantities that needs."""
        needed, is_given = _needed(plan, open_), given_key not in self._kept
        going = self.goings.next(judged_in(self.precision, network, needed, open_, DATA if is_given else ()))
        rows = going.rows if going.rows is not None else self._gone_through(network, needed, open_, is_given, going)
        if is_given:
            self._kept[given_key] = {name: rows[name] for name in DATA if name in rows}
        for component in open_:
            names = [e.defines for e in component.equations]
            self._kept[component.key] = {name: rows[name] for name in names if name in rows}

    def _gone_through(
        self, network: Network, needed: list[Component], open_: list[Component], is_given: bool, going: Going
    ) -> dict[str, Row]:
        """The rows of what is open, from the first step that has not been judged before the going was interrupted."""
        names = [*(DATA if is_given else ()), *(e.defines for component in open_ for e in component.equations)]
        after, tallies, carried = going.left if going.left else (0, {name: Tally() for name in names}, Carried())
        batches = Onward(batches_of(self.trace.experiment, network))
        going.begins(after)
        for part in self._reading(needed, is_given=is_given).parts(after):
            batches.next_is(part.first - 1)
            judging = Judging(part, self.precision, Carried(carried.balls, carried.peers, tallies, batches), self.plans)
            if is_given:
                for row in judging.given_rows(network):
                    tallies[row.quantity].add(row, self._by_size)
            hidden: dict[str, Stacks] = {}
            for component in needed:
                outcome = judging.outcome(network, component, hidden)
                if component in open_:
                    for name, row in outcome.rows.items():
                        tallies[name].add(row, self._order(network, component))
            carried = judging.left
            going.has_judged(part.first + part.n_steps - 1, tallies, carried)
            del judging, part, hidden  # before the next one is read
        rows = {name: tally.whole() for name, tally in tallies.items() if tally.row is not None}
        going.ends(rows)
        return rows

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


def judging_of(trace: Trace, precision: Precision | None = None, goings: Goings | None = None) -> Judging | Streaming:
    """What judges a trace: in memory, or part after part if it is stored."""
    return Streaming(trace, precision, goings) if isinstance(trace, Stored) else Judging(trace, precision)


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
