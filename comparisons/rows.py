"""Rows: a quantity's recorded numbers against the balls that its equation gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from comparisons.balls import Ball, is_infinite
from comparisons.certificate import Row
from comparisons.tallies import Tally, median
from comparisons.trace import Trace
from comparisons.wording import SENSITIVITY


class Piece(NamedTuple):
    """Some steps of one quantity: their positions in the trace (−1 is the start), the ball, and what was recorded."""

    steps: np.ndarray
    ball: Ball
    actual: np.ndarray


class Judged(NamedTuple):
    """A piece, number by number; `slack` is how much each could change unseen, 0 where exactly ∞ is expected."""

    steps: np.ndarray
    mid: np.ndarray
    radius: np.ndarray
    actual: np.ndarray
    ratio: np.ndarray
    is_judged: np.ndarray
    is_outside: np.ndarray
    is_blind: np.ndarray
    slack: np.ndarray
    is_bounded: np.ndarray


class Old(Protocol):
    """What a carried quantity was before each step, by the steps' positions in the trace."""

    def __getitem__(self, steps: np.ndarray, /) -> np.ndarray: ...


class RowSoFar:
    """The row of a quantity, piece after piece.

    Tally: counts what medians are of, where the row is one of a part; the part's row has none.
    """

    def __init__(self, quantity: str, equation: str, trace: Trace, tally: Tally | None = None) -> None:
        self.quantity, self.equation, self.trace, self.tally = quantity, equation, trace, tally
        self.ratios: list[np.ndarray] = []
        self.radii: list[np.ndarray] = []
        self.n_numbers = self.outside = self.blind = self.n_broken_steps = 0
        self.first_broken: int | None = None
        self.highest, self.worst = -1.0, _Worst()

    def add(self, piece: Piece, old: Old | None = None) -> Judged:
        """Judge a piece, number by number; `old` has what a carried quantity was before each step of the trace.

        A number outside its ball, or not finite, is broken, and so is a finite one where exactly ∞ is expected.
        Inside, it proves nothing where its ball has no bound, or also holds the old value of what is carried.
        """
        part = judged(piece, SENSITIVITY[self.trace.precision], old)
        is_all = bool(part.is_judged.all())
        self.ratios.append(part.ratio.ravel() if is_all else part.ratio[part.is_judged])
        self.radii.append(part.radius.ravel() if is_all else part.radius[part.is_judged])
        self.n_numbers += part.is_judged.size
        self.blind += int(np.count_nonzero(part.is_blind))
        if n_outside := int(np.count_nonzero(part.is_outside)):
            self.outside += n_outside
            broken = part.steps[_any_number(part.is_outside)] + self.trace.first
            self.n_broken_steps += len(broken)
            self.first_broken = min(int(broken.min()), self.first_broken or int(broken.min()))
        seen = part.ratio if is_all else np.where(part.is_judged, part.ratio, -1.0)
        at = np.unravel_index(np.argmax(seen), seen.shape)
        if seen[at] > self.highest:
            self.highest = float(seen[at])
            self.worst = _Worst(int(part.steps[at[0]]), tuple(int(i) for i in at[1:]), float(part.mid[at]),
                                float(part.radius[at]), float(part.actual[at]), self.highest)  # fmt: skip
        return part

    def row(self) -> Row:
        """The row of all pieces."""
        ratios, radii = np.concatenate(self.ratios), np.concatenate(self.radii)
        if self.tally is not None:
            self.tally.ratios.add(ratios)
            self.tally.radii.add(radii)
        return Row(
            quantity=self.quantity,
            equation=self.equation,
            checked=len(ratios),
            not_judged=self.n_numbers - len(ratios),
            outside=self.outside,
            worst=self.worst.ratio,
            median=median(ratios) if self.tally is None else np.nan,
            radius=median(radii) if self.tally is None else np.nan,
            blind=self.blind,
            step=self.worst.step + self.trace.first,
            index=self.worst.place,
            expected=self.worst.expected,
            bound=self.worst.bound,
            actual=self.worst.actual,
            first_broken=self.first_broken,
            n_broken_steps=self.n_broken_steps,
        )


class _Worst(NamedTuple):
    """The worst judged number; `ratio` is its error as a multiple of its bound."""

    step: int = -1
    place: tuple[int, ...] = ()
    expected: float = np.nan
    bound: float = np.nan
    actual: float = np.nan
    ratio: float = 0.0


def row_of(
    name: str, equation: str, pieces: Sequence[Piece], trace: Trace, old: Old | None = None,
    tally: Tally | None = None,
) -> Row:  # fmt: skip
    """The row of these pieces; `old` has what a carried quantity was before each step of the trace."""
    row = RowSoFar(name, equation, trace, tally)
    for piece in pieces:
        row.add(piece, old)
    return row.row()


def judged(piece: Piece, sensitivity: float, old: Old | None) -> Judged:
    """Judge a piece number by number; `sensitivity` is the part of a number's scale whose change is to be noticed."""
    steps, ball, actual = piece
    mid, radius = np.broadcast_to(ball.mid, actual.shape), np.broadcast_to(ball.radius, actual.shape)
    with np.errstate(all="ignore"):
        error = np.abs(actual - mid)
        ratio = error / radius
        if (is_met := error == 0).any():
            ratio[is_met] = 0.0
        slack = radius + error
        if np.isfinite(slack).all():  # and so is each of them
            is_bounded, is_outside = np.ones(actual.shape, bool), error > radius
        else:
            is_never_finite = np.broadcast_to(is_infinite(ball), actual.shape)
            is_bounded = (np.isfinite(mid) & np.isfinite(radius)) | is_never_finite
            is_outside = (is_bounded & ~(error <= radius)) | ~np.isfinite(actual)
            slack = np.where(is_never_finite, 0.0, slack)
            ratio = np.where(is_outside & ~np.isfinite(ratio), np.inf, ratio)
        is_blind = ((sensitivity * _scale(ball, actual.shape) <= slack) & (slack > 0)) | ~is_bounded
        is_judged = is_bounded
        if old is not None:
            is_judged = is_judged & ~((np.abs(old[steps] - mid) <= radius) & (radius > 0))
        is_judged = is_judged | is_outside
    return Judged(steps, mid, radius, actual, ratio, is_judged, is_outside, is_blind, slack, is_bounded)


def _scale(ball: Ball, shape: tuple[int, ...]) -> np.ndarray:
    """The largest sum of absolute terms of the equation at each step."""
    absolute = np.broadcast_to(ball.absolute, shape)
    return absolute.max(axis=tuple(range(1, len(shape))), keepdims=True)


def _any_number(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask.reshape(len(mask), -1).any(axis=1))
