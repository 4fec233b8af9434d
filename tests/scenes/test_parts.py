"""Points, activations, equations and snapshots: what is kept is what was there, to the digits that are kept."""

import numpy as np
import pytest

from comparisons.composed import network_of
from comparisons.experiment import Circles, Experiment
from comparisons.implementations import numpy_reference
from comparisons.recording import record
from comparisons.scenes.activations import activations_of
from comparisons.scenes.digits import significant
from comparisons.scenes.equations import equations_of
from comparisons.scenes.points import points_of
from comparisons.scenes.snapshots import N_SIDE, snapshot_of, steps_of
from tests.small import small

# Points --------------------------------------------------------------------------------------------------------------


def test_points_are_the_data(experiment):
    points = points_of(experiment)
    for kept, (X, Y) in ((points["train"], experiment.train_set()), (points["test"], experiment.test_set())):
        side = 1.2 * np.ptp(np.concatenate([experiment.train_set()[0], experiment.test_set()[0]], axis=1), axis=1)
        for name, values, extent in zip(("x", "y"), X, side, strict=True):
            assert np.abs(np.subtract(kept[name], values)).max() <= 0.5 * 10.0 ** (np.floor(np.log10(extent)) - 4)
            assert len(set(kept[name])) == len(set(values.tolist()))
        assert Y[0].tolist() == kept["label"]
        assert [1 - label for label in kept["label"]] != Y[0].tolist()


def test_without_a_test_set_there_are_no_points_of_one():
    assert points_of(small(data=Circles(n_train=8, n_test=0)))["test"] is None


# Activations ---------------------------------------------------------------------------------------------------------

FIVE_DIGITS = 0.5e-4
CURVES = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky-relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "linear": (lambda z: z, np.ones_like),
}


def is_the_curve(expected, actual):
    return bool((np.abs(expected - np.array(actual)) <= FIVE_DIGITS * np.abs(expected) * 1.001).all())


@pytest.mark.parametrize("number", range(5), ids=list(CURVES))
def test_curves_are_those_of_the_formulas(number):
    kept = activations_of(("linear", "sigmoid"))[number]
    function, derivative = CURVES[kept["name"]]
    z = np.array(kept["z"])
    assert (-6, 6, 121) == (z[0], z[-1], len(z))
    assert is_the_curve(function(z), kept["a"])
    assert is_the_curve(derivative(z), kept["slope"])
    others = [other for name, (_, other) in CURVES.items() if name != kept["name"]]
    assert not any(is_the_curve(other(z), kept["slope"]) for other in others)
    assert kept["used"] == (kept["name"] in ("linear", "sigmoid"))


def is_the_slope(z, a, slope):
    """Whether the rise over each interval lies between the slopes at its ends; none of the curves bends back in one."""
    rise = np.diff(a) / np.diff(z)
    low, high = np.minimum(slope[1:], slope[:-1]), np.maximum(slope[1:], slope[:-1])
    digits = FIVE_DIGITS * ((np.abs(a[1:]) + np.abs(a[:-1])) / np.diff(z) + high)
    return bool(((low - digits <= rise) & (rise <= high + digits)).all())


def test_a_slope_is_that_of_the_curve_beside_it():
    for kept in activations_of(()):
        z, a, slope = (np.array(kept[name]) for name in ("z", "a", "slope"))
        assert is_the_slope(z, a, slope)
        assert not is_the_slope(z, a, 1.1 * slope)
        assert 0 == z[60]


def test_formulas_are_the_reference_s():
    said = {kept["name"]: (kept["formula"], kept["derivative"]) for kept in activations_of(())}
    assert {"sigmoid", "tanh", "relu", "leaky-relu"} == set(said)
    assert ("A = max(0, Z)", "dZ = dA ∘ (Z > 0)") == said["relu"]
    assert ("A = σ(Z)", "dZ = dA ∘ A ∘ (1 − A)") == said["sigmoid"]


# Equations -----------------------------------------------------------------------------------------------------------


def test_equations_are_those_that_are_printed():
    network = network_of(Experiment())
    kept = equations_of(network)
    assert str(network).splitlines() == [equation["text"] for equation in kept]
    names = {*network.given, *network.by_name}
    for equation in kept:
        assert set(equation["reads"]) <= names
        assert equation["reads"]


def test_each_equation_has_its_phase_and_its_layer():
    by_name = {equation["defines"]: equation for equation in equations_of(network_of(Experiment()))}
    expected = {
        "Z[1]": ("forward", 1), "A[5]": ("forward", 5), "J": ("forward", None), "dA[5]": ("backward", 5),
        "dZ[2]": ("backward", 2), "dW[1]": ("backward", 1), "m_W[3]": ("update", 3), "c1": ("update", None),
        "b[4]": ("update", 4),
    }  # fmt: skip
    assert expected == {name: (by_name[name]["phase"], by_name[name]["layer"]) for name in expected}
    phases = [equation["phase"] for equation in by_name.values()]
    assert phases == sorted(phases, key=["forward", "backward", "update"].index)


# Snapshots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_steps", "expected"),
    [(1, [1]), (2, [1, 2]), (12, [1, 2, 5, 10, 12]), (1600, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1600])],
)
def test_steps_are_1_2_5_and_the_last(n_steps, expected):
    assert expected == steps_of(n_steps)


def test_of_many_steps_twelve_are_chosen():
    steps = steps_of(10**9 + 1)
    assert (12, 1, 10**9 + 1) == (len(steps), steps[0], steps[-1])
    assert steps == sorted(set(steps))


def unlike(kept, trace, steps):
    """Quantities that are not what the trace has, to six digits."""
    found = []
    for step, values in zip(steps, kept["values"], strict=True):
        for name in trace.shown:
            actual = np.asarray(trace.values(name, step), float)
            expected = actual[:, :4] if trace.network.per_example(name) else actual
            expected = expected.item() if name == "J" else expected
            told = np.array(values[name], float)
            if np.shape(expected) != told.shape or (np.abs(told - expected) > 0.5e-5 * np.abs(expected) * 1.001).any():
                found.append((step, name))
    return found


def test_snapshots_are_what_was_shown(mine):
    steps = steps_of(mine.n_steps)
    kept = snapshot_of(mine, steps)
    assert [] == unlike(kept, mine, steps)
    kept["values"][1]["W[2]"][0][1] *= 1.0001
    assert [(2, "W[2]")] == unlike(kept, mine, steps)


def test_a_step_that_was_not_reached_has_no_numbers(mine):
    kept = snapshot_of(mine.part(1, 5), [1, 5, 10])
    assert set(mine.shown) == set(kept["values"][1])
    assert {} == kept["values"][2]


def test_of_a_wide_layer_the_first_rows_and_columns_are_kept():
    wide = small(layers=(40, 40, 1), activations=("relu", "relu", "sigmoid"), epochs=1)
    trace = record(numpy_reference.train, wide, name="wide")
    (values,) = snapshot_of(trace, [2])["values"]
    assert (N_SIDE, N_SIDE) == np.shape(values["W[2]"])
    assert (N_SIDE, 1) == np.shape(values["b[2]"])
    assert (N_SIDE, 4) == np.shape(values["A[1]"])


def test_numbers_that_are_none_have_their_names():
    assert [None, "inf", "-inf", 1.235, 0.0] == significant([np.nan, np.inf, -np.inf, 1.23456, 0.0], 4)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 3), (0,), (3, 0)], ids=str)
@pytest.mark.parametrize("odd", [None, np.nan, np.inf], ids=str)
def test_arrays_are_rounded_as_their_numbers_are_one_by_one(shape, odd):
    values = np.random.default_rng(0).normal(size=shape)
    if odd is not None and values.size:
        values[(0,) * len(shape)] = odd
    assert significant(values.tolist(), 4) == significant(values, 4)
    assert significant(values, 4) != significant(values, 3) or not np.isfinite(values).any()
