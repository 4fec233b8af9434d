"""Numerics: how accurate elementary functions are, and what depends on length, batch, threads and compiler."""

import numpy as np

from comparisons.accuracy import ACCURACY
from comparisons.internals.expectation import above, below, measured
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import article_in_keras, largest_errors, two_classes

AREA = "numerics"
MATH = "tensorflow/python/ops/math_ops.py"
VML = "torch/include/ATen/cpu/vml.h: IMPLEMENT_VML_MKL"
EVERY = 1999  # a prime, so that all exponents are met with many fractions


def errors_of(name):
    """A fact: the largest error of a function over a sample of all float32 numbers, in each framework and mode."""
    largest = ACCURACY[name].float32
    off_by_xla = measured(0, 5)  # error-of-exp-in-xla: no ball takes it to be at most so much
    bound = below(largest, f"what balls take {name} to be at most: comparisons/accuracy.py, over all 2³² inputs")

    @fact(
        f"error-of-{name}",
        claim=f"float32 {name} is within {largest:g} unit roundoffs of the exact value in NumPy, PyTorch and "
        "TensorFlow, eagerly and in a graph.",
        matters="Balls take this number; how far each is from it is how much wider they are than they need be.",
        source=f"tensorflow/python/ops/gen_math_ops.py: {name}; comparisons/accuracy.py: Accuracy",
        needs="tensorflow torch",
        expected={mode: bound for mode in ("NumPy", "PyTorch", "TensorFlow", "TensorFlow in a graph")}
        | {"XLA": off_by_xla if name == "exp" else bound},
        on_article=name != "tanh",
    )
    def error():
        return largest_errors(name)

    return error


ERROR_OF_EXP, ERROR_OF_LOG, ERROR_OF_LOG1P = map(errors_of, ("exp", "log", "log1p"))
ERROR_OF_SQRT, ERROR_OF_SIGMOID, ERROR_OF_TANH = map(errors_of, ("sqrt", "sigmoid", "tanh"))


@fact(
    "error-of-exp-in-xla",
    claim="Compiled by XLA, TensorFlow's float32 exp is 4.58 unit roundoffs off at 88.71665, near its overflow; "
    "eagerly and in a graph it is within 2.",
    matters="More than the 4 that balls take exp to be off, which were measured without XLA: a compiled network may "
    "leave its ball there.",
    source="tensorflow/python/ops/gen_math_ops.py: exp; comparisons/accuracy.py: Accuracy",
    deeper="XLA's CPU code generator writes exp out as a polynomial",
    needs="tensorflow",
    expected={"XLA": measured(4, 5), "eager": below(2, "benchmarks/accuracy.csv, over all 2³² inputs")},
    depends=True,
)
def error_of_exp_in_xla():
    import tensorflow as tf

    x = np.full(64, 88.71665, np.float32)
    exact = np.exp(x.astype(np.float64))
    values = {"XLA": tf.function(tf.exp, jit_compile=True)(tf.constant(x)), "eager": tf.exp(x)}
    return {name: float(np.max(np.abs(value / exact - 1)) * 2.0**24) for name, value in values.items()}


def _roots():
    """The share of float32 numbers whose root PyTorch rounds wrongly; NumPy's are right, as IEEE 754 asks."""
    import torch

    x = np.arange(0x00800000, 0x7F800000, EVERY, dtype=np.uint32).view(np.float32)
    exact = np.sqrt(x.astype(np.float64)).astype(np.float32)  # 53 digits are more than twice 24 and two: rounded once
    return float((torch.sqrt(torch.from_numpy(x)).numpy() != exact).mean()), float((np.sqrt(x) != exact).mean())


@fact(
    "sqrt-wrongly-rounded",
    claim="PyTorch's √ is not correctly rounded on processors where it goes to MKL: 0.6 % of float32 roots are off by "
    "one unit. NumPy's are all right.",
    matters="Adam's √v carries it; bits of PyTorch's default Adam and of NumPy's differ.",
    source="torch/_C/_VariableFunctions.pyi: sqrt",
    deeper=f"{VML}, mode VML_HA; known as pytorch#31250",
    needs="torch",
    expected={"PyTorch": measured(0.001, 0.2), "NumPy": 0.0},
    depends=True,
    on_article=True,
)
def sqrt_wrongly_rounded():
    theirs, ours = _roots()
    return {"PyTorch": theirs, "NumPy": ours}


@fact(
    "sqrt-by-environment",
    claim="How accurate PyTorch's √ is depends on an environment variable: with MKL_CBWR=COMPATIBLE 17 % of float32 "
    "roots are wrongly rounded.",
    matters="The switch for reproducible results is the one for more rounding errors.",
    source="torch/_C/_VariableFunctions.pyi: sqrt",
    deeper=VML,
    needs="torch",
    environment=(("MKL_CBWR", "COMPATIBLE"),),
    expected={"PyTorch": measured(0.1, 0.25)},
    depends=True,
)
def sqrt_by_environment():
    return {"PyTorch": _roots()[0]}


@fact(
    "value-by-length",
    claim="In TensorFlow a number's sigmoid depends on how long the array is that it stands in: about half of 1,000 "
    "float32 values change when computed alone. NumPy's do not.",
    matters="The last examples of a batch, and single predictions, are computed by other code than the rest.",
    source=f"{MATH}: sigmoid",
    deeper="Eigen/src/Core/arch/Default/GenericPacketMathFunctions.h: full packets and the rest",
    needs="tensorflow torch",
    expected={"TensorFlow": measured(0.2, 0.8), "PyTorch": measured(0.001, 0.2), "NumPy": 0.0},
    depends=True,
    on_article=True,
)
def value_by_length():
    import tensorflow as tf
    import torch

    x = (np.random.default_rng(0).normal(size=1000) * 4).astype(np.float32)

    def changed(function):
        alone = [function(x[i : i + 1].copy())[0] for i in range(1000)]
        return float(np.mean(function(x) != np.array(alone)))

    return {
        "TensorFlow": changed(lambda a: tf.sigmoid(a).numpy()),
        "PyTorch": changed(lambda a: torch.sigmoid(torch.from_numpy(a)).numpy()),
        "NumPy": changed(lambda a: 1 / (1 + np.exp(-a))),
    }


@fact(
    "power-of-2",
    claim="TensorFlow's x ** 2 is not x · x: it differs in a quarter of float32 values eagerly, and keras.ops.power "
    "with it. In a graph it is rewritten and exact, as in PyTorch and NumPy.",
    matters="The same line has other bits in fit than when tried out.",
    source=f"{MATH}: pow; keras/src/ops/numpy.py: power",
    deeper="Eigen: generic_pow; tensorflow/core/grappler/optimizers/arithmetic_optimizer.cc: ConvertPow",
    needs="keras torch",
    expected={
        "eager": measured(0.1, 0.5),
        "keras.ops.power": measured(0.1, 0.5),
        "graph": 0.0,
        "PyTorch": 0.0,
        "NumPy": 0.0,
    },
)
def power_of_2():
    import keras
    import tensorflow as tf
    import torch

    x = np.random.default_rng(0).uniform(0.1, 10, size=20_000).astype(np.float32)
    values = {
        "eager": tf.constant(x) ** 2,
        "keras.ops.power": keras.ops.power(x, 2),
        "graph": tf.function(lambda z: z**2)(tf.constant(x)),
        "PyTorch": torch.from_numpy(x) ** 2,
        "NumPy": x**2,
    }
    return {name: float(np.mean(np.array(value) != x * x)) for name, value in values.items()}


@fact(
    "division-by-a-constant",
    claim="x / 49 is x · (1/49) in a TensorFlow graph, rounded twice; eagerly it is a division.",
    matters="A mean over a fixed number of examples has other last bits in fit.",
    source=f"{MATH}: truediv",
    deeper="tensorflow/core/grappler/optimizers/constant_folding.cc: ConstantPushDown",
    needs="tensorflow",
    expected={"eager": 0.0, "graph": above(0.01, "1/49 is no number of float32")},
)
def division_by_a_constant():
    import tensorflow as tf

    x = np.random.default_rng(0).uniform(0.1, 10, size=20_000).astype(np.float32)
    graph = tf.function(lambda z: z / 49.0)(tf.constant(x)).numpy()
    exact = x / np.float32(49)
    return {"eager": float(np.mean((tf.constant(x) / 49.0).numpy() != exact)), "graph": float(np.mean(graph != exact))}


@fact(
    "column-sums",
    claim="Sums along the first axis, which a bias's gradient is, are added one after the other in NumPy: a million "
    "rows of 0.1 make 100958. PyTorch's sum is right to 1e-5.",
    matters="The bias's gradient of a large batch: relative error of up to m roundings, 1 % at a million.",
    source="numpy/_core/fromnumeric.py: sum; torch/_C/_VariableFunctions.pyi: sum",
    needs="torch",
    expected={
        "NumPy is the running sum": True,
        "NumPy": above(100_900, "0.1 added to 1e5 is 0.1016"),
        "PyTorch": measured(99_990, 100_010),
    },
)
def column_sums():
    import torch

    rows = np.full((1_000_000, 2), 0.1, np.float32)
    summed = rows.sum(0)
    running = np.cumsum(rows[:, 0], dtype=np.float32)[-1]
    theirs = torch.from_numpy(rows).sum(0)[0].item()
    return {"NumPy is the running sum": bool(summed[0] == running), "NumPy": summed[0], "PyTorch": theirs}


@fact(
    "long-dot",
    claim="A float32 dot product of a million numbers, 0.1 times 1: TensorFlow's tensordot is 0.35 % off, NumPy's and "
    "PyTorch's 1e-4.",
    matters="Wide layers; all of it lies within the bound of a sum in any order.",
    source=f"{MATH}: tensordot; torch/_C/_VariableFunctions.pyi: dot",
    needs="tensorflow torch",
    expected={"TensorFlow": measured(1e-3, 1e-2), "NumPy": measured(0, 1e-3), "PyTorch": measured(0, 1e-3)},
    depends=True,
)
def long_dot():
    import tensorflow as tf
    import torch

    x, one = np.full(1_000_000, 0.1, np.float32), np.ones(1_000_000, np.float32)
    values = {
        "TensorFlow": tf.tensordot(x, one, 1),
        "NumPy": x @ one,
        "PyTorch": torch.dot(torch.from_numpy(x), torch.from_numpy(one)),
    }
    return {name: abs(float(value) / (1e6 * float(np.float32(0.1))) - 1) for name, value in values.items()}


@fact(
    "small-products",
    claim="The article's matrix products, (32, 6) by (6, 6), have the same float32 bits in NumPy and TensorFlow, "
    "which fuse multiplication and addition. PyTorch, whose MKL rounds each product, differs in near half of the "
    "numbers, and XLA in half.",
    matters="Whether two runs can be compared bit by bit at all.",
    source=f"{MATH}: matmul",
    needs="tensorflow torch",
    expected={"TensorFlow": 0.0, "PyTorch": measured(0.1, 0.9), "XLA": measured(0.1, 0.9), "rounded sums": 0.0},
    depends=True,
    on_article=True,
)
def small_products():
    import tensorflow as tf
    import torch

    random = np.random.default_rng(0)
    a, b = random.normal(size=(32, 6)).astype(np.float32), random.normal(size=(6, 6)).astype(np.float32)
    compiled = tf.function(tf.linalg.matmul, jit_compile=True)
    products = {"TensorFlow": tf.linalg.matmul(a, b), "PyTorch": torch.from_numpy(a) @ torch.from_numpy(b)}
    products["XLA"] = compiled(tf.constant(a), tf.constant(b))
    figures = {name: float(np.mean(np.array(product) != a @ b)) for name, product in products.items()}
    rounded_sums = np.cumsum(a[:, :, None] * b, axis=1, dtype=np.float32)[:, -1]
    return {**figures, "rounded sums": float(np.mean(products["PyTorch"].numpy() != rounded_sums))}


@fact(
    "alone-or-in-a-batch",
    claim="An example predicted alone and in a batch of 100 has other last bits in Keras for a part of the examples.",
    matters="Which examples lie at 0.5 may depend on the batch.",
    source="keras/src/models/sequential.py: Sequential.call",
    needs="keras",
    expected={"share": measured(0.01, 0.9), "largest": below(64 * 2.0**-24, "64 roundings")},
    depends=True,
    on_article=True,
)
def alone_or_in_a_batch():
    x, _ = two_classes(100)
    model = article_in_keras()
    batch = model(x).numpy()
    alone = np.concatenate([model(x[i : i + 1]).numpy() for i in range(100)])
    return {"share": float(np.mean(batch != alone)), "largest": abs(batch - alone).max()}


@fact(
    "threads",
    claim="PyTorch's sum of a million float32 numbers changes between one thread and two, and is the same bits again "
    "at the same number.",
    matters="Runs on machines with other numbers of cores.",
    source="torch/_C/__init__.pyi: set_num_threads; torch/_C/_VariableFunctions.pyi: sum",
    deeper="aten/src/ATen/native/cpu/SumKernel.cpp: cascade_sum",
    needs="torch",
    expected={"changed of 20": measured(1, 20), "distinct at two threads": 1},
    depends=True,
)
def threads():
    import torch

    x = [torch.from_numpy(row) for row in np.random.default_rng(0).normal(size=(20, 1_000_003)).astype(np.float32)]
    was, sums = torch.get_num_threads(), {}
    for n in (1, 2):
        torch.set_num_threads(n)
        sums[n] = [row.sum().item() for row in x]
    distinct = len({x[0].sum().item() for _ in range(20)})
    torch.set_num_threads(was)
    return {
        "changed of 20": sum(a != b for a, b in zip(*sums.values(), strict=True)),
        "distinct at two threads": distinct,
    }
