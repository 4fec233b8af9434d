"""Rows: a quantity's recorded numbers against the balls that its equation gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from comparisons.balls import Ball, is_infinite
from comparisons.certificate import Row
from comparisons.tallies import Tally
from comparisons.trace import Trace
from comparisons.wording import SENSITIVITY


class Piece(NamedTuple):
    """Some steps of one quantity: their positions in the trace (−1 is the start), the ball, and what was recorded."""

    steps: np.ndarray
    ball: Ball
    actual: np.ndarray


class Judged(NamedTuple):
    """A piece, number by number."""

    steps: np.ndarray
    mid: np.ndarray
    radius: np.ndarray
    actual: np.ndarray
    ratio: np.ndarray
    is_judged: np.ndarray
    is_outside: np.ndarray
    is_blind: np.ndarray


def row_of(
    name: str, equation: str, pieces: Sequence[Piece], trace: Trace, old: np.ndarray | None = None,
    tally: Tally | None = None,
) -> Row:  # fmt: skip
    """Judge the pieces; `old` has what a carried quantity was before each step, `tally` counts what medians are of.

    A number outside its ball, or not finite, is broken, and so is a finite one where exactly ∞ is expected. Inside, it
    proves nothing where its ball has no bound, or also holds the old value of what is carried.
    """
    parts = [judged(piece, SENSITIVITY[trace.precision], old) for piece in pieces]
    ratios = np.concatenate([part.ratio[part.is_judged] for part in parts])
    radii = np.concatenate([part.radius[part.is_judged] for part in parts])
    if tally is not None:
        tally.ratios.add(ratios)
        tally.radii.add(radii)
    broken = [part.steps[_any_number(part.is_outside)] for part in parts]
    broken_steps = np.concatenate(broken) + trace.first
    step, index, expected, bound, actual, worst = _worst(parts)
    return Row(
        quantity=name,
        equation=equation,
        checked=len(ratios),
        not_judged=sum(int((~part.is_judged).sum()) for part in parts),
        outside=sum(int(part.is_outside.sum()) for part in parts),
        worst=worst,
        median=_median(ratios, tally),
        radius=_median(radii, tally),
        blind=sum(int(part.is_blind.sum()) for part in parts),
        step=step + trace.first,
        index=index,
        expected=expected,
        bound=bound,
        actual=actual,
        first_broken=int(broken_steps.min()) if len(broken_steps) else None,
        n_broken_steps=len(broken_steps),
    )


def _median(numbers: np.ndarray, tally: Tally | None) -> float:
    """Their median, NaN of none; the tally gives it in the end, where there is one."""
    return float(np.median(numbers)) if len(numbers) and tally is None else float("nan")


def judged(piece: Piece, sensitivity: float, old: np.ndarray | None) -> Judged:
    """Judge a piece number by number; `sensitivity` is the part of a number's scale whose change is to be noticed."""
    steps, ball, actual = piece
    mid, radius = np.broadcast_to(ball.mid, actual.shape), np.broadcast_to(ball.radius, actual.shape)
    with np.errstate(all="ignore"):
        error = np.abs(actual - mid)
        ratio = np.where(error == 0, 0.0, error / radius)
    is_never_finite = np.broadcast_to(is_infinite(ball), actual.shape)
    is_bounded = (np.isfinite(mid) & np.isfinite(radius)) | is_never_finite
    is_outside = (is_bounded & ~(error <= radius)) | ~np.isfinite(actual)
    is_judged = is_bounded
    if old is not None:
        with np.errstate(all="ignore"):
            is_judged = is_judged & ~((np.abs(old[steps] - mid) <= radius) & (radius > 0))
    slack = radius + error
    is_blind = ((sensitivity * _scale(ball, actual.shape) <= slack) & (slack > 0) & ~is_never_finite) | ~is_bounded
    ratio = np.where(is_outside & ~np.isfinite(ratio), np.inf, ratio)
    return Judged(steps, mid, radius, actual, ratio, is_judged | is_outside, is_outside, is_blind)


def _scale(ball: Ball, shape: tuple[int, ...]) -> np.ndarray:
    """The largest sum of absolute terms of the equation at each step."""
    absolute = np.broadcast_to(ball.absolute, shape)
    return absolute.max(axis=tuple(range(1, len(shape))), keepdims=True)


def _any_number(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask.reshape(len(mask), -1).any(axis=1))


def _worst(parts: Sequence[Judged]) -> tuple[int, tuple[int, ...], float, float, float, float]:
    """Step, index, expected, bound, actual and multiple of the bound of the worst judged number."""
    found: tuple[int, tuple[int, ...], float, float, float, float] = (-1, (), np.nan, np.nan, np.nan, 0.0)
    highest = -1.0
    for part in parts:
        seen = np.where(part.is_judged, part.ratio, -1.0)
        at = np.unravel_index(np.argmax(seen), seen.shape)
        if seen[at] > highest:
            highest = float(seen[at])
            found = (int(part.steps[at[0]]), tuple(int(i) for i in at[1:]), float(part.mid[at]), float(part.radius[at]),
                     float(part.actual[at]), highest)  # fmt: skip
    return found
