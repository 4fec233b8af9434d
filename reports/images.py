"""The figures as image files, SVG and PNG, in the light theme and on white."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparisons.reported import bin_labels
from comparisons.result import Result
from reports import charts, pictures
from reports.figures import figures
from reports.scenes import Scenes
from reports.svg import standalone

WIDTH, SCALE = 560, 2.0  # of a chart's inside in pixels; of a PNG, how many of its own each of these has
CONFIG = {"background": "white", "font": "DejaVu Sans, sans-serif", "axis": {"titleFontWeight": "normal"},
          "legend": {"titleFontWeight": "normal"}}  # fmt: skip


def images(result: Result, scenes: Scenes | None) -> Iterator[tuple[str, str]]:
    """Each figure's file name, without its end, and its SVG."""
    for name, spec in _specs(result, scenes):
        yield name, _svg(spec)
    for figure in figures(result, scenes):
        if figure.drawing and not figure.why:
            yield f"{figure.number:02}-{named(figure.title)}", standalone(figure.drawing)


def write(result: Result, scenes: Scenes | None, folder: Path) -> Iterator[Path]:
    """Write all of them into a folder, one after the other, and tell each. Error: OSError where that cannot be done."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in images(result, scenes):
        for path, content in (
            (folder / f"{name}.svg", drawing.encode()),
            (folder / f"{name}.png", vl_convert.svg_to_png(drawing, scale=SCALE)),
        ):
            path.write_bytes(content)
            yield path


def named(title: str) -> str:
    """A figure's title as a file's name: the-data."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _specs(result: Result, scenes: Scenes | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The charts with all their data in them; of what moves, the last picture, and the first, a middle one too."""
    for figure in figures(result, scenes):
        stem = f"{figure.number:02}-{named(figure.title)}"
        for key, spec in figure.specs.items():
            if key.startswith("boundary"):
                continue
            end = key.removeprefix("figure-") if figure.number == 8 else _of_curve(key, scenes)
            yield f"{stem}-{end}" if len(figure.specs) > 1 else stem, spec
    for precision in charts.precisions(result) if result.histories else ():
        away = charts.distance(result, precision)
        if away is not None:
            yield f"distance-{precision}", charts.spec(away, f"distance of the losses in {precision}")
    if scenes is not None and scenes.boundaries and scenes.boundaries["runs"]:
        yield from _boundaries(scenes)
    if scenes is not None and scenes.errors["rows"]:
        yield from _errors(result, scenes)


def _of_curve(key: str, scenes: Scenes | None) -> str:
    name, _, number = key.partition("-")
    return named(scenes.activations[int(number)]["name"]) if scenes and name == "activation" else key


def _boundaries(scenes: Scenes) -> Iterator[tuple[str, dict[str, Any]]]:
    scene = scenes.boundaries
    assert scene is not None
    run = scene["runs"][0]
    n = len(scene["epochs"])
    for frame in sorted({0, n // 4, n // 2, n - 1}):
        drawn = pictures.boundary(scene, scenes.points)
        tables = {"cells": pictures.grid_rows(scene, run["probabilities"], scene["n"], frame),
                  "lines": pictures.line_rows(run["lines"][frame])}  # fmt: skip
        spec = charts.spec(charts.Drawn(drawn.chart, drawn.tables | tables), "decision boundary", 400)
        yield f"03-decision-boundary-epoch-{scene['epochs'][frame]:03}", spec | {"square": True}


def _errors(result: Result, scenes: Scenes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Error over bound through the steps of the first weights' gradient, in each precision, and its histogram."""
    rows = scenes.errors["rows"]
    quantity = next((row["quantity"] for row in rows if row["quantity"].startswith("dW")), rows[0]["quantity"])
    for precision in charts.precisions(result):
        mine = [row for row in rows if row["quantity"] == quantity and row["precision"] == precision]
        runs = [row["implementation"] for row in mine]
        if not runs:
            continue
        through = charts.error_rows(mine, scenes.errors["steps"])
        drawn = charts.errors(runs, charts.names(result))
        tables = drawn.tables | {"errors": charts.marked(through, runs, max(1, len(scenes.errors["steps"]) // 6))}
        yield f"errors-{named(quantity)}-{precision}", charts.spec(charts.Drawn(drawn.chart, tables), "errors")
        bars = charts.histogram(runs, charts.names(result))
        counts = charts.count_rows(mine, bin_labels(scenes.errors["edges"]))
        spec = charts.spec(charts.Drawn(bars.chart, {"counts": [*bars.tables["counts"], *counts]}), "histogram", 240)
        yield f"ulps-{named(quantity)}-{precision}", spec


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    is_square = spec.pop("square", False) or spec.get("height", 0) > 350
    sized = {name: part for name, part in spec.items() if name != "autosize"}
    return vl_convert.vegalite_to_svg(
        {**sized, "width": spec["height"] if is_square else WIDTH}, config=CONFIG, vl_version="6.4"
    )
