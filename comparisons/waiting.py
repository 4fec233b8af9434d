"""Waiting: an equation that feeds itself through the steps, and what of it waits for the step before.

The equation is given balls of all steps for what it reads now, and a stand-in for what it left before. Whatever does
not touch the stand-in comes out for all steps at once; the operations that do are written down, and done step by step.
Where several equations come to the same operations, as both moments do, these are done for all of them as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from comparisons.balls import Ball, Sum, as_ball, as_balls, is_open
from comparisons.letters import LETTERS
from comparisons.operations import OPERATIONS
from comparisons.stacks import side_by_side


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


@dataclass(frozen=True, eq=False)
class Recurrence:
    """The operations of an equation that wait, and the ball that it gave before the first step, (1, numbers)."""

    operations: tuple[Operation, ...]
    first: Ball

    @classmethod
    def of(
        cls,
        equation: Callable[..., Any],
        own: str,
        first: Ball,
        now: Mapping[str, Ball],
        constants: Mapping[str, float],
    ) -> Recurrence:
        """`own` is what the equation gave at the step before. Now: what else it reads, of all steps."""
        operations: list[Operation] = []
        with np.errstate(all="ignore"):
            equation(**now, **{own: Waiting(operations)}, **constants)
        return cls(tuple(operations), first)

    @property
    def size(self) -> int:
        """How many numbers it gives at a step."""
        return int(self.first.shape[-1])

    @property
    def key(self) -> tuple:
        """Recurrences with one key can be done as one: the same operations, which may differ in factors."""
        return self.first.precision.name, tuple(
            (o.does, tuple(o.constants.items()), tuple(self._kind(o, x) for x in o.reads)) for o in self.operations
        )

    def steps(self, n_steps: int) -> Iterator[Ball]:
        """What it gives at each step."""
        last = self.first
        with np.errstate(all="ignore"):
            for step in range(n_steps):
                results = [last]
                for does, reads, constants, meets in self.operations:
                    operands = [results[x.place] if isinstance(x, Waiting) else _at(step, x) for x in reads]
                    results.append(does(*(as_balls(*operands) if meets else operands), **constants))
                last = results[-1]
                yield last

    def _kind(self, operation: Operation, x: Any) -> tuple:
        """What an operand must be like in another recurrence; one that is like no other is known by itself."""
        if isinstance(x, Waiting):
            return "waiting", x.place
        if isinstance(x, Ball):
            can_join = x.ndim == 2 and x.precision == self.first.precision and not is_open(x)
            return ("of all steps", len(x.mid)) if can_join else ("itself", id(x))
        meets_waiting = all(isinstance(other, Waiting) for other in operation.reads if other is not x)
        is_factor = operation.does is OPERATIONS[np.multiply] and meets_waiting
        return ("factor",) if is_factor else ("number", x)


def as_one(alike: Sequence[Recurrence]) -> Recurrence:
    """Recurrences with one key side by side."""
    if len(alike) == 1:
        return alike[0]
    first = side_by_side([one.first for one in alike])
    operations = []
    for of_each in zip(*(one.operations for one in alike), strict=True):
        reads = tuple(_operand(operands, alike) for operands in zip(*(one.reads for one in of_each), strict=True))
        operations.append(of_each[0]._replace(reads=reads))
    return Recurrence(tuple(operations), first)


def _operand(operands: Sequence[Any], alike: Sequence[Recurrence]) -> Any:
    one = operands[0]
    if isinstance(one, Waiting) or (not isinstance(one, Ball) and all(other == one for other in operands)):
        return one
    return side_by_side([_wide(x, recurrence) for x, recurrence in zip(operands, alike, strict=True)])


def _wide(x: Any, recurrence: Recurrence) -> Ball:
    """An operand with as many columns as its recurrence has numbers."""
    ball = as_ball(x, recurrence.first.precision)
    shape = (len(ball.mid) if ball.ndim else 1, recurrence.size)
    return Ball(np.broadcast_to(ball.mid, shape), np.broadcast_to(ball.radius, shape), ball.precision)


def _at(step: int, x: Any) -> Any:
    """What is known of all steps, at one of them; what does not change is what it is."""
    if not isinstance(x, Ball) or not x.ndim or len(x.mid) == 1:
        return x
    at = slice(step, step + 1)
    terms = None if x.sum_of is None else Sum(*(_part(one, at) for one in x.sum_of))
    return Ball(x.mid[at], None if x.spread is None else x.spread[at], x.precision, terms)


def _part(x: Any, at: slice) -> Any:
    return x[at] if isinstance(x, np.ndarray) and x.ndim else x
