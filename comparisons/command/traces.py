"""`backproof record`, `backproof certify` and `backproof compare`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.text import Text

from comparisons.agreement import check_comparable, compared
from comparisons.causes import Side, between, explained
from comparisons.certificate import Certificate, Verdict
from comparisons.certifying import certify
from comparisons.command.console import console_of
from comparisons.command.experiments import experiment_of
from comparisons.command.keeping import keep_of, thin_or_say
from comparisons.command.sizes import bytes_of
from comparisons.command.steps import Steps, ending_as_ctrl_c
from comparisons.curves import curves_of
from comparisons.errors import UsageError
from comparisons.implementations.registry import find, load
from comparisons.journal import Journal
from comparisons.messages import interrupted_line, not_noted_line
from comparisons.placing import placed
from comparisons.recording import how_it_ended, recorded
from comparisons.references import References
from comparisons.stored import shared
from comparisons.trace import load as load_trace
from comparisons.wording import agreement_text, certificate_text, counted, explanation_text, growth_line, loss
from comparisons.worker import of_disk_alone


def record_command(
    named: str, experiment_name: str, out: Path, precision: str | None, memory: str, kept: str = "all"
) -> int:
    """Record in this process; what ended before its time is certified up to there, and so is the exit code.

    It is certified too where the worst steps alone are kept.
    """
    implementation, experiment, size = find(named), experiment_of(experiment_name), bytes_of(memory)
    keep = keep_of(kept)
    if precision is not None:
        experiment = experiment.but(precision=precision)
    if implementation.missing:
        raise UsageError(f"{named} needs {' and '.join(implementation.missing)}; {implementation.how_to_get}")
    subject, layout = load(implementation)
    n_steps = experiment.n_steps

    def progress(step: int, values: Mapping[str, np.ndarray]) -> None:
        if steps.is_due():
            reached = f", loss {loss(float(values['J'].item()))}" if "J" in values else ""
            steps.show(f"recording {named}", step, n_steps, reached)

    try:
        with Steps() as steps:
            _, ending = recorded(
                subject, experiment, name=implementation.name, layout=layout, into=out, progress=progress
            )
    except (UsageError, KeyboardInterrupt):
        raise
    except Exception as error:
        if of_disk := of_disk_alone(error, str(out)):
            raise UsageError(of_disk) from None
        print(f"backproof: {named}: {how_it_ended(error, implementation.target.rpartition(':')[0])}", file=sys.stderr)
        return 3
    trace = load_trace(out, size)
    console_of().print(f"{out}: {counted(trace.n_steps, 'step')}, shown are {', '.join(trace.shown)}", highlight=False)
    if ending is None and keep != "worst":
        thin_or_say(out, keep)
        return 0
    certificate = certified(out, size)
    console_of().print(Text(certificate_text(certificate)), soft_wrap=True)
    thin_or_say(out, keep, certificate.rows)
    return _exit_code([certificate.verdict])


def certify_command(folders: Sequence[Path], memory: str) -> int:
    """Certify each trace; the exit code is the worst of all."""
    if not folders:
        raise UsageError("certify needs at least one trace; name folders that `backproof record` wrote")
    console, size = console_of(), bytes_of(memory)
    verdicts = []
    for folder in folders:
        certificate = certified(folder, size)
        verdicts.append(certificate.verdict)
        console.print(Text(certificate_text(certificate)), soft_wrap=True)
    return _exit_code(verdicts)


def certified(folder: Path, size: int) -> Certificate:
    """The certificate of a trace on disk; what is interrupted on the way goes on from there at the next start.

    Error: KeyboardInterrupt with the sentence that says so, at Ctrl-C and where this process is asked to end.
    """
    trace = load_trace(folder, size)
    journal, last = Journal.beside(trace), (1, 0, trace.n_steps)

    def progress(number: int, step: int, n_steps: int) -> None:
        nonlocal last
        last = number, step, n_steps
        if steps.is_due():
            steps.show(f"certifying {folder}{'' if number == 1 else f' (pass {number})'}", step, n_steps)

    try:
        with Steps() as steps, ending_as_ctrl_c():
            certificate = certify(trace, progress=progress, journal=journal)
    except KeyboardInterrupt:
        number, step, n_steps = last
        if journal is not None and journal.is_kept:
            raise KeyboardInterrupt(interrupted_line(folder, step, n_steps, number)) from None
        raise
    if journal is not None and journal.failed:
        print(f"backproof: {not_noted_line(journal.path, journal.failed)}", file=sys.stderr)
    return certificate


def compare_command(one: Path, other: Path, memory: str) -> int:
    """Compare two traces; the exit code is that of their certificates."""
    console, size = console_of(), shared(bytes_of(memory), 2)
    traces = [load_trace(one, size), load_trace(other, size)]
    check_comparable(*traces)
    certificates = [certify(trace) for trace in traces]
    references = References(traces[0].experiment)
    read = [(trace, one.forms, one.not_told_apart) for trace, one in zip(traces, certificates, strict=True)]
    places = placed(read, references, lambda forms: between(*forms))
    agreement = compared(traces[0], traces[1], *(place.score for place in places))
    for certificate in certificates:
        console.print(Text(certificate_text(certificate)), soft_wrap=True)
    console.print(Text(agreement_text(agreement)), soft_wrap=True)
    for line in dict.fromkeys(growth_line(score) for score in agreement.scores):
        console.print(Text(f"  {line}"), soft_wrap=True)
    sides = [
        Side(trace, place.forms, curves, place.drift)
        for trace, place in zip(traces, places, strict=True)
        if (curves := curves_of(trace)) is not None
    ]
    if places[0].forms != places[1].forms and len(sides) == 2:
        console.print(Text(explanation_text(explained(sides[0], sides[1], references))), soft_wrap=True)
    return _exit_code([certificate.verdict for certificate in certificates])


def _exit_code(verdicts: Sequence[Verdict]) -> int:
    return 1 if "disagrees" in verdicts else 3 if "not compared" in verdicts else 0
