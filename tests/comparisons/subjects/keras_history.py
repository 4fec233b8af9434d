"""Trains the small experiment with Keras's `fit`, keeps its weights as a trace in a folder and prints its History."""

import json
import sys
from pathlib import Path

from comparisons.implementations import keras_fit
from comparisons.implementations.keras_model import keras
from comparisons.recording import record
from tests.small import small

histories = []
fit = keras.Model.fit


def kept(*arguments, **options):
    """Keras's own `fit`, and what it returned."""
    history = fit(*arguments, **options)
    histories.append(history.history)
    return history


keras.Model.fit = kept
for precision in ("float32", "float64"):
    into = Path(sys.argv[1]) / f"{precision}.trace"
    record(keras_fit.train, small(precision), name="keras-fit", layout=keras_fit.LAYOUT, into=into)
print(json.dumps(dict(zip(("float32", "float64"), histories, strict=True))))
