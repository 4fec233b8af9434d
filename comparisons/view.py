"""A view: what of a trace is looked at, and of which quantities is told."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from comparisons.certificate import Certificate
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.trace import Trace
from reference.network import Network

Visible = Literal["everything", "gradients", "weights"]


@dataclass(frozen=True)
class View:
    """The steps `first` to `last` of what is `visible` ("gradients" with the parameters), and the rows in `only`.

    `last` is None for the last one that there is; no name in `only` means all.
    """

    visible: Visible = "everything"
    only: tuple[str, ...] = ()
    first: int = 1
    last: int | None = None

    def refuse_unknown(self, network: Network) -> None:
        """Error: UsageError for a name in `only` that is no quantity of this network, with the near ones."""
        known = [name for name, shape in network.shapes.items() if shape]
        for name in self.only:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=3) or known[:4]
                raise UsageError(f'--only names "{name}", which is no quantity here; near it are {", ".join(near)}')
        if self.visible not in get_args(Visible):
            raise UsageError(f'"{self.visible}" is not to be seen; choose one of {", ".join(get_args(Visible))}')

    def experiment(self, experiment: Experiment) -> Experiment:
        """The experiment, but that it ends with the epoch of the last step that is looked at.

        Where the learning rate depends on how many steps there will be, that were another one: then it stays whole.
        Error: UsageError for steps that it does not have.
        """
        n = experiment.n_steps
        if not 1 <= self.first <= (self.last or n) <= n:
            raise UsageError(f"--steps asks for {self.first:,} to {self.last or n:,}, but there are steps 1 to {n:,}")
        if self.last is None:
            return experiment
        shorter = experiment.but(epochs=-(-self.last // experiment.steps_per_epoch))
        is_same = (shorter.learning_rates() == experiment.learning_rates()[: shorter.n_steps]).all()
        return shorter if is_same else experiment

    def of(self, trace: Trace) -> Trace:
        """The part of a trace that is looked at.

        Error: UsageError for steps before which something hidden would have to be known.
        """
        parameters = trace.network.parameters
        kept = {"everything": set(trace.shown), "weights": set(parameters),
                "gradients": {*parameters, *(f"d{name}" for name in parameters)}}[self.visible]  # fmt: skip
        trace = trace.hiding(*(name for name in trace.shown if name not in kept))
        last = trace.first + trace.n_steps - 1
        if not trace.n_steps or (self.first, self.last or last) == (trace.first, last):
            return trace
        hidden = [name for name in trace.network.remembered if name not in trace.shown]
        if self.first > 1 and hidden:
            raise UsageError(
                f"what {hidden[0]} was before step {self.first:,} is not shown; show it, or begin with step 1"
            )
        return trace.part(self.first, min(self.last or last, last))

    def told(self, certificate: Certificate) -> Certificate:
        """The certificate with the rows that are to be told of; of a name that was not judged there is none."""
        if not self.only:
            return certificate
        return replace(certificate, rows=tuple(row for row in certificate.rows if row.quantity in self.only))


def steps_of(text: str | None) -> tuple[int, int | None]:
    """The first and the last step of "1:100", "1:", ":100" or "7".

    Error: UsageError for anything else.
    """
    if text is None:
        return 1, None
    first, colon, last = text.partition(":")
    parts: Sequence[str] = (first, last) if colon else (first, first)
    if not all(part.isdecimal() or (colon and not part) for part in map(str.strip, parts)):
        raise UsageError(f'--steps is "{text}"; give the first and the last one, such as 1:100')
    return int(parts[0].strip() or 1), int(parts[1]) if parts[1].strip() else None
