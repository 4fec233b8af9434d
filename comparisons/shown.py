"""shown: what a PyTorch or Keras model can show of a step, under the article's names, ready to be yielded.

    yield backproof.shown(model, optimizer)                         # PyTorch: parameters carry their gradients
    yield backproof.shown(model, optimizer, gradients)              # Keras: the tape's, as it gave them
    yield backproof.shown(model, optimizer) | {"J": loss}           # and what the loop itself has

The framework is told from the object and never imported for it. Each array is handed over as it is and remembers how it
lies, so that nothing has to be said at the top of the file; what is added to it lies as the file's LAYOUT says.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from comparisons.errors import UsageError
from comparisons.passes import Passes

READERS = {"keras": "comparisons.shown_by_keras", "torch": "comparisons.shown_by_torch"}  # Keras may run on PyTorch
_WATCHED: WeakKeyDictionary[Any, Passes] = WeakKeyDictionary()


class Read(NamedTuple):
    """One array as it was read: how it lies, and whose it is, in words."""

    value: Any
    layout: str
    owner: str


class Shown(dict[str, Any]):
    """Quantities by name that know how they lie; `|` adds to them, in either order."""

    def __init__(self, values: Mapping[str, Any], read: Mapping[str, Read]) -> None:
        super().__init__(values)
        self._read = dict(read)

    def read(self, name: str) -> Read | None:
        """How the array under this name was read from a model; None if it was put there by somebody else."""
        one = self._read.get(name)
        return one if one is not None and self.get(name) is one.value else None

    def __or__(self, other: Any) -> Any:
        return _joined(self, other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return _joined(other, self) if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Any) -> Any:
        return self | other


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> Shown:
    read = {name: one for each in (first, second) if isinstance(each, Shown) for name, one in each._read.items()}
    return Shown({**first, **second}, read)


def shown(model: Any, optimizer: Any = None, gradients: Any = None) -> Shown:
    """Parameters, gradients and the optimizer's moments of a model, and what was watched of it, for a yield.

    Of PyTorch, gradients are those that the parameters carry. Of Keras they are given: what the tape gave for
    `model.trainable_variables`. What there is not, such as gradients before the first step, is left out.
    Error: UsageError, which names the layer, for a model that has no counterpart among the article's equations.
    """
    reader = _reader_of(model)
    values, owners = reader.quantities(model, optimizer, gradients)
    if (passes := _WATCHED.get(model)) is not None:
        if passes.taken is None and passes.is_compiled:
            raise UsageError(
                "the watched model is called inside a tf.function, where activations are no numbers yet; call it "
                "eagerly, for fit with compile(run_eagerly=True), or do not watch it"
            )
        values = passes.values | values
    return Shown(values, {name: Read(value, reader.LAYOUT, owners.get(name, "")) for name, value in values.items()})


def watch(model: Any) -> None:
    """From now on `shown(model, …)` has Z, A, dZ and dA too, of the last pass that gradients were computed from.

    Nothing that the model computes is changed by it. Of Keras, calls inside of a tf.function cannot be watched.
    Error: UsageError as `shown`, and when the model is called, for a layer that is called twice or out of its order.
    """
    reader = _reader_of(model)
    if model not in _WATCHED:
        passes = Passes(reader.owners(model))
        reader.watch(model, passes)
        _WATCHED[model] = passes


def _reader_of(model: Any) -> ModuleType:
    """The module that reads models of this framework, told from the packages that the model's classes come from."""
    packages = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    reader = next((name for package, name in READERS.items() if package in packages), None)
    if reader is None or not hasattr(model, "call" if "keras" in packages else "named_modules"):
        raise UsageError(
            f"backproof.shown was given a {type(model).__name__}; give it a torch.nn.Module or a keras.Model first, or "
            "yield a dictionary of your own"
        )
    return import_module(reader)
