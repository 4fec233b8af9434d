"""Faults of the update: Adam's moments, its bias correction, its step, and gradient descent's."""

import numpy as np

from comparisons.experiment import Adam
from tests.controls.faults import Fault, each
from tests.controls.plain_network import PlainNetwork

PARAMETERS = each("W", "b")
MOMENTS = each("m_W", "m_b", "v_W", "v_b")


def corrected_at(t):
    """The bias corrections of another t than the step's."""

    def corrections(network):
        return tuple(1 - beta ** t(network.t) for beta in (network.optimizer.beta1, network.optimizer.beta2))

    return corrections


def with_swapped_betas(network, name, theta, gradient):
    network.optimizer = Adam(beta1=0.999, beta2=0.9)
    return PlainNetwork.moved(network, name, theta, gradient)


def with_moments_by_shape(network, name, theta, gradient):
    """One buffer for all parameters of a shape."""
    by_shape = network.by_shape = getattr(network, "by_shape", {})
    network.m[name], network.v[name] = by_shape.get(theta.shape, (network.m[name], network.v[name]))
    moved = PlainNetwork.moved(network, name, theta, gradient)
    by_shape[theta.shape] = network.m[name], network.v[name]
    return moved


def with_epsilon_in_the_root(network, name, theta):
    c1, c2 = network.corrections()
    return theta - 1e-3 * (network.m[name] / c1) / np.sqrt(network.v[name] / c2 + 1e-7)


def with_another_epsilon(network, name, theta):
    c1, c2 = network.corrections()
    return theta - 1e-3 * (network.m[name] / c1) / (np.sqrt(network.v[name] / c2) + 1e-6)


def times(factor):
    """Adam's step, so many times as large."""

    def step(network, name, theta):
        return theta + factor(network.t) * (PlainNetwork.adam_step(network, name, theta) - theta)

    return step


def nudged(network, name, theta):
    moved = PlainNetwork.adam_step(network, name, theta)
    moved[0, 0] += 1e-3
    return moved


def with_momentum(network, name, theta, gradient):
    network.m[name] = 0.9 * network.m[name] + gradient
    return theta - 0.1 * network.m[name]


OF_MOMENTS = (
    Fault("m: not weighted by 1 - beta1", "first_moment", lambda net, name, g: 0.9 * net.m[name] + g,
          each("m_W", "m_b"),
          "ten times too much of each gradient; v is right, and θ is computed from the m that there is"),
    Fault("m: gradients summed", "first_moment", lambda net, name, g: net.m[name] + (1 - 0.9) * g, each("m_W", "m_b"),
          "m is 0 before step 1, so that nothing is too much there", first=2),
    Fault("m and v: betas swapped", "moved", with_swapped_betas, MOMENTS + PARAMETERS,
          "both moments, and c₁ and c₂, which are not shown, in θ"),
    Fault("m and v: shared by parameters of one shape", "moved", with_moments_by_shape,
          each("m_b", "v_b", layers=range(1, 5)),
          "b[1] and b[4], b[2] and b[3] have the same shapes, and no two weights have; the second of each pair breaks "
          "in step 1, the first one from step 2 on"),
    Fault("v: of the first moment", "second_moment",
          lambda net, name, g: 0.999 * net.v[name] + (1 - 0.999) * net.m[name] ** 2, each("v_W", "v_b"),
          "m² for g²"),
    Fault("v: not squared", "second_moment", lambda net, name, g: 0.999 * net.v[name] + (1 - 0.999) * np.abs(g),
          each("v_W", "v_b"), "|g| for g²"),
)  # fmt: skip

OF_ADAM = (
    Fault("c1 and c2: no bias correction", "corrections", lambda net: (1, 1), PARAMETERS, "m/c₁ and v/c₂, in θ"),
    Fault("c1 and c2: t one behind", "corrections", corrected_at(lambda t: max(t - 1, 1)), PARAMETERS,
          "t from 0 would divide by 0, so that step 1 was mended by hand", first=2),
    Fault("c1 and c2: t one ahead", "corrections", corrected_at(lambda t: t + 1), PARAMETERS, "t counts from 1"),
    Fault("c1 and c2: t counts epochs", "corrections", corrected_at(lambda t: 1 + (t - 1) // 3), PARAMETERS,
          "the second step of the first epoch is t = 2", first=2),
    Fault("c1: beta1 t for beta1^t", "corrections", lambda net: (1 - 0.9 * net.t, 1 - 0.999**net.t), PARAMETERS,
          "at t = 1 they are the same", first=2),
    Fault("c2: of beta1", "corrections", lambda net: (1 - 0.9**net.t, 1 - 0.9**net.t), PARAMETERS,
          "v/c₂, in θ; v itself takes β₂"),
    Fault("theta: epsilon in the root", "adam_step", with_epsilon_in_the_root, PARAMETERS,
          "√(v + ε) is √v + ε/(2√v): far more than ε, and float64 sees less", precision="float64"),
    Fault("theta: epsilon ten times as large", "adam_step", with_another_epsilon, PARAMETERS,
          "10⁻⁶ of a gradient of 1: less than the rounding of float32, far more than that of float64",
          precision="float64"),
    Fault("theta: update added", "adam_step", times(lambda t: -1), PARAMETERS, "up the slope"),
    Fault("theta: rate doubled in one layer", "adam_step", times(lambda t: 2), ("W[3]", "b[3]"),
          "α is one number for all", only=("W[3]", "b[3]")),
    Fault("theta: rate halved with each epoch", "adam_step", times(lambda t: 0.5 ** ((t - 1) // 3)), PARAMETERS,
          "step 4 is the first of the second epoch", first=4),
    Fault("theta: decay beside Adam", "adam_step",
          lambda net, name, theta: PlainNetwork.adam_step(net, name, theta) - 1e-3 * 0.01 * theta, each("W"),
          "AdamW's decay: the gradient and the moments know nothing of it", only=each("W")),
    Fault("theta: one layer never moves", "adam_step", lambda net, name, theta: theta, ("W[2]", "b[2]"),
          "its gradients and moments are right", only=("W[2]", "b[2]")),
    Fault("theta: biases never move", "adam_step", lambda net, name, theta: theta, each("b"),
          "their gradients and moments are right", only=each("b")),
    Fault("theta: one bias frozen for an epoch", "adam_step", lambda net, name, theta: theta, ("b[2]",),
          "epoch 2 is steps 4, 5 and 6", only=("b[2]",), at=(4, 5, 6), first=4),
    Fault("theta: kept in float16", "adam_step",
          lambda net, name, theta: PlainNetwork.adam_step(net, name, theta).astype("f2").astype("f4"), PARAMETERS,
          "float16 rounds by 2⁻¹¹ what the step computed in float32"),
    Fault("theta: one weight nudged at one step", "adam_step", nudged, ("W[2]",),
          "the nudged weight is what all that follows is computed from", only=("W[2]",), at=(5,), first=5),
)  # fmt: skip

OF_DESCENT = (
    Fault("theta: gradient added", "descent_step", lambda net, name, theta, g: theta + 0.1 * g, PARAMETERS,
          "up the slope", optimizer="gradient-descent"),
    Fault("theta: rate doubled for the biases", "descent_step", lambda net, name, theta, g: theta - 0.2 * g, each("b"),
          "α is one number for all", only=each("b"), optimizer="gradient-descent"),
    Fault("theta: rate falls as 1/t", "descent_step", lambda net, name, theta, g: theta - 0.1 / net.t * g, PARAMETERS,
          "at t = 1 it is the same", first=2, optimizer="gradient-descent"),
    Fault("theta: momentum", "descent_step", with_momentum, PARAMETERS,
          "step 1 has none yet", first=2, optimizer="gradient-descent"),
    Fault("theta: sign of the gradient", "descent_step", lambda net, name, theta, g: theta - 0.1 * np.sign(g),
          PARAMETERS, "no gradient is 1", optimizer="gradient-descent"),
    Fault("theta: one layer never moves", "descent_step", lambda net, name, theta, g: theta, ("W[4]", "b[4]"),
          "its gradients are right", only=("W[4]", "b[4]"), optimizer="gradient-descent"),
)  # fmt: skip
