"""What is kept of a trace on disk, as it is written: all, worst, or a number."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from comparisons.errors import UsageError
from comparisons.messages import keep_is
from comparisons.thinning import Keep, thin


def keep_of(text: str) -> Keep:
    """What is to be kept. Error: UsageError for anything but "all", "worst", and a whole number from 1."""
    named: dict[str, Keep] = {"all": "all", "worst": "worst", "1": "all"}
    if text in named:
        return named[text]
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(keep_is(text))
    return int(text)


def thin_or_say(folder: Path, keep: Keep, rows: Iterable[Any] = ()) -> None:
    """As `thin`; where it cannot be written that is said, since it changes nothing of what was found."""
    try:
        thin(folder, keep, rows)
    except UsageError as error:
        print(f"backproof: {error}", file=sys.stderr)
