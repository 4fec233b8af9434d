"""JUnit XML: a case for each quantity of each run, failing where the certificate does."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from comparisons.messages import fault_text
from reports.junit import junit
from reports.runs import rows_of

pytestmark = pytest.mark.xdist_group("reports")


def suites(result):
    """The suites by name."""
    return {suite.get("name"): suite for suite in ElementTree.fromstring(junit(result))}


def test_there_is_a_suite_for_each_run_and_one_of_the_claims(result):
    expected = [f"{one.name} ({one.precision})" for one in result.implementations]
    assert [*expected, "claims"] == list(suites(result))


def test_cases_are_the_rows_and_fail_where_they_disagree(result):
    for one in result.implementations:
        suite, rows = suites(result)[f"{one.name} ({one.precision})"], rows_of(result, one.name, one.precision)
        assert [row.equation for row in rows] == [case.get("name") for case in suite]
        failing = [case.get("name") for case in suite if case.find("failure") is not None]
        assert [row.equation for row in rows if row.verdict == "disagrees"] == failing
        skipped = [case.get("name") for case in suite if case.find("skipped") is not None]
        assert [row.equation for row in rows if row.verdict == "not compared"] == skipped
        assert (str(len(rows)), str(len(failing)), str(len(skipped))) == tuple(
            suite.get(name) for name in ("tests", "failures", "skipped")
        )
    assert any(suite.get("failures") != "0" for suite in suites(result).values())


def test_a_failure_says_what_the_terminal_says(result):
    one = next(one for one in result.implementations if one.verdict == "disagrees")
    failures = suites(result)[f"{one.name} ({one.precision})"].findall("testcase/failure")
    expected = fault_text(one.name, one.precision, rows_of(result, one.name, one.precision), one, one.means)
    assert [expected] == [failure.text for failure in failures if failure.text]


def test_the_root_counts_all_of_them(result):
    root = ElementTree.fromstring(junit(result))
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name)) == sum(int(suite.get(name)) for suite in root)


def test_what_was_not_compared_is_an_error_and_what_was_not_asked_for_a_skip(agreeing):
    first = agreeing.implementations[0]
    gone = replace(first, name="gone", verdict="not compared", reason="it was killed", output="last words")
    absent = replace(gone, name="absent", reason="absent not installed", skipped=True, output="")
    found = suites(replace(agreeing, implementations=(gone, absent), rows=()))
    (error,) = found["gone (float32)"].findall("testcase/error")
    assert ("it was killed", "last words") == (error.get("message"), error.text)
    (skipped,) = found["absent (float32)"].findall("testcase/skipped")
    assert "absent not installed" == skipped.get("message")
    assert ("0", "1") == (found["absent (float32)"].get("errors"), found["absent (float32)"].get("skipped"))


def test_a_claim_that_does_not_hold_fails_and_one_that_was_not_measured_is_skipped(agreeing):
    claims = [{"name": f"C{number}", "says": "a claim", "holds": holds, "lines": ["evidence"], "seconds": None}
              for number, holds in enumerate((True, False, None))]  # fmt: skip
    suite = suites(replace(agreeing, claims=tuple(claims)))["claims"]
    assert ("3", "1", "1") == tuple(suite.get(name) for name in ("tests", "failures", "skipped"))


@pytest.mark.parametrize("text", ["<a>&\"'", "\x00\x0b\x1b[31m", "]]>", "\ud800", "\ufffe", "é 𝑊"])
def test_any_text_is_well_formed(text, agreeing):
    runs = tuple(
        replace(one, name=text, reason=text, output=text, verdict="not compared") for one in agreeing.implementations
    )
    root = ElementTree.fromstring(junit(replace(agreeing, implementations=runs, rows=())).encode("utf-8"))
    assert len(runs) == len(root.findall("testsuite/testcase/error"))
