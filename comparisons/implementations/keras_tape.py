"""Keras on TensorFlow, showing everything but dA of the output: a GradientTape in a tf.function, compiled as `fit` is.

Keras recovers the logits that its sigmoid was given, so that the derivative at the probabilities is never computed.
"""

from comparisons.implementations.keras_model import (
    activation_of,
    fill,
    in_precision,
    keras,
    optimizer_of,
    regularizers_of,
)
from comparisons.shown_by_keras import moments, parameters

import tensorflow as tf  # isort: skip  (Keras sets its environment first)

LAYOUT = "rows"


def train(experiment):
    """Dense layers without activation and Activation layers in turn, so that the tape sees Z as well as A."""
    in_precision(experiment)
    inputs = keras.Input((experiment.sizes[0],))
    dense = [keras.layers.Dense(n, **regularizers_of(experiment)) for n in experiment.layers]
    outputs, x = {}, inputs
    for number, (layer, name) in enumerate(zip(dense, experiment.activations, strict=True), 1):
        x = outputs[f"Z[{number}]"] = layer(x)
        x = outputs[f"A[{number}]"] = keras.layers.Activation(activation_of(name))(x)
    fill(dense, experiment)
    model, loss, optimizer = keras.Model(inputs, x), keras.losses.BinaryCrossentropy(), optimizer_of(experiment)
    named = parameters(model)
    optimizer.build(list(named.values()))
    last = f"A[{len(dense)}]"
    of_parameter = "g_" if experiment.decay.kind == "coupled" else "d"  # with the penalty's gradient in it, or without

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            shown, a = {}, x
            for number, layer in enumerate(dense, 1):
                shown[f"Z[{number}]"] = layer(a)
                a = shown[f"A[{number}]"] = activations[number](shown[f"Z[{number}]"])
            J = loss(y, a)
            total = J + sum(model.losses) if model.losses else J
        inner = {name: value for name, value in shown.items() if name != last}
        variables = {name: variable.value for name, variable in named.items()}
        of_inner, of_variables = tape.gradient(total, (inner, variables))
        optimizer.apply(list(of_variables.values()), list(named.values()))
        shown |= {f"d{name}": value for name, value in of_inner.items()}
        shown |= {f"{of_parameter}{name}": value for name, value in of_variables.items()}
        kept = moments(optimizer, named) | named  # read in here: one by one, reading takes longer than training
        return {"A[0]": x, "Y": y, "J": J} | shown | {name: tf.identity(kept[name].value) for name in kept}

    activations = {number: layer for number, layer in enumerate(model.layers[2::2], 1)}
    yield named
    for (X, Y), rate in zip(experiment.batches(), experiment.learning_rates(), strict=True):
        optimizer.learning_rate = float(rate)
        yield step(tf.constant(X.T), tf.constant(Y.T))
