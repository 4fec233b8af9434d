"""A GradientTape around Dense layers, and Keras's Adam; the weights are shown, gradients are not.

The mistake: the optimizer was copied from a recurrent network and clips each number (clipped-gradient, at 0.01).
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import tensorflow as tf

LAYOUT = "rows"


def run(experiment, **clipping):
    keras.config.set_floatx(experiment.precision)
    keras.config.set_dtype_policy(experiment.precision)
    dense = [keras.layers.Dense(n, a) for n, a in zip(experiment.layers, experiment.activations, strict=True)]
    start = experiment.initial()
    for l, (layer, n_in) in enumerate(zip(dense, experiment.sizes[:-1], strict=True), 1):
        layer.build((None, n_in))
        layer.kernel.assign(start[f"W[{l}]"].T)
        layer.bias.assign(start[f"b[{l}]"].ravel())
    variables = [variable for layer in dense for variable in (layer.kernel, layer.bias)]
    o = experiment.optimizer
    adam = keras.optimizers.Adam(o.learning_rate, o.beta1, o.beta2, o.epsilon, **clipping)
    for X, Y in experiment.batches():
        with tf.GradientTape() as tape:
            a = tf.constant(X.T)
            for layer in dense:
                a = layer(a)
            J = tf.reduce_mean(keras.losses.binary_crossentropy(tf.constant(Y.T), a))
        adam.apply(tape.gradient(J, [variable.value for variable in variables]), variables)
        shown = {f"W[{l}]": layer.kernel for l, layer in enumerate(dense, 1)}
        yield {"J": J} | shown | {f"b[{l}]": layer.bias for l, layer in enumerate(dense, 1)}


def train(experiment):
    """With the mistake."""
    yield from run(experiment, clipvalue=0.01)


def honest(experiment):
    """Without it."""
    yield from run(experiment)
