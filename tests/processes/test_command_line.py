"""The command line: exit codes, one line for what the user got wrong, and output that can be read anywhere."""

import os
import pty
import re
import subprocess

import pytest

from comparisons.implementations.registry import find

COLOURS = re.compile("\x1b\\[[0-9;]*3[0-9]")


def last_line(done):
    """The last line but the one that says where the result is."""
    return done.stdout.splitlines()[-2]


# Exit codes ----------------------------------------------------------------------------------------------------------


def test_an_honest_file_agrees_and_exits_0(backproof, folder, write):
    done = backproof("run", "tiny.toml", "--implementations", f"numpy,{write(folder, 'mine')}")
    assert (0, "") == (done.returncode, done.stderr)
    verdict = r"AGREES: 2 runs of 2 implementations, \d+ numbers judged, all inside their balls\."
    assert re.fullmatch(verdict, last_line(done))
    assert "Result and traces: build/backproof" == done.stdout.splitlines()[-1]


def test_a_disagreement_exits_1_and_names_the_equation(backproof, folder, write):
    done = backproof("run", "tiny.toml", "--implementations", write(folder, "mine", "wrong"))
    assert 1 == done.returncode
    assert "\nmine (float32) disagrees with the article at step 3, equation  W[1] ← W[1] − alpha dW[1]\n" in done.stdout
    assert last_line(done).startswith("DISAGREES: mine (float32); ")


def test_a_disagreement_beats_what_could_not_be_compared(backproof, folder, write):
    names = f"{write(folder, 'mine', 'wrong')},{write(folder, 'crashes', 'os._exit(3)')}"
    done = backproof("run", "tiny.toml", "--implementations", names)
    assert 1 == done.returncode
    assert last_line(done).endswith("not compared: crashes (float32).")


def test_the_reference_alone_is_no_agreement_and_exits_3(backproof):
    done = backproof("run", "tiny.toml", "--implementations", "numpy")
    assert 3 == done.returncode
    assert "NOT COMPARED: only the reference ran, and the reference alone is no agreement." == last_line(done)


def test_what_was_asked_for_and_is_not_installed_exits_3_with_the_reason(backproof, without):
    done = backproof("run", "tiny.toml", "--implementations", "numpy,keras", **without("keras", "tensorflow"))
    assert 3 == done.returncode
    reason = 'keras and tensorflow not installed; pip install "backproof[keras]"'
    assert f"NOT COMPARED: keras (float32), {reason}." == last_line(done)


def test_a_default_that_is_not_installed_is_skipped_in_the_verdict_line_too(backproof, without):
    done = backproof("run", "tiny.toml", **without("keras", "tensorflow", "torch"))
    assert 3 == done.returncode  # nothing but the reference is left
    assert last_line(done).endswith("; skipped, not installed: torch, torch-plain, keras and keras-fit.")


def test_with_one_framework_uninstalled_the_others_agree_and_exit_0(backproof, without):
    if find("torch").missing and os.environ.get("CI") != "true":
        pytest.skip("torch is what would be left, and is not installed")
    done = backproof("run", "tiny.toml", **without("keras", "tensorflow"))
    assert (0, "") == (done.returncode, done.stderr)
    assert last_line(done).startswith("AGREES: 3 runs of 3 implementations, ")
    assert last_line(done).endswith("; skipped, not installed: keras and keras-fit.")


# The user's mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "articel"], 'there is no experiment named "articel"; did you mean article?'),
        (["run", "no.toml"], "there is no file no.toml; write one with `backproof experiment > no.toml`"),
        (["run", "bad.toml"], "bad.toml is not TOML: "),
        (["run", "wrong.toml"], "epochs must be "),
        (["run", "tiny.toml", "--implementations", "trch"], "there is no implementation 'trch'; near it are torch"),
        (["run", "tiny.toml", "--implementations", "no.py"], "there is no file no.py; name a Python file"),
        (["run", "tiny.toml", "--implementations", ","], "--implementations names none; name some"),
        (["run", "tiny.toml", "--implementations", "numpy,numpy"], "--implementations names numpy twice"),
        (["run", "tiny.toml", "--implementations", "a/same.py,b/same.py"], "--implementations names same twice"),
        (["run", "tiny.toml", "--precision", "float16"], '"float16"'),
        (["run", "tiny.toml", "--patience", "0"], "--patience is a time in seconds above 0, not 0"),
        (["run", "tiny.toml", "--epoch", "3"], "--epoch"),
        (["rn"], '"rn"'),
        (["certify"], "certify needs at least one trace; name folders that `backproof record` wrote"),
        (["certify", "tiny.toml"], "tiny.toml is no trace: "),
        (["record", "numpy"], "--out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_one_line_without_a_traceback_and_exits_2(arguments, expected, backproof, folder, write):
    (folder / "bad.toml").write_text("epochs = = 3\n")
    (folder / "wrong.toml").write_text('epochs = "three"\n')
    for name in ("a", "b"):
        (folder / name).mkdir()
        write(folder / name, "same")
    done = backproof(*arguments)
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("backproof: ")
    assert expected in done.stderr


# Output --------------------------------------------------------------------------------------------------------------


def test_output_that_goes_into_a_file_is_plain(backproof, folder, write):
    done = backproof("run", "tiny.toml", "--implementations", write(folder, "mine"))
    assert "\x1b" not in done.stdout
    assert "mine (float32): epoch 2 of 2, loss 0." in done.stdout
    assert "mine (float32): certified\n" in done.stdout


def test_quiet_prints_the_verdict_line_alone(backproof, folder, write):
    done = backproof("run", "tiny.toml", "--implementations", write(folder, "mine"), "--quiet")
    assert (0, "") == (done.returncode, done.stderr)
    assert re.fullmatch(r"AGREES: .*\n", done.stdout)


@pytest.mark.parametrize(("refused", "are_there"), [("", True), ("1", False)], ids=["by default", "NO_COLOR"])
def test_a_terminal_gets_colours_unless_it_refuses_them(refused, are_there, command, folder, environment, write):
    call = [*command, "run", "tiny.toml", "--implementations", write(folder, "mine")]
    said = on_a_terminal(call, cwd=folder, env={**environment, "TERM": "xterm-256color", "NO_COLOR": refused})
    assert "AGREES: 1 run of 1 implementation" in said
    assert are_there == bool(COLOURS.search(said))


def test_whoever_stops_reading_sees_no_traceback(command, folder, environment):
    call, pipe = [*command, "equations", "--dialects"], subprocess.PIPE
    with subprocess.Popen(call, cwd=folder, env=environment, stdout=pipe, stderr=pipe) as process:
        process.stdout.close()
        assert b"" == process.stderr.read()


def test_what_is_missing_is_listed_with_how_to_get_it(backproof, without):
    done = backproof("implementations", **without("torch"))
    assert (0, "") == (done.returncode, done.stderr)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("torch ")]
    assert 'pip install "backproof[torch]"' in line


def on_a_terminal(call, **how):
    """What a command prints on a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(call, stdin=its, stdout=its, stderr=its, **how)
    os.close(its)
    said = b""
    while True:
        try:
            said += (part := os.read(ours, 65536))
        except OSError:  # Linux says so when nobody is left at the other end
            part = b""
        if not part:
            break
    os.close(ours)
    assert 0 == process.wait(), said.decode()
    return said.decode()
