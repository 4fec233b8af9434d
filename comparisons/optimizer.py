"""How an experiment's parameters can be moved: by an optimizer, with a decay and a learning rate's schedule.

The three are chosen each on its own: any optimizer with any decay and any schedule. Learning rates are computed once,
by operations that IEEE 754 rounds correctly, and given to everybody step by step.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from comparisons.fields import Count, Decay, Fields, Positive

Inside = Annotated[float, Field(strict=True, gt=0, lt=1)]


class Adam(Fields):
    """the listing's optimizer"""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = Field(default=1e-3, description="α, above 0")
    beta1: Decay = Field(
        default=0.9, description="β₁, what the first moment keeps of itself at each step; from 0 to below 1"
    )
    beta2: Decay = Field(default=0.999, description="β₂, the same for the second moment")
    epsilon: Positive = Field(default=1e-7, description="ε, what keeps the division from 0; above 0")


class GradientDescent(Fields):
    """the article's own rule, W ← W − α dW"""

    kind: Literal["gradient-descent"] = "gradient-descent"
    learning_rate: Positive = Field(default=0.1, description="α, above 0")


class Momentum(Fields):
    """m ← μ m + dW, W ← W − α m"""

    kind: Literal["momentum"] = "momentum"
    learning_rate: Positive = Field(default=0.01, description="α, above 0")
    momentum: Inside = Field(default=0.9, description="μ, what m keeps of itself at each step; between 0 and 1")


class Nesterov(Fields):
    """m ← μ m + dW, W ← W − α (μ m + dW)"""

    kind: Literal["nesterov"] = "nesterov"
    learning_rate: Positive = Field(default=0.01, description="α, above 0")
    momentum: Inside = Field(default=0.9, description="μ, what m keeps of itself at each step; between 0 and 1")


class RMSprop(Fields):
    """v ← ρ v + (1 − ρ) dW², W ← W − α dW/(√v + ε)"""

    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: Positive = Field(default=1e-3, description="α, above 0")
    rho: Decay = Field(default=0.9, description="ρ, what v keeps of itself at each step; from 0 to below 1")
    epsilon: Positive = Field(default=1e-7, description="ε, what keeps the division from 0; above 0")
    centered: bool = Field(
        default=False, strict=True, description="whether v is centered, v − m² with m ← ρ m + (1 − ρ) dW"
    )


Optimizer = Annotated[Adam | GradientDescent | Momentum | Nesterov | RMSprop, Field(discriminator="kind")]


class NoDecay(Fields):
    """weights do not decay"""

    kind: Literal["none"] = "none"


class Coupled(Fields):
    """λ W joins the gradient, as that of ½ λ Σ W² would, and goes through the optimizer with it"""

    kind: Literal["coupled"] = "coupled"
    rate: Positive = Field(description="λ, above 0; of biases too")


class Decoupled(Fields):
    """W ← W − α λ W, before the optimizer moves it"""

    kind: Literal["decoupled"] = "decoupled"
    rate: Positive = Field(description="λ, above 0; of biases too")


WeightDecay = Annotated[NoDecay | Coupled | Decoupled, Field(discriminator="kind")]


class Constant(Fields):
    """α stays as it is"""

    kind: Literal["constant"] = "constant"

    def rates(self, alpha: float, n_steps: int) -> np.ndarray:
        """α of each step, (n_steps,)."""
        return np.full(n_steps, alpha)


class Exponential(Fields):
    """α is multiplied by a rate, again and again"""

    kind: Literal["exponential"] = "exponential"
    rate: Positive = Field(description="what α is multiplied by, above 0")
    every: Count = Field(default=1, description="after how many steps")

    def rates(self, alpha: float, n_steps: int) -> np.ndarray:
        """α · rate · rate ·…, a factor for every full `every` steps; products from left to right."""
        n_changes = _n_changes(self.every, n_steps)
        factors = np.array([alpha, *[self.rate] * n_changes[-1]])
        with np.errstate(all="ignore"):  # an experiment refuses what is not finite
            return np.multiply.accumulate(factors)[n_changes]


class InverseTime(Fields):
    """α/(1 + rate k), k counting up"""

    kind: Literal["inverse-time"] = "inverse-time"
    rate: Positive = Field(description="what is added to the divisor of α, above 0")
    every: Count = Field(default=1, description="after how many steps")

    def rates(self, alpha: float, n_steps: int) -> np.ndarray:
        """α/(1 + rate k) after k full `every` steps."""
        with np.errstate(over="ignore"):  # a rate that large makes it 0
            return alpha / (1 + self.rate * _n_changes(self.every, n_steps))


class Linear(Fields):
    """α falls by the same amount at each step and would be 0 after the last"""

    kind: Literal["linear"] = "linear"

    def rates(self, alpha: float, n_steps: int) -> np.ndarray:
        """α ((n + 1 − t)/n) of step t."""
        return alpha * (np.arange(n_steps, 0, -1) / n_steps)


Schedule = Annotated[Constant | Exponential | InverseTime | Linear, Field(discriminator="kind")]


def _n_changes(every: int, n_steps: int) -> np.ndarray:
    """How many full `every` steps are behind, before each step."""
    return np.arange(n_steps) // min(every, n_steps)
