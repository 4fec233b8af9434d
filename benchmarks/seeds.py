"""Counts for how many of 20 seeds the article's network learns, that is, ends at a training accuracy of 0.99.

Whether five small ReLU layers learn depends on where they start. So this trains the NumPy reference with seeds 0 … 19,
each of them both the start's and the order's, under both optimizers and in both precisions, and prints what each run
ended with.

    .venv/bin/python benchmarks/seeds.py    # a minute
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from comparisons.experiment import Experiment, GlorotUniform
from comparisons.learning import train

SEEDS = range(20)
REACHED = 0.99  # what the article calls close to 100 %
COLUMNS = [(name, precision) for name in ("article", "gradient-descent") for precision in ("float32", "float64")]


def accuracy(name: str, precision: str, seed: int) -> float:
    """Training accuracy after the last epoch, with this seed for the start and for the order of the examples."""
    experiment = Experiment.named(name)
    experiment = experiment.but(precision=precision, seed=seed, start=GlorotUniform(seed=seed))
    return float(train(experiment).history.accuracy[-1])


def table(seeds: Sequence[int] = SEEDS) -> pd.DataFrame:
    """A row for each seed, a column for each experiment and precision."""
    columns = pd.MultiIndex.from_tuples(COLUMNS, names=["experiment", "precision"])
    rows = [[accuracy(name, precision, seed) for name, precision in COLUMNS] for seed in seeds]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(seeds, name="seed"))


def main() -> None:
    """Print the table, and below it how many runs got there."""
    found = table()
    print(found.to_string(float_format="{:.3f}".format))
    print()
    for column in COLUMNS:
        reached = found[column] >= REACHED
        failed = ", ".join(f"seed {seed} ({found.loc[seed, column]:.3f})" for seed in found.index[~reached])
        print(f"{', '.join(column)}: {reached.sum()} of {len(found)} reached {REACHED}; not: {failed or 'none'}")


if __name__ == "__main__":
    main()
