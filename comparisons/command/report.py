"""`backproof report`, `open` and `figures`."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from rich.text import Text

from comparisons.command.console import console_of
from comparisons.errors import UsageError
from comparisons.reported import not_opened_line, not_written, nothing_to_draw, written_line
from comparisons.result import read
from reports.formats import FORMATS, refuse_undrawable

PAGE = "report.html"


def report_command(folder: Path, form: str, out: Path | None) -> int:
    """Write a report, a page beside its result unless told otherwise, and others on standard output."""
    text = FORMATS[form](folder)
    if out is None and form != "html":
        sys.stdout.write(text)
        return 0
    path = _written(out or _folder(folder) / PAGE, text)
    console_of().print(Text(written_line("Report", path)), soft_wrap=True)
    return 0


def open_command(folder: Path) -> int:
    """Write the page, unless it is newer than its result, and open it in a browser."""
    where = _folder(folder)
    path = where / PAGE
    sources = [where / name for name in ("result.json", "scenes.json") if (where / name).exists()]
    if not path.exists() or any(path.stat().st_mtime < source.stat().st_mtime for source in sources):
        _written(path, FORMATS["html"](folder))
    line = written_line("Report", path)
    if not webbrowser.open(path.absolute().as_uri()):
        line = not_opened_line(path.absolute())
    console_of().print(Text(line), soft_wrap=True)
    return 0


def figures_command(folder: Path, out: Path) -> int:
    """Write the figures as SVG and PNG."""
    refuse_undrawable()
    from reports.images import write
    from reports.scenes import scenes_of

    result, scenes = read(folder), scenes_of(_folder(folder))
    if scenes is None:
        raise UsageError(nothing_to_draw(folder))
    console, written = console_of(), 0
    try:
        with console.status("drawing") as status:
            for path in write(result, scenes, out):
                written += 1
                status.update(f"drawing: {path.name}")
    except OSError as error:
        raise UsageError(not_written(out, error.strerror)) from None
    console.print(Text(written_line(f"{written} files", out)), soft_wrap=True)
    return 0


def _folder(folder: Path) -> Path:
    """The folder of a result, also where its result.json was named."""
    return folder if folder.is_dir() else folder.parent


def _written(path: Path, text: str) -> Path:
    """Write whole or not at all. Error: UsageError where the disk does not take it."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise UsageError(not_written(path, error.strerror)) from None
    return path
