"""Everything that has a name: the known mistakes and the dialects, each with what there is to say about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from comparisons.errors import UsageError
from comparisons.internals.catalogue import facts_about
from comparisons.mistakes.known import Known
from comparisons.mistakes.table import KNOWN
from reference.article import network
from reference.decay import DECAYS
from reference.dialects import DIALECTS
from reference.forms import Change, Form
from reference.network import Equation, Network

OTHERS = (
    {"epsilon": 1e-8},
    {"optimizer": "momentum"},
    {"optimizer": "rmsprop"},
    *({"decay": (k, 0.1)} for k in DECAYS),
)
ORDER = ("A[l-1]", "X", "Y", "Z", "A", "J", "dA", "dZ", "dW", "db", "m_", "v_", "W", "b")  # a step, from data to update


@dataclass(frozen=True)
class Entry:
    """A mistake, with the wrong line and the right one, or a dialect, with its equations before and after.

    `equation` is where it stands, `choice` the question that a dialect answers, `source` where somebody computes so,
    `facts` the experiments of `backproof internals` that measure it.
    """

    name: str
    kind: Literal["mistake", "dialect"]
    equation: str
    says: str
    wrong: str = ""
    right: str = ""
    shows: str = ""
    seen: str = ""
    choice: str = ""
    source: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    facts: tuple[str, ...] = ()


def entries() -> tuple[Entry, ...]:
    """All of them, by equation in the order of a step."""
    forms = {form.name: form for form in DIALECTS}
    found = [_with_equations(entry, forms.get(entry.name)) for entry in _written().values()]
    return tuple(sorted(found, key=lambda entry: _place(entry.equation)))


def entry_of(name: str) -> Entry:
    """The one of this name, or of the name that a variant ("weight-decay: λ = 0.01") begins with.

    Error: UsageError with the nearest names.
    """
    known = {entry.name: entry for entry in entries()}
    name = name if name in known else name.partition(":")[0].strip()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"near it are {', '.join(near)}" if near else "`backproof mistakes` lists them"
        raise UsageError(f'there is no mistake and no dialect named "{name}"; {hint}')
    return known[name]


def says_of(names: tuple[str, ...]) -> dict[str, str]:
    """What each name means, in its own sentence or two; a name that is not known means nothing."""
    return {name: "" if entry is None else entry.says for name, entry in _told(names).items()}


def sources_of(names: tuple[str, ...]) -> dict[str, str]:
    """Who computes so, for those names that somebody's source is known of."""
    return {name: entry.source for name, entry in _told(names).items() if entry is not None and entry.source}


def dialects_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What each of these forms answers, what it does, and who computes so; the textbook is no form."""
    return {
        name: {"choice": entry.choice or entry.name, "says": entry.says, "source": entry.source or entry.seen}
        for name, entry in _told(name for name in names if name != "textbook").items()
        if entry is not None
    }


def _told(names: Iterable[str]) -> dict[str, Entry | None]:
    """Of each name its entry, or its family's, as it is written down: no equation is composed for it."""
    known = _written()
    return {name: known.get(name, known.get(name.partition(":")[0])) for name in names}


def textbook_of(form: Form) -> Network:
    """The article's network; for a dialect that finds nothing there to change, the first of the others."""
    return next(textbook for how in ({}, *OTHERS) if form.applies_to(textbook := network(**how)))  # type: ignore[arg-type]


def examples(change: Change, textbook: Network) -> Iterator[tuple[Equation, Equation]]:
    """What a change does, before and after: of equations that differ in nothing but names, the first by name."""
    found: dict[tuple, Equation] = {}
    for equation in sorted(change.hits(textbook), key=lambda equation: equation.defines):
        found.setdefault(tuple(equation.constants.items()), equation)
    for equation in found.values():
        yield equation, change.apply(equation)


def _written() -> dict[str, Entry]:
    """All entries by name, with what the tables say and no more: mistakes, then the other dialects."""
    forms = {form.name: form for form in DIALECTS}
    found = {known.name: _of_known(known, forms.get(known.name)) for known in KNOWN}
    others = (form for form in DIALECTS if form.name not in found)
    return found | {
        form.name: Entry(form.name, "dialect", "", form.says, choice=form.choice, source=form.source) for form in others
    }


def _of_known(known: Known, form: Form | None) -> Entry:
    """The entry of a mistake; or of a dialect, of which the tables of mistakes say more than its form does."""
    return Entry(
        known.name, known.kind, known.equation, known.says, known.wrong, known.right, known.shows, known.seen,
        choice="" if form is None else form.choice, source="" if form is None else form.source,
    )  # fmt: skip


def _with_equations(entry: Entry, form: Form | None) -> Entry:
    """An entry with what its form changes, the place of that, and the facts that it rests on."""
    if form is None:
        return entry
    changes = _changes(form)
    names = dict.fromkeys(re.sub(r"\[\d+\]", "[l]", before.split()[0]) for before, _ in changes)
    equation = entry.equation or ", ".join(names)
    return replace(entry, equation=equation, changes=changes, facts=facts_about(form.name))


def _changes(form: Form) -> tuple[tuple[str, str], ...]:
    textbook = textbook_of(form)
    pairs = (pair for change in form.changes for pair in examples(change, textbook))
    return tuple((str(before), after.formula) for before, after in pairs)


def _place(equation: str) -> int:
    first = equation.partition(",")[0]
    kinds = [number for number, kind in enumerate(ORDER) if first.partition("[")[0] == kind.rstrip("_")
             or (kind.endswith("_") and first.startswith(kind))]  # fmt: skip
    return kinds[0] if kinds else len(ORDER)
