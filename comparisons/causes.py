"""Causes: why two runs end with different losses, one cause at a time and together.

The reference can train in any forms. So the difference between two implementations is predicted by the reference in the
one's forms and in the other's, and what each form contributes by changing it alone. What the prediction leaves over
must be rounding: no more than it leaves over between replicas of the reference in the one's forms and the other's.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from comparisons.composed import given_by, network_of
from comparisons.curves import N_EPOCHS, Curves, curves_of
from comparisons.drift import Drift, drift_of
from comparisons.experiment import Experiment
from comparisons.portions import losses_and_accuracies
from comparisons.trace import Trace
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.tape import replayed

Kept = dict[tuple[str, ...], np.ndarray]


class Side(NamedTuple):
    """One of the two runs, the forms in which it computes, its curves, and replicas of the reference in these forms."""

    trace: Trace
    forms: tuple[Form, ...]
    curves: Curves
    drift: Drift


@dataclass(frozen=True)
class Cause:
    """One choice in which the two differ: the forms of each ("textbook" among them), and what it alone contributes.

    `last` is the relative difference of the losses after the last epoch, `largest` the largest after any.
    """

    choice: str
    one: str
    other: str
    last: float
    largest: float


@dataclass(frozen=True)
class Explanation:
    """The relative difference of two loss curves, as measured, as predicted, and what is left over.

    Each is (J of one − J of other)/J of other, J on the training set after the last epoch; `largest_…` over all epochs.
    `by_rounding` is the largest that is left over, likewise, of any of `n_replicas` pairs of correct replicas.
    """

    one: str
    other: str
    precision: str
    loss_one: float
    loss_other: float
    measured: float
    predicted: float
    unexplained: float
    largest_measured: float
    largest_unexplained: float
    by_rounding: float
    n_replicas: int
    causes: tuple[Cause, ...]


def explain(one: Trace, forms: tuple[Form, ...], other: Trace, other_forms: tuple[Form, ...]) -> Explanation | None:
    """Explain the difference between two runs by the forms in which they compute; None where weights are not shown."""
    curves, other_curves = curves_of(one), curves_of(other)
    if curves is None or other_curves is None:
        return None
    return explained(
        Side(one, forms, curves, drift_of(one.experiment, forms)),
        Side(other, other_forms, other_curves, drift_of(other.experiment, other_forms)),
        {},
    )


def explained(one: Side, other: Side, kept: Kept) -> Explanation:
    """The same for runs whose curves are known; `kept` has the reference's curve in each set of forms that was run."""
    experiment = one.trace.experiment
    measured = _relative(one.curves.loss, other.curves.loss)
    base = _curve(experiment, other.forms, kept)
    predicted = _relative(_curve(experiment, one.forms, kept), base)
    left = measured - predicted
    causes = []
    for choice in dict.fromkeys(form.choice for form in (*one.forms, *other.forms)):
        mine, theirs = _of_choice(choice, one.forms), _of_choice(choice, other.forms)
        if mine is theirs:
            continue
        swapped = tuple(f for f in other.forms if f.choice != choice) + (() if mine is None else (mine,))
        gap = _relative(_curve(experiment, swapped, kept), base)
        causes.append(Cause(choice, _name(mine), _name(theirs), float(gap[-1]), _largest(gap)))
    # Replicas of one number had the same random moves in both sets of forms, so that each is paired with its neighbour.
    pairs = _relative(one.drift.losses_after_epochs, np.roll(other.drift.losses_after_epochs, 1, axis=0))
    return Explanation(
        one.trace.implementation, other.trace.implementation, one.trace.precision,
        float(one.curves.loss[-1]), float(other.curves.loss[-1]),
        float(measured[-1]), float(predicted[-1]), float(left[-1]), _largest(measured), _largest(left),
        _largest(pairs - predicted), len(pairs), tuple(sorted(causes, key=lambda cause: -cause.largest)),
    )  # fmt: skip


def _curve(experiment: Experiment, forms: tuple[Form, ...], kept: Kept) -> np.ndarray:
    """The reference's loss on the training set after each epoch, in these forms."""
    ordered = tuple(form for form in DIALECTS if form in forms)
    key = tuple(form.name for form in ordered)
    if key not in kept:
        network = in_form(network_of(experiment), *ordered)
        steps = replayed(network, experiment.initial(), given_by(experiment), network.parameters)
        ends = (
            {name: value.copy() for name, value in step.items()}
            for step in itertools.islice(steps, experiment.steps_per_epoch - 1, None, experiment.steps_per_epoch)
        )
        losses, (X, Y) = [], experiment.train_set()
        while some := list(itertools.islice(ends, N_EPOCHS)):
            weights = {name: np.stack([step[name] for step in some]) for name in network.parameters}
            losses.append(losses_and_accuracies(network_of(experiment), weights, X, Y)[0])
        kept[key] = np.concatenate(losses)
    return kept[key]


def _relative(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (np.asarray(one, np.float64) - other) / np.asarray(other, np.float64)


def _largest(gap: np.ndarray) -> float:
    return float(np.max(np.abs(gap)))


def _of_choice(choice: str, forms: tuple[Form, ...]) -> Form | None:
    return next((form for form in forms if form.choice == choice), None)


def _name(form: Form | None) -> str:
    return "textbook" if form is None else form.name
