"""A result as Markdown, for a pull request's comment or a job's summary: GitHub's flavour, with tables and details."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from comparisons.messages import claims_line, fault_text
from comparisons.reported import CLAIM, experiment_line, reproduce, run_name
from comparisons.result import Result
from comparisons.wording import SYMBOLS, forms_of, loss, percent, verdict_line
from reports import runs
from reports.matrix import matrix, runs_of
from reports.terminal import notes, whole_runs

MARKS = {"agrees": "✅", "disagrees": "❌", "not compared": "⚠️"}


def markdown(result: Result) -> str:
    """The verdict first, then what is broken, what was reached, and the rest to be opened."""
    parts = [f"## {MARKS[result.verdict]} {escaped(verdict_line(result))}", escaped(experiment_line(result.experiment))]
    for one in result.implementations:
        name = escaped(run_name(one.name, one.precision))
        if one.verdict == "disagrees":
            text = fault_text(one.name, one.precision, runs.rows_of(result, one.name, one.precision), one, one.means)
            parts += [f"### {name}", fenced(text)]
        elif one.verdict == "not compared" and not one.skipped:
            parts += [f"### {name}: not compared", escaped(one.reason), *([fenced(one.output)] if one.output else [])]
    parts.append(_reached(result))
    lines = matrix(result)
    if lines:
        header = ["quantity", *(run_name(run.name, run.precision) for run in runs_of(result))]
        body = [
            [Code(line.name), *("" if cell is None else f"{cell.symbol} {cell.number}" for cell in line.cells)]
            for line in lines
        ]
        parts.append(_details("Worst error of each quantity, as a multiple of its bound", table(header, body, "l")))
    if result.claims:
        claimed = [[" ".join(CLAIM[c["holds"]]), c["name"], c["says"], "; ".join(c["lines"])] for c in result.claims]
        line = claims_line(result.claims, str(result.experiment.get("name", "")))
        parts.append(_details(line, table(["", "claim", "", "measured"], claimed, "llll")))
    said = [line.strip() for line in (*notes(result), *whole_runs(result)) if line.strip()]
    if said:
        parts.append(_details("What the verdict rests on", "\n\n".join(map(escaped, said))))
    again = reproduce(result.experiment, list(dict.fromkeys(one.name for one in result.implementations)))
    parts.append(f"Again: {code(again)}")
    return "\n\n".join(parts) + "\n"


def _reached(result: Result) -> str:
    header = ["implementation", "precision", "loss", "accuracy", "verdict", "in the form"]
    rows = [
        [one.name, one.precision, loss(one.loss), percent(one.accuracy),
         f"{SYMBOLS[one.verdict]} {'skipped' if one.skipped else one.verdict}",
         one.reason if one.verdict == "not compared" or one.same_arithmetic else forms_of(one.forms)]
        for one in result.implementations
    ]  # fmt: skip
    return table(header, rows, "llrrll")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], alignment: str) -> str:
    """A table; alignment has l or r for each column, and its last letter is that of the others."""
    ways = {"l": ":--", "r": "--:"}
    letters = [alignment[min(k, len(alignment) - 1)] for k in range(len(header))]
    lines = [header, [ways[letter] for letter in letters], *rows]
    return "\n".join(
        f"| {' | '.join(cell if number == 1 else _in_cell(cell) for cell in line)} |"
        for number, line in enumerate(lines)
    )


class Code(str):
    """Text that is to be set as code."""


def _in_cell(text: str) -> str:
    return code(text).replace("|", "\\|") if isinstance(text, Code) else escaped(text)


def escaped(text: str) -> str:
    """Text that stands for itself in Markdown: no markup, no element, no link, no mention, no cell's end."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>|~#&@!])", lambda found: f"&#{ord(found[1])};", flat)


def code(text: str) -> str:
    """Text as code, in so many backticks that none of its own ends it."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def fenced(text: str) -> str:
    """Lines of text as they are, in a fence that none of them ends."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary>\n\n{body}\n\n</details>"
