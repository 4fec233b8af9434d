"""Momentum, Nesterov, RMSprop and weight decay: numbers worked by hand, and what Keras publishes."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference.article import network
from reference.decay import DECAYS
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import Group, compose
from reference.optimizers import OPTIMIZERS
from reference.running import batches_given, train

PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def composed(optimizer, shape, forms=(), decay=None, **constants):
    """The optimizer of one parameter θ and nothing else, in these forms."""
    groups = OPTIMIZERS[optimizer]({"θ": shape}, **constants)
    if decay is not None:
        kind, rate = decay
        groups = DECAYS[kind](groups, {"θ": shape}, rate)
    given = {"dθ": shape, "t": (), "alpha": (), "A[0]": shape}
    textbook = compose([], Group(shapes={"θ": shape}), groups, given)
    return in_form(textbook, *(form for form in DIALECTS if form.name in forms))


def stepped(optimizer, gradients, *, alpha, theta, dtype=np.float64, **how):
    """All quantities of each step on the numbers that are given to the gradient of θ; alpha is one, or one per step."""
    shape = np.shape(theta)
    gradients = [np.broadcast_to(np.array(g, dtype), shape) for g in gradients]
    alphas = np.broadcast_to(alpha, len(gradients)).tolist()
    given = [
        {"dθ": g, "t": t, "alpha": a, "A[0]": g} for t, (g, a) in enumerate(zip(gradients, alphas, strict=True), 1)
    ]
    return list(train(composed(optimizer, shape, **how), {"θ": np.array(theta, dtype)}, given))


def numbers(steps, name):
    return [float(step[name]) for step in steps]


# Worked by hand: powers of two throughout, so that nothing rounds -----------------------------------------------------
#
# Momentum with μ = ½, α = ¼, then ⅛, from θ = 1, on the gradients 4, 2 and 0:
#
#   t   α    m = μ m + g   θ = θ − α m         n = μ m + g   θ = θ − α n (Nesterov)
#   1   1/4  4             1 − 1 = 0           2 + 4 = 6     1 − 3/2 = −1/2
#   2   1/4  2 + 2 = 4     0 − 1 = −1          2 + 2 = 4     −1/2 − 1 = −3/2
#   3   1/8  2 + 0 = 2     −1 − 1/4 = −5/4     1 + 0 = 1     −3/2 − 1/8 = −13/8
#
# With α in the momentum, m = μ m − α g and θ = θ + m, the third step still goes at the old rate:
#
#   t   α    m              θ                n = μ m − α g    θ = θ + n
#   1   1/4  −1             0                −1/2 − 1 = −3/2  −1/2
#   2   1/4  −1/2 − 1/2     −1               −1/2 − 1/2       −3/2
#   3   1/8  −1/2           −3/2             −1/4             −7/4
#
# Dampened, m = μ m + (1 − μ) g but for the first step, whose m is g: 4, 2 + 1 = 3, 3/2.

ALPHA, GRADIENTS = [1 / 4, 1 / 4, 1 / 8], [4, 2, 0]
MOMENTUM_BY_HAND = {
    ("momentum", ()): {"m_θ": [4, 4, 2], "θ": [0, -1, -5 / 4]},
    ("nesterov", ()): {"m_θ": [4, 4, 2], "n_θ": [6, 4, 1], "θ": [-1 / 2, -3 / 2, -13 / 8]},
    ("momentum", ("velocity",)): {"m_θ": [-1, -1, -1 / 2], "θ": [0, -1, -3 / 2]},
    ("nesterov", ("velocity",)): {
        "m_θ": [-1, -1, -1 / 2],
        "n_θ": [-3 / 2, -1, -1 / 4],
        "θ": [-1 / 2, -3 / 2, -7 / 4],
    },
    ("momentum", ("dampened",)): {"m_θ": [4, 3, 3 / 2], "θ": [0, -3 / 4, -15 / 16]},
}


@PRECISIONS
@pytest.mark.parametrize("how", MOMENTUM_BY_HAND, ids=lambda how: "-".join([how[0], *how[1]]))
def test_momentum_worked_by_hand(how, dtype):
    (optimizer, forms), expected = how, MOMENTUM_BY_HAND[how]
    steps = stepped(optimizer, GRADIENTS, alpha=ALPHA, theta=1.0, forms=forms, dtype=dtype, momentum=0.5)
    assert expected == {name: numbers(steps, name) for name in expected}
    assert all(step[name].dtype == dtype for step in steps for name in expected)


def test_no_two_of_them_are_alike():
    paths = [tuple(expected["θ"]) for expected in MOMENTUM_BY_HAND.values()]
    assert len(set(paths)) == len(paths)


def test_while_the_rate_stays_the_same_a_velocity_goes_where_momentum_goes():
    for optimizer in ("momentum", "nesterov"):
        one, other = (
            stepped(optimizer, GRADIENTS, alpha=1 / 4, theta=1.0, momentum=0.5, forms=forms)
            for forms in ((), ("velocity",))
        )
        assert numbers(one, "θ") == numbers(other, "θ")
        assert numbers(one, "m_θ") == [-4 * m for m in numbers(other, "m_θ")]


# RMSprop with ρ = ¾, α = 1/8, from θ = 1, on the gradients 4 and 8:
#
#   t   v = ρ v + (1 − ρ) g²   m = ρ m + (1 − ρ) g   v − m²
#   1   16/4 = 4               1                     3
#   2   3 + 16 = 19            3/4 + 2 = 11/4        19 − 121/16 = 183/16
#
# With ε = 1 the first step is 1/8 · 4/(√4 + 1) = 1/6, and with ε = 5 in the root 1/8 · 4/√(4 + 5) = 1/6 too;
# centered with ε = 6 in the root 1/8 · 4/√(3 + 6) is 1/6 once more. Roots of what is no square lie in their balls.


@PRECISIONS
def test_the_moments_of_rmsprop_worked_by_hand_are_exact(dtype):
    steps = stepped("rmsprop", [4, 8], alpha=1 / 8, theta=1.0, dtype=dtype, rho=0.75, centered=True)
    assert ([4, 19], [1, 11 / 4], [3, 183 / 16]) == tuple(numbers(steps, name) for name in ("v_θ", "m_θ", "var_θ"))
    (first, second) = stepped("rmsprop", [4, 8], alpha=1 / 8, theta=1.0, dtype=dtype, rho=0.75)
    assert (4, 19) == (first["v_θ"], second["v_θ"])
    assert "m_θ" not in first


@PRECISIONS
@pytest.mark.parametrize(
    ("epsilon", "centered", "forms"),
    [(1, False, ()), (5, False, ("epsilon-in-the-root",)), (6, True, ("epsilon-in-the-root",))],
    ids=["textbook", "in-the-root", "centered-in-the-root"],
)
def test_rmsprops_first_step_worked_by_hand_is_a_sixth(epsilon, centered, forms, dtype):
    constants = {"rho": 0.75, "epsilon": float(epsilon), "centered": centered}
    (step,) = stepped("rmsprop", [4], alpha=1 / 8, theta=1.0, forms=forms, dtype=dtype, **constants)
    expected = dtype(1) - dtype(0.5) / dtype(3)  # two roundings, as in the equation
    assert expected == step["θ"]
    for other in ((), ("epsilon-in-the-root",)):
        if other != forms:
            (step,) = stepped("rmsprop", [4], alpha=1 / 8, theta=1.0, forms=other, dtype=dtype, **constants)
            assert expected != step["θ"]


# Decay with λ = ½ and α = ½, from θ = 2, on the gradient 1 and then 0:
#
#   coupled     g = dθ + λ θ = 1 + 1 = 2, θ = 2 − ½ · 2 = 1;   then g = 0 + ½, θ = 1 − ¼ = ¾
#   decoupled   kept = θ − α λ θ = 2 − ½ = 3/2, θ = 3/2 − ½ · 1 = 1;   then kept = 1 − ¼ = ¾ = θ
#
# Gradient descent does not tell them apart. Momentum with μ = ½ does, whose m has the decay in it, or has not:
#
#   coupled     m = 2, θ = 1;   g = ½, m = 1 + ½ = 3/2, θ = 1 − ¾ = ¼
#   decoupled   m = 1, θ = 1;   m = ½, kept = ¾, θ = ¾ − ¼ = ½

DECAY_BY_HAND = {
    ("gradient-descent", "coupled"): {"g_θ": [2, 1 / 2], "θ": [1, 3 / 4]},
    ("gradient-descent", "decoupled"): {"kept_θ": [3 / 2, 3 / 4], "θ": [1, 3 / 4]},
    ("momentum", "coupled"): {"g_θ": [2, 1 / 2], "m_θ": [2, 3 / 2], "θ": [1, 1 / 4]},
    ("momentum", "decoupled"): {"kept_θ": [3 / 2, 3 / 4], "m_θ": [1, 1 / 2], "θ": [1, 1 / 2]},
}


@PRECISIONS
@pytest.mark.parametrize("how", DECAY_BY_HAND, ids="-".join)
def test_decay_worked_by_hand(how, dtype):
    (optimizer, kind), expected = how, DECAY_BY_HAND[how]
    constants = {"momentum": 0.5} if optimizer == "momentum" else {}
    steps = stepped(optimizer, [1, 0], alpha=1 / 2, theta=2.0, decay=(kind, 0.5), dtype=dtype, **constants)
    assert expected == {name: numbers(steps, name) for name in expected}


@pytest.mark.parametrize("form", ["decay-as-a-factor", "decay-before-alpha"])
def test_a_decay_in_another_form_worked_by_hand_is_the_same_number(form):
    steps = stepped("gradient-descent", [1, 0], alpha=1 / 2, theta=2.0, decay=("decoupled", 0.5), forms=[form])
    assert [3 / 2, 3 / 4] == numbers(steps, "kept_θ")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_decoupled_decay_follows_the_learning_rate(optimizer):
    steps = stepped(optimizer, [0, 0], alpha=[1 / 2, 1 / 4], theta=2.0, decay=("decoupled", 0.5))
    assert [3 / 2, 21 / 16] == numbers(steps, "kept_θ") == numbers(steps, "θ")  # 3/2 − 1/4 · 1/2 · 3/2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_coupled_decay_is_all_that_an_optimizer_sees_of_the_gradient(optimizer):
    textbook = network(optimizer=optimizer)
    decayed = network(optimizer=optimizer, decay=("coupled", 0.5))
    old = {e.defines for e in textbook.equations for ref in e.reads.values() if ref.name == "dW[1]"}
    assert old == {e.defines for e in decayed.equations for ref in e.reads.values() if ref.name == "g_W[1]"}
    assert {"g_W[1]"} == {e.defines for e in decayed.equations for ref in e.reads.values() if ref.name == "dW[1]"}


# How they print -------------------------------------------------------------------------------------------------------


def lines(*args, **how):
    return [str(equation) for equation in composed(*args, (), **how).equations]


def test_the_lines_of_each():
    assert ["m_θ ← 0.9 m_θ + dθ", "θ ← θ − alpha m_θ"] == lines("momentum")
    assert ["m_θ ← 0.9 m_θ + dθ", "n_θ = 0.9 m_θ + dθ", "θ ← θ − alpha n_θ"] == lines("nesterov")
    assert ["m_θ ← 0.9 m_θ − alpha dθ", "θ ← θ + m_θ"] == lines("momentum", forms=["velocity"])
    assert ["v_θ ← 0.9 v_θ + (1 − 0.9) dθ²", "θ ← θ − alpha dθ/(√v_θ + 1e-07)"] == lines("rmsprop")
    assert [
        "v_θ ← 0.9 v_θ + (1 − 0.9) dθ²",
        "m_θ ← 0.9 m_θ + (1 − 0.9) dθ",
        "var_θ = v_θ − m_θ²",
        "θ ← θ − alpha dθ/√(var_θ + 1e-07)",
    ] == lines("rmsprop", centered=True, forms=["epsilon-in-the-root"])
    assert ["g_θ = dθ + 0.5 θ", "θ ← θ − alpha g_θ"] == lines("gradient-descent", decay=("coupled", 0.5))
    assert ["kept_θ = θ − alpha 0.5 θ", "θ = kept_θ − alpha dθ"] == lines("gradient-descent", decay=("decoupled", 0.5))


# Keras's own golden numbers -------------------------------------------------------------------------------------------
#
# keras/src/optimizers/{rmsprop,adamw,sgd,adam}_test.py: test_single_step, test_weight_decay and
# test_correctness_with_golden (keras-team/keras at 3422977, Apache-2.0), and the example of RMSprop's docstring. Of a
# momentum above 0 Keras publishes no number.


def has_digits(published, actual):
    """Whether the number, rounded where the published one ends, is the published one."""
    half = Decimal(1).scaleb(Decimal(published).as_tuple().exponent) / 2
    return abs(Decimal(float(actual)) - Decimal(published)) <= half


def all_have_digits(golden, steps):
    return np.array([[has_digits(*pair) for pair in zip(row, np.atleast_1d(step["θ"]), strict=True)]
                     for row, step in zip(golden, steps, strict=True)])  # fmt: skip


RMS, ADAM = ["epsilon-in-the-root"], ["first-moment-lerp", "second-moment-lerp", "powers-in-precision", "epsilon-hat"]
DECAY = ["decay-before-alpha"]
TEN = [[0.01] * 10, *[[g / 10 for g in range(1, 11)]] * 4]
ADAMW_GOLDEN = [
    ["0.4998"] * 10,
    ["0.2486", "0.2475", "0.2463", "0.2451", "0.244", "0.2428", "0.2417", "0.2405", "0.2394", "0.2382"],
    ["0.1223", "0.1198", "0.1174", "0.1149", "0.1124", "0.11", "0.1075", "0.1051", "0.1027", "0.1003"],
    ["0.0586", "0.0549", "0.0512", "0.0475", "0.0439", "0.0402", "0.0366", "0.033", "0.0294", "0.0258"],
    ["0.0263", "0.0215", "0.0167", "0.012", "0.0073", "0.0026", "-0.0021", "-0.0067", "-0.0113", "-0.0159"],
]
CENTERED_GOLDEN = [[published] * 10 for published in ("0.9967", "0.9933", "0.9908", "0.9885", "0.9864")]


@PRECISIONS
def test_kerass_numbers_for_adamw_come_out_to_their_last_digit(dtype):
    how = {"alpha": 1.0, "theta": [1.0] * 10, "dtype": dtype, "epsilon": 2.0}
    steps = stepped("adam", TEN, decay=("decoupled", 0.5), forms=[*ADAM, *DECAY], **how)
    assert all_have_digits(ADAMW_GOLDEN, steps).all()
    for wrong in (
        stepped("adam", TEN, decay=("coupled", 0.5), forms=ADAM, **how),
        stepped("adam", TEN, decay=("decoupled", 0.5), **how),
        stepped("adam", TEN, forms=ADAM, **how),
    ):
        assert not all_have_digits(ADAMW_GOLDEN, wrong).all()


@PRECISIONS
def test_kerass_numbers_for_centered_rmsprop_come_out_to_their_last_digit(dtype):
    how = {"alpha": 0.001, "theta": [1.0] * 10, "dtype": dtype, "forms": RMS}
    assert all_have_digits(CENTERED_GOLDEN, stepped("rmsprop", TEN, centered=True, **how)).all()
    assert not all_have_digits(CENTERED_GOLDEN, stepped("rmsprop", TEN, **how)).all()


ONE_STEP = {
    "rmsprop": ("rmsprop", {}, RMS, 0.5, [1, 6, 7, 2], [1.0, 2.0, 3.0, 4.0], ["-0.5811", "0.4189", "1.4189", "2.4189"]),
    "rmsprop-docstring": ("rmsprop", {}, RMS, 0.1, [10], [10.0], ["9.683772"]),
    "adamw": (
        *("adam", {"decay": ("decoupled", 0.004)}, [*ADAM, *DECAY]),
        *(0.5, [1, 6, 7, 2], [1.0, 2.0, 3.0, 4.0], ["0.498", "1.496", "2.494", "3.492"]),
    ),
}


@PRECISIONS
@pytest.mark.parametrize("case", ONE_STEP)
def test_kerass_numbers_for_one_step_come_out(case, dtype):
    optimizer, how, forms, alpha, g, theta, golden = ONE_STEP[case]
    steps = stepped(optimizer, [g], alpha=alpha, theta=theta, forms=forms, dtype=dtype, **how)
    assert all_have_digits([golden], steps).all()
    slower = stepped(optimizer, [g], alpha=alpha * 0.99, theta=theta, forms=forms, dtype=dtype, **how)
    assert not all_have_digits([golden], slower).any()


@PRECISIONS
@pytest.mark.parametrize("optimizer", ["gradient-descent", "rmsprop", "adam"])
def test_kerass_number_for_three_steps_of_decay_alone_comes_out(optimizer, dtype):
    forms = {"rmsprop": RMS, "adam": ADAM}.get(optimizer, [])
    how = {"alpha": 1.0, "theta": 2.0, "dtype": dtype}
    steps = stepped(optimizer, [0, 0, 0], decay=("decoupled", 0.004), forms=[*forms, *DECAY], **how)
    assert all_have_digits([["1.9760959"]], steps[-1:]).all()
    assert not all_have_digits([["1.9760959"]], steps[1:2]).any()
    if optimizer != "gradient-descent":  # for which it is the same
        coupled = stepped(optimizer, [0, 0, 0], decay=("coupled", 0.004), forms=forms, **how)
        assert not all_have_digits([["1.9760959"]], coupled[-1:]).any()


# What needs another form ---------------------------------------------------------------------------------------------


def test_a_rate_for_each_step_is_given_as_pythons_number():
    batches = [("X", "Y"), ("X", "Y")]
    given = list(batches_given(batches, np.array([0.5, 0.25])))
    assert [0.5, 0.25] == [step["alpha"] for step in given]
    assert {float} == {type(step["alpha"]) for step in given}
    for rates in ([0.5], [0.5, 0.25, 0.125]):
        with pytest.raises(ValueError, match="zip"):
            list(batches_given(batches, rates))


def test_dampening_is_not_for_nesterov_as_pytorch_has_it():
    (dampened,) = [form for form in DIALECTS if form.name == "dampened"]
    assert dampened.applies_to(network(optimizer="momentum"))
    assert not dampened.applies_to(network(optimizer="nesterov"))


def test_a_ball_of_an_accumulated_gradient_has_the_exact_sum_and_not_the_dampened_one():
    rng = np.random.default_rng(0)
    m, g = (rng.normal(size=1000) for _ in range(2))
    (_, step) = stepped("momentum", [m, g], alpha=0.1, theta=np.ones(1000))
    equation = composed("momentum", (1000,)).by_name["m_θ"]
    ball = equation.by(m=Ball(m, None, FLOAT64), g=Ball(g, None, FLOAT64), momentum=0.9)
    for n in range(1000):
        exact = Fraction(0.9) * Fraction(m[n]) + Fraction(g[n])
        assert abs(exact - Fraction(float(ball.mid[n]))) <= Fraction(float(ball.radius[n]))
    assert (abs(step["m_θ"] - ball.mid) <= ball.radius).all()
    assert not (abs(0.9 * m + (1 - 0.9) * g - ball.mid) <= ball.radius).any()
