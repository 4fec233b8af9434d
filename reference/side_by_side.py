"""Side by side: runs of several networks of one build, a step at a time, along one leading axis.

Forms change a few equations of a network. Those that are equal in two networks are evaluated once for the runs of both;
those that differ, each for its own runs. And equal elementwise equations of different parameters are evaluated as one.
So each run gets what it gets alone, and a step of many networks takes little more than one of the largest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from reference.alphabet import Array
from reference.network import Equation, Network, Ref, before, now
from reference.writing import peers

Key = tuple[Ref, ...]  # one quantity, or several that lie side by side
Rows = slice | np.ndarray


class Runs(NamedTuple):
    """So many runs of one network: replicas, which rounding moves apart, or one that is not moved."""

    network: Network
    n: int = 1
    are_moved: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Equations as some of the networks have them, and in which rows the runs of these are; None: in all.

    Reads: of each argument its name, and where it stands: among the scalars of the step, by how they are computed, or
    among the arrays, with those to be put side by side if it does not lie so yet.
    """

    by: Callable[..., Array]
    constants: Mapping[str, float]
    scalars: tuple[tuple[str, tuple], ...]
    arrays: tuple[tuple[str, Key], ...]
    of: tuple[int, ...]  # the numbers of these runs
    rows: Rows | None


@dataclass(frozen=True, eq=False)
class Unit:
    """What is evaluated at once: its place among the arrays, its parts, and the quantities that are wanted alone."""

    key: Key
    parts: tuple[Part, ...]
    alone: tuple[tuple[Key, int, int, tuple[int, ...]], ...]  # its own place; from which number to which; its shape


def in_stacks(networks: Sequence[Network]) -> list[list[int]]:
    """The numbers of the networks that can go side by side: the same quantities, in the same order."""
    found: dict[tuple, list[int]] = {}
    for number, network in enumerate(networks):
        order = tuple(_defined(group) for group in peers(network))
        build = (order, network.remembered, tuple(network.shapes.items()), tuple(network.start.items()))
        found.setdefault(build, []).append(number)
    return list(found.values())


class SideBySide:
    """The step of these runs. `kept` are quantities that are wanted by their own names.

    Error: ValueError for networks that are not of one build; TypeError for one that remembers a scalar of the step, or
    computes one from what its runs compute.
    """

    def __init__(self, runs: Sequence[Runs], kept: Collection[str]) -> None:
        self.runs = tuple(runs)
        self.network = runs[0].network
        self.groups = [peers(one.network) for one in runs]
        ends = np.cumsum([one.n for one in runs]).tolist()
        self.places = [slice(end - one.n, end) for one, end in zip(runs, ends, strict=True)]
        self.n = ends[-1]
        if len(in_stacks([one.network for one in runs])) > 1:
            raise ValueError("these networks are not of one build; train each of them apart")
        for name in self.network.remembered:
            if self.network.shapes[name] == ():
                raise TypeError(f"{name} is a scalar of the step and remembered; train without replicas")
        named = [_defined(group) for group in self.groups[0] if len(group) > 1]
        self.given = [tuple(map(before, names)) for names in named if set(names) <= set(self.network.remembered)]
        self.alone = self._alone({tuple(map(now, names)) for names in named} | set(self.given), kept)
        self.stacked = {before(name) for name in self.network.remembered}
        self.scalars: list[tuple[tuple, Part]] = []
        self.units: list[Unit] = []
        for of_each in zip(*self.groups, strict=True):
            self._add(of_each)

    def step(
        self, given: Mapping[str, Array], state: Mapping[Key, Array], opened: Callable[[Part, Array], Array]
    ) -> dict[Key, Array]:
        """Every array of a step, by its name or all names that lie side by side; (runs, …) each.

        State: what the step before left, likewise. Opened: the array as a part of the equations is to see it.
        """
        arrays: dict[Key, Array] = {(now(name),): value for name, value in given.items()} | dict(state)
        scalars: dict[tuple, Array] = {(name,): value for name, value in given.items()}
        with np.errstate(all="ignore"):  # what overflows shows in the values
            for way, part in self.scalars:
                of_given = {name: arrays[key] for name, key in part.arrays}
                of_step = {name: scalars[key] for name, key in part.scalars}
                scalars[way] = part.by(**of_step, **of_given, **part.constants)
            for unit in self.units:
                arrays[unit.key] = found = self._found(unit, arrays, scalars, opened)
                for key, begin, end, shape in unit.alone:
                    arrays[key] = found[:, :, begin:end].reshape(self.n, *shape)
        return arrays

    def first(self, start: Mapping[str, Array], dtype: np.dtype) -> dict[Key, Array]:
        """What the first step is given: all runs from one start."""
        whole = {
            name: np.broadcast_to(start.get(name, self.network.start.get(name)), (self.n, *self.network.shape(name, 0)))
            for name in self.network.remembered
        }  # fmt: skip
        alone: dict[Key, Array] = {(before(name),): value.astype(dtype) for name, value in whole.items()}
        return alone | {key: _joined([alone[ref,] for ref in key]) for key in self.given}

    def after(self, arrays: Mapping[Key, Array]) -> dict[Key, Array]:
        """What the next step is given of this one."""
        alone = {(before(name),): arrays[now(name),] for name in self.network.remembered if (now(name),) in arrays}
        return alone | {key: arrays[tuple(now(ref.name) for ref in key)] for key in self.given}

    def _found(self, unit: Unit, arrays: dict[Key, Array], scalars: Mapping[tuple, Array],
               opened: Callable[[Part, Array], Array]) -> Array:  # fmt: skip
        """What a unit gives, for all runs."""
        whole = np.empty(0)
        for part in unit.parts:
            arguments = {name: scalars[way] for name, way in part.scalars}
            for name, key in part.arrays:
                array = arrays.get(key)
                if array is None:
                    array = arrays[key] = _joined([arrays[ref,] for ref in key])
                if key[0] in self.stacked:
                    array = opened(part, array if part.rows is None else array[part.rows])
                arguments[name] = array
            found = part.by(**arguments, **part.constants)
            value: Array = getattr(found, "values", found)
            if part.rows is None:
                return value
            if not whole.size:
                whole = np.empty((self.n, *value.shape[-2:]), value.dtype)
            whole[part.rows] = value
        return whole

    def _alone(self, as_one: Collection[Key], kept: Collection[str]) -> set[Ref]:
        """What is wanted by its own name: kept, or read by an equation that does not read all that lies beside it."""
        alone = {now(name) for name in kept}
        for group in (group for groups in self.groups for group in groups):
            for name in group[0].reads:
                if (key := tuple(e.reads[name] for e in group)) not in as_one or len(group) == 1:
                    alone |= set(key)
        return alone | {now(name) for name in self.network.remembered if before(name) in alone}

    def _add(self, of_each: Sequence[tuple[Equation, ...]]) -> None:
        """The next equations, as each network has them."""
        ways: dict[tuple, list[int]] = {}
        for number, group in enumerate(of_each):
            network = self.runs[number].network
            scalars = [_way(network, ref.name) for ref in group[0].reads.values() if network.shapes[ref.name] == ()]
            ways.setdefault((*(equation.key for equation in group), *scalars), []).append(number)
        names = _defined(of_each[0])
        parts = [self._part(of_each[numbers[0]], numbers, len(ways) == 1) for numbers in ways.values()]
        if self.network.shapes[names[0]] == ():
            for part in parts:
                if any(key[0] in self.stacked for _, key in part.arrays):
                    raise TypeError(f"{names[0]} is a scalar of the step, but computed from what each run computes")
                way = _way(self.runs[part.of[0]].network, names[0])
                if way not in dict(self.scalars):
                    self.scalars.append((way, part))
            return
        key = tuple(map(now, names))
        if len(parts) > 1 or any(read[0] in self.stacked for _, read in parts[0].arrays):
            self.stacked |= set(key)
        alone, begin = [], 0
        for name in names if len(names) > 1 else ():
            shape = self.network.shape(name, 0)
            end = begin + shape[0] * shape[1]
            if now(name) in self.alone:
                alone.append(((now(name),), begin, end, shape))
            begin = end
        self.units.append(Unit(key, tuple(parts), tuple(alone)))

    def _part(self, group: tuple[Equation, ...], numbers: Sequence[int], is_of_all: bool) -> Part:
        network, first = self.runs[numbers[0]].network, group[0]
        is_scalar = {name: network.shapes[ref.name] == () for name, ref in first.reads.items()}
        return Part(
            first.by,
            first.constants,
            tuple((name, _way(network, first.reads[name].name)) for name, scalar in is_scalar.items() if scalar),
            tuple((name, tuple(e.reads[name] for e in group)) for name, scalar in is_scalar.items() if not scalar),
            tuple(numbers),
            None if is_of_all else _rows([self.places[number] for number in numbers]),
        )


def _defined(group: Iterable[Equation]) -> tuple[str, ...]:
    return tuple(equation.defines for equation in group)


def _way(network: Network, name: str) -> tuple[Any, ...]:
    """How a scalar of the step is computed, all the way from what is given: equal ways give equal numbers."""
    if name not in network.by_name:
        return (name,)
    equation = network.by_name[name]
    reads = [
        (argument, _way(network, ref.name) if network.shapes[ref.name] == () else ref)
        for argument, ref in sorted(equation.reads.items())
    ]
    return equation.by, tuple(sorted(equation.constants.items())), *reads


def _rows(places: Sequence[slice]) -> Rows:
    """These places as one: a slice where they follow each other."""
    if all(one.stop == other.start for one, other in itertools.pairwise(places)):
        return slice(places[0].start, places[-1].stop)
    return np.concatenate([np.arange(place.start, place.stop) for place in places])


def _joined(arrays: Sequence[Array]) -> Array:
    """Arrays of all runs side by side, (runs, 1, numbers)."""
    return np.concatenate([array.reshape(len(array), 1, -1) for array in arrays], axis=2)
