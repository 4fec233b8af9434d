"""`backproof report`, `open` and `figures`: what they write, where, and what they say where they cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import altair as alt
import pytest
from altair.utils import schemapi

from comparisons.stored_scenes import read as stored
from reports import charts
from reports.figures import figures
from reports.images import images, named
from reports.typeset import mathml

pytestmark = pytest.mark.xdist_group("reports")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def backproof(tmp_path):
    """`backproof("report", …)` as a user calls it, in a folder of his own."""

    def run(*arguments, **more):
        call = [sys.executable, "-P", "-c", "from comparisons.command.app import main; main()", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": "true", "COLUMNS": "200", **more}
        return subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_json_and_csv_are_those_of_the_run(backproof, folder):
    assert json.loads((folder / "result.json").read_text()) == json.loads(
        backproof("report", folder, "--format", "json").stdout
    )
    assert (folder / "result.csv").read_text() == backproof("report", folder, "--format", "csv").stdout


def test_a_page_lies_beside_its_result_and_others_are_printed(backproof, changed):
    out = changed(lambda content: None)
    done = backproof("report", out)
    assert (0, f"Report: {out}/report.html\n") == (done.returncode, done.stdout)
    assert "<!doctype html>" == (out / "report.html").read_text().partition("\n")[0]
    for form, first in (("markdown", "## ❌ DISAGREES"), ("junit", "<?xml version")):
        assert backproof("report", out, "--format", form).stdout.startswith(first)
    assert ["report.html", "result.json", "scenes.json"] == sorted(path.name for path in out.iterdir())


def test_any_format_goes_to_a_file(backproof, folder, tmp_path):
    done = backproof("report", folder, "--format", "junit", "--out", "new/backproof.xml")
    assert (0, "") == (done.returncode, done.stderr)
    assert (tmp_path / "new/backproof.xml").read_text().startswith("<?xml version")


def test_open_writes_the_page_only_where_it_is_missing_or_old(backproof, changed):
    out = changed(lambda content: None, with_scenes=False)
    assert 0 == backproof("open", out).returncode
    page = out / "report.html"
    page.write_text("kept")
    os.utime(page, (2**31, 2**31))
    assert 0 == backproof("open", out).returncode
    assert "kept" == page.read_text()
    os.utime(page, (1, 1))
    backproof("open", out)
    assert "kept" != page.read_text()


def test_open_says_where_the_page_is_if_no_browser_can_be_started(backproof, changed):
    out = changed(lambda content: None, with_scenes=False)
    done = backproof("open", out, BROWSER="/no/such/browser", PATH="/nowhere", DISPLAY="")
    assert f"no browser could be started here; open {out}/report.html in one\n" == done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("report", "nothing"), "nothing cannot be read; name a folder that `backproof run` wrote"),
        (("figures", "nothing", "--out", "x"), "nothing cannot be read"),
        (("open", "nothing"), "nothing cannot be read"),
        (("report", ".", "--format", "pdf"), "--format"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, says, backproof):
    done = backproof(*arguments)
    assert 2 == done.returncode
    assert says in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_disk_that_takes_nothing_is_one_sentence(backproof, folder, changed):
    out = changed(lambda content: None, with_scenes=False)
    for call in (("report", out, "--out", "/proc/report.html"), ("figures", folder, "--out", "/proc/figures")):
        done = backproof(*call)
        assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
        assert "could not be written: " in done.stderr


def test_without_what_draws_there_are_words(backproof, folder, tmp_path):
    (tmp_path / "altair.py").write_text("")
    hiding = "import sys\nfrom importlib import util\nfound = util.find_spec\n"
    hiding += "util.find_spec = lambda name, package=None: None if name == 'altair' else found(name, package)\n"
    (tmp_path / "sitecustomize.py").write_text(hiding)
    more = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = backproof("report", folder, **more)
    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert (
        "altair is not installed, and pages and figures are drawn with it; pip install 'backproof[reports]'"
        in done.stderr
    )
    assert 0 == backproof("report", folder, "--format", "markdown", **more).returncode


# Figures --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(result, scenes):
    return dict(images(result, scenes))


def test_every_chart_keeps_to_vega_lites_schema(result, scenes):
    assert schemapi.DEBUG_MODE
    assert 10 == len(figures(result, scenes))
    for drawn in (charts.errors(["numpy"], ["numpy"]), charts.histogram(["a"], ["a"])):
        assert charts.spec(drawn, "a chart")
    with pytest.raises(schemapi.SchemaValidationError):
        alt.Chart(alt.NamedData("x")).mark_point(size="large")


def test_all_ten_figures_are_drawn(drawn):
    assert {f"{number:02}" for number in range(1, 11)} <= {name.partition("-")[0] for name in drawn}
    for name, drawing in drawn.items():
        assert drawing.lstrip().startswith("<svg"), name


def test_the_drawings_have_the_runs_numbers(drawn, folder):
    snapshots = stored(folder)["snapshots"]
    values = snapshots["runs"][0]["values"][-1]
    written = f"{values['W[1]'][0][0]:.3f}".replace("-", "−")
    assert f">{written}<" in drawn["05-a-layer"]
    other = f"{values['W[1]'][0][0] + 1:.3f}".replace("-", "−")
    assert f">{other}<" not in drawn["05-a-layer"]


def test_files_are_svg_and_png(backproof, folder, tmp_path):
    done = backproof("figures", folder, "--out", "figures")
    assert (0, "") == (done.returncode, done.stderr)
    files = sorted((tmp_path / "figures").iterdir())
    assert f"{len(files)} files: figures\n" == done.stdout
    assert {path.stem for path in files if path.suffix == ".svg"} == {
        path.stem for path in files if path.suffix == ".png"
    }
    for path in files:
        start = {".png": b"\x89PNG", ".svg": b"<svg"}[path.suffix]
        assert path.read_bytes().startswith(start), path


def test_a_result_without_scenes_has_no_figures(backproof, changed):
    done = backproof("figures", changed(lambda content: None, with_scenes=False), "--out", "figures")
    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "holds nothing to draw figures from; run it again without --no-figures" in done.stderr


def test_a_title_makes_a_files_name():
    assert "a-layer-over-many-examples" == named("A layer, over many examples!")
    assert "/" not in named("../../etc/passwd")


def test_formulas_need_no_framework():
    code = (
        "import sys; import reports.page, reports.images, reports.junit, reports.markdown; print(sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for name in ("torch", "keras", "tensorflow", "reference.network", "numpy"):
        assert f"'{name}'" not in loaded
    assert mathml("Z = W A").startswith("<math")
