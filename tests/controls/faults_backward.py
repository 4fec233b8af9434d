"""Faults of the backward pass: from the output's gradient through the activations to the weights."""

import numpy as np

from tests.controls.faults import Fault, each
from tests.controls.plain_network import PlainNetwork


def of_class_1_alone(network):
    return -network.Y / network.A[5]


def without_number_of_examples(network, X, Y):
    PlainNetwork.forward(network, X, Y)
    network.n_examples = 1


def with_full_batch(network, X, Y):
    PlainNetwork.forward(network, X, Y)
    network.n_examples = 16


def accumulated(network, l):
    network.total = getattr(network, "total", {})
    network.total[l] = network.total.get(l, 0) + PlainNetwork.weight_gradient(network, l)
    return network.total[l]


def of_stale_activations(network, l):
    """A buffer for each batch size is filled after it was read."""
    kept = network.kept = getattr(network, "kept", {})
    stale = kept.get(network.n_examples, network.A[l - 1])
    kept[network.n_examples] = network.A[l - 1]
    return network.dZ[l] @ stale.T / network.n_examples


def weights_moved_first(network):
    """The whole backward pass with the update inside its loop, before the gradient is passed on."""
    network.dA[5] = network.output_gradient()
    for l in (5, 4, 3, 2, 1):
        network.dZ[l] = network.activation_gradient(l)
        network.dW[l], network.db[l] = network.weight_gradient(l), network.bias_gradient(l)
        network.W[l] = network.moved(f"W[{l}]", network.W[l], network.dW[l])
        network.b[l] = network.moved(f"b[{l}]", network.b[l], network.db[l])
        if l > 1:
            network.dA[l - 1] = network.input_gradient(l)
    network.update = lambda: None  # nothing is left to do


def off_at_the_largest(network, l):
    gradient = PlainNetwork.weight_gradient(network, l)
    gradient.flat[np.argmax(np.abs(gradient))] *= 1.0001
    return gradient


def without_mean(network, l):
    return network.dZ[l] @ network.A[l - 1].T


OF_OUTPUT = (
    Fault("dA[5]: sign turned", "output_gradient", lambda net: net.Y / net.A[5] - (1 - net.Y) / (1 - net.A[5]),
          ("dA[5]",), "all that follows is computed from it"),
    Fault("dA[5]: yhat - y, which is dZ[5]", "output_gradient", lambda net: net.A[5] - net.Y, ("dA[5]",),
          "and the slope of σ is multiplied once more, as dZ[5]'s equation says"),
    Fault("dA[5]: half of the cross-entropy", "output_gradient", of_class_1_alone, ("dA[5]",),
          "every batch has examples of class 0"),
    Fault("dA[5]: smoothed labels", "output_gradient",
          lambda net: (net.A[5] - (0.9 * net.Y + 0.05)) / (net.A[5] * (1 - net.A[5])), ("dA[5]",),
          "J has the labels as they are"),
    Fault("dZ[5]: no slope", "activation_gradient", lambda net, l: net.dA[l], ("dZ[5]",), "σ′ is at most ¼", only=(5,)),
    Fault("dZ[5]: slope at A", "activation_gradient",
          lambda net, l: net.dA[l] / (1 + np.exp(-net.A[l])) * (1 - 1 / (1 + np.exp(-net.A[l]))), ("dZ[5]",),
          "σ(A) is not σ(Z): the output was taken for what goes into σ", only=(5,)),
    Fault("dZ[5]: y - yhat", "activation_gradient", lambda net, l: net.Y - net.A[l], ("dZ[5]",),
          "ŷ − y is right, and the sign is not", only=(5,)),
)  # fmt: skip

OF_LAYERS = (
    Fault("dZ: no slope", "activation_gradient", lambda net, l: net.dA[l], ("dZ[2]",),
          "some Z[2] are negative", only=(2,)),
    Fault("dZ: slope of another layer", "activation_gradient", lambda net, l: net.dA[l] * (net.Z[3] > 0), ("dZ[2]",),
          "layers 2 and 3 have six units each, so that nothing stops it", only=(2,)),
    Fault("dZ: mask from dA", "activation_gradient", lambda net, l: net.dA[l] * (net.dA[l] > 0), ("dZ[3]",),
          "the gradient's sign is not the input's", only=(3,)),
    Fault("dZ: slope 1/100 below 0", "activation_gradient",
          lambda net, l: net.dA[l] * np.where(net.Z[l] > 0, 1, np.float32(0.01)), ("dZ[2]",),
          "leaky ReLU's slope behind a ReLU", only=(2,)),
    Fault("dW: 1/m missing in one layer", "weight_gradient", without_mean, ("dW[2]",), "m times too much", only=(2,)),
    Fault("dW and db: 1/m missing everywhere", "forward", without_number_of_examples, each("dW", "db"),
          "m times too much; with the 1/m at the loss, its gradient alone is wrong", left=("dA[5]",)),
    Fault("dW and db: 1/m at the loss as well", "output_gradient",
          lambda net: PlainNetwork.output_gradient(net) / net.n_examples, ("dA[5]",),
          "the weights' 1/m is the article's; with the loss's instead, dW and db would break"),
    Fault("dW and db: mean over a full batch in the partial one", "forward", with_full_batch, each("dW", "db"),
          "step 3 is the first with 8 examples", first=3),
    Fault("dW: 1/(m - 1)", "weight_gradient", lambda net, l: without_mean(net, l) / (net.n_examples - 1), each("dW"),
          "m/(m − 1) too much in all layers"),
    Fault("dW: weights not averaged, biases are", "weight_gradient", without_mean, each("dW"),
          "with the 1/m at the loss, db and dA[5] would break: one more"),
    Fault("dW: A[3] for A[2]", "weight_gradient", lambda net, l: net.dZ[l] @ net.A[l].T / net.n_examples, ("dW[3]",),
          "layers 2 and 3 have six units each, so that nothing stops it", only=(3,)),
    Fault("dW: transposed", "weight_gradient", lambda net, l: net.A[l - 1] @ net.dZ[l].T / net.n_examples, ("dW[3]",),
          "W[3] is square", only=(3,)),
    Fault("dW: stale activations", "weight_gradient", of_stale_activations, ("dW[2]",),
          "step 2 is the first with a step before it of as many examples", only=(2,), first=2),
    Fault("dW: not zeroed", "weight_gradient", accumulated, each("dW"), "step 1 has nothing to add to", first=2),
    Fault("dW: weight decay", "weight_gradient",
          lambda net, l: PlainNetwork.weight_gradient(net, l) + 1e-4 * net.W[l], each("dW"),
          "10⁻⁴ W is added to the gradient, which m and v then take as it is"),
    Fault("dW: clipped", "weight_gradient",
          lambda net, l: np.clip(PlainNetwork.weight_gradient(net, l), -1e-3, 1e-3), each("dW"),
          "every layer has a gradient beyond 10⁻³"),
    Fault("dW: one element off by 1e-4 of it at one step", "weight_gradient",
          off_at_the_largest, ("dW[2]",),
          "the largest element's sum hardly cancels, so that its ball is narrower", only=(2,), at=(7,), first=7),
    Fault("db: biases not averaged, weights are", "bias_gradient",
          lambda net, l: np.sum(net.dZ[l], axis=1, keepdims=True), each("db"),
          "with the 1/m at the loss, dW and dA[5] would break: one more"),
    Fault("db: summed over all units", "bias_gradient",
          lambda net, l: np.full_like(net.b[l], np.sum(net.dZ[l]) / net.n_examples), ("db[2]",),
          "one number for six units", only=(2,)),
    Fault("db: of the first example", "bias_gradient", lambda net, l: net.dZ[l][:, :1], ("db[4]",),
          "a mean over one", only=(4,)),
    Fault("dA: square weights not transposed", "input_gradient", lambda net, l: net.W[l] @ net.dZ[l], ("dA[2]",),
          "W[3] is 6 × 6, so that nothing stops it", only=(3,)),
    Fault("dA: dA passed on for dZ", "input_gradient", lambda net, l: net.W[l].T @ net.dA[l], ("dA[2]",),
          "some Z[3] are negative", only=(3,)),
    Fault("dA: weights updated first", "backward", weights_moved_first, each("dA", layers=range(1, 5)),
          "W moved by about 10⁻³ before the gradient went through it"),
)  # fmt: skip
