"""Path: the parameters that a run had at the start and after each epoch, and what the reference makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from comparisons.portions import in_portions
from comparisons.trace import Trace
from reference.learned import predict
from reference.network import Network


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
    after = trace.read(names, range(per_epoch, trace.n_steps + 1, per_epoch))
    found = {name: np.stack([trace.start[name], *after[name]]) for name in names}
    return Path(trace.implementation, trace.precision, trace.network, found)


def outputs(network: Network, parameters: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    """A[L] in float64 for each of the parameters' leading axis and each point, (k, m)."""
    in_float64 = {name: _float64(values) for name, values in parameters.items()}
    return in_portions(lambda some: predict(network, some, _float64(X))[:, 0, :], in_float64, X.shape[1])


def _float64(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)
