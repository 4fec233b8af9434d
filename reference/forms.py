"""Forms: fine print and mistakes are changed equations.

Keras adds Adam's epsilon before the bias correction: a dialect, a legitimate other form, with its source. Forgetting
the 1/m is a mistake, a form that is wrong. A form is chosen whole, for all layers and steps: if every equation chose
its own, a 1/m applied twice would go unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from reference.alphabet import Array
from reference.network import Equation, Group, Network, Ref, arguments, in_running_order


def everywhere(equation: Equation, network: Network) -> bool:
    """Every equation of the function that is changed."""
    return True


@dataclass(frozen=True, eq=False)
class Change:
    """Every equation that uses `of` uses `to`, reads something else, or has another number or another start.

    Reads and constants that `to` does not take are dropped. `start`: what the quantity holds before step 1. Where `of`
    is None, it is whatever equation `only` picks, in any form; `wrap` makes the new function from the old one.
    """

    of: Callable[..., Array] | None = None
    to: Callable[..., Array] | None = None
    wrap: Callable[[Callable[..., Array]], Callable[..., Array]] | None = None
    reads: Mapping[str, Callable[[Equation], Ref]] = field(default_factory=dict)
    constants: Mapping[str, Callable[[float], float]] = field(default_factory=dict)
    start: float | None = None
    only: Callable[[Equation, Network], bool] = everywhere

    def hits(self, network: Network) -> tuple[Equation, ...]:
        """The equations that it changes."""
        return tuple(e for e in network.equations if self.of in (None, e.by) and self.only(e, network))

    def alters(self, equation: Equation, network: Network) -> bool:
        """Whether the equation comes out different, or starts from another value."""
        starts_elsewhere = self.start not in (None, network.start.get(equation.defines))
        return starts_elsewhere or self.apply(equation).key != equation.key

    def apply(self, equation: Equation) -> Equation:
        """The equation, changed."""
        to = self.to or (self.wrap(equation.by) if self.wrap else equation.by)
        names, numbers = arguments(to)
        reads = {**equation.reads, **{name: choose(equation) for name, choose in self.reads.items()}}
        constants = dict(equation.constants)
        for name, number in self.constants.items():
            constants[name] = number(constants.get(name, 0.0))
        return replace(
            equation,
            by=to,
            reads={name: ref for name, ref in reads.items() if name in names},
            constants={name: value for name, value in constants.items() if name in numbers},
        )


@dataclass(frozen=True, eq=False)
class Form:
    """A dialect or a mistake: all of its changes or none. Dialects of one `choice` exclude each other.

    `adds` brings quantities of its own (AMSGrad's maximum), `batches` is what it does to the data on the way in.
    `says` is its explanation in a paragraph, `source` the file and symbol where somebody computes so. `family` is what
    it is a variant of, and `variant` which, in words, such as "λ = 0.01".
    """

    name: str
    kind: Literal["dialect", "mistake"]
    changes: tuple[Change, ...]
    choice: str = ""
    says: str = ""
    source: str = ""
    adds: Callable[[Network], Group] | None = None
    batches: Callable[[Iterator], Iterator] | None = None
    family: str = ""
    variant: str = ""

    @property
    def is_late(self) -> bool:
        """Whether it changes whatever equation is there: then forms that name what they change come before it."""
        return bool(self.changes) and all(change.of is None for change in self.changes)

    def applies_to(self, network: Network) -> bool:
        """Whether each of its changes finds an equation, and one of them or the batches come out different."""
        hits = [(change, change.hits(network)) for change in self.changes]
        if not all(equations for _, equations in hits):
            return False
        return (
            self.batches is not None
            or self.adds is not None
            or any(change.alters(equation, network) for change, equations in hits for equation in equations)
        )


def in_form(network: Network, *forms: Form) -> Network:
    """The network with its equations in these forms.

    Error: ValueError where two forms are of one choice, or a form changes nothing in this network.
    """
    choices = [form.choice for form in forms if form.choice]
    for choice in choices:
        if choices.count(choice) > 1:
            named = " and ".join(form.name for form in forms if form.choice == choice)
            raise ValueError(f"{named} exclude each other: both say {choice}")
    for form in forms:
        if not form.applies_to(network):
            raise ValueError(f"{form.name} changes nothing here: {_missing(form, network)}")
        if form.adds:
            group = form.adds(network)
            for name in group.shapes:
                if name in network.shapes:
                    raise ValueError(f"{form.name} brings {name}, which is there already")
            network = replace(
                network,
                equations=in_running_order((*network.equations, *group.forward, *group.backward, *group.update)),
                shapes={**network.shapes, **group.shapes},
                start={**network.start, **group.start},
            )
        if form.batches:
            network = replace(network, batches=form.batches)
        network = _changed(network, form.changes)
    return network


def _changed(network: Network, changes: Iterable[Change]) -> Network:
    """The network with all changes of a form, each of which finds its equations in the network as it was."""
    changed: dict[str, Equation] = {}
    start = dict(network.start)
    for change in changes:
        for equation in change.hits(network):
            changed[equation.defines] = change.apply(changed.get(equation.defines, equation))
            if change.start is not None:
                start[equation.defines] = change.start
    equations = (changed.get(e.defines, e) for e in network.equations)
    return replace(network, equations=in_running_order(equations), start=start)


def _missing(form: Form, network: Network) -> str:
    without = [change.of for change in form.changes if not change.hits(network)]
    names = ", ".join(of.__name__ if of else "what it changes" for of in without)
    return f"no equation uses {names}" if without else "its numbers are the network's own"
