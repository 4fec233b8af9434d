"""A view: what of a trace is looked at, and of which quantities is told."""

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.composed import network_of
from comparisons.errors import UsageError
from comparisons.experiment import Circles, Experiment, GradientDescent
from comparisons.implementations.numpy_reference import train
from comparisons.optimizer import Exponential, Linear
from comparisons.recording import record
from comparisons.view import View, steps_of

SMALL = Experiment(layers=(3, 1), activations=("relu", "sigmoid"), epochs=3, batch_size=8,
                   data=Circles(n_train=20, n_test=0))  # fmt: skip


@pytest.fixture(scope="module")
def trace():
    return record(train, SMALL)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("weights", {"W[1]", "b[1]", "W[2]", "b[2]"}),
        ("gradients", {"W[1]", "b[1]", "W[2]", "b[2]", "dW[1]", "db[1]", "dW[2]", "db[2]"}),
    ],
)
def test_what_is_not_to_be_seen_is_hidden(trace, visible, expected):
    assert expected == set(View(visible).of(trace).shown)


def test_everything_is_seen_by_default(trace):
    assert View().of(trace).shown.keys() == trace.shown.keys()
    assert trace.n_steps == View().of(trace).n_steps


def test_steps_are_counted_from_1_and_both_ends_are_seen(trace):
    part = View(first=3, last=5).of(trace)
    assert (3, 3) == (part.first, part.n_steps)
    assert np.array_equal(trace.values("Z[1]", 4), part.values("Z[1]", 4))


def test_later_steps_cannot_be_seen_where_what_came_before_them_is_hidden(trace):
    with pytest.raises(UsageError, match=r"^what m_W\[1\] was before step 3 is not shown; show it, or "):
        View("weights", first=3).of(trace)
    assert 3 == View("weights", last=3).of(trace).n_steps


def test_only_what_was_asked_for_is_told_of(trace):
    view = View(only=("dW[2]", "J"))
    assert ["J", "dW[2]"] == [row.quantity for row in view.told(certify(trace)).rows]


def test_a_fault_elsewhere_is_not_told_of(trace):
    shown = {**trace.shown, "db[1]": trace.shown["db[1]"] * 2}
    broken = certify(type(trace)(SMALL, "wrong", shown, trace.start))
    assert "disagrees" == broken.verdict
    assert "agrees" == View(only=("dW[2]",)).told(broken).verdict
    assert "disagrees" == View(only=("db[1]",)).told(broken).verdict


def test_a_quantity_that_there_is_not_is_one_sentence_with_the_near_ones():
    with pytest.raises(UsageError, match=r'^--only names "dW\[3\]", which is no quantity here; near it are .*dW\[2\]'):
        View(only=("dW[3]",)).refuse_unknown(network_of(SMALL))
    with pytest.raises(UsageError, match='"all" is not to be seen; choose one of everything, gradients, weights'):
        View("all").refuse_unknown(network_of(SMALL))


# Steps ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, (1, None)), ("1:100", (1, 100)), ("7", (7, 7)), ("5:", (5, None)), (":9", (1, 9)), (" 2 : 3 ", (2, 3))],
)
def test_steps_are_read(text, expected):
    assert expected == steps_of(text)


@pytest.mark.parametrize("text", ["", "a", "1:b", "1-100", "-1:3", "1:2:3", "1.5"])
def test_what_is_no_range_of_steps_is_one_sentence(text):
    with pytest.raises(UsageError, match="give the first and the last one, such as 1:100"):
        steps_of(text)


@pytest.mark.parametrize("steps", [(0, 5), (5, 4), (1, 10), (10, None)])
def test_steps_that_there_are_not_are_one_sentence(steps):
    with pytest.raises(UsageError, match=r"but there are steps 1 to 9$"):
        View(first=steps[0], last=steps[1]).experiment(SMALL)


def test_nothing_is_recorded_after_the_epoch_of_the_last_step():
    assert 2 == View(last=4).experiment(SMALL).epochs
    assert SMALL.epochs == View().experiment(SMALL).epochs
    exponential = SMALL.but(optimizer=GradientDescent(), schedule=Exponential(rate=0.9, every=2))
    assert 1 == View(last=3).experiment(exponential).epochs


def test_a_shorter_experiment_begins_with_the_same_batches_and_rates():
    short = View(last=4).experiment(SMALL)
    for one, other in zip(short.batches(), SMALL.batches(), strict=False):
        assert all(map(np.array_equal, one, other))
    assert np.array_equal(short.learning_rates(), SMALL.learning_rates()[: short.n_steps])


def test_an_experiment_whose_rates_look_ahead_stays_whole():
    falling = SMALL.but(schedule=Linear())
    assert falling.epochs == View(last=4).experiment(falling).epochs
