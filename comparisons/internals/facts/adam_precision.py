"""Adam: in which precision its constants are, and what that does to the steps."""

import math

import numpy as np

from comparisons.internals.expectation import below, measured, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import keras_steps, torch_steps

AREA = "adam"
RATE, BETA1, BETA2 = 2.0**-10, 0.875, 1 - 2.0**-10  # float32 has them exactly
KERAS, TORCH = "keras/src/optimizers/adam.py: Adam.update_step", "torch/optim/adam.py: _single_tensor_adam"
FLOAT32 = {beta: float(np.float32(beta)) for beta in (0.9, 0.999)}
LEAK = math.sqrt((1 - FLOAT32[0.999]) / (1 - 0.999)) * (1 - 0.9) / (1 - FLOAT32[0.9]) - 1  # at step 1


@fact(
    "adam-cast",
    claim="On TensorFlow keras.ops.cast makes a Python number a float32 first, whatever type was asked for: 0.999 "
    "becomes 0.9990000128746033 in float64.",
    matters="Every Keras function that casts a hyper-parameter: 1.3e-8 of it, which 1 − β₂ makes 1.3e-5.",
    source="keras/src/backend/tensorflow/core.py: cast; tensorflow/python/ops/math_ops.py: cast",
    needs="keras",
    expected={"0.999": FLOAT32[0.999], "0.9": FLOAT32[0.9]},
    of=("powers-in-precision",),
    on_article=True,
)
def adam_cast():
    import keras

    return {text: float(keras.ops.cast(float(text), "float64")) for text in ("0.999", "0.9")}


@fact(
    "adam-cast-on-torch",
    claim="On PyTorch the same keras.ops.cast keeps all digits of a Python number in float64.",
    matters="The same Keras program gives other float64 weights on another backend.",
    source="keras/src/backend/torch/core.py: cast",
    needs="keras torch",
    environment=(("KERAS_BACKEND", "torch"),),
    expected={"0.999": 0.999, "0.9": 0.9},
)
def adam_cast_on_torch():
    import keras

    return {text: float(keras.ops.cast(float(text), "float64")) for text in ("0.999", "0.9")}


@fact(
    "adam-powers-float64",
    claim="In float64 on TensorFlow Keras raises float32's betas to the t-th power, and nothing else in Adam is "
    "rounded so: with these two powers NumPy gives the same weight, without them the first step is off by 6.7e-6.",
    matters="A float64 comparison with Keras at 1e-12 misses by seven orders until it knows; absolute 7e-9 a step at "
    "rate 1e-3.",
    source=KERAS,
    needs="keras",
    expected={
        "off the textbook at step 1": off(LEAK, 32 * 2.0**-53, "√((1 − β₂')/(1 − β₂)) (1 − β₁)/(1 − β₁') − 1"),
        "off float32's powers at step 10": below(400 * 2.0**-53, "ten steps of forty roundings"),
    },
    of=("powers-in-precision",),
    on_article=True,
)
def adam_powers_float64():
    import keras

    keras.config.set_floatx("float64")
    gradients = np.random.default_rng(0).uniform(0.5, 1, size=10)

    def numpy_steps(n, power1, power2):
        m = v = theta = 0.0
        for t, g in enumerate(gradients[:n], 1):
            m, v = m + (g - m) * (1 - 0.9), v + (g * g - v) * (1 - 0.999)
            theta -= m * (1e-3 * math.sqrt(1 - power2**t) / (1 - power1**t)) / (math.sqrt(v) + 1e-7)
        return theta

    one, ten = (keras_steps(keras.optimizers.Adam(1e-3), gradients[:n], dtype="float64") for n in (1, 10))
    return {
        "off the textbook at step 1": one / numpy_steps(1, 0.9, 0.999) - 1,
        "off float32's powers at step 10": abs(ten / numpy_steps(10, FLOAT32[0.9], FLOAT32[0.999]) - 1),
    }


@fact(
    "adam-powers-float32",
    claim="In float32 Keras computes 1 − β₁ᵗ and 1 − β₂ᵗ in float32, where 1 − 0.999 keeps three digits fewer than "
    "0.999; PyTorch computes them in Python's float64.",
    matters="7e-6 to 1e-5 of the first updates, a hundred roundings: the floor of any float32 comparison of the two.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={
        "Keras": rounded(-1e-3 * (1 + LEAK), 16),
        "PyTorch": rounded(-1e-3, 16),
    },
    of=("powers-in-precision",),
    on_article=True,
)
def adam_powers_float32():
    import keras
    import torch

    return {
        "Keras": keras_steps(keras.optimizers.Adam(1e-3, epsilon=1e-30), [1.0]),
        "PyTorch": torch_steps(torch.optim.Adam, [1.0], lr=1e-3, eps=1e-30),
    }


@fact(
    "adam-rate-float32",
    claim="Keras's learning rate is a variable of keras.config.floatx(): with float64 layers and floatx left at "
    "float32 every float64 update is float32(1e-3)/1e-3 = 1 + 4.7e-8 of what it should be.",
    matters="Whoever asks for float64 by dtype= alone; set floatx before the optimizer is made.",
    source="keras/src/optimizers/base_optimizer.py: BaseOptimizer.__init__",
    needs="keras",
    expected={
        "one step over the other": off(float(np.float32(1e-3)) / 1e-3, 32 * 2.0**-53, "float32(1e-3)/1e-3"),
        "dtypes": ["float32", "float64"],
    },
)
def adam_rate_float32():
    import keras

    steps, dtypes = [], []
    for floatx in ("float32", "float64"):
        keras.config.set_floatx(floatx)
        optimizer = keras.optimizers.Adam(1e-3)
        steps.append(keras_steps(optimizer, [1.0], dtype="float64"))
        dtypes.append(str(optimizer._learning_rate.dtype))
    return {"one step over the other": steps[0] / steps[1], "dtypes": dtypes}


@fact(
    "adam-representable",
    claim="With betas and a rate that float32 has exactly, Keras's float64 Adam is the textbook's to the last digits, "
    "even with floatx float32: nothing but the constants is rounded.",
    matters="How a float64 comparison with Keras can be made sharp without changing Keras.",
    source=KERAS,
    needs="keras",
    expected={
        "largest difference over the weight": below(
            8000 * 2.0**-53, "200 steps of forty roundings of a sum of one sign"
        )
    },
    of=("powers-in-precision",),
)
def adam_representable():
    import keras

    gradients = np.random.default_rng(0).uniform(0.5, 1, size=200)
    m = v = theta = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = m + (g - m) * (1 - BETA1), v + (g * g - v) * (1 - BETA2)
        theta -= m * (RATE * math.sqrt(1 - BETA2**t) / (1 - BETA1**t)) / (math.sqrt(v) + 1e-7)
    actual = keras_steps(keras.optimizers.Adam(RATE, BETA1, BETA2), gradients, dtype="float64")
    return {"largest difference over the weight": abs(actual / theta - 1)}


@fact(
    "adam-bfloat16",
    claim="Keras's Adam, AdamW and Lamb never move bfloat16 weights: β₂ = 0.999 is 1 in bfloat16, so the power is 1, "
    "the bias correction 0 and every step exactly 0. PyTorch's Adam moves them.",
    matters="Layers with dtype bfloat16 (not mixed_bfloat16) do not learn, without a word; the moments look healthy.",
    source=f"{KERAS}; keras/src/optimizers/lamb.py: Lamb.update_step",
    needs="keras torch",
    expected={"Adam": 0.0, "AdamW": 0.0, "Lamb": 0.0, "β₂": 1.0, "PyTorch": rounded(-1.0, 40, "bfloat16")},
    of=("powers-in-precision",),
)
def adam_bfloat16():
    import keras
    import torch

    made = {name: getattr(keras.optimizers, name)(0.1) for name in ("Adam", "AdamW", "Lamb")}
    figures = {name: abs(keras_steps(one, [0.5] * 10, dtype="bfloat16")) for name, one in made.items()}
    figures["β₂"] = float(keras.ops.cast(keras.ops.cast(0.999, "bfloat16"), "float32"))
    return {**figures, "PyTorch": torch_steps(torch.optim.Adam, [0.5] * 10, dtype="bfloat16", lr=0.1)}


@fact(
    "adam-nadam-bfloat16",
    claim="Keras's Nadam makes bfloat16 weights NaN in the first step, since v/(1 − β₂ᵗ) is 0/0.",
    matters="As adam-bfloat16, but one sees it.",
    source="keras/src/optimizers/nadam.py: Nadam.update_step",
    needs="keras",
    expected={"weight": math.nan},
)
def adam_nadam_bfloat16():
    import keras

    return {"weight": keras_steps(keras.optimizers.Nadam(0.1), [0.5], dtype="bfloat16")}


@fact(
    "adam-float16",
    claim="Keras's Adam takes steps 1.3 % too short in float16, where 1 − 0.999 is 0.00097656 and not 0.001; "
    "PyTorch's are right within their rounding.",
    matters="Pure float16 training, which mixed_float16 is not.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={
        "Keras": rounded(
            -0.1 * math.sqrt((1 - float(np.float16(0.999))) / 0.001) * 0.1 / (1 - float(np.float16(0.9))), 12, "float16"
        ),
        "PyTorch": rounded(-0.1, 12, "float16"),
        "Keras is shorter by": measured(0.012, 0.014),
    },
)
def adam_float16():
    import keras
    import torch

    step = keras_steps(keras.optimizers.Adam(0.1), [0.5], dtype="float16")
    return {
        "Keras": step,
        "PyTorch": torch_steps(torch.optim.Adam, [0.5], dtype="float16", lr=0.1),
        "Keras is shorter by": 1 - abs(step) / 0.1,
    }


@fact(
    "adam-config",
    claim="get_config() of a Keras optimizer has float32's rounding of the rate: 0.0010000000474974513 for 0.001.",
    matters="Configurations that are compared or written down; the PyTorch group keeps 0.001.",
    source="keras/src/optimizers/base_optimizer.py: BaseOptimizer.get_config",
    needs="keras torch",
    expected={"Keras": float(np.float32(1e-3)), "PyTorch": 1e-3},
)
def adam_config():
    import keras
    import torch

    group = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-3).param_groups[0]
    return {"Keras": keras.optimizers.Adam(1e-3).get_config()["learning_rate"], "PyTorch": group["lr"]}


@fact(
    "adam-compiled",
    claim="Keras's Adam gives the same bits eagerly and in a graph, and other last bits when XLA compiles it.",
    matters="jit_compile=True is another arithmetic, not the same one faster.",
    source=KERAS,
    needs="keras",
    expected={
        "graph": 0,
        "XLA": measured(1, 4096),
        "largest difference": below(1e-3 * 100 * 2.0**-20, "100 steps of 16 roundings"),
    },
    depends=True,
)
def adam_compiled():
    import keras
    import tensorflow as tf

    gradients = tf.constant(np.random.default_rng(0).normal(size=(100, 4096)), tf.float32)

    def trained(wrap):
        optimizer, theta = keras.optimizers.Adam(1e-3), keras.Variable(np.zeros(4096, np.float32))
        optimizer.build([theta])
        step = wrap(lambda gradient: optimizer.apply([gradient], [theta]))
        for number in range(100):
            step(gradients[number])
        return theta.numpy()

    eager, graph = trained(lambda step: step), trained(tf.function)
    compiled = trained(lambda step: tf.function(step, jit_compile=True))
    return {
        "graph": (graph != eager).sum(),
        "XLA": (compiled != eager).sum(),
        "largest difference": abs(compiled - eager).max(),
    }
