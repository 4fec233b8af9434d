"""The learning rate of each step, to the last bit."""

import numpy as np
import pytest

from comparisons.experiment import (
    Circles,
    Constant,
    Experiment,
    Exponential,
    GradientDescent,
    InverseTime,
    Linear,
)


def ten_steps(schedule, alpha=0.1) -> Experiment:
    """An experiment of ten steps."""
    return Experiment(
        data=Circles(n_train=20, n_test=0),
        batch_size=4,
        epochs=2,
        optimizer=GradientDescent(learning_rate=alpha),
        schedule=schedule,
    )


def one_after_the_other(schedule, alpha: float, n: int) -> list[float]:
    """The learning rates as the formulas say, step after step, in Python's numbers."""
    rates = []
    for t in range(1, n + 1):
        k = (t - 1) // getattr(schedule, "every", 1)
        match schedule:
            case Constant():
                rates.append(alpha)
            case Exponential(rate=rate):
                product = alpha
                for _ in range(k):
                    product = product * rate
                rates.append(product)
            case InverseTime(rate=rate):
                rates.append(alpha / (1 + rate * k))
            case Linear():
                rates.append(alpha * ((n + 1 - t) / n))
    return rates


SCHEDULES = {
    "constant": Constant(),
    "exponential": Exponential(rate=0.7),
    "exponential-every-third": Exponential(rate=0.7, every=3),
    "inverse-time": InverseTime(rate=0.3),
    "inverse-time-every-third": InverseTime(rate=0.3, every=3),
    "never-in-so-few-steps": InverseTime(rate=0.3, every=10**30),
    "linear": Linear(),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_learning_rates_are_those_of_the_formula_to_the_last_bit(schedule, precision):
    rates = ten_steps(schedule).but(precision=precision).learning_rates()
    assert rates.dtype == np.float64
    assert rates.tolist() == one_after_the_other(schedule, 0.1, 10)


def test_learning_rates_by_hand():
    assert ten_steps(Exponential(rate=0.5, every=4), 8.0).learning_rates().tolist() == [8] * 4 + [4] * 4 + [2] * 2
    assert ten_steps(InverseTime(rate=1, every=4), 6.0).learning_rates().tolist() == [6] * 4 + [3] * 4 + [2] * 2
    assert ten_steps(Linear(), 10.0).learning_rates().tolist() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert ten_steps(Linear(), 1e308).learning_rates()[0] == 1e308
    assert ten_steps(InverseTime(rate=1e308), 1.0).learning_rates()[-1] == 0
    assert Experiment().learning_rates().tolist() == [1e-3] * 1600
