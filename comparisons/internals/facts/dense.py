"""Dense layers: which way the weights lie, how they start, and in which precision they compute."""

import math

import numpy as np

from comparisons.internals.expectation import above, below, measured, off
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import article_in_keras, error_of, two_classes

AREA = "dense"
LINEAR, DENSE = "torch/nn/modules/linear.py", "keras/src/layers/core/dense.py"
INITIALIZERS = "keras/src/initializers/random_initializers.py"
N = 400 * 600  # weights of one draw; a variance of n uniform numbers is off by √(0.8/n) of itself, and six of these


def variance(exact):
    """A variance of N uniform numbers: six standard deviations of it."""
    return off(exact, 6 * exact * math.sqrt(0.8 / N), f"{exact:.3g} and six standard deviations of a sample's variance")


@fact(
    "dense-transposed",
    claim="Keras's kernel is (in, out), PyTorch's weight (out, in); for a square layer a forgotten transpose raises "
    "nothing and computes something else.",
    matters="Every port; the article's 6×6 layers hide it from the shapes.",
    source=f"{DENSE}: Dense.build; {LINEAR}: Linear",
    needs="keras torch",
    expected={"Keras": [4, 6], "PyTorch": [6, 4], "6×6 without transpose, off by": above(0.01, "another product")},
    on_article=True,
)
def dense_transposed():
    import keras
    import torch

    layer, square = keras.layers.Dense(6), keras.layers.Dense(6)
    layer.build((None, 4))
    square.build((None, 6))
    copied, x = torch.nn.Linear(6, 6), np.ones((1, 6), np.float32)
    copied.weight.data, copied.bias.data = torch.tensor(square.kernel.numpy()), torch.zeros(6)
    gap = abs(square(x).numpy() - copied(torch.tensor(x)).detach().numpy()).max()
    shapes = list(layer.kernel.shape), list(torch.nn.Linear(4, 6).weight.shape)
    return {"Keras": shapes[0], "PyTorch": shapes[1], "6×6 without transpose, off by": gap}


@fact(
    "dense-start",
    claim="Weights start with the variance 2/(in + out) in Keras (Glorot uniform) and 1/(3 in) in PyTorch, biases at "
    "0 in Keras and uniform in ±1/√in in PyTorch. Neither is He's 2/in.",
    matters="A factor of up to 6 in variance for each ReLU layer, and networks that learn or do not.",
    source=f"{DENSE}: Dense.__init__; {LINEAR}: Linear.reset_parameters",
    needs="keras torch",
    expected={
        "Keras": variance(2 / 1000),
        "PyTorch": variance(1 / 1200),
        "Keras's largest bias": 0.0,
        "PyTorch's largest bias": off(1 / 20 - 0.0005, 0.0005, "1/√400, missed by 1 % by no one of 600 once in 400"),
    },
    on_article=True,
)
def dense_start():
    import keras
    import torch

    ours, theirs = keras.layers.Dense(600), torch.nn.Linear(400, 600)
    ours.build((None, 400))
    return {
        "Keras": ours.kernel.numpy().var(),
        "PyTorch": theirs.weight.var().item(),
        "Keras's largest bias": abs(ours.bias.numpy()).max(),
        "PyTorch's largest bias": theirs.bias.abs().max().item(),
    }


@fact(
    "truncated-normal",
    claim="Keras divides by 0.8796 so that its truncated normal numbers have the standard deviation that was asked "
    "for; PyTorch's trunc_normal_ cut at two of them has 0.880 of it, and by default cuts at ±2 whatever the standard "
    "deviation.",
    matters="12 % of the start's scale, or no cut at all.",
    source=f"{INITIALIZERS}: VarianceScaling; torch/nn/init.py: trunc_normal_",
    needs="keras torch",
    expected={
        "Keras": off(1, 0.01, "seven standard deviations of a sample's, 1/√(2 · 250,000)"),
        "PyTorch": off(0.87962566, 0.01, "seven standard deviations of a sample's"),
        "PyTorch's largest by default": above(3, "not cut at two"),
    },
)
def truncated_normal():
    import keras
    import torch

    asked = math.sqrt(2 / 500)
    ours = keras.initializers.HeNormal()((500, 500)).numpy()
    cut, by_default = torch.empty(500, 500), torch.empty(500, 500)
    torch.nn.init.trunc_normal_(cut, std=asked, a=-2 * asked, b=2 * asked)
    torch.nn.init.trunc_normal_(by_default, std=0.05)
    return {
        "Keras": ours.std() / asked,
        "PyTorch": cut.std().item() / asked,
        "PyTorch's largest by default": by_default.abs().max().item() / 0.05,
    }


@fact(
    "initializer-shared",
    claim="A Keras initializer object returns the same numbers at every call, with a seed or without: layers of one "
    "shape that share it start alike. Given by its name it does not.",
    matters="The article's two 6×6 layers become twins, without a warning.",
    source=f"{INITIALIZERS}: RandomInitializer.__init__",
    needs="keras",
    expected={"shared": True, "by name": False},
    on_article=True,
)
def initializer_shared():
    import keras

    def alike(initializer):
        first, second = (keras.layers.Dense(6, kernel_initializer=initializer) for _ in range(2))
        first.build((None, 6))
        second.build((None, 6))
        return bool((first.kernel.numpy() == second.kernel.numpy()).all())

    return {"shared": alike(keras.initializers.GlorotUniform()), "by name": alike("glorot_uniform")}


@fact(
    "initializer-seeded",
    claim="GlorotUniform(seed=3) in every layer draws the same stream for each, only scaled: the first numbers of a "
    "(2, 4) and a (4, 6) kernel are the same multiples of their limits.",
    matters="Seeding each layer for reproducibility correlates the layers.",
    source=f"{INITIALIZERS}: VarianceScaling.__call__",
    needs="keras",
    expected={"largest difference": below(8 * 2.0**-24, "8 roundings")},
    on_article=True,
)
def initializer_seeded():
    import keras

    shapes = (2, 4), (4, 6)
    drawn = [keras.initializers.GlorotUniform(seed=3)(s).numpy().ravel()[:8] / math.sqrt(6 / sum(s)) for s in shapes]
    return {"largest difference": abs(drawn[0] - drawn[1]).max()}


@fact(
    "dense-float64-input",
    claim="A float64 batch for float32 weights: Keras casts it to float32 in silence, PyTorch raises.",
    matters="NumPy's default type; what was meant as float64 is float32.",
    source=f"keras/src/layers/layer.py: Layer.__call__; {LINEAR}: Linear.forward",
    needs="keras torch",
    expected={"Keras": "float32", "PyTorch": "RuntimeError"},
    on_article=True,
)
def dense_float64_input():
    import keras
    import torch

    x = np.ones((1, 3))
    raised = error_of(lambda: torch.nn.Linear(3, 2)(torch.from_numpy(x)))
    return {"Keras": keras.layers.Dense(2)(x).dtype.name, "PyTorch": raised}


@fact(
    "dense-mixed-precision",
    claim="Under mixed_float16 variables are float32, outputs float16, and compile() wraps the optimizer to scale the "
    "loss by 32768, doubled after 2,000 good steps; under mixed_bfloat16 nothing scales.",
    matters="The optimizer that was handed in is not the one that steps.",
    source="keras/src/trainers/trainer.py: Trainer.compile; "
    "keras/src/optimizers/loss_scale_optimizer.py: LossScaleOptimizer",
    needs="keras",
    expected={
        "mixed_float16": ["float16", "float32", "LossScaleOptimizer", 32768.0, 2000],
        "mixed_bfloat16": ["bfloat16", "float32", "Adam", 0, 0],
    },
)
def dense_mixed_precision():
    import keras

    figures = {}
    for policy in ("mixed_float16", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        layer = keras.layers.Dense(1)
        model = keras.Sequential([keras.Input((3,)), layer])
        out = model(np.ones((1, 3), np.float32))
        model.compile("adam", "mse")
        scale = [getattr(model.optimizer, name, 0) for name in ("initial_scale", "dynamic_growth_steps")]
        figures[policy] = [out.dtype.name, str(layer.kernel.dtype), type(model.optimizer).__name__, *scale]
    return figures


@fact(
    "dense-predict-or-call",
    claim="model.predict(x) and model(x) are two computations: of the article's outputs a part differs in the last "
    "bits.",
    matters="Tests that compare one with the other bit by bit.",
    source="keras/src/backend/tensorflow/trainer.py: TensorFlowTrainer.make_predict_function",
    deeper="a graph in which oneDNN computes product, bias and activation as one",
    needs="keras",
    expected={"share": measured(0.01, 0.9), "largest": below(64 * 2.0**-24, "64 roundings")},
    depends=True,
    on_article=True,
)
def dense_predict_or_call():
    model, (x, _) = article_in_keras(), two_classes(100)
    predicted, called = model.predict(x, verbose=0), model(x).numpy()
    return {"share": float(np.mean(predicted != called)), "largest": abs(predicted - called).max()}
