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
from reference.open import Moved, Replicas
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

    Of each argument its name, and where it stands: among the scalars of the step, by how they are computed, or among
    the arrays, and whether that has a row for each run.
    """

    by: Callable[..., Array]
    constants: Mapping[str, float]
    scalars: tuple[tuple[str, tuple], ...]
    arrays: tuple[tuple[str, int, bool], ...]
    of: tuple[int, ...]  # the numbers of these runs
    rows: Rows | None


@dataclass(frozen=True, eq=False)
class Unit:
    """What is evaluated at once: what has to be put side by side before, where the result stands, and its parts.

    Alone: of the quantities that are wanted by themselves too, where they stand, and from which number to which they
    lie in the result, and their shape.
    """

    joins: tuple[tuple[int, tuple[int, ...]], ...]
    gives: int
    parts: tuple[Part, ...]
    alone: tuple[tuple[int, int, int, tuple[int, ...]], ...]


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
        self.rows = [slice(end - one.n, end) for one, end in zip(runs, ends, strict=True)]
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
        self.places: dict[Key, int] = {}
        for key in [*((before(name),) for name in self.network.remembered), *self.given]:
            self._place(key)
        self.of_given = {name: self._place((now(name),)) for name in self.network.given if self.network.shapes[name]}
        self.scalars: list[tuple[tuple, Part]] = []
        self.units: list[Unit] = []
        for of_each in zip(*self.groups, strict=True):
            self._add(of_each)
        following = {key: tuple(now(ref.name) for ref in key) for key in self.places if key[0].before}
        self.carried = {
            key: (self.places[key], self.places[later]) for key, later in following.items() if later in self.places
        }
        self.kept = {name: self.places[now(name),] for name in kept}

    def step(
        self, given: Mapping[str, Array], state: Sequence[Array], moved: Callable[[Part], Moved | None]
    ) -> list[Array]:
        """Every array of a step, in its place; (runs, …) each.

        State: what the step before left. Moved: by what the open results of a part are moved, if by anything.
        """
        arrays: list[Array] = [None] * len(self.places)
        for (place, _), value in zip(self.carried.values(), state, strict=True):
            arrays[place] = value
        for name, place in self.of_given.items():
            arrays[place] = given[name]
        scalars: dict[tuple, Array] = {(name,): value for name, value in given.items()}
        with np.errstate(all="ignore"):  # what overflows shows in the values
            for way, part in self.scalars:
                of_given = {name: arrays[place] for name, place, _ in part.arrays}
                of_step = {name: scalars[key] for name, key in part.scalars}
                scalars[way] = part.by(**of_step, **of_given, **part.constants)
            for unit in self.units:
                for place, places in unit.joins:
                    arrays[place] = _joined([arrays[one] for one in places])
                arrays[unit.gives] = found = self._found(unit, arrays, scalars, moved)
                for place, begin, end, shape in unit.alone:
                    arrays[place] = found[:, :, begin:end].reshape(self.n, *shape)
        return arrays

    def first(self, start: Mapping[str, Array], dtype: np.dtype) -> list[Array]:
        """What the first step is given: all runs from one start."""
        alone: dict[Ref, Array] = {}
        for name in self.network.remembered:
            value = start.get(name, self.network.start.get(name))
            shape = (self.n, *self.network.shape(name, 0))
            alone[before(name)] = np.broadcast_to(value, shape).astype(dtype)
        return [alone[key[0]] if len(key) == 1 else _joined([alone[ref] for ref in key]) for key in self.carried]

    def after(self, arrays: Sequence[Array]) -> list[Array]:
        """What the next step is given of this one."""
        return [arrays[place] for _, place in self.carried.values()]

    def _place(self, key: Key) -> int:
        return self.places.setdefault(key, len(self.places))

    def _found(
        self, unit: Unit, arrays: Sequence[Array], scalars: Mapping[tuple, Array],
        moved: Callable[[Part], Moved | None],
    ) -> Array:  # fmt: skip
        """What a unit gives, for all runs."""
        whole = np.empty(0)
        for part in unit.parts:
            moves, rows = moved(part), part.rows
            arguments: dict[str, Array] = {name: scalars[way] for name, way in part.scalars}
            for name, place, is_stacked in part.arrays:
                array = arrays[place]
                if is_stacked:
                    if rows is not None:
                        array = array[rows]
                    if moves is not None:
                        array = Replicas(array, moves)
                arguments[name] = array
            found = part.by(**arguments, **part.constants)
            value: Array = found.values if moves is not None else found
            if rows is None:
                return value
            if not whole.size:
                whole = np.empty((self.n, *value.shape[-2:]), value.dtype)
            whole[rows] = value
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
        if self.network.shapes[names[0]] == ():
            for numbers in ways.values():
                part = self._part(of_each[numbers[0]], numbers, is_of_all=True)
                if any(is_stacked for *_, is_stacked in part.arrays):
                    raise TypeError(f"{names[0]} is a scalar of the step, but computed from what each run computes")
                if (way := _way(self.runs[numbers[0]].network, names[0])) not in dict(self.scalars):
                    self.scalars.append((way, part))
            return
        joins = self._joins([of_each[numbers[0]] for numbers in ways.values()])
        parts = [self._part(of_each[numbers[0]], numbers, len(ways) == 1) for numbers in ways.values()]
        key = tuple(map(now, names))
        gives = self._place(key)
        if len(parts) > 1 or any(is_stacked for *_, is_stacked in parts[0].arrays):
            self.stacked |= set(key)
        alone, begin = [], 0
        for name in names if len(names) > 1 else ():
            shape = self.network.shape(name, 0)
            end = begin + shape[0] * shape[1]
            if now(name) in self.alone:
                alone.append((self._place((now(name),)), begin, end, shape))
            begin = end
        self.units.append(Unit(joins, gives, tuple(parts), tuple(alone)))

    def _joins(self, groups: Sequence[tuple[Equation, ...]]) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """What of the arrays that these equations read does not lie side by side yet."""
        joins = []
        for group in groups:
            for name, ref in group[0].reads.items():
                key = tuple(equation.reads[name] for equation in group)
                if self.network.shapes[ref.name] != () and key not in self.places:
                    places = tuple(self.places[one,] for one in key)
                    joins.append((self._place(key), places))
        return tuple(joins)

    def _part(self, group: tuple[Equation, ...], numbers: Sequence[int], is_of_all: bool) -> Part:
        network, first = self.runs[numbers[0]].network, group[0]
        keys = {name: tuple(equation.reads[name] for equation in group) for name in first.reads}
        is_scalar = {name: network.shapes[ref.name] == () for name, ref in first.reads.items()}
        return Part(
            first.by,
            first.constants,
            tuple((name, _way(network, first.reads[name].name)) for name, scalar in is_scalar.items() if scalar),
            tuple(
                (name, self.places[key], key[0] in self.stacked) for name, key in keys.items() if not is_scalar[name]
            ),
            tuple(numbers),
            None if is_of_all else _rows([self.rows[number] for number in numbers]),
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
