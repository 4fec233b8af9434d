"""Replicas: many correct runs at once, apart by nothing but what IEEE 754 leaves open.

Additions, products and quotients are correctly rounded everywhere, and come out alike in every implementation. Dot
products and sums (their order), exp, log and the activations made of them (their algorithm) do not. So a replica moves
the results of exactly those by a random number of units in the last place, and all replicas are trained together along
a leading axis. Their spread is how far correct implementations drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from reference import alphabet
from reference.alphabet import Array
from reference.network import Network, before, now
from reference.running import evaluate

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

    def moved(self, values: np.ndarray, function: str) -> np.ndarray:
        """The values, each moved by its own number of units in the last place, but 0 and what is not finite."""
        values = np.ascontiguousarray(values)
        bits = values.view(np.int32 if values.dtype == np.float32 else np.int64)
        pool, n = self.pools[function], values.size
        if n > POOL // 2:
            moves = self.generator.choice(pool, n)
        else:
            begin = int(self.generator.integers(POOL - n))
            moves = pool[begin : begin + n]
        can_move = (values != 0) & np.isfinite(values)
        return (bits + moves.reshape(values.shape) * can_move).view(values.dtype)


class Replicas(np.lib.mixins.NDArrayOperatorsMixin):
    """A stack of replicas' arrays, (replicas, n, m), on which what IEEE 754 leaves open is moved."""

    __slots__ = ("moves", "values")
    __array_priority__ = 1000

    def __init__(self, values: np.ndarray, moves: Moves) -> None:
        self.values, self.moves = values, moves

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)
    mT = property(lambda self: Replicas(self.values.mT, self.moves))

    def sum(self, *, axis: int, keepdims: bool = False) -> Replicas:
        """Σ along an axis, in another order for each replica."""
        return Replicas(self.moves.moved(self.values.sum(axis=axis, keepdims=keepdims), "dot"), self.moves)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        values = ufunc(*(x.values if isinstance(x, Replicas) else x for x in inputs))
        return Replicas(self.moves.moved(values, OPEN[ufunc]) if ufunc in OPEN else values, self.moves)

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Any:
        values = inspect.unwrap(letter)(*(x.values if isinstance(x, Replicas) else x for x in arguments), **constants)
        if letter is alphabet.in_precision_of:
            return values
        function = OPEN_LETTERS.get(letter)
        return Replicas(self.moves.moved(values, function) if function else values, self.moves)


def train_replicas(
    network: Network,
    start: Mapping[str, Array],
    given: Iterable[Mapping[str, Array]],
    n: int,
    accuracy: Mapping[str, float],
    seed: int = 0,
) -> Iterator[dict[str, np.ndarray]]:
    """Train n replicas at once from one start; yield the loss and the parameters of every step.

    Shapes: each value has the replicas first, (n, …).
    """
    moves = Moves(accuracy, seed)
    dtype = np.result_type(*start.values())

    def alike(value: Array) -> Replicas:
        return Replicas(np.broadcast_to(value, (n, *np.shape(value))).astype(dtype), moves)

    state = {name: alike(np.full(network.shapes[name], value)) for name, value in network.start.items()}
    state |= {name: alike(value) for name, value in start.items()}
    kept = ("J", *network.parameters)
    for step in given:
        values = {now(name): value for name, value in step.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values)
        state = {name: values[now(name)] for name in network.remembered}
        yield {name: values[now(name)].values for name in kept}
