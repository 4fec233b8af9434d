"""The usual PyTorch loop with everything shown; the experiment's name says which of its lines is another one.

It runs in a process of its own, which does not know the tests' folders: it imports what is installed, and nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

import torch

from comparisons.implementations.torch_model import model_of, parameters_of

LAYOUT = "torch"


@dataclass(frozen=True)
class Lines:
    """The lines that a plant can change; as they stand, they are honest."""

    loss: Any = torch.nn.BCELoss
    of_loss: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # of the optimizer
    rate: float = 1  # a factor of the learning rate
    of_biases: dict[str, Any] = field(default_factory=dict)  # what else the optimizer is told of the biases
    left_out: tuple[str, ...] = ()  # parameters that the optimizer does not know; "b" is all biases
    zero_grad: bool = True
    sign: int = 1  # of what backward starts from
    before_step: Any = lambda parameters: None
    after_step: Any = lambda parameters: None
    gamma: float = 1  # of a scheduler, each epoch
    data: str = ""
    dtype: str = ""


def clip_values(parameters):
    torch.nn.utils.clip_grad_value_(parameters, 0.01)


def clip_each_norm(parameters):
    for parameter in parameters:
        torch.nn.utils.clip_grad_norm_([parameter], 0.1)


def clip_weights(parameters):
    with torch.no_grad():
        for parameter in parameters:
            parameter.clamp_(-0.5, 0.5)


PLANTED = {
    "honest": Lines(),
    "sum-for-mean": Lines(of_loss={"reduction": "sum"}),
    "probabilities-for-logits": Lines(loss=torch.nn.BCEWithLogitsLoss),
    "turned-sign": Lines(sign=-1),
    "gradient-not-zeroed": Lines(zero_grad=False),
    "bias-never-updated": Lines(left_out=("b",)),
    "layer-never-updated": Lines(left_out=("W[3]", "b[3]")),
    "update-added": Lines(settings={"maximize": True}),
    "doubled-learning-rate": Lines(rate=2),
    "decayed-learning-rate": Lines(gamma=0.9),
    "l2-on-the-gradient": Lines(settings={"weight_decay": 0.01}, of_biases={"weight_decay": 0}),
    "decay-of-weights-only": Lines(of_biases={"weight_decay": 0}),
    "clipped-gradient-values": Lines(before_step=clip_values),
    "clipped-gradient-norm": Lines(before_step=clip_each_norm),
    "clipped-weights": Lines(after_step=clip_weights),
    "swapped-betas": Lines(settings={"betas": (0.999, 0.9)}),
    "amsgrad": Lines(settings={"amsgrad": True}),
    "same-batch": Lines(data="same-batch"),
    "unshuffled": Lines(data="unshuffled"),
    "shuffled-labels": Lines(data="shuffled-labels"),
    "labels-of-the-batch-before": Lines(data="labels-of-the-batch-before"),
    "float32-inside": Lines(dtype="float32"),
}


def train(experiment):
    """Train with the lines of the plant that the experiment is named after, up to its first colon."""
    torch.set_num_threads(1)
    lines = PLANTED[experiment.name.partition(":")[0]]
    dtype = getattr(torch, lines.dtype or experiment.precision)
    model = model_of(experiment).to(dtype)
    named = parameters_of(model)
    optimizer = optimizer_of(experiment, named, lines)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, lines.gamma)
    criterion = lines.loss(**lines.of_loss)
    L = len(experiment.layers)
    names = [f"{letter}[{l}]" for l in range(1, L + 1) for letter in "ZA"]
    for step, (X, Y) in enumerate(batches(experiment, lines.data), 1):
        outputs, a = {}, torch.from_numpy(X.T.copy()).to(dtype)
        for name, module in zip(names, model, strict=True):
            a = outputs[name] = module(a)
            a.retain_grad()
        J = criterion(a, torch.from_numpy(Y.T.copy()).to(dtype))
        if lines.zero_grad:
            optimizer.zero_grad()
        (lines.sign * J).backward()
        lines.before_step(list(named.values()))
        optimizer.step()
        lines.after_step(list(named.values()))
        if step % experiment.steps_per_epoch == 0:
            scheduler.step()
        gradients = {f"d{name}": value.grad for name, value in (outputs | named).items()}
        shown = {"J": J} | outputs | gradients | named | slots(experiment, optimizer, named)
        shown = {name: value.detach().to(getattr(torch, experiment.precision)) for name, value in shown.items()}
        yield {"A[0]": X.T, "Y": Y.T} | shown


def optimizer_of(experiment, named, lines):
    """The experiment's, in two groups."""
    chosen = experiment.optimizer
    known = {name: p for name, p in named.items() if not {name, name[0]} & set(lines.left_out)}
    groups = [
        {"params": [p for name, p in known.items() if name[0] == "W"]},
        {"params": [p for name, p in known.items() if name[0] == "b"], **lines.of_biases},
    ]
    groups = [group for group in groups if group["params"]]
    rate = lines.rate * chosen.learning_rate
    decay = {"weight_decay": experiment.decay.rate} if experiment.decay.kind == "coupled" else {}
    if chosen.kind == "adam":
        settings = {"betas": (chosen.beta1, chosen.beta2), "eps": chosen.epsilon} | decay | lines.settings
        return torch.optim.Adam(groups, lr=rate, **settings)
    return torch.optim.SGD(groups, lr=rate, **decay | lines.settings)


def slots(experiment, optimizer, named):
    """Adam's moments by name, where there are any."""
    found = {}
    for name, parameter in named.items() if experiment.optimizer.kind == "adam" else ():
        state = optimizer.state[parameter]
        found |= {f"m_{name}": state["exp_avg"], f"v_{name}": state["exp_avg_sq"]}
    return found


def batches(experiment, mistake):
    """The experiment's batches, or what a mistake with the data makes of them."""
    X_all, Y_all = experiment.train_set()
    first, before = {}, None
    for step, (X, Y) in enumerate(experiment.batches()):
        begin = step % experiment.steps_per_epoch * experiment.batch_size
        taken = slice(begin, begin + experiment.batch_size)
        first.setdefault(X.shape[1], (X, Y))
        match mistake:
            case "same-batch":
                yield first[X.shape[1]]
            case "unshuffled":
                yield X_all[:, taken], Y_all[:, taken]
            case "shuffled-labels":
                yield X, Y_all[:, taken]
            case "labels-of-the-batch-before":
                yield X, Y if before is None else before
            case _:
                yield X, Y
        before = Y
