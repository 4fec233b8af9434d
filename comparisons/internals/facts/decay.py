"""Optimizers: weight decay, clipping, missing and accumulated gradients, averages of weights."""

import math

import numpy as np

from comparisons.internals.expectation import above, below, measured, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import error_of, keras_steps, torch_steps

AREA = "optimizers"
BASE = "keras/src/optimizers/base_optimizer.py"
ADAM = "torch/optim/adam.py: _single_tensor_adam"
CLIP = "torch/nn/utils/clip_grad.py: _clip_grads_with_norm_"


def clipped(gradient, bound=1.0):
    """A gradient after each kind of clipping."""
    import keras
    import tensorflow as tf
    import torch

    theta = torch.nn.Parameter(torch.zeros(len(gradient)))
    theta.grad = torch.tensor(gradient)
    torch.nn.utils.clip_grad_norm_([theta], bound)
    made = {how: keras.optimizers.SGD(1.0, **{how: bound}) for how in ("clipnorm", "global_clipnorm", "clipvalue")}
    ours = {how: one._clip_gradients([tf.constant(gradient)])[0].numpy() for how, one in made.items()}
    return {"PyTorch": theta.grad.numpy(), **ours}


@fact(
    "decay-decoupled",
    claim="weight_decay takes rate · decay · weight off the weight in every Keras optimizer, and adds decay · weight "
    "to the gradient in PyTorch's Adam, SGD, RMSprop and Adagrad; PyTorch's AdamW does as Keras. With a zero "
    "gradient, rate and decay 0.1, one step from 1 ends at 0.99 or at 0.9.",
    matters="Adam divides the added gradient away: what decays in one is hardly decay in the other.",
    source=f"{BASE}: BaseOptimizer._apply_weight_decay; {ADAM}",
    needs="keras torch",
    expected={"Keras's Adam": rounded(0.99, 4), "Keras's Adagrad": rounded(0.99, 4), "PyTorch's Adam": rounded(0.9, 16),
              "PyTorch's Adagrad": rounded(0.9, 16), "PyTorch's AdamW": rounded(0.99, 4)},
)  # fmt: skip
def decay_decoupled():
    import keras
    import torch

    ours = {f"Keras's {name}": getattr(keras.optimizers, name)(0.1, weight_decay=0.1) for name in ("Adam", "Adagrad")}
    figures = {name: keras_steps(one, [0.0], start=1.0) for name, one in ours.items()}
    for name in ("Adam", "Adagrad", "AdamW"):
        kind = getattr(torch.optim, name)
        figures[f"PyTorch's {name}"] = torch_steps(kind, [0.0], start=1.0, lr=0.1, weight_decay=0.1)
    return figures


@fact(
    "decay-regularizer",
    claim="keras.regularizers.L2(λ) is λ Σ w², without the 1/2: its gradient is that of weight_decay = 2 λ in PyTorch.",
    matters="Half or double the regularisation in a port.",
    source="keras/src/regularizers/regularizers.py: L2",
    needs="keras",
    expected={"penalty of two ones": float(np.float32(0.02)), "gradient at 1": float(np.float32(0.02))},
)
def decay_regularizer():
    import keras
    import tensorflow as tf

    penalty, w = keras.regularizers.L2(0.01), tf.ones(2)
    with tf.GradientTape() as tape:
        tape.watch(w)
        cost = penalty(w)
    return {"penalty of two ones": float(cost), "gradient at 1": float(tape.gradient(cost, w)[0])}


@fact(
    "decay-quantised",
    claim="PyTorch's AdamW multiplies by 1 − rate · decay, rounded to float32: of 1e-7 that is 1.19e-7, 19 % too "
    "much. Keras subtracts the product. Below 3e-8 neither decays anything of 1.",
    matters="Small rates late in a schedule decay by steps of 6e-8.",
    source=f"{ADAM}; {BASE}: BaseOptimizer._apply_weight_decay",
    needs="keras torch",
    expected={"PyTorch, 1e-7": 2.0**-23, "Keras, 1e-7": 2.0**-23, "PyTorch, from 1.9": off(
        1.9 * 2.0**-23, 2.0**-24, "half a unit of 1.9"), "Keras, from 1.9": off(1.9e-7, 2.0**-24, "half a unit of 1.9"),
        "1e-8": [0.0, 0.0]},
    of=("decay-as-a-factor", "decay-before-alpha"),
)  # fmt: skip
def decay_quantised():
    import keras
    import torch

    def lost(start, rate):
        ours = keras_steps(keras.optimizers.AdamW(rate, weight_decay=0.1), [0.0], start=start)
        theirs = torch_steps(torch.optim.AdamW, [0.0], start=start, lr=rate, weight_decay=0.1)
        return [float(np.float32(start)) - theirs, float(np.float32(start)) - ours]

    at_1, at_19 = lost(1.0, 1e-6), lost(1.9, 1e-6)
    return {
        "PyTorch, 1e-7": at_1[0],
        "Keras, 1e-7": at_1[1],
        "PyTorch, from 1.9": at_19[0],
        "Keras, from 1.9": at_19[1],
        "1e-8": lost(1.0, 1e-7),
    }


@fact(
    "decay-float32",
    claim="On TensorFlow a decay goes through float32 on its way into a float64 variable, as weight_decay and as the "
    "factor of keras.regularizers.L2 alike: 0.004 becomes 0.004000000189989805.",
    matters="5e-8 of the decay in float64 comparisons.",
    source="keras/src/backend/tensorflow/optimizer.py: TFOptimizer._apply_weight_decay; "
    "keras/src/regularizers/regularizers.py: L2.__call__",
    needs="keras",
    expected={
        "weight_decay": off(float(np.float32(0.004)) * 2.0**-10, 4 * 2.0**-53, "four roundings of 1"),
        "L2": float(np.float32(0.004)),
    },
    of=("decay-in-float32", "penalty-in-float32"),
)
def decay_float32():
    import keras
    import tensorflow as tf

    moved = keras_steps(keras.optimizers.SGD(2.0**-10, weight_decay=0.004), [0.0], start=1.0, dtype="float64")
    return {"weight_decay": 1 - moved, "L2": float(keras.regularizers.L2(0.004)(tf.ones(1, tf.float64)))}


@fact(
    "decay-default",
    claim="AdamW's default decay is 0.004 in Keras and 0.01 in PyTorch.",
    matters="Two and a half times the regularisation by translating a line.",
    source="keras/src/optimizers/adamw.py: AdamW.__init__; torch/optim/adamw.py: AdamW.__init__",
    needs="keras torch",
    expected={"Keras": 0.004, "PyTorch": 0.01},
)
def decay_default():
    import keras
    import torch

    theirs = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))]).defaults["weight_decay"]
    return {"Keras": keras.optimizers.AdamW().weight_decay, "PyTorch": theirs}


@fact(
    "clip-norms",
    claim="Keras's clipnorm clips each variable by its own norm, global_clipnorm all together. PyTorch's "
    "clip_grad_norm_ is global and adds 1e-6 to the norm, so that a norm of exactly the bound is shrunk, and with a "
    "bound of 1e-6 a norm of 5e-6 comes to 0.83e-6.",
    matters="The same word for two functions, and tiny bounds.",
    source=f"{BASE}: BaseOptimizer._clip_gradients; {BASE}: clip_by_global_norm; {CLIP}",
    needs="keras torch",
    expected={
        "clipnorm": [rounded(0.6, 8), rounded(0.8, 8)],
        "global_clipnorm": [rounded(0.6, 8), rounded(0.8, 8)],
        "PyTorch": [rounded(3 / (5 + 1e-6), 8), rounded(4 / (5 + 1e-6), 8)],
        "PyTorch, at the bound": below(math.nextafter(3, 0), "3 · 5/(5 + 1e-6)"),
        "PyTorch, bound 1e-6": rounded(1e-6 * 5 / 6, 16),
    },
)
def clip_norms():
    ours = clipped([3.0, 4.0])
    del ours["clipvalue"]
    at_bound, tiny = clipped([3.0, 4.0], 5.0)["PyTorch"][0], clipped([3e-6, 4e-6], 1e-6)["PyTorch"]
    return {**ours, "PyTorch, at the bound": at_bound, "PyTorch, bound 1e-6": np.hypot(*tiny)}


@fact(
    "clip-each-or-all",
    claim="Two variables with gradients of norm 5 and 0.5: clipnorm=1 leaves the second alone, global_clipnorm=1 "
    "shrinks it as the first.",
    matters="One of them keeps the gradient's direction.",
    source=f"{BASE}: BaseOptimizer._clip_gradients",
    needs="keras",
    expected={"clipnorm": rounded(0.5, 8), "global_clipnorm": rounded(0.5 / math.sqrt(25.25), 12)},
)
def clip_each_or_all():
    import keras
    import tensorflow as tf

    gradients = [tf.constant([3.0, 4.0]), tf.constant([0.3, 0.4])]
    made = {how: keras.optimizers.SGD(1.0, **{how: 1.0}) for how in ("clipnorm", "global_clipnorm")}
    return {how: np.hypot(*one._clip_gradients(gradients)[1].numpy()) for how, one in made.items()}


@fact(
    "clip-overflow",
    claim="A finite gradient whose square overflows float32 (above 1.8e19): PyTorch and clipnorm make it all zeros, "
    "global_clipnorm all NaN.",
    matters="The one step that clipping is there for is lost, or the weights are.",
    source=f"{BASE}: clip_by_global_norm; {CLIP}",
    needs="keras torch",
    expected={
        "PyTorch": [0.0, 0.0], "clipnorm": [0.0, 0.0], "global_clipnorm": [math.nan, math.nan], "clipvalue": [1.0, 1.0]
    },
)  # fmt: skip
def clip_overflow():
    return clipped([1e25, 1.0])


@fact(
    "clip-infinity",
    claim="One infinite number in a gradient: PyTorch and clipnorm give NaN for it and 0 for the rest, "
    "global_clipnorm NaN for all; clipvalue makes it the bound.",
    matters="Which weights survive an overflow.",
    source=f"{BASE}: clip_by_global_norm; {CLIP}",
    needs="keras torch",
    expected={
        "PyTorch": [math.nan, 0.0], "clipnorm": [math.nan, 0.0], "global_clipnorm": [math.nan, math.nan],
        "clipvalue": [1.0, 1.0],
    },
)  # fmt: skip
def clip_infinity():
    return clipped([math.inf, 1.0])


@fact(
    "weights-averaged",
    claim="Keras's use_ema and PyTorch's AveragedModel with get_ema_multi_avg_fn begin with the first updated weights "
    "and then agree; neither corrects the bias.",
    matters="Here they agree.",
    source=f"{BASE}: BaseOptimizer._update_model_variables_moving_average; "
    "torch/optim/swa_utils.py: get_ema_multi_avg_fn",
    needs="keras torch",
    expected={name: [1.0, rounded(1.1, 8), rounded(1.29, 12), rounded(1.561, 16)] for name in ("Keras", "PyTorch")},
)
def weights_averaged():
    import keras
    import tensorflow as tf
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    theta, optimizer = keras.Variable(np.float32(0)), keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9)
    model = torch.nn.Linear(1, 1, bias=False)
    model.weight.data.zero_()
    averaged, figures = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9)), {"Keras": [], "PyTorch": []}
    for _ in range(4):
        optimizer.apply([tf.constant(-1.0)], [theta])
        model.weight.data += 1
        averaged.update_parameters(model)
        figures["Keras"].append(float(optimizer._model_variables_moving_average[0].numpy()))
        figures["PyTorch"].append(averaged.module.weight.item())
    return figures


@fact(
    "gradient-missing",
    claim="PyTorch skips a parameter whose .grad is None, which zero_grad() makes it, and moves it on by its momentum "
    "when .grad is zeros. Keras raises when all gradients are None.",
    matters="Frozen weights that creep, or do not.",
    source=f"torch/optim/optimizer.py: Optimizer.zero_grad; {BASE}: BaseOptimizer._filter_empty_gradients",
    needs="keras torch",
    expected={"None moves": 0.0, "zeros move": above(0.05, "momentum"), "Keras": "ValueError"},
)
def gradient_missing():
    import keras
    import torch

    theta = torch.nn.Parameter(torch.ones(1))
    optimizer, theta.grad, seen = torch.optim.Adam([theta], lr=0.1), torch.ones(1), []
    for gradient in (torch.ones(1), None, torch.zeros(1)):
        theta.grad = gradient
        optimizer.step()
        seen.append(theta.item())
    raised = error_of(lambda: keras.optimizers.Adam(0.1).apply([None], [keras.Variable(1.0)]))
    return {"None moves": abs(seen[1] - seen[0]), "zeros move": abs(seen[2] - seen[1]), "Keras": raised}


@fact(
    "gradient-accumulated",
    claim="Keras's gradient_accumulation_steps=4 steps with the mean of four gradients; four calls of backward() in "
    "PyTorch with their sum.",
    matters="The same idea, four times the step.",
    source=f"{BASE}: BaseOptimizer._backend_apply_gradients; torch/_tensor.py: Tensor.backward",
    needs="keras torch",
    expected={"Keras": rounded(-0.1, 8), "PyTorch": rounded(-0.4, 8)},
)
def gradient_accumulated():
    import keras
    import torch

    theta = torch.nn.Parameter(torch.tensor(0.0))
    for _ in range(4):
        (theta * 1.0).backward()
    torch.optim.SGD([theta], lr=0.1).step()
    ours = keras_steps(keras.optimizers.SGD(0.1, gradient_accumulation_steps=4), [1.0] * 4)
    return {"Keras": ours, "PyTorch": theta.item()}


@fact(
    "gradient-sparse",
    claim="Rows of an embedding that a batch does not use move on by their momentum under Keras's Adam and PyTorch's "
    "Adam; PyTorch's SparseAdam leaves them.",
    matters="Rare words drift in two of three.",
    source="keras/src/optimizers/adam.py: Adam.update_step; torch/optim/sparse_adam.py: SparseAdam",
    needs="keras torch",
    expected={"Keras": measured(0.78, 0.79), "Adam": measured(0.78, 0.79), "SparseAdam": rounded(0.9, 16)},
)
def gradient_sparse():
    import keras
    import tensorflow as tf
    import torch

    rows, optimizer = keras.layers.Embedding(4, 1, embeddings_initializer="ones"), keras.optimizers.Adam(0.1)
    rows.build()
    for used in ([0], [1], [1]):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(rows(tf.constant(used)))
        optimizer.apply(tape.gradient(loss, rows.trainable_weights), rows.trainable_weights)

    def in_torch(kind, sparse):
        table = torch.nn.Embedding(4, 1, sparse=sparse)
        torch.nn.init.ones_(table.weight)
        stepper = kind(table.parameters(), lr=0.1)
        for used in ([0], [1], [1]):
            stepper.zero_grad()
            table(torch.tensor(used)).sum().backward()
            stepper.step()
        return table.weight[0, 0].item()

    theirs = {"Adam": in_torch(torch.optim.Adam, False), "SparseAdam": in_torch(torch.optim.SparseAdam, True)}
    return {"Keras": float(rows.embeddings[0, 0]), **theirs}
