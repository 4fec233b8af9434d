"""Placing: a whole run among the replicas of the reference, in the forms in which its certificate may be read.

A certificate leaves forms open that it could not tell apart. Equal in exact arithmetic, they round differently, and a
whole run remembers it: the first steps tell which of them lies closest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from comparisons.curves import curves_of
from comparisons.drift import Drift, Names, names_of
from comparisons.references import N_FIRST_STEPS, References
from comparisons.trace import Trace
from reference.dialects import DIALECTS
from reference.forms import Form

Read = tuple[Trace, Sequence[str], Mapping[str, Sequence[str]]]  # a run, its certificate's forms, those left open


@dataclass(frozen=True)
class Score:
    """One run among the replicas of the reference in its own forms.

    `rank` of `n_replicas` replicas score lower; `parted_at` is the first step at which the run is further from their
    mean than any of them ever is. `loss_difference` is the largest relative difference to the reference's loss curve:
    of J, or of the loss after each epoch where J is not shown.
    """

    implementation: str
    precision: str
    forms: tuple[str, ...]
    score: float
    rank: int
    n_replicas: int
    parted_at: int | None
    false_alarm_rate: float
    loss_difference: float | None
    doublings: float
    horizon: float


def only(trace: Trace, names: Collection[str]) -> Trace:
    """The trace with these quantities alone."""
    return trace.hiding(*(name for name in trace.shown if name not in names))


def parameters_of(trace: Trace) -> np.ndarray:
    """All parameters of a run side by side, as `drift.flat` has those of replicas, (steps, numbers)."""
    shown = (np.asarray(trace.shown[name], np.float64) for name in trace.network.parameters)
    return np.concatenate([stack.reshape(trace.n_steps, -1) for stack in shown], axis=1)


def score_of(trace: Trace, drift: Drift) -> Score | None:
    """The run among the replicas; None where not all of its parameters are shown."""
    if not set(trace.network.parameters) <= set(trace.shown):
        return None
    largest, furthest, highest, parted_at = -np.inf, -np.inf, drift.scores.max(), None
    for part in only(trace, ("J", *trace.network.parameters)).parts():
        distances = drift.distances(parameters_of(part), part.first)
        largest, beyond = np.maximum(largest, distances.max()), np.flatnonzero(distances > highest)
        if parted_at is None and len(beyond):
            parted_at = int(beyond[0]) + part.first
        if "J" in part.shown:
            expected = drift.reference_loss(part.first, part.first + part.n_steps - 1)
            actual = np.asarray(part.shown["J"], np.float64)[:, 0, 0]
            furthest = np.maximum(furthest, _furthest(expected, actual))
        del part  # before the next one is read
    loss = None
    if "J" in trace.shown:
        loss = float(furthest)
    elif curves := curves_of(trace):
        loss = _furthest(drift.reference_loss_after_epochs, curves.loss)
    return Score(
        implementation=trace.implementation,
        precision=trace.precision,
        forms=drift.forms,
        score=float(largest),
        rank=int((drift.scores < largest).sum()),
        n_replicas=drift.n_replicas,
        parted_at=parted_at,
        false_alarm_rate=drift.false_alarm_rate,
        loss_difference=loss,
        doublings=drift.doublings,
        horizon=drift.horizon,
    )


def _furthest(expected: np.ndarray, actual: np.ndarray) -> float:
    """The largest relative difference of two loss curves."""
    return float(np.max(np.abs(actual - expected) / np.maximum(np.abs(expected), np.finfo(np.float64).tiny)))


class Placed(NamedTuple):
    """A run among the replicas of the reference in some forms; no score where it could not have one."""

    forms: tuple[Form, ...]
    drift: Drift
    score: Score | None


def placed(
    runs: Sequence[Read],
    references: References,
    alone: Callable[[Sequence[tuple[Form, ...]]], Sequence[tuple[Form, ...]]] = lambda _: (),
) -> list[Placed]:
    """Runs of one experiment, one after the other, among the replicas in their closest forms.

    Replicas of all of them are trained at once. `alone` says of the runs' forms in which others the reference will be
    asked for. A run that parts from its replicas is placed anew, and those after it may then be closer to other forms.
    """
    tried = [forms for _, names, open_ in runs for forms in (_forms(names), *_with_another(_forms(names), open_))]
    references.learn_first_steps(tried)
    closest: list[tuple[Form, ...]] = []
    for trace, names, open_ in runs:
        closest.append(closest_forms(trace, names, open_, references, [names_of(forms) for forms in closest]))
    references.train(closest, alone(closest))
    used: dict[Names, None] = {}
    return [_placed(trace, names, open_, references, used) for trace, names, open_ in runs]


def _placed(
    trace: Trace,
    names: Sequence[str],
    not_told_apart: Mapping[str, Sequence[str]],
    references: References,
    used: dict[Names, None],
) -> Placed:
    """A run among the replicas in the closest of the forms in which its certificate may be read.

    A run that parts in the closest, which are a guess where the certificate left some open, may be a correct run in
    others. So it parts only if it does in each of those that differ in one choice, and otherwise is placed in the
    closest in which it does not. `used` takes down in which forms runs were looked at.
    """

    def among(forms: tuple[Form, ...]) -> Placed:
        used[names_of(forms)] = None
        drift = references.drift(forms)
        return Placed(forms, drift, score_of(trace, drift))

    def distance(forms: tuple[Form, ...]) -> float:
        return _distance(trace, forms, references)

    first = among(closest_forms(trace, names, not_told_apart, references, used))
    if first.score is None or first.score.parted_at is None:
        return first
    by_distance = {distance(forms): forms for forms in _with_another(first.forms, not_told_apart)}
    by_distance.pop(distance(first.forms), None)  # the same run: what changes is not computed from
    others = (among(by_distance[one]) for one in sorted(by_distance))
    return next((other for other in others if other.score and other.score.parted_at is None), first)


def _with_another(forms: tuple[Form, ...], not_told_apart: Mapping[str, Sequence[str]]) -> Iterator[tuple[Form, ...]]:
    """These forms with one of the choices that were not told apart made in another way."""
    for options in not_told_apart.values():
        others = [form.name for form in forms if form.name not in options]
        yield from (_forms(others if option == "textbook" else [*others, option]) for option in options)


def closest_forms(
    trace: Trace,
    names: Sequence[str],
    not_told_apart: Mapping[str, Sequence[str]],
    references: References,
    used: Collection[Names] = (),
) -> tuple[Form, ...]:
    """The certificate's forms; where it could not tell some apart, those whose own run lies closest to this one.

    Equal in exact arithmetic, two forms round differently, and a whole run remembers it. The reference runs the first
    steps in each of them, choice by choice, and the one with the smallest distance in its parameters is taken; but a
    set that is already `used` for another run, possible here and at least as close as the certificate's own, serves.
    """
    if not set(trace.network.parameters) <= set(trace.shown):
        return _forms(names)

    def distance(candidate: Sequence[str]) -> float:
        return _distance(trace, _forms(candidate), references)

    fitting = [one for one in used if _is_possible(one, names, not_told_apart)]
    if fitting:
        nearest = min(fitting, key=distance)
        if distance(nearest) <= distance(names):
            return _forms(nearest)
    chosen = list(names)
    for options in not_told_apart.values():
        others = [name for name in chosen if name not in options]
        candidates = [others if option == "textbook" else [*others, option] for option in options]
        chosen = min(candidates, key=distance)
    return _forms(chosen)


def _is_possible(candidate: Sequence[str], names: Sequence[str], not_told_apart: Mapping[str, Sequence[str]]) -> bool:
    """Whether a set of forms differs from the certificate's only where its choices were not told apart."""
    open_ = {name for options in not_told_apart.values() for name in options}
    swaps_textbook = all("textbook" in options or set(options) & set(candidate) for options in not_told_apart.values())
    return set(candidate) ^ set(names) <= open_ and swaps_textbook


def _forms(names: Sequence[str]) -> tuple[Form, ...]:
    return tuple(form for form in DIALECTS if form.name in names)


def _distance(trace: Trace, forms: tuple[Form, ...], references: References) -> float:
    """The sum of the squared distances between a run's parameters and the reference's in these forms, at first."""
    steps = references.first_steps(forms)
    run = only(trace, trace.network.parameters).part(1, min(N_FIRST_STEPS, trace.n_steps))
    return sum(
        float(((parameters - step) ** 2).sum())
        for part in run.parts()
        for parameters, step in zip(parameters_of(part), steps, strict=False)
    )
