"""Further layers: normalisation, dropout, embedding, recurrent layers, convolution."""

import math

import numpy as np

from comparisons.internals.expectation import Says, above, below, measured, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import error_of

AREA = "layers"
NORM, THEIR_NORM = "keras/src/layers/normalization/batch_normalization.py", "torch/nn/modules/batchnorm.py"
RNN, THEIR_RNN = "keras/src/layers/rnn", "torch/nn/modules/rnn.py"
X = np.random.default_rng(0).normal(2, 3, size=(4, 3)).astype(np.float32)
EXACT = X.astype(np.float64)


def sequences():
    """Two sequences of five steps with three numbers each."""
    return np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)


@fact(
    "norm-momentum",
    claim="Batch normalisation's momentum is the old average's weight in Keras (0.99) and the new batch's in PyTorch "
    "(0.1).",
    matters="With defaults PyTorch's running statistics move ten times as fast; with 0.99 copied, 99 times.",
    source=f"{NORM}: BatchNormalization.call; {THEIR_NORM}: _BatchNorm.forward",
    needs="keras torch",
    expected={
        "Keras": [off(0.01 * m, 64 * 2.0**-24, "1 % of the mean; 1 − 0.99 in float32") for m in EXACT.mean(0)],
        "PyTorch": [rounded(0.1 * m, 24) for m in EXACT.mean(0)],
    },
)
def norm_momentum():
    import keras
    import torch

    ours, theirs = keras.layers.BatchNormalization(), torch.nn.BatchNorm1d(3)
    ours(X, training=True)
    theirs(torch.from_numpy(X))
    return {"Keras": ours.moving_mean.numpy(), "PyTorch": theirs.running_mean.numpy()}


@fact(
    "norm-variance",
    claim="The running variance is the batch's with 1/n in Keras and with 1/(n − 1) in PyTorch; both normalise the "
    "batch itself with 1/n.",
    matters="A third at a batch of 4, 3 % at 32, between training and evaluation.",
    source=f"{NORM}: BatchNormalization._moments; {THEIR_NORM}: _BatchNorm.forward",
    deeper="aten/src/ATen/native/Normalization.cpp: batch_norm_cpu_update_stats_template",
    needs="keras torch",
    expected={
        "Keras": [rounded(v, 200) for v in EXACT.var(0)],
        "PyTorch": [rounded(v, 200) for v in EXACT.var(0, ddof=1)],
        "batch's variance, Keras": [off(1, 2e-3, "epsilon 1e-3 over a variance above 1")] * 3,
        "batch's variance, PyTorch": [off(1, 1e-4, "epsilon 1e-5 over a variance above 1, and roundings")] * 3,
    },
)
def norm_variance():
    import keras
    import torch

    ours, theirs = keras.layers.BatchNormalization(momentum=0.0), torch.nn.BatchNorm1d(3, momentum=1.0)
    batch, their_batch = ours(X, training=True).numpy(), theirs(torch.from_numpy(X)).detach().numpy()
    return {
        "Keras": ours.moving_variance.numpy(),
        "PyTorch": theirs.running_var.numpy(),
        "batch's variance, Keras": batch.var(0),
        "batch's variance, PyTorch": their_batch.var(0),
    }


@fact(
    "norm-epsilon",
    claim="Batch, layer and group normalisation have the epsilon 1e-3 in Keras and 1e-5 in PyTorch.",
    matters="Ten times the output for inputs of a small variance, 5e-4 for a variance of 1.",
    source=f"{NORM}: BatchNormalization.__init__; torch/nn/modules/normalization.py: LayerNorm.__init__",
    needs="keras torch",
    expected={"Keras": [1e-3, 1e-3, 1e-3], "PyTorch": [1e-5, 1e-5, 1e-5]},
)
def norm_epsilon():
    import keras
    import torch

    layers, nn = keras.layers, torch.nn
    ours = layers.BatchNormalization(), layers.LayerNormalization(), layers.GroupNormalization(groups=1)
    theirs = nn.BatchNorm1d(3), nn.LayerNorm(3), nn.GroupNorm(1, 3)
    return {"Keras": [layer.epsilon for layer in ours], "PyTorch": [layer.eps for layer in theirs]}


@fact(
    "norm-of-one",
    claim="Batch normalisation of one example in training: PyTorch raises, Keras gives zeros and moves the running "
    "variance towards 0.",
    matters="A last batch of one example.",
    source=f"torch/nn/functional.py: _verify_batch_size; {NORM}: BatchNormalization.call",
    needs="keras torch",
    expected={"Keras": [[0.0, 0.0, 0.0]], "variance": [rounded(0.99, 4)] * 3, "PyTorch": "ValueError"},
)
def norm_of_one():
    import keras
    import torch

    ours = keras.layers.BatchNormalization()
    out = ours(np.ones((1, 3), np.float32), training=True).numpy()
    raised = error_of(lambda: torch.nn.BatchNorm1d(3)(torch.ones(1, 3)))
    return {"Keras": abs(out), "variance": ours.moving_variance.numpy(), "PyTorch": raised}


@fact(
    "norm-far-from-0",
    claim="Batch normalisation of float32 inputs with mean 1e7 and standard deviation 10 is off by percents of a "
    "standard deviation in Keras and by less in PyTorch, which computes the variance otherwise; at a mean of 1e5 both "
    "are below 1e-2.",
    matters="Data that was not centred.",
    source=f"{NORM}: BatchNormalization._moments; torch/nn/functional.py: batch_norm",
    needs="keras torch",
    expected={"Keras, 1e7": measured(0.005, 0.3), "PyTorch, 1e7": measured(0, 0.05), "Keras, 1e5": below(0.01, "m u/σ"),
              "PyTorch, 1e5": below(0.01, "m u/σ")},
    depends=True,
)  # fmt: skip
def norm_far_from_0():
    import keras
    import torch

    figures = {}
    for mean in (1e7, 1e5):
        x = (mean + np.random.default_rng(2).normal(size=(128, 1)) * 10).astype(np.float32)
        centred = x.astype(np.float64) - x.astype(np.float64).mean()
        exact = centred / np.sqrt((centred**2).mean())
        ours = keras.layers.BatchNormalization(epsilon=1e-7)(x, training=True).numpy()
        theirs = torch.nn.BatchNorm1d(1, eps=1e-7)(torch.from_numpy(x)).detach().numpy()
        for name, out in (("Keras", ours), ("PyTorch", theirs)):
            figures[f"{name}, 1e{round(math.log10(mean))}"] = abs(out - exact).max()
    return figures


@fact(
    "dropout-of-nan",
    claim="Both scale what is kept by 1/(1 − p). What is dropped of NaN is a true 0 in Keras, which selects, and "
    "stays NaN in PyTorch, which multiplies by 0.",
    matters="Dropout hides NaN in one and not in the other.",
    source="keras/src/backend/tensorflow/random.py: dropout; torch/nn/functional.py: dropout",
    needs="keras torch",
    expected={
        "kept of 1": 2.0,
        "zeros of NaN, Keras": above(200, "of 1,000 half, and 19 standard deviations"),
        "zeros of NaN, PyTorch": 0,
    },
)
def dropout_of_nan():
    import keras
    import torch

    nan, ones = np.full((1, 1000), np.nan, np.float32), np.ones((1, 1000), np.float32)
    ours, kept = (keras.layers.Dropout(0.5, seed=0)(x, training=True).numpy() for x in (nan, ones))
    theirs = torch.nn.Dropout(0.5)(torch.from_numpy(nan)).numpy()
    return {
        "kept of 1": kept.max(),
        "zeros of NaN, Keras": int((ours == 0).sum()),
        "zeros of NaN, PyTorch": int((theirs == 0).sum()),
    }


@fact(
    "embedding-start",
    claim="Embeddings start uniform in ±0.05 in Keras and standard normal in PyTorch.",
    matters="35 times the scale.",
    source="keras/src/layers/core/embedding.py: Embedding.__init__; "
    "torch/nn/modules/sparse.py: Embedding.reset_parameters",
    needs="keras torch",
    expected={"Keras": off(0.05 / math.sqrt(3), 3e-4, "1 % of it, 30 standard deviations of a sample's"),
              "PyTorch": off(1, 0.01, "6 standard deviations of a sample's")},
)  # fmt: skip
def embedding_start():
    import keras
    import torch

    ours = keras.layers.Embedding(1000, 200)
    ours.build()
    return {"Keras": ours.embeddings.numpy().std(), "PyTorch": torch.nn.Embedding(1000, 200).weight.std().item()}


@fact(
    "embedding-outside",
    claim="An index beyond an embedding: TensorFlow raises eagerly and takes the last row under XLA, PyTorch raises; "
    "−1 is the last row in Keras and an error in PyTorch.",
    matters="Four ways to fail, two of them silent.",
    source="keras/src/layers/core/embedding.py: Embedding.call; torch/nn/functional.py: embedding",
    needs="keras torch",
    expected={"eager": "InvalidArgumentError", "XLA": 3.0, "−1": 3.0, "PyTorch": ["IndexError", "IndexError"]},
)
def embedding_outside():
    import keras
    import tensorflow as tf
    import torch

    rows = keras.layers.Embedding(3, 1)
    rows.build()
    rows.embeddings.assign([[1.0], [2.0], [3.0]])
    compiled, table = tf.function(lambda index: rows(index), jit_compile=True), torch.nn.Embedding(3, 1)
    return {
        "eager": error_of(lambda: rows(np.array([5]))),
        "XLA": float(compiled(tf.constant([5]))[0, 0]),
        "−1": float(rows(np.array([-1]))[0, 0]),
        "PyTorch": [error_of(lambda index=index: table(torch.tensor([index]))) for index in (5, -1)],
    }


@fact(
    "lstm",
    claim="An LSTM's gates stand in the same order, so that transposed weights give the same outputs; Keras's one "
    "bias starts with 1 for the forget gate, PyTorch has two, uniform in ±1/√n.",
    matters="Forget gates start at σ(1) = 0.73 or about 0.5.",
    source=f"{RNN}/lstm.py: LSTMCell.build; {THEIR_RNN}: RNNBase.reset_parameters",
    needs="keras torch",
    expected={
        "bias": [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        "largest difference": below(5 * 32 * 2.0**-24, "five steps of 32 roundings"),
    },
)
def lstm():
    import keras
    import torch

    ours, theirs = keras.layers.LSTM(2), torch.nn.LSTM(3, 2, batch_first=True)
    ours.build((None, 5, 3))
    inner, outer, bias = (weight.numpy() for weight in ours.weights)
    values = {"weight_ih_l0": inner.T, "weight_hh_l0": outer.T, "bias_ih_l0": bias, "bias_hh_l0": 0 * bias}
    for name, value in values.items():
        getattr(theirs, name).data = torch.tensor(value.copy())
    x = sequences()
    gap = abs(ours(x).numpy() - theirs(torch.from_numpy(x))[0][:, -1].detach().numpy()).max()
    return {"bias": bias, "largest difference": gap}


@fact(
    "gru",
    claim="A GRU's gates stand as z, r, h in Keras and as r, z, n in PyTorch: copied in place they give other "
    "outputs, permuted the same. Keras's reset_after=True is PyTorch's formula.",
    matters="A port by position is wrong without an error.",
    source=f"{RNN}/gru.py: GRUCell.build; {THEIR_RNN}: GRU",
    needs="keras torch",
    expected={
        "permuted": below(5 * 32 * 2.0**-24, "five steps of 32 roundings"),
        "in place": above(0.01, "other gates"),
        "reset before": above(0.001, "another formula"),
    },
)
def gru():
    import keras
    import torch

    ours, before = keras.layers.GRU(2), keras.layers.GRU(2, reset_after=False)
    ours.build((None, 5, 3))
    before.build((None, 5, 3))
    inner, outer, bias = (weight.numpy() for weight in ours.weights)
    bias = np.random.default_rng(1).normal(size=bias.shape).astype(np.float32)
    ours.weights[2].assign(bias)
    x = sequences()

    def apart(order):
        theirs, gates = torch.nn.GRU(3, 2, batch_first=True), np.arange(6).reshape(3, 2)[list(order)].ravel()
        values = {"weight_ih_l0": inner.T, "weight_hh_l0": outer.T, "bias_ih_l0": bias[0], "bias_hh_l0": bias[1]}
        for name, value in values.items():
            getattr(theirs, name).data = torch.tensor(value[gates].copy())
        return abs(ours(x).numpy() - theirs(torch.from_numpy(x))[0][:, -1].detach().numpy()).max()

    figures = {"permuted": apart((1, 0, 2)), "in place": apart((0, 1, 2))}
    before.set_weights([inner, outer, bias[0]])
    ours.weights[2].assign(np.stack([bias[0], 0 * bias[0]]))
    return {**figures, "reset before": abs(ours(x).numpy() - before(x).numpy()).max()}


@fact(
    "convolution-padding",
    claim="padding='same' with stride 2 pads an even image below and to the right only in Keras; PyTorch's padding=1 "
    "pads all sides, and it refuses 'same' with a stride. Kernels are (h, w, in, out) and (out, in, h, w).",
    matters="Every strided layer is shifted by half a pixel in a port.",
    source="keras/src/layers/convolutional/base_conv.py: BaseConv.call; torch/nn/modules/conv.py: _ConvNd.__init__",
    needs="keras torch",
    expected={
        "Keras's corner": 63.0,
        "PyTorch's corner": 14.0,
        "shapes": [[3, 3, 1, 2], [2, 1, 3, 3]],
        "it says": Says("padding='same' is not supported for strided convolutions"),
    },
)
def convolution_padding():
    import keras
    import torch

    image = np.arange(36, dtype=np.float32).reshape(1, 6, 6, 1)
    options = {"strides": 2, "padding": "same", "use_bias": False, "kernel_initializer": "ones"}
    ours, theirs = keras.layers.Conv2D(2, 3, **options), torch.nn.Conv2d(1, 2, 3, stride=2, padding=1, bias=False)
    theirs.weight.data.fill_(1.0)
    corner = float(ours(image)[0, 0, 0, 0])
    said = ""
    try:
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")
    except ValueError as error:
        said = str(error)
    return {
        "Keras's corner": corner,
        "PyTorch's corner": theirs(torch.from_numpy(image.transpose(0, 3, 1, 2)))[0, 0, 0, 0].item(),
        "shapes": [list(ours.kernel.shape), list(theirs.weight.shape)],
        "it says": said,
    }
