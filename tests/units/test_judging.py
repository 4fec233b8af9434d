"""Judging gives what each equation gives at each step by itself, however it is stacked, joined, cut or bridged."""

import numpy as np
import pytest

from comparisons import plans
from comparisons.balls import Ball
from comparisons.experiment import Circles
from comparisons.judging import Judging
from comparisons.mistakes.table import variants
from comparisons.recording import record
from comparisons.rows import Piece, row_of
from reference.dialects import DIALECTS
from reference.forms import in_form
from tests.controls.faults_forward import FORWARD
from tests.controls.faults_update import OF_ADAM
from tests.controls.plain_network import honest
from tests.exam.answers import less
from tests.exam.plants import PLANTS, VISIBILITIES
from tests.small import small
from tests.stepwise import StepByStep

EXPERIMENTS = {
    "float32-adam": small(epochs=2),
    "float64-adam": small("float64", epochs=2),
    "float32-gradient-descent": small(optimizer="gradient-descent", epochs=2),
    "batches-of-one-size": small(batch_size=20, epochs=2),
    "partial-batch-of-one": small(batch_size=13, epochs=2),
    "batches-of-one": small(batch_size=1, epochs=2, data=Circles(n_train=4, n_test=0)),
}
HIDDEN = {
    "nothing": lambda name: False,
    "moments": lambda name: name[:2] in ("m_", "v_"),
    "gradients": lambda name: name.startswith("d"),
    "what-is-computed-on-the-way": lambda name: name[0] in "ZAd",
    "weights": lambda name: name[0] == "W",
    "all-but-parameters": lambda name: name[0] not in "Wb",
    "all-but-the-loss": lambda name: name != "J",
}
FORMS = {
    "textbook": (),
    "torch": ("mean-at-the-loss", "first-moment-lerp"),
    "keras": ("gradient-through-logits", "loss-through-logits", "epsilon-hat", "powers-in-precision"),
}


def in_forms(trace, names):
    """The trace's network in those of these forms that change something in it."""
    forms = [form for form in DIALECTS if form.name in names and form.applies_to(trace.network)]
    return in_form(trace.network, *forms)


def rows_of(trace, network):
    """What judging says, by quantity, but for A[0] and Y, which are given."""
    return {row.quantity: row for row in Judging(trace).rows(network) if row.quantity in network.by_name}


def as_judged_step_by_step(oracle, name):
    """The numbers of a row from the definition."""
    trace, network = oracle.trace, oracle.network
    is_carried = any(ref.before and ref.name == name for ref in network.by_name[name].reads.values())
    ratios, radii, n_blind, n_numbers, broken = [], [], 0, 0, []
    for step in range(trace.first, trace.first + trace.n_steps):
        judged = oracle.judged(name, step)
        is_bounded = np.isfinite(judged.radius) & np.isfinite(judged.mid) | judged.is_never_finite
        is_outside = is_bounded & (judged.error > judged.radius)
        is_judged = is_bounded
        if is_carried:
            old = trace.values(name, step - 1) if step > trace.first else trace.start.get(name, 0.0)
            is_judged = is_judged & ~((np.abs(old - judged.mid) <= judged.radius) & (judged.radius > 0)) | is_outside
        with np.errstate(all="ignore"):
            ratio = np.where(judged.error == 0, 0.0, judged.error / judged.radius)
        ratios.append(ratio[is_judged])
        radii.append(judged.radius[is_judged])
        n_blind += int(judged.is_blind.sum())
        n_numbers += is_judged.size
        broken += [step] * bool(is_outside.any())
    ratios, radii = np.concatenate(ratios), np.concatenate(radii)
    return {
        "checked": len(ratios),
        "not_judged": n_numbers - len(ratios),
        "outside": int((ratios > 1).sum()),
        "blind": n_blind,
        "worst": max(ratios, default=0.0),
        "median": np.median(ratios) if len(ratios) else None,
        "radius": np.median(radii) if len(radii) else None,
        "first_broken": min(broken, default=None),
        "n_broken_steps": len(broken),
    }


def assert_alike(trace, network):
    oracle = StepByStep(trace, network)
    for name, row in rows_of(trace, network).items():
        for what, expected in as_judged_step_by_step(oracle, name).items():
            assert expected is None or expected == getattr(row, what), f"{what} of {name}"


@pytest.fixture(scope="module")
def traces():
    """A trace of each experiment, everything shown."""
    return {name: record(honest, experiment) for name, experiment in EXPERIMENTS.items()}


def hiding(trace, hidden):
    return trace.hiding(*filter(HIDDEN[hidden], trace.shown))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_stacks_give_what_single_steps_give(traces, experiment, hidden):
    trace = hiding(traces[experiment], hidden)
    assert_alike(trace, trace.network)


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("forms", FORMS)
def test_under_a_form_that_does_not_hold_they_are_as_alike(traces, forms, hidden):
    trace = hiding(traces["float32-adam"], hidden)
    assert_alike(trace, in_forms(trace, FORMS[forms]))


@pytest.mark.parametrize("hidden", ["moments", "all-but-parameters"])
@pytest.mark.parametrize("forms", FORMS)
def test_peers_give_the_same_rows_whether_they_are_joined_or_not(traces, forms, hidden, monkeypatch):
    trace = hiding(traces["float32-adam"], hidden)
    network = in_forms(trace, FORMS[forms])
    joined = rows_of(trace, network)
    assert any(component.are_peers for component in Judging(trace).plan(network))
    monkeypatch.setattr(plans, "with_peers", lambda found, *_: found)
    assert not any(component.are_peers for component in Judging(trace).plan(network))
    assert joined == rows_of(trace, network)


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 5), (3, 3), (2, 4), (6, 6)])
def test_a_part_is_judged_as_its_steps_are_in_the_whole(traces, first, last):
    whole = traces["float32-adam"]
    part, oracle = whole.part(first, last), StepByStep(whole, whole.network)
    for name, row in rows_of(part, part.network).items():
        of_steps = [oracle.judged(name, step) for step in range(first, last + 1)]
        assert row.checked + row.not_judged == sum(judged.actual.size for judged in of_steps)
        radii = np.concatenate([judged.radius.ravel() for judged in of_steps])
        assert row.not_judged or row.radius == np.median(radii)
    assert_alike(part, part.network)


def test_a_part_counts_its_steps_as_the_whole_does():
    fault = next(fault for fault in OF_ADAM if fault.first == 5)
    whole = record(fault.train, fault.experiment)
    for part in (whole, whole.part(2, 9), whole.part(5, 5)):
        row = rows_of(part, part.network)["W[2]"]
        assert (row.first_broken, row.n_broken_steps, row.step) == (5, 1, 5)
    assert rows_of(whole.part(6, 12), whole.network)["W[2]"].first_broken is None


def test_what_went_before_a_part_must_be_shown_where_it_is_read(traces):
    part = hiding(traces["float32-adam"], "moments").part(5, 6)
    with pytest.raises(ValueError, match=r"m_W\[1\] is hidden, so what it was before step 5 is not known"):
        list(Judging(part).rows(part.network))


@pytest.mark.parametrize(
    ("hidden", "broken"),
    [
        ((), {"Z[2]"}),
        (("Z[2]",), {"A[2]", "dZ[2]"}),
        (("Z[2]", "A[2]"), {"Z[3]", "dW[3]", "dZ[2]"}),
        (("Z[2]", "A[2]", "dZ[2]"), {"Z[3]", "dW[3]", "dW[2]", "db[2]", "dA[1]"}),
    ],
    ids=lambda names: "-".join(sorted(names)) or "nothing",
)
def test_a_fault_in_a_hidden_quantity_breaks_all_that_reads_it(hidden, broken):
    fault = next(fault for fault in FORWARD if fault.name == "Z: Z[1] taken for A[1]")
    trace = record(fault.train, fault.experiment).hiding(*hidden)
    assert broken == {row.quantity for row in Judging(trace).rows(trace.network) if row.outside}


def test_nothing_is_judged_twice_under_forms_that_do_not_touch_it(traces, monkeypatch):
    trace = traces["float32-adam"]
    judge = Judging(trace)
    first = {row.quantity: row for row in judge.rows(trace.network)}
    network = in_forms(trace, ["epsilon-hat"])
    second = {row.quantity: row for row in judge.rows(network)}
    changed = {name for name in first if first[name] is not second[name]} - {"A[0]", "Y"}
    assert changed == set(network.parameters)


@pytest.mark.parametrize(("radius", "outside", "not_judged"), [(None, 2, 0), (np.full((2, 1, 1), np.inf), 0, 2)])
def test_a_finite_number_is_wrong_where_exactly_infinity_is_expected_and_not_judged_where_it_may_be(
    traces, radius, outside, not_judged
):
    piece = Piece(np.arange(2), Ball(np.full((2, 1, 1), np.inf), radius), np.full((2, 1, 1), 100.0))
    row = row_of("J", "", [piece], traces["float32-adam"])
    assert (outside, not_judged) == (row.outside, row.not_judged)
    assert row.blind == not_judged


@pytest.mark.parametrize("actual", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_judged_and_outside_even_where_there_is_no_bound(traces, actual):
    numbers = np.array([actual, 1.0]).reshape(2, 1, 1)
    row = row_of("J", "", [Piece(np.arange(2), Ball(np.ones((2, 1, 1)), np.full((2, 1, 1), np.inf)), numbers)],
                 traces["float32-adam"])  # fmt: skip
    assert (row.checked, row.not_judged, row.outside, row.worst, row.first_broken) == (1, 1, 1, np.inf, 1)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize(
    "name", ["summed-bias", "slope-twice", "slots-start-at-one", "unshuffled", "l2-on-the-gradient"]
)
def test_what_was_broken_before_is_broken_again_and_nothing_else_is(name, visibility):
    """Every form is asked, the one that mends it among them; what comes first and is remembered changes nothing."""
    plant = next(plant for plant in PLANTS if plant.name == name)
    trace = less(record(plant.train, plant.experiment), visibility).part(1, 4)
    forms = [form for form in (*DIALECTS, *variants(trace.experiment)) if form.applies_to(trace.network)]
    networks = [trace.network, *(in_form(trace.network, form) for form in forms)]
    oracle = Judging(trace)
    expected = [any(row.outside for row in oracle.rows(network)) for network in networks]
    for order in (1, -1):
        asked = Judging(trace)
        assert expected[::order] == [asked.is_broken(network) for network in networks[::order]]
    assert {True, False} == set(expected)


def test_what_was_broken_before_is_not_judged_again(monkeypatch):
    plant = next(plant for plant in PLANTS if plant.name == "summed-bias")
    trace = record(plant.train, plant.experiment)
    judge = Judging(trace)
    assert judge.is_broken(trace.network)
    other = next(form for form in DIALECTS if form.name == "loss-through-logits")
    monkeypatch.setattr(judge, "rows", lambda network: pytest.fail("it is judged"))
    assert judge.is_broken(in_form(trace.network, other))
