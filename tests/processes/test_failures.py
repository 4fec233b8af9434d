"""Whatever becomes of one implementation costs that one only, and is told with its last output."""

import os
import re
import signal

import pytest

from comparisons.implementations.registry import Implementation, find
from comparisons.run import run

pytestmark = pytest.mark.xdist_group("failures")  # one run of them all

SAYS = "print('last words'); "
PATIENCE = 10  # seconds: enough for an interpreter to start on a busy machine
STARTS_AND_HANGS = (
    "sys.stdout.flush(); child = subprocess.Popen(['sleep', '600']); "
    "open(__file__ + '.pid', 'w').write(str(child.pid)); time.sleep(600)"
)
FATES = {
    "raises": (SAYS + "raise ArithmeticError('no more')", r"it raised ArithmeticError at raises\.py:\d+: no more"),
    "raises_nothing": (SAYS + "raise ArithmeticError", r"it raised ArithmeticError at raises_nothing\.py:\d+"),
    "misses_a_file": (SAYS + "open('/no/file')", r"it raised FileNotFoundError at misses_a_file\.py:\d+: .*'/no/file'"),
    "exits": (SAYS + "sys.exit(5)", r"it raised SystemExit at exits\.py:\d+: 5"),
    "leaves": (SAYS + "os._exit(3)", r"it exited with status 3"),
    "leaves_without_a_word": (SAYS + "os._exit(0)", r"it ended without a word"),
    "segfaults": (SAYS + "os.kill(os.getpid(), signal.SIGSEGV)", r"it was ended by signal 11 \(SIGSEGV\)"),
    "is_killed": ("hangs", r"it was ended by signal 9 \(SIGKILL\)"),
    "hangs": (SAYS + STARTS_AND_HANGS, rf"it was ended after {PATIENCE} s without a sign of life"),
}


@pytest.fixture(scope="module")
def folder_of_fates(tmp_path_factory):
    """Where their files lie."""
    return tmp_path_factory.mktemp("fates")


@pytest.fixture(scope="module")
def result(folder_of_fates, tiny, write):
    """What became of them all, and of an honest one, side by side in one run."""
    folder = folder_of_fates
    chosen = [find(write(folder, "honest"))] + [find(write(folder, name, line)) for name, (line, _) in FATES.items()]
    pid_file = folder / "is_killed.py.pid"

    def kill_once():
        if pid_file.exists() and (pid := pid_file.read_text()):
            pid_file.unlink()
            os.kill(int(pid), signal.SIGKILL)

    return run([tiny], chosen, folder / "out", patience=PATIENCE, idle=kill_once)


@pytest.mark.parametrize("name", FATES)
def test_the_one_that_fails_is_not_compared_and_told_with_its_last_output(name, result):
    (one,) = [one for one in result.implementations if one.name == name]
    _, reason = FATES[name]
    assert "not compared" == one.verdict
    assert re.fullmatch(reason, one.reason)
    assert "last words" in one.output


def test_nothing_is_judged_of_those_that_fail_and_the_honest_one_beside_them_agrees(result):
    assert {"honest": "agrees"} | dict.fromkeys(FATES, "not compared") == {
        one.name: one.verdict for one in result.implementations
    }
    assert {"honest"} == {row.implementation for row in result.rows}


def test_what_was_asked_for_and_failed_makes_no_agreement(result):
    assert ("not compared", 3) == (result.verdict, result.exit_code)


def test_a_failure_in_one_precision_leaves_the_other(tmp_path, tiny, write):
    one = find(write(tmp_path, "half", "assert experiment.precision == 'float64'"))
    found = run([tiny, tiny.but(precision="float64")], [one], tmp_path / "out").implementations
    assert [("float32", "not compared"), ("float64", "agrees")] == [(half.precision, half.verdict) for half in found]


@pytest.mark.parametrize(
    ("at_the_top", "reason"),
    [
        ("raise OSError('no licence')", "it raised OSError at mine.py:1: no licence"),
        ("import no_such_module", "it raised ModuleNotFoundError at mine.py:1: No module named 'no_such_module'"),
        ("import sys; sys.exit('not today')", "it raised SystemExit at mine.py:1: not today"),
        ("def train(:", "it raised SyntaxError: invalid syntax (mine.py, line 1)"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(at_the_top, reason, tmp_path, tiny, write):
    (one,) = run([tiny], [find(write(tmp_path, "mine", at_the_top=at_the_top))], tmp_path / "out").implementations
    assert ("not compared", reason) == (one.verdict, one.reason)


def test_a_file_without_the_function_says_what_it_has(tmp_path, tiny, write):
    path = write(tmp_path, "mine")
    (one,) = run([tiny], [find(f"{path}:fit")], tmp_path / "out").implementations
    assert f"{path} has no function fit(experiment); it defines train" == one.reason


def test_a_hang_costs_the_patience_and_what_it_started_ends_with_it(result, folder_of_fates, until, has_ended):
    (one,) = [one for one in result.implementations if one.name == "hangs"]
    assert f"it was ended after {PATIENCE} s without a sign of life" == one.reason
    until(has_ended, folder_of_fates / "hangs.py.pid")


def test_what_outlives_its_implementation_holds_nobody_up_and_ends_too(tmp_path, tiny, write, until, has_ended):
    line = "step == 4 and os.fork() == 0 and (open(__file__ + '.pid', 'w').write(str(os.getpid())), time.sleep(600))"
    path = write(tmp_path, "mine", line)
    (one,) = run([tiny], [find(path)], tmp_path / "out", patience=60).implementations
    assert "agrees" == one.verdict
    until(has_ended, f"{path}.pid")


def test_what_the_users_code_prints_stays_out_of_the_result(tmp_path, tiny, write):
    line = "print('babble'); os.write(1, b'babble'); os.write(2, b'babble'); sys.stderr.write('babble')"
    result = run([tiny], [find(write(tmp_path, "mine", line))], tmp_path / "out")
    assert "agrees" == result.verdict
    assert "babble" not in (tmp_path / "out" / "result.json").read_text(encoding="utf-8")


def test_a_missing_package_is_a_reason_where_it_was_asked_for_and_skipped_where_not(tmp_path, tiny, write):
    absent = Implementation("absent", "no_such_package:train", ("no_such_package",))
    chosen = [find(write(tmp_path, "honest")), absent]
    for was_asked_for, exit_code in ((True, 3), (False, 0)):
        result = run([tiny], chosen, tmp_path / "out", asked_for=was_asked_for)
        one = result.implementations[1]
        assert "no_such_package not installed; pip install no_such_package" == one.reason
        assert (exit_code, not was_asked_for) == (result.exit_code, one.skipped)
