"""`fit` and its history: what is averaged and when, what a seed reaches, and in which mode it runs."""

import random

import numpy as np

from comparisons.internals.expectation import Says, above, below, measured, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import article_in_keras, error_of, two_classes, weights_of

AREA = "fit"
TRAINER, ON_TENSORFLOW = "keras/src/trainers/trainer.py", "keras/src/backend/tensorflow/trainer.py"


def trained(epochs, **options):
    """All weights of the article's network after so many epochs of fit."""
    model, data = article_in_keras(**options), two_classes()
    model.fit(*data, epochs=epochs, batch_size=32, shuffle=False, verbose=0)
    return weights_of(model)


@fact(
    "fit-listing",
    claim="The article's listing, with Sequential(), Dense(4, input_dim=2) and adam by its name, runs on Keras 3 and "
    "makes 117 parameters; the one warning is about input_dim.",
    matters="Whoever follows the article today.",
    source="keras/src/layers/core/dense.py: Dense.__init__; keras/src/models/sequential.py: Sequential.add",
    needs="keras",
    expected={"parameters": 117, "it says": Says("Do not pass an `input_shape`/`input_dim` argument")},
    on_article=True,
)
def fit_listing():
    import warnings

    from keras.layers import Dense
    from keras.models import Sequential

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = Sequential()
        model.add(Dense(4, input_dim=2, activation="relu"))
        for n in (6, 6, 4):
            model.add(Dense(n, activation="relu"))
        model.add(Dense(1, activation="sigmoid"))
        model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
        x, y = two_classes(90)
        model.fit(x, y, epochs=1, verbose=0)
    said = [str(one.message) for one in caught if "input_dim" in str(one.message)]
    return {"parameters": model.count_params(), "it says": "; ".join(said)}


@fact(
    "fit-history",
    claim="The loss in the history is the mean over examples of losses computed before each update: neither the plain "
    "mean of the batches' losses nor what evaluate() says after the epoch.",
    matters="A curve of fit and a curve computed at the end of epochs are half an epoch apart.",
    source=f"{ON_TENSORFLOW}: TensorFlowTrainer.train_step",
    needs="keras",
    expected={
        "history over weighted mean": rounded(1, 200),
        "off the plain mean": above(1e-4, "another mean"),
        "off evaluate()": above(1e-3, "later weights"),
    },
    on_article=True,
)
def fit_history():
    import keras
    import tensorflow as tf

    x, y = two_classes()
    model = article_in_keras(keras.optimizers.SGD(0.5))
    start = model.get_weights()
    history = model.fit(x, y, epochs=1, batch_size=32, shuffle=False, verbose=0).history["loss"][0]
    after = model.evaluate(x, y, verbose=0)[0]
    model.set_weights(start)
    optimizer, losses, sizes = keras.optimizers.SGD(0.5), [], []
    for begin in range(0, 100, 32):
        batch = slice(begin, begin + 32)
        with tf.GradientTape() as tape:
            loss = keras.losses.BinaryCrossentropy()(y[batch], model(x[batch]))
        optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
        losses.append(float(loss))
        sizes.append(len(x[batch]))
    return {
        "history over weighted mean": history / np.average(losses, weights=sizes),
        "off the plain mean": abs(history - np.mean(losses)),
        "off evaluate()": abs(history - after),
    }


@fact(
    "fit-history-accuracy",
    claim="The accuracy in the history runs over moving weights too, and begins anew with each epoch: while a network "
    "learns it differs from evaluate().",
    matters="Whole points of accuracy, in a curve that nobody expects to be late.",
    source=f"{TRAINER}: Trainer.reset_metrics",
    needs="keras",
    expected={"largest difference": measured(0.02, 0.5)},
    on_article=True,
)
def fit_history_accuracy():
    import keras

    x, y = two_classes()
    model, told, evaluated = article_in_keras(keras.optimizers.SGD(1.0)), [], []
    for _ in range(15):
        told += model.fit(x, y, epochs=1, batch_size=8, shuffle=False, verbose=0).history["accuracy"]
        evaluated.append(model.evaluate(x, y, verbose=0)[1])
    return {"largest difference": np.abs(np.subtract(told, evaluated)).max()}


@fact(
    "fit-batches",
    claim="The default batch has 32 examples and the last, partial one is kept: 100 examples make 32, 32, 32 and 4.",
    matters="A step on 4 examples counts as much as one on 32: its examples eight times as much.",
    source="keras/src/trainers/data_adapters/array_data_adapter.py: ArrayDataAdapter",
    needs="keras",
    expected={"sizes": [32, 32, 32, 4]},
    on_article=True,
)
def fit_batches():
    import keras

    sizes = []

    class Told(keras.Sequential):
        def train_step(self, data):
            sizes.append(int(data[0].shape[0]))
            return super().train_step(data)

    model = Told([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.zeros((100, 2)), np.zeros(100), verbose=0)
    return {"sizes": sizes}


@fact(
    "fit-regularised",
    claim="The loss that fit and evaluate() report has regularisation in it.",
    matters="A curve with L2 and one without cannot be compared.",
    source=f"{TRAINER}: Trainer.compute_loss",
    needs="keras",
    expected={"evaluate() over the sum": rounded(1, 200), "loss alone over it": below(0.5, "L2 of 0.1 is most of it")},
)
def fit_regularised():
    import keras

    model, (x, y) = article_in_keras(regularizer=keras.regularizers.L2(0.1)), two_classes()
    evaluated = model.evaluate(x, y, verbose=0)[0]
    alone = float(keras.losses.BinaryCrossentropy()(y, model.predict(x, verbose=0)))
    return {
        "evaluate() over the sum": evaluated / (alone + float(sum(model.losses))),
        "loss alone over it": alone / evaluated,
    }


@fact(
    "fit-compiled",
    claim="jit_compile='auto' is False on TensorFlow without a GPU: fit runs in a graph that Grappler rewrites, and "
    "not under XLA.",
    matters="Which arithmetic fit has, and why it differs from an eager loop.",
    source="keras/src/backend/tensorflow/trainer.py: TensorFlowTrainer.make_train_function; "
    "keras/src/trainers/trainer.py: model_supports_jit",
    needs="keras",
    expected={"auto": False, "eager": False, "asked for": True},
    on_article=True,
)
def fit_compiled():
    ways = {"auto": {}, "eager": {"run_eagerly": True}, "asked for": {"jit_compile": True}}
    return {name: bool(article_in_keras(**options).jit_compile) for name, options in ways.items()}


@fact(
    "fit-modes",
    claim="The same fit in a graph, eagerly and under XLA gives weights that differ in last bits; repeated, and with "
    "four steps in one execution, it gives the same bits.",
    matters="Which differences two runs on one machine can have without a fault.",
    source=f"{ON_TENSORFLOW}: TensorFlowTrainer.make_train_function",
    needs="keras",
    expected={"repeated": 0, "four steps at once": 0, "eager": measured(1, 117), "XLA": measured(1, 117)},
    depends=True,
    on_article=True,
)
def fit_modes():
    graph = trained(20)
    ways = {"repeated": {}, "four steps at once": {"steps_per_execution": 4}, "eager": {"run_eagerly": True}}
    ways["XLA"] = {"jit_compile": True}
    return {name: int((trained(20, **options) != graph).sum()) for name, options in ways.items()}


@fact(
    "fit-grappler",
    claim="All of what separates fit in a graph from eager fit is one pass of Grappler: without "
    "arithmetic_optimization both give the same bits. Without remapping, which fuses layers, they do not.",
    matters="The switch to know for tests that compare bits; loss-gradient-in-a-graph is what the pass does.",
    source="tensorflow/python/eager/context.py: Context.set_optimizer_experimental_options",
    deeper="tensorflow/core/grappler/optimizers/arithmetic_optimizer.cc",
    needs="keras",
    expected={"without arithmetic_optimization": 0, "without remapping": measured(1, 117)},
    depends=True,
    on_article=True,
)
def fit_grappler():
    import tensorflow as tf

    eager, figures = trained(20, run_eagerly=True), {}
    for name in ("arithmetic_optimization", "remapping"):
        was = tf.config.optimizer.get_experimental_options().get(name, True)
        tf.config.optimizer.set_experimental_options({name: False})
        figures[f"without {name}"] = int((trained(20) != eager).sum())
        tf.config.optimizer.set_experimental_options({name: was})
    return figures


@fact(
    "fit-seeds",
    claim="NumPy's seed, which the article sets, fixes nothing in Keras 3: initial weights follow Python's "
    "random.seed, the order of examples tf.random.set_seed; keras.utils.set_random_seed fixes both.",
    matters="Runs that look reproducible and are not.",
    source="keras/src/random/seed_generator.py: make_default_seed; "
    "keras/src/trainers/data_adapters/array_data_adapter.py: ArrayDataAdapter.get_tf_dataset",
    needs="keras",
    expected={"numpy": [False, False], "random": [True, False], "tensorflow": [False, True], "keras": [True, True]},
    on_article=True,
)
def fit_seeds():
    import keras
    import tensorflow as tf

    class Told(keras.Sequential):
        def train_step(self, data):
            self.seen.append(data[0].numpy().ravel().tolist())
            return super().train_step(data)

    def run(seed):
        random.seed()
        tf.random.set_seed(random.randrange(2**30))
        seed(0)
        model = Told([keras.Input((1,)), keras.layers.Dense(1)])
        model.seen, weight = [], float(model.layers[0].kernel.numpy()[0, 0])
        model.compile("sgd", "mse", run_eagerly=True)
        x = np.arange(64, dtype=np.float32)[:, None]
        model.fit(x, x, verbose=0)
        return weight, model.seen

    seeds = {"numpy": np.random.seed, "random": random.seed, "tensorflow": tf.random.set_seed}
    seeds["keras"] = keras.utils.set_random_seed
    pairs = {name: (run(seed), run(seed)) for name, seed in seeds.items()}
    return {name: [one[0] == other[0], one[1] == other[1]] for name, (one, other) in pairs.items()}


@fact(
    "fit-validation",
    claim="validation_split takes the last part of the arrays, before anything is shuffled.",
    matters="Sorted data give a validation set of one class.",
    source="keras/src/trainers/data_adapters/array_slicing.py: train_validation_split",
    needs="keras",
    expected={"validation loss over that of the tail": rounded(1, 100)},
)
def fit_validation():
    x, _ = two_classes()
    y = np.repeat([0.0, 1.0], (80, 20)).astype(np.float32)[:, None]
    model = article_in_keras()
    told = model.fit(x, y, validation_split=0.2, epochs=1, verbose=0).history["val_loss"][0]
    return {"validation loss over that of the tail": told / model.evaluate(x[80:], y[80:], verbose=0)[0]}


@fact(
    "fit-shapes",
    claim="A compiled model on TensorFlow that has evaluated targets (n,) raises for targets (n, 1): the function "
    "that was traced again knows no rank, and the loss asks for its length.",
    matters="Each call alone is right; the second is a crash.",
    source=f"{ON_TENSORFLOW}: TensorFlowTrainer._make_function; "
    "keras/src/losses/loss.py: squeeze_or_expand_to_same_rank",
    needs="keras",
    expected={"(n,) then (n, 1)": "ValueError", "(n, 1) twice": "none"},
)
def fit_shapes():
    x, y = two_classes(64)

    def evaluated(*targets):
        model = article_in_keras()
        return error_of(lambda: [model.evaluate(x, target, verbose=0) for target in targets])

    return {"(n,) then (n, 1)": evaluated(y[:, 0], y), "(n, 1) twice": evaluated(y, y)}


@fact(
    "fit-evaluate",
    claim="evaluate() weighs the partial batch by its examples: the loss does not depend on the batch size but for "
    "rounding.",
    matters="Unlike training, where the partial batch counts as a whole one.",
    source=f"{ON_TENSORFLOW}: TensorFlowTrainer.test_step",
    needs="keras",
    expected={"largest over smallest, less 1": below(300 * 2.0**-24, "100 examples of three roundings each")},
    on_article=True,
)
def fit_evaluate():
    model, (x, y) = article_in_keras(), two_classes()
    losses = [model.evaluate(x, y, batch_size=size, verbose=0)[0] for size in (1, 7, 32, 100)]
    return {"largest over smallest, less 1": max(losses) / min(losses) - 1}
