"""A reproducer: a script that needs NumPy alone and prints the numbers that the disagreement tells of."""

import subprocess
import sys

import pytest

from comparisons.certifying import certify
from comparisons.composed import network_of
from comparisons.experiment import Circles, Experiment
from comparisons.implementations.numpy_reference import train
from comparisons.recording import record
from comparisons.reproducer import reproducer, source_of
from comparisons.stored import OnDisk
from comparisons.trace import Trace, load
from comparisons.wording import first_broken, multiple, value
from reference.dialects import DIALECTS
from reference.forms import in_form
from tests.on_disk import in_parts, recorded

SMALL = Experiment(layers=(3, 3, 1), activations=("relu", "tanh", "sigmoid"), epochs=2, batch_size=8,
                   data=Circles(n_train=20, n_test=0))  # fmt: skip
NUMPY_ONLY = """
import sys, runpy
try:
    runpy.run_path(sys.argv[1], run_name="__main__")
finally:
    ours = {"reference", "comparisons", "reports", "backproof", "pandas", "rich"} & set(sys.modules)
    assert not ours, ours
"""


def broken(name, precision="float32", shown=None):
    """A trace in which a quantity is a twentieth too large from step 3 on."""
    trace = record(train, SMALL.but(precision=precision))
    stack = trace.shown[name]
    if isinstance(stack, dict):
        factors = {m: 1 + (trace.steps_of(m) >= 2).reshape(-1, 1, 1) / 20 for m in stack}
        wrong = {m: (one * factors[m]).astype(one.dtype) for m, one in stack.items()}
    else:
        wrong = stack.copy()
        wrong[2:] *= wrong.dtype.type(1.05)
    kept = {n: s for n, s in trace.shown.items() if shown is None or n in shown}
    return Trace(trace.experiment, "mine", {**kept, name: wrong}, trace.start)


def run(script, tmp_path):
    """Run it with NumPy alone: the packages of this project are not to be found."""
    path = tmp_path / "reproducer.py"
    path.write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-P", "-c", NUMPY_ONLY, str(path)], cwd=tmp_path, capture_output=True, text=True
    )


@pytest.mark.parametrize("hidden", ["nothing", "m_"])
def test_of_a_trace_on_disk_it_is_the_same_script(hidden, tmp_path, monkeypatch):
    trace = broken("dZ[1]").hiding(*(name for name in network_of(SMALL).shapes if name.startswith(hidden)))

    def subject(experiment):
        for step, _ in enumerate(experiment.batches(), 1):
            yield {name: trace.values(name, step) for name in trace.shown}

    folder = recorded(tmp_path / "it.trace", subject, SMALL, name="mine")
    certificate = certify(trace, forms=())
    expected = reproducer(load(folder), certificate)
    monkeypatch.setattr(OnDisk, "__getitem__", lambda *_: pytest.fail("a quantity was read whole"))
    assert reproducer(in_parts(folder, 2), certificate) == expected == reproducer(trace, certificate)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ["Z[2]", "A[3]", "J", "dA[3]", "dZ[1]", "dW[2]", "m_W[1]", "W[1]"])
def test_it_prints_the_numbers_of_the_disagreement_and_exits_1(name, precision, tmp_path):
    trace = broken(name, precision)
    certificate = certify(trace, forms=())
    row = first_broken(certificate.rows)
    assert name == row.quantity
    done = run(reproducer(trace, certificate), tmp_path)
    assert (1, "") == (done.returncode, done.stderr)
    expected, actual = done.stdout.splitlines()
    assert f"actual   {value(row.actual, precision)}" == actual
    assert expected.startswith("expected ")
    assert expected.endswith(f" ± {multiple(row.bound)}")
    assert float(expected.split()[1]) == pytest.approx(row.expected, rel=1e-8, abs=row.bound)
    if precision == "float32":
        assert expected.split()[1] == value(row.expected, precision)


@pytest.mark.parametrize("name", ["dW[2]", "W[1]"])
def test_what_is_hidden_is_computed(name, tmp_path):
    trace = broken(name, shown=("W[1]", "b[1]", "W[2]", "b[2]", "W[3]", "b[3]"))
    script = reproducer(trace, certify(trace, forms=()))
    assert ", computed\n" in script
    assert 1 == run(script, tmp_path).returncode


def test_it_exits_0_once_the_number_is_mended(tmp_path):
    trace = broken("dW[2]")
    certificate = certify(trace, forms=())
    row = first_broken(certificate.rows)
    mended = value(row.expected, "float32")
    script = reproducer(trace, certificate).replace("found = float(actual[at])", f"found = {mended}")
    assert 0 == run(script, tmp_path).returncode


@pytest.mark.parametrize("name", ["A[0]", "start"])
def test_what_no_equation_gives_is_expected_as_numbers(name, tmp_path):
    trace = broken("A[0]" if name == "A[0]" else "W[1]")
    if name == "start":
        start = {n: x + 1 for n, x in trace.start.items()}
        trace = Trace(trace.experiment, "mine", trace.shown, start, start_shown=True)
    certificate = certify(trace, forms=())
    done = run(reproducer(trace, certificate), tmp_path)
    assert (1, "") == (done.returncode, done.stderr)
    row = first_broken(certificate.rows)
    assert done.stdout.splitlines()[0].split()[1] == value(row.expected, "float32")


def test_nothing_broken_is_nothing_to_reproduce():
    trace = record(train, SMALL)
    with pytest.raises(ValueError, match="nothing is broken"):
        reproducer(trace, certify(trace, forms=()))


def test_the_code_of_every_equation_can_be_copied():
    textbook = network_of(SMALL)
    forms = [in_form(textbook, form) for form in DIALECTS if form.applies_to(textbook)]
    for equation in {e for network in (textbook, *forms) for e in network.equations}:
        code = source_of(equation.by)
        assert code is not None, equation
        names = {}
        exec("from __future__ import annotations\nimport numpy as np\n" + code, names)
        assert equation.by.__name__ in names


def test_a_function_with_something_of_its_own_around_it_has_no_code():
    factor = 2.0

    def scaled(x):
        return factor * x

    assert source_of(scaled) is None
    assert source_of(lambda x: x) is None
