"""The article's claims C1 to C7, each by running it: measured evidence, and whether it holds.

A claim is about an experiment, by default the article's, and each can be false of another one: the tests run such an
experiment for every claim. Where a claim says "the same", balls decide; where it says "more", the numbers do.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.balls import Ball
from comparisons.composed import given_by, network_of
from comparisons.experiment import Experiment, GradientDescent
from comparisons.precisions import PRECISIONS
from comparisons.wording import listed, loss, multiple, percent
from reference.alphabet import Array
from reference.learned import behind, loss_and_accuracy, output_of
from reference.levels import LEVELS
from reference.network import Network, Ref, before, now
from reference.running import evaluate
from reference.tape import replayed

CLOSE_TO_ALL = 0.99  # "close to 100 %": what this project asks of every implementation
N_TIMES = 5  # the fastest of so many is the time of a level: others may be at work on the same processor
STEP = 1e-30  # of the complex step: so small that its square is 0, and nothing is rounded away


@dataclass(frozen=True)
class Evidence:
    """What was measured, in lines, and whether the claim holds of the experiment."""

    holds: bool
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """One claim of the article, and the function that puts it to the test."""

    name: str
    says: str
    measure: Callable[[Experiment], Evidence]


def reaches_close_to_all(experiment: Experiment) -> Evidence:
    """C1: train every installed implementation on its own, and look at its training accuracy."""
    from comparisons.implementations.registry import BUILT_IN
    from comparisons.run import recorded

    installed = [one for one in BUILT_IN if not one.missing]
    with tempfile.TemporaryDirectory() as folder:
        reached = recorded(experiment, installed, Path(folder))
    lines = tuple(f"{name}: training accuracy {percent(accuracy)}" for name, accuracy in reached.items())
    return Evidence(all(accuracy is not None and accuracy >= CLOSE_TO_ALL for accuracy in reached.values()), lines)


def levels_give_one_result(experiment: Experiment) -> Evidence:
    """C2: the three levels on the start values and the first batch, judged by the balls of the vectorised equations."""
    parameters, (X, _) = experiment.initial(), next(experiment.batches())
    precision = PRECISIONS[experiment.precision]
    values: dict[str, dict[str, Array]] = {}
    seconds: dict[str, float] = {}
    for name, level in LEVELS.items():
        with np.errstate(all="ignore"):
            for _ in range(N_TIMES):
                began = time.perf_counter()
                values[name] = level(parameters, X, experiment.activations)
                seconds[name] = min(seconds.get(name, np.inf), time.perf_counter() - began)
    worst = dict.fromkeys(LEVELS, 0.0)
    network = network_of(experiment)
    for name, level_values in values.items():
        known = {now(quantity): Ball.recorded(value, precision) for quantity, value in level_values.items()}
        known |= {before(quantity): Ball.recorded(value, precision) for quantity, value in parameters.items()}
        with np.errstate(all="ignore"):
            for equation in behind(network, [output_of(network)]):
                ball, actual = equation.value(known), np.asarray(level_values[equation.defines], np.float64)
                error = np.abs(actual - ball.mid)
                ratio = np.where(error == 0, 0.0, error / ball.radius)
                worst[name] = max(worst[name], float(np.max(np.where(np.isfinite(ratio), ratio, np.inf))))
    lines = [
        f"{name}: {1e6 * seconds[name]:.0f} µs for {X.shape[1]} examples, worst error {multiple(worst[name])} × bound"
        for name in LEVELS
    ]
    is_fastest = min(seconds, key=lambda name: seconds[name]) == "vectorised"
    return Evidence(is_fastest and all(ratio <= 1 for ratio in worst.values()), tuple(lines))


def linear_layers_collapse(experiment: Experiment) -> Evidence:
    """C3: without activations the trained layers are one affine map, and no better than logistic regression.

    The loss of an affine map is convex in its coefficients. So with the regression's own loss J₀ and gradient ∇J₀, no
    affine map's loss lies below J₀ + ∇J₀ · (its coefficients − the regression's).
    """
    hidden = experiment.activations[:-1]
    taken = experiment
    if experiment.name in ("article", "gradient-descent"):
        taken = experiment.but(activations=("linear",) * len(hidden) + experiment.activations[-1:])
    taken = taken.but(precision="float64")
    X, Y = taken.train_set()
    network = network_of(taken)
    parameters = _trained(taken)
    slope, offset = _affine(parameters)
    gap, bound = _distance_from_affine(network, parameters, X, slope, offset)
    regression = taken.but(
        layers=(1,), activations=("sigmoid",), optimizer=GradientDescent(learning_rate=1.0),
        batch_size=X.shape[1], epochs=500,
    )  # fmt: skip
    fitted = _trained(regression)
    loss0, accuracy0 = loss_and_accuracy(network_of(regression), fitted, X, Y)
    w0, b0 = fitted["W[1]"], fitted["b[1]"]
    A0 = 1 / (1 + np.exp(-(w0 @ X + b0)))
    gradient = ((A0 - Y) @ X.T / X.shape[1], (A0 - Y).mean())
    least = loss0 + float((gradient[0] * (slope - w0)).sum() + gradient[1] * (offset - b0).sum())
    own, own_accuracy = loss_and_accuracy(network, parameters, X, Y)
    is_one_map, is_no_better = gap <= bound, float(own) >= least
    return Evidence(
        bool(is_one_map and is_no_better),
        (
            f"activations {listed(taken.activations)}: {len(taken.layers)} layers differ from their one affine map by "
            f"{multiple(gap)} at most, rounding explains {multiple(bound)}",
            f"loss {loss(float(own))}, accuracy {percent(float(own_accuracy))}; no affine map can have a loss below "
            f"{loss(least)}",
            f"logistic regression by gradient descent: loss {loss(float(loss0))}, accuracy {percent(float(accuracy0))}",
        ),
    )


def _after_each_epoch(experiment: Experiment) -> Iterator[dict[str, Array]]:
    """The parameters after each epoch; loss and accuracy are worked out by whoever needs them."""
    network = network_of(experiment)
    steps = replayed(network, experiment.initial(), given_by(experiment), network.parameters)
    for step, values in enumerate(steps, 1):
        if step % experiment.steps_per_epoch == 0:
            yield {name: value.copy() for name, value in values.items()}


def _trained(experiment: Experiment) -> dict[str, Array]:
    """The parameters after the last epoch."""
    return deque(_after_each_epoch(experiment), maxlen=1).pop()


def _curves(experiment: Experiment) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Loss and accuracy on the training set: with the start values, and after each epoch."""
    network, (X, Y) = network_of(experiment), experiment.train_set()
    looked_at = itertools.chain([experiment.initial()], _after_each_epoch(experiment))
    both = [loss_and_accuracy(network, parameters, X, Y) for parameters in looked_at]
    return tuple(float(one) for one, _ in both), tuple(float(one) for _, one in both)


_kept_curves = functools.lru_cache(maxsize=1)(_curves)  # what C4 has trained is also one of the four of C7


def _affine(parameters: Mapping[str, Any]) -> tuple[Any, Any]:
    """W[L] ⋯ W[1] and the offset that comes with it."""
    slope, offset = parameters["W[1]"], parameters["b[1]"]
    for number in range(2, len(parameters) // 2 + 1):
        W, b = parameters[f"W[{number}]"], parameters[f"b[{number}]"]
        slope, offset = W @ slope, W @ offset + b
    return slope, offset


def _distance_from_affine(
    network: Network, parameters: dict[str, Array], X: Array, slope: Array, offset: Array
) -> tuple[float, float]:
    """The largest distance between Z[L] of the network and of the affine map, and the largest radius of Z[L]'s ball."""
    precision = PRECISIONS["float64"]
    last = output_of(network).replace("A", "Z")
    exact = {before(name): Ball.recorded(value, precision) for name, value in parameters.items()}
    plain = {before(name): value for name, value in parameters.items()}
    equations = behind(network, [last])
    ball = evaluate(equations, {**exact, now("A[0]"): Ball.recorded(X, precision)})[now(last)]
    Z = evaluate(equations, {**plain, now("A[0]"): X})[now(last)]
    affine_slope, affine_offset = _affine({name: exact[before(name)] for name in parameters})
    affine = affine_slope @ Ball.recorded(X, precision) + affine_offset
    return float(np.abs(Z - (slope @ X + offset)).max()), float((ball.radius + affine.radius).max())


def loss_falls_accuracy_rises(experiment: Experiment) -> Evidence:
    """C4: loss and accuracy of the start values, and after the epochs."""
    losses, accuracies = _kept_curves(experiment)
    shown = sorted({0, 1, len(losses) // 4, len(losses) // 2, len(losses) - 1})
    lines = tuple(f"after {at} epochs: loss {loss(losses[at])}, accuracy {percent(accuracies[at])}" for at in shown)
    return Evidence(losses[-1] < losses[0] and accuracies[-1] > accuracies[0], lines)


def learning_rate_matters(experiment: Experiment) -> Evidence:
    """C5: gradient descent with α, α/1000 and 1000 α: the small one is still on its way, the large never arrives."""
    alpha = experiment.optimizer.learning_rate
    if not isinstance(experiment.optimizer, GradientDescent):
        alpha = GradientDescent().learning_rate
    curves = {}
    for factor in (1e-3, 1.0, 1e3):
        taken = experiment.but(optimizer=GradientDescent(learning_rate=alpha * factor))
        with np.errstate(all="ignore"):
            curves[alpha * factor], _ = _curves(taken)
    small, right, large = curves.values()
    is_slow = right[-1] < small[-1] < small[0]
    misses = not (large[-1] <= right[-1])  # NaN and ∞ miss it too
    lines = tuple(
        f"α = {rate:g}: loss {curve[0]:.4g} at the start, {curve[-1]:.4g} at the end" for rate, curve in curves.items()
    )
    return Evidence(is_slow and misses, lines)


def gradients_are_derivatives(experiment: Experiment) -> Evidence:
    """C6: dW and db have the shapes of W and b, and are the derivatives of J that the complex step finds.

    With the parameters after an epoch, and the first batch: at the start, where biases are 0, an example for which a
    whole layer is inactive lies exactly on the kinks of the next, and there J has no derivative.

    Error: the complex step subtracts nothing, so that it is exact but for the roundings of the same operations; both
    lie in the ball of the gradient's equation, computed in float64 from hidden quantities, if they are right.
    """
    taken = experiment.but(precision="float64")
    network = network_of(taken)
    start = next(_after_each_epoch(taken))
    given = next(given_by(taken))
    values = {now(name): value for name, value in given.items()} | {before(name): v for name, v in start.items()}
    gradients = [f"d{name}" for name in network.parameters]
    plain = evaluate(behind(network, gradients), dict(values))
    precision = PRECISIONS["float64"]
    balls = evaluate(
        behind(network, gradients),
        {ref: Ball.recorded(v, precision) if isinstance(v, np.ndarray) else v for ref, v in values.items()},
    )
    have_shapes, worst = True, 0.0
    for name in network.parameters:
        dW = plain[now(f"d{name}")]
        have_shapes &= dW.shape == start[name].shape
        derivative = _complex_step(network, values, name)
        error = np.abs(derivative - balls[now(f"d{name}")].mid)
        radius = balls[now(f"d{name}")].radius
        with np.errstate(all="ignore"):
            worst = max(worst, float(np.max(np.where(error == 0, 0.0, error / radius))))
    lines = (
        f"{len(gradients)} gradients have the shapes of their parameters: {'yes' if have_shapes else 'no'}",
        f"worst distance of the complex step's derivatives from the gradients: {multiple(worst)} of the bound",
    )
    return Evidence(bool(have_shapes and worst <= 1), lines)


def _complex_step(network: Network, values: dict[Ref, Array], name: str) -> Array:
    """∂J/∂θ of every number of a parameter: the imaginary part of J at θ + i h, over h."""
    theta = values[before(name)]
    equations = behind(network, ["J"])
    derivative = np.empty_like(theta)
    for index in np.ndindex(theta.shape):
        moved = theta.astype(complex)
        moved[index] += 1j * STEP
        derivative[index] = evaluate(equations, {**values, before(name): moved})[now("J")].imag.item() / STEP
    return derivative


def activation_changes_speed(experiment: Experiment) -> Evidence:
    """C7: the same experiment with each activation in the hidden layers: how many epochs each takes to the first loss
    that the slowest one reaches."""
    curves = {}
    for activation in ("relu", "leaky-relu", "tanh", "sigmoid"):
        hidden = (activation,) * (len(experiment.layers) - 1)
        taken = experiment.but(activations=(*hidden, experiment.activations[-1]))
        curves[activation] = np.array(_kept_curves(taken)[0][1:])
    goal = max(float(curve.min()) for curve in curves.values())
    epochs = {name: int(np.argmax(curve <= goal)) + 1 for name, curve in curves.items()}
    lines = tuple(
        f"{name}: loss {loss(goal)} after {epochs[name]} epochs, {loss(float(curve[-1]))} at the end"
        for name, curve in curves.items()
    )
    return Evidence(len(set(epochs.values())) > 1, lines)


CLAIMS = (
    Claim("C1", "the listing reaches close to 100 % on the two circles, and so does every other implementation",
          reaches_close_to_all),
    Claim("C2", "neuron by neuron, layer by layer, vectorised over examples: one result, to rounding; vectorised is "
          "the fast one", levels_give_one_result),
    Claim("C3", "without activations the layers collapse to one affine map, and do no better than logistic regression",
          linear_layers_collapse),
    Claim("C4", "loss falls, accuracy rises", loss_falls_accuracy_rises),
    Claim("C5", "α too small is slow, too large misses the minimum", learning_rate_matters),
    Claim("C6", "dW, db have the shapes of W, b, and are the true derivatives", gradients_are_derivatives),
    Claim("C7", "the choice of activation changes the speed of learning", activation_changes_speed),
)  # fmt: skip


def measured(names: list[str], experiment: Experiment) -> Iterator[tuple[Claim, Evidence]]:
    """The claims of these names, one after the other, with their evidence. Error: KeyError for an unknown name."""
    by_name = {claim.name: claim for claim in CLAIMS}
    for name in names or list(by_name):
        yield by_name[name], by_name[name].measure(experiment)
