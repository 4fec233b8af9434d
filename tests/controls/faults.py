"""A planted fault: which method's place it takes, what it does there, and which quantities must break for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from comparisons.experiment import Experiment
from tests.controls.plain_network import PlainNetwork
from tests.small import small


def each(*letters: str, layers=range(1, 6)) -> tuple[str, ...]:
    """Quantities in all of the small experiment's layers: `each("dW", "m_b")`."""
    return tuple(f"{letter}[{l}]" for letter in letters for l in layers)


@dataclass(frozen=True)
class Fault:
    """`code(network, …)` instead of a method, where its first argument is in `only` and the step in `at`; () is all.

    `breaks` follows from `because`, not from a result. A quantity breaks where its own equation does not hold: what is
    computed rightly from wrong numbers holds. `first` is the first step in which one does. `left` is what stays broken
    in the smallest set of dialects, where a dialect explains a part.
    """

    name: str
    instead_of: str
    code: Callable[..., Any]
    breaks: tuple[str, ...]
    because: str
    only: tuple = ()
    at: tuple[int, ...] = ()
    first: int = 1
    left: tuple[str, ...] | None = None
    precision: str = "float32"
    optimizer: str = "adam"

    @property
    def experiment(self) -> Experiment:
        """What it is planted in."""
        return small(self.precision, self.optimizer)

    def planted_in(self, network: PlainNetwork) -> Callable[..., Any]:
        """The method with the fault in it."""
        honest = getattr(network, self.instead_of)

        def method(*arguments: Any) -> Any:
            here = not self.only or arguments[0] in self.only
            is_time = not self.at or network.t in self.at
            return self.code(network, *arguments) if here and is_time else honest(*arguments)

        return method

    def train(self, experiment: Experiment) -> Iterator[dict[str, Any]]:
        """Train with the fault."""
        yield from PlainNetwork(experiment, self).train()
