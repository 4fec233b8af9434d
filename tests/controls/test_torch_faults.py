"""What must be rejected in PyTorch: faults of the usual loop, each one line, beside the loop without it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from comparisons.certifying import certify
from comparisons.delivery import DeliveryError
from comparisons.recording import record
from tests.controls.faults import each
from tests.controls.nudge import EXACTLY_THAT_STEP, NUDGE, STEP, broken_steps, found_in, parameters_alone
from tests.frameworks import framework
from tests.small import small

torch = framework("torch")
from comparisons.implementations import pytorch_plain  # noqa: E402  (it imports torch)
from comparisons.implementations.torch_model import model_of  # noqa: E402
from comparisons.shown_by_torch import moments, parameters  # noqa: E402

pytestmark = pytest.mark.xdist_group("torch")
LAYOUT = "torch"
PARAMETERS = each("W", "b")
MOMENTS = each("m_W", "m_b", "v_W", "v_b")


def nothing(*_: Any) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True)
class Loop:
    """The usual loop, everything shown; each field is a line of it, and `breaks` what must break, `because` of what."""

    name: str
    breaks: tuple[str, ...] = ()
    because: str = ""
    first: int | None = 1
    model: Callable = nothing
    loss: Callable = torch.nn.functional.binary_cross_entropy
    optimizer: Callable = torch.optim.Adam
    settings: dict[str, Any] = field(default_factory=dict)
    zero_grad: Callable = torch.optim.Optimizer.zero_grad
    before_step: Callable = nothing
    after_step: Callable = nothing

    def train(self, experiment):
        """Train as PyTorch's users do."""
        torch.set_num_threads(1)
        model = model_of(experiment)
        self.model(model)
        optimizer = self.optimizer(model.parameters(), **{"lr": 1e-3, "eps": 1e-7} | self.settings)
        named = parameters(model)
        names = [f"{letter}[{number}]" for number in range(1, 6) for letter in "ZA"]
        for number, (X, Y) in enumerate(experiment.batches(), 1):
            outputs, a = {}, torch.from_numpy(X.T.copy())
            for name, module in zip(names, model, strict=True):
                a = outputs[name] = module(a)
                a.retain_grad()
            J = self.loss(a, torch.from_numpy(Y.T.copy()))
            self.zero_grad(optimizer)
            J.backward()
            self.before_step(model)
            optimizer.step()
            self.after_step(model, optimizer, number)
            gradients = {f"d{name}": value.grad for name, value in (outputs | named).items()}
            yield {"J": J} | outputs | gradients | moments(optimizer, named) | named


def leaky_in_layer_2(model):
    model[3] = torch.nn.LeakyReLU(0.01)


def nudge(model, optimizer, number):
    if number == STEP:
        with torch.no_grad():
            model[2].weight[0, 0] += NUDGE


def halve_the_rate(model, optimizer, number):
    optimizer.param_groups[0]["lr"] /= 2


def clip(model):
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-2)


HONEST = Loop("honest")
FAULTS = (
    Loop("gradient not zeroed", each("dW", "db"), "step 1 has nothing to add to; dA and dZ are new tensors each time",
         first=2, zero_grad=nothing),
    Loop("loss summed", ("J", "dA[5]"), "the 1/m is nowhere: its gradient is m times that of the mean",
         loss=partial(torch.nn.functional.binary_cross_entropy, reduction="sum")),
    Loop("loss of logits behind a sigmoid", ("J", "dA[5]"), "σ(A) for A, in the loss alone",
         loss=torch.nn.functional.binary_cross_entropy_with_logits),
    Loop("leaky ReLU in one layer", ("A[2]", "dZ[2]"), "its slope goes both ways", model=leaky_in_layer_2),
    Loop("gradient clipped", each("dW", "db"), "in place, before the optimizer takes it", before_step=clip),
    Loop("L2 in Adam", MOMENTS, "added to the gradient inside the optimizer, so that .grad is right and m, v are not",
         settings={"weight_decay": 1e-2}),
    Loop("AdamW", PARAMETERS, "its decay joins θ alone", optimizer=torch.optim.AdamW),
    Loop("NAdam", PARAMETERS, "m and v are Adam's, the step is not", optimizer=torch.optim.NAdam),
    Loop("maximised", each("m_W", "m_b"), "the gradient is turned inside the optimizer; its square is the same",
         settings={"maximize": True}),
    Loop("rate halved after each step", PARAMETERS, "step 1 still has the whole one", first=2,
         after_step=halve_the_rate),
    Loop("nudged", ("W[2]",), "one weight, one step", first=STEP, after_step=nudge),
)  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_loop_without_a_fault_agrees(precision):
    certificate = certify(record(HONEST.train, small(precision)))
    assert certificate.verdict == "agrees"
    assert certificate.chain.holds


@pytest.mark.parametrize("loop", FAULTS, ids=lambda loop: loop.name)
def test_a_fault_breaks_exactly_what_is_computed_wrongly(loop):
    certificate = certify(record(loop.train, small()), naming=False)
    assert set(loop.breaks) == set(certificate.broken()), loop.because
    assert loop.first == min(first for first, _ in broken_steps(certificate).values()), loop.because


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_of_a_nudged_weight_exactly_that_step_breaks(precision):
    assert EXACTLY_THAT_STEP == found_in(record(FAULTS[-1].train, small(precision)))


def test_the_weights_alone_of_the_loop_without_a_fault_agree():
    assert certify(parameters_alone(record(HONEST.train, small()))).verdict == "agrees"


def nudged_in_the_usual_loop(experiment):
    """PyTorch as everybody writes it; what it yields is what it goes on with, so that a reader can move it."""
    for number, shown in enumerate(pytorch_plain.train(experiment), 1):
        if number == STEP:
            with torch.no_grad():
                shown["W[2]"][0, 0] += NUDGE
        yield shown


def test_of_a_weight_nudged_in_the_untouched_loop_exactly_that_step_breaks():
    assert EXACTLY_THAT_STEP == found_in(record(nudged_in_the_usual_loop, small()))


def test_a_model_in_another_precision_is_refused():
    def train(experiment):
        experiment.batches().__next__()
        yield {"W[1]": model_of(small("float32"))[0].weight}

    with pytest.raises(DeliveryError, match=r"W\[1\] is float32, but the experiment's precision is float64"):
        record(train, small("float64"))
