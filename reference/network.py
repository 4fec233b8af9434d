"""A network is a list of equations: each gives one quantity its value, from this step's values or the step before's.

Running the list on arrays trains the network; checking it on somebody else's recorded numbers verifies them. So
nothing here knows what the equations compute: it knows names, shapes, and time.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reference.alphabet import Array

Shape = tuple[int | Literal["m"], ...]  # "m": an entry per example; (): a scalar of the step (t, alpha, 1 − β₁ᵗ)


class Ref(NamedTuple):
    """Which number an equation reads: a quantity of this step, or as the step before left it."""

    name: str
    before: bool = False


def now(name: str) -> Ref:
    """The quantity of this step."""
    return Ref(name)


def before(name: str) -> Ref:
    """The quantity as the step before left it; before step 1, its start value."""
    return Ref(name, before=True)


def elementwise(function: Callable[..., Array]) -> Callable[..., Array]:
    """Mark a function whose result at an index depends on its arguments at that index only.

    Equal elementwise equations of different parameters may then run as one, on all their numbers side by side.
    """
    function.is_elementwise = True  # type: ignore[attr-defined]
    return function


@functools.cache
def arguments(function: Callable[..., Array]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of what a function reads (positional) and of its constants (keyword-only)."""
    parameters = inspect.signature(function).parameters.values()
    constants = frozenset(p.name for p in parameters if p.kind == p.KEYWORD_ONLY)
    return frozenset(p.name for p in parameters) - constants, constants


@dataclass(frozen=True, eq=False)
class Equation:
    """One quantity and the pure function that gives it its value; the first line of its docstring is the formula.

    Error: TypeError where `reads` and `constants` are not exactly the arguments of `by`.
    """

    defines: str
    by: Callable[..., Array]
    reads: Mapping[str, Ref]
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected, actual = arguments(self.by), (frozenset(self.reads), frozenset(self.constants))
        if expected != actual:
            raise TypeError(
                f"{self.defines}: {self.by.__name__} reads {sorted(expected[0])} with the constants "
                f"{sorted(expected[1])}, but was given {sorted(actual[0])} and {sorted(actual[1])}"
            )

    def value(self, values: Mapping[Ref, Array]) -> Array:
        """What the equation gives on these values, whatever kind of array they are."""
        return self.by(**{name: values[ref] for name, ref in self.reads.items()}, **self.constants)

    @functools.cached_property
    def of_this_step(self) -> frozenset[str]:
        """The names of what it reads of this step; kept, since one equation stands in many networks."""
        return frozenset(ref.name for ref in self.reads.values() if not ref.before)

    @property
    def key(self) -> tuple:
        """All that tells two equations apart: equal keys compute equal values."""
        return self.defines, self.by, tuple(sorted(self.reads.items())), tuple(sorted(self.constants.items()))

    @property
    def formula(self) -> str:
        """The right-hand side with the quantities' names and the constants' values put in."""
        words = {name: ref.name for name, ref in self.reads.items()}
        words |= {name: _in_digits(value) for name, value in self.constants.items()}
        text = (self.by.__doc__ or self.by.__name__).splitlines()[0]
        if not words:
            return text
        names = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        return re.sub(rf"(?<![A-Za-z_])({names})(?![A-Za-z_0-9])", lambda found: words[found[1]], text)

    def __str__(self) -> str:
        arrow = "←" if before(self.defines) in self.reads.values() else "="
        return f"{self.defines} {arrow} {self.formula}"


def _in_digits(value: float) -> str:
    """The number as short as possible, but to its last bit: float32(0.999) is not 0.999."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


@dataclass(frozen=True, eq=False)
class Group:
    """A layer, a loss, the optimizer of one parameter: all that a network is composed of.

    `shapes` has every quantity that the group brings, `start` what its slots hold before step 1.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    forward: tuple[Equation, ...] = ()
    backward: tuple[Equation, ...] = ()
    update: tuple[Equation, ...] = ()


@dataclass(frozen=True, eq=False)
class Network:
    """One step as a list of equations in running order, with the shapes of all quantities and the slots' start values.

    Error: ValueError for an unknown name, a quantity defined twice, a value read before it is computed, and for a value
    of the step before that nothing gives before step 1, or that has an entry per example (the examples were others) and
    is no slot.
    """

    equations: tuple[Equation, ...]
    shapes: Mapping[str, Shape]
    start: Mapping[str, float] = field(default_factory=dict)
    batches: Callable[[Iterator], Iterator] | None = None  # what a form does to the data on the way in

    def __post_init__(self) -> None:
        for name in self.start:
            if name not in self.shapes:
                raise ValueError(f"{name} has a start value, but nothing defines it")
        seen = set(self.given)
        for equation in self.equations:
            for ref in equation.reads.values():
                if ref.name not in self.shapes:
                    raise ValueError(f"{equation.defines} reads {ref.name}, which nothing defines")
                if ref.before and self.per_example(ref.name) and ref.name not in self.start:
                    raise ValueError(
                        f"{equation.defines} reads {ref.name} of the step before, which has one entry per example: "
                        "the examples were others"
                    )
                if ref.before and ref.name not in self.by_name and ref.name not in self.start:
                    raise ValueError(
                        f"{equation.defines} reads {ref.name} of the step before, but nothing says what it is "
                        "before step 1"
                    )
                if not ref.before and ref.name not in seen:
                    raise ValueError(f"{equation.defines} reads {ref.name} before it is computed")
            if equation.defines in seen:
                raise ValueError(f"{equation.defines} is defined twice")
            if equation.defines not in self.shapes:
                raise ValueError(f"{equation.defines} has no shape")
            seen.add(equation.defines)

    @functools.cached_property
    def by_name(self) -> dict[str, Equation]:
        """The equation of each quantity that has one."""
        return {equation.defines: equation for equation in self.equations}

    @functools.cached_property
    def given(self) -> tuple[str, ...]:
        """What no equation defines: the examples, the labels, the step's number and learning rate."""
        return tuple(name for name in self.shapes if name not in self.by_name)

    @functools.cached_property
    def remembered(self) -> tuple[str, ...]:
        """What a step leaves for the next one: parameters, and the optimizer's slots."""
        return tuple(sorted({ref.name for e in self.equations for ref in e.reads.values() if ref.before}))

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """What is remembered and has no start value of its own: an experiment gives it one."""
        return tuple(name for name in self.by_name if name in self.remembered and name not in self.start)

    def per_example(self, name: str) -> bool:
        """Whether the quantity has an entry per example."""
        return "m" in self.shapes[name]

    def shape(self, name: str, m: int) -> tuple[int, ...]:
        """The shape of the quantity's array in a batch of m examples; scalars of the step have none."""
        return tuple(m if n == "m" else n for n in self.shapes[name])

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))


def in_running_order(equations: Iterable[Equation]) -> tuple[Equation, ...]:
    """The list, each equation after those whose values of this step it reads, and otherwise as it stood.

    Error: ValueError for a circle within a step, which it names.
    """
    equations = tuple(equations)
    if are_in_running_order(equations):
        return equations
    home = {equation.defines: equation for equation in equations}
    placed: dict[str, Equation] = {}
    circle: list[str] = []

    def place(equation: Equation) -> None:
        if equation.defines in placed:
            return
        if equation.defines in circle:
            raise ValueError(f"a circle within a step: {' ← '.join([*circle, equation.defines])}")
        circle.append(equation.defines)
        for ref in equation.reads.values():
            if not ref.before and ref.name in home:
                place(home[ref.name])
        placed[circle.pop()] = equation

    for equation in equations:
        place(equation)
    return tuple(placed.values())


def are_in_running_order(equations: Sequence[Equation]) -> bool:
    """Whether none is defined twice, and none reads a value of this step that itself or a later one defines."""
    to_come = {equation.defines for equation in equations}
    if len(to_come) < len(equations):
        return False
    for equation in equations:
        if not to_come.isdisjoint(equation.of_this_step):
            return False
        to_come.remove(equation.defines)
    return True


def compose(layers: Iterable[Group], loss: Group, optimizers: Iterable[Group], given: Mapping[str, Shape]) -> Network:
    """The network of these groups: forward, loss, backward in the reverse order of the layers, update."""
    layers, optimizers = list(layers), list(optimizers)
    groups = [*layers, loss, *optimizers]
    parts = (
        *(layer.forward for layer in layers),
        loss.forward,
        loss.backward,
        *(layer.backward for layer in reversed(layers)),
        *(optimizer.update for optimizer in optimizers),
    )
    shapes = dict(given)
    for group in groups:
        for name, shape in group.shapes.items():
            if name in shapes:
                raise ValueError(f"{name} is brought by two groups")
            shapes[name] = shape
    start = {name: value for group in groups for name, value in group.start.items()}
    return Network(tuple(equation for part in parts for equation in part), shapes, start)
