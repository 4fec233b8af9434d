"""The exam: every plant at every visibility, people's files, frameworks, and honest variations by the thousand.

    make exam                                         # or .venv/bin/python -m tests.exam.exam --help

Prints the kill rate by visibility, the share that is located at the first broken equation, the share that is named, and
the rate of false alarms; writes build/exam/answers.csv; exits 1 where an answer is not what a table says.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from comparisons.certifying import certify
from comparisons.implementations.registry import Implementation
from comparisons.implementations.registry import load as load_subject
from comparisons.recording import record
from comparisons.trace import Trace, load
from tests.exam.answers import Answer, answer
from tests.exam.honest import variations
from tests.exam.plants import PLANTS, VISIBILITIES
from tests.exam.plants_of_people import PEOPLE
from tests.exam.test_framework_plants import TABLES, key, recorded


def of_plant(number: int) -> list[Answer]:
    """The plain loop with a fault, at every visibility; what is refused has no answer."""
    plant = PLANTS[number]
    if "refused" in (plant.seen(visibility) for visibility in VISIBILITIES):
        return []
    trace = record(plant.train, plant.experiment)
    return [answer(trace, plant, visibility) for visibility in VISIBILITIES]


def of_framework_plant(asked: tuple[str, int, str]) -> list[Answer]:
    """A framework's loop with a fault, recorded before."""
    framework, number, folder = asked
    trace, plant = load(Path(folder)), TABLES[framework][number]
    return [answer(trace, plant, visibility, framework) for visibility in VISIBILITIES]


def of_person(number: int) -> tuple[str, tuple[tuple[str, ...], ...], str]:
    """The file, what its mistake was said to be, and the verdict on its honest twin."""
    person, found = PEOPLE[number], {}
    for function in ("train", "honest"):
        subject, layout = load_subject(Implementation(person.file, person.target(function)))
        found[function] = certify(record(subject, person.experiment, layout=layout))
    return f"{person.file}: {person.mistake}", found["train"].explained_by, found["honest"].verdict


def of_honest(asked: tuple[int, int]) -> list[tuple[str, str, str, bool]]:
    """Variations: the digests of what they showed, their names, verdicts, and whether a mistake was named."""
    n, seed = asked
    found = []
    for name, train, experiment in variations(n, seed):
        trace = record(train, experiment)
        certificate = certify(trace)
        found.append((digest_of(trace), name, certificate.verdict, bool(certificate.explained_by)))
    return found


def digest_of(trace: Trace) -> str:
    """SHA-256 of the numbers that were shown: two runs that differ in one bit, or in what they show, have two."""
    digest = hashlib.sha256()
    for name, stack in sorted(trace.shown.items()):
        for m, part in stack.items() if isinstance(stack, dict) else [(0, stack)]:
            digest.update(f"{name} {m} {part.shape} {part.dtype}".encode() + part.tobytes())
    return digest.hexdigest()


def all_of(work: Callable[[Any], Any], asked: Iterable[Any], title: str) -> list[Any]:
    """The work, in two processes, with progress."""
    asked = list(asked)
    with Progress(console=Console(stderr=True)) as progress, ProcessPoolExecutor(os.cpu_count()) as pool:
        task = progress.add_task(title, total=len(asked))
        done = []
        for outcome in pool.map(work, asked):
            done.append(outcome)
            progress.advance(task)
    return done


def shares(answers: pd.DataFrame) -> Table:
    """By visibility: how many mistakes could be seen, were noticed, located and named."""
    table = Table("shown", "can be seen", "noticed", "located", "named, alone or among its like")
    for visibility in VISIBILITIES:
        rows = answers[(answers.visibility == visibility) & (answers.kind == "mistake") & (answers.seen != "hidden")]
        located = f"{rows.is_located.mean():.1%}" if visibility == "everything" else "–"
        table.add_row(
            visibility, str(len(rows)), f"{rows.is_killed.mean():.1%}", located, f"{rows.is_named.mean():.1%}"
        )
    return table


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="exam", description=__doc__.splitlines()[0])
    parser.add_argument("--honest", type=int, default=1200, help="how many honest variations (1200)")
    parser.add_argument("--no-frameworks", action="store_true", help="leave out what needs PyTorch and Keras")
    parser.add_argument("--out", type=Path, default=Path("build/exam"))
    options = parser.parse_args()
    console = Console()
    answers = [a for each in all_of(of_plant, range(len(PLANTS)), "plants in the plain loop") for a in each]
    with tempfile.TemporaryDirectory() as folder:
        for framework, table in {} if options.no_frameworks else TABLES.items():
            console.print(f"recording plants in {framework} …", style="dim")
            (Path(folder) / framework).mkdir()
            places = recorded(framework, Path(folder) / framework)
            order = {name: str(Path(folder) / framework / str(n)) for n, name in enumerate(places)}
            asked = [(framework, n, order[key(plant.experiment)]) for n, plant in enumerate(table)]
            answers += [a for each in all_of(of_framework_plant, asked, f"plants in {framework}") for a in each]
    numpy_only = [n for n, person in enumerate(PEOPLE) if person.framework is None]
    people = all_of(of_person, numpy_only, "people's files")
    honest = [
        h for each in all_of(of_honest, [(25, seed) for seed in range(options.honest // 25)], "honest") for h in each
    ]

    frame = pd.DataFrame([{**a._asdict(), "is_killed": a.is_killed, "is_named": a.is_named} for a in answers])
    options.out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(options.out / "answers.csv", index=False)
    console.print(shares(frame))
    wrong = [a for a in answers if not a.is_right]
    for a in wrong:
        console.print(f"WRONG {a.where} {a.plant}, {a.visibility} ({a.seen}): {a.verdict}, {a.names}", soft_wrap=True)
    unnamed = [(file, said) for file, said, _ in people if (file.partition(": ")[2],) not in said]
    console.print(f"people's files: {len(people) - len(unnamed)} of {len(people)} named", *unnamed)
    alarms = [name for _, name, verdict, is_named in honest if verdict != "agrees" or is_named]
    alarms += [file for file, _, verdict in people if verdict != "agrees"]
    n_honest = len({digest for digest, *_ in honest}) + len(people)
    console.print(f"honest variations: {n_honest} with traces of their own, {len(alarms)} false alarms", *alarms)
    return 1 if wrong or unnamed or alarms else 0


if __name__ == "__main__":
    raise SystemExit(main())
