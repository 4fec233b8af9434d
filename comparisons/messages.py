"""The sentences of `backproof check`, `mistakes` and `explain`, of the pytest plugin, of what a run works out last, and
of how far long work has come.

The others are in wording.py. Standard library only.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from comparisons.wording import (
    SYMBOLS,
    chain_of,
    count,
    counted,
    disagreement,
    explained,
    first_broken,
    listed,
    multiple,
    percent,
    reason_of,
)

WIDTH = 110
N_NAMED = 12  # so many names are written out


def entry_text(entry: Any) -> str:
    """A known mistake or a dialect: what it is, the wrong line and the right one, how it shows, where it was seen."""
    where = f"in {entry.equation}" if not entry.choice else f"in {entry.equation}: {entry.choice}"
    lines = [f"{entry.name}  ({entry.kind} {where})", _paragraph(entry.says, "  ")]
    for label, text in (("wrong", entry.wrong), ("right", entry.right)):
        lines += [f"  {label if number == 0 else '':<9} {line}" for number, line in enumerate(text.splitlines())]
    for before, after in entry.changes:
        lines += [f"  article   {before}", f"  becomes   {after}"]
    for label, text in (("shows", entry.shows), ("seen", entry.seen), ("source", entry.source)):
        if text:
            lines.append(_paragraph(text, f"  {label:<9} "))
    lines += [f"  {'measured' if number == 0 else '':<9} backproof internals {name}"
              for number, name in enumerate(entry.facts)]  # fmt: skip
    return "\n".join(lines)


def _paragraph(text: str, head: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


# What check says of one file ------------------------------------------------------------------------------------------


def sandbox_line(names: Sequence[str]) -> str:
    """That the files are run."""
    return f"running {listed(names)} without a sandbox, each in a process of its own: check what you trust"


def verdict_of(checked: Any) -> str:
    """agrees, disagrees, not compared, or not compared so far."""
    return f"{checked.verdict} so far" if checked.is_so_far and checked.verdict == "not compared" else checked.verdict


def reason_for(checked: Any) -> str:
    """Why the verdict is what it is, in one sentence."""
    certificate = checked.certificate
    if certificate is None:
        return str(checked.failed)
    if certificate.verdict == "disagrees":
        return reason_of(certificate)
    if checked.verdict == "disagrees":
        return f"it computes in {_dialects(certificate.forms)}, and conventions are not to be changed"
    if checked.missing:
        return f"{_named(checked.missing)} {_is(checked.missing)} not judged; shown {_shown(certificate)}"
    if checked.verdict == "agrees":
        forms = f", in {_dialects(certificate.forms)}" if certificate.forms else ""
        return f"{reason_of(certificate)}{forms}"
    if checked.is_so_far:
        return "what is shown holds" if certificate.verdict == "agrees" else "no equation is shown yet"
    return reason_of(certificate)


def fault_text(name: str, precision: str, rows: Sequence[Any], found: Any, says: Mapping[str, str]) -> str:
    """A disagreement with all that was found of it; `found` is a certificate, or what a result keeps of it."""
    lines = [disagreement(name, precision, rows), *explained(found, says)]
    if found.ended:
        lines.append(f"  ended     {found.ended}")
    if found.forms:
        leaves = "which leaves least broken" if len(found.forms) == 1 else "which leave least broken"
        lines.append(f"  judged    in {_dialects(found.forms)}, {leaves}")
    return "\n".join(lines)


def checked_text(checked: Any, says: Mapping[str, str], sources: Mapping[str, str]) -> str:
    """All that is to be said of one file; `says` and `sources` have the meaning and the users of forms by name."""
    certificate = checked.certificate
    head = f"{SYMBOLS[checked.verdict]} {checked.name} ({checked.precision}) {verdict_of(checked)}"
    head += f": {reason_for(checked)}"
    lines = [head]
    if certificate is None:
        return head
    if certificate.verdict == "disagrees":
        text = fault_text(checked.name, checked.precision, certificate.rows, certificate, says)
        lines = [f"{SYMBOLS['disagrees']} {text}"]
    for form in certificate.forms if certificate.verdict != "disagrees" else ():
        whose = f", as {sources[form]} does" if form in sources else ""
        lines.append(f"  dialect   {form}{whose}; backproof explain {form}")
    if checked.is_so_far:
        if certificate.verdict == "agrees":
            lines.append(f"  holds     {_judged(certificate)}")
        lines.append(f"  next      {checked.following}")
    elif checked.verdict == "agrees" and not checked.only:
        lines.append(f"  chain     {chain_of(certificate.chain)}")
    if checked.hidden and not checked.following and not checked.only:
        lines.append(f"  hidden    {listed(_kinds(checked.hidden))}; show them to have a fault located more closely")
    if checked.verdict == "agrees" and certificate.not_told_apart:
        lines.append(f"  open      not told apart by what is shown: {listed(certificate.not_told_apart)}")
    if checked.trace is not None:
        lines.append(f"  trace     {checked.trace}; backproof certify {checked.trace}")
    return "\n".join(lines)


def record_of(checked: Any) -> dict[str, Any]:
    """What is to be said of one file as one row of a table."""
    certificate = checked.certificate
    row = first_broken(certificate.rows) if certificate is not None else None
    return {
        "file": checked.name,
        "verdict": verdict_of(checked),
        "first_broken": row.quantity if row else "",
        "step": row.first_broken if row else None,
        "explained_by": [" + ".join(names) for names in certificate.explained_by] if certificate is not None else [],
        "forms": list(certificate.forms) if certificate is not None else [],
        "hints": list(certificate.hints) if certificate is not None else [],
        "seconds": None if checked.seconds is None else round(checked.seconds, 3),
        "reason": reason_for(checked),
    }


def broken_line(row: Any, first: Any) -> str:
    """Of a quantity that is broken beside another one, which is told of in full."""
    outside = f"{count(row.outside)} of {count(row.checked)} numbers lie outside their balls"
    return f"{row.equation}: {outside}, from step {count(row.first_broken)} on; broken first is {first.quantity}"


def written_line(file: str) -> str:
    """What to do with a new skeleton."""
    return f"{file} is written; fill in its first part, and then: backproof check {file}"


def reproducer_line(checked: Any, file: Any) -> str:
    """Where the reproducer is, or why there is none."""
    if not checked.reproducer:
        return f"{file} was not written: nothing is broken that it could reproduce"
    return f"{file} reproduces it with NumPy alone: python {file}"


def _judged(certificate: Any) -> str:
    names = [row.quantity for row in certificate.rows if row.checked and row.quantity not in certificate.given]
    n_numbers = sum(row.checked for row in certificate.rows if row.quantity in names)
    return f"{_named(names)} ({count(n_numbers)} numbers)" if names else "nothing"


def _named(names: Sequence[str]) -> str:
    more = len(names) - N_NAMED
    return listed(names) if more <= 0 else f"{', '.join(names[:N_NAMED])} and {more} more"


def _kinds(names: Sequence[str]) -> list[str]:
    """Z, A and dW of Z[1], Z[2], A[1] and dW[3]."""
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _shown(certificate: Any) -> str:
    return f"{_is(certificate.shown)} {_named(certificate.shown)}" if certificate.shown else "is nothing"


def _dialects(forms: Sequence[str]) -> str:
    return f"the {'dialect' if len(forms) == 1 else 'dialects'} {listed(forms)}"


# What a run works out after its certificates --------------------------------------------------------------------------

NO_PATH = "no run shows all its parameters in every step"
NO_PLANE = "the path of training spans no plane: its parameters move along one line, not at all, or out of all range"


def too_large(n_operations: float) -> str:
    """Why the loss of a large experiment has no surface."""
    return f"the loss at all of its points would take {multiple(n_operations)} multiplications, longer than a run does"


def not_in_a_plane(n_features: int) -> str:
    """Why there is no figure of the plane."""
    return f"the data have {counted(n_features, 'feature')}, and a boundary is drawn in a plane"


LEFT_OUT = "they were left out, as asked"


def figures_line(no_figures: str) -> str:
    """That figures could not be drawn; nothing where nobody wanted them, or where they are there."""
    return f"Figures cannot be drawn: {no_figures}." if no_figures not in ("", LEFT_OUT) else ""


def scenes_not_written(file: Any, why: str) -> str:
    """That the disk did not take them."""
    return f"{file} could not be written: {why}; free some space or choose another --out"


def no_room(folder: str, why: str) -> str:
    """That what is kept of each step while replicas are trained could not be written."""
    return (
        f"what is kept of each step could not be written to {folder}: {why}; free some space, or name another folder "
        "in the environment variable TMPDIR"
    )


def accuracy_line(name: str, accuracy: float | None) -> str:
    """What a run reached, as evidence."""
    reached = "is not known" if accuracy is None else percent(accuracy)
    return f"{name}: training accuracy {reached}"


def not_measured_line(error: BaseException) -> str:
    """Why a claim could not be measured on this experiment."""
    return f"it cannot be measured on this experiment: {type(error).__name__}: {' '.join(str(error).split())}"


def takes_long_line(n_trainings: int, seconds: float) -> str:
    """Why claims that train are left to their own command."""
    return (
        f"it is not measured in a run: the claims train the experiment {n_trainings} times, which would take about "
        f"{seconds / 60:.0f} minutes; backproof claims does it"
    )


def claim_without_word(how: str) -> str:
    """That the process that measures claims did not come to this one."""
    return f"it was not measured: {how}"


def claims_line(claims: Sequence[Mapping[str, Any]], experiment: str) -> str:
    """How many of the article's claims hold, and which do not or could not be measured; nothing without claims."""
    if not claims:
        return ""
    by_verdict = {
        holds: [claim["name"] for claim in claims if claim["holds"] is holds] for holds in (True, False, None)
    }
    line = f"Claims: {len(by_verdict[True])} of {len(claims)} of the article's claims hold"
    if by_verdict[False]:
        line += f"; {listed(by_verdict[False])} {'does' if len(by_verdict[False]) == 1 else 'do'} not"
    if by_verdict[None]:
        line += f"; {listed(by_verdict[None])} {'was' if len(by_verdict[None]) == 1 else 'were'} not measured"
    of_another = "" if experiment == "article" else " --experiment …"
    return f"{line} (backproof claims{of_another})."


# How far long work has come -------------------------------------------------------------------------------------------


def training_line(step: int, n_steps: int) -> str:
    """The step within a long epoch."""
    return f"training, step {step:,} of {n_steps:,}"


def certifying_line(step: int, n_steps: int, number: int) -> str:
    """How far judging a long trace has come, and the how-manieth time that it is gone through."""
    return f"certifying {step:,} of {n_steps:,}{'' if number == 1 else f' (pass {number})'}"


def interrupted_line(folder: Any, step: int, n_steps: int, number: int) -> str:
    """That certifying was interrupted, and goes on from there."""
    where = f"at step {step:,} of {n_steps:,}{'' if number == 1 else f' of pass {number}'}"
    return f"interrupted: certifying {folder} was {where}; the same command goes on from there"


def not_noted_line(path: Any, why: str) -> str:
    """That the journal could not be written."""
    return f"{path} could not be written: {why}; certifying went on, and could not have been resumed"


# What is kept ---------------------------------------------------------------------------------------------------------


def keep_is(text: str) -> str:
    """That this is no choice of what to keep."""
    return f'--keep is "{text}"; it is all, worst (the worst steps and the first broken ones), or N for every N-th step'


def not_thinned(folder: Any, why: str) -> str:
    """That a trace could not be thinned."""
    return f"{folder} could not be thinned: {why}; all of its steps are kept, as they were"


def keep_without_out(text: str) -> str:
    """That nothing is kept."""
    return f"--keep {text} is for the traces that --out keeps; name a folder with --out, or leave --keep away"
