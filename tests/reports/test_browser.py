"""A real browser opens the page from disk, without a network, at desktop and phone width, and uses it as readers do.

Chromium is Debian's package or whatever browser of that name is installed; where CI is true, a missing one fails.
"""

import itertools
import json
import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import Error, sync_playwright

from reports.catalogue import catalogue
from reports.formats import html
from tests.frameworks import not_installed
from tests.reports.test_catalogue import FACTS, OUTCOMES, ROW
from tests.reports.test_page import HOSTILE, poisoned

pytestmark = pytest.mark.xdist_group("reports")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium():
    """A browser; a skip where none is installed, but a failure in continuous integration."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        not_installed(f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def opened(chromium, path, size=DESKTOP, theme="light"):
    """The page, drawn to its end; what it said on its console, and what it asked the network for, as attributes."""
    context = chromium.new_context(viewport=size, offline=True, color_scheme=theme)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("window.backproof && window.backproof.ready")
    yield page
    context.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_opens_without_a_word_on_the_console(size, theme, chromium, file):
    with opened(chromium, file, size, theme) as page:
        assert [] == page.said
        assert [] == page.evaluate("backproof.errors")
        assert [file.as_uri()] == [url for url in page.asked if not url.startswith(("data:", "blob:"))]
        shown = "[...document.querySelectorAll('[data-chart]')].filter(place => !place.closest('[hidden]'))"
        assert page.evaluate(f"{shown}.length > 10 && {shown}.every(place => place.querySelector('svg, canvas'))")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_page(size, chromium, file):
    with opened(chromium, file, size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        cut = page.evaluate("""() => [...document.querySelectorAll('main *')].filter(one => {
            const box = one.getBoundingClientRect();
            return box.width && box.right > innerWidth + 1 && !one.closest('.scroll, .command code, .equation, .skip');
        }).map(one => one.outerHTML.slice(0, 120))""")
        assert [] == cut


def test_a_word_on_the_console_would_be_seen(chromium, file, tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text(file.read_text().replace('"use strict";', '"use strict"; console.error("a word");'))
    with opened(chromium, broken) as page:
        assert ["a word"] == page.said


def test_verdict_and_broken_quantity_are_on_the_first_screen(chromium, file):
    with opened(chromium, file) as page:
        for selector in ("#verdict h1", ".fault h2"):
            box = page.locator(selector).first.bounding_box()
            assert box["y"] + box["height"] <= 900
        assert "DISAGREES" in page.locator("#verdict h1").inner_text()
        assert "dW[2] of wrong" in page.locator(".fault h2").first.inner_text()


def test_a_cell_opens_its_details_with_mouse_and_keyboard(chromium, file, result):
    where = ("wrong", "float32", "dW[2]")
    row = next(row for row in result.rows if where == (row.implementation, row.precision, row.quantity))
    with opened(chromium, file) as page:
        cell = page.get_by_role("button", name="dW[1…5] of wrong (float32): disagrees")
        cell.click()
        dialog = page.get_by_role("dialog")
        assert dialog.is_visible()
        said = dialog.inner_text()
        for expected in (f"{row.expected:.9g}", f"{row.actual:.9g}", f"step {row.step:,}", "disagrees", "neuron"):
            assert expected in said
        assert 1 == dialog.locator("math").count()
        dialog.get_by_role("button", name="✓ dW[1]").click()
        assert "agrees" == dialog.locator("#details-verdict").inner_text().removeprefix("✓ ")
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        cell.focus()
        page.keyboard.press("Enter")
        assert dialog.is_visible()
        dialog.get_by_role("button", name="Show it through the steps").click()
        assert not dialog.is_visible()
        assert ("dW[2]", "float32") == tuple(
            page.locator(f"#errors-{name}").input_value() for name in ("quantity", "precision")
        )


def test_the_slider_moves_the_boundary_and_the_play_button_moves_the_slider(chromium, file):
    with opened(chromium, file) as page:
        table = "backproof.views.get('boundary').data('cells').map(cell => cell.level).join()"
        slider, last = page.locator("#epoch"), page.evaluate(table)
        assert "After 2 epochs" in page.locator("#boundary-said").inner_text()
        slider.fill("0")
        page.wait_for_function(f"({table}) !== `{last}`")
        assert "At the start" in page.locator("#boundary-said").inner_text()
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("document.getElementById('epoch').value === document.getElementById('epoch').max")
        page.wait_for_function(f"({table}) === `{last}`")
        page.locator("#boundary-run").select_option(label="wrong (float64)")
        assert ["its difference from numpy", "its difference from mine"] == page.locator(
            "#boundary-pair option"
        ).all_inner_texts()


def test_the_theme_is_the_systems_until_it_is_switched(chromium, file):
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(chromium, file, theme="dark") as page:
        dark = page.evaluate(ground)
        page.evaluate("backproof.ready = false")
        page.get_by_role("button", name="light").click()
        page.wait_for_function("backproof.ready")
        light = page.evaluate(ground)
        assert ("rgb(20, 24, 29)", "rgb(255, 255, 255)") == (dark, light)
        assert [] == page.said


def test_a_precision_a_pair_and_a_step_can_be_chosen(chromium, file):
    with opened(chromium, file) as page:
        page.locator(".segmented label", has_text="float64").click()
        page.wait_for_selector("[data-chart='loss-float64'] svg")
        before = page.locator("[data-q='W[1]']").first.text_content()
        page.locator("#snapshot-step").select_option(index=0)
        assert before != page.locator("[data-q='W[1]']").first.text_content()
        page.locator("#errors-quantity").select_option("Z[1]")
        page.wait_for_function("backproof.views.get('errors').data('errors').length > 0")


def test_everything_a_reader_selects_has_a_name(chromium, file):
    with opened(chromium, file) as page:
        nameless = page.evaluate("""() => [...document.querySelectorAll('button, select, input, [role=img]')]
            .filter(one => !(one.ariaLabel || one.textContent.trim() || one.closest('label')?.textContent.trim()))
            .map(one => one.outerHTML.slice(0, 120))""")
        assert [] == nameless
        assert 1 == page.locator("h1").count()


def test_markup_and_script_in_every_text_do_nothing(chromium, folder, changed):
    out = changed(lambda content: content.update(poisoned(content)))
    scenes = json.loads((folder / "scenes.json").read_text())
    named = (
        scenes["boundaries"]["runs"],
        scenes["boundaries"]["pairs"],
        scenes["snapshots"]["runs"],
        scenes["errors"]["rows"],
    )
    for run in itertools.chain(*named):
        run |= {name: f"{run[name]}{HOSTILE}" for name in ("implementation", "one", "other") if name in run}
    (out / "scenes.json").write_text(json.dumps(scenes))
    path = out / "report.html"
    path.write_text(html(out), encoding="utf-8")
    with opened(chromium, path) as page:
        page.locator("[data-cell]").first.click()
        page.keyboard.press("Escape")
        page.locator("#snapshot-run").select_option(index=1)
        assert page.evaluate("window.stung === undefined && document.querySelectorAll('main img').length === 0")
        assert [] == page.said
        assert [] == page.evaluate("backproof.errors")


def test_script_that_is_not_escaped_would_be_run(chromium, file, tmp_path):
    stung = tmp_path / "stung.html"
    stung.write_text(file.read_text().replace("<h1>", "<h1><script>window.stung = 1</script>", 1))
    with opened(chromium, stung) as page:
        assert 1 == page.evaluate("window.stung")


def test_the_network_is_off(chromium, file):
    with opened(chromium, file) as page, pytest.raises(Error):
        page.evaluate("fetch('https://example.com')")


def test_a_catalogue_finds_facts_by_their_words_and_opens_the_one_that_is_linked(chromium, tmp_path):
    path = tmp_path / "internals.html"
    path.write_text(catalogue(FACTS, (ROW,), OUTCOMES, "", "0"), encoding="utf-8")
    context = chromium.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{path.as_uri()}#another")
    assert page.locator("#another").evaluate("entry => entry.open")
    page.locator("#find").fill("epsilon late")
    assert [True, False] == [page.locator(name).is_visible() for name in ("#a-fact", "#another")]
    assert "1 of 2" == page.locator("#found").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert [] == said
    context.close()
