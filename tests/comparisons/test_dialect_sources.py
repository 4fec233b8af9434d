"""The sources that the dialects name are still there in the installed packages: file, symbol, what is quoted of it."""

import ast
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from reference.dialects import DIALECTS

ELSEWHERE = ("aten/", "documented in ")  # C++, which no package has the source of


class Source(NamedTuple):
    """`torch/optim/adam.py: Adam.__init__ (eps=1e-8)`."""

    file: str
    symbol: str
    quoted: str


def sources():
    """Of each dialect every source in a Python file, under the dialect's name and the symbol's."""
    found = []
    for form in DIALECTS:
        for text in form.source.split("; "):
            if text.startswith(ELSEWHERE):
                continue
            match = re.fullmatch(r"(\S+\.py): ([\w.]+)(?: \((.+)\))?", text)
            assert match, f"{form.name}: {text!r} is not `file.py: symbol (what is quoted)`"
            found.append(pytest.param(Source(*match.groups(default="")), id=f"{form.name}-{match[2]}"))
    return found


def definition(tree, symbol):
    """The definition of `function` or `Class.method` at the top of a module."""
    for name in symbol.split("."):
        tree = next((node for node in getattr(tree, "body", ()) if getattr(node, "name", None) == name), None)
        assert tree is not None, f"{symbol} is gone"
    return tree


def says(tree, symbol, quoted):
    """Whether the definition, or a class that it inherits from in its module, says what is quoted."""
    node = definition(tree, symbol)
    return quotes(node, quoted) or any(says(tree, base.name, quoted) for base in bases(tree, node))


def bases(tree, node):
    """The classes of its module that a class inherits from."""
    names = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
    return [other for other in tree.body if isinstance(other, ast.ClassDef) and other.name in names]


def quotes(node, quoted):
    """Whether a definition says what is quoted, whatever the spacing; `name=value` may be an argument's default."""
    name, _, value = quoted.partition("=")
    for arguments in (inner.args for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)):
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults + arguments.kw_defaults
        for argument, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
            if value and argument.arg == name and default is not None:
                return ast.literal_eval(default) == ast.literal_eval(value)
    return quoted in ast.unparse(node)


def parsed(file):
    package, _, rest = file.partition("/")
    spec = importlib.util.find_spec(package)  # which imports nothing
    if spec is None:
        pytest.skip(f"{package} is not installed")
    return ast.parse((Path(spec.submodule_search_locations[0]) / rest).read_text(encoding="utf-8"))


@pytest.mark.parametrize("source", sources())
def test_the_source_of_a_dialect_is_still_there(source):
    assert says(parsed(source.file), source.symbol, source.quoted), f"{source.symbol} no longer says {source.quoted}"


def test_every_dialect_has_a_source():
    assert all(form.source for form in DIALECTS)


@pytest.mark.parametrize(
    ("symbol", "quoted"), [("Adam.__init__", "eps=1e-7"), ("Adam.__init__", "exp_avg.lerp_"), ("Adams", "")]
)
def test_a_source_that_is_not_there_is_noticed(symbol, quoted):
    tree = parsed("torch/optim/adam.py")
    with pytest.raises(AssertionError):
        assert says(tree, symbol, quoted)
