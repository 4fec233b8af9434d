"""SVG, a few shapes of it: what drawings are made of, escaped, with classes that page and file give their colours.

A number in a drawing says which one it is (`data-q="W[1]" data-i="0,1"`), so that the page can put another step's or
another run's in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Values = Mapping[str, Any]  # of one run at one step: nested lists by quantity

STYLE = """
text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px; fill: #1c2128 }
.mono, .value { font-family: ui-monospace, "DejaVu Sans Mono", monospace }
.value { font-size: 11px } .faint { fill: #59636e } .small { font-size: 10.5px } .name { font-weight: 600 }
.box { fill: #fff; stroke: #8c959f } .given { fill: #f0f4f8 } .forward { fill: #e3f0fa; stroke: #0072b2 }
.backward { fill: #fdeee3; stroke: #d55e00 } .update { fill: #e4f4ee; stroke: #009e73 }
.line { stroke: #59636e; fill: none } .cached { stroke-dasharray: 4 3 } .head { fill: #59636e }
.plus { stroke: #d55e00 } .minus { stroke: #0072b2 }
"""


def tag(name: str, content: str = "", **attributes: Any) -> str:
    """An element; `_` in an attribute's name stands for `-`, `cls` for class. Content is SVG, not text."""
    written = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _short(value: Any) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def text(x: float, y: float, words: str, cls: str = "", anchor: str = "middle", **more: Any) -> str:
    """Words at a place."""
    return tag("text", escape(words), x=float(x), y=float(y), cls=cls or None, text_anchor=anchor, **more)


def number(values: Values, quantity: str, index: Sequence[int]) -> float | None:
    """One number of a run's values; None where it is not shown. What is a single number is its own first."""
    found: Any = values.get(quantity)
    if not isinstance(found, list) and not any(index):
        index = ()
    for i in index:
        if not isinstance(found, list) or i >= len(found):
            return None
        found = found[i]
    return float(found) if isinstance(found, (int, float, str)) else None


def written(x: float | None) -> str:
    """A number in a drawing: four digits; – where it is not shown."""
    if x is None or math.isnan(x):
        return "–" if x is None else "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return (f"{x:.3f}" if x == 0 or 1e-3 <= abs(x) < 1000 else f"{x:.1e}").replace("-", "−")


def value(
    x: float, y: float, values: Values, quantity: str, index: Sequence[int], before: str = "", **more: Any
) -> str:
    """A run's number at a place; `before` stands before it, such as "z = "."""
    return text(
        x, y, before + written(number(values, quantity, index)), **{"cls": "value", **more}, data_q=quantity,
        data_i=",".join(map(str, index)), data_before=before or None,
    )  # fmt: skip


def svg(width: float, height: float, content: str, title: str) -> str:
    """The whole drawing, which the page shrinks to its width, but not so far that nobody can read it."""
    arrow = tag("marker", tag("path", d="M0 0L8 4L0 8z", cls="head"), id="arrow", viewBox="0 0 8 8", refX=7, refY=4,
                markerWidth=7, markerHeight=7, orient="auto-start-reverse")  # fmt: skip
    size = {"viewBox": f"0 0 {width:.0f} {height:.0f}", "width": f"{width:.0f}", "height": f"{height:.0f}"}
    return tag(
        "svg", tag("title", escape(title)) + tag("defs", arrow) + content, xmlns="http://www.w3.org/2000/svg", **size,
        role="img", cls="drawing wide" if width > 1000 else "drawing", style=f"--own: {width:.0f}px",
    )  # fmt: skip


def standalone(drawing: str) -> str:
    """A drawing as a file of its own, with its colours, on white."""
    head, _, rest = drawing.partition("<defs>")
    ground = tag("rect", width="100%", height="100%", fill="#fff")
    return f"{head}<style>{STYLE}</style>{ground}<defs>{rest}"
