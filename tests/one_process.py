"""Several subjects recorded in one process of their own: importing a framework takes longer than what they train.

A subject is loaded anew for each recording, so that none finds what another left in its module; what one of them
raises fails the test that asked. That `backproof run` gives each a process of its own is told in tests/processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation, load
from comparisons.recording import record


class Asked(NamedTuple):
    """What is recorded, on what, and the folder that its trace goes into."""

    one: Implementation
    experiment: Experiment
    into: Path


def record_in_one_process(asked: Iterable[Asked]) -> None:
    """Record all of them, one after the other; fail with what was printed where one of them does."""
    tasks = [[one.name, one.target, experiment.to_json(), str(into)] for one, experiment, into in asked]
    call = [sys.executable, "-P", __file__]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    done = subprocess.run(call, input=json.dumps(tasks), env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}", pytrace=False)


def main() -> None:
    """The process: tasks come on standard input."""
    for name, target, experiment, into in json.load(sys.stdin):
        print(name, into, flush=True)
        subject, layout = load(Implementation(name, target))
        record(subject, Experiment.from_json(experiment), name=name, layout=layout, into=into)


if __name__ == "__main__":
    main()
