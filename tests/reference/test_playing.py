"""What a tape calls: a choice among many numbers, which it makes without a branch, is that of np.where, bit by bit."""

from types import SimpleNamespace

import numpy as np
import pytest

from reference.playing import FEW, Numbers, _chosen

SPECIAL = [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, -1e-310, 1.5]


def numbers():
    return Numbers(SimpleNamespace(sheet=SimpleNamespace(stand_ins=[], on_numbers=[]), slots={}))


def of(shape, dtype, seed):
    """Numbers of all kinds, and NaN of another payload among them."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(shape) < 0.5, rng.choice(SPECIAL, shape), rng.standard_normal(shape)).astype(dtype)
    bits = values.view(np.int32 if dtype == np.float32 else np.int64)
    return np.where(np.isnan(values) & (rng.random(shape) < 0.5), bits + 1, bits).view(dtype)


def play(condition, x, y, out):
    for call in _chosen(condition, x, y, out, numbers()):
        call()
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("where", "n"),
    [
        *((where, n) for where in ("apart", "over y", "x is one number") for n in (1, FEW, FEW + 1, 5264)),
        ("over x", FEW + 1),
    ],
)
def test_what_is_chosen_is_what_where_gives_bit_for_bit(where, n, dtype):
    condition = np.random.default_rng(1).random((1, n)) < 0.5
    x, y = of((1, n), dtype, 2), of((1, n), dtype, 3)
    if where == "x is one number":
        x = np.array(-0.0, dtype)
    expected = np.where(condition, x, y).tobytes()
    out = {"over y": y, "over x": x}.get(where, np.empty((1, n), dtype))
    assert play(condition, x, y, out).tobytes() == expected


def test_a_choice_by_another_condition_is_noticed():
    condition = np.arange(300).reshape(1, -1) % 3 == 0
    x, y = of((1, 300), np.float32, 2), of((1, 300), np.float32, 3)
    expected = np.where(condition, x, y).tobytes()
    condition[0, 299] ^= True
    assert play(condition, x, y, np.empty((1, 300), np.float32)).tobytes() != expected
