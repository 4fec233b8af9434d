"""A disk that takes no more: the system refuses files above a size, for root and for others alike."""

import json
import subprocess
import sys

import pytest

from comparisons.errors import UsageError
from comparisons.trace import load

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
MANY_POINTS = "n_train = 4000\n"  # the reference shows 7 numbers for each, the user's file none


@pytest.fixture
def limited(command, folder, environment):
    """`limited(n, "run", …)`: `backproof`, where no file can have more than n bytes."""

    def run(n_bytes, *arguments):
        call = [sys.executable, "-P", "-c", LIMITED.format(n_bytes) + command[-1], *arguments]
        return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_trace_that_cannot_be_written_costs_its_implementation_only(limited, folder, write):
    toml = folder / "tiny.toml"
    toml.write_text(toml.read_text().replace("n_train = 16\n", MANY_POINTS))
    done = limited(65536, "run", "tiny.toml", "--implementations", f"numpy,{write(folder, 'honest')}", "--out", "out")
    assert (3, "") == (done.returncode, done.stderr)
    reference, honest = json.loads((folder / "out/result.json").read_text())["implementations"]
    assert ("not compared", "agrees") == (reference["verdict"], honest["verdict"])
    assert reference["reason"].startswith("out/numpy-float32.trace could not be written: ")
    assert reference["reason"].endswith("; free some space or choose another --out")
    with pytest.raises(UsageError, match="is incomplete"):
        load(folder / "out/numpy-float32.trace")


def test_a_result_that_cannot_be_written_is_one_line_and_none_is_left(limited, folder, write):
    done = limited(2000, "run", "tiny.toml", "--implementations", write(folder, "honest"), "--out", "out", "--quiet")
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("backproof: the result could not be written to out: ")
    assert done.stderr.endswith("; choose another --out\n")
    assert 1 == done.stderr.count("\n")
    assert not (folder / "out/result.json").exists()


def test_scenes_that_cannot_be_written_cost_no_verdict_and_are_told_of(limited, folder, write):
    names = f"numpy,{write(folder, 'honest')}"
    done = limited(60_000, "run", "tiny.toml", "--implementations", names, "--out", "out")
    assert (0, "") == (done.returncode, done.stderr)
    said = json.loads((folder / "out/result.json").read_text())["no_figures"]
    assert said.startswith("out/scenes.json could not be written: ")
    assert said.endswith("; free some space or choose another --out")
    assert f"Figures cannot be drawn: {said}." in done.stdout
    assert not list((folder / "out").glob("scenes*"))


def test_a_folder_that_cannot_be_made_is_one_line(backproof, folder):
    (folder / "out").write_text("a file")
    done = backproof("run", "tiny.toml", "--out", "out")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("backproof: out cannot be written: ")


def test_recording_on_a_full_disk_is_one_line(limited, folder):
    done = limited(500, "record", "numpy", "tiny.toml", "--out", "x.trace")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("backproof: x.trace could not be written: ")
