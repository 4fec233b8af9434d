"""What a yield must be: translated by name and layout, copied, never corrected; what does not fit is one sentence."""

import numpy as np
import pytest

from comparisons.delivery import LAYOUTS, Delivery, DeliveryError
from reference.article import network

NETWORK = network((2, 3, 1), ("relu", "sigmoid"))
M = 5  # examples; no other size is 5
RNG = np.random.default_rng(0)
ARTICLE = {
    name: RNG.normal(size=NETWORK.shape(name, M)).astype("f4") for name, shape in NETWORK.shapes.items() if shape
}
START = {name: ARTICLE[name] for name in NETWORK.parameters}


def delivered(values, layout="columns", precision="float32"):
    return Delivery(NETWORK, precision, layout).step(values, 1, M)


def as_rows(name, array):
    return array.T


def as_torch(name, array):
    return array.T if NETWORK.shapes[name][-1] in ("m", 1) else array


# Layouts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "turned"), [("columns", lambda _, array: array), ("rows", as_rows), ("torch", as_torch)]
)
def test_a_layout_turns_every_quantity_into_the_articles(layout, turned):
    actual = delivered({name: turned(name, array) for name, array in ARTICLE.items()}, layout)
    assert list(actual) == list(ARTICLE)
    for name, expected in ARTICLE.items():
        assert actual[name].dtype == expected.dtype
        assert actual[name].flags.c_contiguous
        assert np.array_equal(actual[name], expected), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_biases_losses_and_a_single_outputs_examples_may_come_without_their_axis_of_one(layout):
    flat = {name: array.ravel() for name, array in ARTICLE.items() if 1 in array.shape and name[0] != "W"}
    flat["J"] = flat["J"][0]
    actual = delivered(flat, layout)
    assert {"b[1]", "db[1]", "m_b[1]", "Y", "A[2]", "J"} <= set(actual)
    for name, array in actual.items():
        assert np.array_equal(array, ARTICLE[name]), name


def test_a_square_array_is_turned_by_its_layout_and_by_nothing_else():
    square = network((3, 3, 1), ("relu", "sigmoid"))
    W = np.arange(9, dtype="f4").reshape(3, 3)
    for layout, expected in {"columns": W, "torch": W, "rows": W.T}.items():
        assert np.array_equal(Delivery(square, "float32", layout).step({"W[1]": W}, 1, M)["W[1]"], expected)


def test_in_torch_the_weights_of_a_single_input_are_not_turned():
    one_input = network((1, 3, 1), ("relu", "sigmoid"))
    column = np.arange(3, dtype="f4").reshape(3, 1)
    delivery = Delivery(one_input, "float32", "torch")
    assert np.array_equal(delivery.step({"W[1]": column}, 1, M)["W[1]"], column)
    for bias in (column, column.T, column[:, 0]):
        assert np.array_equal(Delivery(one_input, "float32", "torch").step({"b[1]": bias}, 1, M)["b[1]"], column)


# What arrays may be --------------------------------------------------------------------------------------------------


class Tensor:
    """What a torch tensor is to somebody who does not import torch: it gives its numbers away once it is detached."""

    def __init__(self, array, is_detached=False):
        self.array, self.is_detached = array, is_detached

    def detach(self):
        return Tensor(self.array, True)

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        if not self.is_detached:
            raise TypeError("it requires a gradient")
        return self.array


def test_a_tensor_is_detached_and_read():
    actual = delivered({"W[1]": Tensor(ARTICLE["W[1]"])})
    assert np.array_equal(actual["W[1]"], ARTICLE["W[1]"])


@pytest.mark.parametrize("number", [0.5, 1, 2.0**-30])
def test_a_python_number_that_the_precision_has_is_taken(number):
    (J,) = delivered({"J": number}).values()
    assert (J.dtype, J.shape, J.item()) == (np.dtype("float32"), (1, 1), number)


def test_what_is_delivered_is_a_copy():
    mine = {name: array.copy() for name, array in ARTICLE.items()}
    actual = delivered(mine)
    for array in mine.values():
        array[...] = 0
    assert all(np.array_equal(actual[name], ARTICLE[name]) for name in ARTICLE)


def test_the_quantities_come_in_the_order_of_the_first_step():
    delivery = Delivery(NETWORK, "float32")
    delivery.step({"W[1]": ARTICLE["W[1]"], "b[1]": ARTICLE["b[1]"]}, 1, M)
    assert list(delivery.step({"b[1]": ARTICLE["b[1]"] + 1, "W[1]": ARTICLE["W[1]"]}, 2, M)) == ["W[1]", "b[1]"]


def test_start_values_are_all_parameters():
    actual = Delivery(NETWORK, "float32", "rows").start({name: array.T for name, array in START.items()})
    assert all(np.array_equal(actual[name], START[name]) for name in START)


# What does not fit ---------------------------------------------------------------------------------------------------


def but(name, value):
    return {**ARTICLE, name: value}


WITH_NAN = ARTICLE["dW[1]"].copy()
WITH_NAN[2, 1] = np.nan
BAD_STEPS = {
    "no dictionary": ([1], 'step 1 yields a list; yield a dictionary such as {"A[1]": A1, "W[1]": W1}'),
    "nothing": (None, 'step 1 yields nothing; yield a dictionary such as {"A[1]": A1, "W[1]": W1}'),
    "an empty one": ({}, "step 1 yields an empty dictionary; show at least one quantity"),
    "an unknown name": (but("W[3]", 1.0), 'step 1 shows "W[3]", which is no quantity here; near it are W[2], W[1], '),
    "a name that is no text": (but(3, 1.0), 'step 1 shows "3", which is no quantity here; near it are '),
    "a scalar of the step": (but("c1", 0.1), 'step 1 shows "c1", which is no quantity here; near it are '),
    "text": (but("J", "0.5"), "step 1: J is a str; show an array of float32 numbers"),
    "None": (but("J", None), "step 1: J is nothing; show an array of float32 numbers"),
    "complex numbers": (but("J", 1j), "step 1: J is a complex; show an array of float32 numbers"),
    "a ragged list": (but("W[1]", [[1.0], [1.0, 2.0]]), "step 1: W[1] is a list; show an array of float32 numbers"),
    "another precision": (
        but("W[1]", ARTICLE["W[1]"].astype("f8")),
        "step 1: W[1] is float64, but the experiment's precision is float32; compute in float32 (experiment.dtype), or "
        "choose --precision float64",
    ),
    "half a precision": (
        but("A[1]", ARTICLE["A[1]"].astype("f2")),
        "step 1: A[1] is float16, but the experiment's precision is float32; compute in float32 (experiment.dtype), or "
        "choose --precision float16",
    ),
    "whole numbers": (
        but("Y", ARTICLE["Y"].astype("i8")),
        "step 1: Y is int64, but the experiment's precision is float32; compute in float32 (experiment.dtype), or "
        "choose --precision int64",
    ),
    "a Python number that is none": (
        but("J", 0.1),
        "step 1: J is the Python number 0.1, which is no float32 number; show it as it was computed, in float32",
    ),
    "NaN": (but("dW[1]", WITH_NAN), "step 1: dW[1][2, 1] is nan; every number shown must be finite"),
    "infinity": (but("J", float("inf")), "step 1: J[0, 0] is inf; every number shown must be finite"),
    "another shape": (
        but("W[1]", np.ones((2, 2), "f4")),
        'step 1: W[1] has the shape (2, 2), but in the layout "columns" it is (3, 2)',
    ),
    "another batch": (
        but("Z[1]", np.ones((3, 4), "f4")),
        'step 1: Z[1] has the shape (3, 4), but in the layout "columns" it is (3, 5)',
    ),
    "weights as Keras has them": (
        but("W[1]", ARTICLE["W[1]"].T),
        'step 1: W[1] has the shape (2, 3), but in the layout "columns" it is (3, 2); if examples are rows, W is '
        '(n_in, n_out), put LAYOUT = "rows" at the top of the file',
    ),
    "one axis too many": (
        but("W[1]", ARTICLE["W[1]"][None]),
        'step 1: W[1] has the shape (1, 3, 2), but in the layout "columns" it is (3, 2)',
    ),
    "weights without their axes": (
        but("W[1]", ARTICLE["W[1]"].ravel()),
        'step 1: W[1] has the shape (6,), but in the layout "columns" it is (3, 2)',
    ),
}


@pytest.mark.parametrize("name", BAD_STEPS)
def test_a_step_that_does_not_fit_gets_one_sentence(name):
    values, message = BAD_STEPS[name]
    with pytest.raises(DeliveryError) as refused:
        delivered(values)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("layout", ["rows", "torch"])
def test_a_shape_that_does_not_fit_is_told_in_its_own_layout(layout):
    here = (2, 3) if layout == "rows" else (3, 2)
    with pytest.raises(DeliveryError) as refused:
        delivered({"W[1]": np.ones((4, 4), "f4")}, layout)
    assert str(refused.value) == f'step 1: W[1] has the shape (4, 4), but in the layout "{layout}" it is {here}'


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"W[1]": 1}, "step 2 no longer shows b[1]; show the same quantities at every step"),
        ({"W[1]": 1, "b[1]": 1, "J": 1}, "step 2 shows J for the first time; show the same quantities at every step"),
    ],
    ids=["fewer", "more"],
)
def test_every_step_shows_what_the_first_one_showed(values, message):
    delivery = Delivery(NETWORK, "float32")
    delivery.step({"W[1]": ARTICLE["W[1]"], "b[1]": ARTICLE["b[1]"]}, 1, M)
    with pytest.raises(DeliveryError) as refused:
        delivery.step({name: ARTICLE[name] for name in values}, 2, M)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "values", [{"W[1]": ARTICLE["W[1]"]}, {**START, "J": ARTICLE["J"]}], ids=["too few", "too many"]
)
def test_start_values_that_are_not_all_parameters_get_one_sentence(values):
    with pytest.raises(DeliveryError) as refused:
        Delivery(NETWORK, "float32").start(values)
    assert str(refused.value) == (
        "a yield before the first batch gives start values: it must show W[1], b[1], W[2], b[2] and nothing else, but "
        f"shows {', '.join(values)}; a step is shown after its batch: loop over experiment.batches()"
    )


def test_a_layout_that_there_is_not_gets_one_sentence():
    with pytest.raises(DeliveryError, match='LAYOUT is "C"; choose one of "columns"'):
        Delivery(NETWORK, "float32", "C")


# The same array more than once ---------------------------------------------------------------------------------------


def test_two_parameters_in_one_array_get_one_sentence():
    b = np.zeros((3, 1), "f4")
    with pytest.raises(DeliveryError) as refused:
        delivered({"b[1]": b, "m_b[1]": b})
    assert str(refused.value) == (
        "step 1: b[1] and m_b[1] are one and the same array, so that changing one changes the other; give each an "
        "array of its own"
    )


def test_an_activation_may_be_its_own_gradient_and_parameters_may_be_parts_of_one_array():
    one = ARTICLE["A[1]"]
    assert {"A[1]", "dA[1]"} == set(delivered({"A[1]": one, "dA[1]": one}))
    flat = np.arange(9, dtype="f4")
    actual = delivered({"W[1]": flat[:6].reshape(3, 2), "b[1]": flat[6:]})
    assert np.array_equal(actual["b[1]"].ravel(), [6, 7, 8])


def two_steps(first, second):
    delivery = Delivery(NETWORK, "float32")
    delivery.step(first, 1, M)
    return delivery.step(second, 2, M)


def test_an_array_that_was_kept_and_is_yielded_for_every_step_gets_one_sentence():
    """What somebody yields who trains first, keeps a list of the arrays that he changes, and goes through it then."""
    mine = {name: array.copy() for name, array in START.items()}
    with pytest.raises(DeliveryError) as refused:
        two_steps(mine, mine)
    assert str(refused.value) == (
        "step 2 shows W[1] in the same array as step 1 and with the same numbers; yield while you train and after the "
        "update, or keep a copy of each step"
    )


def test_an_array_that_is_changed_in_its_place_is_two_steps():
    mine = {name: array.copy() for name, array in START.items()}
    delivery = Delivery(NETWORK, "float32")
    first = delivery.step(mine, 1, M)
    mine["b[2]"] += 1
    second = delivery.step(mine, 2, M)
    assert np.array_equal(first["b[2]"] + 1, second["b[2]"])
    assert np.array_equal(first["W[1]"], second["W[1]"])


def test_numbers_that_stay_in_arrays_of_their_own_are_taken():
    actual = two_steps(START, {name: array.copy() for name, array in START.items()})
    assert set(START) == set(actual)
