"""Frameworks in tests: imported where a test file needs one, and never missed in silence."""

import importlib
import os
from types import ModuleType

import pytest


def framework(name: str) -> ModuleType:
    """The framework; without it the test file is skipped, with the reason, and where CI is true it fails."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name or os.environ.get("CI") == "true":
            raise
        return pytest.skip(f"{name} is not installed", allow_module_level=True)
