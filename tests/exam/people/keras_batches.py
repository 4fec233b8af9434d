"""A compiled Sequential and train_on_batch; the weights alone are shown, as it gives nothing else.

The mistake: a layer was frozen for another purpose and never set free (layer-never-updated, the third).
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras

LAYOUT = "rows"


def run(experiment, frozen):
    keras.config.set_floatx(experiment.precision)
    keras.config.set_dtype_policy(experiment.precision)
    model = keras.Sequential([keras.Input((experiment.sizes[0],))])
    for n, activation in zip(experiment.layers, experiment.activations, strict=True):
        model.add(keras.layers.Dense(n, activation=activation))
    start = experiment.initial()
    for l, layer in enumerate(model.layers, 1):
        layer.set_weights([start[f"W[{l}]"].T, start[f"b[{l}]"].ravel()])
        layer.trainable = l != frozen
    sgd = keras.optimizers.SGD(experiment.optimizer.learning_rate)
    model.compile(optimizer=sgd, loss="binary_crossentropy")
    for X, Y in experiment.batches():
        model.train_on_batch(X.T, Y.T)
        shown = {}
        for l, layer in enumerate(model.layers, 1):
            shown[f"W[{l}]"], shown[f"b[{l}]"] = layer.get_weights()
        yield shown


def train(experiment):
    """With the mistake."""
    yield from run(experiment, frozen=3)


def honest(experiment):
    """Without it."""
    yield from run(experiment, frozen=None)
