"""Why two runs end apart, where a loss is no number: it is said, and ends neither the page nor the terminal."""

from comparisons.result import Result
from reports.causes import explanations
from reports.terminal import whole_runs

SCORE = {"implementation": "torch", "precision": "float32", "forms": [], "score": 1.0, "rank": 3, "n_replicas": 32,
         "parted_at": None, "false_alarm_rate": 1 / 33, "loss_difference": None, "doublings": 0.5,
         "horizon": 9.0}  # fmt: skip
PAIR = {"one": "numpy", "other": "torch", "precision": "float32", "n_replicas": 32}
KNOWN = PAIR | {"loss_one": 0.5, "loss_other": 0.25, "measured": -0.5, "predicted": -0.5, "unexplained": 0.0,
                "largest_measured": 0.5, "largest_unexplained": 0.0, "by_rounding": 1e-7,
                "causes": [{"choice": "epsilon", "one": "a", "other": "b", "last": -0.5, "largest": 0.5}]}  # fmt: skip
UNKNOWN = {name: None if isinstance(value, float) else value for name, value in KNOWN.items()}


def result_of(*pairs):
    return Result("agrees", 1, {}, {}, (), (), agreements=({"scores": [SCORE]},), explanations=pairs)


def test_a_difference_that_is_no_number_is_said_and_is_not_the_widest():
    result = result_of(UNKNOWN, KNOWN)
    assert "-5.0e-01 apart, because of the line below" in "\n".join(whole_runs(result))
    assert [True, False] == [pair["chosen"] for pair in explanations(result)]


def test_if_there_is_no_other_it_is_told_without_one():
    result = result_of(UNKNOWN)
    assert "– apart, which cannot be explained, since a loss is no number" in "\n".join(whole_runs(result))
    assert ["–"] == [said for term, said, _ in explanations(result)[0]["sums"] if term == "measured"]
