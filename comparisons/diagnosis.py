"""Diagnosis: the smallest set of known forms under which every recorded number lies in its ball.

A broken quantity can only be mended by a form that changes what its ball is computed from, so the search branches over
those forms alone. It looks at a few steps first: what fails there fails in the whole trace.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator, Sequence

from comparisons.goings import Goings
from comparisons.judging import Judging
from comparisons.precisions import Precision
from comparisons.stored import Stored
from comparisons.streaming import Streaming, judging_of, judging_of_steps
from comparisons.trace import Trace
from reference.forms import Form, in_form
from reference.network import Network

N_FIRST = 12  # steps that a candidate must pass before the whole trace is judged under it

Forms = tuple[Form, ...]


class Diagnosis:
    """The search in one trace; `judging` has the whole trace and keeps what was judged, in the trace's precision or
    a coarser one."""

    def __init__(
        self, trace: Trace, known: Sequence[Form], precision: Precision | None = None, goings: Goings | None = None
    ) -> None:
        self.trace, self.known, self.precision = trace, tuple(known), precision
        self.goings = goings or Goings()
        self.judging = judging_of(trace, precision, goings=self.goings)
        self._known_networks: dict[Forms, Network | None] = {(): trace.network}
        self._known_broken: dict[tuple, dict[str, int]] = {}
        self._known_keys: dict[frozenset[str], dict[str, tuple] | None] = {}
        self._known_hits: dict[Form, frozenset[str]] = {}
        self._known_behind: dict[str, frozenset[str]] = {}
        self._known_changes: dict[frozenset[str], dict[str, list[Form]]] = {}
        n_first = _n_first(trace)
        self.probes: list[Judging | Streaming] = [
            self.judging if trace.n_steps <= n_first else self._of_steps(trace.first, trace.first + n_first - 1)
        ]

    def whole(self) -> Forms | None:
        """The smallest set of forms that leaves nothing outside; None where no set does.

        Smaller sets come first. One broken quantity is enough to leave a set for those that may mend it.
        """
        queue: deque[Forms] = deque([()])
        seen = {frozenset[Form]()}
        while queue:
            forms = queue.popleft()
            network = self._network(forms)
            if network is None:
                continue
            broken = self._first_broken(network)
            if broken is None:
                return forms
            for form in self._that_may_change(broken, forms):
                if (more := frozenset((*forms, form))) not in seen:
                    seen.add(more)
                    queue.append(self._ordered(tuple(more)))
        return None

    def _first_broken(self, network: Network) -> str | None:
        """A broken quantity, if there is any; what breaks outside of the probes brings one more probe."""
        for probe in self.probes:
            if found := next(breaks(probe, network), None):
                return found[0]
        if found := next(breaks(self.judging, network), None):
            self.probes.append(self._around(found[1]))
            return found[0]
        return None

    def _that_may_change(self, name: str, forms: Forms) -> Iterator[Form]:
        """Forms of open choices that change an equation behind a quantity, through what is hidden."""
        taken = {form.choice for form in forms if form.choice}
        behind = self._behind(name)
        for form in self.known:
            if form not in forms and form.choice not in taken:
                if form not in self._known_hits:
                    hits = {e.defines for change in form.changes for e in change.hits(self.trace.network)}
                    self._known_hits[form] = frozenset(hits)
                if self._known_hits[form] & behind:
                    yield form

    def _behind(self, name: str) -> frozenset[str]:
        """The quantity and the hidden ones that it is computed from."""
        if name not in self._known_behind:
            found, open_ = {name}, [name]
            while open_:
                equation = self.trace.network.by_name.get(open_.pop())
                for ref in equation.reads.values() if equation else ():
                    if ref.name not in found and ref.name not in self.trace.shown:
                        found.add(ref.name)
                        open_.append(ref.name)
            self._known_behind[name] = frozenset(found)
        return self._known_behind[name]

    def smallest(self) -> Forms:
        """The smallest set of forms that leaves nothing outside; where none does, the one that leaves the least.

        The least is counted in quantities, so that one cause that is not known is not hidden by forms that move it;
        among equals, what breaks holds as long as it can.
        What breaks in the probes is known; where something else breaks later, these steps are one more probe.
        """
        while True:
            forms = self._search()
            broken_at = self._first_broken_step(forms, known=set(self._broken_under(forms)))
            if broken_at is None:
                return forms
            self.probes.append(self._around(broken_at))

    def knows(self, forms: Forms) -> None:
        """Take up forms that were found elsewhere; a form that changes whatever is there comes after all others."""
        new = [form for form in forms if form not in self.known]
        late = [form for form in new if form.is_late]
        self.known = (*(form for form in new if form not in late), *self.known, *late)

    def not_told_apart(self, forms: Forms) -> dict[str, tuple[str, ...]]:
        """For each choice in which more than one form holds alike: their names, "textbook" among them.

        The whole trace is judged under each alternative; forms and network are the ones that were found.
        """
        alike: dict[str, tuple[str, ...]] = {}
        seen = self._keys(forms)
        options: dict[str, list[Forms]] = {}
        for choice in dict.fromkeys(form.choice for form in self.known if form.choice):
            others = tuple(form for form in forms if form.choice != choice)
            of_it: list[Forms] = [others, *(self._ordered((*others, f)) for f in self.known if f.choice == choice)]
            options[choice] = [option for option in of_it if set(option) == set(forms) or self._may_hold(option, seen)]
        networks = [self._network(option) for of_it in options.values() for option in of_it]
        self.judging.prepare(network for network in networks if network is not None)
        for choice, of_it in options.items():
            names = [
                next((f.name for f in option if f.choice == choice), "textbook")
                for option in of_it
                if set(option) == set(forms) or self._holds(option)
            ]
            if len(names) > 1:
                alike[choice] = tuple(names)
        return alike

    def as_small(self, forms: Forms) -> dict[str, tuple[str, ...]]:
        """Where no set explains everything: for each choice made, the forms that leave as few quantities broken.

        Only where these are not the same ones, so that what is broken hangs on the choice; the first is the one made.
        """
        alike: dict[str, tuple[str, ...]] = {}
        least = self._left(forms, at_most=len(self.trace.network.by_name))
        for form in filter(lambda form: form.choice, forms):
            others = [other for other in self.known if other.choice == form.choice and other is not form]
            rest = tuple(other for other in forms if other is not form)
            left = {other.name: self._left(self._ordered((*rest, other)), at_most=len(least)) for other in others}
            names = [name for name, broken in left.items() if broken]
            if any(left[name] != least for name in names):
                alike[form.choice] = (form.name, *names)
        return alike

    def _left(self, forms: Forms, at_most: int) -> frozenset[str]:
        """The quantities that are broken in the whole trace; none if they are more, or a form changes nothing."""
        network = self._network(forms)
        if network is None or len(self._broken_under(forms)) > at_most:
            return frozenset()
        broken = frozenset(name for name, _ in breaks(self.judging, network))
        return broken if len(broken) <= at_most else frozenset()

    def _may_hold(self, option: Forms, seen: dict[str, tuple] | None) -> bool:
        """Whether it holds in the probes, and any shown quantity would be judged otherwise under it."""
        keys, network = self._keys(option), self._network(option)
        if network is None or keys is None:
            return False
        if all(keys.get(name) == (seen or {}).get(name) for name in self.trace.shown):
            return False
        return not any(next(breaks(probe, network), None) for probe in self.probes)

    def _holds(self, forms: Forms) -> bool:
        network = self._network(forms)
        return network is not None and next(breaks(self.judging, network), None) is None

    def _search(self) -> Forms:
        """Best first: fewest quantities given up as broken, then fewest forms, with a bound on how many more it takes.

        Any set of forms that mends a quantity has one that changes what the quantity is computed from. So each state
        branches over the forms that do so for one broken quantity, the one with the fewest, or gives that one up.
        """
        best: tuple[tuple[int, int], Forms] | None = None
        count = itertools.count()
        queue: list[tuple[tuple[int, int], int, Forms, frozenset[str]]] = [((0, 0), next(count), (), frozenset())]
        seen: set[tuple[frozenset[str], frozenset[str]]] = set()
        while queue:
            cost, _, forms, given_up = heapq.heappop(queue)
            if best is not None and cost > best[0]:
                break
            broken = self._broken_under(forms)
            score = (len(broken), len(forms))
            if best is None or score < best[0]:
                best = (score, forms)
            if not broken:
                return forms
            options = {name: self.that_change(name, forms) for name in broken if name not in given_up}
            if not options:
                continue
            if without_any := frozenset(name for name in options if not options[name]):
                following = [(forms, given_up | without_any)]
            else:
                name = min(options, key=lambda quantity: len(options[quantity]))
                following = [(self._ordered((*forms, form)), given_up) for form in options[name]]
                following.append((forms, given_up | {name}))
            for candidate, without in following:
                state = (frozenset(form.name for form in candidate), without)
                if state not in seen:
                    seen.add(state)
                    cost = (len(without), len(candidate) + self._at_least(candidate, without))
                    heapq.heappush(queue, (cost, next(count), candidate, without))
        assert best is not None
        return self._clearest(best[1])

    def _clearest(self, forms: Forms) -> Forms:
        """Of the sets that add to this one and leave as little broken, the one under which that holds longest.

        What is broken at one step is broken in any form, so the search does not ask in which it holds at all others.
        """
        choices: dict[str, list[Form | None]] = {}
        for name in self._broken_under(forms):
            for form in self.that_change(name, forms):
                options = choices.setdefault(form.choice or form.name, [None])
                if form not in options:
                    options.append(form)
        sets = (self._ordered((*forms, *filter(None, chosen))) for chosen in itertools.product(*choices.values()))

        def clarity(forms: Forms) -> tuple[int, int, int]:
            broken = self._broken_under(forms)
            return len(broken), -sum(broken.values()), len(forms)

        return min((forms for forms in sets if self._keys(forms) is not None), key=clarity)

    def _at_least(self, forms: Forms, given_up: frozenset[str]) -> int:
        """How many more forms it takes at least: one for each broken quantity whose choices no other one shares."""
        used: set[str] = set()
        n = 0
        for name in (name for name in self._broken_under(forms) if name not in given_up):
            choices = {form.choice or form.name for form in self.that_change(name, forms)}
            if choices and not choices & used:
                used |= choices
                n += 1
        return n

    def _broken_under(self, forms: Forms) -> dict[str, int]:
        """The quantities that are broken under these forms on any probe, and the first step in which each is."""
        key = (len(self.probes), frozenset(form.name for form in forms))
        if key not in self._known_broken:
            network = self._network(forms)
            assert network is not None
            broken = self._known_broken[key] = {}
            for name, step in (found for probe in self.probes for found in breaks(probe, network)):
                broken[name] = min(step, broken.get(name, step))
        return self._known_broken[key]

    def that_change(self, name: str, forms: Forms) -> tuple[Form, ...]:
        """The forms of choices still open that change what this quantity is computed from."""
        names = frozenset(form.name for form in forms)
        if names not in self._known_changes:
            taken = {form.choice for form in forms if form.choice}
            old = self._keys(forms)
            assert old is not None
            changes: dict[str, list[Form]] = {}
            for form in self.known:
                if form.choice in taken or form in forms:
                    continue
                new = self._keys(self._ordered((*forms, form))) or old
                for quantity in old:
                    if new.get(quantity) != old[quantity]:
                        changes.setdefault(quantity, []).append(form)
            self._known_changes[names] = changes
        return tuple(self._known_changes[names].get(name, ()))

    def _keys(self, forms: Forms) -> dict[str, tuple] | None:
        """What each quantity's judgement depends on under these forms; None where one of them changes nothing."""
        names = frozenset(form.name for form in forms)
        if names not in self._known_keys:
            network = self._network(forms)
            plan = [] if network is None else self.judging.plan(network)
            keys = {e.defines: component.key for component in plan for e in component.equations}
            self._known_keys[names] = None if network is None else keys
        return self._known_keys[names]

    def _network(self, forms: Forms) -> Network | None:
        if forms not in self._known_networks:
            try:
                self._known_networks[forms] = in_form(self.trace.network, *forms)
            except ValueError:  # a form that changes nothing here
                self._known_networks[forms] = None
        return self._known_networks[forms]

    def _ordered(self, forms: Forms) -> Forms:
        return tuple(form for form in self.known if form in forms)

    def _first_broken_step(self, forms: Forms, known: set[str]) -> int | None:
        """The first step of the whole trace in which a quantity breaks that is not among the known ones."""
        network = self._network(forms)
        assert network is not None
        return min((step for name, step in breaks(self.judging, network) if name not in known), default=None)

    def _around(self, step: int) -> Judging | Streaming:
        """The steps up to a broken one and a few more; only those near it, where nothing that is carried is hidden."""
        last = self.trace.first + self.trace.n_steps - 1
        carried = set(self.trace.network.remembered)
        begin = max(self.trace.first, step - 2) if carried <= set(self.trace.shown) else self.trace.first
        return self._of_steps(begin, min(step + 2, last))

    def _of_steps(self, first: int, last: int) -> Judging | Streaming:
        return judging_of_steps(self.trace, first, last, self.precision, self.judging.plans)


def _n_first(trace: Trace) -> int:
    """How many steps a candidate must pass first: of a trace whose single steps do not fit into memory, one."""
    return N_FIRST if not isinstance(trace, Stored) or trace.n_that_fit else 1


def breaks(judging: Judging | Streaming, network: Network) -> Iterator[tuple[str, int]]:
    """The quantities that are broken, and the first step in which each is."""
    return ((row.quantity, row.first_broken) for row in judging.rows(network) if row.first_broken is not None)
