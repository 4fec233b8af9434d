"""nn.Sequential and SGD in a loop of four lines where five are needed; the weights alone are shown.

The mistake: zero_grad is missing (gradient-not-zeroed).
"""

import torch

LAYOUT = "torch"


def loop(experiment, remembers):
    torch.set_num_threads(1)
    modules = []
    for n_in, n in zip(experiment.sizes[:-1], experiment.layers, strict=True):
        modules += [torch.nn.Linear(n_in, n, dtype=getattr(torch, experiment.precision)), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1], torch.nn.Sigmoid())
    named = {}
    with torch.no_grad():
        for l, linear in enumerate(model[::2], 1):
            named |= {f"W[{l}]": linear.weight, f"b[{l}]": linear.bias}
        for name, value in experiment.initial().items():
            named[name].copy_(torch.from_numpy(value).reshape(named[name].shape))
    sgd = torch.optim.SGD(model.parameters(), lr=experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        if remembers:
            sgd.zero_grad()
        torch.nn.functional.binary_cross_entropy(
            model(torch.from_numpy(X.T.copy())), torch.from_numpy(Y.T.copy())
        ).backward()
        sgd.step()
        yield named


def train(experiment):
    """With the mistake."""
    yield from loop(experiment, remembers=False)


def honest(experiment):
    """Without it."""
    yield from loop(experiment, remembers=True)
