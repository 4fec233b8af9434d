"""The journal's file: rows, counts and balls as JSON and arrays in one safetensors file, read back field by field.

Numbers come back to the last bit. What is not exactly as it must be is refused whole: a ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from comparisons.balls import Ball, Sum
from comparisons.certificate import Row
from comparisons.labels import quantity_of
from comparisons.precisions import FLOAT16, PRECISIONS
from comparisons.shape import mismatches, nothing
from comparisons.tallies import Counts, Tally
from comparisons.values import Carried
from reference.network import Network

AT_MOST = "at most"  # the origin of a maximum, see `comparisons.operations`
KNOWN = {**PRECISIONS, FLOAT16.name: FLOAT16}

TENSOR = str  # its name in the file
VALUE = (float, TENSOR)
SUM = {
    "n_roundings": VALUE,
    "absolute": TENSOR,
    "given": (TENSOR, nothing),
    "flushed": VALUE,
    "closed": bool,
}
BALL = {
    "mid": TENSOR,
    "radius": (TENSOR, nothing),
    "precision": str,
    "at_most": (TENSOR, nothing),
    "sum": (SUM, nothing),
}
ROW = {
    "quantity": str, "equation": str, "checked": int, "not_judged": int, "outside": int, "worst": float,
    "median": float, "radius": float, "blind": int, "step": int, "index": [int], "expected": float, "bound": float,
    "actual": float, "first_broken": (int, nothing), "n_broken_steps": int,
}  # fmt: skip
COUNTS = {"cuts": TENSOR, "n_of": TENSOR}
TALLY = {"row": (ROW, nothing), "ratios": COUNTS, "radii": COUNTS}
JUDGED = {"names": [str], "digest": str}
RUNNING = {
    "number": int,
    "judged": JUDGED,
    "step": int,
    "tallies": {str: TALLY},
    "balls": {str: BALL},
    "peers": [{"names": [str], "ball": BALL}],
}
SHAPE = {"of": {}, "ended": [{"number": int, "judged": JUDGED, "rows": {str: ROW}}], "running": (RUNNING, nothing)}


class Judged(NamedTuple):
    """What a going judges: the names of the quantities, and a digest of how."""

    names: tuple[str, ...]
    digest: str


class Left(NamedTuple):
    """What a part has left: the last step that is judged, what was counted until then, and the last hidden balls."""

    step: int
    tallies: dict[str, Tally]
    carried: Carried


Ended = dict[int, tuple[Judged, dict[str, Row]]]  # by number of the going
Running = tuple[int, Judged, Left]


def written(of: Mapping[str, Any], ended: Ended, running: Running | None) -> bytes:
    """The file; `of` says what it is of."""
    from safetensors.numpy import save

    tensors: dict[str, np.ndarray] = {"none": np.zeros(0)}

    def tensor(array: np.ndarray | None) -> str | None:
        if array is None:
            return None
        tensors[str(len(tensors))] = np.array(array, order="C")
        return str(len(tensors) - 1)

    def value(number: Any) -> Any:
        return number if isinstance(number, (int, float)) else tensor(np.asarray(number))

    def ball(one: Ball) -> dict[str, Any]:
        terms = one.sum_of
        if one.origin is not None and one.origin[0] != AT_MOST:
            raise ValueError(f"a ball that is carried comes from {one.origin[0]}")
        return {
            "mid": tensor(one.mid),
            "radius": tensor(one.spread),
            "precision": one.precision.name,
            "at_most": tensor(one.origin[1]) if one.origin else None,
            "sum": None if terms is None else {
                "n_roundings": value(terms.n_roundings), "absolute": tensor(terms.absolute),
                "given": tensor(terms.given), "flushed": value(terms.flushed), "closed": terms.closed,
            },
        }  # fmt: skip

    def counts(one: Counts) -> dict[str, Any]:
        return {"cuts": tensor(one.cuts), "n_of": tensor(one.n_of)}

    def tally(one: Tally) -> dict[str, Any]:
        row = None if one.row is None else asdict(one.row)
        return {"row": row, "ratios": counts(one.ratios), "radii": counts(one.radii)}

    told: dict[str, Any] = {
        "of": of,
        "ended": [
            {"number": number, "judged": judged._asdict(), "rows": {label: asdict(row) for label, row in rows.items()}}
            for number, (judged, rows) in ended.items()
        ],
        "running": None,
    }
    if running is not None:
        number, judged, left = running
        told["running"] = {
            "number": number,
            "judged": judged._asdict(),
            "step": left.step,
            "tallies": {name: tally(one) for name, one in left.tallies.items()},
            "balls": {name: ball(one) for name, one in left.carried.balls.items()},
            "peers": [{"names": list(names), "ball": ball(one)} for names, one in left.carried.peers.items()],
        }
    return bytes(save(tensors, {"journal": json.dumps(told)}))


def read(path: Path, of: Mapping[str, Any], network: Network, n_steps: int) -> tuple[Ended, Running | None]:
    """What the file holds. Error: ValueError where it is of something else, or not as it must be; OSError."""
    from safetensors import SafetensorError, safe_open

    with _as_value_errors(SafetensorError):  # which has a kind of its own
        with safe_open(path, framework="numpy") as file:
            told = json.loads((file.metadata() or {})["journal"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        for wrong in mismatches(told, SHAPE):
            raise ValueError(wrong)
        _require(told["of"] == of, "it is of something else")
        reading = _Reading(tensors, network, n_steps)
        ended: Ended = {}
        for one in told["ended"]:
            judged, rows = _judged(one["judged"]), {label: reading.row(row) for label, row in one["rows"].items()}
            shown = {label for label in judged.names if quantity_of(label) in of["shown"]}
            _require(set(rows) == shown and one["number"] not in ended, "rows")
            _require(all(row.quantity == quantity_of(label) for label, row in rows.items()), "rows")
            ended[one["number"]] = judged, rows
        return ended, None if told["running"] is None else reading.running(told["running"])


class _Reading:
    def __init__(self, tensors: Mapping[str, np.ndarray], network: Network, n_steps: int) -> None:
        self.tensors, self.network, self.n_steps = tensors, network, n_steps

    def running(self, told: dict[str, Any]) -> Running:
        judged, step = _judged(told["judged"]), told["step"]
        _require(0 < step <= self.n_steps, "step")
        tallies = {name: self.tally(name, one) for name, one in told["tallies"].items()}
        _require(set(tallies) == set(judged.names), "tallies")
        remembered = self.network.remembered
        _require(set(map(quantity_of, told["balls"])) <= set(remembered), "balls")
        balls: dict[Any, Ball] = {label: self.ball(one, self.shape(label)) for label, one in told["balls"].items()}
        peers = {}
        for one in told["peers"]:
            labels = tuple(one["names"])
            _require(set(map(quantity_of, labels)) <= set(remembered), "peers")
            peers[labels] = self.ball(one["ball"], (sum(int(np.prod(self.shape(label))) for label in labels),))
        return told["number"], judged, Left(step, tallies, Carried(balls, peers))

    def shape(self, label: str) -> tuple[int, ...]:
        return self.network.shape(quantity_of(label), 0)

    def row(self, told: dict[str, Any]) -> Row:
        steps = [step for step in (told["step"], told["first_broken"]) if step is not None]
        counts = [told[name] for name in ("checked", "not_judged", "outside", "blind", "n_broken_steps")]
        _require(all(0 <= step <= self.n_steps for step in steps) and min(counts) >= 0, "row")
        _require(set(told) == set(ROW), "row")
        return Row(**{**told, "index": tuple(told["index"])})

    def tally(self, name: str, told: dict[str, Any]) -> Tally:
        row = None if told["row"] is None else self.row(told["row"])
        _require(row is None or row.quantity == quantity_of(name), "tally")
        return Tally(row, self.counts(told["ratios"]), self.counts(told["radii"]))

    def counts(self, told: dict[str, Any]) -> Counts:
        cuts, n_of = self.tensors[told["cuts"]], self.tensors[told["n_of"]]
        are_whole = cuts.dtype == n_of.dtype == np.int64 and cuts.ndim == 1 and cuts.shape == n_of.shape
        _require(are_whole and bool((np.diff(cuts) > 0).all() and (n_of > 0).all()), "counts")
        return Counts(cuts, n_of)

    def ball(self, told: dict[str, Any], shape: tuple[int, ...]) -> Ball:
        def tensor(name: str | None) -> np.ndarray | None:
            return None if name is None else self.array(name, (1, *shape))

        def value(number: Any) -> Any:
            if not isinstance(number, str):
                return number
            array = self.tensors[number]
            is_whole = array.dtype in (np.float64, np.int64) and array.shape in ((), (1, *shape))
            _require(is_whole, f"{number} is {array.dtype} {array.shape}")
            return array

        terms, top = told["sum"], tensor(told["at_most"])
        if terms is not None:
            absolute, given = tensor(terms["absolute"]), tensor(terms["given"])
            assert absolute is not None
            terms = Sum(value(terms["n_roundings"]), absolute, given, value(terms["flushed"]), terms["closed"])
        origin = None if top is None else (AT_MOST, top)
        return Ball(tensor(told["mid"]), tensor(told["radius"]), KNOWN[told["precision"]], terms, origin)

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = self.tensors[name]
        _require(array.dtype == np.float64 and array.shape == shape, f"{name} is {array.dtype} {array.shape}")
        return array


def _judged(told: dict[str, Any]) -> Judged:
    return Judged(tuple(told["names"]), told["digest"])


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"the journal is damaged: {what}")


@contextmanager
def _as_value_errors(kind: type[Exception]) -> Iterator[None]:
    """What reading other data may raise, and errors of this kind, as what `read` promises."""
    try:
        yield
    except kind as error:
        raise ValueError(str(error)) from None
    except (KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None
