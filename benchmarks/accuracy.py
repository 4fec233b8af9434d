"""Measures how far each framework's elementary functions lie from the exact values, and writes the table accuracy.csv.

The ball arithmetic needs the largest error of exp, log, tanh and the others in every framework, because IEEE 754 fixes
none of them (only √ and division, and even those are sometimes rewritten). The unit is the unit roundoff of the result,
|actual − exact| / (u |exact|) with u = 2⁻²⁴ or 2⁻⁵³, so a correctly rounded function shows at most 1. Results below the
smallest normal number, and larger ones that come out as 0, are measured apart, as absolute errors in multiples of that
number; subnormal inputs also, because a thread that flushes them to zero computes log(0).

    python benchmarks/accuracy.py                               # every 4099th float32, some minutes
    python benchmarks/accuracy.py --exhaustive --function exp   # all 2³² of them
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

MODES = {"numpy": ["-"], "torch": ["eager"], "tensorflow": ["eager", "graph", "fused"]}
TWO_ARGUMENTS = ("divide", "power", "power_any")
FUSED = ("sigmoid", "tanh")  # what TensorFlow's graph rewriting merges with the matrix product before it
CONSTANT = 49.0  # the divisor of divide_by_constant: fl(1/49) · 49 ≠ 1 in both precisions
ADAM_BETAS, N_ADAM_STEPS = (0.9, 0.999), 100_000
CHUNK = 1 << 16  # what the caches hold: twice as fast as a million
N_PAIRS = 1 << 20
STRIDE = 4099  # a prime, so that every exponent is met with many different fractions
SHORT = (1, 3, 7, 17)  # below, at and beside the widths of vector registers: the scalar code behind each kernel
N_SHORT_CALLS = 5_000
N_FLOAT64 = 1_000_000
LIMITS = ["NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"]
KEY = ["function", "framework", "mode", "precision", "versions", "processor"]


# ---- the exact values


def stable_sigmoid(z):
    """e / (1 + e) or 1 / (1 + e) with e = exp(−|z|): no overflow, no cancellation. The project's own logistic."""
    small = np.exp(np.minimum(z, -z))
    return np.where(z > 0, 1, small) / (1 + small)


# In float64 these are the exact values for float32: they err by at most 4 units in the last place there (NumPy promises
# that, and the float64 rows measure less), the sigmoid's sum and quotient add one each, which makes less than 2⁻⁴⁹ of
# the result and 2⁻²⁵ of the unit we measure in. Every float32 is a float64, and where a result leaves float64's normal
# range float32's was left long before.
NUMPY = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": stable_sigmoid,
    "sqrt": np.sqrt,
    "reciprocal": np.reciprocal,
    "divide": np.divide,
    "divide_by_constant": lambda x: x / CONSTANT,
    "power": np.power,
    "power_any": np.power,
}


def exact_by_numpy(function, inputs):
    nearest = NUMPY[function](*(x.astype(np.float64) for x in inputs))
    return nearest, np.broadcast_to(0.0, nearest.shape)


def exact_by_arb(function, inputs):
    """The nearest float64 and the relative rest, from arb's balls of 200 bits: exact = nearest (1 + rest)."""
    from flint import arb, ctx

    if function in ("exp", "sigmoid", "tanh"):  # the results end long before, and arb's balls with them
        inputs = (np.clip(inputs[0], -2000, 2000),)
    ctx.prec = 200
    formula = {
        "exp": arb.exp,
        "log": arb.log,
        "log1p": arb.log1p,
        "tanh": arb.tanh,
        "sigmoid": lambda z: 1 / (1 + (-z).exp()),
        "sqrt": arb.sqrt,
        "reciprocal": lambda x: 1 / x,
        "divide": lambda x, y: x / y,
        "divide_by_constant": lambda x: x / CONSTANT,
        "power": lambda base, t: base**t,
        "power_any": lambda base, t: base**t,
    }[function]
    nearest, rest = np.empty(len(inputs[0])), np.zeros(len(inputs[0]))
    for i, numbers in enumerate(zip(*(x.tolist() for x in inputs), strict=True)):
        ball = formula(*map(arb, numbers))
        nearest[i] = float(ball.mid())
        if np.isfinite(nearest[i]) and nearest[i] != 0:
            if (known := ball.rel_accuracy_bits()) < 100:
                raise ValueError(
                    f"{function}{numbers} is known to {known} bits only; compute with more than {ctx.prec}."
                )
            rest[i] = float((ball / arb(nearest[i]) - 1).mid())
    return nearest, rest


# ---- the inputs


def specials(dtype):
    """Zeros, infinities, NaN, ones, and both ends of the subnormal and the normal numbers."""
    info = np.finfo(dtype)
    below = np.nextafter(info.tiny, dtype(0))
    positive = [0, info.smallest_subnormal, below, info.tiny, 1, np.nextafter(dtype(1), dtype(2)), info.max, np.inf]
    return np.array([*positive, *(-number for number in map(dtype, positive)), np.nan], dtype)


def float32_inputs(function, exhaustive):
    """Chunks of inputs, each a tuple of one or two arrays."""
    if function == "power":
        t = np.arange(1, N_ADAM_STEPS + 1, dtype=np.float32)
        yield from ((np.full_like(t, beta), t) for beta in ADAM_BETAS)
    elif function in TWO_ARGUMENTS:
        for seed in range(64 if exhaustive else 4):
            yield random_pairs(function, np.float32, np.random.default_rng(seed), N_PAIRS)
    else:
        step = CHUNK if exhaustive else CHUNK * STRIDE
        for start in range(0, 1 << 32, step):
            patterns = np.arange(start, min(start + step, 1 << 32), 1 if exhaustive else STRIDE)
            yield (patterns.astype(np.uint32).view(np.float32),)


def random_pairs(function, dtype, random, n_pairs):
    """x and y of a quotient, or a base in (0, 1) and a whole exponent as β₁ᵗ may have them."""
    if function == "power_any":
        base = np.concatenate([random.uniform(0.5, 1, n_pairs // 2), 1 - 2.0 ** -random.uniform(1, 20, n_pairs // 2)])
        return base.astype(dtype), np.floor(2.0 ** random.uniform(0, 16.6, n_pairs)).astype(dtype)
    bits = {np.float32: np.uint32, np.float64: np.uint64}[dtype]
    half = n_pairs // 2
    anything = random.integers(0, np.iinfo(bits).max, (2, n_pairs - half), bits, endpoint=True).view(dtype)
    moderate = (random.uniform(1, 2, (2, half)) * 2.0 ** random.integers(-20, 20, (2, half))).astype(dtype)
    pairs = np.concatenate([anything, moderate], axis=1)
    return tuple(np.concatenate([row, ends]) for row, ends in zip(pairs, special_pairs(dtype), strict=True))


def special_pairs(dtype):
    return tuple(axis.ravel() for axis in np.meshgrid(specials(dtype), specials(dtype)))


RANGES = {  # where float64 is sampled evenly: the whole useful range, around the middle, and where results end
    "exp": [(-746, 710), (-1, 1), (-45, 45), (709, 710), (-709, -708)],
    "log": [(0.5, 2), (0.9, 1.1), (0, 10), (0, 1e6)],
    "log1p": [(-1, 1), (-0.1, 0.1), (-1, -0.99), (0, 1e6)],
    "tanh": [(-20, 20), (-1, 1), (-0.3, 0.3), (18, 20)],
    "sigmoid": [(-750, 750), (-40, 40), (-1, 1), (-710, -707), (-20, -16), (16, 20), (35, 40)],
}


def float64_inputs(function, n_inputs):
    """A sample without zeros, infinities, NaN: a third from RANGES, a third close to 0 and 1, a third of any size."""
    random = np.random.default_rng(20260101)
    if function == "power":
        t = np.arange(1, N_ADAM_STEPS + 1, dtype=np.float64)
        betas = [*ADAM_BETAS, *map(float, np.float32(ADAM_BETAS))]  # Keras raises float32 betas in float64 too
        return np.repeat(betas, len(t)), np.tile(t, len(betas))
    if function in TWO_ARGUMENTS:
        x, y = random_pairs(function, np.float64, random, n_inputs)
        usable = np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0)
        return x[usable], y[usable]
    part, ranges = n_inputs // 3, RANGES.get(function, [(-4, 4), (0, 1e6)])
    even = [random.uniform(low, high, part // len(ranges)) for low, high in ranges]
    sign = random.choice([-1.0, 1.0], part)
    near = sign * 2.0 ** random.uniform(-60, 0, part) + random.integers(0, 2, part)
    anything = random.integers(0, 1 << 64, part, np.uint64).view(np.float64)
    if function in ("exp", "sigmoid", "tanh"):  # most of all patterns lie where nothing happens
        anything = anything[: part // 8]
    x = random.permutation(np.concatenate([*even, near, anything]))
    lowest = {"log": 0, "sqrt": 0, "log1p": -1}.get(function, -np.inf)
    return (x[np.isfinite(x) & (x > lowest) & (x != 0)],)


# ---- the frameworks, each imported only in the process that measures it


def calls(framework, mode):
    """Functions from NumPy arrays to a NumPy array, by name."""
    if framework == "numpy":
        return NUMPY
    if framework == "torch":
        import torch as library
    else:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow as tf

        library = tf.math
    names = ["exp", "log", "log1p", "tanh", "sigmoid", "sqrt", "reciprocal"]
    functions = {name: getattr(library, name) for name in names}
    functions |= {"divide": lambda x, y: x / y, "divide_by_constant": lambda x: x / CONSTANT}
    functions |= {"power": library.pow, "power_any": library.pow}
    if framework == "torch":
        return {name: on_torch(function) for name, function in functions.items()}
    if mode == "fused":
        functions = {name: after_dense(functions[name]) for name in FUSED}
    if mode != "eager":
        functions = {
            name: tf.function(function, reduce_retracing=True, autograph=False) for name, function in functions.items()
        }
    return {name: on_tensorflow(function) for name, function in functions.items()}


def on_torch(function):
    import torch

    return lambda *inputs: function(*map(torch.from_numpy, inputs)).numpy()


def on_tensorflow(function):
    import tensorflow as tf

    return lambda *inputs: function(*map(tf.constant, inputs)).numpy()


def after_dense(activation):
    """activation(x · 1 + 0), the form of a dense layer, which a graph computes in one fused kernel where it can."""
    import tensorflow as tf

    ones = {dtype: tf.Variable(tf.ones(1, dtype)) for dtype in (tf.float32, tf.float64)}  # constants would be
    zeros = {dtype: tf.Variable(tf.zeros(1, dtype)) for dtype in (tf.float32, tf.float64)}  # multiplied out

    def layer(x):
        return activation(tf.nn.bias_add(tf.matmul(x[:, None], ones[x.dtype][:, None]), zeros[x.dtype]))[:, 0]

    return layer


def in_pieces(call, inputs, size):
    """What the function gives when it is called on `size` numbers at a time."""
    ends = range(0, min(len(inputs[0]), size * N_SHORT_CALLS), size)
    return np.concatenate([call(*(x[start : start + size] for x in inputs)) for start in ends])


def one_by_one(call, inputs):
    """What the function gives for numbers without a shape: Keras raises Adam's betas like that."""
    return np.array([call(*(x[i : i + 1].reshape(()) for x in inputs)) for i in range(len(inputs[0]))])


# ---- the comparison


def spelled(inputs):
    """Every input as a hexadecimal float without the trailing zeros."""
    return ", ".join(re.sub(r"\.?0*p", "p", float(x).hex()) for x in inputs)


def example(case, i):
    """The input and, after a colon, what the function returned and should have."""
    inputs, exact, actual = case
    return f"{spelled(x[i] for x in inputs)}: {actual[i]:.9g}, exact {exact[i]:.9g}"


@dataclass
class Worst:
    """The largest errors seen so far, and everything that no relative error describes."""

    dtype: type
    units: float = 0.0
    at: str = ""
    absolute: float = 0.0
    absolute_at: str = ""
    subnormal_units: float = 0.0
    subnormal_at: str = ""
    n_inputs: int = 0
    oddities: dict = field(default_factory=dict)

    def observe(self, inputs, exact, rest, actual):
        if actual.dtype != self.dtype:
            raise TypeError(f"The function returned {actual.dtype}; {np.dtype(self.dtype)} went in.")
        info = np.finfo(self.dtype)
        smallest, largest, actual = float(info.tiny), float(info.max), actual.astype(np.float64)
        case = inputs, exact, actual
        size = np.abs(exact)
        usual = (size >= smallest) & (size <= largest)
        subnormal = np.any([(np.abs(x) < info.tiny) & (x != 0) for x in inputs], axis=0)
        units = np.abs((actual - exact) / exact - rest) / (float(info.eps) / 2)
        units[~usual] = 0
        if subnormal.any():
            units_there = np.where(np.isnan(actual) != np.isnan(exact), np.inf, units)
            self.largest("subnormal_units", "subnormal_at", np.where(subnormal, units_there, 0), case)
            units[subnormal] = 0
        flushed = usual & (actual == 0) & ~subnormal
        units[flushed] = 0
        self.largest("units", "at", units, case)
        if usual.all() and not flushed.any():
            return
        self.odd("is flushed to zero", flushed, case)
        tiny = flushed | ((size < smallest) & ~(subnormal & np.isnan(actual)))
        self.largest("absolute", "absolute_at", np.where(tiny, np.abs(actual - exact) / smallest, 0), case)
        too_large = size >= (largest * (1 + 2.0**-25) if self.dtype == np.float32 else np.inf)  # rounds to infinity
        finite = actual != np.copysign(np.inf, exact)
        self.odd("does not overflow", too_large & finite & ~subnormal, case)
        self.odd("is not NaN", np.isnan(exact) & ~np.isnan(actual) & ~subnormal, case)

    def largest(self, name, place, errors, case):
        worst = int(np.argmax(errors))  # a NaN counts as the largest
        error = np.inf if np.isnan(errors[worst]) else float(errors[worst])
        if error > getattr(self, name):
            setattr(self, name, error)
            setattr(self, place, example(case, worst))

    def odd(self, kind, where, case):
        if where.any():
            n_before, first = self.oddities.get(kind, (0, example(case, int(np.argmax(where)))))
            self.oddities[kind] = n_before + int(where.sum()), first

    def note(self):
        parts = [f"{n} times {kind}, first at {first}" for kind, (n, first) in self.oddities.items()]
        if self.absolute > 1:
            parts.append(f"below the smallest normal number worst at {self.absolute_at}")
        if self.subnormal_at:
            parts.append(f"subnormal inputs {self.subnormal_units:.4g} units, worst at {self.subnormal_at}")
        return parts


def unexpected_specials(function, call, dtype):
    """What the function does at zeros, infinities, NaN and the ends of the range where C's Annex F says otherwise."""
    if function == "power_any":
        return []  # only bases between 0 and 1 and finite exponents are of interest
    inputs = special_pairs(dtype) if function in TWO_ARGUMENTS else (specials(dtype),)
    expected = NUMPY[function](*(x.astype(np.float64) for x in inputs)).astype(dtype)
    actual = call(*inputs)
    kinds = [np.isnan, np.isinf, lambda x: x == 0, lambda x: np.signbit(x) & ~np.isnan(x)]
    differs = np.any([kind(expected) != kind(actual) for kind in kinds], axis=0)
    found = [example((inputs, expected, actual), i) for i in np.flatnonzero(differs)]
    return [f"{len(found)} specials differ: " + ", ".join(found[:4])] if found else []


def measure(function, call, dtype, chunks, sample, exact, strided):
    """The worst errors over all chunks, contiguous and strided, and over a sample in short pieces."""
    worst = Worst(dtype)
    with np.errstate(all="ignore"):
        for inputs in chunks:
            nearest, rest = exact(function, inputs)
            worst.n_inputs += len(nearest)
            if function == "power":
                worst.observe(inputs, nearest, rest, one_by_one(call, inputs))
                continue
            actual = call(*inputs)
            worst.observe(inputs, nearest, rest, actual)
            if strided:
                again = call(*(np.repeat(x, 2)[::2] for x in inputs))
                if again.tobytes() != actual.tobytes():
                    worst.observe(inputs, nearest, rest, again)
        if function == "power":
            return worst, worst.note()
        long, order = worst.units, np.random.default_rng(0).permutation(len(sample[0]))
        for size in SHORT:
            picked = np.resize(order, size * N_SHORT_CALLS)
            pieces = tuple(x[picked] for x in sample)
            worst.observe(pieces, *exact(function, pieces), in_pieces(call, pieces, size))
        notes = [f"long arrays only {long:.6g} units"] if worst.units > long else []
        return worst, [*notes, *worst.note(), *unexpected_specials(function, call, dtype)]


def measure_row(function, framework, mode, precision, call, eager_call, exhaustive):
    """One row of the table."""
    notes = []
    if precision == "float32":
        sample = tuple(map(np.concatenate, zip(*float32_inputs(function, exhaustive=False), strict=True)))
        if eager_call is not call and function != "power":
            same = np.array_equal(call(*sample), eager_call(*sample), equal_nan=True)  # −0 equals 0 here
            notes = ["same bits as eager on the sample" if same else "differs from eager"]
            exhaustive = exhaustive and (not same or function in TWO_ARGUMENTS)
        chunks, exact = float32_inputs(function, exhaustive), exact_by_numpy
        exhaustive = exhaustive and function not in TWO_ARGUMENTS  # of two arguments it is a larger sample
        if exhaustive:
            description = f"{framework} {mode} {function}"
            chunks = track(chunks, description, (1 << 32) // CHUNK, console=Console(stderr=True))
    else:
        sample, exhaustive = float64_inputs(function, N_FLOAT64), False
        chunks, exact = [sample], exact_by_arb
    strided = framework != "tensorflow"  # its tensors have no strides
    worst, found = measure(function, call, getattr(np, precision), chunks, sample, exact, strided)
    return {
        "function": function,
        "framework": framework,
        "mode": mode,
        "precision": precision,
        "inputs": worst.n_inputs,
        "exhaustive": exhaustive,
        "worst_units": worst.units,
        "at": worst.at.split(":")[0],
        "absolute_beyond": worst.absolute,
        "note": "; ".join([*notes, *found]),
        "versions": versions(framework),
        "processor": processor(),
        "date": datetime.date.today().isoformat(),
    }


# ---- the table


def versions(framework):
    return f"{framework} {version(framework)}, {' '.join(platform.libc_ver())}"


def processor():
    """The processor, the widest vector instructions, and the environment variables that take some of them away."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    described = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    widest = next((kind for kind in ("avx512f", "avx2", "avx") if kind in described["flags"].split()), "sse")
    limits = [f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ]
    return ", ".join([described["model name"], f"family {described['cpu family']}", widest, *limits])


def merged(rows, path):
    """The rows in the file, with the new ones in the place of their equals; a sample never replaces a full run."""
    new = pd.DataFrame(rows)
    if not path.exists():
        return new
    old = pd.read_csv(path, keep_default_na=False)
    full = old[old["exhaustive"].astype(str) == "True"]
    keys = set(full[KEY].itertuples(index=False, name=None))
    new = new[[row["exhaustive"] or tuple(row[KEY]) not in keys for _, row in new.iterrows()]]
    table = pd.concat([old, new], ignore_index=True).drop_duplicates(KEY, keep="last")
    return table.sort_values(["precision", "function", "framework", "mode", "processor"], ignore_index=True)


def main():
    parser = argparse.ArgumentParser(description="Measure the error of elementary functions, in unit roundoffs.")
    parser.add_argument("--exhaustive", action="store_true", help="all 2³² float32 inputs instead of every 4099th")
    parser.add_argument("--function", action="append", choices=list(NUMPY), help="only this one (repeatable)")
    parser.add_argument("--framework", action="append", choices=list(MODES), help="only this one (repeatable)")
    parser.add_argument("--precision", action="append", choices=["float32", "float64"], help="only this one")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("accuracy.csv"))
    chosen = parser.parse_args()
    frameworks = chosen.framework or list(MODES)
    if len(frameworks) > 1:  # one process each: a framework may change how its process rounds and flushes
        rest = [part for name in chosen.function or [] for part in ("--function", name)]
        rest += [part for name in chosen.precision or [] for part in ("--precision", name)]
        rest += ["--exhaustive"] * chosen.exhaustive + ["--out", str(chosen.out)]
        for name in frameworks:
            subprocess.run([sys.executable, __file__, "--framework", name, *rest], check=True)
        return
    (framework,) = frameworks
    first = calls(framework, MODES[framework][0])
    for mode in MODES[framework]:
        functions = calls(framework, mode) if mode != MODES[framework][0] else first
        for precision in chosen.precision or ["float32", "float64"]:
            for function in (name for name in chosen.function or NUMPY if name in functions):
                started = time.monotonic()
                call = functions[function]
                row = measure_row(function, framework, mode, precision, call, first[function], chosen.exhaustive)
                merged([row], chosen.out).to_csv(chosen.out, index=False)
                seconds = f"{time.monotonic() - started:.0f} s"
                print(*(row[k] for k in ("function", "framework", "mode", "precision")), seconds, flush=True)
                print("   ", f"{row['worst_units']:.6g} units at {row['at']};", row["note"], flush=True)


if __name__ == "__main__":
    main()
