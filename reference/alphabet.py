"""The alphabet: the operations that an equation may use, and nothing else.

An equation is a plain function of arrays, and what it is given decides what comes out: arrays train, complex arrays
differentiate, balls bound, a recorder writes a tape. All of them therefore speak the same letters:

| letter                              | on arrays                                                              |
|-------------------------------------|------------------------------------------------------------------------|
| `+ - * / ** @`, `-x`, `.mT .shape`  | NumPy's                                                                |
| `.sum(axis=…, keepdims=True)`       | NumPy's                                                                |
| `> >= < <=`                         | a mask of 0 and 1                                                      |
| `exp log maximum minimum`           | NumPy's                                                                |
| `sqrt`                              | NumPy's; of a Python number it is a Python number                      |
| `sigmoid tanh`                      | letters, not spelled with `exp`: frameworks compute them in other ways |
| `lerp xlogy …`                      | letters below: each reads a number twice and has a bound of its own    |

Scalars of a step (t, alpha, 1 − β₁ᵗ) are Python numbers: computed in float64, they are rounded once, where they meet
an array. A letter with a bound of its own hands over to the first argument that has a `__letter__` method (a ball, a
recorder); plain arrays go through the code that is written here.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # ndarray, stack of steps, replicas, complex, Ball, Recorder: whatever speaks the alphabet

exp, log, maximum, minimum = np.exp, np.log, np.maximum, np.minimum


def letter(function: Callable[..., Array]) -> Callable[..., Array]:
    """Make `function` a letter: an argument with `__letter__(letter, arguments, constants)` answers in its place.

    Arguments may come by name too, so that a letter can be an equation.
    """
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind != p.KEYWORD_ONLY]

    @functools.wraps(function)
    def spoken(*arguments: Array, **constants: float) -> Array:
        arguments += tuple(constants.pop(name) for name in names[len(arguments) :] if name in constants)
        for argument in arguments:
            if hasattr(type(argument), "__letter__"):
                return argument.__letter__(spoken, arguments, constants)
        return function(*arguments, **constants)

    return spoken


def sqrt(x: Array) -> Array:
    """√x

    A Python number stays one, so that a scalar of the step is not promoted to a float64 array.
    """
    return math.sqrt(x) if isinstance(x, (int, float)) and not isinstance(x, np.generic) else np.sqrt(x)


@letter
def sigmoid(z: Array) -> Array:
    """1/(1 + e^−z)

    Computed from e^−|z|, which never overflows: correct for every finite z.
    """
    small = np.exp(np.minimum(z, -z))
    return np.where(z > 0, np.ones_like(small), small) / (1 + small)


@letter
def tanh(z: Array) -> Array:
    """(e^z − e^−z)/(e^z + e^−z)"""
    return np.tanh(z)


@letter
def lerp(start: Array, end: Array, *, weight: float) -> Array:
    """start + weight (end − start)

    Convention: torch.lerp for a weight below ½ and Keras's moments. Not the same rounding as (1 − weight) start +
    weight end, and `start` is read twice, so that balls would explode if this were spelled out.
    """
    return start + weight * (end - start)


@letter
def xlogy(y: Array, x: Array) -> Array:
    """y ln x, and 0 where y is 0, whatever x is

    The limit of y ln x for y → 0; without it a saturated and correct output would give 0 · ∞.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, np.zeros_like(x), y * np.log(x))


@letter
def cross_entropy_slope(A: Array, Y: Array, *, over: int = 1) -> Array:
    """−1/over (Y/A − (1 − Y)/(1 − A))

    The derivative of the cross-entropy at its probabilities; a quotient whose numerator is 0 is 0. A is read twice.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ones = np.where(Y == 0, np.zeros_like(A), Y / A)
        zeros = np.where(Y == 1, np.zeros_like(A), (1 - Y) / (1 - A))
    return -(ones - zeros) / over


@letter
def clamped_cross_entropy_slope(A: Array, Y: Array, *, over: int, epsilon: float) -> Array:
    """1/over (A − Y)/max(A (1 − A), epsilon)

    PyTorch's derivative of the cross-entropy: finite where A is saturated.
    """
    return (A - Y) / np.maximum(A * (1 - A), epsilon) / over


@letter
def clipped_cross_entropy_slope(A: Array, Y: Array, *, over: int, epsilon: float) -> Array:
    """−1/over (Y/A − (1 − Y)/(1 − A)) where epsilon ≤ A ≤ 1 − epsilon, else 0

    Keras's derivative where it clips the probabilities first: clipping is flat outside.
    """
    clipped = np.maximum(np.minimum(A, 1 - epsilon), epsilon)
    return cross_entropy_slope(clipped, Y, over=over) * ((A <= 1 - epsilon) & (A >= epsilon))


@letter
def times_sigmoid_slope(dA: Array, A: Array) -> Array:
    """dA ∘ A ∘ (1 − A)

    A is read twice, and behind the cross-entropy four times: dA carries 1/A and 1/(1 − A), which cancel.
    """
    return dA * (A * (1 - A))


@letter
def logits_loss(Z: Array, Y: Array) -> Array:
    """max(Z, 0) − Z Y + ln(1 + e^−|Z|)

    The cross-entropy of σ(Z), from Z itself; it equals softplus((1 − 2Y) Z) for Y in {0, 1}. Z is read three times.
    """
    return np.maximum(Z, 0) - Z * Y + np.log1p(np.exp(np.minimum(Z, -Z)))


@letter
def logits_loss_slope(Z: Array, Y: Array) -> Array:
    """[Z > 0] − Y ± e^−|Z|/(1 + e^−|Z|)

    The derivative of `logits_loss`, term by term as automatic differentiation finds it: σ(Z) − Y as a sum of three
    terms in any order. Z is read twice.
    """
    small = np.exp(np.minimum(Z, -Z))
    tail = small / (1 + small)
    positive = Z > 0
    return (positive - Y) + np.where(positive, -tail, tail)


@letter
def in_precision_of(x: Array, like: Array) -> Array:
    """x, in the precision of like

    Keras computes Adam's powers in the precision of the parameters, not in Python's.
    """
    return np.asarray(like).dtype.type(x)


LETTERS = (
    sigmoid, tanh, lerp, xlogy, cross_entropy_slope, clamped_cross_entropy_slope, clipped_cross_entropy_slope,
    times_sigmoid_slope, logits_loss, logits_loss_slope, in_precision_of,
)  # fmt: skip
