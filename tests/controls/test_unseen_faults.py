"""Faults that leave the loss curve looking right: the certificate names them, and whole runs part or cannot tell.

Each is planted in the article's whole training. A curve looks right where it lies closer to the honest one than the
honest one does with its examples in another order.
"""

from typing import NamedTuple

import numpy as np
import pytest

from comparisons.agreement import compared
from comparisons.certifying import certify
from comparisons.curves import Curves, curves_of
from comparisons.drift import Drift, drift_of
from comparisons.experiment import Experiment
from comparisons.implementations import numpy_reference
from comparisons.placing import Score, parameters_of, score_of
from comparisons.recording import record
from comparisons.trace import Trace
from tests.controls.faults_unseen import UNSEEN
from tests.controls.plain_network import honest

pytestmark = pytest.mark.xdist_group("unseen")


class Beside(NamedTuple):
    """The honest twin, its curves with its examples in another order, and replicas that runs are scored among."""

    twin: Trace
    in_another_order: Curves
    score: Score
    drift: Drift


@pytest.fixture(scope="module", params=["float32", "float64"])
def beside(request):
    experiment = Experiment(precision=request.param)
    twin, drift = record(honest, experiment, name="twin"), drift_of(experiment, ())
    other = record(honest, experiment.but(seed=experiment.seed + 1), name="other order")
    return Beside(twin, curves_of(other), score_of(twin, drift), drift)


@pytest.fixture(scope="module", params=UNSEEN, ids=lambda fault: fault.name)
def fault(request):
    return request.param


@pytest.fixture(scope="module")
def faulty(beside, fault):
    return record(fault.train, beside.twin.experiment, name="faulty")


def test_the_loss_curve_looks_right(faulty, beside):
    expected, actual, other = curves_of(beside.twin), curves_of(faulty), beside.in_another_order
    assert np.abs(actual.loss - expected.loss).max() < np.abs(other.loss - expected.loss).max()
    assert actual.accuracy[-1] == expected.accuracy[-1]


def test_the_certificate_names_exactly_what_is_computed_wrongly(faulty, fault):
    certificate = certify(faulty)
    assert certificate.verdict == "disagrees"
    assert set(fault.breaks) == set(certificate.broken()), fault.because
    assert fault.first == min(row.first_broken for row in certificate.rows if row.outside), fault.because


def test_the_whole_run_parts_from_its_twin_not_before_the_fault_or_says_that_it_cannot_tell(faulty, fault, beside):
    agreement = compared(beside.twin, faulty, beside.score, score_of(faulty, beside.drift))
    if agreement.verdict == "parted":
        assert fault.first <= agreement.parted_at
        return
    assert beside.twin.precision == "float32", "in float64 rounding is smaller than each of these faults"
    assert "cannot be told" in agreement.reason
    moved = beside.drift.distances(parameters_of(faulty)) - beside.drift.distances(parameters_of(beside.twin))
    assert np.abs(moved).max() <= beside.drift.scores.max(), "rounding moves correct runs further than this fault does"


def test_the_honest_twin_does_neither(beside):
    reference = record(numpy_reference.train, beside.twin.experiment, name="reference")
    agreement = compared(reference, beside.twin, score_of(reference, beside.drift), beside.score)
    assert agreement.verdict == "together"
    assert agreement.parted_at is None
    assert certify(beside.twin).verdict == "agrees"
