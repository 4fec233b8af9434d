"""What may be hidden of a trace on disk, how it is judged some examples at a time, and what its certificate says."""

import dataclasses

from comparisons.stored import Stored
from comparisons.trace import load
from reference.dialects import summed_weight_gradient
from reference.forms import Change, Form
from reference.layers import weight_gradient

SUMMED = Form("summed-gradient", "mistake", (Change(weight_gradient, summed_weight_gradient),))
HIDDEN = {
    "nothing": (),
    "moments": ("m_", "v_"),
    "activations and gradients": ("Z", "A[2]", "dA", "dZ", "dW", "db", "m_", "v_"),
    "all but the weights": ("A", "Z", "d", "J", "Y", "m_", "v_"),
    "a weight too": ("A", "Z", "d", "Y", "m_", "v_", "W[2]"),
}


def in_blocks(folder, n_columns):
    """The trace on disk, judged so many examples of a step at a time."""
    trace = load(folder, memory=1)
    assert isinstance(trace, Stored)
    return dataclasses.replace(trace, columns_at_once=n_columns)


def without_medians(certificate):
    rows = tuple(dataclasses.replace(row, median=0.0, radius=0.0) for row in certificate.rows)
    return dataclasses.replace(certificate, rows=rows)


def told(certificate):
    """All that it says, to the last bit."""
    return [repr(getattr(certificate, field.name)) for field in dataclasses.fields(certificate)]
