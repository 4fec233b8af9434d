"""Every optimizer, with every decay and a schedule, on the real frameworks: certified, and in which forms.

Each is trained for a few steps, with everything shown and from weights alone. Beside it goes a twin that trains
something near what was asked, such as coupled decay where decoupled was asked for: it is rejected, in whatever forms.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from comparisons.certifying import certify
from comparisons.composed import network_of
from comparisons.experiment import (
    Adam,
    Circles,
    Constant,
    Coupled,
    Decoupled,
    Experiment,
    Exponential,
    GradientDescent,
    Momentum,
    Nesterov,
    NoDecay,
    RMSprop,
)
from comparisons.trace import load
from reference.dialects import DIALECTS
from reference.dialects_of_optimizers import OF_OPTIMIZERS

PRECISIONS = ("float32", "float64")
OPTIMIZERS = {
    "gradient-descent": GradientDescent(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "rmsprop": RMSprop(),
    "rmsprop-centered": RMSprop(centered=True),
    "adam": Adam(),
}
DECAYS = {"none": NoDecay(), "coupled": Coupled(rate=0.01), "decoupled": Decoupled(rate=0.01)}
SMALL = Experiment(
    layers=(4, 1),
    activations=("relu", "sigmoid"),
    epochs=3,
    data=Circles(n_train=100, n_test=0),
    schedule=Exponential(rate=0.7, every=2),
)
TWINS = {
    "torch": "torch_twins.py:everything",
    "torch-plain": "torch_twins.py:plain",
    "keras": "keras_twins.py:everything",
    "keras-fit": "keras_twins.py:fit",
}
FORMS = {form.name: form for form in DIALECTS}

WRITTEN = {
    "numpy": [],
    "torch": ["clamped-gradient", "clamped-logarithm", "decay-as-a-factor"],
    "keras": [
        "gradient-through-logits",
        "loss-through-logits",
        "powers-in-precision",
        "epsilon-hat",
        "momentum-in-float32",
        "velocity",
        "epsilon-in-the-root",
        "decay-in-float32",
        "penalty-in-float32",
        "decay-before-alpha",
    ],
}


def framework_of(subject):
    """torch for torch, torch-plain and torch_twins.py:plain."""
    return next(name for name in WRITTEN if subject.startswith(name))


class Case(NamedTuple):
    """What one subject is asked to train."""

    subject: str
    optimizer: str
    decay: str
    precision: str

    @property
    def framework(self):
        return framework_of(self.subject)

    @property
    def shows_everything(self):
        return self.subject in WRITTEN

    @property
    def experiment(self):
        chosen = {"optimizer": OPTIMIZERS[self.optimizer], "decay": DECAYS[self.decay]}
        return SMALL.but(name="-".join(self[1:]), precision=self.precision, **chosen)


def every(subject):
    """All that there is."""
    return [Case(subject, *what) for what in itertools.product(OPTIMIZERS, DECAYS, PRECISIONS)]


def half(subject):
    """Each optimizer with each decay, in either precision by turns."""
    pairs = itertools.product(OPTIMIZERS, DECAYS)
    return [Case(subject, *pair, PRECISIONS[n % 2]) for n, pair in enumerate(pairs)]


def a_few(subject):
    """Each optimizer once, with each decay by turns; Adam, whose twins are searched longest, without."""
    return [case for n, case in enumerate(half(subject)) if n % len(DECAYS) == (n // len(DECAYS) + 1) % len(DECAYS)]


RIGHT = [*every("numpy"), *every("torch"), *half("torch-plain"), *every("keras"), *half("keras-fit")]
WRONG = [case for name, twin in TWINS.items() for case in (half if name == "torch" else a_few)(twin)]


def each(cases):
    """The cases as parameters; those of one framework go to one xdist worker."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id="-".join(case), marks=pytest.mark.xdist_group(f"optimizers-{case.framework}"))
            for case in cases
        ],
    )


def of_framework(*frameworks):
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"optimizers-{name}")) for name in frameworks]


DAMPENED, HALF_DAMPENED = "torch_dampened.py:train", "torch_dampened.py:half"
CONSTANTLY = {"numpy": [], "torch": ["torch-plain", DAMPENED, HALF_DAMPENED], "keras": ["keras-fit"]}
CONSTANT = SMALL.but(name="constant", optimizer=Momentum(), schedule=Constant())


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, needs, subject, record_all):
    """`recorded(subject, experiment)`: the trace, recorded with all others of the framework at once."""
    folders = {}

    def trace_of(name, experiment):
        framework = framework_of(name)
        needs(subject(framework))
        if framework not in folders:
            folders[framework] = tmp_path_factory.mktemp(framework)
            asked = {}
            for case in (*RIGHT, *WRONG):
                if case.framework == framework:
                    asked.setdefault(subject(case.subject), []).append(case.experiment)
            asked[subject(framework)] += decays(folders[framework])
            for one in CONSTANTLY[framework]:
                asked.setdefault(subject(one), []).append(CONSTANT)
            record_all(asked, folders[framework])
        return load(folders[framework] / name / f"{experiment}.trace")

    return trace_of


# The forms of the frameworks ------------------------------------------------------------------------------------------

LERPS = {
    ("torch", "adam"): ["first-moment-lerp"],
    ("torch", "rmsprop-centered"): ["first-moment-lerp"],
    ("keras", "adam"): ["first-moment-lerp", "second-moment-lerp"],
}


def written(case):
    """The forms that the framework's source is written in, whether or not the numbers tell them from the textbook's."""
    names = [*WRITTEN[case.framework], *LERPS.get((case.framework, case.optimizer), ())]
    network = network_of(case.experiment)
    return [form for form in DIALECTS if form.name in names and form.applies_to(network)]


def needed(case):
    """The forms without which something lies outside.

    Of the gradients' forms the coarsest will do, and from weights alone none is needed.
    """
    is_float64 = case.precision == "float64"
    if case.framework == "numpy":
        return set()
    names = {"mean-at-the-loss"} if case.shows_everything else set()
    if case.framework == "torch":
        return names
    if case.optimizer in ("momentum", "nesterov"):
        names |= {"velocity", "momentum-in-float32"} if is_float64 else {"velocity"}
    if case.optimizer.startswith("rmsprop"):
        names |= {"epsilon-in-the-root"}
    if case.optimizer == "adam":
        names |= {"epsilon-hat", "powers-in-precision"} if is_float64 or case.shows_everything else {"epsilon-hat"}
    if is_float64:
        names |= {"none": set(), "coupled": {"penalty-in-float32"}, "decoupled": {"decay-in-float32"}}[case.decay]
    return names


# These are the textbook's but for the last bit: a number must lie at the edge of its ball to need one. `decays` below
# and tests/comparisons/test_dialects.py have numbers that do.
LAST_BIT = {
    *("first-moment-lerp", "second-moment-lerp", "powers-in-precision", "decay-before-alpha", "decay-as-a-factor")
}


@each(RIGHT)
def test_everything_lies_inside_in_the_forms_that_the_framework_is_written_in(case, recorded):
    certificate = certify(recorded(case.subject, case.experiment.name), forms=written(case))
    assert "agrees" == certificate.verdict
    assert certificate.chain.holds
    assert {row.verdict for row in certificate.rows} == {"agrees"}


@each(RIGHT)
def test_certify_finds_the_forms_that_are_needed_and_no_others(case, recorded):
    certificate = certify(recorded(case.subject, case.experiment.name))
    assert "agrees" == certificate.verdict
    found = set(certificate.forms)
    expected = needed(case)
    assert expected == found - (LAST_BIT & {form.name for form in written(case)} - expected)


@each(case for case in RIGHT if case.subject in ("torch", "keras"))
def test_the_optimizers_own_quantities_are_shown_under_their_names(case, recorded):
    slots = {"gradient-descent": "", "momentum": "m", "nesterov": "m", "rmsprop": "v"}.get(case.optimizer, "mv")
    shown = recorded(case.subject, case.experiment.name).shown
    gradient = "g_" if case.framework == "keras" and case.decay == "coupled" else "d"
    expected = {f"{gradient}W[1]", *(f"{slot}_W[1]" for slot in slots)}
    assert expected == {name for name in shown if name.endswith("W[1]") and name != "W[1]"}


@each(WRONG)
def test_a_twin_that_trains_something_near_it_is_rejected(case, recorded):
    trace = recorded(case.subject, case.experiment.name)
    rightly = case._replace(subject={twin: name for name, twin in TWINS.items()}[case.subject])
    assert "disagrees" == certify(trace, forms=written(rightly)).verdict
    if not rightly.shows_everything:  # where least is known, no form at all explains it
        assert "disagrees" == certify(trace).verdict


# What the cases do not ask --------------------------------------------------------------------------------------------

SHRINKING = "how a decoupled decay shrinks"


def decays(folder):
    """One unit with thousands of weights and inputs of 0, so that nothing moves them but their decay.

    They become numbers just above 1, where rounding has most room. Where α and λ are large, so is the last bit that
    another order of products has; where they are small, that of the factor.
    """
    n = 4000
    np.savez(folder / "zeros.npz", X=np.zeros((n, 2)), Y=[[0, 1]])
    made = []
    for name, alpha, decay in [("large-decay", 0.693, 0.609), ("small-decay", 0.01, 0.01)]:
        W = np.random.default_rng(0).uniform(1, 1.02, (1, n)) / (1 - alpha * decay)
        np.savez(folder / f"{name}.npz", **{"W[1]": W, "b[1]": [[0.0]]})
        one_unit = Experiment(
            name=name,
            layers=(1,),
            activations=("sigmoid",),
            epochs=1,
            optimizer=Adam(learning_rate=alpha),
            decay=Decoupled(rate=decay),
            data={"kind": "arrays", "file": str(folder / "zeros.npz")},
            start={"kind": "file", "file": str(folder / f"{name}.npz")},
        )
        made.append(one_unit)
    return made


def under(trace, *names):
    """The verdict on W[1] in these forms."""
    return certify(trace, forms=[form for form in DIALECTS if form.name in names]).row("W[1]").verdict


@pytest.mark.parametrize("framework", of_framework("keras"))
def test_keras_multiplies_by_the_decay_first(framework, recorded):
    trace = recorded(framework, "large-decay")
    assert "agrees" == under(trace, "decay-before-alpha")
    assert "disagrees" == under(trace)
    assert "disagrees" == under(trace, "decay-as-a-factor")


@pytest.mark.parametrize("framework", of_framework("torch"))
def test_pytorch_multiplies_by_a_factor(framework, recorded):
    trace = recorded(framework, "small-decay")
    assert "agrees" == under(trace, "decay-as-a-factor")
    assert "disagrees" == under(trace)
    assert "disagrees" == under(trace, "decay-before-alpha")


@pytest.mark.parametrize("framework", of_framework("torch", "keras"))
def test_at_a_constant_rate_weights_alone_do_not_tell_where_the_rate_joins_momentum(framework, recorded):
    certificate = certify(recorded(CONSTANTLY[framework][0], "constant"))
    assert ("textbook", "velocity") == certificate.not_told_apart["what momentum adds up"]


@pytest.mark.parametrize("framework", of_framework("torch"))
def test_dampened_momentum_is_found(framework, recorded):
    certificate = certify(recorded(DAMPENED, "constant"))
    assert ("agrees", ("dampened",)) == (certificate.verdict, certificate.forms)
    trace = recorded(HALF_DAMPENED, "constant")
    assert "disagrees" == certify(trace).verdict
    assert "disagrees" == certify(trace, forms=[FORMS["dampened"]]).verdict


def test_every_dialect_of_the_optimizers_is_measured():
    by_name = {"decay-before-alpha", "decay-as-a-factor", "dampened"}
    assert {form.name for form in OF_OPTIMIZERS} == by_name | {
        name for case in RIGHT for name in needed(case) if FORMS[name] in OF_OPTIMIZERS
    }
