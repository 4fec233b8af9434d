"""Errors: over all bins they say what the certificate says, and a planted one lands where its size belongs."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.composed import given_by, network_of
from comparisons.mistakes.table import variants
from comparisons.recording import record
from comparisons.scenes.errors import EDGES, bins_of, errors_of, in_units
from reference.forms import in_form
from reference.running import train
from tests.controls.faults_forward import FORWARD
from tests.controls.plain_network import honest
from tests.scenes.conftest import KERAS, SMALL
from tests.stepwise import StepByStep


def differences(rows, certificate):
    """What the errors say otherwise than the certificate's rows."""
    found = []
    if [row["quantity"] for row in rows] != [row.quantity for row in certificate.rows]:
        found.append("quantities")
    for errors, row in zip(rows, certificate.rows, strict=False):
        told = [float(worst) for worst in errors["worst"] if worst is not None]
        if max(told, default=0.0) != (float(f"{row.worst:.3g}") if np.isfinite(row.worst) else row.worst):
            found.append(f"worst of {row.quantity}")
        if sum(errors["counts"]) != row.checked:
            found.append(f"counts of {row.quantity}")
    return found


@pytest.mark.parametrize("hidden", [(), ("dW[2]", "Z[1]", "m_W[3]", "v_W[3]"), ("A[0]", "Y", "J")], ids=str)
def test_they_say_what_the_certificate_says(mine, hidden):
    trace = mine.hiding(*hidden)
    certificate = certify(trace)
    rows = errors_of(trace, certificate.forms)
    assert [] == differences(rows, certificate)
    assert rows


def test_in_other_forms_they_say_something_else(keras_like):
    certificate = certify(keras_like)
    assert set(certificate.forms) & set(KERAS)
    assert [] == differences(errors_of(keras_like, certificate.forms), certificate)
    assert differences(errors_of(keras_like, ()), certificate)


def test_a_convention_that_is_known_by_its_variant_is_judged_in(experiment):
    form = next(form for form in variants(experiment) if form.family == "log-epsilon")
    assert ": " in form.name

    def subject(experiment):
        network = in_form(network_of(experiment), form)
        for values in train(network, experiment.initial(), given_by(experiment)):
            yield {name: value for name, value in values.items() if network.shapes[name]}

    trace = record(subject, experiment, name="in its form")
    certificate = certify(trace, forms=(form,))
    assert (form.name,) == certificate.forms
    assert [] == differences(errors_of(trace, certificate.forms), certificate)


@pytest.mark.parametrize("fault", FORWARD[:2], ids=lambda fault: fault.name)
def test_what_is_broken_is_as_broken_as_in_the_certificate(fault):
    trace = record(fault.train, fault.experiment.but(epochs=1), name="faulty")
    certificate = certify(trace, forms=())
    assert certificate.verdict == "disagrees"
    assert [] == differences(errors_of(trace, ()), certificate)


def test_a_wrong_count_and_a_wrong_error_are_seen(mine):
    certificate = certify(mine)
    rows = errors_of(mine, certificate.forms)
    fewer = [{**rows[0], "counts": [*rows[0]["counts"][:-1], 1]}, *rows[1:]]
    larger = [{**rows[5], "worst": [2.0] * len(rows[5]["worst"])} if row is rows[5] else row for row in rows]
    assert [f"counts of {rows[0]['quantity']}"] == differences(fewer, certificate)
    assert [f"worst of {rows[5]['quantity']}"] == differences(larger, certificate)
    assert ["quantities"] == differences(rows[::-1], certificate)[:1]


def changed(trace, name, step, index, value):
    """The trace with one number changed."""
    m = int(trace.sizes[step - trace.first])
    stack = {size: part.copy() for size, part in trace.shown[name].items()}
    stack[m][np.searchsorted(trace.steps_of(m), step - trace.first)][index] = value
    return replace(trace, shown={**trace.shown, name: stack})


@pytest.mark.parametrize(("n_units", "at"), [(3, 4), (6, 5), (1000, 12), (2**22, 23)])
def test_an_error_of_known_size_is_counted_where_it_belongs(mine, n_units, at):
    name, step, index = "Z[2]", 8, (3, 2)
    assert at == len(EDGES) or EDGES[at - 1] < n_units - 0.5 < n_units + 0.5 < EDGES[at]
    expected = StepByStep(mine, in_form(mine.network)).judged(name, step).mid[index]
    nearest = mine.experiment.dtype.type(expected)
    unit = float(np.spacing(np.abs(nearest)))
    planted = changed(mine, name, step, index, float(nearest) + n_units * unit)
    old, new = ({row["quantity"]: row for row in errors_of(trace, ())}[name] for trace in (mine, planted))
    before = np.searchsorted(EDGES, abs(float(mine.values(name, step)[index]) - expected) / unit)
    change = np.subtract(new["counts"], old["counts"])
    assert (-1, 1) == (change[before], change[at])
    assert 2 == np.abs(change).sum()
    bins = bins_of(mine.experiment.n_steps)
    (here,) = [number for number, (first, last) in enumerate(bins) if first <= step <= last]
    assert [here] == [n for n, pair in enumerate(zip(old["worst"], new["worst"], strict=True)) if pair[0] != pair[1]]


def test_a_number_that_is_none_is_above_the_last_edge_and_infinitely_wrong(mine):
    planted = changed(mine, "Z[2]", 8, (3, 2), np.nan)
    (row,) = [row for row in errors_of(planted, ()) if row["quantity"] == "Z[2]"]
    assert 1 == row["counts"][-1]
    assert ["inf"] == [worst for worst in row["worst"] if isinstance(worst, str)]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_units_are_those_of_what_is_expected(precision):
    dtype = np.dtype(precision)
    one = np.finfo(dtype).eps
    expected = np.array([1.0, 1.0, 0.0, 0.0, -2.0, 1.0, np.inf, np.inf])
    actual = np.array([1.0, 1 + 3 * one, 0.0, 1e-30, -2 - 4 * one, np.nan, np.inf, 1.0])
    assert [0, 3, 0, np.inf, 2, np.inf, 0, np.inf] == in_units(expected, actual, dtype).tolist()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_units_are_numpys_spacing_everywhere_in_the_range(precision):
    """Of everything expected: the next number is one unit away, the one after it two; halfway there is none."""
    dtype = np.dtype(precision)
    ends = np.finfo(dtype)
    signed = np.random.default_rng(0).integers(0, 2 ** (8 * dtype.itemsize - 1), 10_000, dtype=f"u{dtype.itemsize}")
    special = [
        ends.smallest_subnormal,
        3 * ends.smallest_subnormal,
        ends.tiny,
        np.nextafter(ends.tiny, dtype.type(0)),
        1,
        2,
    ]
    x = np.concatenate([signed.view(dtype), np.array(special, dtype)])
    x = x[np.isfinite(x) & (x != 0) & (x < ends.max / 2)]
    spacing = np.spacing(x)
    for n in (0, 1, 2):
        assert {n} == set(in_units(x.astype(float), (x + n * spacing).astype(float), dtype).tolist())
    assert {1.0} != set(in_units(x.astype(float), x.astype(float) + spacing / 2, dtype).tolist())


def test_what_this_format_cannot_hold_is_infinitely_far_from_everything_but_itself():
    expected, actual = np.array([1e300, 1e300, -1e39]), np.array([1e300, 1.0, 1e39])
    assert [0, np.inf, np.inf] == in_units(expected, actual, np.dtype("float32")).tolist()


@pytest.mark.parametrize("n_steps", [1, 2, 199, 200, 201, 1600, 12345])
def test_every_step_is_in_one_bin_and_the_start_in_the_first(n_steps):
    bins = bins_of(n_steps)
    assert list(range(n_steps + 1)) == [step for first, last in bins for step in range(first, last + 1)]
    assert len(bins) == min(n_steps, 200)


def test_a_wrong_start_is_in_the_first_bin():
    trace = replace(
        record(honest, SMALL, name="m"), start_shown=True, start=SMALL.initial() | {"b[1]": np.ones((4, 1), "f4")}
    )
    (row,) = [row for row in errors_of(trace, ()) if row["quantity"] == "b[1]"]
    assert "inf" == row["worst"][0]
    assert 4 <= row["counts"][-1]
    certificate = certify(trace, forms=())
    assert [] == differences(errors_of(trace, ()), certificate)


def test_after_an_early_end_nothing_was_judged(mine):
    part = replace(mine.part(1, 5), ended="by hand")
    for row in errors_of(part, ()):
        assert [None] * 7 == row["worst"][5:]
        assert any(worst is not None for worst in row["worst"][:5])
