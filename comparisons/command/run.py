"""`backproof run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from comparisons.command.console import console_of
from comparisons.command.experiments import experiments_of
from comparisons.command.keeping import keep_of, thin_or_say
from comparisons.command.progress import Progress
from comparisons.command.sizes import bytes_of
from comparisons.errors import UsageError
from comparisons.implementations.registry import BUILT_IN, Implementation, find
from comparisons.run import run, trace_of
from comparisons.wording import verdict_line
from reports.terminal import STYLES, show


def run_command(
    named: str,
    implementations: str | None,
    precision: str | None,
    out: Path,
    patience: float,
    memory: str,
    quiet: bool,
    figures: bool,
    kept: str = "all",
) -> int:
    """Run, print, and say how it ended."""
    experiments = experiments_of(named, precision)
    chosen, size, keep = chosen_from(implementations), bytes_of(memory), keep_of(kept)
    if patience <= 0:
        raise UsageError(f"--patience is a time in seconds above 0, not {patience:g}")
    console = console_of()
    names = [one.name for one in chosen if not one.missing]
    with Progress(names, experiments, console, quiet=quiet) as progress:
        result = run(
            experiments, chosen, out, asked_for=implementations is not None, figures=figures, patience=patience,
            memory=size, watch=progress.watch, idle=progress.show,
        )  # fmt: skip
    if quiet:
        console.print(Text(verdict_line(result), style=STYLES[result.verdict]), soft_wrap=True)
    else:
        show(result, console)
        console.print(Text(f"Result and traces: {out}"), soft_wrap=True)
    for one in result.implementations:
        rows = [row for row in result.rows if (row.implementation, row.precision) == (one.name, one.precision)]
        if one.chain is not None:  # it was certified
            thin_or_say(trace_of(out, one.name, one.precision), keep, rows)
    return result.exit_code


def chosen_from(implementations: str | None) -> Sequence[Implementation]:
    """The implementations that were asked for, or all built-in ones."""
    if implementations is None:
        return BUILT_IN
    names = [name.strip() for name in implementations.split(",") if name.strip()]
    if not names:
        raise UsageError("--implementations names none; name some with commas between, such as numpy,torch")
    chosen = [find(name) for name in names]
    twice = {one.name for one in chosen if [other.name for other in chosen].count(one.name) > 1}
    if twice:
        raise UsageError(f"--implementations names {', '.join(sorted(twice))} twice; name each once")
    return chosen
