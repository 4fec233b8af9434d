"""Open: a stack of runs' arrays, on which results that IEEE 754 leaves open are moved.

Additions, products and quotients are correctly rounded everywhere, and come out alike in every implementation. Dot
products and sums (their order), exp, log and the activations made of them (their algorithm) do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reference import alphabet
from reference.alphabet import Array

OPEN = {np.matmul: "dot", np.exp: "exp", np.log: "log", np.power: "power"}
OPEN_LETTERS: dict[Callable[..., Array], str] = {
    alphabet.sigmoid: "sigmoid",
    alphabet.tanh: "tanh",
    alphabet.xlogy: "log",
    alphabet.logits_loss: "log1p",
    alphabet.logits_loss_slope: "exp",
}


Moved = Callable[[np.ndarray, str], np.ndarray]  # values and the name of their function; the values to go on with


def _operators(ufunc: np.ufunc) -> tuple[Callable, Callable]:
    """An operator, and what it is where the stack stands on its right."""
    function = OPEN.get(ufunc)

    def stands_left(self: Replicas, other: Any) -> Replicas:
        values = ufunc(self.values, other.values if isinstance(other, Replicas) else other)
        return Replicas(self.moves(values, function) if function else values, self.moves)

    def stands_right(self: Replicas, other: Any) -> Replicas:
        values = ufunc(other, self.values)
        return Replicas(self.moves(values, function) if function else values, self.moves)

    return stands_left, stands_right


class Replicas(np.lib.mixins.NDArrayOperatorsMixin):
    """A stack of replicas' arrays, (replicas, n, m). What IEEE 754 leaves open goes through `moves`.

    `moves` is given values and the name of their function, and gives back the values to go on with.
    """

    __slots__ = ("moves", "values")
    __array_priority__ = 1000

    def __init__(self, values: np.ndarray, moves: Moved) -> None:
        self.values, self.moves = values, moves

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)
    mT = property(lambda self: Replicas(self.values.mT, self.moves))

    def sum(self, *, axis: int, keepdims: bool = False) -> Replicas:
        """Σ along an axis, in another order for each replica."""
        return Replicas(self.moves(self.values.sum(axis=axis, keepdims=keepdims), "dot"), self.moves)

    # What most equations are spelled with, without the detour through `__array_ufunc__`.
    __matmul__, __rmatmul__ = _operators(np.matmul)
    __add__, __radd__ = _operators(np.add)
    __mul__, __rmul__ = _operators(np.multiply)
    __truediv__, __rtruediv__ = _operators(np.true_divide)

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
