"""The published example is a whole report of the article's run, and its three files say the same."""

import csv
import json
import re
from html import unescape
from pathlib import Path

import pytest

from comparisons.wording import count

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "reports" / "example"


@pytest.fixture(scope="module")
def rows():
    with (EXAMPLE / "rows.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_page_and_markdown_say_what_the_table_counts(rows):
    judged = f"{count(sum(int(row['checked']) for row in rows))} numbers judged, all inside their balls"
    page = (EXAMPLE / "report.html").read_text(encoding="utf-8")
    assert judged in unescape(re.search("<h1>(.*?)</h1>", page)[1])
    assert judged in (EXAMPLE / "report.md").read_text(encoding="utf-8").partition("\n")[0]
    assert {"agrees"} == {row["verdict"] for row in rows}


def test_the_page_has_every_row_of_the_table(rows):
    page = (EXAMPLE / "report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    shown = {
        (part["quantity"], cell["title"].rpartition(" of ")[2])
        for cell in data["cells"].values()
        for part in cell["parts"]
    }
    assert shown == {(row["quantity"], f"{row['implementation']} ({row['precision']})") for row in rows}
    assert 10 == len({name for _, name in shown})


def test_its_pictures_are_there():
    for name in ("report.png", "decision-boundary.png"):
        assert (ROOT / "docs/pictures" / name).read_bytes().startswith(b"\x89PNG")
