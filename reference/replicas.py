"""Replicas: many correct runs at once, apart by nothing but what IEEE 754 leaves open.

Additions, products and quotients are correctly rounded everywhere, and come out alike in every implementation. Dot
products and sums (their order), exp, log and the activations made of them (their algorithm) do not. So a replica moves
the results of exactly those by a random number of units in the last place, and all replicas are trained together along
a leading axis. Their spread is how far correct implementations drift apart.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reference.alphabet import Array
from reference.network import Network
from reference.open import Moved
from reference.side_by_side import Part, Runs, SideBySide

POOL = 2**20  # random moves that are drawn once; each result takes its moves from a random place in them


class Asked(NamedTuple):
    """Results that moves are asked for: of each its function, and how many numbers it has."""

    results: list[tuple[str, int]]
    are_small: bool  # none has more than half as many numbers as the pool
    ends: np.ndarray  # before which place in the pool its moves begin

    @classmethod
    def of(cls, results: list[tuple[str, int]]) -> Asked:
        """These results."""
        ends = np.array([POOL - n for _, n in results], np.int64)
        return cls(results, bool((ends >= POOL // 2).all()), ends)


class Moves:
    """Random moves by whole units in the last place.

    Accuracy: by function, the largest error in unit roundoffs, as `comparisons.accuracy` has them. A unit in the last
    place is at most two unit roundoffs, so that half of it is how far a result may be moved; a dot product by one.
    """

    def __init__(self, accuracy: Mapping[str, float], seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        reach = {"dot": 1} | {name: max(1, int(units // 2)) for name, units in accuracy.items()}
        self.pools = {name: self.generator.integers(-far, far + 1, POOL, dtype=np.int8) for name, far in reach.items()}

    def again(self) -> Moves:
        """The same moves, from here on, for another set of replicas."""
        other = copy.copy(self)
        other.generator = copy.deepcopy(self.generator)
        return other

    def drawn(self, asked: Asked) -> list[np.ndarray]:
        """The moves of the next results."""
        if not asked.are_small:
            return [self._of_one(self.pools[function], n) for function, n in asked.results]
        begins = self.generator.integers(asked.ends).tolist()  # the same as one after the other
        return [
            self.pools[function][begin : begin + n] for (function, n), begin in zip(asked.results, begins, strict=True)
        ]

    def _of_one(self, pool: np.ndarray, n: int) -> np.ndarray:
        if n > POOL // 2:
            return self.generator.choice(pool, n)
        begin = int(self.generator.integers(POOL - n))
        return pool[begin : begin + n]


def moved(values: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """The values, each moved by its own number of units in the last place, but 0 and what is not finite.

    Moves are int8 in the values' shape. Both are written over.
    """
    values = np.ascontiguousarray(values)
    can_move = np.isfinite(values) & (values != 0)
    moves *= can_move.view(np.int8)
    bits: Array = values.view(np.int32 if values.dtype == np.float32 else np.int64)
    bits += moves
    return values


@dataclass(eq=False)
class Opening:
    """A result that is left open: of which function it is, its shape in one run, and the moves of all of its runs.

    Places: of each set of replicas its number, which of its results this is, and from where to where its moves go.
    """

    function: str
    shape: tuple[int, ...]
    moves: np.ndarray
    places: list[tuple[int, int, int, int]]


class Openings:
    """What is left open in a step of a certain size, in the order in which a set of replicas comes by it alone."""

    def __init__(self, step: SideBySide, given: Mapping[str, Array], state: Sequence[Array]) -> None:
        self.by_part: dict[Part, list[Opening]] = {}
        self.results: dict[int, list[tuple[str, int]]] = {
            number: [] for number, runs in enumerate(step.runs) if runs.are_moved
        }
        self.step = step
        step.step(given, state, lambda part: lambda values, function: self._note(part, values, function))
        self.asked = {number: Asked.of(results) for number, results in self.results.items()}

    def _note(self, part: Part, values: np.ndarray, function: str) -> np.ndarray:
        shape, places, begin = values.shape[1:], [], 0
        n = math.prod(shape)
        for number in part.of:
            end = begin + self.step.runs[number].n * n
            if number in self.results:
                places.append((number, len(self.results[number]), begin, end))
                self.results[number].append((function, end - begin))
            begin = end
        if places:
            opening = Opening(function, shape, np.zeros(begin, np.int8), places)
            self.by_part.setdefault(part, []).append(opening)
        return values


class _Moving:
    """Moves what is left open in a step, each set of replicas by moves of its own."""

    def __init__(self, openings: Openings, moves: Mapping[int, Moves]) -> None:
        self.by_part = openings.by_part
        self.drawn = {number: moves[number].drawn(asked) for number, asked in openings.asked.items()}
        self.left: Iterator[Opening] = iter(())

    def of(self, part: Part) -> Moved | None:
        """By what its open results are moved, if it has any."""
        openings = self.by_part.get(part)
        if openings is None:
            return None
        self.left = iter(openings)
        return self._moved

    def _moved(self, values: np.ndarray, function: str) -> np.ndarray:
        opening = next(self.left)
        for number, which, begin, end in opening.places:
            opening.moves[begin:end] = self.drawn[number][which]
        return moved(values, opening.moves.reshape(values.shape))


def train_side_by_side(
    runs: Sequence[Runs],
    start: Mapping[str, Array],
    given: Iterable[Mapping[str, Array]],
    accuracy: Mapping[str, float],
    seed: int = 0,
) -> Iterator[dict[str, np.ndarray]]:
    """Train all of these from one start; yield the loss and the parameters of every step.

    Each set of replicas has the moves that it has alone, and a run that is not moved is the reference, bit for bit.

    Shapes: each value has the runs first, one after the other.
    Error: ValueError for networks that are not of one build, see `in_stacks`; TypeError as `SideBySide`.
    """
    dtype = np.result_type(*start.values())
    kept = ("J", *runs[0].network.parameters)
    step = SideBySide(runs, kept)
    first = Moves(accuracy, seed) if any(one.are_moved for one in runs) else None
    moves = {number: first.again() for number, one in enumerate(runs) if one.are_moved and first}
    openings: dict[tuple, Openings] = {}
    state = step.first(start, dtype)
    for numbers in given:
        sizes = tuple(np.shape(number) for number in numbers.values())
        if sizes not in openings:
            openings[sizes] = Openings(step, numbers, state)
        found = step.step(numbers, state, _Moving(openings[sizes], moves).of)
        state = step.after(found)
        yield {name: found[place] for name, place in step.kept.items()}


def train_replicas(
    network: Network,
    start: Mapping[str, Array],
    given: Iterable[Mapping[str, Array]],
    n: int,
    accuracy: Mapping[str, float],
    seed: int = 0,
) -> Iterator[dict[str, np.ndarray]]:
    """Train n replicas at once from one start; yield the loss and the parameters of every step, (n, …) each."""
    return train_side_by_side([Runs(network, n, are_moved=True)], start, given, accuracy, seed)
