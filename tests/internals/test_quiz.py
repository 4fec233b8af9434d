"""The quiz: its questions have one right answer, and on a terminal wrong input is asked again."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from comparisons.command.app import app
from comparisons.errors import UsageError
from comparisons.internals.catalogue import chosen, fact_of, facts
from comparisons.internals.expectation import Within, text_of
from comparisons.internals.quiz import Question, question_of, questions
from tests.internals.fake import PYTHONS, as_expected

ROOT = Path(__file__).resolve().parents[2]
ASKABLE = [question.fact for question in questions(facts(), len(facts()), Random(0))]


@pytest.mark.parametrize("fact", ASKABLE, ids=lambda fact: fact.id)
def test_a_question_has_one_right_answer_among_four_or_asks_for_a_number(fact):
    for seed in range(4):
        question = question_of(fact, Random(seed))
        expected = fact.expected[question.figure]
        if isinstance(expected, Within):
            assert () == question.answers
            assert question.is_right(repr(as_expected(expected)), as_expected(expected))
            assert not question.is_right(repr(3 * as_expected(expected)), as_expected(expected))
            continue
        assert (4, 4) == (len(question.answers), len(set(question.answers)))
        assert text_of(expected) == question.answers[question.right]
        right = [number for number in "1234" if question.is_right(number, expected)]
        assert [str(question.right + 1)] == right


def test_most_facts_can_be_asked_about_and_each_at_most_once():
    assert len(ASKABLE) == len({fact.id for fact in ASKABLE}) > len(facts()) / 2
    assert 3 == len(questions(chosen(["autograd"]), 3, Random(1)))


@pytest.mark.parametrize(
    ("typed", "of_four", "of_a_number"),
    [("1", True, True), ("4", True, True), ("5", False, True), ("0", False, True), ("-1e-7", False, True),
     ("", False, False), ("two", False, False), ("nan", False, False), ("inf", False, False), ("1.5", False, True)],
)  # fmt: skip
def test_what_is_an_answer(typed, of_four, of_a_number):
    fact = fact_of("adam-epsilon")
    assert of_four == Question(fact, "Keras", ("a", "b", "c", "d"), 0).accepts(typed)
    assert of_a_number == Question(fact, "Keras").accepts(typed)


# On a terminal --------------------------------------------------------------------------------------------------------


class Terminal:
    """The quiz in a pseudo-terminal: what it prints, and what is typed."""

    def __init__(self, *words):
        self.master, slave = pty.openpty()
        command = [sys.executable, "-P", "-c", "from comparisons.command.app import main; main()", "quiz", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.read = ""

    def until(self, pattern):
        """What is printed up to where the pattern is; a minute is too long for anything here."""
        too_late = time.monotonic() + 60
        while not (found := re.search(pattern, self.read)):
            assert time.monotonic() < too_late, self.read
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    new = os.read(self.master, 65536)
                except OSError:
                    new = b""
                assert new, self.read
                self.read += re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", new.decode(errors="replace"))
        told, self.read = self.read[: found.end()], self.read[found.end() :]
        return told

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Its exit code."""
        code = self.process.wait(timeout=60)
        os.close(self.master)
        return code


@pytest.fixture
def python(tmp_path):
    """Another installation in which everything is as a fact expects, or nothing is installed."""
    return lambda kind: str(PYTHONS[kind](tmp_path))


PROMPT = r"(1 to 4|a number): "


def test_wrong_input_is_asked_again_and_the_score_is_told(python):
    terminal = Terminal("adam", "--questions", "2", "--seed", "0", "--python", python("right"))
    asked = questions(chosen(["adam"]), 2, Random(0))
    for question in asked:
        told = terminal.until(PROMPT)
        assert f'What does it measure for "{question.figure}"?' in told.replace("\r", "")
        for wrong in ("perhaps", "", "nan"):
            terminal.type(f"{wrong}\n")
            assert f'"{wrong}" is no answer' in terminal.until(PROMPT)
        right = question.fact.expected[question.figure]
        terminal.type(f"{question.right + 1 if question.answers else as_expected(right)!r}\n")
        assert "Right:" in terminal.until(r"source +\S")
    assert "2 of 2 right." in terminal.until(r"right\.")
    assert 0 == terminal.end()


def test_a_wrong_answer_is_explained_and_says_what_to_read(python):
    terminal = Terminal("adam-cast", "--seed", "0", "--python", python("right"))
    (question,) = questions(chosen(["adam-cast"]), 1, Random(0))
    terminal.until(PROMPT)
    terminal.type(f"{(question.right + 1) % 4 + 1}\n")
    told = terminal.until(r"explain powers-in-precision")
    assert "No: " in told
    assert "0 of 1 right." in told
    assert "read next: backproof internals adam-cast" in told
    assert 0 == terminal.end()


@pytest.mark.parametrize("ending", ["q\n", "\x04"], ids=["q", "end-of-input"])
def test_the_quiz_can_be_left(python, ending):
    terminal = Terminal("adam", "--python", python("right"))
    terminal.until(PROMPT)
    terminal.type(ending)
    assert "Nothing was answered." in terminal.until(r"answered\.")
    assert 0 == terminal.end()


def test_what_cannot_be_run_is_not_counted(python):
    terminal = Terminal("adam-cast", "--python", python("without"))
    terminal.until(PROMPT)
    terminal.type("1\n")
    told = terminal.until(r"Nothing was answered\.")
    assert "Not counted: it cannot run here: keras not installed" in told
    assert 0 == terminal.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--questions", "0"], "from 1 on"),
        (["nothing-like-it"], "no fact and no area"),
        (["adam-representable"], "no figure"),
    ],
)
def test_the_users_mistake_is_one_sentence(words, said):
    with pytest.raises(UsageError, match=said):
        app(["quiz", *words], exit_on_error=False, print_error=False, result_action="return_value")
