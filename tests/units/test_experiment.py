"""An experiment is one frozen value that hands everybody the same numbers, and says in a sentence what is wrong."""

import hashlib
import json
import pickle
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from comparisons.errors import UsageError
from comparisons.experiment import NAMED, Adam, Circles, Experiment, FromFile, GlorotUniform, GradientDescent, HeUniform

ROOT = Path(__file__).parents[2]


def bits(experiment: Experiment) -> list[bytes]:
    """Everything that an experiment hands out, as bytes."""
    arrays = [*experiment.initial().values(), *experiment.train_set(), *(experiment.test_set() or ())]
    arrays += [array for batch in experiment.batches() for array in batch]
    return [array.tobytes() for array in arrays]


def own_start(folder: Path, **changes) -> Path:
    """A file of initial parameters for one layer of one unit and two features."""
    path = folder / "start.npz"
    parameters = {"W[1]": [[0.5, -0.25]], "b[1]": [[1.0]]} | changes
    np.savez(path, **{name: np.array(value) for name, value in parameters.items() if value is not None})
    return path


def one_layer(data: object = None, **start) -> Experiment:
    """An experiment of one layer that starts from a file."""
    return Experiment(layers=(1,), activations=("sigmoid",), start={"kind": "file", **start}, data=data or {})


# What it hands out


def test_the_default_is_the_articles_listing():
    experiment = Experiment()
    assert experiment.sizes == (2, 4, 6, 6, 4, 1)
    assert experiment.activations == ("relu",) * 4 + ("sigmoid",)
    assert experiment.optimizer == Adam(learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7)
    assert (experiment.epochs, experiment.batch_size, experiment.n_steps) == (50, 32, 1600)


def test_the_articles_own_rule_differs_in_name_and_optimizer_only():
    expected = Experiment(name="gradient-descent", optimizer=GradientDescent(learning_rate=0.1))
    assert Experiment.named("gradient-descent") == expected
    assert list(NAMED) == ["article", "gradient-descent"]


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match=r'^there is no experiment named "artcle"; did you mean article\? known are'):
        Experiment.named("artcle")


def test_the_default_experiment_has_never_changed():
    # A golden value on purpose: it was computed once, no outside source can know it, and it may never change. Whoever
    # gets another one, on another machine or NumPy version or after an edit, has another experiment, and what was
    # recorded before cannot be compared with it.
    assert Experiment().digest == "3d9503866d82011cb143d4ca5da8b3813595e7f9c007fe96e7a9aad04d4643b4"


def test_nothing_asks_numpys_generator(monkeypatch):
    expected = bits(Experiment())

    def refuse(*_, **__):
        raise AssertionError("a Generator's streams depend on NumPy's version")

    for name in ("default_rng", "Generator", "RandomState", "seed", "permutation", "normal"):
        monkeypatch.setattr(np.random, name, refuse)
    with pytest.raises(AssertionError):
        np.random.default_rng(0)
    assert bits(Experiment(data=Circles(seed=0), start=GlorotUniform(seed=0))) == expected


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_everything_comes_in_the_precision_in_c_order_as_columns(precision):
    experiment = Experiment(precision=precision, epochs=1)
    arrays = [*experiment.initial().values(), *experiment.train_set(), *experiment.test_set()]
    arrays += [array for batch in experiment.batches() for array in batch]
    assert {array.dtype for array in arrays} == {np.dtype(precision)} == {experiment.dtype}
    assert all(array.flags.c_contiguous and array.flags.writeable for array in arrays)
    assert [(X.shape, Y.shape) for X, Y in experiment.batches()] == [((2, 32), (1, 32))] * 31 + [((2, 8), (1, 8))]


def test_both_precisions_start_from_the_same_numbers():
    single, double = Experiment(precision="float32", epochs=1), Experiment(precision="float64", epochs=1)
    for name, value in double.initial().items():
        assert (value == single.initial()[name]).all(), name
    for batch, other in zip(single.batches(), double.batches(), strict=True):
        assert all((a == b).all() for a, b in zip(batch, other, strict=True))


@given(
    n=st.integers(2, 40), size=st.integers(1, 50), epochs=st.integers(1, 3), shuffle=st.booleans(), seed=st.integers(0)
)
def test_each_epoch_takes_every_example_once_and_the_partial_batch_comes_last(n, size, epochs, shuffle, seed):
    experiment = Experiment(
        data=Circles(n_train=n, n_test=0), batch_size=size, epochs=epochs, shuffle=shuffle, seed=seed % 2**63
    )
    batches = list(experiment.batches())
    assert len(batches) == experiment.n_steps == epochs * experiment.steps_per_epoch
    assert [Y.shape[1] for _, Y in batches] == experiment.batch_sizes.tolist()
    per_epoch = [size] * (n // size) + ([n % size] if n % size else [])
    assert experiment.batch_sizes.tolist() == per_epoch * epochs
    examples = np.concatenate(experiment.train_set()).T.tolist()
    for first in range(0, len(batches), experiment.steps_per_epoch):
        epoch = batches[first : first + experiment.steps_per_epoch]
        taken = np.concatenate([np.concatenate(batch) for batch in epoch], axis=1).T.tolist()
        assert sorted(taken) == sorted(examples)
        assert shuffle or taken == examples


def test_shuffled_epochs_come_in_another_order_each():
    orders = [X.tobytes() for X, _ in Experiment(batch_size=1000, epochs=3).batches()]
    assert len(set(orders)) == 3
    assert len({X.tobytes() for X, _ in Experiment(batch_size=1000, epochs=3, shuffle=False).batches()}) == 1


def test_what_is_handed_out_is_a_copy():
    experiment = Experiment(epochs=1)
    expected = bits(experiment)
    for array in [*experiment.initial().values(), *experiment.train_set(), *experiment.test_set()]:
        array += 1
    for X, Y in experiment.batches():
        X += 1
        Y += 1
    assert bits(experiment) == expected
    with pytest.raises(ValueError, match="read-only"):
        experiment.data.examples.X[0, 0] = 1


def test_there_is_no_test_set_where_the_data_have_none():
    assert Experiment(data=Circles(n_test=0)).test_set() is None
    X, Y = Experiment(data=Circles(n_test=3)).test_set()
    assert (X.shape, Y.shape) == ((2, 3), (1, 3))


# Equal experiments


CHANGES = {
    "layers": {"layers": (4, 6, 6, 5, 1)},
    "activations": {"activations": ("tanh", "relu", "relu", "relu", "sigmoid")},
    "optimizer": {"optimizer": GradientDescent()},
    "learning-rate": {"optimizer": Adam(learning_rate=0.01)},
    "epsilon": {"optimizer": Adam(epsilon=1e-8)},
    "start": {"start": HeUniform()},
    "start-seed": {"start": GlorotUniform(seed=1)},
    "data-seed": {"data": Circles(seed=1)},
    "n-train": {"data": Circles(n_train=999)},
    "n-test": {"data": Circles(n_test=999)},
    "radii": {"data": Circles(radii=(1, 0.4))},
    "noise": {"data": Circles(noise=0.06)},
    "epochs": {"epochs": 49},
    "batch-size": {"batch_size": 31},
    "shuffle": {"shuffle": False},
    "seed": {"seed": 1},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_any_field_that_matters_changes_the_digest(change):
    assert Experiment().but(**change).digest != Experiment().digest


def test_changing_all_fields_at_once_covers_every_field_but_name_precision_and_loss():
    changed = {name for change in CHANGES.values() for name in change}
    assert changed == set(Experiment.model_fields) - {"name", "precision", "loss"}  # of losses there is one so far


def test_the_digest_leaves_out_the_name_and_the_precision():
    assert Experiment(name="mine", precision="float64").digest == Experiment().digest


def test_equal_experiments_give_identical_bits_and_another_seed_does_not():
    one, again = Experiment(epochs=2), Experiment(epochs=2)
    assert one == again
    assert hash(one) == hash(again)
    assert bits(one) == bits(again)
    assert bits(one) != bits(one.but(seed=1))


def test_an_experiment_is_equal_after_it_has_handed_out_numbers():
    used = Experiment(data=Circles(seed=5))
    bits(used)
    assert used.digest
    assert used == Experiment(data=Circles(seed=5)) != Experiment(data=Circles(seed=6))


def test_another_process_computes_the_same_bits():
    program = "import hashlib; from test_experiment import bits; from comparisons.experiment import Experiment; "
    program += "print(hashlib.sha256(b''.join(bits(Experiment()))).hexdigest())"
    environment = {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PYTHONHASHSEED": "1"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == hashlib.sha256(b"".join(bits(Experiment()))).hexdigest()


def test_it_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Experiment().epochs = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        Experiment().optimizer.learning_rate = 3  # type: ignore[misc]


def test_but_changes_what_it_is_asked_to_and_validates_again():
    assert Experiment().but(epochs=3) == Experiment(epochs=3)
    with pytest.raises(UsageError, match=r"^epochs must be at least 1, but is 0$"):
        Experiment().but(epochs=0)
    with pytest.raises(UsageError, match=r"^epoch is not a field, or not yet; did you mean epochs\?"):
        Experiment().but(epoch=3)


def test_a_pickled_experiment_needs_no_files(tmp_path):
    start = own_start(tmp_path)
    table = tmp_path / "points.csv"
    table.write_text("x,y,label\n1,2,0\n3,4,1\n")
    experiment = one_layer(file=start, data={"kind": "csv", "file": table, "label": "label"})
    pickled = pickle.dumps(experiment)
    start.unlink()
    table.unlink()
    assert pickle.loads(pickled) == experiment
    assert bits(pickle.loads(pickled)) == bits(experiment)
    with pytest.raises(UsageError, match="does not exist"):
        Experiment(data={"kind": "csv", "file": table, "label": "label"})


def test_importing_it_imports_no_reader_of_files():
    program = "import sys, comparisons.experiment; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.split())
    assert not loaded & {"pandas", "safetensors", "tomlkit", "torch", "keras", "tensorflow"}
    assert {"numpy", "comparisons.experiment"} <= loaded


# Mistakes, each with the sentence that answers it


MISTAKES = {
    "softmax": (
        {"activations": ("relu", "relu", "relu", "relu", "softmax")},
        'activations, entry 5: "softmax" is not supported yet; supported are sigmoid, tanh, relu, leaky-relu, linear',
    ),
    "spelled-as-keras-does": (
        {"activations": ("leaky_relu", "relu", "relu", "relu", "sigmoid")},
        'activations, entry 1: "leaky_relu" is not supported yet; did you mean leaky-relu? supported are sigmoid, ',
    ),
    "convolution": (
        {"layers": ("convolution", 1)},
        'layers, entry 1: "convolution" is not supported yet; supported are dense layers, written as their number',
    ),
    "dropout": ({"dropout": 0.5}, "dropout is not a field, or not yet; known are name, precision, layers, "),
    "categorical": (
        {"loss": "categorical-cross-entropy"},
        'loss: "categorical-cross-entropy" is not supported yet; did you mean binary-cross-entropy? supported are ',
    ),
    "rmsprop": (
        {"optimizer": {"kind": "rmsprop"}},
        'optimizer.kind: "rmsprop" is not supported yet; supported are adam, gradient-descent',
    ),
    "momentum": (
        {"optimizer": {"kind": "gradient-descent", "momentum": 0.9}},
        'optimizer.momentum is not a field of kind "gradient-descent", or not yet; known are kind, learning_rate',
    ),
    "bfloat16": (
        {"precision": "bfloat16"},
        'precision: "bfloat16" is not supported yet; did you mean float64? supported are float32, float64',
    ),
    "misspelt": (
        {"optimiser": {"kind": "adam"}},
        "optimiser is not a field, or not yet; did you mean optimizer? known are ",
    ),
    "another-kinds-field": (
        {"data": {"file": "points.csv"}},
        'data.file is not a field of kind "circles", or not yet; known are kind, n_train, n_test, radii, noise, seed',
    ),
    "another-kinds-instance": (
        {"data": GradientDescent()},
        'data.kind: "gradient-descent" is not supported yet; supported are circles, csv, arrays',
    ),
    "left-out": (
        {"data": {"kind": "csv", "label": "y"}},
        "data.file is missing: CSV file to train on; its first line names the columns",
    ),
    "entry-left-out": (
        {"data": {"radii": [1]}},
        "data.radii, entry 2 is missing: radius of the circle of label 0, of ",
    ),
    "no-layers": ({"layers": ()}, "layers must have at least 1 item, but is ()"),
    "no-units": ({"layers": (4, 0, 1)}, "layers, entry 2 must be at least 1, but is 0"),
    "half-a-unit": ({"layers": (4, 0.5, 1)}, "layers, entry 2 must be a whole number, but is 0.5"),
    "not-a-list": ({"layers": 4}, "layers must be a list, but is 4"),
    "too-few-activations": (
        {"activations": ("relu", "sigmoid")},
        "activations names 2 for 5 layers; name one for each layer",
    ),
    "two-outputs": (
        {"layers": (4, 6, 6, 4, 2)},
        "binary-cross-entropy needs a last layer of one unit with sigmoid, not of 2 with sigmoid; end layers in 1 and ",
    ),
    "no-sigmoid": (
        {"activations": ("relu",) * 5},
        "binary-cross-entropy needs a last layer of one unit with sigmoid, not of 1 with relu; end layers in 1 and ",
    ),
    "no-learning": ({"optimizer": {"learning_rate": 0}}, "optimizer.learning_rate must be above 0, but is 0"),
    "backwards": ({"optimizer": {"learning_rate": -1.0}}, "optimizer.learning_rate must be above 0, but is -1.0"),
    "not-a-number": (
        {"optimizer": {"learning_rate": float("nan")}},
        "optimizer.learning_rate must be a finite number, but is nan",
    ),
    "infinite": (
        {"optimizer": {"learning_rate": float("inf")}},
        "optimizer.learning_rate must be a finite number, but is inf",
    ),
    "text-for-a-number": (
        {"optimizer": {"learning_rate": "0.1"}},
        'optimizer.learning_rate must be a number, but is "0.1"',
    ),
    "beta-of-one": ({"optimizer": {"beta1": 1.0}}, "optimizer.beta1 must be below 1, but is 1.0"),
    "beta-below-zero": ({"optimizer": {"beta2": -0.1}}, "optimizer.beta2 must be at least 0, but is -0.1"),
    "no-epsilon": ({"optimizer": {"epsilon": 0.0}}, "optimizer.epsilon must be above 0, but is 0.0"),
    "no-table": ({"optimizer": "adam"}, 'optimizer must be a table of fields, but is "adam"'),
    "no-epochs": ({"epochs": 0}, "epochs must be at least 1, but is 0"),
    "true-for-a-number": ({"epochs": True}, "epochs must be a whole number, but is True"),
    "half-a-batch": ({"batch_size": 1.5}, "batch_size must be a whole number, but is 1.5"),
    "empty-batches": ({"batch_size": 0}, "batch_size must be at least 1, but is 0"),
    "number-for-yes": ({"shuffle": 1}, "shuffle must be true or false, but is 1"),
    "negative-seed": ({"seed": -1}, "seed must be at least 0, but is -1"),
    "nameless": ({"name": ""}, 'name must have at least 1 character, but is ""'),
    "one-point": ({"data": {"n_train": 1}}, "data.n_train must be at least 2, but is 1"),
    "no-radius": ({"data": {"radii": [1, 0]}}, "data.radii, entry 2 must be above 0, but is 0"),
    "three-radii": ({"data": {"radii": [1, 2, 3]}}, "data.radii must have at most 2 items, but is [1, 2, 3]"),
    "no-path": ({"start": {"kind": "file", "file": 3}}, "start.file must be the path of a file, but is 3"),
    "no-file": ({"start": {"kind": "file", "file": "/nowhere/w.npz"}}, "/nowhere/w.npz does not exist"),
    "label-as-feature": (
        {"data": {"kind": "csv", "file": "a.csv", "label": "y", "features": ["x", "y"]}},
        'data.features must not name the label\'s column, "y"',
    ),
    "feature-twice": (
        {"data": {"kind": "csv", "file": "a.csv", "label": "y", "features": ["x", "x"]}},
        'data.features must name a column once, but names "x" more often',
    ),
    "long": ({"epochs": "3" * 200}, f'epochs must be a whole number, but is "{"3" * 57}..."'),
}


@pytest.mark.parametrize(("fields", "answer"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_in_one_sentence(fields, answer):
    with pytest.raises(UsageError, match="^" + re.escape(answer)) as raised:
        Experiment(**fields)
    assert "\n" not in str(raised.value)
    assert "pydantic" not in str(raised.value)


def test_a_description_on_its_own_answers_likewise():
    with pytest.raises(UsageError, match=r"^learning_rate must be above 0, but is -1$"):
        Adam(learning_rate=-1)


def test_of_several_mistakes_the_unknown_field_is_named_since_it_explains_the_missing_one():
    with pytest.raises(UsageError, match=r'^start.flie is not a field of kind "file", or not yet; did you mean file\?'):
        Experiment(start={"kind": "file", "flie": "weights.npz"})


@example({"precision": "float\n32"})
@example({"start": {"kind": "file", "file": "\n"}})
@example({"start": {"kind": "file", "file": "\0"}})
@example({"start": {"kind": "file", "file": "~nobody-at-all/x"}})
@given(st.dictionaries(st.sampled_from(list(Experiment.model_fields)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a~/.=1\n\0é\u2028"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "seed", "file", "x"]), inner),
    max_leaves=5,
)))  # fmt: skip
def test_whatever_the_fields_hold_there_is_an_experiment_or_one_sentence(fields):
    try:
        experiment = Experiment.from_json(fields)
    except UsageError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert Experiment.from_json(experiment.to_json()) == experiment


# TOML and JSON


def uncommented(toml: str) -> list[str]:
    """The lines with a field that no comment stands above."""
    lines = toml.splitlines()
    return [line for above, line in pairwise(["", *lines]) if line[:1].isalpha() and not above.startswith("# ")]


def test_toml_says_at_every_field_what_it_is(tmp_path):
    toml = Experiment().to_toml()
    assert uncommented(toml) == []
    assert uncommented(toml.replace("# α, above 0\n", "")) == ["learning_rate = 0.001"]
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
