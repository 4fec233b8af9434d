"""Activations at their corners: derivatives where there is none, ties, bounds, NaN and −0."""

import math

import numpy as np

from comparisons.internals.expectation import rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import tensorflow_slope, torch_slope

AREA = "activations"
FUNCTIONAL = "torch/nn/functional.py"
MATH_GRAD = "tensorflow/python/ops/math_grad.py"
SELU, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@fact(
    "relu-at-0",
    claim="The derivative of ReLU at exactly 0 is 0 in both, but that of max(x, 0) written out is 1 in TensorFlow and "
    "1/2 in PyTorch, and that of clamp(min=0) is 1.",
    matters="Zero biases and zero inputs meet it; a network written out by hand differs there from the layer.",
    source=f"{MATH_GRAD}: _MaximumMinimumGrad; tensorflow/python/ops/nn_grad.py: _ReluGrad; {FUNCTIONAL}: relu",
    needs="tensorflow torch",
    expected={"relu": [0.0, 0.0], "maximum": [1.0, 0.5], "clamp": 1.0},
    on_article=True,
)
def relu_at_0():
    import tensorflow as tf
    import torch

    return {
        "relu": [tensorflow_slope(tf.nn.relu, 0.0), torch_slope(torch.relu, 0.0)],
        "maximum": [
            tensorflow_slope(lambda x: tf.maximum(x, 0.0), 0.0),
            torch_slope(lambda x: torch.maximum(x, torch.zeros(())), 0.0),
        ],
        "clamp": torch_slope(lambda x: x.clamp(min=0), 0.0),
    }


@fact(
    "relu-of-nan",
    claim="The gradient through ReLU at NaN: TensorFlow gives 0, PyTorch passes what comes from above; the value is "
    "NaN in both.",
    matters="Whether the weights below a NaN are moved, and become NaN themselves.",
    source=f"tensorflow/python/ops/nn_grad.py: _ReluGrad; {FUNCTIONAL}: relu",
    deeper="aten/src/ATen/native/Activation.cpp: threshold_backward",
    needs="tensorflow torch",
    expected={"slopes": [0.0, 1.0], "values": [math.nan, math.nan]},
)
def relu_of_nan():
    import tensorflow as tf
    import torch

    nan = math.nan
    slopes = [tensorflow_slope(tf.nn.relu, nan), torch_slope(torch.relu, nan)]
    return {"slopes": slopes, "values": [float(tf.nn.relu(nan)), torch.relu(torch.tensor(nan)).item()]}


@fact(
    "relu-of-minus-0",
    claim="ReLU of −0 is −0 in TensorFlow and PyTorch; NumPy's maximum(x, 0) is +0 and maximum(0, x) is −0.",
    matters="Comparisons of bits, and 1/x.",
    source=f"{FUNCTIONAL}: relu; tensorflow/python/ops/nn_grad.py: _ReluGrad",
    needs="tensorflow torch",
    expected={"NumPy": [0.0, -0.0], "TensorFlow": -0.0, "XLA": -0.0, "PyTorch": -0.0},
)
def relu_of_minus_0():
    import tensorflow as tf
    import torch

    x = np.full(4, -0.0, np.float32)
    return {
        "NumPy": [np.maximum(x, 0)[0], np.maximum(0, x)[0]],
        "TensorFlow": tf.nn.relu(x)[0].numpy(),
        "XLA": tf.function(tf.nn.relu, jit_compile=True)(tf.constant(x))[0].numpy(),
        "PyTorch": torch.relu(torch.from_numpy(x))[0].item(),
    }


@fact(
    "abs-at-0",
    claim="The derivative of |x| at 0 is 0 in TensorFlow and in PyTorch.",
    matters="An L1 penalty leaves exact zeros where they are; JAX's, which is 1, does not.",
    source=f"{MATH_GRAD}: _AbsGrad; torch/_C/_VariableFunctions.pyi: abs",
    needs="tensorflow torch",
    expected={"TensorFlow": 0.0, "PyTorch": 0.0},
)
def abs_at_0():
    import tensorflow as tf
    import torch

    return {"TensorFlow": tensorflow_slope(tf.abs, 0.0), "PyTorch": torch_slope(torch.abs, 0.0)}


@fact(
    "norm-at-0",
    claim="The gradient of the Euclidean norm at the zero vector is 0 in PyTorch and NaN in TensorFlow.",
    matters="A zero vector makes all weights NaN in one of them.",
    source="tensorflow/python/ops/linalg_ops.py: norm; torch/functional.py: norm",
    needs="tensorflow torch",
    expected={"TensorFlow": [math.nan, math.nan], "PyTorch": [0.0, 0.0]},
)
def norm_at_0():
    import tensorflow as tf
    import torch

    zero = [0.0, 0.0]
    return {"TensorFlow": tensorflow_slope(tf.norm, zero), "PyTorch": torch_slope(torch.linalg.norm, zero)}


@fact(
    "max-of-equals",
    claim="Where the largest is there twice, a reduction shares the gradient in both; PyTorch's max along an axis "
    "gives all of it to the first, and TensorFlow's maximum(a, b) to a.",
    matters="Pooling and ReLU-like choices at exact ties.",
    source=f"{MATH_GRAD}: _MinOrMaxGrad; {MATH_GRAD}: _MaximumMinimumGrad",
    deeper="tools/autograd/derivatives.yaml: max",
    needs="tensorflow torch",
    expected={"TensorFlow": [0.5, 0.5, 0.0], "PyTorch": [0.5, 0.5, 0.0], "PyTorch, axis": [1.0, 0.0, 0.0]},
)
def max_of_equals():
    import tensorflow as tf
    import torch

    x = [1.0, 1.0, 0.0]
    return {
        "TensorFlow": tensorflow_slope(tf.reduce_max, x),
        "PyTorch": torch_slope(torch.max, x),
        "PyTorch, axis": torch_slope(lambda t: t.max(0).values, x),
    }


@fact(
    "selu-at-0",
    claim="The derivative of SELU at 0 is λ in Keras and TensorFlow, and λα, the negative branch, in PyTorch.",
    matters="67 % at exactly 0, where zero inputs and biases are.",
    source=f"keras/src/activations/activations.py: selu; {FUNCTIONAL}: selu",
    needs="keras torch",
    expected={"Keras": rounded(SELU, 4), "PyTorch": rounded(SELU * SELU_ALPHA, 4)},
)
def selu_at_0():
    import keras
    import torch

    return {
        "Keras": tensorflow_slope(keras.activations.selu, 0.0),
        "PyTorch": torch_slope(torch.nn.functional.selu, 0.0),
    }


@fact(
    "clip-at-bound",
    claim="Exactly at its bound clipping has the derivative 1 in TensorFlow and PyTorch; hard_tanh at 1 has 1 in "
    "Keras and 0 in PyTorch.",
    matters="Values that were clipped before lie exactly there.",
    source=f"tensorflow/python/ops/clip_ops.py: _clip_by_value_grad; {FUNCTIONAL}: hardtanh",
    needs="keras torch",
    expected={"clip": [1.0, 1.0], "hard_tanh": [1.0, 0.0]},
)
def clip_at_bound():
    import keras
    import tensorflow as tf
    import torch

    clip = [tensorflow_slope(lambda x: tf.clip_by_value(x, 0.0, 1.0), 1.0), torch_slope(lambda x: x.clamp(0, 1), 1.0)]
    hard = [tensorflow_slope(keras.activations.hard_tanh, 1.0), torch_slope(torch.nn.functional.hardtanh, 1.0)]
    return {"clip": clip, "hard_tanh": hard}


@fact(
    "xlogy-at-0",
    claim="x ln x at 0 by xlogy: the value is 0 in both, the derivative 0 in TensorFlow and NaN in PyTorch.",
    matters="Entropies of hard decisions.",
    source=f"{MATH_GRAD}: _XLogyGrad; torch/_C/_VariableFunctions.pyi: xlogy",
    deeper="tools/autograd/derivatives.yaml: xlogy",
    needs="tensorflow torch",
    expected={"TensorFlow": [0.0, 0.0], "PyTorch": [0.0, math.nan]},
)
def xlogy_at_0():
    import tensorflow as tf
    import torch

    ours = [float(tf.math.xlogy(0.0, 0.0)), tensorflow_slope(lambda x: tf.math.xlogy(x, x), 0.0)]
    theirs = [torch.xlogy(torch.zeros(()), torch.zeros(())).item(), torch_slope(lambda x: torch.xlogy(x, x), 0.0)]
    return {"TensorFlow": ours, "PyTorch": theirs}
