"""PyTorch loops of a reader's, whose models are shown by backproof; the layout is nowhere said."""

import torch
from torch import nn

import backproof


def sequential(experiment, activation=nn.ReLU):
    """The small network as a list of modules, with the experiment's start."""
    modules = [nn.Linear(2, 4), activation(), nn.Linear(4, 1), nn.Sigmoid()]
    return started(nn.Sequential(*modules), experiment)


class Functional(nn.Module):
    """The small network with activations that are functions, so that the last one is seen by nobody."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(2, 4), nn.Linear(4, 1)

    def forward(self, x):
        return torch.sigmoid(self.outer(torch.relu(input=self.inner(x))))


def started(model, experiment):
    torch.set_num_threads(1)
    model.to(getattr(torch, experiment.precision))
    initial = experiment.initial()
    with torch.no_grad():
        for name, parameter in backproof.shown(model).items():
            parameter.copy_(torch.from_numpy(initial[name]).reshape(parameter.shape))
    return model


def trained(experiment, model, *, n_backward=1):
    """The usual loop; in between, the accuracy on other data is looked at, with gradients on."""
    optimizer = torch.optim.Adam(model.parameters(), lr=experiment.optimizer.learning_rate, eps=1e-7)
    loss_fn = nn.BCELoss()
    for X, Y in experiment.batches():
        optimizer.zero_grad()
        loss = loss_fn(model(torch.from_numpy(X.T)), torch.from_numpy(Y.T))
        for _ in range(n_backward):
            loss.backward(retain_graph=True)
        optimizer.step()
        model(torch.ones_like(torch.from_numpy(X.T)))
        yield backproof.shown(model, optimizer) | {"J": loss}


def watched(experiment):
    model = sequential(experiment)
    backproof.watch(model)
    yield backproof.shown(model)
    yield from trained(experiment, model)


def unwatched(experiment):
    yield from trained(experiment, sequential(experiment))


def in_place(experiment):
    """ReLU writes its A over Z."""
    model = sequential(experiment, lambda: nn.ReLU(inplace=True))
    backproof.watch(model)
    backproof.watch(model)
    yield from trained(experiment, model)


def functional(experiment):
    model = started(Functional(), experiment)
    backproof.watch(model)
    yield from trained(experiment, model)


def twice_backward(experiment):
    """The gradients of each step are added up twice."""
    model = sequential(experiment)
    backproof.watch(model)
    yield from trained(experiment, model, n_backward=2)


def another_activation(experiment):
    model = sequential(experiment, nn.Tanh)
    backproof.watch(model)
    yield from trained(experiment, model)
