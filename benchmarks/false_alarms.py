"""How often the replica statement cries wolf, and what it notices: its measured rates beside the stated one.

    .venv/bin/python -m benchmarks.false_alarms --runs 200 --traces build/backproof build/default

Correct runs are replicas of other sets; the reference with its sums really added up in shuffled orders, each run in
orders of its own; and the traces of the real frameworks that `backproof run` left in folders. Faulty ones have a
planted fault so small that the loss curve still looks right; each is looked at with several sets of replicas.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from comparisons.composed import given_by, network_of
from comparisons.drift import N_REPLICAS, Drift, drift_of, flat, replicas_of
from comparisons.experiment import Experiment
from comparisons.placing import parameters_of, placed
from comparisons.precisions import PRECISIONS
from comparisons.recording import record
from comparisons.references import References
from comparisons.result import read
from comparisons.trace import load
from reference.alphabet import Array
from reference.network import before, now
from reference.running import evaluate
from tests.controls.faults_unseen import UNSEEN

AT_ONCE = 200  # runs that are trained along a leading axis
N_DRIFTS = 10  # sets of replicas, so that the rate does not hang on one of them


class Shuffled(np.lib.mixins.NDArrayOperatorsMixin):
    """A stack of runs, (runs, n, m), each of whose sums is added up term by term in an order of its own."""

    __array_priority__ = 1000

    def __init__(self, values: np.ndarray, generator: np.random.Generator) -> None:
        self.values, self.generator = values, generator

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    mT = property(lambda self: Shuffled(self.values.mT, self.generator))

    def sum(self, *, axis: int, keepdims: bool = False) -> Shuffled:
        """Σ along the last axis."""
        assert axis == -1
        total = self._added(self.values)
        return Shuffled(total[..., None] if keepdims else total, self.generator)

    def _added(self, terms: np.ndarray) -> np.ndarray:
        """The terms along the last axis, added one after the other in another order for each run."""
        order = self.generator.permuted(
            np.broadcast_to(np.arange(terms.shape[-1]), (len(terms), terms.shape[-1])), axis=1
        )
        shuffled = np.take_along_axis(terms, order.reshape(len(terms), *([1] * (terms.ndim - 2)), -1), axis=-1)
        total = shuffled[..., 0]
        for number in range(1, terms.shape[-1]):
            total = total + shuffled[..., number]
        return total

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        values = [x.values if isinstance(x, Shuffled) else x for x in inputs]
        if ufunc is np.matmul:
            a, b = (np.broadcast_to(v, (len(self.values), *v.shape[-2:])) for v in values)
            return Shuffled(self._added(a[:, :, None, :] * b.mT[:, None, :, :]), self.generator)
        return Shuffled(ufunc(*values, **options), self.generator)

    def __letter__(self, letter: Callable, arguments: tuple, constants: dict[str, float]) -> Any:
        values = [x.values if isinstance(x, Shuffled) else x for x in arguments]
        return Shuffled(inspect.unwrap(letter)(*values, **constants), self.generator)


def shuffled_runs(experiment: Experiment, n: int, seed: int) -> np.ndarray:
    """The parameters of n runs in shuffled orders, (steps, n, numbers)."""
    network, generator = network_of(experiment), np.random.default_rng(seed)

    def alike(value: Array) -> Shuffled:
        return Shuffled(np.broadcast_to(value, (n, *np.shape(value))).astype(experiment.dtype), generator)

    state = {name: alike(np.full(network.shapes[name], value)) for name, value in network.start.items()}
    state |= {name: alike(value) for name, value in experiment.initial().items()}
    kept = []
    for given in given_by(experiment):
        values = {now(name): value for name, value in given.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values)
        state = {name: values[now(name)] for name in network.remembered}
        kept.append({name: state[name].values for name in network.parameters})
    return flat(kept, network.parameters, n)


def replica_runs(experiment: Experiment, seed: int) -> np.ndarray:
    """The parameters of the replicas that `drift_of` looks at, (n, steps, numbers)."""
    network = network_of(experiment)
    steps = list(replicas_of(experiment, network, N_REPLICAS, seed))
    return flat(steps, network.parameters, N_REPLICAS).swapaxes(0, 1)


def framework_runs(folders: Sequence[Path], precision: str) -> Iterator[tuple[str, np.ndarray, Drift]]:
    """The traces that runs left, each implementation once, with replicas in its own forms."""
    seen = {"numpy"}
    for folder, one in ((place, found) for place in folders for found in read(place).implementations):
        if one.precision != precision or one.verdict == "not compared" or one.name in seen:
            continue
        seen.add(one.name)
        trace = load(folder / f"{one.name}-{precision}.trace")
        (place,) = placed([(trace, one.forms, one.not_told_apart)], References(trace.experiment))
        yield one.name, parameters_of(trace), place.drift


def row(precision: str, kind: str, what: str, runs: Sequence[tuple[np.ndarray, Drift]]) -> dict[str, Any]:
    """One line of the table: how many of so many runs lay beyond their replicas, and from which step on.

    `median rank`: above how many of its replicas a run scores, in the median.
    """
    first, ranks = [], []
    for run, drift in runs:
        distances = drift.distances(run)
        ranks.append((drift.scores < distances.max()).sum())
        first += [int(step) + 1 for step in np.flatnonzero(distances > drift.scores.max())[:1]]
    return {
        "precision": precision, "kind": kind, "what": what, "n": len(runs), "beyond": len(first),
        "stated rate": runs[0][1].false_alarm_rate, "measured rate": len(first) / len(runs),
        "median rank": float(np.median(ranks)),
        "first step": min(first, default=None), "last first step": max(first, default=None),
    }  # fmt: skip


def rows_of(precision: str, n_runs: int, traces: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The lines of one precision."""
    experiment = Experiment(precision=precision)
    drifts = [drift_of(experiment, (), seed=seed) for seed in track(range(N_DRIFTS), f"replicas, {precision}")]
    others = [
        (run, drifts[(seed + 1) % N_DRIFTS])
        for seed in track(range(N_DRIFTS), f"the same, each on its own, {precision}")
        for run in replica_runs(experiment, seed)
    ]
    yield row(precision, "replica", "replicas of another set", others)
    shuffled: list[tuple[np.ndarray, Drift]] = []
    for seed in track(range(-(-n_runs // AT_ONCE)), f"shuffled runs, {precision}"):
        runs = shuffled_runs(experiment, min(AT_ONCE, n_runs - len(shuffled)), seed)
        shuffled += [(runs[:, number], drifts[number % N_DRIFTS]) for number in range(runs.shape[1])]
    yield row(precision, "shuffled", "the reference, its sums in shuffled orders", shuffled)
    if frameworks := list(framework_runs(traces, precision)):
        named = ", ".join(name for name, _, _ in frameworks)
        yield row(precision, "framework", named, [(run, drift) for _, run, drift in frameworks])
    for fault in UNSEEN:
        run = parameters_of(record(fault.train, experiment, name=fault.name))
        yield row(precision, "fault", fault.name, [(run, drift) for drift in drifts])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--traces", type=Path, nargs="*", default=(), help="folders that `backproof run` wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    rows = [line for precision in PRECISIONS for line in rows_of(precision, chosen.runs, chosen.traces)]
    table = pd.DataFrame(rows).astype({"first step": "Int64", "last first step": "Int64"})
    table.to_csv(chosen.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
