"""`backproof new`."""

from __future__ import annotations

from pathlib import Path

from comparisons.messages import written_line
from comparisons.skeleton import write


def new_command(file: Path) -> int:
    """Write the skeleton, and say what to do with it."""
    write(file)
    print(written_line(str(file)))
    return 0
