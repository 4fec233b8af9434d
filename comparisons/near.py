"""Near: what was expected of a quantity in the steps around a broken one, for hints, where these steps are on disk.

Of quantities without an entry per example alone: those with one would take as much memory as the steps.
"""

from __future__ import annotations

import numpy as np

from comparisons.balls import Ball
from comparisons.blockwise import Blockwise
from comparisons.components import hidden_behind
from comparisons.precisions import Precision
from comparisons.rows import Piece
from comparisons.stored import Stored
from reference.network import Network


class Near:
    """The steps from `first` to `last`; the trace in memory has what is shown of them without an entry per example."""

    def __init__(self, trace: Stored, first: int, last: int, precision: Precision) -> None:
        self.stored, self.first, self.last, self.precision = trace, first, last, precision
        per_example = (name for name in trace.shown if trace.network.per_example(name))
        self.trace = trace.hiding(*per_example).part(first, last).in_memory()

    def pieces(self, network: Network, quantity: str) -> list[Piece]:
        """The balls of a shown quantity beside what was recorded, in all these steps."""
        names = {quantity, *hidden_behind(quantity, network, self.stored.shown)}
        equations = [equation for equation in network.equations if equation.defines in names]
        pieces = Blockwise(self.stored, network, equations, self.precision, {}).pieces(quantity, self.first, self.last)
        mid, radius, actual = (
            np.concatenate(arrays)
            for arrays in zip(*((p.ball.mid, p.ball.radius, p.actual) for p in pieces), strict=True)
        )
        return [Piece(np.arange(len(mid)), Ball(mid, radius, pieces[0].ball.precision), actual)]
