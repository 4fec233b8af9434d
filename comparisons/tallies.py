"""Tallies: the row of a quantity from rows of consecutive parts of a trace, as if all had been judged at once.

Counts add up, and the worst is the worst. A median cannot be had from medians of parts, so the numbers are counted,
each cut to seven significant bits, and the median is that of the numbers so cut: at most 1 in 64 below the exact one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from comparisons.certificate import Row

N_FEW = 2**14  # numbers that are put in order at once
N_SOME = 2**11  # of more, that tell where the median is looked for
N_CUT = 52 - 6  # of the 53 significant bits of float64, 7 are left: the first, which is not written, and 6


def cut(numbers: np.ndarray) -> np.ndarray:
    """The leading bits of numbers that are 0 or above, in their order."""
    return np.ascontiguousarray(numbers, np.float64).view(np.int64) >> N_CUT


def median(numbers: np.ndarray) -> float:
    """The median of numbers that are 0 or above, ∞ among them; NaN of none.

    Of many, it is looked for among those near the median of some of them, so that these alone are put in order.
    """
    n = len(numbers)
    if not n:
        return float("nan")
    middle = [(n - 1) // 2, n // 2]
    if n >= N_FEW:
        some = np.sort(numbers[:: n // N_SOME // 6 * 6 + 1])  # no multiple of 2 or 3, as rows and columns are
        low, high = some[len(some) * 15 // 32], some[len(some) * 17 // 32]
        is_below = numbers < low
        is_near = (numbers <= high) ^ is_below
        n_below = int(np.count_nonzero(is_below))
        is_found = n_below <= middle[0] and middle[1] < n_below + np.count_nonzero(is_near)
        if is_found and low == high:
            return float(low)
        if is_found:
            numbers, middle = numbers[is_near], [at - n_below for at in middle]
    near = np.partition(numbers, middle)
    one, other = (float(near[at]) for at in middle)
    return one if one == other else one / 2 + other / 2


@dataclass(eq=False)
class Counts:
    """How often each number came, cut to seven significant bits; numbers are 0 or above, ∞ among them."""

    cuts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    n_of: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, numbers: np.ndarray) -> None:
        """Count these too."""
        if not len(numbers):
            return
        cuts = cut(np.abs(numbers))
        least = cuts.min()
        n_of = np.bincount(cuts - least)
        found = np.flatnonzero(n_of)
        self.cuts, which = np.unique(np.concatenate([self.cuts, found + least]), return_inverse=True)
        # Sums of whole numbers, which float64 has exactly up to 2⁵³ of them.
        self.n_of = np.bincount(which, np.concatenate([self.n_of, n_of[found]])).astype(np.int64)

    def median(self) -> float:
        """The median of the numbers so cut, NaN of none; between two middle ones, their mean."""
        if not len(self.cuts):
            return float("nan")
        values, ends = (self.cuts << N_CUT).view(np.float64), np.cumsum(self.n_of)
        low, high = (float(values[np.searchsorted(ends, at, "right")]) for at in ((ends[-1] - 1) // 2, ends[-1] // 2))
        return low if low == high else low / 2 + high / 2


@dataclass(eq=False)
class Tally:
    """The row of a quantity so far, and what its medians are of."""

    row: Row | None = None
    ratios: Counts = field(default_factory=Counts)
    radii: Counts = field(default_factory=Counts)

    def add(self, row: Row, order: Callable[[int], tuple[int, ...]]) -> None:
        """The row of the part that follows; `order` says which of two equal worst steps is told of: the smaller."""
        if self.row is None:
            self.row = row
            return
        old = self.row
        is_worse = row.checked and (
            not old.checked
            or row.worst > old.worst
            or (row.worst == old.worst and order(row.step) < order(old.step))
        )  # fmt: skip
        told = row if is_worse else old
        broken = [first for first in (old.first_broken, row.first_broken) if first is not None]
        self.row = replace(
            told,
            checked=old.checked + row.checked,
            not_judged=old.not_judged + row.not_judged,
            outside=old.outside + row.outside,
            blind=old.blind + row.blind,
            first_broken=min(broken, default=None),
            n_broken_steps=old.n_broken_steps + row.n_broken_steps,
        )

    def copy(self) -> Tally:
        """What it is now; counting on changes no array."""
        return Tally(self.row, replace(self.ratios), replace(self.radii))

    def whole(self) -> Row:
        """The row, with its medians."""
        assert self.row is not None
        return replace(self.row, median=self.ratios.median(), radius=self.radii.median())
