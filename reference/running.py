"""Running the list: the one interpreter, and training, which is the interpreter step after step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from reference.alphabet import Array
from reference.network import Equation, Network, Ref, before, now


def keep(equation: Equation, value: Array) -> Array:
    """Settle on the value that the equation gave."""
    return value


def evaluate(
    equations: Iterable[Equation],
    values: dict[Ref, Array],
    settle: Callable[[Equation, Array], Array] = keep,
) -> dict[Ref, Array]:
    """Evaluate the equations one after the other, each result under its name among the values.

    The one interpreter: arrays train, balls certify, a recorder writes a tape. `settle` may put a shown value in place.
    """
    with np.errstate(all="ignore"):  # what overflows shows in the values, and is judged there
        for equation in equations:
            values[now(equation.defines)] = settle(equation, equation.value(values))
    return values


def batches_given(
    batches: Iterable[tuple[Array, Array]], learning_rate: float | Iterable[float]
) -> Iterator[dict[str, Array]]:
    """What the experiment gives a step: its examples and labels, its number t, counted from 1, and the rate alpha.

    The learning rate is one number for all steps, or one for each.
    Error: ValueError where there are not as many rates as batches.
    """
    is_one = isinstance(learning_rate, (int, float))
    rates = itertools.repeat(learning_rate) if isinstance(learning_rate, (int, float)) else map(float, learning_rate)
    for t, ((X, Y), alpha) in enumerate(zip(batches, rates, strict=not is_one), 1):  # floats: NumPy's own promote
        yield {"A[0]": X, "Y": Y, "t": t, "alpha": alpha}


def checked_start(network: Network, start: Mapping[str, Array]) -> dict[str, Array]:
    """What training starts from: the start values, and the slots' own in their precision.

    Error: as `train`.
    """
    for name in network.parameters:
        if name not in start:
            raise ValueError(f"there is no start value for {name}; there are some for {', '.join(start)}")
    for name in start:
        if name not in network.shapes:
            raise ValueError(f"there is a start value for {name}, which the network does not have")
    dtype = np.result_type(*start.values())
    slots = {name: np.full(network.shape(name, 0), value, dtype) for name, value in network.start.items()}
    return slots | dict(start)


def train(
    network: Network, start: Mapping[str, Array], given: Iterable[Mapping[str, Array]]
) -> Iterator[dict[str, Array]]:
    """Train the network in the precision of its start values; yield every quantity of every step.

    Start: a value per parameter, by name; a slot may have one too. Given: what each step is given, see `batches_given`.
    Error: ValueError for a parameter without a start value, and for a start value without a quantity.
    """
    state = checked_start(network, start)
    for step in given:
        values = {now(name): value for name, value in step.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values)
        state = {name: values[now(name)] for name in network.remembered}
        yield {ref.name: value for ref, value in values.items() if not ref.before}
