"""A tiny experiment, files of users, and `backproof` as they call it: from a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from comparisons.experiment import Experiment

Done = subprocess.CompletedProcess[str]
ROOT = Path(__file__).parents[2]

TINY = """
name = "tiny"
layers = [1]
activations = ["sigmoid"]
epochs = 2
batch_size = 8
precision = "float32"

[optimizer]
kind = "gradient-descent"

[data]
n_train = 16
n_test = 4
"""

SUBJECT = """{at_the_top}
import os, signal, subprocess, sys, time
import numpy as np


def train(experiment):
    W, b = experiment.initial().values()
    alpha = experiment.dtype.type(experiment.optimizer.learning_rate)
    for step, (X, Y) in enumerate(experiment.batches(), 1):
        dZ = (1 / (1 + np.exp(-(W @ X + b))) - Y) / X.shape[1]
        W, b = W - alpha * (dZ @ X.T), b - alpha * dZ.sum(axis=1, keepdims=True)
        {before_the_yield}
        yield {{"W[1]": W, "b[1]": b}}
"""

HIDING = """
import importlib.machinery

find = importlib.machinery.PathFinder.find_spec


def find_spec(name, path=None, target=None):
    return None if name in {hidden!r} else find(name, path, target)


importlib.machinery.PathFinder.find_spec = find_spec
"""

WRONG = "W = W + (step == 3)"  # a step that no equation explains
HANGS = "open(__file__ + '.pid', 'w').write(str(os.getpid())); print('last words', flush=True); time.sleep(600)"


@pytest.fixture(scope="session")
def tiny() -> Experiment:
    """Logistic regression on 16 points: 4 steps."""
    return Experiment.from_toml(TINY)


@pytest.fixture(scope="session")
def write() -> Callable[..., str]:
    """`write(folder, name, before_the_yield=…)`: a user's file, gradient descent in NumPy with a line of his in it.

    The line may also be "wrong", a step that no equation explains, or "hangs".
    """

    def one(folder: Path, name: str, before_the_yield: str = "pass", at_the_top: str = "") -> str:
        line = {"wrong": WRONG, "hangs": HANGS}.get(before_the_yield, before_the_yield)
        path = folder / f"{name}.py"
        path.write_text(SUBJECT.format(before_the_yield=line, at_the_top=at_the_top), encoding="utf-8")
        return str(path)

    return one


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """`until(claim, *arguments)`: wait until the claim holds; a minute is too long for anything here."""

    def wait(claim: Callable[..., object], *arguments: object) -> None:
        too_late = time.monotonic() + 60
        while not claim(*arguments):
            assert time.monotonic() < too_late, f"{claim.__name__}{arguments} still does not hold"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def has_ended() -> Callable[[Path], bool]:
    """`has_ended(file)`: whether the process whose number a file tells is no more, or but an entry in the table."""

    def gone(pid_file: Path) -> bool:
        pid = int(Path(pid_file).read_text())
        try:
            os.kill(pid, 0)
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except ProcessLookupError:
            return True
        except OSError:
            return False  # no such table here, or it has ended just now

    return gone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's current folder, with tiny.toml in it."""
    found = tmp_path / "his"
    found.mkdir()
    (found / "tiny.toml").write_text(TINY, encoding="utf-8")
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    """What `backproof` finds around it: this checkout as if installed, and colours neither asked for nor refused."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The console script: it does not look for modules in the current folder."""
    return [sys.executable, "-P", "-c", "from comparisons.command.app import main; main()"]


@pytest.fixture
def backproof(command: list[str], folder: Path, environment: dict[str, str]) -> Callable[..., Done]:
    """`backproof("run", "tiny.toml", NO_COLOR="1")` in the user's folder, to its end."""

    def run(*arguments: str, **more: str) -> Done:
        call = [*command, *arguments]
        return subprocess.run(
            call, cwd=folder, env={**environment, **more}, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def without(tmp_path: Path, environment: dict[str, str]) -> Callable[..., dict[str, str]]:
    """`without("keras")`: what to add to the environment so that these packages are as good as not installed."""

    def hide(*packages: str) -> dict[str, str]:
        (tmp_path / "hiding").mkdir()
        (tmp_path / "hiding/sitecustomize.py").write_text(HIDING.format(hidden=packages))
        return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "hiding"), environment["PYTHONPATH"]])}

    return hide
