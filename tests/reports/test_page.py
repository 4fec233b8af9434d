"""The page shows what the result says, leads to what disagrees, and bears whatever stands in a result."""

import json
import math
import re
from dataclasses import replace
from html import unescape

import pytest
import vl_convert

from comparisons.errors import UsageError
from comparisons.messages import fault_text
from comparisons.result import Result, read, verdict_of
from comparisons.wording import multiple, verdict_line
from reports.formats import html
from reports.page import page
from reports.runs import rows_of
from reports.scenes import scenes_of

pytestmark = pytest.mark.xdist_group("reports")  # one run for them all
LIMIT = 8_000_000


def visible(text):
    """The page's own markup, without scripts, styles and data."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)


def said(text):
    """What a reader reads."""
    return unescape(re.sub(r"<[^>]*>", "", visible(text)))


def data(text):
    """What the page's script looks up."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_verdict_and_the_fault_come_first_in_the_words_of_the_terminal(text, result):
    words = said(text)
    assert verdict_line(result) in words
    for one in result.implementations:
        if one.verdict == "disagrees":
            fault = fault_text(one.name, one.precision, rows_of(result, one.name, one.precision), one, one.means)
            assert fault in words
            assert words.index(verdict_line(result)) < words.index(fault) < words.index("Every equation, on each")
    assert "disagrees" == result.verdict


def test_nothing_is_fetched(text):
    markup = visible(text)
    assert [] == re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', markup)
    assert "@import" not in text.partition("</style>")[0]
    assert "default-src 'none'" in text


def test_it_is_small_enough(text):
    assert len(text.encode()) < LIMIT


def test_every_number_of_the_matrix_is_the_results(text, result):
    cells = data(text)["cells"]
    shown = {
        (part["quantity"], cell["title"].rpartition(" of ")[2]) for cell in cells.values() for part in cell["parts"]
    }
    assert shown == {(row.quantity, f"{row.implementation} ({row.precision})") for row in result.rows}
    buttons = dict(re.findall(r'<button[^>]*data-cell="([^"]*)"[^>]*>.*?</span>(.*?)</button>', visible(text)))
    assert set(buttons) == set(cells)


def test_a_changed_number_shows(changed):
    def change(content):
        row = next(row for row in content["rows"] if row["quantity"] == "J" and row["precision"] == "float32")
        row["worst"] = 0.4242

    before, after = (html(changed(what, with_scenes=False)) for what in (lambda content: None, change))
    assert "0.42</button>" not in before
    assert "0.42</button>" in after
    assert "0.42 × its bound" in json.dumps(data(after), ensure_ascii=False)


def test_one_row_that_disagrees_leads_the_eye(agreeing, saved):
    row = next(row for row in agreeing.rows if row.quantity == "W[3]")
    broken = replace(row, outside=7, verdict="disagrees", worst=4.2e6, first_broken=3, n_broken_steps=2)
    runs = tuple(
        replace(one, verdict="disagrees", reason="W[3] is broken from step 3 on")
        if (one.name, one.precision) == (row.implementation, row.precision) else one
        for one in agreeing.implementations
    )  # fmt: skip
    rows = tuple(broken if one is row else one for one in agreeing.rows)
    whole = html(saved(agreeing, with_scenes=False))
    disagreeing = replace(agreeing, rows=rows, implementations=runs, verdict=verdict_of(runs))
    faulty = html(saved(disagreeing))
    assert ('class="fault"' in whole, "outside" in re.findall(r'class="cell (\w+)" data-cell', whole)) == (False, False)
    assert 1 == faulty.count('class="fault"')
    assert ["outside"] == [level for level in re.findall(r'class="cell (\w+)" data-cell', faulty) if level == "outside"]
    heading = re.search(r'<section class="fault".*?</h2>', faulty, re.DOTALL)[0]
    assert "W[3]" in heading
    assert f"{multiple(4.2e6)} × the bound" in said(faulty)


# Whatever stands in a result ------------------------------------------------------------------------------------------

HOSTILE = "</script><script>window.stung=1</script><img src=x onerror='window.stung=1'>\"'{{7*7}}{% raise %}\u2028<!--"


def poisoned(content):
    """Every text that is not a verdict, a precision or a quantity's own name, with markup and script in it."""
    kept = {"verdict", "precision", "quantity"}
    if isinstance(content, dict):
        return {name: value if name in kept else poisoned(value) for name, value in content.items()}
    if isinstance(content, list):
        return [poisoned(value) for value in content]
    return f"{content}{HOSTILE}" if isinstance(content, str) and content not in ("inf", "-inf") else content


def test_markup_in_any_text_is_text(changed, folder, text):
    def change(content):
        content.update(poisoned(content))

    out = changed(change)
    scenes = json.loads((folder / "scenes.json").read_text())
    names = {"boundaries": scenes["boundaries"].pop("runs"), "pairs": scenes["boundaries"].pop("pairs")}
    scenes = poisoned(scenes)
    for part in names.values():
        for run in part:
            run |= {name: f"{run[name]}{HOSTILE}" for name in ("implementation", "one", "other") if name in run}
    scenes["boundaries"] |= {"runs": names["boundaries"], "pairs": names["pairs"]}
    (out / "scenes.json").write_text(json.dumps(scenes))
    poisonous = html(out)
    assert HOSTILE.partition("{{")[0] not in poisonous
    assert "<img" not in visible(poisonous)
    assert "<" not in re.search(r'id="data">(.*?)</script>', poisonous, re.DOTALL)[1]
    assert "{{7*7}}" in said(poisonous)  # and not 49
    opened, closed = (len(re.findall(pattern, poisonous)) for pattern in (r"<script\b", "</script>"))
    assert (opened, closed) == tuple(len(re.findall(pattern, text)) for pattern in (r"<script\b", "</script>"))


def test_text_that_is_not_escaped_would_be_seen(text):
    assert "<img" in visible(text.replace("<h1>", f"<h1>{HOSTILE}"))


def with_numbers(content, stored):
    """Every number of the rows and curves as this."""
    for row in content["rows"]:
        row |= dict.fromkeys(("worst", "median", "radius", "expected", "bound", "actual"), stored)
    for history in content["histories"]:
        history |= {name: [stored] * len(history["loss"]) for name in ("loss", "accuracy", "test_accuracy")}
    for one in content["implementations"]:
        one |= dict.fromkeys(("loss", "accuracy", "test_accuracy", "seconds"), stored)
    for band in content["bands"]:
        for curves in (band, band["after_epochs"]):
            curves |= {name: [stored] * len(curves[name]) for name in ("reference", "low", "high")}
    for explanation in content["explanations"]:
        explanation |= {name: stored for name, value in explanation.items() if isinstance(value, float)}
        for cause in explanation["causes"]:
            cause |= {"last": stored, "largest": stored}


@pytest.mark.parametrize("stored", [None, "inf", "-inf", 0, 0.0, 1e308, 5e-324])
def test_numbers_at_the_ends_are_shown(stored, changed):
    words = said(html(changed(lambda content: with_numbers(content, stored))))
    assert "Every equation" in words
    assert "NaN%" not in words


def test_an_empty_result_says_so(result):
    empty = Result("not compared", 0, result.experiment, result.environment, (), ())
    words = said(page(empty, None, "0"))
    assert "NOT COMPARED" in words
    assert "No number was judged" in words


def test_one_implementation_alone_is_no_agreement(agreeing, saved):
    kept = tuple(one for one in agreeing.implementations if one.name == "numpy")
    rows = tuple(row for row in agreeing.rows if row.implementation == "numpy")
    alone = replace(agreeing, implementations=kept, rows=rows, verdict=verdict_of(kept), agreements=(),
                    explanations=(), bands=(), histories=agreeing.histories[:1])  # fmt: skip
    text = html(saved(alone))
    assert 'data-verdict="not compared"' in text
    assert "the reference alone is no agreement" in said(text)


def test_forty_implementations_are_all_there(agreeing, saved):
    first = [one for one in agreeing.implementations if one.name == "numpy"]
    names = [f"implementation-{number}" for number in range(40)]
    many = replace(
        agreeing,
        implementations=tuple(replace(one, name=name) for one in first for name in names),
        rows=tuple(replace(row, implementation=name)
                   for row in agreeing.rows if row.implementation == "numpy" for name in names),
        histories=tuple({**one, "implementation": name}
                        for one in agreeing.histories if one["implementation"] == "numpy" for name in names),
        explanations=tuple({**one, "one": name, "other": other} for one in agreeing.explanations[:1] for name in names
                           for other in names),
    )  # fmt: skip
    text = html(saved(many))
    assert len(text.encode()) < LIMIT
    assert all(said(text).count(name) for name in names)


def test_a_run_that_ended_says_how_and_shows_its_last_output(agreeing, saved):
    ended = replace(agreeing.implementations[0], name="gone", verdict="not compared", reason="it was ended by signal 9",
                    output="last words", skipped=False)  # fmt: skip
    with_it = replace(agreeing, implementations=(*agreeing.implementations, ended))
    words = said(html(saved(with_it, with_scenes=False)))
    assert words.index("it was ended by signal 9") < words.index("Every equation")
    assert "last words" in words


def test_a_result_without_figures_has_a_page_without_them(changed):
    text = html(changed(lambda content: None, with_scenes=False))
    assert "drawn from this run" not in said(text)
    assert "Every equation" in said(text)


@pytest.mark.parametrize("name", ["result.json", "scenes.json"])
def test_an_unknown_version_is_one_clear_error(name, changed):
    out = changed(lambda content: None)
    content = json.loads((out / name).read_text())
    (out / name).write_text(json.dumps({**content, "version": 99}))
    with pytest.raises(UsageError, match=r"has version 99; this Backproof reads version 1$"):
        html(out)


def test_nan_is_never_written_into_the_data(changed, folder):
    stored = math.nan
    result = read(changed(lambda content: with_numbers(content, None)))
    assert math.isnan(result.rows[0].worst), stored
    assert "NaN" not in json.dumps(data(page(result, scenes_of(folder), "0")))


def test_no_name_gets_into_an_expression(result, scenes):
    """U+2028 ends a line of script, so that a name written into an expression could not be read."""
    name = "a\u2028b'\"\\"
    hostile = replace(
        result,
        implementations=tuple(replace(one, name=name) for one in result.implementations if one.name == "numpy"),
        histories=tuple(
            {**one, "implementation": name} for one in result.histories if one["implementation"] == "numpy"
        ),
    )
    rows = [{**row, "implementation": name} for row in scenes.errors["rows"] if row["implementation"] == "numpy"]
    specs = data(page(hostile, replace(scenes, errors={**scenes.errors, "rows": rows}), "0"))["charts"]
    assert {"loss-float32", "errors", "histogram", "boundary", "surface", "points"} <= set(specs)
    for chart in specs.values():
        vl_convert.vegalite_to_vega(chart["spec"])
    sorted_by_name = {"x": {"field": "x", "type": "nominal", "sort": [name]}}
    with pytest.raises(ValueError, match="Unexpected token"):
        vl_convert.vegalite_to_vega({"data": {"values": []}, "mark": "bar", "encoding": sorted_by_name})
