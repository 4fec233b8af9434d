"""Scenes of a trace on disk, part after part, are those of the trace in memory, bit for bit."""

import json

import pytest

from comparisons import stored, streaming
from comparisons.experiment import Circles
from comparisons.scenes.gathering import scenes_of
from comparisons.scenes.path import path_of
from comparisons.scenes.snapshots import snapshot_of
from comparisons.stored import OnDisk
from comparisons.trace import load
from comparisons.values import Carried
from reference.dialects import DIALECTS
from tests.on_disk import folder_of as trace_of
from tests.on_disk import in_parts
from tests.scenes.conftest import KERAS
from tests.small import small

HIDDEN = {
    "nothing": (),
    "moments": ("m_", "v_"),
    "all but the weights": ("A", "Z", "d", "J", "Y", "m_", "v_"),
    "a weight too": ("A", "Z", "d", "Y", "m_", "v_", "W[2]"),
}


def folder_of(path, hidden=(), precision="float32", chunk=2**14):
    """A trace in two of Keras's dialects."""
    experiment = small(precision, data=Circles(n_train=40, n_test=10))
    return trace_of(path, experiment, hidden, [form for form in DIALECTS if form.name in KERAS], chunk)


def told(trace):
    """All that the scenes say, as it is written."""
    return json.dumps(scenes_of(trace.experiment, [(trace, KERAS)], surface_from="subject"))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_in_parts_of_any_size_they_are_those_of_the_whole(hidden, precision, tmp_path):
    folder = folder_of(tmp_path / "it.trace", hidden, precision)
    whole = load(folder)
    parts = [in_parts(folder, n) for n in (1, 5, 12)]
    assert all(told(part) == told(whole) for part in parts)
    assert told(whole.hiding("W[1]")) != told(whole)


def test_a_part_that_forgets_what_the_one_before_left_is_noticed(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", HIDDEN["moments"])
    assert told(in_parts(folder, 5)) == told(load(folder))
    monkeypatch.setattr(streaming, "replace", lambda carried, **more: Carried(**more))
    with pytest.raises(ValueError, match="is hidden, so what it was before step 6 is not known"):
        told(in_parts(folder, 5))


def test_path_and_snapshots_read_what_they_need_and_no_quantity_is_read_whole(tmp_path, monkeypatch):
    folder, read = folder_of(tmp_path / "it.trace", chunk=1), []  # of one step each
    trace, chunk_of = in_parts(folder, 5), stored.chunk_of

    def noted(path, shapes, network, names=None):
        read.append((path.stem, frozenset(names)))
        return chunk_of(path, shapes, network, names)

    monkeypatch.setattr(stored, "chunk_of", noted)
    monkeypatch.setattr(OnDisk, "__getitem__", lambda *_: pytest.fail("a quantity was read whole"))
    path_of(trace)
    of_ends = {file.path.stem for file in trace.on_disk.files for end in (3, 6, 9, 12) if file.begin < end <= file.end}
    assert {frozenset(trace.network.parameters)} == {names for _, names in read}
    assert sorted(of_ends) == [stem for stem, _ in read], "each file once, and none but those of the ends of epochs"
    assert len(of_ends) < len(trace.on_disk.files)
    read.clear()
    snapshot_of(trace, [1, 2, 12])
    assert len(read) == len({stem for stem, _ in read})
    told(trace)
