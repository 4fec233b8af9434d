"""What charts draw of whole runs: distances from the reference in a run's own forms, and how far replicas go."""

from dataclasses import replace

import pytest

from comparisons.result import ImplementationResult, Result
from reports import charts

SCORE = {"implementation": "torch", "precision": "float32", "forms": ["lerp"]}
BAND = {"precision": "float32", "forms": ["lerp"],
        "after_epochs": {"reference": [0.5, 0.25, 0.0], "low": [0.5, 0.2, 0.0], "high": [0.75, 0.26, 0.1]}}  # fmt: skip
OTHER = {**BAND, "forms": [], "after_epochs": {"reference": [9.0, 9.0, 9.0], "low": [1.0] * 3, "high": [9.0] * 3}}
HISTORY = {"implementation": "torch", "precision": "float32", "loss": [0.5, 0.3, 0.1], "accuracy": [0.5, "inf", None]}
RUN = ImplementationResult("torch", "float32", "agrees", "all hold")
RESULT = Result(
    "agrees", 1, {}, {}, (RUN,), (), agreements=({"scores": [SCORE]},), histories=(HISTORY,), bands=(OTHER, BAND)
)


def test_a_distance_is_from_the_reference_in_the_runs_own_forms():
    lines, reach = charts.distance_rows(RESULT)
    assert [None, (0.3 - 0.25) / 0.25, None] == [row["distance"] for row in lines]
    assert [1, 2, 3] == [row["epoch"] for row in lines]
    own = {row["epoch"]: row["reach"] for row in reach if row["forms"] == "lerp"}
    assert {1: (0.75 - 0.5) / 0.5, 2: (0.25 - 0.2) / 0.25} == own  # and none where the reference has no loss left


def test_a_run_that_has_no_replicas_has_no_distance():
    assert [] == charts.distance_rows(replace(RESULT, agreements=()))[0]


def test_what_is_no_number_has_a_gap_and_no_point():
    assert [0.5, None, None] == [row["accuracy"] for row in charts.loss_rows(RESULT)]


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_each_run_has_its_marks_at_places_of_its_own(n):
    runs = [f"run {number}" for number in range(n)]
    rows = [{"run": run, "epoch": epoch} for run in runs for epoch in range(24)]
    marks = [
        {row["epoch"] for row in charts.marked(rows, runs, 12) if row["run"] == run and row["mark"]} for run in runs
    ]
    assert all(2 == len(places) for places in marks)
    assert 2 * n == len(set().union(*marks))


def test_a_chart_of_distances_keeps_to_the_schema():
    spec = charts.spec(charts.distance(RESULT, "float32"), "distances")
    assert {"runs", "reach"} == set(spec["datasets"])


def test_what_no_implementation_of_the_result_has_is_not_drawn():
    nobody = replace(RESULT, implementations=())
    assert charts.distance(nobody, "float32") is charts.curve(nobody, "float32", "loss") is None
    assert charts.curve(RESULT, "float64", "loss") is None


def test_counts_end_with_the_last_bin_that_holds_any():
    rows = [{"implementation": "a", "counts": [0, 3, 0, 1, 0, 0, 0, 0, 4, 0, 0]}]
    labels = [str(number) for number in range(11)]
    found = charts.count_rows(rows, labels)
    assert labels[:9] == [row["error"] for row in found]
    assert [0, 0.375, 0, 0.125, 0, 0, 0, 0, 0.5] == [row["share"] for row in found]
