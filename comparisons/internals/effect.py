"""The effect of a dialect: how far it alone parts the loss curve of the article's network from the textbook's.

The reference trains both, from the same start on the same batches, in both precisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from comparisons.composed import network_of
from comparisons.experiment import Experiment
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.learned import learn

EXPERIMENTS: Mapping[str, Mapping[str, Any]] = {  # the article's, and where a dialect is of something else, with that
    "as it is": {},
    "with epsilon 1e-8": {"optimizer": {"kind": "adam", "epsilon": 1e-8}},
    "with momentum": {"optimizer": {"kind": "momentum"}},
    "with RMSprop": {"optimizer": {"kind": "rmsprop"}},
    "with coupled decay 0.1": {"decay": {"kind": "coupled", "rate": 0.1}},
    "with decoupled decay 0.1": {"decay": {"kind": "decoupled", "rate": 0.1}},
}


@dataclass(frozen=True)
class Effect:
    """The largest difference of the two losses over the epochs, and the epoch of it."""

    dialect: str
    how: str
    precision: str
    apart: float
    epoch: int


def effects_of(name: str) -> list[Effect]:
    """What a dialect does in each precision. Error: KeyError if there is none of this name."""
    form = {form.name: form for form in DIALECTS}[name]
    how = next(how for how in EXPERIMENTS if form.applies_to(network_of(_experiment(how, "float64"))))
    return [_effect(form, how, precision) for precision in ("float32", "float64")]


def _effect(form: Form, how: str, precision: str) -> Effect:
    apart = np.abs(_losses(how, precision, form) - _losses(how, precision))
    return Effect(form.name, how, precision, float(apart.max()), int(apart.argmax()) + 1)


def _experiment(how: str, precision: str) -> Experiment:
    return Experiment().but(precision=precision, **EXPERIMENTS[how])


@cache
def _losses(how: str, precision: str, *forms: Form) -> np.ndarray:
    experiment = _experiment(how, precision)
    network = in_form(network_of(experiment), *forms)
    return np.array(learn(network, experiment, experiment.optimizer.learning_rate).history.loss, np.float64)
