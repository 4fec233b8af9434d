"""Reading a user's own CSV, .npz and .safetensors files; what is wrong in them is said in one sentence.

A cell that is no number is named by its line and column. Labels become 0 and 1. Numbers are rounded to float32 numbers,
so that both precisions start alike. Nothing is ever unpickled.
"""

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comparisons.errors import UsageError
from comparisons.fields import known, shortly

if TYPE_CHECKING:
    from pandas import DataFrame

MISSING = ("", "na", "n/a", "nan", "<na>", "null", "none")
LARGEST = float(np.finfo(np.float32).max)


class Meaning(NamedTuple):
    """The labels that mean 0 and 1: numbers, or texts."""

    zero: float | str
    one: float | str


def read_csv(path: Path, separator: str = ",") -> "DataFrame":
    """The cells of a CSV file as texts, by the names in its first line; the index holds the lines of the file.

    Lines without any value are passed over.
    """
    import pandas

    try:
        cells = pandas.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=str,
            encoding="utf-8",
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,  # they are dropped below, so that the others keep their line numbers
        )
    except pandas.errors.EmptyDataError:
        raise UsageError(f"{path} is empty; it needs a line of column names and a line for each example") from None
    except pandas.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise UsageError(f"{path} is not a table: {reason}; give every line as many cells as the first") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8; save it as such") from None
    except OSError as error:
        raise UsageError(unreadable(path, error)) from None
    cells.index += 1
    cells = cells.fillna("").map(str.strip)
    cells = cells[(cells != "").any(axis="columns")]
    if len(cells) < 2:
        raise UsageError(f"{path} has no examples; it needs a line of column names and a line for each example")
    names = cells.iloc[0].tolist()
    for position, name in enumerate(names, start=1):
        if not name:
            raise UsageError(f"{path}: column {position} has no name; name it in the first line, or leave it out")
        if names.count(name) > 1:
            raise UsageError(f"{path} has {names.count(name)} columns named {shortly(name)}; give each its own name")
    return cells.iloc[1:].set_axis(names, axis="columns")


def column(path: Path, table: "DataFrame", name: str) -> np.ndarray:
    """The cells of one column, none of them missing."""
    if name not in table:
        raise UsageError(f"{path} has no column {shortly(name)}; {known(name, map(str, table))}")
    missing = table.index[table[name].str.casefold().isin(MISSING)]
    if len(missing):
        raise UsageError(
            f"{path}, line {missing[0]}, column {shortly(name)}: its value is missing; fill it in, or drop the line"
        )
    return table[name].to_numpy(dtype=object)


def numbers(path: Path, table: "DataFrame", name: str) -> np.ndarray:
    """A column of features as float32 numbers, (m,)."""
    cells = column(path, table, name)
    try:
        values = cells.astype(np.float64)
    except ValueError:
        values = np.array([value if isinstance(value := number(cell), float) else np.nan for cell in cells])
    outside = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if len(outside):
        raise UsageError(
            f"{path}, line {table.index[outside[0]]}, column {shortly(name)}: {shortly(cells[outside[0]])} is not a "
            "finite number of float32's range; correct it, or leave the column out"
        )
    return as_float32_numbers(values)


def number(value: Any) -> float | str:
    """The number that a cell or an entry of an array holds, else its text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def as_float32_numbers(values: np.ndarray) -> np.ndarray:
    """Values rounded to float32, held as float64 in C order; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values).astype(np.float32).astype(np.float64)


def meaning(where: str, labels: Iterable[Any], positive: float | str | None) -> Meaning:
    """Which labels mean 0 and 1: these two themselves, unless `positive` says which of two others means 1."""
    found = sorted({number(label) for label in labels}, key=lambda label: (isinstance(label, str), label))
    if len(found) == 1:
        raise UsageError(
            f"{where}: every label is {as_typed(found)}, but two classes are needed; add examples of the other"
        )
    if len(found) > 2:
        some = as_typed(found[:5]) + (", …" if len(found) > 5 else "")
        raise UsageError(
            f"{where}: two labels are needed, but {len(found)} came: {some}; leave the others' examples out"
        )
    if positive is None and found != [0.0, 1.0]:
        raise UsageError(
            f"{where}: the labels 0 and 1 are needed, but {as_typed(found)} came; "
            f"say which means 1, for example positive = {as_typed(found[1:])}"
        )
    one = number(1 if positive is None else positive)
    if one not in found:
        raise UsageError(
            f"{where}: positive = {as_typed([one])}, but the labels are {as_typed(found)}; name one of them"
        )
    return Meaning(zero=found[found[0] == one], one=one)


def zeros_and_ones(where: str, labels: Iterable[Any], meant: Meaning) -> np.ndarray:
    """Labels as a row of 0 and 1, (1, m)."""
    values = [number(label) for label in labels]
    for value in values:
        if value not in meant:
            raise UsageError(f"{where}: the label {as_typed([value])} is neither of {as_typed(meant)}; correct it")
    return np.array([[float(value == meant.one) for value in values]])


def as_typed(values: Iterable[Any]) -> str:
    """`-1, 1` or `"cat", "dog"`: values as one would type them."""
    return ", ".join(shortly(v) if isinstance(v, str) else repr(v).removesuffix(".0") for v in values)


def read_arrays(path: Path, texts: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of a .npz or .safetensors file by name: finite float32 numbers; those in `texts` may be texts."""
    if path.suffix not in (".npz", ".safetensors"):
        raise UsageError(f"{path} is not a file of arrays by its name; save them as .npz or .safetensors")
    arrays = read_npz(path) if path.suffix == ".npz" else read_safetensors(path)
    return {
        name: array if name in texts and array.dtype.kind == "U" else finite(f"{path}: {name}", array)
        for name, array in arrays.items()
    }


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """What `numpy.savez` wrote."""
    try:
        with zipfile.ZipFile(path):
            pass  # a single array or a pickle is no archive
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except OSError as error:
        raise UsageError(unreadable(path, error)) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} is not what numpy.savez writes: {first_line(error)}") from None


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """What `safetensors` wrote."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except OSError as error:
        raise UsageError(unreadable(path, error)) from None
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read as .safetensors: {first_line(error)}") from None


def finite(what: str, array: np.ndarray) -> np.ndarray:
    """The array as float32 numbers, if it is made of finite real numbers."""
    if array.dtype.kind not in "fiub":
        made_of = "text" if array.dtype.kind in "US" else array.dtype
        raise UsageError(f"{what} is made of {made_of}, but real numbers are needed; convert it")
    rounded = as_float32_numbers(array)
    if not np.isfinite(rounded).all():
        index = tuple(np.argwhere(~np.isfinite(rounded))[0].tolist())
        raise UsageError(
            f"{what}{list(index)} is {array[index]}, but a finite number of float32's range is needed; correct it"
        )
    return rounded


def check_names(path: Path, found: Mapping[str, Any], needed: Sequence[str], allowed: Sequence[str] = ()) -> None:
    """Each name that is needed is there, and none that is not known."""
    for name in needed:
        if name not in found:
            raise UsageError(f"{path} has no {name}; it has {', '.join(found) or 'nothing'}")
    for name in found:
        if name not in (*needed, *allowed):
            raise UsageError(f"{path} has {name}, which nothing asks for; {known(name, (*needed, *allowed))}")


def unreadable(path: Path, error: OSError) -> str:
    """Why a file cannot be opened."""
    return f"{path} " + (
        "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {first_line(error)}"
    )


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
