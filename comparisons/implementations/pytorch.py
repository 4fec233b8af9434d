"""PyTorch, showing everything: nn.Sequential, BCELoss and torch.optim, with the gradients kept where they pass."""

import torch

from comparisons.implementations.torch_model import model_of, optimizer_of, set_rate
from comparisons.shown import shown, watch

LAYOUT = "torch"


def train(experiment):
    """The usual loop, but the model is watched."""
    torch.set_num_threads(1)
    model = model_of(experiment)
    optimizer, loss = optimizer_of(experiment, model), torch.nn.BCELoss()
    watch(model)
    yield shown(model)

    for (X, Y), rate in zip(experiment.batches(), experiment.learning_rates(), strict=True):
        x, y = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.copy())  # (m, n)
        J = loss(model(x), y)
        optimizer.zero_grad()
        J.backward()
        set_rate(optimizer, rate)
        optimizer.step()
        yield {"Y": y, "J": J} | shown(model, optimizer)
