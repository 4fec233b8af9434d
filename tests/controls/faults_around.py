"""Faults around the equations: data, start values, precision, and what is shown when."""

import numpy as np

from tests.controls.faults import Fault, each
from tests.controls.faults_update import MOMENTS, PARAMETERS
from tests.controls.plain_network import PlainNetwork

USES_OF_W = each("Z") + each("dA", layers=range(1, 5))


def with_first_batch_again(network):
    batches = list(network.experiment.batches())
    yield from (batches[0] if number == 4 else batch for number, batch in enumerate(batches, 1))


def in_order(network):
    """The batches that it is given are not the ones that it takes."""
    for _, batch in zip(network.experiment.batches(), network.experiment.but(shuffle=False).batches(), strict=True):
        yield batch


def with_labels_turned(network):
    for X, Y in network.experiment.batches():
        yield X, Y[:, ::-1]


def with_inputs_standardised(network):
    for X, Y in network.experiment.batches():
        yield (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True), Y


def from_larger_weights(network, X, Y):
    network.W = {l: np.float32(1.1) * W for l, W in network.W.items()}
    PlainNetwork.forward(network, X, Y)


def showing_parameters_late(network):
    last = network.experiment.initial()
    for shown in PlainNetwork.train(network):
        yield shown | last
        last = {name: shown[name] for name in last}


def skipping_a_step(network):
    """One batch is passed over, and what the step before left is shown again."""
    for number, (X, Y) in enumerate(network.batches(), 1):
        if number != 8:
            network.t += 1
            network.forward(X, Y)
            network.backward()
            network.update()
        yield network.everything()


def in_float32(network):
    inside = PlainNetwork(network.experiment.but(precision="float32"))
    inside.batches = lambda: ((np.float32(X), np.float32(Y)) for X, Y in network.experiment.batches())
    for shown in inside.train():
        yield {name: np.float64(array) for name, array in shown.items()}


AROUND = (
    Fault("data: a batch used twice", "batches", with_first_batch_again, ("A[0]", "Y"),
          "step 4 takes the batch of step 1; everything is computed rightly from it", first=4),
    Fault("data: order of the examples not drawn", "batches", in_order, ("A[0]", "Y"),
          "everything is computed rightly from other examples"),
    Fault("data: labels turned round in their batch", "batches", with_labels_turned, ("Y",),
          "loss and gradient are computed rightly from them"),
    Fault("data: inputs standardised", "batches", with_inputs_standardised, ("A[0]",),
          "everything is computed rightly from them"),
    Fault("start: other weights", "forward", from_larger_weights, USES_OF_W + each("W"),
          "all that reads a weight in step 1; biases start at 0 in both, and after step 1 the shown weights are read",
          at=(1,)),
    Fault("shown: parameters from before the step", "train", showing_parameters_late, USES_OF_W + PARAMETERS,
          "W and b are one step late wherever they are read or written; gradients and moments do not read them"),
    Fault("steps: one skipped", "train", skipping_a_step, ("A[0]", "Y", *USES_OF_W, *MOMENTS, *PARAMETERS),
          "step 8 shows step 7 again: its data are others, W has moved since, and m, v, W, b have not; t is one behind "
          "from then on", first=8),
    Fault("precision: float32 throughout", "train", in_float32,
          ("J", *each("Z"), "A[5]", *each("dA"), "dZ[5]", *each("dW", "db"), *MOMENTS, *PARAMETERS),
          "float32 rounds by 2⁻²⁴; ReLU and its slope do not round, and the start values are float32 numbers in both",
          precision="float64"),
)  # fmt: skip
