"""Replicas: many correct runs at once, apart by nothing but what IEEE 754 leaves open.

Additions, products and quotients are correctly rounded everywhere, and come out alike in every implementation. Dot
products and sums (their order), exp, log and the activations made of them (their algorithm) do not. So a replica moves
the results of exactly those by a random number of units in the last place, and all replicas are trained together along
a leading axis. Their spread is how far correct implementations drift apart.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference import alphabet
from reference.alphabet import Array
from reference.network import Network, now
from reference.side_by_side import Key, Part, Runs, SideBySide

POOL = 2**20  # random moves that are drawn once; each result takes its moves from a random place in them
OPEN = {np.matmul: "dot", np.exp: "exp", np.log: "log", np.power: "power"}
OPEN_LETTERS: dict[Callable[..., Array], str] = {
    alphabet.sigmoid: "sigmoid",
    alphabet.tanh: "tanh",
    alphabet.xlogy: "log",
    alphabet.logits_loss: "log1p",
    alphabet.logits_loss_slope: "exp",
}


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

    def drawn(self, results: Sequence[tuple[str, int]]) -> list[np.ndarray]:
        """The moves of the next results: of each its function, and how many numbers it has."""
        if all(n <= POOL // 2 for _, n in results):  # the same places as one after the other, in one call
            begins = self.generator.integers([POOL - n for _, n in results]).tolist() if results else []
            return [
                self.pools[function][begin : begin + n]
                for (function, n), begin in zip(results, begins, strict=True)
            ]  # fmt: skip
        return [self._of_one(self.pools[function], n) for function, n in results]

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


class Replicas(np.lib.mixins.NDArrayOperatorsMixin):
    """A stack of replicas' arrays, (replicas, n, m). What IEEE 754 leaves open goes through `moves`.

    `moves` is given values and the name of their function, and gives back the values to go on with.
    """

    __slots__ = ("moves", "values")
    __array_priority__ = 1000

    def __init__(self, values: np.ndarray, moves: Callable[[np.ndarray, str], np.ndarray]) -> None:
        self.values, self.moves = values, moves

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)
    mT = property(lambda self: Replicas(self.values.mT, self.moves))

    def sum(self, *, axis: int, keepdims: bool = False) -> Replicas:
        """Σ along an axis, in another order for each replica."""
        return Replicas(self.moves(self.values.sum(axis=axis, keepdims=keepdims), "dot"), self.moves)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        values = ufunc(*(x.values if isinstance(x, Replicas) else x for x in inputs))
        return Replicas(self.moves(values, OPEN[ufunc]) if ufunc in OPEN else values, self.moves)

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Any:
        values = letter(*(x.values if isinstance(x, Replicas) else x for x in arguments), **constants)
        if letter is alphabet.in_precision_of:
            return values
        function = OPEN_LETTERS.get(letter)
        return Replicas(self.moves(values, function) if function else values, self.moves)


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

    def __init__(self, step: SideBySide, given: Mapping[str, Array], state: Mapping[Key, Array]) -> None:
        self.by_part: dict[Part, list[Opening]] = {}
        self.results: dict[int, list[tuple[str, int]]] = {
            number: [] for number, runs in enumerate(step.runs) if runs.are_moved
        }
        self.step = step
        step.step(given, state, lambda part, array: Replicas(array, lambda values, f: self._note(part, values, f)))

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
        self.drawn = {number: moves[number].drawn(results) for number, results in openings.results.items()}
        self.part: Part | None = None
        self.left: Iterator[Opening] = iter(())

    def opened(self, part: Part, array: Array) -> Array:
        """The array as it is; or as one whose results are moved, where some are left open."""
        if part not in self.by_part:
            return array
        if part is not self.part:
            self.part, self.left = part, iter(self.by_part[part])
        return Replicas(array, self._moved)

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
        found = step.step(numbers, state, _Moving(openings[sizes], moves).opened)
        state = step.after(found)
        yield {name: found[now(name),] for name in kept}


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
