"""One layer in Keras, eagerly, behind TensorFlow's own sigmoid, where Keras finds no logits; Adam as Keras ships it."""

from comparisons.implementations.keras_model import in_precision, keras

import tensorflow as tf  # isort: skip  (Keras sets its environment first)

LAYOUT = "rows"


def train(experiment):
    in_precision(experiment)
    layer, loss = keras.layers.Dense(1), keras.losses.BinaryCrossentropy()
    layer.build((None, experiment.sizes[0]))
    initial = experiment.initial()
    layer.set_weights([initial["W[1]"].T, initial["b[1]"][:, 0]])
    optimizer = keras.optimizers.Adam(experiment.optimizer.learning_rate)
    optimizer.build([layer.kernel, layer.bias])
    for X, Y in experiment.batches():
        with tf.GradientTape() as tape:
            Z = layer(tf.constant(X.T))
            A = tf.sigmoid(Z)
            J = loss(tf.constant(Y.T), A)
        dA, dZ, dW, db = tape.gradient(J, [A, Z, layer.kernel.value, layer.bias.value])
        optimizer.apply([dW, db], [layer.kernel, layer.bias])
        moments = {}
        for number, name in enumerate(("W[1]", "b[1]")):
            moments |= {f"m_{name}": optimizer._momentums[number], f"v_{name}": optimizer._velocities[number]}
        gradients = {"dA[1]": dA, "dZ[1]": dZ, "dW[1]": dW, "db[1]": db}
        yield {"Z[1]": Z, "A[1]": A, "J": J, "W[1]": layer.kernel, "b[1]": layer.bias} | gradients | moments
