"""The notebooks of docs/ are executed, cell by cell in order, and their outputs are those that are stored.

What a cell prints is compared to the letter. A certificate, which is what has HTML, is compared by its words and by the
quantities that it names: its other numbers are made of rounding, and their last digits depend on the processor.
"""

from __future__ import annotations

import copy
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "notebook.py"
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))
ARTICLE = ROOT / "docs" / "article.ipynb"
NUMBER = r"(?<![A-Za-z]\[)\b\d[\d,.]*(e[+-]?\d+)?"  # but not the layer in dW[3]
SECTIONS = (
    "The task", "The network", "What is to be certified", "One neuron", "One layer", "Without the loop over neurons",
    "Many examples at once", "Activations and their derivatives", "Loss and accuracy", "Gradient descent",
    "Backpropagation", "The whole network", "A mistake, made on purpose", "Training", "And now",
)  # fmt: skip
LEFT_TO_LOOK_AT = ("The task", "The network", "And now")  # nothing is computed there that could be certified

pytestmark = pytest.mark.xdist_group("notebooks")

Notebook = dict[str, Any]


def run(path: Path) -> subprocess.CompletedProcess[str]:
    """Execute a notebook as docs/make.py does, in a process of its own."""
    call = [sys.executable, "-W", "error", str(SCRIPT), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(call, env=environment, capture_output=True, encoding="utf-8", timeout=300)


def differences(stored: Notebook, actual: Notebook) -> Iterator[str]:
    """Where two notebooks differ in their outputs; the cell is counted from 1."""
    for number, (one, other) in enumerate(zip(stored["cells"], actual["cells"], strict=True), 1):
        was, now = outputs(one), outputs(other)
        if was != now:
            at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
            yield f"cell {number}: stored was {was[at : at + 1]}, it gives {now[at : at + 1]}"


def outputs(cell: Notebook) -> list[str]:
    """The outputs of a cell, line by line, the numbers of certificates replaced."""
    found = []
    for output in cell.get("outputs", ()):
        texts = output.get("data") or {output["name"]: output["text"]}
        for kind, text in texts.items():
            words = re.sub(NUMBER, "#", "".join(text)) if "text/html" in texts else "".join(text)
            found += [f"{kind}: {line}" for line in words.splitlines()]
    return found


@pytest.fixture(scope="module")
def stored() -> Notebook:
    return json.loads(ARTICLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_gives_the_outputs_that_are_stored(path: Path) -> None:
    done = run(path)
    assert done.returncode == 0, done.stderr
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert [] == list(differences(stored, json.loads(done.stdout))), "run .venv/bin/python docs/make.py"


def test_every_notebook_is_among_those_that_docs_make_writes() -> None:
    assert [path.name for path in NOTEBOOKS] == sorted(runpy.run_path(str(ROOT / "docs" / "make.py"))["NOTEBOOKS"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_as_jupyter_stores_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert runpy.run_path(str(SCRIPT))["written"](notebook) == text
    assert (4, 5) == (notebook["nbformat"], notebook["nbformat_minor"])
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert list(range(1, len(cells) + 1)) == [cell["execution_count"] for cell in cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_nothing_of_this_machine_is_stored(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"0x[0-9a-f]{6}|/home/|/tmp/|/Users/", text)
    assert str(ROOT) not in text


# The article, section by section --------------------------------------------------------------------------------------


def sections(notebook: Notebook) -> dict[str, list[Notebook]]:
    """The code cells under each heading."""
    found: dict[str, list[Notebook]] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            found |= {heading: [] for heading in re.findall(r"^## (.+)$", "".join(cell["source"]), re.MULTILINE)}
        elif found:
            found[list(found)[-1]].append(cell)
    return found


def text_of(cells: list[Notebook]) -> str:
    return "\n".join("\n".join(outputs(cell)) for cell in cells)


def test_every_section_ends_in_a_certificate(stored: Notebook) -> None:
    found = sections(stored)
    assert list(SECTIONS) == list(found)
    certified = [heading for heading, cells in found.items() if any("certify(" in "".join(c["source"]) for c in cells)]
    assert [heading for heading in SECTIONS if heading not in LEFT_TO_LOOK_AT] == certified
    for heading in certified:
        assert re.search("agrees|disagrees|not compared", text_of(found[heading])), heading


def test_the_forgotten_1_m_is_named_and_with_it_in_its_place_the_network_agrees(stored: Notebook) -> None:
    everything, weights, mended = map(lambda cell: text_of([cell]), sections(stored)["A mistake, made on purpose"])
    assert "✗ forgotten (float64) disagrees" in everything
    assert 'explained by "summed-gradient"' in everything
    assert 'explained by one of "summed-gradient" or' in weights
    assert "✓ mended (float64) agrees" in mended
    assert "every parameter of every step is tied to the step before by judged equations" in mended


# What must be rejected ------------------------------------------------------------------------------------------------


def changed(notebook: Notebook, change: Callable[[list[Notebook]], None]) -> Notebook:
    """A copy of which some outputs are changed."""
    other = copy.deepcopy(notebook)
    change(other["cells"])
    return other


def position(notebook: Notebook, word: str) -> int:
    """Where the first cell is whose outputs have this word."""
    return next(i for i, cell in enumerate(notebook["cells"]) if word in "".join(outputs(cell)))


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        pytest.param("accuracy", "0.500", "0.501", id="a-printed-number"),
        pytest.param("one_neuron", "agrees", "disagrees", id="a-verdict"),
        pytest.param("summed-gradient", "summed-gradient", "summed-bias", id="a-mistakes-name"),
        pytest.param("along_chords", "equation  dW[1]", "equation  dW[2]", id="a-quantity"),
        pytest.param("one_neuron", "W[1] is not shown; ", "", id="what-is-missing"),
    ],
)
def test_a_changed_output_is_noticed_and_its_cell_is_named(stored: Notebook, word: str, old: str, new: str) -> None:
    at = position(stored, word)

    def change(cells: list[Notebook]) -> None:
        for output in cells[at]["outputs"]:
            for holder, key in [(output, "text"), (output.get("data", {}), "text/plain")]:
                if key in holder:
                    holder[key] = [line.replace(old, new) for line in holder[key]]

    (said,) = differences(changed(stored, change), stored)
    assert said.startswith(f"cell {at + 1}: ")


def test_an_output_that_is_gone_and_one_too_many_are_noticed(stored: Notebook) -> None:
    at = position(stored, "one_neuron")
    without = changed(stored, lambda cells: cells[at]["outputs"].clear())
    assert [f"cell {at + 1}"] == [said.partition(":")[0] for said in differences(without, stored)]
    assert [f"cell {at + 1}"] == [said.partition(":")[0] for said in differences(stored, without)]
    with pytest.raises(ValueError, match="zip"):
        list(differences(changed(stored, lambda cells: cells.pop() and None), stored))


def test_the_last_digits_of_a_certificate_are_no_difference(stored: Notebook) -> None:
    at = position(stored, "along_chords")

    def change(cells: list[Notebook]) -> None:
        for kind, lines in cells[at]["outputs"][0]["data"].items():
            cells[at]["outputs"][0]["data"][kind] = [line.replace("e-15", "e-16") for line in lines]

    other = changed(stored, change)
    assert other != stored
    assert [] == list(differences(other, stored))


def written(tmp_path: Path, *cells: str) -> Path:
    """A notebook of these code cells, below a line of text."""
    made = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": [text], "outputs": []}
            for i, text in enumerate(cells)]  # fmt: skip
    path = tmp_path / "made.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "id": "a", "source": ["#"]}, *made]}))
    return path


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        pytest.param("x = 1\ny = x / 0", "    y = x / 0\n", id="an-error"),
        pytest.param("x = = 1", "SyntaxError", id="no-python"),
        pytest.param("%timeit x", "SyntaxError", id="what-only-ipython-understands"),
        pytest.param("import warnings\nwarnings.warn('look')", "UserWarning: look", id="a-warning"),
        pytest.param("raise SystemExit(0)", "SystemExit", id="leaving"),
        pytest.param("not_defined_above", "NameError", id="a-name-from-below"),
    ],
)
def test_a_cell_that_fails_is_told_by_its_number(tmp_path: Path, cell: str, reason: str) -> None:
    done = run(written(tmp_path, "print(1)", cell, "not_defined_above = 1"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "made.ipynb: cell 3 raised:\n" in done.stderr
    assert reason in done.stderr


def test_a_cell_gives_what_it_prints_and_then_the_value_of_its_last_line(tmp_path: Path) -> None:
    done = run(written(tmp_path, "x = 2\nprint('a')\nx + 1", "x = 3", "", "print(x)", "'ä'"))
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert [["stdout: a", "text/plain: 3"], [], [], ["stdout: 3"], ["text/plain: 'ä'"]] == list(map(outputs, cells[1:]))
