"""The plants: each known form, planted in the plain loop, on an experiment in which it shows.

A plant says what must be seen of it, and that follows from what it changes: `first` is the first quantity that is not
the honest run's, in the first step that has one, in the order of computation. How well it can be seen depends on what
is shown: "named" where its numbers are its own, "one of these" where other known forms (`alike`) give the same ones,
"hidden" where the shown numbers are the honest ones, "refused" where a shown number is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from comparisons.experiment import Experiment
from tests.exam import plain
from tests.exam.experiments import (
    article,
    decaying,
    even,
    falling,
    hidden,
    large_weights,
    one_input,
    right_and_saturated,
    slow,
    steep,
    with_the_origin,
    wrong_and_saturated,
)

Seen = Literal["named", "one of these", "hidden", "refused"]
VISIBILITIES = {
    "everything": ("",),
    "gradients": ("dW[", "db[", "W[", "b["),
    "weights": ("W[", "b["),
}


def is_shown(quantity: str, visibility: str) -> bool:
    """Whether the quantity is among those of the visibility."""
    return quantity.startswith(VISIBILITIES[visibility])


@dataclass(frozen=True)
class Plant:
    """A known form in the plain loop: where, which variant, what it changes first, and who can see it."""

    name: str
    experiment: Experiment
    first: str
    number: Any = None
    step: int = 1
    kind: Literal["mistake", "dialect"] = "mistake"
    everything: Seen = "named"
    gradients: Seen = "named"
    weights: Seen = "named"
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by visibility, other forms with the same numbers

    @property
    def id(self) -> str:
        """What a test calls it."""
        variant = "" if self.number is None else f"({self.number})"
        return f"{self.name}{variant}-{self.experiment.name}-{self.experiment.precision}"

    def seen(self, visibility: str) -> Seen:
        """How well it can be seen where only this is shown."""
        return getattr(self, visibility)

    def train(self, experiment: Experiment) -> Iterator[dict[str, Any]]:
        """Train with it."""
        yield from plain.train(experiment, self.name, self.number)


def mistake(name: str, experiment: Experiment, first: str, number: Any = None, **others: Any) -> Plant:
    """A mistake."""
    return Plant(name, experiment, first, number, **others)


def dialect(name: str, experiment: Experiment, first: str, number: Any = None, **others: Any) -> Plant:
    """A convention."""
    return Plant(name, experiment, first, number, kind="dialect", **others)


def alike(**forms: tuple[str, ...]) -> dict[str, Any]:
    """Where the forms of these names give the same numbers, by visibility."""
    return {**dict.fromkeys(forms, "one of these"), "alike": forms}


OF_THE_LOSS_ALONE = {"gradients": "hidden", "weights": "hidden"}
EPSILONS = (1e-15, 1e-12, 1e-10, 1e-8, 1e-7, 1e-5)
FLOAT64 = {"precision": "float64"}

AVERAGES = (
    mistake("summed-gradient", article(), "dW[5]", **alike(gradients=("sum-for-mean",), weights=("sum-for-mean",))),
    mistake("averaged-twice", article(), "dA[5]"),
    mistake("full-batch-size", article(), "dW[5]", step=3),
    mistake("summed-weights", article(), "dW[5]"),
    mistake("summed-bias", article(), "db[5]"),
    mistake("turned-sign", article(), "dA[5]",
            **alike(gradients=("swapped-output-gradient",), weights=("swapped-output-gradient", "update-added"))),
    mistake("slope-twice", article(), "dA[5]"),
    mistake("half-the-gradient", article(), "dA[5]"),
    mistake("untransposed-forward", article(), "Z[3]"),
    mistake("untransposed-backward", article(), "dA[2]"),
    mistake("own-activation", article(), "dW[3]"),
    mistake("stale-activations", even(), "dW[5]"),
    mistake("updated-too-early", article(), "dA[4]"),
    mistake("updated-too-early", article("adam"), "dA[4]"),
    mistake("gradient-not-zeroed", article(), "dW[5]", step=2),
    mistake("gradient-not-zeroed", article("adam"), "dW[5]", step=2),
    mistake("bias-gradient-of-all-units", article(), "db[4]"),
    mistake("swapped-output-gradient", article(), "dZ[5]",
            **alike(gradients=("turned-sign",), weights=("turned-sign", "update-added"))),
)  # fmt: skip

ACTIVATIONS = (
    mistake("missing-sigmoid-slope", article(), "dZ[5]"),
    mistake("missing-sigmoid-slope", hidden("sigmoid"), "dZ[5]"),
    mistake("missing-relu-slope", article(), "dZ[4]"),
    mistake("missing-tanh-slope", hidden("tanh"), "dZ[4]"),
    mistake("slope-of-the-layer-below", article(), "dZ[3]"),
    mistake("slope-of-the-layer-above", article(), "dZ[2]"),
    mistake("slope-at-the-activation", article(), "dZ[5]"),
    mistake("slope-at-the-activation", hidden("tanh"), "dZ[5]"),
    mistake("slope-of-z", article(), "dZ[5]"),
    mistake("slope-of-z", slow("tanh"), "dZ[5]"),
    mistake("sigmoid-slope-for-relu", article(), "dZ[4]"),
    mistake("sigmoid-slope-for-relu", article(), "dZ[4]", "of A"),
    mistake("mask-from-gradient", article(), "dZ[4]"),
)

LOSS = (
    mistake("loss-in-log2", article(), "J", **OF_THE_LOSS_ALONE),
    mistake("loss-in-log10", article(), "J", **OF_THE_LOSS_ALONE),
    mistake("half-the-loss", article(), "J", **OF_THE_LOSS_ALONE),
    mistake("summed-loss", article(), "J", **OF_THE_LOSS_ALONE),
    mistake("swapped-loss", article(), "J", **OF_THE_LOSS_ALONE),
    mistake("logits-for-probabilities", article(), "A[5]"),
    mistake("probabilities-for-logits", article(), "J"),
    mistake("nan-from-log", right_and_saturated(), "J", everything="refused", **OF_THE_LOSS_ALONE),
)

MOVES = (
    mistake("bias-never-updated", article(), "b[1]"),
    mistake("bias-never-updated", article("adam"), "b[1]"),
    *(mistake("layer-never-updated", article(), f"W[{l}]", l) for l in (1, 3, 5)),
    mistake("update-added", article(), "W[1]", **alike(weights=("turned-sign", "swapped-output-gradient"))),
    mistake("update-added", article("adam"), "W[1]", **alike(weights=("turned-sign", "swapped-output-gradient"))),
    *(
        mistake("doubled-learning-rate", article(kind), "W[1]")
        for kind in ("gradient-descent", "momentum", "nesterov", "rmsprop", "adam")
    ),
    mistake("decayed-learning-rate", article(), "W[1]", step=2),
    *(mistake("decayed-learning-rate", article(), "W[1]", c, step=4) for c in (0.5, 0.9, 0.95, 0.96, 0.99)),
    *(mistake("l2-on-the-gradient", article(**FLOAT64), "dW[5]", rate) for rate in (0.1, 0.01, 1e-3, 5e-4, 1e-4, 1e-5)),
    *(mistake("l2-on-the-gradient", article("adam", **FLOAT64), "dW[5]", rate) for rate in (0.01, 1e-4)),
    *(mistake("clipped-gradient-values", steep(), "dW[2]", c) for c in (0.01, 0.1, 0.5, 1, 5)),
    *(mistake("clipped-gradient-norm", steep(), "dW[2]", c) for c in (0.1, 0.5, 1, 5)),
    *(mistake("clipped-weights", large_weights(), "W[1]", c) for c in (0.01, 0.1, 0.5, 1, 2)),
)

OPTIMIZERS = (
    mistake("uncorrected-adam", article("adam"), "W[1]"),
    mistake("adam-time-off", article("adam"), "W[1]", "ahead"),
    mistake("adam-time-off", article("adam"), "W[1]", "epochs", step=2),
    mistake("adam-time-off", article("adam"), "W[1]", "behind", step=2),
    mistake("constant-correction", article("adam"), "W[1]", step=2),
    mistake("swapped-betas", article("adam"), "m_W[1]"),
    mistake("shared-moments", one_input("momentum"), "m_b[1]"),
    mistake("shared-moments", one_input("adam"), "m_b[1]"),
    mistake("second-moment-of-the-first", article("adam"), "v_W[1]"),
    mistake("unused-momentum", article("momentum"), "W[1]", step=2),
    mistake("unused-momentum", article("nesterov"), "W[1]"),
    mistake("unused-momentum", article("adam"), "W[1]"),
)

DATA = (
    mistake("same-batch", article(), "A[0]", step=2),
    mistake("unshuffled", article(), "A[0]"),
    mistake("shuffled-once", article(), "A[0]", step=4),
    mistake("shuffled-labels", article(), "Y"),
    mistake("labels-of-the-batch-before", even(), "Y", step=2),
)

PRECISION = (
    mistake("float32-inside", article(**FLOAT64), "Z[1]"),
    mistake("float32-inside", article("adam", **FLOAT64), "Z[1]"),
    mistake("float16-inside", article(), "A[0]"),
    mistake("float16-inside", article(**FLOAT64), "A[0]"),
)

SAME = ("everything", "gradients", "weights")
LIKE_VELOCITY = alike(**dict.fromkeys(SAME, ("velocity",)))
LIKE_BY_DIFFERENCE = alike(**dict.fromkeys(SAME, ("nesterov-by-difference",)))

DIALECTS = (
    dialect("sum-for-mean", article(), "J", **alike(gradients=("summed-gradient",), weights=("summed-gradient",))),
    dialect("relu-slope-1-at-zero", with_the_origin(), "dZ[4]"),
    dialect("relu-slope-half-at-zero", with_the_origin(), "dZ[4]"),
    *(dialect("log-epsilon", wrong_and_saturated(), "J", epsilon) for epsilon in EPSILONS),
    *(dialect("clipped-outputs", wrong_and_saturated(), "J", epsilon) for epsilon in EPSILONS),
    dialect("adam-epsilon-in-the-root", article("adam-of-large-epsilon"), "W[1]"),
    dialect("momentum-as-an-average", article("momentum"), "m_W[1]"),
    dialect("velocity", falling("momentum"), "m_W[1]"),
    dialect("velocity", falling("nesterov"), "m_W[1]", **LIKE_BY_DIFFERENCE),
    dialect("nesterov-by-difference", falling("nesterov"), "m_W[1]", **LIKE_VELOCITY),
    dialect("amsgrad", article("adam-of-short-memory"), "W[1]", step=2),
    dialect("slots-start-at-one", article("rmsprop"), "v_W[1]"),
    dialect("slots-start-at-one", article("centered"), "v_W[1]"),
    dialect("rate-in-float32", article(**FLOAT64), "W[1]"),
    dialect("betas-in-float32", article("adam", **FLOAT64), "m_W[1]"),
    dialect("decay-of-weights-only", decaying("coupled"), "g_b[1]", step=2),
    dialect("decay-of-weights-only", decaying("decoupled", "adam"), "kept_b[1]", step=2),
    dialect("decay-without-half", decaying("coupled"), "g_W[1]"),
    dialect("decay-without-half", decaying("coupled", "adam"), "g_W[1]"),
)

ELSEWHERE = (  # the commonest ones, under other optimizers, activations and in float64
    mistake("summed-gradient", article("momentum"), "dW[5]",
            **alike(gradients=("sum-for-mean",), weights=("sum-for-mean",))),
    mistake("summed-gradient", article("adam", **FLOAT64), "dW[5]",
            **alike(gradients=("sum-for-mean",), weights=("sum-for-mean",))),
    mistake("averaged-twice", hidden("tanh"), "dA[5]"),
    mistake("full-batch-size", article("adam"), "dW[5]", step=3),
    mistake("summed-bias", article("rmsprop"), "db[5]"),
    mistake("turned-sign", article("nesterov"), "dA[5]",
            **alike(gradients=("swapped-output-gradient",), weights=("swapped-output-gradient", "update-added"))),
    mistake("slope-twice", article("adam"), "dA[5]"),
    mistake("untransposed-backward", hidden("leaky-relu"), "dA[2]"),
    mistake("own-activation", hidden("sigmoid"), "dW[3]"),
    mistake("stale-activations", even("adam"), "dW[5]"),
    mistake("bias-gradient-of-all-units", article("adam"), "db[4]"),
    mistake("missing-relu-slope", article("adam"), "dZ[4]"),
    mistake("missing-tanh-slope", hidden("tanh", "adam", name="hidden-tanh-adam"), "dZ[4]"),
    mistake("mask-from-gradient", article("momentum", **FLOAT64), "dZ[4]"),
    mistake("summed-loss", article("adam", **FLOAT64), "J", **OF_THE_LOSS_ALONE),
    mistake("doubled-learning-rate", falling("adam"), "W[1]"),
    mistake("same-batch", article("adam"), "A[0]", step=2),
    mistake("unshuffled", article("rmsprop"), "A[0]"),
)  # fmt: skip

MISTAKES = (*AVERAGES, *ACTIVATIONS, *LOSS, *MOVES, *OPTIMIZERS, *DATA, *PRECISION, *ELSEWHERE)
PLANTS = (*MISTAKES, *DIALECTS)
