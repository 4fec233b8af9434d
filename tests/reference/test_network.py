"""A network is a list of equations that runs: what would not run, or would not say what it is, is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.article import network
from reference.network import (
    Equation,
    Group,
    Network,
    are_in_running_order,
    arguments,
    before,
    compose,
    in_running_order,
    now,
)
from reference.optimizers import first_moment
from reference.running import batches_given, train


def double(x):
    """2 x"""
    return 2 * x


def add(x, y):
    """x + y"""
    return x + y


def scaled(x, *, c):
    """c x"""
    return c * x


def equation(defines, *reads):
    """The double of one quantity, or the sum of two."""
    by = double if len(reads) == 1 else add
    return Equation(defines, by, dict(zip("xy", reads, strict=False)))


def composed(*equations, shapes=None, start=None):
    """A network of numbers a, b, c, … of which what is not defined is given."""
    names = {name for e in equations for name in (e.defines, *(ref.name for ref in e.reads.values()))}
    return Network(equations, {name: (1, 1) for name in names} if shapes is None else shapes, start or {})


# What an equation must be ---------------------------------------------------------------------------------------------


def test_an_equation_reads_what_its_function_takes_and_nothing_else():
    assert Equation("b", scaled, {"x": now("a")}, {"c": 3.0}).value({now("a"): 2}) == 6
    for reads, constants in [({}, {"c": 3.0}), ({"x": now("a"), "y": now("a")}, {"c": 3.0}), ({"x": now("a")}, {})]:
        with pytest.raises(TypeError, match=r"b: scaled reads \['x'\] with the constants \['c'\], but was given"):
            Equation("b", scaled, reads, constants)


def test_the_arguments_of_a_function_are_what_it_reads_and_its_constants():
    assert arguments(first_moment) == ({"m", "g"}, {"beta1"})


def test_an_equation_with_other_numbers_has_another_key():
    one = Equation("b", scaled, {"x": now("a")}, {"c": 3.0})
    assert one.key == replace(one).key
    for other in (
        replace(one, defines="c"),
        replace(one, reads={"x": before("a")}),
        replace(one, constants={"c": 4.0}),
        Equation("b", double, {"x": now("a")}),
    ):
        assert other.key != one.key


# What a network must be -----------------------------------------------------------------------------------------------

REFUSED = {
    "unknown name": (
        lambda: composed(equation("b", now("a")), shapes={"b": (1, 1)}),
        "b reads a, which nothing defines",
    ),
    "no shape": (lambda: composed(equation("b", now("a")), shapes={"a": (1, 1)}), "b has no shape"),
    "defined twice": (lambda: composed(equation("b", now("a")), equation("b", now("a"))), "b is defined twice"),
    "read too early": (
        lambda: composed(equation("c", now("b")), equation("b", now("a"))),
        "c reads b before it is computed",
    ),
    "circle": (
        lambda: composed(equation("b", now("c")), equation("c", now("b"))),
        "b reads c before it is computed",
    ),
    "of itself": (lambda: composed(equation("b", now("b"))), "b reads b before it is computed"),
    "last step's examples": (
        lambda: composed(equation("b", before("a")), shapes={"a": (1, "m"), "b": (1, "m")}),
        "b reads a of the step before, which has one entry per example: the examples were others",
    ),
    "nothing before step 1": (
        lambda: composed(equation("b", before("a"))),
        "b reads a of the step before, but nothing says what it is before step 1",
    ),
    "start of nothing": (
        lambda: composed(equation("b", now("a")), start={"c": 0.0}),
        "c has a start value, but nothing defines it",
    ),
}


@pytest.mark.parametrize(("build", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_network_that_cannot_run_is_refused_with_its_sentence(build, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: composed(equation("b", now("a")), equation("c", now("b"))),
        lambda: composed(equation("b", before("b"), now("a"))),
        lambda: composed(equation("b", before("c")), equation("c", now("b"))),
        lambda: composed(equation("b", before("a")), start={"a": 0.0}),
        lambda: composed(equation("b", now("a")), shapes={"a": (1, "m"), "b": (1, "m")}),
    ],
    ids=["in order", "of the step before", "around through time", "with a start", "per example"],
)
def test_a_network_that_can_run_is_not_refused(build):
    assert build().by_name


def test_two_groups_that_bring_one_name_are_refused():
    group = Group(shapes={"b": (1, 1)}, forward=(equation("b", now("a")),))
    assert compose([group], Group(), [], {"a": (1, 1)}).by_name
    with pytest.raises(ValueError, match=r"^b is brought by two groups$"):
        compose([group, group], Group(), [], {"a": (1, 1)})
    with pytest.raises(ValueError, match=r"^b is brought by two groups$"):
        compose([group], Group(), [], {"a": (1, 1), "b": (1, 1)})


def test_a_network_runs_forwards_through_the_loss_backwards_and_updates():
    layer = [
        Group(
            shapes={f"{kind}{l}": (1, 1) for kind in ("F", "B", "U")},
            forward=(equation(f"F{l}", now("a")),),
            backward=(equation(f"B{l}", now("a")),),
            update=(equation(f"U{l}", now("a")),),
        )
        for l in (1, 2)
    ]
    loss = Group({"J": (1, 1), "dJ": (1, 1)}, forward=(equation("J", now("a")),), backward=(equation("dJ", now("J")),))
    order = [e.defines for e in compose(layer, loss, layer[:0], {"a": (1, 1)}).equations]
    assert order == ["F1", "F2", "J", "dJ", "B2", "B1"]
    updates = [Group(update=group.update) for group in layer]
    order = [e.defines for e in compose(layer, loss, updates, {"a": (1, 1)}).equations]
    assert order[-2:] == ["U1", "U2"]


# What a network says of itself ----------------------------------------------------------------------------------------


def test_the_articles_network_knows_what_is_given_remembered_and_trained():
    article = network()
    parameters = {f"{letter}[{l}]" for letter in "Wb" for l in range(1, 6)}
    assert set(article.given) == {"A[0]", "Y", "t", "alpha"}
    assert set(article.parameters) == parameters
    assert set(article.remembered) == parameters | {f"{slot}_{name}" for slot in "mv" for name in parameters}
    assert set(article.start.values()) == {0.0}
    assert set(article.shapes) == set(article.given) | set(article.by_name)


def test_shapes_have_the_batchs_size_where_there_is_an_entry_per_example():
    article = network()
    shapes = {"A[0]": (2, 32), "Z[2]": (6, 32), "W[2]": (6, 4), "J": (1, 1), "c1": ()}
    assert {name: article.shape(name, 32) for name in shapes} == shapes
    assert {name for name in shapes if article.per_example(name)} == {"A[0]", "Z[2]"}


def test_the_default_network_is_the_articles():
    article = network()
    assert [article.shapes[f"W[{l}]"] for l in range(1, 6)] == [(4, 2), (6, 4), (6, 6), (4, 6), (1, 4)]
    assert str(article.by_name["A[4]"]) == "A[4] = max(0, Z[4])"
    assert str(article.by_name["A[5]"]) == "A[5] = σ(Z[5])"
    assert str(article.by_name["b[5]"]) == "b[5] ← b[5] − alpha (m_b[5]/c1) / (√(v_b[5]/c2) + 1e-07)"


def test_a_network_needs_an_activation_for_each_layer_and_known_names():
    with pytest.raises(ValueError, match="zip"):
        network((2, 4, 1), ("relu",))
    for wrong in ({"activations": ("relu", "softmax")}, {"loss": "hinge"}, {"optimizer": "lion"}):
        with pytest.raises(KeyError, match=r"softmax|hinge|lion"):
            network(**{"sizes": (2, 4, 1), "activations": ("relu", "sigmoid"), **wrong})


def test_a_network_prints_every_line_of_a_step():
    assert str(network((2, 3, 1), ("relu", "sigmoid"), optimizer="gradient-descent")).splitlines() == [
        "Z[1] = W[1] A[0] + b[1]",
        "A[1] = max(0, Z[1])",
        "Z[2] = W[2] A[1] + b[2]",
        "A[2] = σ(Z[2])",
        "J = −1/m Σᵢ (Y ln A[2] + (1 − Y) ln(1 − A[2]))",
        "dA[2] = −(Y/A[2] − (1 − Y)/(1 − A[2]))",
        "dZ[2] = dA[2] ∘ A[2] ∘ (1 − A[2])",
        "dW[2] = 1/m dZ[2] A[1]ᵀ",
        "db[2] = 1/m Σᵢ dZ[2]⁽ⁱ⁾",
        "dA[1] = W[2]ᵀ dZ[2]",
        "dZ[1] = dA[1] ∘ (Z[1] > 0)",
        "dW[1] = 1/m dZ[1] A[0]ᵀ",
        "db[1] = 1/m Σᵢ dZ[1]⁽ⁱ⁾",
        "W[1] ← W[1] − alpha dW[1]",
        "b[1] ← b[1] − alpha db[1]",
        "W[2] ← W[2] − alpha dW[2]",
        "b[2] ← b[2] − alpha db[2]",
    ]


def letters(a, b, m, dA, *, beta):
    """beta a + b·dA − m/ma + abᵀ + (a) max(a, b_a)"""


def test_names_are_put_in_for_whole_words_only():
    words = Equation("x", letters, {"a": now("A"), "b": now("B"), "m": now("m_W"), "dA": now("D")}, {"beta": 0.5})
    assert str(words) == "x = 0.5 A + B·D − m_W/ma + abᵀ + (A) max(A, b_a)"


def nameless(x):
    return x


def test_a_function_without_a_docstring_prints_its_name():
    assert str(Equation("b", nameless, {"x": now("a")})) == "b = nameless"


@pytest.mark.parametrize(
    ("number", "digits"),
    [(0.9, "0.9"), (1e-7, "1e-07"), (float(np.float32(0.999)), "0.9990000128746033"), (-100.0, "-100"), (1, "1")],
    ids=str,
)
def test_a_constant_is_printed_to_its_last_bit(number, digits):
    text = str(Equation("b", scaled, {"x": now("a")}, {"c": number}))
    assert text == f"b = {digits} a"
    assert float(digits) == number


def test_what_a_quantity_was_makes_its_equation_an_arrow():
    assert str(equation("b", before("b"), now("a"))) == "b ← b + a"
    assert str(equation("b", now("a"), now("a"))) == "b = a + a"


# The order of running -------------------------------------------------------------------------------------------------


def order(*equations):
    return [e.defines for e in in_running_order(equations)]


def test_the_running_order_is_derived_from_what_is_read():
    assert order(equation("c", now("b")), equation("b", now("a"))) == ["b", "c"]
    assert order(equation("d", now("b"), now("c")), equation("c", now("a")), equation("b", now("c"))) == ["c", "b", "d"]


def test_what_stands_in_order_stays_as_it_stood():
    article = network()
    assert in_running_order(article.equations) == article.equations


def test_values_of_the_step_before_give_no_order():
    assert order(equation("c", before("b")), equation("b", now("a"))) == ["c", "b"]


@pytest.mark.parametrize(
    "equations",
    [
        [equation("b", now("c")), equation("c", now("a"))],
        [equation("b", now("b"))],
        [equation("b", now("a")), equation("c", now("b")), equation("b", now("a"))],
    ],
    ids=["reads a later one", "reads itself", "defined twice"],
)
def test_a_list_that_is_not_in_running_order_is_told_from_one_that_is(equations):
    assert not are_in_running_order(equations)
    right = [equation("b", before("c")), equation("c", before("c"), now("b"))]
    assert are_in_running_order(right)
    assert in_running_order(right) == tuple(right)


def test_a_circle_within_a_step_is_named():
    with pytest.raises(ValueError, match=r"^a circle within a step: b ← d ← c ← b$"):
        in_running_order([equation("b", now("d")), equation("c", now("b")), equation("d", now("c"))])
    assert order(equation("b", now("d")), equation("c", before("b")), equation("d", now("c"))) == ["c", "d", "b"]


SMALL = network((2, 3, 2, 1), ("relu", "tanh", "sigmoid"))


def one_step(equations):
    rng = np.random.default_rng(0)
    composed = Network(equations, SMALL.shapes, SMALL.start)
    start = {name: rng.normal(size=SMALL.shape(name, 4)) for name in sorted(SMALL.parameters)}
    batch = rng.normal(size=(2, 4)), np.array([[0.0, 1, 1, 0]])
    return next(train(composed, start, batches_given([batch], 0.1)))


@settings(deadline=None, derandomize=True)
@given(st.permutations(SMALL.equations))
def test_however_the_equations_stood_they_run_and_give_the_same_numbers(shuffled):
    expected, actual = one_step(SMALL.equations), one_step(in_running_order(shuffled))
    assert expected.keys() == actual.keys()
    assert all(np.array_equal(expected[name], actual[name]) for name in expected)


def test_equations_that_stand_in_no_order_do_not_run():
    with pytest.raises(ValueError, match="before it is computed"):
        one_step(SMALL.equations[::-1])
