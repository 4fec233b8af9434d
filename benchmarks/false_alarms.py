"""How often the replica statement cries wolf, and what it notices: its measured rates beside the stated one.

    python benchmarks/false_alarms.py [--runs 200] [--out benchmarks/false_alarms.csv]

Correct runs are the reference with its sums really added up in shuffled orders, one order for each run, and traces of
the real frameworks (`backproof run` writes them; name their folder with --traces). Faulty ones are the reference with a
planted fault so small that its loss curve still looks right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from comparisons.agreement import closest_forms
from comparisons.composed import given_by, network_of
from comparisons.drift import Drift, drift_of, flat
from comparisons.experiment import Experiment
from comparisons.result import read
from comparisons.trace import load
from reference.alphabet import Array
from reference.network import Equation, before, now
from reference.running import evaluate, keep

AT_ONCE = 50  # runs that are trained along a leading axis
N_DRIFTS = 10  # sets of replicas, so that the rate does not hang on one of them
Settle = Callable[[Equation, Array], Array]


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
        import inspect

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


def faulty_run(experiment: Experiment, settle_at: Callable[[int], Settle], **constants: float) -> np.ndarray:
    """The parameters of a reference that settles on something else at some steps, (steps, numbers)."""
    changed = experiment.but(optimizer=experiment.optimizer.model_copy(update=constants))
    network = network_of(changed)
    state: Mapping[str, Array] = {
        **{name: np.full(network.shapes[name], value, experiment.dtype) for name, value in network.start.items()},
        **experiment.initial(),
    }
    kept = []
    for step, given in enumerate(given_by(changed), 1):
        values = {now(name): value for name, value in given.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values, settle_at(step))
        state = {name: values[now(name)] for name in network.remembered}
        kept.append({name: state[name] for name in network.parameters})
    return flat(kept, network.parameters)[:, 0]


def faults(experiment: Experiment) -> Iterator[tuple[str, np.ndarray]]:
    """Faults so small that the loss curve still looks right."""
    yield "Adam's epsilon 1e-6", faulty_run(experiment, lambda step: keep, epsilon=1e-6)

    def one_element(step: int) -> Settle:
        def settle(equation: Equation, value: Array) -> Array:
            if equation.defines != "dW[2]" or step != 10:
                return value
            value = value.copy()
            value[0, 0] *= experiment.dtype.type(1 + 1e-4)
            return value

        return settle

    yield "one gradient element off by 1e-4 at one step", faulty_run(experiment, one_element)

    frozen: dict[str, Array] = {"b[3]": experiment.initial()["b[3]"]}

    def frozen_bias(step: int) -> Settle:
        def settle(equation: Equation, value: Array) -> Array:
            if equation.defines == "b[3]":
                frozen["b[3]"] = frozen["b[3]"] if 320 < step <= 352 else value
                return frozen["b[3]"]
            return value

        return settle

    yield "b[3] frozen for one epoch", faulty_run(experiment, frozen_bias)


def framework_runs(folder: Path, precision: str) -> Iterator[tuple[str, np.ndarray, Drift]]:
    """The traces that a run left, each with replicas in its own forms."""
    for one in read(folder).implementations:
        trace_folder = folder / f"{one.name}-{precision}.trace"
        if one.precision != precision or one.verdict == "not compared" or one.name == "numpy":
            continue
        trace = load(trace_folder)
        forms = closest_forms(trace, one.forms, one.not_told_apart)
        steps = [{name: trace.shown[name][at] for name in trace.network.parameters} for at in range(trace.n_steps)]
        yield one.name, flat(steps, trace.network.parameters)[:, 0], drift_of(trace.experiment, forms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--traces", type=Path, help="a folder that `backproof run` wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    rows = []
    for precision in ("float32", "float64"):
        experiment = Experiment(precision=precision)
        drifts = [drift_of(experiment, (), seed=seed) for seed in track(range(N_DRIFTS), f"replicas, {precision}")]
        stated, alarms, n = drifts[0].false_alarm_rate, 0, 0
        for seed in track(range(-(-chosen.runs // AT_ONCE)), f"shuffled runs, {precision}"):
            runs = shuffled_runs(experiment, min(AT_ONCE, chosen.runs - n), seed)
            for number in range(runs.shape[1]):
                drift = drifts[n % N_DRIFTS]
                alarms += bool(drift.distances(runs[:, number]).max() > drift.scores.max())
                n += 1
        rows.append((precision, f"reference, sums in shuffled orders, {n} runs", stated, alarms / n, ""))
        for name, run in faults(experiment):
            found = [np.flatnonzero(drift.distances(run) > drift.scores.max()) for drift in drifts]
            first = min((int(steps[0]) + 1 for steps in found if len(steps)), default=None)
            rows.append((precision, f"planted: {name}", stated, np.mean([bool(len(s)) for s in found]), first or ""))
        if chosen.traces:
            results = list(framework_runs(chosen.traces, precision))
            beyond = [name for name, run, drift in results if drift.distances(run).max() > drift.scores.max()]
            rows.append((precision, f"real frameworks, {len(results)} runs", stated, len(beyond) / len(results), ""))
    table = pd.DataFrame(rows, columns=["precision", "runs", "stated rate", "measured rate", "first step"])
    table.to_csv(chosen.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
