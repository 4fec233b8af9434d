"""The article's figures that are drawings: the network with its weights, a neuron, a layer, a layer over many examples.

Each takes the experiment's layers and one run's values at one step, as `scenes.json` stores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.svg import Values, number, svg, tag, text, value, written

N_DRAWN = 12  # neurons of a layer; of a wider one the first are drawn, and its size is written
Item = str | tuple[str, int, int]  # words, or a matrix: its quantity, rows and columns
N_NUMBERS = 6  # rows and columns of a matrix whose numbers are written


def network(sizes: Sequence[int], values: Values) -> str:
    """Figure 2: every neuron and every weight; a line is as thick as its weight is large.

    Sizes: (n₀, …, n_L), the input's first.
    """
    gap_x, gap_y, top = 150.0, 44.0, 46.0
    tallest = max(min(n, N_DRAWN) for n in sizes)
    height = top + tallest * gap_y + 34
    width = 80 + gap_x * (len(sizes) - 1) + 60
    places = [
        [(70 + gap_x * layer, top + (tallest - min(n, N_DRAWN)) * gap_y / 2 + gap_y * (k + 0.5))
         for k in range(min(n, N_DRAWN))]
        for layer, n in enumerate(sizes)
    ]  # fmt: skip
    parts = []
    for layer in range(1, len(sizes)):
        for i, (x2, y2) in enumerate(places[layer]):
            for j, (x1, y1) in enumerate(places[layer - 1]):
                w = number(values, f"W[{layer}]", (i, j))
                parts.append(
                    tag("line", tag("title", escape(f"W[{layer}][{i}, {j}] = {written(w)}")), x1=x1 + 13, y1=y1,
                        x2=x2 - 13, y2=y2, cls=f"weight {'minus' if w is not None and w < 0 else 'plus'}",
                        stroke_width=thickness(w), stroke_dasharray="5 3" if w is not None and w < 0 else None,
                        data_w=f"W[{layer}]", data_i=f"{i},{j}")
                )  # fmt: skip
    for layer, n in enumerate(sizes):
        x = places[layer][0][0]
        name = "input" if layer == 0 else "output" if layer == len(sizes) - 1 else f"layer {layer}"
        parts.append(
            text(x, 20, name, "name") + text(x, 36, f"{n} neurons" if layer else f"{n} features", "faint small")
        )
        for k, (x, y) in enumerate(places[layer]):
            parts.append(tag("circle", cx=x, cy=y, r=13.0, cls=f"box {'given' if layer == 0 else 'forward'}"))
            parts.append(text(x, y + 4, f"x{k + 1}" if layer == 0 else str(k), "small"))
        if n > N_DRAWN:
            parts.append(text(x, height - 22, f"… {n - N_DRAWN} more", "faint small"))
    key = text(14, height - 8, "solid: a positive weight; dashed: a negative one; thick: large", "faint small", "start")
    return svg(width, height, "".join(parts) + key, "The network with its weights")


def thickness(w: float | None) -> float:
    """How thick a weight is drawn."""
    return 0.3 if w is None or not abs(w) < float("inf") else min(0.3 + 2.2 * abs(w), 5.0)


def neuron(values: Values, n: int, activation: str, layer: int = 1, which: int = 0) -> str:
    """Figure 4: z = wᵀx + b, then a = g(z), for one neuron and the first example of the batch.

    N: how many inputs it has.
    """
    drawn = min(n, N_NUMBERS)
    height = max(190.0, 60.0 + 58 * drawn)
    middle = height / 2
    parts = []
    for j in range(drawn):
        y = middle + 58 * (j - (drawn - 1) / 2)
        parts += [
            tag("circle", cx=60.0, cy=y, r=26.0, cls="box given"),
            text(60, y - 5, f"x{j + 1}", "small faint"),
            value(60, y + 10, values, f"A[{layer - 1}]", (j, 0)),
            tag("line", x1=87.0, y1=y, x2=276.0, y2=middle + (y - middle) * 0.25, cls="line", marker_end="url(#arrow)"),
            value(180, y + (middle - y) * 0.37 - 8, values, f"W[{layer}]", (which, j), before=f"w{j + 1} = "),
        ]
    if n > drawn:
        parts.append(text(60, height - 8, f"… {n - drawn} more inputs", "faint small"))
    parts += [
        tag("rect", x=280.0, y=middle - 40, width=150.0, height=80.0, rx=10, cls="box forward"),
        text(355, middle - 18, "z = wᵀx + b", "mono small"),
        value(355, middle + 4, values, f"Z[{layer}]", (which, 0), before="z = "),
        value(355, middle + 24, values, f"b[{layer}]", (which, 0), before="b = "),
        tag("line", x1=430.0, y1=middle, x2=476.0, y2=middle, cls="line", marker_end="url(#arrow)"),
        tag("rect", x=480.0, y=middle - 40, width=130.0, height=80.0, rx=10, cls="box forward"),
        text(545, middle - 12, "a = g(z)", "mono small"),
        text(545, middle + 12, f"g: {activation}", "faint small"),
        tag("line", x1=610.0, y1=middle, x2=656.0, y2=middle, cls="line", marker_end="url(#arrow)"),
        tag("circle", cx=690.0, cy=middle, r=30.0, cls="box"),
        text(690, middle - 6, "a", "small faint"),
        value(690, middle + 10, values, f"A[{layer}]", (which, 0)),
    ]
    return svg(740, height, "".join(parts), f"Neuron {which} of layer {layer}")


def layer(values: Values, n: int, n_before: int, activation: str, number_of: int = 1, examples: int = 1) -> str:
    """Figures 5 and 6: Z = W A + b and A = g(Z), with the numbers of one example or of several, as columns.

    N: neurons of the layer; n_before: of the one before it.
    """
    m = examples
    rows = max(min(n, N_NUMBERS), min(n_before, N_NUMBERS))
    height = 74.0 + 24 * rows
    sums: list[Item] = [(f"Z[{number_of}]", n, m), "=", (f"W[{number_of}]", n, n_before),
                        (f"A[{number_of - 1}]", n_before, m), "+", (f"b[{number_of}]", n, 1)]  # fmt: skip
    outputs: list[Item] = [f"A[{number_of}] = g(Z[{number_of}]) =", (f"A[{number_of}]", n, m), f"g: {activation}"]
    if m == 1:
        drawn, width = _row(20, height / 2 - 10, values, [*sums, "", *outputs])
        return svg(width + 20, height, drawn, f"Layer {number_of} for one example")
    first, width = _row(20, height / 2 - 10, values, sums)
    second, other_width = _row(20, height * 1.5 - 10, values, outputs)
    return svg(max(width, other_width) + 20, 2 * height, first + second, f"Layer {number_of} over {m} examples")


def _row(x: float, middle: float, values: Values, items: Sequence[Item]) -> tuple[str, float]:
    """Matrices and the words between them, side by side; and where they end."""
    parts = []
    for item in items:
        if isinstance(item, str):
            wide = 26.0 if len(item) < 2 else 7.6 * len(item) + 12
            parts.append(text(x + wide / 2, middle + 4, item, "mono"))
            x += wide
        else:
            drawn, wide = _matrix(x, middle, values, *item)
            parts.append(drawn)
            x += wide + 8
    return "".join(parts), x


def _matrix(x: float, middle: float, values: Values, quantity: str, n: int, m: int) -> tuple[str, float]:
    """A matrix with its numbers between brackets, its name and its shape below; and how wide it is."""
    rows, columns = min(n, N_NUMBERS), min(m, N_NUMBERS)
    cell, line = 52.0, 24.0
    wide, tall = cell * columns + 10, line * rows
    top = middle - tall / 2
    parts = [
        tag("path", d=f"M{inner:.0f} {top:.0f}H{outer:.0f}V{top + tall:.0f}H{inner:.0f}", cls="line")
        for inner, outer in ((x + 6, x), (x + wide - 6, x + wide))
    ]
    for i in range(rows):
        for j in range(columns):
            parts.append(value(x + 5 + cell * (j + 0.5), top + line * (i + 0.5) + 4, values, quantity, (i, j)))
    more = "" if (rows, columns) == (n, m) else " cut"
    parts.append(text(x + wide / 2, top + tall + 18, f"{quantity}", "name small"))
    parts.append(text(x + wide / 2, top + tall + 32, f"({n}, {m}){more}", "faint small"))
    return "".join(parts), wide
