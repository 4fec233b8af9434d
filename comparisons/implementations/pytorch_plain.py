"""PyTorch as everybody writes it, untouched: only the weights and the loss are shown, after each step."""

import torch

from comparisons.implementations.torch_model import model_of, optimizer_of, parameters_of, set_rate

LAYOUT = "torch"


def train(experiment):
    """The usual loop."""
    torch.set_num_threads(1)
    model = model_of(experiment)
    parameters = parameters_of(model)
    optimizer, loss_fn = optimizer_of(experiment, model), torch.nn.BCELoss()

    for (X, Y), rate in zip(experiment.batches(), experiment.learning_rates(), strict=True):
        x, y = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.copy())
        if rate != optimizer.param_groups[0]["lr"]:  # of a schedule: the usual loop sets a constant rate once
            set_rate(optimizer, rate)
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        yield {"J": loss} | parameters
