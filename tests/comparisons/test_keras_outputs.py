"""When Keras computes the loss from logits and when it clips probabilities, and what its backend makes of a beta."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from comparisons.implementations.registry import find

SCRIPT = Path(__file__).parent / "subjects" / "keras_outputs.py"
pytestmark = pytest.mark.xdist_group("keras-outputs")
FINDS_LOGITS = {
    "keras.layers.Activation": (True, True),
    "keras.activations.sigmoid": (True, True),
    "keras.ops.sigmoid": (True, True),
    "tf.sigmoid": (False, True),
    "1 / (1 + tf.exp(-z))": (False, False),
    "reshaped": (False, False),
}


@pytest.fixture(scope="session")
def printed(once, needs):
    """What Keras did, in a process of its own."""
    needs(find("keras"))

    def fill(folder):
        python = [sys.executable, "-P", str(SCRIPT)]
        done = subprocess.run(python, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        (folder / "printed.json").write_text(done.stdout)

    return json.loads((once("keras-outputs", fill) / "printed.json").read_text())


@pytest.mark.parametrize("output", FINDS_LOGITS)
def test_keras_finds_logits_behind_its_own_sigmoid_and_in_a_function_behind_tensorflows(output, printed):
    # Where it does, nothing is derived at the probabilities: the tape's dA of the output is None.
    actual = tuple(printed["finds logits"][f"{output}, {mode}"] for mode in ("eagerly", "in a tf.function"))
    assert FINDS_LOGITS[output] == actual


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_beta_goes_through_float32_in_both_precisions(precision, printed):
    assert [float(np.float32(beta)) for beta in (0.9, 0.999)] == printed["betas"][precision]
