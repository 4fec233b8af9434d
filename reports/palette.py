"""Colours that hold without colour vision, in light and in dark, each with a shape beside it.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), black replaced by a blue that both themes bear.
A colour alone never tells: lines and points have a shape too, cells a number and a symbol.
"""

from __future__ import annotations

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
SHAPES = ("circle", "triangle-up", "square", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
CLASSES = ("#0072b2", "#d55e00")  # class 0 and class 1, points and regions alike


def colour_of(number: int) -> str:
    """The colour of the n-th implementation; after the last they begin again, with the next dash."""
    return COLOURS[number % len(COLOURS)]


def shape_of(number: int) -> str:
    """The shape of the n-th implementation; no two of the first 64 have both colour and shape alike."""
    return SHAPES[(number + number // len(COLOURS)) % len(SHAPES)]


def widths(n: int) -> list[float]:
    """Widths of lines that may lie on top of each other: the first drawn the widest, so that each stays to be seen."""
    return [1.5 + 1.5 * min(n - 1 - number, 5) for number in range(n)]
