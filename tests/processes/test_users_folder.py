"""A user's folder and files: modules there that are named like ours, a file as an implementation, an entry point."""

import json
import os
import subprocess
import sys

import pytest

OURS = ("reference", "comparisons", "reports", "backproof", "tests", "numpy", "json")


@pytest.fixture
def crowded(folder):
    """The folder, with modules and packages named like ours, none of which may be imported."""
    refuse = "raise ImportError('the current folder was looked at')\n"
    for name in OURS:
        (folder / f"{name}.py").write_text(refuse)
    for name in ("reports", "tests", "comparisons"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(refuse)
    return folder


def test_a_folder_with_modules_of_our_names_changes_nothing(crowded, backproof, write):
    done = backproof("run", "tiny.toml", "--implementations", f"numpy,{write(crowded, 'mine')}", "--out", "out")
    assert (0, "") == (done.returncode, done.stderr)
    assert "AGREES: 2 runs of 2 implementations" in done.stdout


def test_recording_and_certifying_there_work_too(crowded, backproof, write):
    recorded = backproof("record", write(crowded, "mine"), "tiny.toml", "--out", "x.trace")
    certified = backproof("certify", "x.trace")
    assert (0, 0) == (recorded.returncode, certified.returncode)
    assert certified.stdout.startswith("✓ mine (float32) agrees: ")


def test_a_file_finds_what_lies_beside_it(folder, backproof, write):
    (folder / "beside.py").write_text("WORD = 'here'\n")
    path = write(folder, "mine", "assert beside.WORD == 'here'", at_the_top="import beside")
    assert 0 == backproof("run", "tiny.toml", "--implementations", path).returncode


def test_a_file_is_found_from_the_current_folder_with_its_function(folder, backproof, write):
    write(folder, "mine")
    (folder / "mine.py").write_text((folder / "mine.py").read_text().replace("def train", "def fit"))
    assert 0 == backproof("run", "tiny.toml", "--implementations", "mine.py:fit").returncode


# One new file and an entry point -------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, environment, write):
    """A package with one file and an entry point, as pip installs it; what to add to the environment to have it."""
    site = tmp_path / "site"
    about = site / "his_network-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: his-network\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[backproof.implementations]\nhis = his_network:train\n")
    write(site, "his_network")
    return {"PYTHONPATH": os.pathsep.join([str(site), environment["PYTHONPATH"]])}


def test_an_entry_point_is_listed(backproof, installed):
    done = backproof("implementations", **installed)
    assert "\nhis " in done.stdout


def test_an_entry_point_runs_by_its_name(backproof, folder, installed):
    done = backproof("run", "tiny.toml", "--implementations", "numpy,his", "--out", "out", **installed)
    assert 0 == done.returncode
    names = [one["name"] for one in json.loads((folder / "out/result.json").read_text())["implementations"]]
    assert ["numpy", "his"] == names


def test_an_entry_point_that_cannot_be_imported_is_a_reason(backproof, tmp_path, installed):
    (tmp_path / "site/his_network.py").write_text("import no_such_module\n")
    done = backproof("run", "tiny.toml", "--implementations", "his", "--quiet", **installed)
    reason = "it raised ModuleNotFoundError: No module named 'no_such_module'"
    assert (3, f"NOT COMPARED: his (float32), {reason}.\n") == (done.returncode, done.stdout)


def test_listing_implementations_imports_no_framework(environment, folder):
    lists = "import sys; from comparisons.command.lists import implementations_command as ls; ls(); "
    says = "print(sorted({'torch', 'keras', 'tensorflow'} & set(sys.modules)))"
    call = [sys.executable, "-P", "-c", lists + says]
    assert "[]" == subprocess.check_output(call, cwd=folder, env=environment, text=True).splitlines()[-1]
