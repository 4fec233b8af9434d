"""The journal: how far certifying a trace on disk has come, beside the trace, so that the next start goes on there.

It has the goings that are finished, and of the running one what its last whole part left: counts, rows, the last balls
of what is hidden. It holds for this trace, divided like this, judged by this code on this machine. Anything else in its
place is left unused, and so is one that is damaged: it is data, and can run nothing.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from comparisons import journal_file
from comparisons.certificate import Row
from comparisons.journal_file import Ended, Judged, Left, Running
from comparisons.recording import environment
from comparisons.stored import Stored
from comparisons.trace import Trace

FILE = "certifying.safetensors"
EVERY = 2.0  # seconds after which it is written anew
SHARE = 0.01  # of the time, at most, goes into that: what is hidden in a large network takes long to write
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # where there is no journal, and no word of it


class Journal:
    """The journal beside one trace, written where a part is done and so many seconds have passed, and at each end.

    Every: so many seconds, or more where writing takes long; 0 for every part.
    `failed` says why it could not be written, if so; then there is none, and certifying goes on. `is_kept`: whether the
    next start finds one.
    """

    def __init__(self, trace: Stored, every: float = EVERY) -> None:
        self.path, self.every, self.of = trace.files[0].path.parent / FILE, every, identity(trace)
        self.failed, self.is_kept, self.is_given_up = "", False, False
        self.ended: Ended = {}
        self.running: Running | None = None
        self._has_more, self._written_at, self._took = False, time.monotonic(), 0.0
        with suppress(OSError, ValueError):
            self.ended, self.running = journal_file.read(self.path, self.of, trace.network, trace.n_steps)
            self.is_kept = True

    @classmethod
    def beside(cls, trace: Trace, every: float = EVERY) -> Journal | None:
        """That of a trace on disk; none of one that lies in memory, and is judged at once."""
        return cls(trace, every) if isinstance(trace, Stored) else None

    def rows(self, number: int, judged: Judged) -> dict[str, Row] | None:
        """The rows of a going that an earlier start finished."""
        known = self.ended.get(number)
        return dict(known[1]) if known and known[0] == judged else None

    def left(self, number: int, judged: Judged) -> Left | None:
        """What the last whole part of a going left that an earlier start did not finish."""
        return self.running[2] if self.running and self.running[:2] == (number, judged) else None

    def has_judged(self, number: int, judged: Judged, left: Left) -> None:
        """Note what a part has left."""
        tallies = {name: tally.copy() for name, tally in left.tallies.items()}
        self.running, self._has_more = (number, judged, left._replace(tallies=tallies)), True
        pause = max(self.every, self._took / SHARE) if self.every else 0.0
        if time.monotonic() - self._written_at >= pause:
            self.save()

    def has_ended(self, number: int, judged: Judged, rows: Mapping[str, Row]) -> None:
        """Note the rows of a going that has come to its end."""
        self.ended[number] = judged, dict(rows)
        self.running, self._has_more = None, True
        self.save()

    def save(self) -> None:
        """Write what is not written yet."""
        if not self._has_more or self.is_given_up:
            return
        temporary, began = self.path.with_suffix(".new"), time.monotonic()
        try:
            temporary.write_bytes(journal_file.written(self.of, self.ended, self.running))
            temporary.replace(self.path)
        except OSError as error:
            self.is_given_up, self.failed = True, "" if error.errno in READ_ONLY else str(error.strerror)
            for path in (temporary, self.path):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        self.is_kept, self._has_more, self._written_at = not self.is_given_up, False, time.monotonic()
        self._took = self._written_at - began

    def remove(self) -> None:
        """The certificate is there, so that it is of no more use."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.is_kept = False


def identity(trace: Stored) -> dict[str, Any]:
    """What a journal holds for: the trace's files and what of it is looked at, the division, the code, the machine."""
    folder = trace.files[0].path.parent
    files = [path for path in folder.iterdir() if path.suffix in (".json", ".safetensors") and path.name != FILE]
    return {
        "files": {path.name: [path.stat().st_size, path.stat().st_mtime_ns] for path in sorted(files)},
        "digest": trace.experiment.digest,
        "shown": list(trace.shown),
        "steps_at_once": trace.steps_at_once,
        "code": code(),
        "about": {**environment(), "versions": {"numpy": np.__version__}},
    }


@functools.cache
def code() -> str:
    """The version, and a digest of the sources that judge."""
    here = Path(__file__).resolve().parent
    whole = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.glob("mistakes/*.py"), *here.parent.glob("reference/*.py")]):
        whole.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    with suppress(metadata.PackageNotFoundError):
        return f"{metadata.version('backproof')} {whole.hexdigest()}"
    return whole.hexdigest()
