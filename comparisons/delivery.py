"""What a yield must be: quantities under their names, in the experiment's precision and the article's layout.

A delivery translates names and layout and copies. It never computes or corrects anything: what does not fit is refused
with one sentence that says what was expected, what came, and what to do.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from comparisons.errors import UsageError
from comparisons.shown import Read, Shown
from reference.network import Network

LAYOUTS = {
    "columns": "examples are columns, W is (n_out, n_in): the article",
    "rows": "examples are rows, W is (n_in, n_out): Keras, JAX",
    "torch": "examples are rows, W is (n_out, n_in): torch.nn.Linear",
}


class DeliveryError(UsageError):
    """A yield that is not what it must be; what was recorded before it is kept."""


class Delivery:
    """Reads the yields of one implementation, step after step; every step must show what the first one showed."""

    def __init__(self, network: Network, precision: str, layout: str = "columns") -> None:
        if layout not in LAYOUTS:
            choices = "; ".join(f'"{name}" ({says})' for name, says in LAYOUTS.items())
            raise DeliveryError(f'LAYOUT is "{layout}"; choose one of {choices}')
        self.network = network
        self.dtype = np.dtype(precision)
        self.layout = layout  # of what was not read from a model, whose arrays know how they lie
        self.known = tuple(name for name, shape in network.shapes.items() if shape)
        self.names: tuple[str, ...] | None = None
        self.places: dict[int, tuple[int, list[tuple[str, tuple[int, ...], slice]]]] = {}  # by number of examples
        self.first: dict[str, tuple[np.ndarray, int]] = {}  # parameters of step 1, and where they lay
        self.ways: dict[tuple, bool] = {}  # whether arrays that came before are turned, by name, layout and shapes

    def start(self, yielded: Any) -> dict[str, np.ndarray]:
        """The start values of a yield before the first batch: parameters only, all of them."""
        values = self._mapping(yielded, "the start")
        expected = set(self.network.parameters)
        if set(values) != expected:
            raise DeliveryError(
                "a yield before the first batch gives start values: "
                f"it must show {', '.join(self.network.parameters)} and nothing else, but shows {', '.join(values)}; "
                "a step is shown after its batch: loop over experiment.batches()"
            )
        return {name: self._array(name, values, 0, "the start") for name in values}

    def step(self, yielded: Any, number: int, m: int) -> dict[str, np.ndarray]:
        """The quantities of step `number` (from 1), which had m examples, as copies in the article's layout."""
        values = self._mapping(yielded, f"step {number}")
        if self.names is None:
            self.names = tuple(values)
        if set(values) != set(self.names):
            gone, new = set(self.names) - set(values), set(values) - set(self.names)
            what = f"no longer shows {_listed(gone)}" if gone else f"shows {_listed(new)} for the first time"
            raise DeliveryError(f"step {number} {what}; show the same quantities at every step")
        arrays = self._arrays(values, m, f"step {number}")
        if number <= 2:
            self._refuse_one_array_for_several(values, arrays, number)
        return arrays

    def _refuse_one_array_for_several(
        self, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray], number: int
    ) -> None:
        """Two parameters in one array, or an array that was kept, trained on, and is yielded once more for each step.

        Only what begins at the same place in memory is suspected; an activation may well be its own gradient.
        """
        places: dict[int, str] = {}
        for name in (name for name in self.network.remembered if name in arrays):
            place = _place(values[name])
            if place is None:
                continue
            if place in places:
                raise DeliveryError(
                    f"step {number}: {places[place]} and {name} are one and the same array, so that changing one "
                    "changes the other; give each an array of its own"
                )
            places[place] = name
        if number == 1:
            self.first = {name: (arrays[name], place) for place, name in places.items()}
            return
        parameters = [name for name in self.network.parameters if name in arrays]
        is_kept = [places.get(self.first[name][1]) == name and np.array_equal(self.first[name][0], arrays[name])
                   for name in parameters if name in self.first]  # fmt: skip
        if parameters and len(is_kept) == len(parameters) and all(is_kept):
            raise DeliveryError(
                f"step 2 shows {parameters[0]} in the same array as step 1 and with the same numbers; yield while you "
                "train and after the update, or keep a copy of each step"
            )

    def _mapping(self, yielded: Any, where: str) -> Mapping[str, Any]:
        if not isinstance(yielded, Mapping):
            raise DeliveryError(
                f'{where} yields {_described(yielded)}; yield a dictionary such as {{"A[1]": A1, "W[1]": W1}}'
            )
        if not yielded:
            raise DeliveryError(f"{where} yields an empty dictionary; show at least one quantity")
        for name in yielded:
            if name not in self.network.shapes or not self.network.shapes[name]:
                near = difflib.get_close_matches(str(name), self.known, n=3) or self.known[:4]
                raise DeliveryError(
                    f'{where} shows "{name}"{_owner(yielded, name)}, which is no quantity here; near it are '
                    f"{', '.join(near)}"
                )
        missing = [name for name in self.network.parameters if isinstance(yielded, Shown) and name not in yielded]
        if missing:
            last = [name for name in self.network.parameters if name in yielded][-1]
            raise DeliveryError(
                f"{where} shows a model that ends with {last}{_owner(yielded, last)}, but the experiment's network has "
                f"{missing[0]} too; give the model the layers of the experiment, or choose --experiment"
            )
        return yielded

    def _arrays(self, values: Mapping[str, Any], m: int, where: str) -> dict[str, np.ndarray]:
        """Copies of all quantities of a step, side by side in memory, so that all can be looked through at once."""
        assert self.names is not None
        if m not in self.places:
            shapes = [(name, self.network.shape(name, m)) for name in self.names]
            ends = np.cumsum([0, *(math.prod(shape) for _, shape in shapes)]).tolist()
            places = [(*named, slice(*ends[at : at + 2])) for at, named in enumerate(shapes)]
            self.places[m] = ends[-1], places
        n, places = self.places[m]
        memory, arrays = np.empty(n, self.dtype), {}
        for name, shape, place in places:
            arrays[name] = memory[place].reshape(shape)
            arrays[name][...] = self._in_our_layout(name, values, shape, where)
        if not np.isfinite(memory).all():
            for name, array in arrays.items():
                _refuse_what_is_not_finite(name, array, where)
        return arrays

    def _array(self, name: str, values: Mapping[str, Any], m: int, where: str) -> np.ndarray:
        """A copy of one quantity."""
        copy = np.array(self._in_our_layout(name, values, self.network.shape(name, m), where), self.dtype, order="C")
        _refuse_what_is_not_finite(name, copy, where)
        return copy

    def _in_our_layout(self, name: str, values: Mapping[str, Any], expected: tuple[int, ...], where: str) -> np.ndarray:
        """The quantity's own array, in the article's layout, if it is what it must be."""
        value, read = values[name], values.read(name) if isinstance(values, Shown) else None
        array = _as_array(value)
        if array is not None and array.dtype == self.dtype:
            way = name, read.layout if read else self.layout, array.shape, expected
            if (is_turned := self.ways.get(way)) is not None:
                return array.mT if is_turned else array.reshape(expected)
        if array is None or array.dtype.kind not in "fiub":
            raise DeliveryError(f"{where}: {name} is {_described(value)}; show an array of {self.dtype} numbers")
        is_number = isinstance(value, (int, float))
        if not is_number and array.dtype != self.dtype:
            raise DeliveryError(
                f"{where}: {name} is {array.dtype}, but the experiment's precision is {self.dtype}; compute in "
                f"{self.dtype} (experiment.dtype), or choose --precision {array.dtype}"
            )
        turned = self._turned(name, array, expected, read.layout if read else self.layout)
        if turned is None:
            raise DeliveryError(self._misshapen(name, array, expected, where, read))
        if is_number and turned.astype(self.dtype).item() != value and value == value:
            raise DeliveryError(
                f"{where}: {name} is the Python number {value!r}, which is no {self.dtype} number; show it as it was "
                f"computed, in {self.dtype}"
            )
        way = name, read.layout if read else self.layout, array.shape, expected
        self.ways[way] = array.ndim == 2 and turned is not array
        return turned

    def _turned(self, name: str, array: np.ndarray, expected: tuple[int, ...], layout: str) -> np.ndarray | None:
        """The array in the article's layout; None if its shape cannot be that."""
        if array.ndim < 2:  # b as (n,), J as a number, one output's examples as (m,)
            fits = array.size == math.prod(expected) and 1 in expected
            return array.reshape(expected) if fits else None
        is_row = expected[-1] == 1 and array.shape != expected  # a bias as (1, n), but not weights of a single input
        turn = layout == "rows" or (layout == "torch" and (self.network.per_example(name) or is_row))
        turned = array.mT if turn else array
        return turned if turned.shape == expected else None

    def _misshapen(self, name: str, array: np.ndarray, expected: tuple[int, ...], where: str, read: Read | None) -> str:
        of = read.layout if read else self.layout
        here = expected[::-1] if self._turned(name, np.empty(expected[::-1]), expected, of) is not None else expected
        if read:
            return (
                f"{where}: {name}{_of(read)} has the shape {array.shape}, but the experiment's is {here}; "
                "give the model the layers of the experiment, or choose --experiment"
            )
        text = f'{where}: {name} has the shape {array.shape}, but in the layout "{of}" it is {here}'
        for layout, says in LAYOUTS.items():
            if layout != of and self._turned(name, array, expected, layout) is not None:
                return f'{text}; if {says.split(":")[0]}, put LAYOUT = "{layout}" at the top of the file'
        return text


def _refuse_what_is_not_finite(name: str, array: np.ndarray, where: str) -> None:
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DeliveryError(f"{where}: {name}{list(index)} is {array[index]}; every number shown must be finite")


def _as_array(value: Any) -> np.ndarray | None:
    if type(value) is np.ndarray:
        return value
    try:
        if hasattr(value, "detach"):  # a torch tensor, which need not be imported to be read
            value = value.detach().cpu()
        return np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    except (TypeError, ValueError):
        return None


def _place(value: Any) -> int | None:
    """Where an array of the user's begins in memory; None where what was read is a copy."""
    if not isinstance(value, np.ndarray) and not getattr(value, "is_cpu", False):
        return None
    array = _as_array(value)
    return None if array is None else int(array.__array_interface__["data"][0])


def _owner(values: Mapping[str, Any], name: str) -> str:
    """` of the layer "0" (Linear)`, if that is known."""
    read = values.read(name) if isinstance(values, Shown) else None
    return _of(read) if read else ""


def _of(read: Read) -> str:
    return f" of {read.owner}" if read.owner else ""


def _described(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
