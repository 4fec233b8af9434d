"""Scans: hidden quantities that feed themselves through the steps, step after step, as many as possible side by side.

Peers are equal elementwise equations that each wait for themselves alone, such as the moments of all parameters. A step
of theirs costs what its calls cost, however few numbers it has; so networks in several forms are judged in one go, and
where each of them waits for peers, the peers of all are scanned together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from comparisons.balls import Ball
from comparisons.plans import Component
from comparisons.stacks import Stacks, side_by_side
from comparisons.waiting import steps_of
from reference.network import Network

if TYPE_CHECKING:
    from comparisons.judging import Judging, Outcome

AT_ONCE = 2**13  # numbers of a step, from which on it costs what it computes

Plan = tuple[Network, Sequence[Component]]


class Request(NamedTuple):
    """Peers that wait to be scanned, and what is hidden before them."""

    network: Network
    component: Component
    hidden: Mapping[str, Stacks]


def together(
    judging: Judging, plans: Sequence[Plan], is_enough: Callable[[Outcome], bool] = lambda outcome: False
) -> Iterator[tuple[int, Component, Outcome]]:
    """Judge the components of several networks, each in its order, peers of all of them side by side.

    Yields the number of the network, the component and its outcome. Is enough: whether a network may be left after it.
    """
    walks = {number: _Walk(judging, *plan) for number, plan in enumerate(plans)}
    while walks:
        waiting: dict[int, Request] = {}
        for number, walk in list(walks.items()):
            for component, outcome in walk.on():
                yield number, component, outcome
                if is_enough(outcome):
                    break
            else:
                if walk.waits_for is not None:
                    waiting[number] = walk.waits_for
                    continue
            del walks[number]
        for scan in _groups(judging, list(waiting.values())):
            judging.keep(scanned(judging, scan))


class _Walk:
    """One network on its way through its components, as far as peers that must be scanned."""

    def __init__(self, judging: Judging, network: Network, components: Sequence[Component]) -> None:
        self.judging, self.network, self.components = judging, network, list(components)
        self.hidden: dict[str, Stacks] = {}
        self.waits_for: Request | None = None

    def on(self) -> Iterator[tuple[Component, Outcome]]:
        """Go on until the end, or until it waits."""
        self.waits_for = None
        while self.components:
            component = self.components[0]
            if component.are_peers and not self.judging.knows(component):
                self._forget()
                self.waits_for = Request(self.network, component, self.hidden)
                return
            del self.components[0]
            yield component, self.judging.outcome(self.network, component, self.hidden)

    def _forget(self) -> None:
        """Let go of what is hidden and nothing reads any more, while others go on."""
        read = {ref.name for c in self.components for e in c.equations for ref in e.reads.values()}
        self.hidden = {name: stacks for name, stacks in self.hidden.items() if name in read}


def _groups(judging: Judging, requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests that can be scanned together: by one equation, in the same precisions, and not too many numbers."""
    by_key: dict[tuple, dict[tuple, Request]] = {}
    for request in requests:
        first = request.component.equations[0]
        precisions = tuple(
            sorted((name, _read(judging, request, name)[0].precision.name) for name in _reads_now(request.component))
        )
        before = tuple(sorted(name for name, ref in first.reads.items() if ref.before))
        key = (first.by, tuple(sorted(first.constants.items())), before, precisions)
        by_key.setdefault(key, {})[request.component.key] = request
    for group in by_key.values():
        pending: list[Request] = []
        n_pending = 0
        for request in group.values():
            n = sum(_sizes(request))
            if pending and n_pending + n > AT_ONCE:
                yield pending
                pending, n_pending = [], 0
            pending.append(request)
            n_pending += n
        yield pending


def scanned(judging: Judging, requests: Sequence[Request]) -> dict[tuple, tuple[dict[str, Stacks], Ball]]:
    """By the key of each component the stacks of its quantities, and the last ball of all of them side by side."""
    first = requests[0].component.equations[0]
    own = next(name for name, ref in first.reads.items() if ref.before)
    stacks = {
        name: side_by_side([ball for request in requests for ball in _read(judging, request, name)])
        for name in _reads_now(requests[0].component)
    }
    last = side_by_side([_start(judging, request) for request in requests])
    balls = [last, *steps_of(first.by, own, last, stacks, judging.trace.n_steps, first.constants)]
    last = balls[-1]
    mid, radius = np.concatenate([b.mid for b in balls]), np.concatenate([b.radius for b in balls])
    found: dict[tuple, tuple[dict[str, Stacks], Ball]] = {}
    begin = 0
    for request in requests:
        at = begin
        of_it: dict[str, Stacks] = {}
        for equation, n in zip(request.component.equations, _sizes(request), strict=True):
            shape, columns = request.network.shape(equation.defines, 0), slice(at, at := at + n)
            ball = Ball(mid[:, columns].reshape(-1, *shape), radius[:, columns].reshape(-1, *shape), judging.precision)
            of_it[equation.defines] = {0: ball}
        found[request.component.key] = (of_it, last[:, begin:at])
        begin = at
    return found


def _sizes(request: Request) -> list[int]:
    """How many numbers each of the peers has."""
    return [int(np.prod(request.network.shape(e.defines, 0))) for e in request.component.equations]


def _reads_now(component: Component) -> list[str]:
    return [name for name, ref in component.equations[0].reads.items() if not ref.before]


def _read(judging: Judging, request: Request, name: str) -> list[Ball]:
    """What each of the peers reads under this name, of all steps."""
    network, component, hidden = request
    steps = np.arange(judging.trace.n_steps)
    return [judging.values.of(network, e.reads[name], 0, steps, hidden) for e in component.equations]


def _start(judging: Judging, request: Request) -> Ball:
    """What the peers were before the first step, side by side."""
    network, component, _ = request
    carried = judging.carried.peers.get(component.key)
    return carried or side_by_side([judging.values.start_only(network, e.defines) for e in component.equations])
