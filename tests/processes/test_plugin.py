"""The pytest plugin as its users meet it: pytest in a process and a folder of its own."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
IS_INSTALLED = any(point.name == "backproof" for point in metadata.entry_points(group="pytest11"))
RIGHT = """
import numpy as np


def train(experiment):
    W, b = experiment.initial().values()
    alpha = experiment.dtype.type(experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        m = X.shape[1]
        dZ = 1 / (1 + np.exp(-(W @ X + b))) - Y
        dW, db = dZ @ X.T / m, dZ.sum(axis=1, keepdims=True) / m
        W, b = W - alpha * dW, b - alpha * db
        yield {"dZ[1]": dZ, "dW[1]": dW, "db[1]": db, "W[1]": W, "b[1]": b}
"""
WRONG = RIGHT.replace("keepdims=True) / m", "keepdims=True)")
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # whose import takes thrice as long as pytest's
MESSAGE = "disagrees with the article at step 1, equation  db[1] = 1/m Σᵢ dZ[1]⁽ⁱ⁾"


@pytest.fixture
def run(pytester, monkeypatch, tiny):
    """`run("mine.py", "--backproof", mine=…)`: write the files, and call pytest in their folder."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]")
    pytester.path.joinpath("tiny.toml").write_text(tiny.to_toml(), encoding="utf-8")

    def pytest_of(*arguments, **files):
        pytester.makepyfile(**files)
        plugin = [] if IS_INSTALLED else ["-p", "comparisons.plugin"]
        return pytester.runpytest_subprocess(*plugin, *WITHOUT, *arguments)

    return pytest_of


def with_test(network, call="certify(train)", mark=""):
    return f"import pytest\n{network}\n\n{mark}\ndef test_mine(certify):\n    {call}\n"


TINY = "--backproof-experiment=tiny.toml"


# The fixture ---------------------------------------------------------------------------------------------------------


def test_a_right_network_passes_and_leaves_nothing_behind(run, pytester):
    call = "assert certify(train).verdict == 'agrees'"
    done = run(TINY, "--basetemp=tmp", test_it=with_test(RIGHT, call))
    done.assert_outcomes(passed=1)
    assert [] == list(pytester.path.glob("tmp/**/*.trace"))


def test_a_wrong_one_fails_in_the_words_of_the_command_line_and_without_a_traceback(run, backproof, folder):
    done = run(TINY, test_it=with_test(WRONG))
    done.assert_outcomes(failed=1)
    text = done.stdout.str()
    (folder / "train.py").write_text(WRONG)
    said = backproof("check", "train.py", "--experiment", "tiny.toml").stdout.splitlines()
    assert said[0].endswith(MESSAGE)
    assert all(line in text for line in said)
    assert "def test_mine" not in text


def test_a_failing_test_leaves_its_trace_and_the_command_that_certifies_it(run, backproof):
    done = run(TINY, "--basetemp=tmp", test_it=with_test(WRONG))
    trace, command = re.search(r"  trace     (\S+); backproof (.*)", done.stdout.str()).groups()
    assert f"certify {trace}" == command
    again = backproof(*command.split())
    assert (1, True) == (again.returncode, MESSAGE in again.stdout)


def test_a_marker_chooses_experiment_precision_and_visibility(run):
    mark = "@pytest.mark.backproof(experiment='tiny.toml', precision='float64', visible='weights')"
    call = "found = certify(train); assert (found.precision, len(found.rows)) == ('float64', 2)"
    run(test_it=with_test(RIGHT, call, mark)).assert_outcomes(passed=1)


def test_the_command_line_chooses_them_too(run):
    call = "found = certify(train); assert (found.precision, len(found.rows)) == ('float64', 4)"
    options = ("--backproof-precision=float64", "--backproof-visible=gradients")
    run(TINY, *options, test_it=with_test(RIGHT, call)).assert_outcomes(passed=1)


def test_a_call_may_name_its_experiment_and_ask_for_less(run):
    run(test_it=with_test(WRONG, "certify(train, 'tiny.toml', only=('dW[1]',))")).assert_outcomes(passed=1)
    # A file of the same length, written within the same second, is the old one for Python where bytecode is kept.
    run(test_it=with_test(WRONG, "certify(train, 'tiny.toml', only=('db[1]', ))")).assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("network", "mark", "reason"),
    [
        (RIGHT.replace('"W[1]": W', '"W[7]": W'), "", 'step 1 shows "W[7]", which is no quantity here; near it are '),
        (
            RIGHT,
            "@pytest.mark.backproof(epochs=3)",
            "backproof takes experiment=…, precision=…, visible=… and nothing else",
        ),
        (RIGHT, "@pytest.mark.backproof(experiment='none.toml')", "there is no file none.toml; write one with "),
        (RIGHT, "@pytest.mark.backproof(visible='all')", '"all" is not to be seen; choose one of everything, '),
        (RIGHT.replace('"W[1]": W, "b[1]": b', ""), "", "train (float32) not compared so far: what is shown holds"),
    ],
    ids=["a bad yield", "a bad marker", "no experiment", "no visibility", "unfinished"],
)
def test_what_is_not_compared_fails_in_one_sentence(run, network, mark, reason):
    done = run(TINY, test_it=with_test(network, mark=mark))
    done.assert_outcomes(failed=1)
    assert reason in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_an_exception_of_the_user_is_shown_as_pytest_shows_it(run):
    done = run(TINY, test_it=with_test(RIGHT.replace("m = X.shape[1]", "m = X.shape[2]")))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*m = X.shape[[]2[]]*", "E * IndexError: tuple index out of range"])


@pytest.mark.parametrize(
    ("network", "line", "said"),
    [
        (RIGHT, "1 / 0", "E * ZeroDivisionError: division by zero"),
        (RIGHT, "W = W * np.float32('nan')", "*the recording ended after step 2 of 4: step 3: W[[]1[]]*is nan*"),
        (WRONG, "1 / 0", f"*{MESSAGE.replace('[', '[[]')}"),
    ],
    ids=["an exception", "a number", "a fault before it"],
)
def test_what_was_shown_before_it_ended_is_judged(run, network, line, said):
    text = network.replace("for X, Y in experiment.batches():", "for s, (X, Y) in enumerate(experiment.batches()):")
    text = text.replace("        yield", f"        if s == 2:\n            {line}\n        yield")
    done = run(TINY, test_it=with_test(text))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([said])


def test_a_folder_with_modules_of_our_names_changes_nothing(run):
    refuse = "raise ImportError('the current folder was looked at')\n"
    run(TINY, test_it=with_test(RIGHT), reference=refuse, reports=refuse).assert_outcomes(passed=1)


# A file without tests ------------------------------------------------------------------------------------------------


def test_each_equation_is_a_test_by_its_name(run):
    done = run("mine.py", "--backproof", TINY, "-v", mine=RIGHT)
    done.assert_outcomes(passed=6, skipped=4)
    for name in ("train", "dZ[1]", "dW[1]", "db[1]", "W[1]", "b[1]"):
        assert re.search(rf"^mine\.py::{re.escape(name)} PASSED", done.stdout.str(), re.MULTILINE)
    for name in ("Z[1]", "A[1]", "J", "dA[1]"):
        assert re.search(rf"^mine\.py::{re.escape(name)} SKIPPED \({re.escape(name)} ", done.stdout.str(), re.MULTILINE)


def test_a_wrong_equation_fails_and_the_others_pass(run, pytester, backproof):
    done = run("mine.py", "--backproof", TINY, mine=WRONG)
    done.assert_outcomes(passed=5, failed=1, skipped=4)
    assert MESSAGE in done.stdout.str()
    (command,) = set(re.findall(r"; backproof (certify .*)", done.stdout.str()))  # twice where CI is true
    assert pytester.path / ".backproof/mine-float32.trace" == Path(command.split()[1])
    assert (1, True) == ((again := backproof(*command.split())).returncode, MESSAGE in again.stdout)


def test_one_equation_can_be_chosen(run):
    run("mine.py::dW[1]", "--backproof", TINY, mine=WRONG).assert_outcomes(passed=1)
    run("mine.py::db[1]", "--backproof", TINY, mine=WRONG).assert_outcomes(failed=1)
    run("mine.py", "-k", "dW", "--backproof", TINY, mine=WRONG).assert_outcomes(passed=1, deselected=9)


def test_all_tests_look_at_one_recording_made_in_another_process(run, pytester):
    told = "print('trained', file=open('log', 'a'))"
    text = RIGHT.replace("    W, b = experiment", f"    {told}\n    W, b = experiment")
    run("mine.py", "--backproof", TINY, mine=text).assert_outcomes(passed=6, skipped=4)
    assert "trained\n" == (pytester.path / "log").read_text()


def test_a_file_that_cannot_be_recorded_fails_once_with_what_it_printed(run):
    text = RIGHT.replace("        m = X.shape[1]", "        print('last words'); 1 / 0")
    done = run("mine.py", "--backproof", TINY, mine=text)
    done.assert_outcomes(failed=1, skipped=9)
    assert "not compared: it raised ZeroDivisionError at mine.py:8: division by zero" in done.stdout.str()
    assert "last words" in done.stdout.str()


def test_an_unfinished_network_passes_what_holds_and_is_no_agreement(run):
    done = run("mine.py", "--backproof", TINY, mine=RIGHT.replace('"W[1]": W, "b[1]": b', ""))
    done.assert_outcomes(passed=3, failed=1, skipped=6)
    assert "not compared so far" in done.stdout.str()


def test_tests_in_the_file_are_run_as_well(run):
    done = run("mine.py", "--backproof", TINY, mine=with_test(RIGHT))
    done.assert_outcomes(passed=7, skipped=4)


def test_without_the_option_and_for_other_files_nothing_is_collected(run):
    assert 5 == run("mine.py", mine=RIGHT).ret
    assert 5 == run("other.py", "--backproof", other="x = 1").ret
    assert 5 == run("--backproof", mine=RIGHT).ret


def test_an_experiment_that_there_is_not_is_one_sentence(run):
    done = run("mine.py", "--backproof", "--backproof-experiment=none.toml", mine=RIGHT)
    assert "there is no file none.toml" in done.stdout.str() + done.stderr.str()
    assert "Traceback" not in done.stdout.str() + done.stderr.str()


# What it costs whoever does not use it -------------------------------------------------------------------------------


def test_importing_the_plugin_imports_neither_a_framework_nor_the_suite():
    says = "import pytest, sys; before = set(sys.modules); import comparisons.plugin; print(*set(sys.modules) - before)"
    imported = set(subprocess.check_output([sys.executable, "-c", says], text=True, cwd=ROOT).split())
    assert {"comparisons", "comparisons.plugin"} == {name for name in imported if name.split(".")[0] in OURS}
    assert not {"numpy", "pandas", "torch", "keras", "tensorflow", "rich", "pydantic"} & imported


OURS = ("comparisons", "reference", "reports", "backproof")


def test_a_run_that_does_not_ask_for_it_imports_nothing_either(run):
    asks = "import sys\n\n\ndef test_it():\n    assert not {'numpy', 'reference', 'backproof'} & set(sys.modules)\n"
    run(test_it=asks).assert_outcomes(passed=1)


def test_an_installed_backproof_brings_the_plugin():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"backproof": "comparisons.plugin"} == about["project"]["entry-points"]["pytest11"]
