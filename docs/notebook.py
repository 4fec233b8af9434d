"""Executes a notebook: prints it with the outputs that its cells give now, in order, in one process.

    .venv/bin/python docs/notebook.py docs/article.ipynb

`docs/make.py` writes that back, and `tests/packaging/test_notebooks.py` holds it against what is stored. A notebook is
JSON and its cells are Python, so no kernel is needed: an output is what a cell prints, then the value of its last line,
as text and, where the value has some, as HTML. What only IPython understands (`%`, `!`) is a syntax error here, and a
warning is an error.
"""

from __future__ import annotations

import ast
import io
import json
import linecache
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]


class CellError(Exception):
    """A cell that raised: its number, counted from 1 over all cells, and the traceback from its own line on."""


def executed(notebook: Notebook) -> Notebook:
    """The notebook with every output made anew. Error: CellError at the first cell that raises."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, n_executed = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, cell in enumerate(notebook["cells"], 1):
            if cell["cell_type"] == "code":
                n_executed += 1
                outputs = outputs_of("".join(cell["source"]), names, number, n_executed)
                cell = {**cell, "execution_count": n_executed, "outputs": outputs}
            cells.append(cell)
    return {**notebook, "cells": cells}


def outputs_of(source: str, names: dict[str, Any], number: int, count: int) -> list[dict[str, Any]]:
    """What a cell prints and shows; `names` are what the cells before it left, and what it leaves."""
    file = f"<cell {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    printed = io.StringIO()
    try:
        body = ast.parse(source, file).body
        end = body.pop() if body else None
        last = end.value if isinstance(end, ast.Expr) else None
        body += [end] if end is not None and last is None else []
        with redirect_stdout(printed):
            exec(compile(ast.Module(body, []), file, "exec"), names)
            value = eval(compile(ast.Expression(last), file, "eval"), names) if last is not None else None
            shown = shown_as(value) if value is not None else None
    except (Exception, SystemExit) as error:
        told = traceback.TracebackException.from_exception(error)
        told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename != __file__])
        raise CellError(f"cell {number} raised:\n{''.join(told.format())}") from error
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if shown is not None:
        outputs.append({"data": shown, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return outputs


def shown_as(value: Any) -> dict[str, list[str]]:
    """A value as a notebook shows it: by the kind of its text."""
    html = {"text/html": lines(value._repr_html_())} if hasattr(value, "_repr_html_") else {}
    return {**html, "text/plain": lines(repr(value))}


def lines(text: str) -> list[str]:
    """The text as notebooks store it, so that a difference is one of lines."""
    return text.splitlines(keepends=True)


def written(notebook: Notebook) -> str:
    """A notebook as it is stored, as Jupyter does it."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Print the notebook that is named, executed."""
    notebook = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        text = written(executed(notebook))
    except CellError as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
