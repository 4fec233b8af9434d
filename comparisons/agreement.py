"""Agreement: two free runs of one experiment, from the same start, on their own for all steps.

A certificate judges each step on a run's own values; this is the plain thing beside it: do the curves lie on top of
each other, by how much do they differ, from which step on is that more than rounding explains, and if they part, do
the forms in which the two compute account for it?
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np

from comparisons.certifying import certify
from comparisons.errors import UsageError
from comparisons.placing import Score, only, placed
from comparisons.references import References
from comparisons.trace import Stack, Trace
from comparisons.wording import ending_of

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
    other = only(other, names)
    for part in only(one, names).parts() if names else ():
        beside = other.part(part.first, part.first + part.n_steps - 1).in_memory()
        for name in names:
            found[name].add(part, part.shown[name], beside.shown[name], eps)
        del part, beside  # before the next one is read
    return tuple(largest.difference() for largest in found.values())


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


def compare(one: Trace, other: Trace) -> Agreement:
    """Compare two whole runs of one experiment; each is scored among the replicas of the reference in its own forms.

    Error: UsageError for traces of different experiments, or in different precisions.
    """
    check_comparable(one, other)
    certificates = [(trace, certify(trace)) for trace in (one, other)]
    read = [(trace, certificate.forms, certificate.not_told_apart) for trace, certificate in certificates]
    return compared(one, other, *(place.score for place in placed(read, References(one.experiment))))


def compared(one: Trace, other: Trace, score: Score | None, other_score: Score | None) -> Agreement:
    """Compare two runs, each already scored among the replicas in its own forms; None where it could not be."""
    found = differences(one, other)
    scores = (score, other_score)
    verdict, reason, parted_at = _verdict(one, other, scores)
    return Agreement(
        one.implementation, other.implementation, one.precision, verdict, reason, parted_at, found,
        tuple(known for known in scores if known is not None),
    )  # fmt: skip


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
