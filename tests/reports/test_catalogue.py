"""The catalogue's page has every fact, finds them by their words, and bears any text."""

import re
from html import unescape

import pytest

from reports.catalogue import catalogue
from tests.reports.test_page import HOSTILE, said, visible

FACT = {"id": "a-fact", "area": "adam", "claim": "Epsilon joins late.", "matters": "To all.", "source": "adam.py: Adam",
        "code": "def a_fact():\n    return {'x': 1 < 2}", "expected": {"x": "true"}, "versions": "keras 3",
        "dialects": ["epsilon-hat"], "on_article": True}  # fmt: skip
FACTS = (FACT, {**FACT, "id": "another", "area": "loss", "claim": "Probabilities are clipped.", "on_article": False})
ROW = {"choice": "epsilon", "keras": "1e-7", "torch": "1e-8", "tensorflow": "", "jax": "1e-8", "textbook": "1e-8",
       "facts": ("a-fact", "gone")}  # fmt: skip
OUTCOMES = {
    "a-fact": {"status": "no longer holds", "figures": {"x": "false"}, "reasons": ["x: measured false, expected true"]},
    "another": {"status": "holds", "figures": {"x": "true"}, "reasons": []},
}


def test_every_fact_is_there_with_its_experiment_and_what_was_measured():
    text = catalogue(FACTS, (ROW,), OUTCOMES, "2 facts: 1 holds, 1 no longer.", "0")
    words = said(text)
    for expected in ("Epsilon joins late.", "Probabilities are clipped.", "return {'x': 1 < 2}", "measured now: false",
                     "x: measured false, expected true", "2 facts: 1 holds, 1 no longer."):  # fmt: skip
        assert expected in words
    assert ["✗", "✓"] == re.findall(r'<span class="mark[^>]*>(.)</span>', text)


def test_a_fact_that_was_not_measured_has_no_mark():
    text = catalogue(FACTS, (ROW,), {}, "", "0")
    assert [] == re.findall(r'<span class="mark', text)
    assert "measured now" not in said(text)


def test_links_lead_to_what_is_there():
    text = visible(catalogue(FACTS, (ROW,), {}, "", "0"))
    targets, ids = re.findall(r'href="#([^"]*)"', text), set(re.findall(r'id="([^"]*)"', text))
    assert "a-fact" in targets
    assert set(targets) <= ids


def test_any_text_is_text():
    hostile = [{name: f"{value}{HOSTILE}" if isinstance(value, str) else value for name, value in fact.items()}
               for fact in FACTS]  # fmt: skip
    text = catalogue(hostile, ({**ROW, "keras": HOSTILE},), {}, HOSTILE, HOSTILE)
    assert "<img" not in visible(text)
    assert "{{7*7}}" in said(text)
    assert unescape(HOSTILE).split()[0] in said(text)


@pytest.mark.parametrize("word", ["epsilon", "adam"])
def test_the_script_finds_by_words_that_the_page_has(word):
    assert word in said(catalogue(FACTS, (ROW,), {}, "", "0")).lower()
