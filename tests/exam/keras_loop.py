"""A GradientTape loop in Keras with everything shown; the experiment's name says which of its lines is another one.

It runs in a process of its own, which does not know the tests' folders: it imports what is installed, and nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

from comparisons.implementations.keras_model import keras

import tensorflow as tf  # isort: skip  (Keras sets its environment first)

LAYOUT = "rows"


@dataclass(frozen=True)
class Lines:
    """The lines that a plant can change; as they stand, they are honest."""

    of_loss: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # of the optimizer
    rate: Any = lambda experiment: experiment.optimizer.learning_rate
    frozen: tuple[str, ...] = ()  # "b" is all biases
    regularizer: Any = None
    data: str = ""
    precision: str = ""


def twice(experiment):
    return 2 * experiment.optimizer.learning_rate


def by_time(experiment):
    alpha = experiment.optimizer.learning_rate
    return keras.optimizers.schedules.InverseTimeDecay(alpha, decay_steps=1, decay_rate=alpha / experiment.epochs)


def by_epoch(experiment):
    alpha = experiment.optimizer.learning_rate
    return keras.optimizers.schedules.ExponentialDecay(alpha, experiment.steps_per_epoch, 0.9, staircase=True)


PLANTED = {
    "honest": Lines(),
    "sum-for-mean": Lines(of_loss={"reduction": "sum"}),
    "bias-never-updated": Lines(frozen=("b",)),
    "layer-never-updated": Lines(frozen=("W[3]", "b[3]")),
    "doubled-learning-rate": Lines(rate=twice),
    "decayed-learning-rate": Lines(rate=by_epoch),
    "decayed-learning-rate by time": Lines(rate=by_time),
    "l2-on-the-gradient": Lines(regularizer=lambda: keras.regularizers.L2(0.005)),  # Keras's L2 has no ½
    "clipped-gradient-values": Lines(settings={"clipvalue": 0.01}),
    "clipped-gradient-norm": Lines(settings={"clipnorm": 0.1}),
    "swapped-betas": Lines(settings={"beta_1": 0.999, "beta_2": 0.9}),
    "amsgrad": Lines(settings={"amsgrad": True}),
    "same-batch": Lines(data="same-batch"),
    "unshuffled": Lines(data="unshuffled"),
    "float32-inside": Lines(precision="float32"),
}


def train(experiment):
    """Train with the lines of the plant that the experiment is named after, up to its first colon."""
    lines = PLANTED[experiment.name.partition(":")[0]]
    precision = lines.precision or experiment.precision
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    keras.utils.clear_session(free_memory=False)
    named, start = {}, experiment.initial()
    penalty = lines.regularizer() if lines.regularizer else None
    dense = [keras.layers.Dense(n, kernel_regularizer=penalty) for n in experiment.layers]
    for l, (layer, n_in) in enumerate(zip(dense, experiment.sizes[:-1], strict=True), 1):
        layer.build((None, n_in))
        layer.set_weights([start[f"W[{l}]"].T, start[f"b[{l}]"].ravel()])
        named |= {f"W[{l}]": layer.kernel, f"b[{l}]": layer.bias}
    moved = [name for name in named if not {name, name[0]} & set(lines.frozen)]
    optimizer = optimizer_of(experiment, lines)
    criterion = keras.losses.BinaryCrossentropy(**lines.of_loss)
    L = len(dense)
    for X, Y in batches(experiment, lines.data):
        x, y = tf.constant(X.T, precision), tf.constant(Y.T, precision)
        outputs, a = {}, x
        with tf.GradientTape() as tape:
            for l, (layer, kind) in enumerate(zip(dense, experiment.activations, strict=True), 1):
                outputs[f"Z[{l}]"] = z = layer(a)
                outputs[f"A[{l}]"] = a = keras.activations.get(kind)(z)
            J = criterion(y, a)
            total = sum((loss for layer in dense for loss in layer.losses), start=J)
        watched = {name: value for name, value in outputs.items() if name != f"A[{L}]"}
        gradients = tape.gradient(total, watched | {name: variable.value for name, variable in named.items()})
        optimizer.apply([gradients[name] for name in moved], [named[name] for name in moved])
        shown = {"J": J} | outputs | {f"d{name}": value for name, value in gradients.items()}
        shown |= {name: variable.value for name, variable in named.items()} | slots(experiment, optimizer, moved)
        shown = {name: tf.cast(value, experiment.precision) for name, value in shown.items()}
        yield {"A[0]": X.T, "Y": Y.T} | shown


def optimizer_of(experiment, lines):
    """The experiment's."""
    chosen, rate = experiment.optimizer, lines.rate(experiment)
    if chosen.kind == "adam":
        settings = {"beta_1": chosen.beta1, "beta_2": chosen.beta2, "epsilon": chosen.epsilon} | lines.settings
        return keras.optimizers.Adam(rate, **settings)
    return keras.optimizers.SGD(rate, **lines.settings)


def slots(experiment, optimizer, moved):
    """Adam's moments by name, where there are any."""
    found = {}
    for number, name in enumerate(moved if experiment.optimizer.kind == "adam" else ()):
        found |= {f"m_{name}": optimizer._momentums[number].value, f"v_{name}": optimizer._velocities[number].value}
    return found


def batches(experiment, mistake):
    """The experiment's batches, or what a mistake with the data makes of them."""
    X_all, Y_all = experiment.train_set()
    first = {}
    for step, (X, Y) in enumerate(experiment.batches()):
        begin = step % experiment.steps_per_epoch * experiment.batch_size
        first.setdefault(X.shape[1], (X, Y))
        if mistake == "same-batch":
            yield first[X.shape[1]]
        elif mistake == "unshuffled":
            yield X_all[:, begin : begin + experiment.batch_size], Y_all[:, begin : begin + experiment.batch_size]
        else:
            yield X, Y
