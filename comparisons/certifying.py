"""certify: a trace gives a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from comparisons.certificate import Certificate, Chain, Row
from comparisons.curves import final
from comparisons.diagnosis import Diagnosis
from comparisons.experiment import Experiment
from comparisons.goings import Goings, Progress
from comparisons.hints import hints_of
from comparisons.journal import Journal
from comparisons.naming import Name, Naming, hidden_before
from comparisons.recording import recorded
from comparisons.result import REFERENCE
from comparisons.streaming import Streaming
from comparisons.thinned import Thinned, steps_in
from comparisons.trace import Trace
from comparisons.wording import ending_of, first_broken
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.network import Network


def certify(
    subject: Trace | Callable[[Any], Iterator],
    experiment: Experiment | None = None,
    forms: Sequence[Form] | None = None,
    *,
    naming: bool = True,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> Certificate:
    """Judge every shown quantity of every step against its equation, on the implementation's own values.

    Subject: a trace, or a function `train(experiment)` that is recorded first, in this process. What ends its recording
    after the first step is told in the certificate, which is of the steps before.
    Forms: those to judge under; by default the smallest set of dialects under which everything lies inside.
    Naming: where the frameworks' dialects leave something outside, look for known mistakes and for other conventions.
    Progress: of a trace that is judged in parts, called after each with the number of the going (it is gone through
    once for each set of forms that is tried), the last step that was judged, and how many there are.
    Journal: where that is noted, so that the next start goes on from the last whole part; see `comparisons.journal`.
    Error: what `record` raises before the first step; ValueError for forms that exclude each other or change nothing.
    """
    trace = subject if isinstance(subject, Trace) else recorded(subject, experiment or Experiment()).kept
    assert isinstance(trace, Trace)
    with Goings(progress, journal, trace.n_steps) as goings:
        return _certified(trace, forms, naming, goings)


def _certified(trace: Trace, forms: Sequence[Form] | None, naming: bool, goings: Goings) -> Certificate:
    diagnosis = Diagnosis(trace, DIALECTS, goings=goings)
    names: tuple[Name, ...] = ()
    search: Naming | None = None
    if forms is not None:
        found = tuple(forms)
    elif (whole := diagnosis.whole()) is not None:
        found = whole
    elif not naming:
        found = diagnosis.smallest()
    else:
        search = Naming(trace, diagnosis)
        names = search.names()
        found = () if names else diagnosis.smallest()
        names = names or search.more_names(found)
        if names:
            found = names[0].dialects
        if names and all(name.is_convention for name in names):
            found, names = names[0].forms, ()
            diagnosis.knows(found)
    network = in_form(trace.network, *found)
    of_steps = tuple(diagnosis.judging.rows(network))
    if isinstance(trace, Thinned):
        of_steps += not_followed(trace, network, of_steps)
    rows = merged((*diagnosis.judging.start_rows(), *of_steps), trace.network)
    of_equations = {row.quantity for row in of_steps} - set(network.given)
    holds = not any(row.outside for row in rows)
    alike = {}
    if forms is None:
        alike = diagnosis.not_told_apart(found) if holds else diagnosis.as_small(found)
    row = first_broken(rows)
    of_step = row is not None and row.first_broken != 0 and row.quantity in network.by_name
    hints: tuple[str, ...] = ()
    if row and of_step and not names:
        judging = diagnosis.judging
        step, quantity = int(row.first_broken or 1), row.quantity
        near = judging.near(step, quantity) if isinstance(judging, Streaming) else judging
        hints = hints_of(near, network, row.quantity) if near else ()
    next_to_show: tuple[str, ...] = ()
    if row is not None:
        next_to_show = search.next_to_show(names) if search and names else hidden_before(trace, row.quantity)
    return Certificate(
        implementation=trace.implementation,
        precision=trace.precision,
        rows=rows,
        forms=tuple(form.name for form in found),
        not_told_apart=alike,
        chain=chain_of(trace, network, of_steps),
        shown=tuple(trace.shown),
        same_arithmetic=trace.implementation == REFERENCE and trace.precision == "float64",
        given=tuple(row.quantity for row in rows if row.quantity not in of_equations),
        final=final(trace),
        hints=hints,
        explained_by=tuple(name.families for name in names),
        show_next=next_to_show,
        ended=ending_of(trace),
    )


def merged(rows: Sequence[Row], network: Network) -> tuple[Row, ...]:
    """One row for each quantity, in the network's order; a parameter's start value is judged in its row."""
    order = {name: number for number, name in enumerate([*network.given, *network.by_name])}
    by_name: dict[str, Row] = {}
    for row in rows:
        old = by_name.get(row.quantity)
        by_name[row.quantity] = row if old is None else row.with_start(old)
    return tuple(sorted(by_name.values(), key=lambda row: order.get(row.quantity, len(order))))


def not_followed(trace: Thinned, network: Network, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Of a thinned trace the rows of what is shown and cannot be judged, since something hidden before is not known."""
    judged, nan = {row.quantity for row in rows}, float("nan")
    sizes = trace.experiment.batch_sizes[steps_in(trace.judged) - 1]
    found = []
    for name in [name for name in trace.shown if name in network.by_name and name not in judged]:
        n = sum(math.prod(network.shape(name, int(m))) for m in sizes)
        equation = str(network.by_name[name])
        found.append(Row(name, equation, 0, n, 0, 0.0, nan, nan, 0, 0, (), nan, nan, nan))
    return tuple(found)


def chain_of(trace: Trace, network: Network, rows: Sequence[Row]) -> Chain:
    """Whether every parameter of every step is tied to the step before by judged equations.

    A parameter is tied if it is shown and its row holds: its equation reads what is given, what is shown and judged
    itself, and hidden quantities, which are computed from such. What was shown and not judged ties nothing.
    """
    verdicts = {row.quantity: row for row in rows}
    missing = []
    if isinstance(trace, Thinned):
        missing.append(f"{trace.n_kept:,} of {trace.experiment.n_steps:,} steps are there")
        if unknown := [row.quantity for row in rows if row.quantity in network.by_name and not row.checked]:
            missing.append(f"{', '.join(unknown)}: what is hidden cannot be followed where steps are missing")
    n_links = n_judged = 0
    for name in network.parameters:
        size = 1
        for n in network.shape(name, 0):
            size *= n
        n_links += size * trace.n_steps
        if name not in trace.shown:
            missing.append(f"{name} is not shown")
            continue
        row = verdicts.get(name)
        n_judged += row.checked if row else 0
        for behind in sorted(_behind(name, network, set(trace.shown))):
            found = verdicts.get(behind)
            if found is None or found.verdict == "not compared":
                missing.append(f"{behind}, which {name} is computed from, was not judged")
            elif found.verdict == "disagrees" and f"{behind} is broken" not in missing:
                missing.append(f"{behind} is broken")
    if not trace.is_whole and not trace.has_gaps:
        missing.append(f"{trace.n_steps:,} of {trace.experiment.n_steps:,} steps are there")
    return Chain(n_links, n_judged, tuple(dict.fromkeys(missing)))


def _behind(name: str, network: Network, shown: set[str]) -> set[str]:
    """The shown quantities, the parameter itself among them, that tie it to the step before: its whole history."""
    found: set[str] = set()
    open_ = [name]
    done: set[str] = set()
    while open_:
        quantity = open_.pop()
        if quantity in done:
            continue
        done.add(quantity)
        if quantity in shown:
            found.add(quantity)
        if quantity in network.by_name:
            open_ += [ref.name for ref in network.by_name[quantity].reads.values()]
    return found
