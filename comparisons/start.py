"""What an experiment's parameters can start from: a rule and a seed, or a file of them."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from comparisons import tables
from comparisons.errors import UsageError
from comparisons.fields import Fields, File, Seed
from reference.initial import glorot_uniform, he_uniform, initial


class GlorotUniform(Fields):
    """uniform within √(6 / (n_in + n_out)), biases 0; Keras's own"""

    kind: Literal["glorot-uniform"] = "glorot-uniform"
    seed: Seed = Field(default=0, description="chooses the weights; a whole number from 0 on")

    def parameters(self, sizes: Sequence[int]) -> dict[str, np.ndarray]:
        return initial(glorot_uniform, sizes, self.seed)


class HeUniform(Fields):
    """uniform within √(6 / n_in), biases 0; made for ReLU"""

    kind: Literal["he-uniform"] = "he-uniform"
    seed: Seed = Field(default=0, description="chooses the weights; a whole number from 0 on")

    def parameters(self, sizes: Sequence[int]) -> dict[str, np.ndarray]:
        return initial(he_uniform, sizes, self.seed)


class FromFile(Fields):
    """your own, by name: W[1], b[1], W[2], …"""

    kind: Literal["file"] = "file"
    file: File = Field(description=".npz or .safetensors file with W[1], b[1], …, rounded to float32")
    layout: Literal["columns", "rows"] = Field(
        default="columns",
        description="how weights lie; columns: W[l] is (n_out, n_in) as PyTorch's, rows: (n_in, n_out) as Keras's",
    )

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        return tables.read_arrays(self.file)

    def parameters(self, sizes: Sequence[int]) -> dict[str, np.ndarray]:
        """Those of the file, checked against the network; b[l] may come as (n_l,)."""
        n_layers = len(sizes) - 1
        tables.check_names(self.file, self.arrays, [f"{p}[{l}]" for l in range(1, n_layers + 1) for p in "Wb"])
        parameters = {}
        for l, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
            W, b = self.arrays[f"W[{l}]"], self.arrays[f"b[{l}]"]
            expected = (n_out, n_in) if self.layout == "columns" else (n_in, n_out)
            if W.shape != expected:
                turned = "; it lies the other way round, so set the other layout" if W.shape == expected[::-1] else ""
                raise UsageError(f"{self.file}: W[{l}] must have shape {expected}, but has {W.shape}{turned}")
            if b.shape not in ((n_out,), (n_out, 1), (1, n_out)):
                raise UsageError(f"{self.file}: b[{l}] must have shape {(n_out, 1)} or {(n_out,)}, but has {b.shape}")
            parameters[f"W[{l}]"] = W if self.layout == "columns" else np.ascontiguousarray(W.T)
            parameters[f"b[{l}]"] = b.reshape(n_out, 1)
        return parameters


Start = Annotated[GlorotUniform | HeUniform | FromFile, Field(discriminator="kind")]
