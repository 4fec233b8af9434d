"""Trains one layer by gradient descent on the batches in a trace, and writes a trace of its own, without the suite."""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

given, mine = map(Path, sys.argv[1:])
head = json.loads((given / "trace.json").read_text(encoding="utf-8"))
batches, start = load_file(given / "000000.safetensors"), load_file(given / "shown-start.safetensors")
W, b, shown, taken = start["W[1]"], start["b[1]"], {}, {}
for m in 2 * [16, 16, 8]:
    at = taken[m] = taken.get(m, -1) + 1
    X, Y = batches[f"A[0] of {m}"][at], batches[f"Y of {m}"][at]
    A = 1 / (1 + np.exp(-(W @ X + b)))
    dW, db = (A - Y) @ X.T / m, (A - Y).sum(axis=1, keepdims=True) / m
    W, b = W - np.float32(0.1) * dW, b - np.float32(0.1) * db
    for name, value in {f"A[1] of {m}": A, "dW[1]": dW, "db[1]": db, "W[1]": W, "b[1]": b}.items():
        shown.setdefault(name, []).append(value)
mine.mkdir()
save_file({name: np.stack(values) for name, values in shown.items()}, mine / "000000.safetensors")
shapes = {"A[1]": [1, "m"], "dW[1]": [1, 2], "db[1]": [1, 1], "W[1]": [1, 2], "b[1]": [1, 1]}
head |= {"implementation": "mine", "start": None, "shown": shapes, "about": {}}
(mine / "trace.json").write_text(json.dumps(head), encoding="utf-8")
suite = {"comparisons", "reference", "reports", "backproof"} & set(sys.modules)
sys.exit(f"imported {suite}" if suite else 0)
