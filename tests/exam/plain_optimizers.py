"""The five optimizers and the two decays as a plain loop has them, with every known mistake and dialect in its line.

Slots are what an optimizer remembers of one parameter, by letter: m, v, n, var; vmax only where AMSGrad keeps it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Slots = dict[str, np.ndarray]

SLOTS_OF = {"gradient-descent": "", "momentum": "m", "nesterov": "m", "rmsprop": "v", "adam": "mv"}


class Clock(NamedTuple):
    """What a step is told: its number t, from 1, the epoch's number, from 1, and the learning rate alpha."""

    t: int
    epoch: int
    alpha: float


def learning_rate(experiment, alpha: float, t: int, fault: str | None, number: Any) -> float:
    """The rate of step t, of which the experiment says alpha."""
    if fault == "doubled-learning-rate":
        return 2 * alpha
    if fault == "decayed-learning-rate" and number is None:
        return alpha / (1 + experiment.optimizer.learning_rate / experiment.epochs * (t - 1))
    if fault == "decayed-learning-rate":
        return alpha * number ** ((t - 1) // experiment.steps_per_epoch)
    if fault == "rate-in-float32":
        return float(np.float32(alpha))
    return alpha


def fresh_slots(experiment, theta: np.ndarray, fault: str | None) -> Slots:
    """Slots before the first step."""
    optimizer = experiment.optimizer
    letters = SLOTS_OF[optimizer.kind] + ("m" if getattr(optimizer, "centered", False) else "")
    slots = {letter: np.zeros_like(theta) for letter in letters}
    if fault == "slots-start-at-one":
        slots["v"] = np.ones_like(theta)
    if fault == "amsgrad":
        slots["vmax"] = np.zeros_like(theta)
    return slots


def decayed(experiment, name: str, theta: np.ndarray, g: np.ndarray, alpha: float, fault: str | None):
    """The parameter and the gradient that the optimizer is given, and what decay computed on the way, by letter."""
    decay = experiment.decay
    if decay.kind == "none":
        return theta, g, {}
    rate = decay.rate
    if fault == "decay-of-weights-only" and name.startswith("b"):
        rate = 0.0
    if fault == "decay-without-half":
        rate = 2 * rate
    if decay.kind == "coupled":
        g = g + rate * theta
        return theta, g, {"g": g}
    kept = theta - alpha * rate * theta
    return kept, g, {"kept": kept}


def moved(
    experiment, theta: np.ndarray, g: np.ndarray, slots: Slots, clock: Clock, fault: str | None, number: Any
) -> tuple[np.ndarray, Slots]:
    """The parameter after the step and its slots after the step; nothing is changed in place."""
    rule = {
        "gradient-descent": gradient_descent,
        "momentum": momentum,
        "nesterov": nesterov,
        "rmsprop": rmsprop,
        "adam": adam,
    }[experiment.optimizer.kind]
    step, slots = rule(experiment.optimizer, g, slots, clock, fault, number)
    if fault == "update-added":
        return theta + step, slots
    return theta - step, slots


def gradient_descent(optimizer, g, slots, clock, fault, number):
    """α g"""
    return clock.alpha * g, slots


def momentum(optimizer, g, slots, clock, fault, number):
    """m ← μ m + g; α m"""
    mu, alpha = optimizer.momentum, clock.alpha
    if fault == "velocity":
        m = mu * slots["m"] - alpha * g
        return -m, {"m": m}
    share = 1 - mu if fault == "momentum-as-an-average" else 1
    m = mu * slots["m"] + share * g
    if fault == "unused-momentum":
        return alpha * g, {"m": m}
    return alpha * m, {"m": m}


def nesterov(optimizer, g, slots, clock, fault, number):
    """m ← μ m + g; n = μ m + g; α n"""
    mu, alpha = optimizer.momentum, clock.alpha
    if fault == "nesterov-by-difference":  # there is no n in it
        m = mu * slots["m"] - alpha * g
        return mu * slots["m"] - (1 + mu) * m, {"m": m}
    if fault == "velocity":
        m = mu * slots["m"] - alpha * g
        n = mu * m - alpha * g
        return -n, {"m": m, "n": n}
    m = mu * slots["m"] + g
    n = mu * m + g
    if fault == "unused-momentum":
        return alpha * g, {"m": m, "n": n}
    return alpha * n, {"m": m, "n": n}


def rmsprop(optimizer, g, slots, clock, fault, number):
    """v ← ρ v + (1 − ρ) g²; α g/(√v + ε); centered, the variance in the place of v"""
    rho, alpha, epsilon = optimizer.rho, clock.alpha, optimizer.epsilon
    v = rho * slots["v"] + (1 - rho) * (g * g)
    after = {"v": v}
    divisor = v
    if optimizer.centered:
        after["m"] = rho * slots["m"] + (1 - rho) * g
        after["var"] = divisor = v - after["m"] * after["m"]
    return alpha * g / (np.sqrt(divisor) + epsilon), after


def adam(optimizer, g, slots, clock, fault, number):
    """m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; α (m/c1)/(√(v/c2) + ε)"""
    beta1, beta2, epsilon, alpha = optimizer.beta1, optimizer.beta2, optimizer.epsilon, clock.alpha
    if fault == "swapped-betas":
        beta1, beta2 = beta2, beta1
    if fault == "betas-in-float32":
        beta1, beta2 = float(np.float32(beta1)), float(np.float32(beta2))
    m = beta1 * slots["m"] + (1 - beta1) * g
    if fault == "second-moment-of-the-first":
        v = beta2 * slots["v"] + (1 - beta2) * (m * m)
    else:
        v = beta2 * slots["v"] + (1 - beta2) * (g * g)
    after = {"m": m, "v": v}
    c1, c2 = corrections(beta1, beta2, clock, fault, number)
    direction, size = m, v
    if fault == "unused-momentum":
        direction = g
    if fault == "amsgrad":
        after["vmax"] = size = np.maximum(slots["vmax"], v)
    if fault == "adam-epsilon-in-the-root":
        return alpha * (direction / c1) / np.sqrt(size / c2 + epsilon), after
    return alpha * (direction / c1) / (np.sqrt(size / c2) + epsilon), after


def corrections(beta1: float, beta2: float, clock: Clock, fault: str | None, number: Any) -> tuple[float, float]:
    """1 − β₁ᵗ, 1 − β₂ᵗ"""
    t = clock.t
    if fault == "uncorrected-adam":
        return 1.0, 1.0
    if fault == "constant-correction":
        return 1 - beta1, 1 - beta2
    if fault == "adam-time-off":
        t = {"ahead": t + 1, "epochs": clock.epoch, "behind": max(t - 1, 1)}[number]
    return 1 - beta1**t, 1 - beta2**t
