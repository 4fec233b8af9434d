"""Random numbers are the same everywhere, because they are raw integers and correctly rounded operations."""

import ast
import inspect
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import circles, draws, initial
from reference.draws import noise, permutation, raw, stream, uniform

raw_integers = st.integers(0, 2**64 - 1)


class Given:
    """A stream whose raw integers are given."""

    def __init__(self, integers):
        self.integers = list(integers)

    def random_raw(self, n):
        taken, self.integers = self.integers[:n], self.integers[n:]
        return np.array(taken, dtype=np.uint64)


def test_the_raw_integers_are_those_that_numpy_publishes():
    # numpy/random/tests/data/pcg64-testset-1.csv: seed 0xdeadbeaf, the first three
    published = [0x60D24054E17A0698, 0xD5E79D89856E4F12, 0xD254972FE64BD782]
    assert raw(np.random.PCG64(0xDEADBEAF), 3).tolist() == published
    assert raw(np.random.PCG64(0xDEADBEAE), 3).tolist() != published


def test_a_stream_is_numpys_for_the_seeds_two_words_and_the_purposes_bytes():
    assert raw(stream(2**32 + 7, "ab"), 5).tolist() == np.random.PCG64([7, 1, 97, 98]).random_raw(5).tolist()


@given(a=st.tuples(raw_integers, st.sampled_from(["a", "ab", "b"])), b=st.tuples(raw_integers, st.sampled_from("abc")))
def test_a_stream_belongs_to_its_seed_and_purpose_alone(a, b):
    same = raw(stream(*a), 4).tolist() == raw(stream(*b), 4).tolist()
    assert same == (a == b)


def test_zeros_at_the_end_that_numpy_overlooks_cannot_confuse_two_streams():
    assert np.random.PCG64([1, 97]).random_raw() == np.random.PCG64([1, 97, 0]).random_raw()  # why it needs care
    assert raw(stream(98, "a"), 1) != raw(stream(0, "ab"), 1)
    with pytest.raises(ValueError, match="zero bytes"):
        stream(1, "a\0")


@pytest.mark.parametrize(("seed", "purpose"), [(-1, "a"), (2**64, "a"), (0, "")], ids=["negative", "large", "unnamed"])
def test_a_stream_without_a_proper_seed_and_purpose_is_refused(seed, purpose):
    with pytest.raises(ValueError, match=r"seed lies|purpose is"):
        stream(seed, purpose)


@given(raw_integers)
def test_a_uniform_number_is_the_upper_53_bits_exactly(integer):
    u = uniform(Given([integer]), 1)[0]
    assert Fraction(float(u)) == Fraction(integer >> 11, 2**53)
    assert 0 <= u < 1


def test_uniform_numbers_fill_their_shape_row_after_row():
    flat, shaped = uniform(stream(0, "a"), 6), uniform(stream(0, "a"), 2, 3)
    assert flat.tolist() == [*shaped[0], *shaped[1]]


@given(st.lists(raw_integers, min_size=12, max_size=12))
def test_noise_is_twelve_uniform_numbers_added_first_to_last_less_six(integers):
    terms = uniform(Given(integers), 12).tolist()
    assert noise(Given(integers), 1)[0] == reduce(add, terms) - 6.0


def test_another_order_of_the_same_twelve_would_be_noticed():
    integers = raw(stream(0, "a"), 100, 12).tolist()
    forth = [noise(Given(row), 1)[0] for row in integers]
    back = [noise(Given(row[::-1]), 1)[0] for row in integers]
    assert forth != back
    np.testing.assert_allclose(forth, back, rtol=0, atol=11 * 12 * 2.0**-53)  # eleven additions of sums below 12


def test_noise_has_mean_0_and_standard_deviation_1():
    n = 100_000
    z = noise(stream(0, "a"), n)
    # A sum of twelve uniform numbers has variance 1 and kurtosis 3 - 1.2/12 = 2.9; five standard errors each.
    assert abs(z.mean()) < 5 / n**0.5
    assert abs((z * z).mean() - 1) < 5 * (1.9 / n) ** 0.5
    assert abs((2 * z * z).mean() - 1) > 5 * (1.9 / n) ** 0.5


@given(st.lists(raw_integers, max_size=30))
def test_a_permutation_sorts_the_raw_integers(integers):
    order = permutation(Given(integers), len(integers)).tolist()
    assert sorted(order) == list(range(len(integers)))
    assert [integers[i] for i in order] == sorted(integers)


def test_ties_of_a_permutation_stay_as_they_stood():
    assert permutation(Given([5, 3] * 50), 100).tolist() == [*range(1, 100, 2), *range(0, 100, 2)]


def test_the_next_permutation_is_another_one():
    draws = stream(0, "a")
    assert permutation(draws, 20).tolist() != permutation(draws, 20).tolist()


# What NumPy does alike on every machine: it moves numbers about, or rounds one operation correctly.
ALIKE_EVERYWHERE = {
    *("arange", "argsort", "concatenate", "empty", "sqrt", "stack", "where", "zeros"),
    *("float32", "float64", "ndarray", "uint64", "random.PCG64"),
}


def used_of_numpy(source: str) -> set[str]:
    """Names that a source takes from np, and "@" where it multiplies matrices."""
    used = set()
    for node in ast.walk(ast.parse(source)):
        name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if name.startswith("np.") and name != "np.random":
            used.add(name.removeprefix("np."))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            used.add("@")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("sum", "mean", "dot")
        ):
            used.add(node.func.attr)
    return used


@pytest.mark.parametrize("module", [draws, circles, initial], ids=lambda module: module.__name__)
def test_generated_numbers_use_nothing_that_differs_between_machines(module):
    assert used_of_numpy(inspect.getsource(module)) <= ALIKE_EVERYWHERE


@pytest.mark.parametrize(
    "source", ["np.sin(x)", "np.random.default_rng(0)", "np.sum(x)", "x.sum()", "W @ A", "np.exp(x)"]
)
def test_what_differs_between_machines_would_be_noticed(source):
    assert not used_of_numpy(source) <= ALIKE_EVERYWHERE
