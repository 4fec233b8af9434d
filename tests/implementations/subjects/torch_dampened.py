"""Momentum with PyTorch's option of dampening: as much as makes m an average, or only half."""

import torch

from comparisons.implementations.torch_model import model_of
from comparisons.shown import shown

LAYOUT = "torch"


def train(experiment):
    yield from damped(experiment, experiment.optimizer.momentum)


def half(experiment):
    yield from damped(experiment, 0.5)


def damped(experiment, dampening):
    torch.set_num_threads(1)
    model, chosen, loss = model_of(experiment), experiment.optimizer, torch.nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), chosen.learning_rate, chosen.momentum, dampening)
    for X, Y in experiment.batches():
        optimizer.zero_grad()
        loss(model(torch.from_numpy(X.T.copy())), torch.from_numpy(Y.T.copy())).backward()
        optimizer.step()
        yield shown(model, optimizer)
