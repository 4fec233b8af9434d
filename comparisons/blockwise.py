"""Blockwise: judging a stored trace one step at a time, and of each step some columns at a time.

What waits for no example is evaluated once, what has an entry per example block after block, what sums over the
examples on top of the blocks before (`comparisons.columns`), and what waits for such a sum at the end. What is shown
enters as it was recorded, and waits for nothing; what is hidden stays the ball that its equation gave.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from comparisons.balls import Ball, in_memory
from comparisons.block_rows import OfBlocks
from comparisons.certificate import Row
from comparisons.columns import EXAMPLES, Columns, NotInBlocks, Sums
from comparisons.components import DATA, hidden_behind
from comparisons.composed import batches_of
from comparisons.precisions import FLOAT64, Precision
from comparisons.rows import Piece, row_of
from comparisons.stored import OneStep, Stored
from comparisons.tallies import Tally
from comparisons.trace import Trace
from reference.network import Equation, Network, Ref, now

ALONE = np.array([0])  # the position of the step in a trace of itself


class Phases(NamedTuple):
    """Equations of a step in running order; `sums` are those of `of_block` that sum over the examples."""

    first: tuple[Equation, ...]
    of_block: tuple[Equation, ...]
    sums: frozenset[Equation]
    last: tuple[Equation, ...]


def phases(equations: Iterable[Equation], network: Network, shown: Collection[str]) -> Phases:
    """The equations by what they wait for.

    Error: NotInBlocks where something of an example waits for a sum over all of this step, or is of the step before.
    """
    found: dict[str, list[Equation]] = {"first": [], "block": [], "last": []}
    kinds: dict[str, str] = {}
    sums = set()
    for equation in equations:
        refs, name = equation.reads.values(), equation.defines
        reads_examples = any(network.per_example(ref.name) for ref in refs)
        is_late = any(kinds.get(ref.name) in ("sum", "last") for ref in refs if not ref.before)
        of_example = network.per_example(name)
        if is_late and (of_example or reads_examples):
            raise NotInBlocks(f"{name} of one example waits for a sum over all of them, so a step is judged whole only")
        if any(ref.before and network.per_example(ref.name) for ref in refs):
            raise NotInBlocks(f"{name} waits for the examples of the step before, so a step is judged whole only")
        kind = "block" if of_example else "last" if is_late else "sum" if reads_examples else "first"
        if kind == "sum":
            sums.add(equation)
        found["block" if kind == "sum" else kind].append(equation)
        if name not in shown:
            kinds[name] = kind
    return Phases(tuple(found["first"]), tuple(found["block"]), frozenset(sums), tuple(found["last"]))


class Reading:
    """What the equations of one step read: recorded, given, or of the step before; `left` has its hidden balls."""

    def __init__(
        self, trace: Stored, network: Network, number: int, batch: tuple[np.ndarray, np.ndarray],
        left: Mapping[str, Ball], precision: Precision,
    ) -> None:  # fmt: skip
        self.trace, self.network, self.number, self.left, self.precision = trace, network, number, left, precision
        self.step = OneStep(trace, number)
        self.data = dict(zip(DATA, batch, strict=True))
        self.alpha = trace.experiment.learning_rates()[number - 1]

    @functools.cached_property
    def before(self) -> OneStep:
        """The step before, of one that has one."""
        return OneStep(self.trace, self.number - 1)

    def value(self, ref: Ref, columns: slice | None = None) -> Ball:
        """A quantity that no equation has to give; of one with an entry per example these."""
        if ref.before:
            return self._as_it_was(ref.name)
        if ref.name in self.trace.shown:
            return Ball.recorded(self.step.read(ref.name, columns), self.precision)
        return self.given(ref.name, columns)

    def given(self, name: str, columns: slice | None) -> Ball:
        """What the experiment gives."""
        if name in self.data:
            return Ball.recorded(self._rounded(self.data[name][None, :, columns]), self.precision)
        scalars = {"t": float(self.number), "alpha": self.alpha}
        return Ball(np.full((1, 1, 1), scalars[name]), None, FLOAT64)

    def _as_it_was(self, name: str) -> Ball:
        """What is remembered, as the step before left it, or before the first step."""
        trace, shape = self.trace, self.network.shape(name, 0)
        if self.number > 1:
            if name in trace.shown:
                return Ball.recorded(self.before.read(name), self.precision)
            return self.left[name]
        if name in trace.start:
            return Ball.recorded(self._rounded(trace.start[name]).reshape(1, *shape), self.precision)
        return Ball(np.full((1, *shape), self.network.start[name]), None, self.precision)

    def shown_before(self, name: str) -> np.ndarray:
        """What was shown of a remembered quantity before the step; before the first one, the textbook's start."""
        if self.number == 1 and name not in self.trace.start:
            start = self.trace.network.start.get(name, np.nan)
            return np.full((1, *self.network.shape(name, 0)), start)
        return self._as_it_was(name).mid

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        return values if self.precision.name == self.trace.precision else self.precision.rounded(values)


Seen = Callable[[str, int, Piece], None]


class Blockwise:
    """Judges these equations on every step of a trace, and examples and labels if `is_given`; counts in `tallies`."""

    def __init__(
        self, trace: Stored, network: Network, equations: Collection[Equation], precision: Precision,
        tallies: Mapping[str, Tally], *, is_given: bool = False,
    ) -> None:  # fmt: skip
        self.trace, self.network, self.precision, self.tallies = trace, network, precision, tallies
        self.equations = tuple(e for e in network.equations if e in set(equations))
        self.phases = phases(self.equations, network, trace.shown)
        self.given = [name for name in DATA if is_given and name in trace.shown]
        self.left: dict[str, Ball] = {}

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[Row]]]:
        """The number of each step after this one, and its rows."""
        first, last = self.trace.first, self.trace.first + self.trace.n_steps - 1
        for reading in self._readings(max(first, after + 1), last):
            yield reading.number, self.of_step(reading)[0]

    def pieces(self, name: str, first: int, last: int) -> list[Piece]:
        """Of each of these steps the ball of a quantity without an entry per example, beside what was recorded."""
        return [self.of_step(reading)[1][name] for reading in self._readings(first, last)]

    def _readings(self, first: int, last: int) -> Iterator[Reading]:
        batches = itertools.islice(batches_of(self.trace.experiment, self.network), first - 1, last)
        for number, batch in enumerate(batches, first):
            yield Reading(self.trace, self.network, number, batch, self.left, self.precision)

    def of_step(self, reading: Reading) -> tuple[list[Row], dict[str, Piece]]:
        """The rows of a step, and what of it was judged whole; what is hidden is left for the next one."""
        alone = Trace(self.trace.experiment, self.trace.implementation, {}, {}, first=reading.number)
        of_blocks = self._open_rows(reading, alone)

        def seen(name: str, begin: int, piece: Piece) -> None:
            of_blocks[name].add(begin, piece)

        values: dict[Ref, Ball] = {}
        left: dict[str, Ball] = {}
        rows: list[Row] = []
        pieces: dict[str, Piece] = {}

        def settle(equation: Equation, ball: Ball) -> None:
            name = equation.defines
            if name in self.trace.shown:
                shown = values[now(name)] = reading.value(now(name))
                old = reading.shown_before(name) if name in self.network.remembered else None
                piece = pieces[name] = Piece(ALONE, ball, shown.mid)
                rows.append(row_of(name, str(equation), [piece], alone, old, self.tallies.get(name)))
                return
            values[now(name)] = in_memory(ball)
            if name in self.network.remembered:
                left[name] = values[now(name)]

        for equation in self.phases.first:
            settle(equation, _value(equation, self.network, values, reading))
        sums = {equation: Sums() for equation in self.phases.sums}
        totals = self._through_blocks(reading, values, self.phases.of_block, sums, seen)
        for equation in self.phases.of_block:
            if equation in sums:
                settle(equation, totals[equation])
        for equation in self.phases.last:
            settle(equation, _value(equation, self.network, values, reading))
        self._look_again(reading, values, of_blocks)
        self.left = self.left | left
        return [*rows, *(of.whole() for of in of_blocks.values())], pieces

    def _open_rows(self, reading: Reading, alone: Trace) -> dict[str, OfBlocks]:
        blocks = self.trace.blocks(reading.step.m)
        width = max(block.stop - block.start for block in blocks)
        texts = {name: f"{name} is the experiment's" for name in self.given}
        texts |= {e.defines: str(e) for e in self.phases.of_block
                  if e not in self.phases.sums and e.defines in self.trace.shown}  # fmt: skip
        return {name: OfBlocks(name, text, alone, self.tallies[name], self.network.shape(name, width)[0] * width)
                for name, text in texts.items()}  # fmt: skip

    def _through_blocks(
        self, reading: Reading, known: Mapping[Ref, Ball], equations: tuple[Equation, ...],
        sums: Mapping[Equation, Sums], seen: Seen,
    ) -> dict[Equation, Ball]:  # fmt: skip
        """What the sums are after the last block; what is shown is seen beside its ball, block after block."""
        network, totals = self.network, {}
        last_read = {ref: number for number, e in enumerate(equations) for ref in e.reads.values()}
        kept = {}
        for ref in last_read:  # what is the same in all blocks is read once
            if not network.per_example(ref.name):
                kept[ref] = known[ref] if ref in known else reading.value(ref)
        for block in self.trace.blocks(reading.step.m):
            values = dict(kept)
            for name in self.given:
                expected, shown = reading.given(name, block), reading.value(now(name), block)
                seen(name, block.start, Piece(ALONE, Ball(expected.mid), shown.mid))
            for number, equation in enumerate(equations):
                ball = _value(equation, network, values, reading, block, sums.get(equation))
                name = equation.defines
                if equation in sums:
                    totals[equation] = ball
                elif name in self.trace.shown:
                    values[now(name)] = reading.value(now(name), block)
                    seen(name, block.start, Piece(ALONE, ball, values[now(name)].mid))
                else:
                    values[now(name)] = in_memory(ball)
                for ref in {now(name), *equation.reads.values()}:
                    if last_read.get(ref, -1) <= number:  # nobody reads it any more in this block
                        values.pop(ref, None)
        return totals

    def _look_again(self, reading: Reading, known: Mapping[Ref, Ball], of_blocks: Mapping[str, OfBlocks]) -> None:
        """Count what is blind where that was left open, now that the step's scale is known."""
        names = [name for name, of in of_blocks.items() if of.is_open]
        behind = {*names, *(other for name in names for other in hidden_behind(name, self.network, self.trace.shown))}
        for name in names:
            of_blocks[name].look_again()

        def seen(name: str, begin: int, piece: Piece) -> None:
            if name in names:
                of_blocks[name].count(piece)

        if names:
            of_block = (e for e in self.phases.of_block if e not in self.phases.sums and e.defines in behind)
            self._through_blocks(reading, known, tuple(of_block), {}, seen)


def _value(
    equation: Equation, network: Network, values: dict[Ref, Ball], reading: Reading, block: slice | None = None,
    sums: Sums | None = None,
) -> Ball:  # fmt: skip
    """What an equation gives on a block, or without one; what it reads joins the values."""
    sums = sums or Sums()
    sums.begin()
    read: dict[Ref, Any] = {}
    for ref in equation.reads.values():
        if ref not in values:
            values[ref] = reading.value(ref, block)
        axis = EXAMPLES if network.per_example(ref.name) else None
        read[ref] = Columns(values[ref], axis, reading.step.m, sums)
    with np.errstate(all="ignore"):  # what overflows shows in the values, and is judged there
        return equation.value(read).ball
