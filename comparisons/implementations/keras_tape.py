"""Keras on TensorFlow, showing everything but dA of the output: a GradientTape in a tf.function, compiled as `fit` is.

Keras recovers the logits that its sigmoid was given, so that the derivative at the probabilities is never computed.
"""

from comparisons.implementations.keras_model import (
    activation_of,
    fill,
    in_precision,
    keras,
    optimizer_of,
    parameters_of,
)

import tensorflow as tf  # isort: skip  (Keras sets its environment first)

LAYOUT = "rows"


def train(experiment):
    """Dense layers without activation and Activation layers in turn, so that the tape sees Z as well as A."""
    in_precision(experiment)
    inputs = keras.Input((experiment.sizes[0],))
    dense = [keras.layers.Dense(n) for n in experiment.layers]
    outputs, x = {}, inputs
    for number, (layer, name) in enumerate(zip(dense, experiment.activations, strict=True), 1):
        x = outputs[f"Z[{number}]"] = layer(x)
        x = outputs[f"A[{number}]"] = keras.layers.Activation(activation_of(name))(x)
    fill(dense, experiment)
    model, loss, optimizer = keras.Model(inputs, x), keras.losses.BinaryCrossentropy(), optimizer_of(experiment)
    parameters = parameters_of(dense)
    optimizer.build(list(parameters.values()))
    last = f"A[{len(dense)}]"

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            shown, a = {}, x
            for number, layer in enumerate(dense, 1):
                shown[f"Z[{number}]"] = layer(a)
                a = shown[f"A[{number}]"] = activations[number](shown[f"Z[{number}]"])
            J = loss(y, a)
        watched = {name: value for name, value in shown.items() if name != last}
        gradients = tape.gradient(J, watched | {name: variable.value for name, variable in parameters.items()})
        optimizer.apply([gradients[name] for name in parameters], list(parameters.values()))
        return {"A[0]": x, "Y": y, "J": J} | shown | {f"d{name}": value for name, value in gradients.items()}

    activations = {number: layer for number, layer in enumerate(model.layers[2::2], 1)}
    yield parameters
    for X, Y in experiment.batches():
        shown = step(tf.constant(X.T), tf.constant(Y.T))
        yield shown | moments(optimizer, parameters) | parameters


def moments(optimizer, parameters):
    """Adam's two moments of each parameter; gradient descent keeps none."""
    kept = {}
    for number, name in enumerate(parameters):
        if hasattr(optimizer, "_velocities"):
            kept |= {f"m_{name}": optimizer._momentums[number], f"v_{name}": optimizer._velocities[number]}
    return kept
