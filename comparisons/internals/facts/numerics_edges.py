"""Numerics: subnormal numbers, NaN, infinities, half precision, and which type comes out."""

import math

import numpy as np

from comparisons.internals.fact import fact
from comparisons.internals.facts.common import error_of, torch_slope

AREA = "numerics"
NAN, INF = math.nan, math.inf
MATH, NN = "tensorflow/python/ops/math_ops.py", "tensorflow/python/ops/nn_ops.py"


@fact(
    "subnormals",
    claim="TensorFlow takes subnormal numbers as 0, on the way in and out, eagerly, under XLA and in float64 too; "
    "PyTorch and NumPy keep them, and NumPy does after TensorFlow was imported.",
    matters="Below 1.2e-38: Adam's v where |g| < 3e-18, tails of sigmoid and exp.",
    source=f"{MATH}: multiply",
    deeper="tensorflow/core/platform/denormal.h: ScopedFlushDenormal",
    needs="tensorflow torch",
    expected={
        "NumPy": [float(np.float32(1.2e-38)) / 2, float(np.float32(1e-39)) * 1024],
        "PyTorch": [float(np.float32(1.2e-38)) / 2, float(np.float32(1e-39)) * 1024],
        "TensorFlow": [0.0, 0.0],
        "XLA": [0.0, 0.0],
        "TensorFlow's float64": 0.0,
    },
)
def subnormals():
    import tensorflow as tf
    import torch

    small, subnormal = np.full(64, 1.2e-38, np.float32), np.full(64, 1e-39, np.float32)
    compiled = tf.function(lambda x, factor: x * factor, jit_compile=True)
    half, many = np.float32(0.5), np.float32(1024)
    return {
        "NumPy": [(small * half)[0], (subnormal * many)[0]],
        "PyTorch": [(torch.from_numpy(small) * 0.5)[0].item(), (torch.from_numpy(subnormal) * 1024.0)[0].item()],
        "TensorFlow": [float((tf.constant(small) * half)[0]), float((tf.constant(subnormal) * many)[0])],
        "XLA": [float(compiled(small, half)[0]), float(compiled(subnormal, many)[0])],
        "TensorFlow's float64": float((tf.constant([3e-308] * 8, tf.float64) * 0.5)[0]),
    }


@fact(
    "log-of-sigmoid",
    claim="ln σ(x) becomes −∞ at −88.8 in NumPy and PyTorch, where e⁻ˣ overflows, and at −87.4 in TensorFlow, which "
    "flushes what is below 2⁻¹²⁶; written as one function it stays finite in both.",
    matters="An infinite loss and NaN gradients of saturated outputs.",
    source=f"{MATH}: log_sigmoid; torch/nn/modules/activation.py: LogSigmoid",
    needs="tensorflow torch",
    expected={"NumPy": -88.8, "PyTorch": -88.8, "TensorFlow": -87.4, "as one": [-200.0, -200.0]},
    on_article=True,
)
def log_of_sigmoid():
    import tensorflow as tf
    import torch

    x = -np.arange(80, 110, 0.1).astype(np.float32)

    def first(values):
        return round(float(x[np.isinf(np.array(values))].max()), 1)

    whole = [float(tf.math.log_sigmoid(-200.0)), torch.nn.functional.logsigmoid(torch.tensor(-200.0)).item()]
    return {
        "NumPy": first(np.log(1 / (1 + np.exp(-x)))),
        "PyTorch": first(torch.log(torch.sigmoid(torch.from_numpy(x)))),
        "TensorFlow": first(tf.math.log(tf.sigmoid(x))),
        "as one": whole,
    }


@fact(
    "nan-under-xla",
    claim="Compiled by XLA on a CPU, TensorFlow's largest of NaN and 1 is 1, and of NaN alone −∞, and relu6(NaN) is "
    "0; eagerly all are NaN.",
    matters="jit_compile=True hides NaN instead of passing it on.",
    source=f"{MATH}: reduce_max; {NN}: relu6",
    deeper="the XLA flag xla_cpu_enable_fast_min_max, on in TensorFlow and off in JAX",
    needs="tensorflow",
    expected={"XLA": [1.0, -INF, 0.0], "eager": [NAN, NAN, NAN]},
)
def nan_under_xla():
    import tensorflow as tf

    def three(largest, relu6):
        values = largest(tf.constant([NAN, 1.0])), largest(tf.constant([NAN, NAN])), relu6(tf.constant([NAN]))[0]
        return [abs(float(v)) if float(v) == 0 else float(v) for v in values]

    compiled = (tf.function(function, jit_compile=True) for function in (tf.reduce_max, tf.nn.relu6))
    return {"XLA": three(*compiled), "eager": three(tf.reduce_max, tf.nn.relu6)}


@fact(
    "softmax-of-nan",
    claim="One NaN among the logits: TensorFlow's softmax is NaN there and 0 elsewhere, eagerly and in a graph; under "
    "XLA and in PyTorch all of it is NaN.",
    matters="A NaN that does not spread is not noticed.",
    source=f"{NN}: softmax; torch/nn/functional.py: softmax",
    deeper="tensorflow/core/kernels/softmax_op_functor.h",
    needs="tensorflow torch",
    expected={"eager": [NAN, 0.0, 0.0], "graph": [NAN, 0.0, 0.0], "XLA": [NAN] * 3, "PyTorch": [NAN] * 3},
)
def softmax_of_nan():
    import tensorflow as tf
    import torch

    x = [NAN, 1.0, 2.0]
    return {
        "eager": tf.nn.softmax(x).numpy(),
        "graph": tf.function(tf.nn.softmax)(tf.constant(x)).numpy(),
        "XLA": tf.function(tf.nn.softmax, jit_compile=True)(tf.constant(x)).numpy(),
        "PyTorch": torch.softmax(torch.tensor(x), 0).numpy(),
    }


@fact(
    "argmax-of-nan",
    claim="argmax finds NaN in NumPy and PyTorch and passes over it in TensorFlow; sign(NaN) is 0 in PyTorch and NaN "
    "in the others.",
    matters="Predicted classes of a network that has gone wrong look like classes.",
    source=f"{MATH}: argmax; torch/_C/_VariableFunctions.pyi: argmax",
    needs="tensorflow torch",
    expected={"argmax": [1, 1, 2], "sign": [NAN, 0.0, NAN]},
)
def argmax_of_nan():
    import tensorflow as tf
    import torch

    x = [1.0, NAN, 2.0]
    largest = [int(np.argmax(x)), int(torch.tensor(x).argmax()), int(tf.argmax(x))]
    return {"argmax": largest, "sign": [np.sign(NAN), torch.sign(torch.tensor(NAN)).item(), float(tf.sign(NAN))]}


@fact(
    "where-and-nan",
    claim="The derivative of where(x > 0, √x, 0) for x ≤ 0 is 0 in TensorFlow eagerly and in a graph, since its √ has "
    "the derivative 0 where nothing comes from above, and NaN under XLA and in PyTorch.",
    matters="The well-known trap is there or not by how the same line is run.",
    source="tensorflow/python/ops/math_grad.py: _SqrtGrad; torch/_C/_VariableFunctions.pyi: sqrt",
    deeper="tools/autograd/derivatives.yaml: sqrt",
    needs="tensorflow torch",
    expected={
        "eager": [0.0, 0.0, 0.25],
        "graph": [0.0, 0.0, 0.25],
        "XLA": [NAN, NAN, 0.25],
        "PyTorch": [NAN, NAN, 0.25],
    },
)
def where_and_nan():
    import tensorflow as tf
    import torch

    x = np.array([-1.0, 0.0, 4.0], np.float32)

    def slope(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            y = tf.where(z > 0, tf.sqrt(z), tf.zeros_like(z))
        return tape.gradient(y, z)

    compiled = tf.function(slope, jit_compile=True)
    return {
        "eager": slope(tf.constant(x)).numpy() + 0.0,
        "graph": tf.function(slope)(tf.constant(x)).numpy() + 0.0,
        "XLA": compiled(tf.constant(x)).numpy(),
        "PyTorch": torch_slope(lambda z: torch.where(z > 0, torch.sqrt(z), torch.zeros_like(z)), x),
    }


@fact(
    "half-precision-means",
    claim="The mean of 70,000 float16 ones is NaN in TensorFlow, whose sum and count overflow, and 1 in PyTorch and "
    "NumPy.",
    matters="Losses of large batches in float16.",
    source=f"{MATH}: reduce_mean; numpy/_core/_methods.py: _mean",
    needs="tensorflow torch",
    expected={"TensorFlow": NAN, "PyTorch": 1.0, "NumPy": 1.0},
)
def half_precision_means():
    import tensorflow as tf
    import torch

    ones = np.ones(70_000, np.float16)
    return {
        "TensorFlow": float(tf.cast(tf.reduce_mean(ones), tf.float32)),
        "PyTorch": torch.from_numpy(ones).mean().item(),
        "NumPy": ones.mean(),
    }


@fact(
    "bfloat16-sums",
    claim="NumPy's sum of 4,096 bfloat16 ones (ml_dtypes) is 256, where 1 is lost; matrix products of half precision "
    "in TensorFlow and PyTorch add up in float32 and are right.",
    matters="Checking a half precision layer with NumPy checks NumPy.",
    source="numpy/_core/fromnumeric.py: sum",
    needs="tensorflow torch ml_dtypes",
    expected={"NumPy": 256.0, "TensorFlow": 4096.0, "PyTorch": 4096.0},
)
def bfloat16_sums():
    import ml_dtypes
    import tensorflow as tf
    import torch

    product = tf.linalg.matmul(tf.ones((1, 4096), tf.float16), tf.ones((4096, 1), tf.float16))
    row = torch.ones(1, 4096, dtype=torch.bfloat16)
    summed = float(np.ones(4096, ml_dtypes.bfloat16).sum())
    return {"NumPy": summed, "TensorFlow": float(product[0, 0]), "PyTorch": (row @ row.T).item()}


@fact(
    "types-that-come-out",
    claim="TensorFlow's mean of integers is an integer: of 1 and 2 it is 1. An integer by an integer is float64 in "
    "TensorFlow and NumPy, float32 in PyTorch. float64 plus float32 is an error in TensorFlow and float64 in the "
    "others; int64 plus float32 is float64 in NumPy and float32 in PyTorch and Keras.",
    matters="Accuracies computed from integers, and precisions that change on the way.",
    source=f"{MATH}: reduce_mean; keras/src/backend/common/dtypes.py: result_type",
    needs="keras torch",
    expected={
        "mean": 1,
        "int/int": ["float64", "float64", "torch.float32"],
        "float64 + float32": ["InvalidArgumentError", "float64", "torch.float64", "float64"],
        "int64 + float32": ["float64", "torch.float32", "float32"],
    },
)
def types_that_come_out():
    import keras
    import tensorflow as tf
    import torch

    one, small, whole = np.ones(1), np.ones(1, np.float32), np.ones(1, np.int64)
    t_one, t_small, t_whole = map(torch.from_numpy, (one, small, whole))
    quotients = (tf.constant(1) / tf.constant(2)).dtype.name, (whole / whole).dtype, (t_whole / t_whole).dtype
    wide = (one + small).dtype, (t_one + t_small).dtype, keras.ops.add(one, small).dtype.name
    mixed = (whole + small).dtype, (t_whole + t_small).dtype, keras.ops.add(whole, small).dtype.name
    return {
        "mean": int(tf.reduce_mean([1, 2])),
        "int/int": [str(name) for name in quotients],
        "float64 + float32": [error_of(lambda: tf.constant(one) + tf.constant(small)), *map(str, wide)],
        "int64 + float32": [str(name) for name in mixed],
    }


@fact(
    "reciprocal-of-large",
    claim="TensorFlow's float32 1/x is the processor's estimate and one step: of 2¹²⁶ it gives 0. x / y is a true "
    "division.",
    matters="Only beyond 2¹⁰⁴; PyTorch and NumPy divide.",
    source=f"{MATH}: reciprocal_no_nan",
    deeper="Eigen: generic_reciprocal_newton_step",
    needs="tensorflow torch",
    expected={"TensorFlow": 0.0, "PyTorch": 2.0**-126, "division": 2.0**-126},
    depends=True,
)
def reciprocal_of_large():
    import tensorflow as tf
    import torch

    x = np.full(16, 2.0**126, np.float32)
    return {
        "TensorFlow": float(tf.math.reciprocal(x)[0]),
        "PyTorch": torch.reciprocal(torch.from_numpy(x))[0].item(),
        "division": float((1 / tf.constant(x))[0]),
    }
