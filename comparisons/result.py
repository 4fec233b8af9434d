"""A result: what one run found, as it lies on disk in `result.json` and `result.csv`.

Standard library only, since reports read finished results through this file and compute nothing. The names of the
fields are a promise: `docs/result.md` documents them, and `version` changes when one of them does.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from comparisons.certificate import Certificate, Chain, Row, Verdict
from comparisons.errors import UsageError
from comparisons.result_shape import SHAPE, untold
from comparisons.shape import read_versioned

VERSION = 1


@dataclass(frozen=True)
class ResultRow:
    """One implementation × precision × quantity; see `comparisons.certificate.Row` for the meaning of the numbers."""

    implementation: str
    precision: str
    quantity: str
    checked: int
    not_judged: int
    worst: float
    median: float
    radius: float
    step: int
    index: tuple[int, ...]
    expected: float
    bound: float
    actual: float
    verdict: Verdict
    outside: int
    blind: int
    first_broken: int | None
    n_broken_steps: int
    equation: str

    @classmethod
    def of(cls, row: Row, implementation: str, precision: str) -> ResultRow:
        """A certificate's row under its implementation's name."""
        values = {f.name: getattr(row, f.name) for f in fields(row)}
        return cls(implementation=implementation, precision=precision, verdict=row.verdict, **values)

    @property
    def bites(self) -> bool:
        """Whether its bound could ever fail, see `Row.bites`."""
        return self.worst >= 1e-3 or self.radius == 0


@dataclass(frozen=True)
class ImplementationResult:
    """What became of one implementation in one precision.

    `forms` are the dialects that held; `not_told_apart` has, for each choice that this visibility leaves open, all
    forms that hold alike. `chain` says whether every parameter of every step is tied to the step before: `holds`,
    `missing` (in words), `n_links`, `n_judged`. `seconds` is the time that recording took. `skipped`: it was not asked
    for by name and is not installed. `ended`: after which step and how its recording ended, if before its time; what is
    judged is what was before. `output`: the last lines that one printed which failed or ended so.

    Where it disagrees, `explained_by`, `hints` and `show_next` are the certificate's: sets of known mistakes, each of
    which reproduces every number, what was measured on the first broken quantity, and what to show more; `means` says
    what each mistake is.
    """

    name: str
    precision: str
    verdict: Verdict
    reason: str
    forms: tuple[str, ...] = ()
    not_told_apart: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chain: Mapping[str, Any] | None = None
    loss: float | None = None
    accuracy: float | None = None
    test_accuracy: float | None = None
    seconds: float | None = None
    shown: tuple[str, ...] = ()
    skipped: bool = False
    same_arithmetic: bool = False
    explained_by: tuple[tuple[str, ...], ...] = ()
    means: Mapping[str, str] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    show_next: tuple[str, ...] = ()
    ended: str = ""
    output: str = ""


@dataclass(frozen=True)
class Result:
    """What one run found. `checked` is how many numbers were judged.

    `agreements` compare whole runs pair by pair, `explanations` say why two end apart, `histories` have loss and
    accuracy by epoch, `bands` the replicas' losses; they are advice, and the verdict is made of certificates alone.
    `not_whole` says why whole runs could not be compared, if so.
    """

    verdict: Verdict
    checked: int
    experiment: Mapping[str, Any]
    environment: Mapping[str, Any]
    implementations: tuple[ImplementationResult, ...]
    rows: tuple[ResultRow, ...]
    agreements: tuple[Mapping[str, Any], ...] = ()
    explanations: tuple[Mapping[str, Any], ...] = ()
    histories: tuple[Mapping[str, Any], ...] = ()
    bands: tuple[Mapping[str, Any], ...] = ()
    not_whole: str = ""
    dialects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    claims: tuple[Mapping[str, Any], ...] = ()
    no_figures: str = ""
    version: int = VERSION

    def __bool__(self) -> NoReturn:
        raise TypeError('a result has no truth value; ask for its .verdict: "agrees", "disagrees" or "not compared"')

    @property
    def exit_code(self) -> int:
        """0: all agree; 1: a disagreement; 3: something that was asked for, or everything, was not compared."""
        return {"agrees": 0, "disagrees": 1, "not compared": 3}[self.verdict]

    @property
    def failed(self) -> tuple[ImplementationResult, ...]:
        """What was asked for and could not be compared."""
        return tuple(one for one in self.implementations if one.verdict == "not compared" and not one.skipped)


def verdict_of(implementations: Sequence[ImplementationResult]) -> Verdict:
    """The verdict on all of them; the reference alone is never agreement, and a disagreement beats what is missing."""
    verdicts = [one.verdict for one in implementations if not one.skipped]
    if "disagrees" in verdicts:
        return "disagrees"
    others = [one for one in implementations if one.verdict == "agrees" and one.name != REFERENCE]
    return "agrees" if others and "not compared" not in verdicts else "not compared"


REFERENCE = "numpy"


def rows_of(certificate: Certificate) -> list[ResultRow]:
    """The certificate's rows as rows of a result."""
    return [ResultRow.of(row, certificate.implementation, certificate.precision) for row in certificate.rows]


def to_json(result: Any) -> Any:
    """A result or a part of it as what JSON can hold: NaN is null, infinities are "inf" and "-inf"."""
    return _plain(result)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def write(result: Result, folder: Path) -> Path:
    """Write result.json, whole or not at all."""
    path = Path(folder) / "result.json"
    temporary = path.with_suffix(".json.new")
    temporary.write_text(json.dumps(to_json(result), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def read(folder: str | Path) -> Result:
    """The result in a folder. Error: UsageError, one sentence, for what is no result or of another version."""
    path = Path(folder) / "result.json" if Path(folder).is_dir() else Path(folder)
    content = read_versioned(path, VERSION, SHAPE, "name a folder that `backproof run` wrote")
    if wrong := untold(content):
        raise UsageError(f"{path} is damaged: {wrong}; run again")
    return Result(
        verdict=content["verdict"],
        checked=content["checked"],
        experiment=content["experiment"],
        environment=content["environment"],
        implementations=tuple(_read(ImplementationResult, one) for one in content["implementations"]),
        rows=tuple(_read(ResultRow, row) for row in content["rows"]),
        agreements=tuple(content.get("agreements", ())),
        explanations=tuple(content.get("explanations", ())),
        histories=tuple(content.get("histories", ())),
        bands=tuple(content.get("bands", ())),
        not_whole=content.get("not_whole", ""),
        dialects=dict(content.get("dialects", {})),
        claims=tuple(dict(claim) for claim in content.get("claims", ())),
        no_figures=content.get("no_figures", ""),
    )


def rows_as_records(rows: Sequence[ResultRow]) -> list[dict[str, Any]]:
    """The rows as flat records for a table; the index of the worst number as text, such as "4 1"."""
    return [{**asdict(row), "index": " ".join(map(str, row.index))} for row in rows]


def rows_as_csv(rows: Sequence[ResultRow]) -> str:
    """The rows as CSV, what is no number empty; by the standard library, as importing pandas takes longer than a small
    run."""
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(ResultRow)], lineterminator="\n")
    table.writeheader()
    for record in rows_as_records(rows):
        table.writerow({name: "" if value != value else value for name, value in record.items()})
    return text.getvalue()


def read_certificate(content: Mapping[str, Any]) -> Certificate:
    """The certificate that `to_json` made plain."""
    values = dict(content)
    values["rows"] = tuple(_read(Row, row) for row in values["rows"])
    values["chain"] = Chain(**{**values["chain"], "missing": tuple(values["chain"]["missing"])})
    values["not_told_apart"] = {choice: tuple(names) for choice, names in values["not_told_apart"].items()}
    for name in ("forms", "shown", "given", "hints", "show_next"):
        values[name] = tuple(values[name])
    values["explained_by"] = tuple(tuple(names) for names in values["explained_by"])
    return Certificate(**values)


WHOLE_RUNS = ("agreements", "explanations", "histories", "bands")


def revived(content: Any) -> Any:
    """A part of `agreements`, `explanations` or `bands` with its fields as attributes and its infinities as numbers."""
    if isinstance(content, Mapping):
        return SimpleNamespace(**{name: revived(value) for name, value in content.items()})
    if isinstance(content, (list, tuple)):
        return tuple(revived(value) for value in content)
    return {"inf": math.inf, "-inf": -math.inf}.get(content, content) if isinstance(content, str) else content


MEASURED = ("loss", "accuracy", "test_accuracy", "seconds")
NUMBERS = ("worst", "median", "radius", "expected", "bound", "actual")


def _read(kind: type, content: Mapping[str, Any]) -> Any:
    values = dict(content)
    if kind in (ResultRow, Row):
        values |= {name: math.nan if values[name] is None else float(values[name]) for name in NUMBERS}
        values["index"] = tuple(values["index"])
    for name in ("forms", "shown", "hints", "show_next"):
        if name in values:
            values[name] = tuple(values[name])
    if "explained_by" in values:
        values["explained_by"] = tuple(tuple(names) for names in values["explained_by"])
    if "not_told_apart" in values:
        values["not_told_apart"] = {choice: tuple(names) for choice, names in values["not_told_apart"].items()}
    if values.get("chain") is not None:
        values["chain"] = {**values["chain"], "missing": tuple(values["chain"]["missing"])}
    if kind is ImplementationResult:
        values |= {name: float(values[name]) for name in MEASURED if values[name] is not None}
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})
