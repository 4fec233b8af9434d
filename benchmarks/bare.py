"""The same implementations bare: a framework is imported and trains the article's network, nothing watched or judged.

    python -m benchmarks.bare NAME     # trains in float32 and in float64, and prints nothing

What `backproof run` costs is measured against the sum of these, each in a process of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from comparisons.experiment import Experiment
from comparisons.precisions import PRECISIONS


def numpy(experiment: Experiment) -> None:
    """The reference."""
    from comparisons.learning import train

    train(experiment)


def torch(experiment: Experiment) -> None:
    """The usual loop, of which nobody looks at a step."""
    from comparisons.implementations.pytorch_plain import train

    for _ in train(experiment):
        pass


def keras(experiment: Experiment) -> None:
    """A model and an optimizer of Keras in a tf.function."""
    model = _model(experiment)
    import tensorflow as tf

    from comparisons.implementations.keras_model import keras

    loss_fn, optimizer = keras.losses.BinaryCrossentropy(), model.optimizer
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    for X, Y in experiment.batches():
        step(tf.constant(X.T), tf.constant(Y.T))


def keras_fit(experiment: Experiment) -> None:
    """The article's listing."""
    batches = ((X.T, Y.T) for X, Y in experiment.batches())
    _model(experiment).fit(
        batches, epochs=experiment.epochs, steps_per_epoch=experiment.steps_per_epoch, verbose=0, shuffle=False
    )


def _model(experiment: Experiment):
    from comparisons.implementations import keras_model

    keras_model.in_precision(experiment)
    keras = keras_model.keras
    model = keras.Sequential([keras.Input((experiment.sizes[0],))])
    for n, activation in zip(experiment.layers, experiment.activations, strict=True):
        model.add(keras.layers.Dense(n, activation=activation))
    model.compile(loss="binary_crossentropy", optimizer=keras_model.optimizer_of(experiment), metrics=["accuracy"])
    keras_model.fill(model.layers, experiment)
    return model


BARE: dict[str, Callable[[Experiment], None]] = {
    "numpy": numpy,
    "torch": torch,
    "torch-plain": torch,
    "keras": keras,
    "keras-fit": keras_fit,
}


def main() -> None:
    """Train in both precisions, as a run does."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    train = BARE[sys.argv[1]]
    for precision in PRECISIONS:
        train(Experiment(precision=precision, epochs=int(sys.argv[2])))


if __name__ == "__main__":
    main()
