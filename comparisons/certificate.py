"""A certificate: for each quantity how many numbers were judged, the worst error as a multiple of its bound, and where.

Its rows say what holds and what is broken; its chain says whether every parameter of every step is tied to the step
before by judged equations, so that the whole run is right by induction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

Verdict = Literal["agrees", "disagrees", "not compared"]


@dataclass(frozen=True)
class Row:
    """What the judged numbers of one quantity say.

    `checked` numbers were judged and `outside` of them lie outside their balls; `not_judged` would prove nothing.
    `worst` and `median` are errors as multiples of their bounds, `radius` is the median bound, which is the size of the
    fault that could hide; `blind` counts the numbers where a change of `sensitivity` of their scale could go unseen.
    Of the worst: `step` from 1 (0 is the start), `index` from 0, what was `expected` within `bound`, the `actual` one.
    `first_broken` is the first step with a number outside, `n_broken_steps` how many have one.
    """

    quantity: str
    equation: str
    checked: int
    not_judged: int
    outside: int
    worst: float
    median: float
    radius: float
    blind: int
    step: int
    index: tuple[int, ...]
    expected: float
    bound: float
    actual: float
    first_broken: int | None = None
    n_broken_steps: int = 0

    @property
    def verdict(self) -> Verdict:
        """agrees, disagrees, or not compared where nothing was judged."""
        if self.outside:
            return "disagrees"
        return "agrees" if self.checked else "not compared"

    def with_start(self, start: Row) -> Row:
        """This row with its quantity's start values, judged in `start`, counted in.

        Told of is the worse of the two worsts, but a wrong start before all else.
        """
        told = start if start.outside else max(self, start, key=lambda row: row.worst)
        broken = [step for step in (start.first_broken, self.first_broken) if step is not None]
        return replace(
            told,
            equation=start.equation if start.outside else self.equation,
            checked=self.checked + start.checked,
            not_judged=self.not_judged + start.not_judged,
            outside=self.outside + start.outside,
            blind=self.blind + start.blind,
            median=self.median,
            radius=self.radius,
            first_broken=min(broken, default=None),
            n_broken_steps=self.n_broken_steps + start.n_broken_steps,
        )

    @property
    def bites(self) -> bool:
        """Whether its bound could ever fail: an error below 1/1000 of it everywhere, and none at all, never does."""
        return self.worst >= 1e-3 or self.radius == 0


@dataclass(frozen=True)
class Chain:
    """Whether every parameter of every step is tied to the step before by judged equations.

    `missing` lists the links that are not there, in words; `n_links` counts parameter numbers times steps, and
    `n_moved` those whose judged ball excludes their value from before the step.
    """

    n_links: int
    n_judged: int
    missing: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no link is missing."""
        return not self.missing


@dataclass(frozen=True, repr=False)
class Certificate:
    """What one implementation's trace proves, in the forms under which it was judged.

    `forms` are the dialects that held; `not_told_apart` has, for a choice, all forms that hold alike at this
    visibility ("textbook" among them), or, where something is broken, leave as little and something else broken;
    `same_arithmetic` marks the reference judged against itself, which is no evidence; `given` are the quantities that
    were judged against the experiment, and against no equation; `ended` says after which step and how the recording
    ended, if it did before its time: what is judged is what was before.

    Where it disagrees, `explained_by` has the smallest sets of known mistakes under which every number lies in its
    ball, each on its own (none, where no known one does); `hints` are measured sentences on the first broken quantity;
    `show_next` are quantities that, if they were shown, would locate or name the fault more precisely.
    """

    implementation: str
    precision: str
    rows: tuple[Row, ...]
    forms: tuple[str, ...]
    not_told_apart: Mapping[str, tuple[str, ...]]
    chain: Chain
    shown: tuple[str, ...]
    same_arithmetic: bool = False
    given: tuple[str, ...] = ()
    final: Mapping[str, float | None] | None = None
    explained_by: tuple[tuple[str, ...], ...] = ()
    hints: tuple[str, ...] = ()
    show_next: tuple[str, ...] = ()
    ended: str = ""

    @property
    def verdict(self) -> Verdict:
        """disagrees where one row does; agrees where an equation was judged: what is given proves nothing.

        A recording that ended before its time does not agree, since what ended it was not judged.
        """
        if any(row.verdict == "disagrees" for row in self.rows):
            return "disagrees"
        if self.ended:
            return "not compared"
        agrees = any(row.verdict == "agrees" and row.quantity not in self.given for row in self.rows)
        return "agrees" if agrees else "not compared"

    @property
    def checked(self) -> int:
        """How many numbers were judged."""
        return sum(row.checked for row in self.rows)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            'a certificate has no truth value; ask for its .verdict: "agrees", "disagrees" or "not compared"'
        )

    def __repr__(self) -> str:
        from comparisons.wording import certificate_text  # words are made from certificates

        return certificate_text(self)

    def _repr_html_(self) -> str:
        from comparisons.notebook import html_of

        return html_of(self)

    @property
    def table(self) -> Any:
        """Its rows as a pandas DataFrame, by quantity."""
        from comparisons.notebook import table_of

        return table_of(self)

    def row(self, quantity: str) -> Row:
        """The row of one quantity. Error: KeyError, with the quantities that there are."""
        for row in self.rows:
            if row.quantity == quantity:
                return row
        raise KeyError(f"no row for {quantity}; there are {', '.join(row.quantity for row in self.rows)}")

    def broken(self) -> tuple[str, ...]:
        """The quantities with a number outside its ball."""
        return tuple(row.quantity for row in self.rows if row.verdict == "disagrees")
