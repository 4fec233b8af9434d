"""Examples as rows, x @ W + b, tanh inside and momentum: a numerical analyst's script. Only the weights are shown.

The mistake: the backward pass goes through tanh as if it were not there (missing-tanh-slope).
"""

import numpy as np

LAYOUT = "rows"


def train(experiment, through_tanh=False):
    """With the mistake."""
    parameters = experiment.initial()
    W = [parameters[f"W[{k + 1}]"].T.copy() for k in range(len(experiment.layers))]
    b = [parameters[f"b[{k + 1}]"].T.copy() for k in range(len(experiment.layers))]
    speed_W, speed_b = [np.zeros_like(w) for w in W], [np.zeros_like(c) for c in b]
    rate, friction = experiment.optimizer.learning_rate, experiment.optimizer.momentum
    for X, Y in experiment.batches():
        x, y = X.T, Y.T
        hs = [x]
        for w, c in zip(W[:-1], b[:-1], strict=True):
            hs.append(np.tanh(hs[-1] @ w + c))
        p = 1 / (1 + np.exp(-(hs[-1] @ W[-1] + b[-1])))
        delta = (p - y) / len(x)
        for k in reversed(range(len(W))):
            gW, gb = hs[k].T @ delta, delta.sum(0, keepdims=True)
            delta = delta @ W[k].T
            if through_tanh and k:
                delta = delta * (1 - hs[k] ** 2)
            speed_W[k] = friction * speed_W[k] + gW
            speed_b[k] = friction * speed_b[k] + gb
            W[k] = W[k] - rate * speed_W[k]
            b[k] = b[k] - rate * speed_b[k]
        yield {f"W[{k + 1}]": w for k, w in enumerate(W)} | {f"b[{k + 1}]": c for k, c in enumerate(b)}


def honest(experiment):
    """Without it."""
    yield from train(experiment, through_tanh=True)
