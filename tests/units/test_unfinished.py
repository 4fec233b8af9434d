"""A network that is being written: what is there is judged, and what comes next is named."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons.check import Checked, judged
from comparisons.composed import given_by, network_of
from comparisons.experiment import Circles, Experiment, GradientDescent
from comparisons.recording import record
from comparisons.stored import OnDisk
from comparisons.trace import load
from comparisons.unfinished import certified, in_place, upcoming
from comparisons.values import Carried
from comparisons.view import View
from reference.network import before, now
from reference.running import evaluate
from reference.running import train as run
from tests.on_disk import in_parts, recorded

SMALL = Experiment(layers=(3, 3, 1), activations=("relu", "relu", "sigmoid"), epochs=10, batch_size=8,
                   data=Circles(n_train=20, n_test=0))  # fmt: skip
NETWORK = network_of(SMALL)
PLAIN = SMALL.but(optimizer=GradientDescent())  # what is broken in it is soon searched through: it has fewer forms


def unmoved(*names, wrong=None, from_step=1):
    """What somebody shows who has not written the update yet; `wrong` is twice what it should be."""

    def train(experiment):
        network = network_of(experiment)
        start = experiment.initial() | {n: np.full(network.shape(n, 0), x, "f4") for n, x in network.start.items()}
        for step, given in enumerate(given_by(experiment), 1):
            values = {now(name): value for name, value in given.items()}
            values |= {before(name): start[name] for name in network.remembered}
            evaluate(network.equations, values)
            yield {n: values[now(n)] * (1 + (n == wrong and step >= from_step)) for n in names}

    return train


def moved(*names, wrong=None):
    """What somebody shows who trains, but does not show the parameters."""

    def train(experiment):
        for values in run(NETWORK, experiment.initial(), given_by(experiment)):
            yield {name: values[name] * (1 + (name == wrong)) for name in names}

    return train


@pytest.mark.parametrize("made", [unmoved, moved])
@pytest.mark.parametrize(
    ("names", "following"),
    [
        (("A[0]", "Y"), "Z[1] = W[1] A[0] + b[1]"),
        (("Z[1]",), "A[1] = max(0, Z[1])"),
        (("Z[1]", "A[1]", "Z[2]"), "A[2] = max(0, Z[2])"),
        (("A[3]", "J"), "dA[3] = −(Y/A[3] − (1 − Y)/(1 − A[3]))"),
        (("dZ[3]", "dW[3]", "J"), "db[3] = 1/m Σᵢ dZ[3]⁽ⁱ⁾"),
    ],
)
def test_what_there_is_holds_and_the_next_equation_is_named(made, names, following):
    certificate, actual = certified(record(made(*names), SMALL))
    assert following == actual
    assert () == certificate.broken()
    assert ("not compared" if names == ("A[0]", "Y") else "agrees") == certificate.verdict


@pytest.mark.parametrize("made", [unmoved, moved])
def test_a_fault_in_what_there_is_is_found_and_nothing_else_is_blamed(made):
    certificate, _ = certified(record(made("Z[1]", "A[1]", "Z[2]", wrong="Z[2]"), SMALL))
    assert ("Z[2]",) == certificate.broken()
    assert 1 == certificate.row("Z[2]").first_broken


def test_a_fault_that_begins_later_is_found_in_its_step():
    certificate, _ = certified(record(unmoved("Z[1]", "A[1]", wrong="A[1]", from_step=5), PLAIN))
    assert ("A[1]",) == certificate.broken()
    assert 5 == certificate.row("A[1]").first_broken


@pytest.mark.parametrize(
    ("train", "experiment"),
    [
        (unmoved("Z[1]", "A[1]"), SMALL),
        (unmoved("Z[1]", "A[1]", wrong="A[1]", from_step=8), PLAIN),
        (moved("Z[1]", "A[1]", "Z[2]"), SMALL),
        (moved("Z[1]", "A[1]", "Z[2]", wrong="Z[2]"), SMALL),
    ],
    ids=["not moved", "not moved, and wrong late", "moved", "moved, and wrong"],
)
def test_a_trace_on_disk_is_judged_as_in_memory(train, experiment, tmp_path, monkeypatch):
    """But for the medians, which are cut."""
    folder = recorded(tmp_path / "it.trace", train, experiment)
    expected, following = certified(load(folder))
    monkeypatch.setattr(OnDisk, "__getitem__", lambda *_: pytest.fail("a quantity was read whole"))
    actual, named = certified(in_parts(folder, 5))
    assert named == following
    assert without_medians(actual) == without_medians(expected)


def without_medians(certificate):
    """All that it says but medians and hints."""
    rows = [repr(replace(row, median=0.0, radius=0.0)) for row in certificate.rows]
    return rows, certificate.verdict, certificate.forms, certificate.explained_by, certificate.chain


def test_hidden_parameters_that_are_forgotten_between_parts_are_noticed(tmp_path, monkeypatch):
    folder = recorded(tmp_path / "it.trace", moved("Z[1]", "A[1]", "W[1]", "b[1]"), SMALL)
    stays = in_place(in_parts(folder, 7))
    assert {part.network for part in stays.parts()} == {stays.network} != {in_parts(folder, 7).network}
    monkeypatch.setattr("comparisons.streaming.replace", lambda carried, **more: Carried(**more))
    with pytest.raises(ValueError, match="is hidden, so what it was before step"):
        certified(in_parts(folder, 7))


@pytest.mark.parametrize("steps", [(1, 22), (4, 9), (17, 30)])
def test_some_steps_of_a_trace_on_disk_are_looked_at_as_in_memory(steps, tmp_path):
    everything = [name for name, shape in NETWORK.shapes.items() if shape]
    folder, view = recorded(tmp_path / "it.trace", moved(*everything), SMALL), View("everything", (), *steps)
    expected = judged(load(folder), view).certificate
    assert all(steps[0] <= row.step <= steps[1] for row in expected.rows)
    for n_steps in (1, 7):
        assert without_medians(judged(in_parts(folder, n_steps), view).certificate) == without_medians(expected)


def test_all_steps_of_what_does_not_move_are_judged():
    certificate, _ = certified(record(unmoved("Z[1]"), SMALL))
    assert 3 * 20 * SMALL.epochs == certificate.row("Z[1]").checked


def test_whoever_shows_all_parameters_is_finished():
    certificate, following = certified(record(moved(*NETWORK.parameters), SMALL))
    assert ("agrees", "") == (certificate.verdict, following)


def test_parameters_that_are_shown_and_do_not_move_are_no_unfinished_network():
    certificate, following = certified(record(unmoved("Z[1]"), SMALL))
    assert following
    shown = record(moved(*NETWORK.parameters), SMALL)
    stands = {name: np.broadcast_to(shown.start[name], stack.shape) for name, stack in shown.shown.items()}
    certificate, following = certified(type(shown)(SMALL, "stands", stands, shown.start))
    assert ("disagrees", "") == (certificate.verdict, following)


def test_what_is_behind_something_shown_has_been_passed():
    assert "A[1] = max(0, Z[1])" == str(upcoming(NETWORK, {"Z[1]"}))
    assert "dW[3]" == upcoming(NETWORK, {"J", "dZ[3]"}).defines
    assert "m_W[1]" == upcoming(NETWORK, {name for name in NETWORK.shapes if name[0] in "dAZJ"}).defines


# The verdict on it ---------------------------------------------------------------------------------------------------


def check(train, **view):
    return judged(record(train, SMALL), View(**view))


def test_so_far_is_not_agreement():
    one = check(unmoved("Z[1]", "A[1]"))
    assert ("not compared", True) == (one.verdict, one.is_so_far)


def test_what_alone_was_asked_for_agrees_or_is_missing():
    assert "agrees" == check(unmoved("Z[1]"), only=("Z[1]",)).verdict
    missing = check(unmoved("Z[1]"), only=("Z[1]", "dW[3]"))
    assert ("not compared", ("dW[3]",)) == (missing.verdict, missing.missing)


def test_what_is_broken_is_not_so_far():
    one = check(unmoved("Z[1]", wrong="Z[1]"))
    assert ("disagrees", False) == (one.verdict, one.is_so_far)


def test_a_dialect_is_a_fault_where_conventions_are_fixed():
    trace = record(moved(*(n for n, shape in NETWORK.shapes.items() if shape)), SMALL)
    shown = {name: {m: s / np.float32(m) for m, s in stack.items()} if name[:2] in ("dA", "dZ") else stack
             for name, stack in trace.shown.items()}  # fmt: skip
    mean = type(trace)(SMALL, "mean", shown, trace.start)
    assert ["agrees", "disagrees"] == [judged(mean, View(), is_strict=strict).verdict for strict in (False, True)]
    assert "agrees" == judged(trace, View(), is_strict=True).verdict


def test_without_a_certificate_nothing_was_compared():
    assert "not compared" == Checked("mine", "float32", failed="it raised ValueError").verdict
