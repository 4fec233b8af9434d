"""A reproducer: one broken equation with the numbers of one step, as a script that needs NumPy alone."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from comparisons.certificate import Certificate, Row
from comparisons.composed import given_by
from comparisons.trace import Trace
from comparisons.wording import DIGITS, element, first_broken, multiple, value
from reference.alphabet import Array
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.network import Equation, Network, Ref, before, now
from reference.running import evaluate

SCRIPT = '''"""{title}

{formula}

Needs NumPy 2 and nothing else; exits with 1 as long as the number lies outside its bound.
"""

from __future__ import annotations

import numpy as np

{code}{numbers}

at, bound = {index}, {bound}
wanted = float(expected[at])
found = float(actual[at])
print(f"expected {{wanted:.{digits}g}} ± {shown_bound}")
print(f"actual   {{found:.{digits}g}}")
raise SystemExit(int(not abs(found - wanted) <= bound))
'''


def reproducer(trace: Trace, certificate: Certificate) -> str:
    """The script for the number that a disagreement tells of; its equation's code is copied into it.

    Where an equation has no code of its own (start values, the examples), what is expected stands there as numbers.
    Error: ValueError where nothing is broken.
    """
    row = first_broken(certificate.rows)
    if row is None:
        raise ValueError("nothing is broken, so that there is nothing to reproduce")
    network = in_form(trace.network, *(form for form in DIALECTS if form.name in certificate.forms))
    name = row.quantity
    actual = trace.start[name] if row.step == 0 else trace.values(name, row.step)
    equation = network.by_name.get(name) if row.step else None
    code = source_of(equation.by) if equation else None
    values = _values(trace, network, row.step) if equation else {}
    if equation is not None and code is not None and _shows(equation, values, row):
        numbers = _inputs(equation, values, trace)
        call = ", ".join([*(_call(label, values[ref]) for label, ref in equation.reads.items()),
                          *(f"{label}={number!r}" for label, number in equation.constants.items())])  # fmt: skip
        numbers.append(f"expected = {_name(equation.by)}({call})")
    else:
        code, expected = "", np.full(actual.shape, np.nan)
        expected[row.index] = row.expected
        numbers = [f"expected = {_literal(expected)}  # what Backproof computed; the other numbers are left out"]
    numbers.append(f"actual = {_literal(actual)}  # {name}, as it was shown")
    where = "the start" if row.step == 0 else f"step {row.step:,}"
    return SCRIPT.format(
        title=f"{certificate.implementation} ({trace.precision}), {where}: {element(name, row.index)} is "
        f"{value(row.actual, trace.precision)}, expected {value(row.expected, trace.precision)}.",
        formula=row.equation,
        code=code,
        numbers="\n".join(numbers),
        index=row.index,
        bound=repr(row.bound),
        digits=DIGITS[trace.precision],
        shown_bound=multiple(row.bound),
    )


def source_of(function: Callable[..., Array]) -> str | None:
    """The code of a function and of all that it calls, without decorators and types; None where it has none."""
    parts: dict[str, str] = {}
    try:
        return "".join(parts.values()).lstrip() if _add(function, _name(function), parts) else None
    except OSError:  # it was not written in a file
        return None


def _add(function: Any, name: str, parts: dict[str, str]) -> bool:
    """Add a function under this name, after all that it calls; False where that cannot be."""
    function = inspect.unwrap(function)
    if name in parts:
        return True
    if not inspect.isfunction(function) or function.__closure__ or function.__name__ == "<lambda>":
        return False
    plain = _Plain(function.__globals__)
    tree = plain.visit(ast.parse(textwrap.dedent(inspect.getsource(function))))
    tree.body[0].name = name
    for called in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}):
        found = plain.known.get(called)
        if found is None or found is np or inspect.isbuiltin(found):
            continue
        if inspect.ismodule(found):
            parts.setdefault(f"import {called}", f"import {found.__name__} as {called}\n\n")
        elif isinstance(found, np.ufunc):
            parts.setdefault(f"ufunc {called}", f"{called} = np.{found.__name__}\n\n")
        elif not callable(found) or not _add(found, called, parts):
            return False
    parts[name] = f"\n{ast.unparse(ast.fix_missing_locations(tree))}\n\n"
    return True


class _Plain(ast.NodeTransformer):
    """A function without decorators, types and all but the first line of its docstring; ours need no module."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = dict(known)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.decorator_list, node.returns = [], None
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            argument.annotation = None
        if text := ast.get_docstring(node):
            node.body[0] = ast.Expr(ast.Constant(text.splitlines()[0]))
        self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """alphabet.sigmoid as a name, so that it is copied."""
        module = self.known.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if inspect.ismodule(module) and module.__name__.startswith("reference."):
            assert isinstance(node.value, ast.Name)
            name = f"{node.attr}_of_{node.value.id}"
            self.known[name] = getattr(module, node.attr)
            return ast.Name(name, node.ctx)
        self.generic_visit(node)
        return node


def _values(trace: Trace, network: Network, step: int) -> dict[Ref, Array]:
    """All that a step reads and gives, in float64: as it was recorded, or as it follows from what was."""
    state: dict[str, Array] = {name: np.full(network.shape(name, 0), start) for name, start in network.start.items()}
    state |= {name: np.asarray(start, np.float64) for name, start in trace.start.items()}
    first = trace.first
    if set(network.remembered) <= set(trace.shown) and step > first:  # nothing has to be followed up to there
        first = step
        state = {
            name: value.astype(np.float64) for name, (value,) in trace.read(network.remembered, [step - 1]).items()
        }
    values: dict[Ref, Array] = {}
    given_from_first = itertools.islice(given_by(trace.experiment), first - 1, step)
    for part in trace.part(first, step).parts():
        for number, given in zip(range(part.first, part.first + part.n_steps), given_from_first, strict=False):
            values = {now(name): _double(_recorded(part, name, number, array)) for name, array in given.items()}
            values |= {before(name): state[name] for name in network.remembered}

            def settle(equation: Equation, computed: Array, of: Trace = part, at: int = number) -> Array:
                return _recorded(of, equation.defines, at, computed)

            evaluate(network.equations, values, settle)
            state = {name: values[now(name)] for name in network.remembered}
    return values


def _recorded(trace: Trace, name: str, step: int, computed: Array) -> Array:
    return _double(trace.values(name, step)) if name in trace.shown else computed


def _double(given: Array) -> Array:
    return given.astype(np.float64) if isinstance(given, np.ndarray) else given


def _shows(equation: Equation, values: Mapping[Ref, Array], row: Row) -> bool:
    """Whether the equation gives what was expected of it."""
    return bool(abs(np.asarray(equation.value(values))[row.index] - row.expected) <= row.bound)


def _inputs(equation: Equation, values: Mapping[Ref, Array], trace: Trace) -> list[str]:
    """One line for each array that the equation reads, as short as its own precision allows."""
    lines = []
    for label, ref in equation.reads.items():
        if not np.ndim(values[ref]):
            lines.append(f"{label} = {float(values[ref])!r}  # {ref.name}")
            continue
        is_known = ref.name in trace.shown or ref.name in trace.network.given or ref.name in trace.start
        short = values[ref].astype(trace.precision) if is_known else values[ref]
        says = ref.name + (" of the step before" if ref.before else "") + ("" if is_known else ", computed")
        lines.append(f"{label} = {_literal(short)}  # {says}")
    return lines


def _call(label: str, given: Array) -> str:
    return f"{label}={label}.astype(float)" if np.ndim(given) else f"{label}={label}"


def _literal(array: np.ndarray) -> str:
    """The array as Python: each number with as many digits as tell it from its neighbours."""
    text = np.array2string(array, separator=", ", threshold=sys.maxsize, floatmode="unique", max_line_width=110)
    return f"np.array({text.replace('nan', 'np.nan')}, {str(array.dtype)!r})"


def _name(function: Callable[..., Array]) -> str:
    return inspect.unwrap(function).__name__
