"""Random numbers that are the same on every machine and with every version of NumPy.

A `Generator`'s normal deviates and shuffles may change with NumPy's version, and the last bit of sin, cos, exp and log
with the processor. So everything random is made here, from the raw integers of a bit generator and from operations that
IEEE 754 rounds correctly (+ − × ÷ √), element by element, with every sum added in a written order.

Source: NumPy, "PCG64", Compatibility Guarantee: "PCG64 makes a guarantee that a fixed seed will always produce the same
random integer stream"; its `seed` may be a sequence of integers. Generators carry no such guarantee (NEP 19).
"""

import math

import numpy as np

AT_ONCE = 2**12  # deviates that are made together, so that a million need no twelve times their memory


def stream(seed: int, purpose: str) -> np.random.PCG64:
    """A fresh stream of raw integers that belongs to this seed and this purpose alone.

    The seed takes two words and the purpose's bytes follow, none of them 0, so that no two pairs give the same sequence
    (PCG64 does not tell [1] from [1, 0]).

    Error: ValueError where seed is negative or 2⁶⁴ or more, or where purpose is empty or holds a zero byte.
    """
    words = list(purpose.encode())
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed lies between 0 and 2**64 - 1, but this one is {seed}")
    if not words or 0 in words:
        raise ValueError(f"a purpose is a text without zero bytes and not empty, but this one is {purpose!r}")
    return np.random.PCG64([seed % 2**32, seed // 2**32, *words])


def raw(draws: np.random.PCG64, *shape: int) -> np.ndarray:
    """The next raw integers of the stream, 0 … 2⁶⁴ − 1, in row-major order."""
    return draws.random_raw(math.prod(shape)).reshape(shape)


def uniform(draws: np.random.PCG64, *shape: int) -> np.ndarray:
    """Numbers of [0, 1), a raw integer each: its upper 53 bits times 2⁻⁵³, which is exact."""
    return (raw(draws, *shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def noise(draws: np.random.PCG64, *shape: int) -> np.ndarray:
    """Numbers of mean 0 and standard deviation 1: twelve uniform ones added first to last, less 6.

    Near to normal (Irwin–Hall), but never outside ±6. Many are made some at a time, which gives the same numbers.
    """
    total = np.empty(math.prod(shape))
    for begin in range(0, len(total), AT_ONCE):
        part = total[begin : begin + AT_ONCE]
        terms = uniform(draws, len(part), 12)
        part[:] = terms[:, 0]
        for i in range(1, 12):
            part += terms[:, i]
    return total.reshape(shape) - 6.0


def permutation(draws: np.random.PCG64, n: int) -> np.ndarray:
    """The numbers 0 … n − 1 in random order: the one that sorts the next n raw integers, ties as they stood."""
    return np.argsort(raw(draws, n), kind="stable")
