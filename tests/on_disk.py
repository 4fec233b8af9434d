"""Traces of the reference on disk, in several chunks, and how they are read in parts."""

import dataclasses

import pytest

from comparisons import saving
from comparisons.composed import given_by, network_of
from comparisons.recording import record
from comparisons.stored import Stored
from comparisons.trace import load
from reference.forms import in_form
from reference.tape import replayed


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
