"""The dialects of momentum, Nesterov, RMSprop and weight decay; `reference.dialects` has them in its table."""

from __future__ import annotations

import numpy as np

from reference.alphabet import Array, sqrt
from reference.decay import decayed_gradient, shrunk
from reference.forms import Change, Form
from reference.network import Equation, Network, elementwise, now
from reference.optimizers import accumulated, descent_step, rms_step


def to_float32(number: float) -> float:
    """The number, rounded to float32."""
    return float(np.float32(number))


@elementwise
def velocity(m: Array, g: Array, alpha: Array, *, momentum: float) -> Array:
    """momentum m − alpha g"""
    return momentum * m - alpha * g


@elementwise
def velocity_step(theta: Array, m: Array) -> Array:
    """theta + m"""
    return theta + m


@elementwise
def dampened(m: Array, g: Array, t: Array, *, momentum: float) -> Array:
    """momentum m + (1 − momentum [t > 1]) g"""
    return momentum * m + (1 - momentum * (t > 1)) * g


def without_nesterov(equation: Equation, network: Network) -> bool:
    """Momentum as it is: PyTorch refuses to dampen Nesterov's."""
    return all(e.reads["m"].before for e in network.equations if e.by is accumulated)


@elementwise
def rms_step_in_the_root(theta: Array, g: Array, v: Array, alpha: Array, *, epsilon: float) -> Array:
    """theta − alpha g/√(v + epsilon)"""
    return theta - alpha * g / sqrt(v + epsilon)


@elementwise
def shrunk_by_a_factor(theta: Array, alpha: Array, *, decay: float) -> Array:
    """(1 − alpha decay) theta"""
    return (1 - alpha * decay) * theta


@elementwise
def shrunk_decay_first(theta: Array, alpha: Array, *, decay: float) -> Array:
    """theta − decay theta alpha"""
    return theta - decay * theta * alpha


OF_OPTIMIZERS = (
    Form(
        "momentum-in-float32", "dialect",
        (Change(accumulated, constants={"momentum": to_float32}),),
        choice="the precision of the momentum",
        says="On Keras's TensorFlow backend the momentum goes through float32 on its way into a float64 variable: 0.9 "
        "becomes 0.8999999761581421, for good.",
        source="keras/src/optimizers/sgd.py: SGD.update_step (ops.cast); keras/src/backend/tensorflow/core.py: cast",
    ),
    Form(
        "velocity", "dialect",
        (Change(accumulated, velocity, reads={"alpha": lambda _: now("alpha")}),
         Change(descent_step, velocity_step, reads={"m": lambda e: e.reads["g"]})),
        choice="what momentum adds up",
        says="Keras accumulates steps, not gradients: m is what the parameter moves by, with the learning rate and the "
        "minus in it. While the learning rate stays the same the parameters do too, in exact arithmetic; after a "
        "change of it the old rate lives on in m.",
        source="keras/src/optimizers/sgd.py: SGD.update_step",
    ),
    Form(
        "dampened", "dialect",
        (Change(accumulated, dampened, reads={"t": lambda _: now("t")}, only=without_nesterov),),
        choice="what momentum adds up",
        says="With PyTorch's option dampening=momentum m is an average of gradients and not their sum: the gradient is "
        "weighed by 1 − dampening, but not in the first step, where m is the gradient itself.",
        source="torch/optim/sgd.py: _single_tensor_sgd (dampening)",
    ),
    Form(
        "epsilon-in-the-root", "dialect",
        (Change(rms_step, rms_step_in_the_root),),
        choice="where the epsilon of RMSprop joins",
        says="Keras adds epsilon to v before the root is taken, PyTorch to the root. With the same number 1e-7 the "
        "divisor is at least 3e-4 in Keras and 1e-7 in PyTorch.",
        source="keras/src/optimizers/rmsprop.py: RMSprop.update_step",
    ),
    Form(
        "decay-in-float32", "dialect",
        (Change(shrunk, constants={"decay": to_float32}),),
        choice="the precision of the decay",
        says="On Keras's TensorFlow backend the decay goes through float32 on its way into a float64 variable: 0.004 "
        "becomes 0.004000000189989805.",
        source="keras/src/backend/tensorflow/optimizer.py: TFOptimizer._apply_weight_decay (tf.cast)",
    ),
    Form(
        "penalty-in-float32", "dialect",
        (Change(decayed_gradient, constants={"decay": to_float32}),),
        choice="the precision of the decay",
        says="Keras's coupled decay is the regularizer L2, whose factor goes through float32 as well, whatever the "
        "precision of the weights.",
        source="keras/src/regularizers/regularizers.py: L2.__call__ (ops.cast)",
    ),
    Form(
        "decay-before-alpha", "dialect",
        (Change(shrunk, shrunk_decay_first),),
        choice="how a decoupled decay shrinks",
        says="Keras multiplies the parameter by the decay and then by the learning rate, each product rounded, where "
        "the textbook has one number of the step.",
        source="keras/src/backend/tensorflow/optimizer.py: TFOptimizer._apply_weight_decay",
    ),
    Form(
        "decay-as-a-factor", "dialect",
        (Change(shrunk, shrunk_by_a_factor),),
        choice="how a decoupled decay shrinks",
        says="PyTorch multiplies the parameter by 1 − alpha decay. That factor is close to 1, where the numbers of a "
        "precision lie far apart: in float32 the decay itself is rounded to multiples of 6e-8.",
        source="torch/optim/adam.py: _single_tensor_adam (param.mul_)",
    ),
)  # fmt: skip
