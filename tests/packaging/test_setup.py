"""Setting up: what it refuses, when it has nothing to do, and what it does after a set-up that was cut off."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "setup.py"
PYTHON = (3, 12, 1)


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = loaded()


class Computer:
    """A checkout of its own, and commands that are noted instead of run; one of them may fail."""

    def __init__(self, root: Path) -> None:
        self.root, self.version, self.is_chosen = root, PYTHON, False
        self.commands: list[str] = []
        self.said: list[str] = []
        self.fails_at: Callable[[str], bool] = lambda command: False
        for name in setup.DEPENDS_ON:
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / name)

    def run(self, command: list[str], cwd: str) -> None:
        assert str(self.root) == cwd
        text = " ".join(command)
        assert self.said, "something was said before anything was run"
        self.commands.append(text)
        if self.fails_at(text):
            raise subprocess.CalledProcessError(1, command)
        if "venv" in command:
            (self.root / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
            (self.root / ".venv" / "bin" / "python").touch()
            version = ".".join(map(str, self.version))
            (self.root / ".venv" / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")

    def set_up(self) -> list[str]:
        """The commands that setting up runs now."""
        self.commands, self.said = [], []
        assert self.asked() == 0
        return self.commands

    def asked(self, system: str = "Linux", machine: str = "x86_64") -> int:
        return setup.set_up(
            self.root, self.version, system, machine, self.is_chosen, run=self.run, say=self.said.append
        )


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def creates(commands: list[str]) -> bool:
    """Whether a virtual environment is made anew, whatever was there."""
    return any("-m venv --clear" in command for command in commands)


def installs(commands: list[str]) -> bool:
    """Whether Backproof is installed, with all of its extras and in the versions of constraints.txt."""
    return any("--constraint constraints.txt" in c and c.endswith("--editable .[all,dev]") for c in commands)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 7), (3, 12, 1), (3, 13, 0)], ids=str)
def test_a_supported_python_is_accepted(version: tuple[int, ...]) -> None:
    assert setup.refusal(version, "Linux", "x86_64") is None
    assert setup.refusal(version, "Darwin", "arm64") is None


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13), (3, 14, 0), (4, 0, 0)], ids=str)
def test_another_python_is_refused_in_one_sentence(version: tuple[int, ...], computer: Computer) -> None:
    computer.version = version
    assert computer.asked() == 2
    (said,) = computer.said
    found = ".".join(map(str, version))
    assert said == (
        f"Backproof needs Python 3.11, 3.12 or 3.13, but this is Python {found}; "
        "name another one: make setup PYTHON=python3.12"
    )
    assert not computer.commands
    assert not (computer.root / ".venv").exists()


@pytest.mark.parametrize(
    ("system", "machine", "found"),
    [("Windows", "AMD64", "but this is Windows; on Windows, use WSL"), ("Darwin", "x86_64", "Intel Macs")],
)
def test_another_system_is_refused_in_one_sentence(system: str, machine: str, found: str, computer: Computer) -> None:
    assert computer.asked(system, machine) == 2
    (said,) = computer.said
    assert found in said
    assert not computer.commands


def test_an_old_python_can_read_the_script() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    with pytest.raises(SyntaxError):
        ast.parse("if (n := 1): pass", feature_version=(3, 6))


def test_a_fresh_clone_is_set_up(computer: Computer) -> None:
    commands = computer.set_up()
    assert creates(commands)
    assert installs(commands)


def test_downloads_are_announced_with_their_sizes_and_a_way_to_make_them_smaller(computer: Computer) -> None:
    computer.set_up()
    (said,) = computer.said
    assert "TensorFlow  about 600 MB" in said
    assert "several GB" in said
    assert "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup" in said


def test_nothing_is_done_and_nothing_said_when_nothing_changed(computer: Computer) -> None:
    computer.set_up()
    assert computer.set_up() == []
    assert computer.said == []


@pytest.mark.parametrize("name", setup.DEPENDS_ON)
def test_a_change_is_installed(name: str, computer: Computer) -> None:
    computer.set_up()
    with (computer.root / name).open("a") as file:
        file.write("# changed\n")
    commands = computer.set_up()
    assert installs(commands)
    assert not creates(commands)
    assert computer.set_up() == []


@pytest.mark.parametrize("cut_off_at", ["-m venv", "constraints.txt setuptools", ".[all,dev]", "check"])
def test_a_half_finished_set_up_begins_again(cut_off_at: str, computer: Computer) -> None:
    computer.fails_at = lambda command: cut_off_at in command
    with pytest.raises(subprocess.CalledProcessError):
        computer.set_up()
    computer.fails_at = lambda command: False
    commands = computer.set_up()
    assert creates(commands)
    assert installs(commands)
    assert computer.set_up() == []


def test_a_change_that_was_half_installed_begins_again(computer: Computer) -> None:
    computer.set_up()
    (computer.root / "constraints.txt").write_text("numpy==2.4.6\n")
    computer.fails_at = lambda command: ".[all,dev]" in command
    with pytest.raises(subprocess.CalledProcessError):
        computer.set_up()
    computer.fails_at = lambda command: False
    assert creates(computer.set_up())


def test_another_python_replaces_the_environment_if_it_was_named(computer: Computer) -> None:
    computer.set_up()
    computer.version = (3, 13, 0)
    assert computer.set_up() == []
    computer.is_chosen = True
    assert creates(computer.set_up())
    assert computer.set_up() == []


def test_an_environment_that_works_is_kept_whatever_python_asks(computer: Computer) -> None:
    computer.set_up()
    computer.version = (3, 9, 6)
    assert computer.set_up() == []


@pytest.mark.parametrize("missing", ["bin/python", "pyvenv.cfg"])
def test_an_environment_whose_python_is_gone_is_made_anew(missing: str, computer: Computer) -> None:
    computer.set_up()
    (computer.root / ".venv" / missing).unlink()
    assert creates(computer.set_up())


def test_an_environment_that_was_moved_is_made_anew(computer: Computer, tmp_path: Path) -> None:
    assert creates(computer.set_up())
    computer.root = shutil.copytree(tmp_path, tmp_path / "moved")
    assert creates(computer.set_up())


def test_a_stamp_that_was_not_written_whole_counts_as_none(computer: Computer) -> None:
    computer.set_up()
    (computer.root / ".venv" / setup.STAMP).write_text("")
    assert creates(computer.set_up())


def started(*command: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})


def test_a_python_that_is_not_there_is_one_sentence() -> None:
    done = started("make", "setup", PYTHON="python3.99")
    assert done.returncode == 2
    assert "There is no python3.99; name a Python 3.11 to 3.13: make setup PYTHON=python3.12" in done.stderr


def test_the_script_itself_refuses_with_exit_status_2(tmp_path: Path) -> None:
    """The real script in a checkout of its own, under this Python, told to be another."""
    Computer(tmp_path)
    program = (
        "import runpy, sys\n"
        "sys.version_info = (3, 10, 13, 'final', 0)\n"
        f"runpy.run_path({str(tmp_path / 'scripts/setup.py')!r}, run_name='__main__')"
    )
    done = started(sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Backproof needs Python 3.11, 3.12 or 3.13, but this is Python 3.10.13; ")
    assert not (tmp_path / ".venv").exists()


def test_constraints_name_every_package_once_and_exactly() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    names = [line.partition("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names)
    assert all("==" in line and "+" not in line for line in lines)
    assert {"torch==2.13.0", "tensorflow==2.21.0", "keras==3.15.1", "numpy==2.4.6"} <= set(lines)
    assert not [name for name in names if name.startswith(("nvidia", "triton", "cuda"))]
