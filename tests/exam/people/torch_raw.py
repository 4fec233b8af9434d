"""Raw tensors that require gradients, autograd for the derivatives, and an update by hand; examples stay columns.

The mistake: momentum is gathered, and then the step goes along the gradient all the same (unused-momentum).
"""

import torch


def run(experiment, uses_it):
    torch.set_num_threads(1)
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in experiment.initial().items()}
    gathered = {name: torch.zeros_like(value) for name, value in theta.items()}
    mu, rate = experiment.optimizer.momentum, experiment.optimizer.learning_rate
    L = len(experiment.layers)
    for X, Y in experiment.batches():
        a, y = torch.from_numpy(X), torch.from_numpy(Y)
        for l in range(1, L + 1):
            z = theta[f"W[{l}]"] @ a + theta[f"b[{l}]"]
            a = torch.sigmoid(z) if l == L else torch.tanh(z)
        J = -(y * torch.log(a) + (1 - y) * torch.log(1 - a)).mean()
        gradients = torch.autograd.grad(J, list(theta.values()))
        with torch.no_grad():
            for (name, value), gradient in zip(theta.items(), gradients, strict=True):
                gathered[name] = mu * gathered[name] + gradient
                value -= rate * (gathered[name] if uses_it else gradient)
        yield {"J": J} | {f"m_{name}": m for name, m in gathered.items()} | theta


def train(experiment):
    """With the mistake."""
    yield from run(experiment, uses_it=False)


def honest(experiment):
    """Without it."""
    yield from run(experiment, uses_it=True)
