"""Naming: which known mistakes or conventions reproduce numbers that the frameworks' dialects do not explain.

A name is given only where every recorded number of every step then lies in its ball. All that do so are listed: first
those of one form, and only where there is none, pairs whose changed equations are disjoint. A few steps are tried
first: what fails there fails in the whole trace.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from comparisons.components import are_alike, hidden_behind
from comparisons.diagnosis import Diagnosis, Forms, breaks
from comparisons.mistakes.table import variants
from comparisons.precisions import FLOAT16, FLOAT32, Precision
from comparisons.streaming import judging_of_steps
from comparisons.trace import Trace
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.network import Network

N_QUICK = 2  # steps that a name must survive before the diagnosis's probes are asked
PATIENCE = 60.0  # seconds after which pairs are no longer tried


@dataclass(frozen=True)
class Name:
    """A set of known forms that reproduces everything, and the dialects that hold beside them."""

    found: Forms
    dialects: Forms
    families: tuple[str, ...]

    @property
    def is_convention(self) -> bool:
        """Whether no mistake is in it."""
        return all(form.kind == "dialect" for form in self.found) and bool(self.found)

    @property
    def forms(self) -> Forms:
        """All of it, in an order in which each applies."""
        return _in_order(self.found, self.dialects)


class Naming:
    """The search in one trace, beside no dialects, or those of a framework, or those that leave least broken."""

    def __init__(self, trace: Trace, diagnosis: Diagnosis, patience: float = PATIENCE) -> None:
        self.trace, self.diagnosis = trace, diagnosis
        self.known = variants(trace.experiment)
        self.bases = _distinct([(), *(_of_framework(trace.network, name) for name in ("torch", "keras"))])
        last = min(trace.n_steps, N_QUICK)
        quick = judging_of_steps(trace, trace.first, trace.first + last - 1, None, diagnosis.judging.plans)
        self.probes = [quick, *diagnosis.probes, diagnosis.judging]
        self.ends_at = time.monotonic() + patience
        self.is_finite = _is_finite(trace)
        self._known_networks: dict[tuple[Forms, Forms], tuple[Network, Forms] | None] = {}

    def names(self) -> tuple[Name, ...]:
        """All known forms that reproduce everything, each on its own; none if no known one does.

        No form reproduces a number that is not finite, so that none is tried.
        """
        if not self.is_finite:
            return ()
        if coarse := self._precision():
            return (coarse,)
        for base in self.bases:
            if singles := self._singles(base):
                return singles
        return ()

    def more_names(self, dialects: Forms) -> tuple[Name, ...]:
        """The same beside the dialects that leave least broken, alone and with a framework's for what they leave open.

        If no form does it alone: pairs of mistakes.
        """
        if not self.is_finite:
            return ()
        with_others = [self._filled(dialects, base) for base in self.bases]
        for base in _distinct([dialects, *with_others]):
            if base not in self.bases and (singles := self._singles(base)):
                return singles
        for base in _distinct([dialects, *self.bases]):
            if pairs := list(self._pairs(base)):
                return tuple(self._with_less(name) for name in _one_of_each(pairs))
        return ()

    def _singles(self, base: Forms) -> tuple[Name, ...]:
        names = _one_of_each(name for form in self.known if (name := self._held((form,), base)))
        return tuple(self._with_less(name) for name in names)

    def _with_less(self, name: Name) -> Name:
        """The same with only those dialects without which something lies outside."""
        for dialect in name.dialects:
            others = tuple(other for other in name.dialects if other is not dialect)
            name = self._held(name.found, others) or name
        return name

    def _filled(self, dialects: Forms, base: Forms) -> Forms:
        """The dialects, and those of the base that change what is broken, for choices that they leave open."""
        without = self._network((), dialects)
        assert without is not None
        broken = self._broken_in(without[0])
        changing = {form for name in broken for form in self.diagnosis.that_change(name, dialects)}
        return tuple(form for form in DIALECTS if form in dialects or (form in base and form in changing))

    def next_to_show(self, names: Sequence[Name]) -> tuple[str, ...]:
        """The first quantity that is not shown, and on which the named ones do not agree."""
        networks = [self._network(name.found, name.dialects) for name in names]
        composed = [network for network, _ in filter(None, networks)]
        if len(composed) < 2:
            return ()
        for quantity in dict.fromkeys(e.defines for network in composed for e in network.equations):
            keys = {network.by_name[quantity].key if quantity in network.by_name else None for network in composed}
            can_be_shown = bool(self.trace.network.shapes.get(quantity)) and quantity not in self.trace.shown
            if len(keys) > 1 and can_be_shown:
                return (quantity,)
        return ()

    def _held(self, found: Forms, base: Forms) -> Name | None:
        """The name, if everything lies inside: probe after probe, and then in all steps, which must be judged."""
        composed = self._network(found, base)
        if composed is None:
            return None
        network, dialects = composed
        if any(probe.is_broken_as_before(network) for probe in self.probes):
            return None
        for probe in self.probes:
            try:
                if probe.is_broken(network):
                    return None
            except ValueError:  # a part that begins where what is hidden is not known
                if probe is self.diagnosis.judging:
                    return None
        return Name(found, dialects, tuple(form.family for form in found))

    def _pairs(self, base: Forms) -> Iterator[Name]:
        """Two mistakes, each of which mends something, that change different equations."""
        without = self._network((), base)
        assert without is not None
        outside = set(self._broken_in(without[0]))
        partly = []
        for form in self.known:
            if time.monotonic() > self.ends_at:
                return
            composed = None if form.kind == "dialect" else self._network((form,), base)
            if composed is None or self._mends_nothing(composed[0], without[0], outside):
                continue
            left = set(self._broken_in(composed[0]))
            if left < outside:
                partly.append((form, left, _changed(composed[0], without[0])))
        for (one, left, of_one), (other, rest, of_other) in itertools.combinations(partly, 2):
            if time.monotonic() > self.ends_at:
                return
            is_disjoint = not of_one & of_other and one.family != other.family
            if is_disjoint and not left & rest and (name := self._held((one, other), base)):
                yield name

    def _mends_nothing(self, network: Network, without: Network, outside: Iterable[str]) -> bool:
        """Whether all that was outside is judged as it was."""
        shown = self.trace.shown
        return all(are_alike((name, *hidden_behind(name, without, shown)), without, network) for name in outside)

    def _broken_in(self, network: Network) -> Iterable[str]:
        try:
            return [quantity for quantity, _ in breaks(self.probes[1], network)]
        except ValueError:
            return list(network.by_name)

    def _network(self, found: Forms, base: Forms) -> tuple[Network, Forms] | None:
        """The network in these forms, and the dialects of the base that still find their equations; None if not."""
        if (found, base) not in self._known_networks:
            self._known_networks[found, base] = self._composed(found, base)
        return self._known_networks[found, base]

    def _composed(self, found: Forms, base: Forms) -> tuple[Network, Forms] | None:
        choices = {form.choice for form in found}
        network, kept = self.trace.network, []
        for form in _in_order(found, base):
            is_base = form not in found
            if is_base and form.choice in choices:
                continue
            try:
                network = in_form(network, form)
            except ValueError:
                if is_base:
                    continue
                return None
            if is_base:
                kept.append(form)
        return network, tuple(kept)

    def _precision(self) -> Name | None:
        """A coarser precision, if every number that is shown is one of its numbers and every equation holds in it."""
        for precision in (FLOAT16, FLOAT32):
            coarser = precision.unit > self.diagnosis.judging.precision.unit
            if coarser and _all_of(self.trace, precision):
                dialects = Diagnosis(self.trace, DIALECTS, precision, self.diagnosis.goings).whole()
                if dialects is not None:
                    return Name((), dialects, (f"{precision.name}-inside",))
        return None


def _in_order(found: Forms, dialects: Forms) -> Forms:
    """Forms that name what they change, dialects, and what changes whatever is there."""
    early = tuple(form for form in found if not form.is_late)
    return (*early, *dialects, *(form for form in found if form.is_late))


def hidden_before(trace: Trace, quantity: str) -> tuple[str, ...]:
    """The hidden quantities between a broken one and what is shown before it, the nearest first: at most three."""
    network = trace.network
    found: list[str] = []
    open_ = [quantity]
    while open_:
        equation = network.by_name.get(open_.pop(0))
        for ref in equation.reads.values() if equation else ():
            is_hidden = ref.name in network.by_name and ref.name not in trace.shown and network.shapes[ref.name]
            if is_hidden and ref.name not in found and not ref.before:
                found.append(ref.name)
                open_.append(ref.name)
    return tuple(found[:3])


def _changed(network: Network, textbook: Network) -> set[str]:
    old = {e.defines: e.key for e in textbook.equations}
    return {e.defines for e in network.equations if old.get(e.defines) != e.key}


def _is_finite(trace: Trace) -> bool:
    return all(bool(np.isfinite(array).all()) for _, array in trace.arrays())


def _all_of(trace: Trace, precision: Precision) -> bool:
    """Whether every number of every quantity, but for what the experiment gives, is one of this precision."""
    own = trace.hiding("A[0]", "Y")
    return bool(own.shown) and all((precision.rounded(array) == array).all() for _, array in own.arrays())


def _of_framework(network: Network, name: str) -> Forms:
    """The first dialect of each choice that a framework's source has."""
    chosen: dict[str, Form] = {}
    for form in DIALECTS:
        if f"{name}/" in form.source and form.applies_to(network):
            chosen.setdefault(form.choice, form)
    return tuple(form for form in DIALECTS if form in chosen.values())


def _distinct(bases: Iterable[Forms]) -> list[Forms]:
    return list(dict.fromkeys(bases))


def _one_of_each(names: Iterable[Name]) -> tuple[Name, ...]:
    """The first of each family: variants that are not told apart are one mistake."""
    return tuple({name.families: name for name in reversed(list(names))}.values())[::-1]
