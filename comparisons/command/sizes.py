"""Sizes of memory as they are written: 1GiB, 512 MiB, 2000000000."""

from __future__ import annotations

import re

from comparisons.errors import UsageError
from comparisons.stored import BASE

UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
LEAST = 2 * BASE


def bytes_of(text: str) -> int:
    """The bytes. Error: UsageError for what is no size, and for one that leaves nothing to judge in."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]i?B)?", text.strip())
    if found is None:
        raise UsageError(f'--memory is "{text}"; give a size such as 1GiB or 512MiB')
    size = int(float(found[1]) * UNITS[found[2] or ""])
    if size < LEAST:
        raise UsageError(f'--memory is "{text}"; a process needs {LEAST // 2**20}MiB at least')
    return size
