"""record runs a subject and keeps what it shows, step by step; a subject that goes wrong is told in one sentence."""

import json

import numpy as np
import pytest

from comparisons.agreement import check_comparable
from comparisons.certifying import certify
from comparisons.delivery import DeliveryError
from comparisons.errors import UsageError
from comparisons.implementations.registry import Implementation, load
from comparisons.recording import record
from comparisons.trace import load as load_trace
from comparisons.wording import reason_of
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


def takes_no_batch(experiment):
    yield from honest(experiment._experiment)


def ends_before_a_batch(experiment):
    yield experiment.initial()


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (
            trains_on_its_own_data,
            "train(experiment) yields again before it took a batch; loop over experiment.",
        ),
        (ends_before_a_batch, "train(experiment) ended before it took a batch; loop over experiment.batches()"),
        (takes_no_batch, "a yield before the first batch gives start values: it must show W[1], b[1], W[2], b[2]"),
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


def test_whoever_never_takes_a_batch_is_told_to_loop_over_them():
    with pytest.raises(DeliveryError, match=r"a step is shown after its batch: loop over experiment\.batches\(\)$"):
        record(takes_no_batch, small())


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


def diverges(experiment):
    for number, shown in enumerate(honest(experiment), 1):
        wrong = np.array([[1, np.inf], [np.nan, 1], [1, 1], [1, 1]], np.float32)
        yield shown if number < 9 else {**shown, "W[1]": wrong}


ENDINGS = {
    diverges: "step 9: W[1][0, 1] is inf; every number shown must be finite",
    forgets: "step 9 no longer shows A[0], A[1], A[2], A[3], A[4], A[5]",
    crashes: "it raised RuntimeError at test_recording.py:",
    stops_early: "there are 12 batches, but only 7 yields",
    goes_on: "there are 12 batches, but more yields than that",
}
EACH = pytest.mark.parametrize("subject", ENDINGS)
N_KEPT = {stops_early: 7, goes_on: 12}


@EACH
def test_the_steps_before_it_went_wrong_are_a_trace_that_says_how_it_ended(tmp_path, subject):
    with pytest.raises((RuntimeError, DeliveryError)) as raised:
        record(subject, small(), into=tmp_path / "x.trace")
    assert raised.value.recorded == tmp_path / "x.trace"
    head = json.loads((tmp_path / "x.trace" / "trace.json").read_text(encoding="utf-8"))
    n_kept = N_KEPT.get(subject, 8)
    assert (head["complete"], head["n_steps"]) == (False, n_kept)
    kept, whole = load_trace(tmp_path / "x.trace"), record(honest, small())
    assert kept.ended == head["ended"]
    assert kept.ended.startswith(ENDINGS[subject])
    assert kept.n_steps == n_kept
    assert all(np.array_equal(kept.values(name, n), whole.values(name, n)) for name in kept.shown for n in (1, n_kept))


@EACH
def test_in_memory_they_are_in_the_error(subject):
    with pytest.raises((RuntimeError, DeliveryError)) as raised:
        record(subject, small())
    assert raised.value.recorded.ended.startswith(ENDINGS[subject])
    assert raised.value.recorded.n_steps == N_KEPT.get(subject, 8)


@EACH
def test_what_was_before_is_certified_and_is_no_agreement(subject):
    certificate = certify(subject, small())
    assert certificate.verdict == "not compared"
    assert certificate.broken() == ()
    n_kept = N_KEPT.get(subject, 8)
    said = reason_of(certificate)
    assert said.startswith(f"the recording ended after step {n_kept} of 12: {ENDINGS[subject]}")
    assert said.endswith(f"; all {certificate.checked:,} numbers judged up to there lie inside their balls")
    whole = record(with_start if subject is crashes else honest, small())
    assert certificate.checked == certify(whole.part(1, n_kept)).checked
    assert said in repr(certificate)


def test_a_run_that_diverges_disagrees_from_its_first_wrong_step_on():
    def diverges_for_a_reason(experiment):
        for number, shown in enumerate(diverges(experiment), 1):
            yield shown if number != 3 else {**shown, "dW[2]": 2 * shown["dW[2]"]}

    certificate = certify(diverges_for_a_reason, small())
    assert certificate.verdict == "disagrees"
    assert certificate.row("dW[2]").first_broken == 3
    said = reason_of(certificate)
    assert "broken from step 3 on; the recording ended after step 8 of 12: step 9: W[1][0, 1] is inf" in said


def test_a_part_that_leaves_the_end_out_does_not_tell_of_it():
    with pytest.raises(DeliveryError) as raised:
        record(diverges, small())
    kept = raised.value.recorded
    assert (kept.part(1, 7).ended, kept.part(2, 8).ended) == ("", kept.ended)
    assert (certify(kept.part(1, 7)).verdict, certify(kept.part(2, 8)).verdict) == ("agrees", "not compared")


def test_a_run_that_ended_is_not_compared_with_a_whole_one():
    with pytest.raises(DeliveryError) as raised:
        record(goes_on, small())
    with pytest.raises(UsageError, match=r"the recording of goes_on ended after step 12 of 12: there are 12 batches"):
        check_comparable(record(honest, small()), raised.value.recorded)


def ends_at_once(experiment):
    yield from ()
    raise RuntimeError("out of luck")


@pytest.mark.parametrize("into", [None, "x.trace"])
def test_what_ends_it_before_the_first_step_passes_through(tmp_path, into):
    for what in (record, certify) if into is None else (record,):
        with pytest.raises(RuntimeError, match="out of luck"):
            what(ends_at_once, small(), **({} if into is None else {"into": tmp_path / into}))
    if into is not None:
        with pytest.raises(UsageError, match="has no step, since its recording ended before the first: it raised Runt"):
            load_trace(tmp_path / into)


def interrupted(at):
    """A subject that is interrupted at this step."""

    def train(experiment):
        for number, shown in enumerate(honest(experiment), 1):
            if number == at:
                raise KeyboardInterrupt
            yield shown

    return train


def test_ctrl_c_leaves_a_trace_of_the_steps_before_it_that_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record(interrupted(9), small(), into=tmp_path / "x.trace")
    trace = load_trace(tmp_path / "x.trace")
    assert (8, "it was interrupted", False) == (trace.n_steps, trace.ended, trace.is_whole)
    assert "not compared" == certify(trace).verdict


def test_ctrl_c_before_the_first_step_leaves_a_trace_that_is_incomplete(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record(interrupted(1), small(), into=tmp_path / "x.trace")
    with pytest.raises(UsageError, match="is incomplete: 0 of 12 steps were recorded; record it again"):
        load_trace(tmp_path / "x.trace")


def test_what_the_subject_raises_passes_through():
    with pytest.raises(RuntimeError, match="out of luck"):
        record(crashes, small())


def test_a_trace_says_with_what_it_was_made():
    about = record(honest, small()).about
    assert {"python", "versions", "platform", "processor", "threads"} <= set(about)
    assert about["versions"]["numpy"] == np.__version__
