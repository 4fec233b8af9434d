"""Dialects: the legitimate other forms in which Keras and PyTorch compute the article's equations.

Each is a few changed functions, one paragraph and its source. `tests/comparisons/test_dialects.py` measures each of
them on the real framework; docs/dialects.md is made from this table. The table's order is the order in which they are
applied: a changed number before a changed function that takes it.
"""

from __future__ import annotations

import numpy as np

from reference.activations import sigmoid_backward
from reference.alphabet import (
    Array,
    clamped_cross_entropy_slope,
    clipped_cross_entropy_slope,
    cross_entropy_slope,
    in_precision_of,
    lerp,
    log,
    logits_loss,
    logits_loss_slope,
    maximum,
    minimum,
    sqrt,
)
from reference.dialects_of_optimizers import OF_OPTIMIZERS, to_float32
from reference.forms import Change, Form
from reference.layers import bias_gradient, weight_gradient
from reference.losses import cross_entropy, output_gradient
from reference.network import Equation, Network, elementwise, now
from reference.optimizers import adam_step, bias_correction, first_moment, second_moment

FLOAT32_1E_12 = float(np.float32(1e-12))  # PyTorch's EPSILON is a float literal, in float64 too
LOG_CLAMP = -100.0
KERAS_CLIP = 1e-7  # keras.config.epsilon()


# Where the 1/m stands -----------------------------------------------------------------------------------------------


def summed_weight_gradient(dZ: Array, A: Array) -> Array:
    """dZ Aᵀ"""
    return dZ @ A.mT


def summed_bias_gradient(dZ: Array) -> Array:
    """Σᵢ dZ⁽ⁱ⁾"""
    return dZ.sum(axis=-1, keepdims=True)


def mean_output_gradient(A: Array, Y: Array) -> Array:
    """−1/m (Y/A − (1 − Y)/(1 − A))"""
    return cross_entropy_slope(A, Y, over=A.shape[-1])


def clamped_output_gradient(A: Array, Y: Array, *, epsilon: float) -> Array:
    """1/m (A − Y)/max(A (1 − A), epsilon)"""
    return clamped_cross_entropy_slope(A, Y, over=A.shape[-1], epsilon=epsilon)


def clipped_output_gradient(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−1/m (Y/A − (1 − Y)/(1 − A)) ∘ (epsilon ≤ A ≤ 1 − epsilon)"""
    return clipped_cross_entropy_slope(A, Y, over=A.shape[-1], epsilon=epsilon)


def logits_gradient(Z: Array, Y: Array) -> Array:
    """1/m ([Z > 0] − Y ± e^−|Z|/(1 + e^−|Z|))"""
    return logits_loss_slope(Z, Y) / Z.shape[-1]


SUMMED = (Change(weight_gradient, summed_weight_gradient), Change(bias_gradient, summed_bias_gradient))


def behind_the_loss(equation: Equation, network: Network) -> bool:
    """The activation whose gradient comes from the loss."""
    above = network.by_name.get(equation.reads["dA"].name)
    return above is not None and above.by in (output_gradient, mean_output_gradient)


def activation_of(equation: Equation) -> str:
    """`Z[5]` for the equation of `dZ[5]`."""
    return equation.defines.removeprefix("d")


# How the loss is computed -------------------------------------------------------------------------------------------


def clamped_cross_entropy(A: Array, Y: Array, *, least: float) -> Array:
    """−1/m Σᵢ (Y max(ln A, least) + (1 − Y) max(ln(1 − A), least))"""
    terms = Y * maximum(log(A), least) + (1 - Y) * maximum(log(1 - A), least)
    return -terms.sum(axis=-1, keepdims=True) / A.shape[-1]


def clipped_cross_entropy(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−1/m Σᵢ (Y ln Â + (1 − Y) ln(1 − Â)), Â = A clipped to [epsilon, 1 − epsilon]"""
    clipped = maximum(minimum(A, 1 - epsilon), epsilon)
    terms = Y * log(clipped) + (1 - Y) * log(1 - clipped)
    return -terms.sum(axis=-1, keepdims=True) / A.shape[-1]


def cross_entropy_of_logits(Z: Array, Y: Array) -> Array:
    """1/m Σᵢ (max(Z, 0) − Z Y + ln(1 + e^−|Z|))"""
    return logits_loss(Z, Y).sum(axis=-1, keepdims=True) / Z.shape[-1]


# How Adam is computed -----------------------------------------------------------------------------------------------


@elementwise
def lerp_first_moment(m: Array, g: Array, *, beta1: float) -> Array:
    """m + (1 − beta1)(g − m)"""
    return lerp(m, g, weight=1 - beta1)


@elementwise
def lerp_second_moment(v: Array, g: Array, *, beta2: float) -> Array:
    """v + (1 − beta2)(g² − v)"""
    return lerp(v, g * g, weight=1 - beta2)


def correction_in_precision(t: Array, like: Array, *, beta: float) -> Array:
    """1 − betaᵗ, the power in the precision of like"""
    return 1 - beta ** in_precision_of(t, like)


@elementwise
def adam_step_epsilon_hat(
    theta: Array, m: Array, v: Array, c1: Array, c2: Array, alpha: Array, *, epsilon: float
) -> Array:
    """theta − m (alpha √c2 / c1) / (√v + epsilon)"""
    return theta - m * (alpha * sqrt(c2) / c1) / (sqrt(v) + epsilon)


DIALECTS = (
    Form(
        "mean-at-the-loss", "dialect",
        (Change(output_gradient, mean_output_gradient), *SUMMED),
        choice="where the 1/m stands",
        says="Automatic differentiation starts at J, which has the 1/m in it, so that dA and dZ are 1/m of the "
        "article's and dW = dZ Aᵀ. Both are right, and only one at a time.",
        source="torch/nn/modules/loss.py: _WeightedLoss.__init__ (reduction='mean'); "
        "keras/src/losses/loss.py: reduce_values",
    ),
    Form(
        "clamped-gradient", "dialect",
        (Change(output_gradient, clamped_output_gradient, constants={"epsilon": lambda _: FLOAT32_1E_12}), *SUMMED),
        choice="where the 1/m stands",
        says="PyTorch's derivative of the binary cross-entropy is (A − Y)/max(A(1 − A), EPSILON), times the 1/m of the "
        "loss: finite where the output is saturated. EPSILON is the float literal 1e-12, rounded to float32 in "
        "float64 too.",
        source="aten/src/ATen/native/Loss.cpp: binary_cross_entropy_backward_out_cpu (EPSILON)",
    ),
    Form(
        "clipped-gradient", "dialect",
        (Change(output_gradient, clipped_output_gradient, constants={"epsilon": lambda _: KERAS_CLIP}), *SUMMED),
        choice="where the 1/m stands",
        says="Where Keras does not recognise the output as a sigmoid's own (anything computed after it, a sigmoid "
        "spelled out, eagerly TensorFlow's tf.sigmoid too) it clips the probabilities to [1e-7, 1 − 1e-7] first; "
        "outside, the gradient of the clipping is 0.",
        source="keras/src/backend/tensorflow/nn.py: binary_crossentropy (clip_by_value)",
    ),
    Form(
        "gradient-through-logits", "dialect",
        (Change(sigmoid_backward, logits_gradient, only=behind_the_loss,
                reads={"Y": lambda _: now("Y"), "Z": lambda e: now(activation_of(e))}), *SUMMED),
        choice="where the 1/m stands",
        says="Keras finds the logits that its own sigmoid was given, eagerly as in graph mode (in a tf.function "
        "those of tf.sigmoid too), and differentiates max(Z, 0) − Z Y + ln(1 + e^−|Z|) at them. dA of the output "
        "does not exist then, and dZ is a sum of three "
        "terms whose order Grappler chooses.",
        source="keras/src/activations/activations.py: sigmoid (_keras_logits); "
        "keras/src/backend/tensorflow/nn.py: _get_logits; "
        "tensorflow/python/ops/nn_impl.py: sigmoid_cross_entropy_with_logits",
    ),
    Form(
        "clamped-logarithm", "dialect",
        (Change(cross_entropy, clamped_cross_entropy, constants={"least": lambda _: LOG_CLAMP}),),
        choice="how the loss is computed",
        says="PyTorch never lets a logarithm fall below −100, so that a saturated wrong output costs 100 and not ∞.",
        source="aten/src/ATen/native/Loss.cpp: binary_cross_entropy_out_cpu; documented in torch.nn.BCELoss",
    ),
    Form(
        "clipped-probabilities", "dialect",
        (Change(cross_entropy, clipped_cross_entropy, constants={"epsilon": lambda _: KERAS_CLIP}),),
        choice="how the loss is computed",
        says="Where Keras does not recognise the output as a sigmoid's own (anything computed after it, a sigmoid "
        "spelled out, eagerly TensorFlow's tf.sigmoid too) it clips the probabilities to [1e-7, 1 − 1e-7] before the "
        "logarithms, so that no example costs more than 16.1.",
        source="keras/src/backend/tensorflow/nn.py: binary_crossentropy (clip_by_value)",
    ),
    Form(
        "loss-through-logits", "dialect",
        (Change(cross_entropy, cross_entropy_of_logits,
                reads={"Z": lambda e: now(e.reads["A"].name.replace("A", "Z"))}),),
        choice="how the loss is computed",
        says="Keras finds the logits that its own sigmoid was given, eagerly as in graph mode (in a tf.function "
        "those of tf.sigmoid too), and computes the loss from them, which stays accurate where the probability is "
        "saturated.",
        source="keras/src/activations/activations.py: sigmoid (_keras_logits); "
        "keras/src/backend/tensorflow/nn.py: _get_logits; "
        "tensorflow/python/ops/nn_impl.py: sigmoid_cross_entropy_with_logits",
    ),
    Form(
        "first-moment-lerp", "dialect",
        (Change(first_moment, lerp_first_moment),),
        choice="how the first moment is averaged",
        says="m + (1 − β₁)(g − m): the same number in exact arithmetic, but the rounding of g − m is another one, and "
        "now and then it leaves the ball of β₁ m + (1 − β₁) g. Keras's three operations do; PyTorch fuses the "
        "multiply-add, so that its rounding stays inside and cannot be told apart.",
        source="torch/optim/adam.py: _single_tensor_adam (exp_avg.lerp_); keras/src/optimizers/adam.py: "
        "Adam.update_step",
    ),
    Form(
        "second-moment-lerp", "dialect",
        (Change(second_moment, lerp_second_moment),),
        choice="how the second moment is averaged",
        says="v + (1 − β₂)(g² − v), as Keras has it; PyTorch computes β₂ v + (1 − β₂) g g.",
        source="keras/src/optimizers/adam.py: Adam.update_step; torch/optim/adam.py: _single_tensor_adam "
        "(addcmul_)",
    ),
    Form(
        "powers-in-precision", "dialect",
        (Change(bias_correction, correction_in_precision, constants={"beta": to_float32},
                reads={"like": lambda _: now("A[0]")}),),
        choice="the precision of Adam's powers",
        says="Keras computes β₁ᵗ and β₂ᵗ in the precision of the parameters. On the TensorFlow backend the betas go "
        "through float32 on the way, in float64 too, and in these two powers only: 0.999 becomes "
        "0.9990000128746033, which moves float64 updates by up to 7e-6.",
        source="keras/src/optimizers/adam.py: Adam.update_step (ops.cast); keras/src/backend/tensorflow/core.py: cast",
    ),
    Form(
        "epsilon-1e-8", "dialect",
        (Change(adam_step, constants={"epsilon": lambda _: 1e-8}),),
        choice="Adam's epsilon",
        says="PyTorch's default epsilon, where the experiment asks for another.",
        source="torch/optim/adam.py: Adam.__init__ (eps=1e-8)",
    ),
    Form(
        "epsilon-1e-7", "dialect",
        (Change(adam_step, constants={"epsilon": lambda _: 1e-7}),),
        choice="Adam's epsilon",
        says="Keras's default epsilon, where the experiment asks for another.",
        source="keras/src/optimizers/adam.py: Adam.__init__ (epsilon=1e-7)",
    ),
    Form(
        "epsilon-hat", "dialect",
        (Change(adam_step, adam_step_epsilon_hat),),
        choice="where Adam's epsilon joins",
        says="Keras adds epsilon to √v before the bias correction (the ε̂ of the paper's section 2), PyTorch after it. "
        "With the same number the effective epsilon differs by √(1 − β₂ᵗ): 31.6 times at step 1.",
        source="keras/src/optimizers/adam.py: Adam.update_step",
    ),
    *OF_OPTIMIZERS,
)  # fmt: skip
