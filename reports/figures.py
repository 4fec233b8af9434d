"""The article's ten figures, drawn from the run itself: as charts, or as drawings with the run's numbers in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from comparisons.reported import apart_line, frame_line, slice_line
from comparisons.result import Result
from reports import charts, pictures
from reports.drawings import layer, network, neuron
from reports.order import order
from reports.scenes import Scene, Scenes
from reports.svg import Values


@dataclass(frozen=True)
class Figure:
    """One of the ten: its charts by name, or its drawing; `why` says why there is neither.

    Layout: "square" for charts of a plane, "grid" for several small ones.
    """

    number: int
    title: str
    caption: str = ""
    specs: Mapping[str, Any] = field(default_factory=dict)
    drawing: str = ""
    why: str = ""
    layout: str = ""

    @property
    def charts(self) -> list[str]:
        """The names of its charts."""
        return list(self.specs)


def shown_run(scenes: Scenes) -> Values:
    """The numbers that stand in the drawings at first: the last step's of the run that shows most."""
    if not scenes.snapshots["runs"]:
        return {}
    run = max(scenes.snapshots["runs"], key=lambda one: len(one["values"][-1]) if one["values"] else 0)
    return run["values"][-1] if run["values"] else {}


def figures(result: Result, scenes: Scenes | None) -> list[Figure]:
    """All ten, in the article's order; none where the run stored no scenes."""
    if scenes is None:
        return []
    sizes = _sizes(result, scenes)
    values = shown_run(scenes)
    activations = list(result.experiment.get("activations", ())) or [""]
    n_layers = len(sizes) - 1
    no_numbers = scenes.why.get("snapshots", "") if not values else ""
    found = [
        _points(scenes),
        Figure(2, "The network, with its weights", "Lines and numbers are those of the run and the step chosen above.",
               drawing=Markup(network(sizes, values)), why=no_numbers),
        _boundary(scenes),
        Figure(4, "A neuron", "The first neuron of the first layer, and the first example of the step’s batch.",
               drawing=Markup(neuron(values, sizes[0], activations[0])), why=no_numbers),
        Figure(5, "A layer", "The whole first layer at once: the weights of its neurons are the rows of W[1].",
               drawing=Markup(layer(values, sizes[1], sizes[0], activations[0])), why=no_numbers),
        Figure(6, "A layer over many examples", "Several examples at once, as columns.",
               drawing=Markup(layer(values, sizes[1], sizes[0], activations[0],
                                    examples=_examples(scenes))), why=no_numbers),
        _activations(scenes),
        _loss_and_accuracy(result),
        _surface(scenes),
        Figure(10, "The order of operations, forwards and backwards",
               "An arrow says what a quantity is computed from, as the equations read it.",
               drawing=Markup(order(scenes.equations, n_layers, values)), why=no_numbers),
    ]  # fmt: skip
    return found


def _sizes(result: Result, scenes: Scenes) -> list[int]:
    """n₀, n₁, …, n_L: of the input, how many features an example has."""
    layers = [int(n) for n in result.experiment.get("layers", ()) if isinstance(n, int)]
    values = shown_run(scenes)
    first = values.get("W[1]")
    n_inputs = len(first[0]) if isinstance(first, list) and first and isinstance(first[0], list) else 2
    return [n_inputs, *layers] if layers else [n_inputs, 1]


def _examples(scenes: Scenes) -> int:
    return int(scenes.snapshots["examples"])


def _points(scenes: Scenes) -> Figure:
    title = "The data"
    if scenes.points is None:
        return Figure(1, title, why=scenes.why.get("points", "nothing was stored for it"))
    n = len(scenes.points["train"]["x"])
    spec = charts.spec(pictures.points(scenes.points), "the training set, by class", 380)
    return Figure(1, title, f"The {n:,} examples of the training set.", {"points": spec}, layout="square")


def _boundary(scenes: Scenes) -> Figure:
    title = "The decision boundary, moving through the epochs"
    if scenes.boundaries is None or not scenes.boundaries["runs"]:
        return Figure(3, title, why=scenes.why.get("boundaries", "no run shows all of its weights"))
    scene = scenes.boundaries
    specs = {"boundary": charts.spec(pictures.boundary(scene, scenes.points), "output over the plane", 400)}
    caption = "On the dark line the output is ½. Play, or move the slider."
    if scene["pairs"]:
        specs["boundary-difference"] = charts.spec(
            pictures.differences(scene, scene["floor"]), "difference of two outputs over the plane", 400
        )
        caption += " To its right, how far the outputs of two runs lie apart, on a logarithmic scale."
    return Figure(3, title, caption, specs, layout="square")


def _activations(scenes: Scenes) -> Figure:
    used = [curve["name"] for curve in scenes.activations if curve["used"]]
    caption = f"Each with its derivative, as the reference computes them; used here: {', '.join(used)}."
    specs = {
        f"activation-{number}": charts.spec(pictures.activation(curve), f"{curve['name']} and its derivative", 150)
        for number, curve in enumerate(scenes.activations)
    }
    return Figure(7, "Activations, with their derivatives", caption, specs, layout="grid")


def _loss_and_accuracy(result: Result) -> Figure:
    title = "Loss and accuracy over the epochs"
    if not result.histories:
        return Figure(8, title, why="no run shows all of its weights")
    precision = result.histories[0]["precision"]
    drawn = {measure: charts.curve(result, precision, measure) for measure in ("loss", "accuracy")}
    specs = {
        f"figure-{measure}": charts.spec(chart, f"{measure} by epoch", 240)
        for measure, chart in drawn.items()
        if chart is not None
    }
    return Figure(8, title, f"In {precision}; both precisions, and how far runs differ, stand above.", specs)


def _surface(scenes: Scenes) -> Figure:
    title = "Walking down the loss surface"
    if scenes.surface is None:
        return Figure(9, title, why=scenes.why.get("surface", "no run shows all of its weights"))
    spec = charts.spec(pictures.surface(scenes.surface), "loss on a slice, with the path of training", 430)
    return Figure(9, title, slice_line(scenes.surface), {"surface": spec}, layout="square")


def frames(scene: Scene | None) -> dict[str, Any]:
    """What is said beside each picture of the boundary, run by run and pair by pair."""
    if scene is None:
        return {"frames": [], "pairFrames": []}
    of_runs = [
        [frame_line(epoch, *_numbers(run["loss"][k], run["accuracy"][k])) for k, epoch in enumerate(scene["epochs"])]
        for run in scene["runs"]
    ]
    of_pairs = [
        [apart_line(pair["one"], pair["other"], _numbers(largest)[0] or 0.0) for largest in pair["largest"]]
        for pair in scene["pairs"]
    ]
    return {"frames": of_runs, "pairFrames": of_pairs}


def _numbers(*stored: Any) -> Sequence[Any]:
    """Numbers as they were, of what JSON keeps of them."""
    return [float(x) if x is not None else None for x in stored]
