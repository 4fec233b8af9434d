"""Components: which equations can be evaluated for all steps at once, and which must follow the steps.

Two equations belong together where each waits for the other through reads of hidden quantities. What is shown waits
for nobody: its value is the recorded one. So with everything shown every equation is a component of its own; with
Adam's moments hidden each moment waits for itself, from step to step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from reference.network import Equation, Network, before

DATA = ("A[0]", "Y")  # what a form may do something to on the way in


def components(equations: Sequence[Equation], shown: Collection[str]) -> list[tuple[tuple[Equation, ...], bool]]:
    """Strongly connected components, dependencies first, each in running order; True: a cycle, so scan the steps.

    An edge leads from an equation to that of each hidden quantity that it reads, of this step or of the step before.
    Source: Tarjan 1972, Depth-first search and linear graph algorithms, SIAM J. Comput. 1(2).
    """
    home = {equation.defines: number for number, equation in enumerate(equations)}
    edges = [
        [home[ref.name] for ref in equation.reads.values() if ref.name in home and ref.name not in shown]
        for equation in equations
    ]
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    found: list[tuple[tuple[Equation, ...], bool]] = []

    def visit(number: int) -> None:
        low[number] = index[number] = len(index)
        open_.append(number)
        for other in edges[number]:
            if other not in index:
                visit(other)
                low[number] = min(low[number], low[other])
            elif other in open_:
                low[number] = min(low[number], index[other])
        if low[number] == index[number]:
            at = open_.index(number)
            part = sorted(open_[at:])
            del open_[at:]
            found.append((tuple(equations[n] for n in part), len(part) > 1 or number in edges[number]))

    for number in range(len(equations)):
        if number not in index:
            visit(number)
    return found


def with_peers(
    found: list[tuple[tuple[Equation, ...], bool]], network: Network, shown: Collection[str]
) -> list[tuple[tuple[Equation, ...], bool]]:
    """The components with peers joined, dependencies first; as they were where peers wait for one another."""
    merged: dict[tuple, tuple[tuple[Equation, ...], bool]] = {}
    for equations, is_cycle in found:
        first = equations[0]
        key: tuple = tuple(e.defines for e in equations)
        if is_cycle and len(equations) == 1 and _can_have_peers(first, network) and first.defines not in shown:
            key = (first.by, tuple(sorted(first.constants.items())), tuple(r.before for r in first.reads.values()))
        merged[key] = ((*merged.get(key, ((), False))[0], *equations), is_cycle)
    home = {e.defines: number for number, (equations, _) in enumerate(merged.values()) for e in equations}
    waits_for = {
        number: {home[r.name] for e in equations for r in e.reads.values() if r.name in home and r.name not in shown}
        - {number}
        for number, (equations, _) in enumerate(merged.values())
    }
    parts, order = tuple(merged.values()), in_order(waits_for)
    return found if len(order) < len(parts) else [parts[number] for number in order]


def in_order(waits_for: Mapping[int, Collection[int]]) -> list[int]:
    """Each number after those that it waits for, those first that wait for nobody; without any that waits in a circle.

    The order is graphlib's, which takes thrice as long: a search for names asks thousands of times.
    """
    left = {number: len(others) for number, others in waits_for.items()}
    readers: dict[int, list[int]] = {number: [] for number in waits_for}
    for number, others in waits_for.items():
        for other in others:
            readers[other].append(number)
    named = dict.fromkeys(other for number, others in waits_for.items() for other in (number, *others))
    found = [number for number in named if not left[number]]
    for number in found:  # which grows
        for reader in readers[number]:
            left[reader] -= 1
            if not left[reader]:
                found.append(reader)
    return found


def _can_have_peers(equation: Equation, network: Network) -> bool:
    """Whether it is elementwise and reads, besides itself of the step before, only quantities of its own shape."""
    own = [ref for ref in equation.reads.values() if ref.before]
    return (
        getattr(equation.by, "is_elementwise", False)
        and own == [before(equation.defines)]
        and all(network.shapes[ref.name] == network.shapes[equation.defines] for ref in equation.reads.values())
    )


def hidden_behind(name: str, network: Network, shown: Collection[str]) -> set[str]:
    """The hidden quantities that a quantity is computed from."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        equation = network.by_name.get(open_.pop())
        new = {ref.name for ref in equation.reads.values()}.difference(found, shown) if equation else set()
        found |= new
        open_ += new
    return found


def are_alike(quantities: Iterable[str], one: Network, other: Network) -> bool:
    """Whether both networks compute these quantities alike: by equal equations, from equal starts and the same data."""
    for quantity in quantities:
        equation, its = one.by_name.get(quantity), other.by_name.get(quantity)
        if equation is None or its is None:
            if equation is not its or (quantity in DATA and one.batches is not other.batches):
                return False
            continue
        if equation is not its and equation.key != its.key:
            return False
        reads = [quantity, *(ref.name for ref in equation.reads.values())]
        if any(one.start.get(read) != other.start.get(read) for read in reads):
            return False
    return True
