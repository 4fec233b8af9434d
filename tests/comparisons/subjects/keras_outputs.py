"""Prints as JSON what Keras does by itself, without any training: where it finds logits, and what becomes of betas."""

import json

from comparisons.implementations.keras_model import keras

import tensorflow as tf  # isort: skip  (Keras sets its environment first)

OUTPUTS = {
    "keras.layers.Activation": keras.layers.Activation("sigmoid"),
    "keras.activations.sigmoid": keras.activations.sigmoid,
    "keras.ops.sigmoid": keras.ops.sigmoid,
    "tf.sigmoid": tf.sigmoid,
    "1 / (1 + tf.exp(-z))": lambda z: 1 / (1 + tf.exp(-z)),
    "reshaped": lambda z: tf.reshape(keras.activations.sigmoid(z), (-1, 1)),
}


def finds_logits(output, in_a_function):
    """Whether Keras's loss goes around the probabilities, so that the tape has no derivative at them."""

    def is_none(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            a = output(z)
            J = keras.losses.BinaryCrossentropy()(tf.ones_like(z), a)
        found.append(tape.gradient(J, a) is None)
        return J

    found = []
    (tf.function(is_none) if in_a_function else is_none)(tf.constant([[-1.0], [2.0]]))
    return found[-1]


print(
    json.dumps(
        {
            "finds logits": {
                f"{name}, {'in a tf.function' if in_a_function else 'eagerly'}": finds_logits(output, in_a_function)
                for name, output in OUTPUTS.items()
                for in_a_function in (False, True)
            },
            "betas": {
                precision: [float(keras.ops.cast(beta, precision)) for beta in (0.9, 0.999)]
                for precision in ("float32", "float64")
            },
        }
    )
)
