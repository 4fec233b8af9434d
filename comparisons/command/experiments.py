"""Which experiment a command was asked for: by name or by file, in one precision or both."""

from __future__ import annotations

import tomllib
from pathlib import Path

from comparisons.errors import UsageError
from comparisons.experiment import NAMED, Experiment


def experiment_of(named: str) -> Experiment:
    """The experiment of this name, or in this TOML file."""
    if named in NAMED:
        return Experiment.named(named)
    path = Path(named)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise UsageError(f"there is no file {named}; write one with `backproof experiment > {named}`")
        return Experiment.from_toml(path)
    return Experiment.named(named)


def experiments_of(named: str, precision: str | None) -> list[Experiment]:
    """The experiment in one precision or in both; without a word, a file's own if it names one, else both."""
    experiment = experiment_of(named)
    if precision is None and named not in NAMED and "precision" in tomllib.loads(Path(named).read_text("utf-8")):
        return [experiment]
    if precision in (None, "both"):
        return [experiment.but(precision=one) for one in ("float32", "float64")]
    return [experiment.but(precision=precision)]
