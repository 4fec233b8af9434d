"""The shape of what was read from a file: of which types its fields are, all the way down; standard library only.

What is expected is said in Python's own values: a type; a tuple of alternatives; `[entry]`, a list of such entries;
`{name: …}`, an object with these fields, others are let be; `{str: …}`, an object whose every field is so; `maybe(…)`
around a field that need not be there; `number`, which JSON has no infinities and no NaN for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparisons.errors import UsageError

nothing = type(None)


@dataclass(frozen=True)
class maybe:  # in small letters, since it reads like the types beside it
    """Of a field that need not be there."""

    of: Any


def number(content: Any) -> bool:
    """A number, "inf", "-inf", or null, which is NaN."""
    return content is None or type(content) in (int, float) or content in ("inf", "-inf")


def mismatches(content: Any, expected: Any, where: str = "") -> Iterator[str]:
    """What is not as expected, each in a few words with its place, such as `rows[3].worst is a str`."""
    if isinstance(expected, maybe):
        yield from mismatches(content, expected.of, where)
    elif isinstance(expected, tuple):
        if all(any(True for _ in mismatches(content, one, where)) for one in expected):
            yield from mismatches(content, expected[0], where)
    elif expected is number:
        if not number(content):
            yield f"{where} is {content!r:.40} and no number"
    elif isinstance(expected, type):
        is_truth = isinstance(content, bool) and expected in (int, float)
        is_whole = expected is float and isinstance(content, int)
        if is_truth or not (isinstance(content, expected) or is_whole):
            yield f"{where} is a {type(content).__name__} and no {expected.__name__}"
    elif isinstance(expected, list):
        if not isinstance(content, list):
            yield f"{where} is a {type(content).__name__} and no list"
        elif expected[0] is number:
            yield from (
                f"{where}[{at}] is {one!r:.40} and no number" for at, one in enumerate(content) if not number(one)
            )
        else:
            for at, one in enumerate(content):
                yield from mismatches(one, expected[0], f"{where}[{at}]")
    elif not isinstance(content, dict):
        yield f"{where or 'all of it'} is a {type(content).__name__} and no object"
    elif str in expected:
        for name, one in content.items():
            yield from mismatches(one, expected[str], f"{where}.{name}".lstrip("."))
    else:
        for name, inside in expected.items():
            place = f"{where}.{name}".lstrip(".")
            if name in content:
                yield from mismatches(content[name], inside, place)
            elif not isinstance(inside, maybe):
                yield f"{place} is missing"


def read_versioned(path: Path, version: int, shape: Mapping[Any, Any], advice: str) -> dict[str, Any]:
    """The JSON object in a file, of this version and this shape.

    Error: UsageError, one sentence, for what cannot be read, with the advice; for what is no JSON, of another version
    or of another shape, with the place.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(f"{path} cannot be read; {advice}") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}; run again") from None
    found = content.get("version") if isinstance(content, dict) else None
    if found != version:
        raise UsageError(f"{path} has version {found!r}; this Backproof reads version {version}")
    for wrong in mismatches(content, shape):
        raise UsageError(f"{path} is damaged: {wrong}; run again")
    return dict(content)
