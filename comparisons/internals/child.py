"""The child process: measures facts one after the other, and tells its parent each figure as it comes.

It may be another installation's Python: it needs the standard library, NumPy, and what the facts measure.
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
import random
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.internals.catalogue import fact_of

PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy")
VECTORS = ("avx512f", "avx2", "avx")


def in_child(job: Mapping[str, Any], pipe: Any) -> int:
    """Measure the facts that the job names; what an experiment raises is told, and the next one is measured."""
    pipe.tell("ready", versions=versions(), processor=processor())
    for name in job["facts"]:
        fact = fact_of(name)
        if missing := [package for package in fact.needs if importlib.util.find_spec(package) is None]:
            pipe.tell("missing", fact=name, packages=missing)
            continue
        pipe.tell("measuring", fact=name)
        try:
            for package in fact.needs:
                importlib.import_module(package)
            _begin_anew()
            began = time.perf_counter()
            figures = {key: plain(value) for key, value in fact.measure().items()}
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            pipe.tell("raised", fact=name, reason=f"{type(error).__name__}: {said}")
        else:
            pipe.tell("measured", fact=name, figures=figures, seconds=time.perf_counter() - began)
    return 0


def _begin_anew() -> None:
    """Undo what an experiment before may have left: seeds, precisions, what NumPy warns of."""
    random.seed(0)
    np.random.seed(0)
    np.seterr(all="ignore")
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float32)
    if keras := sys.modules.get("keras"):
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        keras.utils.set_random_seed(0)


def plain(value: Any) -> Any:
    """A figure as JSON has it: NumPy's numbers and arrays become Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a figure is a number, a text or a list of them, not {type(value).__name__}")


def versions() -> dict[str, str]:
    """The versions of what there is to measure here."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {**found, "python": platform.python_version()}


def processor() -> str:
    """The processor's name, family and widest vector instructions, which machine dependent facts depend on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    widest = next((name for name in VECTORS if name in told.get("flags", "").split()), "")
    parts = (told.get("model name", platform.machine()), f"family {told.get('cpu family', '?')}", widest)
    return ", ".join(part for part in parts if part)
