"""The article's listing, word for word but for the order of the batches, watched by a callback: weights only.

The loss that `fit` reports is a running mean over the epoch, so it is not shown.
"""

import queue
import threading

from comparisons.implementations.keras_model import (
    activation_of,
    fill,
    in_precision,
    keras,
    optimizer_of,
    regularizers_of,
)
from comparisons.shown_by_keras import parameters

LAYOUT = "rows"


def train(experiment):
    """`fit` runs in a thread of its own and stops after every batch until its weights were taken."""
    in_precision(experiment)
    model = keras.Sequential()
    model.add(keras.Input((experiment.sizes[0],)))
    for n, activation in zip(experiment.layers, experiment.activations, strict=True):
        model.add(keras.layers.Dense(n, activation=activation_of(activation), **regularizers_of(experiment)))
    model.compile(loss="binary_crossentropy", optimizer=optimizer_of(experiment), metrics=["accuracy"])
    fill(model.layers, experiment)

    batches = ((X.T, Y.T) for X, Y in experiment.batches())
    watch = EveryBatch()
    yield from watch.during(
        lambda: model.fit(
            batches,
            epochs=experiment.epochs,
            steps_per_epoch=experiment.steps_per_epoch,
            verbose=0,
            shuffle=False,  # a generator has its own order, and Keras warns where it is not told so
            callbacks=[*scheduled(experiment), watch],
        ),
        lambda: {name: variable.numpy() for name, variable in parameters(model).items()},
    )


def scheduled(experiment):
    """The callback of a schedule; where the rate never changes, none, and the listing is as the article has it."""
    return [] if len(set(experiment.learning_rates())) == 1 else [RateOfEachBatch(experiment)]


class RateOfEachBatch(keras.callbacks.Callback):
    """Sets the learning rate before each batch, as Keras's own LearningRateScheduler does before each epoch."""

    def __init__(self, experiment):
        super().__init__()
        self.rates = iter(experiment.learning_rates())

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = float(next(self.rates))


class EveryBatch(keras.callbacks.Callback):
    """Turns `fit` inside out: what it would do in one go becomes a generator that yields after every batch."""

    def during(self, fit, show):
        """Run `fit`, yield `show()` after each of its batches, and raise what it raised."""
        self.show, self.shown, self.taken = show, queue.Queue(), threading.Semaphore(0)
        thread = threading.Thread(target=self._until_the_end, args=(fit,), daemon=True)
        thread.start()
        while (values := self.shown.get()) is not None:
            if isinstance(values, BaseException):
                raise values
            yield values
            self.taken.release()

    def _until_the_end(self, fit):
        try:
            fit()
            self.shown.put(None)
        except BaseException as error:  # raised again where the generator is read
            self.shown.put(error)

    def on_train_batch_end(self, batch, logs=None):
        self.shown.put(self.show())
        self.taken.acquire()
