"""A result as JUnit XML, for what shows test results in continuous integration: a suite for each run, a case for each
quantity, and a suite of the claims.

The schema is that of Jenkins's xunit plugin, which GitLab, GitHub's actions, CircleCI and Azure read too.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from comparisons.messages import broken_line, fault_text
from comparisons.reported import CLAIM, nothing_judged, run_name
from comparisons.result import ImplementationResult, Result
from comparisons.wording import first_broken
from reports.runs import rows_of

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no place for


def junit(result: Result) -> str:
    """The whole file."""
    root = ElementTree.Element("testsuites", name="backproof")
    for one in result.implementations:
        _suite_of(result, one, root)
    if result.claims:
        suite = ElementTree.SubElement(root, "testsuite", name="claims")
        for claim in result.claims:
            case = _case(suite, "claims", f"{claim['name']}: {claim['says']}", claim.get("seconds"))
            evidence = "\n".join(claim["lines"])
            if claim["holds"] is False:
                _add(case, "failure", CLAIM[False][1], evidence)
            elif claim["holds"] is None:
                _add(case, "skipped", evidence or CLAIM[None][1])
            else:
                _add(case, "system-out", text=evidence)
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite_of(result: Result, one: ImplementationResult, root: ElementTree.Element) -> None:
    """A run's suite: its quantities; of a run that was not compared one case that says why."""
    name = run_name(one.name, one.precision)
    suite = ElementTree.SubElement(root, "testsuite", name=_clean(name))
    rows = rows_of(result, one.name, one.precision)
    if one.verdict == "not compared" and not rows:
        _add(_case(suite, name, "is compared"), "skipped" if one.skipped else "error", one.reason, one.output)
    first = first_broken(rows)
    for row in rows:
        case = _case(suite, name, row.equation)
        if row.verdict == "disagrees" and row is first:
            _add(case, "failure", broken_line(row, row), fault_text(one.name, one.precision, rows, one, one.means))
        elif row.verdict == "disagrees":
            _add(case, "failure", broken_line(row, first))
        elif row.verdict == "not compared":
            _add(case, "skipped", nothing_judged(row.quantity))
    if one.verdict == "not compared" and rows:
        _add(_case(suite, name, "is compared to its end"), "error", one.reason, one.output)
    _count(suite)


def _case(suite: ElementTree.Element, of: str, name: str, seconds: float | None = None) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_clean(f"backproof.{of}"), name=_clean(name),
                                  time=f"{seconds or 0:.3f}")  # fmt: skip


def _add(case: ElementTree.Element, kind: str, message: str = "", text: str = "") -> None:
    attributes = {"message": _clean(" ".join(message.split()))} if message else {}
    ElementTree.SubElement(case, kind, attributes).text = _clean(text) or None


def _count(element: ElementTree.Element) -> None:
    """Write how many cases are in it, and how many of them failed, ended in an error or were skipped."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(kind) is not None for case in cases)))


def _clean(text: str) -> str:
    """Text that XML can hold."""
    return NOT_XML.sub("\ufffd", text)
