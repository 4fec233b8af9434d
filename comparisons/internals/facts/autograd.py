"""Automatic differentiation: what is added up, kept, summed and refused."""

import math

import numpy as np

from comparisons.internals.fact import fact
from comparisons.internals.facts.common import error_of, tensorflow_slope, torch_slope

AREA = "autograd"
TAPE, TENSOR = "tensorflow/python/eager/backprop.py: GradientTape.gradient", "torch/_tensor.py: Tensor.backward"


@fact(
    "gradients-add-up",
    claim="PyTorch adds into .grad: three calls of backward() on 2w give 6. A GradientTape returns 2 each time.",
    matters="A forgotten zero_grad() makes gradients k times as large.",
    source=f"{TENSOR}; {TAPE}",
    needs="tensorflow torch",
    expected={"PyTorch": 6.0, "TensorFlow": 2.0},
    on_article=True,
)
def gradients_add_up():
    import tensorflow as tf
    import torch

    w = torch.ones(1, requires_grad=True)
    for _ in range(3):
        (2 * w).sum().backward()
    return {
        "PyTorch": w.grad.item(),
        "TensorFlow": [tensorflow_slope(lambda v: 2 * v, tf.ones(())) for _ in range(3)][-1],
    }


@fact(
    "weights-changed-too-early",
    claim="Weights that are updated before backward(): PyTorch raises where it sees it, and through .data silently "
    "takes the new weight; TensorFlow keeps the one that was read.",
    matters="Updating layer by layer on the way back, the from-scratch mistake, gives wrong gradients in one way only.",
    source=f"{TENSOR}; tensorflow/python/ops/resource_variable_ops.py: BaseResourceVariable.read_value",
    needs="tensorflow torch",
    expected={"under no_grad": "RuntimeError", "through .data": 1.5, "TensorFlow": 3.0},
    on_article=True,
)
def weights_changed_too_early():
    import tensorflow as tf
    import torch

    def slope(change):
        a, b = torch.ones(1, 1, requires_grad=True), torch.ones(1, 1, requires_grad=True)
        out = torch.full((1, 1), 3.0) @ a @ b
        change(b)
        out.backward()
        return a.grad.item()

    def tracked(b):
        with torch.no_grad():
            b.sub_(0.5)

    a, b = tf.Variable([[1.0]]), tf.Variable([[1.0]])
    with tf.GradientTape() as tape:
        out = tf.constant([[3.0]]) @ a @ b
    b.assign_sub([[0.5]])
    return {
        "under no_grad": error_of(lambda: slope(tracked)),
        "through .data": slope(lambda b: b.data.sub_(0.5)),
        "TensorFlow": float(tape.gradient(out, a)[0, 0]),
    }


@fact(
    "gradients-in-between",
    claim="PyTorch drops the gradients of activations unless retain_grad() asks for them; a GradientTape gives them. "
    "A second backward() and a second gradient() both raise unless they were asked to keep the graph.",
    matters="How dA and dZ can be shown at all.",
    source=f"torch/_tensor.py: Tensor; {TAPE}",
    needs="tensorflow torch",
    expected={"dropped": True, "retained": 3.0, "TensorFlow": 3.0, "again": ["RuntimeError", "RuntimeError"]},
    on_article=True,
)
def gradients_in_between():
    import warnings

    import tensorflow as tf
    import torch

    warnings.simplefilter("ignore")

    def between(retain):
        hidden = torch.ones(1, requires_grad=True) * 2
        if retain:
            hidden.retain_grad()
        (hidden * 3).backward()
        return hidden.grad

    w, loss = tf.Variable(1.0), torch.ones(1, requires_grad=True) ** 2
    with tf.GradientTape() as tape:
        hidden = w * 2
        out = hidden * 3
    slope = float(tape.gradient(out, hidden))
    loss.backward()
    again = [error_of(lambda: tape.gradient(out, w)), error_of(loss.backward)]
    return {"dropped": between(False) is None, "retained": between(True).item(), "TensorFlow": slope, "again": again}


@fact(
    "losses-that-are-no-scalar",
    claim="A GradientTape silently sums a loss that is no scalar; PyTorch raises. A variable that the loss does not "
    "use has the gradient None.",
    matters="A forgotten mean multiplies TensorFlow's gradient by the batch size.",
    source=f"{TAPE}; {TENSOR}",
    needs="tensorflow torch",
    expected={"TensorFlow": 6.0, "unused is None": True, "PyTorch": "RuntimeError"},
    on_article=True,
)
def losses_that_are_no_scalar():
    import tensorflow as tf
    import torch

    z, unused = tf.Variable(1.0), tf.Variable(1.0)
    with tf.GradientTape() as tape:
        loss = tf.stack([z, 2 * z, 3 * z])
    used, other = tape.gradient(loss, [z, unused])
    raised = error_of(lambda: (torch.ones(3, requires_grad=True) * 2).backward())
    return {"TensorFlow": float(used), "unused is None": other is None, "PyTorch": raised}


@fact(
    "root-at-0",
    claim="The derivative of √ at 0 is ∞ in both, so that √(x²), a root mean squared error, has NaN at an exact fit.",
    matters="A perfect fit ends the training.",
    source="tensorflow/python/ops/math_grad.py: _SqrtGrad; torch/_C/_VariableFunctions.pyi: sqrt",
    needs="tensorflow torch",
    expected={"√": [math.inf, math.inf], "√(x²)": [math.nan, math.nan]},
)
def root_at_0():
    import tensorflow as tf
    import torch

    root = [tensorflow_slope(tf.sqrt, 0.0), torch_slope(torch.sqrt, 0.0)]
    squared = [tensorflow_slope(lambda x: tf.sqrt(x * x), 0.0), torch_slope(lambda x: torch.sqrt(x * x), 0.0)]
    return {"√": root, "√(x²)": squared}


@fact(
    "mean-in-the-gradient",
    claim="Both put the loss's 1/m into the gradient of the output, and so into every one behind it: dA is 1/m of the "
    "article's, and dW is the same.",
    matters="Comparing dA or dZ with the article's needs a factor m; applying 1/m again in dW is the classic mistake.",
    source="torch/nn/modules/loss.py: BCELoss; keras/src/losses/loss.py: reduce_values",
    needs="keras torch",
    expected={"Keras": [-0.5, -0.5, -0.5, -0.5], "PyTorch": [-0.5, -0.5, -0.5, -0.5]},
    of=("mean-at-the-loss",),
    on_article=True,
)
def mean_in_the_gradient():
    import keras
    import tensorflow as tf
    import torch

    half, ones = np.full((4, 1), 0.5, np.float32), np.ones((4, 1), np.float32)
    ours = tensorflow_slope(lambda p: keras.losses.BinaryCrossentropy()(ones, tf.identity(p)), half)
    theirs = torch_slope(lambda p: torch.nn.functional.binary_cross_entropy(p, torch.from_numpy(ones)), half)
    return {"Keras": ours.ravel(), "PyTorch": theirs.ravel()}
