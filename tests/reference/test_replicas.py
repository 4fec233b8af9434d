"""Equal equations of different parameters, evaluated as one for all replicas, move each replica as one by one."""

import numpy as np
import pytest

from comparisons.accuracy import ACCURACY
from comparisons.composed import given_by, network_of
from reference.alphabet import Array
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import before, now
from reference.replicas import Moves, Replicas, Together, train_replicas
from reference.running import evaluate
from tests.small import small

N = 5


def one_by_one(network, start, given, accuracy):
    """The plain thing: the interpreter on replicas."""
    moves, dtype = Moves(accuracy, 0), np.result_type(*start.values())

    def alike(value: Array) -> Replicas:
        return Replicas(np.broadcast_to(value, (N, *np.shape(value))).astype(dtype), moves)

    state = {name: alike(np.full(network.shapes[name], value)) for name, value in network.start.items()}
    state |= {name: alike(value) for name, value in start.items()}
    for step in given:
        values = {now(name): value for name, value in step.items()}
        values |= {before(name): state[name] for name in network.remembered}
        evaluate(network.equations, values)
        state = {name: values[now(name)] for name in network.remembered}
        yield {name: values[now(name)].values for name in ("J", *network.parameters)}


@pytest.mark.parametrize("names", [(), ("epsilon-hat",), ("first-moment-lerp", "gradient-through-logits")], ids=str)
@pytest.mark.parametrize("optimizer", ["adam", "gradient-descent"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_they_are_the_same_bit_for_bit(precision, optimizer, names):
    experiment = small(precision, optimizer)
    network = network_of(experiment)
    forms = [form for form in DIALECTS if form.name in names]
    if optimizer == "adam":
        network = in_form(network, *forms)
    accuracy = {name: getattr(row, precision) for name, row in ACCURACY.items()}
    expected = one_by_one(network, experiment.initial(), given_by(experiment), accuracy)
    found = train_replicas(network, experiment.initial(), given_by(experiment), N, accuracy)
    for one, other in zip(expected, found, strict=True):
        assert {name: value.tobytes() for name, value in one.items()} == {
            name: value.tobytes() for name, value in other.items()
        }


def test_a_state_that_is_not_handed_on_is_noticed(monkeypatch):
    experiment = small()
    network, accuracy = network_of(experiment), {name: row.float32 for name, row in ACCURACY.items()}
    assert Together(network, network.parameters).given  # parameters and slots lie side by side from step to step
    first = {}

    def forgetful(self, values):
        first.setdefault("after", after(self, values))
        return first["after"]

    after = Together.after
    expected = list(train_replicas(network, experiment.initial(), given_by(experiment), N, accuracy))
    monkeypatch.setattr(Together, "after", forgetful)
    found = list(train_replicas(network, experiment.initial(), given_by(experiment), N, accuracy))
    assert [step["J"].tobytes() for step in found] != [step["J"].tobytes() for step in expected]
