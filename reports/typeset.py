"""Typesets an equation's line of text, `dW[2] = 1/m dZ[2] A[1]ᵀ`, as MathML, the way the article writes it.

The text is the one source: it is read here as it is printed everywhere else. What cannot be read is shown as it stands,
so that no equation is ever lost.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

GREEK = {"alpha": "α", "beta": "β", "beta1": "β₁", "beta2": "β₂", "epsilon": "ε", "lambda": "λ", "mu": "μ", "rho": "ρ"}
FUNCTIONS = {"ln", "max", "min", "σ", "tanh", "sign"}
RAISED = {"ᵀ": "T", "²": "2", "ᵗ": "t", "⁽ⁱ⁾": "(i)", "′": "′"}
RELATIONS = {"=", "←", ">", "<", "≤", "≥", "≠", ","}
CLOSING = {"(": ")", "[": "]", "|": "|"}

TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"|(?P<raised>ᵀ|²|ᵗ|⁽ⁱ⁾|′)"
    r"|(?P<index>(?<=[\wÂ])\[(?:\d+|l(?:-1)?|L)\])"
    r"|(?P<sum>Σᵢ)"
    r"|(?P<name>[A-Za-zÂα-ωσ][A-Za-zα-ω]*\d*(?:_[A-Za-z]+)*)"
    r"|(?P<sign>[-+−±∘/√^()\[\]|=←<>≤≥≠,])"
)


class Token(NamedTuple):
    """A piece of the text: of which kind, and whether a blank stands before and after it."""

    kind: str
    text: str
    after_blank: bool
    before_blank: bool


class _Unreadable(ValueError):
    """A text that is no formula."""


def mathml(text: str) -> str:
    """The formula as a `<math>` element; a text that is none, escaped, as it stands."""
    try:
        parser = _Parser(_tokens(text))
        inner = parser.relation(set())
        if parser.at < len(parser.tokens):
            raise _Unreadable(text)
    except _Unreadable:
        formula, comma, remark = text.rpartition(", ")
        if comma and formula and mathml(formula).startswith("<math"):
            return f'{mathml(formula)}<span class="remark">, {escape(remark)}</span>'
        return f'<span class="formula">{escape(text)}</span>'
    return f'<math display="inline" displaystyle="true" aria-label="{escape(text)}">{inner}</math>'


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at, blank = 0, True
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _Unreadable(text)
        at = match.end()
        if match.lastgroup == "space":
            blank = True
            if found:
                found[-1] = found[-1]._replace(before_blank=True)
            continue
        found.append(Token(match.lastgroup, match[0], blank, at == len(text)))
        blank = False
    return found


class _Parser:
    """Recursive descent; `ends` are the signs at which the part that is being read is over."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def next(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def sign(self, ends: set[str]) -> str:
        """The sign that is next, unless the part ends there."""
        token = self.next()
        return token.text if token is not None and token.kind == "sign" and token.text not in ends else ""

    def relation(self, ends: set[str]) -> str:
        """sum, or sum = sum"""
        parts = [self.sum(ends)]
        while (sign := self.sign(ends)) in RELATIONS:
            self.at += 1
            parts += [
                f'<mo separator="true">{sign}</mo>' if sign == "," else f"<mo>{escape(sign)}</mo>",
                self.sum(ends),
            ]
        return "".join(parts)

    def sum(self, ends: set[str]) -> str:
        """−product + product"""
        parts = []
        if self.sign(ends) in {"−", "-", "±"}:
            parts.append(f'<mo form="prefix">{self._take()}</mo>')
        parts.append(self.product(ends))
        while self.sign(ends) in {"+", "−", "-", "±"}:
            parts += [f'<mo form="infix">{self._take()}</mo>', self.product(ends)]
        return "".join(parts)

    def product(self, ends: set[str]) -> str:
        """Factors side by side, or with ∘ between; a slash between blanks stands below all of what is before it."""
        factors = [self.quotient(ends)]
        while (token := self.next()) is not None:
            sign = self.sign(ends)
            if sign == "∘":
                self.at += 1
                factors += ["<mo>∘</mo>", self.quotient(ends)]
            elif sign == "/" and token.after_blank:
                self.at += 1
                inside = factors[0] if len(factors) == 1 else f"<mrow>{''.join(factors)}</mrow>"
                factors = [f"<mfrac>{_bare(inside)}{_bare(self.factor(ends))}</mfrac>"]
            elif token.kind != "sign" or sign in {"(", "[", "√"} or (sign == "|" and token.after_blank):
                factors += ['<mspace width="0.17em"/>', self.quotient(ends)]
            else:
                break
        return factors[0] if len(factors) == 1 else f"<mrow>{''.join(factors)}</mrow>"

    def quotient(self, ends: set[str]) -> str:
        """factor/factor"""
        found = self.factor(ends)
        while self.sign(ends) == "/" and not self.tokens[self.at].after_blank:
            self.at += 1
            found = f"<mfrac>{_bare(found)}{_bare(self.factor(ends))}</mfrac>"
        return found

    def factor(self, ends: set[str]) -> str:
        """An atom and what is raised behind it."""
        token = self.next()
        if token is None:
            raise _Unreadable("")
        self.at += 1
        if token.kind == "number":
            found = _number(token.text)
        elif token.kind == "sum":
            found = '<munder><mo movablelimits="false">∑</mo><mi>i</mi></munder>'
        elif token.kind == "name":
            found = self.name(token)
        elif token.text == "√":
            return f"<msqrt>{_bare(self.factor(ends))}</msqrt>"
        elif token.text in CLOSING:
            closing = CLOSING[token.text]
            inside = self.relation({closing})
            if self._take() != closing:
                raise _Unreadable(token.text)
            fence = '<mo stretchy="true" form="{form}">{sign}</mo>'
            found = (
                f"<mrow>{fence.format(form='prefix', sign=token.text)}{inside}"
                f"{fence.format(form='postfix', sign=closing)}</mrow>"
            )
        else:
            raise _Unreadable(token.text)
        return self.raised(found, ends)

    def name(self, token: Token) -> str:
        """W[2], m_W[2], c1, ln x, max(x, y)"""
        head, _, of = token.text.partition("_")
        index = self.next()
        layer = ""
        if index is not None and index.kind == "index":
            self.at += 1
            layer = index.text
        if of:
            return f"<msub>{_letter(head)}<mrow>{_with_layer(_letter(of.replace('_', ' ')), layer)}</mrow></msub>"
        if head in FUNCTIONS and not layer:
            following = self.next()
            if following is not None and following.text == "(":
                return f"<mrow><mi>{head}</mi>{self.factor(set())}</mrow>"
            return f'<mrow><mi>{head}</mi><mspace width="0.17em"/>{self.factor(set())}</mrow>'
        if (
            len(head) > 2
            and head not in GREEK
            and index is not None
            and re.fullmatch("[a-z]{2,}", index.text)
            and index.text not in FUNCTIONS
        ):
            raise _Unreadable(head)  # words of a sentence
        digits = re.fullmatch(r"([A-Za-z])(\d+)", head)
        if digits and not layer:
            return f"<msub><mi>{digits[1]}</mi><mn>{digits[2]}</mn></msub>"
        return _with_layer(_letter(head), layer)

    def raised(self, found: str, ends: set[str]) -> str:
        """What is raised behind an atom: ᵀ, ², ᵗ, ⁽ⁱ⁾, ^−x."""
        while (token := self.next()) is not None:
            if token.kind == "raised":
                self.at += 1
                text = RAISED[token.text]
                if text == "′":
                    found = f"<msup>{found}<mo>′</mo></msup>"
                elif found.startswith("<msup>") and found.endswith("]</mtext></msup>"):
                    found = f"{found.removesuffix('</mtext></msup>')}{_raised_text(text)}</mtext></msup>"
                else:
                    found = f"<msup>{found}<mi>{text}</mi></msup>"
            elif token.text == "^" and "^" not in ends:
                self.at += 1
                minus = f'<mo form="prefix">{self._take()}</mo>' if self.sign(ends) in {"−", "-"} else ""
                found = f"<msup>{found}<mrow>{minus}{self.factor(ends)}</mrow></msup>"
            else:
                break
        return found

    def _take(self) -> str:
        token = self.next()
        if token is None:
            raise _Unreadable("")
        self.at += 1
        return token.text


def _raised_text(text: str) -> str:
    return f" {text}" if text != "T" else "T"


def _letter(name: str) -> str:
    """A name in italics, as mathematics sets a letter; `dW` is one name."""
    if name in GREEK:
        return f"<mi>{GREEK[name]}</mi>"
    return f"<mi>{escape(name)}</mi>" if len(name) == 1 else f'<mi mathvariant="normal">{_italic(name)}</mi>'


def _italic(name: str) -> str:
    """dW, db, dA, dZ in mathematical italics, whose letters browsers set so for single letters only; words upright."""
    if len(name) > 2:
        return escape(name)
    return "".join(
        "ℎ" if c == "h" else chr(0x1D434 + ord(c) - 65) if "A" <= c <= "Z" else chr(0x1D44E + ord(c) - 97)
        if "a" <= c <= "z" else escape(c) for c in name
    )  # fmt: skip


def _with_layer(letter: str, layer: str) -> str:
    return f"<msup>{letter}<mtext>{layer}</mtext></msup>" if layer else letter


def _number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if not e:
        return f"<mn>{text}</mn>"
    power = int(exponent)
    raised = f'<mo form="prefix">−</mo><mn>{-power}</mn>' if power < 0 else f"<mn>{power}</mn>"
    ten = f"<msup><mn>10</mn><mrow>{raised}</mrow></msup>"
    return ten if mantissa == "1" else f"<mrow><mn>{mantissa}</mn><mo>·</mo>{ten}</mrow>"


def _bare(element: str) -> str:
    """Without the round brackets around the whole: a fraction's bar and a root's roof take their place."""
    opening, closing = (
        '<mrow><mo stretchy="true" form="prefix">(</mo>',
        '<mo stretchy="true" form="postfix">)</mo></mrow>',
    )
    if not (element.startswith(opening) and element.endswith(closing)):
        return element
    inside = element[len(opening) : -len(closing)]
    depth = 0
    for tag in re.findall(r"<(/?)mrow>", inside):
        depth += -1 if tag else 1
        if depth < 0:
            return element
    return f"<mrow>{inside}</mrow>"
