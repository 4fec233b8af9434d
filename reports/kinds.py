"""Rows by kind: a quantity's rows of all layers, as one line of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from comparisons.result import ResultRow


@dataclass(frozen=True)
class Kind:
    """`Z[1…5]`: the rows of one kind of quantity of one implementation in one precision, and the worst of them."""

    name: str
    rows: tuple[ResultRow, ...]

    @property
    def checked(self) -> int:
        return sum(row.checked for row in self.rows)

    @property
    def not_judged(self) -> int:
        return sum(row.not_judged for row in self.rows)

    @property
    def blind(self) -> int:
        return sum(row.blind for row in self.rows)

    @property
    def worst(self) -> float:
        """The worst error as a multiple of its bound."""
        return max(row.worst for row in self.rows)

    @property
    def radius(self) -> float:
        """The largest of the layers' median radii."""
        return max((row.radius for row in self.rows if not math.isnan(row.radius)), default=math.nan)

    @property
    def verdict(self) -> str:
        """disagrees where one row does, and not compared where one was not."""
        verdicts = [row.verdict for row in self.rows]
        return next((v for v in ("disagrees", "not compared") if v in verdicts), "agrees")


def stem(quantity: str) -> tuple[str, str]:
    """`dW[2]` as `dW` and `2`."""
    match = re.fullmatch(r"(.*)\[(\d+)\]", quantity)
    return (match[1], match[2]) if match else (quantity, "")


def kinds(rows: Iterable[ResultRow]) -> list[Kind]:
    """The rows, in their order, by kind; `A[0]`, the input, is a kind of its own."""
    found: dict[str, list[ResultRow]] = {}
    for row in rows:
        name, layer = stem(row.quantity)
        found.setdefault(row.quantity if layer == "0" else name, []).append(row)
    return [Kind(_named(name, group), tuple(group)) for name, group in found.items()]


def _named(name: str, group: list[ResultRow]) -> str:
    layers = [stem(row.quantity)[1] for row in group]
    if len(group) == 1:
        return group[0].quantity
    return f"{name}[{min(layers, key=int)}…{max(layers, key=int)}]"
