"""The article's figures that are charts, drawn from a run's own scenes: points, boundary, activations, loss surface.

Each function takes what `scenes.json` stores and gives a declarative chart; what changes with a slider or a choice
(the epoch, the run) comes as named data, which the page puts in.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reports.charts import Drawn, Rows, finite
from reports.palette import CLASSES

Scene = Mapping[str, Any]
CLASS_NAMES = ["class 0", "class 1"]
LEGEND = alt.Legend(orient="top", symbolSize=90, symbolStrokeWidth=2)
SHAPE = alt.Shape("class:N", sort=CLASS_NAMES, title=None, legend=LEGEND,
                  scale=alt.Scale(domain=CLASS_NAMES, range=["circle", "triangle-up"]))  # fmt: skip
COLOUR = alt.Stroke("class:N", sort=CLASS_NAMES, title=None, scale=alt.Scale(domain=CLASS_NAMES, range=list(CLASSES)),
                   legend=LEGEND)  # fmt: skip
OVERLAP = 1.3  # of neighbouring cells, so that no seam shows between them


def point_rows(points: Scene, which: str) -> Rows:
    """The examples of the training or the test set."""
    part = points[which]
    return [
        {"x": x, "y": y, "class": CLASS_NAMES[int(label)]}
        for x, y, label in zip(part["x"], part["y"], part["label"], strict=True)
    ]


def points(scene: Scene, which: str = "train") -> Drawn:
    """Figure 1: the examples and their classes."""
    chart = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(filled=False, size=34, strokeWidth=1.4, opacity=0.85)
        .encode(x=_axis("x", "x₁"), y=_axis("y", "x₂"), stroke=COLOUR, shape=SHAPE,
                tooltip=[alt.Tooltip("x:Q", title="x₁"), alt.Tooltip("y:Q", title="x₂"), "class:N"])
    )  # fmt: skip
    return Drawn(chart, {"points": point_rows(scene, which)})


def _axis(name: str, title: str, extent: Sequence[float] | None = None) -> Any:
    scale = alt.Scale(zero=False, nice=False, domain=alt.Undefined if extent is None else list(extent))
    axis = alt.Axis(tickCount=5, grid=extent is None)
    return alt.X(f"{name}:Q", title=title, scale=scale, axis=axis) if name == "x" else alt.Y(
        f"{name}:Q", title=title, scale=scale, axis=axis)  # fmt: skip


def grid_rows(scene: Scene, values: str, n: int, frame: int) -> Rows:
    """A frame's cells: their edges in the plane and their byte, 0 to 255."""
    cells = base64.b64decode(values)[frame * n * n : (frame + 1) * n * n]
    (x0, x1), (y0, y1) = scene["x"], scene["y"]
    width, height = (x1 - x0) / n, (y1 - y0) / n
    return [
        {"x": x0 + width * column, "x2": x0 + width * (column + OVERLAP), "y": y0 + height * row,
         "y2": y0 + height * (row + OVERLAP), "level": cells[row * n + column]}
        for row in range(n)
        for column in range(n)
    ]  # fmt: skip


def line_rows(polylines: Sequence[Sequence[float]]) -> Rows:
    """Polylines [x₀, y₀, x₁, y₁, …] as points in their order."""
    return [
        {"line": number, "at": k // 2, "x": line[k], "y": line[k + 1]}
        for number, line in enumerate(polylines)
        for k in range(0, len(line), 2)
    ]


def _cells(scene: Scene, scale: alt.Scale, title: str, legend: alt.Legend, tooltip: list[Any]) -> alt.Chart:
    """Coloured cells of the plane, whose rows come as the table "cells"."""
    return (
        alt.Chart(alt.NamedData("cells"))
        .mark_rect(clip=True)
        .encode(x=_axis("x", "x₁", scene["x"]), x2="x2:Q", y=_axis("y", "x₂", scene["y"]), y2="y2:Q",
                color=alt.Color("level:Q", title=title, scale=scale, legend=legend), tooltip=tooltip)
    )  # fmt: skip


def boundary(scene: Scene, examples: Scene | None) -> Drawn:
    """Figure 3: the output over the plane, the line where it is ½, and the examples.

    One run's after one epoch come as the tables "cells" and "lines".
    """
    scale = alt.Scale(domain=[0, 127.5, 255], range=["#9cc7e6", "#f6f4ef", "#f3b28a"])
    legend = alt.Legend(orient="right", labelExpr="format(datum.value / 255, '.1f')", values=[0, 127.5, 255],
                        gradientLength=140, type="gradient")  # fmt: skip
    tooltip = [alt.Tooltip("x:Q", title="x₁", format=".2f"), alt.Tooltip("y:Q", title="x₂", format=".2f"),
               alt.Tooltip("output:Q", title="output", format=".2f")]  # fmt: skip
    heat = _cells(scene, scale, "output", legend, tooltip)
    heat = heat.transform_calculate(output="datum.level / 255")
    line = alt.Chart(alt.NamedData("lines")).mark_line(color="#111", strokeWidth=2.2).encode(
        x="x:Q", y="y:Q", detail="line:N", order="at:Q")  # fmt: skip
    if examples is None:
        return Drawn(alt.layer(heat, line), {})
    marks = alt.Chart(alt.NamedData("points")).mark_point(size=16, strokeWidth=1, opacity=0.75).encode(
        x="x:Q", y="y:Q", shape=SHAPE, stroke=COLOUR)  # fmt: skip
    return Drawn(alt.layer(heat, marks, line), {"points": point_rows(examples, "train")})


def differences(scene: Scene, floor: float) -> Drawn:
    """How far the outputs of two runs lie apart over the plane, on a logarithmic scale; the table is "cells"."""
    decades = -math.log10(floor)
    scale = alt.Scale(domain=[0, 255], scheme="viridis")
    power = f"'1e' + format((datum.value / 255 - 1) * {decades:g}, '.0f')"
    legend = alt.Legend(orient="right", values=[0, 64, 128, 191, 255], gradientLength=180, type="gradient",
                        labelExpr=f"datum.value == 0 ? 'equal' : {power}")  # fmt: skip
    tooltip = [alt.Tooltip("size:N", title="difference about")]
    chart = _cells(scene, scale, "difference", legend, tooltip).transform_calculate(
        size=f"datum.level == 0 ? 'none' : format(pow(10, (datum.level - 1) / 254 * {decades:g} - {decades:g}), '.0e')"
    )
    return Drawn(chart, {})


def activation(curve: Scene) -> Drawn:
    """Figure 7: an activation and its derivative."""
    both = ["g(z)", "g′(z)"]
    rows = [
        {"z": z, "value": value, "what": what}
        for what, values in zip(both, (curve["a"], curve["slope"]), strict=True)
        for z, value in zip(curve["z"], values, strict=True)
    ]
    legend = alt.Legend(orient="top", title=None)
    chart = alt.Chart(alt.NamedData("curves"), title=curve["name"]).mark_line(strokeWidth=2.2).encode(
        x=alt.X("z:Q", axis=alt.Axis(tickCount=5)), y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=4)),
        color=alt.Color("what:N", sort=both, legend=legend, scale=alt.Scale(domain=both, range=list(CLASSES))),
        strokeDash=alt.StrokeDash("what:N", sort=both, legend=legend,
                                  scale=alt.Scale(domain=both, range=[[1, 0], [5, 3]])),
        tooltip=["what:N", "z:Q", alt.Tooltip("value:Q", format=".4f")],
    )  # fmt: skip
    return Drawn(chart, {"curves": rows})


def surface(scene: Scene) -> Drawn:
    """Figure 9: the loss on a slice through the final parameters, and the way that training took on it."""
    u, v = scene["u"], scene["v"]
    half_u, half_v = (u[1] - u[0]) / 2, (v[1] - v[0]) / 2
    cells = [
        {"x": u[column] - half_u, "x2": u[column] + half_u * (2 * OVERLAP - 1), "y": v[row] - half_v,
         "y2": v[row] + half_v * (2 * OVERLAP - 1), "loss": finite(loss)}
        for row, losses in enumerate(scene["loss"])
        for column, loss in enumerate(losses)
        if finite(loss) is not None
    ]  # fmt: skip
    extents = ([u[0] - half_u, u[-1] + half_u], [v[0] - half_v, v[-1] + half_v])
    x = alt.X("x:Q", title="along the path's first direction", scale=alt.Scale(domain=extents[0], nice=False),
              axis=alt.Axis(grid=False, tickCount=6))  # fmt: skip
    y = alt.Y("y:Q", title="second direction", scale=alt.Scale(domain=extents[1], nice=False),
              axis=alt.Axis(grid=False, tickCount=6))  # fmt: skip
    scale = alt.Scale(type="log", scheme="viridis", reverse=True)
    colour = alt.Color("loss:Q", title="loss J", scale=scale,
                      legend=alt.Legend(gradientLength=220, format="~g", type="gradient", tickCount=4))  # fmt: skip
    heat = alt.Chart(alt.NamedData("cells")).mark_rect(clip=True).encode(
        x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour, tooltip=[alt.Tooltip("loss:Q", format=".4~g")])  # fmt: skip
    levels = [
        {**row, "line": f"{number}/{row['line']}", "level": level["level"]}
        for number, level in enumerate(scene["lines"])
        for row in line_rows(level["polylines"])
    ]
    contours = alt.Chart(alt.NamedData("levels")).mark_line(color="#fff", opacity=0.45, strokeWidth=0.8).encode(
        x="x:Q", y="y:Q", detail="line:N", order="at:Q")  # fmt: skip
    path = scene["path"]
    steps = [
        {"epoch": epoch, "x": a, "y": b, "value": loss}
        for epoch, a, b, loss in zip(path["epoch"], path["u"], path["v"], path["loss"], strict=True)
    ]
    way = alt.Chart(alt.NamedData("path")).encode(x="x:Q", y="y:Q", order="epoch:Q", tooltip=[
        "epoch:Q", alt.Tooltip("value:Q", title="loss there", format=".4~g")])  # fmt: skip
    ends = [{**steps[0], "text": "start"}, {**steps[-1], "text": f"epoch {steps[-1]['epoch']}"}]
    labels = alt.Chart(alt.NamedData("ends")).encode(x="x:Q", y="y:Q", text="text:N")
    halo = labels.mark_text(dy=-13, fontWeight="bold", fontSize=12, stroke="#000", strokeWidth=3, color="#000")
    words = labels.mark_text(dy=-13, fontWeight="bold", fontSize=12, color="#fff")
    chart = alt.layer(
        heat, contours, way.mark_line(color="#fff", strokeWidth=3.2), way.mark_line(color="#d55e00", strokeWidth=1.6),
        way.mark_point(filled=True, size=26, color="#d55e00", stroke="#fff", strokeWidth=0.8), halo, words,
    )  # fmt: skip
    return Drawn(chart, {"cells": cells, "levels": levels, "path": steps, "ends": ends})
