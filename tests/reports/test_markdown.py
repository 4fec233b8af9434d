"""Markdown for a pull request's comment: what a parser of it reads is what the result says, and nothing else."""

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from comparisons.messages import fault_text
from comparisons.wording import verdict_line
from reports.markdown import code, escaped, fenced, markdown
from reports.runs import rows_of

pytestmark = pytest.mark.xdist_group("reports")


def read(text):
    """The text's blocks, as a parser of GitHub's flavour has them."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse(text)


def words(text):
    """What a reader reads: the text of all blocks and cells."""
    return "\n".join(child.content for block in read(text) for child in block.children or [block])


def test_the_verdict_is_the_heading(result):
    first, heading = read(markdown(result))[:2]
    assert ("heading_open", "h2") == (first.type, first.tag)
    assert verdict_line(result) in heading.children[0].content


def test_what_disagrees_stands_as_on_the_terminal(result):
    fences = [block.content for block in read(markdown(result)) if block.type == "fence"]
    expected = [
        fault_text(one.name, one.precision, rows_of(result, one.name, one.precision), one, one.means) + "\n"
        for one in result.implementations
        if one.verdict == "disagrees"
    ]
    assert expected
    assert expected == fences


def test_every_run_and_every_kind_of_quantity_is_in_a_table(result):
    read_words = words(markdown(result))
    for one in result.implementations:
        assert one.name in read_words
    for kind in ("Z[1…5]", "dW[1…5]", "m_W[1…5]", "J"):
        assert kind in read_words


def test_a_result_that_agrees_has_nothing_to_fence(agreeing):
    assert "✅ AGREES" in markdown(agreeing)
    assert "```" not in markdown(agreeing)


HOSTILE = "a|b <b>c</b> `d` *e* [f](http://g) @h #1 ~~i~~ \\ ![j](k)\n| l | https://m.example ```\n# n"


@pytest.mark.parametrize(
    "text", [HOSTILE, "", "`", "``", "``` ```", "@everyone", "- a", "1. b", "# c", "&lt;", "a\n\nb"]
)
def test_any_text_stands_for_itself(text):
    flat = " ".join(text.split())
    (inline,) = [block for block in read(f"x {escaped(text)} y") if block.type == "inline"]
    assert f"x {flat} y".split() == "".join(child.content for child in inline.children).split()
    assert {"text", "text_special"} >= {child.type for child in inline.children}
    (inline,) = [block for block in read(f"x {code(flat)} y") if block.type == "inline"]
    spans = [child.content for child in inline.children if child.type == "code_inline"]
    assert [flat] == spans or not flat
    (block,) = read(fenced(text))
    assert ("fence", f"{text}\n") == (block.type, block.content)


def test_text_that_is_not_escaped_would_be_read_as_markup():
    (inline,) = [block for block in read("x *e* <b>c</b> y") if block.type == "inline"]
    assert {"text"} < {child.type for child in inline.children}


def test_a_hostile_name_breaks_no_table(result):
    hostile = replace(
        result,
        implementations=tuple(
            replace(one, name=f"{one.name}{HOSTILE}", reason=HOSTILE, output=HOSTILE) for one in result.implementations
        ),
        rows=tuple(replace(row, implementation=f"{row.implementation}{HOSTILE}") for row in result.rows),
    )
    tables = [block for block in read(markdown(hostile)) if block.type == "table_open"]
    assert len(tables) == len([block for block in read(markdown(result)) if block.type == "table_open"])

    def cells(text):
        return [block.type for block in read(text) if block.type in ("table_open", "tr_open", "th_open", "td_open")]

    assert cells(markdown(result)) == cells(markdown(hostile))
    assert not [block for block in read(markdown(hostile)) if block.type == "html_inline"]
