"""The article's claims, as a run measures them: the first on what the run itself has trained, the others anew."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from comparisons.claims import CLAIMS, CLOSE_TO_ALL
from comparisons.experiment import Experiment
from comparisons.messages import accuracy_line, not_measured_line, takes_long_line

TRAININGS = {"C3": 1, "C4": 1, "C5": 3, "C7": 4}  # how often a claim trains the experiment


def claims_of(
    experiment: Experiment, accuracies: Mapping[str, float | None], seconds: float = 0.0, at_most: float = math.inf
) -> Iterator[dict[str, Any]]:
    """Each claim with its evidence and the seconds that it took; what raises is neither true nor false.

    Accuracies: the training accuracy that each run reached, None where it has none. Seconds: how long the fastest of
    them took; claims that train are left to `backproof claims` where all of them would take longer than `at_most`.
    """
    expected = seconds * sum(TRAININGS.values())
    for claim in CLAIMS:
        began = time.perf_counter()
        holds: bool | None
        lines: tuple[str, ...]
        if claim.name == "C1":
            holds, lines = close_to_all(accuracies)
        elif claim.name in TRAININGS and expected > at_most:
            holds, lines = None, (takes_long_line(sum(TRAININGS.values()), expected),)
        else:
            try:
                evidence = claim.measure(experiment)
            except Exception as error:
                holds, lines = None, (not_measured_line(error),)
            else:
                holds, lines = bool(evidence.holds), evidence.lines
        took = round(time.perf_counter() - began, 3)
        yield {"name": claim.name, "says": claim.says, "holds": holds, "lines": list(lines), "seconds": took}


def close_to_all(accuracies: Mapping[str, float | None]) -> tuple[bool | None, tuple[str, ...]]:
    """C1 of these runs: false where one falls short, and else not known where one has no accuracy, or there is none."""
    lines = tuple(accuracy_line(name, accuracy) for name, accuracy in accuracies.items())
    known = [accuracy for accuracy in accuracies.values() if accuracy is not None]
    if any(accuracy < CLOSE_TO_ALL for accuracy in known):
        return False, lines
    return (True if known and len(known) == len(accuracies) else None), lines
