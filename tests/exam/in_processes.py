"""Recording with a framework, in a process of its own; traces come back by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from comparisons.experiment import Experiment
from comparisons.processes import Job, work
from comparisons.trace import Trace, load
from tests.frameworks import not_installed

NEEDS = {"torch": ("torch",), "keras": ("keras", "tensorflow")}


def need(framework: str) -> None:
    """Skip, visibly, what is not installed; where CI is true it must be."""
    missing = [name for name in NEEDS[framework] if importlib.util.find_spec(name) is None]
    if missing:
        not_installed(f"{' and '.join(missing)} not installed")


def recorded(asked: Mapping[str, tuple[str, Experiment]], folder: Path) -> dict[str, Trace]:
    """The trace of each target (`file.py:function`) on its experiment, by the name it was asked for.

    Each has a process of its own, two at a time.
    """
    jobs = []
    for name, (target, experiment) in asked.items():
        tasks = [{"experiment": experiment.to_json(), "into": str(folder / name)}]
        jobs.append(Job(name, {"do": "record", "name": name, "target": target, "tasks": tasks}))
    for job in work(jobs, patience=300, at_once=2):
        failures = [event["reason"] for event in job.of("failed")] + ([job.ended] if job.ended else [])
        if failures:
            pytest.fail(f"{job.name}: {'; '.join(failures)}\n{job.output}", pytrace=False)
    return {name: load(folder / name) for name in asked}
