"""Mistakes on the way back through an activation: dZ[l] = dA[l] ∘ g′(Z[l])."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from comparisons.experiment import Experiment
from comparisons.mistakes.averages import one
from comparisons.mistakes.known import Forms, Known, beside, variant
from reference import alphabet
from reference.activations import linear_backward, relu_backward, sigmoid_backward, tanh_backward
from reference.alphabet import Array, times_sigmoid_slope
from reference.forms import Change, Form
from reference.network import Equation, Network, Ref, now


def slope_at_the_activation(dA: Array, A: Array) -> Array:
    """dA ∘ σ(A)(1 − σ(A))"""
    return times_sigmoid_slope(dA, alphabet.sigmoid(A))


def tanh_slope_at_the_activation(dA: Array, A: Array) -> Array:
    """dA ∘ (1 − tanh²(A))"""
    twice = alphabet.tanh(A)
    return dA * (1 - twice * twice)


def slope_of_z(dA: Array, Z: Array) -> Array:
    """dA ∘ Z ∘ (1 − Z)"""
    return dA * (Z * (1 - Z))


def tanh_slope_of_z(dA: Array, Z: Array) -> Array:
    """dA ∘ (1 − Z²)"""
    return dA * (1 - Z * Z)


def sigmoid_slope(dA: Array, Z: Array) -> Array:
    """dA ∘ σ(Z)(1 − σ(Z))"""
    return times_sigmoid_slope(dA, alphabet.sigmoid(Z))


def slope_of_the_output(dA: Array, A: Array) -> Array:
    """dA ∘ A ∘ (1 − A)"""
    return times_sigmoid_slope(dA, A)


def mask_of_the_gradient(dA: Array) -> Array:
    """dA ∘ (dA > 0)"""
    return dA * (dA > 0)


def own_z(equation: Equation) -> Ref:
    """Z[l] for the equation of dZ[l]."""
    return now(equation.defines.removeprefix("d"))


def own_a(equation: Equation) -> Ref:
    """A[l] for the equation of dZ[l]."""
    return now(f"A{equation.defines.removeprefix('dZ')}")


def of_z(activation: Callable[..., Array], to: Callable[..., Array]) -> Change:
    """Where the experiment has the activation, or each of them, its way back from Z instead."""
    return Change(activation, to, reads={"Z": own_z})


def slope_beside(step: int) -> Forms:
    """ReLU's slope of the layer below (−1) or above (1), where the shapes allow it."""

    def fits(equation: Equation, network: Network) -> bool:
        own = equation.reads["Z"].name
        return network.shapes.get(beside(own, step)) == network.shapes[own]

    return one(Change(relu_backward, reads={"Z": lambda e: now(beside(e.reads["Z"].name, step))}, only=fits))


def each_of(**changes: Change) -> Forms:
    """One variant for each activation that the experiment has; all of them at once where it has several."""

    def forms(experiment: Experiment) -> Iterable[Form]:
        there = [name for name in changes if name in experiment.activations]
        for name in there:
            yield variant(name if len(there) > 1 else "", changes[name])
        if len(there) > 1:
            yield variant(" and ".join(there), *(changes[name] for name in there))

    return forms


SLOPES = (
    Known(
        "missing-sigmoid-slope", "mistake", "dZ[l]",
        says="The gradient passes a sigmoid as if it were not there: σ′ is missing.",
        wrong="dZ = dA", right="dZ = dA * A * (1 - A)",
        shows="Gradients behind the sigmoid are too large, 4 times or more.",
        seen="a book's chapter 11: iamtrask/Grokking-Deep-Learning#50",
        forms=one(Change(sigmoid_backward, linear_backward)),
    ),
    Known(
        "missing-relu-slope", "mistake", "dZ[l]",
        says="The gradient passes a ReLU as if it were not there, also where the unit is off.",
        wrong="dZ = dA", right="dZ = dA * (Z > 0)",
        shows="dZ is not 0 where A is; all gradients below are broken.",
        seen="a derivative that was 1 everywhere: deeplearning4j/nd4j#271; in the last layer alone: "
        "dannyneil/spiking_relu_conversion#1",
        forms=one(Change(relu_backward, linear_backward)),
    ),
    Known(
        "missing-tanh-slope", "mistake", "dZ[l]",
        says="The gradient passes a tanh as if it were not there: 1 − tanh² is missing.",
        wrong="dZ = dA", right="dZ = dA * (1 - A**2)",
        shows="dZ equals dA; gradients below are too large.",
        seen="for a bias's gradient: arthurdouillard/deepcourse#9",
        forms=one(Change(tanh_backward, linear_backward)),
    ),
    Known(
        "slope-of-the-layer-below", "mistake", "dZ[l]",
        says="The slope is taken at another layer's Z: an index that is one too small.",
        wrong="dZ[l] = dA[l] * (Z[l - 1] > 0)", right="dZ[l] = dA[l] * (Z[l] > 0)",
        shows="Only layers of the same size as their neighbour let it pass.",
        seen="in one of two factors, hidden by layers of the same size: danluu/UFLDL-tutorial#2",
        forms=slope_beside(-1),
    ),
    Known(
        "slope-of-the-layer-above", "mistake", "dZ[l]",
        says="The slope is taken at another layer's Z: an index that is one too large.",
        wrong="dZ[l] = dA[l] * (Z[l + 1] > 0)", right="dZ[l] = dA[l] * (Z[l] > 0)",
        shows="Only layers of the same size as their neighbour let it pass.",
        seen="in a notebook's formula, where the code is right: dennybritz/nn-from-scratch#3",
        forms=slope_beside(1),
    ),
    Known(
        "slope-at-the-activation", "mistake", "dZ[l]",
        says="A derivative that expects Z is given A: σ is applied twice before its slope is taken.",
        wrong="dZ = dA * sigmoid_prime(A)", right="dZ = dA * sigmoid_prime(Z)",
        shows="The slope of a sigmoid lies between 0.197 and 0.25 wherever the unit is.",
        seen="davidrmiller/neural2d#40; asked about in dwhitena/gophernet#6",
        forms=each_of(sigmoid=Change(sigmoid_backward, slope_at_the_activation),
                      tanh=Change(tanh_backward, tanh_slope_at_the_activation)),
    ),
    Known(
        "slope-of-z", "mistake", "dZ[l]",
        says="A derivative that expects A is given Z: A (1 − A) is computed of Z.",
        wrong="dZ = dA * Z * (1 - Z)", right="dZ = dA * A * (1 - A)",
        shows="The slope is negative outside 0 to 1 and grows without bound.",
        seen="a book's solution 120: BoltzmannEntropy/interviews.ai#15",
        forms=each_of(sigmoid=of_z(sigmoid_backward, slope_of_z), tanh=of_z(tanh_backward, tanh_slope_of_z)),
    ),
    Known(
        "sigmoid-slope-for-relu", "mistake", "dZ[l]",
        says="Hidden layers have a ReLU on the way forward and the sigmoid's slope on the way back.",
        wrong="dZ = dA * s * (1 - s)  # s = sigmoid(Z)", right="dZ = dA * (Z > 0)",
        shows="The gradient is at most a quarter of what it should be, in each hidden layer again.",
        seen="jeffheaton/encog-dotnet-core#124",
        forms=lambda experiment: [
            variant("from Z", of_z(relu_backward, sigmoid_slope)),
            variant("from A", Change(relu_backward, slope_of_the_output, reads={"A": own_a})),
        ],
    ),
    Known(
        "mask-from-gradient", "mistake", "dZ[l]",
        says="ReLU's mask is taken from the gradient, not from Z: what is negative is cut off on the way back.",
        wrong="dZ = dA * (dA > 0)", right="dZ = dA * (Z > 0)",
        shows="No dZ of a hidden layer is ever negative.",
        seen="in the place of guided backpropagation, which needs both masks: "
        "utkuozbulak/pytorch-cnn-visualizations#36",
        forms=one(Change(relu_backward, mask_of_the_gradient)),
    ),
)  # fmt: skip
