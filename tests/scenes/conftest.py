"""Small runs of one experiment, and the article's forward pass as a reader would write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from comparisons.composed import given_by, network_of
from comparisons.experiment import Circles, Experiment
from comparisons.recording import record
from comparisons.trace import Trace
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.running import train
from tests.controls.plain_network import honest
from tests.small import small

SMALL = small(data=Circles(n_train=40, n_test=10))
KERAS = ("powers-in-precision", "epsilon-hat")


def in_keras_forms(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """The reference in two of Keras's dialects, showing everything."""
    forms = [form for form in DIALECTS if form.name in KERAS]
    network = in_form(network_of(experiment), *forms)
    for values in train(network, experiment.initial(), given_by(experiment)):
        yield {name: value for name, value in values.items() if network.shapes[name]}


@pytest.fixture(scope="session", params=["float32", "float64"])
def experiment(request: pytest.FixtureRequest) -> Experiment:
    """Four epochs on forty points, in each precision."""
    return SMALL.but(precision=request.param)


@pytest.fixture(scope="session")
def mine(experiment: Experiment) -> Trace:
    """Everything that a plain NumPy network shows."""
    return record(honest, experiment, name="mine")


@pytest.fixture(scope="session")
def keras_like(experiment: Experiment) -> Trace:
    """Another run of the same experiment, which is apart by more than rounding."""
    return record(in_keras_forms, experiment, name="keras-like")


@pytest.fixture(scope="session")
def plain_output() -> Callable[[Mapping[str, np.ndarray], np.ndarray], np.ndarray]:
    """`plain_output(parameters, X)`: A[L] of one set of parameters, (m,), in float64."""

    def forward(parameters: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
        n_layers = len(parameters) // 2
        A = np.asarray(X, np.float64)
        for l in range(1, n_layers + 1):
            Z = np.asarray(parameters[f"W[{l}]"], np.float64) @ A + np.asarray(parameters[f"b[{l}]"], np.float64)
            A = np.maximum(Z, 0) if l < n_layers else 1 / (1 + np.exp(-Z))
        return A[0]

    return forward


@pytest.fixture(scope="session")
def plain_loss(plain_output: Callable) -> Callable[[Mapping[str, np.ndarray], np.ndarray, np.ndarray], float]:
    """`plain_loss(parameters, X, Y)`: the article's cost."""

    def loss(parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> float:
        A = plain_output(parameters, X)
        return float(-np.mean(Y[0] * np.log(A) + (1 - Y[0]) * np.log(1 - A)))

    return loss


@pytest.fixture(scope="session")
def after() -> Callable[[Trace, int], dict[str, np.ndarray]]:
    """`after(trace, epoch)`: the parameters that a run had then, from its own steps."""

    def parameters(trace: Trace, epoch: int) -> dict[str, np.ndarray]:
        names, step = trace.network.parameters, epoch * trace.experiment.steps_per_epoch
        return {name: trace.values(name, step) if epoch else trace.start[name] for name in names}

    return parameters
