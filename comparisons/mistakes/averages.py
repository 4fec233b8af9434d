"""Mistakes in the gradients of weights and biases: where the 1/m stands, what is transposed, what is kept too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from comparisons.experiment import Experiment
from comparisons.mistakes.known import (
    Forms,
    Known,
    Only,
    altered,
    beside,
    cached,
    gradients,
    is_square,
    number_of,
    square_above,
    variant,
)
from reference.alphabet import Array
from reference.dialects import mean_output_gradient, summed_bias_gradient, summed_weight_gradient
from reference.forms import Change, Form
from reference.layers import bias_gradient, input_gradient, weight_gradient, weighted_sum
from reference.losses import output_gradient
from reference.network import Equation, Group, Network, before, now


def weight_gradient_over(dZ: Array, A: Array, *, size: float) -> Array:
    """1/size dZ Aᵀ"""
    return dZ @ A.mT / size


def bias_gradient_over(dZ: Array, *, size: float) -> Array:
    """1/size Σᵢ dZ⁽ⁱ⁾"""
    return dZ.sum(axis=-1, keepdims=True) / size


def minus(gradient: Array) -> Array:
    return -gradient


@cached
def negated(by: Callable[..., Array]) -> Callable[..., Array]:
    """The other sign."""
    return altered(by, minus, "−({})")


def difference(A: Array, Y: Array) -> Array:
    """A − Y"""
    return A - Y


def turned_difference(A: Array, Y: Array) -> Array:
    """Y − A"""
    return Y - A


def half_output_gradient(A: Array, Y: Array) -> Array:
    """−Y/A"""
    return -Y / A


def untransposed_sum(W: Array, A: Array, b: Array) -> Array:
    """Wᵀ A + b"""
    return W.mT @ A + b


def untransposed_gradient(W: Array, dZ: Array) -> Array:
    """W dZ"""
    return W @ dZ


def same(A: Array) -> Array:
    """A"""
    return 1 * A


def gradient_of_all_units(dZ: Array) -> Array:
    """1/m Σᵢ Σⱼ dZⱼ⁽ⁱ⁾, the same for every unit"""
    of_each = dZ.sum(axis=-1, keepdims=True)
    return (of_each.mT.sum(axis=-1, keepdims=True) + 0 * of_each) / dZ.shape[-1]


def more(gradient: Array, total: Array) -> Array:
    return total + gradient


@cached
def added_up(by: Callable[..., Array]) -> Callable[..., Array]:
    """The gradient, on top of what is there."""
    return altered(by, more, "total + {}", reads=("total",))


def full_batch_size(experiment: Experiment) -> Iterable[Form]:
    """Only where there is a partial batch."""
    if len(set(experiment.batch_sizes)) > 1:
        size = {"size": lambda _: float(experiment.batch_size)}
        yield variant(
            "",
            Change(weight_gradient, weight_gradient_over, constants=size),
            Change(bias_gradient, bias_gradient_over, constants=size),
        )


def stale_activations(experiment: Experiment) -> Iterable[Form]:
    """Only where all batches are of one size: others do not fit together."""
    if len(set(experiment.batch_sizes)) > 1 or len(experiment.layers) < 2:
        return

    def kept(network: Network) -> Group:
        names = [f"A[{number}]" for number in range(1, len(experiment.layers))]
        return Group(
            shapes={f"last_{name}": network.shapes[name] for name in names},
            start={f"last_{name}": 0.0 for name in names},
            update=tuple(Equation(f"last_{name}", same, {"A": now(name)}) for name in names),
        )

    yield variant(
        "",
        Change(
            weight_gradient,
            reads={"A": lambda e: before(f"last_{e.reads['A'].name}")},
            only=lambda e, network: number_of(e) > 1,
        ),
        adds=kept,
    )


def one(*changes: Change) -> Forms:
    """The same in every experiment."""
    return lambda experiment: [variant("", *changes)]


def of_the_output(experiment: Experiment) -> Only:
    """dA of the last layer."""
    return lambda equation, network: equation.defines == f"dA[{len(experiment.layers)}]"


AVERAGES = (
    Known(
        "summed-gradient", "mistake", "dW[l], db[l]",
        says="The gradient is summed over the batch, not averaged: the 1/m is missing from dW and db, while J is a "
        "mean. Every step is m times too long, where it is not hidden as Adam hides it.",
        wrong="dW = dZ @ A_prev.T", right="dW = dZ @ A_prev.T / m",
        shows="Gradients are off by the factor m of their batch; with plain gradient descent the loss jumps or "
        "diverges, with Adam almost nothing is to be seen.",
        seen="a logistic regression: eriklindernoren/ML-From-Scratch#135; a book's mini-batches: ageron/handson-ml#73",
        forms=one(Change(weight_gradient, summed_weight_gradient), Change(bias_gradient, summed_bias_gradient)),
    ),
    Known(
        "averaged-twice", "mistake", "dA[L], dW[l], db[l]",
        says="The gradient is divided by m twice: once where the loss is differentiated, and once more at dW and db.",
        wrong="dA = -(Y / A - (1 - Y) / (1 - A)) / m  # and dW = dZ @ A_prev.T / m",
        right="dA = -(Y / A - (1 - Y) / (1 - A))      # the 1/m stands at dW and db alone",
        shows="Gradients are m times too small; learning is slow.",
        seen="a book whose SGD divides by the batch size, after a mean: d2l-ai/d2l-en#1000",
        forms=one(Change(output_gradient, mean_output_gradient)),
    ),
    Known(
        "full-batch-size", "mistake", "dW[l], db[l]",
        says="dW and db are divided by the batch size that was asked for, not by the number of examples that are "
        "there: wrong in the last, smaller batch of each epoch.",
        wrong="dW = dZ @ A_prev.T / batch_size", right="dW = dZ @ A_prev.T / X.shape[1]",
        shows="All full batches hold, every partial batch is broken.",
        seen="in the loss and accuracy shown for the last batch: mitmul/chainer-cifar10#1",
        forms=full_batch_size,
    ),
    Known(
        "summed-weights", "mistake", "dW[l]",
        says="Only the biases' gradients are averaged: the 1/m is missing from dW.",
        wrong="dW = dZ @ A_prev.T", right="dW = dZ @ A_prev.T / m",
        shows="dW is m times too large, db is right.",
        seen="a tutorial that averages only the biases' gradients: hunkim/DeepLearningZeroToAll#173",
        forms=one(Change(weight_gradient, summed_weight_gradient)),
    ),
    Known(
        "summed-bias", "mistake", "db[l]",
        says="Only the weights' gradients are averaged: the 1/m is missing from db.",
        wrong="db = dZ.sum(axis=1, keepdims=True)", right="db = dZ.sum(axis=1, keepdims=True) / m",
        shows="db is m times too large, dW is right.",
        forms=one(Change(bias_gradient, summed_bias_gradient)),
    ),
    Known(
        "turned-sign", "mistake", "dA[L]",
        says="The derivative of the loss has the wrong sign, so that training climbs.",
        wrong="dA = Y / A - (1 - Y) / (1 - A)", right="dA = -(Y / A - (1 - Y) / (1 - A))",
        shows="The loss rises from the first step on; every gradient has the right size and the wrong sign.",
        forms=lambda experiment: [variant("", Change(only=of_the_output(experiment), wrap=negated))],
    ),
    Known(
        "swapped-output-gradient", "mistake", "dZ[L]",
        says="Labels and outputs change places in ŷ − y, so that training climbs.",
        wrong="dZ = Y - A", right="dZ = A - Y",
        shows="The loss rises from the first step on; dZ of the last layer has the wrong sign.",
        seen="in a notebook's formula, where the code is right: dennybritz/nn-from-scratch#11",
        forms=lambda experiment: [
            variant("", Change(only=lambda e, n: e.defines == f"dZ[{len(experiment.layers)}]", to=turned_difference,
                               reads={"A": lambda e: now(f"A[{len(experiment.layers)}]"), "Y": lambda e: now("Y")}))
        ],
    ),
    Known(
        "slope-twice", "mistake", "dA[L]",
        says="ŷ − y is the gradient at Z already, of sigmoid and cross-entropy together. Here it is taken for the "
        "gradient at A and multiplied by σ′ once more, which is the gradient of the squared error.",
        wrong="dA = A - Y; dZ = dA * A * (1 - A)", right="dZ = A - Y",
        shows="Learning stalls where the output is confident and wrong, since σ′ is almost 0 there.",
        seen="hunkim/DeepLearningZeroToAll, lab-09-x-xor-nn-back_prop.py; the slope asked for, and why there is none: "
        "rasbt/python-machine-learning-book-2nd-edition#54",
        forms=one(Change(output_gradient, difference)),
    ),
    Known(
        "half-the-gradient", "mistake", "dA[L]",
        says="Only the first half of the cross-entropy is differentiated: examples with label 0 teach nothing.",
        wrong="dA = -Y / A", right="dA = -(Y / A - (1 - Y) / (1 - A))",
        shows="The network ends up saying 1 to everything.",
        seen="nd4j's LossBinaryXENT, whose gradient was 0 for the label 0: deeplearning4j/nd4j#1328",
        forms=one(Change(output_gradient, half_output_gradient)),
    ),
    Known(
        "untransposed-forward", "mistake", "Z[l]",
        says="The weights of a square layer are transposed on the way forward. Shapes do not notice: only layers with "
        "as many units as inputs let it pass.",
        wrong="Z = W.T @ A_prev + b", right="Z = W @ A_prev + b",
        shows="Z of the square layers alone is broken. Trained alone, the network learns as well as before.",
        seen="a shape that should tell whether weights are transposed, and cannot if they are square: "
        "vllm-project/vllm#44110",
        forms=one(Change(weighted_sum, untransposed_sum, only=is_square)),
    ),
    Known(
        "untransposed-backward", "mistake", "dA[l-1]",
        says="The weights of a square layer are not transposed on the way back, and shapes do not notice.",
        wrong="dA_prev = W @ dZ", right="dA_prev = W.T @ dZ",
        shows="All gradients below a square layer are broken, those above hold.",
        forms=one(Change(input_gradient, untransposed_gradient, only=square_above)),
    ),
    Known(
        "own-activation", "mistake", "dW[l]",
        says="The gradient of the weights takes the layer's output in the place of its input; in a square layer the "
        "shapes do not notice.",
        wrong="dW[l] = dZ @ A[l].T / m", right="dW[l] = dZ @ A[l - 1].T / m",
        shows="dW of the square layers alone is broken.",
        forms=one(Change(weight_gradient, reads={"A": lambda e: now(beside(e.reads["A"].name, 1))}, only=is_square)),
    ),
    Known(
        "stale-activations", "mistake", "dW[l]",
        says="The way back uses activations that were kept one step too long: those of the batch before.",
        wrong="dW = dZ @ cache[l].T / m; cache[l] = A_prev", right="cache[l] = A_prev; dW = dZ @ cache[l].T / m",
        shows="dW is broken above the first layer, db holds.",
        seen="a cached forward pass that went on being used, since its key never changed: "
        "qiskit-community/qiskit-machine-learning#213",
        forms=stale_activations,
    ),
    Known(
        "updated-too-early", "mistake", "dA[l-1]",
        says="A layer's weights are updated before its gradient is passed on, so that the layer below is taught "
        "through weights that the forward pass did not use.",
        wrong="W -= rate * dW; dA_prev = W.T @ dZ", right="dA_prev = W.T @ dZ; W -= rate * dW",
        shows="Small errors below the last layer, as large as one step; the loss looks right.",
        seen="kim-marcel/basic_neural_network#7; a book's code: joelgrus/data-science-from-scratch#31",
        forms=one(Change(input_gradient, reads={"W": lambda e: now(e.reads["W"].name)})),
    ),
    Known(
        "gradient-not-zeroed", "mistake", "dW[l], db[l]",
        says="Gradients are added to those of the steps before: they were not set back to zero.",
        wrong="loss.backward(); optimizer.step()", right="optimizer.zero_grad(); loss.backward(); optimizer.step()",
        shows="The first step holds, every later one is broken, ever more so.",
        seen="wenet-e2e/wekws#72, IDEA-Research/DAB-DETR#58; a warning is asked for in pytorch/pytorch#47175",
        forms=one(Change(only=gradients, wrap=added_up, reads={"total": lambda e: before(e.defines)}, start=0.0)),
    ),
    Known(
        "bias-gradient-of-all-units", "mistake", "db[l]",
        says="The bias's gradient is summed over the units as well as over the examples, and the one number is then "
        "broadcast to every unit.",
        wrong="db = dZ.sum() / m", right="db = dZ.sum(axis=1, keepdims=True) / m",
        shows="All biases of a layer move by the same amount; the last layer, which has one unit, holds.",
        seen="a lecture's softmax regression: rasbt/stat453-deep-learning-ss21#5",
        forms=one(Change(bias_gradient, gradient_of_all_units)),
    ),
)  # fmt: skip
