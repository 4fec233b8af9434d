"""Keras loops of a reader's, whose models are shown by backproof; the layout is nowhere said."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

import backproof


def sequential(experiment, activation="relu"):
    """The small network, with the experiment's start; one activation is in its layer, one comes after."""
    keras.config.set_floatx(experiment.precision)
    keras.config.set_dtype_policy(experiment.precision)
    layers = [
        keras.layers.Dense(4),
        keras.layers.Activation(activation),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
    return started(keras.Sequential([keras.Input((2,)), *layers]), experiment)


@keras.saving.register_keras_serializable()
class Functional(keras.Model):
    """The small network with an activation that is a function."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = keras.layers.Dense(4), keras.layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        return self.outer(tf.nn.relu(self.inner(inputs)))


def started(model, experiment):
    initial = experiment.initial()
    for name, variable in backproof.shown(model).items():
        variable.assign(initial[name].T.reshape(variable.shape))
    return model


def trained(experiment, model, factor=1):
    """The usual loop; in between, what it gives for other data is looked at."""
    optimizer = keras.optimizers.Adam(experiment.optimizer.learning_rate)
    loss_fn = keras.losses.BinaryCrossentropy()
    for X, Y in experiment.batches():
        with tf.GradientTape() as tape:
            loss = loss_fn(Y.T, model(X.T))
        gradients = [factor * gradient for gradient in tape.gradient(loss, model.trainable_variables)]
        optimizer.apply(gradients, model.trainable_variables)
        model(0 * X.T)
        model.predict(X.T, verbose=0)
        yield {"J": loss} | backproof.shown(model, optimizer, gradients)


def watched(experiment):
    model = sequential(experiment)
    backproof.watch(model)
    yield backproof.shown(model)
    yield from trained(experiment, model)


def unwatched(experiment):
    yield from trained(experiment, sequential(experiment))


def functional(experiment):
    sequential(experiment)  # the precision
    model = Functional()
    model(keras.ops.zeros((1, 2)))
    backproof.watch(started(model, experiment))
    yield from trained(experiment, model)


def eager_fit(experiment):
    """`fit` has no gradients to show, but the watched model has those on the way."""
    model = sequential(experiment)
    backproof.watch(model)
    optimizer = keras.optimizers.Adam(experiment.optimizer.learning_rate)
    model.compile(optimizer, "binary_crossentropy", run_eagerly=True)
    for X, Y in experiment.batches():
        model.fit(X.T, Y.T, batch_size=len(X.T), shuffle=False, verbose=0)
        yield backproof.shown(model, model.optimizer)


def twice_the_gradient(experiment):
    model = sequential(experiment)
    backproof.watch(model)
    yield from trained(experiment, model, 2)


def another_activation(experiment):
    model = sequential(experiment, "tanh")
    backproof.watch(model)
    yield from trained(experiment, model)
