"""PyTorch, showing everything: nn.Sequential, BCELoss and torch.optim, with the gradients kept where they pass."""

import torch

from comparisons.implementations.torch_model import model_of, optimizer_of, parameters_of, set_rate

LAYOUT = "torch"


def train(experiment):
    """The usual loop, but each module's output is kept, with its gradient."""
    torch.set_num_threads(1)
    model = model_of(experiment)
    optimizer, loss = optimizer_of(experiment, model), torch.nn.BCELoss()
    parameters = parameters_of(model)
    names = [f"{letter}[{number}]" for number in range(1, len(experiment.layers) + 1) for letter in "ZA"]
    yield parameters

    for (X, Y), rate in zip(experiment.batches(), experiment.learning_rates(), strict=True):
        x, y = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.copy())  # (m, n)
        outputs, a = {}, x
        for name, module in zip(names, model, strict=True):
            a = module(a)
            a.retain_grad()
            outputs[name] = a
        J = loss(a, y)
        optimizer.zero_grad()
        J.backward()
        set_rate(optimizer, rate)
        optimizer.step()
        gradients = {f"d{name}": value.grad for name, value in (outputs | parameters).items()}
        yield {"A[0]": x, "Y": y, "J": J} | outputs | gradients | moments(optimizer, parameters) | parameters


SLOTS = {"momentum_buffer": "m", "exp_avg": "m", "grad_avg": "m", "exp_avg_sq": "v", "square_avg": "v"}


def moments(optimizer, parameters):
    """What the optimizer keeps of each parameter, m and v; gradient descent keeps nothing."""
    return {
        f"{SLOTS[slot]}_{name}": value
        for name, parameter in parameters.items()
        for slot, value in optimizer.state[parameter].items()
        if slot in SLOTS
    }
