"""Afterwards: what a run works out once everything is certified: whole runs, scenes and claims, all at the same time.

Each in processes of its own. All of it is advice: what fails costs no verdict, and is told in a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparisons.experiment import Experiment
from comparisons.messages import LEFT_OUT, claim_without_word
from comparisons.processes import OURS, Job, work
from comparisons.result import REFERENCE, WHOLE_RUNS, ImplementationResult
from comparisons.stored_scenes import joined

CLAIMS_AT_LEAST = 60.0  # seconds; claims may take as long as everything before them did, and so long in any case
ENDS = {"agreed": "agree", "drawn": "draw", "measured": "claims"}  # the last word of each kind of job


@dataclass(frozen=True)
class Afterwards:
    """What was worked out; `not_whole` and `no_figures` say why something could not be."""

    whole: dict[str, tuple[Any, ...]]
    not_whole: str = ""
    scenes: dict[str, Any] | None = None
    claims: tuple[dict[str, Any], ...] = ()
    no_figures: str = ""


@dataclass
class _Waiting:
    """How many jobs of each kind are not done, told to whoever watches."""

    watch: Callable[[str, dict[str, Any]], None]
    n_jobs: Counter[str]

    def told(self, job: Job, event: dict[str, Any]) -> None:
        """A job said something: perhaps its last word."""
        if event["event"] in ENDS:
            self._less(job)

    def left(self, job: Job) -> None:
        """A job did not end well: perhaps without its last word."""
        if not any(event["event"] in ENDS for event in job.events):
            self._less(job)

    def tell(self) -> None:
        """Say what is waited for, if there is anything."""
        if self.n_jobs.total():
            self.watch("", {"event": "waiting", "for": list(+self.n_jobs)})

    def _less(self, job: Job) -> None:
        self.n_jobs[job.task["do"]] -= 1
        self.tell()


def worked_out(
    experiments: Sequence[Experiment],
    results: Sequence[ImplementationResult],
    traces: dict[tuple[str, str], Path],
    *,
    figures: bool,
    elapsed: float,
    patience: float,
    memory: int,
    watch: Callable[[str, dict[str, Any]], None],
    idle: Callable[[], None],
    spare: list[Any] | None = None,
) -> Afterwards:
    """Whole runs, and with `figures` scenes and claims.

    Traces: of what was certified, by name and precision. Elapsed: how many seconds the run took until now. Memory: the
    bytes that each process may take. Spare: children that `processes.work` may give the jobs to.
    """
    certified = [one for one in results if (one.name, one.precision) in traces]
    jobs = _comparing(experiments, certified, traces, memory)
    if figures:
        jobs += [*_drawing(experiments, certified, traces, memory), _measuring(experiments[0], results, elapsed)]
    waiting = _Waiting(watch, Counter(job.task["do"] for job in jobs))
    waiting.tell()
    done = sorted(
        work(jobs, patience=patience, told=waiting.told, left=waiting.left, idle=idle, spare=spare),
        key=lambda job: job.name,
    )
    by_kind = {kind: [job for job in done if job.task["do"] == kind] for kind in ENDS.values()}
    whole: dict[str, tuple[Any, ...]] = {
        name: tuple(part for job in by_kind["agree"] for event in job.of("agreed") for part in event[name])
        for name in WHOLE_RUNS
    }
    not_whole = _failures(by_kind["agree"], "agreed")
    if not figures:
        return Afterwards(whole, not_whole, no_figures=LEFT_OUT)
    parts = [event["scenes"] for job in by_kind["draw"] for event in job.of("drawn")]
    (claims,) = by_kind["claims"]
    return Afterwards(
        whole,
        not_whole,
        scenes=joined(parts) if parts else None,
        claims=_claims(claims),
        no_figures=_failures(by_kind["draw"], "drawn"),
    )


def _comparing(
    experiments: Sequence[Experiment], certified: Sequence[ImplementationResult], traces: dict[tuple[str, str], Path],
    memory: int,
) -> list[Job]:  # fmt: skip
    """The whole runs of each precision, for whichever there are any."""
    jobs = []
    for experiment in experiments:
        mine = [one for one in certified if one.precision == experiment.precision and not one.ended]
        tasks = [
            (str(traces[one.name, one.precision]), list(one.forms), dict(one.not_told_apart))
            for one in mine
            if one.verdict != "not compared"
        ]
        if tasks:
            jobs.append(Job(experiment.precision, {"do": "agree", "traces": tasks, "memory": memory}, shares=OURS))
    return jobs


def _drawing(
    experiments: Sequence[Experiment], certified: Sequence[ImplementationResult], traces: dict[tuple[str, str], Path],
    memory: int,
) -> list[Job]:  # fmt: skip
    """The scenes of each precision; one of them has the path on the loss surface."""
    path = _path(certified)
    jobs = []
    for experiment in experiments:
        mine = [one for one in certified if one.precision == experiment.precision]
        task = {
            "do": "draw",
            "experiment": experiment.to_json(),
            "traces": [(str(traces[one.name, one.precision]), list(one.forms)) for one in mine],
            "surface": path.name if path in mine and path is not None else None,
            "memory": memory,
        }
        jobs.append(Job(experiment.precision, task, shares=OURS))
    return jobs


def _path(certified: Sequence[ImplementationResult]) -> ImplementationResult | None:
    """Whose path is drawn: the reference's in the highest precision, else that of the first whole run.

    A run has a loss where it is whole, shows all its weights, and ends with numbers.
    """
    whole = [one for one in certified if one.loss is not None and not one.ended]
    reference = {one.precision: one for one in whole if one.name == REFERENCE}
    return reference.get("float64") or reference.get("float32") or next(iter(whole), None)


def _measuring(experiment: Experiment, results: Sequence[ImplementationResult], elapsed: float) -> Job:
    task = {
        "do": "claims",
        "experiment": experiment.to_json(),
        "accuracies": {f"{one.name} ({one.precision})": one.accuracy for one in results if not one.skipped},
        "seconds": min((one.seconds for one in results if one.seconds is not None), default=0.0),
        "at_most": max(CLAIMS_AT_LEAST, elapsed),
    }
    return Job("claims", task, shares=OURS)


def _claims(job: Job) -> tuple[dict[str, Any], ...]:
    """Those that were measured, and those that the process did not come to."""
    from comparisons.claims import CLAIMS

    found = {event["claim"]["name"]: event["claim"] for event in job.of("claim")}
    lost = claim_without_word(_end_of(job))
    missing = {"holds": None, "lines": [lost], "seconds": None}
    return tuple(found.get(claim.name, {"name": claim.name, "says": claim.says, **missing}) for claim in CLAIMS)


def _failures(jobs: Sequence[Job], last_word: str) -> str:
    """Which jobs ended without their last word, and how."""
    return "; ".join(f"{job.name}: {_end_of(job)}" for job in jobs if not job.of(last_word))


def _end_of(job: Job) -> str:
    last = job.output.splitlines()[-1:] or [""]
    return f"{job.ended or 'it ended without a word'} {last[0]}".strip()
