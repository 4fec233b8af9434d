"""The sentences of reports: pages, Markdown and JUnit files; the others are in wording.py and messages.py.

Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from comparisons.wording import SENSITIVITY, count, counted, element, listed, multiple, percent, value

AXES = {  # what the two indices of a quantity count
    "W": ("neuron", "input"), "dW": ("neuron", "input"), "b": ("neuron", ""), "db": ("neuron", ""),
    "Z": ("neuron", "example"), "A": ("neuron", "example"), "dZ": ("neuron", "example"), "dA": ("neuron", "example"),
    "Y": ("", "example"),
}  # fmt: skip


def run_name(implementation: str, precision: str) -> str:
    """torch (float32)"""
    return f"{implementation} ({precision})"


def place(quantity: str, index: Sequence[int], step: int) -> str:
    """Where a number stands: `dW[2][4, 1], step 812: neuron 4 of layer 2, its input 1`."""
    at = "the start" if step == 0 else f"step {count(step)}"
    bare, _, layer = quantity.rpartition("_")[2].rstrip("]").partition("[")
    first, second = AXES.get(bare, ("", ""))
    words = []
    if first and layer and index:
        words.append(f"{'feature' if bare == 'A' and layer == '0' else first} {index[0]}")
        words[-1] += f" of {'the input' if layer == '0' else f'layer {layer}'}"
    if second and len(index) > 1:
        words.append(f"{'its input' if second == 'input' else second} {index[1]}")
    where = f": {', '.join(words)}" if words else ""
    return f"{element(quantity, index)}, {at}{where}"


def row_details(row: Any) -> list[tuple[str, str]]:
    """What a row says, as terms and what stands behind them."""
    if not row.checked:
        return [("judged", nothing_judged(row.quantity))]
    times = "a wrong number where none may be wrong" if math.isinf(row.worst) else f"{multiple(row.worst)} × its bound"
    found = [("worst number", place(row.quantity, row.index, row.step))]
    found += [
        ("expected", f"{value(row.expected, row.precision)} ± {multiple(row.bound)}"),
        ("actual", f"{value(row.actual, row.precision)}, off by {times}"),
        ("judged", f"{counted(row.checked, 'number')}, {_outside(row)}"),
        ("median error", f"{multiple(row.median)} × its bound"),
        ("median bound", f"{multiple(row.radius)}: the size of the fault that could hide"),
    ]
    if row.not_judged:
        found.append(("not judged", f"{counted(row.not_judged, 'number')}, which could not have failed"))
    if row.blind:
        found.append(
            ("blind", f"{counted(row.blind, 'number')} could change by {SENSITIVITY[row.precision]:g} of their scale "
             "unseen by their own equation")
        )  # fmt: skip
    return found


def nothing_judged(quantity: str) -> str:
    """Why a row proves nothing."""
    return f"nothing: no number of {quantity} has a bound that tells anything"


def _outside(row: Any) -> str:
    if not row.outside:
        return "none outside its ball"
    first = "at the start" if row.first_broken == 0 else f"from step {count(row.first_broken)} on"
    return f"{count(row.outside)} outside their balls, {first}, in {counted(row.n_broken_steps, 'step')}"


def cell_label(name: str, run: str, verdict: str, worst: float) -> str:
    """What a cell of the matrix says to who cannot see it."""
    said = f"worst error {multiple(worst)} times its bound" if verdict != "not compared" else "nothing was judged"
    return f"{name} of {run}: {verdict}, {said}; open details"


CLAIM = {True: ("✓", "holds"), False: ("✗", "does not hold"), None: ("–", "not measured")}


def facts(result: Any) -> list[tuple[str, str]]:
    """The few numbers that a reader wants first."""
    compared = [one for one in result.implementations if one.verdict != "not compared"]
    outside = sum(row.outside for row in result.rows)
    best = [one.accuracy for one in compared if one.accuracy is not None]
    found = [
        ("numbers judged", count(result.checked)),
        ("outside their balls", count(outside)),
        ("runs compared", f"{len(compared)} of {len([one for one in result.implementations if not one.skipped])}"),
    ]
    if best:
        low, high = percent(min(best)), percent(max(best))
        found.append(("accuracy reached", low if low == high else f"{low} to {high}"))
    return found


def experiment_line(experiment: Mapping[str, Any]) -> str:
    """The experiment in one sentence."""
    e = experiment
    optimizer = e.get("optimizer", {})
    layers = "-".join(map(str, e.get("layers", ())))
    precision = {"both": "float32 and float64"}.get(e.get("precision", ""), e.get("precision", ""))
    return (
        f"Experiment {e.get('name', '')}: layers {layers} ({listed(dict.fromkeys(e.get('activations', ())))}), "
        f"{e.get('loss', '')}, {optimizer.get('kind', '')} with α = {optimizer.get('learning_rate', '')}, "
        f"{counted(e.get('epochs', 0), 'epoch')} in batches of {e.get('batch_size', '')}, {precision}."
    )


def reproduce(experiment: Mapping[str, Any], implementations: Sequence[str]) -> str:
    """The command that makes this result again; an experiment of the user's own has its file's name to be put in."""
    name = experiment.get("name", "")
    taken = name if name in ("article", "gradient-descent") else "EXPERIMENT.toml"
    precision = experiment.get("precision")
    parts = [
        "backproof run",
        *([taken] if taken != "article" else []),
        f"--implementations {','.join(implementations)}",
    ]
    if precision in ("float32", "float64"):
        parts.append(f"--precision {precision}")
    return " ".join(parts)


def frame_line(epoch: int, loss: float | None, accuracy: float | None) -> str:
    """What the decision boundary's picture shows of one run after an epoch."""
    when = "At the start" if epoch == 0 else f"After {counted(epoch, 'epoch')}"
    return f"{when}: loss {multiple(math.nan if loss is None else loss)}, accuracy {percent(accuracy)}."


def apart_line(one: str, other: str, largest: float) -> str:
    """How far two runs' outputs lie apart in one picture."""
    if largest == 0:
        return f"The outputs of {one} and {other} are equal in every place drawn."
    return f"The outputs of {one} and {other} differ by at most {multiple(largest)}."


def slice_line(scene: Mapping[str, Any]) -> str:
    """What the slice of the loss surface is, and how much of the path lies in it."""
    run = run_name(str(scene["implementation"]), str(scene["precision"]))
    return (
        f"The loss on the whole training set, on the plane through the final parameters of {run} along the first two "
        f"principal directions of its path; {percent(scene['share'])} of the path's variance lies in this plane. "
        "Points are epochs, drawn where they fall on the plane; the loss at a point is that of the real parameters."
    )


def bin_labels(edges: Sequence[float]) -> list[str]:
    """The bins of a histogram of errors in units in the last place: 0, up to 0.5, up to 1, …, above the last."""
    return ["0", *(f"≤ {'½' if edge == 0.5 else f'{edge:,.0f}'}" for edge in edges[1:]), f"> {edges[-1]:,.0f}"]


def written_line(what: str, where: Any) -> str:
    """Where something was written."""
    return f"{what}: {where}"


def not_opened_line(where: Any) -> str:
    """That no browser could be started, and what to do."""
    return f"no browser could be started here; open {where} in one"


def not_drawn_without(packages: Sequence[str]) -> str:
    """What is not installed that pages and figures are drawn with, and how to get it."""
    are, them = ("is", "it") if len(packages) == 1 else ("are", "them")
    return (
        f"{listed(packages)} {are} not installed, and pages and figures are drawn with {them}; "
        "pip install 'backproof[reports]', or choose another --format"
    )


def not_written(where: Any, why: Any) -> str:
    """That the disk did not take it."""
    return f"{where} could not be written: {why}; choose another --out"


def nothing_to_draw(folder: Any) -> str:
    """That a result has no scenes."""
    return f"{folder} holds nothing to draw figures from; run it again without --no-figures"
