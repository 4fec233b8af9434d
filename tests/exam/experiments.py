"""The small experiments that the plants are planted in: each has what one kind of fault needs to show.

What only files can give (an example at the origin, one input, outputs that saturate, large weights) is written into a
folder that goes when the process does.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from comparisons.experiment import (
    Adam,
    Arrays,
    Circles,
    Coupled,
    Decoupled,
    Experiment,
    FromFile,
    GradientDescent,
    Linear,
    Momentum,
    Nesterov,
    RMSprop,
)

OPTIMIZERS = {
    "gradient-descent": GradientDescent(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "rmsprop": RMSprop(),
    "centered": RMSprop(centered=True),
    "adam": Adam(),
    "adam-of-short-memory": Adam(beta2=0.5),  # so that v falls within a few steps, as amsgrad needs
    "adam-of-large-epsilon": Adam(epsilon=1e-3),  # so that it matters where it stands
}
DECAYS = {"coupled": Coupled(rate=0.01), "decoupled": Decoupled(rate=0.01)}


@cache
def folder() -> Path:
    """Where the files of data and of start values are; removed at the end of the process."""
    made = Path(tempfile.mkdtemp(prefix="backproof-exam-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def article(kind: str = "gradient-descent", **changes) -> Experiment:
    """The article's layers, one of them square, and its ReLUs; three batches an epoch, the last of them partial."""
    fields = {
        "name": kind,
        "epochs": 8,
        "batch_size": 16,
        "optimizer": OPTIMIZERS[kind],
        "data": Circles(n_train=40, n_test=0),
    }
    return Experiment(**fields | changes)


def even(optimizer: str = "gradient-descent", **changes) -> Experiment:
    """The article's layers with batches of one size."""
    return article(optimizer, **{"name": f"even-{optimizer}", "data": Circles(n_train=48, n_test=0)} | changes)


def hidden(activation: str, kind: str = "gradient-descent", **changes) -> Experiment:
    """The article's layers with another activation in the hidden ones."""
    activations = (activation,) * 4 + ("sigmoid",)
    return article(kind, **{"name": f"hidden-{activation}", "activations": activations} | changes)


def slow(activation: str) -> Experiment:
    """The same with small steps, for slopes that make training explode."""
    return hidden(activation, name=f"slow-hidden-{activation}", optimizer=GradientDescent(learning_rate=1e-3))


def decaying(decay: str, optimizer: str = "gradient-descent", **changes) -> Experiment:
    """The article's layers with weight decay."""
    return article(optimizer, **{"name": f"{decay}-{optimizer}", "decay": DECAYS[decay]} | changes)


def falling(optimizer: str, **changes) -> Experiment:
    """The article's layers with a learning rate that falls."""
    return article(optimizer, **{"name": f"falling-{optimizer}", "schedule": Linear()} | changes)


@cache
def with_the_origin() -> Experiment:
    """Biases start at 0 and one example is at the origin: there, every ReLU of the first step is at exactly 0."""
    examples = Circles(n_train=15, n_test=0).examples
    file = folder() / "origin.npz"
    np.savez(file, X=np.c_[np.zeros(2), examples.X], Y=np.c_[[1.0], examples.Y])
    return article(name="with-the-origin", data=Arrays(file=file), batch_size=16, epochs=6)


@cache
def one_input(optimizer: str) -> Experiment:
    """Examples of one number, so that W[1] and b[1] have the same shape."""
    examples = Circles(n_train=40, n_test=0).examples
    file = folder() / "one_input.npz"
    np.savez(file, X=examples.X[:1], Y=examples.Y)
    return hidden("tanh", optimizer, name=f"one-input-{optimizer}", data=Arrays(file=file))


def _straight(name: str, logits: np.ndarray, Y: np.ndarray, **changes) -> Experiment:
    """Two linear units and a sigmoid whose logits are, before the first step, the input: Z[2] = X."""
    data, start = folder() / f"{name}.npz", folder() / f"{name}-start.npz"
    np.savez(data, X=logits[None], Y=Y[None])
    parameters = {"W[1]": [[1.0], [0.5]], "b[1]": [[0.0], [0.0]], "W[2]": [[0.5, 1.0]], "b[2]": [[0.0]]}
    np.savez(start, **{name: np.array(value) for name, value in parameters.items()})
    fields = {
        "name": name,
        "layers": (2, 1),
        "activations": ("linear", "sigmoid"),
        "precision": "float64",
        "epochs": 8,
        "batch_size": len(logits),
        "optimizer": GradientDescent(learning_rate=1e-5),  # so slow that what is saturated stays so
        "data": Arrays(file=data),
        "start": FromFile(file=start),
    }
    return Experiment(**fields | changes)


@cache
def wrong_and_saturated() -> Experiment:
    """Outputs down to e^−36, below each ε that is added or clipped at, where the label is 1."""
    logits = np.array([-36.0, -34.0, -28.0, -23.5, -18.0, -16.0, -11.0, -1.0, 0.5, 2.0, -3.0])
    return _straight("wrong-and-saturated", logits, np.array([1.0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0]))


@cache
def right_and_saturated() -> Experiment:
    """An output that rounds to 1 where the label is 1: 1 − A is 0 and ln 0 times 0 is no number."""
    return _straight("right-and-saturated", np.array([40.0, 38.0, 1.0, -2.0]), np.array([1.0, 1, 0, 1]))


@cache
def steep() -> Experiment:
    """Inputs so large that every bound of clipping lies below some gradient."""
    logits = np.array([30.0, -30.0, 24.0, -20.0, 3.0, -3.0, 0.01, -0.02])
    return _straight("steep", logits, np.array([0.0, 1, 0, 0, 1, 0, 1, 1]))


@cache
def large_weights() -> Experiment:
    """Weights that start three times as large, some beyond every bound of clipping."""
    base = article(precision="float64", layers=(4, 1), activations=("tanh", "sigmoid"))
    file = folder() / "large.npz"
    np.savez(file, **{name: 3 * theta for name, theta in base.initial().items()})
    return base.but(name="large-weights", start=FromFile(file=file))
