"""Traces of the reference on disk, in several chunks, and how they are judged some of it at a time."""

import dataclasses
import tracemalloc

import pytest

from comparisons import saving
from comparisons.composed import given_by, network_of
from comparisons.recording import record
from comparisons.stored import Stored
from comparisons.trace import load
from reference.dialects import summed_weight_gradient
from reference.forms import Change, Form, in_form
from reference.layers import weight_gradient
from reference.tape import replayed

SUMMED = Form("summed-gradient", "mistake", (Change(weight_gradient, summed_weight_gradient),))
HIDDEN = {
    "nothing": (),
    "moments": ("m_", "v_"),
    "activations and gradients": ("Z", "A[2]", "dA", "dZ", "dW", "db", "m_", "v_"),
    "all but the weights": ("A", "Z", "d", "J", "Y", "m_", "v_"),
    "a weight too": ("A", "Z", "d", "Y", "m_", "v_", "W[2]"),
}


def folder_of(path, experiment, hidden=(), form=None, chunk=2**14):
    """A trace of the reference in several chunks, with some quantities hidden, in a form."""
    network = network_of(experiment) if form is None else in_form(network_of(experiment), form)
    shown = [name for name, shape in network.shapes.items() if shape and not name.startswith(tuple(hidden) or "-")]

    def subject(taken):
        for step in replayed(network, taken.initial(), given_by(taken), shown):
            yield {name: value.copy() for name, value in step.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "CHUNK_BYTES", chunk)
        return record(subject, experiment, name="subject", into=path)


def in_parts(folder, n_steps):
    """The trace on disk, judged so many steps at a time."""
    trace = load(folder, memory=1)
    assert isinstance(trace, Stored)
    return dataclasses.replace(trace, steps_at_once=n_steps, columns_at_once=None)


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


def peak(work):
    """The most memory that it takes at any time, beyond what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
