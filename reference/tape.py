"""The tape: the operations of a network's equations, written down once and replayed into fixed memory.

`train` walks the list of equations anew at every step, a dictionary of names in hand. Here names are resolved once,
equal work on different parameters is done once on flat vectors, and every operation writes where it wrote before. The
equations stay what they are, functions of arrays; a tape is one more thing that comes out when they are given a
recorder. Many examples go through it in blocks of columns that stay in the cache.

What comes out is what `train` gives, bit for bit, where the examples fit into one block. Where they do not, a sum over
examples is one over blocks of them: another order of summation, which is rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

import numpy as np

from reference.alphabet import Array
from reference.blocks import Blocks, columns_of, phases
from reference.memory import allocated, local_homes, runs
from reference.network import Network, before, now
from reference.playing import FEW, Numbers, bound
from reference.recorder import ELEMENTWISE, Read, Sheet
from reference.running import checked_start
from reference.writing import Written, written


def replayed(
    network: Network,
    start: Mapping[str, Array],
    given: Iterable[Mapping[str, Array]],
    kept: Collection[str] | None = None,
) -> Iterator[dict[str, Array]]:
    """Train as `train` does, by tape; yield what is kept of every step, by default every quantity.

    The arrays are the tape's own: the next step writes over them, so whoever wants to keep one copies it.

    Start and given: as in `train`, but all arrays of one type, without leading axes.
    Error: as `train`; TypeError for equations that are not spelled in the alphabet, and for arrays of another type.
    """
    state = checked_start(network, start)
    dtype = np.result_type(*state.values())
    names = tuple(network.shapes if kept is None else kept)
    tapes: dict[int, Tape] = {}
    last: Tape | None = None
    for step in given:
        m = _n_examples(network, step)
        if m not in tapes:
            tapes[m] = Tape(network, dtype, m, names)
        tape = tapes[m]
        if tape is not last:
            tape.put(state if last is None else last.state)
            last = tape
        yield tape.step(step)


def _n_examples(network: Network, step: Mapping[str, Array]) -> int:
    return next((int(step[name].shape[-1]) for name in network.given if network.per_example(name)), 0)


class Tape:
    """One step of a network for m examples, ready to be replayed; `state` is what it remembers, by name.

    Kept: the quantities that `step` returns. Error: TypeError as in `replayed`.
    """

    def __init__(self, network: Network, dtype: np.dtype, m: int, kept: Collection[str]) -> None:
        self.network, self.m = network, m
        self.written = one = written(network, dtype, m, kept, are_few=m <= FEW)
        self.numbers = Numbers(one)
        sheet, values = one.sheet, one.values
        self.inputs = {name: values[now(name)] for name in network.given if now(name) in values}
        self.scalars = [name for name in network.given if name in one.slots]
        self.slots = {name: one.slots[name] for name in kept if name in one.slots}
        olds = {name: sheet.place(values[before(name)]).home for name in network.remembered}
        memory = {home: np.zeros(sheet.extent(home), sheet.values[home].dtype) for home in set(olds.values())}
        in_place = _in_place(one, network)
        memory |= {new: memory[old] for new, old in in_place.items()}
        wanted = {values[now(name)] for name in (*kept, *network.remembered) if now(name) in values}
        columns = columns_of(one)
        apart = phases(one) if FEW <= columns < m else None
        if apart is None:
            self.play, view = self._at_once(memory, wanted)
        else:
            blocks = Blocks(one, apart, columns, m, self.inputs, memory, wanted, self.numbers)
            self.play, view = blocks.play, blocks.view
        self.state = {name: view(values[before(name)]) for name in network.remembered}
        self.moves = [
            partial(np.copyto, self.state[name], view(values[now(name)]))
            for name in network.remembered
            if sheet.place(values[now(name)]).home not in {*in_place, olds[name]}
        ]
        arrays = {name: view(values[now(name)]) for name in kept if now(name) in values}
        self.arrays = arrays | {name: self.state[name] for name in arrays if name in self.state}

    def _at_once(self, memory: Mapping[int, np.ndarray], wanted: Collection[int]) -> tuple[Callable, Callable]:
        """What plays all examples at once, and what gives the array of a value."""
        sheet, operations = self.written.sheet, self.written.operations
        homes = {sheet.place(value).home for value in self.inputs.values()}
        memory = {**memory, **{home: np.zeros(_size(sheet, home, self.m), sheet.values[home].dtype) for home in homes}}
        kept = {sheet.place(value).home for value in wanted}
        found = runs(sheet, operations, self.m)
        whole = allocated(sheet, operations, self.m, memory, kept, local_homes(sheet, found, {*kept, *memory}))
        calls = bound(whole, found, self.m, self.numbers)
        loads = [(name, whole.view(value, self.m)) for name, value in self.inputs.items()]

        def play(step: Mapping[str, Array]) -> None:
            for name, array in loads:
                np.copyto(array, step[name], casting="no")
            for call in calls:
                call()

        return play, lambda value: whole.view(value, self.m)

    def put(self, state: Mapping[str, Array]) -> None:
        """Go on from this state. Error: TypeError for an array of another shape, such as one of replicas."""
        for name, array in self.state.items():
            if np.shape(state[name]) != array.shape:
                raise TypeError(f"{name} has the shape {np.shape(state[name])}, and a tape holds {array.shape}")
            array[...] = state[name]

    def step(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """The next step: what is kept of it. Error: TypeError for arrays of another type than the start values'."""
        scalars = self.numbers.of({name: given[name] for name in self.scalars})
        with np.errstate(all="ignore"):  # what overflows shows in the values, and is judged there
            self.play(given)
            for move in self.moves:
                move()
        return self.arrays | {name: scalars[slot] for name, slot in self.slots.items()}


def _size(sheet: Sheet, home: int, m: int) -> int:
    return sheet.extent(home) * (m if sheet.values[home].has_examples else 1)


def _in_place(one: Written, network: Network) -> dict[int, int]:
    """The homes of what a step leaves that can be those of what it found, by the one the other.

    That is where one elementwise operation gives all of it, and nobody reads what the step found after that.
    """
    sheet, values, found = one.sheet, one.values, {}
    pairs: dict[int, list[tuple[int, int]]] = {}
    for name in network.remembered:
        new, old = values[now(name)], values[before(name)]
        pairs.setdefault(sheet.place(new).home, []).append((new, old))
    for home, members in pairs.items():
        old_home = sheet.place(members[0][1]).home
        is_alike = all(sheet.place(old) == (old_home, sheet.place(new).begin) for new, old in members)
        n = sum(sheet.extent(new) for new, _ in members)
        is_whole = n == sheet.extent(home) == sheet.extent(old_home)
        writers = [n for n, operation in enumerate(one.operations) if sheet.place(operation.gives).home == home]
        if home == old_home or not is_alike or not is_whole or len(writers) != 1:
            continue
        at, writer = writers[0], one.operations[writers[0]]
        readers = [n for n, operation in enumerate(one.operations) for read in operation.reads
                   if isinstance(read, Read) and sheet.place(read.value).home == old_home
                   and not (n == at and read == Read(old_home))]  # fmt: skip
        if writer.function in ELEMENTWISE and writer.gives == home and all(n < at for n in readers):
            found[home] = old_home
    return found
