"""What was read from a file has the shape that was promised, or is refused with the place where it has not."""

import json

import pytest

from comparisons.errors import UsageError
from comparisons.result import ImplementationResult, Result, ResultRow, read, to_json, write
from comparisons.result_shape import SHAPE
from comparisons.shape import maybe, mismatches, nothing, number

ROW = ResultRow(
    "numpy", "float32", "J", 4, 0, 0.5, 0.1, 1e-7, 2, (0, 0), 0.7, 1e-7, 0.7, "agrees", 0, 0, None, 0, "J = 1"
)
CHAIN = {"holds": True, "missing": (), "n_links": 1, "n_judged": 1}
RUN = ImplementationResult("numpy", "float32", "agrees", "all hold", chain=CHAIN)
EXPERIMENT = {"name": "x", "precision": "float32", "layers": [1], "activations": ["sigmoid"], "loss": "b", "epochs": 1,
              "batch_size": 8, "optimizer": {}}  # fmt: skip
RESULT = Result("agrees", 4, EXPERIMENT, {"python": "3.11", "versions": {}, "platform": "here"}, (RUN,), (ROW,))


@pytest.mark.parametrize(
    ("content", "expected", "says"),
    [
        ("x", int, "a is a str and no int"),
        (True, int, "a is a bool and no int"),
        (True, float, "a is a bool and no float"),
        (None, str, "a is a NoneType and no str"),
        ("3", number, "a is '3' and no number"),
        (True, number, "a is True and no number"),
        ([1, "nan"], [number], "a[1] is 'nan' and no number"),
        ([1, "x"], [int], "a[1] is a str and no int"),
        ({}, [int], "a is a dict and no list"),
        ([], {"b": int}, "a is a list and no object"),
        ({"b": "x"}, {"b": int}, "a.b is a str and no int"),
        ({}, {"b": int}, "a.b is missing"),
        ({"b": None}, {"b": maybe(int)}, "a.b is a NoneType and no int"),
        ({"c": 1}, {str: str}, "a.c is a int and no str"),
        ("x", (int, nothing), "a is a str and no int"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(content, expected, says):
    assert [says] == list(mismatches(content, expected, "a"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (1, int), (1, float), (1.5, float), ("x", str), (None, (int, nothing)), (3, (int, nothing)), (None, number),
        ("inf", number), ("-inf", number), (0, number), ([], [int]), ([1, 2], [int]), ([None, 1.5, "inf"], [number]),
        ({"b": 1, "more": "x"}, {"b": int}), ({}, {"b": maybe(int)}), ({"c": "x", "d": "y"}, {str: str}),
        ({}, {str: int}),
    ],
)  # fmt: skip
def test_what_fits_is_let_be(content, expected):
    assert [] == list(mismatches(content, expected, "a"))


def test_a_result_has_its_own_shape_and_is_read_back(tmp_path):
    assert [] == list(mismatches(to_json(RESULT), SHAPE))
    write(RESULT, tmp_path)
    assert RESULT == read(tmp_path)


def paths(shape, content, at=()):
    """The places of everything that a shape speaks of and a content holds, from outside in."""
    if isinstance(shape, maybe):
        yield from paths(shape.of, content, at)
    elif isinstance(shape, dict) and str not in shape and isinstance(content, dict):
        for name in shape.keys() & content.keys():
            yield (*at, name)
            yield from paths(shape[name], content[name], (*at, name))
    elif isinstance(shape, list) and isinstance(content, list) and content:
        yield from paths(shape[0], content[0], (*at, 0))


@pytest.mark.parametrize("at", sorted(paths(SHAPE, to_json(RESULT)), key=str), ids=str)
def test_each_field_of_another_type_is_refused(at, tmp_path):
    content = to_json(RESULT)
    inside = content
    for name in at[:-1]:
        inside = inside[name]
    inside[at[-1]] = {"of": ["another type"]} if not isinstance(inside[at[-1]], dict) else [1]
    (tmp_path / "result.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match=r"is damaged: .*; run again$"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["verdict", "checked", "experiment", "environment", "implementations", "rows"])
def test_each_field_that_must_be_there_is_asked_for(name, tmp_path):
    content = to_json(RESULT)
    del content[name]
    (tmp_path / "result.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match=f"{name} is missing"):
        read(tmp_path)


@pytest.mark.parametrize("word", ["AGREES", "", "<b>agrees</b>"])
def test_an_unknown_verdict_is_refused(word, tmp_path):
    for change in (
        lambda content: content.update(verdict=word),
        lambda content: content["rows"][0].update(verdict=word),
    ):
        content = to_json(RESULT)
        change(content)
        (tmp_path / "result.json").write_text(json.dumps(content))
        with pytest.raises(UsageError, match="is none of agrees, disagrees, not compared"):
            read(tmp_path)


def test_a_field_that_is_not_known_yet_is_let_be(tmp_path):
    content = to_json(RESULT)
    content["rows"][0]["more"] = content["implementations"][0]["more"] = content["more"] = "new"
    (tmp_path / "result.json").write_text(json.dumps(content))
    assert RESULT == read(tmp_path)
