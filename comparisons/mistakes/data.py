"""Mistakes in what the network is shown: batches and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, tee

from comparisons.experiment import Experiment
from comparisons.mistakes.known import Forms, Known, variant
from reference.forms import Form


def of_batches(make: Callable) -> Forms:
    """A form that trains on other batches: `make` gives the experiment's ones and the experiment."""

    def forms(experiment: Experiment) -> Iterable[Form]:
        return [variant("", batches=lambda batches: make(batches, experiment))]

    return forms


def first_again(batches: Iterator, experiment: Experiment) -> Iterator:
    """The first batch, and the first of the smaller ones, at every step."""
    first: dict = {}
    for X, Y in batches:
        first.setdefault(X.shape, (X, Y))
        yield first[X.shape]


def as_the_data_lie(batches: Iterator, experiment: Experiment) -> Iterator:
    """Without shuffling."""
    return experiment.but(shuffle=False).batches()


def shuffled_once(batches: Iterator, experiment: Experiment) -> Iterator:
    """The first epoch again and again."""
    epoch = list(islice(batches, experiment.steps_per_epoch))
    for _ in range(experiment.epochs):
        yield from epoch


def labels_as_they_lie(batches: Iterator, experiment: Experiment) -> Iterator:
    """Examples shuffled, labels not."""
    for (X, _), (_, Y) in zip(batches, as_the_data_lie(batches, experiment), strict=True):
        yield X, Y


def labels_before(batches: Iterator, experiment: Experiment) -> Iterator:
    """Each batch with the labels of the one before."""
    examples, labels = tee(batches)
    last = None
    for (X, Y), (_, own) in zip(examples, labels, strict=True):
        yield X, Y if last is None else last
        last = own


def if_shuffled(forms: Forms) -> Forms:
    """Only where the experiment shuffles."""
    return lambda experiment: forms(experiment) if experiment.shuffle else ()


def if_of_one_size(forms: Forms) -> Forms:
    """Only where all batches are of one size."""
    return lambda experiment: forms(experiment) if len(set(experiment.batch_sizes)) == 1 else ()


DATA = (
    Known(
        "same-batch", "mistake", "A[0], Y",
        says="Every step trains on the first batch: the iterator is made anew at every step, or the slice does not "
        "move.",
        wrong="X, Y = next(iter(loader))  # inside the loop", right="for X, Y in loader:",
        shows="The first step holds. The training loss falls fast, the test accuracy does not follow.",
        seen="ZhaoJ9014/face.evoLVe#39; wandb/examples#444",
        forms=of_batches(first_again),
    ),
    Known(
        "unshuffled", "mistake", "A[0], Y",
        says="Batches come in the data's own order, epoch after epoch.",
        wrong="for i in range(0, n, size): X[:, i : i + size]", right="for X, Y in experiment.batches():",
        shows="Everything is broken from the first step on; each step is right for another batch.",
        seen="choderalab/modelforge#129; Deci-AI/super-gradients#416",
        forms=if_shuffled(of_batches(as_the_data_lie)),
    ),
    Known(
        "shuffled-once", "mistake", "A[0], Y",
        says="Examples are shuffled once, before the first epoch, and not again.",
        wrong="X = X[:, rng.permutation(n)]  # before the epochs", right="X = X[:, rng.permutation(n)]  # in each "
        "epoch",
        shows="The first epoch holds, the second breaks at its first step.",
        seen="EleutherAI/bergson#352; facebookresearch/ClassyVision#118",
        forms=lambda e: of_batches(shuffled_once)(e) if e.shuffle and e.epochs > 1 else (),
    ),
    Known(
        "shuffled-labels", "mistake", "Y",
        says="Examples are shuffled and their labels are not, so that they no longer belong together.",
        wrong="X = X[:, order]", right="X, Y = X[:, order], Y[:, order]",
        shows="Everything up to the output holds, loss and gradients are broken; the accuracy stays near one half.",
        seen="DrexelChatbotGroup/DrexelChatbot#15; mlcommons/GaNDLF#870",
        forms=if_shuffled(of_batches(labels_as_they_lie)),
    ),
    Known(
        "labels-of-the-batch-before", "mistake", "Y",
        says="Each batch is trained with the labels of the one before.",
        wrong="loss(A, Y_prev)", right="loss(A, Y)",
        shows="The first step holds, the loss of every other one is broken.",
        seen="labels of the batch after, in a metric: apache/mxnet#11793",
        forms=if_of_one_size(of_batches(labels_before)),
    ),
)  # fmt: skip
