"""Conventions: other legitimate forms than the article's, which people write and no framework of ours computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from comparisons.experiment import Experiment
from comparisons.mistakes.averages import one
from comparisons.mistakes.known import Forms, Known, updates, variant, with_the_rate
from comparisons.mistakes.losses import summed_loss
from comparisons.mistakes.rates import instead_of_alpha
from comparisons.mistakes.steps import unmoved
from reference.activations import relu_backward, sigmoid_backward
from reference.alphabet import Array, log, logits_loss, logits_loss_slope, maximum, minimum, sqrt
from reference.decay import decayed_gradient, shrunk
from reference.dialects import LOG_CLAMP, SUMMED, bias_correction, clipped_cross_entropy
from reference.dialects_of_optimizers import to_float32, velocity
from reference.forms import Change, Form
from reference.losses import cross_entropy, output_gradient
from reference.network import Equation, Group, Network, before, elementwise, now
from reference.optimizers import accumulated, adam_step, descent_step, first_moment, second_moment

EPSILONS = (1e-15, 1e-12, 1e-10, 1e-8, 1e-7, 1e-5)


def relu_slope_1(dA: Array, Z: Array) -> Array:
    """dA ∘ (Z ≥ 0)"""
    return dA * (Z >= 0)


def relu_slope_half(dA: Array, Z: Array) -> Array:
    """½ dA ∘ ((Z > 0) + (Z ≥ 0))"""
    return 0.5 * (dA * (Z > 0) + dA * (Z >= 0))


def loss_with_epsilon(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−1/m Σᵢ (Y ln(A + epsilon) + (1 − Y) ln(1 − A + epsilon))"""
    return -(Y * log(A + epsilon) + (1 - Y) * log(1 - A + epsilon)).sum(axis=-1, keepdims=True) / A.shape[-1]


def gradient_with_epsilon(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−(Y/(A + epsilon) − (1 − Y)/(1 − A + epsilon))"""
    return -(Y / (A + epsilon) - (1 - Y) / (1 - A + epsilon))


def gradient_of_clipped(A: Array, Y: Array, *, epsilon: float) -> Array:
    """−(Y/Â − (1 − Y)/(1 − Â)), Â = A clipped to [epsilon, 1 − epsilon]"""
    clipped = maximum(minimum(A, 1 - epsilon), epsilon)
    return -(Y / clipped - (1 - Y) / (1 - clipped))


@elementwise
def adam_step_in_the_root(
    theta: Array, m: Array, v: Array, c1: Array, c2: Array, alpha: Array, *, epsilon: float
) -> Array:
    """theta − alpha (m/c1) / √(v/c2 + epsilon)"""
    return theta - alpha * (m / c1) / sqrt(v / c2 + epsilon)


@elementwise
def averaged(m: Array, g: Array, *, momentum: float) -> Array:
    """momentum m + (1 − momentum) g"""
    return momentum * m + (1 - momentum) * g


@elementwise
def step_by_difference(theta: Array, m: Array, v: Array, *, momentum: float) -> Array:
    """theta − momentum v + (1 + momentum) m"""
    return theta - momentum * v + (1 + momentum) * m


@elementwise
def larger(old: Array, v: Array) -> Array:
    """max(old, v)"""
    return maximum(old, v)


def rate_in_precision(alpha: Array, *, rounded: float) -> Array:
    """rounded"""
    return alpha * 0 + rounded


def with_epsilon(*changes: tuple[Callable[..., Array], Callable[..., Array]]) -> Forms:
    """A variant for each ε, in J, in dA[L], or in both."""

    def forms(experiment: Experiment) -> Iterable[Form]:
        for number in EPSILONS:
            constants = {"epsilon": lambda _, number=number: number}
            made = [Change(of, to, constants=constants) for of, to in changes]
            for where, chosen in {"J and dA": made, "J": made[:1], "dA": made[1:]}.items():
                yield variant(f"ε = {number:g}, in {where}", *chosen, choice="how ln 0 is kept finite")

    return forms


def amsgrad(experiment: Experiment) -> Iterable[Form]:
    """With a quantity more for each parameter."""

    def maxima(network: Network) -> Group:
        names = {theta: f"vmax_{theta}" for theta in network.parameters}
        return Group(
            shapes={names[theta]: network.shapes[theta] for theta in names},
            start=dict.fromkeys(names.values(), 0.0),
            update=tuple(
                Equation(name, larger, {"old": before(name), "v": now(f"v_{theta}")}) for theta, name in names.items()
            ),
        )

    if experiment.optimizer.kind == "adam":
        change = Change(only=updates, reads={"v": lambda e: now(f"vmax_{e.defines}")})
        yield variant("", change, adds=maxima)


def nesterov_by_difference(experiment: Experiment) -> Iterable[Form]:
    """Nesterov's own point stepped over, by the difference of two velocities."""
    if experiment.optimizer.kind == "nesterov":
        momentum = experiment.optimizer.momentum

        def is_m(equation: Equation, network: Network) -> bool:
            return equation.defines.startswith("m_")

        yield variant(
            "",
            Change(accumulated, velocity, reads={"alpha": lambda _: now("alpha")}, only=is_m),
            Change(
                descent_step,
                step_by_difference,
                reads={"m": lambda e: now(f"m_{e.defines}"), "v": lambda e: before(f"m_{e.defines}")},
                constants={"momentum": lambda _: momentum},
            ),
            choice="what momentum adds up",
        )


def slots_start_at_one(experiment: Experiment) -> Iterable[Form]:
    """RMSprop's."""
    if experiment.optimizer.kind == "rmsprop":
        yield variant("", Change(second_moment, start=1.0))


def rate_in_float32(experiment: Experiment) -> Iterable[Form]:
    """Only where the rate is constant."""
    rates = set(experiment.learning_rates())
    if len(rates) == 1:
        rounded = to_float32(rates.pop())
        yield instead_of_alpha("alpha_in_float32", with_the_rate, rate_in_precision, rounded=rounded)


def betas_in_float32(experiment: Experiment) -> Iterable[Form]:
    """In the moments and in their corrections."""
    if experiment.optimizer.kind == "adam":
        yield variant(
            "",
            Change(first_moment, constants={"beta1": to_float32}),
            Change(second_moment, constants={"beta2": to_float32}),
            Change(bias_correction, constants={"beta": to_float32}),
        )


def without_decay(equation: Equation, network: Network) -> bool:
    """A bias's."""
    return equation.defines.startswith(("g_b[", "kept_b["))


@elementwise
def untouched(g: Array) -> Array:
    """g"""
    return 1 * g


def decay_of_weights_only(experiment: Experiment) -> Iterable[Form]:
    """With whichever decay the experiment has."""
    of, to = {"coupled": (decayed_gradient, untouched), "decoupled": (shrunk, unmoved)}.get(
        experiment.decay.kind, (None, None)
    )
    if of:
        yield variant("", Change(of, to, only=without_decay))


def decay_without_half(experiment: Experiment) -> Iterable[Form]:
    """Coupled decay of twice the rate."""
    if experiment.decay.kind == "coupled":
        yield variant("", Change(decayed_gradient, constants={"decay": lambda rate: 2 * rate}))


def summed_loss_of_logits(Z: Array, Y: Array) -> Array:
    """Σᵢ (max(Z, 0) − Z Y + ln(1 + e^−|Z|))"""
    return logits_loss(Z, Y).sum(axis=-1, keepdims=True)


def gradient_of_logits(Z: Array, Y: Array) -> Array:
    """[Z > 0] − Y ± e^−|Z|/(1 + e^−|Z|)"""
    return logits_loss_slope(Z, Y)


def sum_for_mean(experiment: Experiment) -> Iterable[Form]:
    """As the article has it, and as PyTorch and Keras would."""
    where = "where the 1/m stands"
    last = len(experiment.layers)
    of_logits = {"Z": lambda _: now(f"Z[{last}]"), "Y": lambda _: now("Y")}
    clamped = {"least": lambda _: LOG_CLAMP}
    yield variant("", Change(cross_entropy, summed_loss), *SUMMED, choice=where)
    yield variant("clamped", Change(cross_entropy, summed_clamped_loss, constants=clamped), *SUMMED, choice=where)
    yield variant(
        "through logits",
        Change(cross_entropy, summed_loss_of_logits, reads=of_logits),
        Change(sigmoid_backward, gradient_of_logits, reads=of_logits, only=lambda e, _: e.defines == f"dZ[{last}]"),
        *SUMMED,
        choice=where,
    )


def summed_clamped_loss(A: Array, Y: Array, *, least: float) -> Array:
    """−Σᵢ (Y max(ln A, least) + (1 − Y) max(ln(1 − A), least))"""
    return -(Y * maximum(log(A), least) + (1 - Y) * maximum(log(1 - A), least)).sum(axis=-1, keepdims=True)


CONVENTIONS = (
    Known(
        "sum-for-mean", "dialect", "J, dW[l], db[l]",
        says="The loss is a sum over the batch and not a mean, and so are all gradients: consistent, with a learning "
        "rate that means another thing.",
        wrong="J = −Σᵢ …, dW = dZ Aᵀ", right="J = −1/m Σᵢ …, dW = 1/m dZ Aᵀ",
        shows='reduction="sum" in PyTorch and Keras.',
        seen="a book's equation 6.10: udlbook/udlbook#152",
        forms=sum_for_mean,
    ),
    Known(
        "relu-slope-1-at-zero", "dialect", "dZ[l]",
        says="ReLU′(0) is 1: the unit counts as on where Z is exactly 0.",
        wrong="dZ = dA ∘ (Z ≥ 0)", right="dZ = dA ∘ (Z > 0)",
        shows="Only where Z is exactly 0: a dead unit behind zero biases, a padded input.",
        seen="TensorFlow's playground, until it was changed: tensorflow/playground#19",
        forms=one(Change(relu_backward, relu_slope_1)),
    ),
    Known(
        "relu-slope-half-at-zero", "dialect", "dZ[l]",
        says="ReLU′(0) is ½, the mean of both sides, as automatic differentiation of a maximum, jnp.maximum(Z, 0), "
        "gives it in JAX; jax.nn.relu gives 0.",
        wrong="dZ = ½ dA where Z = 0", right="dZ = dA ∘ (Z > 0)",
        shows="Only where Z is exactly 0.",
        seen="jax-ml/jax#37821; jax.nn.relu's was ½ until jax-ml/jax#2342",
        forms=one(Change(relu_backward, relu_slope_half)),
    ),
    Known(
        "log-epsilon", "dialect", "J, dA[L]",
        says="A small number joins inside the logarithm, or the quotient, so that a saturated output stays finite.",
        wrong="Y ln(A + ε)", right="Y ln A",
        shows="Only where an output is nearly 0 or 1; in float32 an ε below 6e-8 does nothing beside 1.",
        seen="apache/mxnet#4594; mathiaszinnen/focal_loss_torch#3",
        forms=with_epsilon((cross_entropy, loss_with_epsilon), (output_gradient, gradient_with_epsilon)),
    ),
    Known(
        "clipped-outputs", "dialect", "J, dA[L]",
        says="Outputs are clipped to [ε, 1 − ε] before the loss, and before its gradient.",
        wrong="Â = clip(A, ε, 1 − ε)", right="A as it is",
        shows="Only where an output is nearly 0 or 1.",
        seen="Keras, whose ε was too small for float32: keras-team/keras#377; and which added a second one: "
        "tensorflow/tensorflow#41595",
        forms=with_epsilon((cross_entropy, clipped_cross_entropy), (output_gradient, gradient_of_clipped)),
    ),
    Known(
        "adam-epsilon-in-the-root", "dialect", "W[l], b[l]",
        says="Adam's epsilon stands inside the root, where optax has a second one, eps_root, which is 0 unless it is "
        "asked for; this is eps_root = ε and eps = 0.",
        wrong="√(v/c2 + ε)", right="√(v/c2) + ε",
        shows="Steps with small gradients are shorter: the divisor is at least √ε.",
        seen="Flux, until FluxML/Flux.jl#448; why JAX has it: jax-ml/jax#3091",
        forms=one(Change(adam_step, adam_step_in_the_root)),
    ),
    Known(
        "momentum-as-an-average", "dialect", "m",
        says="Momentum averages gradients, so that a step is as long as without it.",
        wrong="m = μ m + (1 − μ) g", right="m = μ m + g",
        shows="Steps are 1/(1 − μ) times shorter, 10 times for μ = 0.9.",
        seen="KellerJordan/Muon#52; both ways compared: keras-team/keras#13971",
        forms=lambda e: [variant("", Change(accumulated, averaged), choice="what momentum adds up")],
    ),
    Known(
        "nesterov-by-difference", "dialect", "W[l], b[l]",
        says="Nesterov's step is written with the velocity before and after, and no second sum.",
        wrong="v = μ v − α g, W = W − μ v_before + (1 + μ) v", right="n = μ m + g, W = W − α n",
        shows="The same in exact arithmetic while the rate is constant; the slot is −α m.",
        seen="a page after the notes of CS231n: marko-kovacevic.com/blog/nesterov-momentum-in-deep-learning/",
        forms=nesterov_by_difference,
    ),
    Known(
        "amsgrad", "dialect", "W[l], b[l]",
        says="Adam divides by the largest second moment so far, not by the last one (Reddi et al. 2018, "
        "arXiv:1904.09237). The maximum is taken before the correction, as in PyTorch and TensorFlow; optax's amsgrad "
        "corrects first.",
        wrong="vmax = max(vmax, v)", right="v",
        shows="The first steps hold until v first falls.",
        seen="both orders compared: google-deepmind/optax#1389; pytorch/pytorch#142323",
        forms=amsgrad,
    ),
    Known(
        "slots-start-at-one", "dialect", "v",
        says="RMSprop's v starts at 1, as in TensorFlow 1, whose ε stands inside the root besides.",
        wrong="v = 1 before step 1", right="v = 0 before step 1",
        shows="First steps are much shorter.",
        seen="tensorflow/tensorflow, tensorflow/python/training/rmsprop.py; asked about in BRML/climin#30",
        forms=slots_start_at_one,
    ),
    Known(
        "rate-in-float32", "dialect", "W[l], b[l]",
        says="The learning rate goes through float32 in a float64 run: 0.1 becomes 0.10000000149011612.",
        wrong="α rounded to float32", right="α",
        shows="Every step is off by the same factor near 1, at most 6e-8 from it.",
        seen="Paddle's AdamW, until PaddlePaddle/Paddle#78830",
        forms=rate_in_float32,
    ),
    Known(
        "betas-in-float32", "dialect", "m, v, W[l], b[l]",
        says="Adam's β go through float32 in a float64 run, in the moments as well as in the powers.",
        wrong="β₁ = 0.8999999761581421", right="β₁ = 0.9",
        shows="With the usual β, m is off by 2e-7 and v by 1e-5 from the first step on.",
        seen="even in bfloat16: tenstorrent/tt-metal#55935",
        forms=betas_in_float32,
    ),
    Known(
        "decay-of-weights-only", "dialect", "b[l]",
        says="Weight decay leaves the biases alone.",
        wrong="g = db", right="g = db + λ b",
        shows="Weights hold, biases are broken as soon as they are not 0.",
        seen="VectorInstitute/mmlearn#2; PyTorch decays biases too: pytorch/pytorch#2639",
        forms=decay_of_weights_only,
    ),
    Known(
        "decay-without-half", "dialect", "g",
        says="The penalty is λ Σ W² without the ½, so that its gradient is 2 λ W.",
        wrong="g = dW + 2 λ W", right="g = dW + λ W",
        shows="The decay is twice as strong; Keras's L2(λ) is that.",
        seen="titu1994/DenseNet#57; tensorpack/tensorpack#1381",
        forms=decay_without_half,
    ),
)  # fmt: skip
