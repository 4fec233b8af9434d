"""The plants that a single parameter plants in a Keras loop: `keras_loop.py`, line by line.

Seen as in `torch_plants.py`: Keras's optimizers clip inside, so that the gradients that the tape gave are not clipped.
"""

from __future__ import annotations

from tests.exam.experiments import article, steep
from tests.exam.framework_plants import FrameworkPlant, of


def plant(name, experiment, first, number=None, **others) -> FrameworkPlant:
    """A row of the table."""
    return of("keras", name, experiment, first, number, **others)


INSIDE = {"everything": "seen", "gradients": "seen"}

KERAS_PLANTS = (
    plant("sum-for-mean", article(), "J", kind="dialect", gradients="one of these", weights="one of these",
          alike={"gradients": ("summed-gradient",), "weights": ("summed-gradient",)}),
    plant("bias-never-updated", article(), "b[1]"),
    plant("layer-never-updated", article(), "W[3]", 3),
    plant("doubled-learning-rate", article(), "W[1]"),
    plant("doubled-learning-rate", article("adam"), "W[1]"),
    plant("decayed-learning-rate", article(), "W[1]", 0.9, step=4),
    of("keras", "decayed-learning-rate by time", article(), "W[1]", step=2),
    plant("l2-on-the-gradient", article(precision="float64"), "dW[5]", 0.01),
    plant("clipped-gradient-values", steep(), "W[1]", 0.01, **INSIDE),
    plant("clipped-gradient-norm", steep(), "W[1]", 0.1, **INSIDE),
    plant("swapped-betas", article("adam"), "m_W[1]"),
    plant("amsgrad", article("adam-of-short-memory"), "W[1]", kind="dialect", step=2),
    plant("same-batch", article(), "A[0]", step=2),
    plant("unshuffled", article(), "A[0]"),
    plant("float32-inside", article(precision="float64"), "Z[1]"),
)  # fmt: skip
