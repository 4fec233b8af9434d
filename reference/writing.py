"""Writing a network's step down: its equations, given a recorder.

Equal elementwise equations of different parameters are written down as one, on a flat vector of all their numbers:
parameters, gradients and slots each lie side by side, and every quantity is a view. That changes no number, since each
number of the result depends on those at its own place alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from reference.alphabet import Array
from reference.merging import in_order, merge, sorted_by_waiting
from reference.network import Equation, Network, Ref, before, now
from reference.recorder import Operation, Read, Recorder, Scalar, Sheet

Known = dict[Ref, Recorder | Scalar]


@dataclass(frozen=True, eq=False)
class Written:
    """A step written down: its sheet, the operations in running order, and as what each quantity stands there.

    Scalars of the step have a slot, by name; all other quantities are a value.
    """

    sheet: Sheet
    operations: tuple[Operation, ...]
    values: dict[Ref, int]
    slots: dict[str, int]


def written(network: Network, dtype: np.dtype, m: int, kept: Collection[str], *, are_few: bool) -> Written:
    """The step for m examples, as far as what is kept or remembered needs it.

    Are few: whether a call costs more than what it computes for so many examples; then more is joined.
    Error: TypeError for an equation that is not spelled in the alphabet, and for a network that remembers something
    with an entry per example.
    """
    sheet = Sheet(spreads=are_few)
    known: Known = {}
    for name in network.given:
        if network.shapes[name] == ():
            known[now(name)] = sheet.scalar(1 if name == "t" else 1.0)
        else:
            value = sheet.value(network.shape(name, m), dtype, has_examples=network.per_example(name))
            known[now(name)] = sheet.array(value)
    for name in network.remembered:
        if network.per_example(name) or network.shapes[name] == ():
            raise TypeError(f"{name} is remembered, but is no array of one size; train without a tape")
        known[before(name)] = sheet.array(sheet.value(network.shape(name, m), dtype))
    with np.errstate(all="ignore"):
        for group in peers(network):
            if not _write_as_one(group, network, sheet, known):
                for equation in group:
                    known[now(equation.defines)] = _spelled(equation, equation.value(known), network)
    values = {ref: array.read.value for ref, array in known.items() if isinstance(array, Recorder)}
    slots = {ref.name: number.slot for ref, number in known.items() if isinstance(number, Scalar)}
    _leave_out(sheet, {values[now(name)] for name in (*kept, *network.remembered) if now(name) in values})
    merge(sheet, with_examples=are_few)
    sheet.operations[:] = in_order(sheet)
    return Written(sheet, tuple(sheet.operations), values, slots)


def peers(network: Network) -> list[tuple[Equation, ...]]:
    """The equations in running order, equal elementwise ones of different parameters together where none waits."""
    found: dict[tuple, list[Equation]] = {}
    for equation in network.equations:
        key: tuple = (equation.defines,)
        if _is_of_numbers(equation, network):
            reads = tuple(ref if network.shapes[ref.name] == () else ref.before for ref in equation.reads.values())
            key = (equation.by, tuple(sorted(equation.constants.items())), tuple(equation.reads), reads)
        found.setdefault(key, []).append(equation)
    groups = [tuple(group) for group in found.values()]
    home = {equation.defines: number for number, group in enumerate(groups) for equation in group}
    waits = [
        {home[ref.name] for equation in group for ref in equation.reads.values() if not ref.before and ref.name in home}
        for group in groups
    ]
    order = sorted_by_waiting(waits)
    return [(equation,) for equation in network.equations] if order is None else [groups[number] for number in order]


def _is_of_numbers(equation: Equation, network: Network) -> bool:
    """Whether it is elementwise, and all arrays that it reads are of its own fixed shape."""
    own = network.shapes[equation.defines]
    shapes = {network.shapes[ref.name] for ref in equation.reads.values()} - {()}
    return getattr(equation.by, "is_elementwise", False) and shapes == {own} and "m" not in own


def _spelled(equation: Equation, value: Array, network: Network) -> Recorder | Scalar:
    """The value, if a recorder followed all the way. Error: TypeError where something else came out."""
    if not isinstance(value, Scalar if network.shapes[equation.defines] == () else Recorder):
        raise TypeError(f"{equation.defines}: {equation.by.__name__} is not spelled in the alphabet alone")
    return value


def _write_as_one(group: Sequence[Equation], network: Network, sheet: Sheet, known: Known) -> bool:
    """Write equations down as one; whether that could be."""
    if len(group) < 2:
        return False
    names = [name for name, ref in group[0].reads.items() if network.shapes[ref.name] != ()]
    equations = _side_by_side(group, names, network, sheet, known)
    columns = {name: [_value(known[equation.reads[name]]) for equation in equations] for name in names}
    if not all(map(sheet.can_lie, columns.values())):
        return False
    arguments: dict[str, Array] = {name: known[ref] for name, ref in group[0].reads.items() if name not in names}
    arguments |= {name: sheet.array(sheet.side_by_side(column)) for name, column in columns.items()}
    result = _spelled(group[0], group[0].by(**arguments, **group[0].constants), network)
    home = _value(result)
    if home in sheet.homes or home in sheet.places:  # it stands under other names already
        return False
    parts = [sheet.value(network.shape(e.defines, 0), sheet.values[home].dtype) for e in equations]
    sheet.divide(home, parts)
    known |= {now(e.defines): sheet.array(part) for e, part in zip(equations, parts, strict=True)}
    return True


def _side_by_side(
    group: Sequence[Equation], names: Sequence[str], network: Network, sheet: Sheet, known: Known
) -> list[Equation]:
    """The equations in the order in which what they read lies; if it does not lie yet, what is computed alike together.

    So the weights come before the biases, and what is done to all biases can be done at once.
    """
    for name in names:
        places = {equation.defines: sheet.places.get(_value(known[equation.reads[name]])) for equation in group}
        if None not in places.values():
            return sorted(group, key=lambda equation: places[equation.defines] or ())
    kinds: dict[tuple, int] = {}
    for equation in group:
        kinds.setdefault(_kind(equation, network), len(kinds))
    return sorted(group, key=lambda equation: kinds[_kind(equation, network)])


def _kind(equation: Equation, network: Network) -> tuple:
    """By which functions what it reads of this step was computed."""
    names = [ref.name for ref in equation.reads.values() if not ref.before]
    return tuple(network.by_name[name].by for name in names if name in network.by_name)


def _value(array: Recorder | Scalar) -> int:
    assert isinstance(array, Recorder)
    return array.read.value


def _leave_out(sheet: Sheet, wanted: Collection[int]) -> None:
    """Leave out the operations that nothing wanted needs."""
    homes, operations = {sheet.place(value).home for value in wanted}, []
    for operation in reversed(sheet.operations):
        if sheet.place(operation.gives).home in homes:
            operations.append(operation)
            homes |= {sheet.place(read.value).home for read in operation.reads if isinstance(read, Read)}
    sheet.operations[:] = reversed(operations)
