"""Binary cross-entropy: what is averaged, smoothed, refused, and how the article's formulas end."""

import math

import numpy as np

from comparisons.internals.expectation import Says, below, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import error_of, one_neuron, tensorflow_slope, torch_slope

AREA = "loss"
KERAS, TORCH = "keras/src/backend/tensorflow/nn.py: binary_crossentropy", "torch/nn/functional.py: binary_cross_entropy"


@fact(
    "loss-torch-logits",
    claim="PyTorch's binary_cross_entropy_with_logits has the derivative σ(z) − y, which for y = 1 is exactly 0 from "
    "logit 17 on in float32; the loss itself stays right.",
    matters="The stable loss has a gradient that is not: it ends where the clipped one's would.",
    source="torch/nn/functional.py: binary_cross_entropy_with_logits",
    deeper="tools/autograd/derivatives.yaml: binary_cross_entropy_with_logits",
    needs="torch",
    expected={"loss": rounded(math.log1p(math.exp(-20)), 20), "gradient at 20": 0.0, "gradient at 10": off(
        -1 / (1 + math.exp(10)), 2.0**-23, "two units of 1: σ(z) is rounded near 1")},
)  # fmt: skip
def loss_torch_logits():
    import torch

    def loss(z):
        return torch.nn.functional.binary_cross_entropy_with_logits(z, torch.ones_like(z))

    at_20, at_10 = (torch_slope(loss, [z])[0] for z in (20.0, 10.0))
    return {"loss": loss(torch.tensor([20.0])).item(), "gradient at 20": abs(at_20), "gradient at 10": at_10}


@fact(
    "loss-two-steps",
    claim="The article's two steps backward, dA = −(Y/A − (1 − Y)/(1 − A)) and dZ = dA A (1 − A), give NaN as soon as "
    "the sigmoid is exactly 0 or 1; A − Y gives what is right.",
    matters="The from-scratch network ends in NaN where frameworks train on: from |logit| 37 in float64, 17 in "
    "float32.",
    source="reference/losses.py: output_gradient; reference/activations.py: sigmoid_backward",
    needs="numpy",
    expected={"float64": [False, True], "float32": [False, True], "A − Y": 0.0},
    on_article=True,
)
def loss_two_steps():
    def two_steps(z):
        a = 1 / (1 + np.exp(-z))
        return -(1 / a - (1 - 1) / (1 - a)) * a * (1 - a)

    ends = {"float64": (36.0, 37.0), "float32": (16.0, 17.0)}
    figures = {name: [bool(np.isnan(two_steps(np.dtype(name).type(z)))) for z in ends[name]] for name in ends}
    return {**figures, "A − Y": 1 / (1 + np.exp(-40.0)) - 1}


@fact(
    "loss-two-sigmoids",
    claim="from_logits=True on a model that ends in a sigmoid: Keras warns and takes the logits that it finds; "
    "PyTorch's BCEWithLogitsLoss applies a second sigmoid without a word.",
    matters="The classic mistake is mended by the one and hidden by the other.",
    source="keras/src/backend/tensorflow/nn.py: _get_logits; torch/nn/modules/loss.py: BCEWithLogitsLoss",
    needs="keras torch",
    expected={
        "Keras": rounded(math.log1p(math.exp(-2)), 16),
        "it says": Says("from_logits=True"),
        "PyTorch": rounded(math.log1p(math.exp(-1 / (1 + math.exp(-2)))), 16),
    },
)
def loss_two_sigmoids():
    import warnings

    import keras
    import torch

    y, x = np.ones((1, 1), np.float32), np.array([[2.0]], np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        in_keras = float(keras.losses.BinaryCrossentropy(from_logits=True)(y, one_neuron()(x)))
    probability = torch.sigmoid(torch.tensor([2.0]))
    in_torch = torch.nn.functional.binary_cross_entropy_with_logits(probability, torch.ones(1)).item()
    return {"Keras": in_keras, "it says": "; ".join(str(one.message) for one in caught), "PyTorch": in_torch}


@fact(
    "loss-weights",
    claim="With weights Keras and PyTorch's BCELoss divide by the number of examples, PyTorch's CrossEntropyLoss by "
    "the sum of weights, which Keras calls reduction='mean_with_sample_weight'.",
    matters="Class weights change the effective learning rate in the one and not in the other.",
    source="keras/src/losses/loss.py: reduce_values; torch/nn/functional.py: cross_entropy",
    needs="keras torch",
    expected={
        "Keras over PyTorch": rounded(11 / 3, 32),
        "with mean_with_sample_weight": rounded(1.0, 32),
        "binary": rounded(1.0, 32),
    },
)
def loss_weights():
    import keras
    import torch

    logits, y = torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 0.0]]), torch.tensor([0, 1, 1])
    weights = torch.tensor([1.0, 5.0])
    each = weights[y]
    in_torch = torch.nn.functional.cross_entropy(logits, y, weight=weights).item()

    def in_keras(**options):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, **options)
        return float(loss(y.numpy(), logits.numpy(), sample_weight=each.numpy()))

    p, t = torch.tensor([[0.2], [0.7], [0.4]]), torch.tensor([[0.0], [1.0], [1.0]])
    binary = float(keras.losses.BinaryCrossentropy()(t.numpy(), p.numpy(), sample_weight=each.numpy()[:, None]))
    theirs = torch.nn.functional.binary_cross_entropy(p, t, weight=each[:, None]).item()
    return {
        "Keras over PyTorch": in_keras() / in_torch,
        "with mean_with_sample_weight": in_keras(reduction="mean_with_sample_weight") / in_torch,
        "binary": binary / theirs,
    }


@fact(
    "loss-shapes",
    claim="Targets (n,) against predictions (n, 1): Keras squeezes and is right, PyTorch's binary cross-entropy "
    "raises, PyTorch's mean squared error and TensorFlow's own broadcasting make n² losses.",
    matters="A missing axis gives a loss that looks like one.",
    source="keras/src/losses/losses.py: LossFunctionWrapper.call; torch/nn/functional.py: mse_loss",
    needs="keras torch",
    expected={
        "Keras": rounded(0.49 / 3, 32),
        "PyTorch": rounded(2.87 / 9, 32),
        "TensorFlow": rounded(2.87 / 9, 32),
        "PyTorch's binary cross-entropy": "ValueError",
    },
)
def loss_shapes():
    import warnings

    import keras
    import tensorflow as tf
    import torch

    warnings.simplefilter("ignore")
    y, p = np.array([0, 1, 1], np.float32), np.array([[0.2], [0.7], [0.4]], np.float32)
    in_torch = torch.from_numpy(p), torch.from_numpy(y)
    return {
        "Keras": float(keras.losses.MeanSquaredError()(y, p)),
        "PyTorch": torch.nn.functional.mse_loss(*in_torch).item(),
        "TensorFlow": float(tf.reduce_mean((y - p) ** 2)),
        "PyTorch's binary cross-entropy": error_of(lambda: torch.nn.functional.binary_cross_entropy(*in_torch)),
    }


@fact(
    "loss-invalid",
    claim="Keras clips a probability of 1.5 or −0.1 and takes a target of 2; PyTorch raises for all of them, and for "
    "NaN, which Keras passes on.",
    matters="One is silent where the other is loud.",
    source=f"{KERAS}; {TORCH}",
    deeper="aten/src/ATen/native/Loss.cpp: binary_cross_entropy_out_cpu (TORCH_CHECK)",
    needs="keras torch",
    expected={"PyTorch": ["RuntimeError"] * 4, "Keras finite": [True, True, False, True]},
)
def loss_invalid():
    import keras
    import torch

    cases = ((1.5, 1.0), (-0.1, 1.0), (math.nan, 1.0), (0.3, 2.0))
    loss = torch.nn.functional.binary_cross_entropy
    raised = [error_of(lambda p=p, y=y: loss(torch.tensor([p]), torch.tensor([y]))) for p, y in cases]
    ours = [float(keras.losses.BinaryCrossentropy()(np.array([[y]]), np.array([[p]]))) for p, y in cases]
    return {"PyTorch": raised, "Keras finite": [math.isfinite(value) for value in ours]}


@fact(
    "loss-smoothing",
    claim="Label smoothing a: Keras's binary cross-entropy takes y(1 − a) + a/2 for y, which is what PyTorch's "
    "CrossEntropyLoss does with two classes; PyTorch's BCELoss has none.",
    matters="Here they agree, once the right PyTorch loss is chosen.",
    source="keras/src/losses/losses.py: binary_crossentropy; torch/nn/functional.py: cross_entropy",
    needs="keras torch",
    expected={"smoothed over by hand": rounded(1.0, 24), "PyTorch over Keras": rounded(1.0, 24)},
)
def loss_smoothing():
    import keras
    import torch

    z, y = np.array([[0.3], [-1.2]], np.float32), np.array([[1.0], [0.0]], np.float32)
    smoothed = float(keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)(y, z))
    by_hand = float(keras.losses.BinaryCrossentropy(from_logits=True)(y * 0.9 + 0.05, z))
    both = torch.tensor(np.hstack([0 * z, z]))
    theirs = torch.nn.functional.cross_entropy(both, torch.tensor([1, 0]), label_smoothing=0.1).item()
    return {"smoothed over by hand": smoothed / by_hand, "PyTorch over Keras": theirs / smoothed}


@fact(
    "loss-threshold",
    claim="Keras's binary accuracy counts p > 0.5: exactly 0.5 is class 0.",
    matters="A dead network with zero biases puts out 0.5 everywhere; p ≥ 0.5 and rounding decide otherwise there.",
    source="keras/src/metrics/accuracy_metrics.py: binary_accuracy",
    needs="keras",
    expected={"Keras": [0.0, 1.0], "≥": [1.0, 1.0], "NumPy's round": [0.0, 1.0]},
    on_article=True,
)
def loss_threshold():
    import keras

    p = np.array([0.5, np.nextafter(np.float32(0.5), np.float32(1))], np.float32)
    counted = keras.metrics.binary_accuracy(np.ones((2, 1)), p[:, None])
    return {"Keras": np.ravel(counted), "≥": (p >= 0.5).astype(float), "NumPy's round": np.round(p)}


@fact(
    "loss-sigmoid-slope",
    claim="The sigmoid's derivative from its output, p(1 − p), loses its digits as p nears 1: in float32 half of 1e-3 "
    "at logit 10, everything from 17 on; for negative logits it stays right.",
    matters="The article's sigmoid_backward, and both frameworks' sigmoids: confident examples stop to teach.",
    source="tensorflow/python/ops/math_grad.py: _SigmoidGrad; torch/nn/functional.py: sigmoid",
    needs="tensorflow torch",
    expected={name: [
        off(0, 2.0**-23 * math.exp(10), "σ(10) is rounded near 1"), -1.0, below(16 * 2.0**-24, "16 roundings")]
        for name in ("NumPy", "PyTorch", "TensorFlow")},
    on_article=True,
)  # fmt: skip
def loss_sigmoid_slope():
    import tensorflow as tf
    import torch

    z = np.array([10.0, 18.0, -18.0], np.float32)
    exact = 1 / (np.exp(z.astype(float) / 2) + np.exp(-z.astype(float) / 2)) ** 2
    p = 1 / (1 + np.exp(-z))
    slopes = {
        "NumPy": p * (1 - p),
        "PyTorch": torch_slope(torch.sigmoid, z),
        "TensorFlow": tensorflow_slope(tf.sigmoid, z),
    }
    return {name: slope / exact - 1 for name, slope in slopes.items()}
