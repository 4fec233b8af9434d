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
    """A piece, number by number; `slack` is how much each could change unseen, 0 where exactly ∞ is expected.

    `is_exact`: all balls have a radius of 0, and all numbers are their midpoints.
    """

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
    is_exact: bool = False


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
        self.n_exact = self.n_numbers = self.outside = self.blind = self.n_broken_steps = 0
        self.first_broken: int | None = None
        self.highest, self.worst = -1.0, _Worst()

    def add(self, piece: Piece, old: Old | None = None) -> Judged:
        """Judge a piece, number by number; `old` has what a carried quantity was before each step of the trace.

        A number outside its ball, or not finite, is broken, and so is a finite one where exactly ∞ is expected.
        Inside, it proves nothing where its ball has no bound, or also holds the old value of what is carried.
        """
        part = judged(piece, SENSITIVITY[self.trace.precision], old)
        self.n_numbers += part.is_judged.size
        is_all = part.is_exact or bool(part.is_judged.all())
        if part.is_exact:
            self.n_exact += part.ratio.size
            if self.highest >= 0:
                return part
        else:
            self.ratios.append(part.ratio.ravel() if is_all else part.ratio[part.is_judged])
            self.radii.append(part.radius.ravel() if is_all else part.radius[part.is_judged])
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
        checked = self.n_exact + sum(map(len, self.ratios))
        is_exact = not self.ratios and self.tally is None  # then one of them tells the medians
        exact = np.zeros(min(self.n_exact, 1) if is_exact else self.n_exact)
        ratios, radii = np.concatenate([*self.ratios, exact]), np.concatenate([*self.radii, exact])
        if self.tally is not None:
            self.tally.ratios.add(ratios)
            self.tally.radii.add(radii)
        return Row(
            quantity=self.quantity,
            equation=self.equation,
            checked=checked,
            not_judged=self.n_numbers - checked,
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
        error = actual - mid
        np.abs(error, out=error)
        is_bounded, nothing = np.ones(actual.shape, bool), np.zeros(actual.shape, bool)
        if old is None and ball.spread is None and not error.any():
            return Judged(steps, mid, radius, actual, error, is_bounded, nothing, nothing, error, is_bounded, True)
        ratio, slack, is_outside, is_blind = error / radius, radius + error, nothing, nothing
        most = slack.max()  # NaN where one is
        if most < np.inf:
            if not (highest := ratio.max()) < 1:
                if highest != highest:  # NaN: errors of 0 in radii of 0
                    np.fmax(ratio, 0.0, out=ratio)
                is_outside = error > radius
        else:
            ratio[error == 0] = 0.0
            is_never_finite = np.broadcast_to(is_infinite(ball), actual.shape)
            is_bounded = (np.isfinite(mid) & np.isfinite(radius)) | is_never_finite
            is_outside = (is_bounded & ~(error <= radius)) | ~np.isfinite(actual)
            slack = np.where(is_never_finite, 0.0, slack)
            ratio = np.where(is_outside & ~np.isfinite(ratio), np.inf, ratio)
        if not sensitivity * _scale(ball, actual.shape, some=True).min() > most:
            is_blind = ((sensitivity * _scale(ball, actual.shape) <= slack) & (slack > 0)) | ~is_bounded
        is_judged = is_bounded
        if old is not None:
            is_judged = is_judged & ~((np.abs(old[steps] - mid) <= radius) & (radius > 0))
        is_judged = is_judged | is_outside
    return Judged(steps, mid, radius, actual, ratio, is_judged, is_outside, is_blind, slack, is_bounded)


def _scale(ball: Ball, shape: tuple[int, ...], some: bool = False) -> np.ndarray:
    """The largest sum of absolute terms of the equation at each step, or at least that of some of its numbers."""
    absolute = np.broadcast_to(ball.absolute, shape)
    absolute = absolute[..., :1] if some else absolute
    return absolute.max(axis=tuple(range(1, len(shape))), keepdims=True)


def _any_number(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask.reshape(len(mask), -1).any(axis=1))
