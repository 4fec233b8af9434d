"""Tensors: where the arrays of a safetensors file lie in it, so that some of their numbers are read and no others.

The library checks the file and its header when it is opened. Its own slices map the file into memory, whose pages then
count as this process's; here a row's numbers are read from their place.
Source: https://github.com/huggingface/safetensors, Format: 8 bytes of length, a JSON header, little-endian numbers.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from comparisons.errors import UsageError

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}  # fmt: skip


class Place(NamedTuple):
    """An array in a file: what it is made of, its shape, and the byte of the file at which it begins."""

    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int


def places_in(path: Path) -> dict[str, Place]:
    """The arrays of a file by name; none of their numbers is read.

    Error: UsageError for what is missing, damaged or truncated, or of a type that NumPy lacks.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"), open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        return {
            name: Place(np.dtype(DTYPES[of["dtype"]]), tuple(of["shape"]), 8 + length + of["data_offsets"][0])
            for name, of in header.items()
            if name != "__metadata__"
        }
    except FileNotFoundError:
        raise UsageError(f"{path} is missing, but trace.json names it") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged, no safetensors file, or of a type that NumPy lacks: {error}") from None


def part_of(path: Path, place: Place, at: int, columns: slice | None = None) -> np.ndarray:
    """The entry at this number of the first axis, as a stack of one; of its last axis these columns, or all."""
    entry, n_all = place.shape[1:-1], place.shape[-1]
    begin, end, _ = (columns or slice(None)).indices(n_all)
    n_rows, width = math.prod(entry), end - begin
    if width == n_all:  # the rows lie one after the other, and are one
        n_rows, n_all, end = 1, n_rows * n_all, n_rows * n_all
    found = np.empty((n_rows, end - begin), place.dtype)
    with open(path, "rb") as file:
        for row in range(n_rows):
            file.seek(place.begin + ((at * n_rows + row) * n_all + begin) * place.dtype.itemsize)
            if file.readinto(memoryview(found[row]).cast("B")) != found[row].nbytes:
                raise UsageError(f"{path} ended while it was read; it was changed meanwhile: record it again")
    return found.reshape(1, *entry, width)
