"""Equations are typeset as the article writes them, from the one text that is printed everywhere."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from comparisons.lexicon import entries, textbook_of
from reference.activations import ACTIVATIONS
from reference.article import network
from reference.dialects import DIALECTS
from reports.typeset import mathml


def known():
    """Every formula that a result may hold: of all textbooks, dialects and mistakes."""
    texts = {str(equation) for equation in network().equations}
    texts |= {str(equation) for form in DIALECTS for equation in textbook_of(form).equations}
    texts |= {text for entry in entries() for change in entry.changes for text in change}
    texts |= {(f.__doc__ or "").splitlines()[0] for a in ACTIVATIONS.values() for f in (a.forward, a.backward)}
    return sorted(texts)


def symbols(text):
    """The letters, digits and signs of a formula or of its MathML, in their order, without what a layout replaces."""
    plain = re.sub(r"<[^>]*>", "", text)
    for written, typeset in (
        ("alpha", "α"),
        ("ᵀ", "T"),
        ("²", "2"),
        ("ᵗ", "t"),
        ("⁽ⁱ⁾", "(i)"),
        ("Σᵢ", "∑i"),
        ("^", ""),
    ):
        plain = plain.replace(written, typeset)
    plain = re.sub(r"(\d(?:\.\d+)?)e([+-])0*(\d+)", r"\1·10\2\3", plain).replace("1·10", "10").replace("-", "−")
    plain = plain.replace("ℎ", "h")
    for code in range(26):
        plain = plain.replace(chr(0x1D434 + code), chr(65 + code)).replace(chr(0x1D44E + code), chr(97 + code))
    return sorted(re.sub(r"[\s()/√_·|]", "", unescape(plain)))


@pytest.mark.parametrize("text", known())
def test_every_known_equation_is_typeset_and_none_of_its_symbols_is_lost(text):
    actual = mathml(text)
    assert actual.startswith("<math"), f"{text} was not read"
    assert symbols(text) == symbols(actual)


def test_a_lost_symbol_would_be_seen():
    text = "Z[1] = W[1] A[0] + b[1]"
    assert symbols(text) != symbols(mathml(text).replace("<mi>b</mi>", ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/m dZ[2]", "<mfrac><mn>1</mn><mi>m</mi></mfrac>"),
        ("A[0]ᵀ", "<msup><mi>A</mi><mtext>[0]T</mtext></msup>"),
        ("√(v/c2)", "<msqrt><mrow><mfrac><mi>v</mi><msub><mi>c</mi><mn>2</mn></msub></mfrac></mrow></msqrt>"),
        ("m_W[3]", "<msub><mi>m</mi><mrow><msup><mi>W</mi><mtext>[3]</mtext></msup></mrow></msub>"),
        ("1e-07", '<msup><mn>10</mn><mrow><mo form="prefix">−</mo><mn>7</mn></mrow></msup>'),
    ],
)
def test_it_is_set_as_mathematics_is(text, expected):
    assert expected in mathml(text)


def test_a_slash_between_blanks_stands_below_the_whole_product():
    inside = ElementTree.fromstring(mathml("W ← W − alpha (m/c1) / (√(v/c2) + 1e-07)"))
    outer = [part for part in inside if part.tag == "mfrac"]
    assert 1 == len(outer)
    assert "α" in "".join(outer[0][0].itertext())
    assert "(" not in "".join(outer[0][1].itertext())  # what stands below a line needs no brackets


@pytest.mark.parametrize(
    "text", ["A[0] is the experiment's", "Z = (W A", "<script>alert(1)</script>", "", "W ^", "1 +"]
)
def test_what_is_no_formula_stands_as_it_is_and_escaped(text):
    actual = mathml(text)
    assert not actual.startswith("<math")
    assert text == unescape(re.fullmatch(r'<span class="formula">(.*)</span>', actual)[1])
    assert "<script" not in actual


def test_a_remark_behind_a_formula_stays_beside_it():
    actual = mathml("1 − 0.9ᵗ, the power in the precision of A[0]")
    assert actual.startswith("<math")
    assert actual.endswith('<span class="remark">, the power in the precision of A[0]</span>')


@pytest.mark.parametrize("text", known())
def test_it_is_well_formed(text):
    ElementTree.fromstring(f"<p>{mathml(text)}</p>")
