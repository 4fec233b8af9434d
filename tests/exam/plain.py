"""A plain training loop in NumPy that makes a known mistake, or follows a known convention, where it is told to.

It is written from the article and from the list of known forms, and shares nothing with the project but the
experiment. Each mistake is a branch at the line that it changes; without it this is the honest twin, and everything
else is the same to the bit. Letters are the article's, examples are columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.exam import plain_optimizers
from tests.exam.plain_data import batches

LEAK = 0.01  # the slope of leaky ReLU below 0
CLIP = 1e-7  # where a loss that is given logits for probabilities, or labels for outputs, clips them
INSIDE = {"float32-inside": np.dtype("float32"), "float16-inside": np.dtype("float16")}


def train(experiment, fault: str | None = None, number: Any = None) -> Iterator[dict[str, np.ndarray]]:
    """Train with the fault and show everything; `number` chooses among a fault's variants."""
    loop = Loop(experiment, fault, number)
    for X, Y in batches(experiment, fault):
        with np.errstate(all="ignore"):  # not around the yield: the setting would leave the loop with it
            shown = loop.step(X, Y)
        yield shown


def planted(fault: str, number: Any = None):
    """The loop with this fault as a function of the experiment."""
    return partial(train, fault=fault, number=number)


class Loop:
    """What training remembers from step to step: parameters, slots, and what some mistakes keep beside them."""

    def __init__(self, experiment, fault: str | None, number: Any) -> None:
        self.experiment, self.fault, self.number = experiment, fault, number
        self.dtype = INSIDE.get(fault, experiment.dtype)
        self.L = len(experiment.layers)
        start = {name: theta.astype(self.dtype) for name, theta in experiment.initial().items()}
        self.W = {l: start[f"W[{l}]"] for l in range(1, self.L + 1)}
        self.b = {l: start[f"b[{l}]"] for l in range(1, self.L + 1)}
        self.slots = {name: plain_optimizers.fresh_slots(experiment, theta, fault) for name, theta in start.items()}
        self.rates = [float(alpha) for alpha in experiment.learning_rates()]
        self.t = 0
        self.A_before: dict[int, np.ndarray] = {}
        self.dW_before: dict[int, np.ndarray] = {}
        self.db_before: dict[int, np.ndarray] = {}

    def step(self, X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
        """One step on one batch; everything it computed, parameters as they are after it, in the shown precision."""
        self.t += 1
        X, Y = X.astype(self.dtype), Y.astype(self.dtype)
        Z, A = self.forward(X)
        J = loss(A[self.L], Y, self.fault, self.number)
        dA, dZ, dW, db = self.backward(Z, A, Y)
        beside = self.update(dW, db)
        self.A_before, self.dW_before, self.db_before = A, dW, db
        shown = {"Y": Y, "J": np.asarray(J, self.dtype)} | beside
        for letters, arrays in {
            "Z": Z,
            "A": A,
            "dA": dA,
            "dZ": dZ,
            "dW": dW,
            "db": db,
            "W": self.W,
            "b": self.b,
        }.items():
            shown |= {f"{letters}[{l}]": array for l, array in arrays.items()}
        return {name: array.astype(self.experiment.dtype) for name, array in shown.items()}

    # Forward ---------------------------------------------------------------------------------------------------------

    def forward(self, X: np.ndarray) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """Z[l] = W[l] A[l−1] + b[l], A[l] = g(Z[l])"""
        Z, A = {}, {0: X}
        for l in range(1, self.L + 1):
            W = self.W[l]
            if self.fault == "untransposed-forward" and is_square(W):
                W = W.T
            Z[l] = W @ A[l - 1] + self.b[l]
            A[l] = activation(self.experiment.activations[l - 1], Z[l])
        if self.fault == "logits-for-probabilities":
            A[self.L] = Z[self.L]
        return Z, A

    # Backward --------------------------------------------------------------------------------------------------------

    def backward(self, Z, A, Y):
        """dA[L] from the loss, then dZ[l], dW[l], db[l], dA[l−1] for one layer after the other, from the last."""
        fault, L = self.fault, self.L
        dA, dZ, dW, db = {L: output_gradient(A[L], Y, fault, self.number)}, {}, {}, {}
        for l in range(L, 0, -1):
            if l == L and fault == "swapped-output-gradient":
                dZ[l] = Y - A[l]
            elif l == L and fault == "logits-for-probabilities":
                dZ[l] = dA[l]
            else:
                dZ[l] = dA[l] * self.slope(l, Z, A, dA)
            dW[l] = self.weight_gradient(l, dZ, A)
            db[l] = self.bias_gradient(l, dZ)
            if l > 1:
                W = self.W[l]
                if fault == "updated-too-early":
                    W = self.moved(f"W[{l}]", W, dW[l])[0]
                if fault == "untransposed-backward" and is_square(W):
                    dA[l - 1] = W @ dZ[l]
                else:
                    dA[l - 1] = W.T @ dZ[l]
        return dA, dZ, dW, db

    def slope(self, l: int, Z, A, dA) -> np.ndarray:
        """g′(Z[l])"""
        fault, kind = self.fault, self.experiment.activations[l - 1]
        if fault == f"missing-{kind}-slope":
            return np.ones_like(Z[l])
        if kind == "relu":
            if fault == "slope-of-the-layer-below" and l > 1 and Z[l - 1].shape == Z[l].shape:
                return relu_slope(Z[l - 1], fault)
            if fault == "slope-of-the-layer-above" and l < self.L and Z[l + 1].shape == Z[l].shape:
                return relu_slope(Z[l + 1], fault)
            if fault == "sigmoid-slope-for-relu":
                S = A[l] if self.number == "of A" else sigmoid(Z[l])
                return S * (1 - S)
            if fault == "mask-from-gradient":
                return relu_slope(dA[l], fault)
            return relu_slope(Z[l], fault)
        if kind == "leaky-relu":
            return np.where(Z[l] > 0, np.ones_like(Z[l]), LEAK)
        if kind == "linear":
            return np.ones_like(Z[l])
        S = A[l]
        if fault == "slope-at-the-activation":
            S = activation(kind, A[l])
        if fault == "slope-of-z":
            S = Z[l]
        return S * (1 - S) if kind == "sigmoid" else 1 - S * S

    def weight_gradient(self, l: int, dZ, A) -> np.ndarray:
        """1/m dZ[l] A[l−1]ᵀ"""
        fault, m = self.fault, dZ[l].shape[1]
        into = A[l - 1]
        if fault == "own-activation" and is_square(self.W[l]):
            into = A[l]
        if fault == "stale-activations" and l > 1:
            into = self.A_before.get(l - 1, np.zeros_like(into))
        if fault == "full-batch-size":
            m = self.experiment.batch_size
        if fault in ("summed-gradient", "summed-weights", "sum-for-mean"):
            m = 1
        dW = dZ[l] @ into.T / m
        if fault == "gradient-not-zeroed" and self.t > 1:
            dW = self.dW_before[l] + dW
        if fault == "l2-on-the-gradient":
            dW = dW + self.number * self.W[l]
        return clipped(dW, fault, self.number)

    def bias_gradient(self, l: int, dZ) -> np.ndarray:
        """1/m Σᵢ dZ[l]"""
        fault, m = self.fault, dZ[l].shape[1]
        if fault == "full-batch-size":
            m = self.experiment.batch_size
        if fault in ("summed-gradient", "summed-bias", "sum-for-mean"):
            m = 1
        db = dZ[l].sum(axis=1, keepdims=True) / m
        if fault == "bias-gradient-of-all-units":
            db = np.full_like(db, dZ[l].sum() / m)
        if fault == "gradient-not-zeroed" and self.t > 1:
            db = self.db_before[l] + db
        return clipped(db, fault, self.number)

    # Update ----------------------------------------------------------------------------------------------------------

    def update(self, dW, db) -> dict[str, np.ndarray]:
        """Move all parameters; the slots after it and what decay computed, by name."""
        beside = {}
        for l in range(1, self.L + 1):
            shared = self.fault == "shared-moments" and self.W[l].shape == self.b[l].shape
            if shared:
                self.slots[f"W[{l}]"] = self.slots[f"b[{l}]"]
            self.W[l], self.slots[f"W[{l}]"], of_W = self.moved(f"W[{l}]", self.W[l], dW[l])
            if shared:
                self.slots[f"b[{l}]"] = self.slots[f"W[{l}]"]
            self.b[l], self.slots[f"b[{l}]"], of_b = self.moved(f"b[{l}]", self.b[l], db[l])
            beside |= of_W | of_b
        for name, slots in self.slots.items():
            beside |= {f"{letter}_{name}": slot for letter, slot in slots.items() if letter != "vmax"}
        return beside

    def moved(self, name: str, theta: np.ndarray, g: np.ndarray):
        """One parameter after the step, its slots, and what decay computed; nothing is changed by it."""
        fault, number, experiment = self.fault, self.number, self.experiment
        alpha = plain_optimizers.learning_rate(experiment, self.rates[self.t - 1], self.t, fault, number)
        clock = plain_optimizers.Clock(self.t, 1 + (self.t - 1) // experiment.steps_per_epoch, alpha)
        begin, read, beside = plain_optimizers.decayed(experiment, name, theta, g, alpha, fault)
        after, slots = plain_optimizers.moved(experiment, begin, read, self.slots[name], clock, fault, number)
        if fault == "bias-never-updated" and name.startswith("b"):
            after = theta
        if fault == "layer-never-updated" and name.endswith(f"[{number}]"):
            after = theta
        if fault == "clipped-weights":
            after = np.clip(after, -number, number)
        return after, slots, {f"{letter}_{name}": array for letter, array in beside.items()}


def is_square(W: np.ndarray) -> bool:
    """Whether a transposed W would fit."""
    return W.shape[0] == W.shape[1]


def sigmoid(Z: np.ndarray) -> np.ndarray:
    """1/(1 + e^−Z), by the exponential that cannot overflow"""
    e = np.exp(-np.abs(Z))
    return np.where(Z >= 0, 1 / (1 + e), e / (1 + e))


def activation(kind: str, Z: np.ndarray) -> np.ndarray:
    """g(Z)"""
    if kind == "relu":
        return np.maximum(Z, 0)
    if kind == "leaky-relu":
        return np.maximum(LEAK * Z, Z)
    if kind == "tanh":
        return np.tanh(Z)
    if kind == "sigmoid":
        return sigmoid(Z)
    return Z


def relu_slope(Z: np.ndarray, fault: str | None) -> np.ndarray:
    """1 above 0, 0 below"""
    slope = (Z > 0).astype(Z.dtype)
    if fault == "relu-slope-1-at-zero":
        slope[Z == 0] = 1
    if fault == "relu-slope-half-at-zero":
        slope[Z == 0] = 0.5
    return slope


def clipped(g: np.ndarray, fault: str | None, c: Any) -> np.ndarray:
    """A gradient as it is, or as clipping leaves it."""
    if fault == "clipped-gradient-values":
        return np.clip(g, -c, c)
    if fault == "clipped-gradient-norm":
        norm = float(np.sqrt((g * g).sum()))
        return g * (c / norm) if norm > c else g
    return g


# Loss ----------------------------------------------------------------------------------------------------------------


def loss(A: np.ndarray, Y: np.ndarray, fault: str | None, number: Any) -> np.ndarray:
    """−1/m Σ (Y ln A + (1 − Y) ln(1 − A)), where 0 · ln 0 is 0"""
    m = A.shape[1]
    if fault == "probabilities-for-logits":
        return (np.maximum(A, 0) - A * Y + np.log1p(np.exp(-np.abs(A)))).sum() / m
    if fault == "nan-from-log":
        return -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum() / m
    if fault == "swapped-loss":
        A, Y = np.clip(Y, CLIP, 1 - CLIP), A
    if fault == "logits-for-probabilities":
        A = np.clip(A, CLIP, 1 - CLIP)
    if fault == "clipped-outputs":
        A = np.clip(A, number, 1 - number)
    if fault == "log-epsilon":
        ones, zeros = times_log(Y, A + number), times_log(1 - Y, 1 - A + number)
    else:
        ones, zeros = times_log(Y, A), times_log(1 - Y, 1 - A)
    if fault == "half-the-loss":
        zeros = np.zeros_like(zeros)
    if fault in ("summed-loss", "sum-for-mean"):
        m = 1
    J = -(ones + zeros).sum() / m
    if fault == "loss-in-log2":
        J = J / np.log(2).astype(J.dtype)
    if fault == "loss-in-log10":
        J = J / np.log(10).astype(J.dtype)
    return J


def times_log(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """y ln x, 0 where y is 0"""
    return np.where(y == 0, np.zeros_like(x), y * np.log(x))


def output_gradient(A: np.ndarray, Y: np.ndarray, fault: str | None, number: Any) -> np.ndarray:
    """−(Y/A − (1 − Y)/(1 − A)) of each example; a quotient with the numerator 0 is 0"""
    if fault == "slope-twice":
        return A - Y
    if fault == "probabilities-for-logits":
        return sigmoid(A) - Y
    outside = np.zeros_like(A, dtype=bool)
    if fault == "logits-for-probabilities":
        outside = (A < CLIP) | (A > 1 - CLIP)
        A = np.clip(A, CLIP, 1 - CLIP)
    if fault == "clipped-outputs":
        A = np.clip(A, number, 1 - number)
    if fault == "log-epsilon":
        ones, zeros = quotient(Y, A + number), quotient(1 - Y, 1 - A + number)
    else:
        ones, zeros = quotient(Y, A), quotient(1 - Y, 1 - A)
    if fault == "half-the-gradient":
        zeros = np.zeros_like(zeros)
    dA = -(ones - zeros)
    if fault == "turned-sign":
        dA = -dA
    if fault == "averaged-twice":
        dA = dA / A.shape[1]
    return np.where(outside, np.zeros_like(dA), dA)


def quotient(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """y/x, 0 where y is 0"""
    return np.where(y == 0, np.zeros_like(x), y / x)
