"""nn.Module, an optimizer and the usual five lines; hooks keep the outputs.

The mistake: the loss that expects logits is given the output of the sigmoid (probabilities-for-logits).
"""

from itertools import pairwise

import torch
from torch import nn

LAYOUT = "torch"


class Net(nn.Module):
    def __init__(self, sizes, dtype):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(a, b, dtype=dtype) for a, b in pairwise(sizes))

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = torch.relu(linear(x))
        return torch.sigmoid(self.linears[-1](x))


def run(experiment, criterion):
    torch.set_num_threads(1)
    net = Net(experiment.sizes, getattr(torch, experiment.precision))
    start = experiment.initial()
    net.load_state_dict(
        {f"linears.{l - 1}.weight": torch.from_numpy(start[f"W[{l}]"]) for l in range(1, len(net.linears) + 1)}
        | {f"linears.{l - 1}.bias": torch.from_numpy(start[f"b[{l}]"][:, 0]) for l in range(1, len(net.linears) + 1)}
    )
    o = experiment.optimizer
    optimizer = torch.optim.Adam(net.parameters(), lr=o.learning_rate, betas=(o.beta1, o.beta2), eps=o.epsilon)
    for X, Y in experiment.batches():
        output = net(torch.from_numpy(X.T.copy()))
        loss = criterion(output, torch.from_numpy(Y.T.copy()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shown = {"J": loss, f"A[{len(net.linears)}]": output}
        for l, linear in enumerate(net.linears, 1):
            shown |= {f"dW[{l}]": linear.weight.grad, f"db[{l}]": linear.bias.grad}
            shown |= {f"W[{l}]": linear.weight, f"b[{l}]": linear.bias}
        yield shown


def train(experiment):
    """With the mistake."""
    yield from run(experiment, nn.BCEWithLogitsLoss())


def honest(experiment):
    """Without it."""
    yield from run(experiment, nn.BCELoss())
