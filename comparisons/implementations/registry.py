"""The registry: which implementations there are, without importing any of them.

A row here, an entry point of the group `backproof.implementations`, or a path on the command line (`my_jax.py`,
`package.module:function`) names a file with one function `train(experiment)`.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from comparisons.errors import UsageError

GROUP = "backproof.implementations"


class Implementation(NamedTuple):
    """Where to find `train(experiment)`, and which packages it needs.

    `target` is `package.module:function` or `path/to/file.py:function`.
    """

    name: str
    target: str
    requires: tuple[str, ...] = ()
    extra: str = ""
    says: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The packages that it needs and that are not installed."""
        return tuple(package for package in self.requires if importlib.util.find_spec(package) is None)

    @property
    def how_to_get(self) -> str:
        """The command that installs what it needs."""
        return f'pip install "backproof[{self.extra}]"' if self.extra else f"pip install {' '.join(self.requires)}"

    @property
    def versions(self) -> dict[str, str]:
        """The installed versions of what it needs."""
        return {package: metadata.version(package) for package in self.requires if package not in self.missing}


BUILT_IN = (
    Implementation(
        "numpy", "comparisons.implementations.numpy_reference:train", ("numpy",), "",
        "the reference itself, in the experiment's precision: the positive control",
    ),
    Implementation(
        "torch", "comparisons.implementations.pytorch:train", ("torch",), "torch",
        "nn.Sequential, BCELoss and torch.optim; shows every quantity",
    ),
    Implementation(
        "torch-plain", "comparisons.implementations.pytorch_plain:train", ("torch",), "torch",
        "the usual PyTorch loop, untouched; shows weights and loss",
    ),
    Implementation(
        "keras", "comparisons.implementations.keras_tape:train", ("keras", "tensorflow"), "keras",
        "a GradientTape in a tf.function; shows everything but dA of the output, which Keras never computes",
    ),
    Implementation(
        "keras-fit", "comparisons.implementations.keras_fit:train", ("keras", "tensorflow"), "keras",
        "the article's listing, watched by a callback; shows weights",
    ),
)  # fmt: skip

ON_REQUEST = (  # built in as well, but run only where they are named
    Implementation(
        "torch-default", "comparisons.implementations.pytorch_default:train", ("torch",), "torch",
        "the article's listing in PyTorch's own defaults; shows weights and loss; run where it is named",
    ),
)  # fmt: skip


def implementations() -> dict[str, Implementation]:
    """All that have a name: built in, then those that installed packages bring as entry points."""
    found = {one.name: one for one in (*BUILT_IN, *ON_REQUEST)}
    for point in metadata.entry_points(group=GROUP):
        found.setdefault(point.name, Implementation(point.name, point.value, says=f"from {point.value}"))
    return found


def find(name: str) -> Implementation:
    """The implementation of this name, file (`my_jax.py`, `my_jax.py:train`) or function (`package.module:train`).

    Error: UsageError for a name that there is not, and for a file that is not there.
    """
    known = implementations()
    if name in known:
        return known[name]
    target, _, function = name.rpartition(":") if ":" in name else (name, "", "train")
    if target.endswith(".py"):
        path = Path(target).expanduser().resolve()
        if not path.is_file():
            raise UsageError(f"there is no file {target}; name a Python file with a function train(experiment)")
        name = path.name if path.stem in known else path.stem
        return Implementation(name, f"{path}:{function}", says=f"from {target}")
    if ":" in name:
        return Implementation(target.rpartition(".")[2], name, says=f"from {name}")
    near = difflib.get_close_matches(name, known, n=3) or list(known)
    raise UsageError(
        f"there is no implementation {name!r}; near it are {', '.join(near)}; a file is named with its .py, a function "
        "as package.module:function"
    )


def load(implementation: Implementation) -> tuple[Callable[[Any], Any], str]:
    """Import it, here and now: its function and its LAYOUT.

    Error: UsageError where the module has no such function; what the module itself raises passes through.
    """
    import os
    import sys

    target, _, name = implementation.target.rpartition(":")
    if not target.endswith(".py") and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that nothing there shadows anything
    module = _from_file(Path(target)) if target.endswith(".py") else importlib.import_module(target)
    function = getattr(module, name, None)
    if not callable(function):
        defined = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UsageError(
            f"{target} has no function {name}(experiment); it defines {', '.join(defined) or 'no function at all'}"
        )
    return function, getattr(module, "LAYOUT", "columns")


def _from_file(path: Path) -> Any:
    """The module in a file; its folder comes last on the path, so that it shadows nothing."""
    import sys

    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"backproof_subject_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
