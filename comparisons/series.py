"""A series: a few numbers of every step, kept in a temporary file, so that memory does not grow with the steps."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator

import numpy as np

from comparisons.errors import UsageError
from comparisons.messages import no_room

N_AT_ONCE = 2**16  # so many numbers are read at the same time, where all of them are gone through


class Series:
    """So many float64 numbers of each step; the file is gone with whoever needs it."""

    def __init__(self, width: int) -> None:
        self.width, self.n_steps = width, 0
        self._file = tempfile.TemporaryFile(prefix="backproof-")  # noqa: SIM115  (it lives as long as this does)
        weakref.finalize(self, self._file.close)

    def add(self, numbers: np.ndarray) -> None:
        """Those of the next steps, (steps, width).

        Error: UsageError where they cannot be written.
        """
        if numbers.ndim != 2 or numbers.shape[1] != self.width:
            raise ValueError(f"a step of this series has {self.width} numbers; the shape is {numbers.shape}")
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(np.ascontiguousarray(numbers, np.float64).tobytes())
            self._file.flush()
        except OSError as error:
            raise UsageError(no_room(tempfile.gettempdir(), str(error.strerror))) from None
        self.n_steps += len(numbers)

    def read(self, first: int, last: int) -> np.ndarray:
        """Those of the steps from `first` to `last`, both included and counted from 1, (steps, width)."""
        if not 1 <= first <= last <= self.n_steps:
            raise ValueError(f"steps {first} to {last} of a series that has 1 to {self.n_steps}")
        self._file.seek(8 * self.width * (first - 1))
        found = np.frombuffer(self._file.read(8 * self.width * (last - first + 1)))
        return found.reshape(-1, self.width)

    def portions(self) -> Iterator[np.ndarray]:
        """All of them, some steps at a time."""
        n = max(1, N_AT_ONCE // self.width)
        for first in range(1, self.n_steps + 1, n):
            yield self.read(first, min(first + n - 1, self.n_steps))
