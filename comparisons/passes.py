"""What a watched model computed on the way: the activations of a pass through it, and their gradients on the way back.

A pass counts once a backward pass went back through it. So what is computed in between, an accuracy on test data say,
is not taken for a step, and what is shown of a step is what its gradients came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comparisons.errors import UsageError


class Pass:
    """One call of the model: what was seen by name, and how many of the layers it has gone through."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.n_layers = 0


class Passes:
    """The passes of one watched model, whose layers are `owners`; `running` is the one that is on its way."""

    def __init__(self, owners: Sequence[str]) -> None:
        self.owners = tuple(owners)
        self.running: Pass | None = None
        self.taken: Pass | None = None
        self.is_compiled = False  # whether the model was called where its activations are no numbers yet

    def begin(self) -> None:
        """The model is called."""
        self.running = Pass()

    def end(self) -> None:
        """The call is over; what is called next by itself, such as one of the layers, is no pass."""
        self.running = None

    def enter(self, number: int) -> None:
        """The layer of this number is called. Error: UsageError where another one comes next."""
        if self.running is None:
            return
        owner, n_before = self.owners[number - 1], self.running.n_layers
        if number <= n_before:
            raise UsageError(
                f"{owner} is called twice in one pass, but each layer of the article has weights of its own; give the "
                "second call a layer of its own"
            )
        if number > n_before + 1:
            raise UsageError(
                f"{owner} is called before {self.owners[n_before]}, which the model has before it; make the layers in "
                "the order in which they are called"
            )
        self.running.n_layers = number

    def went_back(self, through: Pass, name: str, gradient: Any) -> None:
        """A backward pass has reached this quantity."""
        through.values[f"d{name}"] = gradient
        if through.n_layers == len(self.owners):
            self.taken = through

    @property
    def values(self) -> dict[str, Any]:
        """What the last pass that counts has shown."""
        return {} if self.taken is None else dict(self.taken.values)
