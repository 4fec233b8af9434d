"""What the diagnosis answers to a plant, held against what the plant's table says of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from comparisons.certificate import Certificate
from comparisons.certifying import certify
from comparisons.trace import Trace
from tests.exam.plants import VISIBILITIES, is_shown


class Answer(NamedTuple):
    """One plant at one visibility: what was to be said of it, what was said, and whether that is right."""

    plant: str
    where: str  # NumPy, or the framework
    visibility: str
    kind: str
    seen: str
    verdict: str
    names: tuple[tuple[str, ...], ...]
    is_located: bool  # the first broken quantity and its first step are those that the fault changes
    is_right: bool

    @property
    def is_killed(self) -> bool:
        """Whether a mistake was noticed."""
        return self.verdict == "disagrees"

    @property
    def is_named(self) -> bool:
        """Whether it was named, alone or among others that show the same numbers."""
        return any(self.plant.startswith(name) for name, *_ in self.names)


def asked_of(number: int) -> tuple[str, ...]:
    """The visibilities at which `make test` asks for a plant's name, by its place in the table."""
    return tuple(VISIBILITIES)[: 1 if number % 3 else None]


def less(trace: Trace, visibility: str) -> Trace:
    """The trace with only what is of this visibility."""
    return trace.hiding(*(name for name in trace.shown if not is_shown(name, visibility)))


def answer(trace: Trace, plant: Any, visibility: str, where: str = "numpy") -> Answer:
    """Certify what is shown at this visibility."""
    certificate = certify(less(trace, visibility))
    seen = plant.seen(visibility)
    broken = [row for row in certificate.rows if row.verdict == "disagrees"]
    first = min(broken, key=lambda row: row.first_broken, default=None)
    is_located = first is not None and (first.quantity, first.first_broken) == (plant.first, plant.step)
    names = certificate.explained_by or tuple((form.partition(":")[0],) for form in certificate.forms)
    right = is_right(certificate, plant, visibility, seen)
    return Answer(plant.id, where, visibility, plant.kind, seen, certificate.verdict, names, is_located, right)


def is_right(certificate: Certificate, plant: Any, visibility: str, seen: str) -> bool:
    """Whether it is what the table says: named alone, among those that are alike, seen, or hidden."""
    families = {form.partition(":")[0] for form in certificate.forms}
    alike = {plant.name, *plant.alike.get(visibility, ())}
    named = {name for names in certificate.explained_by for name in names}
    is_alone = all(len(names) == 1 for names in certificate.explained_by)
    if seen == "hidden":
        return certificate.verdict == "agrees" and not named
    if plant.kind == "dialect":
        if certificate.verdict == "agrees":
            return bool(families & alike)
        return seen == "one of these" and plant.name in named <= alike and is_alone
    if seen == "seen":
        return certificate.verdict == "disagrees" and (not named or plant.name in named)
    expected = {plant.name} if seen == "named" else alike
    return certificate.verdict == "disagrees" and named == expected and is_alone
