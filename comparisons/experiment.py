"""An experiment: everything that is trained, frozen and validated.

It hands out the initial parameters, the batches in their order and the data, the same bits to every implementation.
Two experiments with equal fields give bit-identical ones on any machine; `digest` says so in 64 letters.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from comparisons.data import Arrays, Circles, Csv, Data
from comparisons.errors import UsageError
from comparisons.fields import Count, Fields, Seed, Units, known, shortly
from comparisons.optimizer import (
    Adam,
    Constant,
    Coupled,
    Decoupled,
    Exponential,
    GradientDescent,
    InverseTime,
    Linear,
    Momentum,
    Nesterov,
    NoDecay,
    Optimizer,
    RMSprop,
    Schedule,
    WeightDecay,
)
from comparisons.start import FromFile, GlorotUniform, HeUniform, Start
from reference.draws import permutation, stream

__all__ = [
    "NAMED",
    "Adam",
    "Arrays",
    "Circles",
    "Constant",
    "Coupled",
    "Csv",
    "Decoupled",
    "Experiment",
    "Exponential",
    "FromFile",
    "GlorotUniform",
    "GradientDescent",
    "HeUniform",
    "InverseTime",
    "Linear",
    "Momentum",
    "Nesterov",
    "NoDecay",
    "RMSprop",
]


Activation = Literal["sigmoid", "tanh", "relu", "leaky-relu", "linear"]


class Experiment(Fields):
    """Everything that is trained; without arguments the article's.

    Error: UsageError, one sentence, for whatever is wrong with the fields or the files that they name.
    """

    name: str = Field(default="article", min_length=1, description="what the experiment is called")
    precision: Literal["float32", "float64"] = Field(default="float32", description="what the numbers are stored in")
    layers: tuple[Units, ...] = Field(
        default=(4, 6, 6, 4, 1),
        min_length=1,
        description="units of each dense layer; how many features there are, the data say",
    )
    activations: tuple[Activation, ...] = Field(
        default=("relu", "relu", "relu", "relu", "sigmoid"), description="activation of each layer"
    )
    loss: Literal["binary-cross-entropy"] = Field(
        default="binary-cross-entropy", description="what training makes small"
    )
    epochs: Count = Field(default=50, description="how often training goes through the data")
    batch_size: Count = Field(
        default=32, description="examples in a step; the last step of an epoch takes what is left"
    )
    shuffle: bool = Field(
        default=True, strict=True, description="whether each epoch takes the examples in another order"
    )
    seed: Seed = Field(default=0, description="chooses the order of the examples; a whole number from 0 on")
    optimizer: Optimizer = Field(default=Adam(), description="how the parameters are moved")
    decay: WeightDecay = Field(default=NoDecay(), description="how the parameters are drawn towards 0 beside it")
    schedule: Schedule = Field(default=Constant(), description="how the learning rate α changes from step to step")
    start: Start = Field(default=GlorotUniform(), description="what the parameters are before the first step")
    data: Data = Field(default=Circles(), description="what is learned")

    @field_validator("optimizer", "decay", "schedule", "start", "data", mode="before")
    @classmethod
    def _of_the_default_kind(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Mapping) and "kind" not in value:
            return {"kind": cls.model_fields[str(info.field_name)].default.kind, **value}
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.activations) != len(self.layers):
            raise UsageError(
                f"activations names {len(self.activations)} for {len(self.layers)} layers; name one for each layer"
            )
        if self.layers[-1] != 1 or self.activations[-1] != "sigmoid":
            raise UsageError(
                "binary-cross-entropy needs a last layer of one unit with sigmoid, "
                f"not of {self.layers[-1]} with {self.activations[-1]}; end layers in 1 and activations in sigmoid"
            )
        sizes = self.sizes  # reads a file of data, if there is one
        if isinstance(self.start, FromFile):
            self.start.parameters(sizes)
        if not np.isfinite(self.learning_rates()).all():
            raise UsageError(f"schedule.rate takes the learning rate to infinity within {self.n_steps:,} steps")
        return self

    @property
    def dtype(self) -> np.dtype:
        """What the arrays are made of."""
        return np.dtype(self.precision)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_x, n_1, …, n_L): the number of features, then the units of each layer."""
        return (self.data.n_x, *self.layers)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.data.examples.X.shape[1] // self.batch_size)

    @property
    def n_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @cached_property
    def batch_sizes(self) -> np.ndarray:
        """How many examples each step has, (n_steps,); not to be written to."""
        n = self.data.examples.X.shape[1]
        sizes = np.full(self.steps_per_epoch, self.batch_size)
        sizes[-1] = n - (len(sizes) - 1) * self.batch_size
        return _kept(np.tile(sizes, self.epochs))

    @cached_property
    def _rates(self) -> np.ndarray:
        return _kept(self.schedule.rates(self.optimizer.learning_rate, self.n_steps))

    def learning_rates(self) -> np.ndarray:
        """The learning rate α of each step, (n_steps,), in float64 whatever the precision; not to be written to."""
        return self._rates

    def initial(self) -> dict[str, np.ndarray]:
        """The parameters before the first step by name, W[l] (n_l, n_{l-1}) and b[l] (n_l, 1); fresh copies."""
        return {name: value.astype(self.dtype) for name, value in self.start.parameters(self.sizes).items()}

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """X (n_x, m) and Y (1, m) of each step, all epochs long; fresh copies in C order."""
        examples = self.data.examples
        for order in self._orders():
            for begin in range(0, len(order), self.batch_size):
                taken = order[begin : begin + self.batch_size]
                yield self._copy(examples.X[:, taken]), self._copy(examples.Y[:, taken])

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        """All X (n_x, m) and Y (1, m) that are trained on, as they stand in the data; fresh copies."""
        return self._copy(self.data.examples.X), self._copy(self.data.examples.Y)

    def test_set(self) -> tuple[np.ndarray, np.ndarray] | None:
        """X and Y to test on, or None where the data have none; fresh copies."""
        examples = self.data.examples
        if examples.X_test is None or examples.Y_test is None:
            return None
        return self._copy(examples.X_test), self._copy(examples.Y_test)

    def _copy(self, array: np.ndarray) -> np.ndarray:
        return array.astype(self.dtype, order="C", copy=True)

    def _orders(self) -> Iterator[np.ndarray]:
        """The order of the examples in each epoch."""
        n = self.data.examples.X.shape[1]
        draws = stream(self.seed, "order of the batches")
        for _ in range(self.epochs):
            yield permutation(draws, n) if self.shuffle else np.arange(n)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what is computed and on which numbers: equal digests can be compared.

        Data, initial parameters, order and sizes of the batches, layers, activations, loss, optimizer, decay and
        schedule are in it; the precision is not, so that runs in both can be compared, and neither is what something is
        called or read from. No decay and a constant schedule are left out, as if there were no such fields: what was
        recorded before there were stays comparable.
        """
        digest = hashlib.sha256()

        def add(name: str, array: np.ndarray) -> None:
            numbers = np.ascontiguousarray(array, dtype="<f8" if array.dtype.kind == "f" else "<i8")
            digest.update(f"{name} {numbers.shape}\n".encode() + numbers.tobytes())

        since_then = {
            name for name in ("decay", "schedule") if getattr(self, name) != type(self).model_fields[name].default
        }
        computed = self.model_dump(mode="json", include={"layers", "activations", "loss", "optimizer"} | since_then)
        digest.update(json.dumps(computed, sort_keys=True).encode())
        for name, array in (self.data.examples.items() | self.start.parameters(self.sizes)).items():
            add(name, array)
        add("batch sizes", self.batch_sizes)
        for order in self._orders():
            add("order", order)
        return digest.hexdigest()

    def but(self, **changes: Any) -> Self:
        """The same experiment with other fields, validated again."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    @staticmethod
    def named(name: str) -> "Experiment":
        """One of those that come by name: `article`, the listing; `gradient-descent`, the article's own rule."""
        if name not in NAMED:
            raise UsageError(f"there is no experiment named {shortly(name)}; {known(name, NAMED)}")
        return NAMED[name]

    @classmethod
    def from_toml(cls, source: str | Path, folder: str | Path | None = None) -> Self:
        """The experiment that a TOML file describes, or TOML itself; what is left out is the article's.

        Files that it names are looked for from its own folder, or from `folder`.
        """
        from comparisons.experiment_toml import read

        fields, home = read(source)
        return cls.from_json(fields, folder or home)

    def to_toml(self) -> str:
        """The experiment as TOML, with a comment at every field."""
        from comparisons.experiment_toml import written

        return written(self)

    @classmethod
    def from_json(cls, fields: Any, folder: str | Path = ".") -> Self:
        """The experiment that `to_json` or `write_files` described; files are looked for from `folder`."""
        if not isinstance(fields, Mapping):
            raise UsageError(f"an experiment is a table of fields, but this is {shortly(fields)}")
        return cls(**{name: _files_from(value, Path(folder)) for name, value in fields.items()})

    def to_json(self) -> dict[str, Any]:
        """The fields as what JSON can hold; paths are absolute."""
        return self.model_dump(mode="json")

    def write_files(self, folder: str | Path) -> dict[str, Any]:
        """What `to_json` gives, but able to travel: a user's own data and parameters are written into the folder.

        They become `data.safetensors` and `start.safetensors` there, and the result refers to them by name. What is
        generated is not written, since its fields say all.
        """
        from safetensors.numpy import save_file

        fields = self.to_json()
        if not isinstance(self.data, Circles):
            save_file(self.data.examples.items(), Path(folder) / "data.safetensors")
            fields["data"] = {"kind": "arrays", "file": "data.safetensors"}
        if isinstance(self.start, FromFile):
            save_file(self.start.parameters(self.sizes), Path(folder) / "start.safetensors")
            fields["start"] = {"kind": "file", "file": "start.safetensors"}
        return fields


def _kept(numbers: np.ndarray) -> np.ndarray:
    """Numbers that are made once, for whoever asks, and so are not to be changed by anybody."""
    numbers.flags.writeable = False
    return numbers


def _files_from(section: Any, folder: Path) -> Any:
    """A section whose files, if it has any, are looked for from this folder."""
    if not isinstance(section, Mapping):
        return section
    return {
        name: str(folder / value)
        if name in ("file", "test_file") and isinstance(value, str) and not value.startswith("~")
        else value
        for name, value in section.items()
    }


NAMED: Mapping[str, Experiment] = MappingProxyType(
    {
        "article": Experiment(),
        "gradient-descent": Experiment(name="gradient-descent", optimizer=GradientDescent()),
    }
)
