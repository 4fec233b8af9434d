"""`backproof quiz`: predict first, then see it run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from rich.console import Console
from rich.text import Text

from comparisons.command.console import console_of
from comparisons.errors import UsageError
from comparisons.internals import words
from comparisons.internals.catalogue import chosen
from comparisons.internals.quiz import Measuring, Question, questions


def quiz_command(names: Sequence[str], n: int, seed: int | None, python: Path | None) -> int:
    """Ask, run, explain; the score at the end."""
    if n < 1:
        raise UsageError(f"--questions is a number from 1 on, not {n}")
    random = Random(time.time_ns() if seed is None else seed)
    asked = questions(chosen(names), n, random)
    if not asked:
        raise UsageError(f"there is no figure to predict in {', '.join(names)}; try another area")
    console, measuring = console_of(), Measuring(asked, python)
    console.print(Text(words.quiz_head(len(asked))))
    n_right, missed, n_told = 0, list[Question](), 0
    for number, question in enumerate(asked, 1):
        console.print(Text(words.question_text(question, number, len(asked))), soft_wrap=True)
        typed = _answer(question, console)
        if typed is None:
            break
        console.print(Text(words.WAIT, style="dim"))
        outcome = measuring.outcome_of(question.fact)
        if outcome.status != "holds":
            console.print(Text(words.not_scored(outcome), style="yellow"), soft_wrap=True)
            continue
        n_told += 1
        is_right = question.is_right(typed, outcome.figures[question.figure])
        n_right += is_right
        missed += [] if is_right else [question]
        console.print(Text(words.answer_text(question, outcome, is_right=is_right)), soft_wrap=True)
    console.print(Text(words.score_text(n_right, n_told, [question.fact for question in missed])), soft_wrap=True)
    return 0


def _answer(question: Question, console: Console) -> str | None:
    """What was typed, asked for again until it is an answer; None when the reader wants no more."""
    while True:
        try:
            typed = console.input(Text(words.prompt(question))).strip()
        except EOFError:
            console.print()
            return None
        if typed.lower() in ("q", "quit"):
            return None
        if question.accepts(typed):
            return typed
        console.print(Text(words.again(question, typed), style="yellow"))
