"""What several experiments do: one parameter under given gradients, a derivative, the article's network."""

import os

import numpy as np


def keras_steps(optimizer, gradients, start=0.0, dtype="float32"):
    """Where Keras's optimizer has moved a parameter after these gradients."""
    import keras
    import tensorflow as tf

    theta = keras.Variable(np.float32(start), dtype=dtype)
    for gradient in gradients:
        optimizer.apply([tf.cast(tf.constant(gradient, tf.float64), dtype)], [theta])
    return float(tf.cast(theta.value, tf.float64))


def torch_steps(optimizer, gradients, start=0.0, dtype="float32", **options):
    """Where PyTorch's optimizer has moved a parameter after these gradients."""
    import torch

    dtype = getattr(torch, dtype)
    theta = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
    optimizer = optimizer([theta], **options)
    for gradient in gradients:
        theta.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
    return theta.detach().double().item()


def tensorflow_slope(function, x):
    """TensorFlow's derivative of the sum of function(x)."""
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def torch_slope(function, x, dtype="float32"):
    """PyTorch's derivative of the sum of function(x)."""
    import torch

    x = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


def one_neuron(after=(), **options):
    """A Keras model of one sigmoid neuron without bias whose weight is 1: its logit is its input."""
    import keras

    neuron = keras.layers.Dense(1, activation="sigmoid", use_bias=False, kernel_initializer="ones", **options)
    return keras.Sequential([keras.Input((1,)), neuron, *after])


def article_in_keras(optimizer="adam", loss="binary_crossentropy", regularizer=None, last="sigmoid", **options):
    """The article's network 2-4-6-6-4-1, from the seed 0."""
    import keras

    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(n, activation="relu", kernel_regularizer=regularizer) for n in (4, 6, 6, 4)]
    model = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1, activation=last)])
    model.compile(optimizer, loss, metrics=["accuracy"], **options)
    return model


def two_classes(n=100):
    """Points in the plane and in which quadrants they lie."""
    x = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    return x, (x[:, :1] * x[:, 1:] > 0).astype(np.float32)


def weights_of(model):
    """All weights of a Keras model as one vector."""
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def error_of(call):
    """The name of the error that a call raises; "none" if it raises none."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "none"


def largest_errors(name):
    """The largest error of an elementary function over many float32 numbers, in unit roundoffs of the result.

    Every 65,537th, or all 2³² of them where BACKPROOF_EVERY is 1. The exact value comes from float64, whose own error
    is below 2⁻²⁶ of such a unit. Subnormal inputs are left out, and 2⁻¹²⁶ is allowed for results that are flushed to 0,
    as balls do. NaN where a number was expected makes the largest error NaN.
    """
    import tensorflow as tf
    import torch

    sigmoid = {"sigmoid": lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))}
    numpy, tensorflow = sigmoid.get(name) or getattr(np, name), getattr(tf.math, name)
    graph, compiled = (tf.function(tensorflow, jit_compile=jit, reduce_retracing=True) for jit in (False, True))
    ways = {
        "NumPy": numpy,
        "PyTorch": lambda x: getattr(torch, name)(torch.from_numpy(x)).numpy(),
        "TensorFlow": lambda x: tensorflow(x).numpy(),
        "TensorFlow in a graph": lambda x: graph(tf.constant(x)).numpy(),
        "XLA": lambda x: compiled(tf.constant(x)).numpy(),
    }
    largest, every = dict.fromkeys(ways, 0.0), int(os.environ.get("BACKPROOF_EVERY", "65537"))
    for start in range(0, 2**32, every << 20):
        patterns = np.arange(start, min(start + (every << 20), 2**32), every, dtype=np.uint64)
        x = patterns.astype(np.uint32).view(np.float32)
        x = x[np.isfinite(x) & (np.abs(x) >= 2.0**-126)]
        exact = numpy(x.astype(np.float64))
        usual = np.isfinite(exact) & (np.abs(exact) < 3.4e38) & (exact != 0)
        for way, function in ways.items() if usual.any() else ():
            error = np.abs(function(x)[usual] - exact[usual]) - 2.0**-126
            largest[way] = np.maximum(largest[way], np.max(error / np.abs(exact[usual])) * 2.0**24)
    return largest
