"""What belongs to one run of a result."""

from __future__ import annotations

from comparisons.result import Result, ResultRow


def rows_of(result: Result, name: str, precision: str) -> list[ResultRow]:
    """The rows of one implementation in one precision."""
    return [row for row in result.rows if (row.implementation, row.precision) == (name, precision)]
