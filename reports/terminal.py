"""A finished result on the terminal: one table, what each run reached, disagreements, and one verdict line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from comparisons.messages import claims_line, fault_text, figures_line
from comparisons.result import ImplementationResult, Result, ResultRow, revived
from comparisons.wording import (
    SYMBOLS,
    alarm_line,
    blind_line,
    chain_line,
    chain_of,
    count,
    explanation_text,
    forms_of,
    growth_line,
    loss,
    multiple,
    never_bites,
    percent,
    score_line,
    verdict_line,
)
from reports.causes import width
from reports.kinds import Kind, kinds
from reports.runs import rows_of

STYLES = {"agrees": "green", "disagrees": "bold red", "not compared": "yellow"}


def show(result: Result, console: Console) -> None:
    """Print the whole result."""
    precisions = list(dict.fromkeys(one.precision for one in result.implementations))
    if result.rows:
        console.print(quantities(result, precisions))
        console.print()
    console.print(reached(result))
    for one in result.implementations:
        _explain(result, one, console)
    console.print()
    for line in (*notes(result), *advice(result), *whole_runs(result)):
        console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(Text(verdict_line(result), style=STYLES[result.verdict]), soft_wrap=True)


def quantities(result: Result, precisions: Sequence[str]) -> Table:
    """Implementation × quantity: numbers judged, not judged, worst error over its bound, and radius, by precision."""
    table = Table(title="Every equation, on each implementation's own numbers", title_justify="left", box=None,
                  pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))  # fmt: skip
    table.add_column("\nquantity", no_wrap=True)
    for precision in precisions:
        table.add_column(f"{precision}\njudged", justify="right", no_wrap=True, min_width=9)
        table.add_column("not\njudged", justify="right", no_wrap=True)
        table.add_column("worst\n÷bound", justify="right", no_wrap=True)
        table.add_column("\nradius", justify="right", no_wrap=True, min_width=7)
        table.add_column("", no_wrap=True, min_width=1)
    for name in dict.fromkeys(row.implementation for row in result.rows):
        table.add_row(Text(name, style="bold"))
        by_precision = {
            precision: {kind.name: kind for kind in kinds(rows_of(result, name, precision))} for precision in precisions
        }
        for kind in dict.fromkeys(kind for found in by_precision.values() for kind in found):
            cells = [cell for precision in precisions for cell in _cells(by_precision[precision].get(kind))]
            table.add_row(f"  {kind}", *cells)
    return table


def _cells(kind: Kind | None) -> list[Text]:
    if kind is None:
        return [Text("")] * 5
    symbol = Text(SYMBOLS[kind.verdict], style=STYLES[kind.verdict])
    style = "" if kind.verdict == "agrees" else STYLES[kind.verdict]
    numbers = (count(kind.checked), count(kind.not_judged) if kind.not_judged else "", multiple(kind.worst),
               multiple(kind.radius))  # fmt: skip
    return [*(Text(number, style=style) for number in numbers), symbol]


def reached(result: Result) -> Table:
    """What each implementation reached, and in which forms it was judged."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name, justify in (("implementation", "left"), ("precision", "left"), ("loss", "right"),
                          ("accuracy", "right"), ("test", "right"), ("verdict", "left")):  # fmt: skip
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("in the form", overflow="fold")
    for one in result.implementations:
        verdict = "skipped" if one.skipped else one.verdict
        said = Text(f"{SYMBOLS[one.verdict]} {verdict}", style=STYLES[one.verdict])
        form = one.reason if one.verdict == "not compared" or one.same_arithmetic else forms_of(one.forms)
        table.add_row(one.name, one.precision, loss(one.loss), percent(one.accuracy), percent(one.test_accuracy),
                      said, escape(form))  # fmt: skip
    return table


def _explain(result: Result, one: ImplementationResult, console: Console) -> None:
    """The disagreement, the open chain, or the last output of what failed."""
    if one.verdict == "disagrees":
        text = fault_text(one.name, one.precision, rows_of(result, one.name, one.precision), one, one.means)
        console.print()
        console.print(Text(text), soft_wrap=True)
    elif one.chain is not None and not one.chain["holds"]:
        console.print(Text(f"{one.name} ({one.precision}): {chain_of(one.chain)}"), soft_wrap=True)
    if one.output and (one.verdict == "not compared" or one.ended):
        console.print()
        console.print(Text(f"{one.name} ({one.precision}) {one.reason}; its last output:"), soft_wrap=True)
        console.print(Padding(Text(one.output, style="dim"), (0, 0, 0, 2)))


def notes(result: Result) -> list[str]:
    """What the verdict rests on: the chain, what could go unseen, what was not told apart, bounds that never bite."""
    lines = [chain_line(result.implementations), *blind_lines(result)]
    for are_broken, why in (
        (False, "all forms of it hold"),
        (True, "what is broken hangs on it"),
    ):
        alike: dict[str, dict[str, None]] = {}
        for one in result.implementations:
            for choice in one.not_told_apart if (one.verdict == "disagrees") == are_broken else ():
                alike.setdefault(choice, {})[one.name] = None
        if alike:
            said = "; ".join(f"{choice} ({', '.join(names)})" for choice, names in alike.items())
            lines.append(f"Not told apart by what was shown, since {why}: {said}.")
    same = {(one.name, one.precision) for one in result.implementations if one.same_arithmetic}
    idle = [row for row in result.rows if (row.implementation, row.precision) not in same and never_bites(row)]
    if idle:
        named = ", ".join(
            dict.fromkeys(f"{row.quantity} of {row.implementation} ({row.precision})" for row in idle[:4])
        )
        more = f" and {len(idle) - 4} more" if len(idle) > 4 else ""
        lines.append(f"Bounds that never bite (every error below 1/1000 of the bound): {named}{more}.")
    lines.append(result.environment.get("assumed", ""))
    return [line for line in lines if line]


def advice(result: Result) -> list[str]:
    """How many of the article's claims hold, and why figures cannot be drawn, if they cannot."""
    lines = (claims_line(result.claims, result.experiment["name"]), figures_line(result.no_figures))
    return [line for line in lines if line]


def whole_runs(result: Result) -> list[str]:
    """How the free runs lie: each among correct replicas, how fast rounding grows, and the largest gap explained."""
    agreements = [revived(agreement) for agreement in result.agreements]
    scores = {(s.implementation, s.precision): s for agreement in agreements for s in agreement.scores}
    if not scores:
        return [f"Whole runs were not compared: {result.not_whole}."] if result.not_whole else []
    lines = ["", "Whole runs (advice; the verdict is made of certificates alone)"]
    lines += [f"  {score_line(score)}" for score in scores.values()]
    lines.append(f"  {alarm_line(list(scores.values()))}")
    fastest = {s.precision: s for s in sorted(scores.values(), key=lambda s: -s.horizon)}
    lines += [f"  {growth_line(score)}" for score in fastest.values()]
    explanations = [revived(explanation) for explanation in result.explanations]
    if explanations:
        widest = max(explanations, key=lambda e: (e.precision == "float64", width(e)))
        lines += ["", *explanation_text(widest).splitlines()]
    return lines


def blind_lines(result: Result) -> list[str]:
    """How many numbers of each precision could change unseen."""
    by_precision: dict[str, list[ResultRow]] = {}
    for row in result.rows:
        by_precision.setdefault(row.precision, []).append(row)
    return [blind_line(precision, rows) for precision, rows in by_precision.items()]
