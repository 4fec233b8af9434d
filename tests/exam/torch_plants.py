"""The plants that a single parameter or line plants in PyTorch's usual loop: `torch_loop.py`, line by line.

Seen as in `plants.py`, and "seen" where a number is outside but the known form is another one in what is shown:
PyTorch's weight_decay is added inside the optimizer, so that .grad lacks it, and its clipping by norm divides by the
norm + 1e-6.
"""

from __future__ import annotations

from tests.exam.experiments import article, decaying, even, steep
from tests.exam.framework_plants import FrameworkPlant, of


def plant(name, experiment, first, number=None, **others) -> FrameworkPlant:
    """A row of the table."""
    return of("torch", name, experiment, first, number, **others)


AS_GRADIENTS = {"everything": "seen", "gradients": "seen"}

TORCH_PLANTS = (
    plant("sum-for-mean", article(), "J", kind="dialect", gradients="one of these", weights="one of these",
          alike={"gradients": ("summed-gradient",), "weights": ("summed-gradient",)}),
    plant("probabilities-for-logits", article(), "J"),
    plant("probabilities-for-logits", article("adam"), "J"),
    plant("turned-sign", article(), "dA[5]", gradients="one of these", weights="one of these",
          alike={"gradients": ("swapped-output-gradient",), "weights": ("swapped-output-gradient", "update-added")}),
    plant("gradient-not-zeroed", article(), "dW[5]", step=2),
    plant("gradient-not-zeroed", article("adam"), "dW[5]", step=2),
    plant("bias-never-updated", article(), "b[1]"),
    plant("layer-never-updated", article(), "W[3]", 3),
    plant("update-added", article(), "W[1]", weights="one of these",
          alike={"weights": ("turned-sign", "swapped-output-gradient")}),
    plant("doubled-learning-rate", article(), "W[1]"),
    plant("doubled-learning-rate", article("adam"), "W[1]"),
    plant("decayed-learning-rate", article(), "W[1]", 0.9, step=4),
    plant("l2-on-the-gradient", article(precision="float64"), "W[1]", 0.01, **AS_GRADIENTS),
    plant("decay-of-weights-only", decaying("coupled"), "b[1]", kind="dialect", step=2),
    plant("clipped-gradient-values", steep(), "dW[2]", 0.01),
    plant("clipped-gradient-norm", steep(), "dW[2]", 0.1, everything="seen", gradients="seen", weights="seen"),
    plant("clipped-weights", article(), "W[1]", 0.5),
    plant("swapped-betas", article("adam"), "m_W[1]"),
    plant("amsgrad", article("adam-of-short-memory"), "W[1]", kind="dialect", step=2),
    plant("same-batch", article(), "A[0]", step=2),
    plant("unshuffled", article(), "A[0]"),
    plant("shuffled-labels", article(), "Y"),
    plant("labels-of-the-batch-before", even(), "Y", step=2),
    plant("float32-inside", article(precision="float64"), "Z[1]"),
)  # fmt: skip
