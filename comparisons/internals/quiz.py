"""The quiz: what an experiment will measure, predicted before it is run; one of four answers, or a number."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from comparisons.internals import words
from comparisons.internals.catalogue import facts
from comparisons.internals.expectation import Within, is_number, meets, text_of
from comparisons.internals.fact import Fact
from comparisons.internals.measuring import Outcome, measure

N_ANSWERS = 4
CLOSE = 0.05  # two digits of a number are enough; a rule of the game, and told in the question
NUMBERS = (0.0, 1.0, 0.5, math.nan, math.inf, -1.0, 2.0)
TEXTS = ("none", "ValueError", "RuntimeError", "float32", "float64", "int64", "bfloat16")


@dataclass(frozen=True)
class Question:
    """A figure of a fact; `answers` are four texts, of which `right` is right, or none where a number is typed."""

    fact: Fact
    figure: str
    answers: tuple[str, ...] = ()
    right: int = -1

    def accepts(self, typed: str) -> bool:
        """Whether it is an answer at all: a number from 1 to 4, or any finite number."""
        if self.answers:
            return typed.isdecimal() and 1 <= int(typed) <= len(self.answers)
        try:
            return math.isfinite(float(typed))
        except ValueError:
            return False

    def is_right(self, typed: str, measured: Any) -> bool:
        """Whether the answer is what was measured."""
        if self.answers:
            return int(typed) - 1 == self.right
        number = float(typed)
        return meets(self.fact.expected[self.figure], number) or abs(number - measured) <= CLOSE * abs(measured)


def questions(found: Iterable[Fact], n: int, random: Random) -> list[Question]:
    """So many questions at most, each about another fact, in a random order."""
    askable = [fact for fact in found if list(_figures(fact))]
    return [question_of(fact, random) for fact in random.sample(askable, min(n, len(askable)))]


def question_of(fact: Fact, random: Random) -> Question:
    """A question about one of the figures that can be predicted."""
    figure = random.choice(list(_figures(fact)))
    expected = fact.expected[figure]
    if isinstance(expected, Within):
        return Question(fact, figure)
    right = text_of(expected)
    others = dict.fromkeys(text_of(value) for value in _others(fact, expected, random))
    wrong = [text for text in others if text != right][: N_ANSWERS - 1]
    answers = [right, *wrong]
    random.shuffle(answers)
    return Question(fact, figure, tuple(answers), answers.index(right))


def _figures(fact: Fact) -> Iterator[str]:
    """The figures that can be predicted: values, and numbers with a bound on both sides, near which they must lie."""
    for name, expected in fact.expected.items():
        if isinstance(expected, Within):
            middle = (expected.low + expected.high) / 2
            if math.isfinite(middle) and expected.high - expected.low <= 2 * CLOSE * abs(middle):
                yield name
        elif _is_plain(expected):
            yield name


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str))


def _others(fact: Fact, right: Any, random: Random) -> Iterator[Any]:
    """Other answers: what the fact expects elsewhere, what others of its area do, and what is usually thought."""
    yield from (value for value in fact.expected.values() if _is_plain(value) and _kind(value) == _kind(right))
    if isinstance(right, bool):
        yield from (not right, words.RAISES, words.VARIES)
        return
    if isinstance(right, (list, tuple)):
        yield from (list(right)[::-1], *([value] * len(right) for value in NUMBERS if is_number(right[0])))
    near = [value for other in facts() if other.area == fact.area for value in other.expected.values()]
    random.shuffle(near)
    yield from (value for value in near if _is_plain(value) and _kind(value) == _kind(right))
    if is_number(right):
        yield from (*NUMBERS, -right, 2 * right)
    yield from TEXTS


def _kind(value: Any) -> Any:
    """What an answer must have in common with the right one not to stand out."""
    if isinstance(value, (list, tuple)):
        return [_kind(part) for part in value]
    return "number" if is_number(value) else type(value)


class Measuring:
    """The experiments of the questions, run in the background while the reader thinks."""

    def __init__(self, asked: Sequence[Question], python: Path | None) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.changed = threading.Condition()
        self.failed: BaseException | None = None
        self.facts = [question.fact for question in asked]
        threading.Thread(target=self._measure, args=(python,), daemon=True).start()

    def _measure(self, python: Path | None) -> None:
        try:
            measure(self.facts, python=python, at_once=1, told=self._told)
        except BaseException as error:
            with self.changed:
                self.failed = error
                self.changed.notify_all()

    def _told(self, outcome: Outcome) -> None:
        with self.changed:
            self.outcomes[outcome.fact.id] = outcome
            self.changed.notify_all()

    def outcome_of(self, fact: Fact) -> Outcome:
        """The fact's outcome, waited for."""
        with self.changed:
            self.changed.wait_for(lambda: self.failed or fact.id in self.outcomes)
            if fact.id not in self.outcomes and self.failed:
                raise self.failed
            return self.outcomes[fact.id]
