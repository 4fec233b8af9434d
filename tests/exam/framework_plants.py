"""What a plant in a framework is: a plant whose loop is a file of the framework, which its experiment's name tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from comparisons.experiment import Experiment

Seen = Literal["named", "one of these", "hidden", "seen"]


@dataclass(frozen=True)
class FrameworkPlant:
    """A known form in a framework's loop, as `tests.exam.plants.Plant` is one in the plain loop."""

    framework: Literal["torch", "keras"]
    name: str
    experiment: Experiment  # its name begins with the plant's, by which the loop knows what to do
    first: str
    number: Any = None
    step: int = 1
    kind: Literal["mistake", "dialect"] = "mistake"
    everything: Seen = "named"
    gradients: Seen = "named"
    weights: Seen = "named"
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What a test calls it, and its trace's folder."""
        return f"{self.experiment.name.replace(': ', '-')}-{self.experiment.precision}"

    @property
    def honest_experiment(self) -> Experiment:
        """The same, under the name by which the loop is honest."""
        return self.experiment.but(name="honest: " + self.experiment.name.partition(": ")[2])

    def seen(self, visibility: str) -> Seen:
        """How well it can be seen where only this is shown."""
        return getattr(self, visibility)


def of(framework, name: str, experiment: Experiment, first: str, number: Any = None, **others: Any) -> FrameworkPlant:
    """A plant, its experiment named after it; what stands behind a space tells two variants apart."""
    named = experiment.but(name=f"{name}: {experiment.name}")
    return FrameworkPlant(framework, name.partition(" ")[0], named, first, number, **others)


def loop_of(framework: str) -> Path:
    """The file that trains all plants of the framework."""
    return Path(__file__).parent / f"{framework}_loop.py"
