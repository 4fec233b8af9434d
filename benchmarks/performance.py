"""How fast it is: steps beside the frameworks' own, certifying beside recording, the whole job beside bare training.

    make benchmark                                           # a quarter of an hour, on an otherwise idle machine
    .venv/bin/python -m benchmarks.performance --quick       # whole jobs once, and no run of 100,000 steps
    .venv/bin/python -m benchmarks.performance --try         # smallest settings, to see that it works

Each ratio is measured side by side: the contenders wait in processes of their own and take their steps in turn, so
that what else the machine does slows them all, and medians are compared. What comes first is not counted. The results
go to benchmarks/performance.csv, from which docs/make.py writes docs/performance.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from importlib import metadata, util
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.bare import BARE
from benchmarks.contenders import CONTENDERS
from comparisons.machine import n_threads, processor

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("section", "case", "contender", "times", "threads", "value", "unit", "ratio", "of", "target", "met")
PAUSE = 0.3  # seconds before each turn: threads of the one before look for work that long, and would take a processor
ARTICLE = (2, 4, 6, 6, 4, 1)
WIDE = (784, 1024, 1024, 1024, 1)
PACKAGES = ("numpy", "torch", "keras", "tensorflow", "jax")


class Plan(NamedTuple):
    """How much is measured."""

    n_times: int  # of each contender
    n_jobs: int  # whole jobs
    n_steps: int  # of 32 examples between two looks at the clock
    examples: tuple[int, ...]  # of full batches
    wide: tuple[int, ...]
    steps: tuple[int, ...]  # of certified runs
    epochs: int  # of whole jobs


PLANS = {
    "usual": Plan(7, 7, 96, (10**4, 10**5, 10**6), WIDE, (100, 1_000, 10_000, 100_000), 50),
    "quick": Plan(7, 1, 96, (10**4, 10**5, 10**6), WIDE, (100, 1_000, 10_000), 50),
    "try": Plan(2, 1, 32, (1_000, 2_000), (20, 30, 30, 1), (4, 8), 1),
}


class Child:
    """A process that waits for numbers and answers with seconds."""

    def __init__(self, module: str, name: str, of: dict[str, Any], threads: int) -> None:
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, name, json.dumps(of)], cwd=ROOT, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **limits, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        self.said = self.answer() or "it ended without a word"

    def answer(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def take(self, n: int) -> float:
        """The seconds that so many took."""
        self.tell(n)
        return float(self.answer())

    def tell(self, n: int) -> None:
        """Ask for so many."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{n}\n")

    def end(self) -> list[float]:
        """What it says at the end: its peak memory in MiB first."""
        if self.said != "ready":
            self.process.wait()
            return []
        self.tell(0)
        last = [float(word) for word in self.answer().split()]
        self.process.wait()
        return last


def row(section: str, case: str, contender: str, value: object, unit: str = "", **more: object) -> dict[str, Any]:
    """A line of the table."""
    shown = str(value)
    if isinstance(value, float):
        shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return {column: "" for column in COLUMNS} | {
        "section": section, "case": case, "contender": contender, "value": shown, "unit": unit, **more}  # fmt: skip


def held(ratio: float, target: str) -> dict[str, str]:
    """The ratio beside its target, such as "at least 6", and whether it is met."""
    least, bound = target.startswith("at least"), float(target.split()[-1])
    return {"target": target, "met": "yes" if (ratio >= bound if least else ratio <= bound) else "no"}


def side_by_side(
    plan: Plan, section: str, case: str, names: Sequence[str], sizes: Sequence[int], m: int, threads: int,
    n_steps: int, targets: dict[str, str], base: str = "reference",
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Contenders in turn: what a step takes, and as a multiple of the base's; of the base, its own of the target's."""
    of = {"sizes": list(sizes), "m": m, "n_threads": threads, "n_first": max(2, n_steps)}
    children = {name: Child("benchmarks.contenders", name, of, threads) for name in names}
    ready = {name: child for name, child in children.items() if child.said == "ready"}
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(plan.n_times):
        for name, child in ready.items():
            time.sleep(PAUSE)
            times[name].append(child.take(n_steps) / n_steps)
    peaks = {name: child.end() for name, child in children.items()}
    for name, child in children.items():
        called = CONTENDERS[name].called
        if name not in ready:
            yield row(section, case, called, child.said)
            continue
        ratio = median(times[name]) / median(times[base])
        is_base = {"ratio": f"{ratio:.3g}", "of": CONTENDERS[base].called} if name != base else {}
        target = held(ratio, targets[name]) if name in targets else {}
        yield row(section, case, called, 1e6 * median(times[name]), "µs per step", times=plan.n_times, threads=threads,
                  **is_base, **target)  # fmt: skip
        yield row(f"{section}: memory", case, called, peaks[name][0], "MiB", threads=threads)


def steps(plan: Plan) -> Iterator[dict[str, Any]]:
    """A step of the article's network on 32 examples, everybody on one thread: more only slow it down."""
    names = [name for name in CONTENDERS if name != "products"]
    targets = {"torch-fused": "at least 6", "keras-fit": "at least 25"}
    yield from side_by_side(plan, "step", "32 examples", names, ARTICLE, 32, 1, plan.n_steps, targets)


def full_batches(plan: Plan) -> Iterator[dict[str, Any]]:
    """Steps on all examples at once."""
    for m in plan.examples:
        targets = {"torch-fused": "at least 2.5"} if m >= 10**5 else {}
        names = ("reference", "torch-fused", "tf-function", "jax")
        n_steps = max(1, 10**5 // m)
        yield from side_by_side(plan, "full batch", f"{m:,} examples", names, ARTICLE, m, n_threads(), n_steps, targets)


def wide(plan: Plan) -> Iterator[dict[str, Any]]:
    """A wide network, in multiples of its matrix products."""
    names, case = ("products", "reference", "torch-fused", "tf-function", "jax"), "-".join(map(str, plan.wide))
    m = plan.wide[1]
    yield from side_by_side(
        plan, "wide network", f"{case}, {m:,} examples", names, plan.wide, m, n_threads(), 3,
        {"reference": "at most 1.15"}, base="products",
    )  # fmt: skip


def certifying(plan: Plan) -> Iterator[dict[str, Any]]:
    """Certifying beside recording, and how both grow."""
    cases = [("article's run", "torch", (), 32, 0, plan.epochs)]
    cases += [(f"{n:,} steps", "numpy", ARTICLE[1:], 32, min(n, 100), max(1, n // 100)) for n in plan.steps]
    n_few = plan.steps[0]
    cases += [(f"layers of {n} units", "numpy", (n, n, n, 1), 32, n_few, 1) for n in (8, 32, 128)]
    cases += [(f"batches of {m:,}", "numpy", ARTICLE[1:], m, n_few, 1) for m in (32, 320, 3200)]
    rates: dict[str, tuple[str, float]] = {}  # numbers judged per second, of the smaller run of the same kind
    for case, implementation, layers, m, n_batches, epochs in cases:
        n_times = plan.n_times if n_batches * epochs <= 10_000 else 1
        with tempfile.TemporaryDirectory() as folder:
            of = {"implementation": implementation, "layers": layers, "m": m, "n_batches": n_batches, "epochs": epochs,
                  "folder": f"{folder}/it.trace"}  # fmt: skip
            children = {what: Child("benchmarks.judged", what, of, n_threads()) for what in ("record", "certify")}
            times: dict[str, list[float]] = {what: [] for what in children}
            for number in range(n_times + (n_times > 1)):
                for what, child in children.items():
                    seconds = child.take(1)
                    if number or n_times == 1:  # the first one is not counted, where there are several
                        times[what].append(seconds)
            ends = {what: child.end() for what, child in children.items()}
        ratio = median(times["certify"]) / median(times["record"])
        share = median(times["certify"]) / (median(times["certify"]) + median(times["record"]))
        more = {"times": n_times, "threads": n_threads()}
        yield row("certifying", case, "recording", median(times["record"]), "s", **more)
        target = held(ratio, "at most 0.1") if case == "article's run" else {}
        yield row("certifying", case, "certifying", median(times["certify"]), "s", **more, **target,
                  ratio=f"{ratio:.3g}", of="recording")  # fmt: skip
        yield row("certifying", case, "share of both", 100 * share, "%", **more)
        rate, growth = ends["certify"][1] / median(times["certify"]), {}
        kind = case.strip("0123456789,") if "layers" not in case else "layers"
        if kind in rates:
            growth = {"ratio": f"{rate / rates[kind][1]:.3g}", "of": rates[kind][0]}
        rates[kind] = (case, rate)
        yield row("certifying", case, "numbers judged", rate, "per s", **more, **growth)
        yield row("certifying: memory", case, "recording", ends["record"][0], "MiB")
        yield row("certifying: memory", case, "certifying", ends["certify"][0], "MiB")


class Spent(NamedTuple):
    """What a process and its children took: seconds, and seconds of processors."""

    wall: float
    processor: float


def spent(*command: str, where: Path = ROOT) -> Spent:
    """Run a command. Error: RuntimeError where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Spent(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)


def jobs(plan: Plan) -> Iterator[dict[str, Any]]:
    """The whole job beside the same implementations bare."""
    names = [name for name in BARE if name == "numpy" or util.find_spec(name.partition("-")[0])]
    backproof, whole, bare = str(Path(sys.executable).with_name("backproof")), [], []
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "article.toml"
        text = subprocess.run([backproof, "experiment"], capture_output=True, text=True, check=True).stdout
        own.write_text(text.replace("epochs = 50", f"epochs = {plan.epochs}"), encoding="utf-8")
        for _ in range(plan.n_jobs):
            command = (backproof, "run", str(own), "--precision", "both", "--implementations", ",".join(names))
            whole.append(spent(*command, "--quiet", "--out", f"{folder}/out"))
            bare.append(sum(spent(sys.executable, "-m", "benchmarks.bare", name, str(plan.epochs)).processor
                            for name in names))  # fmt: skip
    more: dict[str, Any] = {"times": plan.n_jobs, "threads": n_threads()}
    case, cost = f"backproof run: {', '.join(names)}, in both precisions", median(one.processor for one in whole)
    yield row("whole job", case, "the same bare", median(bare), "s of processors", **more)
    yield row("whole job", case, "backproof run", cost, "s of processors", **more, ratio=f"{cost / median(bare):.3g}",
              of="the same bare", **held(cost / median(bare), "at most 1.5"))  # fmt: skip
    yield row("whole job", case, "backproof run", median(one.wall for one in whole), "s", **more)
    busy = median(one.processor / one.wall for one in whole) / n_threads()
    yield row("whole job", case, "how busy the processors are", 100 * busy, "%", **more)


def starting(plan: Plan) -> Iterator[dict[str, Any]]:
    """Starting: imports, help, and a check of a file of 50 epochs."""
    backproof, python = str(Path(sys.executable).with_name("backproof")), (sys.executable, "-c")
    commands = {
        "Python alone": (*python, "pass"),
        "import numpy": (*python, "import numpy"),
        "import reference": (*python, "import numpy, reference.article, reference.learned, reference.dialects"),
        "import backproof": (*python, "import backproof"),
        "backproof --help": (backproof, "--help"),
        "backproof check numpy": (backproof, "check", "numpy"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(plan.n_times + 1):
        for name, command in commands.items():
            wall = spent(*command).wall
            if number:
                times[name].append(wall)
    for name, taken in times.items():
        target = held(median(taken), "at most 0.3") if name == "backproof --help" else {}
        yield row("starting", "a new process", name, median(taken), "s", times=plan.n_times, **target)
    beyond = median(times["import reference"]) - median(times["import numpy"])
    yield row("starting", "a new process", "import reference beyond NumPy", beyond, "s", times=plan.n_times,
              **held(beyond, "at most 0.15"))  # fmt: skip


SECTIONS = {
    "step": steps,
    "full batch": full_batches,
    "wide network": wide,
    "certifying": certifying,
    "whole job": jobs,
    "starting": starting,
}


def machine(mode: str) -> Iterator[dict[str, Any]]:
    """When, where and with what."""
    versions = {package: metadata.version(package) for package in PACKAGES if util.find_spec(package)}
    missing = [package for package in PACKAGES if package not in versions]
    yield row("machine", "", "date", date.today().isoformat())
    yield row("machine", "", "mode", mode)
    yield row("machine", "", "processor", f"{processor()}, {n_threads()} threads may be used")
    yield row("machine", "", "system", f"{platform.platform()}, Python {platform.python_version()}")
    yield row("machine", "", "versions", ", ".join(f"{name} {version}" for name, version in versions.items()))
    yield row("machine", "", "not installed", ", ".join(missing) or "nothing")


def main() -> None:
    """Measure, print every target beside its ratio, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", dest="mode", action="store_const", const="quick", default="usual")
    parser.add_argument("--try", dest="mode", action="store_const", const="try")
    parser.add_argument("--only", choices=SECTIONS, action="append")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    rows = list(machine(chosen.mode))
    for name in chosen.only or SECTIONS:
        for found in SECTIONS[name](PLANS[chosen.mode]):
            rows.append(found)
            words = (
                found[column] for column in ("section", "case", "contender", "value", "unit", "ratio", "target", "met")
            )
            print("  ".join(filter(None, words)), flush=True)
    with chosen.out.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    missed = [found for found in rows if found["met"] == "no"]
    for found in missed:
        print(f"missed: {found['contender']}, {found['case']}: {found['ratio'] or found['value']}, {found['target']}")
    print(f"{sum(found['met'] == 'yes' for found in rows)} targets met, {len(missed)} missed")


if __name__ == "__main__":
    main()
