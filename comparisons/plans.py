"""Plans: which equations are judged together, and in what order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from comparisons.components import DATA, components, with_peers
from reference.network import Equation, Network, before


@dataclass(frozen=True, eq=False)
class Component:
    """Equations that are judged together; equal keys give equal outcomes."""

    equations: tuple[Equation, ...]
    is_cycle: bool
    key: tuple

    @property
    def are_peers(self) -> bool:
        """Whether they are equal elementwise equations of several quantities, each waiting for itself alone."""
        wait_for_themselves = all(before(e.defines) in e.reads.values() for e in self.equations)
        return len(self.equations) > 1 and len({e.by for e in self.equations}) == 1 and wait_for_themselves


def is_by_size(network: Network, equations: tuple[Equation, ...]) -> bool:
    """Whether equations give or read an entry per example, so that steps are stacked by their number of examples."""
    names = {e.defines for e in equations} | {ref.name for e in equations for ref in e.reads.values()}
    return any(network.per_example(name) for name in names)


class Plans:
    """The plans under which a trace that shows these quantities is judged, each made once.

    Gaps: whether steps are missing. Then nothing hidden is known from the step before, and what needs it is left out.
    """

    def __init__(self, shown: Collection[str], *, has_gaps: bool = False) -> None:
        self.shown, self.has_gaps = shown, has_gaps
        self._known_keys: WeakKeyDictionary[Equation, tuple] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[Network, list[Component]] = WeakKeyDictionary()
        self._known_homes: WeakKeyDictionary[Network, dict[str, tuple]] = WeakKeyDictionary()

    def of(self, network: Network) -> list[Component]:
        """The components in the order in which they are judged; peers, which wait for themselves alone, as one."""
        if network not in self._known:
            self._known[network] = self._made(network)
        return self._known[network]

    def key_of(self, network: Network, name: str) -> tuple | None:
        """The key of the component that computes a quantity; None where nothing does."""
        if network not in self._known_homes:
            self._known_homes[network] = {e.defines: one.key for one in self.of(network) for e in one.equations}
        return self._known_homes[network].get(name)

    def _made(self, network: Network) -> list[Component]:
        shown = self.shown
        keys: dict[str, int] = {}
        plan: list[Component] = []
        for equations, is_cycle in with_peers(components(network.equations, shown), network, shown):
            defined = {e.defines for e in equations}
            behind = {ref.name for e in equations for ref in e.reads.values()} - defined
            reads_data = bool(behind & set(DATA) - set(shown))
            key = (
                tuple(self._key_of(e) for e in equations),
                tuple(network.start.get(e.defines) for e in equations),
                network.batches if reads_data else None,
                tuple(sorted((name, keys[name]) for name in behind if name in keys and name not in shown)),
            )
            keys |= dict.fromkeys(defined, hash(key))
            plan.append(Component(equations, is_cycle, (hash(key), *sorted(defined))))
        return _without_history(plan, shown) if self.has_gaps else plan

    def _key_of(self, equation: Equation) -> tuple:
        if equation not in self._known_keys:
            self._known_keys[equation] = equation.key
        return self._known_keys[equation]


def _without_history(plan: list[Component], shown: Collection[str]) -> list[Component]:
    """Those components that need nothing hidden of the step before, neither themselves nor for what they read."""
    kept, unknown = [], set[str]()
    for component in plan:
        reads = [ref for e in component.equations for ref in e.reads.values() if ref.name not in shown]
        if any(ref.before or ref.name in unknown for ref in reads):
            unknown |= {e.defines for e in component.equations}
        else:
            kept.append(component)
    return kept
