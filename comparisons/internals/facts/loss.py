"""Binary cross-entropy: what a saturated output costs, and what its gradient is."""

import math

import numpy as np

from comparisons.internals.expectation import rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import one_neuron, tensorflow_slope, torch_slope

AREA = "loss"
KERAS, TORCH = "keras/src/backend/tensorflow/nn.py: binary_crossentropy", "torch/nn/functional.py: binary_cross_entropy"
ATEN = "aten/src/ATen/native/Loss.cpp"
LOGITS = "tensorflow/python/ops/nn_impl.py: sigmoid_cross_entropy_with_logits"
LOW, HIGH = float(np.float32(1e-7)), float(np.float32(1) - np.float32(1e-7))  # what Keras clips to, in float32
SATURATED = -math.log1p(-HIGH)  # 15.94, what a wrong example costs at most


def slope_of(z, y=1.0):
    """The exact derivative of the loss at the logit."""
    return -1 / (1 + math.exp(z)) if y else 1 / (1 + math.exp(-z))


@fact(
    "loss-clip",
    claim="Without logits Keras clips probabilities to [1e-7, 1 − 1e-7]. In float32 the upper end is 1 − 1.19e-7, so "
    "that the two worst losses differ, 16.12 and 15.94, and a perfect prediction costs 1.19e-7.",
    matters="A confidently wrong example costs no more than 16, and no loss is ever 0.",
    source=KERAS,
    needs="keras",
    expected={
        "y 1, p 0": rounded(-math.log(LOW), 8),
        "y 0, p 1": rounded(SATURATED, 8),
        "y 1, p 1": rounded(-math.log(HIGH), 8),
        "float64: y 0, p 1": rounded(-math.log(1e-7), 8, "float32"),
    },
    of=("clipped-probabilities",),
    on_article=True,
)
def loss_clip():
    import keras

    def cost(y, p, dtype="float32"):
        return float(keras.losses.BinaryCrossentropy(dtype=dtype)(np.array([[y]], dtype), np.array([[p]], dtype)))

    figures = {f"y {y}, p {p}": cost(y, p) for y, p in ((1, 0), (0, 1), (1, 1))}
    return {**figures, "float64: y 0, p 1": cost(0, 1, "float64")}


@fact(
    "loss-clamp",
    claim="PyTorch lets no logarithm fall below −100: the worst example costs exactly 100 and a perfect prediction "
    "nothing. The textbook's formula gives ∞ for the one and NaN (0 · log 0) for the other.",
    matters="The same saturated network shows 100, 16 or ∞.",
    source=TORCH,
    deeper=f"{ATEN}: binary_cross_entropy_out_cpu",
    needs="torch",
    expected={"PyTorch, wrong": 100.0, "PyTorch, right": 0.0, "textbook, wrong": math.inf, "textbook, right": math.nan},
    of=("clamped-logarithm",),
    on_article=True,
)
def loss_clamp():
    import torch

    def textbook(p):
        return -(1.0 * np.log(np.float64(p)) + 0.0 * np.log(np.float64(1 - p)))

    def cost(p):
        return torch.nn.functional.binary_cross_entropy(torch.tensor([p]), torch.tensor([1.0])).item()

    return {
        "PyTorch, wrong": cost(0.0),
        "PyTorch, right": cost(1.0),
        "textbook, wrong": textbook(0.0),
        "textbook, right": textbook(1.0),
    }


@fact(
    "loss-slope-outside",
    claim="At p = 0, y = 1 PyTorch's derivative is −1e12, although its loss is flat there, since it divides by "
    "max(p(1 − p), 1e-12); Keras's clipping has the derivative 0 outside its bounds.",
    matters="A saturated wrong output pushes with a huge gradient in one and with none in the other.",
    source=f"{KERAS}; tensorflow/python/ops/clip_ops.py: _clip_by_value_grad; {TORCH}",
    deeper=f"{ATEN}: binary_cross_entropy_backward_out_cpu (EPSILON)",
    needs="keras torch",
    expected={
        "PyTorch at 0": rounded(-1e12, 4),
        "PyTorch at 1e-08": rounded(-1e8, 6),
        "Keras at 0": 0.0,
        "Keras at 1e-08": 0.0,
        "Keras at 0.5": rounded(-2.0, 8),
    },
    of=("clamped-gradient", "clipped-gradient"),
    on_article=True,
)
def loss_slope_outside():
    import keras
    import tensorflow as tf
    import torch

    def in_keras(p):
        return keras.losses.BinaryCrossentropy()(tf.ones_like(p), tf.identity(p))

    def in_torch(p):
        return torch.nn.functional.binary_cross_entropy(p, torch.ones_like(p))

    figures = {f"PyTorch at {p:g}": torch_slope(in_torch, [p])[0] for p in (0.0, 1e-8)}
    return {**figures, **{f"Keras at {p:g}": abs(s) if (s := tensorflow_slope(in_keras, [[p]])[0, 0]) == 0 else s
                          for p in (0.0, 1e-8, 0.5)}}  # fmt: skip


@fact(
    "loss-logits",
    claim="Keras on TensorFlow never evaluates the formula of probabilities for Dense(1, activation='sigmoid'): the "
    "activation leaves its logits on its output, and the loss is computed from them, eagerly and in a graph. Of what "
    "predict() gives it cannot be.",
    matters="evaluate() says 40 where the loss of predict() says 15.9.",
    source="keras/src/activations/activations.py: sigmoid; keras/src/backend/tensorflow/nn.py: _get_logits",
    needs="keras",
    expected={"call": 40.0, "eager": 40.0, "graph": 40.0, "XLA": 40.0, "of predict()": rounded(SATURATED, 8)},
    of=("loss-through-logits", "gradient-through-logits"),
    on_article=True,
)
def loss_logits():
    import keras

    loss, x, y = keras.losses.BinaryCrossentropy(), np.array([[40.0]], np.float32), np.zeros((1, 1), np.float32)
    figures = {"call": float(loss(y, one_neuron()(x)))}
    for mode, options in (("eager", {"run_eagerly": True}), ("graph", {}), ("XLA", {"jit_compile": True})):
        model = one_neuron()
        model.compile("sgd", loss, **options)
        figures[mode] = model.evaluate(x, y, verbose=0)
    return {**figures, "of predict()": float(loss(y, model.predict(x, verbose=0)))}


@fact(
    "loss-logits-lost",
    claim="Any operation after the sigmoid that makes a new tensor loses the logits, and the loss silently becomes "
    "the clipped one: Reshape and Flatten do, Dropout outside training does not.",
    matters="A layer that changes no number changes the loss from 40 to 15.9, and its gradient to 0.",
    source="keras/src/backend/tensorflow/nn.py: _get_logits",
    needs="keras",
    expected={"nothing": 40.0, "Reshape": rounded(SATURATED, 8), "Flatten": rounded(SATURATED, 8), "Dropout": 40.0},
    of=("clipped-probabilities", "clipped-gradient"),
)
def loss_logits_lost():
    import keras

    layers, loss = keras.layers, keras.losses.BinaryCrossentropy()
    after = {"nothing": [], "Reshape": [layers.Reshape((1,))], "Flatten": [layers.Flatten()]}
    after["Dropout"] = [layers.Dropout(0.5)]
    x, y = np.array([[40.0]], np.float32), np.zeros((1, 1), np.float32)
    return {name: float(loss(y, one_neuron(made)(x))) for name, made in after.items()}


@fact(
    "loss-by-name",
    claim="A sigmoid that Keras did not make, tf.sigmoid in a Lambda layer, is recognised in a graph by the name of "
    "its operation, and not eagerly: the same model has two losses.",
    matters="run_eagerly=True, switched on to look for a fault, changes the loss.",
    source="keras/src/backend/tensorflow/nn.py: _get_logits",
    needs="keras",
    expected={"graph": 40.0, "eager": rounded(SATURATED, 8)},
    of=("loss-through-logits", "clipped-probabilities"),
)
def loss_by_name():
    import keras
    import tensorflow as tf

    figures = {}
    for mode in ("graph", "eager"):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda z: tf.sigmoid(z))])
        model.compile("sgd", "binary_crossentropy", run_eagerly=mode == "eager")
        figures[mode] = model.evaluate(np.array([[40.0]], np.float32), np.zeros((1, 1), np.float32), verbose=0)
    return figures


@fact(
    "loss-float64-layers",
    claim="Where layers are float64 and floatx is float32, the loss casts predictions, loses the logits with that and "
    "clips: at logit 20 a wrong example has the gradient 0, where float32 layers give 1.",
    matters="Higher precision by dtype= alone makes the loss worse.",
    source="keras/src/losses/loss.py: Loss.__call__",
    needs="keras",
    expected={"float32 layers": 1.0, "float64 layers": 0.0},
    of=("clipped-gradient",),
)
def loss_float64_layers():
    return {f"{dtype} layers": _slope_of_wrong(20.0, dtype) for dtype in ("float32", "float64")}


@fact(
    "loss-half-precision",
    claim="With the sigmoid in half precision the cast loses the logits too: a wrong example at logit 9 has the "
    "gradient 0 under mixed_float16, and at 6 under mixed_bfloat16, where the sigmoid is 1.",
    matters="The last layer of a mixed precision network has to be float32.",
    source="keras/src/losses/loss.py: Loss.__call__; keras/src/backend/tensorflow/nn.py: _get_logits",
    needs="keras",
    expected={"mixed_float16": 0.0, "mixed_bfloat16": 0.0, "float32": rounded(slope_of(6.0, 0), 16)},
    of=("clipped-gradient",),
)
def loss_half_precision():
    at = {"mixed_float16": 9.0, "mixed_bfloat16": 6.0, "float32": 6.0}
    return {dtype: _slope_of_wrong(z, dtype) for dtype, z in at.items()}


def _slope_of_wrong(z, dtype):
    import keras
    import tensorflow as tf

    model = one_neuron(dtype=dtype)
    with tf.GradientTape() as tape:
        loss = keras.losses.BinaryCrossentropy()(tf.constant([[0.0]]), model(tf.constant([[z]])))
    slope = tape.gradient(loss, model.trainable_weights[0].value)
    return abs(float(tf.cast(slope, tf.float64)[0, 0]) / z)


@fact(
    "loss-on-torch",
    claim="On PyTorch Keras has no logits on its outputs, so that the same model has another loss than on TensorFlow: "
    "15.94 with gradient 0 and not 20 with gradient 1.",
    matters="Changing the backend changes what saturated examples teach.",
    source="keras/src/backend/torch/nn.py: binary_crossentropy",
    needs="keras torch",
    environment=(("KERAS_BACKEND", "torch"),),
    expected={"loss": rounded(SATURATED, 8), "gradient": 0.0},
    of=("clipped-probabilities", "clipped-gradient"),
)
def loss_on_torch():
    import keras

    model = one_neuron()
    loss = keras.losses.BinaryCrossentropy()(keras.ops.zeros((1, 1)), model(np.array([[20.0]], np.float32)))
    loss.backward()
    return {"loss": loss.item(), "gradient": abs(model.trainable_variables[0].value.grad.item())}


@fact(
    "loss-gradient-in-a-graph",
    claim="In a tf.function, which Keras's fit is, the float32 gradient of a rightly classified positive example is "
    "exactly 0 from logit 18 on; eagerly and under XLA it is right. Negative examples are right everywhere. Grappler "
    "sorts the inputs of a sum by name, and 1 − 1 − s becomes (1 − s) − 1.",
    matters="Confident positive examples stop to count and negative ones do not; switching arithmetic_optimization "
    "off mends it.",
    source=LOGITS,
    deeper="tensorflow/core/grappler/optimizers/arithmetic_optimizer.cc; grappler/utils/canonicalizer.cc: "
    "CanonicalizeNode",
    needs="tensorflow",
    expected={
        "eager": rounded(slope_of(18.0), 20),
        "graph": 0.0,
        "XLA": rounded(slope_of(18.0), 20),
        "graph without the pass": rounded(slope_of(18.0), 20),
        "graph, negative": rounded(slope_of(-18.0, 0), 20),
    },
    of=("gradient-through-logits",),
    on_article=True,
)
def loss_gradient_in_a_graph():
    import tensorflow as tf

    def slope(z, y):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)
        return tape.gradient(loss, z)

    z, one = tf.constant([18.0]), tf.constant([1.0])
    figures = {"eager": slope(z, one), "graph": tf.function(slope)(z, one)}
    figures["XLA"] = tf.function(slope, jit_compile=True)(z, one)
    figures["graph, negative"] = tf.function(slope)(-z, 0 * one)
    was = tf.config.optimizer.get_experimental_options().get("arithmetic_optimization", True)
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    figures["graph without the pass"] = tf.function(slope)(z, one)
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": was})
    return {name: float(value[0]) + 0.0 for name, value in figures.items()}


@fact(
    "loss-sum-by-names",
    claim="What tf.add_n gives in a tf.function depends on the names of its operands: 1, −1 and 1e-9 make 1e-9, or 0 "
    "when they are called otherwise.",
    matters="Renaming a layer changes last bits, and here all of them; it is behind loss-gradient-in-a-graph.",
    source="tensorflow/python/ops/math_ops.py: add_n",
    deeper="tensorflow/core/grappler/utils/canonicalizer.cc: CanonicalizeNode",
    needs="tensorflow",
    expected={"a, b, c": float(np.float32(1e-9)), "b, c, a": 0.0, "eager": float(np.float32(1e-9))},
)
def loss_sum_by_names():
    import tensorflow as tf

    def parts(names):
        return [tf.tanh(tf.constant(x), name=name) for x, name in zip((20.0, -20.0, 1e-9), names, strict=True)]

    def summed(*names):
        def by_names(*inputs):
            return tf.add_n([tf.tanh(x, name=name) for x, name in zip(inputs, names, strict=True)])

        return float(tf.function(by_names)(*map(tf.constant, (20.0, -20.0, 1e-9))))

    eager = float(tf.add_n(parts("abc")))
    return {"a, b, c": summed(*"abc"), "b, c, a": summed(*"bca"), "eager": eager}
