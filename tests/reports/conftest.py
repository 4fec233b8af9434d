"""A real result to report on: three runs of a small network in both precisions, one of them wrong, with its figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from comparisons.experiment import Circles
from comparisons.implementations.registry import find
from comparisons.result import Result, read, verdict_of, write
from comparisons.run import run
from reports.formats import html
from reports.scenes import Scenes, scenes_of
from tests.small import small

SUBJECT = """
from comparisons.implementations import numpy_reference


def train(experiment):
    for step, shown in enumerate(numpy_reference.train(experiment), 1):
        shown = dict(shown)
        {change}
        yield shown
"""
CHANGES = {"mine": "pass", "wrong": "shown |= {'dW[2]': 2 * shown['dW[2]']} if 'dW[2]' in shown else {}"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run; its `wrong` has every dW[2] twice as large."""
    out = tmp_path_factory.mktemp("reported")
    for name, change in CHANGES.items():
        (out / f"{name}.py").write_text(SUBJECT.format(change=change), encoding="utf-8")
    chosen = [find("numpy"), *(find(str(out / f"{name}.py")) for name in CHANGES)]
    experiments = [
        small(precision, epochs=2, data=Circles(n_train=40, n_test=8)) for precision in ("float32", "float64")
    ]
    run(experiments, chosen, out / "out", figures=True)
    return out / "out"


@pytest.fixture(scope="session")
def result(folder: Path) -> Result:
    return read(folder)


@pytest.fixture(scope="session")
def scenes(folder: Path) -> Scenes:
    found = scenes_of(folder)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def text(folder: Path) -> str:
    """The page of the run; drawing one takes a second."""
    return html(folder)


@pytest.fixture(scope="session")
def agreeing(result: Result) -> Result:
    """The same result without what is wrong in it."""
    kept = tuple(one for one in result.implementations if one.name != "wrong")
    rows = tuple(row for row in result.rows if row.implementation != "wrong")
    return replace(
        result, implementations=kept, rows=rows, verdict=verdict_of(kept), checked=sum(row.checked for row in rows),
        histories=tuple(one for one in result.histories if one["implementation"] != "wrong"),
        agreements=tuple(one for one in result.agreements if "wrong" not in (one["one"], one["other"])),
        explanations=tuple(one for one in result.explanations if "wrong" not in (one["one"], one["other"])),
    )  # fmt: skip


@pytest.fixture
def changed(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """`changed(change)`: a copy of the folder's two files, in which `change` has changed the result's content."""

    def copy(change: Callable[[dict], object], with_scenes: bool = True) -> Path:
        content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        change(content)
        out = tmp_path / "changed"
        out.mkdir(exist_ok=True)
        (out / "result.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        if with_scenes:
            (out / "scenes.json").write_bytes((folder / "scenes.json").read_bytes())
        return out

    return copy


@pytest.fixture
def saved(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """`saved(result)`: a folder with this result and the run's scenes."""

    def save(result: Result, with_scenes: bool = True) -> Path:
        out = tmp_path / "saved"
        out.mkdir(exist_ok=True)
        write(result, out)
        if with_scenes:
            (out / "scenes.json").write_bytes((folder / "scenes.json").read_bytes())
        return out

    return save
