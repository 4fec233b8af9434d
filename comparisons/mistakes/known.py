"""What is known of a mistake or a convention: the forms that reproduce it, and what to tell whoever made it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from comparisons.experiment import Experiment
from reference.alphabet import Array
from reference.forms import Change, Form
from reference.network import Equation, Group, Network, Ref, arguments, before, now

Forms = Callable[[Experiment], Iterable[Form]]
Only = Callable[[Equation, Network], bool]


def none(experiment: Experiment) -> Iterable[Form]:
    """No form: what is told apart in another way."""
    return ()


@dataclass(frozen=True, eq=False)
class Known:
    """A mistake, or a convention that is none.

    `equation` is where it stands, `says` what it is in a sentence or two, `wrong` and `right` the lines of code,
    `shows` how it comes to light, `seen` where somebody met it. `forms` are those that reproduce it, one for each
    variant: for a network or an experiment in which it cannot be, none.
    """

    name: str
    kind: Literal["mistake", "dialect"]
    equation: str
    says: str
    wrong: str
    right: str
    shows: str
    forms: Forms = none
    seen: str = ""

    def variants(self, experiment: Experiment) -> tuple[Form, ...]:
        """Its forms, each with a name of its own: that of a single one is the mistake's."""
        return tuple(
            replace(
                form,
                name=f"{self.name}: {form.variant}" if form.variant else self.name,
                kind=self.kind,
                choice=form.choice or self.name,
                says=self.says,
                family=self.name,
            )
            for form in self.forms(experiment)
        )


def variant(
    name: str,
    *changes: Change,
    adds: Callable[[Network], Group] | None = None,
    batches: Callable[[Iterator], Iterator] | None = None,
    choice: str = "",
) -> Form:
    """One way to make a mistake; its name says which, and is empty where there is only one."""
    return Form("", "mistake", changes, choice=choice, adds=adds, batches=batches, variant=name)


def always(number: float) -> Callable[[float], float]:
    """A constant's new value, whatever the old one was."""
    return lambda _: number


def altered(
    by: Callable[..., Array],
    compute: Callable[..., Array],
    formula: str,
    reads: tuple[str, ...] = (),
    constants: tuple[str, ...] = (),
) -> Callable[..., Array]:
    """What `compute` makes of the result of `by`, as an equation's function that takes the arguments of both.

    Formula: of the result, with {} where the first line of the docstring of `by` goes.
    """
    old = inspect.signature(by).parameters.values()

    def function(**given: Array) -> Array:
        own = {name: given.pop(name) for name in (*reads, *constants)}
        return compute(by(**given), **own)

    function.__name__ = f"{compute.__name__}_{by.__name__}"
    function.__doc__ = formula.format((by.__doc__ or by.__name__).splitlines()[0])
    positional = [p.name for p in old if p.kind != p.KEYWORD_ONLY] + list(reads)
    keywords = [p.name for p in old if p.kind == p.KEYWORD_ONLY] + list(constants)
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in positional]
        + [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in keywords]
    )
    function.is_elementwise = getattr(by, "is_elementwise", False)  # type: ignore[attr-defined]
    return function


def cached(make: Callable[[Callable[..., Array]], Callable[..., Array]]) -> Callable:
    """Make each function once: equations are told apart by their functions."""
    return functools.cache(make)


# Which equations ------------------------------------------------------------------------------------------------------


def gradients(equation: Equation, network: Network) -> bool:
    """dW[l] and db[l]."""
    return equation.defines[0] == "d" and equation.defines[1:] in network.parameters


def weight_gradients(equation: Equation, network: Network) -> bool:
    """dW[l]."""
    return equation.defines.startswith("dW[")


def updates(equation: Equation, network: Network) -> bool:
    """W[l] and b[l]."""
    return equation.defines in network.parameters


def bias_updates(equation: Equation, network: Network) -> bool:
    """b[l]."""
    return equation.defines in network.parameters and equation.defines.startswith("b[")


def with_the_rate(equation: Equation, network: Network) -> bool:
    """What the learning rate is in, but for a decay."""
    is_scalar = not network.shapes[equation.defines]  # another rate, made from it
    return now("alpha") in equation.reads.values() and not is_scalar and not equation.defines.startswith("kept_")


def is_square(equation: Equation, network: Network) -> bool:
    """Of a layer with as many units as inputs, more than one."""
    n, n_in = network.shapes[f"W[{number_of(equation)}]"]
    return n == n_in != 1


def square_above(equation: Equation, network: Network) -> bool:
    """dA[l] below a square layer."""
    n, n_in = network.shapes[f"W[{number_of(equation) + 1}]"]
    return n == n_in != 1


def number_of(equation: Equation) -> int:
    """2 for the equation of dW[2]."""
    return int(equation.defines.partition("[")[2].rstrip("]"))


def beside(name: str, step: int) -> str:
    """Z[3] beside Z[2]."""
    letter, _, number = name.rstrip("]").partition("[")
    return f"{letter}[{int(number) + step}]"


# What the optimizer is given in the place of a gradient ---------------------------------------------------------------


def used_instead(
    function: Callable[..., Array], constants: dict[str, float], weights_only: bool = False
) -> tuple[Callable[[Network], Group], Change]:
    """The parts of a form in which the optimizer reads used_dθ, made from dθ (g) and from θ (theta), instead of dθ."""

    def chosen(network: Network) -> list[str]:
        return [theta for theta in network.parameters if theta.startswith("W[") or not weights_only]

    def adds(network: Network) -> Group:
        takes, _ = arguments(function)
        group: dict[str, Equation] = {}
        for theta in chosen(network):
            reads = {"g": now(f"d{theta}"), "theta": before(theta)}
            used = f"used_d{theta}"
            group[used] = Equation(used, function, {n: r for n, r in reads.items() if n in takes}, constants)
        return Group(shapes={name: network.shapes[name.removeprefix("used_d")] for name in group},
                     update=tuple(group.values()))  # fmt: skip

    def reads_a_gradient(equation: Equation, network: Network) -> bool:
        g = equation.reads.get("g")
        return bool(
            g and not equation.defines.startswith("used_") and g.name in {f"d{theta}" for theta in chosen(network)}
        )

    def used(equation: Equation) -> Ref:
        return now(f"used_{equation.reads['g'].name}")

    return adds, Change(only=reads_a_gradient, reads={"g": used})
