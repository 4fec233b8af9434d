"""What figures need and the claims, as a run leaves them: beside the result, documented, and never at its cost."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from comparisons.stored_scenes import read
from tests.processes.conftest import ROOT, TINY

PAGE = Path(__file__).parents[2] / "docs" / "scenes.md"
pytestmark = pytest.mark.xdist_group("figures")  # one run for most of them


@pytest.fixture(scope="module")
def done(tmp_path_factory, command, write):
    """A run in both precisions of four implementations, one wrong and one that ends, as somebody calls it."""
    folder = tmp_path_factory.mktemp("figures")
    (folder / "tiny.toml").write_text(TINY, encoding="utf-8")
    ends = "if step == 3: raise ValueError('in the middle')"
    names = ["numpy", write(folder, "mine"), write(folder, "wrong", "wrong"), write(folder, "ends", ends)]
    call = [*command, "run", "tiny.toml", "--precision", "both", "--implementations", ",".join(names), "--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return folder, subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scenes(done):
    return read(done[0] / "out")


@pytest.fixture(scope="module")
def result(done):
    return json.loads((done[0] / "out/result.json").read_text(encoding="utf-8"))


def test_scenes_are_there_of_every_run(scenes, done):
    assert 1 == done[1].returncode, done[1].stderr
    whole = ["numpy", "mine", "wrong"]
    for runs, names in ((scenes["boundaries"]["runs"], whole), (scenes["snapshots"]["runs"], [*whole, "ends"])):
        expected = [(name, precision) for precision in ("float32", "float64") for name in names]
        assert expected == [(run["implementation"], run["precision"]) for run in runs]
    ended = scenes["snapshots"]["runs"][3]["values"]
    assert [True, True, False] == [bool(values) for values in ended]
    assert 6 == len(scenes["boundaries"]["pairs"])
    assert {} == scenes["why"]


def test_their_errors_are_those_of_the_result(scenes, result):
    expected = {
        (row["implementation"], row["precision"], row["quantity"]): (row["checked"], row["worst"])
        for row in result["rows"]
    }
    actual = {}
    for row in scenes["errors"]["rows"]:
        worst = [one for one in row["worst"] if one is not None]
        most = "inf" if "inf" in worst else max(worst)
        actual[row["implementation"], row["precision"], row["quantity"]] = (sum(row["counts"]), most)
    assert set(expected) == set(actual)
    for key, (checked, worst) in expected.items():
        assert checked == actual[key][0]
        assert actual[key][1] == (worst if worst == "inf" else float(f"{worst:.3g}"))


def test_the_claims_are_in_the_result_and_c1_is_of_the_run_itself(result, done):
    claims = {claim["name"]: claim for claim in result["claims"]}
    assert [f"C{number}" for number in range(1, 8)] == list(claims)
    names = [f"{one['name']} ({one['precision']})" for one in result["implementations"]]
    assert [line.partition(":")[0] for line in claims["C1"]["lines"]] == names
    holding = sum(claim["holds"] is True for claim in claims.values())
    assert f"Claims: {holding} of 7 of the article's claims hold" in done[1].stdout
    assert "" == result["no_figures"]


def test_what_forms_mean_is_in_the_result_for_all_that_are_named(result):
    lists = [names for one in result["implementations"] for names in (one["forms"], *one["not_told_apart"].values())]
    named = {name for names in lists for name in names} - {"textbook"}
    assert named == set(result["dialects"])
    assert named
    for form in result["dialects"].values():
        assert {"choice", "says", "source"} == set(form)
        assert all(form.values())


def test_the_run_says_what_it_waits_for(done):
    for line in ("comparing whole runs with", "drawing: ", "claims: "):
        assert 1 == len(re.findall(f"^{line}", done[1].stdout, re.MULTILINE))


# Documented -----------------------------------------------------------------------------------------------------------


def documented(page, heading):
    """The names in the first columns of the tables under a heading, and between backticks after `has`."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)[1]
    cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    said = re.findall(r"^A \w+ has (.*?)and$", section, re.MULTILINE)
    return {name for text in (*cells, *said) for name in re.findall(r"`(\w+)`", text)}


def fields_of(scenes):
    """All fields by the heading under which they are told of."""
    boundaries = scenes["boundaries"]
    return {
        "scenes.json": set(scenes),
        "points": set(scenes["points"]),
        "boundaries": set(boundaries) | set(boundaries["runs"][0]) | set(boundaries["pairs"][0]),
        "surface": set(scenes["surface"]),
        "activations": set(scenes["activations"][0]),
        "equations": set(scenes["equations"][0]),
        "snapshots": set(scenes["snapshots"]),
        "errors": set(scenes["errors"]) | set(scenes["errors"]["rows"][0]),
    }


def test_what_is_there_is_documented_and_nothing_else_is(scenes):
    page = PAGE.read_text(encoding="utf-8")
    for heading, fields in fields_of(scenes).items():
        assert fields == documented(page, heading), heading
    page = page.replace("| `floor` |", "| `flor` |")
    assert fields_of(scenes)["boundaries"] != documented(page, "boundaries")


# Never at the cost of the result --------------------------------------------------------------------------------------


def test_without_figures_there_are_none_and_an_earlier_run_s_are_gone(backproof, folder, write):
    mine = write(folder, "mine")
    (folder / "out").mkdir()
    (folder / "out/scenes.json").write_text("of an earlier run")
    done = backproof("run", "tiny.toml", "--implementations", f"numpy,{mine}", "--out", "out", "--no-figures")
    assert 0 == done.returncode, done.stderr
    assert read(folder / "out") is None
    content = json.loads((folder / "out/result.json").read_text())
    assert ([], "they were left out, as asked") == (content["claims"], content["no_figures"])
    assert not re.search("Claims|Figures|drawing", done.stdout)


def test_a_process_that_fails_costs_no_verdict(folder, backproof, write, without):
    names = f"numpy,{write(folder, 'mine')}"
    done = backproof("run", "tiny.toml", "--implementations", names, "--out", "out", **without("contourpy"))
    assert (0, "") == (done.returncode, done.stderr)
    content = json.loads((folder / "out/result.json").read_text())
    assert content["no_figures"].startswith("float32: it exited with status 1 ModuleNotFoundError: ")
    assert f"Figures cannot be drawn: {content['no_figures']}." in done.stdout
    assert 7 == len(content["claims"])
    assert read(folder / "out") is None
