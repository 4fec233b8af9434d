"""The article's claims hold of the article, and each is seen not to hold of an experiment of which it is false."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from comparisons.claims import CLAIMS, _kept_curves, measured
from comparisons.command.app import app
from comparisons.experiment import Adam, Circles, Constant, Experiment, FromFile, GradientDescent, InverseTime
from comparisons.implementations import registry
from comparisons.learning import train

BY_NAME = {claim.name: claim for claim in CLAIMS}
SMALL = Circles(n_train=100, n_test=0)


@pytest.fixture
def only_the_reference(monkeypatch):
    """C1 of the reference alone: the others are trained, and reach what they reach, in the suite of this folder."""
    monkeypatch.setattr(registry, "BUILT_IN", registry.BUILT_IN[:1])


def own_start(tmp_path, change):
    """The article, started from parameters of one's own."""
    parameters = {name: change(name, value.astype(np.float64)) for name, value in Experiment().initial().items()}
    path = tmp_path / "start.npz"
    np.savez(path, **parameters)
    return Experiment(start=FromFile(file=str(path)))


@pytest.mark.usefixtures("only_the_reference")
@pytest.mark.parametrize("name", list(BY_NAME))
def test_the_claim_holds_of_the_article(name):
    evidence = BY_NAME[name].measure(Experiment())
    assert evidence.holds, "\n".join(evidence.lines)
    assert evidence.lines


def after_one_epoch(tmp_path):
    return Experiment(epochs=1)


def sums_that_overflow(tmp_path):
    return own_start(tmp_path, lambda name, value: value * 1e38 if name.startswith("W") else value)


def relu_left_in(tmp_path):
    return Experiment(name="with ReLU", epochs=5)


def a_rate_too_small_to_move(tmp_path):
    return Experiment(optimizer=GradientDescent(learning_rate=1e-30), epochs=2)


def a_rate_a_thousand_times_too_small(tmp_path):
    return Experiment(optimizer=GradientDescent(learning_rate=1e-4), epochs=20)


def units_on_their_kinks(tmp_path):
    return own_start(tmp_path, lambda name, value: value * (name not in ("W[1]", "b[1]")))


def one_layer(tmp_path):
    return Experiment(layers=(1,), activations=("sigmoid",), optimizer=Adam(), data=SMALL)


FALSE_OF = {
    "C1": after_one_epoch,
    "C2": sums_that_overflow,
    "C3": relu_left_in,
    "C4": a_rate_too_small_to_move,
    "C5": a_rate_a_thousand_times_too_small,
    "C6": units_on_their_kinks,
    "C7": one_layer,
}


@pytest.mark.usefixtures("only_the_reference")
@pytest.mark.parametrize("name", list(FALSE_OF), ids=[f"{n}-{f.__name__}" for n, f in FALSE_OF.items()])
def test_the_claim_does_not_hold_of(name, tmp_path, capsys):
    experiment = FALSE_OF[name](tmp_path)
    ((_, evidence),) = measured([name], experiment)
    assert not evidence.holds, "\n".join(evidence.lines)

    file = tmp_path / "experiment.toml"
    file.write_text(experiment.to_toml(), encoding="utf-8")
    assert app(["claims", name, "--experiment", str(file)], result_action="return_value") == 1
    assert "does not hold" in capsys.readouterr().out


def test_every_claim_has_an_experiment_of_which_it_is_false():
    assert set(FALSE_OF) == set(BY_NAME)


@pytest.mark.parametrize("schedule", [Constant(), InverseTime(rate=0.5)], ids=lambda schedule: schedule.kind)
def test_curves_are_those_of_training_and_of_no_other_experiment(schedule):
    """C4 and C7 share what they train; what was kept of one experiment is not taken for another's."""
    experiment = Experiment(schedule=schedule, epochs=3, data=SMALL)
    others = [experiment.but(precision="float64"), experiment.but(seed=1), experiment.but(epochs=2)]
    seen = set()
    for one in (experiment, *others, experiment):
        history = train(one).history
        assert ([*history.loss], [*history.accuracy]) == tuple([*curve[1:]] for curve in _kept_curves(one))
        seen.add(_kept_curves(one))
    assert len(others) + 1 == len(seen)


def test_the_collapsed_layers_do_no_better_than_logistic_regression_as_others_fit_it():
    """scikit-learn's loss is the least that an affine map can have: the trained layers' loss is not below it."""
    experiment = Experiment(precision="float64", activations=("linear",) * 4 + ("sigmoid",), epochs=10)
    X, Y = experiment.train_set()
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X.T, Y[0])
    a = fitted.predict_proba(X.T)[:, 1]
    least = -(Y[0] * np.log(a) + (1 - Y[0]) * np.log(1 - a)).mean()
    slope = (X @ (a - Y[0])) / len(a)  # what is left of the gradient: by convexity no affine map is lower by more
    W, b, history = train(experiment)
    reach = sum(np.abs(w).sum() for w in W.values()) + sum(np.abs(v).sum() for v in b.values())
    assert history.loss[-1] >= least - np.abs(slope).max() * reach
