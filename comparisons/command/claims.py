"""`backproof claims`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from comparisons.claims import CLAIMS, measured
from comparisons.command.console import console_of
from comparisons.command.experiments import experiment_of
from comparisons.errors import UsageError


def claims_command(names: Sequence[str], named: str) -> int:
    """Measure the claims one after the other; 1 where one does not hold."""
    known = [claim.name for claim in CLAIMS]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no claim {name}; the claims are {', '.join(known)}")
    console, all_hold = console_of(), True
    for claim, evidence in measured(list(names), experiment_of(named)):
        style, verdict = ("green", "✓ holds") if evidence.holds else ("bold red", "✗ does not hold")
        console.print(Text.assemble((f"{verdict}  ", style), f"{claim.name}: {claim.says}"), soft_wrap=True)
        for line in evidence.lines:
            console.print(Text(f"    {line}"), soft_wrap=True)
        all_hold &= evidence.holds
    return 0 if all_hold else 1
