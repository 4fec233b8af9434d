"""Recording with a framework, in a process of its own; traces come back by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation
from comparisons.trace import Trace, load
from tests.frameworks import not_installed
from tests.one_process import Asked, record_in_one_process

NEEDS = {"torch": ("torch",), "keras": ("keras", "tensorflow")}


def need(framework: str) -> None:
    """Skip, visibly, what is not installed; where CI is true it must be."""
    missing = [name for name in NEEDS[framework] if importlib.util.find_spec(name) is None]
    if missing:
        not_installed(f"{' and '.join(missing)} not installed")


def recorded(asked: Mapping[str, tuple[str, Experiment]], folder: Path) -> dict[str, Trace]:
    """The trace of each target (`file.py:function`) on its experiment, by the name it was asked for."""
    record_in_one_process(
        Asked(Implementation(name, target), experiment, folder / name) for name, (target, experiment) in asked.items()
    )
    return {name: load(folder / name) for name in asked}
