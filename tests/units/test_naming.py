"""A name is given where every number lies inside its ball under it: one form, a pair, a convention, a precision."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons import naming
from comparisons.certifying import certify
from comparisons.composed import given_by, network_of
from comparisons.diagnosis import Diagnosis
from comparisons.mistakes.table import variants
from comparisons.naming import Naming, hidden_before
from comparisons.recording import record
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.running import train as run
from tests.exam.answers import less
from tests.exam.experiments import article
from tests.exam.plain import Loop, planted, train
from tests.exam.plain_data import batches

PLAIN, ADAM = article(), article("adam")
KERAS = ("gradient-through-logits", "powers-in-precision", "epsilon-hat")


def in_forms(experiment, *names):
    """The run of the network in the known forms and dialects of these names."""
    known = {form.name: form for form in (*DIALECTS, *variants(experiment))}
    network = in_form(network_of(experiment), *(known[name] for name in names))

    def train(experiment):
        for values in run(network, experiment.initial(), given_by(experiment)):
            yield {name: value for name, value in values.items() if network_of(experiment).shapes.get(name)}

    return record(train, experiment)


def with_loss_in(base, subject):
    """A subject whose loss, which nothing reads, has logarithms to this base as well."""

    def train(experiment):
        for shown in subject(experiment):
            yield shown | {"J": shown["J"] / np.log(base).astype(shown["J"].dtype)}

    return train


class OneLayer(Loop):
    """The plain loop, in which the gradient of the biases is a sum in layer 3 alone: a mistake that is not known."""

    def bias_gradient(self, l, dZ):
        return super().bias_gradient(l, dZ) * (dZ[l].shape[1] if l == 3 else 1)


def in_one_layer(experiment):
    """Train with it."""
    loop = OneLayer(experiment, None, None)
    for X, Y in batches(experiment, None):
        yield loop.step(X, Y)


def stretched(experiment):
    """The gradient of one layer's weights is a tenth too large, and moves them so."""
    loop = Loop(experiment, None, None)
    honest = loop.weight_gradient
    loop.weight_gradient = lambda l, dZ, A: honest(l, dZ, A) * experiment.dtype.type(1.1 if l == 2 else 1)
    for X, Y in batches(experiment, None):
        yield loop.step(X, Y)


# Two at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "experiment", "pair", "broken"),
    [
        (with_loss_in(2, planted("bias-never-updated")), PLAIN, {"loss-in-log2", "bias-never-updated"}, {"J", "b"}),
        (with_loss_in(10, planted("summed-bias")), PLAIN, {"loss-in-log10", "summed-bias"}, {"J", "db"}),
        (with_loss_in(2, planted("summed-gradient")), PLAIN, {"loss-in-log2", "summed-gradient"}, {"J", "dW", "db"}),
        (with_loss_in(2, planted("uncorrected-adam")), ADAM, {"loss-in-log2", "uncorrected-adam"}, {"J", "W", "b"}),
    ],
    ids=["loss+update", "loss+bias", "loss+gradient", "loss+adam"],
)
def test_two_mistakes_that_change_different_equations_are_named_as_one_pair(subject, experiment, pair, broken):
    certificate = certify(record(subject, experiment))
    (named,) = certificate.explained_by
    assert (2, pair) == (len(named), set(named))
    assert broken == {quantity.partition("[")[0] for quantity in certificate.broken()}
    assert () == certificate.hints == certificate.forms


def test_a_pair_is_named_beside_a_frameworks_dialects():
    trace = in_forms(ADAM, "loss-in-log2", *KERAS, "bias-never-updated")
    certificate = certify(trace)
    assert [{"loss-in-log2", "bias-never-updated"}] == [set(names) for names in certificate.explained_by]
    assert set(KERAS) == set(certificate.forms)


def test_one_mistake_is_never_named_as_a_pair():
    for names in certify(record(planted("summed-gradient"), PLAIN)).explained_by:
        assert ("summed-gradient",) == names


def test_a_known_mistake_beside_one_that_nobody_knows_is_not_named():
    assert () == certify(record(with_loss_in(2, in_one_layer), PLAIN)).explained_by


# What nobody knows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "experiment", "visibility"),
    [
        (in_one_layer, PLAIN, "everything"),
        (in_one_layer, PLAIN, "gradients"),
        (in_one_layer, PLAIN, "weights"),
        (in_one_layer, ADAM, "everything"),
        (stretched, PLAIN, "everything"),
        (stretched, PLAIN, "weights"),
    ],
    ids=lambda value: getattr(value, "__name__", getattr(value, "name", value)),
)
def test_a_mistake_that_nobody_knows_gets_no_name(subject, experiment, visibility):
    certificate = certify(less(record(subject, experiment), visibility))
    assert ("disagrees", ()) == (certificate.verdict, certificate.explained_by)


def test_a_part_in_which_a_form_cannot_be_judged_gets_no_name():
    """What was summed up to step 5 is not known, so nothing is judged under a form that goes on from it."""
    part = record(in_one_layer, ADAM).part(5, 10)
    assert ("disagrees", ()) == ((found := certify(part)).verdict, found.explained_by)


def test_a_part_in_which_a_form_can_be_judged_gets_its_name():
    part = record(planted("summed-bias"), ADAM).part(5, 10)
    assert (("summed-bias",),) == certify(part).explained_by


def test_an_honest_run_gets_no_name():
    certificate = certify(record(train, ADAM))
    assert ("agrees", (), (), ()) == (
        certificate.verdict,
        certificate.explained_by,
        certificate.hints,
        certificate.show_next,
    )


# What to show next ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "visibility", "alike", "shown"),
    [
        ("summed-gradient", "gradients", {"summed-gradient", "sum-for-mean"}, ("J",)),
        ("turned-sign", "gradients", {"turned-sign", "swapped-output-gradient"}, ("dA[5]",)),
        ("turned-sign", "weights", {"turned-sign", "swapped-output-gradient", "update-added"}, ("dA[5]",)),
    ],
)
def test_alternatives_are_told_apart_by_the_first_hidden_quantity_in_which_they_differ(fault, visibility, alike, shown):
    trace = record(planted(fault), PLAIN)
    certificate = certify(less(trace, visibility))
    assert alike == {name for (name,) in certificate.explained_by}
    assert shown == certificate.show_next
    hidden = set(trace.shown) - set(less(trace, visibility).shown) - set(shown)
    more = certify(trace.hiding(*hidden))
    assert {(fault,)} == set(more.explained_by) or len(more.explained_by) < len(alike)


def test_of_an_unnamed_break_the_hidden_quantities_behind_it_are_to_be_shown_nearest_first():
    trace = less(record(in_one_layer, PLAIN), "gradients")
    certificate = certify(trace)
    assert ("dZ[3]", "dA[3]", "Z[3]") == certificate.show_next == hidden_before(trace, "db[3]")
    assert ("dZ[2]", "A[1]", "dA[2]") == hidden_before(trace, "dW[2]")


def test_of_an_unnamed_break_with_nothing_hidden_behind_it_nothing_is_to_be_shown():
    assert () == certify(record(in_one_layer, PLAIN)).show_next
    assert () == hidden_before(record(in_one_layer, PLAIN), "db[3]")


def test_a_quantity_that_was_not_asked_of_the_article_is_never_to_be_shown():
    """AMSGrad has its maximum and the other one does not; nobody can show it."""
    experiment = article("adam-of-short-memory")
    trace = record(train, experiment)
    known = {form.name: form for form in variants(experiment)}
    names = [naming.Name((known[name],), (), (name,)) for name in ("amsgrad", "uncorrected-adam")]
    assert () == Naming(trace, Diagnosis(trace, DIALECTS)).next_to_show(names)


# Conventions and precisions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "convention", "dialects"),
    [
        (article("adam-of-short-memory"), "amsgrad", ("mean-at-the-loss",)),
        (article("momentum"), "momentum-as-an-average", ("mean-at-the-loss",)),
        (article("adam-of-large-epsilon"), "adam-epsilon-in-the-root", ("mean-at-the-loss",)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_convention_beside_dialects_agrees_in_all_of_them(experiment, convention, dialects):
    certificate = certify(in_forms(experiment, *dialects, convention))
    assert "agrees" == certificate.verdict
    assert {convention, *dialects} == set(certificate.forms)
    assert () == certificate.explained_by == certificate.hints


def test_a_mistake_beside_dialects_is_named_and_they_are_told():
    certificate = certify(in_forms(ADAM, *KERAS, "doubled-learning-rate"))
    assert ((("doubled-learning-rate",),), set(KERAS)) == (certificate.explained_by, set(certificate.forms))


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_coarser_precision_is_named_where_every_number_is_one_of_its_own(precision):
    trace = record(planted(f"{precision}-inside"), PLAIN.but(precision="float64"))
    assert ((f"{precision}-inside",),) == certify(trace).explained_by


def test_a_coarser_precision_is_named_beside_dialects():
    coarse = in_forms(ADAM, *KERAS)
    finer = {name: _in_float64(stack) for name, stack in coarse.shown.items()}
    start = {name: value.astype(np.float64) for name, value in coarse.start.items()}
    trace = replace(coarse, experiment=ADAM.but(precision="float64"), shown=finer, start=start)
    certificate = certify(trace)
    assert (("float32-inside",),) == certificate.explained_by
    assert set(KERAS) == set(certificate.forms)


def _in_float64(stack):
    if isinstance(stack, dict):
        return {m: part.astype(np.float64) for m, part in stack.items()}
    return stack.astype(np.float64)


def test_a_precision_is_not_named_where_some_numbers_have_more_digits_or_an_equation_is_wrong():
    def rounded_weights(experiment):
        for shown in train(experiment):
            yield {name: _rounded(value) if name[0] in "Wb" else value for name, value in shown.items()}

    def wrong_in_float32(experiment):
        for shown, _ in zip(in_one_layer(PLAIN), experiment.batches(), strict=True):
            yield {name: value.astype(np.float64) for name, value in shown.items()}

    for subject in (rounded_weights, wrong_in_float32):
        certificate = certify(record(subject, PLAIN.but(precision="float64")))
        assert ("disagrees", ()) == (certificate.verdict, certificate.explained_by)


def _rounded(value):
    return value.astype(np.float32).astype(np.float64)


# Patience ------------------------------------------------------------------------------------------------------------


def test_the_search_for_pairs_ends_at_its_patience_and_then_names_nothing(monkeypatch):
    trace = record(with_loss_in(2, planted("bias-never-updated")), PLAIN)
    ticks = iter(range(10**6))
    monkeypatch.setattr(naming.time, "monotonic", lambda: float(next(ticks)))
    assert [2] == [len(name.found) for name in search(trace, patience=10**5)]
    last = next(ticks)
    assert () == search(trace, patience=5)
    assert next(ticks) - last < 5 + 10
    assert () == search(trace, patience=100)


def test_one_mistake_is_named_whatever_the_patience():
    assert [("summed-bias",)] == [name.families for name in search(record(planted("summed-bias"), PLAIN), patience=-1)]


def search(trace, patience):
    """What a search of so many seconds names."""
    diagnosis = Diagnosis(trace, DIALECTS)
    searching = Naming(trace, diagnosis, patience)
    return searching.names() or searching.more_names(diagnosis.smallest())
