"""One sigmoid in PyTorch with the cross-entropy written out for autograd to differentiate; Adam as PyTorch ships it."""

import torch

LAYOUT = "torch"


def train(experiment):
    layer = torch.nn.Linear(*experiment.sizes, dtype=getattr(torch, experiment.precision))
    initial = experiment.initial()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(initial["W[1]"]))
        layer.bias.copy_(torch.from_numpy(initial["b[1]"][:, 0]))
    optimizer = torch.optim.Adam(layer.parameters(), lr=experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        x, y = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.copy())
        Z = layer(x)
        A = torch.sigmoid(Z)
        J = -(y * torch.log(A) + (1 - y) * torch.log(1 - A)).mean()
        Z.retain_grad()
        A.retain_grad()
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        moments = {}
        for name, parameter in {"W[1]": layer.weight, "b[1]": layer.bias}.items():
            state = optimizer.state[parameter]
            moments |= {f"m_{name}": state["exp_avg"], f"v_{name}": state["exp_avg_sq"]}
        gradients = {"dA[1]": A.grad, "dZ[1]": Z.grad, "dW[1]": layer.weight.grad, "db[1]": layer.bias.grad}
        yield {"Z[1]": Z, "A[1]": A, "J": J, "W[1]": layer.weight, "b[1]": layer.bias} | gradients | moments
