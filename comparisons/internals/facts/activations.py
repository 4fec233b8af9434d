"""Activations: default slopes, approximations, and what a saturated one is."""

import math

import numpy as np

from comparisons.internals.expectation import above, below, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import tensorflow_slope, torch_slope

AREA = "activations"
FUNCTIONAL = "torch/nn/functional.py"
MATH_GRAD = "tensorflow/python/ops/math_grad.py"


def gelu(x):
    """The exact one."""
    return 0.5 * x * math.erfc(-x / math.sqrt(2))


def gelu_by_tanh(x):
    """The approximation."""
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@fact(
    "leaky-slope",
    claim="Leaky ReLU's default slope is 0.2 in Keras's function, 0.3 in Keras's layer and 0.01 in PyTorch; the "
    "derivative at 0 is the slope in both.",
    matters="Twenty to thirty times on the negative side.",
    source="keras/src/activations/activations.py: leaky_relu; "
    f"keras/src/layers/activations/leaky_relu.py: LeakyReLU.__init__; {FUNCTIONAL}: leaky_relu",
    needs="keras torch",
    expected={
        "Keras's function": float(np.float32(0.2)),
        "Keras's layer": float(np.float32(0.3)),
        "PyTorch": float(np.float32(0.01)),
        "at 0": [float(np.float32(0.2)), float(np.float32(0.01))],
    },
    on_article=True,
)
def leaky_slope():
    import keras
    import torch

    x, theirs = np.array([-1.0], np.float32), torch.nn.functional.leaky_relu
    return {
        "Keras's function": -float(keras.activations.leaky_relu(x)[0]),
        "Keras's layer": -float(keras.layers.LeakyReLU()(x)[0]),
        "PyTorch": -theirs(torch.tensor(x)).item(),
        "at 0": [tensorflow_slope(keras.activations.leaky_relu, 0.0), torch_slope(theirs, 0.0)],
    }


@fact(
    "leaky-slope-float64",
    claim="Keras's LeakyReLU layer rounds its slope to float32 in float64 too: 0.30000001192092896 for 0.3; so does "
    "TensorFlow's gelu with √½.",
    matters="float64 comparisons at 1e-12: 1.2e-8 here, 4e-9 in gelu at 1.",
    source="keras/src/layers/activations/leaky_relu.py: LeakyReLU.__init__; tensorflow/python/ops/nn_ops.py: gelu",
    needs="keras",
    expected={
        "slope": float(np.float32(0.3)),
        "gelu at 1": rounded(0.5 * math.erfc(-float(np.float32(math.sqrt(0.5)))), 16, "float64"),
        "exact less gelu": above(3e-9, "φ(1) √2 times √½ less its float32, 1.2e-8, is 4.1e-9"),
    },
)
def leaky_slope_float64():
    import keras
    import tensorflow as tf

    keras.config.set_floatx("float64")
    at_1 = float(tf.nn.gelu(tf.constant(1.0, tf.float64)))
    slope = -float(keras.layers.LeakyReLU(0.3)(np.array([-1.0]))[0])
    return {"slope": slope, "gelu at 1": at_1, "exact less gelu": gelu(1) - at_1}


@fact(
    "hard-sigmoid",
    claim="hard_sigmoid is relu6(x + 3)/6 in both; Keras 2's clip(0.2 x + 0.5), 0.7 at 1, is gone.",
    matters="Weights of old recurrent layers: 0.033 at 1.",
    source=f"keras/src/activations/activations.py: hard_sigmoid; {FUNCTIONAL}: hardsigmoid",
    needs="keras torch",
    expected={"Keras": rounded(2 / 3, 4), "PyTorch": rounded(2 / 3, 4)},
)
def hard_sigmoid():
    import keras
    import torch

    x = np.array([1.0], np.float32)
    theirs = torch.nn.functional.hardsigmoid(torch.tensor(x)).item()
    return {"Keras": float(keras.activations.hard_sigmoid(x)[0]), "PyTorch": theirs}


@fact(
    "gelu-default",
    claim="gelu is exact by default in keras.activations, TensorFlow and PyTorch, and the tanh approximation in "
    "keras.ops.",
    matters="Two doors into Keras give two functions, 4.7e-4 apart at most.",
    source=f"keras/src/activations/activations.py: gelu; keras/src/ops/nn.py: gelu; {FUNCTIONAL}: gelu",
    needs="keras torch",
    expected={
        "keras.activations": rounded(gelu(1), 16),
        "keras.ops": rounded(gelu_by_tanh(1), 16),
        "TensorFlow": rounded(gelu(1), 16),
        "PyTorch": rounded(gelu(1), 16),
    },
)
def gelu_default():
    import keras
    import tensorflow as tf
    import torch

    x = np.array([1.0], np.float32)
    return {
        "keras.activations": float(keras.activations.gelu(x)[0]),
        "keras.ops": float(keras.ops.gelu(x)[0]),
        "TensorFlow": float(tf.nn.gelu(x)[0]),
        "PyTorch": torch.nn.functional.gelu(torch.tensor(x)).item(),
    }


@fact(
    "gelu-tail",
    claim="PyTorch's float32 gelu, x (1 + erf)/2, cancels for negative x: 57 % off at −5.5 and 0 at −6, where Keras "
    "and TensorFlow, which use erfc, are right.",
    matters="Values of 1e-7 and less; known as pytorch#187806.",
    source=f"{FUNCTIONAL}: gelu; tensorflow/python/ops/nn_ops.py: gelu",
    needs="keras torch",
    expected={
        "Keras at −6 over exact": off(
            1, 1e-4, "erfc's argument 4.24 has the relative error 2⁻²⁴, which 2 · 4.24² enlarges"
        ),
        "PyTorch at −6": 0.0,
        "PyTorch at −5.5 over exact": off(
            1, 2.0**-24 * 5.5 / abs(gelu(-5.5)), "a rounding of 1 + erf near 0 is 2⁻²⁴ · x/2, twice"
        ),
    },
)
def gelu_tail():
    import keras
    import torch

    theirs = torch.nn.functional.gelu
    return {
        "Keras at −6 over exact": float(keras.activations.gelu(np.array([-6.0], np.float32))[0]) / gelu(-6),
        "PyTorch at −6": abs(theirs(torch.tensor([-6.0])).item()),
        "PyTorch at −5.5 over exact": theirs(torch.tensor([-5.5])).item() / gelu(-5.5),
    }


@fact(
    "softplus-threshold",
    claim="PyTorch's softplus is x itself above 20, in float64 too, where that is off by ln(1 + e⁻²⁰) = 2.1e-9; "
    "TensorFlow's is right.",
    matters="float64 only: a step of 2e-9 in the function, and a derivative of exactly 1.",
    source=f"{FUNCTIONAL}: softplus; tensorflow/python/ops/gen_nn_ops.py: softplus",
    needs="tensorflow torch",
    expected={"PyTorch less x": 0.0, "TensorFlow less x": off(math.log1p(math.exp(-21.0)), 2.0**-48, "a unit of 21")},
)
def softplus_threshold():
    import tensorflow as tf
    import torch

    theirs = torch.nn.functional.softplus(torch.tensor(21.0, dtype=torch.float64)).item()
    return {
        "PyTorch less x": theirs - 21,
        "TensorFlow less x": float(tf.math.softplus(tf.constant(21.0, tf.float64))) - 21,
    }


@fact(
    "softmax-axis",
    claim="Keras's softmax sums to 1 along the last axis. PyTorch's functional one without dim, for three axes, along "
    "the first.",
    matters="A silent other function for sequences; PyTorch warns.",
    source=f"keras/src/activations/activations.py: softmax; {FUNCTIONAL}: _get_softmax_dim",
    needs="keras torch",
    expected={"Keras, last": below(8 * 2.0**-24, "8 roundings"), "PyTorch, first": below(8 * 2.0**-24, "8 roundings"),
              "PyTorch, last": above(0.1, "another axis")},
)  # fmt: skip
def softmax_axis():
    import warnings

    import keras
    import torch

    warnings.simplefilter("ignore")
    x = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    ours, theirs = np.array(keras.activations.softmax(x)), torch.nn.functional.softmax(torch.tensor(x)).numpy()

    def off_1(values, axis):
        return abs(values.sum(axis) - 1).max()

    return {"Keras, last": off_1(ours, -1), "PyTorch, first": off_1(theirs, 0), "PyTorch, last": off_1(theirs, -1)}


@fact(
    "sigmoid-is-1",
    claim="float32's sigmoid is exactly 1 from logit 17.33 = 25 ln 2 on, whoever computes it, and for a negative "
    "logit it stays positive to −87.",
    matters="Confident positive and negative examples are not treated alike by anything that reads the probability.",
    source=f"tensorflow/python/ops/math_ops.py: sigmoid; {FUNCTIONAL}: sigmoid",
    needs="tensorflow torch",
    expected={"at 17.4": [1.0, 1.0], "1 less σ(16)": [above(2.0**-24, "a number of float32 below 1")] * 2,
              "at −80": [rounded(math.exp(-80), 24)] * 2},
    on_article=True,
)  # fmt: skip
def sigmoid_is_1():
    import tensorflow as tf
    import torch

    def both(x):
        return [float(tf.sigmoid([x] * 16)[0]), torch.sigmoid(torch.tensor([x] * 16))[0].item()]

    return {"at 17.4": both(17.4), "1 less σ(16)": [1 - value for value in both(16.0)], "at −80": both(-80.0)}


@fact(
    "tanh-is-1",
    claim="TensorFlow's float32 tanh is 1 from 7.91 on, too early: the nearest float32 to tanh(8.5) is 1 − 2⁻²⁴, "
    "which PyTorch gives.",
    matters="Saturated units: tanh' = 1 − a² is 0 a little earlier.",
    source="tensorflow/python/ops/math_grad.py: _TanhGrad",
    deeper="Eigen/src/Core/MathFunctionsImpl.h: ptanh_float",
    needs="tensorflow torch",
    expected={"TensorFlow": 1.0, "PyTorch": 1 - 2.0**-24},
)
def tanh_is_1():
    import tensorflow as tf
    import torch

    return {"TensorFlow": float(tf.tanh([8.5] * 16)[0]), "PyTorch": torch.tanh(torch.tensor([8.5] * 16))[0].item()}


@fact(
    "jax-corners",
    claim="JAX at corners: max(x, 0) has the derivative 1/2 at 0, |x| has 1, leaky ReLU 1, clipping at its bound 1/2; "
    "its gelu is the tanh approximation.",
    matters="None of these is what TensorFlow and PyTorch both do.",
    source="jax/_src/nn/functions.py: leaky_relu",
    needs="jax",
    expected={"maximum": 0.5, "abs": 1.0, "leaky_relu": 1.0, "clip": 0.5, "gelu": rounded(gelu_by_tanh(1), 16)},
    versions="jax 0.10.2, and not run again since it was first measured",
)
def jax_corners():
    import jax
    import jax.numpy as jnp

    return {
        "maximum": jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0).item(),
        "abs": jax.grad(jnp.abs)(0.0).item(),
        "leaky_relu": jax.grad(jax.nn.leaky_relu)(0.0).item(),
        "clip": jax.grad(lambda x: jnp.clip(x, 0, 1))(1.0).item(),
        "gelu": jax.nn.gelu(1.0).item(),
    }
