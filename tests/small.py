"""The small experiment that most tests train: the article's layers, forty points, a partial batch in every epoch."""

from comparisons.experiment import Adam, Circles, Experiment, GradientDescent

OPTIMIZERS = {"adam": Adam(), "gradient-descent": GradientDescent()}


def small(precision: str = "float32", optimizer: str = "adam", **changes) -> Experiment:
    """Twelve steps: four epochs of batches of 16, 16 and 8 examples."""
    fields = {
        "name": "small",
        "precision": precision,
        "layers": (4, 6, 6, 4, 1),
        "epochs": 4,
        "batch_size": 16,
        "optimizer": OPTIMIZERS[optimizer],
        "data": Circles(n_train=40, n_test=0),
    }
    return Experiment(**fields | changes)
