"""Steps of long work in this process: a bar on a terminal, which goes when it is done, and some plain lines elsewhere.

What is done soon is not told of.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

DRAWN_EVERY = 0.1  # seconds
SOON = 2.0  # seconds, and so long between two plain lines


class Steps:
    """How many steps are done; a context that shows it until it ends."""

    def __init__(self, console: Console | None = None, soon: float = SOON) -> None:
        self.console = console or Console(stderr=True, soft_wrap=True)
        self.soon = soon
        self.said_at = time.monotonic()
        self.drawn_at = float("-inf")
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.what, self.tenth = "", 0

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def is_due(self) -> bool:
        """Whether it is time to show it."""
        return time.monotonic() - self.drawn_at >= DRAWN_EVERY

    def show(self, what: str, step: int, n_steps: int, reached: str = "") -> None:
        """So many steps of this are done."""
        self.drawn_at = time.monotonic()
        is_new = what != self.what
        self.what = what
        if self.console.is_terminal:
            self._draw(step, n_steps, reached, is_new)
        else:
            self._say(step, n_steps, reached, is_new)

    def _draw(self, step: int, n_steps: int, reached: str, is_new: bool) -> None:
        if self.bar is None:
            columns = (
                TextColumn("{task.description}", markup=False), BarColumn(),
                TextColumn("{task.completed:,} of {task.total:,} steps{task.fields[reached]}", markup=False),
                TimeRemainingColumn(),
            )  # fmt: skip
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
        if is_new:
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.task = self.bar.add_task(self.what, total=n_steps, completed=step, reached=reached)
        assert self.task is not None
        self.bar.update(self.task, completed=step, reached=reached)

    def _say(self, step: int, n_steps: int, reached: str, is_new: bool) -> None:
        tenth = 10 * step // n_steps
        if is_new:
            self.tenth = 0
        if tenth > self.tenth and time.monotonic() - self.said_at >= self.soon:
            self.console.print(f"{self.what}: {step:,} of {n_steps:,} steps{reached}", markup=False, highlight=False)
            self.tenth, self.said_at = tenth, time.monotonic()


@contextmanager
def ending_as_ctrl_c() -> Iterator[None]:
    """Meanwhile, being asked to end (SIGTERM) is what Ctrl-C is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
