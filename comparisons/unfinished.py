"""A network that is being written: it shows some quantities, but not yet what the parameters are after a step.

What the parameters are is then a guess. As long as the update is not written they stay what they were, so this is tried
first, on all steps; then that they are moved as the article moves them, for as many steps as balls stay narrow.
"""

from __future__ import annotations

from dataclasses import replace

from comparisons.certificate import Certificate
from comparisons.certifying import certify
from comparisons.goings import Progress
from comparisons.trace import Trace
from comparisons.wording import first_broken
from reference.alphabet import Array
from reference.forms import Change, Form, in_form
from reference.network import Equation, Network, before, elementwise

N_STEPS = 12  # that hidden parameters are followed


@elementwise
def unmoved(theta: Array) -> Array:
    """theta"""
    return theta


def in_place(trace: Trace) -> Trace:
    """The trace, its equations but that the hidden parameters stay what they were at the start."""
    hidden = {name for name in trace.network.parameters if name not in trace.shown}

    def is_hidden(equation: Equation, network: Network) -> bool:
        return equation.defines in hidden

    def itself(equation: Equation) -> object:
        return before(equation.defines)

    still = Change(to=unmoved, reads={"theta": itself}, only=is_hidden)  # type: ignore[dict-item]
    return replace(trace, equations=in_form(trace.network, Form("unmoved", "dialect", (still,))))


def certified(trace: Trace, progress: Progress | None = None) -> tuple[Certificate, str]:
    """The certificate, and the equation to be written next: none where every parameter is shown after its step."""
    if not trace.n_steps or set(trace.network.parameters) <= set(trace.shown):
        return certify(trace, progress=progress), ""
    following = str(upcoming(trace.network, set(trace.shown)))
    unmoving = in_place(trace)
    still = certify(unmoving, naming=False)
    row = first_broken(still.rows)
    if row is None:
        return still, following
    if row.first_broken == trace.first:  # where nothing can have moved yet
        first = unmoving.part(trace.first, trace.first)
        is_alike = certify(first, naming=False).broken() == still.broken()
        return certify(unmoving if is_alike else first), following
    last = min(trace.n_steps, N_STEPS) + trace.first - 1
    followed = trace.part(trace.first, last)
    if _holds_how_long(certify(followed, naming=False)) >= _holds_how_long(still):
        return certify(followed), following
    return certify(unmoving), following


def upcoming(network: Network, shown: set[str]) -> Equation:
    """The first equation, in the network's order, that is neither shown nor needed for what is shown of its step."""
    passed: set[str] = set()
    open_ = [name for name in shown if name in network.by_name]
    while open_:
        name = open_.pop()
        if name not in passed:
            passed.add(name)
            reads = network.by_name[name].reads.values()
            open_ += [ref.name for ref in reads if not ref.before and ref.name in network.by_name]
    return next(e for e in network.equations if e.defines not in passed and network.shapes[e.defines])


def _holds_how_long(certificate: Certificate) -> tuple[float, int]:
    """Until which step everything holds, and how few quantities are broken."""
    row = first_broken(certificate.rows)
    if row is None:
        return float("inf"), 0
    return float(row.first_broken or 0), -len(certificate.broken())
