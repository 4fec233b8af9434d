"""Recording and certifying, each in a process of its own, as often as `benchmarks.performance` says.

    python -m benchmarks.judged record JSON     # or certify; a number of times on each line of standard input, 0 to end

Certifying may take the memory that the commands give it by default. The first line that it prints is "ready"; then the
seconds that it took, and at last its peak memory in MiB and, of certifying, how many numbers were judged.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from comparisons.certifying import certify
from comparisons.experiment import Circles, Experiment
from comparisons.implementations.registry import find, load
from comparisons.recording import record
from comparisons.stored import MEMORY
from comparisons.trace import load as load_trace


def experiment_of(of: dict[str, Any]) -> Experiment:
    """The article's experiment with other layers, batches or steps: one epoch has as many batches as one asks for."""
    if not of["layers"]:
        return Experiment(precision="float32", epochs=of["epochs"])
    layers = tuple(of["layers"])
    return Experiment(
        name="growth",
        precision="float32",
        layers=layers,
        activations=("relu",) * (len(layers) - 1) + ("sigmoid",),
        epochs=of["epochs"],
        batch_size=of["m"],
        data=Circles(n_train=of["m"] * of["n_batches"], n_test=0),
    )


def main() -> None:
    """Do it as often as asked."""
    what, of = sys.argv[1], json.loads(sys.argv[2])
    answers, sys.stdout = sys.stdout, sys.stderr
    experiment, folder = experiment_of(of), Path(of["folder"])
    subject, layout = load(find(of["implementation"]))
    checked = 0
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        if not (n := int(line)):
            break
        began = time.perf_counter()
        for _ in range(n):
            if what == "record":
                record(subject, experiment, layout=layout, into=folder)
            else:
                checked = certify(load_trace(folder, MEMORY)).checked
        print(time.perf_counter() - began, file=answers, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, checked, file=answers, flush=True)


if __name__ == "__main__":
    main()
