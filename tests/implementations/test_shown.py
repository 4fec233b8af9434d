"""backproof.shown and backproof.watch on real models: everything certified, nothing changed, and no model misread.

A reader's loops are recorded in processes of their own, from subjects/torch_shown.py and subjects/keras_shown.py.
"""

import itertools

import numpy as np
import pytest

import backproof
from comparisons.certifying import certify
from comparisons.composed import network_of
from comparisons.delivery import Delivery, DeliveryError
from comparisons.errors import UsageError
from comparisons.experiment import Circles, Experiment, GradientDescent
from comparisons.trace import load
from reference.article import network
from tests.frameworks import framework

SMALL = Experiment(layers=(4, 1), activations=("relu", "sigmoid"), epochs=2, data=Circles(n_train=100, n_test=0))
PRECISIONS = ("float32", "float64")
SUBJECTS = {
    "torch": ["watched", "unwatched", "in_place", "functional", "twice_backward", "another_activation"],
    "keras": ["watched", "unwatched", "functional", "eager_fit", "twice_the_gradient", "another_activation"],
}
PARAMETERS = {f"{of}{name}" for of in ("", "d", "m_", "v_") for name in ("W[1]", "b[1]", "W[2]", "b[2]")}
ON_THE_WAY = {"A[0]", "Z[1]", "A[1]", "Z[2]", "A[2]", "dZ[1]", "dA[1]", "dZ[2]", "dA[2]"}
HIDDEN = {  # of all that there is, what each cannot show
    "torch": {"watched": set(), "unwatched": ON_THE_WAY, "in_place": set(), "functional": {"A[2]", "dA[2]"}},
    "keras": {
        "watched": {"dA[2]"},
        "unwatched": ON_THE_WAY,
        "functional": {"dA[2]"},
        "eager_fit": {"dA[2]", "J", "dW[1]", "db[1]", "dW[2]", "db[2]"},
    },
}


def cases(named):
    """Framework, subject and precision; those of one framework go to one xdist worker."""
    return pytest.mark.parametrize(
        ("framework", "name", "precision"),
        [
            pytest.param(framework, name, precision, id=f"{framework}-{name}-{precision}", marks=group(framework))
            for framework, names in named.items()
            for name in names
            for precision in PRECISIONS
        ],
    )


def group(framework):
    return pytest.mark.xdist_group(f"shown-{framework}")


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, needs, subject, record_all):
    """`recorded(framework, name, precision)`: the trace, recorded with all others of the framework at once."""
    folders = {}

    def trace_of(framework, name, precision):
        needs(subject(framework))
        if framework not in folders:
            folders[framework] = tmp_path_factory.mktemp(framework)
            asked = [SMALL.but(name=each, precision=each) for each in PRECISIONS]
            subjects = [subject(f"{framework}_shown.py:{one}") for one in SUBJECTS[framework]]
            record_all({one: asked for one in subjects}, folders[framework])
        return load(folders[framework] / f"{framework}_shown.py:{name}" / f"{precision}.trace")

    return trace_of


@cases(HIDDEN)
def test_a_loop_is_certified_with_all_that_its_model_has(framework, name, precision, recorded):
    trace = recorded(framework, name, precision)
    assert (PARAMETERS | ON_THE_WAY | {"J"}) - HIDDEN[framework][name] == set(trace.shown)
    certificate = certify(trace)
    assert "agrees" == certificate.verdict
    assert certificate.chain.holds


@cases({"torch": ["another_activation"], "keras": ["another_activation"]})
def test_another_activation_is_found_at_its_own_equation(framework, name, precision, recorded):
    certificate = certify(recorded(framework, name, precision), forms=())
    assert "disagrees" == certificate.row("A[1]").verdict
    assert "agrees" == certificate.row("Z[1]").verdict


@cases({"torch": ["twice_backward"], "keras": ["twice_the_gradient"]})
def test_gradients_that_are_twice_as_large_are_found_where_they_are_read(framework, name, precision, recorded):
    certificate = certify(recorded(framework, name, precision), forms=())
    assert "disagrees" == certificate.row("dW[2]").verdict
    assert "agrees" == certificate.row("A[2]").verdict


@cases({"torch": ["watched", "in_place"], "keras": ["watched"]})
def test_watching_changes_no_bit(framework, name, precision, recorded):
    watched, plain = (recorded(framework, each, precision).shown for each in (name, "unwatched"))
    assert set(plain) < set(watched)
    assert all(np.array_equal(np.asarray(watched[of]), np.asarray(plain[of])) for of in PARAMETERS)
    assert not np.array_equal(plain["W[1]"][0], plain["W[1]"][-1]), "and they were trained"


# In this process: models that cannot be read, and how results are added to -------------------------------------------


@pytest.fixture
def torch():
    return framework("torch")


@pytest.fixture
def keras():
    framework("tensorflow")
    return framework("keras")


def refused(match, model, *rest):
    with pytest.raises(UsageError, match=match) as caught:
        backproof.shown(model, *rest)
    assert "\n" not in str(caught.value)


@group("torch")
@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            "Conv1d(2, 4, 1)",
            r'^the layer "1" \(Conv1d\) is of a kind that cannot be read; what can is Linear',
        ),
        ("BatchNorm1d(4)", r'"1" \(BatchNorm1d\) is of a kind'),
        ("Dropout(0.5)", r'"1" \(Dropout\) is of a kind'),
        ("LSTM(4, 4)", r'"1" \(LSTM\) is of a kind'),
        ("GELU()", r'"1" \(GELU\) is of a kind'),
        ("MultiheadAttention(4, 1)", r'"1" \(MultiheadAttention\) is of a kind'),
        ("Linear(4, 4, bias=False)", r'"1" \(Linear\) has no bias, and the article.* make it with bias=True'),
        ("Sequential(nn.ReLU(), nn.Softmax())", r'"1\.1" \(Softmax\) is of a kind'),
    ],
)
def test_another_kind_of_torch_layer_is_named(made, says, torch):
    nn = torch.nn
    layer = eval(f"nn.{made}", {"nn": nn})
    refused(says, nn.Sequential(nn.Linear(2, 4), layer, nn.Linear(4, 1)))


@group("torch")
def test_a_torch_layer_of_the_user_s_is_no_linear(torch):
    class Scaled(torch.nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class Initialised(torch.nn.Linear):
        def reset_parameters(self):
            torch.nn.init.zeros_(self.weight)
            torch.nn.init.zeros_(self.bias)

    refused(r'"0" \(Scaled\) is of a kind', torch.nn.Sequential(Scaled(2, 1)))
    assert {"W[1]", "b[1]"} == set(backproof.shown(torch.nn.Sequential(Initialised(2, 1))))
    refused(r"\(Sequential\) has no Linear layer", torch.nn.Sequential(torch.nn.ReLU()))


@group("torch")
def test_shared_weights_of_torch_are_named(torch):
    nn = torch.nn
    same = nn.Linear(2, 2)
    refused(r'"2" \(Linear\) is the layer "0" \(Linear\) once more', nn.Sequential(same, nn.ReLU(), same))
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    refused(r'"1" \(Linear\) shares its weight with the layer "0" \(Linear\)', tied)


@group("torch")
def test_a_torch_optimizer_of_another_model_is_named(torch):
    model, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    adam = torch.optim.Adam
    refused(r"optimizer \(Adam\) does not have W\[1\] of the layer \(Linear\)", model, adam(other.parameters()))
    refused(r"optimizer \(Adam\) does not have b\[1\] of the layer \(Linear\)", model, adam([model.weight]))
    refused("the optimizer is a int; give one of torch.optim", model, 3)
    refused("parameters carry their gradients; leave the third", model, adam(model.parameters()), [])


@group("torch")
def test_a_pass_that_is_not_the_article_s_is_named(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self, *order):
            super().__init__()
            self.order = order
            self.one, self.two, self.relu = nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()

        def forward(self, x):
            for name in self.order:
                x = getattr(self, name)(x)
            return x

    for order, says in {
        ("one", "one", "two"): r'^the layer "one" \(Linear\) is called twice in one pass',
        ("two", "one"): r'^the layer "two" \(Linear\) is called before the layer "one" \(Linear\)',
        ("one", "relu", "relu"): r'^the layer "relu" \(ReLU\) does not come straight after a Linear',
        ("relu", "one"): r'^the layer "relu" \(ReLU\) does not come straight after a Linear',
    }.items():
        model = Net(*order)
        backproof.watch(model)
        with pytest.raises(UsageError, match=says):
            model(torch.ones(1, 2))
        model.order = ("one", "relu", "two", "relu")
        model(torch.ones(1, 2)).sum().backward()
        assert ON_THE_WAY <= set(backproof.shown(model)), "and the next pass is seen as if nothing had been"


@group("torch")
def test_a_pass_counts_once_gradients_were_computed_from_it(torch):
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid())
    backproof.watch(model)
    used, other = torch.ones(3, 2), torch.zeros(5, 2)
    J = model(used).sum()
    assert "A[0]" not in backproof.shown(model)
    J.backward()
    model(other)
    with torch.no_grad():
        model(other)
    model[1](other)
    assert torch.equal(used, backproof.shown(model)["A[0]"])


@group("torch")
def test_what_is_added_lies_as_the_file_says_and_what_was_read_as_it_was_read(torch):
    square = network((2, 2, 1), ("relu", "sigmoid"))
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1), torch.nn.Sigmoid())
    backproof.watch(model)
    model(torch.tensor([[1.0, 2], [3, 4]])).sum().backward()
    shown, Y = backproof.shown(model), np.float32([[0, 1]])
    inputs = np.float32([[1, 3], [2, 4]])  # columns
    for values in (shown | {"Y": Y}, {"Y": Y} | shown):
        step = Delivery(square, "float32", "columns").step(values, 1, 2)
        assert np.array_equal(inputs, step["A[0]"])
        assert np.array_equal(Y, step["Y"])
    values |= {"A[0]": inputs}
    assert np.array_equal(inputs, Delivery(square, "float32", "columns").step(values, 1, 2)["A[0]"])
    assert np.array_equal(inputs.T, Delivery(square, "float32", "rows").step(values | {"Y": Y.T}, 1, 2)["A[0]"])
    with pytest.raises(TypeError):
        shown | 3
    with pytest.raises(TypeError):
        3 | shown


@group("torch")
def test_a_model_that_is_not_the_experiment_s_is_named(torch):
    nn, theirs = torch.nn, network_of(SMALL.but(optimizer=GradientDescent()))

    def delivered(*sizes, optimizer=None):
        model = nn.Sequential(*(nn.Linear(*pair) for pair in itertools.pairwise(sizes)))
        model(torch.ones(5, 2)).sum().backward()
        made = optimizer and optimizer(model.parameters())
        if made:
            made.step()
        return Delivery(theirs, "float32").step(backproof.shown(model, made), 1, 5)

    for sizes, says in {
        (2, 1): r'step 1 shows a model that ends with b\[1\] of the layer "0" \(Linear\), but the .* has W\[2\] too',
        (2, 4, 4, 1): r'step 1 shows "dW\[3\]" of the layer "2" \(Linear\), which is no quantity here',
        (2, 3, 1): r'step 1: dW\[1\] of the layer "0" \(Linear\) has the shape \(3, 2\), but .* is \(4, 2\); give the',
    }.items():
        with pytest.raises(DeliveryError, match=says):
            delivered(*sizes)
    with pytest.raises(DeliveryError, match=r'"m_W\[1\]" of the optimizer \(Adam\), which is no quantity here'):
        delivered(2, 4, 1, optimizer=torch.optim.Adam)
    assert "dW[1]" in delivered(2, 4, 1)


def test_what_is_no_model_is_refused():
    for nothing in (None, 3, {"W[1]": 1}, np.ones(2)):
        refused(f"was given a {type(nothing).__name__}; give it a torch.nn.Module or a keras.Model", nothing)
        with pytest.raises(UsageError, match=f"was given a {type(nothing).__name__}"):
            backproof.watch(nothing)


@group("torch")
def test_a_tensor_is_no_model(torch):
    refused("was given a Tensor; give it a torch.nn.Module", torch.ones(2))


@group("keras")
@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            "Reshape((4, 1))",
            r'^the layer "it" \(Reshape\) is of a kind that cannot be read; what can is Dense',
        ),
        ("BatchNormalization()", r'"it" \(BatchNormalization\) is of a kind'),
        ("Dropout(0.5)", r'"it" \(Dropout\) is of a kind'),
        ("PReLU()", r'"it" \(PReLU\) is of a kind'),
        ("Dense(4, use_bias=False)", r'"it" \(Dense\) has no bias, and the article.* make it with use_bias=True'),
    ],
)
def test_another_kind_of_keras_layer_is_named(made, says, keras):
    layers = keras.layers
    it = eval(f"layers.{made}", {"layers": layers})
    it.name = "it"
    refused(says, keras.Sequential([keras.Input((2,)), layers.Dense(4), it]))


@group("keras")
def test_shared_weights_of_keras_are_named(keras):
    x = inputs = keras.Input((2,))
    layer = keras.layers.Dense(2, name="it")
    refused(r'^the layer "it" \(Dense\) is called twice in the model', keras.Model(inputs, layer(layer(x))))
    once = keras.Model(inputs, keras.layers.Dense(1)(layer(x)))
    assert {"W[1]", "b[1]", "W[2]", "b[2]"} == set(backproof.shown(once)), "a model that calls it once has it once"
    skipping = keras.Model(inputs, keras.ops.add(layer(x), x))
    refused(r"^the layer .* \(Add\) is of a kind", skipping)
    tied = keras.Sequential([inputs, keras.layers.Dense(2, name="a"), keras.layers.Dense(2, name="b")])
    object.__setattr__(tied.layers[1], "_kernel", tied.layers[0].kernel)
    refused(r'"b" \(Dense\) shares its kernel with the layer "a" \(Dense\)', tied)
    unbuilt = keras.Sequential([keras.layers.Dense(1, name="c")])
    refused(r'"c" \(Dense\) has no weights yet; give the model its Input', unbuilt)
    refused(r"\(Sequential\) has no Dense layer", keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]))


@group("keras")
def test_a_keras_optimizer_of_another_model_and_gradients_of_another_are_named(keras):
    one, other = (keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="it")]) for _ in range(2))
    adam = keras.optimizers.Adam()
    assert {"W[1]", "b[1]"} == set(backproof.shown(one, adam)), "before it is built it keeps nothing"
    adam.build(other.trainable_variables)
    refused(r'optimizer \(Adam\) does not have W\[1\] of the layer "it" \(Dense\)', one, adam)
    refused("the optimizer is a int; give one of keras.optimizers", one, 3)
    W, b = np.zeros((2, 2), "f4"), np.zeros(2, "f4")
    refused("1 gradients were given for the model's 2 trainable variables", one, None, [W])
    refused(
        r'have one of the shape \(2,\) for W\[1\] of the layer "it" \(Dense\), whose shape is \(2, 2\)',
        one,
        None,
        [b, W],
    )
    refused(r"have none for W\[1\]", one, None, [None, b])
    assert {"dW[1]", "db[1]", "W[1]", "b[1]"} == set(backproof.shown(one, None, (W, b)))


@group("keras")
def test_a_gradient_with_a_penalty_in_it_is_called_so(keras):
    penalty = keras.regularizers.L2(0.1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_regularizer=penalty)])
    shown = backproof.shown(model, None, [np.zeros((2, 1), "f4"), np.zeros(1, "f4")])
    assert {"g_W[1]", "db[1]", "W[1]", "b[1]"} == set(shown)


@group("keras")
def test_a_compiled_call_cannot_be_watched(keras):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    backproof.watch(model)
    assert {"W[1]", "b[1]"} == set(backproof.shown(model))
    model(keras.Input((2,)))
    assert {"W[1]", "b[1]"} == set(backproof.shown(model)), "a draft is no call"
    model.compile("sgd", "binary_crossentropy")
    model.fit(np.ones((3, 2), "f4"), np.ones((3, 1), "f4"), verbose=0)
    refused(r"the watched model is called inside a tf.function, .*run_eagerly=True", model)


@group("keras")
def test_a_watched_keras_model_is_described_and_copied_as_it_was(keras):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    x, config = np.ones((3, 2), "f4"), model.get_config()
    expected = model(x)
    backproof.watch(model)
    assert config == model.get_config()
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    assert np.array_equal(expected, model(x))
    assert np.array_equal(expected, again(x))


@group("keras")
def test_keras_layers_out_of_order_are_named_in_one_sentence(keras):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = keras.layers.Dense(2, name="one"), keras.layers.Dense(2, name="two")
            self.order = ["one", "two"]

        def call(self, x):
            for name in self.order:
                x = getattr(self, name)(x)
            return x

    model, x = Net(), np.ones((1, 2), "f4")
    model(x)
    backproof.watch(model)
    for order, says in {
        ("two", "one"): r'^the layer "two" \(Dense\) is called before the layer "one" \(Dense\), .*called$',
        ("one", "one"): r'^the layer "one" \(Dense\) is called twice in one pass, .*of its own$',
    }.items():
        model.order = list(order)
        with pytest.raises(UsageError, match=says):
            model(x)
