"""The article's listing translated to PyTorch line by line, and what the listing leaves out left to PyTorch too.

The listing says optimizer='adam' and nothing else, so that Adam's betas and epsilon are the framework's: Keras's
epsilon is 1e-7, PyTorch's 1e-8. Whatever numbers the experiment has for them, this takes PyTorch's.
"""

import torch

from comparisons.errors import UsageError
from comparisons.implementations.torch_model import model_of, parameters_of, set_rate

LAYOUT = "torch"


def train(experiment):
    """The usual loop, with torch.optim.Adam as it comes. Error: UsageError for what the listing does not have."""
    if experiment.optimizer.kind != "adam" or experiment.decay.kind != "none":
        raise UsageError("torch-default is the article's listing, which has Adam and no decay; take torch-plain")
    torch.set_num_threads(1)
    model = model_of(experiment)
    parameters = parameters_of(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=experiment.optimizer.learning_rate)
    loss_fn = torch.nn.BCELoss()

    for (X, Y), rate in zip(experiment.batches(), experiment.learning_rates(), strict=True):
        x, y = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.copy())
        if rate != optimizer.param_groups[0]["lr"]:  # of a schedule: the usual loop sets a constant rate once
            set_rate(optimizer, rate)
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        yield {"J": loss} | parameters
