"""What 32 replicas cost: trained together, in multiples of one run of the reference's plain functions.

    .venv/bin/python -m benchmarks.replicas    # a minute

The two are timed in turn, so that what else the machine does slows both, and the medians are compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from rich.progress import track

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from comparisons.drift import N_REPLICAS
from comparisons.experiment import Experiment
from comparisons.precisions import PRECISIONS
from reference.replicas import train_replicas
from reference.running import train


def seconds(run: Callable[[], Iterable[Any]]) -> float:
    """How long all of its steps take; none is kept."""
    began = time.perf_counter()
    for _ in run():
        pass
    return time.perf_counter() - began


def row_of(precision: str, n_times: int) -> dict[str, Any]:
    """One line of the table."""
    experiment = Experiment(precision=precision)
    network, accuracy = network_of(experiment), {name: getattr(row, precision) for name, row in ACCURACY.items()}
    given = list(given_by(experiment))

    def one() -> Iterable[Any]:
        return train(network, experiment.initial(), given)

    def replicas() -> Iterable[Any]:
        return train_replicas(network, experiment.initial(), given, N_REPLICAS, accuracy)

    times = [(seconds(one), seconds(replicas)) for _ in track(range(n_times), precision)]
    of_one, of_replicas = (median(column) for column in zip(*times, strict=True))
    return {
        "precision": precision,
        "replicas": N_REPLICAS,
        "times": n_times,
        "seconds of one run": of_one,
        "seconds of the replicas": of_replicas,
        "ratio": of_replicas / of_one,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    table = pd.DataFrame([row_of(precision, chosen.times) for precision in PRECISIONS]).round(3)
    table.to_csv(chosen.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
