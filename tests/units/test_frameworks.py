"""A framework that is missing is a visible skip, and in CI a failure."""

import importlib.util

import pytest

from tests.frameworks import framework, not_installed

MISSING = "no_such_framework"


def test_a_framework_that_is_there_is_imported():
    assert framework("json").loads("1") == 1


def test_a_missing_one_is_a_skip_with_its_reason(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{MISSING} is not installed"):
        framework(MISSING)


def test_where_ci_is_true_a_missing_one_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ModuleNotFoundError, match=MISSING):
        framework(MISSING)


def test_one_that_is_there_and_cannot_be_imported_is_never_skipped(monkeypatch, tmp_path):
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "half_a_framework.py").write_text(f"import {MISSING}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.util.find_spec("half_a_framework")
    with pytest.raises(ModuleNotFoundError, match=MISSING):
        framework("half_a_framework")


@pytest.mark.parametrize(("ci", "outcome"), [(None, pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_not_installed_is_a_skip_and_where_ci_is_true_a_failure(monkeypatch, ci, outcome):
    monkeypatch.delenv("CI", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="nothing to run it with"):
        not_installed("nothing to run it with")
