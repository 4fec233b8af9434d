"""The article's figure 10: the order of operations forwards and backwards, with what each step keeps for the other.

The arrows are what the equations read, as `scenes.json` stores them, and nothing that was drawn by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.svg import Values, svg, tag, text, value

WIDE, TALL, GAP_X, GAP_Y = 84.0, 46.0, 22.0, 40.0
ROWS = {"Z": 0, "A": 0, "J": 0, "Y": 0, "dA": 1, "dZ": 1, "dW": 2, "db": 2, "W": 3, "b": 3}
TITLES = ("forwards", "backwards", "gradients", "update")
KINDS = ("forward", "backward", "backward", "update")


def order(equations: Sequence[Mapping[str, Any]], n_layers: int, values: Values) -> str:
    """Boxes for the quantities of every layer, each with its first number; arrows for what each is computed from."""
    places = {"A[0]": (0.0, 0)} | {
        f"{name}[{layer}]": (2.0 * layer - 1 + (name in ("A", "dA", "db", "b")), ROWS[name])
        for layer in range(1, n_layers + 1)
        for name in ("Z", "A", "dZ", "dA", "dW", "db", "W", "b")
    }
    places |= {"J": (2.0 * n_layers + 1, 0), "Y": (2.0 * n_layers + 1, 1)}
    defined = {str(equation["defines"]): equation for equation in equations}
    drawn = {name: at for name, at in places.items() if name in defined or name in ("A[0]", "Y")}
    left, top = 86.0, 30.0

    def corner(name: str) -> tuple[float, float]:
        column, row = drawn[name]
        return left + column * (WIDE + GAP_X), top + row * (TALL + GAP_Y)

    arrows = [
        _arrow(corner(source), corner(name), drawn[source][1] == 0 and drawn[name][1] > 0)
        for name in defined
        if name in drawn
        for source in _sources(name, defined, drawn)
        if drawn[source][1] < 3
    ]
    boxes = [_box(corner(name), name, KINDS[drawn[name][1]], name in defined, values) for name in drawn]
    titles = [text(8, top + row * (TALL + GAP_Y) + TALL / 2 + 4, title, "faint small", "start")
              for row, title in enumerate(TITLES)]  # fmt: skip
    width = left + (2 * n_layers + 2) * (WIDE + GAP_X) + 4
    height = top + 4 * (TALL + GAP_Y)
    key = text(
        left, height - 12,
        "In each box the quantity's first number. Dashed: kept on the way forwards for the way back.",
        "faint small", "start",
    )  # fmt: skip
    return svg(width, height, "".join([*titles, *arrows, *boxes, key]), "The order of operations")


def _sources(name: str, defined: Mapping[str, Mapping[str, Any]], drawn: Mapping[str, Any]) -> list[str]:
    """The drawn quantities that one is computed from, directly or through others that are not drawn, as m and v."""
    found: dict[str, None] = {}
    open_, done = list(defined[name]["reads"]), {name}
    while open_:
        source = open_.pop(0)
        if source in done:
            continue
        done.add(source)
        if source in drawn:
            found[source] = None
        elif source in defined:
            open_ += defined[source]["reads"]
    return list(found)


def _box(corner: tuple[float, float], name: str, kind: str, is_computed: bool, values: Values) -> str:
    x, y = corner
    return (
        tag("rect", x=x, y=y, width=WIDE, height=TALL, rx=8, cls=f"box {kind if is_computed else 'given'}")
        + text(x + WIDE / 2, y + 18, name, "name")
        + value(x + WIDE / 2, y + 35, values, name, (0, 0))
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], is_cached: bool) -> str:
    """From one box's edge to the other's: level where they stand in one row, else down or up in a bow."""
    (x1, y1), (x2, y2) = start, end
    if y1 == y2:
        forwards = x2 > x1
        a, b = x1 + (WIDE if forwards else 0), x2 + (0 if forwards else WIDE)
        way = f"M{a:.0f} {y1 + TALL / 2:.0f}L{b:.0f} {y2 + TALL / 2:.0f}"
        if abs(x2 - x1) > WIDE + GAP_X + 1:  # past a box between them
            bow = -TALL / 2 - 12
            way = (f"M{x1 + WIDE / 2:.0f} {y1:.0f}C{x1 + WIDE / 2:.0f} {y1 + bow:.0f} {x2 + WIDE / 2:.0f} "
                   f"{y2 + bow:.0f} {x2 + WIDE / 2:.0f} {y2:.0f}")  # fmt: skip
    else:
        down = y2 > y1
        a, b = y1 + (TALL if down else 0), y2 + (0 if down else TALL)
        middle = (a + b) / 2
        shift = 0.0 if x1 == x2 else (14.0 if x2 > x1 else -14.0)
        way = (f"M{x1 + WIDE / 2 + shift:.0f} {a:.0f}C{x1 + WIDE / 2 + shift:.0f} {middle:.0f} "
               f"{x2 + WIDE / 2 - shift:.0f} {middle:.0f} {x2 + WIDE / 2 - shift:.0f} {b:.0f}")  # fmt: skip
    return tag("path", d=way, cls="line cached" if is_cached else "line", marker_end="url(#arrow)")
