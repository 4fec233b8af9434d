"""What must be rejected: faults planted in a network of somebody else's, each beside the same code without it.

Everything is shown, so that each equation is judged on the network's own numbers: exactly the equations that are wrong
break, in exactly the layers where they are, and what is computed rightly from wrong numbers holds.
"""

import re

import pytest

from comparisons.certifying import certify
from comparisons.recording import record
from tests.controls import faults_around, faults_backward, faults_forward, faults_update
from tests.controls.nudge import EXACTLY_THAT_STEP, found_in
from tests.controls.plain_network import honest
from tests.small import OPTIMIZERS, small

FAULTS = (
    *faults_forward.FORWARD,
    *faults_backward.OF_OUTPUT,
    *faults_backward.OF_LAYERS,
    *faults_update.OF_MOMENTS,
    *faults_update.OF_ADAM,
    *faults_update.OF_DESCENT,
    *faults_around.AROUND,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.optimizer}-{fault.name}")
def test_a_planted_fault_breaks_exactly_what_is_computed_wrongly(fault):
    trace = record(fault.train, fault.experiment)
    certificate = certify(trace, naming=False)
    assert certificate.verdict == "disagrees"
    if fault.left is None:
        assert certificate.forms == (), "no dialect explains any of it"
    else:
        assert set(fault.left) == set(certificate.broken())
        certificate = certify(trace, forms=())
    assert set(fault.breaks) == set(certificate.broken()), fault.because
    assert fault.first == min(row.first_broken for row in certificate.rows if row.outside), fault.because


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_same_code_without_a_fault_agrees(precision, optimizer):
    experiment = small(precision, optimizer)
    certificate = certify(record(honest, experiment))
    assert certificate.verdict == "agrees"
    assert certificate.forms == ()
    assert certificate.chain.holds


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_of_a_nudged_weight_exactly_that_step_breaks(precision):
    fault = next(fault for fault in FAULTS if fault.name == "theta: one weight nudged at one step")
    assert EXACTLY_THAT_STEP == found_in(record(fault.train, small(precision)))


def kinds(fault):
    """`{"dW", "db"}` of a fault that breaks these in some layers; `theta` is W and b, with the rule that moves them."""
    letters = {re.sub(r"\[\d\]", "", name) for name in fault.breaks}
    return {f"theta by {fault.optimizer}" if letter in ("W", "b") else letter for letter in letters}


def test_every_equation_of_a_step_has_a_fault_that_breaks_it_alone():
    alone = {kind for fault in FAULTS if len(kinds(fault)) == 1 for kind in kinds(fault)}
    expected = {"Z", "A", "J", "dA", "dZ", "dW", "db", "theta by adam", "theta by gradient-descent"}
    assert expected <= alone
    assert {frozenset({"m_W", "m_b"}), frozenset({"v_W", "v_b"})} <= {frozenset(kinds(fault)) for fault in FAULTS}
    of_one_layer = {fault.breaks for fault in FAULTS}
    assert {("A[2]",), ("A[5]",), ("dZ[2]",), ("dZ[5]",), ("dA[5]",), ("dA[2]",)} <= of_one_layer


def test_no_two_faults_are_called_alike():
    names = [(fault.optimizer, fault.name) for fault in FAULTS]
    assert len(set(names)) == len(names)
