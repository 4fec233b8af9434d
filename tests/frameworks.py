"""Frameworks in tests: imported where a test file needs one, and never missed in silence."""

import importlib
import os
from types import ModuleType

import pytest


def not_installed(reason: str) -> None:
    """Skip, visibly, what cannot run for this reason; where CI is true it must run, so that there the test fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def framework(name: str) -> ModuleType:
    """The framework; without it the test file is skipped, with the reason, and where CI is true it fails."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name or os.environ.get("CI") == "true":
            raise
        return pytest.skip(f"{name} is not installed", allow_module_level=True)
