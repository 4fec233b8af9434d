"""What training leaves behind: W and b by layer, and the history of loss and accuracy."""

import numpy as np
import pytest

from comparisons.balls import Ball
from comparisons.composed import network_of
from comparisons.experiment import Adam, Circles, Experiment, GradientDescent, InverseTime
from comparisons.learning import train as learn_experiment
from comparisons.precisions import PRECISIONS
from reference.article import network
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.learned import behind, learn, loss_and_accuracy, n_layers, output_of, predict
from reference.network import before, now
from reference.running import batches_given, evaluate, train

SMALL = network((2, 3, 1), ("tanh", "sigmoid"), optimizer="gradient-descent")
PRECISION_NAMES = pytest.mark.parametrize("dtype", ["float32", "float64"])


class Task:
    """A few examples, three batches an epoch."""

    def __init__(self, n_epochs=2, steps_per_epoch=3, with_test=True, dtype="float64"):
        self.n_steps, self.steps_per_epoch, self.with_test, self.dtype = n_epochs * 3, steps_per_epoch, with_test, dtype

    def initial(self):
        rng = np.random.default_rng(0)
        return {name: rng.normal(size=SMALL.shape(name, 1)).astype(self.dtype) for name in sorted(SMALL.parameters)}

    def batches(self):
        X, Y = self.train_set()
        for step in range(self.n_steps):
            yield X[:, step % 3 :: 3], Y[:, step % 3 :: 3]

    def train_set(self):
        X = np.random.default_rng(1).normal(size=(2, 10)).astype(self.dtype)
        return X, (X[:1] > 0).astype(self.dtype)

    def test_set(self):
        X = np.random.default_rng(2).normal(size=(2, 7)).astype(self.dtype)
        return (X, (X[:1] > 0).astype(self.dtype)) if self.with_test else None


def test_what_is_learned_is_what_training_left():
    task = Task()
    last = list(train(SMALL, task.initial(), batches_given(task.batches(), 0.5)))[-1]
    W, b, _ = learn(SMALL, task, 0.5)
    assert list(W) == list(b) == [1, 2]
    for layer in (1, 2):
        assert np.array_equal(W[layer], last[f"W[{layer}]"])
        assert np.array_equal(b[layer], last[f"b[{layer}]"])
    other, _, _ = learn(SMALL, task, 0.25)
    assert not np.array_equal(W[1], other[1])


def test_an_experiment_is_learned_at_the_rate_of_each_step():
    constant = Experiment(epochs=2, data=Circles(n_train=40, n_test=0))
    falling = constant.but(schedule=InverseTime(rate=0.5))
    found = []
    for experiment in (constant, falling):
        given = batches_given(experiment.batches(), experiment.learning_rates())
        *_, last = train(network_of(experiment), experiment.initial(), given)
        found.append(learn_experiment(experiment).W[1])
        assert np.array_equal(last["W[1]"], found[-1])
    assert not np.array_equal(*found)


def test_there_is_a_rate_for_each_step():
    with pytest.raises(ValueError, match="shorter"):
        learn(SMALL, Task(n_epochs=1), [0.5, 0.5])


def test_the_history_has_the_whole_training_set_after_each_epoch():
    task = Task(n_epochs=4)
    steps = list(train(SMALL, task.initial(), batches_given(task.batches(), 0.5)))
    history = learn(SMALL, task, 0.5).history
    assert history.loss.shape == history.accuracy.shape == history.test_accuracy.shape == (4,)
    for epoch in range(4):
        values = steps[3 * epoch + 2]
        expected = loss_and_accuracy(SMALL, values, *task.train_set())
        assert (history.loss[epoch], history.accuracy[epoch]) == expected
        assert history.test_accuracy[epoch] == loss_and_accuracy(SMALL, values, *task.test_set())[1]
        assert history.loss[epoch] != steps[3 * epoch + 2]["J"]  # the batch's loss, before the step
        assert history.loss[epoch] != loss_and_accuracy(SMALL, steps[3 * epoch + 1], *task.train_set())[0]


def test_the_running_history_is_the_mean_of_the_batches_before_their_updates_weighted_by_their_examples():
    task = Task(n_epochs=4)
    steps = list(train(SMALL, task.initial(), batches_given(task.batches(), 0.5)))
    history = learn(SMALL, task, 0.5).history
    for epoch in range(4):
        of_epoch = steps[3 * epoch : 3 * epoch + 3]
        losses, sizes = [values["J"].item() for values in of_epoch], [values["Y"].shape[1] for values in of_epoch]
        assert sizes == [4, 3, 3]
        expected = sum(m * J for m, J in zip(sizes, losses, strict=True)) / 10
        n_roundings = 2 * len(sizes) + 1  # products, sums and the quotient, in either order
        assert abs(history.running_loss[epoch] - expected) <= 2 * n_roundings * 2.0**-53 * expected
        assert abs(history.running_loss[epoch] - np.mean(losses)) > 2 * n_roundings * 2.0**-53 * expected
        right = [np.sum((values["A[2]"] > 0.5) == (values["Y"] > 0.5)) for values in of_epoch]
        assert np.rint(10 * history.running_accuracy[epoch]) == sum(right)
    assert set(history.running_loss.tolist()).isdisjoint(history.loss.tolist())


def test_without_a_test_set_there_is_no_test_accuracy():
    assert learn(SMALL, Task(with_test=False), 0.5).history.test_accuracy is None
    assert learn(SMALL, Task(), 0.5).history.test_accuracy is not None


def test_an_epoch_that_is_not_whole_is_learned_from_and_leaves_no_note():
    task = Task(steps_per_epoch=4)  # six steps: one epoch and a half
    W, _, history = learn(SMALL, task, 0.5)
    last = list(train(SMALL, task.initial(), batches_given(task.batches(), 0.5)))[-1]
    assert np.array_equal(W[2], last["W[2]"])
    assert history.loss.shape == (1,)


def test_no_batches_are_refused():
    with pytest.raises(ValueError, match="no batches to learn from; give one at least"):
        learn(SMALL, Task(n_epochs=0), 0.5)


@PRECISION_NAMES
def test_what_is_learned_has_the_precision_of_the_start_values(dtype):
    W, b, history = learn(SMALL, Task(dtype=dtype), 0.5)
    assert {array.dtype.name for array in (*W.values(), *b.values(), history.loss)} == {dtype}


# The forward pass alone -----------------------------------------------------------------------------------------------


def test_a_prediction_is_the_output_of_the_networks_own_equations():
    task = Task()
    X, Y = task.train_set()
    parameters = task.initial()
    step = next(train(SMALL, parameters, batches_given([(X, Y)], 0.5)))
    assert np.array_equal(predict(SMALL, parameters, X), step["A[2]"])
    loss, _ = loss_and_accuracy(SMALL, parameters, X, Y)
    assert loss == step["J"].item()


@PRECISION_NAMES
def test_a_stack_of_parameters_predicts_as_each_of_them_alone(dtype):
    # A product of stacks may add in another order: the numbers of each lie in the ball of each alone.
    task = Task(dtype=dtype)
    X, Y = task.train_set()
    steps = list(train(SMALL, task.initial(), batches_given(task.batches(), 0.5)))
    stack = {name: np.stack([step[name] for step in steps]) for name in SMALL.parameters}
    A = predict(SMALL, stack, X)
    loss, accuracy = loss_and_accuracy(SMALL, stack, X, Y)
    assert (A.shape, loss.shape, accuracy.shape) == ((6, 1, 10), (6,), (6,))
    assert A.dtype == loss.dtype == dtype
    for number, step in enumerate(steps):
        check_prediction(A[number], loss[number], step, X, Y, dtype)
        assert accuracy[number] == np.mean((A[number] > 0.5) == (Y > 0.5))
    with pytest.raises(AssertionError):
        check_prediction(A[0], loss[0], steps[1], X, Y, dtype)


def check_prediction(A, loss, parameters, X, Y, dtype):
    """A[L] and J lie in their balls from these parameters, with everything between hidden."""
    values = {now("A[0]"): X, now("Y"): Y} | {before(name): parameters[name] for name in SMALL.parameters}
    balls = {ref: Ball.recorded(value, PRECISIONS[dtype]) for ref, value in values.items()}
    evaluate(behind(SMALL, ["J"]), balls)
    for actual, ball in ((A, balls[now("A[2]")]), (loss, balls[now("J")])):
        assert (np.abs(actual - ball.mid) <= ball.radius).all()


def with_output(*Z):
    """A network of one neuron whose Z is its input, and these inputs."""
    one = network((1, 1), ("sigmoid",), optimizer="gradient-descent")
    return one, {"W[1]": np.ones((1, 1)), "b[1]": np.zeros((1, 1))}, np.array([Z], np.float64)


def test_accuracy_is_the_part_on_the_right_side_of_one_half_and_one_half_itself_is_class_zero():
    one, parameters, X = with_output(-2.0, 0.0, 0.0, 3.0)
    assert predict(one, parameters, X)[0, 1] == 0.5
    for labels, expected in [((0, 0, 0, 1), 1), ((0, 1, 0, 1), 3 / 4), ((1, 1, 1, 0), 0)]:
        assert loss_and_accuracy(one, parameters, X, np.array([labels], np.float64))[1] == expected


def test_an_output_that_is_no_number_is_never_right():
    one, parameters, X = with_output(np.nan, np.nan)
    loss, accuracy = loss_and_accuracy(one, parameters, X, np.array([[0.0, 1.0]]))
    assert accuracy == 0
    assert np.isnan(loss)


def test_the_loss_is_the_one_of_the_networks_form():
    through_logits = in_form(SMALL, *(form for form in DIALECTS if form.name == "loss-through-logits"))
    task = Task()
    X, Y = task.train_set()
    saturated = {name: 1e4 * value for name, value in task.initial().items()}
    assert loss_and_accuracy(SMALL, saturated, X, Y)[0] == np.inf
    assert np.isfinite(loss_and_accuracy(through_logits, saturated, X, Y)[0])


def test_only_what_a_quantity_depends_on_is_computed():
    assert [e.defines for e in behind(SMALL, ["A[2]"])] == ["Z[1]", "A[1]", "Z[2]", "A[2]"]
    assert [e.defines for e in behind(SMALL, ["A[1]"])] == ["Z[1]", "A[1]"]
    assert [e.defines for e in behind(SMALL, ["J", "A[2]"])] == ["Z[1]", "A[1]", "Z[2]", "A[2]", "J"]
    with pytest.raises(KeyError, match=r"A\[9\]"):
        behind(SMALL, ["A[9]"])


def test_the_output_is_the_last_layers():
    assert (n_layers(SMALL), output_of(SMALL)) == (2, "A[2]")
    assert (n_layers(network()), output_of(network())) == (5, "A[5]")


# An experiment --------------------------------------------------------------------------------------------------------

BRIEF = Experiment(epochs=2, data=Circles(n_train=40, n_test=10))


@pytest.mark.parametrize("optimizer", [Adam(), GradientDescent()], ids=["adam", "gradient-descent"])
def test_an_experiment_is_learned_with_its_own_network_batches_and_rate(optimizer):
    experiment = BRIEF.but(optimizer=optimizer, precision="float64")
    constants = optimizer.model_dump(exclude={"kind", "learning_rate"})
    composed = network(experiment.sizes, experiment.activations, experiment.loss, optimizer.kind, **constants)
    given = batches_given(experiment.batches(), optimizer.learning_rate)
    last = list(train(composed, experiment.initial(), given))[-1]
    W, b, history = learn_experiment(experiment)
    assert list(W) == [1, 2, 3, 4, 5]
    assert all(np.array_equal(W[layer], last[f"W[{layer}]"]) for layer in W)
    assert all(np.array_equal(b[layer], last[f"b[{layer}]"]) for layer in b)
    assert len(history.loss) == len(history.test_accuracy) == 2


def test_an_experiment_without_a_test_set_has_no_test_accuracy():
    assert learn_experiment(BRIEF.but(data=Circles(n_train=40, n_test=0))).history.test_accuracy is None


def test_the_articles_experiment_is_learned_by_default_to_near_100_percent():
    W, _, history = learn_experiment()
    assert W[1].dtype == np.float32
    assert len(history.loss) == 50
    assert history.loss[-1] < history.loss[0]
    assert history.accuracy[-1] >= 0.99  # what the article says, and the main job promises for the default seed
    assert history.test_accuracy[-1] >= 0.99
