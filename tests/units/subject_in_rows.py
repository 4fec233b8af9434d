"""A subject as a reader's own file: one layer by gradient descent, whose arrays lie in rows, and it says so."""

import numpy as np

LAYOUT = "rows"


def train(experiment):
    initial, rate = experiment.initial(), experiment.optimizer.learning_rate
    W, b = initial["W[1]"].T, initial["b[1]"].T
    for X, Y in experiment.batches():
        x, y = X.T, Y.T
        a = 1 / (1 + np.exp(-(x @ W + b)))
        W = W - rate * x.T @ (a - y) / len(x)
        b = b - rate * np.mean(a - y, axis=0, keepdims=True)
        yield {"A[1]": a, "W[1]": W, "b[1]": b}
