"""Forms are changed equations: all of their changes or none, each choice made once, and never nothing."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from reference.alphabet import maximum
from reference.article import network
from reference.forms import Change, Form, in_form
from reference.layers import input_gradient, weight_gradient, weighted_sum
from reference.network import Equation, Group, before, now
from reference.optimizers import adam_step, descent_step, first_moment, second_moment
from reference.running import batches_given, train

ARTICLE = network()
DESCENT = network(optimizer="gradient-descent")


def summed(dZ, A):
    """dZ Aᵀ"""
    return dZ @ A.mT


def doubled(dZ, A):
    """2 dZ Aᵀ"""
    return 2 * (dZ @ A.mT)


def twice_the_step(theta, m, v, c1, c2, alpha, *, epsilon):
    """theta − 2 alpha (m/c1) / (√(v/c2) + epsilon)"""
    return theta - 2 * (theta - adam_step(theta, m, v, c1, c2, alpha, epsilon=epsilon))


def without_correction(theta, m, alpha):
    """theta − alpha m"""
    return theta - alpha * m


def mistake(*changes, name="a-mistake", **fields):
    return Form(name, "mistake", changes, **fields)


def run(composed, n_steps=3):
    rng = np.random.default_rng(0)
    start = {name: rng.normal(0, 0.7, composed.shape(name, 4)) for name in sorted(composed.parameters)}
    batches = [(rng.normal(size=(2, 4)), np.array([[0.0, 1, 1, 0]])) for _ in range(n_steps)]
    return list(train(composed, start, batches_given(batches, 0.1)))


def changed(composed, textbook=ARTICLE):
    """The names whose equations are others."""
    return {name for name, e in composed.by_name.items() if e.key != textbook.by_name[name].key}


def test_a_change_is_made_in_all_layers_and_steps():
    form = in_form(ARTICLE, mistake(Change(weight_gradient, summed)))
    assert changed(form) == {f"dW[{l}]" for l in range(1, 6)}
    for actual in run(form):
        for l in range(1, 6):
            assert np.array_equal(actual[f"dW[{l}]"], actual[f"dZ[{l}]"] @ actual[f"A[{l - 1}]"].T)


def test_the_network_that_a_form_is_made_of_stays_as_it_was():
    lines = str(ARTICLE)
    assert str(in_form(ARTICLE, mistake(Change(weight_gradient, summed)))) != lines
    assert str(ARTICLE) == lines


def test_no_forms_are_the_textbook():
    assert str(in_form(ARTICLE)) == str(ARTICLE)


def test_only_some_equations_may_be_changed():
    first = Change(weight_gradient, summed, only=lambda equation, network: equation.defines == "dW[1]")
    assert changed(in_form(ARTICLE, mistake(first))) == {"dW[1]"}


def test_a_change_may_read_something_else():
    untied = Change(weight_gradient, reads={"A": lambda equation: now(f"A[{equation.defines[3]}]")})
    square = network((3, 3, 3, 1), ("relu", "relu", "sigmoid"))
    form = in_form(square, mistake(replace(untied, only=lambda e, network: e.defines != "dW[3]")))
    assert str(form.by_name["dW[2]"]) == "dW[2] = 1/m dZ[2] A[2]ᵀ"


def test_a_change_may_have_another_number():
    form = in_form(ARTICLE, mistake(Change(first_moment, constants={"beta1": lambda beta1: 1 - beta1})))
    assert {e.constants["beta1"] for e in form.equations if e.by is first_moment} == {1 - 0.9}


def test_what_the_new_function_does_not_take_is_dropped():
    form = in_form(ARTICLE, mistake(Change(adam_step, without_correction)))
    equation = form.by_name["W[1]"]
    assert equation.reads == {"theta": before("W[1]"), "m": now("m_W[1]"), "alpha": now("alpha")}
    assert equation.constants == {}


def test_what_the_new_function_needs_and_nothing_gives_is_refused():
    with pytest.raises(TypeError, match=r"W\[1\]: twice_the_step reads .*'m'.*but was given"):
        in_form(DESCENT, mistake(Change(descent_step, twice_the_step)))


def test_a_slot_may_start_from_another_value():
    form = in_form(ARTICLE, mistake(Change(second_moment, start=1.0)))
    assert {name: value for name, value in form.start.items() if value} == {
        f"v_{name}": 1 for name in ARTICLE.parameters
    }
    expected = 0.999 * 1.0 + (1 - 0.999) * (run(form)[0]["db[5]"] ** 2)
    assert np.array_equal(run(form)[0]["v_b[5]"], expected)
    assert not np.array_equal(run(ARTICLE)[0]["v_b[5]"], expected)


# Never nothing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("textbook", "change", "why"),
    [
        (DESCENT, Change(adam_step, twice_the_step), "no equation uses adam_step"),
        (ARTICLE, Change(adam_step, constants={"epsilon": lambda _: 1e-7}), "its numbers are the network's own"),
        (ARTICLE, Change(adam_step, adam_step), "its numbers are the network's own"),
        (ARTICLE, Change(second_moment, start=0.0), "its numbers are the network's own"),
        (ARTICLE, Change(weight_gradient, summed, only=lambda *_: False), "no equation uses weight_gradient"),
    ],
    ids=["no-equation", "same-number", "same-function", "same-start", "none-of-them"],
)
def test_a_form_that_changes_nothing_is_refused(textbook, change, why):
    assert not mistake(change).applies_to(textbook)
    with pytest.raises(ValueError, match=f"^a-mistake changes nothing here: {why}$"):
        in_form(textbook, mistake(change))


def test_a_form_is_made_of_all_its_changes_or_of_none():
    form = mistake(Change(weight_gradient, summed), Change(adam_step, twice_the_step))
    assert changed(in_form(ARTICLE, form)) == {f"dW[{l}]" for l in range(1, 6)} | set(ARTICLE.parameters)
    assert not form.applies_to(DESCENT)
    with pytest.raises(ValueError, match="no equation uses adam_step"):
        in_form(DESCENT, form)


def test_a_form_of_the_batches_changes_something():
    form = mistake(batches=lambda batches: itertools.islice(batches, 1))
    assert form.applies_to(ARTICLE)
    assert str(in_form(ARTICLE, form)) == str(ARTICLE)
    assert not mistake().applies_to(ARTICLE)


# One choice, once -----------------------------------------------------------------------------------------------------


def test_two_forms_of_one_choice_exclude_each_other():
    one, other = (
        mistake(Change(weight_gradient, to), name=name, choice="the 1/m")
        for name, to in [("summed", summed), ("doubled", doubled)]
    )
    with pytest.raises(ValueError, match=r"^summed and doubled exclude each other: both say the 1/m$"):
        in_form(ARTICLE, one, other)
    assert in_form(ARTICLE, one).by_name["dW[1]"].by is summed
    assert in_form(ARTICLE, other).by_name["dW[1]"].by is doubled


def test_forms_without_a_choice_do_not_exclude_each_other():
    forms = [mistake(Change(weight_gradient, summed), name="a"), mistake(Change(second_moment, start=1.0), name="b")]
    assert in_form(ARTICLE, *forms).start["v_b[1]"] == 1


def test_forms_are_made_in_their_order():
    number = mistake(Change(adam_step, constants={"epsilon": lambda epsilon: 10 * epsilon}), name="ten-times")
    function = mistake(Change(adam_step, twice_the_step), name="twice")
    both = in_form(ARTICLE, number, function).by_name["W[1]"]
    assert both.by is twice_the_step
    assert both.constants == {"epsilon": 10 * 1e-7}
    with pytest.raises(ValueError, match=r"^ten-times changes nothing here: no equation uses adam_step$"):
        in_form(ARTICLE, function, number)


def test_a_forms_own_changes_are_made_in_their_order():
    form = mistake(Change(weight_gradient, constants={}), Change(weight_gradient, summed))
    assert in_form(ARTICLE, form).by_name["dW[1]"].by is summed


# Forms that turn the order round, or bring something ------------------------------------------------------------------


def this_steps_weights(equation):
    return now(equation.reads["W"].name)


def test_a_form_may_turn_the_order_round():
    late = in_form(DESCENT, mistake(Change(input_gradient, reads={"W": this_steps_weights}), name="updated-before"))
    order = list(late.by_name)
    assert all(order.index(f"W[{l}]") < order.index(f"dA[{l - 1}]") for l in range(2, 6))
    assert all(
        list(DESCENT.by_name).index(f"W[{l}]") > list(DESCENT.by_name).index(f"dA[{l - 1}]") for l in range(2, 6)
    )
    for old, new in itertools.pairwise(run(late)):
        for l in range(2, 6):
            assert np.array_equal(new[f"dA[{l - 1}]"], new[f"W[{l}]"].T @ new[f"dZ[{l}]"])
            assert not np.array_equal(new[f"dA[{l - 1}]"], old[f"W[{l}]"].T @ new[f"dZ[{l}]"])


def test_a_form_that_makes_a_circle_is_refused_with_the_circles_names():
    circle = mistake(Change(weighted_sum, reads={"W": this_steps_weights}))
    with pytest.raises(ValueError, match=r"^a circle within a step: .*W\[1\] ← dW\[1\] ← dZ\[1\].*$"):
        in_form(DESCENT, circle)


def largest(vmax, v):
    """max(vmax, v)"""
    return maximum(vmax, v)


def slots_of_amsgrad(composed):
    shapes = {f"vmax_{name}": composed.shapes[name] for name in composed.parameters}
    return Group(
        shapes=shapes,
        start=dict.fromkeys(shapes, 0.0),
        update=tuple(
            Equation(name, largest, {"vmax": before(name), "v": now(name.replace("vmax", "v"))}) for name in shapes
        ),
    )


AMSGRAD = mistake(
    Change(adam_step, reads={"v": lambda equation: now(f"vmax_{equation.defines}")}),
    name="amsgrad",
    adds=slots_of_amsgrad,
)


def test_a_form_may_bring_quantities_of_its_own():
    form = in_form(ARTICLE, AMSGRAD)
    assert str(form.by_name["vmax_W[1]"]) == "vmax_W[1] ← max(vmax_W[1], v_W[1])"
    assert "vmax_W[1]/c2" in str(form.by_name["W[1]"])
    assert list(form.by_name).index("vmax_W[1]") < list(form.by_name).index("W[1]")
    assert set(form.parameters) == set(ARTICLE.parameters)
    largest_so_far = 0.0
    for step in run(form):
        largest_so_far = np.maximum(largest_so_far, step["v_W[2]"])
        assert np.array_equal(step["vmax_W[2]"], largest_so_far)


def test_a_form_that_brings_what_is_there_already_is_refused():
    twice = replace(AMSGRAD, adds=lambda network: Group(shapes={"v_W[1]": (4, 2)}))
    with pytest.raises(ValueError, match=r"^amsgrad brings v_W\[1\], which is there already$"):
        in_form(ARTICLE, twice)


def test_a_form_that_reads_what_nothing_brings_is_refused():
    with pytest.raises(ValueError, match=r"reads vmax_W\[1\], which nothing defines"):
        in_form(ARTICLE, replace(AMSGRAD, adds=None))
