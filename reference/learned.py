"""What training leaves behind: W, b and the history of loss and accuracy, for a reader who wants the network alone.

Everything here is the network's own list of equations, or the part of it that a quantity depends on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from reference.alphabet import Array
from reference.network import Equation, Network, before, now
from reference.running import batches_given, evaluate
from reference.tape import replayed


class Task(Protocol):
    """What there is to learn, and in which order: of an experiment, what training needs."""

    @property
    def steps_per_epoch(self) -> int:
        """After how many batches the history takes a note."""

    def initial(self) -> Mapping[str, Array]:
        """The parameters before the first step, by name."""

    def batches(self) -> Iterator[tuple[Array, Array]]:
        """X (n_x, m) and Y (1, m) of each step, all epochs long."""

    def train_set(self) -> tuple[Array, Array]:
        """All X and Y that are trained on."""

    def test_set(self) -> tuple[Array, Array] | None:
        """X and Y to test on, or None."""


@dataclass(frozen=True, eq=False)
class History:
    """How learning went: loss and accuracy on the whole training set after each epoch, and accuracy on the test set.

    `running_loss` and `running_accuracy` are Σ m J / Σ m and likewise over the epoch's batches, each before its update.

    Shapes: (epochs,) each; test_accuracy is None where there is no test set.
    Convention: loss and accuracy are with the weights that the epoch ended with. Keras's `fit` reports the running
    ones, whose weights were still moving.
    """

    loss: Array
    accuracy: Array
    test_accuracy: Array | None
    running_loss: Array
    running_accuracy: Array


class Learned(NamedTuple):
    """The parameters after the last step, by layer, and how they came about: `W, b, history = …`.

    W and b are dictionaries {1: W[1], 2: W[2], …}, so that `W[1]` is the article's W[1]. A list would need an entry 0,
    and layer 0 is the input: it has no weights, and whoever went through the list would meet what is not there.
    """

    W: dict[int, Array]
    b: dict[int, Array]
    history: History


def learn(network: Network, task: Task, learning_rate: float | Iterable[float]) -> Learned:
    """Train the network on all of the task's batches, and look at it after each epoch.

    The learning rate is one number for all steps, or one for each.
    Error: ValueError where there are no batches, or not as many rates.
    """
    X, Y = task.train_set()
    test = task.test_set()
    losses, accuracies, test_accuracies, running = [], [], [], []
    batches: list[tuple[float, float, int]] = []  # of this epoch: loss, accuracy, number of examples
    values: Mapping[str, Array] = {}
    output = output_of(network)
    given = batches_given(task.batches(), learning_rate)
    looked_at = (output, "Y", "J", *network.parameters)
    for step, values in enumerate(replayed(network, task.initial(), given, looked_at), 1):
        right = is_right(values[output], values["Y"])
        batches.append((values["J"].item(), right.mean(), right.shape[-1]))
        if step % task.steps_per_epoch == 0:
            *columns, sizes = map(np.array, zip(*batches, strict=True))
            running.append([(sizes * column).sum() / sizes.sum() for column in columns])
            batches = []
            loss, accuracy = loss_and_accuracy(network, values, X, Y)
            losses.append(loss)
            accuracies.append(accuracy)
            if test is not None:
                test_accuracies.append(loss_and_accuracy(network, values, *test)[1])
    if not values:
        raise ValueError("training was asked for, but there are no batches to learn from; give one at least")
    layers = range(1, n_layers(network) + 1)
    return Learned(
        W={layer: values[f"W[{layer}]"].copy() for layer in layers},
        b={layer: values[f"b[{layer}]"].copy() for layer in layers},
        history=History(
            np.array(losses),
            np.array(accuracies),
            None if test is None else np.array(test_accuracies),
            *np.reshape(running, (-1, 2)).T,
        ),
    )


def predict(network: Network, parameters: Mapping[str, Array], X: Array) -> Array:
    """A[L], the output, for X: the forward pass and nothing else.

    Shapes: X (n_x, m), the result (n_L, m); leading axes of the parameters, such as one for the epochs, come before.
    """
    output = output_of(network)
    return _forward(network, parameters, {"A[0]": X}, [output])[output]


def loss_and_accuracy(network: Network, parameters: Mapping[str, Array], X: Array, Y: Array) -> tuple[Array, Array]:
    """J, and which part of the examples the output puts on the right side of ½.

    Shapes: X (n_x, m), Y (1, m); a number each, or an array of the parameters' leading axes.
    """
    output = output_of(network)
    values = _forward(network, parameters, {"A[0]": X, "Y": Y}, [output, "J"])
    return values["J"][..., 0, 0], is_right(values[output], Y).mean(axis=(-2, -1))


def is_right(A: Array, Y: Array) -> Array:
    """Whether the output is on the right side of ½, for each example; NaN never is.

    Convention: an output of exactly ½ means class 0, as in Keras's binary accuracy.
    """
    return np.where(Y > 0.5, A > 0.5, A <= 0.5)


def n_layers(network: Network) -> int:
    """L, the number of layers: their activations are A[1] … A[L]."""
    return next(layer for layer in itertools.count() if f"A[{layer + 1}]" not in network.by_name)


def output_of(network: Network) -> str:
    """The name of the last layer's activations, A[L]."""
    return f"A[{n_layers(network)}]"


def behind(network: Network, names: list[str]) -> tuple[Equation, ...]:
    """The equations that these quantities depend on within a step, in running order.

    Error: KeyError for a quantity that has no equation.
    """
    needed: set[str] = set()
    open_ = [network.by_name[name] for name in names]
    while open_:
        equation = open_.pop()
        needed.add(equation.defines)
        open_ += [network.by_name[ref.name] for ref in equation.reads.values()
                  if not ref.before and ref.name in network.by_name and ref.name not in needed]  # fmt: skip
    return tuple(equation for equation in network.equations if equation.defines in needed)


def _forward(
    network: Network, parameters: Mapping[str, Array], given: Mapping[str, Array], names: list[str]
) -> dict[str, Array]:
    """These quantities, from what is given and the parameters as a step left them."""
    values = {now(name): value for name, value in given.items()}
    values |= {before(name): parameters[name] for name in network.parameters}
    evaluate(behind(network, names), values)
    return {name: values[now(name)] for name in names}
