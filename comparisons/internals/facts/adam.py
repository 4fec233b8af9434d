"""Adam: where Keras and PyTorch part from the paper and from each other.

Betas and a rate that float32 has exactly keep what a fact is about apart from the rounding of Keras's constants, which
is in adam_precision.py.
"""

import itertools
import math

import numpy as np

from comparisons.internals.expectation import above, below, measured, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import article_in_keras, keras_steps, torch_steps, two_classes

AREA = "adam"
RATE, BETA1, BETA2 = 2.0**-10, 0.875, 1 - 2.0**-10  # √(1 − BETA2) is 2⁻⁵
KERAS, TORCH = "keras/src/optimizers/adam.py: Adam.update_step", "torch/optim/adam.py: _single_tensor_adam"
SPIKE = [10.0] + [0.1] * 50


def by_rule(rule):
    """Adam on `SPIKE` with this second moment under the root, epsilon left out."""
    m = v = largest = theta = 0.0
    for t, g in enumerate(SPIKE, 1):
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        largest = max(largest, v / c2 if rule == "corrected" else v)
        root = math.sqrt(largest / c2) if rule == "frameworks" else math.sqrt(largest)
        theta -= RATE * (m if rule == "paper" else m / c1) / root
    return theta


@fact(
    "adam-epsilon",
    claim="Keras adds Adam's epsilon to √v before the bias correction, PyTorch to √(v/c2) after it. With the same "
    "number the first step of a gradient as large as epsilon is 1/33 of the rate in one and 1/2 in the other, for √(1 "
    "− β₂) = 1/32.",
    matters="Whoever ports a nearly converged or saturated network: up to 1/√(1 − β₂) on steps whose gradient is "
    "below epsilon, 0.3 % at 1e-3 with the defaults, nothing to see above 0.1.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={"Keras": rounded(-RATE / 33, 16, "float64"), "PyTorch": rounded(-RATE / 2, 16, "float64")},
    of=("epsilon-hat",),
    on_article=True,
)
def adam_epsilon():
    import keras
    import torch

    optimizer = keras.optimizers.Adam(RATE, BETA1, BETA2, epsilon=1e-7)
    options = {"lr": RATE, "betas": (BETA1, BETA2), "eps": 1e-7}
    return {
        "Keras": keras_steps(optimizer, [1e-7], dtype="float64"),
        "PyTorch": torch_steps(torch.optim.Adam, [1e-7], dtype="float64", **options),
    }


@fact(
    "adam-defaults",
    claim="Adam's defaults are the same but for epsilon: 1e-7 in Keras, 1e-8 in PyTorch and in the paper.",
    matters="Every translation that trusts defaults; with the two placements a gradient below 1e-8 moves 316 times as "
    "far.",
    source="keras/src/optimizers/adam.py: Adam.__init__; torch/optim/adam.py: Adam.__init__",
    needs="keras torch",
    expected={"Keras": [float(np.float32(1e-3)), 0.9, 0.999, 1e-7], "PyTorch": [1e-3, 0.9, 0.999, 1e-8]},
    of=("epsilon-1e-7", "epsilon-1e-8"),
    on_article=True,
)
def adam_defaults():
    import keras
    import torch

    config = keras.optimizers.Adam().get_config()
    defaults = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]).defaults
    return {
        "Keras": [config[name] for name in ("learning_rate", "beta_1", "beta_2", "epsilon")],
        "PyTorch": [defaults["lr"], *defaults["betas"], defaults["eps"]],
    }


@fact(
    "adam-moments",
    claim="Keras's float32 moments are m + (g − m)(1 − β₁) and v + (g² − v)(1 − β₂), bit for bit; the textbook's β₁ m "
    "+ (1 − β₁) g rounds otherwise. PyTorch's first moment is a lerp too, and its second is the textbook's.",
    matters="Last bits of the moments, and which form a ball has to be made of.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={"Keras, m": 0, "Keras, v": 0, "textbook, m": above(1, "other roundings"), "PyTorch, v": below(
        8 * 2.0**-24, "two steps of four roundings")},
    of=("first-moment-lerp", "second-moment-lerp"),
    on_article=True,
)  # fmt: skip
def adam_moments():
    import keras
    import tensorflow as tf
    import torch

    gradients = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    theta, optimizer = keras.Variable(np.zeros(1000, np.float32)), keras.optimizers.Adam()
    theirs = torch.nn.Parameter(torch.zeros(1000))
    torch_adam = torch.optim.Adam([theirs])
    m = v = textbook = np.zeros(1000, np.float32)
    one, exact = np.float32(1 - 0.9), np.zeros(1000)
    for g in gradients:
        optimizer.apply([tf.constant(g)], [theta])
        theirs.grad = torch.from_numpy(g)
        torch_adam.step()
        m, v = m + (g - m) * one, v + (g * g - v) * np.float32(1 - 0.999)
        textbook = np.float32(0.9) * textbook + one * g
        exact = 0.999 * exact + (1 - 0.999) * g.astype(np.float64) ** 2
    moments = optimizer._momentums[0].numpy(), optimizer._velocities[0].numpy()
    return {
        "Keras, m": int((moments[0] != m).sum()),
        "Keras, v": int((moments[1] != v).sum()),
        "textbook, m": int((textbook != m).sum()),
        "PyTorch, v": np.max(abs(torch_adam.state[theirs]["exp_avg_sq"].numpy() / exact - 1)),
    }


@fact(
    "adam-amsgrad",
    claim="Both keep the largest uncorrected v and correct it by the current step's bias. The paper corrects nothing; "
    "the largest corrected v is a third rule. After a spike the three part by factors.",
    matters="Whoever holds an AMSGrad of their own against the frameworks.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={
        "Keras": rounded(by_rule("frameworks"), 2000, "float64"),
        "PyTorch": rounded(by_rule("frameworks"), 2000, "float64"),
        "the paper over it": above(2, "far from 1"),
        "the largest corrected v over it": below(0.5, "far from 1"),
    },
)
def adam_amsgrad():
    import keras
    import torch

    optimizer = keras.optimizers.Adam(RATE, BETA1, BETA2, epsilon=1e-30, amsgrad=True)
    options = {"lr": RATE, "betas": (BETA1, BETA2), "eps": 1e-30, "amsgrad": True}
    torchs = torch_steps(torch.optim.Adam, SPIKE, dtype="float64", **options)
    return {
        "Keras": keras_steps(optimizer, SPIKE, dtype="float64"),
        "PyTorch": torchs,
        "the paper over it": by_rule("paper") / torchs,
        "the largest corrected v over it": by_rule("corrected") / torchs,
    }


@fact(
    "adam-scale",
    claim="A gradient 900 times as large makes gradient descent's step 900 times as large, and Adam's by epsilon's "
    "share only.",
    matters="A forgotten 1/m hides under Adam; its gradient has to be looked at.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={
        "gradient descent": rounded(900.0, 8),
        "Keras": rounded((2.0**-5 * 1e-3 + 1e-7) / (2.0**-5 * 1e-3 + 1e-7 / 900), 40, "float64"),
        "PyTorch": rounded((1e-3 + 1e-8) / (1e-3 + 1e-8 / 900), 40, "float64"),
    },
    on_article=True,
)
def adam_scale():
    import keras
    import torch

    def keras_step(g):
        return keras_steps(keras.optimizers.Adam(RATE, BETA1, BETA2), [g], dtype="float64")

    def torch_step(g):
        return torch_steps(torch.optim.Adam, [g], dtype="float64", lr=RATE, betas=(BETA1, BETA2))

    descent = [keras_steps(keras.optimizers.SGD(RATE), [g]) for g in (0.9, 1e-3)]
    return {
        "gradient descent": descent[0] / descent[1],
        "Keras": keras_step(0.9) / keras_step(1e-3),
        "PyTorch": torch_step(0.9) / torch_step(1e-3),
    }


@fact(
    "adam-counter",
    claim="PyTorch's Adam counts steps in a float32 tensor, which stops at 2²⁴; Keras on TensorFlow counts in int64.",
    matters="Runs of more than 16.8 million steps; by then both corrections are 1.",
    source="torch/optim/optimizer.py: _get_scalar_dtype; "
    "keras/src/optimizers/base_optimizer.py: BaseOptimizer.__init__",
    needs="keras torch",
    expected={"two steps after 2²⁴": 2.0**24, "PyTorch": "torch.float32", "Keras": "int64"},
)
def adam_counter():
    import keras
    import torch

    theta = torch.nn.Parameter(torch.zeros(1))
    optimizer, theta.grad = torch.optim.Adam([theta]), torch.ones(1)
    optimizer.step()
    step = optimizer.state[theta]["step"]
    step.fill_(2.0**24)
    optimizer.step()
    optimizer.step()
    counts = str(keras.optimizers.Adam().iterations.dtype)
    return {"two steps after 2²⁴": step.item(), "PyTorch": str(step.dtype), "Keras": counts}


@fact(
    "adam-counter-on-torch",
    claim="On PyTorch Keras counts steps in int32.",
    matters="Runs of more than 2.1e9 steps, and files that go from one backend to another.",
    source="keras/src/optimizers/base_optimizer.py: BaseOptimizer.__init__",
    needs="keras torch",
    environment=(("KERAS_BACKEND", "torch"),),
    expected={"Keras": "int32"},
)
def adam_counter_on_torch():
    import keras

    return {"Keras": str(keras.optimizers.Adam().iterations.dtype)}


@fact(
    "adam-article",
    claim="From the same weights and batches the article's network parts in Keras and PyTorch, and in the first 24 "
    "steps nearly all of it comes from epsilon. Later what is left grows too: how much of it is epsilon's after 160 "
    "steps depends on the start.",
    matters="What separates the two on the article's network is epsilon first, then training itself, which enlarges "
    "it.",
    source=f"{KERAS}; {TORCH}",
    needs="keras torch",
    expected={"defaults": measured(1e-5, 1e-2), "epsilon alike, share": below(0.3, "most of it is epsilon")},
    of=("epsilon-hat", "epsilon-1e-7", "epsilon-1e-8"),
    on_article=True,
)
def adam_article():
    import keras
    import torch

    x, y = two_classes(256)
    sizes = (2, 4, 6, 6, 4, 1)
    random = np.random.default_rng(1)
    start = [(random.normal(size=s) * math.sqrt(2 / s[0])).astype(np.float32) for s in itertools.pairwise(sizes)]

    def in_keras(epsilon):
        model = article_in_keras(keras.optimizers.Adam(epsilon=epsilon))
        model.set_weights([part for w in start for part in (w, np.zeros(w.shape[1]))])
        model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()[::2]])

    def in_torch():
        layers = [torch.nn.Linear(*w.shape) for w in start]
        for layer, w in zip(layers, start, strict=True):
            layer.weight.data, layer.bias.data = torch.tensor(w.T.copy()), torch.zeros(w.shape[1])
        inner = [part for layer in layers[:-1] for part in (layer, torch.nn.ReLU())]
        model = torch.nn.Sequential(*inner, layers[-1], torch.nn.Sigmoid())
        optimizer = torch.optim.Adam(model.parameters())
        for begin in [*range(0, 256, 32)] * 3:
            optimizer.zero_grad()
            batch = slice(begin, begin + 32)
            torch.nn.functional.binary_cross_entropy(model(torch.tensor(x[batch])), torch.tensor(y[batch])).backward()
            optimizer.step()
        return np.concatenate([layer.weight.detach().numpy().T.ravel() for layer in layers])

    theirs = in_torch()
    gap, gap_alike = (abs(in_keras(epsilon) - theirs).max() for epsilon in (1e-7, 1e-8))
    return {"defaults": gap, "epsilon alike, share": gap_alike / gap}
