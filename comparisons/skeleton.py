"""The skeleton that `backproof new` writes: the article's network, to be filled in equation by equation."""

from __future__ import annotations

from pathlib import Path

from comparisons.errors import UsageError

SKELETON = '''\
"""The article's network by hand: two inputs, layers of 4, 6, 6, 4 and 1 units, ReLU, a sigmoid at the end, and Adam.

Fill in one part after the other, and check what you have after each:

    backproof check my_network.py

Nothing has to be finished for that: what is filled in is checked, and what comes next is named. Where a number is
wrong you are told which. Examples are columns: A[l] has one for each of the m examples.
"""

import numpy as np


def train(experiment):
    L = len(experiment.layers)  # 5
    dtype = experiment.dtype.type  # what numbers are made of: write dtype(0.5) for one half
    start = experiment.initial()  # {"W[1]": (4, 2), "b[1]": (4, 1), "W[2]": (6, 4), ...}
    W = {l: start[f"W[{l}]"] for l in range(1, L + 1)}
    b = {l: start[f"b[{l}]"] for l in range(1, L + 1)}
    m_W, v_W = ({l: np.zeros_like(W[l]) for l in W} for _ in "mv")  # Adam's moments, for part 6
    m_b, v_b = ({l: np.zeros_like(b[l]) for l in b} for _ in "mv")

    for t, (X, Y) in enumerate(experiment.batches(), 1):  # X (2, m), Y (1, m); t counts the steps
        m = X.shape[1]
        A, Z, dA, dZ, dW, db = {0: X}, {}, {}, {}, {}, {}
        J, after = None, {}

        # 1. Forward, the first layer: Z[1] = W[1] A[0] + b[1], and A[1] = max(0, Z[1]).
        # Z[1] = ...
        # A[1] = ...

        # 2. Forward, the other layers: the same with l and l - 1; but the last one is a sigmoid, 1 / (1 + e^-Z).
        # for l in range(2, L + 1):
        #     Z[l] = ...
        #     A[l] = ...

        # 3. The loss: J = -1/m times the sum over all examples of Y ln A[L] + (1 - Y) ln(1 - A[L]).
        # J = ...

        # 4. Backward, the last layer: dZ[L] = A[L] - Y, dW[L] = 1/m dZ[L] times A[L-1] transposed,
        #    and db[L] = 1/m times the sum of the columns of dZ[L], as one column.
        # dZ[L] = ...
        # dW[L] = ...
        # db[L] = ...

        # 5. Backward, the other layers: dA[l] = W[l+1] transposed times dZ[l+1], dZ[l] = dA[l] where Z[l] > 0 and
        #    else 0; then dW[l] and db[l] as in part 4.
        # for l in range(L - 1, 0, -1):
        #     dA[l] = ...
        #     dZ[l] = ...
        #     dW[l] = ...
        #     db[l] = ...

        # 6. Adam, for W and for b alike. With g for the gradient and theta for W[l] or b[l]:
        #        m = beta1 m + (1 - beta1) g
        #        v = beta2 v + (1 - beta2) g^2
        #        theta = theta - alpha (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
        #    experiment.optimizer has .learning_rate (alpha), .beta1, .beta2 and .epsilon.
        # for l in range(1, L + 1):
        #     m_W[l] = ...
        #     v_W[l] = ...
        #     W[l] = ...
        #     m_b[l] = ...
        #     v_b[l] = ...
        #     b[l] = ...
        # after = {"m_W": m_W, "v_W": v_W, "W": W, "m_b": m_b, "v_b": v_b, "b": b}

        # What is filled in is shown, under the article's names: Z[1], dW[3], J.
        found = {"Z": Z, "A": A, "dA": dA, "dZ": dZ, "dW": dW, "db": db} | after
        shown = {f"{name}[{l}]": value for name, values in found.items() for l, value in values.items()}
        yield shown if J is None else shown | {"J": J}
'''


def write(path: Path) -> None:
    """Write the skeleton. Error: UsageError where there is something already, or no folder for it."""
    if path.suffix != ".py":
        raise UsageError(f"{path} is not the name of a Python file; choose one such as my_network.py")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(SKELETON.replace("my_network.py", path.name))
    except FileExistsError:
        raise UsageError(f"{path} is there already, and nothing was changed; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; choose another place") from None
