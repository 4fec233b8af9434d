"""run: all implementations side by side, each in its own process, recorded, certified and gathered into one result."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparisons import stored_scenes
from comparisons.accuracy import MARGIN, assumed
from comparisons.afterwards import Afterwards, worked_out
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.implementations.registry import Implementation
from comparisons.lexicon import dialects_of, says_of
from comparisons.messages import scenes_not_written
from comparisons.processes import OURS, Job, spare_children, work
from comparisons.recording import environment
from comparisons.result import (
    ImplementationResult,
    Result,
    ResultRow,
    read_certificate,
    rows_as_csv,
    verdict_of,
    write,
)
from comparisons.saving import end
from comparisons.stored import MEMORY
from comparisons.wording import assumption, reason_of

PATIENCE = 300.0  # seconds without a sign of life after which an implementation is given up

Watcher = Callable[[str, dict[str, Any]], None]


@dataclass
class _Progress:
    """What is known of one implementation in one precision."""

    trace: Path
    seconds: float | None = None
    certificate: dict[str, Any] | None = None
    failed: str | None = None
    output: str = ""


def run(
    experiments: Sequence[Experiment],
    chosen: Sequence[Implementation],
    out: Path,
    *,
    asked_for: bool = True,
    figures: bool = False,
    patience: float = PATIENCE,
    memory: int = MEMORY,
    watch: Watcher = lambda name, event: None,
    idle: Callable[[], None] = lambda: None,
) -> Result:
    """Train all chosen implementations on one experiment in its precisions, certify every trace, write the result.

    Experiments: the same one in one or two precisions. Asked for: whether the implementations were named by the user,
    so that one that is not installed was asked for and not merely skipped. Figures: whether what figures need and the
    article's claims are worked out too. Watch: called with an implementation's name and each event that its process
    tells.
    Error: UsageError where the folder cannot be written.
    """
    began = time.monotonic()
    folder = _fresh(out, experiments, chosen)
    found: dict[tuple[str, str], _Progress] = {
        (one.name, experiment.precision): _Progress(trace_of(folder, one.name, experiment.precision))
        for one in chosen
        for experiment in experiments
    }
    jobs = [_recording(one, experiments, found) for one in chosen if not one.missing]

    def told(job: Job, event: dict[str, Any]) -> list[Job]:
        watch(job.name, event)
        if event["event"] == "recorded":
            found[job.name, event["precision"]].seconds = event["seconds"]
            return [_certifying(job.name, event["trace"], event["precision"], memory)]
        return []

    def left(job: Job) -> list[Job]:
        """What it had recorded before it was ended is certified."""
        if job.task["do"] != "record":
            return []
        refused = {event["precision"] for event in job.of("failed")}
        unfinished = [
            (precision, progress.trace)
            for (name, precision), progress in found.items()
            if name == job.name and progress.seconds is None and not refused & {precision, None}
        ]
        kept = [(precision, trace) for precision, trace in unfinished if end(trace, str(job.ended))]
        return [_certifying(job.name, str(trace), precision, memory) for precision, trace in kept]

    with spare_children() as spare:
        for job in work(jobs, patience=patience, told=told, left=left, idle=idle, spare=spare):
            _settle(job, found)
        results: list[ImplementationResult] = []
        rows: list[ResultRow] = []
        for one in chosen:
            for experiment in experiments:
                one_result, of_it = _result_of(one, experiment, found[one.name, experiment.precision], asked_for)
                results.append(one_result)
                rows += of_it
        traces = {key: progress.trace for key, progress in found.items() if progress.certificate is not None}
        after = worked_out(
            experiments, results, traces, figures=figures, elapsed=time.monotonic() - began, patience=patience,
            memory=memory, watch=watch, idle=idle, spare=spare,
        )  # fmt: skip
    no_figures = _write_scenes(after, folder)
    result = Result(
        verdict=verdict_of(results),
        checked=sum(row.checked for row in rows),
        experiment={
            **experiments[0].to_json(),
            "precision": "both" if len(experiments) > 1 else experiments[0].precision,
        },
        environment=_environment(chosen, experiments),
        implementations=tuple(results),
        rows=tuple(rows),
        agreements=after.whole["agreements"],
        explanations=after.whole["explanations"],
        histories=after.whole["histories"],
        bands=after.whole["bands"],
        not_whole=after.not_whole,
        dialects=_dialects(results),
        claims=after.claims,
        no_figures=no_figures,
    )
    try:
        _write_csv(result, folder)
        write(result, folder)
    except OSError as error:
        raise UsageError(
            f"the result could not be written to {folder}: {error.strerror}; choose another --out"
        ) from None
    return result


def recorded(experiment: Experiment, chosen: Sequence[Implementation], folder: Path) -> dict[str, float | None]:
    """Record the implementations side by side, and certify nothing: the training accuracy that each reached.

    None for one that failed.
    """
    found: dict[tuple[str, str], _Progress] = {
        (one.name, experiment.precision): _Progress(folder / f"{one.name}.trace") for one in chosen
    }
    reached: dict[str, float | None] = {one.name: None for one in chosen}
    for job in work([_recording(one, [experiment], found) for one in chosen], patience=PATIENCE):
        epochs = [event for event in job.of("epoch") if event["epoch"] == experiment.epochs]
        if job.of("recorded") and epochs:
            reached[job.name] = epochs[-1].get("accuracy")
    return reached


def trace_of(folder: Path, name: str, precision: str) -> Path:
    """Where the trace of an implementation lies in the folder of a run."""
    return folder / f"{name}-{precision}.trace"


def _fresh(out: Path, experiments: Sequence[Experiment], chosen: Sequence[Implementation]) -> Path:
    """The output folder, without what an earlier run left there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in ("result.json", "result.csv", stored_scenes.FILE):
            (out / old).unlink(missing_ok=True)
        for trace in out.glob("*.trace"):
            if (trace / "trace.json").is_file():
                shutil.rmtree(trace)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; choose another folder with --out") from None
    return out


def _recording(one: Implementation, experiments: Sequence[Experiment], found: dict[tuple[str, str], _Progress]) -> Job:
    tasks = [
        {"experiment": experiment.to_json(), "into": str(found[one.name, experiment.precision].trace)}
        for experiment in experiments
    ]
    task = {"do": "record", "name": one.name, "target": one.target, "tasks": tasks}
    return Job(one.name, task, shares=_shares(one))


def _shares(one: Implementation) -> str:
    """What else the child may do that records it: of the built-in ones what needs the same framework; else nothing."""
    return (one.extra or OURS) if one.target.startswith("comparisons.implementations.") else ""


def _certifying(name: str, trace: str, precision: str, memory: int) -> Job:
    task = {"do": "certify", "trace": trace, "precision": precision, "memory": memory}
    return Job(name, task, shares=OURS)


def _settle(job: Job, found: dict[tuple[str, str], _Progress]) -> None:
    """Note what a job left: certificates, failures, and for what is missing without a word the way it ended."""
    mine = {precision: progress for (name, precision), progress in found.items() if name == job.name}
    if job.task["do"] == "certify":
        mine = {job.task["precision"]: mine[job.task["precision"]]}
    for event in job.of("certified"):
        mine[job.task["precision"]].certificate = event["certificate"]
    for event in job.of("failed"):
        for precision, progress in mine.items():
            if event["precision"] in (None, precision) and progress.failed is None:
                progress.failed, progress.output = event["reason"], job.output
    for event in job.of("recorded"):
        if event["ended"]:
            mine[event["precision"]].output = job.output
    for progress in mine.values():
        is_done = progress.seconds is not None if job.task["do"] == "record" else progress.certificate is not None
        if not is_done and progress.failed is None:
            progress.failed = job.ended or "it ended without a word"
            progress.output = job.output


def _result_of(
    one: Implementation, experiment: Experiment, progress: _Progress, asked_for: bool
) -> tuple[ImplementationResult, list[ResultRow]]:
    name, precision = one.name, experiment.precision
    if one.missing:
        reason = f"{' and '.join(one.missing)} not installed; {one.how_to_get}"
        return ImplementationResult(name, precision, "not compared", reason, skipped=not asked_for), []
    if progress.certificate is None:
        reason = progress.failed or "nothing came of it"
        return ImplementationResult(name, precision, "not compared", reason, output=progress.output), []
    certificate = read_certificate(progress.certificate)
    final = certificate.final or {}
    result = ImplementationResult(
        name=name,
        precision=precision,
        verdict=certificate.verdict,
        reason=reason_of(certificate),
        forms=certificate.forms,
        not_told_apart=certificate.not_told_apart,
        chain={"holds": certificate.chain.holds, "missing": certificate.chain.missing,
               "n_links": certificate.chain.n_links, "n_judged": certificate.chain.n_judged},
        loss=final.get("loss"),
        accuracy=final.get("accuracy"),
        test_accuracy=final.get("test_accuracy"),
        seconds=progress.seconds,
        shown=certificate.shown,
        same_arithmetic=certificate.same_arithmetic,
        explained_by=certificate.explained_by,
        means=says_of(tuple(name for names in certificate.explained_by for name in names)),
        hints=certificate.hints,
        show_next=certificate.show_next,
        ended=certificate.ended,
        output=progress.output,
    )  # fmt: skip
    return result, [ResultRow.of(row, name, precision) for row in certificate.rows]


def _environment(chosen: Sequence[Implementation], experiments: Sequence[Experiment]) -> dict[str, Any]:
    versions = {package: version for one in chosen for package, version in one.versions.items()}
    assumptions = [assumption(one.precision, assumed(one.precision), MARGIN) for one in experiments]
    return {
        **environment(),
        "versions": versions,
        "flush_to_zero": _flushes_to_zero(),
        "executable": sys.executable,
        "assumed": " ".join(filter(None, assumptions)),
    }


def _flushes_to_zero() -> bool:
    """Whether this process's arithmetic turns subnormal results into 0."""
    import numpy as np

    return bool((np.float32(2.0**-126) * np.float32(0.5)) == 0)


def _dialects(results: Sequence[ImplementationResult]) -> dict[str, dict[str, str]]:
    """All forms that are named anywhere in the results."""
    named = {name: None for one in results for names in (one.forms, *one.not_told_apart.values()) for name in names}
    return dialects_of(named)


def _write_scenes(after: Afterwards, folder: Path) -> str:
    """Write what figures need, if it is there; why it is not."""
    if after.scenes is None:
        return after.no_figures
    try:
        stored_scenes.write(after.scenes, folder)
    except OSError as error:
        return scenes_not_written(folder / stored_scenes.FILE, str(error.strerror))
    return after.no_figures


def _write_csv(result: Result, folder: Path) -> None:
    temporary = folder / "result.csv.new"
    temporary.write_text(rows_as_csv(result.rows), encoding="utf-8", newline="")
    temporary.replace(folder / "result.csv")
