"""Boundaries: what is kept of the plane is what a plain forward pass gives there, and the lines lie where it is ½."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from comparisons.curves import curves_of
from comparisons.recording import record
from comparisons.scenes import boundaries
from comparisons.scenes.boundaries import FLOOR, Boundaries, levels_of
from comparisons.scenes.digits import evenly
from comparisons.scenes.path import path_of
from tests.small import small

OF_A_ROUNDING = 2.0**-40  # what rounding does to five layers in float64 is far less, and half a byte is 2⁻⁹


@pytest.fixture(scope="module")
def paths(mine, keras_like):
    return [path_of(mine), path_of(keras_like)]


@pytest.fixture(scope="module")
def drawn(experiment, paths):
    found = Boundaries(experiment)
    for path in paths:
        found.add(path)
    return found.gathered()


def centres(kept, n):
    """The centres of the cells, in the order in which they are kept."""
    points = []
    for row in range(n):
        for column in range(n):
            (left, right), (bottom, top) = kept["x"], kept["y"]
            points.append((left + (right - left) * (column + 0.5) / n, bottom + (top - bottom) * (row + 0.5) / n))
    return np.array(points).T


def pictures(text, n_frames, n):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(n_frames, n * n).astype(float)


def wrong_cells(picture, A):
    """How many bytes are not the probabilities of these cells."""
    return int((np.abs(picture - 255 * A) > 0.5 + 255 * OF_A_ROUNDING).sum())


def test_probabilities_are_those_of_a_plain_forward_pass(drawn, mine, after, plain_output):
    points = centres(drawn, drawn["n"])
    frames = pictures(drawn["runs"][0]["probabilities"], len(drawn["epochs"]), drawn["n"])
    assert [0, 1, 2, 3, 4] == drawn["epochs"]
    for epoch, frame in zip(drawn["epochs"], frames, strict=True):
        parameters = after(mine, epoch)
        assert 0 == wrong_cells(frame, plain_output(parameters, points))
        assert wrong_cells(frame, plain_output(parameters | {"b[5]": parameters["b[5]"] + 0.1}, points))
        assert wrong_cells(frame, plain_output(parameters, points[::-1]))


def test_the_plane_holds_all_points_and_a_tenth_more_on_each_side(drawn, experiment):
    X = np.concatenate([experiment.train_set()[0], experiment.test_set()[0]], axis=1).astype(float)
    for side, values in zip((drawn["x"], drawn["y"]), X, strict=True):
        extent = values.max() - values.min()
        assert side == pytest.approx([values.min() - extent / 10, values.max() + extent / 10], rel=1e-12)


def off_the_line(lines, A, kept):
    """How many points of polylines are off the level ½ of the grid's own outputs, interpolated between four centres.

    A point is off by what rounding its coordinates does: half of a digit, times the steepest slope of the grid.
    """
    n, sides = kept["n"], np.array([kept["x"], kept["y"]])
    z, cell = A.reshape(n, n), (sides[:, 1] - sides[:, 0]) / n
    steps = np.abs(np.diff(z, axis=1)).max() / cell[0], np.abs(np.diff(z, axis=0)).max() / cell[1]
    digit = 10.0 ** (np.floor(np.log10(sides[:, 1] - sides[:, 0])) - 3)
    reach = float((np.array(steps) * digit).sum())
    n_off = 0
    for flat in lines:
        for x, y in np.reshape(flat, (-1, 2)):
            column, line = (np.array([x, y]) - sides[:, 0]) / cell - 0.5
            j, i = min(max(int(column), 0), n - 2), min(max(int(line), 0), n - 2)
            s, t = column - j, line - i
            between = (1 - t) * ((1 - s) * z[i, j] + s * z[i, j + 1]) + t * (
                (1 - s) * z[i + 1, j] + s * z[i + 1, j + 1]
            )
            n_off += not abs(between - 0.5) <= reach
    return n_off


def test_lines_lie_where_the_output_is_a_half(drawn, mine, after, plain_output):
    n_lines = 0
    for epoch, lines in zip(drawn["epochs"], drawn["runs"][0]["lines"], strict=True):
        A = plain_output(after(mine, epoch), centres(drawn, drawn["n"]))
        assert bool(lines) == bool((A > 0.5).any() and (A < 0.5).any())
        assert 0 == off_the_line(lines, A, drawn)
        n_lines += len(lines)
    assert n_lines


def test_lines_that_are_three_cells_off_are_seen(drawn, mine, after, plain_output):
    n_off = 0
    for epoch, lines in zip(drawn["epochs"], drawn["runs"][0]["lines"], strict=True):
        A = plain_output(after(mine, epoch), centres(drawn, drawn["n"]))
        aside = 3 * (drawn["x"][1] - drawn["x"][0]) / drawn["n"]
        n_off += off_the_line([(np.array(flat) + aside).tolist() for flat in lines], A, drawn)
    assert n_off


def test_the_line_of_one_layer_is_straight_and_where_the_algebra_says():
    experiment = small(layers=(1,), activations=("sigmoid",), optimizer="gradient-descent")

    def logistic(experiment):
        W, b = experiment.initial().values()
        for X, Y in experiment.batches():
            dZ = (1 / (1 + np.exp(-(W @ X + b))) - Y) / X.shape[1]
            W, b = W - experiment.optimizer.learning_rate * (dZ @ X.T), b - dZ.sum(axis=1, keepdims=True)
            yield {"W[1]": W.astype("f4"), "b[1]": b.astype("f4")}

    trace = record(logistic, experiment, name="logistic")
    found = Boundaries(experiment)
    found.add(path_of(trace))
    kept = found.gathered()
    side = max(kept["x"][1] - kept["x"][0], kept["y"][1] - kept["y"][0])
    for epoch, lines in zip(kept["epochs"], kept["runs"][0]["lines"], strict=True):
        step = epoch * experiment.steps_per_epoch
        w = np.asarray(trace.values("W[1]", step) if epoch else trace.start["W[1]"], float)
        offset = float((trace.values("b[1]", step) if epoch else trace.start["b[1]"]).item())
        points = np.concatenate([np.reshape(flat, (-1, 2)) for flat in lines])
        distance = np.abs(points @ w[0] + offset) / np.linalg.norm(w)
        # σ is bent by at most 1/(6√3) along an edge of length h, |w|² times: that is how far a chord is from it
        h = side / kept["n"]
        bent = np.linalg.norm(w) ** 2 * h**2 / 8 / (6 * np.sqrt(3)) / (np.linalg.norm(w) / 4)
        assert (distance <= 2 * bent + side * 1e-3).all()
        assert not (np.abs((points + 2 * h) @ w[0] + offset) / np.linalg.norm(w) <= 2 * bent + side * 1e-3).all()


def test_loss_and_accuracy_are_those_of_the_histories(drawn, mine):
    curves = curves_of(mine)
    run = drawn["runs"][0]
    assert [float(f"{loss:.6g}") for loss in curves.loss] == run["loss"][1:]
    assert [float(f"{accuracy:.6g}") for accuracy in curves.accuracy] == run["accuracy"][1:]


def test_two_runs_differ_by_what_plain_passes_differ(drawn, mine, keras_like, after, plain_output):
    (pair,) = drawn["pairs"]
    assert ("mine", "keras-like", mine.precision) == (pair["one"], pair["other"], pair["precision"])
    points = centres(drawn, pair["n"])
    levels = pictures(pair["levels"], len(drawn["epochs"]), pair["n"])
    for epoch, largest, frame in zip(drawn["epochs"], pair["largest"], levels, strict=True):
        difference = np.abs(plain_output(after(mine, epoch), points) - plain_output(after(keras_like, epoch), points))
        assert abs(largest - difference.max()) <= 0.005 * largest + OF_A_ROUNDING
        if epoch == 0:
            assert not frame.any()
        sizes = FLOOR ** (1 - (frame[frame > 0] - 1) / 254)
        told = difference[frame > 0]
        half_a_level = FLOOR ** (-0.5 / 254)
        assert (told <= sizes * half_a_level + OF_A_ROUNDING).all()
        assert (told >= sizes / half_a_level - OF_A_ROUNDING).all()
    assert 0 < pair["largest"][-1] < 1


def test_levels_are_0_for_equal_and_logarithmic_from_the_floor_to_1():
    assert [0, 1, 1, 128, 255, 255, 255] == levels_of(
        np.array([0, FLOOR / 1e3, FLOOR, np.sqrt(FLOOR), 1, np.nan, np.inf])
    ).tolist()


def test_of_many_runs_each_is_compared_with_the_reference_alone(experiment, paths, monkeypatch):
    monkeypatch.setattr(boundaries, "N", 4)
    found = Boundaries(experiment)
    for name in ("a", "numpy", "b", "c", "d", "e"):
        found.add(replace(paths[0], implementation=name))
        n_pairs = len(found.gathered()["pairs"])
    assert n_pairs == 5
    assert {"numpy"} == {pair["one"] for pair in found.gathered()["pairs"]}
    found.drawn.pop()
    assert 10 == len(found.gathered()["pairs"])


def test_a_run_that_is_no_number_any_more_has_no_line_and_says_so(experiment, paths):
    gone = {name: values.copy() for name, values in paths[0].parameters.items()}
    gone["W[2]"][-1, 0, 0] = np.nan
    found = Boundaries(experiment)
    found.add(paths[0])
    found.add(replace(paths[0], implementation="gone", parameters=gone))
    kept = found.gathered()
    sound, run = kept["runs"]
    assert [0] * 5 == sound["not_finite"]
    assert [0] * 4 == run["not_finite"][:4]
    assert kept["n"] ** 2 == run["not_finite"][4]
    assert ([], None) == (run["lines"][4], run["loss"][4])
    assert [0, 0, 0, 0, None] == kept["pairs"][0]["largest"]
    assert {255} == set(pictures(kept["pairs"][0]["levels"], 5, kept["pairs"][0]["n"])[4])


@pytest.mark.parametrize(("n", "most"), [(0, 60), (1, 60), (59, 60), (60, 60), (1000, 60)])
def test_epochs_are_chosen_evenly_and_the_first_and_the_last_are_among_them(n, most):
    chosen = evenly(n, most)
    assert (0, n) == (chosen[0], chosen[-1])
    assert len(chosen) == min(n + 1, most)
    gaps = np.diff(chosen)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1
