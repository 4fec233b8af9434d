"""`backproof internals` as a user has it: the list, one fact, all of an area, two files compared."""

import csv
import io
import json

import pytest

from comparisons.command.app import app
from comparisons.command.internals import internals_command
from comparisons.errors import UsageError
from comparisons.internals.catalogue import fact_of, facts
from tests.internals.fake import PYTHONS, installation

pytestmark = pytest.mark.xdist_group("internals")
HERE = {"id": "a-fact", "status": "holds", "figures": {"x": 1.0, "y": "nan"}, "versions": "keras 3"}


@pytest.fixture
def called(capsys):
    """Runs the command, and gives its exit code and what it printed."""

    def call(*words):
        words = ["internals", *map(str, words)]
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        return code, capsys.readouterr()

    return call


@pytest.fixture
def python(tmp_path):
    """Another installation in which everything is as a fact expects, or not."""
    return lambda kind: PYTHONS[kind](tmp_path)


def test_the_list_has_every_fact_in_a_line(called):
    code, printed = called()
    assert 0 == code
    assert all(fact.id in printed.out for fact in facts())
    assert f"{len(facts())} facts" in printed.out


def test_an_area_alone_can_be_listed_and_read_by_a_program(called):
    code, printed = called("adam", "--format", "json")
    assert 0 == code
    assert [fact.id for fact in facts() if fact.area == "adam"] == [told["id"] for told in json.loads(printed.out)]
    _, printed = called("adam", "--format", "csv")
    assert "adam-epsilon" == next(csv.DictReader(io.StringIO(printed.out)))["id"]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("right", 0, "holds, on keras 9.0"),
        ("changed", 1, "no longer holds: Keras: measured 7.0, expected 0.0010000000474974513"),
        ("without", 3, "cannot run here: keras not installed"),
    ],
)
def test_one_fact_is_told_and_run(called, python, kind, code, words):
    ended, printed = called("adam-config", "--python", python(kind))
    assert (code, True) == (ended, words in printed.out), printed.out
    for part in ("claim", "matters", "source", "expected", "def adam_config():"):
        assert part in printed.out


@pytest.mark.parametrize(("kind", "code"), [("right", 0), ("changed", 1), ("without", 3)])
def test_several_are_run_and_the_exit_code_says_how_it_went(called, python, kind, code):
    ended, printed = called("--run", "adam-config", "adam-cast", "--python", python(kind), "--at-once", 1)
    assert code == ended, printed.out
    counts = {"right": "2 hold, 0 no longer hold, 0 not run", "changed": "0 hold, 2 no longer hold, 0 not run",
              "without": "0 hold, 0 no longer hold, 2 not run"}  # fmt: skip
    assert f"2 facts: {counts[kind]}; " in printed.out


def test_two_runs_are_compared(called, python, tmp_path):
    for name, kind in (("a.json", "right"), ("b.json", "changed")):
        _, printed = called("--run", "adam-config", "--python", python(kind), "--format", "json")
        (tmp_path / name).write_text(printed.out)
    code, printed = called("--diff", tmp_path / "a.json", tmp_path / "b.json")
    assert 1 == code
    assert "adam-config: holds, then no longer holds" in printed.out
    assert "adam-config: Keras was 0.0010000000474974513, now 7.0" in printed.out
    assert (0, True) == ((done := called("--diff", *[tmp_path / "a.json"] * 2))[0], "adam-config" not in done[1].out)


def test_a_fact_that_only_one_file_has_is_told(called, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([HERE]))
    (tmp_path / "b.json").write_text("[]")
    code, printed = called("--diff", tmp_path / "a.json", tmp_path / "b.json")
    assert (0, True) == (code, "a-fact: only in the first file" in printed.out)


def test_all_inputs_are_asked_for_by_a_variable_that_the_experiment_reads(called, tmp_path):
    body = 'ready()\nsay("raised", fact=job["facts"][0], reason="every " + os.environ.get("BACKPROOF_EVERY", "few"))'
    python = installation(tmp_path, body)
    assert "every 1;" in called("--run", "error-of-exp", "--exhaustive", "--python", python)[1].out
    assert "every few;" in called("--run", "error-of-exp", "--python", python)[1].out
    assert "BACKPROOF_EVERY" in fact_of("error-of-exp").code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--diff", "a.json"), "name both"),
        (("--diff", "a.json", "b.json"), "cannot be read"),
        (("adam-config", "adam-cast"), "one fact is read at a time"),
        (("adam-confug",), "near it are adam-config"),
        (("--run", "nothing-like-it"), "no fact and no area"),
        (("--run", "--at-once", "0"), "from 1 on"),
        (("--run", "--patience", "0"), "above 0"),
        (("error-of-exp", "--exhaustive"), "with --run error-of-exp"),
    ],
)
def test_the_users_mistake_is_one_sentence(called, words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        called(*words)


@pytest.mark.parametrize("text", ["no json", '[{"id": 1}]', "[1]", "null"])
def test_a_file_of_another_kind_is_the_users_mistake(text, tmp_path):
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not what"):
        internals_command(
            [str(file), str(file)], run=False, diff=True, python=None, how="text", at_once=None, patience=1.0
        )


def test_the_page_has_every_fact_and_what_was_measured(called, python):
    code, printed = called("adam", "--format", "html")
    assert 0 == code
    assert all(f'id="{fact.id}"' in printed.out for fact in facts() if fact.area == "adam")
    assert "measured now" not in printed.out
    code, printed = called("--run", "adam-epsilon", "--format", "html", "--python", python("changed"))
    assert 1 == code
    assert "measured now: 7.0" in printed.out
    assert "1 no longer hold" in printed.out
