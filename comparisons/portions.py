"""Portions: what the reference makes of many sets of parameters, a few at a time, so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reference.alphabet import Array
from reference.learned import loss_and_accuracy
from reference.network import Network

N_AT_ONCE = 2**16  # so many numbers of a layer are computed at the same time, which stay in the cache


def losses_and_accuracies(
    network: Network, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """J and accuracy for each of the parameters' leading axis, (k,) each, in the precision of what is given."""
    both = in_portions(lambda some: np.stack(loss_and_accuracy(network, some, X, Y), axis=1), parameters, X.shape[1])
    return both[:, 0], both[:, 1]


def in_portions(
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
