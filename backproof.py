"""Backproof's public face: describe an experiment, train it, record, certify and compare implementations of it.

    import backproof

    W, b, history = backproof.train()                        # the article's network, in NumPy alone
    trace = backproof.record(my_train, backproof.Experiment())       # what any training loop yields, step by step
    print(backproof.certify(trace))                          # every number of it against the article's equations
    yield backproof.shown(model, optimizer)                  # in my_train: what a PyTorch or Keras model can show

Each name is imported when it is first used, so that `import backproof` costs nothing and brings no framework.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers, which do not run __getattr__
    from comparisons.agreement import compare as compare
    from comparisons.certifying import certify as certify
    from comparisons.experiment import Experiment as Experiment
    from comparisons.learning import train as train
    from comparisons.recording import record as record
    from comparisons.shown import shown as shown
    from comparisons.shown import watch as watch
    from comparisons.trace import load as load

__all__ = ["Experiment", "certify", "compare", "load", "record", "shown", "train", "watch"]

_FOUND_IN = {
    "Experiment": "comparisons.experiment",
    "certify": "comparisons.certifying",
    "compare": "comparisons.agreement",
    "load": "comparisons.trace",
    "record": "comparisons.recording",
    "shown": "comparisons.shown",
    "train": "comparisons.learning",
    "watch": "comparisons.shown",
}
_FOLDER = Path(__file__).resolve().parent


def __getattr__(name: str) -> Any:
    if name not in _FOUND_IN:
        raise AttributeError(f"backproof has no {name!r}; it has {', '.join(__all__)}")
    for package in ("reference", "comparisons"):
        _import_ours(package)
    value = globals()[name] = getattr(import_module(_FOUND_IN[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


def _import_ours(package: str) -> None:
    """Import the package that lies beside this file, whatever else has its name where Python was started.

    Error: ImportError where something else of this name was imported before.
    """
    if package not in sys.modules:
        spec = PathFinder.find_spec(package, [str(_FOLDER)])
        if spec is None or spec.loader is None:
            raise ImportError(f"{_FOLDER} has no package {package}; install Backproof anew")
        sys.modules[package] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    imported = sys.modules[package]
    if [Path(folder).resolve() for folder in getattr(imported, "__path__", ())] != [_FOLDER / package]:
        raise ImportError(
            f"{getattr(imported, '__file__', None) or imported} was imported as {package!r}, which hides Backproof's "
            "package of that name; give yours another name, or use Backproof in another process"
        )
