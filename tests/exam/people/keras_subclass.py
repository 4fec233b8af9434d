"""A subclass of keras.Model with a train_step of its own, trained by fit, one epoch at a time; a callback looks on.

The mistake: a callback multiplies the learning rate by 0.9 after each epoch (decayed-learning-rate, 0.9).
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

LAYOUT = "rows"


class Model(keras.Model):
    def __init__(self, layers, activations):
        super().__init__()
        self.stack = [keras.layers.Dense(n, activation=a) for n, a in zip(layers, activations, strict=True)]

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, [w.value for w in weights]), weights)
        return {"loss": loss}


class Onlooker(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        pairs = [layer.get_weights() for layer in self.model.stack]
        self.seen.append({f"{c}[{l}]": p for l, pair in enumerate(pairs, 1) for c, p in zip("Wb", pair, strict=True)})


def run(experiment, factor):
    keras.config.set_floatx(experiment.precision)
    keras.config.set_dtype_policy(experiment.precision)
    model = Model(experiment.layers, experiment.activations)
    model(np.zeros((1, experiment.sizes[0]), experiment.dtype))
    start = experiment.initial()
    for l, layer in enumerate(model.stack, 1):
        layer.set_weights([start[f"W[{l}]"].T, start[f"b[{l}]"].ravel()])
    rate = experiment.optimizer.learning_rate
    model.compile(keras.optimizers.SGD(rate), loss=keras.losses.BinaryCrossentropy())
    batches = experiment.batches()
    for epoch in range(experiment.epochs):
        taken = [next(batches) for _ in range(experiment.steps_per_epoch)]
        x, y = (np.concatenate(parts, axis=1).T for parts in zip(*taken, strict=True))
        onlooker = Onlooker()
        model.optimizer.learning_rate = rate * factor**epoch
        model.fit(x, y, batch_size=experiment.batch_size, shuffle=False, verbose=0, callbacks=[onlooker])
        yield from onlooker.seen


def train(experiment):
    """With the mistake."""
    yield from run(experiment, factor=0.9)


def honest(experiment):
    """Without it."""
    yield from run(experiment, factor=1.0)
