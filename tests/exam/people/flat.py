"""All parameters in one vector, of which the layers are views, as for an optimizer of SciPy's; examples are rows.

The mistake: the vector is updated in place while the backward pass still reads its views (updated-too-early).
"""

import numpy as np

LAYOUT = "torch"


class FlatNetwork:
    def __init__(self, experiment):
        self.shapes = [(n, n_in) for n_in, n in zip(experiment.sizes[:-1], experiment.layers, strict=True)]
        self.vector = np.concatenate([theta.ravel() for theta in experiment.initial().values()])
        self.layers, begin = [], 0
        for n, n_in in self.shapes:
            middle, end = begin + n * n_in, begin + n * n_in + n
            self.layers.append((self.vector[begin:middle].reshape(n, n_in), self.vector[middle:end]))
            begin = end

    def step(self, x, y, rate, at_once):
        h = [x]
        for W, b in self.layers[:-1]:
            h.append(np.maximum(h[-1] @ W.T + b, 0.01 * (h[-1] @ W.T + b)))
        W, b = self.layers[-1]
        delta = (1 / (1 + np.exp(-(h[-1] @ W.T + b))) - y) / len(x)
        waiting = []
        for (W, b), a in zip(reversed(self.layers), reversed(h), strict=True):
            moves = [(W, delta.T @ a), (b, delta.sum(axis=0))]
            if at_once:
                for array, g in moves:
                    array -= rate * g
            else:
                waiting += moves
            delta = (delta @ W) * np.where(a > 0, 1, 0.01).astype(a.dtype)
        for array, g in waiting:
            array -= rate * g


def train(experiment, at_once=True):
    """With the mistake."""
    net = FlatNetwork(experiment)
    for X, Y in experiment.batches():
        net.step(X.T, Y.T, experiment.optimizer.learning_rate, at_once)
        yield {f"W[{l}]": W for l, (W, _) in enumerate(net.layers, 1)} | {
            f"b[{l}]": b for l, (_, b) in enumerate(net.layers, 1)
        }


def honest(experiment):
    """Without it."""
    return train(experiment, at_once=False)
