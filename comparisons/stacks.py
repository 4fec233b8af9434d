"""Stacks of balls: of all steps of a quantity, put together and side by side."""

from __future__ import annotations

import numpy as np

from comparisons.balls import Ball

Stacks = dict[int, Ball]  # of a per-example quantity, by batch size; of others one Ball of start and steps, under 0


def side_by_side(balls: list[Ball]) -> Ball:
    """Stacks of several quantities as one (steps, numbers)."""
    mid = np.concatenate([b.mid.reshape(len(b.mid), -1) for b in balls], axis=1)
    radius = np.concatenate([b.radius.reshape(len(b.mid), -1) for b in balls], axis=1)
    return Ball(mid, radius if radius.any() else None, balls[0].precision)


def from_then_on(first: Ball, others: Ball) -> Ball:
    """A stack with one entry more, before all others."""
    mid = np.concatenate([first.mid.reshape(1, *others.shape[1:]), others.mid])
    if first.spread is None and others.spread is None:
        return Ball(mid, None, others.precision)
    return Ball(mid, np.concatenate([first.radius.reshape(1, *others.shape[1:]), others.radius]), others.precision)


def concatenated(part: list) -> Ball:
    """The balls of several portions of steps, one after the other."""
    mid = np.concatenate([ball.mid for _, ball in part])
    radius = np.concatenate([ball.radius for _, ball in part])
    return Ball(mid, radius if radius.any() else None, part[0][1].precision)
