"""PyTorch, training something near what it was asked to."""

from wrong import wrong  # beside this file

from comparisons.implementations import pytorch, pytorch_plain

LAYOUT = "torch"


def everything(experiment):
    yield from pytorch.train(wrong(experiment))


def plain(experiment):
    yield from pytorch_plain.train(wrong(experiment))
