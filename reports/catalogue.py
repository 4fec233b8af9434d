"""The catalogue of framework internals as one page: every fact with its experiment, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

SYMBOLS = {"holds": "✓", "no longer holds": "✗", "not run": "–"}


def catalogue(
    facts: Sequence[Mapping[str, Any]],
    conventions: Sequence[Mapping[str, Any]],
    outcomes: Mapping[str, Mapping[str, Any]],
    summary: str,
    version: str,
) -> str:
    """The page as text.

    Facts: of each id, area, claim, matters, source, code, expected, versions, dialects and on_article. Conventions: of
    each choice, keras, torch, tensorflow, jax, textbook and facts. Outcomes: by fact, status, figures and reasons of
    what was measured now; none, where nothing was. Summary: what to say of them.
    """
    templates = Environment(
        loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    areas: dict[str, list[Mapping[str, Any]]] = {}
    for fact in facts:
        areas.setdefault(fact["area"], []).append(fact)
    read = resources.files("reports") / "templates"
    return templates.get_template("catalogue.html").render(
        areas=areas, conventions=conventions, outcomes=outcomes, summary=summary, version=version, symbols=SYMBOLS,
        n_facts=len(facts), known={fact["id"] for fact in facts},
        css=Markup((read / "page.css").read_text(encoding="utf-8")),
        theme_js=Markup((read / "theme.js").read_text(encoding="utf-8")),
        js=Markup((read / "catalogue.js").read_text(encoding="utf-8")),
    )  # fmt: skip
