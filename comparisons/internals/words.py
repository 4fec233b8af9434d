"""The sentences of `backproof internals` and `backproof quiz`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comparisons.internals.expectation import text_of

WIDTH = 110


def missing(packages: Sequence[str]) -> str:
    """A package that the experiment needs is not there."""
    return f"{' and '.join(packages)} not installed"


def other_machine(here: str, there: str) -> str:
    """A figure that another processor may have otherwise."""
    return f"it depends on the machine: measured on {there}, and this is {here}"


def no_python(python: Path, reason: str) -> str:
    """What was named as another installation is none."""
    return f"{python} cannot measure facts: {reason}; name the python of a virtual environment, OTHER/bin/python"


def ended(how: str, output: str) -> str:
    """The child was gone before it told a figure."""
    last = output.splitlines()[-1] if output else "it printed nothing"
    return f"measured nothing: {how}; {last}"


def raised(reason: str, expected: Mapping[str, Any]) -> str:
    """The experiment raised, which it does not where the fact holds."""
    return f"measured nothing, since it raised {reason}; expected {figures_line(expected)}"


def figures_line(figures: Mapping[str, Any]) -> str:
    """All figures in a line."""
    return "; ".join(f"{name} {text_of(value)}" for name, value in figures.items())


def sum_line(counts: Mapping[str, int], seconds: float) -> str:
    """How many of each, and how long it took."""
    parts = [f"{counts.get('holds', 0)} hold", f"{counts.get('no longer holds', 0)} no longer hold",
             f"{counts.get('not run', 0)} not run"]  # fmt: skip
    return f"{sum(counts.values())} facts: {', '.join(parts)}; {seconds:.0f} s."


def progress_line(n_done: int, n: int, current: Sequence[str]) -> str:
    """Where measuring is."""
    return f"{n_done} of {n} measured; at {', '.join(current) or 'the start'}"


def paragraph(text: str, label: str = "") -> str:
    """Text in lines, behind a label."""
    head = f"  {label:<10}"
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def fact_text(fact: Any) -> str:
    """A fact: claim, why it matters, source, what is expected, the experiment."""
    lines = [f"{fact.id}  ({fact.area}{'' if not fact.on_article else ', on the article’s network'})"]
    lines.append(paragraph(fact.claim, "claim"))
    lines.append(paragraph(fact.matters, "matters"))
    lines.append(paragraph(fact.source, "source"))
    if fact.deeper:
        lines.append(paragraph(fact.deeper, "deeper"))
    lines += [paragraph(f"backproof explain {name}", "dialect") for name in fact.of]
    lines += [paragraph(f"{name}: {text_of(value)}", "expected") for name, value in fact.expected.items()]
    lines.append(paragraph(f"on {fact.versions}", "measured"))
    lines += ["", textwrap.indent(fact.code, "    "), ""]
    return "\n".join(lines)


def outcome_text(outcome: Any) -> str:
    """What was measured just now, and what follows."""
    lines = [paragraph(f"{name}: {text_of(value)}", "now") for name, value in outcome.figures.items()]
    lines.append(paragraph(verdict_line(outcome), "verdict"))
    return "\n".join(lines)


def effect_line(effect: Any) -> str:
    """How far a dialect alone moves the article's network."""
    head = f"{effect.dialect} alone"
    if not effect.apart:
        return f"{head}, on the article's network {effect.how}, changes no loss in {effect.precision}"
    return (
        f"{head} parts the loss curve of the article's network, {effect.how}, by at most {effect.apart:.2g} "
        f"in {effect.precision}, after epoch {effect.epoch}"
    )


def verdict_line(outcome: Any) -> str:
    """Holds, no longer holds and how, or cannot run here and why."""
    if outcome.status == "holds":
        return f"holds, on {versions_line(outcome.versions)}"
    head = "no longer holds" if outcome.status == "no longer holds" else "cannot run here"
    return f"{head}: {'; '.join(outcome.reasons)}"


def versions_line(versions: Mapping[str, str]) -> str:
    """What was measured."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def list_foot(n: int, n_article: int) -> str:
    """What to do with the list."""
    return (
        f"{n} facts, {n_article} of which show on the article's network (•). Read and run one with "
        "`backproof internals ID`, all with `backproof internals --run`."
    )


def diff_head(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> str:
    """The two installations."""
    one, other = (
        next((told["versions"] for told in side.values() if told["versions"]), "?") for side in (before, after)
    )
    return f"from  {one}\nto    {other}\n"


def changes(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    """What changed of a fact; nothing, if nothing did."""
    if old is None or new is None:
        return f"{name}: only in the {'second' if old is None else 'first'} file"
    lines = [f"{name}: {old['status']}, then {new['status']}"] if old["status"] != new["status"] else []
    for figure in dict.fromkeys([*old["figures"], *new["figures"]]):
        one, other = (told["figures"].get(figure, "nothing") for told in (old, new))
        if one != other:
            lines.append(f"{name}: {figure} was {text_of(one)}, now {text_of(other)}")
    return "\n".join(lines)


# The quiz -------------------------------------------------------------------------------------------------------------

RAISES = "it raises an error"
VARIES = "it depends on the run"
WAIT = "  running …"


def quiz_head(n: int) -> str:
    """How it goes."""
    return f"{n} experiments: say what each will measure before it is run. q ends the quiz."


def question_text(question: Any, number: int, n: int) -> str:
    """The experiment's code, and what is asked of it."""
    lines = ["", f"{number} of {n}  ({question.fact.area})", "", textwrap.indent(question.fact.code, "    "), ""]
    lines.append(f'  What does it measure for "{question.figure}"?')
    lines += [f"    {place}  {answer}" for place, answer in enumerate(question.answers, 1)]
    if not question.answers:
        lines.append("    A number; two digits are enough.")
    return "\n".join(lines)


def prompt(question: Any) -> str:
    """What is waited for."""
    return f"  1 to {len(question.answers)}: " if question.answers else "  a number: "


def again(question: Any, typed: str) -> str:
    """What was typed is no answer."""
    wanted = f"a number from 1 to {len(question.answers)}" if question.answers else "a number, such as 0.01 or -1e-7"
    return f'  "{typed}" is no answer; type {wanted}, or q to end'


def not_scored(outcome: Any) -> str:
    """The experiment did not come out as the catalogue has it, so that no answer is right."""
    return paragraph(f"Not counted: it {verdict_line(outcome)}", "")


def answer_text(question: Any, outcome: Any, *, is_right: bool) -> str:
    """Right or not, what was measured, and why."""
    told = text_of(outcome.figures[question.figure])
    lines = [paragraph(f"{'Right' if is_right else 'No'}: {question.figure} is {told}.", "")]
    return "\n".join([*lines, paragraph(question.fact.claim, "claim"), paragraph(question.fact.matters, "matters"),
                      paragraph(question.fact.source, "source")])  # fmt: skip


def score_text(n_right: int, n: int, missed: Sequence[Any]) -> str:
    """The score, and what to read next."""
    lines = ["", f"{n_right} of {n} right." if n else "Nothing was answered."]
    for fact in missed:
        more = "".join(f", backproof explain {name}" for name in fact.of)
        lines.append(f"  read next: backproof internals {fact.id}{more}")
    return "\n".join(lines)
