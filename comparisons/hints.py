"""Hints: what can be measured of a quantity that is broken and that no known mistake explains.

Each hint is a fact about all its recorded numbers, tested within their balls: nothing is said that they do not bear
out. The facts are those that somebody looks for first: a factor, a transposition, a shift, a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comparisons.judging import Judging
from comparisons.rows import Piece
from comparisons.trace import Trace
from comparisons.wording import count, counted, listed
from reference.network import Network

AT_MOST = 4  # hints, the most telling first


@dataclass(frozen=True, eq=False)
class Evidence:
    """A broken quantity: its balls and what was recorded, piece by piece, each of the steps of one batch size."""

    trace: Trace
    quantity: str
    pieces: tuple[Piece, ...]

    @cached_property
    def outside(self) -> list[np.ndarray]:
        """Where each piece lies outside."""
        return [~(np.abs(p.actual - p.ball.mid) <= p.ball.radius) for p in self.pieces]

    @cached_property
    def steps(self) -> np.ndarray:
        """The steps that are broken, counted from 1."""
        found = [p.steps[_steps_with(o)] + self.trace.first for p, o in zip(self.pieces, self.outside, strict=True)]
        return np.sort(np.concatenate(found))

    def all_inside(self, turned: Callable[[Piece], tuple[np.ndarray, np.ndarray]]) -> bool:
        """Whether all numbers lie in other balls, of these midpoints and radii."""
        for piece in self.pieces:
            mid, radius = turned(piece)
            if mid.shape != piece.actual.shape or not (np.abs(piece.actual - mid) <= radius).all():
                return False
        return True

    def sizes(self, piece: Piece) -> np.ndarray:
        """The batch size of each step of a piece, to be multiplied with it."""
        return self.trace.sizes[piece.steps].astype(float).reshape(-1, *[1] * (piece.actual.ndim - 1))


def hints_of(judging: Judging, network: Network, quantity: str) -> tuple[str, ...]:
    """What is to be seen in a broken quantity, in sentences."""
    pieces = judging.pieces(network, quantity)
    evidence = Evidence(judging.trace, quantity, tuple(pieces))
    with np.errstate(all="ignore"):  # a ball may have no end
        found = [hint for look in (values, places, times) for hint in look(evidence)]
    return tuple(found[:AT_MOST])


def _steps_with(outside: np.ndarray) -> np.ndarray:
    """Which steps of a piece have a number outside."""
    return np.asarray(outside.reshape(len(outside), -1).any(axis=1))


def _spread(of_steps: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A mask of steps, for every number of them."""
    return np.broadcast_to(of_steps.reshape(-1, *[1] * (like.ndim - 1)), like.shape)


# What the numbers are ------------------------------------------------------------------------------------------------


def values(e: Evidence) -> Iterator[str]:
    """A factor, a transposition, another quantity, another step."""
    name = e.quantity
    if factor := _factor(e):
        yield factor
    if e.all_inside(lambda p: (p.ball.mid.mT, p.ball.radius.mT)) and pieces_differ(e):
        yield f"every number of {name} lies in the ball of its transposed place: it is transposed"
    for other, stack in e.trace.shown.items():
        if other != name and _equal(stack, e.trace.shown[name]):
            yield f"{name} equals {other}, bit for bit, at every step"
    stack = e.trace.shown[name]
    if isinstance(stack, np.ndarray) and len(stack) > 1:
        if (stack == stack[0]).all():
            yield f"{name} is the same at every step"
        elif len(e.pieces) == 1 and _is_late(e.pieces[0]):
            yield f"{name} is what it should have been a step before, at every step"


def pieces_differ(e: Evidence) -> bool:
    """Whether a transposed ball is another one."""
    return any(not np.array_equal(p.ball.mid, p.ball.mid.mT) for p in e.pieces if p.ball.mid.ndim == 3)


def _factor(e: Evidence) -> str:
    """A constant factor, if one fits all numbers, and what it is."""
    rate = e.trace.experiment.optimizer.learning_rate
    named = {"-1": -1.0, "2": 2.0, "1/2": 0.5, "4": 4.0, "1/4": 0.25, f"the learning rate, {rate:g}": rate,
             f"1 over the learning rate, {1 / rate:g}": 1 / rate}  # fmt: skip
    for words, by in {"m, the number of examples": 1, "1/m, of the number of examples": -1}.items():
        if e.all_inside(lambda p, by=by: _times(p, e.sizes(p) ** by)):  # type: ignore[misc]
            return f"{e.quantity} is {words}, times what it should be, at every step"
    low, high = -np.inf, np.inf
    for p, outside in zip(e.pieces, e.outside, strict=True):
        mid, radius = np.broadcast_to(p.ball.mid, p.actual.shape), np.broadcast_to(p.ball.radius, p.actual.shape)
        is_broken = _spread(_steps_with(outside), p.actual)
        telling = is_broken & (np.abs(mid) > radius)
        if (is_broken & ~telling & (p.actual != 0) & (np.abs(p.actual) > 2 * (np.abs(mid) + radius))).any():
            return ""
        ends = np.stack([p.actual[telling] / (mid - radius)[telling], p.actual[telling] / (mid + radius)[telling]])
        if ends.size:
            rounding = 2 * p.ball.precision.unit  # of the product itself
            least, most = ends * (1 - np.sign(ends) * rounding), ends * (1 + np.sign(ends) * rounding)
            low, high = max(low, float(least.min(axis=0).max())), min(high, float(most.max(axis=0).min()))
    if not -np.inf < low <= high < np.inf or low <= 1 <= high:
        return ""
    words = next((words for words, value in named.items() if low <= value <= high), _shortest(low, high))
    when = "at every step" if len(e.steps) == e.trace.n_steps else "at every step that is broken"
    return f"{e.quantity} is {words} times what it should be, {when}"


def _times(piece: Piece, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ball times a number, which is rounded as it is in the ball."""
    slack = np.abs(piece.ball.mid * factor) * 2 * piece.ball.precision.unit
    return piece.ball.mid * factor, piece.ball.radius * np.abs(factor) + slack


def _shortest(low: float, high: float) -> str:
    """The shortest decimal number between two."""
    for digits in range(1, 17):
        text = f"{(low + high) / 2:.{digits}g}"
        if low <= float(text) <= high:
            return text
    return f"{(low + high) / 2!r}"


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool((one == other).all()) and bool(one.any())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[m], other[m]) for m in one)
    return False


def _is_late(piece: Piece) -> bool:
    """Whether each number lies in the ball of the step before."""
    mid, radius = piece.ball.mid[:-1], piece.ball.radius[:-1]
    return bool((np.abs(piece.actual[1:] - mid) <= radius).all())


# Where they are ------------------------------------------------------------------------------------------------------


def places(e: Evidence) -> Iterator[str]:
    """One unit, one input, only where Z is 0 or the output is saturated."""
    units = [np.asarray(o.any(axis=(0, *range(2, o.ndim)))) for o in e.outside]
    inputs = [np.asarray(o.any(axis=(0, *range(1, o.ndim - 1)))) for o in e.outside]
    per_example = e.trace.network.per_example(e.quantity)
    yield from _only(e, "row", np.any(units, axis=0))
    if not per_example and len(inputs[0]) > 1:
        yield from _only(e, "column", np.any(inputs, axis=0))
    if per_example:
        number = e.quantity.partition("[")[2]
        for shown, means, where in (
            (f"Z[{number}", "is exactly 0", lambda z: z == 0),
            (f"A[{number}", "is exactly 0 or 1", lambda a: (a == 0) | (a == 1)),
        ):
            stack = e.trace.shown.get(shown)
            if isinstance(stack, dict):
                masks = [where(stack[o.shape[-1]]) for o in e.outside]
                fits = all(m.shape == o.shape for m, o in zip(masks, e.outside, strict=True))
                if fits and all((m | ~o).all() for m, o in zip(masks, e.outside, strict=True)):
                    yield f"{e.quantity} is broken only where {shown} {means}"


def _only(e: Evidence, what: str, broken: np.ndarray) -> Iterator[str]:
    at = np.flatnonzero(broken)
    if 0 < len(at) < len(broken) and len(at) <= 3:
        numbers = listed(str(i) for i in at)
        is_one = len(at) == 1
        yield f"only {what}{'' if is_one else 's'} {numbers} of {e.quantity} {'is' if is_one else 'are'} broken"


# When they are -------------------------------------------------------------------------------------------------------


def times(e: Evidence) -> Iterator[str]:
    """Only in smaller batches, only from a step on, once."""
    steps, trace = e.steps, e.trace
    if not len(steps):
        return
    of_size = trace.sizes[steps - trace.first]
    full = trace.sizes.max()
    if full not in of_size and trace.sizes.min() < full:
        yield (
            f"{e.quantity} is broken only in the smaller batch at the end of each epoch, "
            f"in {counted(len(steps), 'step')} of {count(int((trace.sizes < full).sum()))} such"
        )
    elif len(steps) == 1:
        yield f"{e.quantity} is broken at step {count(int(steps[0]))} alone"
    elif steps[0] > trace.first and len(steps) == trace.first + trace.n_steps - steps[0]:
        epoch = trace.experiment.steps_per_epoch
        starts = ", where an epoch begins" if (steps[0] - 1) % epoch == 0 else ""
        yield f"{e.quantity} is broken at every step from step {count(int(steps[0]))} on{starts}, and at none before"
