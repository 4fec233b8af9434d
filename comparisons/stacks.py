"""Stacks of balls: of all steps of a quantity, put together and side by side, or in the portions they came in."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from comparisons.balls import Ball


@dataclass(eq=False)
class Portions:
    """The balls of consecutive steps in portions, each as it was computed: a ball remembers what it was made from."""

    begins: list[int] = field(default_factory=list)
    balls: list[Ball] = field(default_factory=list)

    def add(self, ball: Ball) -> None:
        """The portion that follows."""
        self.begins.append(self.begins[-1] + len(self.balls[-1].mid) if self.balls else 0)
        self.balls.append(ball)

    def part(self, begin: int, n: int) -> Ball:
        """So many steps from this one on: the very ball where they are one portion."""
        number = bisect_right(self.begins, begin) - 1
        ball, at = self.balls[number], begin - self.begins[number]
        if n == len(ball.mid) and at == 0:
            return ball
        return ball[at : at + n] if at + n <= len(ball.mid) else self.whole()[begin : begin + n]

    def whole(self) -> Ball:
        """All of them as one."""
        return self.balls[0] if len(self.balls) == 1 else concatenated(self.balls)


Stacks = dict[int, Ball | Portions]  # by batch size where there is an entry per example; else start and steps, under 0


def whole(stack: Ball | Portions) -> Ball:
    """A stack as one ball."""
    return stack.whole() if isinstance(stack, Portions) else stack


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


def concatenated(balls: list[Ball]) -> Ball:
    """The balls of several portions of steps, one after the other."""
    mid = np.concatenate([ball.mid for ball in balls])
    radius = np.concatenate([ball.radius for ball in balls])
    return Ball(mid, radius if radius.any() else None, balls[0].precision)
