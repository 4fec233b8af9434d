"""Mistakes in the optimizer: how the parameters are moved, and with which gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from comparisons.experiment import Experiment
from comparisons.mistakes.averages import added_up
from comparisons.mistakes.known import (
    Forms,
    Known,
    Only,
    always,
    bias_updates,
    gradients,
    variant,
    with_the_rate,
)
from comparisons.mistakes.rates import decayed, instead_of_alpha, twice
from reference.alphabet import Array
from reference.dialects import bias_correction
from reference.forms import Change, Form
from reference.network import Equation, Network, Ref, before, elementwise, now
from reference.optimizers import accumulated, adam_step, descent_step, first_moment, second_moment


@elementwise
def unmoved(theta: Array) -> Array:
    """theta"""
    return 1 * theta


def no_correction(t: Array) -> Array:
    """1"""
    return 1.0 * (t > 0)


def constant_correction(t: Array, *, beta: float) -> Array:
    """1 − beta"""
    return (1 - beta) * (t > 0)


def correction_one_late(t: Array, *, beta: float) -> Array:
    """1 − betaᵗ⁺¹"""
    return 1 - beta ** (t + 1)


def correction_one_early(t: Array, *, beta: float) -> Array:
    """1 − betaᵗ⁻¹, and 1 − beta at the first step"""
    return 1 - beta ** (t - 1 * (t > 1))


@cache
def correction_by_epochs(per_epoch: int, epochs: int) -> Callable[..., Array]:
    """Adam's time counts epochs."""

    def correction(t: Array, *, beta: float) -> Array:
        """1 − beta to the number of the epoch"""
        return 1 - beta ** (1 + 0 * t + sum(1 * (t > per_epoch * k) for k in range(1, epochs)))

    return correction


def layer_never_updated(experiment: Experiment) -> Iterable[Form]:
    """One for each layer."""
    if len(experiment.layers) > 1:
        for number in range(1, len(experiment.layers) + 1):
            yield variant(f"layer {number}", frozen(of_layer(number)))
        for number in range(1, len(experiment.layers) + 1):
            own = of_layer(number)
            yield variant(f"layer {number}, not handed to the optimizer", frozen(own), adding_up(gradients_of(own)))


def bias_never_updated(experiment: Experiment) -> Iterable[Form]:
    """Held, or never handed to an optimizer that would set its gradient back to 0."""
    yield variant("", frozen(bias_updates))
    own = adding_up(lambda e, n: gradients(e, n) and e.defines.startswith("db["))
    yield variant("not handed to the optimizer", frozen(bias_updates), own)


def gradients_of(only: Only) -> Only:
    """dW[1] where it is W[1] that is picked."""

    def picked(equation: Equation, network: Network) -> bool:
        theta = equation.defines.removeprefix("d")
        return gradients(equation, network) and only(network.by_name[theta], network)

    return picked


def adding_up(only: Only) -> Change:
    """Gradients that nobody sets back to 0."""
    return Change(only=only, wrap=added_up, reads={"total": lambda e: before(e.defines)}, start=0.0)


def of_layer(number: int) -> Only:
    """W and b of one layer."""
    return lambda equation, network: equation.defines in (f"W[{number}]", f"b[{number}]")


def frozen(only: Only) -> Change:
    """Stays as it was."""
    return Change(to=unmoved, reads={"theta": lambda e: before(e.defines)}, only=only)


def of_adam(*changes: Change) -> Forms:
    """Only with Adam."""
    return lambda experiment: [variant("", *changes)] if experiment.optimizer.kind == "adam" else []


def adam_time_off(experiment: Experiment) -> Iterable[Form]:
    """Of another t."""
    if experiment.optimizer.kind == "adam":
        per_epoch, epochs = experiment.steps_per_epoch, experiment.epochs
        yield variant("t is one too large", Change(bias_correction, correction_one_late))
        yield variant("t is one too small", Change(bias_correction, correction_one_early))
        yield variant("t counts epochs", Change(bias_correction, correction_by_epochs(per_epoch, epochs)))


def swapped_betas(experiment: Experiment) -> Iterable[Form]:
    """In the moments and in their corrections."""
    if experiment.optimizer.kind == "adam":
        b1, b2 = experiment.optimizer.beta1, experiment.optimizer.beta2
        yield variant(
            "",
            Change(first_moment, constants={"beta1": always(b2)}),
            Change(second_moment, constants={"beta2": always(b1)}),
            Change(bias_correction, constants={"beta": lambda beta: b2 if beta == b1 else b1}),
        )


def shared_moments(experiment: Experiment) -> Iterable[Form]:
    """One m, and one v, for W and then b of a layer with one input: elsewhere the shapes do not let it pass."""
    slots = {"adam": {"m": first_moment, "v": second_moment}, "momentum": {"m": accumulated},
             "rmsprop": {"v": second_moment}}.get(experiment.optimizer.kind, {})  # fmt: skip

    def of(letter: str, kind: str) -> Only:
        def fits(equation: Equation, network: Network) -> bool:
            if not equation.defines.startswith(f"{kind}_{letter}["):
                return False
            number = equation.defines.partition("[")[2]
            return network.shapes[f"W[{number}"] == network.shapes[f"b[{number}"]

        return fits

    changes = []
    for kind, by in slots.items():
        other = {"W": "b", "b": "W"}
        for letter, at in (("W", before), ("b", now)):
            reads = {kind: lambda e, k=kind, a=at, o=other[letter]: a(f"{k}_{o}[{e.defines.partition('[')[2]}")}
            changes.append(Change(by, reads=reads, only=of(letter, kind)))
    if changes:
        yield variant("", *changes)


def unused_momentum(experiment: Experiment) -> Iterable[Form]:
    """The gradient itself, where m belongs."""

    def gradient(e: Equation) -> Ref:
        return now(f"d{e.defines}")

    if experiment.optimizer.kind in ("momentum", "nesterov"):
        yield variant("", Change(descent_step, reads={"g": gradient}))
    if experiment.optimizer.kind == "adam":
        yield variant("", Change(adam_step, reads={"m": gradient}))


def first_of(e: Equation) -> Ref:
    """m_W[1] for the equation of v_W[1]."""
    return now(f"m{e.defines.removeprefix('v')}")


STEPS = (
    Known(
        "bias-never-updated", "mistake", "b[l]",
        says="Biases keep their start values: their gradients are computed and then forgotten.",
        wrong="W -= rate * dW", right="W -= rate * dW; b -= rate * db",
        shows="b is the same at every step.",
        seen="mattm/simple-neural-network#5; nntrainer/nntrainer#219",
        forms=bias_never_updated,
    ),
    Known(
        "layer-never-updated", "mistake", "W[l], b[l]",
        says="One layer keeps its start values: a loop that begins or ends one too early, a layer that was not "
        "handed to the optimizer.",
        wrong="for l in range(1, L): update(l)", right="for l in range(1, L + 1): update(l)",
        shows="W and b of that layer are the same at every step.",
        seen="a loop that ends one too early: dustinstansbury/medal#4; layers in a list, which PyTorch does not look "
        "into: pytorch/pytorch#59925",
        forms=layer_never_updated,
    ),
    Known(
        "update-added", "mistake", "W[l], b[l]",
        says="The step is added where it should be subtracted, so that training climbs.",
        wrong="W += rate * dW", right="W -= rate * dW",
        shows="The loss rises from the first step on; gradients hold.",
        seen="in a tutorial's text: pytorch/pytorch#1871",
        forms=lambda experiment: [instead_of_alpha("minus_alpha", with_the_rate)],
    ),
    Known(
        "doubled-learning-rate", "mistake", "W[l], b[l]",
        says="Each step is twice as long: a factor 2 too many, or a loss and a rate that both carry it.",
        wrong="W -= 2 * rate * dW", right="W -= rate * dW",
        shows="Every parameter moves by twice what its gradient asks for.",
        seen="taichi-dev/taichi-nerfs#75",
        forms=lambda experiment: [twice(with_the_rate)],
    ),
    Known(
        "decayed-learning-rate", "mistake", "W[l], b[l]",
        says="The learning rate falls silently from step to step or from epoch to epoch, where a constant one was "
        "meant.",
        wrong="optimizer = SGD(rate, decay=rate / epochs)", right="optimizer = SGD(rate)",
        shows="The first steps hold, then parameters move less and less.",
        seen="Keras's decay, which acts at every batch: keras-team/keras#2808, keras-team/keras#9938",
        forms=lambda experiment: decayed(experiment, with_the_rate),
    ),
    Known(
        "uncorrected-adam", "mistake", "W[l], b[l]",
        says="Adam's moments are used as they are, without the correction for their start at 0.",
        wrong="W -= rate * m / (np.sqrt(v) + eps)", right="W -= rate * (m / c1) / (np.sqrt(v / c2) + eps)",
        shows="The first step is about 3 times too long, later ones approach the right ones.",
        seen="ml-explore/mlx#1640; oxiglade/mlx-rs#301",
        forms=of_adam(Change(bias_correction, no_correction)),
    ),
    Known(
        "adam-time-off", "mistake", "W[l], b[l]",
        says="Adam's time does not count steps from 1: it starts at another number, or counts epochs.",
        wrong="m_hat = m / (1 - beta1 ** epoch)", right="t += 1; m_hat = m / (1 - beta1**t)",
        shows="The first steps are too long or too short; the difference fades with the steps.",
        seen="t counted epochs: root-project/root#5042; t began at 2: cs231n/cs231n.github.io#179; t counted "
        "parameters: DiffSharp/DiffSharp#292",
        forms=adam_time_off,
    ),
    Known(
        "constant-correction", "mistake", "W[l], b[l]",
        says="Adam's correction is 1 − β at every step: the power of t is missing.",
        wrong="m_hat = m / (1 - beta1)", right="m_hat = m / (1 - beta1**t)",
        shows="The first step holds, later ones are too short: by √(1 − β₂)/(1 − β₁), which is 0.3, or about.",
        seen="eriklindernoren/ML-From-Scratch#35",
        forms=of_adam(Change(bias_correction, constant_correction)),
    ),
    Known(
        "swapped-betas", "mistake", "m, v",
        says="Adam's two β change places, so that the first moment is slow and the second fast.",
        wrong="Adam(beta1=0.999, beta2=0.9)", right="Adam(beta1=0.9, beta2=0.999)",
        shows="The first step holds but for ε, since the corrections hide it; later ones are broken.",
        forms=swapped_betas,
    ),
    Known(
        "shared-moments", "mistake", "m, v",
        says="Moments are kept for each layer and not for each parameter: W and b change the same m and v.",
        wrong="m[l] = beta1 * m[l] + (1 - beta1) * g  # for W, then for b", right='m["W", l] = …; m["b", l] = …',
        shows="Only layers with one input let it pass; elsewhere shapes refuse it.",
        forms=shared_moments,
    ),
    Known(
        "second-moment-of-the-first", "mistake", "v",
        says="The second moment averages the squares of m, not of the gradient.",
        wrong="v = beta2 * v + (1 - beta2) * m**2", right="v = beta2 * v + (1 - beta2) * g**2",
        shows="v is 100 times too small at the first step, so that the step is 10 times too long.",
        forms=of_adam(Change(second_moment, reads={"g": first_of})),
    ),
    Known(
        "unused-momentum", "mistake", "W[l], b[l]",
        says="m is computed and kept, but the step goes along the gradient itself.",
        wrong="m = mu * m + g; W -= rate * g", right="m = mu * m + g; W -= rate * m",
        shows="m holds, the parameters are broken from the second step on.",
        seen="in another optimizer, SCION: kozistr/pytorch_optimizer#385",
        forms=unused_momentum,
    ),
)  # fmt: skip
