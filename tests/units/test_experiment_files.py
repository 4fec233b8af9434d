"""An experiment as TOML and JSON, and the files that it names."""

import json
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from comparisons.errors import UsageError
from comparisons.experiment import (
    NAMED,
    Adam,
    Circles,
    Coupled,
    Decoupled,
    Experiment,
    Exponential,
    FromFile,
    HeUniform,
    InverseTime,
    Linear,
    Momentum,
    Nesterov,
    RMSprop,
)
from tests.units.own_experiments import bits, one_layer, own_start

ROOT = Path(__file__).parents[2]


def uncommented(toml: str) -> list[str]:
    """The lines with a field that no comment stands above."""
    lines = toml.splitlines()
    return [line for above, line in pairwise(["", *lines]) if line[:1].isalpha() and not above.startswith("# ")]


def test_toml_says_at_every_field_what_it_is(tmp_path):
    toml = Experiment().to_toml()
    assert uncommented(toml) == []
    assert uncommented(toml.replace("# α, above 0\n", "")) == ["learning_rate = 0.001"]
    assert "# how the learning rate α changes from step to step" in toml
    assert '# "exponential": α is multiplied by a rate, again and again (rate, every)\n' in toml
    assert '# "coupled": λ W joins the gradient, as that of ½ λ Σ W² would, and goes through the ' in toml
    assert "# activation of each layer: sigmoid, tanh, relu, leaky-relu, linear\n" in toml
    assert '# "gradient-descent": the article\'s own rule, W ← W − α dW (learning_rate)\n' in toml
    (tmp_path / "points.csv").write_text("x,y,label\n1,2,0\n3,4,1\n")
    own = one_layer(
        file=own_start(tmp_path),
        data={"kind": "csv", "file": tmp_path / "points.csv", "label": "label", "features": ["y", "x"], "positive": 1},
    )
    assert uncommented(own.to_toml()) == []
    assert Experiment.from_toml(own.to_toml()) == own


def test_toml_holds_every_field():
    fields = Experiment().model_dump(mode="json")
    assert tomllib.loads(Experiment().to_toml()) == fields
    assert set(fields) == set(Experiment.model_fields)


EXPERIMENTS = {
    "article": Experiment(),
    "gradient-descent": NAMED["gradient-descent"],
    "float64": Experiment(name='my "own"', precision="float64", shuffle=False, seed=2**63 - 1),
    "small": Experiment(layers=(3, 1), activations=("leaky-relu", "sigmoid"), start=HeUniform(seed=3)),
    "momentum": Experiment(optimizer=Momentum(momentum=0.5), decay=Coupled(rate=1e-4), schedule=Linear()),
    "nesterov": Experiment(optimizer=Nesterov(), decay=Decoupled(rate=1e-4), schedule=InverseTime(rate=1e-2, every=32)),
    "rmsprop": Experiment(optimizer=RMSprop(rho=0.99, centered=True), schedule=Exponential(rate=0.5, every=320)),
    "no-test": Experiment(data=Circles(n_test=0, radii=(2, 1e-3), noise=0), optimizer=Adam(learning_rate=1, beta1=0)),
}


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_toml_and_json_give_the_experiment_back(experiment):
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert Experiment.from_json(json.loads(json.dumps(experiment.to_json()))) == experiment
    assert Experiment.from_toml(experiment.but(epochs=7).to_toml()) != experiment


def test_what_toml_leaves_out_is_the_articles():
    assert Experiment.from_toml("") == Experiment()
    assert Experiment.from_toml("[optimizer]\nlearning_rate = 0.01") == Experiment(optimizer=Adam(learning_rate=0.01))


def test_files_that_toml_names_are_looked_for_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    own_start(tmp_path)
    (tmp_path / "points.csv").write_text("x,y,label\n1,2,0\n3,4,1\n")
    toml = tmp_path / "mine.toml"
    toml.write_text(
        'layers = [1]\nactivations = ["sigmoid"]\n[start]\nkind = "file"\nfile = "start.npz"\n'
        '[data]\nkind = "csv"\nfile = "points.csv"\ntest_file = "points.csv"\nlabel = "label"\n'
    )
    for source in (toml, str(toml)):
        experiment = Experiment.from_toml(source)
        assert experiment.start.file == tmp_path / "start.npz"
        assert experiment.data.file == experiment.data.test_file == tmp_path / "points.csv"
        assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert Experiment.from_toml(toml.read_text(), folder=tmp_path) == experiment
    with pytest.raises(UsageError, match=r"^/points.csv does not exist"):
        Experiment.from_toml(toml.read_text())


def test_toml_names_a_field_that_has_no_value_in_a_comment(tmp_path):
    (tmp_path / "points.csv").write_text("x,y,label\n1,2,0\n3,4,1\n")
    toml = Experiment(data={"kind": "csv", "file": tmp_path / "points.csv", "label": "label"}).to_toml()
    assert "# CSV file to test on, with the same columns; left out: none\n# test_file =\n" in toml
    assert "test_file" not in tomllib.loads(toml)["data"]


def test_toml_that_is_none_or_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"^the text is not TOML: .*line 2"):
        Experiment.from_toml("seed = 1\nepochs =\nseed = 1")
    with pytest.raises(UsageError, match=r"mine.toml does not exist$"):
        Experiment.from_toml(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"mine.toml cannot be read: "):
        Experiment.from_toml(tmp_path / "mine.toml")
    with pytest.raises(UsageError, match=r"^an experiment is a table of fields, but this is \[3\]$"):
        Experiment.from_json([3])


def test_an_experiment_with_files_can_travel_without_them(tmp_path):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    (home / "points.csv").write_text("x,y,label\n0.1,2,no\n3,4,yes\n5,6,no\n")
    (home / "test.csv").write_text("label,y,x\nyes,8,7\n")
    own_start(home)
    files = {"file": home / "points.csv", "test_file": home / "test.csv"}
    experiment = one_layer(file=home / "start.npz", data={"kind": "csv", **files, "label": "label", "positive": "yes"})
    written = json.dumps(experiment.write_files(home))
    home.rename(elsewhere)
    (elsewhere / "points.csv").unlink()
    (elsewhere / "start.npz").unlink()
    travelled = Experiment.from_json(json.loads(written), elsewhere)
    assert travelled.digest == experiment.digest
    assert bits(travelled) == bits(experiment)
    assert travelled.test_set()[0].tolist() == [[7], [8]]
    assert load_file(elsewhere / "data.safetensors")["Y"].tolist() == [[0, 1, 0]]
    changed = load_file(elsewhere / "data.safetensors")
    changed["X_test"][0, 0] += 1
    save_file(changed, elsewhere / "data.safetensors")
    assert Experiment.from_json(json.loads(written), elsewhere).digest != experiment.digest


def test_generated_data_and_parameters_are_not_written(tmp_path):
    assert Experiment().write_files(tmp_path) == Experiment().to_json()
    assert list(tmp_path.iterdir()) == []


# Parameters of one's own


def test_own_parameters_are_taken_as_they_are(tmp_path):
    experiment = one_layer(file=own_start(tmp_path))
    assert {name: value.tolist() for name, value in experiment.initial().items()} == {
        "W[1]": [[0.5, -0.25]],
        "b[1]": [[1.0]],
    }
    save_file({"W[1]": np.float32([[0.5, -0.25]]), "b[1]": np.float32([1.0])}, tmp_path / "start.safetensors")
    assert one_layer(file=tmp_path / "start.safetensors").digest == experiment.digest


def test_own_parameters_are_rounded_to_float32_for_both_precisions(tmp_path):
    experiment = one_layer(file=own_start(tmp_path, **{"W[1]": [[0.1, 0.2]]})).but(precision="float64")
    assert experiment.initial()["W[1]"].tolist() == [[float(np.float32(0.1)), float(np.float32(0.2))]]
    assert experiment.initial()["W[1]"][0, 0] != 0.1


def test_own_weights_may_lie_as_keras_lays_them(tmp_path):
    turned = own_start(tmp_path, **{"W[1]": [[1, 2, 3], [4, 5, 6]], "b[1]": [7, 8, 9]})
    parameters = FromFile(file=turned, layout="rows").parameters((2, 3))
    assert parameters["W[1]"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert parameters["b[1]"].tolist() == [[7], [8], [9]]
    with pytest.raises(UsageError, match=r"W\[1\] must have shape \(3, 2\), but has \(2, 3\); it lies the other way"):
        FromFile(file=turned).parameters((2, 3))


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"b[1]": None}, r"has no b\[1\]; it has W\[1\]$"),
        ({"W[2]": [[1.0]]}, r"has W\[2\], which nothing asks for; did you mean W\[1\]\? known are W\[1\], b\[1\]$"),
        (
            {"W[1]": [[0.5], [0.5]]},
            r"W\[1\] must have shape \(1, 2\), but has \(2, 1\); it lies the other way round, so ",
        ),
        ({"W[1]": [[0.5]]}, r"W\[1\] must have shape \(1, 2\), but has \(1, 1\)$"),
        ({"b[1]": [1.0, 2.0]}, r"b\[1\] must have shape \(1, 1\) or \(1,\), but has \(2,\)$"),
        ({"W[1]": [[0.5, np.nan]]}, r"W\[1\]\[0, 1\] is nan, but a finite number of float32's range is needed"),
        ({"W[1]": [[0.5, 1e39]]}, r"W\[1\]\[0, 1\] is 1e\+39, but a finite number of float32's range is needed"),
        ({"W[1]": [[0.5, 1j]]}, r"W\[1\] is made of complex128, but real numbers are needed"),
        ({"W[1]": [["a", "b"]]}, r"W\[1\] is made of text, but real numbers are needed"),
        ({"W[1]": np.array([[{}, 1]])}, r"is not what numpy.savez writes: Object arrays cannot be loaded"),
    ],
    ids=["missing", "unknown", "turned", "misshapen", "long-bias", "nan", "too-large", "complex", "text", "object"],
)
def test_own_parameters_that_do_not_fit_are_one_sentence(tmp_path, changes, answer):
    with pytest.raises(UsageError, match=answer) as raised:
        one_layer(file=own_start(tmp_path, **changes))
    assert str(raised.value).startswith(str(tmp_path / "start.npz"))
    assert "\n" not in str(raised.value)
