"""How the sentences read: what explains a disagreement, what is open, and what nobody can say."""

from dataclasses import replace

import pytest

from comparisons.certificate import Certificate, Chain, Row
from comparisons.check import Checked
from comparisons.messages import checked_text, reason_for, record_of, verdict_of
from comparisons.wording import explained

BROKEN = Row("dW[3]", "dW[3] = 1/m dZ[3] A[2]ᵀ", 36, 0, 36, 31.0, 30.0, 1e-9, 0, 1, (4, 1), 0.0123456789, 2.9e-9,
             0.395061725, first_broken=1, n_broken_steps=1)  # fmt: skip
HOLDS = replace(
    BROKEN, quantity="dZ[3]", equation="dZ[3] = …", outside=0, worst=0.5, first_broken=None, n_broken_steps=0
)
CLOSED = Chain(36, 36, ())
SAYS = {"summed-gradient": "The 1/m is missing.", "turned-sign": "The sign is wrong."}


def certificate(*rows, chain=CLOSED, **more):
    shown = tuple(row.quantity for row in rows)
    return Certificate("mine", "float32", rows, more.pop("forms", ()), more.pop("alike", {}), chain, shown, **more)


DISAGREES = certificate(HOLDS, BROKEN)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"explained_by": (("summed-gradient",),)},
            ['explained by "summed-gradient": The 1/m is missing.', "see       backproof explain summed-gradient"],
        ),
        (
            {"explained_by": (("summed-gradient", "turned-sign"),)},
            [
                'explained by "summed-gradient" and "turned-sign" together: The 1/m is missing. The sign is wrong.',
                "see       backproof explain summed-gradient",
                "see       backproof explain turned-sign",
            ],
        ),
        (
            {"explained_by": (("summed-gradient",), ("turned-sign",)), "show_next": ("Z[3]",)},
            [
                'explained by one of "summed-gradient" or "turned-sign"; show Z[3] to tell them apart',
                "see       backproof explain summed-gradient",
                "see       backproof explain turned-sign",
            ],
        ),
        (
            {"explained_by": (("l2: λ = 0.01",),)},
            ['explained by "l2: λ = 0.01"', "see       backproof explain l2"],
        ),
        (
            {"hints": ("every number is 32 times what it should be", "only dW"), "show_next": ("Z[3]", "A[3]")},
            [
                "explained by nothing known: no known mistake reproduces it",
                "hint      every number is 32 times what it should be",
                "hint      only dW",
                "show      Z[3] and A[3] too, to have the fault located more closely",
            ],
        ),
    ],
    ids=["one", "two together", "one of two", "a variant", "none, with hints"],
)
def test_a_disagreement_says_what_explains_it(more, expected):
    found = replace(DISAGREES, **more)
    lines = [line.removeprefix("  ") for line in explained(found, SAYS)]
    assert expected == lines
    text = checked_text(Checked("mine", "float32", found), SAYS, {})
    assert text.startswith("✗ mine (float32) disagrees with the article at step 1, equation  dW[3] = 1/m dZ[3] A[2]ᵀ\n")
    assert "\n".join(f"  {line}" for line in expected) in text


def test_a_certificate_says_what_explains_it_and_claims_nothing_where_nobody_looked():
    assert '\n  explained by "summed-gradient"\n' in repr(replace(DISAGREES, explained_by=(("summed-gradient",),)))
    assert "explained by" not in repr(DISAGREES)


def test_a_dialect_is_part_of_the_verdict_and_has_its_users():
    one = Checked("mine", "float32", certificate(HOLDS, forms=("epsilon-hat",)))
    text = checked_text(one, {}, {"epsilon-hat": "keras/adam.py"})
    assert text.splitlines()[0].endswith("inside their balls, in the dialect epsilon-hat")
    assert "\n  dialect   epsilon-hat, as keras/adam.py does; backproof explain epsilon-hat" in text
    strict = replace(one, is_strict=True)
    assert "disagrees" == strict.verdict
    assert "it computes in the dialect epsilon-hat, and conventions are not to be changed" == reason_for(strict)


@pytest.mark.parametrize(
    ("checked", "verdict", "reason"),
    [
        (Checked("mine", "float32", failed="it raised ValueError"), "not compared", "it raised ValueError"),
        (Checked("mine", "float32", certificate(HOLDS), "Z[1] = …"), "not compared so far", "what is shown holds"),
        (Checked("mine", "float32", certificate(), "Z[1] = …"), "not compared so far", "no equation is shown yet"),
        (Checked("mine", "float32", certificate()), "not compared", "nothing was judged: no step shows anything"),
        (
            Checked("mine", "float32", certificate(HOLDS), only=("J",)),
            "not compared",
            "J is not judged; shown is dZ[3]",
        ),
        (Checked("mine", "float32", DISAGREES, "Z[1] = …"), "disagrees", "dW[3] is broken from step 1 on"),
    ],
)
def test_nothing_but_a_whole_certificate_agrees(checked, verdict, reason):
    assert verdict == verdict_of(checked)
    assert reason_for(checked).startswith(reason)
    assert "agrees" == Checked("mine", "float32", certificate(HOLDS)).verdict


def test_a_recording_that_ended_before_its_time_says_so_and_does_not_agree():
    ended = "after step 2 of 4: it raised ValueError"
    one = Checked("mine", "float32", certificate(HOLDS, ended=ended))
    assert "not compared" == verdict_of(one)
    assert (
        "the recording ended after step 2 of 4: it raised ValueError; all 36 numbers judged up to there lie "
        in (checked_text(one, {}, {}).splitlines()[0])
    )
    assert ("not compared", False) == ((part := replace(one, following="Z[1] = …")).verdict, part.is_so_far)
    text = checked_text(Checked("mine", "float32", replace(DISAGREES, ended=ended)), {}, {})
    assert f"\n  ended     {ended}" in text


def test_a_row_has_alternatives_with_a_plus_within_them():
    found = replace(DISAGREES, explained_by=(("a", "b"), ("c",)), hints=("half",))
    row = record_of(Checked("mine", "float32", found, seconds=1.23456))
    assert ("dW[3]", 1, ["a + b", "c"], ["half"], 1.235) == tuple(
        row[name] for name in ("first_broken", "step", "explained_by", "hints", "seconds")
    )
