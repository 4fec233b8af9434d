"""What tests of the frameworks need: the frameworks, in a process of their own, each asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation, find
from tests.frameworks import not_installed
from tests.one_process import Asked, record_in_one_process

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
    """Record what each is asked for, all in one process: folder/implementation/experiment.trace."""

    def record(asked: Mapping[Implementation, Iterable[Experiment]], folder: Path) -> None:
        for one in asked:
            (folder / one.name).mkdir(parents=True)
        record_in_one_process(
            Asked(one, experiment, folder / one.name / f"{experiment.name}.trace")
            for one, experiments in asked.items()
            for experiment in experiments
        )

    return record
