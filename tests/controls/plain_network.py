"""The article's network as a reader would write it: NumPy, a loop over the layers, a method for each equation.

It shares nothing with the project but what the experiment hands to everybody, so that what it shows is somebody else's
work. A fault takes the place of one method; without it, this is the honest twin.
"""

import numpy as np


class PlainNetwork:
    """Trains an experiment; Z, A, dA, dZ, dW, db, W, b are dictionaries by layer, m and v by parameter."""

    def __init__(self, experiment, fault=None):
        self.experiment, self.optimizer = experiment, experiment.optimizer
        self.L = len(experiment.layers)
        self.layers = range(1, self.L + 1)
        start = experiment.initial()
        self.W = {l: start[f"W[{l}]"] for l in self.layers}
        self.b = {l: start[f"b[{l}]"] for l in self.layers}
        self.m = {name: np.zeros_like(theta) for name, theta in start.items()}
        self.v = {name: np.zeros_like(theta) for name, theta in start.items()}
        self.Z, self.A, self.dA, self.dZ, self.dW, self.db = ({} for _ in range(6))
        self.t = 0
        if fault:
            setattr(self, fault.instead_of, fault.planted_in(self))

    # Forward ---------------------------------------------------------------------------------------------------------

    def weighted_sum(self, l):
        return self.W[l] @ self.A[l - 1] + self.b[l]

    def activation(self, l):
        return np.maximum(self.Z[l], 0) if l < self.L else 1 / (1 + np.exp(-self.Z[l]))

    def loss(self):
        A, Y = self.A[self.L], self.Y
        return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    # Backward --------------------------------------------------------------------------------------------------------

    def output_gradient(self):
        A, Y = self.A[self.L], self.Y
        return -(Y / A - (1 - Y) / (1 - A))

    def activation_gradient(self, l):
        return self.dA[l] * ((self.Z[l] > 0) if l < self.L else self.A[l] * (1 - self.A[l]))

    def weight_gradient(self, l):
        return self.dZ[l] @ self.A[l - 1].T / self.n_examples

    def bias_gradient(self, l):
        return np.sum(self.dZ[l], axis=1, keepdims=True) / self.n_examples

    def input_gradient(self, l):
        return self.W[l].T @ self.dZ[l]

    # Update ----------------------------------------------------------------------------------------------------------

    def first_moment(self, name, gradient):
        beta1 = self.optimizer.beta1
        return beta1 * self.m[name] + (1 - beta1) * gradient

    def second_moment(self, name, gradient):
        beta2 = self.optimizer.beta2
        return beta2 * self.v[name] + (1 - beta2) * gradient**2

    def corrections(self):
        return 1 - self.optimizer.beta1**self.t, 1 - self.optimizer.beta2**self.t

    def adam_step(self, name, theta):
        c1, c2 = self.corrections()
        m, v = self.m[name] / c1, self.v[name] / c2
        return theta - self.optimizer.learning_rate * m / (np.sqrt(v) + self.optimizer.epsilon)

    def descent_step(self, name, theta, gradient):
        return theta - self.optimizer.learning_rate * gradient

    # Training --------------------------------------------------------------------------------------------------------

    def forward(self, X, Y):
        self.A[0], self.Y, self.n_examples = X, Y, X.shape[1]
        for l in self.layers:
            self.Z[l] = self.weighted_sum(l)
            self.A[l] = self.activation(l)
        self.J = self.loss()

    def backward(self):
        self.dA[self.L] = self.output_gradient()
        for l in reversed(self.layers):
            self.dZ[l] = self.activation_gradient(l)
            self.dW[l] = self.weight_gradient(l)
            self.db[l] = self.bias_gradient(l)
            if l > 1:
                self.dA[l - 1] = self.input_gradient(l)

    def update(self):
        for l in self.layers:
            self.W[l] = self.moved(f"W[{l}]", self.W[l], self.dW[l])
            self.b[l] = self.moved(f"b[{l}]", self.b[l], self.db[l])

    def moved(self, name, theta, gradient):
        if self.optimizer.kind == "gradient-descent":
            return self.descent_step(name, theta, gradient)
        self.m[name] = self.first_moment(name, gradient)
        self.v[name] = self.second_moment(name, gradient)
        return self.adam_step(name, theta)

    def batches(self):
        return self.experiment.batches()

    def train(self):
        for X, Y in self.batches():
            self.t += 1
            self.forward(X, Y)
            self.backward()
            self.update()
            yield self.everything()

    def everything(self):
        shown = {"A[0]": self.A[0], "Y": self.Y, "J": self.J}
        for letters in ("Z", "A", "dA", "dZ", "dW", "db", "W", "b"):
            shown |= {f"{letters}[{l}]": array for l, array in getattr(self, letters).items()}
        if self.optimizer.kind == "adam":
            shown |= {f"m_{name}": m for name, m in self.m.items()} | {f"v_{name}": v for name, v in self.v.items()}
        return shown


def honest(experiment):
    """Train without a fault."""
    yield from PlainNetwork(experiment).train()
