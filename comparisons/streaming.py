"""Streaming: judging a stored trace part after part, within a memory that grows neither with steps nor with examples.

Each part begins with what the one before left: shown quantities as they were recorded, hidden ones as their last balls.
So every number is judged as if the trace lay in memory whole. Rows of parts are joined (`comparisons.tallies`) and
kept by what was judged: trying another form goes through the trace once more, for what that form changes. Where one
step is larger than memory, a part is a block of its examples (`comparisons.blockwise`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from comparisons.blockwise import Blockwise
from comparisons.certificate import Row
from comparisons.components import DATA
from comparisons.composed import Onward, batches_of
from comparisons.goings import Going, Goings, judged_in
from comparisons.journal_file import Left
from comparisons.judging import GIVEN, Judging
from comparisons.labels import Labels
from comparisons.near import Near
from comparisons.plans import Component, Plans, is_by_size
from comparisons.precisions import PRECISIONS, Precision
from comparisons.scans import together
from comparisons.stored import Stored
from comparisons.tallies import Tally
from comparisons.trace import Trace
from comparisons.values import Carried
from reference.network import Network

NOTHING: Mapping[tuple, Tally] = {}
N_NEAR = 100  # steps around the first broken one in which hints are looked for
Order = Callable[[int], tuple[int, ...]]


class Streaming:
    """Judges one stored trace under any forms, as `Judging` does one in memory.

    Plans: of a trace that shows the same. Goings: where each time that it goes through the trace is counted, told of
    and noted.
    """

    def __init__(
        self, trace: Stored, precision: Precision | None = None, plans: Plans | None = None,
        goings: Goings | None = None,
    ) -> None:  # fmt: skip
        self.trace, self.goings = trace, goings or Goings()
        self.precision = precision or PRECISIONS[trace.precision]
        self.sizes = trace.experiment.batch_sizes
        self.plans = plans or Plans(trace.shown, has_gaps=trace.has_gaps)
        self._kept: dict[tuple, dict[str, Row]] = {}

    def rows(self, network: Network) -> Iterator[Row]:
        """The rows of all shown quantities, in an order in which what is hidden comes before what it explains."""
        self.prepare([network])
        yield from self._kept[GIVEN, network.batches].values()
        for component in self.plan(network):
            yield from self._kept[component.key].values()

    def prepare(self, networks: Iterable[Network]) -> None:
        """Judge under several networks in one pass through the trace, as far as it is not known."""
        groups = [[network] for network in networks] if self.trace.columns_at_once else [list(networks)]
        for group in groups:
            if passes := [one for one in map(self._pass, group) if one.open or one.is_given]:
                self._go_through(passes)

    def _pass(self, network: Network) -> Pass:
        return Pass(network, self.plan(network), self._kept, self.trace.shown)

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
        if self.trace.has_gaps:
            return Judging(self.trace.part(step, step), self.precision, plans=self.plans)
        first, last = self.trace.first, min(step + N_NEAR, self.trace.first + self.trace.n_steps - 1)
        is_carried = set(self.trace.network.remembered) <= set(self.trace.shown)
        if not is_carried and last >= first + 2 * N_NEAR:
            return None
        first = max(first, step - N_NEAR) if is_carried else first
        if last - first + 1 <= self.trace.n_that_fit:
            return Judging(self.trace.part(first, last).in_memory(), self.precision)
        return None if self.trace.network.per_example(quantity) else Near(self.trace, first, last, self.precision)

    def judgings(
        self, passes: Sequence[Pass], tallies: Mapping[tuple, Tally] = NOTHING, after: int = 0,
        left: Carried | None = None,
    ) -> Iterator[Judging]:  # fmt: skip
        """What judges each part, with what those before left; `tallies` are to count in.

        After: the step that is judged already, which has `left` this. When the next one is asked for, it must have
        judged all that is needed; whoever takes them lets go of each before, or memory holds two parts.
        """
        batches = {one.network.batches: Onward(batches_of(self.trace.experiment, one.network)) for one in passes}
        carried = replace(left or Carried(), tallies=dict(tallies), batches={**batches})
        for part in self._reading(passes).parts(after):
            for items in batches.values():
                items.next_is(part.first - 1)
            judging = Judging(part, self.precision, carried, self.plans)
            yield judging
            carried = replace(judging.left, tallies=carried.tallies, batches={**batches})
            del judging, part  # before the next one is read

    def _go_through(self, passes: Sequence[Pass]) -> None:
        """Judge what is not known yet, and for each part anew whatever hidden quantities that needs."""
        labels = Labels(passes)
        going = self.goings.next(judged_in(self.precision, passes, labels))
        rows = going.rows
        if rows is None:
            rows = (self._in_blocks if self.trace.columns_at_once else self._in_parts)(passes, labels, going)
        for one in passes:
            if one.is_given:
                self._kept[one.given_key] = labels.rows(rows, {name: (*one.given_key, name) for name in DATA})
            for key, component in one.open.items():
                self._kept[key] = labels.rows(rows, {e.defines: (key, e.defines) for e in component.equations})

    def _in_parts(self, passes: Sequence[Pass], labels: Labels, going: Going) -> dict[str, Row]:
        """The rows of what is open, from the first step that was not judged before the going was interrupted."""
        after, left = 0, Carried()
        tallies = {key: Tally() for one in passes for key in one.tallied}
        if going.left is not None:
            after = going.left.step
            tallies, left = labels.read(going.left.tallies, going.left.carried)
        going.begins(after)
        for judging in self.judgings(passes, tallies, after, left):
            done: set[tuple] = set()
            uses = Counter(component.key for one in passes for component in one.needed)
            for one in passes:
                if one.is_given and one.given_key not in done:
                    done.add(one.given_key)
                    for row in judging.given_rows(one.network):
                        tallies[*one.given_key, row.quantity].add(row, self._by_size)
            for number, component, outcome in together(judging, [(one.network, one.needed) for one in passes]):
                one = passes[number]
                if component.key in one.open and component.key not in done:
                    done.add(component.key)
                    for name, row in outcome.rows.items():
                        tallies[component.key, name].add(row, self._order(one.network, component))
                uses[component.key] -= 1
                if not uses[component.key]:
                    judging.forget(component)
                del outcome
            going.has_judged(judging.trace.first + judging.trace.n_steps - 1, *labels.told(tallies, judging.left))
            del judging  # before the next one is read
        return self._ended(going, {labels.of[key]: tally for key, tally in tallies.items()})

    def _in_blocks(self, passes: Sequence[Pass], labels: Labels, going: Going) -> dict[str, Row]:
        """The same of one network, whose labels are names, where a step is judged in blocks of its examples."""
        (one,) = passes
        after, tallies, left = going.left or Left(0, {labels.of[key]: Tally() for key in one.tallied}, Carried())
        orders = {e.defines: self._order(one.network, c) for c in one.open.values() for e in c.equations}
        orders |= dict.fromkeys(DATA, self._by_size)
        equations = [equation for component in one.needed for equation in component.equations]
        blockwise = Blockwise(
            self._reading(passes), one.network, equations, self.precision, tallies, is_given=one.is_given
        )
        blockwise.left |= {str(name): ball for name, ball in left.balls.items()}
        going.begins(after)
        for step, rows in blockwise.rows(after):
            for row in rows:
                if row.quantity in tallies:
                    tallies[row.quantity].add(row, orders[row.quantity])
            going.has_judged(step, tallies, Carried({**blockwise.left}))  # type: ignore[dict-item]
        return self._ended(going, tallies)

    def _ended(self, going: Going, tallies: Mapping[str, Tally]) -> dict[str, Row]:
        rows = {label: tally.whole() for label, tally in tallies.items() if tally.row is not None}
        going.ends(rows)
        return rows

    def _reading(self, passes: Sequence[Pass]) -> Stored:
        """The trace with what these passes define or read alone, and with examples and labels if these are judged."""
        equations = [equation for one in passes for component in one.needed for equation in component.equations]
        names = {e.defines for e in equations} | {ref.name for e in equations for ref in e.reads.values()}
        is_given = any(one.is_given for one in passes)
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
    trace: Trace, precision: Precision | None = None, plans: Plans | None = None, goings: Goings | None = None
) -> Judging | Streaming:
    """What judges a trace: in memory, or part after part if it is stored. Plans: of a trace that shows the same."""
    if isinstance(trace, Stored):
        return Streaming(trace, precision, plans, goings)
    return Judging(trace, precision, plans=plans)


def judging_of_steps(
    trace: Trace, first: int, last: int, precision: Precision | None, plans: Plans
) -> Judging | Streaming:
    """What judges these steps: in memory if they fit."""
    part = trace.part(first, last)
    if isinstance(part, Stored) and part.n_steps <= part.n_that_fit:
        part = part.in_memory()
    return judging_of(part, precision, plans)


def judgings_of(trace: Trace, network: Network) -> Iterator[Judging]:
    """What judges a trace in this network, a part at a time; `all_pieces` of each is to be gone through to its end."""
    if isinstance(trace, Stored):
        streaming = Streaming(trace)
        yield from streaming.judgings([Pass(network, streaming.plan(network), (), trace.shown)])
    else:
        yield Judging(trace)


class Pass:
    """What one network asks of a pass through the trace: what is not known of it, and what that needs."""

    def __init__(
        self, network: Network, plan: list[Component], known: Collection[tuple], shown: Collection[str]
    ) -> None:
        self.network, self.given_key = network, (GIVEN, network.batches)
        self.is_given = self.given_key not in known
        self.open = {component.key: component for component in plan if component.key not in known}
        self.needed = _needed(plan, self.open, shown)

    @property
    def tallied(self) -> Iterator[tuple]:
        """The keys of its tallies."""
        yield from ((*self.given_key, name) for name in DATA if self.is_given)
        yield from ((key, e.defines) for key, component in self.open.items() for e in component.equations)


def _needed(plan: list[Component], open_: Collection[tuple], shown: Collection[str]) -> list[Component]:
    """These components, and those that give the hidden quantities behind them, in the plan's order."""
    wanted = set(open_)
    reads: set[str] = set()
    for component in reversed(plan):
        defined = {e.defines for e in component.equations}
        if component.key in wanted or defined & reads:
            wanted.add(component.key)
            reads |= {ref.name for e in component.equations for ref in e.reads.values()}.difference(defined, shown)
    return [component for component in plan if component.key in wanted]
