"""A functional network in PyTorch whose optimizer is handed a list of tensors; RMSprop.

The mistake: the list holds the weights and not the biases (bias-never-updated).
"""

import torch
import torch.nn.functional as F

LAYOUT = "torch"


def model(x, params):
    n = len(params) // 2
    for l in range(1, n):
        x = F.leaky_relu(F.linear(x, params[f"W[{l}]"], params[f"b[{l}]"]), 0.01)
    return F.linear(x, params[f"W[{n}]"], params[f"b[{n}]"])


def fit(experiment, letters):
    torch.set_num_threads(1)
    params = {}
    for name, value in experiment.initial().items():
        params[name] = torch.tensor(value if name[0] == "W" else value[:, 0], requires_grad=True)
    o = experiment.optimizer
    moved = [p for name, p in params.items() if name[0] in letters]
    rmsprop = torch.optim.RMSprop(moved, lr=o.learning_rate, alpha=o.rho, eps=o.epsilon)
    for X, Y in experiment.batches():
        z = model(torch.from_numpy(X.T.copy()), params)
        J = F.binary_cross_entropy_with_logits(z, torch.from_numpy(Y.T.copy()))
        rmsprop.zero_grad()
        J.backward()
        rmsprop.step()
        yield {"J": J, **params}


def train(experiment):
    """With the mistake."""
    yield from fit(experiment, "W")


def honest(experiment):
    """Without it."""
    yield from fit(experiment, "Wb")
