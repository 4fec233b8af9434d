"""Saving: a trace is written as it is recorded, so that what ends the recording costs no step before it.

A chunk is finished when it is large. Until then it is written again and again, if that is asked for, by a thread of
its own: the code that is recorded may hang at any step. A file is replaced whole, so a kill leaves the old one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.composed import network_of
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.trace import Stack, stacked
from comparisons.trace_head import VERSION

CHUNK_BYTES = 2**23  # a chunk is finished when its numbers reach this size


class TraceFolder:
    """Writes a trace as it is recorded; until `close` says that it is complete, `trace.json` says that it is not.

    Every: so many seconds what was shown until then is saved; without it, when a chunk is full, and at the end.
    """

    def __init__(
        self,
        folder: Path,
        experiment: Experiment,
        implementation: str,
        about: Mapping[str, Any],
        every: float | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()) and not (self.folder / "trace.json").is_file():
            raise UsageError(
                f"{folder} holds files but no trace, and what is recorded would replace them; name a new one"
            )
        for old in self.folder.glob("*.safetensors"):
            old.unlink()
        self.network = network_of(experiment)
        self.head: dict[str, Any] = {
            "version": VERSION,
            "implementation": implementation,
            "experiment": experiment.write_files(self.folder),
            "digest": experiment.digest,
            "complete": False,
            "ended": None,
            "n_steps": 0,
            "kept": None,
            "start": None,
            "shown": {},
            "batch_sizes": sorted({int(m) for m in experiment.batch_sizes}),
            "about": dict(about),
        }
        self.sizes = experiment.batch_sizes
        self.pending: list[Mapping[str, np.ndarray]] = []
        self.bytes = self.n_chunks = self.n_finished = 0
        self.every = every
        self.one_at_a_time, self.is_closed = threading.RLock(), threading.Event()
        self._write_head()
        if every is not None:
            threading.Thread(target=self._keep_saving, daemon=True).start()

    def start(self, values: Mapping[str, np.ndarray]) -> None:
        """The start values that the implementation showed."""
        from safetensors.numpy import save_file

        save_file(dict(values), self.folder / "shown-start.safetensors")
        self.head["start"] = "shown-start.safetensors"
        self._write_head()

    def step(self, values: Mapping[str, np.ndarray]) -> None:
        """The next step."""
        with self.one_at_a_time:
            self.pending.append(values)
            self.bytes += sum(value.nbytes for value in values.values())
            if self.bytes >= CHUNK_BYTES:
                self._finish_chunk()

    def save(self) -> None:
        """Write what is pending, if it was not; the chunk goes on."""
        with self.one_at_a_time:
            if not self.is_closed.is_set() and self.n_finished + len(self.pending) > self.head["n_steps"]:
                self._write_chunk()

    def close(self, *, complete: bool, ended: str = "") -> None:
        """Write what is pending; `complete` where every step was recorded, else what `ended` it, if that is known."""
        with self.one_at_a_time:
            self.is_closed.set()
            if self.pending:
                self._finish_chunk()
            self.head |= {"complete": complete, "ended": ended or None}
            self._write_head()

    def _keep_saving(self) -> None:
        """Save from time to time; what cannot be written is told where the next chunk or the end is."""
        from safetensors import SafetensorError

        while not self.is_closed.wait(self.every):
            try:
                self.save()
            except (OSError, SafetensorError):  # safetensors has an error of its own
                return

    def _finish_chunk(self) -> None:
        self._write_chunk()
        self.n_finished += len(self.pending)
        self.pending, self.bytes, self.n_chunks = [], 0, self.n_chunks + 1

    def _write_chunk(self) -> None:
        from safetensors.numpy import save_file

        sizes = [int(m) for m in self.sizes[self.n_finished : self.n_finished + len(self.pending)]]
        tensors = tensors_of(stacked(self.pending, sizes, self.network))
        temporary = self.folder / "chunk.new"
        save_file(tensors, temporary)
        temporary.replace(self.folder / f"{self.n_chunks:06}.safetensors")
        self.head["n_steps"] = self.n_finished + len(self.pending)
        self.head["shown"] = {name: list(self.network.shapes[name]) for name in self.pending[0]}
        self._write_head()

    def _write_head(self) -> None:
        replace_head(self.folder / "trace.json", self.head)


def tensors_of(shown: Mapping[str, Stack]) -> dict[str, np.ndarray]:
    """What is shown, under the names that a chunk gives it."""
    tensors: dict[str, np.ndarray] = {}
    for name, stack in shown.items():
        if isinstance(stack, Mapping):
            tensors |= {f"{name} of {m}": np.ascontiguousarray(part) for m, part in stack.items()}
        else:
            tensors[name] = np.ascontiguousarray(stack)
    return tensors


def end(folder: Path, ended: str) -> bool:
    """Say what ended a recording that could not say it itself; whether there is anything that can be certified."""
    path = Path(folder) / "trace.json"
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        if head["complete"] or head["ended"] or not head["n_steps"]:
            return bool(head["n_steps"])
        replace_head(path, head | {"ended": ended})
    except (OSError, ValueError, KeyError):
        return False
    return True


def replace_head(path: Path, head: Mapping[str, Any]) -> None:
    """Write trace.json, whole or not at all."""
    temporary = path.with_suffix(".json.new")
    temporary.write_text(json.dumps(head, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
