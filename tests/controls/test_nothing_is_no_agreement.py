"""Empty, all-zero, NaN, missing and skipped: each is visible, and none of them is agreement."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from comparisons.certifying import certify
from comparisons.experiment import Arrays, Experiment, FromFile, GradientDescent
from comparisons.implementations import numpy_reference
from comparisons.recording import record
from comparisons.trace import Trace, load
from comparisons.wording import reason_of
from tests.controls.nudge import broken_steps
from tests.controls.plain_network import honest
from tests.small import small
from tests.stepwise import StepByStep


def showing(trace, *names):
    """The trace with these quantities alone."""
    return trace.hiding(*(set(trace.shown) - set(names)))


@pytest.fixture(scope="module")
def trace():
    """Everything shown, and agreeing."""
    return record(honest, small())


@pytest.fixture(scope="module")
def with_start():
    """Everything shown, and the start values too."""
    return record(numpy_reference.train, small())


# Empty ---------------------------------------------------------------------------------------------------------------


def test_an_empty_trace_is_not_compared():
    experiment = small()
    certificate = certify(Trace(experiment, "nobody", {}, experiment.initial()), naming=False)
    assert certificate.verdict == "not compared"
    assert certificate.rows == ()
    assert reason_of(certificate) == "nothing was judged: no step shows anything"
    assert certificate.checked == 0
    assert not certificate.chain.holds


def test_start_values_without_a_step_are_not_compared(with_start):
    certificate = certify(replace(with_start, shown={}), naming=False)
    assert certificate.verdict == "not compared"


@pytest.mark.parametrize("names", [("A[0]",), ("Y",), ("A[0]", "Y")], ids="-".join)
def test_what_the_experiment_gave_proves_nothing(with_start, names):
    certificate = certify(showing(with_start, *names), naming=False)
    assert certificate.verdict == "not compared"
    assert set(names) <= set(certificate.given)
    given = "A[0] and Y are given" if len(names) > 1 else f"{names[0]} is given"
    expected = (
        f'nothing was judged: {given} by the experiment; show what is computed from them, such as "A[1]" and "W[1]"'
    )
    assert expected == reason_of(certificate)


def test_but_what_the_experiment_gave_is_judged(trace):
    wrong = {m: stack + np.float32(1) for m, stack in trace.shown["A[0]"].items()}
    certificate = certify(showing(replace(trace, shown={**trace.shown, "A[0]": wrong}), "A[0]", "Y"), naming=False)
    assert certificate.verdict == "disagrees"
    assert certificate.broken() == ("A[0]",)


@pytest.mark.parametrize("names", [(), ("A[0]",), ("J",)], ids=["not-compared", "given", "agrees"])
def test_a_certificate_has_no_truth_value(trace, names):
    certificate = certify(showing(trace, *names), naming=False)
    with pytest.raises(TypeError, match=r"ask for its \.verdict"):
        bool(certificate)


# All zero ------------------------------------------------------------------------------------------------------------


def test_a_quantity_shown_as_zeros_is_judged_like_any_other(trace):
    zeros = replace(trace, shown={**trace.shown, "dW[2]": np.zeros_like(trace.shown["dW[2]"])})
    assert set(certify(zeros, naming=False).broken()) == {"dW[2]", "m_W[2]", "v_W[2]"}, (
        "the moments are computed from it"
    )


@pytest.fixture
def dead(tmp_path):
    """A network whose parameters are all 0 at the start, so that only the last bias ever moves."""
    zeros = {name: np.zeros_like(value) for name, value in small().initial().items()}
    save_file(zeros, tmp_path / "zeros.safetensors")
    return record(honest, small(start=FromFile(file=tmp_path / "zeros.safetensors")))


def test_a_dead_network_is_judged_with_radius_0(dead):
    certificate = certify(dead, naming=False)
    assert certificate.verdict == "agrees"
    assert certificate.chain.holds
    for name in set(dead.network.parameters) - {"b[5]"}:
        row = certificate.row(name)
        assert (row.radius, row.not_judged) == (0, 0)
        assert row.checked == dead.shown[name].size


def test_a_dead_weight_that_moves_is_seen_however_little_it_does(dead):
    moved = dead.shown["W[2]"].copy()
    moved[2, 0, 0] = np.finfo(np.float32).tiny
    certificate = certify(replace(dead, shown={**dead.shown, "W[2]": moved}), naming=False)
    assert broken_steps(certificate) == {"W[2]": (3, 2)}, "it moves at step 3 and is back at step 4"


def test_parameters_that_do_not_move_are_not_judged():
    experiment = small(optimizer="gradient-descent").but(optimizer=GradientDescent(learning_rate=1e-12))
    trace = record(honest, experiment)
    certificate = certify(trace, naming=False)
    verdicts = set()
    for layer in range(1, 6):
        row, gradient = certificate.row(f"W[{layer}]"), trace.shown[f"dW[{layer}]"]
        assert row.not_judged == np.count_nonzero(gradient), "a gradient of exactly 0 moves nothing, and that is judged"
        assert row.checked == gradient.size - row.not_judged
        idle = f"W[{layer}], which W[{layer}] is computed from, was not judged"
        assert (idle in certificate.chain.missing) == (row.verdict == "not compared")
        verdicts.add(row.verdict)
    assert "not compared" in verdicts, "in some layer no gradient is exactly 0"


# NaN and infinity ----------------------------------------------------------------------------------------------------

READERS = {  # how many of their numbers are computed from the one at [0, 0] of step 5; of W and m, step 6 reads it too
    "A[2]": {"Z[3]": 6, "dW[3]": 6},
    "W[3]": {"Z[3]": 8, "dA[2]": 8, "W[3]": 1},
    "m_W[1]": {"W[1]": 1, "m_W[1]": 1},
    "J": {},
}


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", READERS)
def test_a_number_that_is_not_finite_is_broken(trace, tmp_path, name, number):
    """A delivery refuses it, so that it is written into the trace on disk by hand."""
    folder = record(honest, small(), into=tmp_path / "x.trace")
    chunk = load_file(folder / "000000.safetensors")
    key, at = (name, 4) if name in chunk else (f"{name} of 16", 3)  # the fourth step that has 16 examples
    chunk[key][at][0, 0] = number
    save_file(chunk, folder / "000000.safetensors")
    certificate, before = certify(load(folder)), certify(trace, naming=False)
    assert certificate.verdict == "disagrees"
    assert certificate.broken() == (name,)
    row = certificate.row(name)
    assert (row.first_broken, row.n_broken_steps, row.outside) == (5, 1, 1)
    expected = {row.quantity: READERS[name].get(row.quantity, 0) for row in before.rows}
    assert expected == {row.quantity: row.not_judged for row in certificate.rows}


def test_what_is_not_finite_is_broken_even_where_nothing_finite_is_expected(trace):
    """From step 5 on W[3] and its first moment are NaN, each rightly computed from NaN: a run that came apart."""
    shown = dict(trace.shown)
    for name in ("W[3]", "m_W[3]"):
        shown[name] = shown[name].copy()
        shown[name][4:] = np.nan
    certificate = certify(replace(trace, shown=shown), forms=())
    for name in ("W[3]", "m_W[3]"):
        row = certificate.row(name)
        assert row.outside == shown[name][4:].size
        assert (row.first_broken, row.n_broken_steps) == (5, 8)


# Not judged ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def saturated(tmp_path):
    """A neuron so sure, and in its first example so wrong, that the ball of 1 − A holds 0 where A is hidden."""
    np.savez(tmp_path / "data.npz", X=[[1.0, -1.0, 1.0, -1.0]], Y=[[0.0, 0.0, 1.0, 1.0]])
    np.savez(tmp_path / "start.npz", **{"W[1]": [[16.0]], "b[1]": [[0.0]]})
    experiment = Experiment(
        layers=(1,),
        activations=("sigmoid",),
        epochs=1,
        batch_size=1,
        shuffle=False,
        optimizer=GradientDescent(learning_rate=1e-6),
        start=FromFile(file=tmp_path / "start.npz"),
        data=Arrays(file=tmp_path / "data.npz"),
    )
    return record(numpy_reference.train, experiment)


def test_a_hidden_quantity_without_a_bound_judges_nothing(saturated):
    trace = showing(saturated, "dA[1]")
    certificate = certify(trace, forms=())
    assert certificate.row("dA[1]").not_judged == 1
    assert certificate.verdict == "agrees", "the other three examples are judged"
    oracle = StepByStep(trace, trace.network)
    judged = [oracle.judged("dA[1]", step) for step in range(1, 5)]
    assert not np.isfinite(judged[0].radius).any()
    assert judged[0].is_blind.all()
    assert certificate.row("dA[1]").blind == sum(int(one.is_blind.sum()) for one in judged)
    first = certify(showing(saturated.part(1, 1), "dA[1]"), forms=())
    assert first.row("dA[1]").verdict == "not compared"
    assert first.verdict == "not compared"
    assert reason_of(first).startswith("nothing was judged: of dA[1] no number has a bound")


def test_the_chain_names_a_quantity_in_between_that_was_not_judged(saturated):
    certificate = certify(showing(saturated.part(1, 1), "dA[1]", "W[1]", "b[1]"), forms=())
    assert "dA[1], which W[1] is computed from, was not judged" in certificate.chain.missing


# Missing and skipped -------------------------------------------------------------------------------------------------


def test_with_everything_shown_no_link_is_missing(trace):
    chain = certify(trace, naming=False).chain
    assert chain.holds
    assert chain.n_links == trace.n_steps * sum(value.size for value in trace.start.values())


@pytest.mark.parametrize("names", [("W[3]",), ("b[1]", "W[5]")], ids="-".join)
def test_the_chain_names_parameters_that_are_not_shown(trace, names):
    certificate = certify(trace.hiding(*names))
    assert certificate.verdict == "agrees"
    assert {f"{name} is not shown" for name in names} == set(certificate.chain.missing)


@pytest.mark.parametrize(("first", "last"), [(1, 11), (2, 12), (5, 7)])
def test_the_chain_says_which_steps_are_missing(trace, first, last):
    chain = certify(trace.part(first, last), naming=False).chain
    assert chain.missing == (f"{last - first + 1} of 12 steps are there",)


def test_the_chain_names_what_is_broken(trace):
    turned = replace(trace, shown={**trace.shown, "m_b[4]": -trace.shown["m_b[4]"]})
    certificate = certify(turned, naming=False)
    assert set(certificate.broken()) == {"m_b[4]", "b[4]"}
    assert {"m_b[4] is broken", "b[4] is broken"} == set(certificate.chain.missing)


def test_a_quantity_that_is_not_shown_has_no_row(trace):
    certificate = certify(trace.hiding("dW[2]"))
    assert "dW[2]" not in certificate.shown
    with pytest.raises(KeyError, match=r"no row for dW\[2\]; there are A\[0\], Y"):
        certificate.row("dW[2]")
