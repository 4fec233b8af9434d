"""A weight that is moved by 10⁻³ at one step, from which training then goes on honestly."""

from comparisons.certificate import Certificate
from comparisons.certifying import certify
from comparisons.trace import Trace
from reference.dialects import DIALECTS

STEP, NUDGE = 5, 1e-3


def parameters_alone(trace: Trace) -> Trace:
    """What is left of a trace when only W and b are shown."""
    return trace.hiding(*(set(trace.shown) - set(trace.network.parameters)))


def broken_steps(certificate: Certificate) -> dict[str, tuple[int, int]]:
    """The first step in which a broken quantity breaks, and in how many it does."""
    return {row.quantity: (row.first_broken, row.n_broken_steps) for row in certificate.rows if row.outside}


def found_in(trace: Trace) -> list[dict[str, tuple[int, int]]]:
    """What breaks with everything shown, and in the same forms with the parameters alone."""
    certificate = certify(trace, naming=False)
    forms = [form for form in DIALECTS if form.name in certificate.forms]
    return [broken_steps(certificate), broken_steps(certify(parameters_alone(trace), forms=forms))]


EXACTLY_THAT_STEP = [{"W[2]": (STEP, 1)}] * 2
