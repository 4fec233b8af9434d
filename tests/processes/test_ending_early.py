"""What ends a run on the way is told, and what was recorded before it is certified: it holds, or it is broken."""

import json

import pytest

from comparisons.implementations.registry import find
from comparisons.run import run

pytestmark = pytest.mark.xdist_group("endings")  # one run of them all

STOPS = {  # what happens in step 4
    "diverges": ("W = W * (np.inf if step == 4 else 1)", "step 4: W[1][0, 0] is "),
    "raises": ("step == 4 and print('last words') or 1 / (step != 4)", "it raised ZeroDivisionError at raises.py:"),
    "exits": ("step == 4 and sys.exit(5)", "it raised SystemExit at exits.py:"),
    "is_misshapen": ("W = W if step < 4 else W.T", "step 4: W[1] has the shape (2, 1), but in the layout"),
}
WRONG_BEFORE = "; W = W + (step == 2)"


@pytest.fixture(scope="module")
def result(tmp_path_factory, tiny, write):
    """Each of them, right up to there and with a wrong step before it, in one run with an honest one."""
    folder = tmp_path_factory.mktemp("endings")
    chosen = [find(write(folder, "honest"))]
    for name, (line, _) in STOPS.items():
        chosen += [find(write(folder, name, line)), find(write(folder, f"{name}_and_is_wrong", line + WRONG_BEFORE))]
    return run([tiny], chosen, folder / "out")


def one_of(result, name):
    (one,) = [one for one in result.implementations if one.name == name]
    return one


@pytest.mark.parametrize("name", STOPS)
def test_what_holds_up_to_there_is_told_with_how_it_ended_and_is_not_compared(name, result):
    one = one_of(result, name)
    assert "not compared" == one.verdict
    assert one.ended.startswith(f"after step 3 of 4: {STOPS[name][1]}")
    n_judged = sum(row.checked for row in result.rows if row.implementation == name)
    assert 9 == n_judged
    said = f"the recording ended {one.ended}; all 9 numbers judged up to there lie inside their balls"
    assert said == one.reason
    assert ("3 of 4 steps are there",) == one.chain["missing"]
    assert (None, None) == (one.loss, one.accuracy)


@pytest.mark.parametrize("name", STOPS)
def test_what_is_broken_before_is_a_disagreement(name, result):
    one = one_of(result, f"{name}_and_is_wrong")
    assert "disagrees" == one.verdict
    assert one.ended.startswith("after step 3 of 4: ")
    assert {2} == {row.first_broken for row in result.rows if row.implementation == one.name and row.outside}


def test_what_was_printed_before_the_end_is_kept(result):
    assert "last words" in one_of(result, "raises").output
    assert "ZeroDivisionError" in one_of(result, "raises").output


def test_the_honest_one_beside_them_agrees_and_the_run_disagrees(result):
    assert ("agrees", "") == (one_of(result, "honest").verdict, one_of(result, "honest").ended)
    assert ("disagrees", 1) == (result.verdict, result.exit_code)
    assert () == result.agreements, "a run that ended is not compared with a whole one"


@pytest.mark.parametrize(("more", "code", "mark"), [("", 3, "–"), (WRONG_BEFORE, 1, "✗")], ids=["holds", "is broken"])
@pytest.mark.parametrize("name", STOPS)
def test_record_certify_and_run_tell_both_and_exit_alike(name, more, code, mark, backproof, folder, write):
    path = write(folder, name, STOPS[name][0] + more)
    recorded = backproof("record", path, "tiny.toml", "--out", "x.trace")
    certified, run = backproof("certify", "x.trace"), backproof("run", "tiny.toml", "--implementations", path)
    assert (code, "") == (recorded.returncode, recorded.stderr)
    assert (code, "") == (certified.returncode, certified.stderr)
    assert recorded.stdout.endswith(f"x.trace: 3 steps, shown are W[1], b[1]\n{certified.stdout}")
    assert certified.stdout.startswith(f"{mark} {name} (float32) ")
    assert (code, "") == (run.returncode, run.stderr)
    assert f"the recording ended after step 3 of 4: {STOPS[name][1]}" in certified.stdout
    assert f"{'  ended     ' if code == 1 else 'the recording ended '}after step 3 of 4: {STOPS[name][1]}" in run.stdout
    for done in (certified, run):
        assert ("broken" in done.stdout) == (code == 1)


def test_what_goes_wrong_at_the_first_step_leaves_nothing_to_certify(backproof, folder, write):
    path = write(folder, "mine", "W = W * np.nan")
    done = backproof("record", path, "tiny.toml", "--out", "x.trace")
    expected = "backproof: step 1: W[1][0, 0] is nan; every number shown must be finite\n"
    assert (2, "", expected) == (done.returncode, done.stdout, done.stderr)
    assert 0 == json.loads((folder / "x.trace" / "trace.json").read_text())["n_steps"]
    done = backproof("certify", "x.trace")
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(
        "backproof: x.trace has no step, since its recording ended before the first: step 1: W"
    )


def test_compare_refuses_what_ended(backproof, folder, write):
    backproof("record", write(folder, "honest"), "tiny.toml", "--out", "honest.trace")
    backproof("record", write(folder, "diverges", STOPS["diverges"][0]), "tiny.toml", "--out", "x.trace")
    done = backproof("compare", "honest.trace", "x.trace")
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(
        "backproof: the recording of diverges ended after step 3 of 4: step 4: W[1][0, 0] is "
    )


def test_a_users_own_file_that_is_missing_is_no_full_disk(backproof, folder, write):
    path = write(folder, "mine", "open('/no/file')")
    done = backproof("record", path, "tiny.toml", "--out", "x.trace")
    assert (3, "") == (done.returncode, done.stdout)
    assert "it raised FileNotFoundError at mine.py:" in done.stderr
