"""`backproof check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from comparisons.check import Checked, check, text_of
from comparisons.command.console import console_of, print_records
from comparisons.command.experiments import experiment_of
from comparisons.command.keeping import keep_of, thin_or_say
from comparisons.command.progress import Progress
from comparisons.command.sizes import bytes_of
from comparisons.composed import network_of
from comparisons.errors import UsageError
from comparisons.implementations.registry import BUILT_IN, Implementation, find
from comparisons.messages import keep_without_out, record_of, reproducer_line, sandbox_line
from comparisons.view import View, Visible, steps_of
from reports.terminal import STYLES


def check_command(
    files: Sequence[str],
    named: str,
    precision: str | None,
    *,
    visible: Visible,
    only: tuple[str, ...],
    steps: str | None,
    is_strict: bool,
    how: Literal["text", "csv", "json"],
    patience: float,
    memory: str,
    reproducer: Path | None,
    out: Path | None,
    kept: str = "all",
) -> int:
    """Check, print, and say how it ended."""
    if not files:
        raise UsageError("check needs at least one file; write one with `backproof new my_network.py`")
    if patience <= 0:
        raise UsageError(f"--patience is a time in seconds above 0, not {patience:g}")
    if reproducer is not None and len(files) > 1:
        raise UsageError("--reproducer is for one file, and several are to be checked; check the one that disagrees")
    size, keep = bytes_of(memory), keep_of(kept)
    if keep != "all" and out is None:
        raise UsageError(keep_without_out(kept))
    experiment = experiment_of(named)
    if precision is not None:
        experiment = experiment.but(precision=precision)
    view = View(visible, only, *steps_of(steps))
    view.refuse_unknown(network_of(experiment))
    chosen = chosen_from(files)
    if own := [one.name for one in chosen if one not in BUILT_IN]:
        print(f"backproof: {sandbox_line(own)}", file=sys.stderr)
    console = Console(stderr=True)
    names = [one.name for one in chosen if not one.missing]
    with Progress(names, [experiment], console, quiet=not console.is_terminal) as progress:
        found = check(
            chosen, experiment, view, is_strict=is_strict, reproduce=reproducer is not None, patience=patience, out=out,
            memory=size, printed=sys.stderr, watch=progress.watch, idle=progress.show,
        )  # fmt: skip
    if how == "text":
        _print(found)
    else:
        print_records([record_of(one) for one in found], how)
    if reproducer is not None:
        _reproduce(found[0], reproducer)
    for one in found:
        if one.trace is not None and one.certificate is not None:
            thin_or_say(one.trace, keep, one.certificate.rows)
    return exit_code(found)


def chosen_from(files: Sequence[str]) -> list[Implementation]:
    """The files, each under a name of its own."""
    chosen = [find(file) for file in files]
    for one in chosen:
        if [other.target for other in chosen].count(one.target) > 1:
            raise UsageError(f"{one.name} is to be checked twice; name each once")
    names = [one.name for one in chosen]
    return [one if names.count(one.name) == 1 else one._replace(name=file)
            for one, file in zip(chosen, files, strict=True)]  # fmt: skip


def exit_code(found: Sequence[Checked]) -> int:
    """The worst of all: 1 where one disagrees, 3 where one was not compared."""
    verdicts = [one.verdict for one in found]
    return 1 if "disagrees" in verdicts else 3 if "not compared" in verdicts else 0


def _print(found: Sequence[Checked]) -> None:
    console = console_of()
    for number, one in enumerate(found):
        if number:
            console.print()
        first, _, others = text_of(one).partition("\n")
        console.print(Text(first, style=STYLES[one.verdict]), soft_wrap=True)
        if others:
            console.print(Text(others), soft_wrap=True)


def _reproduce(one: Checked, file: Path) -> None:
    if one.reproducer:
        try:
            file.write_text(one.reproducer, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}; choose another --reproducer") from None
    print(reproducer_line(one, file), file=sys.stderr)
