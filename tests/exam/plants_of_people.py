"""Whole files as different people would write them, each with one known mistake and an honest twin beside it.

A file has `train`, which makes the mistake, and `honest`, which does not. Files of a framework are named after it and
are run in a process of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparisons.experiment import Experiment
from tests.exam.experiments import article, hidden

FOLDER = Path(__file__).parent / "people"


@dataclass(frozen=True)
class Person:
    """A file, the mistake in it with its variant, and the experiment that it can train."""

    file: str
    mistake: str
    experiment: Experiment
    number: Any = None

    @property
    def framework(self) -> str | None:
        """What it imports, by the file's name."""
        first = self.file.partition("_")[0]
        return first if first in ("torch", "keras") else None

    def target(self, function: str) -> str:
        """What the worker is told to load."""
        return f"{FOLDER / self.file}:{function}"


three = article("rmsprop", name="three-layers", layers=(6, 4, 1), activations=("relu", "relu", "sigmoid"))

PEOPLE = (
    Person("neurons.py", "summed-bias", article(precision="float64")),
    Person("rows.py", "missing-tanh-slope", hidden("tanh", "momentum", name="tanh-momentum")),
    Person("course.py", "bias-gradient-of-all-units", article()),
    Person("einsum.py", "slope-twice", article()),
    Person("tape.py", "gradient-not-zeroed", article()),
    Person("paper.py", "constant-correction", article("adam")),
    Person("script.py", "mask-from-gradient", three),
    Person("functional.py", "shuffled-labels", article("nesterov")),
    Person("flat.py", "updated-too-early", hidden("leaky-relu")),
    Person("torch_module.py", "probabilities-for-logits", article("adam")),
    Person("torch_raw.py", "unused-momentum", hidden("tanh", "momentum", name="tanh-momentum")),
    Person("torch_forgetful.py", "gradient-not-zeroed", article()),
    Person("torch_frozen.py", "bias-never-updated", hidden("leaky-relu", "rmsprop", name="leaky-rmsprop")),
    Person("keras_batches.py", "layer-never-updated", article(), 3),
    Person("keras_gradients.py", "clipped-gradient-values", article("adam"), 0.01),
    Person("keras_subclass.py", "decayed-learning-rate", article(), 0.9),
)
