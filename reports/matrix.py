"""The matrix implementation × quantity, as the page and Markdown show it: a number and a symbol in each cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from comparisons.reported import cell_label, run_name
from comparisons.result import ImplementationResult, Result, ResultRow
from comparisons.wording import SYMBOLS, multiple
from reports.kinds import Kind, kinds
from reports.runs import rows_of

LEVELS = (  # the worst error as a multiple of its bound, up to which a cell has this colour, and what the legend says
    (0.0, "exact", "0: exactly as expected"),
    (1e-3, "idle", "below 1/1000: a bound that never bites"),
    (0.1, "low", "up to 0.1"),
    (0.5, "middle", "up to 0.5"),
    (1.0, "high", "up to 1, the bound"),
    (math.inf, "outside", "above 1: outside"),
)


@dataclass(frozen=True)
class Cell:
    """One kind of quantity in one run."""

    kind: Kind
    key: str
    number: str
    symbol: str
    level: str
    label: str


@dataclass(frozen=True)
class Line:
    """One kind of quantity, with its cell in each run; None where the run does not show it."""

    name: str
    cells: tuple[Cell | None, ...]


def runs_of(result: Result) -> list[ImplementationResult]:
    """The runs that have rows: the matrix's columns, precision by precision."""
    having = {(row.implementation, row.precision) for row in result.rows}
    order = list(dict.fromkeys(one.precision for one in result.implementations))
    runs = [one for one in result.implementations if (one.name, one.precision) in having]
    return sorted(runs, key=lambda one: order.index(one.precision))


def matrix(result: Result) -> list[Line]:
    """All kinds of quantities, in the order of the run that shows most of them."""
    runs = runs_of(result)
    by_run: list[dict[str, Kind]] = []
    for run in runs:
        of_run = rows_of(result, run.name, run.precision)
        by_run.append({stem_of(kind): kind for kind in kinds(of_run)})
    names: dict[str, str] = {}
    for found in sorted(by_run, key=len, reverse=True):
        for stem, kind in found.items():
            names.setdefault(stem, kind.name)
    return [
        Line(name, tuple(_cell(found.get(stem), run, f"{row}-{column}")
                         for column, (found, run) in enumerate(zip(by_run, runs, strict=True))))
        for row, (stem, name) in enumerate(names.items())
    ]  # fmt: skip


def stem_of(kind: Kind) -> str:
    """What kinds of different runs have in common, however many layers each shows: A[0] is a kind of its own."""
    first = kind.rows[0].quantity
    return first if first == "A[0]" else first.partition("[")[0]


def level_of(row: ResultRow | Kind) -> str:
    """The colour of a cell, by its worst error."""
    if row.verdict == "not compared":
        return "none"
    if row.verdict == "disagrees":
        return "outside"
    return next((level for edge, level, _ in LEVELS if row.worst <= edge), "none")


def _cell(kind: Kind | None, run: ImplementationResult, key: str) -> Cell | None:
    if kind is None:
        return None
    name = run_name(run.name, run.precision)
    number = multiple(kind.worst) if kind.verdict != "not compared" else "–"
    return Cell(kind, key, number, SYMBOLS[kind.verdict], level_of(kind),
                cell_label(kind.name, name, kind.verdict, kind.worst))  # fmt: skip


def broken(lines: Sequence[Line]) -> list[Cell]:
    """The cells that disagree."""
    return [cell for line in lines for cell in line.cells if cell is not None and cell.level == "outside"]
