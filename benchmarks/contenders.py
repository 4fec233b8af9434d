"""The contenders of `benchmarks.performance`: each trains in a process of its own and takes steps when it is told to.

    python -m benchmarks.contenders NAME JSON     # a number of steps on each line of standard input, 0 to end

A contender is a function of a setting that makes everything ready and returns what takes n steps. It trains on one
batch over and over, from memory, so that nothing but steps is timed; all of them start from the same numbers. The
first line that it prints is "ready", or why it cannot be; then the seconds that the steps took, and at last its peak
memory.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Steps = Callable[[int], object]


class Setting(NamedTuple):
    """Layer sizes, the number of examples of a batch, and how many threads everybody may use."""

    sizes: tuple[int, ...]
    m: int
    n_threads: int

    @property
    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """W (n_out, n_in) and b (n_out, 1) of each layer, float32: Glorot uniform, 0."""
        from reference.initial import glorot_uniform, initial

        values = initial(glorot_uniform, self.sizes, 0)
        numbers = range(1, len(self.sizes))
        return [(values[f"W[{n}]"].astype(np.float32), values[f"b[{n}]"].astype(np.float32)) for n in numbers]

    @property
    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """X (n_x, m) and Y (1, m), float32: the circles, or normal numbers where there are more features than two."""
        from reference.circles import circles

        X, Y = circles(self.m, 0)
        if self.sizes[0] != 2:
            X = np.random.default_rng(0).normal(size=(self.sizes[0], self.m))
        return X.astype(np.float32), Y.astype(np.float32)

    @property
    def activations(self) -> tuple[str, ...]:
        """ReLU, and a sigmoid at the output."""
        return ("relu",) * (len(self.sizes) - 2) + ("sigmoid",)


def taped(setting: Setting) -> Steps:
    """The reference, as `backproof.train` runs it."""
    from reference.tape import replayed

    return _reference(setting, lambda *of: replayed(*of, ("J",)))


def plain(setting: Setting) -> Steps:
    """The reference's plain functions, walked by name."""
    from reference.running import train

    return _reference(setting, train)


def _reference(setting: Setting, train: Callable[..., Any]) -> Steps:
    from reference.article import network
    from reference.running import batches_given

    start = {f"{letter}[{n}]": value for n, layer in enumerate(setting.layers, 1)
             for letter, value in zip("Wb", layer, strict=True)}  # fmt: skip
    batch, is_over = setting.batch, False

    def batches() -> Any:
        while not is_over:
            yield batch

    steps = train(network(setting.sizes, setting.activations), start, batches_given(batches(), 1e-3))

    def take(n: int) -> None:
        for _ in range(n):
            next(steps)

    return take


def products(setting: Setting) -> Steps:
    """NumPy's matrix products of a step alone, into arrays that are there."""
    A, triples = setting.batch[0], []
    rng = np.random.default_rng(1)
    for number, (W, _) in enumerate(setting.layers, 1):
        dZ = rng.normal(size=(len(W), setting.m)).astype(np.float32)
        triples += [(W, A, np.empty_like(dZ)), (dZ, A.mT, np.empty_like(W))]
        if number > 1:
            triples.append((W.mT, dZ, np.empty_like(A)))
        A = rng.normal(size=dZ.shape).astype(np.float32)

    def take(n: int) -> None:
        for _ in range(n):
            for one, other, out in triples:
                np.matmul(one, other, out)

    return take


def torch_fused(setting: Setting) -> Steps:
    """PyTorch, eager, Adam(fused=True)."""
    return _torch(setting, fused=True)


def torch_default(setting: Setting) -> Steps:
    """PyTorch, eager, Adam as it comes."""
    return _torch(setting)


def torch_compiled(setting: Setting) -> Steps:
    """PyTorch, torch.compile of the model and the loss, Adam(fused=True)."""
    return _torch(setting, compiled=True, fused=True)


def _torch(setting: Setting, *, compiled: bool = False, **options: bool) -> Steps:
    import torch

    torch.set_num_threads(setting.n_threads)
    modules: list[torch.nn.Module] = []
    for (W, b), activation in zip(setting.layers, setting.activations, strict=True):
        linear = torch.nn.Linear(*W.shape[::-1])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W))
            linear.bias.copy_(torch.from_numpy(b[:, 0]))
        modules += [linear, torch.nn.ReLU() if activation == "relu" else torch.nn.Sigmoid()]
    model, loss_fn = torch.nn.Sequential(*modules), torch.nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, **options)
    x, y = (torch.from_numpy(part.T.copy()) for part in setting.batch)

    def loss_of(x: Any, y: Any) -> Any:
        return loss_fn(model(x), y)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def take(n: int) -> None:
        for _ in range(n):
            optimizer.zero_grad()
            loss_of(x, y).backward()
            optimizer.step()

    return take


def keras_fit(setting: Setting) -> Steps:
    """Keras's fit, as the article has it: 32 batches an epoch."""
    model, x, y = _keras(setting)
    n_batches = 32
    xs, ys = np.tile(x, (n_batches, 1)), np.tile(y, (n_batches, 1))

    def take(n: int) -> None:
        model.fit(xs, ys, batch_size=setting.m, epochs=max(1, n // n_batches), shuffle=False, verbose=0)

    return take


def keras_batches(setting: Setting) -> Steps:
    """Keras's train_on_batch."""
    model, x, y = _keras(setting)

    def take(n: int) -> None:
        for _ in range(n):
            model.train_on_batch(x, y)

    return take


def tf_function(setting: Setting) -> Steps:
    """A Keras model and optimizer in a tf.function with a GradientTape."""
    model, x, y = _keras(setting)
    import tensorflow as tf

    from comparisons.implementations.keras_model import keras

    loss_fn, optimizer = keras.losses.BinaryCrossentropy(), model.optimizer
    optimizer.build(model.trainable_variables)
    x, y = tf.constant(x), tf.constant(y)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    def take(n: int) -> None:
        for _ in range(n):
            step(x, y)

    return take


def _keras(setting: Setting) -> tuple[Any, np.ndarray, np.ndarray]:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(setting.n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(setting.n_threads)
    from comparisons.implementations.keras_model import keras

    model = keras.Sequential([keras.Input((setting.sizes[0],))])
    for (W, b), activation in zip(setting.layers, setting.activations, strict=True):
        layer = keras.layers.Dense(len(W), activation=activation)
        model.add(layer)
        layer.set_weights([W.T, b[:, 0]])
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(1e-3))
    X, Y = setting.batch
    return model, X.T.copy(), Y.T.copy()


def jax_jit(setting: Setting) -> Steps:
    """JAX, the step with Adam written out in one jit."""
    import jax
    import jax.numpy as jnp

    x, y = (jnp.asarray(part) for part in setting.batch)

    def loss_of(layers: Any) -> Any:
        A = x
        for number, (W, b) in enumerate(layers, 1):
            Z = W @ A + b
            A = jax.nn.relu(Z) if number < len(layers) else jax.nn.sigmoid(Z)
        return -jnp.mean(y * jnp.log(A) + (1 - y) * jnp.log(1 - A))

    @jax.jit
    def step(layers: Any, m: Any, v: Any, t: Any) -> Any:
        g = jax.grad(loss_of)(layers)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        layers = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / c1) / (jnp.sqrt(v / c2) + 1e-7), layers, m, v)
        return layers, m, v, t + 1

    layers = [(jnp.asarray(W), jnp.asarray(b)) for W, b in setting.layers]
    nothing = jax.tree.map(jnp.zeros_like, layers)
    state = [layers, nothing, nothing, 1.0]

    def take(n: int) -> None:
        for _ in range(n):
            state[:] = step(*state)
        jax.block_until_ready(state[0])

    return take


class Contender(NamedTuple):
    """What it is called in the tables, what takes its steps, and which package it needs."""

    called: str
    ready: Callable[[Setting], Steps]
    package: str


CONTENDERS = {
    "reference": Contender("NumPy reference", taped, "numpy"),
    "plain": Contender("NumPy reference, plain functions", plain, "numpy"),
    "products": Contender("NumPy's matrix products alone", products, "numpy"),
    "torch-fused": Contender("PyTorch eager, Adam fused", torch_fused, "torch"),
    "torch": Contender("PyTorch eager, Adam as it comes", torch_default, "torch"),
    "torch-compile": Contender("PyTorch torch.compile, Adam fused", torch_compiled, "torch"),
    "keras-fit": Contender("Keras fit", keras_fit, "keras"),
    "keras-batches": Contender("Keras train_on_batch", keras_batches, "keras"),
    "tf-function": Contender("Keras model in a tf.function", tf_function, "keras"),
    "jax": Contender("JAX jit", jax_jit, "jax"),
}


def main() -> None:
    """Take steps as often as asked."""
    name, of = sys.argv[1], json.loads(sys.argv[2])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    contender = CONTENDERS[name]
    answers, sys.stdout = sys.stdout, sys.stderr  # what a framework prints is no answer
    if importlib.util.find_spec(contender.package) is None:
        print(f"{contender.package} is not installed", file=answers, flush=True)
        return
    try:
        take = contender.ready(Setting(tuple(of["sizes"]), of["m"], of["n_threads"]))
        take(of["n_first"])
    except Exception as error:  # a framework that does not work here is told of, and the others go on
        print(f"{type(error).__name__}: {error}".splitlines()[0][:200], file=answers, flush=True)
        return
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        if not (n := int(line)):
            break
        began = time.perf_counter()
        take(n)
        print(time.perf_counter() - began, file=answers, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=answers, flush=True)


if __name__ == "__main__":
    main()
