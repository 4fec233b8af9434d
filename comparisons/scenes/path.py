"""Path: the parameters that a run had at the start and after each epoch, and what the reference makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from comparisons.trace import Trace
from reference.alphabet import Array
from reference.learned import loss_and_accuracy, predict
from reference.network import Network

N_AT_ONCE = 2**20  # so many numbers in a layer are computed at the same time, that memory stays small


@dataclass(frozen=True, eq=False)
class Path:
    """A run's parameters by name, (epochs + 1, n, n_in) each, as they were recorded; 0 is the start."""

    implementation: str
    precision: str
    network: Network
    parameters: Mapping[str, np.ndarray]

    def at(self, epochs: list[int]) -> dict[str, np.ndarray]:
        """The parameters after these epochs."""
        return {name: values[epochs] for name, values in self.parameters.items()}

    @property
    def flat(self) -> np.ndarray:
        """All numbers of each epoch side by side, (epochs + 1, numbers), in float64."""
        return np.concatenate([_float64(v).reshape(len(v), -1) for v in self.parameters.values()], axis=1)

    def from_flat(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters from numbers side by side, (k, numbers)."""
        sizes = np.cumsum([values[0].size for values in self.parameters.values()])[:-1]
        parts = np.split(numbers, sizes, axis=1)
        return {
            name: part.reshape(-1, *values.shape[1:])
            for (name, values), part in zip(self.parameters.items(), parts, strict=True)
        }


def path_of(trace: Trace) -> Path | None:
    """The run's path; None where not all parameters are shown, or not in all steps."""
    names = trace.network.parameters
    if not set(names) <= set(trace.shown) or not trace.is_whole:
        return None
    per_epoch = trace.experiment.steps_per_epoch
    found = {
        name: np.concatenate([trace.start[name][None], np.asarray(trace.shown[name])[per_epoch - 1 :: per_epoch]])
        for name in names
    }
    return Path(trace.implementation, trace.precision, trace.network, found)


def outputs(network: Network, parameters: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    """A[L] in float64 for each of the parameters' leading axis and each point, (k, m)."""
    in_float64 = {name: _float64(values) for name, values in parameters.items()}
    return _in_portions(lambda some: predict(network, some, _float64(X))[:, 0, :], in_float64, X.shape[1])


def losses_and_accuracies(
    network: Network, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """J and accuracy for each of the parameters' leading axis, (k,) each, in the precision of what is given."""
    both = _in_portions(lambda some: np.stack(loss_and_accuracy(network, some, X, Y), axis=1), parameters, X.shape[1])
    return both[:, 0], both[:, 1]


def _in_portions(
    compute: Callable[[dict[str, Array]], Array], parameters: Mapping[str, np.ndarray], n_examples: int
) -> np.ndarray:
    """What is computed from a few of the leading axis at a time, one after the other."""
    n = len(next(iter(parameters.values())))
    widest = max(values.shape[1] for values in parameters.values())
    portion = max(1, N_AT_ONCE // (widest * n_examples))
    parts = [
        compute({name: values[begin : begin + portion] for name, values in parameters.items()})
        for begin in range(0, n, portion)
    ]
    return np.concatenate(parts)


def _float64(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)
