"""Other installations, made up: programs that behave as their Python would, without any framework."""

import math
import sys

from comparisons.internals.catalogue import facts
from comparisons.internals.child import plain
from comparisons.internals.expectation import Says, Within

PROGRAM = """#!{python}
import json, math, os, sys
if "-c" in sys.argv:
    print({answer})
    sys.exit()
job = json.load(sys.stdin)
pipe = os.fdopen(job["pipe"], "w", buffering=1)
say = lambda event, **what: print(json.dumps({{"event": event, **what}}), file=pipe, flush=True)
ready = lambda: say("ready", versions={{"keras": "9.0"}}, processor="one of tomorrow")
{body}
"""


def installation(folder, body, answer="True"):
    """A program that takes its job and then does what the body says."""
    file = folder / "python"
    file.write_text(PROGRAM.format(python=sys.executable, body=body, answer=answer))
    file.chmod(0o755)
    return file


def figures():
    """Figures of all facts as they are expected."""
    return {fact.id: {name: plain(as_expected(value)) for name, value in fact.expected.items()} for fact in facts()}


def as_expected(expected):
    """A figure that meets an expectation."""
    if isinstance(expected, Within):
        ends = [end for end in (expected.low, expected.high) if math.isfinite(end)]
        return sum(ends) / len(ends)
    if isinstance(expected, (list, tuple)):
        return [as_expected(part) for part in expected]
    return expected.words if isinstance(expected, Says) else expected


RIGHT = f"""
nan, inf = math.nan, math.inf
figures = {figures()!r}
ready()
for name in job["facts"]:
    say("measuring", fact=name)
    say("measured", fact=name, figures=figures[name], seconds=0.1)
"""
CHANGED = """
ready()
for name in job["facts"]:
    say("measured", fact=name, figures={"Keras": 7.0}, seconds=0.1)
"""
WITHOUT = """
ready()
for name in job["facts"]:
    say("missing", fact=name, packages=["keras"])
"""
PYTHONS = {
    "right": lambda folder: installation(folder, RIGHT),
    "changed": lambda folder: installation(folder, CHANGED),
    "without": lambda folder: installation(folder, WITHOUT),
}
