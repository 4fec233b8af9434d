"""`backproof check` as somebody calls it: exit codes, what is printed where, and what it makes of several files."""

import csv
import io
import json
import re
import subprocess
import sys

import pytest

PARTIAL = """
def train(experiment):
    W, b = experiment.initial().values()
    for X, Y in experiment.batches():
        yield {"Z[1]": W @ X + b}
"""
GRADIENTS = """
import numpy as np


def train(experiment):
    W, b = experiment.initial().values()
    alpha = experiment.dtype.type(experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        m = X.shape[1]
        dZ = 1 / (1 + np.exp(-(W @ X + b))) - Y
        dW, db = dZ @ X.T / m, dZ.sum(axis=1, keepdims=True)
        W, b = W - alpha * dW, b - alpha * db
        yield {"dZ[1]": dZ, "dW[1]": dW, "db[1]": db, "W[1]": W, "b[1]": b}
"""
MEAN = GRADIENTS.replace(") - Y", ") - Y) / m").replace("dZ = 1", "dZ = (1").replace("X.T / m", "X.T")
WARNING = "backproof: running {} without a sandbox, each in a process of its own: check what you trust\n"


@pytest.fixture
def check(backproof, folder):
    """`check("mine.py", "--only", "dW[1]", mine=…)` with the tiny experiment, after writing the files named."""

    def run(*arguments, **files):
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        return backproof("check", *arguments, "--experiment", "tiny.toml")

    return run


def test_an_honest_file_agrees_and_exits_0(check, folder, write):
    write(folder, "mine")
    done = check("mine.py")
    assert (0, WARNING.format("mine")) == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"✓ mine \(float32\) agrees: all \d+ judged numbers lie inside their balls", lines[0])
    assert lines[1].startswith("  chain     every parameter of every step is tied to the step before")
    assert "  hidden    Z, A, J, dA, dZ, dW and db; show them to have a fault located more closely" in lines
    assert not (folder / "build").exists()


def test_a_wrong_file_disagrees_at_its_equation_and_exits_1(check):
    done = check("mine.py", mine=GRADIENTS)
    assert 1 == done.returncode
    assert done.stdout.startswith("✗ mine (float32) disagrees with the article at step 1, equation  db[1] = 1/m ")
    assert "\n  worst     db[1][0, 0]" in done.stdout
    assert '\n  explained by "summed-bias": Only the weights\' gradients are averaged' in done.stdout
    assert "\n  see       backproof explain summed-bias\n" in done.stdout


def test_part_of_a_network_holds_so_far_and_exits_3(check):
    done = check("mine.py", mine=PARTIAL)
    assert 3 == done.returncode
    assert [
        "– mine (float32) not compared so far: what is shown holds",
        "  holds     Z[1] (32 numbers)",
        "  next      A[1] = σ(Z[1])",
    ] == done.stdout.splitlines()


def test_what_alone_was_asked_for_is_judged_alone(check):
    assert 0 == check("mine.py", "--only", "dW[1]", mine=GRADIENTS).returncode
    assert 1 == check("mine.py", "--only", "dW[1]", "--only", "db[1]").returncode
    done = check("mine.py", "--only", "J", "--only", "dW[1]")
    assert 3 == done.returncode
    assert done.stdout.startswith("– mine (float32) not compared: J is not judged; shown are ")


def test_what_is_not_to_be_seen_is_not_judged(check):
    done = check("mine.py", "--visible", "weights", mine=GRADIENTS)
    assert (1, True) == (done.returncode, "equation  b[1] ← b[1] − alpha db[1]" in done.stdout)


def test_steps_that_are_not_looked_at_may_be_wrong(check, folder, write):
    write(folder, "mine", "wrong")
    assert [0, 1, 0] == [check("mine.py", "--steps", steps).returncode for steps in (":2", "1:3", "4:")]


def test_a_dialect_is_told_with_its_users_and_is_no_fault_unless_conventions_are_fixed(check):
    done = check("mean.py", mean=MEAN)
    assert (0, True) == (done.returncode, ", in the dialect mean-at-the-loss\n" in done.stdout)
    assert "\n  dialect   mean-at-the-loss, as torch/nn/modules/loss.py: " in done.stdout
    done = check("mean.py", "--conventions", "fail")
    assert 1 == done.returncode
    assert (
        "disagrees: it computes in the dialect mean-at-the-loss, and conventions are not to be changed" in done.stdout
    )


def test_several_files_have_a_row_each_and_the_worst_decides(check, folder, write):
    write(folder, "right")
    done = check("right.py", "wrong.py", "part.py", "--format", "csv", wrong=GRADIENTS, part=PARTIAL)
    assert 1 == done.returncode
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    assert ["file", "verdict", "first_broken", "step", "explained_by", "forms", "hints", "seconds", "reason"] == list(
        rows["right"]
    )
    assert {"right": "agrees", "wrong": "disagrees", "part": "not compared so far"} == {
        name: row["verdict"] for name, row in rows.items()
    }
    found = rows["wrong"]
    assert ("db[1]", "1", "summed-bias") == (found["first_broken"], found["step"], found["explained_by"])
    assert float(rows["right"]["seconds"]) > 0


def test_the_same_comes_as_json(check, folder, write):
    write(folder, "right")
    (row,) = json.loads(check("right.py", "--format", "json").stdout)
    assert ("right", "agrees", None, []) == (row["file"], row["verdict"], row["step"], row["explained_by"])


def test_files_of_one_name_are_told_apart(check, folder, write):
    for name in ("one", "other"):
        (folder / name).mkdir()
        write(folder / name, "mine")
    done = check("one/mine.py", "other/mine.py")
    assert 0 == done.returncode
    assert ["✓ one/mine.py (float32)", "✓ other/mine.py (float32)"] == re.findall(r"✓ \S+ \S+", done.stdout)


def test_a_function_of_a_module_in_the_current_folder_is_found(check):
    done = check("mine:train", mine=PARTIAL)
    assert (3, True) == (done.returncode, "not compared so far" in done.stdout)


def test_what_the_file_prints_is_passed_on(check):
    text = "import sys\nprint('ä at the top')\n" + PARTIAL.replace("yield", "print('step', file=sys.stderr); yield")
    done = check("mine.py", mine=text)
    assert WARNING.format("mine") + "ä at the top\n" + 4 * "step\n" == done.stderr
    assert "step\n" not in done.stdout


def test_an_exception_is_told_with_its_line_and_a_traceback_of_the_file_alone(check):
    done = check("mine.py", mine=PARTIAL.replace("        yield", "        1 / 0\n        yield"))
    assert 3 == done.returncode
    assert done.stdout.startswith("– mine (float32) not compared: it raised ZeroDivisionError at mine.py:5: division")
    assert ["mine.py"] == [file.rpartition("/")[2] for file in re.findall(r'File "(.*?)"', done.stderr)]


@pytest.mark.parametrize("line", ["1 / 0", "db = db * np.float32('nan')", "db = list(db)", "return"])
def test_what_ends_it_on_the_way_is_told_and_what_was_before_is_judged(line, check):
    text = GRADIENTS.replace("keepdims=True)", "keepdims=True) / m").replace("for X", "for s, (X")
    text = text.replace("Y in experiment.batches():", "Y) in enumerate(experiment.batches()):")
    text = text.replace("        W, b = W -", f"        if s == 2:\n            {line}\n        W, b = W -")
    done = check("mine.py", mine=text)
    assert 3 == done.returncode, done.stdout + done.stderr
    head = r"– mine \(float32\) not compared: the recording ended after step 2 of 4: .*; all \d+ numbers judged up "
    assert re.match(head, done.stdout)


def test_a_file_that_hangs_is_given_up(check, folder, write, until, has_ended):
    path = write(folder, "mine", "hangs")
    done = check("mine.py", "--patience", "3")
    assert (3, True) == (done.returncode, "ended after 3 s without a sign of life" in done.stdout)
    assert done.stderr.endswith("last words\n")
    until(has_ended, f"{path}.pid")


def test_traces_stay_where_they_were_asked_for(check, backproof, folder):
    done = check("mine.py", "--out", "kept", mine=GRADIENTS)
    assert "\n  trace     kept/mine-float32.trace; backproof certify kept/mine-float32.trace\n" in done.stdout
    assert 1 == backproof("certify", "kept/mine-float32.trace").returncode


def test_a_reproducer_shows_the_same_numbers_with_numpy_alone(check, folder):
    done = check("mine.py", "--reproducer", "shows.py", mine=GRADIENTS)
    expected, actual = re.search(r"expected (\S+) .*actual (\S+) ", done.stdout).groups()
    alone = subprocess.run([sys.executable, "-P", "shows.py"], cwd=folder, capture_output=True, text=True)
    assert (1, "") == (alone.returncode, alone.stderr)
    assert [expected, actual] == [line.split()[1] for line in alone.stdout.splitlines()]


def test_there_is_no_reproducer_of_what_agrees(check, folder, write):
    write(folder, "mine")
    done = check("mine.py", "--reproducer", "shows.py")
    assert (0, False) == (done.returncode, (folder / "shows.py").exists())
    assert done.stderr.endswith("shows.py was not written: nothing is broken that it could reproduce\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "check needs at least one file; write one with `backproof new my_network.py`"),
        (("none.py",), "there is no file none.py; name a Python file with a function train(experiment)"),
        (("numpy", "numpy"), "numpy is to be checked twice; name each once"),
        (("numpy", "--patience", "0"), "--patience is a time in seconds above 0, not 0"),
        (("numpy", "--only", "dW[3]"), '--only names "dW[3]", which is no quantity here; near it are dW[1], '),
        (("numpy", "--steps", "x"), '--steps is "x"; give the first and the last one, such as 1:100'),
        (("numpy", "--steps", "3:9"), "--steps asks for 3 to 9, but there are steps 1 to 4"),
        (("numpy", "torch", "--reproducer", "x.py"), "--reproducer is for one file, and several are to be checked; "),
        (("numpy", "--conventions", "ignore"), 'Invalid value "ignore" for --conventions'),
        (("numpy", "--out", "tiny.toml"), "tiny.toml cannot be written: File exists; choose another --out"),
        (("numpy", "--visible", "biases"), 'Invalid value "biases" for --visible'),
    ],
)
def test_a_mistake_is_one_line_and_exits_2(check, arguments, expected):
    done = check(*arguments)
    assert (2, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert done.stderr.startswith(f"backproof: {expected}")
