"""The catalogue: all facts, by area; what their experiments need is not imported."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from functools import cache

from comparisons.errors import UsageError
from comparisons.internals.fact import Fact

AREAS = {  # in the order of the article, then what comes after it
    "adam": "Adam",
    "loss": "binary cross-entropy",
    "activations": "activations",
    "numerics": "numerics",
    "dense": "dense layers and initialisation",
    "fit": "fit and its history",
    "autograd": "automatic differentiation",
    "optimizers": "other optimizers",
    "layers": "further layers",
}
FILES = (
    "adam", "adam_precision", "loss", "loss_conventions", "activations", "activations_corners", "numerics",
    "numerics_edges", "dense", "fit", "autograd", "decay", "optimizers", "updates", "layers",
)  # fmt: skip


@cache
def facts() -> tuple[Fact, ...]:
    """All of them, by area."""
    modules = [importlib.import_module(f"comparisons.internals.facts.{name}") for name in FILES]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Fact)]
    return tuple(sorted(found, key=lambda fact: list(AREAS).index(fact.area)))


def fact_of(name: str) -> Fact:
    """The fact of this id. Error: UsageError with the nearest ids."""
    known = {fact.id: fact for fact in facts()}
    if name not in known:
        raise UsageError(f'there is no fact and no area named "{name}"; {_hint(name, [*known, *AREAS])}')
    return known[name]


def chosen(names: Iterable[str]) -> tuple[Fact, ...]:
    """The facts of these ids and areas, in the catalogue's order; all, if none is named."""
    wanted = set()
    for name in names:
        wanted |= {fact.id for fact in facts() if fact.area == name} if name in AREAS else {fact_of(name).id}
    return tuple(fact for fact in facts() if fact.id in wanted or not wanted)


def facts_about(dialect: str) -> tuple[str, ...]:
    """The ids of the facts that a dialect of the article's equations rests on."""
    return tuple(fact.id for fact in facts() if dialect in fact.of)


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    return f"near it are {', '.join(near)}" if near else "`backproof internals` lists them"
