"""Replicas: many correct runs at once, apart by nothing but what IEEE 754 leaves open.

Additions, products and quotients are correctly rounded everywhere, and come out alike in every implementation. Dot
products and sums (their order), exp, log and the activations made of them (their algorithm) do not. So a replica moves
the results of exactly those by a random number of units in the last place, and all replicas are trained together along
a leading axis. Their spread is how far correct implementations drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from reference import alphabet
from reference.alphabet import Array
from reference.network import Equation, Network, Ref, before, now
from reference.writing import peers

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


class Together:
    """One step of a network on replicas: equal elementwise equations of different parameters as one, side by side.

    Nothing in them is left open, so that each replica moves as if they were evaluated one by one.
    """

    def __init__(self, network: Network, kept: Collection[str]) -> None:
        self.network = network
        self.groups = peers(network)
        named = [_refs(group) for group in self.groups if len(group) > 1]
        self.given = {tuple(map(before, names)) for names in named if set(names) <= set(network.remembered)}
        as_one = {tuple(map(now, names)) for names in named} | self.given
        self.alone = {now(name) for name in kept}
        for group in self.groups:
            for name in group[0].reads:
                if (key := tuple(e.reads[name] for e in group)) not in as_one or len(group) == 1:
                    self.alone |= set(key)
        self.alone |= {now(name) for name in network.remembered if before(name) in self.alone}

    def step(self, given: Mapping[str, Array], state: Mapping[tuple[Ref, ...], Array]) -> dict[tuple[Ref, ...], Array]:
        """Every quantity of a step, by its name or all names that lie side by side.

        State: what the step before left, likewise.
        """
        values: dict[tuple[Ref, ...], Array] = {(now(name),): value for name, value in given.items()} | dict(state)
        with np.errstate(all="ignore"):  # what overflows shows in the values
            for group in self.groups:
                if len(group) == 1:
                    reads = {name: values[ref,] for name, ref in group[0].reads.items()}
                    values[now(group[0].defines),] = group[0].by(**reads, **group[0].constants)
                else:
                    self._evaluate(group, values)
        return values

    def after(self, values: Mapping[tuple[Ref, ...], Array]) -> dict[tuple[Ref, ...], Array]:
        """What the next step is given of this one."""
        alone = {(before(name),): values[now(name),] for name in self.network.remembered if (now(name),) in values}
        return alone | {refs: values[tuple(now(ref.name) for ref in refs)] for refs in self.given}

    def _evaluate(self, group: tuple[Equation, ...], values: dict[tuple[Ref, ...], Array]) -> None:
        arguments = {}
        for name, ref in group[0].reads.items():
            key = tuple(e.reads[name] for e in group)
            if self.network.shapes[ref.name] == ():
                arguments[name] = values[ref,]
            elif key in values:
                arguments[name] = values[key]
            else:
                arguments[name] = _side_by_side([values[ref,] for ref in key])
        found = group[0].by(**arguments, **group[0].constants)
        values[tuple(now(e.defines) for e in group)] = found
        begin, n = 0, len(found.values)
        for equation in group:
            shape = self.network.shape(equation.defines, 0)
            end = begin + shape[0] * shape[1]
            if now(equation.defines) in self.alone:
                part = found.values[:, :, begin:end].reshape(n, *shape)
                values[now(equation.defines),] = Replicas(part, found.moves)
            begin = end


def _refs(group: tuple[Equation, ...]) -> tuple[str, ...]:
    return tuple(equation.defines for equation in group)


def _side_by_side(arrays: Sequence[Replicas]) -> Replicas:
    flat = [array.values.reshape(len(array.values), 1, -1) for array in arrays]
    return Replicas(np.concatenate(flat, axis=2), arrays[0].moves)


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

    values = {name: alike(np.full(network.shapes[name], value)) for name, value in network.start.items()}
    values |= {name: alike(value) for name, value in start.items()}
    kept = ("J", *network.parameters)
    together = Together(network, kept)
    state: dict[tuple[Ref, ...], Array] = {(before(name),): values[name] for name in network.remembered}
    state |= {refs: _side_by_side([values[ref.name] for ref in refs]) for refs in together.given}
    for step in given:
        found = together.step(step, state)
        state = together.after(found)
        yield {name: found[now(name),].values for name in kept}
