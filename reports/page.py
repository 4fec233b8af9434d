"""The page: one self-contained HTML file with a result's verdict, tables, charts and figures.

What is shown is worded and formatted here or by the modules that this one calls; the page's script only puts it in
place. All text from a result is escaped by the template or, inside the data, by `_script_safe`.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from altair.utils.schemapi import debug_mode
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from comparisons.messages import claims_line, fault_text
from comparisons.reported import (
    CLAIM,
    bin_labels,
    experiment_line,
    facts,
    reproduce,
    row_details,
    run_name,
)
from comparisons.result import ImplementationResult, Result, to_json
from comparisons.wording import SYMBOLS, first_broken, forms_of, listed, loss, percent, verdict_line
from reports import charts
from reports.causes import explanations
from reports.figures import Figure, figures, frames
from reports.matrix import LEVELS, Cell, level_of, matrix, runs_of
from reports.runs import rows_of
from reports.scenes import Scenes
from reports.terminal import notes, whole_runs
from reports.typeset import mathml


def page(result: Result, scenes: Scenes | None, version: str) -> str:
    """The whole page as text."""
    templates = Environment(
        loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    lines, runs, errors = matrix(result), runs_of(result), _errors(result, scenes)
    with debug_mode(False):  # what charts are made of does not depend on a result, so tests hold it against the schema
        drawn = figures(result, scenes)
        specs = _charts(result, errors, drawn)
    pairs = explanations(result)
    context: dict[str, Any] = {
        "result": result, "version": version, "symbols": SYMBOLS, "title": str(result.experiment.get("name", "")),
        "verdict_line": verdict_line(result), "experiment_line": experiment_line(result.experiment),
        "facts": facts(result), "faults": _faults(result), "missing": _missing(result),
        "lines": lines, "runs": _columns(runs), "spans": _spans(runs),
        "legend": [(level, said) for _, level, said in LEVELS],
        "reached": [_reached(one) for one in result.implementations],
        "notes": notes(result), "precisions": charts.precisions(result), "has_curves": bool(result.histories),
        "n_replicas": _n_replicas(result), "charts": specs, "whole": [line for line in whole_runs(result)[2:] if line],
        "errors": errors, "explanations": pairs, "n_explanations": len(result.explanations),
        "dialects": result.dialects, "claims": [_claim(claim) for claim in result.claims],
        "claims_line": claims_line(result.claims, str(result.experiment.get("name", ""))), "figures": drawn,
        **_choices(scenes),
        "command": reproduce(result.experiment, charts.names(result)), "environment": _environment(result),
        "experiment_json": json.dumps(to_json(result.experiment), ensure_ascii=False, indent=1),
        "css": Markup(_template("page.css")), "js": Markup(_template("page.js")),
        "theme_js": Markup(_template("theme.js")), "bundle": Markup(_bundle()),
        "data": Markup(_script_safe(_data(result, lines, specs))), "scenes": _packed(_drawn_by_script(scenes)),
    }  # fmt: skip
    context["sections"] = _sections(context)
    return templates.get_template("page.html").render(context)


def _template(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")


def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed, as one script that needs no network."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for what it does not need
    return bundle.replace("</script", "<\\/script")


def _script_safe(data: Any) -> str:
    """JSON that may stand in a `<script>`: no text in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _sections(context: Mapping[str, Any]) -> list[dict[str, str]]:
    """The parts that there are, for the navigation."""
    there = (
        ("verdict", "Verdict", True), ("quantities", "Equations", True), ("curves", "Curves", context["has_curves"]),
        ("errors", "Errors", context["errors"]), ("differences", "Differences", context["explanations"]),
        ("claims", "Claims", context["claims"]), ("figures", "Figures", context["figures"]),
        ("environment", "Environment", True),
    )  # fmt: skip
    return [{"id": name, "short": short} for name, short, is_there in there if is_there]


def _faults(result: Result) -> list[dict[str, Any]]:
    """The disagreements, in the words of the terminal."""
    found = []
    for one in result.implementations:
        if one.verdict != "disagrees":
            continue
        rows = rows_of(result, one.name, one.precision)
        row = first_broken(rows)
        if row is None:
            continue
        found.append({
            "run": run_name(one.name, one.precision), "quantity": row.quantity, "formula": Markup(mathml(row.equation)),
            "text": fault_text(one.name, one.precision, rows, one, one.means),
        })  # fmt: skip
    return found


def _missing(result: Result) -> list[dict[str, str]]:
    """What was not compared, those with one reason together."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for one in result.implementations:
        if one.verdict == "not compared":
            by_reason.setdefault((one.reason, one.output), []).append(run_name(one.name, one.precision))
    return [{"runs": listed(runs), "reason": reason, "output": output} for (reason, output), runs in by_reason.items()]


def _columns(runs: list[ImplementationResult]) -> list[dict[str, Any]]:
    before = [None, *(run.precision for run in runs)]
    return [{"name": run.name, "first": run.precision != last} for run, last in zip(runs, before, strict=False)]


def _spans(runs: list[ImplementationResult]) -> list[tuple[str, int]]:
    order = dict.fromkeys(run.precision for run in runs)
    return [(precision, sum(run.precision == precision for run in runs)) for precision in order]


def _reached(one: ImplementationResult) -> dict[str, str]:
    form = one.reason if one.verdict == "not compared" or one.same_arithmetic else forms_of(one.forms)
    return {
        "name": one.name, "precision": one.precision, "loss": loss(one.loss), "accuracy": percent(one.accuracy),
        "test": percent(one.test_accuracy), "symbol": SYMBOLS[one.verdict], "verdict": one.verdict,
        "word": "skipped" if one.skipped else one.verdict, "form": form,
    }  # fmt: skip


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    symbol, word = CLAIM[claim["holds"]]
    return {**claim, "symbol": symbol, "word": word}


def _environment(result: Result) -> list[tuple[str, str]]:
    e = result.environment
    versions = listed(f"{name} {version}" for name, version in e.get("versions", {}).items())
    seeds = {
        name: part["seed"] for name, part in result.experiment.items() if isinstance(part, Mapping) and "seed" in part
    }
    seeds = {"batches": result.experiment.get("seed"), **seeds}
    said = [
        ("Python", e.get("python", "")), ("packages", versions), ("platform", e.get("platform", "")),
        ("processor", e.get("processor", "")), ("threads", str(e.get("threads", ""))),
        ("subnormal results", "become 0" if e.get("flush_to_zero") else "are kept"),
        ("seeds", ", ".join(f"{name} {seed}" for name, seed in seeds.items() if seed is not None)),
        ("assumed", e.get("assumed", "")),
    ]  # fmt: skip
    return [(term, words) for term, words in said if words]


def _n_replicas(result: Result) -> int:
    """Among how many replicas the runs were compared; 0 where they were not."""
    return max((score["n_replicas"] for agreement in result.agreements for score in agreement["scores"]), default=0)


def _errors(result: Result, scenes: Scenes | None) -> dict[str, Any] | None:
    """The quantities whose errors can be shown, and of which runs; None where there are none of this result."""
    known = charts.names(result)
    rows = [row for row in scenes.errors["rows"] if row["implementation"] in known] if scenes is not None else []
    if not rows:
        return None
    names = list(dict.fromkeys(row["quantity"] for row in rows))
    having = {row["implementation"] for row in rows}
    first = next((name for name in names if name.startswith("dW")), names[0])
    return {"quantities": names, "first": first, "runs": [name for name in known if name in having]}


def _choices(scenes: Scenes | None) -> dict[str, Any]:
    """What the page lets a reader choose from."""
    snapshots = scenes.snapshots if scenes else None
    boundaries = scenes.boundaries if scenes else None
    runs = [run_name(run["implementation"], run["precision"]) for run in (boundaries or {}).get("runs", ())]
    shown = snapshots["runs"] if snapshots else []
    most = max(range(len(shown)), key=lambda k: (len(shown[k]["values"][-1]), -k), default=0)
    return {
        "snapshot_runs": [run_name(run["implementation"], run["precision"]) for run in shown],
        "snapshot_run": most, "snapshot_steps": snapshots["steps"] if snapshots else [],
        "boundary_runs": runs, "boundary_pairs": bool(boundaries and boundaries["pairs"]),
        "n_frames": len(boundaries["epochs"]) if boundaries else 0,
    }  # fmt: skip


def _charts(result: Result, errors: Mapping[str, Any] | None, drawn: list[Figure]) -> dict[str, Any]:
    """Every chart's specification, by the name under which the template has a place for it."""
    found: dict[str, Any] = {}
    for precision in charts.precisions(result) if result.histories else ():
        for measure in ("loss", "accuracy"):
            what = charts.curve(result, precision, measure)
            if what is None:
                continue
            found[f"{measure}-{precision}"] = charts.spec(what, f"{measure} of all runs in {precision} over the epochs")
        away = charts.distance(result, precision)
        if away is not None:
            found[f"distance-{precision}"] = charts.spec(
                away, f"distance of the losses from the reference in {precision}"
            )
    if errors is not None:
        runs, everyone = errors["runs"], charts.names(result)
        found["errors"] = charts.spec(charts.errors(runs, everyone), "largest error through the steps, over its bound")
        found["histogram"] = charts.spec(charts.histogram(runs, everyone), "errors in units in the last place", 240)
    for figure in drawn:
        found |= figure.specs
    many = {"boundary", "boundary-difference", "surface"}
    return {name: {"spec": spec, "renderer": "canvas" if name in many else "svg"} for name, spec in found.items()}


def _data(result: Result, lines: list[Any], specs: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script looks up."""
    formulas: dict[str, int] = {}
    cells = {cell.key: _cell(cell, result, formulas) for line in lines for cell in line.cells if cell is not None}
    return {"cells": cells, "formulas": list(map(mathml, formulas)), "dialects": result.dialects, "charts": specs}


def _drawn_by_script(scenes: Scenes | None) -> dict[str, Any]:
    """The scenes that change with what a reader chooses."""
    if scenes is None:
        return {"errors": None, "boundaries": None, "snapshots": None}
    rows = [{**row, "total": sum(row["counts"])} for row in scenes.errors["rows"]]
    errors = {"steps": scenes.errors["steps"], "rows": rows, "labels": bin_labels(scenes.errors["edges"])}
    data = {"errors": errors if rows else None, "boundaries": scenes.boundaries, "snapshots": scenes.snapshots}
    return data | frames(scenes.boundaries)


def _packed(data: Mapping[str, Any]) -> str:
    """JSON, compressed and as base64, which makes the page a third as large; no text in it can end an element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


def _cell(cell: Cell, result: Result, formulas: dict[str, int]) -> dict[str, Any]:
    first = cell.kind.rows[0]
    run = next(
        one for one in result.implementations if (one.name, one.precision) == (first.implementation, first.precision)
    )
    worst = max(
        range(len(cell.kind.rows)), key=lambda k: (cell.kind.rows[k].verdict == "disagrees", cell.kind.rows[k].worst)
    )
    parts = [
        {
            "quantity": row.quantity, "symbol": SYMBOLS[row.verdict], "level": level_of(row),
            "formula": formulas.setdefault(row.equation, len(formulas)),
            "said": f"{SYMBOLS[row.verdict]} {row.verdict}", "details": row_details(row),
        }
        for row in cell.kind.rows
    ]  # fmt: skip
    return {
        "title": f"{cell.kind.name} of {run_name(run.name, run.precision)}", "precision": run.precision, "parts": parts,
        "worst": worst, "forms": list(run.forms),
    }  # fmt: skip
