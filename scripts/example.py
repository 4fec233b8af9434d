"""Makes reports/example/ and the pictures of the README: the article's run, as `backproof report` and `figures` show.

A run of all built-in implementations in both precisions; the picture of the page is taken by Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE, PICTURES = ROOT / "reports" / "example", ROOT / "docs" / "pictures"
REPORTS = {"report.html": "html", "report.md": "markdown", "rows.csv": "csv"}
FIGURES = {"03-decision-boundary-epoch-050.png": "decision-boundary.png"}
SIZE = {"width": 1200, "height": 860}


def backproof(*arguments):
    """The command, as a user calls it; it must end well."""
    command = [sys.executable, "-c", "from comparisons.command.app import main; main()", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, check=True)


def photographed(page, into):
    """The first screen of a page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport=SIZE)
        shown.goto(page.as_uri())
        shown.wait_for_function("window.backproof && window.backproof.ready")
        shown.screenshot(path=into)
        browser.close()


def main():
    """Run, report, draw; a folder of a finished run may be named, which saves the run."""
    with tempfile.TemporaryDirectory() as temporary:
        if len(sys.argv) > 1:
            result = Path(sys.argv[1]).resolve()
        else:
            result = Path(temporary) / "result"
            backproof("run", "article", "--out", result)
        EXAMPLE.mkdir(parents=True, exist_ok=True)
        PICTURES.mkdir(parents=True, exist_ok=True)
        for name, form in REPORTS.items():
            backproof("report", result, "--format", form, "--out", EXAMPLE / name)
        backproof("figures", result, "--out", Path(temporary) / "figures")
        for name, kept in FIGURES.items():
            shutil.copy(Path(temporary) / "figures" / name, PICTURES / kept)
        photographed(EXAMPLE / "report.html", PICTURES / "report.png")


if __name__ == "__main__":
    main()
