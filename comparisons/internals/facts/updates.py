"""Optimizers: default rates, schedules, and the ways in which one update can be computed."""

import math

import numpy as np

from comparisons.internals.expectation import measured, off, rounded
from comparisons.internals.fact import fact
from comparisons.internals.facts.common import keras_steps

AREA = "optimizers"
RATES = {
    "SGD": (0.01, 0.001), "RMSprop": (0.001, 0.01), "Adagrad": (0.001, 0.01), "Adadelta": (0.001, 1.0),
    "Nadam": (0.001, 0.002), "Adamax": (0.001, 0.002), "Adafactor": (0.001, 0.01), "Adam": (0.001, 0.001),
    "AdamW": (0.001, 0.001),
}  # fmt: skip


@fact(
    "rates",
    claim="Default learning rates differ in all but Adam and AdamW: SGD 0.01 in Keras and 0.001 in PyTorch, RMSprop "
    "0.001 and 0.01, Adagrad 0.001 and 0.01, Adadelta 0.001 and 1, Nadam and Adamax 0.001 and 0.002, Adafactor 0.001 "
    "and 0.01.",
    matters="A translation by names alone.",
    source="keras/src/optimizers/sgd.py: SGD.__init__; torch/optim/sgd.py: SGD.__init__",
    needs="keras torch",
    expected={name: [float(np.float32(ours)), theirs] for name, (ours, theirs) in RATES.items()},
)
def rates():
    import keras
    import torch

    theta = [torch.nn.Parameter(torch.zeros(2, 2))]
    return {
        name: [
            float(getattr(keras.optimizers, name)().learning_rate.numpy()),
            getattr(torch.optim, "NAdam" if name == "Nadam" else name)(theta).defaults["lr"],
        ]
        for name in RATES
    }


@fact(
    "adam-ways",
    claim="PyTorch's foreach Adam has the bits of its plain loop; fused=True has others in 1 to 5 % of the weights "
    "after 200 steps.",
    matters="Which optimizer a bitwise comparison is with: fused takes the processor's √, the others MKL's.",
    source="torch/optim/adam.py: _multi_tensor_adam; torch/optim/adam.py: _fused_adam",
    needs="torch",
    expected={"foreach": 0, "fused": measured(1, 4096)},
    depends=True,
)
def adam_ways():
    import torch

    gradients = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 4096)).astype(np.float32))

    def trained(**how):
        theta = torch.nn.Parameter(torch.zeros(4096))
        optimizer = torch.optim.Adam([theta], lr=1e-3, **how)
        for gradient in gradients:
            theta.grad = gradient
            optimizer.step()
        return theta.detach()

    plain = trained(foreach=False)
    return {"foreach": int((trained(foreach=True) != plain).sum()), "fused": int((trained(fused=True) != plain).sum())}


@fact(
    "schedule-float32",
    claim="Keras's ExponentialDecay computes in float32 even where floatx is float64: after 5,000 steps of 0.999 its "
    "rate is float32(0.999)⁵⁰⁰⁰, 6.4e-5 too large. PyTorch's ExponentialLR multiplies in float64.",
    matters="Long schedules in float64 comparisons.",
    source="keras/src/optimizers/schedules/learning_rate_schedule.py: ExponentialDecay.__call__; "
    "torch/optim/lr_scheduler.py: ExponentialLR.get_lr",
    needs="keras torch",
    expected={
        "Keras off": off(
            (float(np.float32(0.999)) / 0.999) ** 5000 - 1, 20 * 2.0**-24, "float32(0.999)⁵⁰⁰⁰ and 20 roundings"
        ),
        "PyTorch off": off(0, 5000 * 2.0**-53, "5,000 roundings in float64"),
    },
)
def schedule_float32():
    import keras
    import torch

    keras.config.set_floatx("float64")
    ours = float(keras.optimizers.schedules.ExponentialDecay(1e-3, 1, 0.999)(5000))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.999)
    for _ in range(5000):
        optimizer.step()
        schedule.step()
    exact = 1e-3 * 0.999**5000
    return {"Keras off": ours / exact - 1, "PyTorch off": schedule.get_last_lr()[0] / exact - 1}


@fact(
    "float64-constants",
    claim="Of Keras's float64 optimizers on TensorFlow RMSprop is exact, Adagrad has float32's start 0.1, and Adamax "
    "float32's β₁ in its power.",
    matters="Which Keras optimizer can be compared at 1e-12.",
    source="keras/src/optimizers/adagrad.py: Adagrad.build; keras/src/optimizers/adamax.py: Adamax.update_step",
    needs="keras",
    expected={
        "RMSprop": rounded(-0.01 * 0.5 / math.sqrt(0.1 * 0.25 + 1e-7), 16, "float64"),
        "Adagrad": rounded(-0.01 * 0.5 / math.sqrt(float(np.float32(0.1)) + 0.25 + 1e-7), 16, "float64"),
        "Adamax": rounded(-0.01 * 0.05 / ((1 - float(np.float32(0.9))) * (0.5 + 1e-7)), 16, "float64"),
    },
)
def float64_constants():
    import keras

    keras.config.set_floatx("float64")
    names = ("RMSprop", "Adagrad", "Adamax")
    return {name: keras_steps(getattr(keras.optimizers, name)(0.01), [0.5], dtype="float64") for name in names}
