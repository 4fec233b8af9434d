"""Lists and loops, a neuron at a time, as somebody writes who wants to see every number. float64, as Python has it.

The mistake: the weights' gradient is divided by the number of examples, the biases' is not (summed-bias).
"""

import math

import numpy as np


def train(experiment):
    """With the mistake."""
    yield from run(experiment, forgets=True)


def honest(experiment):
    """Without it."""
    yield from run(experiment, forgets=False)


def run(experiment, forgets):
    """Three nested loops for each thing there is."""
    sizes, rate = experiment.sizes, experiment.optimizer.learning_rate
    start = experiment.initial()
    weights = [start[f"W[{k}]"].tolist() for k in range(1, len(sizes))]
    biases = [start[f"b[{k}]"].ravel().tolist() for k in range(1, len(sizes))]
    last = len(weights) - 1
    for X, Y in experiment.batches():
        examples, labels = X.T.tolist(), Y[0].tolist()
        weight_sums = [[[0.0] * len(row) for row in layer] for layer in weights]
        bias_sums = [[0.0] * len(layer) for layer in biases]
        for example, label in zip(examples, labels, strict=True):
            signals, sums = [example], []
            for k, layer in enumerate(weights):
                z = []
                for j, row in enumerate(layer):
                    total = 0.0
                    for weight, signal in zip(row, signals[k], strict=True):
                        total += weight * signal
                    z.append(total + biases[k][j])
                sums.append(z)
                signals.append([1 / (1 + math.exp(-s)) if k == last else max(0.0, s) for s in z])
            errors = [signals[-1][0] - label]
            for k in range(last, -1, -1):
                for j, error in enumerate(errors):
                    bias_sums[k][j] += error
                    for i, signal in enumerate(signals[k]):
                        weight_sums[k][j][i] += error * signal
                if k == 0:
                    break
                below = []
                for i in range(len(signals[k])):
                    back = 0.0
                    for j, error in enumerate(errors):
                        back += weights[k][j][i] * error
                    below.append(back if sums[k - 1][i] > 0 else 0.0)
                errors = below
        m = len(examples)
        shown = {}
        for k, layer in enumerate(weights):
            for j, row in enumerate(layer):
                for i in range(len(row)):
                    weight_sums[k][j][i] /= m
                    row[i] -= rate * weight_sums[k][j][i]
                if not forgets:
                    bias_sums[k][j] /= m
                biases[k][j] -= rate * bias_sums[k][j]
            shown |= {
                f"dW[{k + 1}]": np.array(weight_sums[k]),
                f"db[{k + 1}]": np.array(bias_sums[k]),
                f"W[{k + 1}]": np.array(layer),
                f"b[{k + 1}]": np.array(biases[k]),
            }
        yield shown
