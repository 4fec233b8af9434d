"""How an experiment's parameters can be moved: the listing's Adam, or the article's own rule."""

from typing import Annotated, Literal

from pydantic import Field

from comparisons.fields import Decay, Fields, Positive


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


Optimizer = Annotated[Adam | GradientDescent, Field(discriminator="kind")]
