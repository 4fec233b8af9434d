"""`backproof mistakes` and `backproof explain`: what has a name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from rich.table import Table
from rich.text import Text

from comparisons.command.console import console_of, print_records
from comparisons.lexicon import Entry, entries, entry_of
from comparisons.messages import entry_text

COLUMNS = ("name", "kind", "equation", "says", "wrong", "right", "shows", "seen", "choice", "source", "facts")


def mistakes_command(how: Literal["text", "csv", "json"]) -> int:
    """All of them, by equation."""
    found = entries()
    if how != "text":
        told = [{**asdict(entry), "facts": "; ".join(entry.facts)} for entry in found]
        print_records([{name: record[name] for name in COLUMNS} for record in told], how)
        return 0
    console = console_of()
    console.print(_table(found))
    console.print(Text("A dialect is a convention and no fault. Read about one with `backproof explain NAME`."))
    return 0


def explain_command(name: str) -> int:
    """One of them."""
    console_of().print(Text(entry_text(entry_of(name))), soft_wrap=True)
    return 0


def _table(found: tuple[Entry, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("equation", "name", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it is", overflow="fold")
    last = None
    for entry in found:
        equation = "" if entry.equation == last else entry.equation
        last = entry.equation
        style = "green" if entry.kind == "dialect" else ""
        table.add_row(*(Text(cell, style=style) for cell in (equation, entry.name, entry.kind, entry.says)))
    return table
