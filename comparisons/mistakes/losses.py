"""Mistakes in the loss, and in what it is given."""

from __future__ import annotations

import math
from collections.abc import Iterable

from comparisons.experiment import Experiment
from comparisons.mistakes.averages import one
from comparisons.mistakes.known import Known, Only, variant
from reference import alphabet
from reference.activations import linear, linear_backward, sigmoid, sigmoid_backward
from reference.alphabet import Array, clipped_cross_entropy_slope, log, logits_loss, maximum, minimum, xlogy
from reference.dialects import KERAS_CLIP, SUMMED, clipped_cross_entropy
from reference.forms import Change, Form
from reference.losses import cross_entropy, output_gradient
from reference.network import Equation, Network


def loss_in_log2(A: Array, Y: Array) -> Array:
    """−1/m Σᵢ (Y log₂ A + (1 − Y) log₂(1 − A))"""
    return -(xlogy(Y, A) + xlogy(1 - Y, 1 - A)).sum(axis=-1, keepdims=True) / (math.log(2) * A.shape[-1])


def loss_in_log10(A: Array, Y: Array) -> Array:
    """−1/m Σᵢ (Y log₁₀ A + (1 − Y) log₁₀(1 − A))"""
    return -(xlogy(Y, A) + xlogy(1 - Y, 1 - A)).sum(axis=-1, keepdims=True) / (math.log(10) * A.shape[-1])


def half_the_loss(A: Array, Y: Array) -> Array:
    """−1/m Σᵢ Y ln A"""
    return -xlogy(Y, A).sum(axis=-1, keepdims=True) / A.shape[-1]


def summed_loss(A: Array, Y: Array) -> Array:
    """−Σᵢ (Y ln A + (1 − Y) ln(1 − A))"""
    return -(xlogy(Y, A) + xlogy(1 - Y, 1 - A)).sum(axis=-1, keepdims=True)


def swapped_loss(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−1/m Σᵢ (A ln Ỹ + (1 − A) ln(1 − Ỹ)), Ỹ = Y clipped to [epsilon, 1 − epsilon]"""
    clipped = maximum(minimum(Y, 1 - epsilon), epsilon)
    return -(A * log(clipped) + (1 - A) * log(1 - clipped)).sum(axis=-1, keepdims=True) / A.shape[-1]


def clipped_gradient_at_the_output(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−(Y/A − (1 − Y)/(1 − A)) where epsilon ≤ A ≤ 1 − epsilon, else 0"""
    return clipped_cross_entropy_slope(A, Y, over=1, epsilon=epsilon)


def loss_of_probabilities(A: Array, Y: Array) -> Array:
    """1/m Σᵢ (max(A, 0) − A Y + ln(1 + e^−|A|))"""
    return logits_loss(A, Y).sum(axis=-1, keepdims=True) / A.shape[-1]


def gradient_of_probabilities(A: Array, Y: Array) -> Array:
    """σ(A) − Y"""
    return alphabet.sigmoid(A) - Y


def bare_loss(A: Array, Y: Array) -> Array:
    """−1/m Σᵢ (Y ln A + (1 − Y) ln(1 − A)), with 0 ln 0 as it comes"""
    return -(Y * log(A) + (1 - Y) * log(1 - A)).sum(axis=-1, keepdims=True) / A.shape[-1]


def last_layer(experiment: Experiment) -> Only:
    """A[L] and dZ[L]."""
    number = len(experiment.layers)

    def is_last(equation: Equation, network: Network) -> bool:
        return equation.defines in (f"A[{number}]", f"dZ[{number}]")

    return is_last


def logits_for_probabilities(experiment: Experiment) -> Iterable[Form]:
    """The last layer without its sigmoid; the loss and its gradient clip, or they would see logarithms below 0."""
    clip = {"epsilon": lambda _: KERAS_CLIP}
    yield variant(
        "",
        Change(sigmoid, linear, only=last_layer(experiment)),
        Change(sigmoid_backward, linear_backward, only=last_layer(experiment)),
        Change(cross_entropy, clipped_cross_entropy, constants=clip),
        Change(output_gradient, clipped_gradient_at_the_output, constants=clip),
    )


def mean_gradient_of_probabilities(A: Array, Y: Array) -> Array:
    """1/m (σ(A) − Y)"""
    return (alphabet.sigmoid(A) - Y) / A.shape[-1]


def probabilities_for_logits(experiment: Experiment) -> Iterable[Form]:
    """With the 1/m at the weights, or at the loss as automatic differentiation has it."""
    loss = Change(cross_entropy, loss_of_probabilities)
    yield variant("", loss, Change(output_gradient, gradient_of_probabilities))
    yield variant("1/m at the loss", loss, Change(output_gradient, mean_gradient_of_probabilities), *SUMMED)


LOSSES = (
    Known(
        "loss-in-log2", "mistake", "J",
        says="The loss is measured in bits: logarithms to the base 2, while its gradient is that of the natural one.",
        wrong="J = -np.mean(Y * np.log2(A) + (1 - Y) * np.log2(1 - A))",
        right="J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        shows="J is 1.4427 times too large; everything else holds.",
        forms=one(Change(cross_entropy, loss_in_log2)),
    ),
    Known(
        "loss-in-log10", "mistake", "J",
        says="The loss has logarithms to the base 10, while its gradient is that of the natural one.",
        wrong="J = -np.mean(Y * np.log10(A) + (1 - Y) * np.log10(1 - A))",
        right="J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        shows="J is 0.4343 times what it should be; everything else holds.",
        seen="in one term of a loss: huawei-noah/Efficient-Computing#12",
        forms=one(Change(cross_entropy, loss_in_log10)),
    ),
    Known(
        "half-the-loss", "mistake", "J",
        says="Only the first half of the cross-entropy is there: examples with label 0 cost nothing.",
        wrong="J = -np.mean(Y * np.log(A))", right="J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        shows="J is too small, by about half at the start; everything else holds.",
        seen="asked about in aymericdamien/TensorFlow-Examples#86",
        forms=one(Change(cross_entropy, half_the_loss)),
    ),
    Known(
        "summed-loss", "mistake", "J",
        says="The loss that is shown is a sum over the batch, while the gradient is that of the mean.",
        wrong="J = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        right="J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        shows="J is m times too large and jumps in a smaller last batch; everything else holds.",
        forms=one(Change(cross_entropy, summed_loss)),
    ),
    Known(
        "swapped-loss", "mistake", "J",
        says="Labels and outputs change places in the loss: the logarithm is taken of labels, clipped since they are 0 "
        "and 1.",
        wrong="J = bce(A, Y)  # whose arguments are (y_true, y_pred)", right="J = bce(Y, A)",
        shows="J is several times too large, near 16 |ŷ − y|, since ln 1e-7 is −16.1.",
        seen="keras-team/keras#8993; Keras had both orders at once: keras-team/keras#7228",
        forms=one(Change(cross_entropy, swapped_loss, constants={"epsilon": lambda _: KERAS_CLIP})),
    ),
    Known(
        "logits-for-probabilities", "mistake", "A[L], J, dA[L]",
        says="The last layer has no sigmoid, but the loss takes what comes out for probabilities and clips it to 0 "
        "and 1.",
        wrong='Dense(1); loss="binary_crossentropy"',
        right='Dense(1, activation="sigmoid"); loss="binary_crossentropy"',
        shows="Examples whose output lies outside 0 and 1 have no gradient and teach nothing.",
        seen="several days of training without an error: keras-team/keras#4744",
        forms=logits_for_probabilities,
    ),
    Known(
        "probabilities-for-logits", "mistake", "J, dA[L]",
        says="A loss that expects logits is given probabilities, so that the sigmoid is applied twice.",
        wrong="BCEWithLogitsLoss()(torch.sigmoid(z), y)", right="BCEWithLogitsLoss()(z, y)",
        shows="J never falls below 0.3133 = ln(1 + 1/e), even when every answer is right.",
        seen="yudi-mars/daisyRec#15; a course's notebook: jeffheaton/t81_558_deep_learning#81",
        forms=probabilities_for_logits,
    ),
    Known(
        "nan-from-log", "mistake", "J",
        says="Where the output is exactly 0 or 1 and right, the loss has the term 0 · ln 0, which is NaN in IEEE 754.",
        wrong="J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))",
        right="J = -np.mean(scipy.special.xlogy(Y, A) + scipy.special.xlogy(1 - Y, 1 - A))",
        shows="J is NaN from the step on at which an output saturates: in float32 at Z above 16.6.",
        seen="tiny-dnn/tiny-dnn#410",
    ),
)  # fmt: skip
