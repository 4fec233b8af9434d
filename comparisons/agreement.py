"""Agreement: two free runs of one experiment, from the same start, on their own for all steps.

A certificate judges each step on a run's own values; this is the plain thing beside it: do the curves lie on top of
each other, by how much do they differ, from which step on is that more than rounding explains, and if they part, do
the forms in which the two compute account for it?
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn

import numpy as np

from comparisons.certifying import certify
from comparisons.composed import given_by
from comparisons.curves import curves_of
from comparisons.drift import Drift, drift_of
from comparisons.errors import UsageError
from comparisons.trace import Stack, Trace
from comparisons.wording import ending_of
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.tape import replayed

N_FIRST_STEPS = 100  # in which rounding has not grown yet, so that the forms' own roundings show

Together = Literal["together", "explained", "parted", "cannot tell"]


@dataclass(frozen=True)
class Difference:
    """The largest differences of one quantity over all steps: absolute, relative to the larger of the two, in units in
    the last place; and the step and index of the largest relative one."""

    quantity: str
    absolute: float
    relative: float
    ulps: float
    step: int
    index: tuple[int, ...]


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


@dataclass(frozen=True)
class Agreement:
    """What a comparison of two whole runs found.

    `verdict`: together (nothing but rounding between them), explained (apart, but not from what their forms predict),
    parted (more than that), cannot tell. It is advice; whether each is right, their certificates say.
    """

    one: str
    other: str
    precision: str
    verdict: Together
    reason: str
    parted_at: int | None
    differences: tuple[Difference, ...]
    scores: tuple[Score, ...] = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("an agreement has no truth value; ask for its .verdict")

    def __repr__(self) -> str:
        from comparisons.wording import agreement_text  # words are made from agreements

        return agreement_text(self)


def differences(one: Trace, other: Trace) -> tuple[Difference, ...]:
    """The largest differences of each quantity that both show, found a part at a time where a trace is on disk.

    Where one of the two numbers is none, the difference is infinite.
    Error: UsageError for traces of different experiments, whose digests differ, or in different precisions.
    """
    check_comparable(one, other)
    names = [name for name in one.shown if name in other.shown]
    eps = float(np.finfo(one.experiment.dtype).eps)
    found = {name: _Largest(name) for name in names}
    other = _only(other, names)
    for part in _only(one, names).parts() if names else ():
        beside = other.part(part.first, part.first + part.n_steps - 1).in_memory()
        for name in names:
            found[name].add(part, part.shown[name], beside.shown[name], eps)
        del part, beside  # before the next one is read
    return tuple(largest.difference() for largest in found.values())


def _only(trace: Trace, names: Collection[str]) -> Trace:
    """The trace with these quantities alone."""
    return trace.hiding(*(name for name in trace.shown if name not in names))


def check_comparable(one: Trace, other: Trace) -> None:
    """Refuse traces that were not trained on the same numbers, in the same precision, for the same steps, or not to
    the end."""
    for trace in (one, other):
        if trace.has_gaps:
            raise UsageError(
                f"the trace of {trace.implementation} is thinned, and whole runs are compared step by step; certify "
                "it, or record it again and keep all"
            )
        if trace.ended:
            raise UsageError(
                f"the recording of {trace.implementation} ended {ending_of(trace)}; certify it, and compare whole runs"
            )
    if one.experiment.digest != other.experiment.digest:
        raise UsageError(
            f"{one.implementation} and {other.implementation} were recorded on different experiments (digests "
            f"{one.experiment.digest[:12]}… and {other.experiment.digest[:12]}…); record both on the same one"
        )
    if one.precision != other.precision:
        raise UsageError(
            f"{one.implementation} ran in {one.precision} and {other.implementation} in {other.precision}; compare "
            "runs in one precision"
        )
    if one.n_steps != other.n_steps:
        raise UsageError(
            f"{one.implementation} has {one.n_steps:,} steps and {other.implementation} {other.n_steps:,}; "
            "record both whole"
        )


@dataclass(eq=False)
class _Largest:
    """The largest differences of one quantity so far.

    Of equal ones that is told of which all steps at once would give: the first step of the smallest batch size.
    """

    quantity: str
    absolute: float = 0.0
    relative: float = 0.0
    ulps: float = 0.0
    at: tuple[int, int] = (0, 1)
    index: tuple[int, ...] = (0, 0)

    def add(self, trace: Trace, one: Stack, other: Stack, eps: float) -> None:
        """The next steps, those of this trace."""
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for m in one:
                self._add(m, trace.steps_of(m) + trace.first, one[m], other[m], eps)
        else:
            self._add(0, np.arange(trace.first, trace.first + trace.n_steps), one, other, eps)

    def difference(self) -> Difference:
        """What was found."""
        return Difference(self.quantity, self.absolute, self.relative, self.ulps, self.at[1], self.index)

    def _add(self, m: int, steps: np.ndarray, one: Stack, other: Stack, eps: float) -> None:
        x, y = np.asarray(one, np.float64), np.asarray(other, np.float64)
        with np.errstate(all="ignore"):
            gap, size = np.where(x == y, 0.0, np.abs(x - y)), np.maximum(np.abs(x), np.abs(y))
            relative = np.where(gap == 0, 0.0, gap / size)
            spacing = eps * np.exp2(np.floor(np.log2(size)))
            units = np.where(gap == 0, 0.0, gap / spacing)
        gap, relative, units = (np.where(np.isnan(found), np.inf, found) for found in (gap, relative, units))
        self.absolute, self.ulps = max(self.absolute, float(gap.max())), max(self.ulps, float(units.max()))
        where = np.unravel_index(np.argmax(relative), relative.shape)
        largest, at = float(relative[where]), (m, int(steps[where[0]]))
        if largest > self.relative or (largest == self.relative > 0 and at < self.at):
            self.relative, self.at, self.index = largest, at, tuple(int(i) for i in where[1:])


def parameters_of(trace: Trace) -> np.ndarray:
    """All parameters of a run side by side, as `drift.flat` has those of replicas, (steps, numbers)."""
    shown = (np.asarray(trace.shown[name], np.float64) for name in trace.network.parameters)
    return np.concatenate([stack.reshape(trace.n_steps, -1) for stack in shown], axis=1)


def score_of(trace: Trace, drift: Drift) -> Score | None:
    """The run among the replicas; None where not all of its parameters are shown."""
    if not set(trace.network.parameters) <= set(trace.shown):
        return None
    largest, furthest, highest, parted_at = -np.inf, -np.inf, drift.scores.max(), None
    for part in _only(trace, ("J", *trace.network.parameters)).parts():
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


def compare(one: Trace, other: Trace) -> Agreement:
    """Compare two whole runs of one experiment; each is scored among the replicas of the reference in its own forms.

    Error: UsageError for traces of different experiments, or in different precisions.
    """
    check_comparable(one, other)
    drifts: Drifts = {}
    certificates = [(trace, certify(trace)) for trace in (one, other)]
    return compared(one, other, *(placed(t, c.forms, c.not_told_apart, drifts).score for t, c in certificates))


def compared(one: Trace, other: Trace, score: Score | None, other_score: Score | None) -> Agreement:
    """Compare two runs, each already scored among the replicas in its own forms; None where it could not be."""
    found = differences(one, other)
    scores = (score, other_score)
    verdict, reason, parted_at = _verdict(one, other, scores)
    return Agreement(
        one.implementation, other.implementation, one.precision, verdict, reason, parted_at, found,
        tuple(known for known in scores if known is not None),
    )  # fmt: skip


class Placed(NamedTuple):
    """A run among the replicas of the reference in some forms; no score where it could not have one."""

    forms: tuple[Form, ...]
    drift: Drift
    score: Score | None


Drifts = dict[tuple[str, ...], Drift]


def placed(trace: Trace, names: Sequence[str], not_told_apart: Mapping[str, Sequence[str]], drifts: Drifts) -> Placed:
    """A run among the replicas in the closest of the forms in which its certificate may be read.

    A run that parts in the closest, which are a guess where the certificate left some open, may be a correct run in
    others. So it parts only if it does in each of those that differ in one choice, and otherwise is placed in the
    closest in which it does not. `drifts` keeps the replicas of each set of forms.
    """

    def among(forms: tuple[Form, ...]) -> Placed:
        key = tuple(form.name for form in forms)
        if key not in drifts:
            drifts[key] = drift_of(trace.experiment, forms)
        return Placed(forms, drifts[key], score_of(trace, drifts[key]))

    first = among(closest_forms(trace, names, not_told_apart, drifts))
    if first.score is None or first.score.parted_at is None:
        return first
    by_distance = {_distance(trace, forms): forms for forms in _with_another(first.forms, not_told_apart)}
    by_distance.pop(_distance(trace, first.forms), None)  # the same run: what changes is not computed from
    others = (among(by_distance[distance]) for distance in sorted(by_distance))
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
    used: Collection[tuple[str, ...]] = (),
) -> tuple[Form, ...]:
    """The certificate's forms; where it could not tell some apart, those whose own run lies closest to this one.

    Equal in exact arithmetic, two forms round differently, and a whole run remembers it. The reference runs the first
    steps in each of them, choice by choice, and the one with the smallest distance in its parameters is taken; but a
    set that is already `used` for another run, possible here and at least as close as the certificate's own, serves.
    """
    if not set(trace.network.parameters) <= set(trace.shown):
        return _forms(names)
    fitting = [one for one in used if _is_possible(one, names, not_told_apart)]
    if fitting:
        own, nearest = _distance(trace, _forms(names)), min(fitting, key=lambda one: _distance(trace, _forms(one)))
        if _distance(trace, _forms(nearest)) <= own:
            return _forms(nearest)
    chosen = list(names)
    for options in not_told_apart.values():
        others = [name for name in chosen if name not in options]
        candidates = [others if option == "textbook" else [*others, option] for option in options]
        chosen = min(candidates, key=lambda candidate: _distance(trace, _forms(candidate)))
    return _forms(chosen)


def _is_possible(candidate: Sequence[str], names: Sequence[str], not_told_apart: Mapping[str, Sequence[str]]) -> bool:
    """Whether a set of forms differs from the certificate's only where its choices were not told apart."""
    open_ = {name for options in not_told_apart.values() for name in options}
    swaps_textbook = all("textbook" in options or set(options) & set(candidate) for options in not_told_apart.values())
    return set(candidate) ^ set(names) <= open_ and swaps_textbook


def _forms(names: Sequence[str]) -> tuple[Form, ...]:
    return tuple(form for form in DIALECTS if form.name in names)


def _distance(trace: Trace, forms: tuple[Form, ...]) -> float:
    """The sum of the squared distances between a run's parameters and the reference's in these forms, at first."""
    network, experiment = in_form(trace.network, *forms), trace.experiment
    first = itertools.islice(given_by(experiment), N_FIRST_STEPS)
    steps = replayed(network, experiment.initial(), first, network.parameters)
    last = min(N_FIRST_STEPS, trace.n_steps)
    run = _only(trace, network.parameters).part(1, last)
    return sum(
        float(((np.asarray(part.values(name, at), np.float64) - step[name]) ** 2).sum())
        for part in run.parts()
        for at, step in zip(range(part.first, part.first + part.n_steps), steps, strict=False)
        for name in network.parameters
    )


def _verdict(one: Trace, other: Trace, scores: Sequence[Score | None]) -> tuple[Together, str, int | None]:
    known = [score for score in scores if score is not None]
    if len(known) < 2:
        hidden = [t.implementation for t, s in zip((one, other), scores, strict=True) if s is None]
        return "cannot tell", f"{' and '.join(hidden)} does not show all of its parameters", None
    parted = [score for score in known if score.parted_at is not None]
    if parted:
        first = min(parted, key=lambda score: score.parted_at or 0)
        return (
            "parted",
            f"from step {first.parted_at:,} on {first.implementation} is further from the reference in its own forms "
            f"than any of {first.n_replicas} correct replicas ever is",
            first.parted_at,
        )
    horizon = min(score.horizon for score in known)
    if horizon < one.n_steps:
        return (
            "cannot tell",
            f"from step {math.ceil(horizon):,} on correct runs differ by as much as the loss itself",
            None,
        )
    if known[0].forms == known[1].forms:
        return (
            "together",
            "they are no further apart than rounding alone may put them, and a smaller difference cannot be told",
            None,
        )
    return (
        "explained",
        "each stays with the reference in its own forms, and what lies between them is those forms",
        None,
    )
