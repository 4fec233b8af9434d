"""Writes the page that is made from the code: docs/dialects.md, from reference/dialects.py.

    .venv/bin/python docs/make.py

`tests/packaging/test_docs.py` asserts that the page in the repository is what this writes.
"""

from __future__ import annotations

import textwrap
from itertools import groupby
from pathlib import Path

from comparisons.lexicon import examples, textbook_of
from reference.dialects import DIALECTS
from reference.forms import Form

FOLDER = Path(__file__).resolve().parent

HEAD = """\
# Dialects

<!-- Made by docs/make.py from reference/dialects.py: change it there. -->

A dialect is a legitimate other form of some of the article's equations: what a framework computes instead, and where it
says so. Each implementation is judged in the smallest set of dialects under which all its recorded numbers lie inside
their balls. A dialect is chosen whole, for all layers and all steps, or not at all; of those that answer the same
question at most one is chosen, and the textbook's form is an answer too.

Equations are those of the article's network with Adam, or with the optimizer or the decay (0.1) that the dialect is
of. Where a dialect changes the equation of every layer or of every
parameter, one of them stands for all. `backproof equations --dialects` prints the same for your own network.
"""


def section(form: Form) -> str:
    """One dialect."""
    textbook = textbook_of(form)
    lines = [f"### `{form.name}`", "", wrapped(form.says), "", "```text"]
    for change in form.changes:
        for before, after in examples(change, textbook):
            lines += [str(before), f"    becomes  {after.formula}"]
    sources = ", ".join(f"`{source}`" for source in form.source.split("; "))
    return "\n".join([*lines, "```", "", wrapped(f"Source: {sources}"), ""])


def wrapped(text: str) -> str:
    """A paragraph in lines."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def dialects() -> str:
    """The whole page, dialects by the question that they answer."""
    parts = [HEAD]
    for choice, forms in groupby(DIALECTS, key=lambda form: form.choice):
        parts.append(f"## {choice[0].upper()}{choice[1:]}\n")
        parts += map(section, forms)
    return "\n".join(parts)


PAGES = {"dialects.md": dialects}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
