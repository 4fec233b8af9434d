"""check: files recorded each in a process of its own, certified and diagnosed, side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from comparisons.certificate import Certificate, Verdict
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.goings import Progress
from comparisons.implementations.registry import Implementation
from comparisons.lexicon import says_of, sources_of
from comparisons.messages import checked_text
from comparisons.processes import Job, work
from comparisons.result import read_certificate, to_json
from comparisons.saving import end
from comparisons.stored import MEMORY
from comparisons.trace import Trace, load
from comparisons.unfinished import certified
from comparisons.view import View
from comparisons.worker import Certifying

Watcher = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Checked:
    """What became of one file, or of what one function showed.

    `following` is the equation to be written next, where the parameters after a step are not shown yet; `failed` why
    there is no certificate; `seconds` what recording took; `hidden` what
    was not shown. `is_strict`: a dialect is a fault.
    """

    name: str
    precision: str
    certificate: Certificate | None = None
    following: str = ""
    failed: str = ""
    seconds: float | None = None
    only: tuple[str, ...] = ()
    is_strict: bool = False
    trace: Path | None = None
    reproducer: str = ""
    hidden: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """disagrees where something is broken; agrees where nothing is missing of what was asked for."""
        certificate = self.certificate
        if certificate is not None and (certificate.verdict == "disagrees" or (self.is_strict and certificate.forms)):
            return "disagrees"
        if certificate is None or self.missing or (self.is_so_far and not self.only):
            return "not compared"
        return certificate.verdict

    @property
    def is_so_far(self) -> bool:
        """Whether the network is unfinished, and what there is holds."""
        certificate = self.certificate
        if certificate is None or certificate.verdict == "disagrees" or certificate.ended:
            return False
        return bool(self.following)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was asked for and not judged."""
        rows = () if self.certificate is None else self.certificate.rows
        judged = [row.quantity for row in rows if row.checked]
        return tuple(name for name in self.only if name not in judged)


def judged(
    trace: Trace, view: View, *, is_strict: bool = False, reproduce: bool = False, progress: Progress | None = None
) -> Checked:
    """What a trace proves of what is looked at, and with `reproduce` the script that shows the first broken number."""
    from comparisons.reproducer import reproducer

    view.refuse_unknown(trace.network)
    seen = view.of(trace)
    certificate, following = certified(seen, progress)
    certificate = view.told(certificate)
    network = seen.network
    hidden = tuple(name for name in network.by_name if network.shapes[name] and name not in seen.shown)
    script = reproducer(seen, certificate) if reproduce and certificate.broken() else ""
    return Checked(
        trace.implementation, trace.precision, certificate, following, only=view.only, is_strict=is_strict,
        reproducer=script, hidden=hidden,
    )  # fmt: skip


def text_of(one: Checked) -> str:
    """What is to be said of one file, names explained."""
    certificate = one.certificate
    if certificate is None:
        return checked_text(one, {}, {})
    mistakes = tuple(name for names in certificate.explained_by for name in names)
    return checked_text(one, says_of(mistakes), sources_of(certificate.forms))


def check(
    chosen: Sequence[Implementation],
    experiment: Experiment,
    view: View,
    *,
    is_strict: bool = False,
    reproduce: bool = False,
    patience: float,
    memory: int = MEMORY,
    out: Path | None = None,
    printed: TextIO | None = None,
    watch: Watcher = lambda name, event: None,
    idle: Callable[[], None] = lambda: None,
) -> list[Checked]:
    """Record and judge what was chosen, as many at a time as there are processors, each in its own process.

    Out: the folder where traces stay; without it they go. Printed: where the output of what is run is passed on.
    """
    with ExitStack() as leaving:
        folder = out or Path(leaving.enter_context(tempfile.TemporaryDirectory(prefix="backproof-")))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror}; choose another --out") from None
        ended = view.experiment(experiment)
        traces = {one.name: folder / f"{_plain(one.name)}-{experiment.precision}.trace" for one in chosen}
        found = {
            one.name: Checked(one.name, experiment.precision, only=view.only, is_strict=is_strict,
                              trace=traces[one.name] if out else None)
            for one in chosen
        }  # fmt: skip

        def judging(name: str) -> Job:
            task = {"do": "check", "trace": str(traces[name]), "view": asdict(view), "reproduce": reproduce,
                    "memory": memory}  # fmt: skip
            return Job(name, task)

        def left(job: Job) -> list[Job]:
            """What it had recorded before it was ended is judged."""
            has_told = job.task["do"] != "record" or job.of("failed") or job.of("recorded")
            return [] if has_told or not end(traces[job.name], str(job.ended)) else [judging(job.name)]

        def told(job: Job, event: dict[str, Any]) -> list[Job]:
            watch(job.name, event)
            if event["event"] == "recorded":
                found[job.name] = replace(found[job.name], seconds=event["seconds"])
                return [judging(job.name)]
            if event["event"] == "failed":
                found[job.name] = replace(found[job.name], failed=event["reason"])
            if event["event"] == "certified":
                certificate = read_certificate(event["certificate"])
                found[job.name] = replace(
                    found[job.name], certificate=certificate, following=event["following"],
                    reproducer=event["reproducer"], hidden=tuple(event["hidden"]),
                )  # fmt: skip
            return []

        jobs = [_recording(one, ended, traces[one.name], printed) for one in chosen if not one.missing]
        for job in work(jobs, patience=patience, told=told, left=left, idle=idle):
            is_done = job.of("failed") or job.of("certified" if job.task["do"] == "check" else "recorded")
            if not is_done:
                failed = job.ended or "it ended without a word"
                found[job.name] = replace(found[job.name], failed=failed)
        for one in chosen:
            if one.missing:
                failed = f"{' and '.join(one.missing)} not installed; {one.how_to_get}"
                found[one.name] = replace(found[one.name], failed=failed)
        return [found[one.name] for one in chosen]


def in_child(job: dict[str, Any], pipe: Any) -> int:
    """The part of the work that a child does with what another one recorded; tells its parent."""
    view = View(**{**job["view"], "only": tuple(job["view"]["only"])})
    try:
        with pipe.alive():
            trace = load(Path(job["trace"]), job["memory"])
            one = judged(trace, view, reproduce=job["reproduce"], progress=Certifying(trace.precision, pipe))
    except UsageError as error:
        pipe.tell("failed", precision=None, reason=str(error))
        return 0
    told = {name: getattr(one, name) for name in ("following", "reproducer", "hidden")}
    pipe.tell("certified", certificate=to_json(one.certificate), **told)
    return 0


def _recording(one: Implementation, experiment: Experiment, trace: Path, printed: TextIO | None) -> Job:
    task = {"experiment": experiment.to_json(), "into": str(trace)}
    return Job(one.name, {"do": "record", "name": one.name, "target": one.target, "tasks": [task]}, passed_to=printed)


def _plain(name: str) -> str:
    """A name that can be that of a folder."""
    return name.replace(os.sep, "-").removesuffix(".py").strip("-.") or "trace"
