"""Traces of the reference on disk, in several chunks, how they are judged some at a time, and what is said of them."""

import dataclasses

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


def folder_of(path, experiment, hidden=(), forms=(), chunk=2**14, name="subject"):
    """A trace of the reference in these forms, in several chunks, but for what begins with something hidden."""
    network = in_form(network_of(experiment), *forms)
    shown = [name for name, shape in network.shapes.items() if shape and not name.startswith(tuple(hidden) or "-")]

    def subject(taken):
        for step in replayed(network, taken.initial(), given_by(taken), shown):
            yield {name: value.copy() for name, value in step.items()}

    return recorded(path, subject, experiment, chunk, name)


def recorded(path, subject, experiment, chunk=2**10, name="subject"):
    """A trace of what a subject shows, in several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "CHUNK_BYTES", chunk)
        return record(subject, experiment, name=name, into=path)


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
