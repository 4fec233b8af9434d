"""Measuring: facts in child processes, those of the same frameworks in one child, and what became of each.

A child that crashes costs the fact that it was at; the others of that child are measured in a new one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from comparisons.errors import UsageError
from comparisons.internals import words
from comparisons.internals.fact import MEASURED_ON_PROCESSOR, Fact
from comparisons.processes import Job, work

PATIENCE = 300.0  # seconds for one fact, its frameworks' import included
N_IN_A_CHILD = 30  # with more facts than this, importing the frameworks once more costs less than waiting
Status = Literal["holds", "no longer holds", "not run"]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What became of a fact: its figures, and why it does not hold or did not run."""

    fact: Fact
    status: Status
    figures: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    processor: str = ""


def judged(
    fact: Fact, figures: Mapping[str, Any], versions: Mapping[str, str], processor: str, seconds: float
) -> Outcome:
    """Whether the figures are what the fact expects; what depends on the machine is held against its own kind only."""
    wrong = tuple(fact.wrong(figures))
    status: Status = "no longer holds" if wrong else "holds"
    if wrong and fact.depends and processor != MEASURED_ON_PROCESSOR:
        status, wrong = "not run", (words.other_machine(processor, MEASURED_ON_PROCESSOR), *wrong)
    return Outcome(fact, status, figures, wrong, seconds, versions, processor)


def measure(
    facts: Sequence[Fact],
    *,
    python: Path | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
    at_once: int | None = None,
    patience: float = PATIENCE,
    told: Callable[[Outcome], None] = lambda outcome: None,
    begun: Callable[[str], None] = lambda name: None,
    idle: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Measure all of them and return the outcomes in the order of the facts, `told` of each as it comes.

    The children have these variables besides ours.
    """
    known = {fact.id: fact for fact in facts}
    found: dict[str, Outcome] = {}

    def add(outcome: Outcome) -> None:
        found[outcome.fact.id] = outcome
        told(outcome)

    def hear(job: Job, event: dict[str, Any]) -> None:
        if event["event"] == "measuring":
            begun(event["fact"])
        elif event["event"] in ("measured", "raised", "missing"):
            add(_outcome(known[event["fact"]], event, job.of("ready")[0]))

    def lost(job: Job) -> list[Job] | None:
        left = [name for name in job.task["facts"] if name not in found]
        was_at = [event["fact"] for event in job.of("measuring") if event["fact"] in left]
        for name in was_at or left:
            add(_without(known[name], words.ended(job.ended or "", job.output), is_ours=not was_at))
        rest = [name for name in left if name not in was_at]
        return [_job(rest, known, job.python, job.environment)] if was_at and rest else None

    n_at_once = at_once or os.cpu_count() or 1
    with installation(python) as environment:
        jobs = [
            _job(names, known, str(python or sys.executable), {**environment, **variables})
            for names in parts(facts, n_at_once)
        ]
        work(jobs, patience=patience, told=hear, left=lost, idle=idle, at_once=n_at_once)
    return [found[fact.id] for fact in facts]


def parts(facts: Iterable[Fact], n: int) -> list[list[str]]:
    """The ids of what goes into one child: the same environment, TensorFlow or not, and a large one shared by n."""
    groups: dict[tuple[Any, bool], list[str]] = {}
    for fact in facts:
        groups.setdefault((fact.environment, "tensorflow" in fact.needs), []).append(fact.id)
    shares = [
        names[start::n_shares]
        for names in groups.values()
        for n_shares in [n if len(names) > N_IN_A_CHILD else 1]
        for start in range(n_shares)
    ]
    return sorted(shares, key=len, reverse=True)


@contextmanager
def installation(python: Path | None) -> Iterator[dict[str, str]]:
    """Variables with which another installation's Python finds this package, and nothing else of this installation.

    Error: UsageError if it is no Python that can run it.
    """
    if python is None:
        yield {}
        return
    try:
        asked = [str(python), "-c", "import sys; print(sys.version_info >= (3, 11))"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(words.no_python(python, str(getattr(error, "strerror", None) or error))) from None
    if said != "True":
        raise UsageError(words.no_python(python, "it is no Python from 3.11 on"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "comparisons").symlink_to(ROOT / "comparisons")
        yield {"PYTHONPATH": folder}


def _job(names: list[str], known: Mapping[str, Fact], python: str, environment: Mapping[str, str]) -> Job:
    """A child for facts of one environment."""
    variables = {**environment, **dict(known[names[0]].environment)}
    return Job("facts", {"do": "measure", "facts": names}, python=python, environment=variables)


def _outcome(fact: Fact, event: Mapping[str, Any], ready: Mapping[str, Any]) -> Outcome:
    if event["event"] == "measured":
        return judged(fact, event["figures"], ready["versions"], ready["processor"], event["seconds"])
    if event["event"] == "missing":
        return Outcome(
            fact, "not run", {}, (words.missing(event["packages"]),), 0, ready["versions"], ready["processor"]
        )
    reason = words.raised(event["reason"], fact.expected)
    return Outcome(fact, "no longer holds", {}, (reason,), 0, ready["versions"], ready["processor"])


def _without(fact: Fact, reason: str, *, is_ours: bool) -> Outcome:
    """Nothing came of it: its process ended while it was measured, or before anything was."""
    return Outcome(fact, "not run" if is_ours else "no longer holds", {}, (reason,))
