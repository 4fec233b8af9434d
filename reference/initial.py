"""Parameters before the first step: random weights, biases 0.

All are float32 numbers, held as float64, so that both precisions start from the same ones.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from reference.draws import stream, uniform

Weights = Callable[[np.random.PCG64, int, int], np.ndarray]


def glorot_uniform(draws: np.random.PCG64, n_out: int, n_in: int) -> np.ndarray:
    """Uniform between ∓√(6 / (n_in + n_out)).

    Shapes: (n_out, n_in).
    Convention: what Keras gives a Dense layer, and so the article's listing. PyTorch's Linear draws from ∓1/√n_in.
    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.
    """
    return uniform_within(np.sqrt(6.0 / (n_in + n_out)), draws, n_out, n_in)


def he_uniform(draws: np.random.PCG64, n_out: int, n_in: int) -> np.ndarray:
    """Uniform between ∓√(6 / n_in), for ReLU layers.

    Shapes: (n_out, n_in).
    Source: He et al. 2015, arXiv:1502.01852, eq. 10 (variance 2 / n_in, here of a uniform distribution).
    """
    return uniform_within(np.sqrt(6.0 / n_in), draws, n_out, n_in)


def uniform_within(limit: float, draws: np.random.PCG64, n_out: int, n_in: int) -> np.ndarray:
    """Uniform between ∓limit, rounded to float32."""
    return (limit * (2.0 * uniform(draws, n_out, n_in) - 1.0)).astype(np.float32).astype(np.float64)


def initial(weights: Weights, sizes: Sequence[int], seed: int) -> dict[str, np.ndarray]:
    """W[l] and b[l] of a network with sizes (n_x, n_1, …): weights drawn layer after layer by the rule, biases 0.

    Shapes: W[l] (n_l, n_{l-1}), b[l] (n_l, 1).
    """
    draws = stream(seed, "initial weights")
    parameters = {}
    for l, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        parameters[f"W[{l}]"] = weights(draws, n_out, n_in)
        parameters[f"b[{l}]"] = np.zeros((n_out, 1))
    return parameters
