"""Initial parameters follow their rules, and are the same numbers in both precisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.draws import stream
from reference.initial import glorot_uniform, he_uniform, initial

RULES = pytest.mark.parametrize("rule", [glorot_uniform, he_uniform], ids=["glorot", "he"])


class Given:
    """A stream that draws the given numbers of [0, 1)."""

    def __init__(self, *numbers):
        self.raw = [int(number * 2**53) << 11 for number in numbers]

    def random_raw(self, n):
        return np.array(self.raw[:n], dtype=np.uint64)


def test_glorot_draws_between_the_roots_of_six_over_both_fans():
    # √(6 / (n_in + n_out)) is 1 for 2 + 4, so 0, ¼, ½, ¾ become -1, -½, 0, ½
    drawn = Given(0, 0.25, 0.5, 0.75, 0, 0, 0, 0)
    assert glorot_uniform(drawn, 4, 2).tolist() == [[-1, -0.5], [0, 0.5], [-1, -1], [-1, -1]]


def test_he_draws_between_the_roots_of_six_over_the_fan_in():
    # √(6 / n_in) is 1 for n_in = 6, whatever n_out is
    assert he_uniform(Given(0, 0.25, 0.5, 0.75, 0.5, 0.5), 1, 6).tolist() == [[-1, -0.5, 0, 0.5, 0, 0]]
    assert he_uniform(Given(*[0] * 12), 2, 6).tolist() == [[-1] * 6] * 2


@RULES
def test_names_and_shapes_are_the_articles(rule):
    shapes = {name: value.shape for name, value in initial(rule, (2, 4, 6, 1), 0).items()}
    assert shapes == {"W[1]": (4, 2), "b[1]": (4, 1), "W[2]": (6, 4), "b[2]": (6, 1), "W[3]": (1, 6), "b[3]": (1, 1)}


@RULES
def test_biases_start_at_zero_and_weights_do_not(rule):
    for name, value in initial(rule, (2, 4, 1), 0).items():
        assert (value == 0).all() == name.startswith("b")


@RULES
@given(n_out=st.integers(1, 30), n_in=st.integers(1, 30), seed=st.integers(0, 2**63 - 1))
def test_weights_stay_within_the_limit_and_are_float32_numbers(rule, n_out, n_in, seed):
    W = rule(stream(seed, "a"), n_out, n_in)
    limit = np.sqrt(6 / (n_in + n_out if rule is glorot_uniform else n_in))
    assert (np.abs(W) <= np.float32(limit)).all()  # rounding is monotone
    assert (W.astype(np.float32) == W).all()


@RULES
def test_weights_spread_as_a_uniform_distribution_does(rule):
    n = 200
    limit = np.sqrt(6 / (2 * n if rule is glorot_uniform else n))
    W = rule(stream(0, "a"), n, n) / limit
    # Variance 1/3, kurtosis 1.8; five standard errors.
    assert abs((W * W).mean() * 3 - 1) < 5 * (0.8 / n**2) ** 0.5
    assert abs(W.mean()) < 5 * (1 / 3 / n**2) ** 0.5


@RULES
def test_equal_seeds_give_the_same_bits_and_others_do_not(rule):
    one, again, other = (initial(rule, (2, 4, 1), seed) for seed in (0, 0, 1))
    assert {name: value.tobytes() for name, value in one.items()} == {n: v.tobytes() for n, v in again.items()}
    assert one["W[1]"].tobytes() != other["W[1]"].tobytes()
    assert one["W[1]"].tobytes() != one["W[2]"].tobytes()
