"""A certificate in a notebook: its rows as a pandas table, and itself as HTML."""

from __future__ import annotations

from dataclasses import asdict, fields
from html import escape

from pandas import DataFrame

from comparisons.certificate import Certificate, Row
from comparisons.wording import SYMBOLS, certificate_text, count, multiple

COLUMNS = ("verdict", *(field.name for field in fields(Row) if field.name != "quantity"))
COLOURS = {"agrees": "#1a7f37", "disagrees": "#cf222e", "not compared": "#9a6700"}
SHOWN = ("quantity", "", "judged", "not judged", "outside", "worst ÷ bound", "radius", "equation")


def table_of(certificate: Certificate) -> DataFrame:
    """One row for each quantity, which is the index; the columns are those of `Row`, the verdict first."""
    records = [{"verdict": row.verdict, **asdict(row)} for row in certificate.rows]
    table = DataFrame(records, columns=["quantity", *COLUMNS])
    table["first_broken"] = table["first_broken"].astype("Int64")  # a step, or none
    return table.set_index("quantity")


def html_of(certificate: Certificate) -> str:
    """What its repr says, and a table of its quantities to be opened."""
    first, _, others = certificate_text(certificate).partition("\n")
    colour = COLOURS[certificate.verdict]
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in SHOWN)
    return (
        f"<div><b style='color:{colour}'>{escape(first)}</b><pre>{escape(others)}</pre>"
        f"<details><summary>every quantity</summary><table><tr>{head}</tr>"
        f"{''.join(map(_row, certificate.rows))}</table></details></div>"
    )


def _row(row: Row) -> str:
    cells = (row.quantity, SYMBOLS[row.verdict], count(row.checked), count(row.not_judged), count(row.outside),
             multiple(row.worst), multiple(row.radius), row.equation)  # fmt: skip
    style = f"text-align:left;color:{COLOURS[row.verdict]}" if row.verdict == "disagrees" else "text-align:left"
    return "<tr>" + "".join(f"<td style='{style}'>{escape(cell)}</td>" for cell in cells) + "</tr>"
