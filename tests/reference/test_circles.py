"""The two circles lie where the article draws them, without a sine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.circles import circles, directions
from reference.draws import stream


class Given:
    """A stream that draws the given points of the square from -1 to 1, one after the other."""

    def __init__(self, *points):
        self.raw = [int((coordinate + 1) / 2 * 2**53) << 11 for point in points for coordinate in point]

    def random_raw(self, n):
        taken, self.raw = self.raw[:n], self.raw[n:]
        return np.array(taken, dtype=np.uint64)


def distances(X):
    return np.sqrt((X * X).sum(axis=0))


def test_points_are_columns_and_labels_alternate():
    X, Y = circles(5, seed=0)
    assert X.shape == (2, 5)
    assert Y.tolist() == [[0, 1, 0, 1, 0]]
    assert X.dtype == Y.dtype == np.float64
    assert X.flags.c_contiguous


def test_all_are_float32_numbers():
    X, _ = circles(200, seed=0)
    assert (X.astype(np.float32) == X).all()
    assert ((X / 3).astype(np.float32) != X / 3).any()


@pytest.mark.parametrize("radii", [(1.0, 0.5), (0.25, 3.0)], ids=str)
def test_without_noise_label_0_lies_on_the_first_radius_and_label_1_on_the_second(radii):
    X, Y = circles(200, seed=0, radii=radii, noise=0.0)
    error = np.abs(distances(X) / np.where(Y[0] == 0, *radii) - 1)
    # Rounding a coordinate to float32 moves it by 2^-24 of itself, what is done in float64 by a few 2^-53.
    assert error.max() < 2.0**-24 + 16 * 2.0**-53
    assert np.abs(distances(X) / np.where(Y[0] == 1, *radii) - 1).min() > 0.4


def test_noise_has_the_standard_deviation_that_was_asked_for():
    n = 10_000
    moved = circles(n, seed=0, noise=0.05)[0] - circles(n, seed=0, noise=0.0)[0]
    assert abs((moved / 0.05).std() - 1) < 5 * (1.9 / 4 / (2 * n)) ** 0.5  # five standard errors, kurtosis 2.9
    assert abs((moved / 0.06).std() - 1) > 5 * (1.9 / 4 / (2 * n)) ** 0.5


def test_directions_are_equally_likely():
    n = 8_000
    x, y = directions(stream(0, "a"), n)
    eighths = 4 * (x > 0) + 2 * (y > 0) + (abs(x) > abs(y))
    share = np.bincount(eighths, minlength=8) / n
    assert np.abs(share - 1 / 8).max() < 5 * (1 / 8 * 7 / 8 / n) ** 0.5


def test_points_outside_the_disc_and_near_its_middle_give_no_direction():
    drawn = Given((0.9, 0.9), (0.6, 0.8), (0.0, 0.0), (0.1, 0.0), (0.0, -0.5), (0.5, 0.0))
    x, y = directions(drawn, 2)
    np.testing.assert_allclose([x, y], [[0.6, 0.0], [0.8, -1.0]], rtol=0, atol=2.0**-50)


@given(n=st.integers(1, 60), more=st.integers(0, 60), seed=st.integers(0, 2**63 - 1))
def test_more_points_begin_with_the_same_points(n, more, seed):
    few, many = circles(n, seed)[0], circles(n + more, seed)[0]
    assert few.tobytes() == many[:, :n].tobytes()


def test_training_and_test_points_and_those_of_two_seeds_share_none():
    sets = [circles(100, 0)[0], circles(100, 0, "test")[0], circles(100, 1)[0]]
    points = {tuple(point) for X in sets for point in X.T.tolist()}
    assert len(points) == 300
