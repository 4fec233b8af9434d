"""Waiting: an equation that feeds itself through the steps, and what of it waits for the step before.

The equation is given balls of all steps for what it reads now, and a stand-in for what it left before. Whatever does
not touch the stand-in comes out for all steps at once; the operations that do are written down, and done step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from comparisons.balls import Ball, Sum, as_balls
from comparisons.letters import LETTERS
from comparisons.operations import OPERATIONS


class Operation(NamedTuple):
    """What is done at each step: to results of this step, balls of all steps, or numbers that do not change."""

    does: Callable[..., Ball]
    reads: tuple[Any, ...]
    constants: Mapping[str, float]
    meets: bool  # whether operands must be brought into one precision first


class Waiting(Ball):
    """Stands for a ball that is only known at its step; `place` is where it stands among the results of the step.

    A kind of ball, so that it is asked before those that it meets.
    """

    __slots__ = ("operations", "place")

    def __init__(self, operations: list[Operation]) -> None:
        self.operations, self.place = operations, len(operations)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        operation = OPERATIONS.get(ufunc)
        if operation is None or method != "__call__" or options:
            return NotImplemented
        return self._after(Operation(operation, inputs, {}, True))

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Waiting:
        return self._after(Operation(LETTERS[letter], arguments, constants, False))

    def _after(self, operation: Operation) -> Waiting:
        self.operations.append(operation)
        return Waiting(self.operations)


def steps_of(
    equation: Callable[..., Any], own: str, first: Ball, now: Mapping[str, Ball], n_steps: int,
    constants: Mapping[str, float],
) -> Iterator[Ball]:  # fmt: skip
    """What an equation gives at each step, `own` being what it gave at the step before, at first `first`.

    Now: what else it reads, of all steps.
    """
    operations: list[Operation] = []
    with np.errstate(all="ignore"):
        read = {name: Ball(ball.mid, ball.spread, ball.precision) for name, ball in now.items()}
        equation(**read, **{own: Waiting(operations)}, **constants)
        last = first
        for step in range(n_steps):
            results = [last]
            for does, reads, fixed, meets in operations:
                operands = [results[x.place] if isinstance(x, Waiting) else _at(step, x) for x in reads]
                results.append(does(*(as_balls(*operands) if meets else operands), **fixed))
            last = results[-1]
            yield last


def _at(step: int, x: Any) -> Any:
    """What is known of all steps, at one of them; a number is what it is."""
    if not isinstance(x, Ball) or not x.ndim:
        return x
    at = slice(step, step + 1)
    terms = None if x.sum_of is None else Sum(*(_part(one, at) for one in x.sum_of))
    return Ball(x.mid[at], None if x.spread is None else x.spread[at], x.precision, terms)


def _part(x: Any, at: slice) -> Any:
    return x[at] if isinstance(x, np.ndarray) and x.ndim else x
