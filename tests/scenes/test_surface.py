"""The surface: a real slice of the loss, at the place that it says, with the path's own losses beside it."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons.scenes.path import path_of
from comparisons.scenes.surface import plane_of, surface_of

SIX_DIGITS, FOUR_DIGITS = 0.5e-5, 0.5e-3  # relative: half of the last digit of 1.00000 and of 1.000


@pytest.fixture(scope="module")
def surface(mine, experiment):
    return surface_of(path_of(mine), experiment)


@pytest.fixture(scope="module")
def plane(mine, after):
    """Origin, two directions and coordinates, from the eigenvectors of the scatter, and the share of two of them."""
    names = mine.network.parameters
    flat = np.array([np.concatenate([np.asarray(after(mine, e)[n], float).ravel() for n in names]) for e in range(5)])
    away = flat - flat[-1]
    sizes, vectors = np.linalg.eigh(away.T @ away)
    directions = vectors[:, [-1, -2]].T
    directions *= np.where(directions @ away[0] > 0, -1, 1)[:, None]
    return flat[-1], directions, away @ directions.T, sizes[-2:].sum() / sizes.sum()


def parameters_at(mine, flat):
    """Numbers side by side as parameters."""
    found, begin = {}, 0
    for name in mine.network.parameters:
        shape = mine.start[name].shape
        found[name] = flat[begin : begin + np.prod(shape)].reshape(shape)
        begin += np.prod(shape)
    return found


def is_close(expected, actual, digits):
    return bool((np.abs(np.subtract(expected, actual)) <= digits * np.abs(expected) * 1.001).all())


def test_the_path_is_the_projection_of_the_parameters(surface, plane):
    _, _, coordinates, share = plane
    extent = np.ptp(coordinates, axis=0)
    for axis, name in enumerate(("u", "v")):
        assert np.abs(np.array(surface["path"][name]) - coordinates[:, axis]).max() <= 2 * SIX_DIGITS * extent[0]
    assert [0, 1, 2, 3, 4] == surface["path"]["epoch"]
    assert surface["path"]["u"][0] <= 0
    assert surface["path"]["u"][-1] == surface["path"]["v"][-1] == 0
    assert is_close(share, surface["share"], 2 * SIX_DIGITS)


def test_the_losses_on_the_path_are_those_of_a_plain_network(surface, plane, mine, after, experiment, plain_loss):
    origin, directions, coordinates, _ = plane
    X, Y = (values.astype(float) for values in experiment.train_set())
    real = [plain_loss(after(mine, epoch), X, Y) for epoch in range(5)]
    projected = [plain_loss(parameters_at(mine, origin + at @ directions), X, Y) for at in coordinates]
    assert is_close(real, surface["path"]["loss"], 2 * SIX_DIGITS)
    assert is_close(projected, surface["on_plane"], 2 * SIX_DIGITS)
    assert not is_close(real, surface["on_plane"], 2 * SIX_DIGITS)


def test_the_loss_on_the_grid_is_that_of_a_plain_network_there(surface, plane, mine, experiment, plain_loss):
    origin, directions, _, _ = plane
    X, Y = (values.astype(float) for values in experiment.train_set())
    u, v, loss = surface["u"], surface["v"], np.array(surface["loss"])
    assert (len(v), len(u)) == loss.shape
    at = [(0, 0), (0, 40), (40, 0), (40, 40), (13, 29)]
    expected = [plain_loss(parameters_at(mine, origin + u[i] * directions[0] + v[j] * directions[1]), X, Y)
                for j, i in at]  # fmt: skip
    assert is_close(expected, [loss[j, i] for j, i in at], 2 * FOUR_DIGITS)
    assert not is_close(expected, [loss.T[j, i] for j, i in at], 2 * FOUR_DIGITS)


def test_the_grid_holds_the_path_and_a_quarter_of_its_extent_on_each_side(surface):
    for name in ("u", "v"):
        low, high = min(surface["path"][name]), max(surface["path"][name])
        expected = [low - (high - low) / 4, high + (high - low) / 4]
        assert np.abs(np.subtract(expected, [surface[name][0], surface[name][-1]])).max() <= 1e-5 * (high - low)


def off_their_levels(lines, surface):
    """How many points of contour lines lie in a cell whose corners are all above or all below the level.

    Corners and levels have 4 digits, and so have the points: a thousandth of a cell's rise, of the steepest one.
    """
    u, v, loss = (np.array(surface[name]) for name in ("u", "v", "loss"))
    steepest = max(np.abs(np.diff(loss, axis=axis)).max() for axis in (0, 1))
    digits = 2 * FOUR_DIGITS * (loss.max() + len(u) * steepest)
    n_off = 0
    for line in lines:
        for flat in line["polylines"]:
            for x, y in np.reshape(flat, (-1, 2)):
                i = min(max(int((x - u[0]) / (u[1] - u[0])), 0), len(u) - 2)
                j = min(max(int((y - v[0]) / (v[1] - v[0])), 0), len(v) - 2)
                cell = loss[j : j + 2, i : i + 2]
                n_off += not cell.min() - digits <= line["level"] <= cell.max() + digits
    return n_off


def test_contour_lines_are_at_their_levels(surface):
    levels = [line["level"] for line in surface["lines"]]
    assert levels == sorted(levels)
    assert np.min(surface["loss"]) < levels[0] < levels[-1] < np.max(surface["loss"])
    ratios = np.divide(levels[1:], levels[:-1])
    assert ratios.max() / ratios.min() <= (1 + 2 * FOUR_DIGITS) ** 2
    assert 0 == off_their_levels(surface["lines"], surface)
    swapped = [line | {"level": level} for line, level in zip(surface["lines"], reversed(levels), strict=True)]
    assert off_their_levels(swapped, surface)


def test_a_path_along_one_line_or_out_of_all_range_has_no_plane(mine, experiment):
    path = path_of(mine)
    one_epoch = {name: values[:2] for name, values in path.parameters.items()}
    still = {name: np.repeat(values[:1], 5, axis=0) for name, values in path.parameters.items()}
    gone = {name: values.copy() for name, values in path.parameters.items()}
    gone["b[1]"][-1, 0] = np.inf
    for parameters in (one_epoch, still, gone):
        assert surface_of(replace(path, parameters=parameters), experiment) is None
    assert plane_of(path) is not None
