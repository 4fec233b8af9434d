"""The experiment's model, loss and optimizer in PyTorch's own terms, shared by both PyTorch implementations."""

import torch

ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "leaky-relu": lambda: torch.nn.LeakyReLU(0.01),
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "linear": torch.nn.Identity,
}


def model_of(experiment):
    """nn.Sequential of Linear and activation modules that holds the experiment's initial parameters."""
    sizes, dtype = experiment.sizes, getattr(torch, experiment.precision)
    modules = []
    for n_in, n, activation in zip(sizes[:-1], sizes[1:], experiment.activations, strict=True):
        modules += [torch.nn.Linear(n_in, n, dtype=dtype), ACTIVATIONS[activation]()]
    model = torch.nn.Sequential(*modules)
    initial = experiment.initial()
    with torch.no_grad():
        for name, parameter in parameters_of(model).items():
            parameter.copy_(torch.from_numpy(initial[name]).reshape(parameter.shape))
    return model


def parameters_of(model):
    """The model's parameters by the article's names."""
    named = {}
    for number, module in enumerate((m for m in model if isinstance(m, torch.nn.Linear)), 1):
        named |= {f"W[{number}]": module.weight, f"b[{number}]": module.bias}
    return named


def optimizer_of(experiment, model):
    """torch.optim with the experiment's numbers."""
    chosen = experiment.optimizer
    if chosen.kind == "gradient-descent":
        return torch.optim.SGD(model.parameters(), lr=chosen.learning_rate)
    return torch.optim.Adam(
        model.parameters(), lr=chosen.learning_rate, betas=(chosen.beta1, chosen.beta2), eps=chosen.epsilon
    )
