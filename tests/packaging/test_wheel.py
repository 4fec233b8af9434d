"""The wheel: what is in it, and that it runs where there is no checkout, beside a user's files of our names.

It is built from a copy, since a build leaves files in the checkout, and installed into a virtual environment of its
own that finds the other packages where this one has them; no network is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PACKAGES = ("reference", "comparisons", "reports")
NOT_COPIED = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")

pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it as a user would: not as a test, and with nothing on Python's path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def _site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "copy", ignore=shutil.ignore_patterns(*NOT_COPIED))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation")
    built = run(*pip, "--no-index", "--wheel-dir", folder, folder / "copy", cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.rmtree(folder / "copy")
    (found,) = folder.glob("backproof-*.whl")
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with everything that Backproof needs but Backproof."""
    folder = tmp_path_factory.mktemp("environment")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    assert made.returncode == 0, made.stderr
    # The line makes the packages there importable, but not what they do when Python starts: Backproof's editable
    # installation, whose finder is such a start-up file, is not found through it.
    (_site_packages(folder) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder that has files of our names; whoever imports one of them hears so."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for path in ("reports/__init__.py", "tests/__init__.py", "reference.py", "comparisons.py"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("raise SystemExit(f'{__file__} was imported')\n")
    return folder


@pytest.fixture(scope="module")
def programs(environment: Path, wheel: Path, elsewhere: Path) -> Path:
    """The programs of that environment, once the wheel is installed in it."""
    before = run(environment / "bin" / "python", "-c", "import backproof", cwd=elsewhere)
    assert "No module named 'backproof'" in before.stderr, "it finds the checkout, so what follows would prove nothing"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment / "bin" / "python")
    done = run(*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment / "bin"


def strangers(names: list[str]) -> list[str]:
    """What has no place in the wheel."""
    homes = {"backproof.py", f"backproof-{VERSION}.dist-info", *PACKAGES}
    in_its_place = [
        name
        for name in names
        if name.split("/")[0] in homes
        and (name.endswith((".py", "/py.typed")) or ".dist-info/" in name or name.startswith("reports/templates/"))
    ]
    return [name for name in names if name not in in_its_place]


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert strangers(names) == []
    expected = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "reports/templates").iterdir()}
    expected |= {"backproof.py", *(f"{package}/py.typed" for package in PACKAGES)}
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    ["tests/conftest.py", "shared/DESIGN.md", "scripts/setup.py", "reference/x.npz", "reports/example/report.html"],
)
def test_a_stranger_in_the_wheel_is_noticed(name: str) -> None:
    assert strangers(["backproof.py", "reference/py.typed", name]) == [name]


def test_the_wheel_needs_no_framework_unless_it_is_asked_for(wheel: Path) -> None:
    content = zipfile.ZipFile(wheel).read(f"backproof-{VERSION}.dist-info/METADATA").decode()
    needed = re.findall(r"^Requires-Dist: ([\w-]+)(?:.*extra == \"(\w+)\")?", content, re.MULTILINE)
    core = {name for name, extra in needed if not extra}
    assert core == {"numpy", "pandas", "pydantic", "tomlkit", "safetensors", "cyclopts", "rich", "contourpy"}
    assert {("torch", "torch"), ("keras", "keras"), ("tensorflow", "keras"), ("altair", "reports")} <= set(needed)


def test_the_installed_public_face_runs_beside_files_of_our_names(programs: Path, elsewhere: Path) -> None:
    program = (
        "import backproof, sys\n"
        "backproof.Experiment()\n"
        "[getattr(backproof, name) for name in backproof.__all__]\n"
        "for name in ('backproof', 'comparisons', 'reference'): print(sys.modules[name].__file__)"
    )
    done = run(programs / "python", "-c", program, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    site_packages = _site_packages(programs.parent)
    assert done.stdout.splitlines() == [
        str(site_packages / name) for name in ("backproof.py", "comparisons/__init__.py", "reference/__init__.py")
    ]


@pytest.mark.parametrize(
    ("argument", "expected"), [("--help", "Usage: backproof"), ("--version", VERSION), ("equations", "dW[1] = ")]
)
def test_the_installed_command_runs_beside_files_of_our_names(
    argument: str, expected: str, programs: Path, elsewhere: Path
) -> None:
    done = run(programs / "backproof", argument, cwd=elsewhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


def test_files_of_our_names_are_noticed_if_they_are_imported(programs: Path, elsewhere: Path) -> None:
    done = run(programs / "python", "-c", "import comparisons.experiment", cwd=elsewhere)
    assert f"{elsewhere / 'comparisons.py'} was imported" in done.stderr
