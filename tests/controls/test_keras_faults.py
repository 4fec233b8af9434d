"""What must be rejected in Keras: faults of a GradientTape loop and of `fit`, each a line, beside both without it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from comparisons.certifying import certify
from comparisons.recording import record
from reference.dialects import DIALECTS
from tests.controls.faults import each
from tests.controls.nudge import EXACTLY_THAT_STEP, NUDGE, STEP, broken_steps, found_in
from tests.frameworks import framework
from tests.small import small

framework("tensorflow")
framework("keras")
from comparisons.implementations.keras_fit import EveryBatch  # noqa: E402  (it imports Keras and TensorFlow)
from comparisons.implementations.keras_model import fill, in_precision, keras  # noqa: E402
from comparisons.implementations.keras_tape import tf  # noqa: E402
from comparisons.shown_by_keras import moments, parameters  # noqa: E402

pytestmark = pytest.mark.xdist_group("keras")
LAYOUT = "rows"
PARAMETERS = each("W", "b")
MOMENTS = each("m_W", "m_b", "v_W", "v_b")


def nothing(*_: Any) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True)
class Loop:
    """A loop with a compiled step; each field is a line of it, and `breaks` what must break, `because` of what."""

    name: str
    breaks: tuple[str, ...] = ()
    because: str = ""
    first: int = 1
    activations: tuple[str, ...] = ("relu", "relu", "relu", "relu", "sigmoid")
    loss: Callable = keras.losses.BinaryCrossentropy
    optimizer: Callable = keras.optimizers.Adam
    settings: dict[str, Any] = field(default_factory=dict)
    of_loss: dict[str, Any] = field(default_factory=dict)
    after_step: Callable = nothing

    def train(self, experiment):
        """Train as Keras's guide to custom loops does, its step compiled as `fit` compiles its own."""
        in_precision(experiment)
        dense = [keras.layers.Dense(n) for n in experiment.layers]
        activations = [keras.layers.Activation(name) for name in self.activations]
        model = keras.Sequential([layer for pair in zip(dense, activations, strict=True) for layer in pair])
        model.build((None, 2))
        fill(dense, experiment)
        loss, optimizer = self.loss(**self.of_loss), self.optimizer(**{"learning_rate": 1e-3} | self.settings)
        named = parameters(model)
        optimizer.build(list(named.values()))
        names = [f"{letter}[{number}]" for number in range(1, 6) for letter in "ZA"]

        @tf.function(reduce_retracing=True)
        def step(a, y):
            with tf.GradientTape() as tape:
                outputs = {}
                for name, layer in zip(names, model.layers, strict=True):
                    a = outputs[name] = layer(a)
                J = loss(y, a)
            watched = {name: value for name, value in outputs.items() if name != "A[5]"}
            gradients = tape.gradient(J, watched | {name: variable.value for name, variable in named.items()})
            optimizer.apply([gradients[name] for name in named], list(named.values()))
            return {"J": J} | outputs | {f"d{name}": value for name, value in gradients.items()}

        for number, (X, Y) in enumerate(experiment.batches(), 1):
            shown = step(tf.constant(X.T), tf.constant(Y.T))
            self.after_step(dense, number)
            yield shown | moments(optimizer, named) | named


def nudge(dense, number):
    if number == STEP:
        kernel = dense[1].kernel.numpy()
        kernel[0, 0] += NUDGE
        dense[1].kernel.assign(kernel)


HONEST = Loop("honest")
NUDGED = Loop("nudged", ("W[2]",), "one weight, one step", first=STEP, after_step=nudge)
FAULTS = (
    Loop("labels smoothed", ("J", "dZ[5]"), "the loss makes 0.05 and 0.95 of 0 and 1, for itself alone",
         of_loss={"label_smoothing": 0.1}),
    Loop("squared error", ("J", "dZ[5]"), "another loss; the gradient at its output is not shown",
         loss=keras.losses.MeanSquaredError),
    Loop("leaky ReLU in one layer", ("A[2]", "dZ[2]"), "its slope goes both ways",
         activations=("relu", "leaky_relu", "relu", "relu", "sigmoid")),
    Loop("gradient clipped by the optimizer", MOMENTS, "what the tape found is right, what m and v take is not",
         settings={"clipnorm": 1e-3}),
    Loop("decay beside Adam", PARAMETERS, "it joins θ alone", settings={"weight_decay": 1e-2}),
    Loop("rate on a schedule", PARAMETERS, "step 1 still has the whole rate", first=2,
         settings={"learning_rate": keras.optimizers.schedules.ExponentialDecay(1e-3, 1, 0.5)}),
)  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_loop_without_a_fault_agrees(precision):
    certificate = certify(record(HONEST.train, small(precision)))
    assert certificate.verdict == "agrees"
    assert certificate.chain.holds


@pytest.mark.parametrize("loop", FAULTS, ids=lambda loop: loop.name)
def test_a_fault_breaks_exactly_what_is_computed_wrongly(loop):
    certificate = certify(record(loop.train, small()), naming=False)
    assert set(loop.breaks) == set(certificate.broken()), loop.because
    assert loop.first == min(first for first, _ in broken_steps(certificate).values()), loop.because


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_of_a_nudged_weight_exactly_that_step_breaks(precision):
    assert EXACTLY_THAT_STEP == found_in(record(NUDGED.train, small(precision)))


class Nudge(keras.callbacks.Callback):
    """Moves a weight after the batch of one step."""

    def on_train_batch_end(self, batch, logs=None):
        nudge(self.model.layers, int(self.model.optimizer.iterations.numpy()))


def fitting(*callbacks):
    """The article's listing with these callbacks, watched after them."""

    def train(experiment):
        in_precision(experiment)
        model = keras.Sequential([keras.Input((2,))])
        for n, activation in zip(experiment.layers, experiment.activations, strict=True):
            model.add(keras.layers.Dense(n, activation=activation))
        model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(1e-3))
        fill(model.layers, experiment)
        batches = ((X.T, Y.T) for X, Y in experiment.batches())
        watch = EveryBatch()
        yield from watch.during(
            lambda: model.fit(
                batches,
                epochs=experiment.epochs,
                steps_per_epoch=experiment.steps_per_epoch,
                shuffle=False,
                verbose=0,
                callbacks=[*callbacks, watch],
            ),
            lambda: {name: variable.numpy() for name, variable in parameters(model).items()},
        )

    return train


def test_of_a_weight_nudged_by_a_callback_of_fit_exactly_that_step_breaks_and_without_it_none():
    certificate = certify(record(fitting(), small()))
    assert certificate.verdict == "agrees"
    forms = [form for form in DIALECTS if form.name in certificate.forms]
    nudged = certify(record(fitting(Nudge()), small()), forms=forms)
    assert EXACTLY_THAT_STEP[0] == broken_steps(nudged)
