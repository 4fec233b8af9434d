"""The oracle for judging: each equation at each step by itself, from the definition; nothing is stacked or joined."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64, PRECISIONS
from comparisons.trace import Trace
from comparisons.wording import SENSITIVITY
from reference.network import Network, Ref


class Judged(NamedTuple):
    """The numbers of a quantity at one step: the middles and radii of their balls, and what was recorded.

    `delta` is the change that is to be noticed: a part of the largest sum of absolute terms in the equation.
    """

    mid: np.ndarray
    radius: np.ndarray
    actual: np.ndarray
    delta: float

    @property
    def error(self) -> np.ndarray:
        """How far the recorded numbers are from the middles."""
        return np.abs(self.actual - self.mid)

    @property
    def is_blind(self) -> np.ndarray:
        """Where a change of delta could go unseen; a change by 0 is none."""
        reach = self.radius + self.error
        return ~(self.delta > reach) & ~((self.delta == 0) & (reach == 0)) & ~self.is_never_finite

    @property
    def is_never_finite(self) -> np.ndarray:
        """Where exactly ∞ is expected, so that no finite number is right."""
        return np.isinf(self.mid) & (self.radius == 0)


@dataclass
class StepByStep:
    """A trace under a network's equations; steps count from 1."""

    trace: Trace
    network: Network
    found: dict[tuple[str, int], Ball] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.precision = PRECISIONS[self.trace.precision]
        self.batches = list(self.trace.experiment.batches())

    def judged(self, name: str, step: int) -> Judged:
        """A shown quantity at a step; what has no equation against what is given."""
        ball = self._computed(name, step) if name in self.network.by_name else self._given(name, step)
        actual = np.asarray(self.trace.values(name, step), np.float64)
        mid, radius = np.broadcast_to(ball.mid, actual.shape), np.broadcast_to(ball.radius, actual.shape)
        return Judged(mid, radius, actual, SENSITIVITY[self.trace.precision] * np.max(ball.absolute))

    def read(self, ref: Ref, step: int) -> Ball:
        """What an equation reads at a step: as it was recorded, or given, or if hidden what its own equation gives."""
        at = step - ref.before
        if (ref.name, at) not in self.found:
            ball = self._ball(ref.name, at)
            self.found[ref.name, at] = Ball(ball.mid, ball.spread, ball.precision, origin=ball.origin)
        return self.found[ref.name, at]

    def _ball(self, name: str, step: int) -> Ball:
        if step < self.trace.first:
            nothing_yet = np.full(self.network.shapes[name], self.network.start.get(name))
            return Ball.recorded(self.trace.start.get(name, nothing_yet), self.precision)
        if name in self.trace.shown:
            return Ball.recorded(self.trace.values(name, step), self.precision)
        return self._computed(name, step) if name in self.network.by_name else self._given(name, step)

    def _given(self, name: str, step: int) -> Ball:
        if name in ("A[0]", "Y"):
            return Ball.recorded(self.batches[step - 1][name == "Y"], self.precision)
        given = {"t": step, "alpha": self.trace.experiment.optimizer.learning_rate}[name]
        return Ball(np.full((1, 1), given), None, FLOAT64)

    def _computed(self, name: str, step: int) -> Ball:
        equation = self.network.by_name[name]
        with np.errstate(all="ignore"):
            return equation.value({ref: self.read(ref, step) for ref in equation.reads.values()})
