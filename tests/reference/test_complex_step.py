"""Backpropagation finds the true derivatives: those of the complex step, which knows no chain rule.

How near is computed, not chosen: a gradient's ball, from the start values alone with everything between hidden, has
every number that a correct backpropagation in float64 may give, the exact derivative among them. Arb finds that one, by
a complex step of 300 bits whose h² does not exist. That these balls are narrower than 1e-12 of the gradient makes the
promise "to 1e-12"; the ordinary complex step, whose own roundings no ball knows, is held to the promise itself.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference.activations import ACTIVATIONS
from reference.article import network
from reference.dialects import DIALECTS
from reference.forms import Change, Form, in_form
from reference.layers import bias_gradient, input_gradient, weight_gradient
from reference.learned import behind
from reference.network import Network, before, now
from reference.running import evaluate

STEP = 2.0**-300  # its square is beside everything here smaller than any rounding
N_EXAMPLES = 5
NETWORKS = {
    "article": network(optimizer="gradient-descent"),
    "all-activations": network((2, 3, 4, 3, 4, 3, 1), (*ACTIVATIONS, "sigmoid"), optimizer="gradient-descent"),
    "one-layer": network((2, 1), ("sigmoid",), optimizer="gradient-descent"),
}
MEANS = tuple(form for form in DIALECTS if form.choice == "where the 1/m stands")
FORMS = {"textbook": (), **{form.name: (form,) for form in MEANS}}


class Step(NamedTuple):
    """What one step computed: from plain numbers, and from balls with everything between hidden."""

    given: dict
    plain: dict
    balls: dict


@cache
def step_of(composed: Network) -> Step:
    rng = np.random.default_rng(3)
    given = {before(name): rng.normal(0, 0.7, composed.shape(name, N_EXAMPLES)) for name in composed.parameters}
    given |= {ref: abs(value) for ref, value in given.items() if ref.name[0] == "b"}  # no layer of ReLUs is dead
    given |= {now("A[0]"): rng.normal(size=(2, N_EXAMPLES)), now("Y"): np.array([[0.0, 1, 1, 0, 1]])}
    given |= {now("t"): 1, now("alpha"): 0.1}
    plain = evaluate(composed.equations, dict(given))
    balls = evaluate(composed.equations, {ref: Ball(value, None, FLOAT64) for ref, value in given.items()})
    return Step(given, plain, balls)


def steps_of_J(textbook, given, name, number, step):
    """J after a step of each entry of the quantity in turn; `number(value, direction)` makes numbers with that step."""
    shape = textbook.shape(name, N_EXAMPLES)
    n = int(np.prod(shape))
    directions = step * np.eye(n).reshape(n, *shape)
    values = {ref: number(value, 0.0) for ref, value in given.items()}
    if name in textbook.parameters:
        values[before(name)] = number(given[before(name)], directions)

    def settle(equation, value):
        return value + number(np.zeros(shape), directions) if equation.defines == name else value

    return evaluate(behind(textbook, ["J"]), values, settle)[now("J")].reshape(shape)


@cache
def slopes(textbook, name, exact):
    """∂J/∂name, exactly to within `reach`, and as complex128 finds it."""
    given = step_of(textbook).given
    with exact.bits(300):
        expected, reach = exact.slopes(steps_of_J(textbook, given, name, exact.of, 1.0))
    assert (reach <= 2.0**-53 * np.abs(expected)).all()
    found = steps_of_J(textbook, given, name, lambda value, direction: value + 1j * direction, STEP).imag / STEP
    return expected, reach, found


def is_used(composed, name):
    return any(now(name) in equation.reads.values() for equation in composed.equations)


def gradients_of(composed):
    """Every gradient that something reads; through the logits, nothing reads the output's dA."""
    return [name for name in composed.by_name if name[0] == "d" and is_used(composed, name)]


def check(textbook, composed, name, exact):
    """The exact derivative lies in the ball, and both complex steps within 1e-12 of the largest entry."""
    _, plain, balls = step_of(composed)
    actual, ball = plain[now(name)], balls[now(name)]
    # The article's dA and dZ are an example's share of m J, so that the 1/m can stand at the weights.
    factor = N_EXAMPLES if composed.per_example(name) and has_its_mean_at_the_weights(composed) else 1
    expected, reach, found = (factor * value for value in slopes(textbook, name.removeprefix("d"), exact))
    within = 1e-12 * np.max(np.abs(expected))
    assert (np.abs(expected - ball.mid) <= ball.radius + reach).all()
    assert (np.abs(actual - ball.mid) <= ball.radius).all()
    assert (2 * ball.radius <= within).all()
    assert (np.abs(found - actual) <= within).all()


def has_its_mean_at_the_weights(composed):
    return any(equation.by is weight_gradient for equation in composed.equations)


def cases():
    for network_name, textbook in NETWORKS.items():
        for form_name, forms in FORMS.items():
            composed = in_form(textbook, *forms)
            for name in gradients_of(composed):
                yield pytest.param(textbook, composed, name, id=f"{network_name}-{form_name}-{name}")


@pytest.mark.parametrize(("textbook", "composed", "name"), list(cases()))
def test_a_gradient_is_the_complex_steps_to_1e_12(textbook, composed, name, exact):
    check(textbook, composed, name, exact)


def test_every_parameter_and_every_quantity_between_has_a_gradient():
    for textbook in NETWORKS.values():
        computed = {name for name in textbook.by_name if name[0] in "AZ"} | set(textbook.parameters)
        assert set(gradients_of(textbook)) == {f"d{name}" for name in computed - set(textbook.given)}


@pytest.mark.parametrize("composed", NETWORKS.values(), ids=NETWORKS)
def test_a_gradient_has_its_quantitys_shape(composed):
    for name in gradients_of(composed):
        assert composed.shapes[name] == composed.shapes[name.removeprefix("d")]
        assert np.any(step_of(composed).plain[now(name)] != 0)


def summed(dZ, A):
    """dZ Aᵀ"""
    return dZ @ A.mT


def off_by_1e_11(dZ):
    """(1 + 1e-11)/m Σᵢ dZ⁽ⁱ⁾"""
    return (1 + 1e-11) * bias_gradient(dZ)


def shifted(W, dZ):
    """Wᵀ dZ, of the next example"""
    return W.mT @ dZ[..., [*range(1, N_EXAMPLES), 0]] if isinstance(dZ, np.ndarray) else W.mT @ dZ


@pytest.mark.parametrize(
    ("of", "to", "name"),
    [(weight_gradient, summed, "dW[3]"), (bias_gradient, off_by_1e_11, "db[2]"), (input_gradient, shifted, "dA[4]")],
    ids=["summed", "off-by-1e-11", "of-the-next-example"],
)
def test_a_gradient_that_is_none_is_refused(of, to, name, exact):
    wrong = in_form(NETWORKS["article"], Form("wrong", "mistake", (Change(of, to),)))
    with pytest.raises(AssertionError):
        check(NETWORKS["article"], wrong, name, exact)
