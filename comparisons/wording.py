"""Every sentence and every number format, once: for the terminal, the pytest message and the reports alike.

Standard library only. Numbers: counts have thousands separators, multiples of a bound two significant digits, values
as many as their precision needs to be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from comparisons.certificate import Certificate

SYMBOLS = {"agrees": "✓", "disagrees": "✗", "not compared": "–"}
DIGITS = {"float32": 9, "float64": 17}


def count(n: int) -> str:
    """1,600"""
    return f"{n:,}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """1 step, 1,600 steps"""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def multiple(x: float | None) -> str:
    """A multiple of a bound, or a radius: 0, 0.86, 4.2e+06, 1.8e-08, and – where there is none."""
    if x is None or math.isnan(x):
        return "–"
    if x == 0 or math.isinf(x):
        return "0" if x == 0 else "∞"
    return f"{x:.2g}" if 1e-3 <= x < 1e3 else f"{x:.1e}"


def value(x: float | None, precision: str) -> str:
    """A number, with as many digits as its precision has."""
    return "–" if x is None else f"{x:.{DIGITS[precision]}g}"


def percent(x: float | None) -> str:
    """0.9985 as 99.85 %."""
    return "–" if x is None else f"{100 * x:.2f} %"


def loss(x: float | None) -> str:
    """A loss."""
    return "–" if x is None else f"{x:.6f}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """a, b and c"""
    words = list(words)
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def element(quantity: str, index: Sequence[int]) -> str:
    """dW[2][4, 1]; of a single number such as J, its name alone."""
    return quantity if quantity == "J" or not index else f"{quantity}[{', '.join(map(str, index))}]"


def first_broken(rows: Iterable[Any]) -> Any | None:
    """The row to tell of first: broken at the earliest step, and there the first in the network's order."""
    broken = [row for row in rows if row.verdict == "disagrees"]
    return min(broken, key=lambda row: row.first_broken, default=None)


def disagreement(implementation: str, precision: str, rows: Sequence[Any]) -> str:
    """How a disagreement reads, everywhere: the equation, the worst number, what was checked, what else is broken."""
    row = first_broken(rows)
    if row is None:
        raise ValueError("there is no disagreement to describe")
    at = "at the start" if row.first_broken == 0 else f"at step {count(row.first_broken)}"
    times = "a wrong number where none may be wrong" if math.isinf(row.worst) else f"{multiple(row.worst)} × the bound"
    where = "" if row.step == row.first_broken else f" at step {count(row.step)}"
    others = [other.quantity for other in rows if other.verdict == "disagrees" and other is not row]
    lines = [
        f"{implementation} ({precision}) disagrees with the article {at}, equation  {row.equation}",
        f"  worst     {element(row.quantity, row.index)}{where}: expected {value(row.expected, precision)} ± "
        f"{multiple(row.bound)}, actual {value(row.actual, precision)}   ({times})",
        f"  checked   {count(row.checked)} numbers, {count(row.outside)} outside; broken in "
        f"{counted(row.n_broken_steps, 'step')}; {_before(row, rows)}",
    ]
    if others:
        shown = listed(others) if len(others) <= 12 else f"{', '.join(others[:12])} and {len(others) - 12} more"
        lines.append(f"  also      {shown}")
    return "\n".join(lines)


def explained(certificate: Certificate, says: Mapping[str, str]) -> list[str]:
    """Which known mistakes reproduce what is broken, the hints, and what more to show; `says` has what names mean."""
    lines, alternatives = [], [_together(names) for names in certificate.explained_by]
    if len(alternatives) == 1:
        means = " ".join(says.get(name, "") for name in certificate.explained_by[0]).strip()
        lines.append(f"  explained by {alternatives[0]}" + (f": {means}" if means else ""))
    elif alternatives:
        apart = f"; show {listed(certificate.show_next, 'or')} to tell them apart" if certificate.show_next else ""
        lines.append(f"  explained by one of {listed(alternatives, 'or')}{apart}")
    else:
        lines.append("  explained by nothing known: no known mistake reproduces it")
    names = dict.fromkeys(name for names in certificate.explained_by for name in names)
    lines += [f"  see       backproof explain {name.partition(':')[0]}" for name in names]
    lines += [f"  hint      {hint}" for hint in certificate.hints]
    if certificate.show_next and len(alternatives) < 2:
        lines.append(f"  show      {listed(certificate.show_next)} too, to have the fault located more closely")
    return lines


def _together(names: Sequence[str]) -> str:
    return listed(f'"{name}"' for name in names) + (" together" if len(names) > 1 else "")


def _before(row: Any, rows: Sequence[Any]) -> str:
    earlier = rows[: list(rows).index(row)]
    if any(other.verdict == "disagrees" for other in earlier):
        return "what stands before it in the step breaks later"
    return "everything before it in the step holds" if any(o.checked for o in earlier) else "nothing stands before it"


def reason_of(certificate: Certificate) -> str:
    """Why the certificate's verdict is what it is, in one sentence."""
    rows = certificate.rows
    if certificate.ended and certificate.verdict == "not compared":
        held = f"all {counted(certificate.checked, 'number')} judged up to there lie inside their balls"
        return f"the recording ended {certificate.ended}; {held if certificate.checked else 'nothing was judged'}"
    if certificate.verdict == "not compared":
        return f"nothing was judged: {_not_judged(certificate)}"
    if certificate.verdict == "disagrees":
        row = first_broken(rows)
        assert row is not None
        at = "at the start" if row.first_broken == 0 else f"from step {count(row.first_broken)} on"
        said = f"{listed(certificate.broken()[:4])} {'are' if len(certificate.broken()) > 1 else 'is'} broken {at}"
        return f"{said}; the recording ended {certificate.ended}" if certificate.ended else said
    if certificate.same_arithmetic:
        return "same arithmetic: the reference judged by itself, no evidence"
    return f"all {count(certificate.checked)} judged numbers lie inside their balls"


def ending_of(trace: Any) -> str:
    """After which step and how a recording ended before its time; nothing if it did not."""
    last = trace.first + trace.n_steps - 1
    return f"after step {count(last)} of {count(trace.experiment.n_steps)}: {trace.ended}" if trace.ended else ""


def _not_judged(certificate: Certificate) -> str:
    """Why nothing was, and what to do."""
    shown, such_as = certificate.shown, 'show what is computed from them, such as "A[1]" and "W[1]"'
    if not shown:
        return "no step shows anything"
    if set(shown) <= {"A[0]", "Y"}:
        return f"{listed(shown)} {'are' if len(shown) > 1 else 'is'} given by the experiment; {such_as}"
    return f"of {listed(shown)} no number has a bound that tells anything; show more of what they are computed from"


def forms_of(forms: Sequence[str]) -> str:
    """The dialects that held, beside an implementation's name."""
    return listed(forms) if forms else "textbook"


def chain_of(chain: Any) -> str:
    """The chain statement; `chain` is a certificate's, or what a result keeps of it."""
    holds, missing, n_links, n_judged = (
        (chain["holds"], chain["missing"], chain["n_links"], chain["n_judged"])
        if isinstance(chain, dict)
        else (chain.holds, chain.missing, chain.n_links, chain.n_judged)
    )
    if not holds:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return f"the chain is not closed: {'; '.join(missing[:3])}{more}"
    text = "every parameter of every step is tied to the step before by judged equations"
    idle = n_links - n_judged
    if idle:
        text += f"; {count(idle)} of {count(n_links)} moved by less than rounding shows, or not at all"
    return text


def chain_line(implementations: Sequence[Any]) -> str:
    """The chain statement of a whole run, in one sentence where all chains are closed."""
    chains = [one.chain for one in implementations if one.chain is not None]
    if not chains or not all(chain["holds"] for chain in chains):
        return ""
    judged, links = sum(chain["n_judged"] for chain in chains), sum(chain["n_links"] for chain in chains)
    every = "every run" if len(chains) == len(list(implementations)) else "every run that was compared"
    text = f"Chain: in {every}, every parameter of every step is tied to the step before by judged equations"
    if judged == links:
        return f"{text}: {count(links)} numbers."
    return (
        f"{text}; {count(judged)} of {count(links)} numbers were judged, the others moved by less than rounding shows, "
        "or not at all."
    )


SENSITIVITY = {"float32": 1e-4, "float64": 1e-12}  # the part of a number's scale whose change is to be noticed


def blind_line(precision: str, rows: Iterable[Any]) -> str:
    """How many numbers could change by so much of their scale without being noticed by their own equation."""
    rows = list(rows)
    blind, judged = sum(row.blind for row in rows), sum(row.checked + row.not_judged for row in rows)
    where = sorted({row.quantity for row in rows if row.blind})
    named = f" ({', '.join(where[:8])}{' …' if len(where) > 8 else ''})" if where else ""
    return (
        f"Blind: of {count(judged)} numbers in {precision}, {count(blind)} could change by {SENSITIVITY[precision]:g} "
        f"of their scale unseen by their own equation{named}."
    )


def assumption(precision: str, functions: Sequence[str], margin: float) -> str:
    """What the bounds of a precision assume; nothing where they assume nothing."""
    if not functions:
        return ""
    return (
        f"Assumed in {precision}: the accuracy of {listed(functions)}, where TensorFlow states none and {margin:g} "
        "times the largest error in a sample of inputs is taken."
    )


def verdict_line(result: Any) -> str:
    """One sentence on the whole run."""
    by_verdict: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    for one in result.implementations:
        if one.skipped:
            skipped[one.name] = one.reason
        else:
            by_verdict.setdefault(one.verdict, []).append(f"{one.name} ({one.precision})")
    line = {
        "agrees": f"AGREES: {counted(len(by_verdict.get('agrees', [])), 'run')} of "
        f"{counted(len({one.name for one in result.implementations if not one.skipped}), 'implementation')}, "
        f"{count(result.checked)} numbers judged, all inside their balls",
        "disagrees": f"DISAGREES: {listed(by_verdict.get('disagrees', []))}; {count(result.checked)} numbers judged",
        "not compared": f"NOT COMPARED: {_missing(result, by_verdict)}",
    }[result.verdict]
    if result.verdict != "not compared" and by_verdict.get("not compared"):
        line += f"; not compared: {listed(by_verdict['not compared'])}"
    if skipped:
        line += f"; skipped, not installed: {listed(skipped)}"
    return line + "."


def _missing(result: Any, by_verdict: dict[str, list[str]]) -> str:
    if by_verdict.get("not compared"):
        reasons: dict[str, list[str]] = {}
        for one in result.implementations:
            if one.verdict == "not compared" and not one.skipped:
                reasons.setdefault(one.reason, []).append(f"{one.name} ({one.precision})")
        return "; ".join(f"{listed(names)}, {reason}" for reason, names in reasons.items())
    return "only the reference ran, and the reference alone is no agreement"


def certificate_text(certificate: Certificate) -> str:
    """A certificate in a few lines, as its repr shows it."""
    head = f"{certificate.implementation} ({certificate.precision}) {certificate.verdict}"
    lines = [
        f"{SYMBOLS[certificate.verdict]} {head}: {reason_of(certificate)}",
        f"  forms     {forms_of(certificate.forms)}",
        f"  judged    {count(certificate.checked)} numbers of "
        f"{counted(len(certificate.rows), 'quantity', 'quantities')}, "
        f"{count(sum(row.not_judged for row in certificate.rows))} not judged",
        f"  chain     {chain_of(certificate.chain)}",
        f"  blind     {count(sum(row.blind for row in certificate.rows))} numbers could change by "
        f"{SENSITIVITY[certificate.precision]:g} of their scale unseen by their own equation",
    ]
    for choice, forms in certificate.not_told_apart.items():
        which = "; what is broken hangs on it" if certificate.verdict == "disagrees" else ""
        lines.append(f"  not told apart: {choice} ({', '.join(forms)}){which}")
    if certificate.verdict == "disagrees":
        lines += ["", disagreement(certificate.implementation, certificate.precision, certificate.rows)]
        if certificate.explained_by or certificate.hints:
            lines += explained(certificate, {})
    return "\n".join(lines)


def agreement_text(agreement: Any) -> str:
    """Two whole runs compared, as an agreement's repr and `backproof compare` show it."""
    names = f"{agreement.one} and {agreement.other} ({agreement.precision})"
    lines = [f"{names} {AGREEMENT[agreement.verdict]}: {agreement.reason}"]
    lines += [f"  {score_line(score)}" for score in agreement.scores]
    lines.append(f"  {'largest differences':<22}{'absolute':>10}{'relative':>10}{'in ulps':>10}   at step, index")
    for gap in agreement.differences:
        where = f"{count(gap.step)}, {element('', gap.index)}" if gap.absolute else ""
        sizes = (gap.absolute, gap.relative, gap.ulps)
        lines.append(f"  {gap.quantity:<22}{''.join(f'{multiple(size):>10}' for size in sizes)}   {where}")
    return "\n".join(lines)


AGREEMENT = {
    "together": "stay together",
    "explained": "part as their forms predict",
    "parted": "part",
    "cannot tell": "cannot be told apart or together",
}


def score_line(score: Any) -> str:
    """One run among the replicas of the reference in its own forms."""
    rank = f"further from the mean than {score.rank} of {score.n_replicas} correct replicas"
    if score.parted_at is not None:
        rank = (
            f"further from the mean than all {score.n_replicas} correct replicas, first at step "
            f"{count(score.parted_at)} (a correct run is so once in {round(1 / score.false_alarm_rate)})"
        )
    loss_gap = ""
    if score.loss_difference is not None:
        loss_gap = f"; loss curve within {multiple(score.loss_difference)} of the reference in its forms"
    return f"{score.implementation} ({score.precision}): {rank}{loss_gap}"


MEASURED = {  # of so many correct runs of the article, how many lay beyond 32 replicas: benchmarks/false_alarms.csv
    "replica": (20, 640),
    "shuffled": (0, 400),
    "framework": (0, 10),
}


def alarm_line(scores: Sequence[Any]) -> str:
    """How many runs lie beyond all replicas, and how many of so many correct ones would by chance: stated, measured."""
    beyond = sum(score.parted_at is not None for score in scores)
    expected = sum(score.false_alarm_rate for score in scores)
    runs = f"{counted(beyond, 'run')} of {len(scores)} beyond all replicas"
    of = {kind: f"{count(alarms)} of {count(n)}" for kind, (alarms, n) in MEASURED.items()}
    return (
        f"{runs}; of as many correct runs, {expected:.1f} are by chance (stated: 1 in "
        f"{round(len(scores) / expected)}; measured: {of['replica']} further replicas, {of['shuffled']} runs with "
        f"their sums in shuffled orders, {of['framework']} runs of frameworks)"
    )


def growth_line(score: Any) -> str:
    """How fast rounding grows, and until when free runs can be compared."""
    horizon = (
        "it has no horizon"
        if math.isinf(score.horizon)
        else f"free runs tell nothing from step {count(math.ceil(score.horizon))} on"
    )
    return f"in {score.precision} rounding doubles {score.doublings:.2g} times in a hundred steps; {horizon}"


def explanation_text(explanation: Any) -> str:
    """Why two runs end with different losses: one cause at a time, together, and what is left over."""
    e = explanation
    by_replicas = f"the most that rounding leaves, of {e.n_replicas} pairs of correct replicas"
    lines = [
        f"{e.one} and {e.other} ({e.precision}) end with losses {value(e.loss_one, e.precision)} and "
        f"{value(e.loss_other, e.precision)}: {signed(e.measured)} apart, {_because(e)}",
        f"  {'cause':<40}{e.one:<26}{e.other:<26}{'alone':>10}",
    ]
    lines += [f"  {c.choice:<40}{c.one:<26}{c.other:<26}{signed(c.last):>10}" for c in e.causes]
    lines += [
        f"  {'together, predicted':<92}{signed(e.predicted):>10}",
        f"  {'measured':<92}{signed(e.measured):>10}",
        f"  {'left unexplained':<92}{signed(e.unexplained):>10}",
        f"  {'the most left unexplained after any epoch':<92}{multiple(e.largest_unexplained):>10}",
        f"  {by_replicas:<92}{multiple(e.by_rounding):>10}",
    ]
    return "\n".join(lines)


def _because(e: Any) -> str:
    """What the difference comes from, and whether from anything else; what is no larger than rounding is no cause."""
    if None in (e.largest_unexplained, e.by_rounding, *(cause.largest for cause in e.causes)):
        return "which cannot be explained, since a loss is no number"
    n_causes = sum(cause.largest > e.by_rounding for cause in e.causes)
    lines = "line" if n_causes == 1 else f"{n_causes} lines"
    which = f"the first {lines}" if n_causes < len(e.causes) else f"the {lines} below"
    if e.largest_unexplained > e.by_rounding:
        return f"of which {which} can explain but a part" if n_causes else "of which no known form explains any"
    return f"because of {which} and nothing else" if n_causes else "by rounding alone"


def signed(x: float | None) -> str:
    """A signed relative difference: +4.3e-03, and – where there is none."""
    if x is None or math.isnan(x):
        return "–"
    return "0" if x == 0 else f"{x:+.1e}"


def never_bites(row: Any) -> bool:
    """Whether a row's bound could never have failed: something was judged, and every error is far below it."""
    return bool(row.checked) and not row.bites
