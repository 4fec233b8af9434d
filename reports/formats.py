"""The formats of a report: each a function of a result's folder that gives text."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path

from comparisons.errors import UsageError
from comparisons.reported import not_drawn_without
from comparisons.result import read, rows_as_csv, to_json

DRAWN_WITH = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}


def html(folder: Path) -> str:
    """One self-contained page. Error: UsageError where what it is drawn with is not installed."""
    refuse_undrawable()
    from reports.page import page
    from reports.scenes import scenes_of

    return page(read(folder), scenes_of(folder), metadata.version("backproof"))


def markdown(folder: Path) -> str:
    """A comment for a pull request, or a job's summary."""
    from reports.markdown import markdown

    return markdown(read(folder))


def junit(folder: Path) -> str:
    """JUnit XML."""
    from reports.junit import junit

    return junit(read(folder))


def as_json(folder: Path) -> str:
    """The result, as docs/result.md describes it."""
    return json.dumps(to_json(read(folder)), ensure_ascii=False, indent=1) + "\n"


def as_csv(folder: Path) -> str:
    """The result's rows, as docs/result.md describes them."""
    return rows_as_csv(read(folder).rows)


FORMATS: dict[str, Callable[[Path], str]] = {
    "html": html, "markdown": markdown, "json": as_json, "csv": as_csv, "junit": junit,
}  # fmt: skip


def refuse_undrawable() -> None:
    """Error: UsageError where what pages and figures are drawn with is not installed."""
    missing = [package for module, package in DRAWN_WITH.items() if util.find_spec(module) is None]
    if missing:
        raise UsageError(not_drawn_without(missing))
