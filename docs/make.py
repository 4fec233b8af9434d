"""Writes what is made: dialects.md, internals.md, performance.md, tables of whole-runs.md, outputs of article.ipynb.

    .venv/bin/python docs/make.py                   # all
    .venv/bin/python docs/make.py performance.md    # a page

`tests/packaging/test_docs.py` and `test_notebooks.py` assert that the pages in the repository are what this writes.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from comparisons.internals.catalogue import AREAS, facts, facts_about
from comparisons.internals.conventions import CONVENTIONS
from comparisons.internals.expectation import text_of
from comparisons.internals.fact import Fact
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
    measured_by = ", ".join(f"[`{name}`](internals.md#{name})" for name in facts_about(form.name))
    return "\n".join([*lines, "```", "", wrapped(f"Source: {sources}"), "", wrapped(f"Measured by {measured_by}"), ""])


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


INTERNALS = """\
# What frameworks really compute

<!-- Made by docs/make.py from comparisons/internals/: change it there. -->

{n} facts about Keras, TensorFlow and PyTorch, each an experiment of a few lines that measures it. `backproof internals`
lists them, `backproof internals adam-epsilon` shows one with its code and runs it on what is installed here, and

```sh
backproof internals --run
backproof internals --run --format html > internals.html    # the same as a page that finds facts by their words
```

runs them all and says which no longer hold. What stands below each fact is what its experiment must measure: a value to
the bit, a bound from the number of roundings, or, where it says "measured", a figure that was measured on
{versions}. `backproof quiz` asks before it tells.

## Conventions side by side

{table}

Keras, PyTorch and TensorFlow were measured by the facts in the last column; JAX (with optax and flax) and the textbook
are told. A gap means that there is no such choice, or that nobody looked.
"""


def fact_section(fact: Fact) -> str:
    """One fact."""
    shows = " It shows on the article's network." if fact.on_article else ""
    lines = [f"### `{fact.id}`", "", wrapped(fact.claim), ""]
    lines += [wrapped(f"Why it matters: {fact.matters[0].lower()}{fact.matters[1:]}{shows}"), "", "```text"]
    lines += [f"{name}: {text_of(value)}" for name, value in fact.expected.items()]
    sources = ", ".join(f"`{source}`" for source in fact.source.split("; "))
    lines += ["```", "", wrapped(f"Source: {sources}{f'; below it {fact.deeper}' if fact.deeper else ''}"), ""]
    if fact.of:
        links = ", ".join(f"[`{name}`](dialects.md#{name})" for name in fact.of)
        lines += [wrapped(f"Dialect: {links}"), ""]
    if fact.depends:
        lines += ["It depends on the machine, and is held against processors of the same kind only.", ""]
    return "\n".join(lines)


def internals() -> str:
    """The whole catalogue, with the table of conventions."""
    head = "| choice | Keras | PyTorch | TensorFlow | JAX | textbook | measured by |"
    rows = ([*row[:6], ", ".join(f"[{name}](internals.md#{name})" for name in row.facts)] for row in CONVENTIONS)
    versions = next(fact.versions for fact in facts())
    parts = [INTERNALS.format(n=len(facts()), versions=versions, table=table(head, rows))]
    for area, found in groupby(facts(), key=lambda fact: fact.area):
        parts.append(f"## {AREAS[area][0].upper()}{AREAS[area][1:]}\n")
        parts += map(fact_section, found)
    return "\n".join(parts)


FAST = """\
# Performance

<!-- Made by docs/make.py from benchmarks/performance.csv, which `make benchmark` writes. -->

How fast the reference is beside the frameworks, what certifying costs beside recording, and the whole job beside the
same implementations bare. `make benchmark` measures it and writes this page. Contenders wait in processes of their own
and take their steps in turn, each after a pause, for the threads of the one before go on looking for work for a while.
Medians are compared, and what comes first is not counted. A ratio is this line's value divided by that of the line it
names.
"""


def performance() -> str:
    """The page of measured times."""
    rows = measured("performance")
    of = {row["contender"]: row["value"] for row in rows if row["section"] == "machine"}
    parts = [FAST, table("| | |", ([name, value] for name, value in of.items()))]
    targets = [row for row in rows if row["target"]]
    parts += ["", "## Targets", "", table("| what | measured | target | |", (_target(row) for row in targets)), ""]
    sections = [row["section"] for row in rows if row["section"] != "machine"]
    for section in dict.fromkeys(sections):
        head = "| case | contender | median | times | threads | ratio |"
        mine = (_line(row) for row in rows if row["section"] == section)
        parts += [f"## {section[0].upper()}{section[1:]}", "", table(head, mine), ""]
    return "\n".join(parts)


def _target(row: dict[str, str]) -> list[str]:
    what = f"{row['contender']}, {row['case']}" + (f", in multiples of {row['of']}" if row["of"] else "")
    actual = row["ratio"] or f"{row['value']} {row['unit']}"
    return [what, actual, row["target"], "met" if row["met"] == "yes" else "**missed**"]


def _line(row: dict[str, str]) -> list[str]:
    value = row["value"]
    if row["unit"]:
        value = f"{float(value):,.0f}" if abs(float(value)) >= 1000 else value
    ratio = f"{row['ratio']} × {row['of']}" if row["ratio"] else ""
    return [row["case"], row["contender"], f"{value} {row['unit']}".strip(), row["times"], row["threads"], ratio]


PAGES = {"dialects.md": dialects, "internals.md": internals, "performance.md": performance}


def measured(name: str) -> list[dict[str, str]]:
    """The rows of a table in benchmarks/."""
    with (FOLDER.parent / "benchmarks" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def table(head: str, rows: Iterator[list[str]]) -> str:
    """A table in Markdown."""
    n_columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * n_columns, *(f"| {' | '.join(row)} |" for row in rows)])


def false_alarms() -> str:
    """How often correct runs, and faulty ones, lay beyond all replicas."""
    return table(
        "| precision | runs | beyond all replicas | rate | stated for correct runs | first step |",
        (
            [row["precision"], row["what"], f"{row['beyond']} of {row['n']}", f"{float(row['measured rate']):.3f}",
             f"{float(row['stated rate']):.3f}", row["first step"] or "–"]
            for row in measured("false_alarms")
        ),
    )  # fmt: skip


def replicas() -> str:
    """What replicas cost."""
    return table(
        "| precision | one run of the reference | 32 replicas together | ratio |",
        (
            [row["precision"], f"{float(row['seconds of one run']):.2f} s",
             f"{float(row['seconds of the replicas']):.2f} s", f"{float(row['ratio']):.1f}"]
            for row in measured("replicas")
        ),
    )  # fmt: skip


TABLES = {"whole-runs.md": {"benchmarks/false_alarms.csv": false_alarms, "benchmarks/replicas.csv": replicas}}


def with_tables(name: str) -> str:
    """A page with each of its tables made anew, between `<!-- from FILE -->` and `<!-- end -->`."""
    page = (FOLDER / name).read_text(encoding="utf-8")
    for source, make in TABLES[name].items():
        begin, end = f"<!-- from {source} -->\n", "\n<!-- end -->"
        above, was_begun, rest = page.partition(begin)
        _, was_ended, below = rest.partition(end)
        assert was_begun, f"{name} has no place for {source}"
        assert was_ended, f"{name} has no end for {source}"
        page = f"{above}{begin}\n{make()}\n{end}{below}"
    return page


NOTEBOOKS = ("article.ipynb",)


def with_outputs(name: str) -> str:
    """A notebook executed in a process of its own. Error: SystemExit where a cell raises, which was told by then."""
    call = [sys.executable, str(FOLDER / "notebook.py"), str(FOLDER / name)]
    done = subprocess.run(call, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def main() -> None:
    """Write every page, or those that are named. Error: SystemExit for a page that is not made here."""
    makers: dict[str, Callable[[str], str]] = {name: lambda name: PAGES[name]() for name in PAGES}
    makers |= dict.fromkeys(TABLES, with_tables) | dict.fromkeys(NOTEBOOKS, with_outputs)
    for name in sys.argv[1:] or makers:
        if name not in makers:
            raise SystemExit(f"{name} is not made here; there are {', '.join(makers)}")
        (FOLDER / name).write_text(makers[name](name), encoding="utf-8")


if __name__ == "__main__":
    main()
