"""Every known mistake and convention is well formed, applies somewhere, is planted, and prints what it computes."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import reference.network
from comparisons.composed import network_of
from comparisons.mistakes.known import altered
from comparisons.mistakes.table import KNOWN
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import Equation, now
from tests.exam.plants import PLANTS

EXPERIMENTS = {f"{plant.experiment.name}-{plant.experiment.precision}": plant.experiment for plant in PLANTS}
BY_NAME = {known.name: known for known in KNOWN}
WITHOUT_FORMS = {"float32-inside", "float16-inside", "nan-from-log"}  # told apart in another way
WITH_FORMS = [known.name for known in KNOWN if known.name not in WITHOUT_FORMS]
QUANTITY = r"everything|A\[0\]|Y|J|d?[AZ]\[(l|L|l-1)\]|d?[Wb]\[l\]|[mvg]"


def wrong_in(known):
    """What is not well formed in a row."""
    found = []
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", known.name):
        found.append("name")
    if known.kind not in ("mistake", "dialect"):
        found.append("kind")
    if not all(re.fullmatch(QUANTITY, quantity) for quantity in known.equation.split(", ")):
        found.append("equation")
    if not re.fullmatch(r"[^\s].*[^\s]\.", known.says):
        found.append("says")
    if not known.wrong.strip() or not known.right.strip() or known.wrong == known.right:
        found.append("wrong and right")
    if not re.fullmatch(r"[^\s].*[^\s]\.", known.shows):
        found.append("shows")
    return found


@cache
def networks_in(name, where):
    """The experiment's network in each form of a row that applies to it, by the form's name."""
    network = network_of(EXPERIMENTS[where])
    forms = [form for form in BY_NAME[name].variants(EXPERIMENTS[where]) if form.applies_to(network)]
    return {form.name: in_form(network, form) for form in forms}


def computes(network):
    """All that a network's numbers come from."""
    starts = frozenset((e.defines, network.start.get(e.defines)) for e in network.equations)
    return frozenset(e.key for e in network.equations), starts, network.batches


def has_other_batches(network, experiment):
    """Whether the network is shown anything but the experiment's batches."""
    if network.batches is None:
        return False
    pairs = zip(network.batches(experiment.batches()), experiment.batches(), strict=True)
    return any(not np.array_equal(one, other) for given, own in pairs for one, other in zip(given, own, strict=True))


@cache
def all_equations():
    """Every equation of the exam's experiments, in the textbook or in a known form, once."""
    found = [e for experiment in EXPERIMENTS.values() for e in network_of(experiment).equations]
    for name in WITH_FORMS:
        found += [e for where in EXPERIMENTS for n in networks_in(name, where).values() for e in n.equations]
    return tuple({e.key: e for e in found}.values())


@cache
def placeholder():
    """An argument's name that is no quantity's, standing alone; m is left out, since it is the batch size too."""
    names = {name for e in all_equations() for name in (*e.reads, *e.constants)}
    names -= {
        "m",
        *(e.defines for e in all_equations()),
        *(ref.name for e in all_equations() for ref in e.reads.values()),
    }
    return re.compile(rf"(?<![A-Za-z_])({'|'.join(sorted(names, key=len, reverse=True))})(?![A-Za-z_0-9\[])")


def not_put_in(equation):
    """The arguments' names that are left in an equation's printed formula."""
    return set(placeholder().findall(equation.formula))


# The rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_a_row_is_well_formed(name):
    assert [] == wrong_in(BY_NAME[name])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "Summed gradient"}, "name"),
        ({"name": "summed--gradient"}, "name"),
        ({"kind": "oversight"}, "kind"),
        ({"equation": ""}, "equation"),
        ({"equation": "dW[l]; db[l]"}, "equation"),
        ({"says": "The 1/m is missing"}, "says"),
        ({"says": ""}, "says"),
        ({"wrong": BY_NAME["summed-gradient"].right}, "wrong and right"),
        ({"right": " "}, "wrong and right"),
        ({"shows": ""}, "shows"),
    ],
)
def test_a_row_that_is_not_well_formed_is_noticed(changes, expected):
    assert [expected] == wrong_in(replace(BY_NAME["summed-gradient"], **changes))


def test_no_name_is_there_twice_or_a_dialects_too():
    names = [known.name for known in KNOWN] + [form.name for form in DIALECTS]
    assert len(names) == len(set(names))


def test_there_are_at_least_fifty_mistakes():
    assert len([known for known in KNOWN if known.kind == "mistake"]) >= 50


# Their forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_FORMS)
def test_a_row_has_a_form_that_applies_where_a_plant_is(name):
    assert any(networks_in(name, where) for where in EXPERIMENTS)


@pytest.mark.parametrize("name", sorted(WITHOUT_FORMS))
def test_a_row_that_is_told_apart_in_another_way_has_no_form(name):
    assert not any(BY_NAME[name].variants(experiment) for experiment in EXPERIMENTS.values())


@pytest.mark.parametrize("name", BY_NAME)
def test_a_row_is_planted_as_what_it_is(name):
    kinds = {plant.kind for plant in PLANTS if plant.name == name}
    assert {BY_NAME[name].kind} == kinds


def test_every_plant_is_a_row_or_a_dialect():
    assert {plant.name for plant in PLANTS} <= set(BY_NAME) | {form.name for form in DIALECTS}


def test_a_row_with_forms_is_planted_where_one_of_them_applies():
    places = {(plant.name, f"{plant.experiment.name}-{plant.experiment.precision}") for plant in PLANTS}
    assert not [(name, where) for name, where in places if name in WITH_FORMS and not networks_in(name, where)]


@pytest.mark.parametrize("where", EXPERIMENTS)
def test_variants_have_names_of_their_own_that_begin_with_the_rows(where):
    variants = [form for known in KNOWN for form in known.variants(EXPERIMENTS[where])]
    assert len(variants) == len({form.name for form in variants})
    for form in variants:
        assert form.name == (f"{form.family}: {form.variant}" if form.variant else form.family)
        assert BY_NAME[form.family].kind == form.kind


@pytest.mark.parametrize("name", WITH_FORMS)
def test_a_form_that_applies_changes_something_and_each_variant_something_else(name):
    for where, experiment in EXPERIMENTS.items():
        found = networks_in(name, where)
        textbook = computes(network_of(experiment))
        for network in found.values():
            assert computes(network)[:2] != textbook[:2] or has_other_batches(network, experiment)
        assert len(found) == len({computes(network) for network in found.values()})


def test_batches_that_come_as_they_are_are_no_change():
    experiment = EXPERIMENTS["gradient-descent-float32"]
    same = replace(network_of(experiment), batches=lambda batches: batches)
    assert not has_other_batches(same, experiment)
    assert has_other_batches(networks_in("unshuffled", "gradient-descent-float32")["unshuffled"], experiment)


# What they print -----------------------------------------------------------------------------------------------------


def test_formulas_print_with_the_names_and_numbers_put_in():
    assert {} == {str(equation): left for equation in all_equations() if (left := not_put_in(equation))}


def test_a_formula_with_a_name_left_in_it_is_noticed():
    def misprinted(dZ, A):
        """1/m dZ[l] A[l−1]ᵀ + rate W"""

    equation = Equation("dW[5]", misprinted, {"dZ": now("dZ[5]"), "A": now("A[4]")})
    assert {"rate", "W"} == not_put_in(equation)


@pytest.mark.parametrize(
    ("where", "form", "quantity", "printed"),
    [
        ("gradient-descent-float32", "summed-gradient", "dW[5]", "dW[5] = dZ[5] A[4]ᵀ"),
        ("gradient-descent-float32", "full-batch-size", "db[5]", "db[5] = 1/16 Σᵢ dZ[5]⁽ⁱ⁾"),
        ("gradient-descent-float32", "own-activation", "dW[3]", "dW[3] = 1/m dZ[3] A[3]ᵀ"),
        ("gradient-descent-float32", "gradient-not-zeroed", "dW[5]", "dW[5] ← dW[5] + 1/m dZ[5] A[4]ᵀ"),
        ("gradient-descent-float32", "update-added", "W[1]", "W[1] ← W[1] − minus_alpha dW[1]"),
        ("gradient-descent-float64", "l2-on-the-gradient: λ = 0.1", "dW[2]", "dW[2] = 1/m dZ[2] A[1]ᵀ + 0.1 W[2]"),
        ("adam-float32", "constant-correction", "c2", "c2 = 1 − 0.999"),
        ("adam-float32", "second-moment-of-the-first", "v_b[1]", "v_b[1] ← 0.999 v_b[1] + (1 − 0.999) m_b[1]²"),
        ("adam-float64", "betas-in-float32", "c1", "c1 = 1 − 0.8999999761581421ᵗ"),
        ("large-weights-float64", "clipped-weights: c = 2", "b[1]", "b[1] ← b[1] − alpha db[1], clipped to ± 2"),
    ],
)
def test_a_form_prints_as_what_it_computes(where, form, quantity, printed):
    network = networks_in(form.partition(":")[0], where)[form]
    assert printed == str(network.by_name[quantity])


def test_a_function_made_of_another_one_takes_the_arguments_of_both_and_prints_both():
    def plus(result, theta, *, rate):
        return result + rate * theta

    def product(W, A):
        """W A"""
        return W * A

    made = altered(product, plus, "{} + rate theta", reads=("theta",), constants=("rate",))
    equation = Equation("Z[1]", made, {"W": now("W[1]"), "A": now("A[0]"), "theta": now("b[1]")}, {"rate": 0.5})
    assert "Z[1] = W[1] A[0] + 0.5 b[1]" == str(equation)
    assert 6.5 == made(W=2.0, A=3.0, theta=1.0, rate=0.5)
    with pytest.raises(TypeError):
        Equation("Z[1]", made, {"W": now("W[1]"), "A": now("A[0]")}, {"rate": 0.5})


@pytest.mark.parametrize("where", EXPERIMENTS)
def test_what_is_in_running_order_already_is_left_as_sorting_would_leave_it(where, monkeypatch):
    textbook = network_of(EXPERIMENTS[where])
    forms = [form for name in BY_NAME for form in BY_NAME[name].variants(EXPERIMENTS[where])] + list(DIALECTS)
    forms = [form for form in forms if form.applies_to(textbook)]
    left = [[e.key for e in in_form(textbook, form).equations] for form in forms]
    monkeypatch.setattr(reference.network, "are_in_running_order", lambda equations: False)
    assert left == [[e.key for e in in_form(textbook, form).equations] for form in forms]
