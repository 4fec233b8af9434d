"""One long function without a loop over layers: a script for two hidden layers, RMSprop, names from an old notebook.

The mistake: the mask of the ReLU is that of the gradient, not of the input (mask-from-gradient).
"""

import numpy as np

RIGHT = False


def train(experiment, right=RIGHT):
    """With the mistake."""
    th = experiment.initial()
    w1, b1, w2, b2, w3, b3 = (th[k] for k in ("W[1]", "b[1]", "W[2]", "b[2]", "W[3]", "b[3]"))
    cache = [np.zeros_like(p) for p in (w1, b1, w2, b2, w3, b3)]
    lr, rho, eps = experiment.optimizer.learning_rate, experiment.optimizer.rho, experiment.optimizer.epsilon
    for x, t in experiment.batches():
        n = x.shape[1]
        z1 = w1.dot(x) + b1
        h1 = np.maximum(z1, 0)
        z2 = w2.dot(h1) + b2
        h2 = np.maximum(z2, 0)
        y = 1.0 / (1.0 + np.exp(-(w3.dot(h2) + b3)))
        d3 = y - t
        d2 = w3.T.dot(d3)
        d2[(z2 if right else d2) <= 0] = 0
        d1 = w2.T.dot(d2)
        d1[(z1 if right else d1) <= 0] = 0
        grads = [
            d1.dot(x.T) / n, d1.mean(1, keepdims=True),
            d2.dot(h1.T) / n, d2.mean(1, keepdims=True),
            d3.dot(h2.T) / n, d3.mean(1, keepdims=True),
        ]  # fmt: skip
        for c, g in zip(cache, grads, strict=True):
            c *= rho
            c += (1 - rho) * g**2
        w1, b1, w2, b2, w3, b3 = (
            p - lr * g / (c**0.5 + eps) for p, g, c in zip((w1, b1, w2, b2, w3, b3), grads, cache, strict=True)
        )
        yield {"Z[1]": z1, "Z[2]": z2, "W[1]": w1, "b[1]": b1, "W[2]": w2, "b[2]": b2, "W[3]": w3, "b[3]": b3}


def honest(experiment):
    """Without it."""
    return train(experiment, right=True)
