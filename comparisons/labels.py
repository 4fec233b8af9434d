"""Labels: names for what several networks judge in one going, alike in every process, and what is left by them.

While it is judged, a component is known by a key that is made of hashes, which differ between processes. Its label says
which quantity it is, and in which of the networks it comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from comparisons.certificate import Row
from comparisons.tallies import Tally
from comparisons.values import Carried

if TYPE_CHECKING:
    from comparisons.streaming import Pass

IN = " in network "  # the first network is not named


def quantity_of(label: str) -> str:
    """The quantity that a label is of."""
    return label.partition(IN)[0]


class Labels:
    """Of all that some passes judge together, those of the first network plain names."""

    def __init__(self, passes: Sequence[Pass]) -> None:
        self.of: dict[tuple, str] = {}
        self.peers: dict[tuple, tuple[str, ...]] = {}
        for number, one in enumerate(passes):
            ending = f"{IN}{number + 1}" if number else ""
            for key in one.tallied:
                self.of.setdefault(key, f"{key[-1]}{ending}")
            for component in one.needed:
                for equation in component.equations:
                    name = equation.defines
                    self.of.setdefault((component.key, name), f"{name}{ending}")
                self.peers[component.key] = tuple(self.of[component.key, e.defines] for e in component.equations)
        self.keys = {label: key for key, label in self.of.items()}
        self.components = {labels: key for key, labels in self.peers.items()}

    def told(self, tallies: Mapping[tuple, Tally], left: Carried) -> tuple[dict[str, Tally], Carried]:
        """What was counted, and what a part leaves, by labels."""
        balls = {self.of[key]: ball for key, ball in left.balls.items()}
        peers = {self.peers[key]: ball for key, ball in left.peers.items()}
        return {self.of[key]: tally for key, tally in tallies.items()}, Carried(balls, peers)  # type: ignore[arg-type]

    def read(self, tallies: Mapping[str, Tally], left: Carried) -> tuple[dict[tuple, Tally], Carried]:
        """The same by keys again."""
        balls = {self.keys[str(label)]: ball for label, ball in left.balls.items()}
        peers = {self.components[labels]: ball for labels, ball in left.peers.items()}
        return {self.keys[label]: tally for label, tally in tallies.items()}, Carried(balls, peers)

    def rows(self, found: Mapping[str, Row], keys: Mapping[str, tuple]) -> dict[str, Row]:
        """The rows under these keys, by quantity."""
        return {name: found[self.of[key]] for name, key in keys.items() if self.of[key] in found}
