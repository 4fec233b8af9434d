"""Conventions side by side: what each framework chose where there is a choice, and the facts that measure it.

JAX's and the textbook's columns are told, not measured here: JAX is optax's and jax.nn's defaults, the textbook is the
paper that the choice comes from.
"""

from __future__ import annotations

from typing import NamedTuple


class Convention(NamedTuple):
    """A choice, what is chosen, and by which facts it was measured; "" where there is no such thing."""

    choice: str
    keras: str
    torch: str
    tensorflow: str
    jax: str
    textbook: str
    facts: tuple[str, ...]


CONVENTIONS = (
    Convention("where Adam's epsilon joins", "√v + ε, before the correction", "√(v/c2) + ε, after it", "as Keras",
               "after it", "after it (algorithm 1), or before (ε̂)", ("adam-epsilon",)),
    Convention("Adam's epsilon", "1e-7", "1e-8", "as Keras", "1e-8", "1e-8", ("adam-defaults",)),
    Convention("precision of Adam's powers", "that of the weights, betas by float32", "float64", "as Keras", "float32",
               "exact", ("adam-powers-float64", "adam-powers-float32")),
    Convention("AMSGrad's maximum", "of v, then corrected", "of v, then corrected", "as Keras", "of v/c2",
               "of v, never corrected", ("adam-amsgrad",)),
    Convention("weight_decay", "rate · decay · w, decoupled, everywhere", "decay · w added to the gradient; AdamW "
               "decoupled", "as Keras", "adamw decoupled", "both exist", ("decay-decoupled",)),
    Convention("AdamW's decay", "0.004", "0.01", "as Keras", "1e-4", "", ("decay-default",)),
    Convention("L2 penalty", "λ Σ w²", "(decay/2) Σ w², by weight_decay", "λ/2 Σ w² (tf.nn.l2_loss)", "", "λ/2 Σ w²",
               ("decay-regularizer",)),
    Convention("clipping by norm", "each variable, or global_clipnorm", "global, norm + 1e-6", "global", "global",
               "global", ("clip-norms", "clip-each-or-all")),
    Convention("momentum's buffer", "steps, the rate in it", "gradients", "as Keras", "gradients", "both exist",
               ("momentum-rate",)),
    Convention("RMSprop's epsilon", "inside the root, 1e-7", "outside, 1e-8", "as Keras", "inside, 1e-8", "",
               ("rmsprop-epsilon",)),
    Convention("RMSprop's forgetting", "0.1 a step", "0.01 a step", "as Keras", "0.1 a step", "0.1 a step",
               ("rmsprop-defaults",)),
    Convention("Adagrad's start", "0.1", "0", "as Keras", "0.1", "0", ("adagrad-start",)),
    Convention("default learning rates", "SGD 0.01, RMSprop 0.001", "SGD 0.001, RMSprop 0.01", "as Keras", "none", "",
               ("rates",)),
    Convention("cross-entropy of p = 0", "16.1, p is clipped to 1e-7", "100, the logarithm is clamped", "as Keras",
               "", "∞", ("loss-clip", "loss-clamp")),
    Convention("its gradient there", "0", "−1e12", "as Keras", "", "−∞", ("loss-slope-outside",)),
    Convention("logits of a sigmoid's output", "found and used", "not looked for", "found in a graph, by name", "",
               "", ("loss-logits", "loss-by-name")),
    Convention("weighted mean", "over the examples", "BCELoss over the examples, CrossEntropyLoss over the weights",
               "as Keras", "", "", ("loss-weights",)),
    Convention("p = 0.5 counts as", "class 0", "", "class 0", "", "", ("loss-threshold",)),
    Convention("ReLU's slope at 0", "0", "0", "0", "0", "undefined", ("relu-at-0",)),
    Convention("slope of max(x, 0) at 0", "1", "1/2", "1", "1/2", "undefined", ("relu-at-0", "jax-corners")),
    Convention("slope of the absolute value at 0", "0", "0", "0", "1", "undefined", ("abs-at-0", "jax-corners")),
    Convention("slope of clipping at its bound", "1", "1", "1", "1/2", "undefined", ("clip-at-bound", "jax-corners")),
    Convention("leaky slope", "0.2 the function, 0.3 the layer", "0.01", "0.2", "0.01", "0.01", ("leaky-slope",)),
    Convention("gelu", "exact, but keras.ops by tanh", "exact", "exact", "by tanh", "exact", ("gelu-default",)),
    Convention("dense weights lie", "(in, out)", "(out, in)", "(in, out)", "(in, out)", "(out, in) here",
               ("dense-transposed",)),
    Convention("dense weights start", "Glorot uniform, bias 0", "uniform ±1/√in, bias too", "as Keras",
               "LeCun normal, bias 0 (flax)", "He for ReLU", ("dense-start",)),
    Convention("gradients of a loss that is no scalar", "", "an error", "summed", "an error", "",
               ("losses-that-are-no-scalar",)),
    Convention("repeated backward passes", "", "add up", "do not", "do not", "", ("gradients-add-up",)),
    Convention("normalisation's momentum", "0.99, of the old average", "0.1, of the new batch", "as Keras",
               "0.99, of the old average (flax)", "", ("norm-momentum",)),
    Convention("normalisation's epsilon", "1e-3", "1e-5", "as Keras", "1e-5 (flax)", "", ("norm-epsilon",)),
    Convention("running variance", "1/n", "1/(n − 1)", "as Keras", "1/n (flax)", "1/(n − 1)", ("norm-variance",)),
    Convention("embeddings start", "uniform ±0.05", "standard normal", "as Keras", "", "",
               ("embedding-start",)),
    Convention("an LSTM's forget bias", "1", "uniform ±1/√n, twice", "as Keras", "0 (flax)", "", ("lstm",)),
    Convention("a GRU's gates", "z, r, h", "r, z, n", "as Keras", "", "", ("gru",)),
    Convention("'same' padding with stride 2", "below and right only", "refused", "below and right only",
               "below and right only", "", ("convolution-padding",)),
)  # fmt: skip
