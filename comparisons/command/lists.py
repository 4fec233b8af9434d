"""`backproof implementations`, `experiment` and `equations`: what there is."""

from __future__ import annotations

import textwrap

from rich.table import Table
from rich.text import Text

from comparisons.command.console import console_of
from comparisons.command.experiments import experiment_of
from comparisons.composed import network_of
from comparisons.implementations.registry import implementations
from reference.dialects import DIALECTS


def implementations_command() -> int:
    """One line each."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("installed", no_wrap=True)
    table.add_column("what it is")
    for one in implementations().values():
        versions = ", ".join(f"{package} {version}" for package, version in one.versions.items())
        state = Text(f"✗ {one.how_to_get}", style="yellow") if one.missing else Text(f"✓ {versions}", style="green")
        table.add_row(one.name, state, one.says)
    console_of().print(table)
    return 0


def experiment_command(named: str) -> int:
    """The experiment as TOML."""
    print(experiment_of(named).to_toml(), end="")
    return 0


def equations_command(named: str, dialects: bool) -> int:
    """The equations, and the dialects of them."""
    network = network_of(experiment_of(named))
    print(network)
    if not dialects:
        return 0
    for form in DIALECTS:
        if not form.applies_to(network):
            continue
        print(f"\n{form.name}  ({form.choice})")
        print(textwrap.fill(form.says, 110, initial_indent="  ", subsequent_indent="  "))
        print(textwrap.fill(f"source: {form.source}", 110, initial_indent="  ", subsequent_indent="    "))
        for change in form.changes:
            old = change.hits(network)[-1]
            print(f"  {old}   becomes   {change.apply(old).formula}")
    return 0
