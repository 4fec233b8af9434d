"""Honest variations: the same training as somebody else would write it, in any order of sums, layout and shape.

Each is a choice along every axis below. All of them compute in the experiment's precision alone and round each product
and each sum in it, or follow a dialect that the project declares; so each of them must agree, whatever it shows.
`variations` draws as many as are asked for, no two alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from comparisons.experiment import (
    Adam,
    Circles,
    Coupled,
    Decoupled,
    Experiment,
    Exponential,
    GlorotUniform,
    GradientDescent,
    HeUniform,
    InverseTime,
    Linear,
    Momentum,
    Nesterov,
    RMSprop,
)
from tests.exam.honest_writings import ACTIVATE, CORRECTED, DESCENTS, OUTPUTS, PRODUCTS, RELUS, SIGMOIDS, SUMS, moved

LAYOUTS = ("columns", "rows", "torch")
SHOWN = {
    "everything": ("",),
    "gradients": ("dW[", "db[", "W[", "b["),
    "outputs": ("Z[", "A[", "J", "W[", "b["),
    "optimizer": ("m_", "v_", "W[", "b["),
    "weights": ("W[", "b["),
}
MEANS = ("behind the product", "before the product", "as a factor")


@dataclass(frozen=True)
class Writing:
    """How a loop is written: a choice along each axis."""

    product: str  # how a matrix product is summed
    summation: str  # how biases' gradients and the loss are
    relu: str
    sigmoid: str
    output: str  # what the backward pass begins with, and whether it has the 1/m
    mean: str  # where the 1/m of the weights' gradient stands
    descent: str  # how a parameter is moved
    corrected: str  # how Adam's step is arranged
    lerp: bool  # whether Adam's moments are m + (1 − β)(g − m)
    layout: str
    shown: str

    @property
    def __name__(self) -> str:
        return ", ".join(map(str, astuple(self)))

    @property
    def __globals__(self) -> dict[str, Any]:
        """What `record` looks for the layout in, as in a module's own functions."""
        return {"LAYOUT": self.layout}

    def __call__(self, experiment) -> Iterator[dict[str, np.ndarray]]:
        """Train, and show what is to be shown."""
        theta, slots = experiment.initial(), {}
        rates = [float(alpha) for alpha in experiment.learning_rates()]
        for t, (X, Y) in enumerate(experiment.batches(), 1):
            with np.errstate(all="ignore"):
                values = self.forward(experiment, theta, X, Y)
                values |= self.backward(experiment, theta, values, Y)
                for name in theta:
                    g = values[f"d{name}"]
                    theta[name], slots[name] = moved(self, experiment, theta[name], g, slots.get(name), t, rates[t - 1])
                    values |= {f"{letter}_{name}": slot for letter, slot in slots[name].items()}
            yield {
                name: self.turned(name, value)
                for name, value in (values | theta).items()
                if name.startswith(SHOWN[self.shown])
            }

    def forward(self, experiment, theta, X, Y) -> dict[str, np.ndarray]:
        """Z, A and J."""
        values, A = {"A[0]": X, "Y": Y}, X
        for l, kind in enumerate(experiment.activations, 1):
            Z = PRODUCTS[self.product](theta[f"W[{l}]"], A) + theta[f"b[{l}]"]
            A = self.activation(kind, Z)
            values |= {f"Z[{l}]": Z, f"A[{l}]": A}
        terms = np.where(Y == 1, np.log(A), np.log(1 - A))
        return values | {"J": -SUMS[self.summation](terms) / X.shape[1]}

    def backward(self, experiment, theta, values, Y) -> dict[str, np.ndarray]:
        """dA, dZ, dW and db; dA of the output only where the writing has it."""
        L, m = len(experiment.layers), Y.shape[1]
        found, dZ, has_mean = OUTPUTS[self.output](values[f"A[{L}]"], Y)
        gradients = {f"dA[{L}]": found} if found is not None else {}
        for l in range(L, 0, -1):
            gradients[f"dZ[{l}]"] = dZ
            A = values[f"A[{l - 1}]"]
            gradients[f"dW[{l}]"] = self.averaged(
                dZ, 1 if has_mean else m, lambda d, A=A: PRODUCTS[self.product](d, A.T)
            )
            gradients[f"db[{l}]"] = self.averaged(dZ, 1 if has_mean else m, SUMS[self.summation])
            if l > 1:
                dA = gradients[f"dA[{l - 1}]"] = PRODUCTS[self.product](theta[f"W[{l}]"].T, dZ)
                dZ = dA * self.slope(experiment.activations[l - 2], values[f"Z[{l - 1}]"], A)
        return gradients

    def averaged(self, dZ, m, summed):
        """1/m of what is summed."""
        if self.mean == "before the product":
            return summed(dZ / m)
        return summed(dZ) / m if self.mean == "behind the product" else summed(dZ) * (1 / m)

    def activation(self, kind, Z):
        """g(Z)"""
        if kind == "relu":
            return RELUS[self.relu](Z)
        return SIGMOIDS[self.sigmoid](Z) if kind == "sigmoid" else ACTIVATE[kind](Z)

    def slope(self, kind, Z, A):
        """g′(Z)"""
        if kind in ("relu", "leaky-relu"):
            below = 0 if kind == "relu" else 0.01
            is_above = A > 0 if self.relu == "where" else Z > 0
            return np.where(is_above, np.ones_like(Z), below)
        return {"sigmoid": A * (1 - A), "tanh": 1 - A * A, "linear": np.ones_like(Z)}[kind]

    def turned(self, name, value):
        """As it lies in this layout."""
        is_of_examples = name.startswith(("A[", "Z[", "dA[", "dZ[", "Y"))
        is_bias = name.partition("[")[0].endswith("b")
        turns = self.layout == "rows" or (self.layout == "torch" and (is_of_examples or is_bias))
        return value.T if turns else value


def variations(n: int, seed: int) -> Iterator[tuple[str, Writing, Experiment]]:
    """A name, a loop and a small experiment, n times, no two alike; the seed chooses which.

    Error: RuntimeError if there are not so many, which draws that find nothing new tell.
    """
    draws = np.random.default_rng(seed)
    seen: set[tuple] = set()
    n_in_vain = 0
    while len(seen) < n:
        writing, experiment = drawn_writing(draws), drawn_experiment(draws)
        key = (writing, experiment.digest, experiment.precision)
        if key in seen:
            n_in_vain += 1
            if n_in_vain > n:
                raise RuntimeError(f"{n} variations were asked for, but only {len(seen)} were found")
            continue
        seen.add(key)
        yield f"{len(seen)}: {writing.__name__}; {experiment.name}", writing, experiment


def drawn_writing(draws: np.random.Generator) -> Writing:
    """A choice along each axis."""

    def one_of(choices):
        return tuple(choices)[draws.integers(len(tuple(choices)))]

    return Writing(
        product=one_of(PRODUCTS),
        summation=one_of(SUMS),
        relu=one_of(RELUS),
        sigmoid=one_of(SIGMOIDS),
        output=one_of(OUTPUTS),
        mean=one_of(MEANS),
        descent=one_of(DESCENTS),
        corrected=one_of(CORRECTED),
        lerp=one_of((False, True)),
        layout=one_of(LAYOUTS),
        shown=one_of(SHOWN),
    )


def drawn_experiment(draws: np.random.Generator) -> Experiment:
    """Seeds, shapes and an optimizer; at most 48 steps."""

    def one_of(*choices):
        return choices[draws.integers(len(choices))]

    def seed():
        return int(draws.integers(2**31))

    hidden = one_of((), (3,), (8,), (4, 3), (5, 5), (2, 2, 2), (6, 4), (4, 6, 6, 4))
    activations = tuple(one_of("relu", "tanh", "sigmoid", "leaky-relu", "linear") for _ in hidden)
    n_train, batch_size = int(draws.integers(12, 49)), one_of(1, 4, 7, 8, 16, 50)
    per_epoch = -(-n_train // batch_size)
    kind = one_of(GradientDescent, Momentum, Nesterov, RMSprop, Adam)
    settings = one_of({}, {"centered": True}) if kind is RMSprop else {}
    decay = one_of({}, {}, {"decay": Coupled(rate=0.01)}, {"decay": Decoupled(rate=0.01)})
    schedule = one_of({}, {}, {"schedule": Linear()}, {"schedule": Exponential(rate=0.9, every=3)},
                      {"schedule": InverseTime(rate=0.1)})  # fmt: skip
    precision = one_of("float32", "float64")
    return Experiment(
        name=f"{precision}, {kind.__name__}, {(*hidden, 1)}, {(*activations, 'sigmoid')}, {batch_size} of {n_train}",
        precision=precision,
        layers=(*hidden, 1),
        activations=(*activations, "sigmoid"),
        epochs=max(1, 32 // per_epoch),
        batch_size=batch_size,
        shuffle=one_of(True, False),
        seed=seed(),
        optimizer=kind(**settings),
        start=one_of(GlorotUniform, HeUniform)(seed=seed()),
        data=Circles(n_train=n_train, n_test=0, seed=seed()),
        **decay,
        **schedule,
    )
