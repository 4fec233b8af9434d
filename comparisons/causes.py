"""Causes: why two runs end with different losses, one cause at a time and together.

The reference can train in any forms. So the difference between two implementations is predicted by the reference in the
one's forms and in the other's, and what each form contributes by changing it alone. What the prediction leaves over
must be rounding: no more than it leaves over between replicas of the reference in the one's forms and the other's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from comparisons.curves import Curves, curves_of
from comparisons.drift import Drift
from comparisons.references import References
from comparisons.trace import Trace
from reference.forms import Form


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
    references = References(one.experiment)
    references.train([forms, other_forms], between(forms, other_forms))
    return explained(
        Side(one, forms, curves, references.drift(forms)),
        Side(other, other_forms, other_curves, references.drift(other_forms)),
        references,
    )


def explained(one: Side, other: Side, references: References) -> Explanation:
    """The same for runs whose curves are known."""
    measured = _relative(one.curves.loss, other.curves.loss)
    base = references.curve(other.forms)
    predicted = _relative(references.curve(one.forms), base)
    left = measured - predicted
    causes = []
    for choice, mine, theirs, swapped in _swapped(one.forms, other.forms):
        gap = _relative(references.curve(swapped), base)
        causes.append(Cause(choice, _name(mine), _name(theirs), float(gap[-1]), _largest(gap)))
    # Replicas of one number had the same random moves in both sets of forms, so that each is paired with its neighbour.
    pairs = _relative(one.drift.losses_after_epochs, np.roll(other.drift.losses_after_epochs, 1, axis=0))
    return Explanation(
        one.trace.implementation, other.trace.implementation, one.trace.precision,
        float(one.curves.loss[-1]), float(other.curves.loss[-1]),
        float(measured[-1]), float(predicted[-1]), float(left[-1]), _largest(measured), _largest(left),
        _largest(pairs - predicted), len(pairs), tuple(sorted(causes, key=lambda cause: -cause.largest)),
    )  # fmt: skip


def between(one: tuple[Form, ...], other: tuple[Form, ...]) -> list[tuple[Form, ...]]:
    """The sets of forms in which the reference is asked for, when two runs in these are explained."""
    return [one, other, *(swapped for *_, swapped in _swapped(one, other))]


def _swapped(
    one: tuple[Form, ...], other: tuple[Form, ...]
) -> Iterator[tuple[str, Form | None, Form | None, tuple[Form, ...]]]:
    """Of each choice in which the two differ the forms of both, and the other's forms with the one's choice in them."""
    for choice in dict.fromkeys(form.choice for form in (*one, *other)):
        mine, theirs = _of_choice(choice, one), _of_choice(choice, other)
        if mine is not theirs:
            rest = tuple(form for form in other if form.choice != choice)
            yield choice, mine, theirs, rest if mine is None else (*rest, mine)


def _relative(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (np.asarray(one, np.float64) - other) / np.asarray(other, np.float64)


def _largest(gap: np.ndarray) -> float:
    return float(np.max(np.abs(gap)))


def _of_choice(choice: str, forms: tuple[Form, ...]) -> Form | None:
    return next((form for form in forms if form.choice == choice), None)


def _name(form: Form | None) -> str:
    return "textbook" if form is None else form.name
