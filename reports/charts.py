"""Charts of a result: loss and accuracy of all runs, their distance from the reference, errors through the steps.

Each function gives a declarative chart (Altair, which is Vega-Lite) without colours of a theme; the page and the image
files put them in. A chart computes nothing: what it draws lies in the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
from altair.utils import schemapi

from comparisons.result import Result, revived
from reports.palette import colour_of, shape_of, widths

Rows = list[dict[str, Any]]


N_NESTED = 8  # so many lines that lie on each other can still be told apart by their widths


class Drawn(NamedTuple):
    """A chart, and the rows of its data by their names."""

    chart: alt.TopLevelMixin
    tables: dict[str, Rows]


ZOOM = "wheel![event.shiftKey]"
PAN = "[mousedown, window:mouseup] > window:mousemove!"  # by mouse alone: a finger scrolls the page


def precisions(result: Result) -> list[str]:
    """The precisions that ran, in their order."""
    return list(dict.fromkeys(one.precision for one in result.implementations))


def names(result: Result) -> list[str]:
    """The implementations, in their order."""
    return list(dict.fromkeys(one.name for one in result.implementations))


def loss_rows(result: Result) -> Rows:
    """Loss and accuracy by run and epoch, from 1."""
    return [
        {"run": history["implementation"], "precision": history["precision"], "epoch": number + 1, "loss": loss,
         "accuracy": finite(history["accuracy"][number])}
        for history in result.histories
        for number, loss in enumerate(map(finite, history["loss"]))
    ]  # fmt: skip


def finite(stored: Any) -> float | None:
    """A number that can be drawn; None for NaN and infinities, which are stored as null and as texts."""
    return stored if isinstance(stored, (int, float)) and math.isfinite(stored) else None


def band_rows(result: Result) -> Rows:
    """The replicas' lowest and highest loss by epoch, for each set of forms."""
    return [
        {"precision": band["precision"], "forms": ", ".join(band["forms"]) or "textbook", "epoch": number + 1,
         "low": finite(low), "high": finite(band["after_epochs"]["high"][number])}
        for band in result.bands
        if "after_epochs" in band
        for number, low in enumerate(band["after_epochs"]["low"])
    ]  # fmt: skip


def forms_by_run(result: Result) -> dict[tuple[str, str], tuple[str, ...]]:
    """The forms in which each run is compared with replicas."""
    scores = [revived(score) for agreement in result.agreements for score in agreement["scores"]]
    return {(score.implementation, score.precision): tuple(score.forms) for score in scores}


def distance_rows(result: Result) -> tuple[Rows, Rows]:
    """How far each run's loss is from the reference's in the run's own forms, relative to it; and the replicas' reach.

    A distance of 0 has no place on a logarithmic axis, and is left out of the line.
    """
    bands = {(band["precision"], tuple(band["forms"])): band.get("after_epochs") for band in result.bands}
    placed = forms_by_run(result)
    lines: Rows = []
    reach: Rows = []
    for (precision, forms), band in bands.items():
        if band is None:
            continue
        label = ", ".join(forms) or "textbook"
        for number, reference in enumerate(map(finite, band["reference"])):
            ends = [finite(band[end][number]) for end in ("low", "high")]
            away = [abs(end - reference) for end in ends if end is not None and reference is not None]
            if reference and any(away):
                reach.append(
                    {"precision": precision, "forms": label, "epoch": number + 1, "reach": max(away) / abs(reference)}
                )
    for history in result.histories:
        name, precision = history["implementation"], history["precision"]
        band = bands.get((precision, placed.get((name, precision), ())))
        if band is None or (name, precision) not in placed:
            continue
        pairs = zip(map(finite, history["loss"]), map(finite, band["reference"]), strict=True)
        for number, (loss, reference) in enumerate(pairs):
            apart = abs(loss - reference) / abs(reference) if loss is not None and reference else None
            lines.append({"run": name, "precision": precision, "epoch": number + 1, "distance": apart or None})
    return lines, reach


def _told_apart(runs: Sequence[str], everyone: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    """The encodings by which implementations are told apart: colour and shape, in one legend.

    The order is the scale's domain: Vega-Lite would write one of `sort` into an expression, and a name can be anything.

    Everyone: all implementations of the result, so that each has one colour in all charts.
    """
    n, at = len(runs), {name: number for number, name in enumerate(everyone)}
    legend = alt.Legend(title=None, orient="top", columns=min(n, 5), labelLimit=220, symbolLimit=0, symbolSize=80,
                        symbolStrokeWidth=2)  # fmt: skip
    order = list(runs)
    return (
        alt.Color("run:N", legend=legend,
                  scale=alt.Scale(domain=order, range=[colour_of(at[run]) for run in runs])),
        alt.Shape("run:N", legend=legend,
                  scale=alt.Scale(domain=order, range=[shape_of(at[run]) for run in runs])),
    )  # fmt: skip


def _lines(
    data: alt.NamedData,
    runs: Sequence[str],
    everyone: Sequence[str],
    x: alt.X,
    y: alt.Y,
    tooltip: list[Any],
    are_alike: bool,
) -> list[alt.Chart]:
    """Lines of all runs, and here and there a run's shape on its line, at other places than those of the other runs.

    Are alike: they may lie on each other, so the first is the widest and beneath, and each stays to be seen.
    """
    colour, shape = _told_apart(runs, everyone)
    chosen = alt.selection_point(fields=["run"], bind="legend", name="chosen")
    shown = alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.07))
    base = alt.Chart(data).encode(x=x, y=y, tooltip=tooltip, color=colour, opacity=shown)
    if are_alike and len(runs) <= N_NESTED:
        lines = [
            base.mark_line(strokeCap="round", strokeJoin="round", strokeWidth=width).transform_filter(
                f"datum.number === {number}")  # a name could be anything, and this is an expression
            for number, width in enumerate(widths(len(runs)))
        ]  # fmt: skip
    else:
        lines = [base.mark_line(strokeCap="round", strokeJoin="round", strokeWidth=1.6)]
    marks = base.mark_point(filled=False, size=64, strokeWidth=1.8, fill="white").encode(shape=shape).transform_filter(
        "datum.mark")  # fmt: skip
    lines[0] = lines[0].add_params(chosen, zoom())
    return [*lines, marks]


def marked(rows: Rows, runs: Sequence[str], every: int = 10) -> Rows:
    """The rows with their run's number, and those marked at which its shape stands: each run's at places of its own."""
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        run = row["run"]
        at = seen[run] = seen.get(run, -1) + 1
        number = runs.index(run)
        found.append({**row, "number": number, "mark": (at + every - 1 - every * number // len(runs)) % every == 0})
    return found


def zoom() -> alt.Parameter:
    """Zoom with shift and the wheel, pan with the mouse, double click for the whole."""
    return alt.selection_interval(bind="scales", encodings=["x"], zoom=ZOOM, translate=PAN, name="zoom")


def _of(rows: Rows, result: Result, precision: str) -> tuple[Rows, list[str]]:
    """The rows of one precision, of implementations that the result has, and the names of these in their order."""
    known = names(result)
    found = [row for row in rows if row["precision"] == precision and row["run"] in known]
    return found, [name for name in known if any(row["run"] == name for row in found)]


def curve(result: Result, precision: str, measure: str) -> Drawn | None:
    """Loss or accuracy of all runs of a precision over the epochs; behind the losses the replicas' band. None where no
    run has a history."""
    is_loss = measure == "loss"
    rows, runs = _of(loss_rows(result), result, precision)
    if not runs:
        return None
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(nice=False))
    y = (
        alt.Y("loss:Q", title="loss J on the training set", scale=alt.Scale(type="log"))
        if is_loss
        else alt.Y("accuracy:Q", title="accuracy on the training set", axis=alt.Axis(format="%"),
                   scale=alt.Scale(zero=False))
    )  # fmt: skip
    tooltip = [alt.Tooltip("run:N", title="implementation"), "epoch:Q",
               alt.Tooltip(f"{measure}:Q", format=".9~g" if is_loss else ".2%")]  # fmt: skip
    lines = _lines(alt.NamedData("runs"), runs, names(result), x, y, tooltip, are_alike=True)
    bands = [row for row in band_rows(result) if row["precision"] == precision]
    tables = {"runs": marked(rows, runs)}
    if not is_loss or not bands:
        return Drawn(alt.layer(*lines), tables)
    area = alt.Chart(alt.NamedData("bands")).mark_area(opacity=0.35, color="#888").encode(
        x=x, y=alt.Y("low:Q", title="loss J on the training set", scale=alt.Scale(type="log")), y2="high:Q",
        detail="forms:N")  # fmt: skip
    return Drawn(alt.layer(area, *lines), tables | {"bands": bands})


def distance(result: Result, precision: str) -> Drawn | None:
    """How far each loss curve lies from the reference's in the same forms, on a logarithmic axis, and the replicas'
    reach; None where whole runs were not compared."""
    lines, reach = distance_rows(result)
    lines, runs = _of(lines, result, precision)
    reach = [row for row in reach if row["precision"] == precision]
    if not lines or not reach:
        return None
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(nice=False))
    scale = alt.Scale(type="log")
    title = "distance from the reference ÷ loss"
    y = alt.Y("distance:Q", title=title, scale=scale, axis=alt.Axis(format=".0e"))
    floor = min([row["distance"] for row in lines if row["distance"]] + [row["reach"] for row in reach]) / 2
    area = alt.Chart(alt.NamedData("reach")).mark_area(
        opacity=0.3, color="#888", line={"color": "#888", "strokeWidth": 1}).encode(
        x=x, y=alt.Y("reach:Q", scale=scale, title=title), y2="floor:Q", detail="forms:N",
        tooltip=[alt.Tooltip("forms:N"), "epoch:Q", alt.Tooltip("reach:Q", format=".2e")])  # fmt: skip
    tooltip = [alt.Tooltip("run:N", title="implementation"), "epoch:Q", alt.Tooltip("distance:Q", format=".2e")]
    chart = alt.layer(area, *_lines(alt.NamedData("runs"), runs, names(result), x, y, tooltip, are_alike=False))
    return Drawn(chart, {"runs": marked(lines, runs), "reach": [{**row, "floor": floor} for row in reach]})


TICKS = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 1e2, 1e3, 1e4, 1e6, 1e8, 1e10, 1e12)


def errors(runs: Sequence[str], everyone: Sequence[str]) -> Drawn:
    """Error over bound through the steps, of one quantity, whose rows come as the table "errors"."""
    x = alt.X(
        "step:Q", title="step", scale=alt.Scale(nice=False), axis=alt.Axis(format=",d", tickMinStep=1, tickCount=8)
    )
    label = "datum.value >= 10000 ? format(datum.value, '.0e') : format(datum.value, '~g')"
    y = alt.Y("worst:Q", title="largest error ÷ its bound", scale=alt.Scale(type="symlog", constant=0.1),
              axis=alt.Axis(values=list(TICKS), labelExpr=label))  # fmt: skip
    tooltip = [alt.Tooltip("run:N", title="implementation"), alt.Tooltip("steps:N", title="steps"),
               alt.Tooltip("worst:Q", title="error ÷ bound", format=".3~g")]  # fmt: skip
    lines = _lines(alt.NamedData("errors"), runs, everyone, x, y, tooltip, are_alike=False)
    edge = alt.Chart(alt.NamedData("edge"))
    rule = edge.mark_rule(strokeDash=[4, 4], color="#888", strokeWidth=1.5).encode(y="edge:Q")
    text = edge.mark_text(align="left", baseline="top", dx=4, dy=3, color="#888").encode(
        y="edge:Q", x=alt.value(0), text="text:N")  # fmt: skip
    return Drawn(alt.layer(*lines, rule, text), {"edge": [{"edge": 1, "text": "the bound"}]})


def histogram(runs: Sequence[str], everyone: Sequence[str]) -> Drawn:
    """The share of a quantity's numbers by their error in units in the last place; its rows come after those of the
    table "counts", which has all runs in their order.

    The colours go by the order of the data: of bars, Vega-Lite would write a domain's names into an expression.
    """
    n, at = len(runs), {name: number for number, name in enumerate(everyone)}
    scale = alt.Scale(range=[colour_of(at[run]) for run in runs])
    chart = (
        alt.Chart(alt.NamedData("counts"))
        .mark_bar()
        .encode(
            x=alt.X("error:N", sort=alt.EncodingSortField("at", op="min"), title="error in units in the last place",
                    axis=alt.Axis(labelAngle=-35, labelOverlap=True)),
            xOffset=alt.XOffset("number:O"),
            y=alt.Y("share:Q", stack=None, title="share of its numbers", axis=alt.Axis(format="%")),
            color=alt.Color("run:N", sort=None, scale=scale, title=None,
                            legend=alt.Legend(orient="top", columns=min(n, 5), labelLimit=220, symbolLimit=0)),
            tooltip=[alt.Tooltip("run:N", title="implementation"), alt.Tooltip("error:N", title="error, ulps"),
                     alt.Tooltip("count:Q", title="numbers", format=","),
                     alt.Tooltip("share:Q", format=".3%")],
        )
    )  # fmt: skip
    first = [{"run": run, "error": "0", "number": 0, "at": 0, "count": 0, "share": 0} for run in runs]
    return Drawn(chart, {"counts": first})


def error_rows(rows: Sequence[Mapping[str, Any]], steps: Sequence[Sequence[int]]) -> Rows:
    """A quantity's largest errors, run by run and bin by bin of steps; an infinite one has no place on the axis."""
    return [
        {"run": row["implementation"], "step": steps[at][0], "worst": finite(worst),
         "steps": " to ".join(map(str, dict.fromkeys(steps[at])))}
        for row in rows
        for at, worst in enumerate(row["worst"])
    ]  # fmt: skip


def count_rows(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Rows:
    """A quantity's numbers by their error, run by run, up to the last bin that holds any."""
    last = max([5, *(at for row in rows for at, n in enumerate(row["counts"]) if n)])
    return [
        {
            "run": row["implementation"],
            "error": labels[at],
            "number": number,
            "at": at,
            "count": n,
            "share": n / (sum(row["counts"]) or 1),
        }
        for number, row in enumerate(rows)
        for at, n in enumerate(row["counts"][: last + 1])
    ]  # fmt: skip


def spec(drawn: Drawn, description: str, height: int = 280) -> dict[str, Any]:
    """The chart as a Vega-Lite specification that fills the width it is given."""
    sized = drawn.chart.properties(width="container", height=height, description=description)
    content: dict[str, Any] = sized.to_dict(validate=schemapi.DEBUG_MODE)
    content.pop("config", None)
    content.pop("$schema", None)
    return content | {"autosize": {"type": "fit-x", "contains": "padding"}, "datasets": drawn.tables}
