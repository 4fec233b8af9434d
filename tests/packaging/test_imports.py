"""Who may import whom, as DESIGN.md says it; imports inside functions are imports too.

Each rule is a function of a file's path and source that returns what is wrong in it, and is shown a source that it
must reject beside the files that it must accept.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import backproof

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("reference", "comparisons", "reports")
FAMILIES = ({"torch"}, {"keras", "tensorflow"}, {"jax", "jaxlib", "flax"})  # what comes with one framework
FRAMEWORKS = set().union(*FAMILIES)
IMPLEMENTATIONS = "comparisons/implementations/"
FACTS = "comparisons/internals/facts/"  # their experiments import what they measure, in children of their own
WITHOUT_FRAMEWORK = {"__init__", "registry", "numpy_reference"}  # files there that anybody may import
RESULT = {
    f"comparisons.{name}"
    for name in (
        "result",
        "result_shape",
        "shape",
        "stored_scenes",
        "certificate",
        "wording",
        "messages",
        "reported",
        "errors",
    )
}  # a result, what its figures need, and its words
N_LINES = 400  # of a package's file
N_LINES_OF_TESTS = 550  # of a test's or a benchmark's, which are read case by case
BANNED = "toler" + "ance"


def sources(*folders: str) -> list[str]:
    """All Python files in these folders, and the public face, by their path in the checkout."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return ["backproof.py", *(str(path.relative_to(ROOT)) for path in found)]


def imported(path: str, source: str) -> set[str]:
    """The full names of all modules that a source imports, wherever in it, by statement or by a literal name."""
    package = Path(path).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                above = package[: len(package) - node.level + 1] if node.level else ()
                module = ".".join([*above, *([node.module] if node.module else [])])
                found.update(_module(f"{module}.{alias.name}") or module for alias in node.names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                found.add(name)
    return found


def _module(name: str) -> str | None:
    """The name, if it is one of our modules and not something in one."""
    place = ROOT.joinpath(*name.split("."))
    is_ours = name.split(".")[0] in PACKAGES and (place.is_dir() or place.with_suffix(".py").is_file())
    return name if is_ours else None


def outside_functions(source: str) -> str:
    """What is run when a file is imported; of its functions, their decorators and defaults are left out too."""
    kept = [node for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef)]
    return ast.unparse(ast.Module(kept, []))


def top(name: str) -> str:
    """The package that a module is in."""
    return name.split(".")[0]


def reference_knows_numpy_only(path: str, source: str) -> Iterator[str]:
    """`reference` imports NumPy, the standard library and itself."""
    if path.startswith("reference/"):
        allowed = {"numpy", "reference", *sys.stdlib_module_names}
        yield from (name for name in imported(path, source) if top(name) not in allowed)


def comparisons_never_see_reports(path: str, source: str) -> Iterator[str]:
    """`comparisons` never imports `reports`, but for the command line and the pytest plugin."""
    shows = path.startswith("comparisons/command/") or path == "comparisons/plugin.py"
    if path.startswith("comparisons/") and not shows:
        yield from (name for name in imported(path, source) if top(name) == "reports")


def frameworks_stay_in_their_own_files(path: str, source: str) -> Iterator[str]:
    """A framework is imported only inside its own file under comparisons/implementations/, and those only by it.

    And inside the experiments of comparisons/internals/facts/, which are loaded by name, so that nobody imports them.
    """
    found = imported(path, source)
    if path.startswith(FACTS):
        yield from (name for name in imported(path, outside_functions(source)) if top(name) in FRAMEWORKS)
        return
    yield from (name for name in found if name.startswith("comparisons.internals.facts"))
    if not path.startswith(IMPLEMENTATIONS) or Path(path).stem in WITHOUT_FRAMEWORK:
        yield from (name for name in found if top(name) in FRAMEWORKS)
        ours = {name: name.removeprefix("comparisons.implementations.") for name in found}
        yield from (name for name, file in ours.items() if file not in {name, *WITHOUT_FRAMEWORK})
    elif sum(bool(family & set(map(top, found))) for family in FAMILIES) > 1:
        yield f"several frameworks in one file: {sorted(found)}"


def reports_read_results_only(path: str, source: str) -> Iterator[str]:
    """`reports` knows a finished result and its words: neither a framework nor `reference`, nor how it came about."""
    if path.startswith("reports/"):
        for name in imported(path, source):
            is_comparisons = top(name) == "comparisons" and name not in RESULT
            if is_comparisons or top(name) in {"reference", "backproof", *FRAMEWORKS}:
                yield name


def a_result_needs_the_standard_library_only(path: str, source: str) -> Iterator[str]:
    """What a result is and how it is worded can be imported anywhere, by anybody; a notebook may ask for more."""
    if path.removesuffix(".py").replace("/", ".") in RESULT:
        allowed = {*RESULT, "comparisons.notebook", *sys.stdlib_module_names}
        yield from (name for name in imported(path, source) if name not in allowed and top(name) not in allowed)


def packages_import_nothing_by_themselves(path: str, source: str) -> Iterator[str]:
    """An `__init__.py` imports nothing, or each of the other rules could be broken through it."""
    if path.endswith("/__init__.py"):
        yield from imported(path, source) - {"__future__"}


def files_are_not_named_like_what_they_import(path: str, source: str) -> Iterator[str]:
    """implementations/torch.py would hide torch from every file that is run in its folder."""
    name = Path(path).stem
    if path.startswith(IMPLEMENTATIONS) and name in {*FRAMEWORKS, *map(top, imported(path, source))}:
        yield f"{name}.py hides the package {name}"


def files_are_short(path: str, source: str) -> Iterator[str]:
    """No file is longer than somebody reads in one go."""
    n_lines, most = len(source.splitlines()), N_LINES if path.startswith(PACKAGES) else N_LINES_OF_TESTS
    if n_lines > most:
        yield f"{n_lines} lines, which is more than {most}"


def no_bound_is_picked_by_hand(path: str, source: str) -> Iterator[str]:
    """How close is close enough is computed; the word for a number that somebody chose does not occur."""
    for number, line in enumerate(source.splitlines(), 1):
        if BANNED in line.lower():
            yield f"line {number}: {line.strip()}; the word is bound"


Rule = Callable[[str, str], Iterator[str]]
OF_IMPORTS: dict[Rule, tuple[tuple[str, str], ...]] = {  # each with what it must reject
    reference_knows_numpy_only: (
        ("reference/layers.py", "def f():\n    import torch"),
        ("reference/layers.py", "import pandas as pd"),
        ("reference/layers.py", "from comparisons.balls import Ball"),
        ("reference/layers.py", "def f():\n    from ..comparisons import balls"),
        ("reference/layers.py", "import importlib\nimportlib.import_module('torch.nn')"),
        ("reference/layers.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import scipy"),
    ),
    comparisons_never_see_reports: (
        ("comparisons/run.py", "def f():\n    from reports.terminal import show"),
        ("comparisons/worker.py", "import reports"),
    ),
    frameworks_stay_in_their_own_files: (
        ("comparisons/recording.py", "def f():\n    import torch"),
        ("comparisons/recording.py", "def f():\n    from tensorflow.python import framework"),
        ("comparisons/worker.py", "def f():\n    __import__('jax')"),
        ("comparisons/worker.py", "from comparisons.implementations import pytorch"),
        ("comparisons/worker.py", "def f():\n    from comparisons.implementations.keras_model import fill"),
        ("backproof.py", "import keras"),
        ("comparisons/implementations/both.py", "import torch\ndef f():\n    import keras"),
        ("comparisons/implementations/registry.py", "def f():\n    import torch"),
        ("comparisons/implementations/registry.py", "from comparisons.implementations.pytorch import train"),
        ("comparisons/implementations/numpy_reference.py", "import jax.numpy as jnp"),
        ("comparisons/internals/facts/adam.py", "import torch\ndef f():\n    import keras"),
        ("comparisons/internals/child.py", "def f():\n    import keras"),
        ("comparisons/internals/catalogue.py", "from comparisons.internals.facts import adam"),
        (
            "comparisons/internals/catalogue.py",
            "def f():\n    import comparisons.internals.facts.adam",
        ),
    ),
    reports_read_results_only: (
        ("reports/terminal.py", "def f():\n    import torch"),
        ("reports/terminal.py", "def f():\n    import reference"),
        ("reports/terminal.py", "from comparisons import trace"),
        ("reports/page.py", "from comparisons.scenes.surface import surface_of"),
        ("reports/terminal.py", "from comparisons.certifying import certify"),
    ),
    a_result_needs_the_standard_library_only: (
        ("comparisons/result.py", "def f():\n    import pandas"),
        ("comparisons/wording.py", "import numpy as np"),
        ("comparisons/certificate.py", "from comparisons import trace"),
        ("comparisons/errors.py", "from reference.network import Ref"),
        ("comparisons/stored_scenes.py", "import numpy as np"),
    ),
    packages_import_nothing_by_themselves: (
        ("reference/__init__.py", "from reference.network import Network"),
        ("comparisons/implementations/__init__.py", "import numpy"),
    ),
    files_are_not_named_like_what_they_import: (
        ("comparisons/implementations/torch.py", "x = 1"),
        ("comparisons/implementations/sklearn.py", "def train(experiment):\n    import sklearn.linear_model"),
    ),
}
OF_TEXT: dict[Rule, tuple[tuple[str, str], ...]] = {
    files_are_short: (
        ("reference/layers.py", "x = 1\n" * (N_LINES + 1)),
        ("tests/units/test_trace.py", "x = 1\n" * (N_LINES_OF_TESTS + 1)),
    ),
    no_bound_is_picked_by_hand: (("tests/units/test_trace.py", f"def f(x, {BANNED}=1e-6): ..."),),
}
RULES = OF_IMPORTS | OF_TEXT


@pytest.mark.parametrize("path", sources(*PACKAGES))
def test_a_file_imports_what_it_may(path: str) -> None:
    source = (ROOT / path).read_text()
    assert {} == {rule.__name__: wrong for rule in OF_IMPORTS if (wrong := list(rule(path, source)))}


@pytest.mark.parametrize("path", sources(*PACKAGES, "tests", "benchmarks", "scripts"))
def test_a_file_is_short_and_chooses_no_bound(path: str) -> None:
    source = (ROOT / path).read_text()
    assert {} == {rule.__name__: wrong for rule in OF_TEXT if (wrong := list(rule(path, source)))}


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        pytest.param(rule, path, source, id=f"{rule.__name__}-{number}")
        for rule, rejected in RULES.items()
        for number, (path, source) in enumerate(rejected, 1)
    ],
)
def test_a_rule_rejects(rule: Rule, path: str, source: str) -> None:
    assert list(rule(path, source))


def test_the_rules_see_files_of_every_package() -> None:
    assert {"backproof.py", *(f"{package}/__init__.py" for package in PACKAGES)} <= set(sources(*PACKAGES))


def loaded_by(statements: str, *path: Path) -> set[str]:
    """The packages that a new Python holds once it has run these statements."""
    program = f"{statements}\nimport json, sys\nprint(json.dumps([*sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(map(top, json.loads(done.stdout)))


LIGHT = (
    "import backproof; backproof.Experiment()",
    "import backproof; backproof.shown, backproof.watch",
    "import comparisons.shown_by_torch, comparisons.shown_by_keras",
    "import reference.article, reference.dialects",
    "import comparisons.experiment",
    "from comparisons.internals.catalogue import facts; facts()",
    "import comparisons.implementations.registry as registry; registry.implementations()",
    "import comparisons.run, comparisons.command.app, reports.terminal",
)


@pytest.mark.parametrize("statements", LIGHT)
def test_no_framework_comes_with(statements: str) -> None:
    assert set() == FRAMEWORKS & loaded_by(statements)


def test_a_framework_that_comes_with_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "torch.py").touch()
    (tmp_path / "looks_light.py").write_text("import torch")
    assert {"torch"} == FRAMEWORKS & loaded_by("import looks_light", tmp_path)


def test_importing_the_public_face_imports_nothing_else() -> None:
    costly = {"numpy", "pandas", "pydantic", *PACKAGES}
    assert set() == costly & loaded_by("import backproof; dir(backproof)")
    assert {"numpy", "pydantic", "reference", "comparisons"} == costly & loaded_by("from backproof import Experiment")


COSTLY = {"numpy", "pandas", "pydantic", "safetensors", "tomlkit", "contourpy", "reference", "reports"}
HELP = """\
import contextlib, io
from comparisons.command.app import app
with contextlib.redirect_stdout(io.StringIO()) as printed:
    app(["--help"], result_action="return_value")
assert "Commands" in printed.getvalue()
"""


def test_help_needs_nothing_that_computes() -> None:
    assert set() == COSTLY & loaded_by(HELP)
    assert {"numpy", "reference"} <= COSTLY & loaded_by(f"{HELP}import comparisons.command.lists, comparisons.composed")


def test_the_reference_brings_numpy_alone() -> None:
    statements = "import reference.article, reference.dialects, reference.learned, reference.levels, reference.tape"
    ours = loaded_by(statements) - loaded_by("import numpy") - set(sys.stdlib_module_names)
    assert ours == {"reference"}
    assert "pydantic" in loaded_by(f"{statements}, comparisons.experiment") - loaded_by("import numpy")


def test_the_public_face_is_eight_names() -> None:
    names = {"Experiment", "train", "record", "certify", "compare", "load", "shown", "watch"}
    assert names == set(backproof.__all__) == set(dir(backproof))
    assert names == {getattr(backproof, name).__name__ for name in names}


def test_type_checkers_see_the_names_where_they_are_found() -> None:
    source = (ROOT / "backproof.py").read_text()
    (seen,) = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    told = {alias.asname: node.module for node in seen.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert backproof._FOUND_IN == told


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    known = "Experiment, certify, compare, load, record, shown, train, watch"
    with pytest.raises(AttributeError, match=f"no 'trian'; it has {known}"):
        backproof.trian  # noqa: B018


def test_another_package_of_our_name_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "reference.py").touch()
    program = "import reference, backproof\nbackproof.Experiment()"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{tmp_path}/reference.py was imported as 'reference', which hides Backproof's" in done.stderr
