"""Every implementation is trained once in a session, in a process of its own; all tests look at what came of it.

One process trains all experiments in both precisions, since importing a framework takes longer than what it trains;
that no training finds what another left in a framework is told by the numbers, every one of which is judged.
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.certificate import Certificate
from comparisons.experiment import NAMED
from comparisons.implementations.registry import Implementation, find
from comparisons.processes import Job, work
from comparisons.result import read_certificate
from comparisons.stored import MEMORY
from comparisons.trace import load
from comparisons.wording import reason_of
from tests.frameworks import not_installed

Once = Callable[[str, Callable[[Path], None]], Path]


class Run(NamedTuple):
    """One implementation in one experiment and one precision: what was found, and its parameters after every step."""

    certificate: Certificate | None
    failed: str  # why there is no certificate, and the last lines that were printed
    parameters: np.ndarray  # (steps, numbers), float64
    trace: Path  # there if no example's numbers are shown


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
def trained(once: Once, needs: Callable[[Implementation], None]) -> Callable[..., Run]:
    """`trained(experiment, implementation, precision)`: recorded and certified, once for all tests.

    With `alone` nothing else is recorded of the implementation.
    """

    @functools.cache
    def folder_of(name: str, which: tuple[tuple[str, str], ...]) -> Path:
        one = find(name)
        needs(one)
        called = "-".join(["trained", name, *(which[0] if len(which) == 1 else ())])
        return once(called, lambda folder: _train(one, which, folder))

    @functools.cache
    def one_of_them(experiment: str, name: str, precision: str, alone: bool = False) -> Run:
        which = [(experiment, precision)] if alone else itertools.product(NAMED, ("float32", "float64"))
        found = _read(folder_of(name, tuple(which)), f"{experiment}-{precision}")
        if found.certificate is None or found.certificate.verdict == "not compared":
            reason = found.failed or reason_of(found.certificate)
            pytest.fail(f"{name} ({precision}) was not compared: {reason}".strip(), pytrace=False)
        return found

    return one_of_them


def _train(one: Implementation, which: Sequence[tuple[str, str]], folder: Path) -> None:
    """Record it in one process and certify each trace in another, in the processes of `backproof run`."""
    paths = [str(folder / f"{experiment}-{precision}.trace") for experiment, precision in which]
    described = [NAMED[experiment].but(precision=precision).to_json() for experiment, precision in which]
    tasks = [{"experiment": it, "into": path} for it, path in zip(described, paths, strict=True)]
    parameters: dict[str, np.ndarray] = {}
    found: dict[str, dict[str, object]] = {}

    def told(job: Job, event: dict) -> list[Job]:
        if event["event"] == "recorded":
            return [
                Job(
                    one.name,
                    {"do": "certify", "trace": event["trace"], "precision": event["precision"], "memory": MEMORY},
                )
            ]
        if event["event"] == "certified":
            path = Path(job.task["trace"])
            parameters[path.stem] = _parameters_of(path)
            found[path.stem] = {"certificate": event["certificate"]}
        return []

    recording = Job(one.name, {"do": "record", "name": one.name, "target": one.target, "tasks": tasks})
    for job in work([recording], patience=300, told=told, at_once=2):
        for path, reason in _failed(job, [job.task["trace"]] if job is not recording else paths):
            found[Path(path).stem] = {"failed": reason}
    np.savez(folder / "parameters.npz", **parameters)
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def _failed(job: Job, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The traces of which nothing came, and why; a process says one last word of each, in order, or ends before."""
    words = [event for event in job.events if event["event"] in ("recorded", "certified", "failed")]
    of_all = next((event["reason"] for event in job.of("failed") if event["precision"] is None), job.ended)
    for path, word in itertools.zip_longest(paths, words):
        if word is None or word["event"] == "failed":
            reason = word["reason"] if word else of_all or "it ended without a word"
            yield path, f"{reason}\n{job.output}"


def _parameters_of(path: Path) -> np.ndarray:
    """The parameters side by side; a trace that shows every example goes, since all of them would fill a disk."""
    trace = load(path)
    shown = [trace.shown[name] for name in trace.network.parameters if name in trace.shown]
    found = _side_by_side(shown) if shown else np.empty((0, 0))
    if any(trace.network.per_example(name) for name in trace.shown):
        shutil.rmtree(path)
    return found


def _side_by_side(stacks: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(stack, np.float64).reshape(len(stack), -1) for stack in stacks], axis=1)


def _read(folder: Path, name: str) -> Run:
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))[name]
    with np.load(folder / "parameters.npz") as parameters:
        numbers = parameters.get(name, np.empty((0, 0)))
    certificate = read_certificate(found["certificate"]) if "certificate" in found else None
    return Run(certificate, found.get("failed", ""), numbers, folder / f"{name}.trace")
