"""The table of measured times says what it says: targets beside their ratios, and contenders that take steps.

No time is tested here: how fast something is, is measured by `make benchmark`.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import contenders, performance

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[dict[str, str]]:
    with (ROOT / "benchmarks" / "performance.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def wrong_verdicts(table: list[dict[str, str]]) -> list[str]:
    """The lines that call a target met that is missed, or missed where it is met."""
    of_targets = [row for row in table if row["target"]]
    return [row["contender"] for row in of_targets
            if performance.held(float(row["ratio"] or row["value"]), row["target"])["met"] != row["met"]]  # fmt: skip


def test_each_target_stands_beside_its_ratio_and_says_whether_it_is_met() -> None:
    assert wrong_verdicts(rows()) == []
    targets = {row["target"] for row in rows() if row["target"]}
    assert targets >= {"at least 6", "at least 25", "at most 1.15", "at most 0.1", "at most 1.5", "at most 0.3"}


def test_a_verdict_that_its_ratio_denies_is_noticed() -> None:
    told = [{**row, "met": {"yes": "no", "no": "yes"}[row["met"]]} for row in rows() if row["target"]]
    assert wrong_verdicts(told) == [row["contender"] for row in told]


@pytest.mark.parametrize(
    ("ratio", "target", "met"),
    [(6.0, "at least 6", "yes"), (5.99, "at least 6", "no"), (1.5, "at most 1.5", "yes"), (1.51, "at most 1.5", "no")],
)
def test_a_target_is_met_where_the_ratio_reaches_it(ratio: float, target: str, met: str) -> None:
    assert performance.held(ratio, target) == {"target": target, "met": met}
    assert performance.held(float("nan"), target)["met"] == "no"


def test_the_machine_and_what_is_not_installed_are_told() -> None:
    told = {row["contender"] for row in performance.machine("usual")}
    assert told == {"date", "mode", "processor", "system", "versions", "not installed"}
    assert told == {row["contender"] for row in rows() if row["section"] == "machine"}


def answers(name: str, *numbers: int) -> list[str]:
    of = json.dumps({"sizes": [2, 4, 1], "m": 8, "n_threads": 1, "n_first": 1})
    asked = "".join(f"{number}\n" for number in numbers)
    command = [sys.executable, "-m", "benchmarks.contenders", name, of]
    return subprocess.run(command, input=asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")


def test_a_contender_takes_steps_when_it_is_told_to() -> None:
    ready, *seconds, memory, end = answers("reference", 3, 2, 0)
    assert (ready, len(seconds), end) == ("ready", 2, "")
    assert all(float(number) > 0 for number in (*seconds, memory))


def test_a_contender_that_is_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    missing = contenders.Contender("nobody", contenders.plain, "no_such_package")
    monkeypatch.setitem(contenders.CONTENDERS, "nobody", missing)
    monkeypatch.setattr(sys, "argv", ["contenders", "nobody", "{}"])
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    contenders.main()
    assert capsys.readouterr().out == "no_such_package is not installed\n"


def test_the_products_are_those_of_a_step() -> None:
    setting = contenders.Setting((5, 4, 3, 1), 7, 1)
    multiplied = []

    def noted(one: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
        multiplied.append((one.shape, other.shape, out.shape))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "matmul", noted)
        contenders.products(setting)(1)
    assert multiplied == [
        ((4, 5), (5, 7), (4, 7)), ((4, 7), (7, 5), (4, 5)),
        ((3, 4), (4, 7), (3, 7)), ((3, 7), (7, 4), (3, 4)), ((4, 3), (3, 7), (4, 7)),
        ((1, 3), (3, 7), (1, 7)), ((1, 7), (7, 3), (1, 3)), ((3, 1), (1, 7), (3, 7)),
    ]  # fmt: skip


def test_a_page_that_is_not_made_is_refused() -> None:
    command = [sys.executable, "docs/make.py", "nothing.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("nothing.md is not made here; there are dialects.md, ")
