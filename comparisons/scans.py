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
from comparisons.waiting import Recurrence, as_one
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
        waiting: list[Request] = []
        for number, walk in list(walks.items()):
            for component, outcome in walk.on():
                yield number, component, outcome
                if is_enough(outcome):
                    break
            else:
                if walk.waits_for:
                    waiting += walk.waits_for
                    continue
            del walks[number]
        judging.keep(scanned(judging, waiting))


class _Walk:
    """One network on its way through its components, as far as peers that must be scanned."""

    def __init__(self, judging: Judging, network: Network, components: Sequence[Component]) -> None:
        self.judging, self.network, self.components = judging, network, list(components)
        self.hidden: dict[str, Stacks] = {}
        self.waits_for: list[Request] = []

    def on(self) -> Iterator[tuple[Component, Outcome]]:
        """Go on until the end, or until it waits."""
        self.waits_for = []
        while self.components:
            component = self.components[0]
            if component.are_peers and not self.judging.knows(component):
                self._forget()
                self.waits_for = requests(self.judging, self.network, self.components, self.hidden)
                return
            del self.components[0]
            yield component, self.judging.outcome(self.network, component, self.hidden)

    def _forget(self) -> None:
        """Let go of what is hidden and nothing reads any more, while others go on."""
        read = {ref.name for c in self.components for e in c.equations for ref in e.reads.values()}
        self.hidden = {name: stacks for name, stacks in self.hidden.items() if name in read}


def requests(
    judging: Judging, network: Network, components: Sequence[Component], hidden: Mapping[str, Stacks]
) -> list[Request]:
    """The first of these components, which are peers, and those peers right after it that do not wait for them."""
    found: list[Request] = []
    defined: set[str] = set()
    for component in components:
        reads = {ref.name for e in component.equations for ref in e.reads.values() if not ref.before}
        if not component.are_peers or reads & defined:
            break
        defined |= {e.defines for e in component.equations}
        if not judging.knows(component):
            found.append(Request(network, component, hidden))
    return found


def scanned(judging: Judging, waiting: Sequence[Request]) -> dict[tuple, tuple[dict[str, Stacks], Ball]]:
    """By the key of each component the stacks of its quantities, and the last ball of all of them side by side."""
    found: dict[tuple, tuple[dict[str, Stacks], Ball]] = {}
    recurrences = {request.component.key: (_recurrence(judging, request), request) for request in waiting}
    for scan in _scans(list(recurrences.values())):
        whole = as_one([recurrence for recurrence, _ in scan])
        balls = [whole.first, *whole.steps(judging.trace.n_steps)]
        last = balls[-1]
        mid, radius = np.concatenate([b.mid for b in balls]), np.concatenate([b.radius for b in balls])
        del balls
        end = 0
        for _, request in scan:
            begin = end
            of_it: dict[str, Stacks] = {}
            for equation, n in zip(request.component.equations, _sizes(request), strict=True):
                shape, columns = request.network.shape(equation.defines, 0), slice(end, end := end + n)
                mids, radii = (array[:, columns].reshape(-1, *shape) for array in (mid, radius))
                of_it[equation.defines] = {0: Ball(mids, radii, judging.precision)}
            found[request.component.key] = (of_it, last[:, begin:end])
    return found


def _scans(waiting: Sequence[tuple[Recurrence, Request]]) -> Iterator[list[tuple[Recurrence, Request]]]:
    """What can be scanned as one, and is not too many numbers."""
    by_key: dict[tuple, list[tuple[Recurrence, Request]]] = {}
    for recurrence, request in waiting:
        by_key.setdefault(recurrence.key, []).append((recurrence, request))
    for group in by_key.values():
        pending: list[tuple[Recurrence, Request]] = []
        n_pending = 0
        for recurrence, request in group:
            if pending and n_pending + recurrence.size > AT_ONCE:
                yield pending
                pending, n_pending = [], 0
            pending.append((recurrence, request))
            n_pending += recurrence.size
        yield pending


def _recurrence(judging: Judging, request: Request) -> Recurrence:
    """The equation of these peers, all of them side by side."""
    first = request.component.equations[0]
    own = next(name for name, ref in first.reads.items() if ref.before)
    now = {name: side_by_side(_read(judging, request, name)) for name, ref in first.reads.items() if not ref.before}
    return Recurrence.of(first.by, own, side_by_side([_start(judging, request)]), now, first.constants)


def _sizes(request: Request) -> list[int]:
    """How many numbers each of the peers has."""
    return [int(np.prod(request.network.shape(e.defines, 0))) for e in request.component.equations]


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
