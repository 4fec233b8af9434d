"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # and not exit status 1, which means a disagreement


def console_of() -> Console:
    """The terminal as it is; elsewhere, wide enough that no number is cut."""
    console = _Console()
    return console if console.is_terminal else _Console(width=140)
