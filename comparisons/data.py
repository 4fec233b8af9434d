"""What an experiment's data can be: the generated circles, a table, or arrays; each gives its examples as columns."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from comparisons import tables
from comparisons.errors import UsageError
from comparisons.fields import Fields, File, Positive, Seed, shortly
from reference.circles import circles

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Examples:
    """X (n_x, m) and Y (1, m) of float32 numbers held as float64, for training and perhaps for the test."""

    X: np.ndarray
    Y: np.ndarray
    X_test: np.ndarray | None
    Y_test: np.ndarray | None

    def __post_init__(self) -> None:
        for array in self.items().values():
            array.setflags(write=False)

    def items(self) -> dict[str, np.ndarray]:
        """The arrays by name, those of the test only where there are any."""
        return {name: array for name, array in vars(self).items() if array is not None}


class Circles(Fields):
    """two circles, one inside the other, generated"""

    kind: Literal["circles"] = "circles"
    n_train: int = Field(
        default=1000, strict=True, ge=2, description="how many points to train on; every other one has label 1"
    )
    n_test: int = Field(default=1000, strict=True, ge=0, description="how many further points to test on; 0: none")
    radii: tuple[Positive, Positive] = Field(
        default=(1.0, 0.5), description="radius of the circle of label 0, of label 1"
    )
    noise: float = Field(
        default=0.05, strict=True, ge=0, description="standard deviation of what moves each coordinate"
    )
    seed: Seed = Field(default=0, description="chooses the points; a whole number from 0 on")

    @property
    def n_x(self) -> int:
        return 2

    @cached_property
    def examples(self) -> Examples:
        X, Y = circles(self.n_train, self.seed, "train", radii=self.radii, noise=self.noise)
        if self.n_test == 0:
            return Examples(X, Y, None, None)
        return Examples(X, Y, *circles(self.n_test, self.seed, "test", radii=self.radii, noise=self.noise))


class Csv(Fields):
    """a table of your own, a line for each example"""

    kind: Literal["csv"] = "csv"
    file: File = Field(description="CSV file to train on; its first line names the columns")
    test_file: File | None = Field(
        default=None, description="CSV file to test on, with the same columns; left out: none"
    )
    label: str = Field(description="name of the column that holds the labels, 0 and 1")
    features: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="columns of features, rounded to float32; left out: all others"
    )
    positive: float | str | None = Field(
        default=None, description="the label that means 1, where the two labels are not 0 and 1"
    )
    separator: str = Field(default=",", min_length=1, max_length=1, description="what stands between two cells")

    @field_validator("features")
    @classmethod
    def _are_different(cls, features: tuple[str, ...] | None, fields: ValidationInfo) -> tuple[str, ...] | None:
        for name in features or ():
            if name == fields.data.get("label"):
                raise ValueError(f" must not name the label's column, {shortly(name)}")
            if (features or ()).count(name) > 1:
                raise ValueError(f" must name a column once, but names {shortly(name)} more often")
        return features

    @property
    def n_x(self) -> int:
        return len(self.examples.X)

    @cached_property
    def examples(self) -> Examples:
        table = tables.read_csv(self.file, self.separator)
        labels = tables.column(self.file, table, self.label)
        features = self.features or tuple(str(name) for name in table if name != self.label)
        if not features:
            raise UsageError(f"{self.file} has no column but the label's; one of features at least is needed")
        meant = tables.meaning(self._labels_of(self.file), labels, self.positive)
        X, Y = self._columns(self.file, table, features, meant)
        if self.test_file is None:
            return Examples(X, Y, None, None)
        test_table = tables.read_csv(self.test_file, self.separator)
        unlike = [] if self.features else sorted(map(str, set(table) ^ set(test_table)))
        if unlike:
            raise UsageError(
                f"only one of {self.file} and {self.test_file} has {tables.as_typed(unlike)}; "
                "give both the same columns, or list the features"
            )
        return Examples(X, Y, *self._columns(self.test_file, test_table, features, meant))

    def _columns(
        self, path: Path, table: "DataFrame", features: tuple[str, ...], meant: tables.Meaning
    ) -> tuple[np.ndarray, np.ndarray]:
        X = np.stack([tables.numbers(path, table, name) for name in features])
        return X, tables.zeros_and_ones(self._labels_of(path), tables.column(path, table, self.label), meant)

    def _labels_of(self, path: Path) -> str:
        return f"{path}, column {shortly(self.label)}"


class Arrays(Fields):
    """arrays of your own, X and Y, perhaps X_test and Y_test"""

    kind: Literal["arrays"] = "arrays"
    file: File = Field(
        description=".npz or .safetensors file with X and Y, perhaps X_test and Y_test; rounded to float32"
    )
    layout: Literal["columns", "rows"] = Field(
        default="columns",
        description="where X has its examples; columns: X is (features, examples), rows: (examples, features)",
    )
    positive: float | str | None = Field(
        default=None, description="the label that means 1, where the two labels are not 0 and 1"
    )

    @property
    def n_x(self) -> int:
        return len(self.examples.X)

    @cached_property
    def examples(self) -> Examples:
        arrays = tables.read_arrays(self.file, texts=("Y", "Y_test"))
        tables.check_names(self.file, arrays, needed=("X", "Y"), allowed=("X_test", "Y_test"))
        if ("X_test" in arrays) != ("Y_test" in arrays):
            raise UsageError(f"{self.file} has only one of X_test and Y_test; give both, or neither")
        X, labels = self._columns(arrays, "X", "Y")
        meant = tables.meaning(f"{self.file}: Y", labels, self.positive)
        Y = tables.zeros_and_ones(f"{self.file}: Y", labels, meant)
        if "X_test" not in arrays:
            return Examples(X, Y, None, None)
        X_test, labels = self._columns(arrays, "X_test", "Y_test")
        if len(X_test) != len(X):
            raise UsageError(f"{self.file}: X has {len(X)} features, but X_test {len(X_test)}; give both the same ones")
        return Examples(X, Y, X_test, tables.zeros_and_ones(f"{self.file}: Y_test", labels, meant))

    def _columns(self, arrays: dict[str, np.ndarray], x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
        """X (n_x, m) and the labels (m,) of these names, which must have as many examples."""
        X, labels = arrays[x], arrays[y]
        if X.ndim != 2 or 0 in X.shape:
            raise UsageError(f"{self.file}: {x} must hold numbers, features by examples, but has shape {X.shape}")
        n, n_turned = (X.shape[1], X.shape[0]) if self.layout == "columns" else X.shape
        if labels.shape not in ((n,), (1, n), (n, 1)):
            other = "rows" if self.layout == "columns" else "columns"
            turned = f'; if its examples are {other}, set layout = "{other}"' if labels.size == n_turned else ""
            raise UsageError(
                f"{self.file}: {y} must hold one label for each of the {n} {self.layout} of {x}, "
                f"but has shape {labels.shape}{turned}"
            )
        return (X if self.layout == "columns" else np.ascontiguousarray(X.T)), labels.ravel()


Data = Annotated[Circles | Csv | Arrays, Field(discriminator="kind")]
