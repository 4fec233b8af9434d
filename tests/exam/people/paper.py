"""Adam as a class, written line by line from Algorithm 1 of the paper, with a network of closures around it.

The mistake: t is raised in another place than where it is read, so that it is 1 at every step (constant-correction).
"""

import numpy as np


class Adam:
    def __init__(self, alpha, beta_1, beta_2, epsilon):
        self.alpha, self.beta_1, self.beta_2, self.epsilon = alpha, beta_1, beta_2, epsilon
        self.m, self.v, self.t = {}, {}, 0

    def __call__(self, parameters, gradients, counts):
        t = self.t + 1
        if counts:
            self.t = t
        for name, g in gradients.items():
            self.m[name] = self.beta_1 * self.m.get(name, 0) + (1 - self.beta_1) * g
            self.v[name] = self.beta_2 * self.v.get(name, 0) + (1 - self.beta_2) * g**2
            m_hat = self.m[name] / (1 - self.beta_1**t)
            v_hat = self.v[name] / (1 - self.beta_2**t)
            parameters[name] = parameters[name] - self.alpha * m_hat / (np.sqrt(v_hat) + self.epsilon)


def dense(W, b, g, slope):
    """A layer's forward pass, which returns its backward pass as well."""

    def forward(a_in, parameters):
        z = parameters[W] @ a_in + parameters[b]
        a = g(z)

        def backward(grad):
            dz = grad * slope(z, a)
            return parameters[W].T @ dz, {W: dz @ a_in.T / dz.shape[1], b: dz.mean(axis=1, keepdims=True)}

        return a, backward

    return forward


def network(n_layers):
    hidden = [dense(f"W[{l}]", f"b[{l}]", lambda z: z * (z > 0), lambda z, a: z > 0) for l in range(1, n_layers)]
    last = dense(f"W[{n_layers}]", f"b[{n_layers}]", lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a))
    return [*hidden, last]


def fit(experiment, counts):
    o = experiment.optimizer
    adam, layers = Adam(o.learning_rate, o.beta1, o.beta2, o.epsilon), network(len(experiment.layers))
    theta = experiment.initial()
    for X, Y in experiment.batches():
        a, backs = X, []
        for layer in layers:
            a, back = layer(a, theta)
            backs.append(back)
        grad, gradients = -Y / a + (1 - Y) / (1 - a), {}
        for back in reversed(backs):
            grad, found = back(grad)
            gradients |= found
        adam(theta, gradients, counts)
        moments = {f"m_{name}": m for name, m in adam.m.items()} | {f"v_{name}": v for name, v in adam.v.items()}
        yield {f"d{name}": g for name, g in gradients.items()} | moments | theta


def train(experiment):
    """With the mistake."""
    return fit(experiment, counts=False)


def honest(experiment):
    """Without it."""
    return fit(experiment, counts=True)
