"""Optimizers beside Adam: what they compute, step by step."""

import math

import numpy as np

from comparisons.internals.expectation import above, below, measured, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import keras_steps, torch_steps

AREA = "optimizers"
KERAS, TORCH = "keras/src/optimizers", "torch/optim"


@fact(
    "momentum-rate",
    claim="Keras's momentum has the learning rate in its buffer, PyTorch's has not: the same while the rate stays, "
    "but after it falls to a tenth Keras coasts on at the old speed, −1.278 and not −0.683 three steps later.",
    matters="Every schedule with momentum.",
    source=f"{KERAS}/sgd.py: SGD.update_step; {TORCH}/sgd.py: _single_tensor_sgd",
    needs="keras torch",
    expected={
        "before": [rounded(-0.561, 16), rounded(-0.561, 16)],
        "Keras after": rounded(-1.27807, 40),
        "PyTorch after": rounded(-0.6831969, 40),
    },
    of=("velocity",),
)
def momentum_rate():
    import keras
    import tensorflow as tf
    import torch

    ours, theirs = keras.Variable(np.float32(0)), torch.nn.Parameter(torch.tensor(0.0))
    keras_sgd, torch_sgd = keras.optimizers.SGD(0.1, momentum=0.9), torch.optim.SGD([theirs], lr=0.1, momentum=0.9)
    seen = []
    for number in range(6):
        if number == 3:
            keras_sgd.learning_rate = torch_sgd.param_groups[0]["lr"] = 0.01
        keras_sgd.apply([tf.constant(1.0)], [ours])
        theirs.grad = torch.tensor(1.0)
        torch_sgd.step()
        seen.append([float(ours.numpy()), theirs.item()])
    return {"before": seen[2], "Keras after": seen[5][0], "PyTorch after": seen[5][1]}


@fact(
    "momentum-dampening",
    claim="PyTorch does not dampen the first step: with momentum and dampening 0.9 it is a whole gradient step, and "
    "not a tenth of one.",
    matters="The average of gradients begins biased towards the first.",
    source=f"{TORCH}/sgd.py: _single_tensor_sgd",
    needs="torch",
    expected={"one step": rounded(-0.1, 4), "two steps": rounded(-0.2, 8)},
    of=("dampened",),
)
def momentum_dampening():
    import torch

    options = {"lr": 0.1, "momentum": 0.9, "dampening": 0.9}
    one, two = (torch_steps(torch.optim.SGD, [1.0] * n, **options) for n in (1, 2))
    return {"one step": one, "two steps": two}


@fact(
    "momentum-float32",
    claim="On TensorFlow Keras's momentum of 0.9 is float32's in a float64 variable, for good.",
    matters="1.6e-8 of every float64 step with momentum.",
    source=f"{KERAS}/sgd.py: SGD.update_step; keras/src/backend/tensorflow/core.py: cast",
    needs="keras",
    expected={"two steps": rounded(-(1 + 1 + float(np.float32(0.9))) * 2.0**-10, 12, "float64")},
    of=("momentum-in-float32",),
)
def momentum_float32():
    import keras

    return {"two steps": keras_steps(keras.optimizers.SGD(2.0**-10, momentum=0.9), [1.0, 1.0], dtype="float64")}


@fact(
    "nesterov",
    claim="Nesterov's momentum has the same form in both and gives the same steps while the rate stays the same.",
    matters="Here they agree; momentum-rate applies after a change of the rate.",
    source=f"{KERAS}/sgd.py: SGD.update_step; {TORCH}/sgd.py: _single_tensor_sgd",
    needs="keras torch",
    expected={"Keras over PyTorch": rounded(1, 600)},
    of=("velocity",),
)
def nesterov():
    import keras
    import torch

    gradients = np.random.default_rng(0).uniform(0.5, 1, size=50)
    ours = keras_steps(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), gradients)
    return {"Keras over PyTorch": ours / torch_steps(torch.optim.SGD, gradients, lr=0.1, momentum=0.9, nesterov=True)}


@fact(
    "rmsprop-epsilon",
    claim="RMSprop's epsilon is inside the root in Keras, √(v + 1e-7), and outside in PyTorch, √v + 1e-8.",
    matters="A factor of 1.4 at a gradient of 1e-3, 1,000 at 1e-6.",
    source=f"{KERAS}/rmsprop.py: RMSprop.update_step; {TORCH}/rmsprop.py: _single_tensor_rmsprop",
    needs="keras torch",
    expected={
        "Keras": rounded(-0.01 * 1e-3 / math.sqrt(0.1 * 1e-6 + 1e-7), 16),
        "PyTorch": rounded(-0.01 * 1e-3 / (math.sqrt(0.1 * 1e-6) + 1e-8), 16),
    },
    of=("epsilon-in-the-root",),
)
def rmsprop_epsilon():
    import keras
    import torch

    ours = keras_steps(keras.optimizers.RMSprop(0.01, rho=0.9), [1e-3])
    return {"Keras": ours, "PyTorch": torch_steps(torch.optim.RMSprop, [1e-3], lr=0.01, alpha=0.9)}


@fact(
    "rmsprop-defaults",
    claim="RMSprop's averages forget 0.1 a step in Keras and 0.01 in PyTorch, and its rate is 0.001 against 0.01: the "
    "first default step is 31.6 times as large in PyTorch.",
    matters="A translated line is another optimizer.",
    source=f"{KERAS}/rmsprop.py: RMSprop.__init__; {TORCH}/rmsprop.py: RMSprop.__init__",
    needs="keras torch",
    expected={"PyTorch over Keras": rounded(10 * math.sqrt(0.1 + 1e-7) / (math.sqrt(0.01) + 1e-8), 100)},
)
def rmsprop_defaults():
    import keras
    import torch

    return {
        "PyTorch over Keras": torch_steps(torch.optim.RMSprop, [1.0]) / keras_steps(keras.optimizers.RMSprop(), [1.0])
    }


@fact(
    "rmsprop-centered",
    claim="Centered RMSprop on a constant gradient ends in NaN in float32, since the mean of squares less the square "
    "of the mean rounds below 0: in PyTorch for half of 20 gradients from 50 to 3,000, in Keras for some.",
    matters="A plateau, where the gradient does not change, makes weights NaN.",
    source=f"{TORCH}/rmsprop.py: _single_tensor_rmsprop; {KERAS}/rmsprop.py: RMSprop.update_step",
    needs="keras torch",
    expected={"PyTorch": measured(1, 20), "Keras": measured(0, 20), "uncentered": 0},
)
def rmsprop_centered():
    import keras
    import torch

    gradients = np.linspace(50, 3000, 20).astype(np.float32).tolist()

    def n_nan(ends):
        return sum(map(math.isnan, ends))

    def theirs(centered):
        kind, options = torch.optim.RMSprop, {"lr": 1e-3, "alpha": 0.9, "centered": centered}
        return n_nan(torch_steps(kind, [g] * 150, **options) for g in gradients)

    theta, optimizer = keras.Variable(np.zeros(20, np.float32)), keras.optimizers.RMSprop(1e-3, rho=0.9, centered=True)
    for _ in range(150):
        optimizer.apply([np.array(gradients, np.float32)], [theta])
    return {"PyTorch": theirs(True), "Keras": n_nan(theta.numpy()), "uncentered": theirs(False)}


@fact(
    "adagrad-start",
    claim="Adagrad's sum of squares starts at 0.1 in Keras and at 0 in PyTorch, whose first step is the whole rate "
    "whatever the gradient.",
    matters="3.3 times the first step at a gradient of 0.1; alike when PyTorch is told 0.1.",
    source=f"{KERAS}/adagrad.py: Adagrad.__init__; {TORCH}/adagrad.py: Adagrad.__init__",
    needs="keras torch",
    expected={
        "Keras": rounded(-0.01 * 0.1 / math.sqrt(0.1 + 0.01 + 1e-7), 16),
        "PyTorch": rounded(-0.01, 16),
        "PyTorch from 0.1": rounded(-0.01 * 0.1 / math.sqrt(0.11), 16),
    },
)
def adagrad_start():
    import keras
    import torch

    kind = torch.optim.Adagrad
    return {
        "Keras": keras_steps(keras.optimizers.Adagrad(0.01), [0.1]),
        "PyTorch": torch_steps(kind, [0.1], lr=0.01),
        "PyTorch from 0.1": torch_steps(kind, [0.1], lr=0.01, initial_accumulator_value=0.1),
    }


@fact(
    "adadelta-defaults",
    claim="Adadelta has one rule and other defaults: rate 0.001 against 1, rho 0.95 against 0.9, epsilon 1e-7 against "
    "1e-6; after 100 gradients of 1 PyTorch has moved more than 2,000 times as far.",
    matters="Keras's default hardly trains.",
    source=f"{KERAS}/adadelta.py: Adadelta.__init__; {TORCH}/adadelta.py: Adadelta.__init__",
    needs="keras torch",
    expected={"PyTorch over Keras": above(2000, "rate alone is 1,000"), "alike with the same": rounded(1, 2000)},
)
def adadelta_defaults():
    import keras
    import torch

    theirs = torch_steps(torch.optim.Adadelta, [1.0] * 100)
    ours, same = keras.optimizers.Adadelta(), keras.optimizers.Adadelta(1.0, rho=0.9, epsilon=1e-6)
    return {
        "PyTorch over Keras": theirs / keras_steps(ours, [1.0] * 100),
        "alike with the same": theirs / keras_steps(same, [1.0] * 100),
    }


@fact(
    "nadam-schedule",
    claim="Nadam's momentum is scheduled by 0.96ᵗ in Keras and by 0.96^(0.004 t) in PyTorch; with momentum_decay=1 "
    "PyTorch does as Keras.",
    matters="2 % of the path after 100 steps.",
    source=f"{KERAS}/nadam.py: Nadam.update_step; {TORCH}/nadam.py: _single_tensor_nadam",
    needs="keras torch",
    expected={
        "apart": above(0.001, "another schedule"),
        "apart with momentum_decay=1": below(1e-5, "float32's betas in float64"),
    },
)
def nadam_schedule():
    import keras
    import torch

    gradients = np.random.default_rng(0).uniform(0.5, 1, size=100)
    ours = keras_steps(keras.optimizers.Nadam(1e-3), gradients, dtype="float64")

    def apart(**options):
        return abs(torch_steps(torch.optim.NAdam, gradients, dtype="float64", lr=1e-3, **options) / ours - 1)

    return {"apart": apart(), "apart with momentum_decay=1": apart(momentum_decay=1.0)}


@fact(
    "adamax-epsilon",
    claim="Adamax divides by u + epsilon in Keras, and PyTorch takes the largest of β₂ u and |g| + epsilon: after a "
    "spike and zeros one keeps epsilon and the other has lost it.",
    matters="Gradients of the size of epsilon: half of the step at 1e-7.",
    source=f"{KERAS}/adamax.py: Adamax.update_step; {TORCH}/adamax.py: _single_tensor_adamax",
    needs="keras torch",
    expected={
        "Keras": off(-(2.0**-10) * 1e-7 / 2e-7, 2.0**-10 * 1e-6, "1 − β₁ with β₁ of float32"),
        "PyTorch": rounded(-(2.0**-10) * 1e-7 / (1e-7 + 1e-8), 16, "float64"),
    },
)
def adamax_epsilon():
    import keras
    import torch

    ours = keras_steps(keras.optimizers.Adamax(2.0**-10), [1e-7], dtype="float64")
    return {"Keras": ours, "PyTorch": torch_steps(torch.optim.Adamax, [1e-7], dtype="float64", lr=2.0**-10)}
