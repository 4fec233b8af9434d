"""What stays of traces on disk is a choice of `run`, `record` and `check`; and what a full disk leaves of them."""

import json
import subprocess
import sys

import pytest

from comparisons.trace import load
from tests.processes.test_full_disk import LIMITED

LONG = "epochs = 20\n"  # forty steps


@pytest.fixture
def long(folder):
    """The tiny experiment for forty steps."""
    path = folder / "long.toml"
    path.write_text((folder / "tiny.toml").read_text().replace("epochs = 2\n", LONG))
    return "long.toml"


def kept(trace):
    return json.loads((trace / "trace.json").read_text()).get("kept")


EVERY_20TH = [[1, 1], [19, 20], [39, 40]]


def test_run_keeps_what_it_was_asked_to_when_all_is_worked_out(backproof, folder, write, long):
    names = f"numpy,{write(folder, 'wrong', 'wrong')}"
    done = backproof("run", long, "--implementations", names, "--out", "out", "--keep", "20")
    assert (1, "") == (done.returncode, done.stderr)
    result = json.loads((folder / "out/result.json").read_text())
    assert len(result["histories"]) == 2
    assert (result["not_whole"], result["no_figures"]) == ("", "")
    for name in ("numpy", "wrong"):
        assert kept(folder / f"out/{name}-float32.trace") == EVERY_20TH
    assert backproof("certify", "out/wrong-float32.trace").returncode == 0  # step 3 is gone
    done = backproof("certify", "out/numpy-float32.trace")
    assert done.returncode == 0
    assert "the chain is not closed: 5 of 40 steps are there" in done.stdout
    done = backproof("compare", "out/numpy-float32.trace", "out/wrong-float32.trace")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert "is thinned" in done.stderr


def test_the_worst_steps_of_a_wrong_run_say_the_same_again(backproof, folder, write, long):
    names = f"numpy,{write(folder, 'wrong', 'wrong')}"
    backproof("run", long, "--implementations", names, "--out", "out", "--keep", "worst", "--no-figures")
    trace = folder / "out/wrong-float32.trace"
    assert [2, 3] in kept(trace) or [1, 3] in kept(trace)
    done = backproof("certify", "out/wrong-float32.trace")
    assert done.returncode == 1
    assert "disagrees with the article at step 3, equation" in done.stdout
    rows = json.loads((folder / "out/result.json").read_text())["rows"]
    (row,) = [row for row in rows if (row["implementation"], row["quantity"]) == ("wrong", "W[1]")]
    assert f"{row['actual']:.9g}"[:8] in done.stdout


def test_record_keeps_every_so_manieth_or_the_worst_of_its_certificate(backproof, folder, write, long):
    done = backproof("record", "numpy", long, "--out", "x.trace", "--keep", "20")
    assert (0, "") == (done.returncode, done.stderr)
    assert kept(folder / "x.trace") == EVERY_20TH
    done = backproof("record", write(folder, "wrong", "wrong"), long, "--out", "y.trace", "--keep", "worst")
    assert (1, "") == (done.returncode, done.stderr)
    assert "disagrees with the article at step 3" in done.stdout
    assert load(folder / "y.trace").values("W[1]", 3).shape == (1, 2)


def test_check_keeps_of_what_out_keeps(backproof, folder, write, long):
    path = write(folder, "honest")
    done = backproof("check", path, "--experiment", long, "--keep", "20", "--out", "out")
    assert done.returncode == 0
    assert kept(folder / "out/honest-float32.trace") == EVERY_20TH
    done = backproof("check", path, "--experiment", long, "--keep", "20")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert "--keep 20 is for the traces that --out keeps" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("run", "tiny.toml", "--out", "o"), ("record", "numpy", "tiny.toml", "--out", "o"), ("check", "x.py")]
)
def test_another_word_is_one_sentence_and_nothing_is_done(arguments, backproof, folder):
    done = backproof(*arguments, "--keep", "best")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert '--keep is "best"; it is all, worst' in done.stderr
    assert not (folder / "o").exists()


THINNING = (
    "from pathlib import Path; from comparisons.command.keeping import thin_or_say; thin_or_say(Path('x.trace'), 20)"
)


def test_a_disk_that_is_full_when_a_trace_is_to_be_thinned_leaves_it_whole(backproof, folder, environment, long):
    """No file can have more than 1,000 bytes: less than the five steps that are to be kept."""
    assert backproof("record", "numpy", long, "--out", "x.trace").returncode == 0
    before = {path.name: path.read_bytes() for path in (folder / "x.trace").iterdir()}
    done = subprocess.run(
        [sys.executable, "-P", "-c", LIMITED.format(1000) + THINNING], cwd=folder, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert ("", 1) == (done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("backproof: x.trace could not be thinned: ")
    assert done.stderr.endswith("; all of its steps are kept, as they were\n")
    assert {path.name: path.read_bytes() for path in (folder / "x.trace").iterdir()} == before
    assert load(folder / "x.trace").is_whole
