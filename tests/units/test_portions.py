"""Some steps at a time, and several networks at once, numbers are judged as all steps of one network at once are."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import judging, scans
from comparisons.implementations.numpy_reference import train
from comparisons.judging import Judging
from comparisons.recording import record
from comparisons.stacks import Portions
from comparisons.tallies import N_FEW, N_SOME, median
from reference.dialects import DIALECTS
from reference.forms import in_form
from tests.on_disk import HIDDEN
from tests.small import small

EACH = pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
EACH_PRECISION = pytest.mark.parametrize("precision", ["float32", "float64"])
CHOICES = ((), ("epsilon-hat",), ("first-moment-lerp",), ("mean-at-the-loss",), ("gradient-through-logits",))


def trace_of(precision, hidden):
    trace = record(train, small(precision))
    return trace.hiding(*(name for name in trace.shown if name.startswith(tuple(hidden) or "-")))


def networks_of(trace):
    return [in_form(trace.network, *(form for form in DIALECTS if form.name in names)) for names in CHOICES]


def rows(judged, network):
    return [repr(dataclasses.asdict(row)) for row in judged.rows(network)]


# Some steps at a time -------------------------------------------------------------------------------------------------


@EACH_PRECISION
@EACH
def test_portions_of_any_size_give_the_same_rows_bit_for_bit(hidden, precision, monkeypatch):
    trace = trace_of(precision, hidden)
    found = []
    for n in (1, 500, 2**30):
        monkeypatch.setattr(judging, "PORTION", n)
        found.append(rows(Judging(trace), trace.network))
    assert found[0] == found[1] == found[2]


def test_a_portion_that_forgets_what_it_was_made_from_is_noticed(monkeypatch):
    trace = trace_of("float32", HIDDEN["all but the weights"])
    monkeypatch.setattr(judging, "PORTION", 500)
    expected = rows(Judging(trace), trace.network)
    monkeypatch.setattr(Portions, "part", lambda self, begin, n: self.whole()[begin : begin + n])
    assert rows(Judging(trace), trace.network) != expected


# Several networks at once ---------------------------------------------------------------------------------------------


@EACH_PRECISION
@EACH
def test_networks_that_are_judged_together_give_what_each_gives_alone(hidden, precision):
    trace = trace_of(precision, hidden)
    networks, together = networks_of(trace), Judging(trace)
    together.prepare(networks)
    for network in networks:
        assert rows(together, network) == rows(Judging(trace), network)


@EACH
@pytest.mark.parametrize("at_once", [1, 300, 2**30])
def test_however_many_peers_are_scanned_side_by_side(at_once, hidden, monkeypatch):
    trace = trace_of("float32", hidden)
    networks, together = networks_of(trace), Judging(trace)
    monkeypatch.setattr(scans, "AT_ONCE", at_once)
    together.prepare(networks)
    for network in networks:
        assert rows(together, network) == rows(Judging(trace), network)


def test_peers_of_another_network_in_their_place_are_noticed(monkeypatch):
    trace = trace_of("float32", HIDDEN["moments"])
    networks, scanned, n_together = networks_of(trace), scans.scanned, []

    def swapped(judged, requests):
        found = scanned(judged, requests)
        n_together.append(len(found))
        return dict(zip(found, reversed(found.values()), strict=True))

    monkeypatch.setattr(scans, "scanned", swapped)
    together = Judging(trace.hiding(*(name for name in trace.shown if name.startswith("d"))))
    together.prepare(networks)
    alone = Judging(together.trace)
    assert max(n_together) > 1
    assert any(rows(together, network) != rows(alone, network) for network in networks)


# Medians --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3 * N_FEW), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-300, 1.0, np.inf]))
def test_a_median_is_the_one_by_sorting(n, seed, often):
    rng = np.random.default_rng(seed)
    numbers = np.where(rng.random(n) < 0.6, often, np.exp(rng.uniform(-700, 700, n)))
    low, high = np.sort(numbers)[[(n - 1) // 2, n // 2]]
    assert median(numbers) == (low if low == high else low / 2 + high / 2)


def test_of_nothing_there_is_no_median():
    assert np.isnan(median(np.zeros(0)))


@pytest.mark.parametrize("n", [1, 2, 5, N_FEW - 1, N_FEW, 3 * N_FEW + 1])
@pytest.mark.parametrize("kind", ["spread", "many alike", "infinite", "in order", "some unlike all", "alike"])
def test_a_median_is_that_of_the_numbers_in_order(n, kind):
    """Where some of the numbers do not tell where it is, all are looked at."""
    numbers = np.random.default_rng(n).lognormal(0, 9, n)
    match kind:
        case "many alike":
            numbers[n // 5 :] = 0.0
        case "infinite":
            numbers[n // 3 :] = np.inf
        case "in order":
            numbers.sort()
        case "some unlike all":
            numbers[:: n // N_SOME // 6 * 6 + 1] = 2.0**-99
        case "alike":
            numbers[:] = 3.0
    low, high = (float(np.sort(numbers)[at]) for at in ((n - 1) // 2, n // 2))
    assert median(numbers) == (low if low == high else low / 2 + high / 2)
