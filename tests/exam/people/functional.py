"""Without an assignment that changes anything: reduce, accumulate and tuples; Nesterov's momentum.

The mistake: the labels are taken from a second pass over the data that nobody shuffled (shuffled-labels).
"""

from functools import reduce
from itertools import cycle, islice

import numpy as np


def sigma(z):
    """By tanh, which cannot overflow."""
    return (1 + np.tanh(z / 2)) / 2


def forward(theta, x):
    """(a₀, a₁, …, a_L)"""
    *hidden, (W, b) = theta
    activations = reduce(lambda a, layer: (*a, np.maximum(layer[0] @ a[-1] + layer[1], 0)), hidden, (x,))
    return (*activations, sigma(W @ activations[-1] + b))


def gradients(theta, activations, y):
    """((dW, db) of each layer)"""
    n = y.shape[1]

    def back(found, layer):
        (delta, above), ((W, _), a) = found, layer
        here = (delta @ a.T / n, delta.sum(1, keepdims=True) / n)
        return (W.T @ delta) * (a > 0), (here, *above)

    layers = reversed(list(zip(theta, activations[:-1], strict=True)))
    return reduce(back, layers, (activations[-1] - y, ()))[1]


def steps(experiment, labels_of_their_own):
    o = experiment.optimizer
    start = experiment.initial()
    theta = tuple((start[f"W[{l}]"], start[f"b[{l}]"]) for l in range(1, len(experiment.layers) + 1))
    speed = tuple((np.zeros_like(W), np.zeros_like(b)) for W, b in theta)
    batches = experiment.batches()
    _, Y = experiment.train_set()
    slices = [Y[:, begin : begin + experiment.batch_size] for begin in range(0, Y.shape[1], experiment.batch_size)]
    for (x, y), other in zip(batches, islice(cycle(slices), experiment.n_steps), strict=True):
        found = gradients(theta, forward(theta, x), other if labels_of_their_own else y)
        speed = tuple(
            tuple(o.momentum * m + g for m, g in zip(ms, gs, strict=True)) for ms, gs in zip(speed, found, strict=True)
        )
        theta = tuple(
            tuple(p - o.learning_rate * (o.momentum * m + g) for p, m, g in zip(ps, ms, gs, strict=True))
            for ps, ms, gs in zip(theta, speed, found, strict=True)
        )
        yield {f"{letter}[{l}]": p for l, layer in enumerate(theta, 1) for letter, p in zip("Wb", layer, strict=True)}


def train(experiment):
    """With the mistake."""
    return steps(experiment, labels_of_their_own=True)


def honest(experiment):
    """Without it."""
    return steps(experiment, labels_of_their_own=False)
