"""`backproof internals`: the catalogue of what frameworks really compute, read, run, and held against another run."""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from comparisons.command.console import console_of, print_records
from comparisons.errors import UsageError
from comparisons.internals import words
from comparisons.internals.catalogue import AREAS, chosen, fact_of
from comparisons.internals.conventions import CONVENTIONS
from comparisons.internals.effect import effects_of
from comparisons.internals.expectation import text_of
from comparisons.internals.fact import Fact
from comparisons.internals.measuring import Outcome, measure
from reports.formats import refuse_undrawable

STYLES = {"holds": "green", "no longer holds": "red", "not run": "yellow"}
Formats = Literal["text", "csv", "json", "html"]
ALL_DAY = 86_400.0  # seconds; a function's 2³² inputs take minutes, in which nothing is told


def internals_command(
    names: Sequence[str],
    *,
    run: bool,
    diff: bool,
    python: Path | None,
    how: Formats,
    at_once: int | None,
    patience: float,
    exhaustive: bool = False,
) -> int:
    """What was asked for: the list, one fact, all of them measured, or two files compared."""
    if patience <= 0:
        raise UsageError(f"--patience is a time in seconds above 0, not {patience:g}")
    if at_once is not None and at_once < 1:
        raise UsageError(f"--at-once is a number of processes from 1 on, not {at_once}")
    if diff and (run or len(names) != 2):
        raise UsageError("--diff compares two files that `backproof internals --run --format json` printed; name both")
    if diff:
        return _diff(*map(Path, names))
    if exhaustive and not run:
        raise UsageError("--exhaustive measures all 2³² inputs of functions; say of which, with --run error-of-exp")
    if run:
        return _run(chosen(names), python, how, at_once, ALL_DAY if exhaustive else patience, exhaustive)
    if not names or any(name in AREAS for name in names):
        return _list(chosen(names), how)
    if len(names) > 1:
        raise UsageError("one fact is read at a time; several are measured with `backproof internals --run`")
    return _one(fact_of(names[0]), python, patience)


def _list(found: Sequence[Fact], how: Formats) -> int:
    if how == "html":
        sys.stdout.write(page_of(found, []))
        return 0
    if how != "text":
        print_records([_told(fact) for fact in found], how)
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("area", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("fact", no_wrap=True)
    table.add_column("what it says", overflow="fold")
    last = ""
    for fact in found:
        table.add_row("" if fact.area == last else fact.area, "•" if fact.on_article else "", fact.id, Text(fact.claim))
        last = fact.area
    console = console_of()
    console.print(table)
    console.print(Text(words.list_foot(len(found), sum(fact.on_article for fact in found))))
    return 0


def _one(fact: Fact, python: Path | None, patience: float) -> int:
    console = console_of()
    console.print(Text(words.fact_text(fact)), soft_wrap=True)
    (outcome,) = measure([fact], python=python, patience=patience)
    console.print(Text(words.outcome_text(outcome), style=STYLES[outcome.status]), soft_wrap=True)
    for effect in (effect for name in fact.of for effect in effects_of(name)):
        console.print(Text(words.paragraph(words.effect_line(effect), "effect")), soft_wrap=True)
    return _exit_code([outcome])


def _run(
    found: Sequence[Fact], python: Path | None, how: Formats, at_once: int | None, patience: float, exhaustive: bool
) -> int:
    began, variables = time.monotonic(), {"BACKPROOF_EVERY": "1"} if exhaustive else {}
    with _Progress(len(found)) as progress:
        outcomes = measure(
            found, python=python, variables=variables, at_once=at_once, patience=patience,
            told=progress.told, begun=progress.begun, idle=progress.show,
        )  # fmt: skip
    if how == "html":
        said = words.sum_line(Counter(outcome.status for outcome in outcomes), time.monotonic() - began)
        sys.stdout.write(page_of(found, outcomes, said))
    elif how != "text":
        print_records([record_of(outcome) for outcome in outcomes], how)
    else:
        _print(outcomes, time.monotonic() - began)
    return _exit_code(outcomes)


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """1 where one no longer holds, 3 where nothing could be run."""
    statuses = {outcome.status for outcome in outcomes}
    return 1 if "no longer holds" in statuses else 0 if "holds" in statuses else 3


def _print(outcomes: Sequence[Outcome], seconds: float) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("area", "fact", "result"):
        table.add_column(name, no_wrap=True)
    table.add_column("measured", overflow="fold")
    last = ""
    for outcome in outcomes:
        area = "" if outcome.fact.area == last else outcome.fact.area
        last = outcome.fact.area
        said = "; ".join(outcome.reasons) if outcome.reasons else words.figures_line(outcome.figures)
        table.add_row(area, outcome.fact.id, Text(outcome.status, style=STYLES[outcome.status]), Text(said))
    console = console_of()
    console.print(table)
    if versions := next((outcome.versions for outcome in outcomes if outcome.versions), None):
        console.print(Text(f"Measured on {words.versions_line(versions)}."))
    console.print(Text(words.sum_line(Counter(outcome.status for outcome in outcomes), seconds)))


def page_of(found: Sequence[Fact], outcomes: Sequence[Outcome], said: str = "") -> str:
    """The facts as a page, with what was measured now. Error: UsageError where what draws pages is not installed."""
    refuse_undrawable()
    from reports.catalogue import catalogue

    told = [{**_told(fact), "code": fact.code} for fact in found]
    figures = {
        outcome.fact.id: {
            "status": outcome.status, "reasons": outcome.reasons,
            "figures": {name: text_of(value) for name, value in outcome.figures.items()},
        }
        for outcome in outcomes
    }  # fmt: skip
    rows = [row._asdict() for row in CONVENTIONS]
    return catalogue(told, rows, figures, said, metadata.version("backproof"))


def record_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a record; numbers that JSON has no word for are texts in it."""
    return {
        "id": outcome.fact.id,
        "area": outcome.fact.area,
        "status": outcome.status,
        "figures": {name: _finite(value) for name, value in outcome.figures.items()},
        "expected": {name: text_of(value) for name, value in outcome.fact.expected.items()},
        "reasons": list(outcome.reasons),
        "seconds": round(outcome.seconds, 3),
        "versions": words.versions_line(outcome.versions),
        "processor": outcome.processor,
    }


def _told(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.id, "area": fact.area, "claim": fact.claim, "matters": fact.matters, "source": fact.source,
        "needs": list(fact.needs), "dialects": list(fact.of), "on_article": fact.on_article, "depends": fact.depends,
        "expected": {name: text_of(value) for name, value in fact.expected.items()}, "versions": fact.versions,
    }  # fmt: skip


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _diff(one: Path, other: Path) -> int:
    """What changed from one to the other; 1 where a fact holds in the first alone."""
    before, after = _read(one), _read(other)
    console = console_of()
    console.print(Text(words.diff_head(before, after)))
    has_lost = False
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if lines := words.changes(name, old, new):
            has_lost |= bool(old and new and old["status"] == "holds" and new["status"] == "no longer holds")
            console.print(Text(lines), soft_wrap=True)
    return int(has_lost)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        records = json.loads(file.read_text(encoding="utf-8"))
        return {record["id"]: {"status": record["status"], "figures": record["figures"], "versions": record["versions"]}
                for record in records}  # fmt: skip
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{file} is not what `backproof internals --run --format json` prints") from None


class _Progress:
    """Where measuring is: a line that is rewritten on a terminal, every tenth fact elsewhere."""

    def __init__(self, n: int) -> None:
        self.console = Console(stderr=True)
        self.n, self.n_done, self.current = n, 0, list[str]()
        is_live = self.console.is_terminal
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if is_live else None

    def __enter__(self) -> _Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def begun(self, name: str) -> None:
        """A fact is being measured."""
        self.current.append(name)

    def told(self, outcome: Outcome) -> None:
        """A fact has been."""
        self.n_done += 1
        if outcome.fact.id in self.current:
            self.current.remove(outcome.fact.id)
        if not self.live and (self.n_done % 10 == 0 or outcome.status == "no longer holds"):
            said = "" if outcome.status != "no longer holds" else f": {outcome.fact.id} no longer holds"
            self.console.print(Text(f"{self.n_done} of {self.n}{said}"))

    def show(self) -> None:
        """Rewrite the line."""
        if self.live:
            self.live.update(Text(words.progress_line(self.n_done, self.n, self.current)), refresh=True)
