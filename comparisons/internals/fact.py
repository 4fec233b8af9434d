"""A fact: something that a framework does, the experiment that measures it, and what must come out."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from comparisons.internals.expectation import meets, text_of

MEASURED_ON = "keras 3.15.1, tensorflow 2.21.0, torch 2.13.0+cpu, numpy 2.4.6"
FACTS = "comparisons.internals.facts."
MEASURED_ON_PROCESSOR = "AMD EPYC, family 25, avx512f"


@dataclass(frozen=True)
class Fact:
    """One piece of fine print.

    `matters` says who notices it, `source` where it stands ("file.py: symbol"; several with semicolons between),
    `deeper` what lies below Python. `needs` are the packages that its experiment imports, `environment` the variables
    that it must be started with; what holds on one kind of processor only `depends` on the machine. `expected` has a
    figure's name and what it must be; `of` names the dialects of the article's equations that it is about.
    """

    id: str
    area: str
    claim: str
    matters: str
    source: str
    needs: tuple[str, ...]
    expected: Mapping[str, Any]
    measure: Callable[[], Mapping[str, Any]]
    of: tuple[str, ...] = ()
    deeper: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    depends: bool = False
    on_article: bool = False
    versions: str = MEASURED_ON

    @property
    def code(self) -> str:
        """The experiment's text, after the constants and the helpers of the facts' files that it uses."""
        used = {**inspect.getclosurevars(self.measure).nonlocals, **_used(self.measure, {})}
        constants = [f"{name} = {value!r}" for name, value in used.items() if not inspect.isfunction(value)]
        helpers = [_text(value) for value in used.values() if inspect.isfunction(value)]
        return "\n\n".join(["\n".join(constants)] * bool(constants) + [*helpers, _text(self.measure)])

    def wrong(self, figures: Mapping[str, Any]) -> list[str]:
        """What is not as expected, in words; a figure that is missing or that nobody expects is wrong too."""
        names = dict.fromkeys([*self.expected, *figures])
        return [
            f"{name}: measured {_told(figures, name)}, expected {_told(self.expected, name)}"
            for name in names
            if not (name in figures and name in self.expected and meets(self.expected[name], figures[name]))
        ]


def _told(values: Mapping[str, Any], name: str) -> str:
    return text_of(values[name]) if name in values else "nothing"


def _used(function: Callable[..., Any], found: dict[str, Any]) -> dict[str, Any]:
    """The constants and functions of the facts' files that a function uses, and what these use, before them."""
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if name in found or value is function:
            continue
        if inspect.isfunction(value) and value.__module__.startswith(FACTS):
            _used(value, found)
            found[name] = value
        elif name.isupper() and isinstance(value, (int, float, str, tuple, list, dict)):
            found[name] = value
    return found


def _names(code: Any) -> list[str]:
    """The names that a function uses, and the functions in it."""
    inner = [name for part in code.co_consts if inspect.iscode(part) for name in _names(part)]
    return list(dict.fromkeys([*code.co_names, *inner]))


def _text(function: Callable[..., Any]) -> str:
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[first:])


def fact(
    name: str,
    *,
    claim: str,
    matters: str,
    source: str,
    needs: str,
    expected: Mapping[str, Any],
    **more: Any,
) -> Callable[[Callable[[], Mapping[str, Any]]], Fact]:
    """Make a fact of the experiment below; its area is its file's `AREA`.

    `needs` are packages with blanks between; Keras on its own stands for Keras on TensorFlow.
    """
    packages = needs.split()
    if "keras" in packages and not more.get("environment"):
        packages.append("tensorflow")

    def made(measure: Callable[[], Mapping[str, Any]]) -> Fact:
        area = sys.modules[measure.__module__].AREA
        return Fact(name, area, claim, matters, source, tuple(dict.fromkeys(packages)), expected, measure, **more)

    return made
