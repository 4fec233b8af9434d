"""Columns: a block of a step's examples, as an equation sees it, which asks for all of them and sums over all of them.

An equation that is given these in place of balls finds the whole number of examples in `.shape`. A sum over the
examples, `@` or `.sum`, is added to what the blocks before gave there. So an equation is evaluated on block after
block, and what it gives on the last one is what it gives on the whole step. No equation is written, or known, for it.

The ball of a sum in blocks is the ball of the sum. In whatever order an implementation adds m numbers, each meets at
most m − 1 roundings. A block of c numbers counts c − 1 of them, and joining it one more: (c₁ − 1) + … + (cₖ − 1) +
(k − 1) = m − 1. Of products, each is rounded once itself, and a block of c counts c: c₁ + … + cₖ = m, with nothing
more for joining. Σ|terms|, the radii and what underflow takes add up. The midpoint is computed in float64 as the
blocks come: one of its terms meets c roundings at most in its own block, and k − 1 where blocks are joined, and
c + k − 1 ≤ m since every other block has a column too. That is what `added` counts for the midpoint of the whole. So
both balls hold the same, and only their midpoints, Σ|terms| and radii differ, by as much as float64 sums in another
order do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.balls import Ball, Sum, added, is_infinite, plus

EXAMPLES, TURNED = -1, -2  # the axis of the examples, and where it is in a transposed array


class NotInBlocks(ValueError):
    """What an equation does with the examples cannot be done with some of them at a time."""


class Sums:
    """The sums over the examples in one equation so far, in the order in which it asks for them."""

    def __init__(self) -> None:
        self.found: list[tuple[np.ndarray, Sum, Any]] = []
        self.at = 0

    def begin(self) -> None:
        """The equation is evaluated on a block."""
        self.at = 0

    def joined(self, block: Ball, infinite: Any, between: int) -> Ball:
        """The ball of a sum with this block in it, the fresh sum of its finite terms; `infinite` is that of the others.

        Between: how many roundings are added where two blocks are joined.
        """
        mid, new = block.mid, block.sum_of
        assert new is not None
        if self.at < len(self.found):
            before, old, others = self.found[self.at]
            mid, infinite = before + mid, others + infinite
            new = Sum(
                old.n_roundings + new.n_roundings + between,
                old.absolute + new.absolute,
                plus(old.given, new.given),
                old.flushed + new.flushed + between * block.precision.smallest,
            )
            self.found[self.at] = mid, new, infinite
        else:
            self.found.append((mid, new, infinite))
        self.at += 1
        if np.any(infinite):  # as `Ball.sum` has it
            others_fit = new.absolute <= block.precision.largest / 2
            exactly = np.isinf(infinite) & others_fit
            absolute = np.where(exactly, 0.0, np.where(infinite == 0, new.absolute, np.inf))
            mid, new = mid + infinite, new._replace(absolute=absolute)
            new = new._replace(given=None if new.given is None else new.given * ~exactly)
        return added(mid, new, block.precision)


class Columns(np.lib.mixins.NDArrayOperatorsMixin):
    """A ball of an equation in blocks: `axis` is that of the examples, of which there are m in all, or None.

    Error: NotInBlocks for what needs other examples than those of the block and is no sum.
    """

    __slots__ = ("axis", "ball", "m", "sums")

    def __init__(self, ball: Ball, axis: int | None, m: int, sums: Sums) -> None:
        self.ball, self.axis, self.m, self.sums = ball, axis, m, sums

    @property
    def shape(self) -> tuple[int, ...]:
        """With all the examples of the step."""
        shape = list(self.ball.shape)
        if self.axis is not None:
            shape[self.axis] = self.m
        return tuple(shape)

    ndim = property(lambda self: self.ball.ndim)

    @property
    def mT(self) -> Columns:
        """Transposed."""
        turned = {EXAMPLES: TURNED, TURNED: EXAMPLES}
        return self._of(self.ball.mT, None if self.axis is None else turned[self.axis])

    def sum(self, *, axis: int, keepdims: bool = False) -> Columns:
        """Σ along an axis, and if that is the examples', over those of the blocks before too."""
        if self.axis is None:
            return self._of(self.ball.sum(axis=axis, keepdims=keepdims), None)
        if not keepdims:
            raise NotInBlocks("a sum that keeps no axis says nothing of where the examples are")
        if axis != self.axis:
            return self._of(self.ball.sum(axis=axis, keepdims=True), self.axis)
        ball, infinite = self.ball, np.float64(0)
        with np.errstate(all="ignore"):
            if np.isinf(ball.mid).any():
                is_end = is_infinite(ball)
                infinite = np.where(is_end, ball.mid, 0.0).sum(axis=axis, keepdims=True)
                ball = Ball(np.where(is_end, 0.0, ball.mid), ball.spread, ball.precision)
            return self._of(self.sums.joined(ball.sum(axis=axis, keepdims=True), infinite, between=1), None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul:
            return self._product(*inputs)
        result = getattr(ufunc, method)(*map(_inner, inputs), **options)
        return self._of(result, _axis_of(result, inputs))

    def __letter__(self, letter: Any, arguments: tuple, constants: dict[str, float]) -> Columns:
        result = letter(*map(_inner, arguments), **constants)
        return self._of(result, _axis_of(result, arguments))

    def _product(self, one: Any, other: Any) -> Columns:
        """one @ other; where both are contracted along the examples, on top of the blocks before."""
        axes = tuple(x.axis if isinstance(x, Columns) else None for x in (one, other))
        with np.errstate(all="ignore"):
            product = _inner(one) @ _inner(other)
            if axes == (EXAMPLES, TURNED):
                return self._of(self.sums.joined(product, np.float64(0), between=0), None)
        if axes in ((None, None), (None, EXAMPLES), (TURNED, None)):
            return self._of(product, axes[0] or axes[1])
        raise NotInBlocks("a product over some axis of the examples with what has none there, or with itself")

    def _of(self, ball: Ball, axis: int | None) -> Columns:
        return Columns(ball, axis, self.m, self.sums)


def _inner(x: Any) -> Any:
    return x.ball if isinstance(x, Columns) else x


def _axis_of(result: Ball, inputs: tuple) -> int | None:
    """Where the examples are in what was computed element by element from these."""
    columns = [x for x in inputs if isinstance(x, Columns)]
    axes = {x.axis for x in columns if x.axis is not None}
    if len(axes) > 1:
        raise NotInBlocks("examples and examples, along another axis each")
    if not axes:
        return None
    (axis,) = axes
    for x in columns:
        if x.axis is None and x.ndim >= -axis and x.shape[axis] != 1:
            raise NotInBlocks("examples, along the same axis as what has none")
    sizes = {x.ball.shape[axis] for x in columns if x.axis is not None}
    return axis if result.ndim >= -axis and result.shape[axis] in sizes else None
