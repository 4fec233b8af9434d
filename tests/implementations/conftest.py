"""What tests of the frameworks need: the frameworks, in processes of their own, each asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation, find
from comparisons.processes import Job, work
from tests.frameworks import not_installed

SUBJECTS = Path(__file__).parent / "subjects"


@pytest.fixture(scope="session")
def needs() -> Callable[[Implementation], None]:
    """Skip, visibly, what is not installed; where CI=true it must be, so that there the test fails."""

    def check(one: Implementation) -> None:
        if one.missing:
            not_installed(f"{one.name} needs {' and '.join(one.missing)}, not installed; {one.how_to_get}")

    return check


@pytest.fixture(scope="session")
def subject() -> Callable[[str], Implementation]:
    """`subject("torch")`: a built-in implementation; `subject("torch_twins.py:plain")`: a file among the subjects."""

    def found(name: str) -> Implementation:
        if ".py" not in name:
            return find(name)
        like = find(name.partition("_")[0])
        return Implementation(name, f"{SUBJECTS}/{name}", like.requires, like.extra)

    return found


@pytest.fixture(scope="session")
def record_all() -> Callable[[Mapping[Implementation, Iterable[Experiment]], Path], None]:
    """Record what each is asked for, in a process for each and all at once: folder/implementation/experiment.trace."""

    def record(asked: Mapping[Implementation, Iterable[Experiment]], folder: Path) -> None:
        jobs = []
        for one, experiments in asked.items():
            (folder / one.name).mkdir(parents=True)
            tasks = [
                {"experiment": e.to_json(), "into": str(folder / one.name / f"{e.name}.trace")} for e in experiments
            ]
            jobs.append(Job(one.name, {"do": "record", "name": one.name, "target": one.target, "tasks": tasks}))
        for job in work(jobs, patience=300, at_once=2):
            failures = [event["reason"] for event in job.of("failed")] + ([job.ended] if job.ended else [])
            failures += [event["ended"] for event in job.of("recorded") if event["ended"]]
            if failures:
                pytest.fail(f"{job.name}: {'; '.join(failures)}\n{job.output}", pytrace=False)

    return record
