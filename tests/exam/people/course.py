"""Functions that hand caches to one another, as a well-known course teaches it; everything they compute is shown.

The mistake: the sum of the biases' gradient lacks its axis, and broadcasting hides that (bias-gradient-of-all-units).
"""

import numpy as np


def initialize_parameters_deep(experiment):
    return dict(experiment.initial())


def linear_activation_forward(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    A = np.maximum(0, Z) if activation == "relu" else 1 / (1 + np.exp(-Z))
    return A, ((A_prev, W, b), Z)


def L_model_forward(X, parameters):
    caches, A, L = [], X, len(parameters) // 2
    for l in range(1, L + 1):
        activation = "sigmoid" if l == L else "relu"
        A, cache = linear_activation_forward(A, parameters[f"W[{l}]"], parameters[f"b[{l}]"], activation)
        caches.append(cache)
    return A, caches


def compute_cost(AL, Y):
    m = Y.shape[1]
    return -1 / m * np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))


def linear_backward(dZ, cache, with_axis):
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T)
    db = 1 / m * (np.sum(dZ, axis=1, keepdims=True) if with_axis else np.sum(dZ) + np.zeros_like(dZ[:, :1]))
    return np.dot(W.T, dZ), dW, db


def L_model_backward(AL, Y, caches, with_axis):
    grads, L = {}, len(caches)
    dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in range(L, 0, -1):
        linear_cache, Z = caches[l - 1]
        if l == L:
            s = 1 / (1 + np.exp(-Z))
            dZ = dA * s * (1 - s)
        else:
            dZ = np.array(dA, copy=True)
            dZ[Z <= 0] = 0
        grads |= {f"dA[{l}]": dA, f"dZ[{l}]": dZ}
        dA, grads[f"dW[{l}]"], grads[f"db[{l}]"] = linear_backward(dZ, linear_cache, with_axis)
    return grads


def update_parameters(parameters, grads, learning_rate):
    return {name: value - learning_rate * grads[f"d{name}"] for name, value in parameters.items()}


def L_layer_model(experiment, with_axis):
    parameters = initialize_parameters_deep(experiment)
    for X, Y in experiment.batches():
        AL, caches = L_model_forward(X, parameters)
        cost = compute_cost(AL, Y)
        grads = L_model_backward(AL, Y, caches, with_axis)
        parameters = update_parameters(parameters, grads, experiment.optimizer.learning_rate)
        outputs = {f"Z[{l}]": Z for l, (_, Z) in enumerate(caches, 1)}
        outputs |= {f"A[{l}]": linear[0] for l, (linear, _) in enumerate(caches[1:], 1)}
        yield outputs | {f"A[{len(caches)}]": AL, "J": cost} | grads | parameters


def train(experiment):
    """With the mistake."""
    return L_layer_model(experiment, with_axis=False)


def honest(experiment):
    """Without it."""
    return L_layer_model(experiment, with_axis=True)
