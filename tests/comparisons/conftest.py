"""Every implementation is trained once in a session, in processes of its own; all tests look at what came of it."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.experiment import NAMED
from comparisons.implementations.registry import Implementation, find
from comparisons.result import ImplementationResult, ResultRow, read
from comparisons.run import run
from comparisons.trace import load
from tests.frameworks import not_installed

Once = Callable[[str, Callable[[Path], None]], Path]


class Run(NamedTuple):
    """One implementation in one experiment and one precision: what was found, and its parameters after every step."""

    one: ImplementationResult
    rows: tuple[ResultRow, ...]
    parameters: np.ndarray  # (steps, numbers), float64


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """`once(name, fill)`: a folder that `fill(folder)` filled, in whichever worker of the session asked first."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def folder_of(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done, failed = shared / name, shared / f"{name}.done", shared / f"{name}.failed"
        with _locked(shared / f"{name}.lock"):
            if failed.exists():
                pytest.fail(failed.read_text(encoding="utf-8"), pytrace=False)
            if not done.exists():
                folder.mkdir()
                try:
                    fill(folder)
                except (Exception, pytest.fail.Exception) as error:
                    failed.write_text(f"{name} failed: {error}", encoding="utf-8")
                    raise
                done.touch()
        return folder

    return folder_of


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def needs() -> Callable[[Implementation], None]:
    """Skip, visibly, what is not installed; where CI=true it must be, so that there the test fails."""

    def check(one: Implementation) -> None:
        if one.missing:
            not_installed(f"{one.name} needs {' and '.join(one.missing)}, not installed; {one.how_to_get}")

    return check


@pytest.fixture(scope="session")
def trained(once: Once, needs: Callable[[Implementation], None]) -> Callable[[str, str, str], Run]:
    """`trained(experiment, implementation, precision)`: recorded and certified, once for all tests."""

    @functools.cache
    def trained_in_both(experiment: str, name: str) -> dict[str, Run]:
        one = find(name)
        needs(one)
        return _read(once(f"{experiment}-{name}", lambda folder: _train(experiment, one, folder)))

    def one_of_them(experiment: str, name: str, precision: str) -> Run:
        found = trained_in_both(experiment, name)[precision]
        if found.one.verdict == "not compared":
            reason = f"{name} ({precision}) was not compared: {found.one.reason}"
            pytest.fail(f"{reason}\n{found.one.output}".strip(), pytrace=False)
        return found

    return one_of_them


def _train(experiment: str, one: Implementation, folder: Path) -> None:
    """Run it in both precisions; of its traces keep the parameters, since the numbers of all of them fill a disk."""
    both = [NAMED[experiment].but(precision=precision) for precision in ("float32", "float64")]
    parameters = {}
    for found in run(both, [one], folder).implementations:
        path = folder / f"{one.name}-{found.precision}.trace"
        if found.verdict != "not compared":
            trace = load(path)
            shown = [trace.shown[name] for name in trace.network.parameters if name in trace.shown]
            parameters[found.precision] = _side_by_side(shown) if shown else np.empty((0, 0))
        shutil.rmtree(path, ignore_errors=True)
    np.savez(folder / "parameters.npz", **parameters)


def _side_by_side(stacks: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(stack, np.float64).reshape(len(stack), -1) for stack in stacks], axis=1)


def _read(folder: Path) -> dict[str, Run]:
    result = read(folder)
    with np.load(folder / "parameters.npz") as parameters:
        return {
            one.precision: Run(
                one,
                tuple(row for row in result.rows if row.precision == one.precision),
                parameters.get(one.precision, np.empty((0, 0))),
            )
            for one in result.implementations
        }
