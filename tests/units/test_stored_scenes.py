"""Stored scenes come back as they were; what is damaged, of another version or none is refused in a sentence."""

import copy
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from comparisons import stored_scenes
from comparisons.errors import UsageError
from comparisons.experiment import Arrays, Circles
from comparisons.implementations import numpy_reference
from comparisons.recording import record
from comparisons.scenes import gathering
from comparisons.scenes.gathering import scenes_of
from comparisons.stored_scenes import SHAPE, joined, read, write
from tests.small import small

EXPERIMENT = small(epochs=2, data=Circles(n_train=40, n_test=4))


@pytest.fixture(scope="module")
def parts():
    """Of both precisions, two runs each."""
    found = []
    for precision in ("float32", "float64"):
        experiment = EXPERIMENT.but(precision=precision)
        runs = [record(numpy_reference.train, experiment, name=name) for name in ("numpy", "mine")]
        found.append(scenes_of(experiment, [(run, ()) for run in runs], "numpy" if precision == "float64" else None))
    return found


@pytest.fixture
def scenes(parts):
    return copy.deepcopy(joined(parts))


def test_they_come_back_as_they_were(scenes, tmp_path):
    path = write(scenes, tmp_path)
    assert {"version": 1, **scenes} == read(tmp_path)
    assert [path] == list(tmp_path.iterdir())
    assert 1 == path.read_text().count("\n")


def test_both_precisions_are_in_them(scenes):
    runs = [("numpy", "float32"), ("mine", "float32"), ("numpy", "float64"), ("mine", "float64")]
    for part, name in (("boundaries", "runs"), ("snapshots", "runs")):
        assert runs == [(run["implementation"], run["precision"]) for run in scenes[part][name]]
    assert ["float32", "float64"] == [pair["precision"] for pair in scenes["boundaries"]["pairs"]]
    assert ("numpy", "float64") == (scenes["surface"]["implementation"], scenes["surface"]["precision"])
    assert runs == list(dict.fromkeys((row["implementation"], row["precision"]) for row in scenes["errors"]["rows"]))
    assert {} == scenes["why"]


def test_a_folder_without_them_has_none(tmp_path):
    assert read(tmp_path) is None


REFUSED = {
    "another version": (lambda text: text.replace('"version":1', '"version":2', 1), "has version 2; this Backproof"),
    "a list": (lambda text: f"[{text}]", "has version None"),
    "truncated": (lambda text: text[:-100], "is no JSON: "),
    "empty": (lambda text: "", "is no JSON: "),
    "no surface": (lambda text: text.replace('"surface"', '"surfaces"', 1), "is damaged: surface is missing"),
    "a text for a list": (lambda text: re.sub(r'"epochs":\[.*?\]', '"epochs":"all"', text), "boundaries.epochs"),
    "half a picture": (
        lambda text: re.sub(r'"probabilities":"(.{400})[^"]*"', r'"probabilities":"\1"', text, count=1),
        "probabilities of a boundary have 300 bytes instead of 10,800",
    ),
    "no picture": (lambda text: re.sub(r'"levels":"[^"]*"', '"levels":"§"', text, count=1), "are no base64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_in_a_sentence(case, scenes, tmp_path):
    change, says = REFUSED[case]
    path = write(scenes, tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(UsageError, match=re.escape(says)) as refused:
        read(tmp_path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def places(content, expected, where=()):
    """Where in the content a field is promised: all of them, in the first entry of each list."""
    if isinstance(expected, tuple):
        expected = expected[0] if not isinstance(expected[0], type) else None
    if isinstance(expected, dict):
        for name, inside in expected.items():
            yield (*where, name)
            yield from places(content[name], inside, (*where, name))
    elif isinstance(expected, list) and content:
        yield from places(content[0], expected[0], (*where, 0))


def test_every_field_is_missed(scenes, tmp_path):
    fields = list(places(scenes, SHAPE))
    assert len(fields) > 60
    for *before, last in fields:
        damaged = copy.deepcopy(scenes)
        part = damaged
        for name in before:
            part = part[name]
        part.pop(last)
        write(damaged, tmp_path)
        with pytest.raises(UsageError, match=f"{re.escape(str(last))} is missing"):
            read(tmp_path)


def test_nothing_is_left_of_what_cannot_be_written(scenes, tmp_path):
    scenes["activations"][0]["a"][0] = np.nan
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(scenes, tmp_path)
    assert [] == list(tmp_path.iterdir())
    (tmp_path / stored_scenes.FILE).mkdir()
    scenes["activations"][0]["a"][0] = 0.0
    with pytest.raises(IsADirectoryError):
        write(scenes, tmp_path)
    assert [stored_scenes.FILE] == [path.name for path in tmp_path.iterdir()]


def test_what_is_not_there_says_why(tmp_path):
    hidden = record(numpy_reference.train, EXPERIMENT, name="mine").hiding("W[1]")
    scenes = scenes_of(EXPERIMENT, [(hidden, ())], "mine")
    assert (None, None) == (scenes["boundaries"], scenes["surface"])
    assert "no run shows all its parameters in every step" == scenes["why"]["boundaries"] == scenes["why"]["surface"]
    assert scenes["points"]
    assert ["mine"] == [run["implementation"] for run in scenes["snapshots"]["runs"]]
    write(joined([scenes]), tmp_path)
    assert read(tmp_path)


def test_what_one_precision_has_is_no_reason_for_the_other(parts):
    hidden = record(numpy_reference.train, EXPERIMENT, name="mine").hiding("W[1]")
    without = scenes_of(EXPERIMENT, [(hidden, ())], None)
    for order in ([without, parts[1]], [parts[1], without]):
        whole = joined(order)
        assert {} == whole["why"]
        assert {"float64"} == {run["precision"] for run in whole["boundaries"]["runs"]}
        assert 3 == len(whole["snapshots"]["runs"])


def test_without_any_run_there_are_points_and_equations(tmp_path):
    write(joined([scenes_of(EXPERIMENT, [], None)]), tmp_path)
    scenes = read(tmp_path)
    assert scenes["points"]["train"]
    assert scenes["equations"]
    assert {"boundaries", "surface"} == set(scenes["why"])
    assert json.loads((tmp_path / stored_scenes.FILE).read_text())["errors"]["rows"] == []


def test_three_features_are_in_no_plane_but_have_a_surface(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "three.npz", X=rng.normal(size=(3, 20)), Y=rng.integers(2, size=(1, 20)))
    experiment = EXPERIMENT.but(data=Arrays(file=str(tmp_path / "three.npz")))
    run = record(numpy_reference.train, experiment, name="numpy")
    write(joined([scenes_of(experiment, [(run, ())], "numpy")]), tmp_path)
    scenes = read(tmp_path)
    assert scenes["points"] is scenes["boundaries"] is None
    assert (
        dict.fromkeys(["points", "boundaries"], "the data have 3 features, and a boundary is drawn in a plane")
        == (scenes["why"])
    )
    assert "numpy" == scenes["surface"]["implementation"]


def test_a_run_that_is_no_number_any_more_is_kept_as_far_as_it_went(tmp_path):
    run = record(numpy_reference.train, EXPERIMENT, name="numpy")
    weights = run.shown["W[2]"].copy()
    weights[4:, 0, 1] = np.nan
    run = replace(run, shown={**run.shown, "W[2]": weights})
    write(joined([scenes_of(EXPERIMENT, [(run, ())], "numpy")]), tmp_path)
    scenes = read(tmp_path)
    assert [] == scenes["boundaries"]["pairs"]
    (drawn,) = scenes["boundaries"]["runs"]
    assert [0, 0, 3600] == drawn["not_finite"]
    assert scenes["surface"] is None
    assert "out of all range" in scenes["why"]["surface"]
    assert scenes["snapshots"]["runs"][0]["values"][-1]["W[2]"][0][1] is None
    (row,) = [row for row in scenes["errors"]["rows"] if row["quantity"] == "W[2]"]
    assert ["inf", "inf"] == row["worst"][4:]
    assert "inf" not in row["worst"][:4]


def test_the_reason_is_that_of_the_precision_that_has_a_path(monkeypatch):
    run = record(numpy_reference.train, EXPERIMENT, name="numpy")
    hidden, nobody_s = scenes_of(EXPERIMENT, [(run.hiding("W[1]"), ())]), scenes_of(EXPERIMENT, [(run, ())])
    monkeypatch.setattr(gathering, "N_MULTIPLICATIONS", 1000.0)
    too_large = scenes_of(EXPERIMENT, [(run, ())], "numpy")
    n_weights = sum(value.size for value in EXPERIMENT.initial().values())
    assert f"{41 * 41 * 40 * n_weights:.1e} multiplications" in too_large["why"]["surface"]
    for parts in ([hidden, too_large], [too_large, hidden], [nobody_s, too_large]):
        assert too_large["why"]["surface"] == joined(parts)["why"]["surface"]
    assert {} == nobody_s["why"]
    assert "out of all range" in joined([nobody_s])["why"]["surface"]
