"""Goings: each time that one certificate's search goes through a trace on disk, numbered, told of, and noted.

The search is the same in every process, so a going is known by its number and by what it judges. Hashes differ between
processes: what is judged is written out instead, equations with the code and the numbers that their functions hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.certificate import Row
from comparisons.journal import Journal
from comparisons.journal_file import Judged, Left
from comparisons.labels import Labels
from comparisons.precisions import Precision
from comparisons.tallies import Tally
from comparisons.values import Carried

if TYPE_CHECKING:
    from comparisons.streaming import Pass

Progress = Callable[[int, int, int], None]  # the number of the going from 1, the last judged step, and the last one


class Goings:
    """All goings of one certificate; a context that leaves no journal where the certificate is there."""

    def __init__(self, progress: Progress | None = None, journal: Journal | None = None, n_steps: int = 0) -> None:
        self.progress, self.journal, self.n_steps = progress, journal, n_steps
        self.number = 0

    def __enter__(self) -> Goings:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.journal is not None:
            self.journal.remove() if kind is None else self.journal.save()

    def next(self, judged: Judged) -> Going:
        """The going that follows."""
        self.number += 1
        return Going(self, self.number, judged)


class Going:
    """One of them: its `rows`, if an earlier start finished it, or what its last whole part left, if there was one."""

    def __init__(self, goings: Goings, number: int, judged: Judged) -> None:
        self.goings, self.number, self.judged = goings, number, judged
        journal = goings.journal
        self.rows: dict[str, Row] | None = journal.rows(number, judged) if journal else None
        self.left: Left | None = journal.left(number, judged) if journal and self.rows is None else None

    def begins(self, after: int) -> None:
        """It goes through the trace, after this step."""
        if self.goings.progress:
            self.goings.progress(self.number, after, self.goings.n_steps)

    def has_judged(self, step: int, tallies: Mapping[str, Tally], carried: Carried) -> None:
        """All parts to this step are judged: what was counted until then, and what the last one leaves."""
        if self.goings.journal:
            self.goings.journal.has_judged(self.number, self.judged, Left(step, dict(tallies), carried))
        self.begins(step)

    def ends(self, rows: Mapping[str, Row]) -> None:
        """It has come to the end."""
        if self.goings.journal:
            self.goings.journal.has_ended(self.number, self.judged, rows)


def judged_in(precision: Precision, passes: Sequence[Pass], labels: Labels) -> Judged:
    """What a going judges under each network: the components that it evaluates, and those of which it keeps rows."""
    names = tuple(dict.fromkeys(labels.of[key] for one in passes for key in one.tallied))
    equations = [
        [
            (e.defines, _written(e.by), sorted(e.reads.items()), sorted(e.constants.items()),
             one.network.start.get(e.defines))
            for component in one.needed
            for e in component.equations
        ]
        for one in passes
    ]  # fmt: skip
    whole = (precision.name, names, equations, [_written(one.network.batches) for one in passes])
    return Judged(names, hashlib.sha256(repr(whole).encode()).hexdigest())


def _written(value: Any, depth: int = 8) -> Any:
    """A function or a value, written out alike in every process: code, what it closes over, and its defaults."""
    if isinstance(value, FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        if depth == 0:
            held = []
        inner = [_written(one, depth - 1) for one in (*held, value.__defaults__, value.__kwdefaults__)]
        return value.__module__, value.__qualname__, _code(value.__code__), inner
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).hexdigest()
    if depth == 0:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return sorted((repr(_written(key)), _written(one, depth - 1)) for key, one in value.items())
    if isinstance(value, Set):
        return sorted(repr(_written(one, depth - 1)) for one in value)
    if isinstance(value, Sequence):
        return [_written(one, depth - 1) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__qualname__, [(f.name, _written(getattr(value, f.name), depth - 1)) for f in fields(value)]
    return getattr(value, "__qualname__", type(value).__qualname__)


def _code(code: CodeType) -> tuple:
    constants = [_code(one) if isinstance(one, CodeType) else _written(one) for one in code.co_consts]
    return code.co_code.hex(), code.co_names, code.co_firstlineno, constants
