"""A change of any single number that a ball is narrow enough to show turns the verdict, and names the right equation.

The size of the change is δ = 1e-4 (float32) or 1e-12 (float64) of the number's scale, the largest sum of absolute terms
in its equation at that step. Where δ is no more than the ball's radius and the number's actual error, it may hide, and
the certificate counts these numbers as blind.
"""

import importlib
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.certificate import Certificate
from comparisons.certifying import certify
from comparisons.recording import record
from comparisons.trace import Trace
from reference.dialects import DIALECTS
from reference.forms import Form, in_form
from reference.network import Network
from tests.controls.nudge import parameters_alone
from tests.frameworks import framework
from tests.small import small
from tests.stepwise import StepByStep

STEPS = (1, 6, 12)  # the first, a middle and the last one


class Certified(NamedTuple):
    """A trace, its certificate, and the forms that were found once for the whole trace."""

    trace: Trace
    certificate: Certificate
    forms: tuple[Form, ...]
    network: Network


def certified(trace):
    certificate = certify(trace)
    assert certificate.verdict == "agrees"
    forms = tuple(form for form in DIALECTS if form.name in certificate.forms)
    return Certified(trace, certificate, forms, in_form(trace.network, *forms))


def case(name, precision, *needs):
    marks = [pytest.mark.xdist_group(needs[0])] if needs else []
    return pytest.param((name, precision, needs), id=f"{name}-{precision}", marks=marks)


@pytest.fixture(
    scope="module",
    params=[
        case("numpy_reference", "float32"),
        case("numpy_reference", "float64"),
        case("pytorch", "float64", "torch"),
        case("keras_tape", "float32", "keras", "tensorflow"),
    ],
)
def everything(request):
    """A trace that shows everything, certified."""
    name, precision, needs = request.param
    for package in needs:
        framework(package)
    module = importlib.import_module(f"comparisons.implementations.{name}")
    return certified(record(module.train, small(precision)))


@pytest.fixture(scope="module")
def weights_alone(everything):
    """The same trace with its parameters alone."""
    return certified(parameters_alone(everything.trace))


def in_stack(trace, name, step):
    """The array that holds a quantity at a step, copied, and the trace with that copy in it."""
    stack, at = trace.shown[name], step - trace.first
    if not isinstance(stack, dict):
        array = stack.copy()
        return array[at], replace(trace, shown={**trace.shown, name: array})
    m = int(trace.sizes[at])
    array = stack[m].copy()
    return array[np.searchsorted(trace.steps_of(m), at)], replace(
        trace, shown={**trace.shown, name: {**stack, m: array}}
    )


def with_a_change(one, oracle, name, step, rng):
    """The trace with one of the numbers that are not blind changed by δ; None where all are blind."""
    judged, dtype = oracle.judged(name, step), one.trace.experiment.dtype
    others = (judged.actual + rng.choice([-1, 1], judged.actual.shape) * judged.delta).astype(dtype)
    is_to_be_seen = np.abs(others - judged.actual) > judged.radius + judged.error
    if not is_to_be_seen.any():
        assert one.certificate.row(name).blind or judged.delta == 0
        return None
    index = tuple(rng.choice(np.argwhere(is_to_be_seen)))
    array, trace = in_stack(one.trace, name, step)
    array[index] = others[index]
    return trace


def what_may_break(network, name, shown):
    """The quantity, and those whose equations use it, through hidden quantities as well."""
    found, open_ = {name}, [name]
    while open_:
        used = open_.pop()
        for equation in network.equations:
            if used in {ref.name for ref in equation.reads.values()} and equation.defines not in found:
                found.add(equation.defines)
                open_ += [] if equation.defines in shown else [equation.defines]
    return found


def test_a_changed_number_is_named_where_everything_is_shown(everything):
    """One number of a quantity in each of three steps, which everything shown keeps apart, so that each is a change of
    its own: each of the three steps must break."""
    oracle, rng = StepByStep(everything.trace, everything.network), np.random.default_rng(0)
    for name in everything.trace.shown:
        one, steps = everything, []
        for step in STEPS:
            if (trace := with_a_change(one, oracle, name, step, rng)) is not None:
                one, steps = one._replace(trace=trace), [*steps, step]
        if not steps:
            continue
        certificate = certify(one.trace, forms=everything.forms)
        assert certificate.verdict == "disagrees"
        assert name in certificate.broken()
        assert set(certificate.broken()) <= what_may_break(everything.network, name, everything.trace.shown)
        row = certificate.row(name)
        reads_itself = name in everything.network.remembered
        assert row.first_broken == steps[0]
        assert row.n_broken_steps >= len(steps) if reads_itself else row.n_broken_steps == len(steps)


def test_a_changed_weight_is_named_where_weights_alone_are_shown(weights_alone):
    oracle, rng = StepByStep(weights_alone.trace, weights_alone.network), np.random.default_rng(0)
    n_changed = 0
    for name in weights_alone.trace.shown:
        for step in STEPS:
            if (trace := with_a_change(weights_alone, oracle, name, step, rng)) is not None:
                certificate = certify(trace.part(1, min(step + 1, trace.n_steps)), forms=weights_alone.forms)
                assert certificate.row(name).first_broken == step
                n_changed += 1
    assert n_changed > len(weights_alone.trace.shown), "most are not blind"


def test_the_certificate_counts_the_blind_numbers(everything):
    oracle = StepByStep(everything.trace, everything.network)
    for row in everything.certificate.rows:
        judged = [oracle.judged(row.quantity, step) for step in range(1, everything.trace.n_steps + 1)]
        assert row.blind == sum(int(one.is_blind.sum()) for one in judged), row.quantity
