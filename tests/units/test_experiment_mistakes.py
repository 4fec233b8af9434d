"""Whatever is wrong with an experiment's fields is answered in one sentence."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comparisons.errors import UsageError
from comparisons.experiment import Adam, Experiment, GradientDescent

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
    "adagrad": (
        {"optimizer": {"kind": "adagrad"}},
        'optimizer.kind: "adagrad" is not supported yet; '
        "supported are adam, gradient-descent, momentum, nesterov, rmsprop",
    ),
    "decay-of-what": (
        {"decay": {"rate": 0.1}},
        'decay.rate is not a field of kind "none", or not yet; known are kind',
    ),
    "how-much-decay": ({"decay": {"kind": "coupled"}}, "decay.rate is missing: λ, above 0; of biases too"),
    "negative-decay": (
        {"decay": {"kind": "decoupled", "rate": -0.1}},
        "decay.rate must be above 0, but is -0.1",
    ),
    "full-momentum": (
        {"optimizer": {"kind": "nesterov", "momentum": 1}},
        "optimizer.momentum must be below 1, but is 1",
    ),
    "never": (
        {"schedule": {"kind": "inverse-time", "rate": 0.1, "every": 0}},
        "schedule.every must be at least 1, but is 0",
    ),
    "cosine": (
        {"schedule": {"kind": "cosine"}},
        'schedule.kind: "cosine" is not supported yet; supported are constant, exponential, inverse-time, linear',
    ),
    "endless-growth": (
        {"schedule": {"kind": "exponential", "rate": 1e10}},
        "schedule.rate takes the learning rate to infinity within 1,600 steps",
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
    answer = ""
    try:
        experiment = Experiment.from_json(fields)
    except UsageError as error:
        answer = str(error)
    else:
        assert Experiment.from_json(experiment.to_json()) == experiment
    assert len(answer.splitlines()) <= 1
