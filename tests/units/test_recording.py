"""record runs a subject and keeps what it shows, step by step; a subject that goes wrong is told in one sentence."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from comparisons.certifying import certify
from comparisons.delivery import DeliveryError
from comparisons.errors import UsageError
from comparisons.implementations.registry import Implementation, load
from comparisons.recording import record
from comparisons.trace import load as load_trace
from tests.controls.plain_network import PlainNetwork, honest
from tests.small import small
from tests.units import subject_in_rows


def with_start(experiment):
    yield experiment.initial()
    yield from honest(experiment)


# How many yields -----------------------------------------------------------------------------------------------------


def stops_early(experiment):
    for number, shown in enumerate(honest(experiment), 1):
        yield shown
        if number == 7:
            return


def goes_on(experiment):
    for shown in honest(experiment):
        yield shown
    yield shown


def yields_nothing(experiment):
    for _ in honest(experiment):
        pass
    yield from ()


def returns_a_list(experiment):
    return list(honest(experiment))


def trains_on_its_own_data(experiment):
    while True:
        yield experiment.initial()


def yields_twice(experiment):
    for shown in honest(experiment):
        yield shown
        yield {name: array.copy() for name, array in shown.items()}


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (stops_early, "there are 12 batches, but only 7 yields; go through all of experiment.batches() and yield once"),
        (goes_on, "there are 12 batches, but more yields than that; yield once after every batch"),
        (yields_nothing, "there are 12 batches, but only 0 yields; go through all of experiment.batches()"),
        (returns_a_list, "train(experiment) returned list; it must yield after every step"),
    ],
)
def test_too_few_or_too_many_yields_get_one_sentence(subject, message):
    with pytest.raises(DeliveryError) as refused:
        record(subject, small())
    assert str(refused.value).startswith(message)
    assert len(str(refused.value).splitlines()) == 1


def test_a_step_that_is_yielded_twice_is_noticed_where_the_batch_has_another_size():
    with pytest.raises(DeliveryError, match=r"step 3: A\[0\] has the shape \(2, 16\), but .* it is \(2, 8\)"):
        record(yields_twice, small())


# Start values --------------------------------------------------------------------------------------------------------


def test_a_yield_before_the_first_batch_gives_start_values():
    trace = record(with_start, small())
    assert trace.start_shown
    assert trace.n_steps == 12
    assert all(np.array_equal(trace.start[name], value) for name, value in small().initial().items())


def test_without_one_the_experiments_are_taken():
    trace = record(honest, small())
    assert not trace.start_shown
    assert all(np.array_equal(trace.start[name], value) for name, value in small().initial().items())


def starts_elsewhere(experiment):
    network = PlainNetwork(experiment)
    network.W[3] = network.W[3] + np.float32(0.125)
    yield {f"{letter}[{l}]": getattr(network, letter)[l] for l in network.layers for letter in "Wb"}
    yield from network.train()


def test_start_values_that_are_not_the_experiments_are_broken_at_step_0_alone():
    certificate = certify(record(starts_elsewhere, small()))
    assert certificate.broken() == ("W[3]",)
    row = certificate.row("W[3]")
    assert (row.first_broken, row.n_broken_steps, row.step) == (0, 1, 0)
    assert row.equation == "the experiment's start value"


def starts_elsewhere_and_moves_twice(experiment):
    last = None
    for shown in starts_elsewhere(experiment):
        yield shown if last is None else {**shown, "W[3]": 2 * shown["W[3]"] - last}
        last = shown["W[3]"]


def test_a_wrong_start_is_told_before_the_steps_that_are_wrong_as_well():
    row = certify(record(starts_elsewhere_and_moves_twice, small()), forms=()).row("W[3]")
    assert (row.first_broken, row.n_broken_steps) == (0, 13)
    assert (row.step, row.equation) == (0, "the experiment's start value")


def starts_with_more(experiment):
    yield {**experiment.initial(), "J": np.float32(0)}
    yield from honest(experiment)


def test_start_values_are_parameters_and_nothing_else():
    with pytest.raises(DeliveryError, match="a yield before the first batch gives start values: it must show"):
        record(starts_with_more, small())


# The experiment that it is given -------------------------------------------------------------------------------------


def test_a_subject_sees_the_experiment_as_it_is():
    seen = {}

    def train(experiment):
        seen.update({name: getattr(experiment, name) for name in ("layers", "dtype", "epochs", "optimizer", "sizes")})
        yield from honest(experiment)

    experiment = small()
    record(train, experiment)
    assert seen == {name: getattr(experiment, name) for name in seen}


def test_progress_is_told_of_every_step():
    steps = []
    record(honest, small(), progress=lambda number, shown: steps.append((number, shown["J"].item())))
    trace = record(honest, small())
    assert steps == [(step, trace.values("J", step).item()) for step in range(1, 13)]


# Names and layouts ---------------------------------------------------------------------------------------------------


def one_layer():
    return small(layers=(1,), activations=("sigmoid",), optimizer="gradient-descent")


def test_a_trace_is_called_after_its_subject_or_as_it_is_told():
    assert record(honest, small()).implementation == "honest"
    assert record(honest, small(), name="mine").implementation == "mine"


def test_the_layout_is_the_subjects_modules():
    assert certify(record(subject_in_rows.train, one_layer())).verdict == "agrees"


def test_a_layout_that_is_told_goes_first():
    def in_columns(experiment):
        for shown in subject_in_rows.train(experiment):
            yield {name: array.T for name, array in shown.items()}

    assert certify(record(in_columns, one_layer())).verdict == "agrees"
    with pytest.raises(DeliveryError, match=r"has the shape \(1, 2\), but in the layout \"rows\" it is \(2, 1\)"):
        record(
            lambda experiment: ({"W[1]": shown["W[1]"]} for shown in in_columns(experiment)), one_layer(), layout="rows"
        )
    with pytest.raises(DeliveryError, match='but in the layout "columns" it is'):
        record(subject_in_rows.train, one_layer(), layout="columns")


def test_a_file_gives_its_function_and_its_layout():
    subject, layout = load(Implementation("mine", f"{subject_in_rows.__file__}:train"))
    assert layout == "rows"
    assert certify(record(subject, one_layer(), layout=layout)).verdict == "agrees"


# Going wrong on the way ----------------------------------------------------------------------------------------------


def crashes(experiment):
    for number, shown in enumerate(with_start(experiment)):
        if number == 9:
            raise RuntimeError("out of luck")
        yield shown


def forgets(experiment):
    for number, shown in enumerate(honest(experiment), 1):
        yield shown if number < 9 else {"J": shown["J"]}


@pytest.mark.parametrize(("subject", "error"), [(crashes, RuntimeError), (forgets, DeliveryError)])
def test_the_steps_before_it_went_wrong_are_kept_and_said_to_be_incomplete(tmp_path, subject, error):
    with pytest.raises(error):
        record(subject, small(), into=tmp_path / "x.trace")
    head = json.loads((tmp_path / "x.trace" / "trace.json").read_text(encoding="utf-8"))
    assert (head["complete"], head["n_steps"]) == (False, 8)
    kept, whole = load_file(tmp_path / "x.trace" / "000000.safetensors"), record(honest, small())
    assert np.array_equal(kept["W[2]"], whole.shown["W[2]"][:8])
    with pytest.raises(UsageError, match="is incomplete: 8 of 12 steps were recorded; record it again"):
        load_trace(tmp_path / "x.trace")


def test_what_the_subject_raises_passes_through():
    with pytest.raises(RuntimeError, match="out of luck"):
        record(crashes, small())


def test_a_trace_says_with_what_it_was_made():
    about = record(honest, small()).about
    assert {"python", "versions", "platform", "processor", "threads"} <= set(about)
    assert about["versions"]["numpy"] == np.__version__
