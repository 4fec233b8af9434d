"""Whole runs: drift by replicas, agreement of two free runs, what explains their difference, and histories."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from comparisons.agreement import check_comparable, compared, differences
from comparisons.causes import explain
from comparisons.composed import network_of
from comparisons.curves import curves_of, final
from comparisons.drift import CANCELS, LOSS_SPREAD, SIZE, SPREAD, drift_of, flat, replicas_of, spread_and_largest
from comparisons.errors import UsageError
from comparisons.experiment import Circles, Experiment
from comparisons.implementations import numpy_reference
from comparisons.placing import closest_forms, placed, score_of
from comparisons.precisions import PRECISIONS
from comparisons.recording import record
from comparisons.references import References
from comparisons.series import Series
from comparisons.whole_runs import whole_runs
from comparisons.wording import explanation_text
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.running import train

SMALL = Experiment(data=Circles(n_train=60, n_test=20), epochs=3, batch_size=16)
FORM = {form.name: form for form in DIALECTS}
KERAS = tuple(form for form in DIALECTS if form.name in ("powers-in-precision", "epsilon-hat"))


def in_forms(forms):
    """An implementation: the reference in these forms, showing everything."""

    def subject(experiment):
        from comparisons.composed import given_by, network_of

        network = in_form(network_of(experiment), *forms)
        for values in train(network, experiment.initial(), given_by(experiment)):
            yield {name: value for name, value in values.items() if network.shapes[name]}

    return subject


@pytest.fixture(scope="module", params=["float32", "float64"])
def experiment(request):
    return SMALL.but(precision=request.param)


@pytest.fixture(scope="module")
def textbook(experiment):
    return record(in_forms(()), experiment, name="textbook")


@pytest.fixture(scope="module")
def keras_like(experiment):
    return record(in_forms(KERAS), experiment, name="keras-like")


@pytest.fixture(scope="module")
def drift(experiment):
    return drift_of(experiment, (), n=8)


def test_replicas_are_apart_by_rounding_alone(drift, experiment):
    unit = np.finfo(experiment.dtype).eps
    apart = of_all_steps(drift.apart)
    spread = apart[:, SPREAD] / apart[:, SIZE]
    assert (spread[1:] > 0).all()
    assert spread[0] < 100 * unit


def test_a_seed_gives_the_same_replicas_and_another_seed_others(experiment, drift):
    again = drift_of(experiment, (), n=8)
    other = drift_of(experiment, (), n=8, seed=1)
    assert bits_of(again) == bits_of(drift)
    assert bits_of(other)["means"] != bits_of(drift)["means"]


def test_how_many_steps_are_looked_at_together_changes_no_bit(experiment, drift, monkeypatch):
    for n_numbers in (1, 2**13):
        monkeypatch.setattr("comparisons.drift.N_AT_ONCE", n_numbers)
        monkeypatch.setattr("comparisons.series.N_AT_ONCE", n_numbers)
        monkeypatch.setattr("comparisons.portions.N_AT_ONCE", n_numbers)
        again = drift_of(experiment, (), n=8)
        assert bits_of(again) == bits_of(drift)
        assert (again.doublings, again.horizon) == (drift.doublings, drift.horizon)


def test_a_replica_is_scored_by_its_largest_distance_from_the_others_in_their_spreads(experiment, drift):
    network = network_of(experiment)
    runs = flat(list(replicas_of(experiment, network, 8, 0)), network.parameters, 8)  # all steps at once
    assert np.array_equal(of_all_steps(drift.means), runs.mean(axis=1))
    for number, score in enumerate(drift.scores):
        run, others = runs[:, number], np.delete(runs, number, axis=1)
        mean = (runs.sum(axis=1) - run) / 7
        spread = np.sqrt(((others - mean[:, None]) ** 2).sum(axis=2).mean(axis=1))
        least = PRECISIONS[experiment.precision].unit * np.sqrt((mean**2).sum(axis=1))
        distances = np.sqrt(((run - mean) ** 2).sum(axis=1)) / np.maximum(spread, least)
        assert score == distances.max() > distances.min()


@pytest.mark.parametrize("size", [1.0, 1e5], ids=["alike", "one is out by far"])
def test_the_others_spread_is_what_all_others_give(size, monkeypatch):
    n_steps, n, n_numbers = 4, 8, 20
    runs = 1 + 1e-6 * np.random.default_rng(0).normal(size=(n_steps, n, n_numbers))
    runs[:, 3] = 1 + size * (runs[:, 3] - 1)
    expected, total = np.empty((n_steps, n)), runs.sum(axis=1)
    for number in range(n):
        others, mean = np.delete(runs, number, axis=1), (total - runs[:, number]) / (n - 1)
        spread = np.sqrt(((others - mean[:, None]) ** 2).sum(axis=2).mean(axis=1))
        expected[:, number] = np.sqrt(((runs[:, number] - mean) ** 2).sum(axis=1)) / spread

    # Sums of n · n_numbers terms, each rounded a few times, of which at least one part in CANCELS is left.
    bound = 8 * CANCELS * n * n_numbers * np.finfo(np.float64).eps

    def are_found():
        largest = spread_and_largest(runs, total, total / n, 0.0)[1]
        return (np.abs(largest / expected.max(axis=0) - 1) <= bound).all()

    assert are_found()
    monkeypatch.setattr("comparisons.drift.CANCELS", np.inf)
    assert are_found() == (size == 1.0)


def test_the_false_alarm_rate_is_one_in_replicas_plus_one(drift):
    assert drift.false_alarm_rate == 1 / 9


def test_the_reference_itself_is_not_parted(textbook, drift):
    score = score_of(textbook, drift)
    assert score.loss_difference == 0
    without = score_of(textbook.hiding("J"), drift)  # then the loss after each epoch, from the weights
    assert without.loss_difference == 0
    moved = replace(drift, reference_loss_after_epochs=drift.reference_loss_after_epochs * (1 + 1e-9))
    assert score_of(textbook.hiding("J"), moved).loss_difference > 0
    assert score.rank <= drift.n_replicas


def test_another_form_is_parted_at_its_first_step(keras_like, drift):
    score = score_of(keras_like, drift)
    assert score.parted_at == 1
    assert score.rank == drift.n_replicas


def test_a_run_that_hides_a_weight_has_no_score(textbook, drift):
    assert score_of(textbook.hiding("W[2]"), drift) is None


def test_the_horizon_is_where_the_losses_spread_is_as_large_as_the_loss(drift):
    apart = of_all_steps(drift.apart)
    assert drift.horizon > len(apart)
    apart[4:, LOSS_SPREAD] = 1.0
    assert replace(drift, apart=series(apart)).horizon == 5.0


def test_without_growth_there_is_no_horizon(drift):
    apart = of_all_steps(drift.apart)
    apart[:, SPREAD] = 0.0
    still = replace(drift, apart=series(apart))
    assert (still.doublings, still.horizon) == (0.0, math.inf)
    apart[:, SPREAD] = apart[:, SIZE] * 2.0 ** np.arange(len(apart))
    assert replace(drift, apart=series(apart)).doublings == 100.0


def series(numbers):
    """A series of these."""
    made = Series(numbers.shape[1])
    made.add(numbers)
    return made


def of_all_steps(kept):
    """All of a series."""
    return kept.read(1, kept.n_steps).copy()


def bits_of(drift):
    """All that it holds, to the last bit."""
    found = {field.name: getattr(drift, field.name) for field in fields(drift)}
    return {name: of_all_steps(value).tobytes() if isinstance(value, Series) else value.tobytes()
            if isinstance(value, np.ndarray) else value for name, value in found.items()}  # fmt: skip


def compared_in(one, forms, other, other_forms):
    """Two runs compared, each scored among replicas in these forms."""
    scores = [score_of(run, drift_of(run.experiment, its, n=8)) for run, its in ((one, forms), (other, other_forms))]
    return compared(one, other, *scores)


def test_equal_runs_have_no_differences(textbook):
    assert all(gap.absolute == gap.relative == gap.ulps == 0 for gap in differences(textbook, textbook))


def test_a_difference_is_told_with_its_step_and_index(textbook):
    W = np.array(textbook.shown["W[2]"])
    W[4, 1, 2] *= 1.5
    changed = type(textbook)(textbook.experiment, "changed", {**textbook.shown, "W[2]": W}, textbook.start)
    gaps = {gap.quantity: gap for gap in differences(textbook, changed)}
    assert (gaps["W[2]"].step, gaps["W[2]"].index) == (5, (1, 2))
    assert abs(gaps["W[2]"].relative - 1 / 3) <= np.finfo(W.dtype).eps  # a third of the larger, which was rounded
    assert all(gap.absolute == 0 for name, gap in gaps.items() if name != "W[2]")


def test_a_number_that_is_none_is_infinitely_different(textbook):
    W = np.array(textbook.shown["W[2]"])
    W[4, 1, 2] = np.nan
    changed = type(textbook)(textbook.experiment, "changed", {**textbook.shown, "W[2]": W}, textbook.start)
    (gap,) = [gap for gap in differences(textbook, changed) if gap.quantity == "W[2]"]
    assert (gap.absolute, gap.relative, gap.ulps, gap.step, gap.index) == (math.inf, math.inf, math.inf, 5, (1, 2))


def test_runs_of_other_experiments_are_refused(textbook):
    other = record(in_forms(()), textbook.experiment.but(seed=1), name="other")
    with pytest.raises(UsageError, match="different experiments"):
        check_comparable(textbook, other)


def test_runs_in_two_precisions_are_refused():
    one, other = (record(in_forms(()), SMALL.but(precision=p), name=p) for p in ("float32", "float64"))
    with pytest.raises(UsageError, match="one precision"):
        check_comparable(one, other)


def test_two_runs_in_one_form_stay_together(textbook):
    agreement = compared_in(textbook, (), textbook, ())
    assert agreement.verdict == "together"
    with pytest.raises(TypeError, match="no truth value"):
        bool(agreement)


def test_runs_in_two_dialects_part_as_their_forms_predict(textbook, keras_like):
    assert compared_in(textbook, (), keras_like, KERAS).verdict == "explained"


def test_a_run_in_a_form_that_is_not_its_own_is_parted(textbook, keras_like):
    agreement = compared_in(textbook, (), keras_like, ())
    assert agreement.verdict == "parted"
    assert agreement.parted_at == 1


def test_a_run_that_hides_its_weights_cannot_be_told(textbook):
    assert compared_in(textbook, (), textbook.hiding("b[1]"), ()).verdict == "cannot tell"


def test_the_difference_of_two_dialects_is_explained_to_rounding(textbook, keras_like):
    found = explain(textbook, (), keras_like, KERAS)
    assert found.largest_unexplained <= found.by_rounding < found.largest_measured
    assert "and nothing else" in explanation_text(found)
    assert {cause.choice for cause in found.causes} == {form.choice for form in KERAS}


def test_a_wrong_explanation_leaves_the_difference_over(textbook, keras_like):
    found = explain(textbook, (), keras_like, KERAS[:1])
    assert found.largest_unexplained > found.by_rounding
    assert "and nothing else" not in explanation_text(found)


def test_where_forms_are_not_told_apart_the_closest_is_taken(experiment):
    forms = (FORM["first-moment-lerp"],)
    trace = record(in_forms(forms), experiment, name="lerp")
    alike = {"how the first moment is averaged": ("textbook", "first-moment-lerp")}
    assert closest_forms(trace, (), alike, References(experiment)) == forms


def test_first_steps_too_large_to_keep_say_the_same(experiment, monkeypatch):
    forms = (FORM["first-moment-lerp"],)
    references = References(experiment)
    kept = [list(references.first_steps(forms)) for _ in range(2)]
    assert len(references._first) == 1
    monkeypatch.setattr("comparisons.references.N_KEPT", 1)
    again = References(experiment)
    assert np.array_equal(list(again.first_steps(forms)), kept[0])
    assert np.array_equal(list(again.first_steps(forms)), kept[1])
    assert not again._first
    assert not np.array_equal(list(again.first_steps(())), kept[0])


def test_first_steps_learnt_side_by_side_are_those_of_each_alone(experiment):
    sets = [(), KERAS, (FORM["first-moment-lerp"],), (FORM["clamped-logarithm"],)]
    apart, together = References(experiment), References(experiment)
    together.learn_first_steps(sets)
    assert len(together._first) == 3, "a form of the loss alone changes no parameter"
    for forms in sets:
        assert np.array_equal(list(together.first_steps(forms)), list(apart.first_steps(forms)))
    assert not np.array_equal(list(together.first_steps(())), list(together.first_steps(KERAS)))


def test_a_run_that_parts_is_placed_in_a_form_that_was_left_open_and_explains_it(keras_like):
    def place(names, open_, references):
        return placed([(keras_like, names, open_)], references)[0]

    alike = {"where Adam's epsilon joins": ("textbook", "epsilon-hat")}
    references = References(keras_like.experiment)
    assert place([form.name for form in KERAS], {}, references).score.parted_at is None
    misread = place(("powers-in-precision",), {}, references)
    assert misread.score.parted_at == 1, "nothing was left open"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comparisons.placing.closest_forms", lambda *_: misread.forms)
        assert place(("powers-in-precision",), alike, references).forms == KERAS
        other = {"how the first moment is averaged": ("textbook", "first-moment-lerp")}
        assert place(("powers-in-precision",), other, references).score.parted_at == 1


def test_a_set_of_forms_in_use_serves_where_it_is_as_close(experiment):
    trace, references = record(in_forms(()), experiment, name="plain"), References(experiment)
    alike = {"how the first moment is averaged": ("textbook", "first-moment-lerp")}
    assert closest_forms(trace, (), alike, references, used=[(), ("first-moment-lerp",)]) == ()
    assert closest_forms(trace, (), {}, references, used=[("epsilon-hat",)]) == ()  # not possible here


def test_the_running_loss_is_the_mean_of_the_batches_own_losses(textbook):
    curves = curves_of(textbook)
    losses, sizes = np.asarray(textbook.shown["J"], np.float64)[:, 0, 0], textbook.sizes
    per_epoch = textbook.experiment.steps_per_epoch
    for epoch in range(textbook.experiment.epochs):
        steps = slice(epoch * per_epoch, (epoch + 1) * per_epoch)
        expected = (losses[steps] * sizes[steps]).sum() / sizes[steps].sum()
        unit = np.finfo(textbook.experiment.dtype).eps
        assert abs(curves.running_loss[epoch] - expected) <= 32 * unit  # of sums of 16 terms, each below 2
        assert curves.running_loss[epoch] != curves.loss[epoch]


def test_a_run_alone_is_compared_with_nothing_and_has_a_history(textbook, keras_like):
    alone = whole_runs([(textbook, (), {})])
    (history,) = alone.pop("histories")
    assert alone == {"agreements": [], "explanations": [], "bands": []}
    assert history == next(iter(whole_runs([(textbook, (), {}), (keras_like, ("epsilon-hat",), {})])["histories"]))
    assert len(history["running_loss"]) == textbook.experiment.epochs
    assert whole_runs([(textbook.hiding("b[5]"), (), {})])["histories"] == []


def test_curves_need_all_weights_and_all_steps(textbook):
    assert curves_of(textbook.hiding("b[5]")) is None
    assert final(textbook.part(1, 5)) is None


def test_the_reference_as_an_implementation_ends_where_training_ends(experiment):
    from comparisons.learning import train as learn

    trace = record(numpy_reference.train, experiment, name="numpy")
    assert final(trace)["loss"] == learn(experiment).history.loss[-1]
