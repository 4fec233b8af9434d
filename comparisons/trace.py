"""A trace: the quantities that an implementation showed, for every step.

Per-example quantities are one stack per distinct batch size, all others one array of all steps. On disk it is a folder
of `trace.json` and safetensors chunks, which `docs/trace.md` specifies so that any language can write one. Reading it
runs nothing: no pickle, no path outside the folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from comparisons import trace_head
from comparisons.composed import network_of
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.tensors import places_in
from reference.network import Network

KEPT = ".kept.safetensors"  # how the name of a chunk of a thinned trace ends

Stack = np.ndarray | Mapping[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class Trace:
    """What one implementation showed of one experiment.

    `shown` has an array (steps, n, n_in) for each quantity, or {m: (steps of m examples, n, m)} for per-example ones;
    `start` what the parameters were before the first step (`start_shown`: its own word for it); `first` is the number
    of the first step in it, 1 in a whole trace; `about` says with what it was recorded, and `ended` what ended the
    recording after its last step, if something did; `equations` are those that it is judged by where these are not
    the experiment's.
    """

    experiment: Experiment
    implementation: str
    shown: Mapping[str, Stack]
    start: Mapping[str, np.ndarray]
    start_shown: bool = False
    first: int = 1
    about: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""
    equations: Network | None = None

    @cached_property
    def network(self) -> Network:
        """The experiment's equations, textbook, unless it is judged by others."""
        return self.equations or network_of(self.experiment)

    @property
    def precision(self) -> str:
        return self.experiment.precision

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many examples each of its steps had."""
        return self.experiment.batch_sizes[self.first - 1 : self.first - 1 + self.n_steps]

    @cached_property
    def n_steps(self) -> int:
        """How many steps it has."""
        for stack in self.shown.values():
            return sum(map(len, stack.values())) if isinstance(stack, Mapping) else len(stack)
        return 0

    @property
    def is_whole(self) -> bool:
        """Whether it has every step of its experiment."""
        return self.first == 1 and self.n_steps == self.experiment.n_steps

    @property
    def has_gaps(self) -> bool:
        """Whether steps between its first and its last one are not there."""
        return False

    def steps_of(self, m: int) -> np.ndarray:
        """The positions (from 0) of the steps that had m examples."""
        return np.flatnonzero(self.sizes == m)

    def values(self, name: str, step: int) -> np.ndarray:
        """A quantity at one step, counted as the experiment counts, from 1."""
        at = step - self.first
        stack = self.shown[name]
        if not isinstance(stack, Mapping):
            return stack[at]
        m = int(self.sizes[at])
        return stack[m][np.searchsorted(self.steps_of(m), at)]

    def read(self, names: Iterable[str], steps: Sequence[int]) -> dict[str, list[np.ndarray]]:
        """These quantities at these steps, in ascending order."""
        return {name: [self.values(name, step) for step in steps] for name in names}

    def parts(self, after: int = 0) -> Iterator[Trace]:
        """The steps after this one, by default all, in consecutive parts that memory holds: one, if not on disk."""
        yield self if after < self.first else self.part(after + 1, self.first + self.n_steps - 1)

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every shown number of every step, some at a time, by the name of its quantity."""
        for name, stack in self.shown.items():
            yield from ((name, part) for part in (stack.values() if isinstance(stack, Mapping) else [stack]))

    def in_memory(self) -> Trace:
        """All of it in memory, where it is unless it is on disk."""
        return self

    def part(self, first: int, last: int) -> Trace:
        """The steps from `first` to `last`, both included; its start is what the step before left, where that is shown.

        Error: ValueError for steps that it does not have.
        """
        if not self.first <= first <= last < self.first + self.n_steps:
            raise ValueError(
                f"steps {first} to {last} of a trace that has {self.first} to {self.first + self.n_steps - 1}"
            )
        begin, end = first - self.first, last - self.first + 1
        if (begin, end) == (0, self.n_steps):
            return self
        shown: dict[str, Stack] = {}
        for name, stack in self.shown.items():
            if isinstance(stack, Mapping):
                places = {m: self.steps_of(m) for m in stack}
                inside = {m: stack[m][(at >= begin) & (at < end)] for m, at in places.items()}
                shown[name] = {m: part for m, part in inside.items() if len(part)}
            else:
                shown[name] = stack[begin:end]
        start = self.start
        if begin:
            start = {name: self.shown[name][begin - 1] for name in self.network.remembered if name in self.shown}
        ended = self.ended if end == self.n_steps else ""
        start_shown = self.start_shown and not begin
        return replace(self, shown=shown, start=start, start_shown=start_shown, first=first, ended=ended)

    def hiding(self, *names: str) -> Trace:
        """The same trace without these quantities."""
        return replace(self, shown={name: stack for name, stack in self.shown.items() if name not in names})


def stacked(steps: Iterable[Mapping[str, np.ndarray]], sizes: Iterable[int], network: Network) -> dict[str, Stack]:
    """The yields of consecutive steps as stacks."""
    steps, sizes = list(steps), list(sizes)
    if not steps:
        return {}
    shown: dict[str, Stack] = {}
    for name in steps[0]:
        if network.per_example(name):
            shown[name] = {
                m: _stack([step[name] for step, size in zip(steps, sizes, strict=True) if size == m])
                for m in sorted(set(sizes))
            }
        else:
            shown[name] = _stack([step[name] for step in steps])
    return shown


def _stack(arrays: list[np.ndarray]) -> np.ndarray:
    """Arrays as one; a single one, which may be large, is not copied."""
    return np.stack(arrays) if len(arrays) > 1 else arrays[0][None]


def joined(parts: Iterable[Mapping[str, Stack]]) -> dict[str, Stack]:
    """Stacks of consecutive steps, one after the other."""
    parts = list(parts)
    shown: dict[str, Stack] = {}
    if len(parts) == 1:
        return dict(parts[0])
    for name, first in parts[0].items() if parts else ():
        stacks = [part[name] for part in parts]
        if isinstance(first, Mapping):
            sizes = sorted({m for stack in stacks for m in stack})
            shown[name] = {m: np.concatenate([stack[m] for stack in stacks if m in stack]) for m in sizes}
        else:
            shown[name] = np.concatenate([stack for stack in stacks if isinstance(stack, np.ndarray)])
    return shown


def load(folder: str | Path, memory: int | None = None) -> Trace:
    """The trace in a folder; one on disk (`comparisons.stored`) where judging it takes more bytes than `memory`.

    Error: UsageError, one sentence, for what is no trace, incomplete, truncated, damaged, or of other data.
    """
    folder = Path(folder)
    head = trace_head.read(folder)
    experiment = _experiment(head, folder)
    network = network_of(experiment)
    if not head["complete"] and not head["ended"]:
        raise UsageError(
            f"{folder} is incomplete: {head['n_steps']:,} of {experiment.n_steps:,} steps were recorded; "
            "record it again"
        )
    if head["ended"] and not head["n_steps"]:
        raise UsageError(f"{folder} has no step, since its recording ended before the first: {head['ended']}")
    trace_head.check(head, folder, network, experiment)
    kept = head["kept"]
    chunks = chunks_in(folder, is_thinned=kept is not None)
    if not chunks:
        first = f"000000{KEPT if kept else '.safetensors'}"
        raise UsageError(f"{folder} has no chunks: {first} and so on are missing; record it again")
    expected = {name: tuple(shape) for name, shape in head["shown"].items()}
    start = _start(head, folder, network, experiment)
    about, ended = head["about"], head["ended"] or ""
    trace = Trace(experiment, head["implementation"], {}, start, head["start"] is not None, about=about, ended=ended)
    sizes = experiment.batch_sizes[: head["n_steps"]]
    if memory is not None or kept is not None:
        from comparisons.stored import MEMORY, columns_within, files_of, steps_within, stored  # made of traces
        from comparisons.thinned import steps_in, thinned

        may_take = MEMORY if memory is None else memory
        n_at_once = steps_within(may_take, trace)
        if kept is not None:
            files, found = files_of(chunks, expected, network)
            _check(found, folder, experiment, network, expected, sizes[steps_in(kept) - 1])
            return thinned(stored(trace, files, expected, max(1, n_at_once)), kept)
        if n_at_once < head["n_steps"]:
            files, found = files_of(chunks, expected, network)
            _check(found, folder, experiment, network, expected, sizes)
            columns = None if n_at_once else columns_within(may_take, trace)
            return stored(trace, files, expected, max(1, n_at_once), columns)
    shown = joined(chunk_of(path, expected, network) for path in chunks)
    _check(measured(shown), folder, experiment, network, expected, sizes)
    return replace(trace, shown=shown)


def chunks_in(folder: Path, *, is_thinned: bool) -> list[Path]:
    """The chunks of the whole trace in a folder, or those of the thinned one, in their order."""
    ending = KEPT if is_thinned else ".safetensors"
    return [path for path in sorted(folder.glob(f"*{ending}")) if path.name.removesuffix(ending).isdecimal()]


def _experiment(head: Mapping[str, Any], folder: Path) -> Experiment:
    for section in head["experiment"].values():
        for field_name in ("file", "test_file"):
            file = section.get(field_name) if isinstance(section, dict) else None
            if isinstance(file, str) and Path(file).name != file:
                raise UsageError(f"{folder}/trace.json names the file {file!r}, which is not in the trace's own folder")
    try:
        experiment = Experiment.from_json(head["experiment"], folder)
    except UsageError as error:
        raise UsageError(f"{folder}/trace.json describes no experiment: {error}") from None
    if experiment.digest != head["digest"]:
        raise UsageError(
            f"{folder} was recorded on other data, start values or batches than its experiment describes: "
            f"digest {head['digest'][:12]}… instead of {experiment.digest[:12]}…; record it again"
        )
    return experiment


def _tensors(path: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load_file

    try:
        if names is None:
            return load_file(path)
        with safe_open(path, framework="numpy") as file:
            return {key: file.get_tensor(key) for key in file.keys() if key.partition(" of ")[0] in names}  # noqa: SIM118
    except FileNotFoundError:
        raise UsageError(f"{path} is missing, but trace.json names it") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged, no safetensors file, or of a type that NumPy lacks: {error}") from None


def chunk_of(
    path: Path, expected: Mapping[str, tuple], network: Network, names: Collection[str] | None = None
) -> dict[str, Stack]:
    """What is shown of the steps of a chunk, or these quantities of it alone.

    Error: UsageError where it is not what trace.json says.
    """
    return _by_name(path, _tensors(path, names), expected, network, names)


def places_of(path: Path, expected: Mapping[str, tuple], network: Network) -> dict[str, Any]:
    """Where in a chunk it is, as `chunk_of` has it; nothing of it is read.

    Error: as `chunk_of`.
    """
    return _by_name(path, places_in(path), expected, network)


def _by_name(
    path: Path, tensors: Mapping[str, Any], expected: Mapping[str, tuple], network: Network,
    names: Collection[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a chunk holds by quantity, and by batch size where it has an entry per example."""
    shown: dict[str, Any] = {}
    for key, array in tensors.items():
        name, _, m = key.partition(" of ")
        if name not in expected or name not in network.shapes:
            raise UsageError(
                f"{path} holds {key}, which trace.json does not list as shown; the two do not belong together"
            )
        if network.per_example(name) != bool(m) or (m and not m.isdecimal()):
            raise UsageError(f'{path} holds "{key}"; per-example quantities are named "{name} of 32", others "{name}"')
        if array.shape[1:] != network.shape(name, int(m or 0)):
            raise UsageError(
                f"{path}: {key} has the shape {array.shape}, expected (steps, "
                f"{', '.join(map(str, network.shape(name, int(m or 0))))})"
            )
        if m:
            shown.setdefault(name, {})[int(m)] = array
        else:
            shown[name] = array
    missing = set(expected if names is None else names) - set(shown)
    if missing:
        raise UsageError(f"{path} lacks {', '.join(sorted(missing))}, which trace.json lists as shown")
    return shown


def _start(head: Mapping[str, Any], folder: Path, network: Network, experiment: Experiment) -> dict[str, np.ndarray]:
    if head["start"] is None:
        return experiment.initial()
    if Path(head["start"]).name != head["start"]:
        raise UsageError(
            f"{folder}/trace.json names the file {head['start']!r}, which is not in the trace's own folder"
        )
    start = _tensors(folder / head["start"])
    expected = {name: network.shape(name, 0) for name in network.parameters}
    actual = {name: value.shape for name, value in start.items()}
    if actual != expected:
        raise UsageError(f"{folder / head['start']} must hold {expected}, but holds {actual}")
    return start


def measured(shown: Mapping[str, Any]) -> dict[str, dict[int, tuple[int, str]]]:
    """Of each quantity by batch size, 0 where it has no entry per example: how many steps, and their precision."""
    stacks = {name: stack if isinstance(stack, Mapping) else {0: stack} for name, stack in shown.items()}
    return {name: {m: (x.shape[0], str(x.dtype)) for m, x in stack.items()} for name, stack in stacks.items()}


def _check(
    found: Mapping[str, Mapping[int, tuple[int, str]]], folder: Path, experiment: Experiment, network: Network,
    names: Iterable[str], of_steps: np.ndarray,
) -> None:  # fmt: skip
    """Refuse a trace that lacks some of its steps, whose batch sizes these are, or is in another precision than its
    experiment."""
    n_steps, each = len(of_steps), np.unique(of_steps, return_counts=True)
    sizes = {int(m): int(n) for m, n in zip(*each, strict=True)}
    for name in names:
        lengths = {m: n for m, (n, _) in found.get(name, {}).items()}
        if lengths != (sizes if network.per_example(name) else {0: n_steps}):
            raise UsageError(
                f"{folder} is truncated: {name} has {sum(lengths.values()):,} of {n_steps:,} steps; record it again"
            )
        for _, precision in found[name].values():
            if precision != experiment.precision:
                raise UsageError(
                    f"{folder}: {name} is {precision}, but the experiment's precision is {experiment.precision}"
                )
