"""What PyTorch and TensorFlow hand over is delivered as it is: parameters, losses, variables, in their precision."""

import numpy as np
import pytest

from comparisons.delivery import Delivery, DeliveryError
from reference.article import network
from tests.frameworks import framework

NETWORK = network((2, 3, 1), ("relu", "sigmoid"))
W = np.arange(6, dtype="f4").reshape(3, 2)


def delivered(name, value, layout):
    return Delivery(NETWORK, "float32", layout).step({name: value}, 1, 5)[name]


@pytest.fixture
def torch():
    return framework("torch")


@pytest.fixture
def tf():
    return framework("tensorflow")


@pytest.mark.xdist_group("torch")
def test_a_parameter_that_wants_a_gradient_is_taken_as_it_is(torch):
    parameter = torch.nn.Parameter(torch.from_numpy(W.copy()))
    actual = delivered("W[1]", parameter, "torch")
    with torch.no_grad():
        parameter += 1
    assert np.array_equal(actual, W), "and copied"


@pytest.mark.xdist_group("torch")
def test_a_loss_of_no_axes_is_taken(torch):
    assert delivered("J", torch.tensor(0.5, requires_grad=True), "torch").item() == 0.5


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize(
    ("dtype", "says"), [("float64", "is float64, but"), ("bfloat16", "is a Tensor; show an array")]
)
def test_a_tensor_of_another_precision_is_refused(torch, dtype, says):
    with pytest.raises(DeliveryError, match=f"W\\[1\\] {says}"):
        delivered("W[1]", torch.ones(3, 2, dtype=getattr(torch, dtype)), "torch")


@pytest.mark.xdist_group("keras")
def test_a_variable_and_an_eager_tensor_are_taken_as_they_are(tf):
    variable = tf.Variable(W.T)
    actual = delivered("W[1]", variable, "rows")
    variable.assign_add(tf.ones_like(variable))
    assert np.array_equal(actual, W), "and copied"
    assert np.array_equal(delivered("W[1]", tf.constant(W.T), "rows"), W)


@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize(("dtype", "says"), [("float64", "is float64, but"), ("bfloat16", "is a .*Tensor; show")])
def test_a_tensorflow_tensor_of_another_precision_is_refused(tf, dtype, says):
    with pytest.raises(DeliveryError, match=f"W\\[1\\] {says}"):
        delivered("W[1]", tf.ones((2, 3), getattr(tf, dtype)), "rows")
