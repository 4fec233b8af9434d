"""The article's network: dense layers, a loss, an optimizer, composed into one list of equations."""

from __future__ import annotations

from collections.abc import Sequence

from reference.decay import DECAYS
from reference.layers import dense
from reference.losses import LOSSES
from reference.network import Network, compose
from reference.optimizers import OPTIMIZERS


def network(
    sizes: Sequence[int] = (2, 4, 6, 6, 4, 1),
    activations: Sequence[str] = ("relu", "relu", "relu", "relu", "sigmoid"),
    loss: str = "binary-cross-entropy",
    optimizer: str = "adam",
    decay: tuple[str, float] | None = None,
    **constants: float,
) -> Network:
    """The network with these layer sizes (the first is n_x), activations, loss and optimizer with its constants.

    Decay: how weights decay and its rate, such as ("coupled", 1e-4).

    Error: ValueError where there is not one activation for each layer; KeyError for an unknown name.
    """
    layers = [
        dense(number, n_in, n, activation)
        for number, (n_in, n, activation) in enumerate(zip(sizes[:-1], sizes[1:], activations, strict=True), 1)
    ]
    parameters = {f"{letter}[{number}]": layers[number - 1].shapes[f"{letter}[{number}]"]
                  for number in range(1, len(layers) + 1) for letter in "Wb"}  # fmt: skip
    groups = OPTIMIZERS[optimizer](parameters, **constants)
    if decay is not None:
        kind, rate = decay
        groups = DECAYS[kind](groups, parameters, rate)
    return compose(
        layers,
        LOSSES[loss](len(layers)),
        groups,
        given={"A[0]": (sizes[0], "m"), "Y": (sizes[-1], "m"), "t": (), "alpha": ()},
    )
