"""Mistakes in the precision: what is shown in more digits than it was computed in.

They are no other equations, so they have no forms: every number must be one of the coarser precision's, and every
equation must hold there.
"""

from comparisons.mistakes.known import Known

PRECISION = (
    Known(
        "float32-inside", "mistake", "everything",
        says="The network is trained in float32 and shown in float64: every number is one of float32's.",
        wrong="W = initial.astype(np.float32)", right="W = initial  # in experiment.dtype",
        shows="In a float64 experiment everything is broken by about 1e8 bounds.",
        seen="JAX's default, without jax_enable_x64: jax-ml/jax#1333; Keras's losses: keras-team/keras-core#922",
    ),
    Known(
        "float16-inside", "mistake", "everything",
        says="The network is trained in float16 and shown in more digits: every number is one of float16's.",
        wrong="W = initial.astype(np.float16)", right="W = initial  # in experiment.dtype",
        shows="Everything is broken, by 1e4 bounds in a float32 experiment; small gradients are 0.",
        seen="keras-team/keras#4032; warner-benjamin/optimi#15",
    ),
)  # fmt: skip
