"""Thinning: of a trace on disk some steps are kept, each with the step before, so that it can be judged again.

The kept steps are written beside the others, `trace.json` is replaced, and only then the others go. So whenever it is
interrupted, by a disk that fills up too, what lies there is the whole trace or the thinned one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from comparisons.errors import UsageError
from comparisons.messages import not_thinned
from comparisons.saving import CHUNK_BYTES, replace_head, tensors_of
from comparisons.stored import OnDisk, Stored
from comparisons.thinned import Ranges, chosen, steps_in
from comparisons.trace import KEPT, Stack, chunks_in, joined, load

Keep = Literal["all", "worst"] | int


def thin(folder: Path, keep: Keep, rows: Iterable[Any] = ()) -> None:
    """Keep of the trace in a folder every so-manieth step, or the worst and the first broken ones in these rows.

    Error: UsageError where it cannot be written; the trace is then whole as it was.
    """
    trace = load(folder, memory=1) if keep != "all" else None
    if not isinstance(trace, Stored) or trace.has_gaps:
        return
    n_steps = trace.n_steps
    kept = ranges_of(range(keep, n_steps, keep) if isinstance(keep, int) else named_in(rows), n_steps)
    if kept == ((1, n_steps),):
        return
    from safetensors import SafetensorError

    try:
        _write(trace, folder, kept)
    except (OSError, SafetensorError) as error:  # safetensors has an error of its own
        _take_away(folder)
        raise UsageError(not_thinned(folder, str(getattr(error, "strerror", None) or error))) from None
    except BaseException:
        _take_away(folder)
        raise
    for path in chunks_in(folder, is_thinned=False):
        with suppress(OSError):  # what stays is no part of the trace any more
            path.unlink()


def named_in(rows: Iterable[Any]) -> set[int]:
    """The steps of the worst number and of the first broken one of each quantity."""
    return {step for row in rows if row.checked for step in (row.step, row.first_broken) if step}


def ranges_of(steps: Iterable[int], n_steps: int) -> Ranges:
    """These steps, the first and the last, each with the step before, as ranges."""
    ranges: list[tuple[int, int]] = []
    for step in sorted({1, *steps, n_steps}):
        begin = max(1, step - 1)
        if ranges and begin <= ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], step
        else:
            ranges.append((begin, step))
    return tuple(ranges)


def _write(trace: Stored, folder: Path, kept: Ranges) -> None:
    """Write the kept steps, file after file, and say that they are the trace."""
    from safetensors.numpy import save_file

    _take_away(folder)
    for number, shown in enumerate(_portions(trace, kept)):
        save_file(tensors_of(shown), folder / f"{number:06}{KEPT}")
    path = folder / "trace.json"
    head = json.loads(path.read_text(encoding="utf-8"))
    replace_head(path, head | {"kept": [list(one) for one in kept]})


def _portions(trace: Stored, kept: Ranges) -> Iterator[dict[str, Stack]]:
    """What is shown of the kept steps, as much at a time as one chunk has."""
    assert isinstance(trace.shown, OnDisk)
    is_kept = np.zeros(trace.n_steps, bool)
    is_kept[steps_in(kept) - 1] = True
    pending: list[dict[str, Stack]] = []
    n_bytes = 0
    for file in trace.files:
        wanted = is_kept[file.begin : file.end]
        if wanted.any():
            pending.append(chosen(trace.shown.read(file), wanted, trace.sizes[file.begin : file.end]))
            n_bytes += sum(part.nbytes for stack in pending[-1].values() for part in _arrays(stack))
        if n_bytes >= CHUNK_BYTES:
            yield joined(pending)
            pending, n_bytes = [], 0
    if pending:
        yield joined(pending)


def _arrays(stack: Stack) -> Iterable[np.ndarray]:
    return stack.values() if isinstance(stack, Mapping) else [stack]


def _take_away(folder: Path) -> None:
    """What was written of a thinned trace, as long as trace.json does not say that it is the trace."""
    head = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    chunks = [] if head.get("kept") else chunks_in(folder, is_thinned=True)
    for path in (*chunks, folder / "trace.json.new"):
        with suppress(OSError):
            path.unlink(missing_ok=True)
