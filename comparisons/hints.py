"""Hints: what can be measured of a quantity that is broken and that no known mistake explains.

Each hint is a fact about all its recorded numbers, tested within their balls: nothing is said that they do not bear
out. The facts are those that somebody looks for first: a factor, a transposition, a shift, a place.
What would hold of any numbers, such as of zeros or in balls without an end, is no fact about these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from comparisons.judging import Judging
from comparisons.near import Near
from comparisons.rows import Piece
from comparisons.trace import Stack, Trace
from comparisons.wording import count, counted, listed
from reference.network import Network

AT_MOST = 4  # hints, the most telling first
NARROW = 1e-3  # how closely a factor must be known to be told, as a part of it
SATURATED = 0.01  # how near to its end an output is called saturated


class Part(NamedTuple):
    """Some steps of a quantity: their positions in the trace, midpoints and radii of the balls, what was recorded."""

    steps: np.ndarray
    mid: np.ndarray
    radius: np.ndarray
    actual: np.ndarray
    unit: float

    @classmethod
    def of(cls, piece: Piece) -> Part:
        """A piece, with a ball for every number."""
        mid, radius = (np.broadcast_to(array, piece.actual.shape) for array in (piece.ball.mid, piece.ball.radius))
        return cls(piece.steps, mid, radius, piece.actual, piece.ball.precision.unit)

    @property
    def outside(self) -> np.ndarray:
        """Which numbers lie outside their balls."""
        return ~(np.abs(self.actual - self.mid) <= self.radius)


Turned = Callable[[Part], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A broken quantity, in parts of the steps of one batch size each, and `beside` it those of the next layers."""

    trace: Trace
    quantity: str
    parts: tuple[Part, ...]
    beside: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)

    @cached_property
    def steps(self) -> np.ndarray:
        """The steps that are broken, counted from 1."""
        return np.sort(np.concatenate([p.steps[_steps_with(p.outside)] + self.trace.first for p in self.parts]))

    @cached_property
    def number(self) -> int | None:
        """The layer of the quantity."""
        found = re.search(r"\[(\d+)\]$", self.quantity)
        return int(found[1]) if found else None

    def lies_in(self, turned: Turned, *, where_broken: bool = False) -> bool:
        """Whether all numbers, or those of broken steps, lie in other balls, of these midpoints and radii.

        A ball without an end bears nothing out.
        """
        for p in self.parts:
            mid, radius = turned(p)
            if mid.shape != p.actual.shape:
                return False
            is_inside = (np.abs(p.actual - mid) <= radius) & (np.isfinite(radius) | ~p.outside)
            if not (is_inside | (where_broken & ~_spread(_steps_with(p.outside), p.actual))).all():
                return False
        return True

    def sizes(self, p: Part) -> np.ndarray:
        """The batch size of each step of a part, to be multiplied with it."""
        return self.trace.sizes[p.steps].astype(float).reshape(-1, *[1] * (p.actual.ndim - 1))


def hints_of(judging: Judging | Near, network: Network, quantity: str) -> tuple[str, ...]:
    """What is to be seen in a broken quantity, in sentences."""

    def parts(name: str) -> tuple[Part, ...]:
        return tuple(map(Part.of, judging.pieces(network, name)))

    names = _of_the_next_layers(quantity, judging.trace)
    evidence = Evidence(judging.trace, quantity, parts(quantity), {name: parts(name) for name in names})
    with np.errstate(all="ignore"):  # a ball may have no end
        found = [hint for look in (values, places, times) for hint in look(evidence)]
    return tuple(found[:AT_MOST])


def _of_the_next_layers(quantity: str, trace: Trace) -> list[str]:
    """The same of the layer below and of the layer above, where it is shown and has the same shape."""
    found = re.fullmatch(r"(.*)\[(\d+)\]", quantity)
    names = [f"{found[1]}[{int(found[2]) + by}]" for by in (-1, 1)] if found else []
    shapes = trace.network.shapes
    return [
        name
        for name in names
        if name in trace.shown and name in trace.network.by_name and shapes[name] == shapes[quantity]
    ]


def _steps_with(outside: np.ndarray) -> np.ndarray:
    """Which steps of a part have a number outside."""
    return np.asarray(outside.reshape(len(outside), -1).any(axis=1))


def _spread(of_steps: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A mask of steps, for every number of them."""
    return np.broadcast_to(of_steps.reshape(-1, *[1] * (like.ndim - 1)), like.shape)


# What the numbers are ------------------------------------------------------------------------------------------------


def values(e: Evidence) -> Iterator[str]:
    """A factor, a transposition, another layer, another quantity, another step."""
    name = e.quantity
    if factor := _factor(e):
        yield factor
    if e.lies_in(lambda p: (p.mid.mT, p.radius.mT)):
        yield f"every number of {name} lies in the ball of its transposed place: it is transposed"
    shown = e.trace.shown
    is_constant = _is_constant(shown[name])
    alike = [other for other in shown if other != name and _equal(shown[other], shown[name])]
    if alike and not is_constant:
        yield f"{name} equals {listed(alike)}, bit for bit, at every step"
    for other, parts in e.beside.items():
        by_steps = {p.steps.tobytes(): p for p in parts}
        if other not in alike and e.lies_in(lambda p, of=by_steps: _of_other(p, of)):  # type: ignore[misc]
            yield f"every number of {name} lies in the ball of {other}: it is that of another layer"
    if is_constant and not all((p.mid == p.mid[0]).all() for p in e.parts):
        yield f"{name} is the same at every step"
    elif all((p.actual[p.outside] == 0).all() for p in e.parts):
        yield f"every number of {name} that is broken is 0"
    elif _is_late(e):
        yield f"{name} is what it should have been a step before, at every step"


def _of_other(p: Part, parts: Mapping[bytes, Part]) -> tuple[np.ndarray, np.ndarray]:
    """The balls of another quantity at the same steps; none that fits where it is not judged at the same ones."""
    other = parts.get(p.steps.tobytes())
    return (np.empty(0), np.empty(0)) if other is None else (other.mid, other.radius)


def _factor(e: Evidence) -> str:
    """A constant factor, if one fits all numbers, and what it is."""
    for words, power in (("m, the number of examples", 1), ("1/m, of the number of examples", -1)):
        low, high = _between(e, power)
        is_m = low <= 1 <= high and _is_narrow(low, high)
        if is_m and e.lies_in(lambda p, power=power: _times(p, e.sizes(p) ** power)):  # type: ignore[misc]
            return f"{e.quantity} is {words}, times what it should be, at every step"
    low, high = _between(e)
    if not _is_narrow(low, high) or low <= 1 <= high:
        return ""
    words, factor = _in_words(e, low, high)
    if not e.lies_in(lambda p: _times(p, np.float64(factor)), where_broken=True):
        return ""
    when = "at every step" if e.lies_in(lambda p: _times(p, np.float64(factor))) else "at every step that is broken"
    of_layers = next((f", which is {ratio}" for ratio, value in _of_layers(e) if low <= value <= high), "")
    return f"{e.quantity} is {words} times what it should be, {when}{of_layers}"


def _between(e: Evidence, power: int = 0) -> tuple[float, float]:
    """Between which numbers a factor, times this power of m, lies, by all numbers of broken steps that tell it."""
    low, high = -np.inf, np.inf
    for p in e.parts:
        is_telling = _spread(_steps_with(p.outside), p.actual) & (np.abs(p.mid) > p.radius)
        if not is_telling.any():
            continue
        actual = (p.actual / e.sizes(p) ** power)[is_telling]
        ends = np.stack([actual / (p.mid - p.radius)[is_telling], actual / (p.mid + p.radius)[is_telling]])
        slack = np.abs(ends) * 2 * p.unit  # the product itself is rounded
        low = max(low, float((ends - slack).min(axis=0).max()))
        high = min(high, float((ends + slack).max(axis=0).min()))
    return low, high


def _is_narrow(low: float, high: float) -> bool:
    """Whether it is one factor, not 0, and known closely enough to be told."""
    is_one = -np.inf < low <= high < np.inf and low * high > 0
    return is_one and high - low <= NARROW * min(abs(low), abs(high))


def _in_words(e: Evidence, low: float, high: float) -> tuple[str, float]:
    """The factor between two numbers that has a name, or the shortest one."""
    rate = e.trace.experiment.optimizer.learning_rate
    named = {"-1": -1.0, "2": 2.0, "1/2": 0.5, "4": 4.0, "1/4": 0.25, f"the learning rate, {rate:g},": rate,
             f"1 over the learning rate, {1 / rate:g},": 1 / rate}  # fmt: skip
    text = _shortest(low, high)
    return next(((words, value) for words, value in named.items() if low <= value <= high), (text, float(text)))


def _of_layers(e: Evidence) -> Iterator[tuple[str, float]]:
    """Numbers of units and of inputs of the quantity's layer, and their ratios."""
    if e.number is None:
        return
    n_in, n = e.trace.network.shape(f"W[{e.number}]", 0)[::-1]
    layer = f"layer {e.number}"
    yield f"the number of units of {layer}", n
    yield f"1 over the number of units of {layer}", 1 / n
    yield f"the number of inputs of {layer}", n_in
    yield f"1 over the number of inputs of {layer}", 1 / n_in
    yield f"{n}/{n_in}, the units of {layer} over its inputs", n / n_in
    yield f"{n_in}/{n}, the inputs of {layer} over its units", n_in / n


def _times(p: Part, factor: np.ndarray | np.float64) -> tuple[np.ndarray, np.ndarray]:
    """The ball times a number, which is rounded as it is in the ball."""
    slack = np.abs(p.mid * factor) * 2 * p.unit
    return p.mid * factor, p.radius * np.abs(factor) + slack


def _shortest(low: float, high: float) -> str:
    """The shortest decimal number between two."""
    for digits in range(1, 17):
        text = f"{(low + high) / 2:.{digits}g}"
        if low <= float(text) <= high:
            return text
    return f"{(low + high) / 2!r}"


def _is_constant(stack: Stack) -> bool:
    """Whether it is the same at every step, of more than one."""
    stacks = list(stack.values()) if isinstance(stack, Mapping) else [stack]
    return all(bool((part == part[0]).all()) for part in stacks) and all(len(part) > 1 for part in stacks)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool((one == other).all()) and bool(one.any())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[m], other[m]) for m in one)
    return False


def _is_late(e: Evidence) -> bool:
    """Whether each number from the second step on lies in the ball of the step before, where there are such."""
    if len({p.actual.shape[1:] for p in e.parts}) > 1:  # of other batch sizes
        return False
    order = np.argsort(np.concatenate([p.steps for p in e.parts]))
    mid, radius, actual, outside = (
        np.concatenate(arrays)[order]
        for arrays in zip(*((p.mid, p.radius, p.actual, p.outside) for p in e.parts), strict=True)
    )
    is_late = (np.abs(actual[1:] - mid[:-1]) <= radius[:-1]) & (np.isfinite(radius[:-1]) | ~outside[1:])
    return bool(is_late.all() and outside[1:].any())


# Where they are ------------------------------------------------------------------------------------------------------


def places(e: Evidence) -> Iterator[str]:
    """One unit, one input, only where Z is 0 or the output is saturated."""
    is_per_example = e.trace.network.per_example(e.quantity)
    yield from _only(e, "row", axis=1)
    if not is_per_example:
        yield from _only(e, "column", axis=2)
        return
    Z = e.trace.shown.get(f"Z[{e.number}]")
    A = e.trace.shown.get(f"A[{e.number}]")
    if isinstance(Z, Mapping) and e.quantity != f"Z[{e.number}]":
        yield from _only_where(e, f"Z[{e.number}] is exactly 0", [Z[p.actual.shape[-1]] == 0 for p in e.parts])
    ends = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(e.trace.experiment.activations[(e.number or 1) - 1])
    if isinstance(A, Mapping) and ends and e.quantity != f"A[{e.number}]":
        far = [np.minimum(*(np.abs(A[p.actual.shape[-1]] - end) for end in ends)) for p in e.parts]
        broken = [d[p.outside] for d, p in zip(far, e.parts, strict=True) if d.shape == p.outside.shape]
        furthest = max((float(d.max()) for d in broken if d.size), default=np.inf)
        if furthest <= SATURATED:
            near = f"within {furthest:.2g} of" if furthest else "exactly"
            where = f"A[{e.number}] is {near} {ends[0]} or {ends[1]}"
            yield from _only_where(e, where, [d <= furthest for d in far])


def _only(e: Evidence, what: str, axis: int) -> Iterator[str]:
    """A row or column, or up to three, if others have numbers that could be broken as well: not 0 and not to be."""
    others = tuple(n for n in range(e.parts[0].actual.ndim) if n != axis)
    if axis >= e.parts[0].actual.ndim:
        return
    broken = np.any([p.outside.any(axis=others) for p in e.parts], axis=0)
    telling = np.any([((p.mid != 0) | (p.actual != 0)).any(axis=others) for p in e.parts], axis=0)
    at = np.flatnonzero(broken)
    if 0 < len(at) <= 3 and (telling & ~broken).any():
        numbers = listed(str(i) for i in at)
        is_one = len(at) == 1
        yield f"only {what}{'' if is_one else 's'} {numbers} of {e.quantity} {'is' if is_one else 'are'} broken"


def _only_where(e: Evidence, where: str, masks: list[np.ndarray]) -> Iterator[str]:
    """That it is broken only there, if there are other numbers."""
    pairs = list(zip(masks, e.parts, strict=True))
    is_there = all(mask.shape == p.outside.shape and (mask | ~p.outside).all() for mask, p in pairs)
    if is_there and not all(mask.all() for mask in masks):
        yield f"{e.quantity} is broken only where {where}"


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
