"""All known mistakes and conventions, in one table; `backproof mistakes` prints it."""

from __future__ import annotations

import difflib

from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.mistakes.averages import AVERAGES
from comparisons.mistakes.conventions import CONVENTIONS
from comparisons.mistakes.data import DATA
from comparisons.mistakes.known import Known
from comparisons.mistakes.losses import LOSSES
from comparisons.mistakes.precision import PRECISION
from comparisons.mistakes.silent import SILENT
from comparisons.mistakes.slopes import SLOPES
from comparisons.mistakes.steps import STEPS
from reference.forms import Form

KNOWN: tuple[Known, ...] = (*AVERAGES, *SLOPES, *LOSSES, *STEPS, *SILENT, *DATA, *PRECISION, *CONVENTIONS)


def variants(experiment: Experiment) -> tuple[Form, ...]:
    """The forms of all of them in this experiment."""
    return tuple(form for known in KNOWN for form in known.variants(experiment))


def find(name: str) -> Known:
    """The one of this name. Error: UsageError with the nearest names."""
    for known in KNOWN:
        if known.name == name:
            return known
    near = difflib.get_close_matches(name, [known.name for known in KNOWN], n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f'there is no mistake and no convention named "{name}"{hint}; `backproof mistakes` lists them')
