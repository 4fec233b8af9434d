"""Faults of the forward pass: the layer's sum, its activation, the loss."""

import numpy as np

from tests.controls.faults import Fault


def output(network):
    """A[5] and Y."""
    return network.A[5], network.Y


def in_half_precision(network, l):
    return (network.W[l].astype("float16") @ network.A[l - 1].astype("float16") + network.b[l]).astype("float32")


def with_half_dropped(network, l):
    mask = np.arange(network.n_examples) % 2 == 0
    return np.maximum(network.Z[l], 0) * mask


def of_last_weights(network, l):
    last = getattr(network, "last_weights", network.W[l])
    network.last_weights = network.W[l]
    return last @ network.A[l - 1] + network.b[l]


FORWARD = (
    Fault("Z: bias left out", "weighted_sum", lambda net, l: net.W[l] @ net.A[l - 1], ("Z[2]",),
          "b[2] is 0 before step 1, so that nothing is missing there", only=(2,), first=2),
    Fault("Z: bias added twice", "weighted_sum", lambda net, l: net.W[l] @ net.A[l - 1] + 2 * net.b[l], ("Z[3]",),
          "2 b[3] is b[3] as long as that is 0", only=(3,), first=2),
    Fault("Z: Z[1] taken for A[1]", "weighted_sum", lambda net, l: net.W[l] @ net.Z[l - 1] + net.b[l], ("Z[2]",),
          "Z[1] has negative numbers, A[1] has none; dW[2] takes the right ones", only=(2,)),
    Fault("Z: square weights not transposed", "weighted_sum", lambda net, l: net.W[l].T @ net.A[l - 1] + net.b[l],
          ("Z[3]",), "W[3] is 6 × 6, so that nothing stops it; dA[2] takes W[3] rightly", only=(3,)),
    Fault("Z: weights of the step before", "weighted_sum", of_last_weights, ("Z[4]",),
          "step 1 has no step before it", only=(4,), first=2),
    Fault("Z: product in float16", "weighted_sum", in_half_precision, ("Z[2]",),
          "float16 rounds by 2⁻¹¹, float32 by 2⁻²⁴; what goes on from Z[2] is float32 again", only=(2,)),
    Fault("Z: product in float32", "weighted_sum",
          lambda net, l: (net.W[l].astype("f4") @ net.A[l - 1].astype("f4") + net.b[l].astype("f4")).astype("f8"),
          ("Z[2]",), "float32 rounds by 2⁻²⁴, float64 by 2⁻⁵³", only=(2,), precision="float64"),
    Fault("A: leaky ReLU for ReLU", "activation", lambda net, l: np.maximum(net.Z[l], net.Z[l] * 0.01), ("A[2]",),
          "dZ[2] still has ReLU's slope", only=(2,)),
    Fault("A: no activation", "activation", lambda net, l: net.Z[l], ("A[1]",),
          "dZ[1] still has ReLU's slope", only=(1,)),
    Fault("A: dropout in the forward pass alone", "activation", with_half_dropped, ("A[2]",),
          "dZ[2] knows nothing of the mask", only=(2,)),
    Fault("A: sigmoid to the base 2", "activation", lambda net, l: 1 / (1 + 2 ** -net.Z[l]), ("A[5]",),
          "dZ[5] is computed from the A[5] that there is", only=(5,)),
    Fault("A: sigmoid by tanh without the half", "activation", lambda net, l: (1 + np.tanh(net.Z[l])) / 2, ("A[5]",),
          "(1 + tanh z)/2 is σ(2z)", only=(5,)),
    Fault("J: binary logarithm", "loss",
          lambda net: -np.mean(net.Y * np.log2(net.A[5]) + (1 - net.Y) * np.log2(1 - net.A[5])), ("J",),
          "the gradient starts at A[5], not at J"),
    Fault("J: only the examples of class 1", "loss", lambda net: -np.mean(net.Y * np.log(net.A[5])), ("J",),
          "every batch has examples of class 0"),
    Fault("J: sum for mean", "loss",
          lambda net: -np.sum(net.Y * np.log(net.A[5]) + (1 - net.Y) * np.log(1 - net.A[5])), ("J",),
          "m times too much"),
    Fault("J: labels and outputs swapped", "loss",
          lambda net: -np.mean(net.A[5] * np.log(net.Y + 0.1) + (1 - net.A[5]) * np.log(1.1 - net.Y)), ("J",),
          "A[5] and Y are not interchangeable; 0.1 keeps the logarithm of a label finite"),
    Fault("J: mean over a full batch in the partial one", "loss",
          lambda net: -np.sum(net.Y * np.log(net.A[5]) + (1 - net.Y) * np.log(1 - net.A[5])) / 16, ("J",),
          "step 3 is the first with 8 examples", first=3),
    Fault("J: squared error", "loss", lambda net: np.mean((net.A[5] - net.Y) ** 2), ("J",),
          "dA[5] is still the cross-entropy's"),
)  # fmt: skip
