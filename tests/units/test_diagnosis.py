"""The smallest set of forms is the smallest of all sets, tried one by one; what it does not explain stays broken."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.composed import given_by, network_of
from comparisons.diagnosis import N_FIRST, Diagnosis
from comparisons.judging import Judging
from comparisons.recording import record
from comparisons.result import ImplementationResult, Result
from reference.activations import relu_backward
from reference.alphabet import sqrt
from reference.dialects import DIALECTS, SUMMED
from reference.forms import Change, Form, in_form
from reference.layers import bias_gradient
from reference.losses import cross_entropy
from reference.network import elementwise, now
from reference.optimizers import adam_step, second_moment
from reference.running import train as run
from reports.terminal import notes
from tests.controls.faults import each
from tests.controls.nudge import parameters_alone
from tests.controls.plain_network import PlainNetwork
from tests.small import small

BY_NAME = {form.name: form for form in DIALECTS}
KNOWN = [BY_NAME[name] for name in (
    "mean-at-the-loss", "gradient-through-logits", "loss-through-logits", "first-moment-lerp", "powers-in-precision",
    "epsilon-1e-8", "epsilon-hat",
)]  # fmt: skip
TINY = small("float64", layers=(2, 1), activations=("relu", "sigmoid"), epochs=1)


def in_forms(*forms):
    """A subject that computes the network in these forms."""

    def train(experiment):
        network = in_form(network_of(experiment), *forms)
        for values in run(network, experiment.initial(), given_by(experiment)):
            yield {name: value for name, value in values.items() if network.shapes[name]}

    return train


def sets_of(known):
    """All sets of forms with one of each choice at most, in the table's order."""
    by_choice = {}
    for form in known:
        by_choice.setdefault(form.choice or form.name, [None]).append(form)
    for chosen in itertools.product(*by_choice.values()):
        yield tuple(form for form in known if form in chosen)


def broken(judging, forms):
    network = in_form(judging.trace.network, *forms)
    return {row.quantity for row in judging.rows(network) if row.outside}


def score(judging, forms):
    """What is to be least: quantities broken, then forms taken."""
    return len(broken(judging, forms)), len(forms)


def clarity(judging, forms):
    """What is to be least: quantities broken, then how early, then forms taken."""
    rows = [row for row in judging.rows(in_form(judging.trace.network, *forms)) if row.outside]
    return len(rows), -sum(row.first_broken for row in rows), len(forms)


def truths(n):
    """Sets of dialects drawn at random."""
    rng = np.random.default_rng(0)
    every = list(sets_of(KNOWN))
    return [every[number] for number in rng.choice(len(every), n, replace=False)]


@elementwise
def without_root(theta, m, v, c1, c2, alpha, *, epsilon):
    """theta − alpha (m/c1) / (v/c2 + epsilon)"""
    return theta - alpha * (m / c1) / (v / c2 + epsilon)


def without_slope(dA):
    """dA"""
    return dA


def of_all_units(dZ):
    """1/m Σⱼᵢ dZⱼ⁽ⁱ⁾"""
    return (dZ - dZ + dZ.sum(axis=-2, keepdims=True)).sum(axis=-1, keepdims=True) / dZ.shape[-1]


@elementwise
def not_squared(v, g, *, beta2):
    """beta2 v + (1 − beta2) |g|"""
    return beta2 * v + (1 - beta2) * sqrt(g * g)


class Mistake(NamedTuple):
    """A mistake, what it breaks in a network of four layers with ReLU and one with sigmoid, and dialects beside it."""

    change: Change
    breaks: set[str]
    dialects: tuple[str, ...]

    @property
    def form(self):
        return Form("mistake", "mistake", (self.change,))

    @property
    def subject(self):
        return in_forms(*(form for form in DIALECTS if form.name in self.dialects), self.form)


MISTAKES = {
    "no slope": Mistake(
        Change(relu_backward, without_slope),
        set(each("dZ", layers=range(1, 5))),
        ("mean-at-the-loss", "powers-in-precision", "epsilon-hat"),
    ),
    "of all units": Mistake(
        Change(bias_gradient, of_all_units),
        set(each("db", layers=range(1, 5))),  # layer 5 has one unit
        ("powers-in-precision", "epsilon-hat"),
    ),
    "not squared": Mistake(
        Change(second_moment, not_squared),
        set(each("v_W", "v_b")),
        ("mean-at-the-loss", "powers-in-precision", "epsilon-hat"),
    ),
    "no root": Mistake(Change(adam_step, without_root), set(each("W", "b")), ("mean-at-the-loss",)),
}


# The smallest set ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [lambda trace: trace, parameters_alone], ids=["everything", "parameters-alone"])
@pytest.mark.parametrize("truth", truths(4), ids=lambda forms: "+".join(form.name for form in forms) or "textbook")
def test_the_smallest_set_is_as_small_as_the_smallest_of_all_sets(truth, view):
    trace = view(record(in_forms(*truth), TINY))
    judging = Judging(trace)
    found = Diagnosis(trace, KNOWN).smallest()
    assert broken(judging, found) == set()
    assert score(judging, found) == min(score(judging, forms) for forms in sets_of(KNOWN))


@pytest.mark.parametrize("name", MISTAKES)
def test_what_no_set_explains_is_as_little_as_any_set_leaves(name):
    judging = Judging(record(MISTAKES[name].subject, TINY))
    found = Diagnosis(judging.trace, KNOWN).smallest()
    assert broken(judging, found)
    assert clarity(judging, found) == min(clarity(judging, forms) for forms in sets_of(KNOWN))


def test_the_textbook_needs_no_form():
    assert Diagnosis(record(in_forms(), TINY), DIALECTS).smallest() == ()


# Mistakes under dialects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_under_dialects_breaks_what_the_mistake_breaks(name):
    certificate = certify(record(MISTAKES[name].subject, small("float64")), naming=False)
    assert set(certificate.broken()) == MISTAKES[name].breaks
    assert set(certificate.forms) == set(MISTAKES[name].dialects)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_is_known_is_found_and_explains_everything(name):
    trace = record(MISTAKES[name].subject, small("float64"))
    found = Diagnosis(trace, [*DIALECTS, MISTAKES[name].form]).smallest()
    assert {form.name for form in found} == {"mistake", *MISTAKES[name].dialects}


def moved_at_step_5(*forms):
    """A subject in these forms that moves every parameter at step 5, and goes on from what it was."""

    def train(experiment):
        for number, shown in enumerate(in_forms(*forms)(experiment), 1):
            moved = {name: shown[name] + 1 for name in network_of(experiment).parameters} if number == 5 else {}
            yield shown | moved

    return train


def test_where_every_parameter_breaks_at_one_step_their_dialects_are_found_from_the_others():
    dialects = [BY_NAME["powers-in-precision"], BY_NAME["epsilon-hat"]]
    certificate = certify(record(moved_at_step_5(*dialects), small("float64")).part(1, 5), naming=False)
    assert set(certificate.forms) == {form.name for form in dialects}
    assert {row.first_broken for row in certificate.rows if row.outside} == {5}
    assert set(certificate.broken()) == set(each("W", "b"))


# What is not told apart ----------------------------------------------------------------------------------------------


def looks(network, shown):
    """For each shown quantity all equations that its ball comes from, through hidden quantities, and their starts."""
    seen = {}
    for name in shown:
        behind, open_ = set(), [name]
        while open_:
            quantity = open_.pop()
            if quantity in network.by_name and quantity not in behind:
                behind.add(quantity)
                open_ += {ref.name for ref in network.by_name[quantity].reads.values()} - set(shown)
        seen[name] = {(network.by_name[quantity].key, network.start.get(quantity)) for quantity in behind}
    return seen


@pytest.mark.parametrize("view", [lambda trace: trace, parameters_alone], ids=["everything", "parameters-alone"])
@pytest.mark.parametrize("truth", [(), ("mean-at-the-loss", "epsilon-hat")], ids=["textbook", "dialects"])
def test_what_is_not_told_apart_are_all_forms_of_a_choice_that_hold_alike(truth, view):
    trace = view(record(in_forms(*(BY_NAME[name] for name in truth)), small()))
    diagnosis, judging = Diagnosis(trace, DIALECTS), Judging(trace)
    found = diagnosis.smallest()
    expected = {}
    for choice in {form.choice for form in DIALECTS}:
        others = tuple(form for form in found if form.choice != choice)
        names = set()
        for form in (None, *(form for form in DIALECTS if form.choice == choice)):
            option = tuple(one for one in DIALECTS if one in others or one is form)
            if option != found and not all(form.applies_to(trace.network) for form in option):
                continue
            network = in_form(trace.network, *option)
            is_seen = looks(network, trace.shown) != looks(in_form(trace.network, *found), trace.shown)
            if (option == found or is_seen) and not broken(judging, option):
                names.add(form.name if form else "textbook")
        if len(names) > 1:
            expected[choice] = names
    assert expected == {choice: set(names) for choice, names in diagnosis.not_told_apart(found).items()}
    assert expected, "at this visibility there is something that is not told apart"


def summed_loss(A, Y):
    """−Σᵢ (Y ln A + (1 − Y) ln(1 − A))"""
    return cross_entropy(A, Y) * Y.shape[-1]


NOWHERE = Form("1/m nowhere", "mistake", (Change(cross_entropy, summed_loss), *SUMMED))


def reported(certificate):
    """The line of a report on a run with this certificate."""
    told = {name: getattr(certificate, name) for name in ("precision", "verdict", "not_told_apart")}
    one = ImplementationResult("a", reason="", **told)
    found = notes(Result(certificate.verdict, 0, {}, {}, (one,), ()))
    (line,) = [line for line in found if line.startswith("Not told apart")]
    return line


def test_sets_that_leave_as_little_of_something_else_broken_are_told():
    """The table's order decides between them, and so what is called broken."""
    trace = record(in_forms(NOWHERE), small("float64"))
    certificate = certify(trace, naming=False)
    (choice,) = certificate.not_told_apart
    assert choice == BY_NAME["mean-at-the-loss"].choice
    names = certificate.not_told_apart[choice]
    assert names[0] in certificate.forms
    left = {name: broken(Judging(trace), [BY_NAME[name]]) for name in names}
    assert set(certificate.broken()) == left[names[0]]
    assert {frozenset(each) for each in left.values()} == {frozenset({"J", "dA[5]"}), frozenset({"J", "dZ[5]"})}
    assert reported(certificate) == f"Not told apart by what was shown, since what is broken hangs on it: {choice} (a)."
    assert f"not told apart: {choice} ({', '.join(names)}); what is broken hangs on it" in repr(certificate)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_only_one_set_leaves_as_little_of_hangs_on_no_choice(name):
    assert certify(record(MISTAKES[name].subject, small("float64")), naming=False).not_told_apart == {}


# Beyond the first steps ----------------------------------------------------------------------------------------------


@elementwise
def later_slower(theta, m, v, c1, c2, alpha, t, *, epsilon):
    """theta − alpha/2^[t > 15] (m/c1) / (√(v/c2) + epsilon)"""
    return theta - alpha * (1 - (t > 15) / 2) * (m / c1) / (sqrt(v / c2) + epsilon)


LATER = Form("later-slower", "mistake", (Change(adam_step, later_slower, reads={"t": lambda _: now("t")}),))


def test_a_form_that_shows_only_after_the_first_steps_is_found():
    trace = record(in_forms(LATER), small("float64", epochs=8))
    assert N_FIRST < 15 < trace.n_steps
    assert Diagnosis(trace, [*KNOWN, LATER]).smallest() == (LATER,)


def nudged_and_later_slower(experiment):
    """The last bias is moved at step 3, and nothing else is wrong but what LATER explains."""
    network = PlainNetwork(experiment)
    step = network.adam_step

    def adam_step(name, theta):
        moved = theta + (step(name, theta) - theta) * (0.5 if network.t > 15 else 1)
        if (name, network.t) == ("b[5]", 3):
            moved = moved + 1e-3
        return moved

    network.adam_step = adam_step
    yield from network.train()


def test_a_fault_in_the_first_steps_hides_no_form_that_shows_later():
    trace = record(nudged_and_later_slower, small("float64", epochs=8))
    assert Diagnosis(trace, [*KNOWN, LATER]).smallest() == (LATER,)
