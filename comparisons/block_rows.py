"""Block rows: the row of a quantity with an entry per example at one step, from blocks of the step's examples.

Counts add up, and the worst is the worst. How many numbers are blind, only the scale of the whole step tells, which is
the largest of the blocks'. Until it is known, what may be blind is kept: numbers that were blind beside every block so
far. Where these become too many, they are counted when the scale is known, in a second look at the blocks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from comparisons.certificate import Row
from comparisons.rows import Piece, RowSoFar, judged
from comparisons.tallies import Tally
from comparisons.trace import Trace
from comparisons.wording import SENSITIVITY


class OfBlocks:
    """The row so far; `at_most` numbers that may be blind are kept."""

    def __init__(self, name: str, equation: str, step: Trace, tally: Tally, at_most: int) -> None:
        self.name, self.equation, self.step, self.tally, self.at_most = name, equation, step, tally, at_most
        self.sensitivity = SENSITIVITY[step.precision]
        self.row: Row | None = None
        self.scale, self.n_unbounded = 0.0, 0
        self.kept: list[np.ndarray] | None = []

    def add(self, begin: int, piece: Piece) -> None:
        """The block whose first example has this number."""
        of_block = RowSoFar(self.name, self.equation, self.step, self.tally)
        part = of_block.add(piece)
        row = of_block.row()
        if row.checked:
            row = replace(row, index=(*row.index[:-1], row.index[-1] + begin))
        self.scale = float(np.maximum(self.scale, piece.ball.absolute.max(initial=0.0)))
        self.n_unbounded += int((~part.is_bounded).sum())
        if row.blind and self.kept is not None:
            self.kept.append(self._may_be_blind(part.slack[part.is_bounded]))
            if sum(map(len, self.kept)) > self.at_most:
                self.kept = [self._may_be_blind(np.concatenate(self.kept))]
            if sum(map(len, self.kept)) > self.at_most:
                self.kept = None
        self.row = row if self.row is None else _together(self.row, row)

    @property
    def is_open(self) -> bool:
        """Whether a second look has to count what is blind."""
        return self.kept is None

    def look_again(self) -> None:
        """What is blind is counted from now on."""
        self.n_unbounded, self.kept = 0, []

    def count(self, piece: Piece) -> None:
        """A block, looked at again."""
        part = judged(piece, self.sensitivity, None)
        self.n_unbounded += int((~part.is_bounded).sum()) + len(self._may_be_blind(part.slack[part.is_bounded]))

    def whole(self) -> Row:
        """The row of the step."""
        assert self.row is not None
        assert self.kept is not None
        blind = self.n_unbounded + sum(len(self._may_be_blind(part)) for part in self.kept)
        return replace(self.row, blind=blind, n_broken_steps=int(self.row.outside > 0))

    def _may_be_blind(self, slack: np.ndarray) -> np.ndarray:
        return slack[(self.sensitivity * self.scale <= slack) & (slack > 0)]


def _together(old: Row, new: Row) -> Row:
    """The row of two blocks of a step; of two equally bad numbers the one that comes first in the whole is told of."""
    is_worse = new.checked and (
        not old.checked or new.worst > old.worst or (new.worst == old.worst and new.index < old.index)
    )
    told = new if is_worse else old
    broken = [step for step in (old.first_broken, new.first_broken) if step is not None]
    return replace(
        told,
        checked=old.checked + new.checked,
        not_judged=old.not_judged + new.not_judged,
        outside=old.outside + new.outside,
        first_broken=min(broken, default=None),
    )
