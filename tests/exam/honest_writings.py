"""The choices along each axis of an honest variation: the same mathematics, written differently.

What rounds otherwise than a sum of rounded products is a dialect that the project declares: the 1/m at the loss, the
lerp of the moments, ε before the bias correction, ε in the root of RMSprop, the velocity.
"""

from __future__ import annotations

import numpy as np


def one_by_one(parts):
    """The sum of the parts, from the first to the last."""
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def outer_products(A, B, order):
    """A B as the sum over the inner index of outer products."""
    return one_by_one(A[:, k : k + 1] * B[k : k + 1] for k in order(range(A.shape[1])))


PRODUCTS = {
    "matmul": lambda A, B: A @ B,
    "dot of copies": lambda A, B: np.dot(np.ascontiguousarray(A), np.asfortranarray(B)),
    "transposed": lambda A, B: (B.T @ A.T).T,
    "einsum": lambda A, B: np.einsum("ik,kj->ij", A, B),
    "pairwise": lambda A, B: np.add.reduce(A[:, :, None] * B[None], axis=1),
    "sum over the last axis": lambda A, B: (A[:, None, :] * B.T[None]).sum(axis=-1),
    "outer products": lambda A, B: outer_products(A, B, list),
    "outer products reversed": lambda A, B: outer_products(A, B, reversed),
    "backwards": lambda A, B: np.ascontiguousarray(A[:, ::-1]) @ np.ascontiguousarray(B[::-1]),
}
SUMS = {
    "sum": lambda a: a.sum(axis=1, keepdims=True),
    "reduce": lambda a: np.add.reduce(a, axis=1)[:, None],
    "reversed": lambda a: a[:, ::-1].sum(axis=1, keepdims=True),
    "one by one": lambda a: one_by_one(a[:, k : k + 1] for k in range(a.shape[1])),
    "einsum": lambda a: np.einsum("ij->i", a)[:, None],
    "times ones": lambda a: a @ np.ones((a.shape[1], 1), a.dtype),
    "halves": lambda a: a[:, ::2].sum(axis=1, keepdims=True) + a[:, 1::2].sum(axis=1, keepdims=True),
}
RELUS = {
    "maximum": lambda Z: np.maximum(Z, 0),
    "where": lambda Z: np.where(Z > 0, Z, np.zeros_like(Z)),
    "mask": lambda Z: Z * (Z > 0),
    "absolute": lambda Z: (Z + np.abs(Z)) / 2,
    "clip": lambda Z: np.clip(Z, 0, None),
}
SIGMOIDS = {
    "exp": lambda Z: 1 / (1 + np.exp(-Z)),
    "tanh": lambda Z: (1 + np.tanh(Z / 2)) / 2,
    "two exps": lambda Z: np.where(Z >= 0, 1 / (1 + np.exp(-np.abs(Z))), np.exp(-np.abs(Z)) / (1 + np.exp(-np.abs(Z)))),
    "quotient": lambda Z: np.exp(Z) / (1 + np.exp(Z)),
}
ACTIVATE = {
    "tanh": np.tanh,
    "linear": lambda Z: Z,
    "leaky-relu": lambda Z: np.where(Z > 0, Z, 0.01 * Z),
}


def article(A, Y):
    """dA as the article has it, then through the sigmoid."""
    dA = -(np.where(Y == 0, np.zeros_like(A), Y / A) - np.where(Y == 1, np.zeros_like(A), (1 - Y) / (1 - A)))
    return dA, dA * A * (1 - A), False


def one_quotient(A, Y):
    """dA as one quotient."""
    dA = (A - Y) / (A * (1 - A))
    return dA, dA * (A * (1 - A)), False


def mean_at_the_loss(A, Y):
    """dA with the 1/m of the loss."""
    dA = (A - Y) / (A * (1 - A)) / A.shape[1]
    return dA, dA * (A * (1 - A)), True


OUTPUTS = {
    "article": article,
    "one quotient": one_quotient,
    "mean at the loss": mean_at_the_loss,
    "directly": lambda A, Y: (None, A - Y, False),
    "directly with the mean": lambda A, Y: (None, (A - Y) / A.shape[1], True),
}
DESCENTS = {
    "minus": lambda theta, step: theta - step,
    "plus the negative": lambda theta, step: theta + -step,
    "out": lambda theta, step: np.subtract(theta, step, out=np.empty_like(theta)),
}
CORRECTED = ("paper", "rate first", "roots apart", "epsilon before")


def moved(writing, experiment, theta, g, slots, t, alpha):
    """A parameter after the step, and its slots."""
    optimizer, decay = experiment.optimizer, experiment.decay
    slots = slots or {letter: np.zeros_like(theta) for letter in "mv"}
    beside = {}
    if decay.kind == "coupled":
        g = beside["g"] = g + decay.rate * theta
    if decay.kind == "decoupled":
        theta = beside["kept"] = theta - alpha * decay.rate * theta
    step, after = RULES[optimizer.kind](writing, optimizer, g, slots, t, alpha)
    return DESCENTS[writing.descent](theta, step), beside | after


def gradient_descent(writing, optimizer, g, slots, t, alpha):
    """α g"""
    return alpha * g, {}


def momentum(writing, optimizer, g, slots, t, alpha):
    """α m, or with the rate inside"""
    if writing.lerp:  # the dialect of Keras
        m = optimizer.momentum * slots["m"] - alpha * g
        return -m, {"m": m}
    m = g + slots["m"] * optimizer.momentum
    return alpha * m, {"m": m}


def nesterov(writing, optimizer, g, slots, t, alpha):
    """α (μ m + g)"""
    m = optimizer.momentum * slots["m"] + g
    n = g + optimizer.momentum * m
    return n * alpha, {"m": m, "n": n}


def rmsprop(writing, optimizer, g, slots, t, alpha):
    """α g/(√v + ε), or with ε in the root"""
    rho = optimizer.rho
    v = rho * slots["v"] + (1 - rho) * g**2
    after, divisor = {"v": v}, v
    if optimizer.centered:
        m = after["m"] = rho * slots["m"] + (1 - rho) * g
        divisor = after["var"] = v - m**2
    if writing.lerp:
        return alpha * g / np.sqrt(divisor + optimizer.epsilon), after
    return alpha * (g / (np.sqrt(divisor) + optimizer.epsilon)), after


def adam(writing, optimizer, g, slots, t, alpha):
    """α (m/c1)/(√(v/c2) + ε)"""
    beta1, beta2, epsilon = optimizer.beta1, optimizer.beta2, optimizer.epsilon
    if writing.lerp:
        m = slots["m"] + (1 - beta1) * (g - slots["m"])
        v = slots["v"] + (1 - beta2) * (g * g - slots["v"])
    else:
        m = slots["m"] * beta1 + g * (1 - beta1)
        v = slots["v"] * beta2 + (g * g) * (1 - beta2)
    c1, c2 = 1 - beta1**t, 1 - beta2**t
    step = {
        "paper": lambda: alpha * (m / c1) / (np.sqrt(v / c2) + epsilon),
        "rate first": lambda: alpha / c1 * m / (np.sqrt(v / c2) + epsilon),
        "roots apart": lambda: alpha / c1 * m / (np.sqrt(v) / c2**0.5 + epsilon),
        "epsilon before": lambda: alpha * c2**0.5 / c1 * m / (np.sqrt(v) + epsilon),
    }[writing.corrected]()
    return step, {"m": m, "v": v}


RULES = {
    "gradient-descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}
