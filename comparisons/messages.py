"""The sentences of `backproof check`, `mistakes` and `explain`, and of the pytest plugin; the others are in wording.py.

Standard library only.
"""

from __future__ import annotations

import textwrap
from typing import Any

WIDTH = 110


def entry_text(entry: Any) -> str:
    """A known mistake or a dialect: what it is, the wrong line and the right one, how it shows, where it was seen."""
    where = f"in {entry.equation}" if not entry.choice else f"in {entry.equation}: {entry.choice}"
    lines = [f"{entry.name}  ({entry.kind} {where})", _paragraph(entry.says, "  ")]
    for label, text in (("wrong", entry.wrong), ("right", entry.right)):
        lines += [f"  {label if number == 0 else '':<9} {line}" for number, line in enumerate(text.splitlines())]
    for before, after in entry.changes:
        lines += [f"  article   {before}", f"  becomes   {after}"]
    for label, text in (("shows", entry.shows), ("seen", entry.seen), ("source", entry.source)):
        if text:
            lines.append(_paragraph(text, f"  {label:<9} "))
    return "\n".join(lines)


def _paragraph(text: str, head: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
