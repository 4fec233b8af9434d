"""What is no trace is refused in one sentence, which names the folder and says what is wrong with it."""

import json
import re

import pytest
from safetensors.numpy import load_file, save_file

from comparisons.certifying import certify
from comparisons.errors import UsageError
from comparisons.implementations import numpy_reference
from comparisons.recording import record
from comparisons.trace import load
from tests.small import small


@pytest.fixture
def folder(tmp_path):
    """A trace in two chunks, to be damaged."""
    folder = record(numpy_reference.train, small(), into=tmp_path / "x.trace")
    chunk = load_file(folder / "000000.safetensors")
    parts = [{}, {}]
    for key, stack in chunk.items():
        half = len(stack) // 2
        parts[0][key], parts[1][key] = stack[:half].copy(), stack[half:].copy()
    for number, part in enumerate(parts):
        save_file(part, folder / f"{number:06}.safetensors")
    assert certify(load(folder), forms=()).verdict == "agrees"
    return folder


OUTSIDE = "which is not in the trace's own folder"


def head(**changes):
    """Change fields of trace.json; None takes one away."""

    def damage(folder):
        fields = json.loads((folder / "trace.json").read_text(encoding="utf-8")) | changes
        fields = {name: value for name, value in fields.items() if value is not None}
        (folder / "trace.json").write_text(json.dumps(fields), encoding="utf-8")

    return damage


def of_experiment(section, **changes):
    """Change fields of a section of the experiment in trace.json."""

    def damage(folder):
        experiment = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["experiment"]
        experiment[section] = experiment[section] | changes if isinstance(experiment[section], dict) else changes
        head(experiment=experiment)(folder)

    return damage


def second(folder):
    return folder / "000001.safetensors"


def chunk(change):
    """Other tensors in the second chunk."""
    return lambda folder: save_file(change(load_file(second(folder))), second(folder))


def without(tensors, name):
    return {key: tensor for key, tensor in tensors.items() if key != name}


def cut_off(folder):
    content = second(folder).read_bytes()
    second(folder).write_bytes(content[: len(content) // 2])


def text(content):
    return lambda folder: (folder / "trace.json").write_text(content, encoding="utf-8")


NOT_A_TRACE = {
    "a folder of something else": (lambda folder: (folder / "trace.json").unlink(), "it has no trace.json"),
    "no JSON": (text("{"), "cannot be read as JSON"),
    "a list": (text("[]"), "has version None; this Backproof reads version 1"),
    "another version": (head(version=2), "has version 2; this Backproof reads version 1"),
    "no version": (head(version=None), "has version None"),
    "a field that is missing": (head(digest=None), "digest must be a str, but is None"),
    "a field of another type": (head(shown=[]), "shown must be a dict"),
    "another digest": (head(digest="0" * 64), "recorded on other data, start values or batches"),
    "another seed": (of_experiment("data", seed=1), "recorded on other data, start values or batches"),
    "no experiment": (head(experiment={"layers": "four"}), "describes no experiment: layers"),
    "incomplete, with an end that is no sentence": (head(complete=False, ended=3), "ended must be null or, in a trace"),
    "complete, with an end": (head(ended="no more"), "ended must be null or, in a trace that is not complete"),
    "ended with fewer steps than it says": (
        lambda folder: (second(folder).unlink(), head(complete=False, ended="no more")(folder)),
        "is truncated: A[0] has 6 of 12 steps",
    ),
    "ended with more steps than it says": (
        head(complete=False, ended="no more", n_steps=8),
        "is truncated: A[0] has 12 of 8 steps",
    ),
    "ended with more steps than there are": (
        head(complete=False, ended="no more", n_steps=13),
        "says n_steps 13, but its experiment has 12",
    ),
    "ended before the first step": (head(complete=False, ended="no more", n_steps=0), "has no step, since its rec"),
    "incomplete": (head(complete=False), "is incomplete: 12 of 12 steps were recorded; record it again"),
    "start values outside": (head(start="../start.safetensors"), OUTSIDE),
    "start values that are missing": (head(start="gone.safetensors"), "gone.safetensors is missing"),
    "data outside": (of_experiment("data", kind="arrays", file="/etc/passwd"), OUTSIDE),
    "test data outside": (of_experiment("data", kind="csv", test_file="../x.csv"), OUTSIDE),
    "parameters outside": (of_experiment("start", kind="file", file="../x.npz"), OUTSIDE),
    "a quantity that is none": (head(shown={"Q[1]": [4, 2]}), "shows 'Q[1]', which is no array of this experiment's"),
    "a chunk that is missing": (lambda folder: second(folder).unlink(), "is truncated: A[0] has 6 of 12 steps"),
    "no chunks": (lambda folder: [path.unlink() for path in folder.glob("0*")], "has no chunks"),
    "a chunk that is cut off": (cut_off, "000001.safetensors is damaged"),
    "a chunk of something else": (lambda folder: second(folder).write_text("x"), "000001.safetensors is damaged"),
    "a tensor too many": (chunk(lambda t: {**t, "Q[1]": t["W[1]"]}), "holds Q[1], which trace.json does not list"),
    "a tensor too few": (chunk(lambda t: without(t, "W[2]")), "lacks W[2], which trace.json lists as shown"),
    "a step too few": (chunk(lambda t: {**t, "W[2]": t["W[2]"][1:]}), "is truncated: W[2] has 11 of 12 steps"),
    "another shape": (chunk(lambda t: {**t, "W[1]": t["W[1]"].mT.copy()}), "expected (steps, 4, 2)"),
    "a batch size that is none": (
        chunk(lambda t: {**without(t, "J"), "J of 16": t["J"]}),
        'per-example quantities are named "J of 32", others "J"',
    ),
    "another precision": (
        chunk(lambda t: {name: array.astype("float64") for name, array in t.items()}),
        "is float64, but the experiment's precision is float32",
    ),
}


@pytest.mark.parametrize("name", NOT_A_TRACE)
def test_what_is_no_trace_is_one_sentence(folder, name):
    damage, message = NOT_A_TRACE[name]
    damage(folder)
    with pytest.raises(UsageError, match=re.escape(message)) as refused:
        load(folder)
    assert len(str(refused.value).splitlines()) == 1
    assert str(folder) in str(refused.value)


def test_a_folder_that_is_not_there_is_no_trace(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere is no trace: it has no trace\.json"):
        load(tmp_path / "nowhere")
