"""The pytest plugin: the fixture `certify`, and `pytest my_network.py --backproof`, one test for each equation.

It is imported in every run of pytest where Backproof is installed, so it imports neither a framework nor the rest of
Backproof until a test asks for it; and then Backproof's own packages, whatever else has their names.
"""

from __future__ import annotations

import ast
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = ".backproof"  # in the folder where pytest was called: traces of failing tests of `--backproof`
PATIENCE = 300.0
ASKED = ("experiment", "precision", "visible")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `check`, under a name of their own."""
    group = parser.getgroup("backproof", "neural networks, every number checked")
    group.addoption("--backproof", action="store_true", help="check the files named, which have a train(experiment)")
    group.addoption("--backproof-experiment", metavar="NAME", help="a name or a TOML file; by default the article's")
    group.addoption("--backproof-precision", choices=("float32", "float64"), help="what the experiment says by default")
    group.addoption("--backproof-visible", choices=("everything", "gradients", "weights"), help="look at no more")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers", "backproof(experiment, precision, visible): what the fixture `certify` trains and looks at"
    )


@pytest.fixture
def certify(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """`certify(train)`: record a function in this process, and fail unless every number that it shows is right.

    Gives the certificate. `certify(train, experiment, only=("dW[3]",))` takes another experiment, and judges less.
    """
    mark = request.node.get_closest_marker("backproof")

    def one(train: Callable[[Any], Iterator], experiment: Any = None, *, only: tuple[str, ...] = ()) -> Any:
        _import_backproof()
        from dataclasses import replace

        from comparisons.check import judged, text_of
        from comparisons.errors import UsageError
        from comparisons.recording import recorded
        from comparisons.trace import load

        try:
            asked, view = _asked(request.config, mark, experiment, only)
            name = str(getattr(train, "__name__", type(train).__name__))
            folder = tmp_path / f"{''.join(c if c.isalnum() else '-' for c in name)}-{asked.precision}.trace"
            _, ending = recorded(train, asked, name=name, into=folder)
            checked = replace(judged(load(folder), view), trace=folder)
        except UsageError as error:
            pytest.fail(str(error), pytrace=False)
        if ending is not None and not isinstance(ending, UsageError) and checked.verdict != "disagrees":
            raise ending  # the user's own exception, which pytest shows with its lines
        if checked.verdict != "agrees":
            pytest.fail(text_of(checked), pytrace=False)
        shutil.rmtree(folder)
        return checked.certificate

    return one


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file that was named on the command line and has a train(experiment)."""
    if _is_network(file_path, parent):
        return NetworkFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    """Such a file is not imported here, unless it has tests of its own as well."""
    if _is_network(module_path, parent) and not any(name.lower().startswith("test") for name in _defined(module_path)):
        return NoTests.from_parent(parent, path=module_path)
    return None


class NoTests(pytest.File):
    """A file that pytest would have to import to find out that there are no tests in it."""

    def collect(self) -> list[pytest.Item]:
        """None."""
        return []


class NetworkFile(pytest.File):
    """A user's network: a test for each equation, and all of them look at one recording, made in its own process."""

    checked: Any = None
    printed = ""

    def collect(self) -> Iterator[pytest.Item]:
        """`train` for the recording as a whole, and each equation by what it defines."""
        _import_backproof()
        from comparisons.composed import network_of
        from comparisons.errors import UsageError

        try:
            experiment, _ = _asked(self.config, None)
            network = network_of(experiment)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        yield EquationItem.from_parent(self, name="train", equation="")
        for equation in network.equations:
            if network.shapes[equation.defines]:
                yield EquationItem.from_parent(self, name=equation.defines, equation=str(equation))

    def result(self) -> Any:
        """What became of it; recorded once, when the first test asks."""
        if self.checked is None:
            from comparisons.check import check
            from comparisons.implementations.registry import find

            experiment, view = _asked(self.config, None)
            folder = self.config.invocation_params.dir / FOLDER
            folder.mkdir(exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            printed = io.StringIO()
            (self.checked,) = check(
                [find(str(self.path))], experiment, view, patience=PATIENCE, out=folder, printed=printed
            )
            self.printed = printed.getvalue()
            if self.checked.verdict == "agrees":
                shutil.rmtree(self.checked.trace)
        return self.checked


class Disagreement(Exception):
    """A test's failure, in words."""


class EquationItem(pytest.Item):
    """One equation of a network, or `train`: that it could be recorded, and that it is finished."""

    def __init__(self, *, equation: str, **more: Any) -> None:
        super().__init__(**more)
        self.equation = equation

    def runtest(self) -> None:
        """Fail where its number is wrong; skip where there is none."""
        from comparisons.check import text_of
        from comparisons.messages import broken_line
        from comparisons.wording import first_broken

        assert isinstance(self.parent, NetworkFile)
        checked = self.parent.result()
        if self.name == "train":
            if self.parent.printed:
                self.add_report_section("call", "output", self.parent.printed)
            if checked.verdict == "not compared":
                raise Disagreement(text_of(checked))
            return
        if checked.certificate is None:
            pytest.skip("there is no recording, see train")
        row = next((row for row in checked.certificate.rows if row.quantity == self.name), None)
        if row is None:
            pytest.skip(f"{self.name} is not shown")
        if row.verdict == "not compared":
            pytest.skip(f"of {self.name} no number could be judged")
        if row.verdict == "disagrees":
            first = first_broken(checked.certificate.rows)
            raise Disagreement(text_of(checked) if row is first else broken_line(row, first))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone; a traceback would show nothing of the user's."""
        return str(excinfo.value) if isinstance(excinfo.value, Disagreement) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The file, and the equation."""
        return self.path, None, self.equation or self.name


def _asked(config: pytest.Config, mark: pytest.Mark | None, experiment: Any = None, only: tuple[str, ...] = ()) -> Any:
    """The experiment and the view: what a call says, then its test's marker, then the command line."""
    from comparisons.command.experiments import experiment_of
    from comparisons.errors import UsageError
    from comparisons.view import View

    marked = dict(mark.kwargs) if mark else {}
    if (mark and mark.args) or set(marked) - set(ASKED):
        raise UsageError(f"@pytest.mark.backproof takes {', '.join(f'{name}=…' for name in ASKED)} and nothing else")
    asked = {name: marked.get(name) or config.getoption(f"--backproof-{name}") for name in ASKED}
    found = experiment or asked["experiment"] or "article"
    found = experiment_of(str(found)) if isinstance(found, str | Path) else found
    if asked["precision"]:
        found = found.but(precision=asked["precision"])
    return found, View(asked["visible"] or "everything", tuple(only))


def _import_backproof() -> None:
    """Import Backproof's own packages, whatever a test's folder has of their names."""
    import backproof

    _ = backproof.Experiment


def _is_network(path: Path, parent: pytest.Collector) -> bool:
    is_asked = parent.config.getoption("--backproof") and path.suffix == ".py" and parent.session.isinitpath(path)
    return bool(is_asked and "train" in _defined(path))


def _defined(path: Path) -> list[str]:
    """The names of a file's functions and classes; none where it is no Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError):
        return []
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
