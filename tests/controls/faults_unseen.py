"""Faults so small that the loss curve still looks right, in the article's whole training."""

from comparisons.experiment import Experiment
from tests.controls.faults import Fault
from tests.controls.faults_update import PARAMETERS, with_another_epsilon
from tests.controls.plain_network import PlainNetwork

EPOCH = 11
PER_EPOCH = Experiment().steps_per_epoch
FROZEN = tuple(range((EPOCH - 1) * PER_EPOCH + 1, EPOCH * PER_EPOCH + 1))


def off_in_one_element(network, l):
    dW = PlainNetwork.weight_gradient(network, l)
    dW[0, 0] *= dW.dtype.type(1 + 1e-4)
    return dW


UNSEEN = (
    Fault("one element of a gradient off by 1e-4", "weight_gradient", off_in_one_element, ("dW[1]",),
          "by 1e-4 of itself, at every step; the moments are right ones of the wrong gradient", only=(1,)),
    Fault("Adam's epsilon 1e-6", "adam_step", with_another_epsilon, PARAMETERS, "1e-7 is the experiment's"),
    Fault("one bias frozen for an epoch", "adam_step", lambda network, name, theta: theta, ("b[2]",),
          f"epoch {EPOCH} is steps {FROZEN[0]} to {FROZEN[-1]}", only=("b[2]",), at=FROZEN, first=FROZEN[0]),
)  # fmt: skip
