"""Reports to maintainers: each program prints what the page says, all in one process, and names facts that exist."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from comparisons.internals.catalogue import facts
from tests.frameworks import not_installed

PAGE = (Path(__file__).resolve().parents[2] / "docs/upstream.md").read_text(encoding="utf-8")
REPORTS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
PROGRAMS = {title: found[0] for title, text in REPORTS.items()
            if (found := re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL))}  # fmt: skip
RUN = """
import contextlib, io, json, sys
told = []
for program in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(program, {})
    told.append(printed.getvalue())
json.dump(told, open(sys.argv[1], "w"))
"""

pytestmark = pytest.mark.xdist_group("internals")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each program prints, by the report's title."""
    for package in ("torch", "keras", "tensorflow"):
        if importlib.util.find_spec(package) is None:
            not_installed(f"{package} is not installed")
    file = tmp_path_factory.mktemp("upstream") / "printed.json"
    programs = json.dumps([program for program, _ in PROGRAMS.values()])
    done = subprocess.run(
        [sys.executable, "-c", RUN, file], input=programs, capture_output=True, text=True, timeout=300
    )
    assert 0 == done.returncode, done.stderr
    return dict(zip(PROGRAMS, json.loads(file.read_text()), strict=True))


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_program_prints_what_its_report_says(title, printed):
    assert PROGRAMS[title][1] == printed[title]


def test_every_report_but_the_last_has_a_program_facts_and_a_tracker():
    assert [*PROGRAMS, "Known already"] == list(REPORTS)
    known = {fact.id for fact in facts()}
    for title, text in REPORTS.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert known & set(re.findall(r"`([a-z0-9-]+)`", prose)), title
        assert title == "Known already" or "\nTracker: " in text


def test_a_program_that_prints_something_else_is_noticed(printed):
    title = next(iter(PROGRAMS))
    assert PROGRAMS[title][1].replace("True", "False", 1) != printed[title]
