"""An experiment is one frozen value that hands everybody the same numbers."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons.errors import UsageError
from comparisons.experiment import (
    NAMED,
    Adam,
    Circles,
    Constant,
    Coupled,
    Decoupled,
    Experiment,
    Exponential,
    GlorotUniform,
    GradientDescent,
    HeUniform,
    InverseTime,
    Linear,
    Momentum,
    Nesterov,
    NoDecay,
    RMSprop,
)
from tests.units.own_experiments import bits, one_layer, own_start

ROOT = Path(__file__).parents[2]


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
    "decay": {"decay": Coupled(rate=1e-4)},
    "schedule": {"schedule": Linear()},
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


def test_what_moves_the_parameters_otherwise_has_another_digest():
    optimizers = [Momentum(), Nesterov(), RMSprop(), RMSprop(centered=True), RMSprop(rho=0.99)]
    decays = [Coupled(rate=1e-4), Decoupled(rate=1e-4), Decoupled(rate=1e-3)]
    schedules = [Exponential(rate=0.5), Exponential(rate=0.5, every=2), InverseTime(rate=0.5), Linear()]
    others = [Experiment(optimizer=optimizer) for optimizer in optimizers]
    others += [Experiment(decay=decay) for decay in decays] + [Experiment(schedule=schedule) for schedule in schedules]
    digests = {experiment.digest for experiment in (Experiment(), *others)}
    assert len(digests) == 1 + len(others)


def test_no_decay_and_a_constant_schedule_are_as_if_there_were_no_such_fields():
    explicitly = Experiment(decay=NoDecay(), schedule=Constant())
    assert explicitly.digest == Experiment().digest
    assert explicitly.digest != Experiment(decay=Coupled(rate=1e-300)).digest


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
