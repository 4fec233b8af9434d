"""The experiment's model, loss and optimizer in PyTorch's own terms, shared by both PyTorch implementations."""

import torch

from comparisons.shown_by_torch import parameters as parameters_of

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


def optimizer_of(experiment, model):
    """torch.optim with the experiment's numbers; coupled decay is what all but AdamW mean by weight_decay."""
    chosen, parameters = experiment.optimizer, model.parameters()
    of_all = {"lr": chosen.learning_rate}
    if experiment.decay.kind == "coupled" or (experiment.decay.kind == "decoupled" and chosen.kind == "adam"):
        of_all["weight_decay"] = experiment.decay.rate
    match chosen.kind:
        case "gradient-descent":
            optimizer = torch.optim.SGD(parameters, **of_all)
        case "momentum" | "nesterov":
            is_nesterov = chosen.kind == "nesterov"
            optimizer = torch.optim.SGD(parameters, momentum=chosen.momentum, nesterov=is_nesterov, **of_all)
        case "rmsprop":
            optimizer = torch.optim.RMSprop(
                parameters, alpha=chosen.rho, eps=chosen.epsilon, centered=chosen.centered, **of_all
            )
        case "adam":
            kind = torch.optim.AdamW if experiment.decay.kind == "decoupled" else torch.optim.Adam
            optimizer = kind(parameters, betas=(chosen.beta1, chosen.beta2), eps=chosen.epsilon, **of_all)
    if experiment.decay.kind == "decoupled" and chosen.kind != "adam":
        optimizer.register_step_pre_hook(shrinking(experiment.decay.rate))
    return optimizer


def shrinking(rate):
    """Decoupled decay for the optimizers that have none in PyTorch: AdamW's own line, just before their step."""

    def shrink(optimizer, args, kwargs):
        for group in optimizer.param_groups:
            with torch.no_grad():
                for parameter in group["params"]:
                    parameter.mul_(1 - group["lr"] * rate)

    return shrink


def set_rate(optimizer, rate):
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = float(rate)
