"""What has a name can be looked up: every known mistake and every dialect, and no other name."""

import csv
import io
import json

import pytest

from comparisons import lexicon
from comparisons.command.known import COLUMNS, explain_command, mistakes_command
from comparisons.errors import UsageError
from comparisons.lexicon import dialects_of, entries, entry_of, says_of, sources_of
from comparisons.mistakes.table import KNOWN
from reference.dialects import DIALECTS

NAMES = {known.name for known in KNOWN} | {form.name for form in DIALECTS}


def test_every_mistake_and_every_dialect_is_there_once():
    names = [entry.name for entry in entries()]
    assert NAMES == set(names)
    assert len(names) == len(set(names))


def test_they_come_in_the_order_of_a_step():
    letters = [entry.equation.partition("[")[0] for entry in entries()]
    known = [letters.index(letter) for letter in ("Z", "J", "dA", "dZ", "dW", "m_W", "W")]
    assert sorted(known) == known


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_is_explained(name, capsys):
    entry = entry_of(name)
    assert 0 == explain_command(name)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{name}  ({entry.kind} in {entry.equation}")
    for line in (
        *entry.wrong.splitlines(),
        *entry.right.splitlines(),
        *(line for pair in entry.changes for line in pair),
    ):
        assert f" {line}" in printed
    labels = (
        ("article", "becomes", "source") if entry.kind == "dialect" and entry.changes else ("wrong", "right", "shows")
    )
    assert all(f"\n  {label} " in printed for label in labels)
    assert max(map(len, printed.splitlines())) <= 200


def test_a_dialect_shows_its_equation_before_and_after():
    (change,) = entry_of("epsilon-hat").changes
    assert ("W[1] ← W[1] − alpha (m_W[1]/c1) / (√(v_W[1]/c2) + 1e-07)",
            "W[1] − m_W[1] (alpha √c2 / c1) / (√v_W[1] + 1e-07)") == change  # fmt: skip


def test_a_variant_is_explained_by_its_family():
    assert "summed-gradient" == entry_of("summed-gradient: of some kind").name
    assert entry_of("summed-gradient").says == says_of(("summed-gradient: of some kind",)).popitem()[1]


def test_a_source_is_known_of_dialects_alone():
    found = sources_of(("epsilon-hat", "summed-gradient"))
    assert {"epsilon-hat": "keras/src/optimizers/adam.py: Adam.update_step"} == found


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("summed-gradeint", "near it are summed-gradient"),
        ("epsilon-hut", "near it are epsilon-hat"),
        ("xyzzy", "`backproof mistakes` lists them"),
        ("", "`backproof mistakes` lists them"),
    ],
)
def test_an_unknown_name_is_one_sentence_with_the_near_ones(name, hint):
    with pytest.raises(UsageError) as refused:
        entry_of(name)
    assert str(refused.value).startswith(f'there is no mistake and no dialect named "{name}"; ')
    assert hint in str(refused.value)


def test_the_table_names_all(capsys):
    assert 0 == mistakes_command("text")
    printed = capsys.readouterr().out
    assert all(f" {name} " in printed for name in NAMES)


def test_all_fields_come_as_csv_and_as_json_alike(capsys):
    assert 0 == mistakes_command("csv")
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert 0 == mistakes_command("json")
    as_json = json.loads(capsys.readouterr().out)
    assert as_csv == as_json
    assert {COLUMNS} == {tuple(record) for record in as_json}
    assert NAMES == {record["name"] for record in as_json}


def test_forms_are_told_with_what_they_answer_and_whose_they_are():
    names = ["epsilon-hat", "textbook", "log-epsilon: ε = 1e-08", "nobody-s"]
    told = dialects_of(names)
    assert ["epsilon-hat", "log-epsilon: ε = 1e-08"] == list(told)
    assert "where Adam's epsilon joins" == told["epsilon-hat"]["choice"]
    assert entry_of("epsilon-hat").source == told["epsilon-hat"]["source"]
    assert entry_of("log-epsilon").says == told["log-epsilon: ε = 1e-08"]["says"]


def test_what_is_said_of_names_is_the_entries_own_and_composes_no_equation(monkeypatch):
    whole = {entry.name: entry for entry in entries()}

    def must_not(form):
        raise AssertionError(f"an equation was composed for {form.name}")

    monkeypatch.setattr(lexicon, "textbook_of", must_not)
    names = tuple(whole)
    assert {name: entry.says for name, entry in whole.items()} == says_of(names)
    assert {name: entry.source for name, entry in whole.items() if entry.source} == sources_of(names)
    assert {name: entry.choice or name for name, entry in whole.items()} == {
        name: told["choice"] for name, told in dialects_of(names).items()
    }
    with pytest.raises(AssertionError, match="composed for"):
        entries()
