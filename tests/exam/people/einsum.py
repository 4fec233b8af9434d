"""Everything is an einsum over named axes: n examples, i inputs, o outputs; the biases are one more input that is 1.

The mistake: A − Y, which is the gradient at Z already, is taken through the sigmoid once more (slope-twice).
"""

import numpy as np

LAYOUT = "rows"


def train(experiment):
    """With the mistake."""
    yield from _run(experiment, is_twice=True)


def honest(experiment):
    """Without it."""
    yield from _run(experiment, is_twice=False)


def _run(experiment, is_twice):
    start, L = experiment.initial(), len(experiment.layers)
    theta = [np.vstack([start[f"W[{l}]"].T, start[f"b[{l}]"].T]) for l in range(1, L + 1)]  # (i + 1, o)
    for X, Y in experiment.batches():
        n = X.shape[1]
        one = np.ones((n, 1), experiment.dtype)
        h, zs, hs = X.T, [], []
        for l, W in enumerate(theta, 1):
            hs.append(np.hstack([h, one]))
            zs.append(np.einsum("ni,io->no", hs[-1], W))
            h = np.where(zs[-1] > 0, zs[-1], 0) if l < L else 0.5 * (1 + np.tanh(0.5 * zs[-1]))
        delta = h - Y.T
        if is_twice:
            delta = np.einsum("no,no,no->no", delta, h, 1 - h)
        gradients = [None] * L
        for l in reversed(range(L)):
            gradients[l] = np.einsum("ni,no->io", hs[l], delta) / n
            if l:
                delta = np.einsum("no,io,ni->ni", delta, theta[l][:-1], (zs[l - 1] > 0).astype(X.dtype))
        theta = [W - experiment.optimizer.learning_rate * g for W, g in zip(theta, gradients, strict=True)]
        shown = {"A[%d]" % L: h}  # noqa: UP031  (its author has always written it so)
        for l in range(L):
            shown |= {f"Z[{l + 1}]": zs[l], f"dW[{l + 1}]": gradients[l][:-1], f"db[{l + 1}]": gradients[l][-1]}
            shown |= {f"W[{l + 1}]": theta[l][:-1], f"b[{l + 1}]": theta[l][-1]}
        yield shown
