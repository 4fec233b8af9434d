"""The dense layer computes the article's lines, with the article's shapes, and the 1/m stands at the weights."""

from fractions import Fraction

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.precisions import FLOAT64
from reference.activations import ACTIVATIONS
from reference.layers import bias_gradient, dense, input_gradient, weight_gradient, weighted_sum
from reference.network import before, now

#  W = | 1  2 |   A = | 1  0 -1  2 |   b = | 10 |
#      | 3  4 |       | 0  1  1  2 |       | 20 |
#      | 5  6 |                            | 30 |
W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
A = np.array([[1.0, 0.0, -1.0, 2.0], [0.0, 1.0, 1.0, 2.0]])
b = np.array([[10.0], [20.0], [30.0]])
dZ = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 8.0], [-1.0, 1.0, -1.0, 1.0]])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


@PRECISIONS
def test_a_layer_worked_by_hand(dtype):
    w, a, c, d = (array.astype(dtype) for array in (W, A, b, dZ))
    # row 1: 1·1 + 2·0 + 10 = 11, 1·0 + 2·1 + 10 = 12, 1·(-1) + 2·1 + 10 = 11, 1·2 + 2·2 + 10 = 16
    assert weighted_sum(w, a, c).tolist() == [[11, 12, 11, 16], [23, 24, 21, 34], [35, 36, 31, 52]]
    # row 1: (1·1 + 2·0 + 3·(-1) + 4·2)/4 = 6/4, (1·0 + 2·1 + 3·1 + 4·2)/4 = 13/4
    assert weight_gradient(d, a).tolist() == [[6 / 4, 13 / 4], [16 / 4, 16 / 4], [(-1 + 1 + 2) / 4, (1 - 1 + 2) / 4]]
    assert bias_gradient(d).tolist() == [[10 / 4], [8 / 4], [0]]
    # column 1: 1·1 + 3·0 + 5·(-1) = -4, 2·1 + 4·0 + 6·(-1) = -4
    assert input_gradient(w, d).tolist() == [[-4, 7, -2, 4 + 24 + 5], [-4, 10, 0, 8 + 32 + 6]]


def test_the_numbers_worked_by_hand_tell_the_axes_apart():
    wrong = [
        (W @ A + b[::-1], weighted_sum(W, A, b)),
        (dZ @ A.T, weight_gradient(dZ, A)),
        (W.T @ dZ[::-1], input_gradient(W, dZ)),
    ]
    for one, other in wrong:
        assert one.shape == other.shape
        assert not np.array_equal(one, other)


def test_shapes_are_the_articles():
    assert weighted_sum(W, A, b).shape == (3, 4)  # Z as (n, m)
    assert weight_gradient(dZ, A).shape == W.shape
    assert bias_gradient(dZ).shape == b.shape
    assert input_gradient(W, dZ).shape == A.shape


def test_a_batch_of_one_is_its_own_mean():
    z, a = dZ[:, 3:], A[:, 3:]
    assert weight_gradient(z, a).tolist() == [[8, 8], [16, 16], [2, 2]]
    assert bias_gradient(z).tolist() == z.tolist()
    assert weighted_sum(W, a, b).tolist() == [[16], [34], [52]]


def test_a_batchs_gradient_is_the_mean_of_its_examples_gradients():
    rng = np.random.default_rng(0)
    d, a = rng.normal(size=(3, 7)), rng.normal(size=(2, 7))
    examples = [weight_gradient(d[:, i : i + 1], a[:, i : i + 1]) for i in range(7)]
    ball = weight_gradient(Ball(d, None, FLOAT64), Ball(a, None, FLOAT64))
    for index in np.ndindex(3, 2):
        products = (Fraction(d[index[0], i]) * Fraction(a[index[1], i]) for i in range(7))
        assert abs(sum(products) / 7 - Fraction(ball.mid[index])) <= Fraction(ball.radius[index])
    assert (np.abs(sum(examples) / 7 - ball.mid) <= ball.radius).all()
    assert (np.abs(sum(examples) - ball.mid) > ball.radius).any()


def test_a_layer_is_the_articles_lines():
    layer = dense(2, 4, 6, "relu")
    assert [str(equation) for equation in (*layer.forward, *layer.backward)] == [
        "Z[2] = W[2] A[1] + b[2]",
        "A[2] = max(0, Z[2])",
        "dZ[2] = dA[2] ∘ (Z[2] > 0)",
        "dW[2] = 1/m dZ[2] A[1]ᵀ",
        "db[2] = 1/m Σᵢ dZ[2]⁽ⁱ⁾",
        "dA[1] = W[2]ᵀ dZ[2]",
    ]


def test_a_layer_reads_the_parameters_as_the_step_before_left_them():
    layer = dense(2, 4, 6, "relu")
    reads = {ref for equation in (*layer.forward, *layer.backward) for ref in equation.reads.values()}
    parameters = {ref for ref in reads if ref.name in ("W[2]", "b[2]")}
    assert parameters == {before("W[2]"), before("b[2]")}
    assert all(not ref.before for ref in reads - parameters)


def test_the_shapes_of_a_layers_quantities():
    assert dense(2, 4, 6, "tanh").shapes == {
        **{"W[2]": (6, 4), "b[2]": (6, 1), "Z[2]": (6, "m"), "A[2]": (6, "m")},
        **{"dZ[2]": (6, "m"), "dW[2]": (6, 4), "db[2]": (6, 1), "dA[1]": (4, "m")},
    }


def test_nobody_asks_for_the_gradient_of_the_input():
    first = dense(1, 2, 4, "relu")
    assert "dA[0]" not in first.shapes
    assert [equation.defines for equation in first.backward] == ["dZ[1]", "dW[1]", "db[1]"]
    assert "dA[1]" in dense(2, 2, 4, "relu").shapes


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activations_way_back_reads_what_it_needs_of_this_step(name):
    forward, backward = dense(2, 4, 6, name).forward[1], dense(2, 4, 6, name).backward[0]
    assert forward.reads == {"Z": now("Z[2]")}
    assert set(backward.reads.values()) <= {now("dA[2]"), now("Z[2]"), now("A[2]")}
    assert backward.reads["dA"] == now("dA[2]")
    assert forward.constants == backward.constants == ACTIVATIONS[name].constants


def test_an_unknown_activation_is_refused_by_its_name():
    with pytest.raises(KeyError, match="softmax"):
        dense(1, 2, 4, "softmax")
