"""A tiny automatic differentiation of arrays: each operation notes how to go back, and a loop plays that in reverse.

The mistake: the gradients that a parameter has are added to and never set back to 0 (gradient-not-zeroed).
"""

import numpy as np


class Var:
    """An array, and what to do with its gradient."""

    def __init__(self, value, back=lambda grad: None, behind=()):
        self.value, self.back, self.behind, self.grad = value, back, behind, np.zeros_like(value)

    def __matmul__(self, other):
        def back(grad):
            self.grad += grad @ other.value.T
            other.grad += self.value.T @ grad

        return Var(self.value @ other.value, back, (self, other))

    def __add__(self, column):
        def back(grad):
            self.grad += grad
            column.grad += grad.sum(axis=1, keepdims=True)

        return Var(self.value + column.value, back, (self, column))

    def through(self, function, slope):
        """function(self), whose derivative is slope(self, result)"""
        result = function(self.value)

        def back(grad):
            self.grad += grad * slope(self.value, result)

        return Var(result, back, (self,))

    def backward(self, grad):
        """Gradients of everything behind it."""
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for one in node.behind:
                    visit(one)
                order.append(node)

        visit(self)
        self.grad = grad
        for node in reversed(order):
            node.back(node.grad)


def relu(z):
    return z.through(lambda v: np.maximum(v, 0), lambda v, _: v > 0)


def sigmoid(z):
    return z.through(lambda v: 1 / (1 + np.exp(-v)), lambda _, a: a * (1 - a))


def run(experiment, zero_grad):
    """A loop like PyTorch's."""
    parameters = {name: Var(value) for name, value in experiment.initial().items()}
    L = len(experiment.layers)
    for X, Y in experiment.batches():
        m = X.shape[1]
        a = Var(X)
        for l in range(1, L + 1):
            z = parameters[f"W[{l}]"] @ a + parameters[f"b[{l}]"]
            a = sigmoid(z) if l == L else relu(z)
        p = a.value
        J = -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()
        if zero_grad:
            for parameter in parameters.values():
                parameter.grad = np.zeros_like(parameter.value)
        a.backward((p - Y) / (p * (1 - p)) / m)
        for parameter in parameters.values():
            parameter.value = parameter.value - experiment.optimizer.learning_rate * parameter.grad
        gradients = {f"d{name}": parameter.grad for name, parameter in parameters.items()}
        yield {"J": J} | gradients | {name: parameter.value for name, parameter in parameters.items()}


def train(experiment):
    """With the mistake."""
    yield from run(experiment, zero_grad=False)


def honest(experiment):
    """Without it."""
    yield from run(experiment, zero_grad=True)
