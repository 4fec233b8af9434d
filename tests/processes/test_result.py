"""What a run leaves on disk: the names that were promised, the same in JSON, in CSV and in the documentation."""

import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from comparisons.errors import UsageError
from comparisons.implementations.registry import Implementation, find
from comparisons.result import Result, read, rows_as_records, write
from comparisons.run import run
from comparisons.trace import load

pytestmark = pytest.mark.xdist_group("result")  # one run for them all

PROMISED = {
    "result.json": "version verdict checked experiment environment implementations rows",
    "implementations": "name precision verdict reason forms chain loss accuracy test_accuracy seconds",
    "rows": "implementation precision quantity checked not_judged worst median radius step index expected bound actual "
    "verdict",
}
PRECISIONS = ("float32", "float64")
PAGE = Path(__file__).parents[2] / "docs" / "result.md"


@pytest.fixture(scope="module")
def out(tmp_path_factory, tiny, write):
    """The folder of a run in both precisions, with an implementation for each verdict."""
    folder = tmp_path_factory.mktemp("result")
    subjects = {"honest": "pass", "mine": "wrong", "crashes": "os._exit(3)"}
    chosen = [find("numpy"), *(find(write(folder, name, line)) for name, line in subjects.items())]
    chosen.append(Implementation("absent", "absent:train", ("no_such_package",)))
    run([tiny, tiny.but(precision="float64")], chosen, folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def content(out):
    """result.json, as anybody reads it."""
    return json.loads((out / "result.json").read_text(encoding="utf-8"))


def fields_of(content, part):
    """The names of the fields of this part, the same in all its entries."""
    entries = [content] if part == "result.json" else content[part]
    (names,) = {tuple(entry) for entry in entries}
    return names


def documented(part):
    """The names of fields that the documentation lists under this heading."""
    page = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^#+ {re.escape(part)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    first_table = section[1].partition("\n`chain` has")[0]
    return re.findall(r"^\| `(\w+)` \|", first_table, re.MULTILINE)


@pytest.mark.parametrize("part", PROMISED)
def test_what_was_promised_is_there(part, content):
    assert set(PROMISED[part].split()) <= set(fields_of(content, part))


@pytest.mark.parametrize("part", PROMISED)
def test_what_is_there_is_documented_and_nothing_else_is(part, content):
    assert set(documented(part)) == set(fields_of(content, part))


def test_the_environment_and_the_chain_are_documented_too(content):
    assert set(documented("environment")) == set(content["environment"])
    chain = PAGE.read_text(encoding="utf-8").partition("\n`chain` has")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chain, re.MULTILINE)) == set(content["implementations"][0]["chain"])


def test_the_version_is_1(content):
    assert 1 == content["version"]


def test_checked_is_the_sum_of_what_was_judged(content):
    assert content["checked"] == sum(row["checked"] for row in content["rows"]) > 0


def test_each_implementation_has_a_verdict_in_each_precision(content):
    expected = {"numpy": "agrees", "honest": "agrees", "mine": "disagrees"}
    expected |= dict.fromkeys(["crashes", "absent"], "not compared")
    actual = [(one["name"], one["precision"], one["verdict"]) for one in content["implementations"]]
    assert [(name, p, verdict) for name, verdict in expected.items() for p in PRECISIONS] == actual
    assert "disagrees" == content["verdict"]


def test_the_csv_has_the_rows_of_the_json(out, content):
    table = pd.read_csv(out / "result.csv", dtype={"index": str})
    assert list(fields_of(content, "rows")) == list(table.columns)
    assert len(content["rows"]) == len(table)
    for expected, (_, actual) in zip(content["rows"], table.iterrows(), strict=True):
        for name, value in expected.items():
            same = " ".join(map(str, value)) if name == "index" else math.inf if value == "inf" else value
            assert (value is None and pd.isna(actual[name])) or same == actual[name], name


def test_a_run_in_which_nothing_was_judged_leaves_a_table_with_a_head(tmp_path, tiny):
    run([tiny], [Implementation("absent", "absent:train", ("no_such_package",))], tmp_path)
    assert PROMISED["rows"].split() == list(pd.read_csv(tmp_path / "result.csv").columns)[:14]


def test_the_traces_are_there_under_their_names(out):
    for name, precision in itertools.product(("numpy", "honest", "mine"), PRECISIONS):
        trace = load(out / f"{name}-{precision}.trace")
        assert (name, precision, True) == (trace.implementation, trace.precision, trace.is_whole)


def test_what_is_written_is_read_as_it_was(out, tmp_path):
    result = read(out)
    write(result, tmp_path)
    assert result == read(tmp_path)
    assert (out / "result.json").read_bytes() == (tmp_path / "result.json").read_bytes()


def test_what_a_run_returns_is_what_it_wrote(tmp_path, tiny, write):
    result = run([tiny], [find("numpy"), find(write(tmp_path, "mine", "wrong"))], tmp_path / "out")
    assert result == read(tmp_path / "out")


def test_infinities_and_nan_come_back(out, tmp_path):
    result = read(out)
    row = replace(result.rows[0], worst=math.inf, expected=-math.inf, median=math.nan, first_broken=None)
    write(replace(result, rows=(row,)), tmp_path)
    json.loads((tmp_path / "result.json").read_text(), parse_constant=pytest.fail)  # JSON itself has no such numbers
    (actual,) = read(tmp_path).rows
    assert (math.inf, -math.inf, None) == (actual.worst, actual.expected, actual.first_broken)
    assert math.isnan(actual.median)


def test_a_new_run_removes_what_an_earlier_one_left(tmp_path, tiny, write):
    run([tiny], [find(write(tmp_path, "first"))], tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    run([tiny], [find(write(tmp_path, "second"))], tmp_path / "out")
    expected = ["notes.txt", "result.csv", "result.json", "second-float32.trace"]
    assert expected == sorted(path.name for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: {**content, "version": 2}, "has version 2; this Backproof reads version 1"),
        (lambda content: {"version": 1}, "is damaged: verdict is missing"),
        (lambda content: [content], "has version None"),
    ],
    ids=["another version", "fields missing", "a list"],
)
def test_what_is_no_result_is_refused_in_a_sentence(change, message, content, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(change(content)))
    with pytest.raises(UsageError, match=re.escape(message)):
        read(tmp_path)


def test_an_older_result_without_claims_and_dialects_is_read(content, tmp_path):
    older = {name: value for name, value in content.items() if name not in ("claims", "dialects", "no_figures")}
    (tmp_path / "result.json").write_text(json.dumps(older))
    result = read(tmp_path)
    assert ((), {}, "") == (result.claims, result.dialects, result.no_figures)
    assert content["verdict"] == result.verdict


def test_a_truncated_result_is_refused_in_a_sentence(out, tmp_path):
    (tmp_path / "result.json").write_bytes((out / "result.json").read_bytes()[:-100])
    with pytest.raises(UsageError, match="is no JSON: "):
        read(tmp_path)


def test_rows_for_a_table_are_flat(out):
    for row in rows_as_records(read(out).rows):
        assert not any(isinstance(value, (list, tuple, dict)) for value in row.values())


def test_a_result_has_no_truth_value(out):
    with pytest.raises(TypeError, match="verdict"):
        bool(read(out))


def test_the_result_is_a_value_that_says_how_it_ends(out):
    result = read(out)
    assert isinstance(result, Result)
    assert 1 == result.exit_code
    assert {"crashes", "absent"} == {one.name for one in result.failed}
