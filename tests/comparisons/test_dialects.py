"""Each dialect is measured on the real framework: it computes this form, not the textbook's or another of its choice.

A few steps of real training with inputs at which the forms differ: outputs far out in the sigmoid's tails, gradients
much larger and much smaller than the moments they meet.
"""

import ctypes
import ctypes.util
import functools
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.experiment import Adam, Experiment
from comparisons.implementations.registry import Implementation, find
from comparisons.trace import load
from reference.dialects import DIALECTS
from reference.dialects_of_optimizers import OF_OPTIMIZERS
from tests.one_process import Asked, record_in_one_process

HERE = Path(__file__).parent / "subjects"
KERAS = ("keras", "tensorflow")
SUBJECTS = {
    "torch": find("torch"),
    "torch-by-hand": Implementation("torch-by-hand", f"{HERE / 'torch_by_hand.py'}:train", ("torch",), "torch"),
    "keras": find("keras"),
    "keras-without-logits": Implementation(
        "keras-without-logits", f"{HERE / 'keras_without_logits.py'}:train", KERAS, "keras"
    ),
}
FORMS = {form.name: form for form in DIALECTS}
PRECISIONS = ("float32", "float64")


# Experiments of one sigmoid at which the forms differ ----------------------------------------------------------------


def tails(folder, name, ones, zeros):
    """Z = x to begin with: those labelled 1, and those labelled 0."""
    X, Y = np.concatenate([ones, zeros])[None], np.concatenate([np.ones_like(ones), np.zeros_like(zeros)])[None]
    return one_sigmoid(folder, name, X, Y, W=[[1.0]], batch_size=X.shape[1], epochs=3, shuffle=False)


def moments(folder, name):
    """Steps of one example each, whose gradients are ±x/2: small, large, small again, and almost nothing.

    A large gradient after a small one is where m + (1 − β)(g − m) rounds most: once more than the textbook, by most of
    a unit if g is just above a power of two for v, and g/10 just above one for m. The last hundred are as small as
    epsilon.
    """
    rng = np.random.default_rng(0)
    large = 2 * np.concatenate([rng.uniform(1, 1.01, 20_000), rng.uniform(1.25, 1.3, 4000)])
    small = np.concatenate([rng.uniform(0.05, 0.5, 20_000), rng.uniform(2e-3, 2e-2, 4000)])
    X = np.concatenate([np.stack([small, large, small[::-1] / 10, small / 1000], 1), rng.uniform(1e-6, 1e-5, (100, 4))])
    adam = Adam(learning_rate=1e-12, epsilon=1e-6)  # neither framework's own epsilon
    return one_sigmoid(
        folder, name, X, [[1, 0, 1, 0]], W=np.zeros((1, len(X))), batch_size=1, epochs=1, shuffle=False, optimizer=adam
    )


def one_sigmoid(folder, name, X, Y, W, **fields):
    np.savez(folder / f"{name}.npz", X=X, Y=Y)
    np.savez(folder / f"{name}-start.npz", **{"W[1]": W, "b[1]": [[0.0]]})
    files = {
        "data": {"kind": "arrays", "file": str(folder / f"{name}.npz")},
        "start": {"kind": "file", "file": str(folder / f"{name}-start.npz")},
    }
    return Experiment(name=name, layers=(1,), activations=("sigmoid",), **files, **fields)


def experiments(folder):
    """By name: outputs near 0, near 1, too near 0 for a logarithm above −100, at 0 and 1 to the last bit; moments.

    Those that are saturated are 0 in float32 and no subnormal number, which may be read as 0: the textbook's loss is ∞.
    """
    near_0, near_1, everywhere = np.linspace(-80, 10, 181), np.linspace(12, 15, 7), np.linspace(-110, 110, 441)
    found = [
        tails(folder, "near-0", near_0, near_0),
        tails(folder, "near-1", near_0[-1:], near_1),
        tails(folder, "e-100", np.concatenate([np.linspace(-110, -100, 21), near_0]), near_0),
        tails(folder, "0-and-1", everywhere, everywhere),
        tails(folder, "saturated", np.concatenate([np.linspace(-130, -110, 21), near_0]), near_0),
        moments(folder, "moments"),
    ]
    return {experiment.name: experiment for experiment in found}


ASKED = {
    "torch": ("near-0", "e-100", "0-and-1", "saturated", "moments"),
    "torch-by-hand": ("near-0", "moments"),
    "keras": ("near-0", "near-1", "0-and-1", "moments"),
    "keras-without-logits": ("near-0", "0-and-1", "moments"),
}


WATCHED = ("torch", "keras")


def framework_of(subject):
    return subject.partition("-")[0]


@pytest.fixture(scope="session")
def recorded(once, needs):
    """`recorded(subject, experiment, precision)`: the trace; all subjects of a framework are recorded in one process.

    Those that are written out come first, so that none finds a framework that has been watched.
    """

    def fill(subjects, folder):
        found = experiments(folder)
        record_in_one_process(
            Asked(SUBJECTS[subject], found[name].but(precision=precision), path_of(folder, subject, name, precision))
            for subject in sorted(subjects, key=lambda subject: subject in WATCHED)
            for name in ASKED[subject]
            for precision in PRECISIONS
        )

    def path_of(folder, subject, experiment, precision):
        return folder / f"{subject}-{experiment}-{precision}.trace"

    def trace_of(subject, experiment, precision):
        needs(SUBJECTS[subject])
        framework = framework_of(subject)
        subjects = [name for name in SUBJECTS if framework_of(name) == framework]
        folder = once(f"dialects-{framework}", lambda folder: fill(subjects, folder))
        return load(path_of(folder, subject, experiment, precision))

    return trace_of


# The claims ----------------------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """What is said of a subject: in this experiment it computes this form of the choice; "" is the textbook's."""

    subject: str
    experiment: str
    precision: str
    form: str
    choice: str

    @property
    def alternatives(self):
        """The other forms of the choice, the textbook's among them."""
        there_are = ["", *(form.name for form in DIALECTS if form.choice == self.choice)]
        return [name for name in there_are if name != self.form]


def claims(form, subject, experiment, *precisions, choice=""):
    choice = choice or FORMS[form].choice
    return [Claim(subject, experiment, precision, form, choice) for precision in precisions]


EPSILON, ITS_PLACE = "Adam's epsilon", "where Adam's epsilon joins"
CLAIMS = [
    *claims("mean-at-the-loss", "torch-by-hand", "near-0", *PRECISIONS),
    *claims("clamped-gradient", "torch", "near-0", *PRECISIONS),
    *claims("clamped-gradient", "torch", "0-and-1", *PRECISIONS),
    *claims("clipped-gradient", "keras-without-logits", "near-0", *PRECISIONS),
    *claims("clipped-gradient", "keras-without-logits", "0-and-1", *PRECISIONS),
    *claims("gradient-through-logits", "keras", "near-0", *PRECISIONS),
    *claims("gradient-through-logits", "keras", "0-and-1", *PRECISIONS),
    *claims("clamped-logarithm", "torch", "e-100", "float64"),
    *claims("clamped-logarithm", "torch", "saturated", "float32"),
    *claims("clipped-probabilities", "keras-without-logits", "near-0", *PRECISIONS),
    *claims("clipped-probabilities", "keras-without-logits", "0-and-1", *PRECISIONS),
    *claims("loss-through-logits", "keras", "0-and-1", *PRECISIONS),
    *claims("loss-through-logits", "keras", "near-1", *PRECISIONS),
    *claims("first-moment-lerp", "keras", "moments", "float32"),
    *claims("second-moment-lerp", "keras", "moments", "float32"),
    *claims("", "torch", "moments", "float32", choice=FORMS["second-moment-lerp"].choice),
    *claims("powers-in-precision", "keras", "moments", *PRECISIONS),
    *claims("", "torch", "moments", "float64", choice=FORMS["powers-in-precision"].choice),
    *claims("epsilon-1e-8", "torch-by-hand", "moments", *PRECISIONS),
    *claims("epsilon-1e-7", "keras-without-logits", "moments", *PRECISIONS),
    *claims("", "torch", "moments", *PRECISIONS, choice=EPSILON),
    *claims("", "keras", "moments", *PRECISIONS, choice=EPSILON),
    *claims("epsilon-hat", "keras", "moments", *PRECISIONS),
    *claims("", "torch", "moments", *PRECISIONS, choice=ITS_PLACE),
]


def params(with_alternatives=False):
    """The claims, each once or with each of its alternatives; those of one framework go to one xdist worker."""
    found = []
    for claim in CLAIMS:
        name = f"{claim.subject}-{claim.experiment}-{claim.precision}-{claim.form or f'no-{claim.alternatives[0]}'}"
        group = pytest.mark.xdist_group(f"dialects-{framework_of(claim.subject)}")
        if not with_alternatives:
            found.append(pytest.param(claim, id=name, marks=group))
            continue
        for other in claim.alternatives:
            found.append(pytest.param(claim, other, id=f"{name}-{other or 'textbook'}", marks=group))
    return found


@pytest.fixture(scope="session")
def certified(recorded):
    """`certified(subject, experiment, precision)`: the certificate in the forms that were found."""
    return functools.cache(lambda *asked: certify(recorded(*asked)))


def under(trace, names):
    """The certificate in the forms of these names."""
    return certify(trace, forms=[form for form in DIALECTS if form.name in names])


@pytest.mark.parametrize("claim", params())
def test_certify_names_the_form_in_which_everything_lies_inside(claim, certified):
    certificate = certified(claim.subject, claim.experiment, claim.precision)
    named = [name for name in certificate.forms if FORMS[name].choice == claim.choice]
    assert (claim.form or None) == (named[0] if named else None)
    assert "agrees" == certificate.verdict
    assert claim.choice not in certificate.not_told_apart


@pytest.mark.parametrize(("claim", "alternative"), params(with_alternatives=True))
def test_every_alternative_of_the_choice_is_rejected(claim, alternative, recorded, certified):
    asked = claim.subject, claim.experiment, claim.precision
    others = [name for name in certified(*asked).forms if FORMS[name].choice != claim.choice]
    assert "disagrees" == under(recorded(*asked), [*others, alternative]).verdict


def test_every_dialect_is_measured():
    elsewhere = {form.name for form in OF_OPTIMIZERS}  # tests/implementations/test_optimizers_on_frameworks.py
    assert set(FORMS) == elsewhere | {claim.form for claim in CLAIMS if claim.form}


# What the table does not ask --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "verdict"), [("float32", "agrees"), ("float64", "disagrees")])
def test_pytorchs_epsilon_is_float32_of_1e_12_in_float64_too(precision, verdict, recorded):
    clamped = FORMS["clamped-gradient"]
    change, *others = clamped.changes
    exactly = replace(clamped, changes=(replace(change, constants={"epsilon": lambda _: 1e-12}), *others))
    assert verdict == certify(recorded("torch", "near-0", precision), forms=[exactly]).verdict


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_output_that_is_wrong_for_certain_costs_100_in_pytorch(precision, recorded):
    trace = recorded("torch", "0-and-1", precision)
    assert all((A.squeeze()[:, -1] == 1).all() for A in trace.shown["A[1]"].values())  # Z is 110, and the label 0
    clamped = under(trace, ["clamped-gradient", "clamped-logarithm"]).row("J")
    assert (trace.n_steps, "agrees") == (clamped.checked, clamped.verdict)
    for other in ("clipped-probabilities", "loss-through-logits"):
        assert "disagrees" == under(trace, ["clamped-gradient", other]).row("J").verdict


def test_pytorchs_first_moment_is_a_lerp_bit_for_bit(recorded):
    # With a fused multiply-add, as here, its rounding never leaves the textbook's ball, so that certify cannot tell.
    trace = recorded("torch", "moments", "float32")
    m, g = np.concatenate([np.zeros_like(trace.shown["m_W[1]"][:1]), trace.shown["m_W[1]"]]), trace.shown["dW[1]"]
    old, new = m[:-1].ravel(), m[1:].ravel()
    g, keep, take = g.ravel(), np.float32(0.9), np.float32(1 - 0.9)
    lerp = [old + take * (g - old), fused(take, g - old, old)]
    textbook = [keep * old + take * g, fused(keep, old, take * g), fused(take, g, keep * old)]
    assert any(np.array_equal(new, form) for form in lerp)
    assert not any(np.array_equal(new, form) for form in textbook)


def fused(a, b, c):
    """a b + c with a single rounding."""
    fmaf = ctypes.CDLL(ctypes.util.find_library("m")).fmaf
    fmaf.argtypes, fmaf.restype = [ctypes.c_float] * 3, ctypes.c_float
    return np.vectorize(fmaf, otypes=[np.float32])(a, b, c)


@pytest.mark.parametrize("parameter", ["W[1]", "b[1]"])
def test_with_float32_betas_in_its_powers_keras_is_the_reference_bit_for_bit(parameter, recorded):
    trace = recorded("keras", "moments", "float64")
    row = under(trace, ["powers-in-precision", "epsilon-hat"]).row(parameter)
    assert 0 < row.checked
    assert 0 == row.worst
