"""The console that commands print to, and records for programs that read what is printed."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # and not exit status 1, which means a disagreement


def console_of() -> Console:
    """The terminal as it is; elsewhere, wide enough that no number is cut."""
    console = _Console()
    return console if console.is_terminal else _Console(width=140)


def print_records(records: Sequence[Mapping[str, Any]], how: Literal["csv", "json"]) -> None:
    """Records of the same fields as CSV with a head, or as JSON; in CSV what has several parts stands with "; "."""
    if how == "json":
        print(json.dumps(records, ensure_ascii=False, indent=1))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        writer.writerow(["; ".join(map(str, c)) if isinstance(c, (list, tuple)) else c for c in record.values()])
