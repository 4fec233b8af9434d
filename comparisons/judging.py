"""Judging: every shown quantity of every step against its equation, on the implementation's own values.

The network's list runs on balls: shown quantities enter as they were recorded, hidden ones stay the balls that their
equations gave, and no code knows which is which. Equations are evaluated for all steps at once, stacked by batch size
where they have an entry per example, and step after step only where hidden quantities feed each other through time.

What an equation judges depends on nothing but the equation and the hidden quantities behind it, so outcomes are kept:
trying another form judges only what that form changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from comparisons.balls import Ball
from comparisons.certificate import Row
from comparisons.components import components
from comparisons.precisions import FLOAT64, PRECISIONS
from comparisons.trace import Trace
from reference.network import Equation, Network, Ref, before, now
from reference.running import evaluate

SENSITIVITY = {"float32": 1e-4, "float64": 1e-12}  # a change of this part of a number's scale is to be noticed
Stacks = dict[int, Ball]  # of a per-example quantity, by batch size; of others one Ball of start and steps, under 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a component gave: the rows of its shown quantities and the balls of its hidden ones."""

    rows: dict[str, Row]
    hidden: dict[str, Stacks]


class Judging:
    """Judges one trace under any forms; `network` is the textbook's, or one in forms, of the same experiment."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.precision = PRECISIONS[trace.precision]
        self.steps = {int(m): trace.steps_of(int(m)) for m in np.unique(trace.sizes)}
        self.known = {name: self._recorded(name) for name in trace.shown} | self._given()
        self._kept: dict[tuple, Outcome] = {}

    def rows(self, network: Network) -> Iterator[Row]:
        """The rows of all shown quantities, in an order in which what is hidden comes before what it explains."""
        for name in ("A[0]", "Y"):
            if name in self.trace.shown:
                yield self._against_experiment(name)
        for outcome in self._outcomes(network):
            yield from outcome.rows.values()

    def start_rows(self) -> Iterator[Row]:
        """The start values that the implementation showed, against the experiment's."""
        if self.trace.start_shown:
            for name, expected in self.trace.experiment.initial().items():
                actual = self.trace.start[name]
                yield self._row(name, "the experiment's start value", [(np.array([-1]), Ball(expected[None]), actual[None])])

    def _outcomes(self, network: Network) -> Iterator[Outcome]:
        keys: dict[str, tuple] = {}
        hidden: dict[str, Stacks] = {}
        for equations, is_cycle in components(network.equations, self.trace.shown):
            behind = {ref.name for e in equations for ref in e.reads.values()} - {e.defines for e in equations}
            key = (
                tuple(e.key for e in equations),
                tuple(network.start.get(e.defines) for e in equations),
                tuple(sorted((name, keys[name]) for name in behind if name in keys)),
            )
            hashed = (hash(key), tuple(e.defines for e in equations))
            keys |= {e.defines: hashed for e in equations if e.defines not in self.trace.shown}
            if hashed not in self._kept:
                self._kept[hashed] = self._judge(network, equations, is_cycle, hidden)
            hidden |= self._kept[hashed].hidden
            yield self._kept[hashed]

    def _judge(
        self, network: Network, equations: tuple[Equation, ...], is_cycle: bool, hidden: Mapping[str, Stacks]
    ) -> Outcome:
        """Evaluate one component on all steps; a cycle step after step."""
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
                    pieces[name].append((steps, ball, shown.mid))
                    return shown
                pieces[name].append((steps, ball))
                return ball

            evaluate(equations, values, settle)
        rows, balls = {}, {}
        for equation in equations:
            name = equation.defines
            if name in self.trace.shown:
                old = None
                if before(name) in equation.reads.values():
                    old = self.known[name][0].mid
                rows[name] = self._row(name, str(equation), pieces[name], old)
            else:
                balls[name] = self._gathered(network, name, pieces[name])
        return Outcome(rows, balls)

    def _portions(
        self, network: Network, equations: tuple[Equation, ...], is_cycle: bool
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Which steps are evaluated together, and their batch size (0 where it does not matter)."""
        names = {e.defines for e in equations} | {ref.name for e in equations for ref in e.reads.values()}
        if is_cycle:
            for step, m in enumerate(self.trace.sizes):
                yield int(m), np.array([step])
        elif any(network.per_example(name) for name in names):
            yield from self.steps.items()
        else:
            yield 0, np.arange(self.trace.n_steps)

    def _value(
        self, network: Network, ref: Ref, m: int, steps: np.ndarray, hidden: Mapping[str, Stacks]
    ) -> Ball:
        """A quantity's ball at these steps: as it was recorded, given or, if hidden, computed."""
        if ref.name in self.known:
            stacks = self.known[ref.name]
        elif ref.name in hidden:
            stacks = hidden[ref.name]
        else:
            stacks = {0: self._start_only(network, ref.name)}
        if network.per_example(ref.name):
            stack = stacks[m]
            return stack if len(steps) == len(self.steps[m]) else stack[np.searchsorted(self.steps[m], steps)]
        stack, at = stacks[0], steps + (0 if ref.before else 1)
        if len(at) == self.trace.n_steps:
            return stack[at[0] : at[-1] + 1]
        return stack[at]

    def _start_only(self, network: Network, name: str) -> Ball:
        """What a remembered quantity holds before its first step."""
        shape = network.shapes[name]
        if name in self.trace.start:
            return Ball.recorded(self.trace.start[name].reshape(1, *shape), self.precision)
        if self.trace.first > 1:
            raise ValueError(f"{name} is hidden, so what it was before step {self.trace.first} is not known")
        return Ball(np.full((1, *shape), network.start[name]), None, self.precision)

    def _recorded(self, name: str) -> Stacks:
        stack = self.trace.shown[name]
        if isinstance(stack, Mapping):
            return {m: Ball.recorded(part, self.precision) for m, part in stack.items()}
        if name in self.trace.start:
            first = self.trace.start[name]
        else:
            first = np.full(stack.shape[1:], self.trace.network.start.get(name, np.nan))
        return {0: Ball.recorded(np.concatenate([first.reshape(1, *stack.shape[1:]), stack]), self.precision)}

    def _given(self) -> dict[str, Stacks]:
        """What the experiment gives: examples and labels by batch size, and the scalars of the step in float64."""
        experiment, first, n = self.trace.experiment, self.trace.first, self.trace.n_steps
        xs: dict[int, list] = {m: [] for m in self.steps}
        ys: dict[int, list] = {m: [] for m in self.steps}
        for number, (X, Y) in enumerate(experiment.batches(), 1):
            if first <= number < first + n:
                xs[X.shape[1]].append(X)
                ys[X.shape[1]].append(Y)
        t = np.arange(first - 1, first + n, dtype=np.float64).reshape(-1, 1, 1)
        alpha = np.full_like(t, experiment.optimizer.learning_rate)
        return {
            "A[0]": {m: Ball.recorded(np.stack(x), self.precision) for m, x in xs.items()},
            "Y": {m: Ball.recorded(np.stack(y), self.precision) for m, y in ys.items()},
            "t": {0: Ball(t, None, FLOAT64)},
            "alpha": {0: Ball(alpha, None, FLOAT64)},
        }

    def _gathered(self, network: Network, name: str, pieces: list) -> Stacks:
        """The balls of a hidden quantity, whole where all its steps were evaluated at once."""
        if network.per_example(name):
            by_size: dict[int, list] = {}
            for steps, ball in pieces:
                by_size.setdefault(ball.shape[-1], []).append((steps, ball))
            return {m: part[0][1] if len(part) == 1 else _concatenated(part) for m, part in by_size.items()}
        shape = network.shapes[name] or (1, 1)
        first = np.full((1, *shape), np.nan)
        if name in network.remembered:
            first = self._start_only(network, name).mid
        mid = np.empty((self.trace.n_steps + 1, *shape))
        radius = np.zeros_like(mid)
        mid[0] = first[0]
        for steps, ball in pieces:
            mid[steps + 1] = ball.mid
            if ball.spread is not None:
                radius[steps + 1] = ball.spread
        return {0: Ball(mid, radius if radius.any() else None, pieces[0][1].precision)}

    def _against_experiment(self, name: str) -> Row:
        given = self._given()[name]
        pieces = [(self.steps[m], Ball(given[m].mid), self.known_shown(name)[m]) for m in self.steps]
        return self._row(name, f"{name} is the experiment's", pieces)

    def known_shown(self, name: str) -> Mapping[int, np.ndarray]:
        """A per-example quantity as the trace shows it."""
        stack = self.trace.shown[name]
        assert isinstance(stack, Mapping)
        return {m: np.asarray(part, np.float64) for m, part in stack.items()}

    def _row(self, name: str, equation: str, pieces: list, old: np.ndarray | None = None) -> Row:
        """Judge the pieces (steps, ball, actual); `old` has what a carried quantity was before each step."""
        sensitivity = SENSITIVITY[self.trace.precision]
        ratios, radii = [], []
        n_judged = n_not = n_outside = n_blind = 0
        worst: tuple[float, tuple] = (-1.0, ())
        broken: list[np.ndarray] = []
        for steps, ball, actual in pieces:
            shape = actual.shape
            mid, radius = np.broadcast_to(ball.mid, shape), np.broadcast_to(ball.radius, shape)
            with np.errstate(all="ignore"):
                error = np.abs(actual - mid)
                ratio = np.where(error == 0, 0.0, error / radius)
            bounded = np.isfinite(mid) & np.isfinite(radius)
            outside = (bounded & ~(error <= radius)) | ~np.isfinite(actual)
            judged = bounded | outside
            if old is not None:
                same = (np.abs(old[steps] - mid) <= radius) & (radius > 0)
                judged = outside | (judged & ~same)
            scale = np.broadcast_to(ball.absolute, shape).reshape(len(shape) and shape[0], -1).max(axis=1)
            scale = scale.reshape(-1, *([1] * (len(shape) - 1)))
            n_judged += int(judged.sum())
            n_not += int((~judged).sum())
            n_outside += int(outside.sum())
            n_blind += int((((sensitivity * scale <= radius + error) & (radius + error > 0)) | ~bounded).sum())
            if outside.any():
                broken.append(steps[outside.reshape(len(steps), -1).any(axis=1)])
            ratio = np.where(outside & ~np.isfinite(ratio), np.inf, ratio)
            ratios.append(ratio[judged])
            radii.append(radius[judged])
            seen = np.where(judged, ratio, -1.0)
            at = np.unravel_index(np.argmax(seen), shape)
            if seen[at] > worst[0]:
                worst = (float(seen[at]), (int(steps[at[0]]), at[1:], float(mid[at]), float(radius[at]), float(actual[at])))
        all_ratios, all_radii = np.concatenate(ratios), np.concatenate(radii)
        step, index, expected, bound, actual_worst = worst[1] or (-1, (), np.nan, np.nan, np.nan)
        broken_steps = np.concatenate(broken) if broken else np.array([], int)
        return Row(
            quantity=name,
            equation=equation,
            checked=n_judged,
            not_judged=n_not,
            outside=n_outside,
            worst=max(worst[0], 0.0),
            median=float(np.median(all_ratios)) if n_judged else float("nan"),
            radius=float(np.median(all_radii)) if n_judged else float("nan"),
            blind=n_blind,
            step=step + self.trace.first,
            index=tuple(int(i) for i in index),
            expected=expected,
            bound=bound,
            actual=actual_worst,
            first_broken=int(broken_steps.min()) + self.trace.first if len(broken_steps) else None,
            n_broken_steps=len(broken_steps),
        )


def _concatenated(part: list) -> Ball:
    mid = np.concatenate([ball.mid for _, ball in part])
    radius = np.concatenate([ball.radius for _, ball in part])
    return Ball(mid, radius if radius.any() else None, part[0][1].precision)
