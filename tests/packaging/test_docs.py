"""The documents say what is so: what they show is run, what they name exists, what is made from the code is as made.

A command, a file, an option or a field that a page names and that is not there is an error here, and so is a field that
a page leaves out. Each rule is shown a text that it must reject.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cyclopts import CycloptsError
from safetensors.numpy import load_file, save_file

from comparisons.agreement import Agreement, Difference
from comparisons.causes import Cause, Explanation
from comparisons.command.app import app
from comparisons.drift import N_REPLICAS
from comparisons.experiment import Experiment
from comparisons.placing import Score
from comparisons.wording import MEASURED, alarm_line
from reference.learned import History

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("*.ipynb"))]
PACKAGES = ("reference", "comparisons", "reports")
BANNED = ("toler" + "ance", "../" + "shared", "issue" + " #")
TWO_STEPS = 'epochs = 1\nbatch_size = 8\n[data]\nkind = "circles"\nn_train = 16\nn_test = 4\n'  # the article's network
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

pytestmark = pytest.mark.xdist_group("docs")


def fences(page: str, language: str) -> list[str]:
    """The texts between fences of one language, in order, their indentation taken away."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", page, re.MULTILINE | re.DOTALL)
    return ["".join(line.removeprefix(indent) for line in text.splitlines(True))
            for indent, kind, text in found if kind == language]  # fmt: skip


def shell_lines(page: str) -> list[list[str]]:
    """The words of each command between fences, comments taken away."""
    lines = "\n".join(fences(page, "sh")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def inline(page: str) -> list[str]:
    """What stands between single backticks outside fences; line ends are blanks."""
    outside = re.sub(r"^( *)```.*?^\1```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", outside)]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def text_of(page: Path) -> str:
    """A page as Markdown; the code cells of a notebook as fences, its outputs left out."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = [("".join(cell["source"]), cell["cell_type"]) for cell in json.loads(text)["cells"]]
    return "\n\n".join(source if kind == "markdown" else f"```python\n{source}\n```" for source, kind in cells)


# What a page names exists ---------------------------------------------------------------------------------------------


def wrong_commands(page: str) -> Iterator[str]:
    """Commands of ours that the command line would not take; a command's name alone may be spoken of."""
    spoken = [text.split() for text in inline(page) if text.startswith("backproof ")]
    for words in [*shell_lines(page), *spoken]:
        if Path(words[0]).name != "backproof":
            continue
        arguments = [word for word in words[1:] if word != "…"]
        if words in spoken and len(arguments) == 1 and arguments[0] in app:
            continue
        try:
            app.parse_args(arguments, exit_on_error=False, print_error=False)
        except CycloptsError as error:
            yield f"{' '.join(words)}: {error}"


def wrong_programs(page: str) -> Iterator[str]:
    """Targets that the Makefile lacks, and files that are given to a program of .venv and are not there."""
    targets = re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE)
    spoken = [shlex.split(text) for text in inline(page) if text.startswith(("make ", ".venv"))]
    for words in [*shell_lines(page), *spoken]:
        words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        if words[0] == "make":
            yield from (f"make {word}" for word in words[1:] if word not in targets)
        elif words[0].startswith(".venv/bin/"):
            named = [word for word in words[1:] if re.fullmatch(r"[\w./]+", word) and "/" in word]
            named = [word for word in named if not word.startswith("build/")]  # which a command before it writes
            yield from (f"{words[0]} {word}" for word in named if not (ROOT / word).exists())


def wrong_files(page: str) -> Iterator[str]:
    """Files and folders of the repository that are spoken of and not there."""
    folders = "|".join([*PACKAGES, "docs", "tests", "benchmarks", "scripts"])
    for text in inline(page):
        if re.fullmatch(rf"({folders})/[\w./-]*", text) and not (ROOT / text).exists():
            yield text


def wrong_links(page: str) -> Iterator[str]:
    """Links inside the repository that lead nowhere, from the root and from docs/ alike; what is indented is code."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^ {4}.*$", "", page, flags=re.MULTILINE)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        found = next((folder / path for folder in (ROOT, ROOT / "docs") if path and (folder / path).is_file()), None)
        if found is None or (anchor and anchor not in anchors(found.read_text(encoding="utf-8"))):
            yield target


def anchors(page: str) -> set[str]:
    """The names by which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def banned_words(page: str) -> Iterator[str]:
    """Words that the project does not use, and things that are no reader's business."""
    yield from (word for word in BANNED if word in page.lower())


def wrong_python(page: str) -> Iterator[str]:
    """Python that is none."""
    for text in fences(page, "python"):
        try:
            compile(text, "page", "exec")
        except SyntaxError as error:
            yield str(error)


def wrong_pictures(page: str) -> Iterator[str]:
    """Equations that `backproof equations` does not print."""
    printed = known_equations()
    for text in fences(page, "text"):
        if " A[0] + b[1]" in text:
            yield from (line for line in text.splitlines() if line != "…" and line not in printed)


def known_equations() -> list[str]:
    from comparisons.composed import network_of

    return str(network_of(Experiment())).splitlines()


Rule = Callable[[str], Iterator[str]]
REJECTED: dict[Rule, tuple[str, ...]] = {
    wrong_commands: (
        "```sh\nbackproof rnu\n```",
        "```sh\nbackproof run --precison both\n```",
        "```sh\nbackproof certify a.trace --offline  # a comment\n```",
        "see `backproof explian summed-gradient`",
        "a `backproof\nrun --implementation numpy` over two lines",
    ),
    wrong_programs: ("```sh\nmake agreemnt\n```", "run `make everything`", "```sh\n.venv/bin/python docs/made.py\n```"),
    wrong_files: ("see `comparisons/ball.py`", "in `reference/tape/`"),
    wrong_links: ("[here](docs/nowhere.md)", "[there](README.md#no-such-heading)", "[a](CHANGELOG.md) [b](nothing.md)"),
    banned_words: ("a " + BANNED[0], "see " + BANNED[1] + "/DESIGN.md"),
    wrong_python: ("```python\ndef train(experiment)\n    yield\n```", "1. a\n\n   ```python\n   x = = 1\n   ```"),
    wrong_pictures: ("```text\nZ[1] = W[1] A[0] + b[1]\nA[1] = min(0, Z[1])\n```",),
}


@EACH_PAGE
def test_what_a_page_names_is_there(page: Path) -> None:
    text = text_of(page)
    assert {} == {rule.__name__: wrong for rule in REJECTED if (wrong := list(rule(text)))}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(rule, text, id=f"{rule.__name__}-{number}")
        for rule, texts in REJECTED.items()
        for number, text in enumerate(texts, 1)
    ],
)
def test_a_rule_rejects(rule: Rule, text: str) -> None:
    assert list(rule(text))


def test_the_rules_see_what_the_pages_show() -> None:
    commands = [words for words in shell_lines(read("README.md")) if words[0] == "backproof"]
    shown = {"run", "check", "record", "certify", "report", "open", "figures", "internals", "quiz"}
    assert shown == {words[1] for words in commands}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "trace.md", "article.ipynb"} <= {p.name for p in PAGES}
    assert fences("```sh\na\n```\n\n- b\n\n  ```toml\n  c = 1\n  ```\n", "toml") == ["c = 1\n"]
    notebook = text_of(ROOT / "docs/article.ipynb")
    assert "certify(network, two_epochs)\n" in "".join(fences(notebook, "python"))
    assert "backproof explain summed-gradient" in inline(notebook)


# What is made from the code is as made --------------------------------------------------------------------------------


def made(name: str) -> dict[str, Any]:
    """What a script of docs/ or benchmarks/ defines."""
    return runpy.run_path(str(ROOT / name))


@pytest.mark.parametrize("name", made("docs/make.py")["PAGES"])
def test_a_made_page_is_as_docs_make_writes_it(name: str) -> None:
    actual = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert made("docs/make.py")["PAGES"][name]() == actual, "run .venv/bin/python docs/make.py"


@pytest.mark.parametrize("name", made("docs/make.py")["TABLES"])
def test_a_pages_tables_are_as_they_were_measured(name: str) -> None:
    actual = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert made("docs/make.py")["with_tables"](name) == actual, "run .venv/bin/python docs/make.py"


def test_the_rates_that_a_run_prints_are_those_that_were_measured() -> None:
    rows = made("docs/make.py")["measured"]("false_alarms")
    actual = {kind: (sum(int(row["beyond"]) for row in rows if row["kind"] == kind),
                     sum(int(row["n"]) for row in rows if row["kind"] == kind)) for kind in MEASURED}  # fmt: skip
    assert MEASURED == actual
    assert {row["kind"] for row in rows} == {*MEASURED, "fault"}
    assert all(float(row["stated rate"]) == 1 / (N_REPLICAS + 1) for row in rows)
    assert all(int(row["n"]) >= 200 for row in rows if row["kind"] == "shuffled")
    printed = alarm_line([Score("a", "float32", (), 1.0, 9, N_REPLICAS, None, 1 / (N_REPLICAS + 1), None, 0.0, 0.0)])
    assert f"stated: 1 in {N_REPLICAS + 1}; measured: {MEASURED['replica'][0]} of" in printed


def test_the_readme_says_about_how_long_the_code_is() -> None:
    """About is to a fifth."""
    n_lines = {name: sum(len(read_lines(path)) for path in (ROOT / name).rglob("*.py")) for name in PACKAGES}
    said = {name: number(rf"([\d,]+) in\s`{name}/`") for name in PACKAGES}
    assert {} == {name: n for name, n in n_lines.items() if abs(n - said[name]) > n / 5}
    assert sum(said.values()) == number(r"About ([\d,]+) lines of Python")


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def number(pattern: str) -> int:
    """The number that the README gives in this place."""
    (found,) = re.findall(pattern, read("README.md"))
    return int(found.replace(",", ""))


@pytest.mark.parametrize(("seed", "learns"), [(0, True), (16, False)])
def test_the_seeds_that_the_readme_names_do_as_it_says(seed: int, learns: bool) -> None:
    script = made("benchmarks/seeds.py")
    assert learns == (script["accuracy"]("article", "float32", seed) >= script["REACHED"])


# What a page shows is run ---------------------------------------------------------------------------------------------


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of ours in a folder, as the installed program would."""
    start = "from comparisons.command.app import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", start, *words[1:]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def run_python(text: str, folder: Path) -> str:
    """Run a program in a folder, and give what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README has its reader write."""
    folder = tmp_path_factory.mktemp("desk")
    network, _, _ = fences(read("README.md"), "python")
    line = next(line for line in network.splitlines() if 'gradients[f"db' in line)
    (folder / "my_network.py").write_text(network)
    (folder / "wrong.py").write_text(network.replace(line, line.removesuffix(" / m")))
    (experiment,) = fences(read("README.md"), "toml")
    (folder / "smaller.toml").write_text(experiment)
    return folder


def commands_with(word: str) -> list[list[str]]:
    """The README's commands that have this word."""
    return [words for words in shell_lines(read("README.md")) if words[0] == "backproof" and word in " ".join(words)]


def without_numbers(text: str) -> str:
    """The text, each number in it replaced: their last digits depend on the processor."""
    return re.sub(r"\d[\d,.]*(e[+-]?\d+)?", "#", text)


def text_with(word: str) -> str:
    """The README's output that has this word."""
    return next(text for text in fences(read("README.md"), "text") if word in text and "Every equation" not in text)


@pytest.fixture(scope="module")
def result(desk: Path) -> Path:
    """The folder of the README's run of the reader's own network, which agrees as it says."""
    (words,) = commands_with("numpy,my_network.py")
    done = run([*words, "--out", "build/mine"], desk)
    assert done.returncode == 0, done.stdout + done.stderr
    assert without_numbers(text_with("AGREES").strip()) in without_numbers(done.stdout)
    return desk / "build/mine"


def test_the_readers_network_agrees(result: Path) -> None:
    assert "agrees" == json.loads((result / "result.json").read_text())["verdict"]


def test_the_network_without_its_1_m_disagrees_in_these_words(desk: Path) -> None:
    assert (desk / "wrong.py").read_text() != (desk / "my_network.py").read_text()
    (words,) = commands_with("wrong.py")
    done = run(words, desk)
    assert done.returncode == 1, done.stdout + done.stderr
    assert without_numbers(text_with("disagrees").strip()) in without_numbers(done.stdout)


def test_the_network_is_checked_in_these_words(desk: Path) -> None:
    (words,) = commands_with("check my_network.py")
    done = run(words, desk)
    assert done.returncode == 0, done.stdout + done.stderr
    assert without_numbers(text_with("judged numbers").strip()) == without_numbers(done.stdout.splitlines()[0])


def test_the_page_on_checking_has_every_option_column_and_line(desk: Path) -> None:
    page = read("docs/check.md")
    helped = run(["backproof", "check", "--help"], desk).stdout
    options = set(re.findall(r"^│ --([a-z]+)", helped, re.MULTILINE))
    assert {row[0].strip("`") for row in tables(page, "Options")[0]} == {f"--{name}" for name in options - {"help"}}
    asked = ["--experiment", "gradient-descent", "--steps", "1:2", "--format", "csv"]  # its own: nothing is searched
    rows = run(["backproof", "check", "my_network.py", *asked], desk).stdout
    columns = re.search(r"columns of a row are (.*?)\.", page, re.DOTALL)[1]
    assert rows.splitlines()[0].split(",") == [name for name in re.findall(r"`(\w+)`", columns)]
    explained = read("comparisons/wording.py").partition("def explained")[2].partition("\ndef ")[0]
    source = read("comparisons/messages.py") + explained
    lines = set(re.findall(r'f?"  ([a-z]+(?: by)?)  +[^ ]', source)) - {"article", "becomes"}
    told = {row[0].strip("`") for row in tables(page, "What it says")[0]}
    assert set() == lines - told


def test_the_python_of_the_page_on_checking_runs(desk: Path) -> None:
    _, _, notebook, tests = fences(read("docs/check.md"), "python")
    assert run_python(notebook, desk) == "not compared\n"
    (desk / "test_mine.py").write_text(tests, encoding="utf-8")
    is_installed = any(point.name == "backproof" for point in metadata.entry_points(group="pytest11"))
    plugin = [] if is_installed else ["-p", "comparisons.plugin"]
    options = ["-p", "no:cacheprovider", "--rootdir=.", "-c", os.devnull, "--backproof-experiment=gradient-descent"]
    call = [sys.executable, "-m", "pytest", "-q", *plugin, *options, "test_mine.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=desk, env=environment, capture_output=True, text=True, timeout=300)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("place", "name", "package"), [(0, "my_torch.py", "torch"), (1, "my_keras.py", "tensorflow")])
def test_the_models_of_the_page_on_checking_are_certified(place: int, name: str, package: str, tmp_path: Path) -> None:
    """As they stand; and with an activation of another kind, they are not, in two steps."""
    need(package)
    program = fences(read("docs/check.md"), "python")[place]
    (words,) = [words for words in shell_lines(read("docs/check.md")) if name in words]
    words = [word for word in words if word == name or not word.endswith(".py")]
    another = program.replace("ReLU", "Tanh").replace("relu", "tanh")
    (tmp_path / "two-steps.toml").write_text(TWO_STEPS, encoding="utf-8")
    in_two_steps = ["backproof", "check", name, "--experiment", "two-steps.toml"]
    for text, asked, code, says in ((program, words, 0, "✓"), (another, in_two_steps, 1, "A[1] = max(0, Z[1])")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        done = run(asked, tmp_path)
        assert (done.returncode, says in done.stdout) == (code, True), done.stdout + done.stderr


def test_the_model_of_the_readme_is_certified(tmp_path: Path) -> None:
    """Its three lines, with a model that the test makes; and without the one that clears the gradients, it is not."""
    need("torch")
    _, loop, _ = fences(read("README.md"), "python")
    made = """
import backproof
import torch
from comparisons.implementations.torch_model import model_of, optimizer_of

def my_model(experiment):
    model = model_of(experiment)
    return model, optimizer_of(experiment, model), torch.nn.BCELoss()
"""
    asked = "print(backproof.certify(train, backproof.Experiment().but({})).verdict)"
    few = "epochs=1, batch_size=8, data=Circles(n_train=24, n_test=4)"
    program = [made, loop, asked.format("epochs=1"), "from comparisons.experiment import Circles",
               loop.replace("zero_grad", "state_dict"), asked.format(few)]  # fmt: skip
    assert run_python("\n".join(program), tmp_path) == "agrees\ndisagrees\n"


def test_the_readme_s_experiment_is_run_recorded_and_certified(desk: Path) -> None:
    need("torch")
    commands = commands_with("smaller")
    assert ["run", "record"] == [words[1] for words in commands]
    for words in [*commands, *commands_with("certify")]:
        done = run(words, desk)
        assert done.returncode == 0, done.stdout + done.stderr


def need(package: str) -> None:
    """Skip without the package, but not where everything has to be there."""
    if importlib.util.find_spec(package) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{package} is not installed")


def test_the_readme_s_python_runs(desk: Path) -> None:
    _, _, program = fences(read("README.md"), "python")
    printed = run_python(program, desk)
    assert printed.startswith("(4, 2) ")
    assert "\nagrees\n" in printed


def test_a_trace_that_knows_nothing_of_us_is_certified(tmp_path: Path) -> None:
    """The program of docs/trace.md; and with one of its numbers changed, it is not."""
    page = read("docs/trace.md")
    (experiment,), (program,), (example,) = (fences(page, language) for language in ("toml", "python", "json"))
    (tmp_path / "tiny.toml").write_text(experiment)
    (words,) = [words for words in shell_lines(page) if words[1] == "record"]
    assert run(words, tmp_path).returncode == 0
    assert not {"backproof", "comparisons", "reference"} & set(re.findall(r"(?:import|from) (\w+)", program))
    run_python(program, tmp_path)
    certify = next(words for words in shell_lines(page) if words[1] == "certify")
    done = run(certify, tmp_path)
    assert (done.returncode, "mine (float64) agrees" in done.stdout) == (0, True), done.stdout + done.stderr
    head = json.loads((tmp_path / "mine.trace/trace.json").read_text(encoding="utf-8"))
    assert json.loads(example) == head
    assert set(head) == documented(page, "trace.json")

    chunk = tmp_path / "mine.trace/000000.safetensors"
    numbers = load_file(chunk)
    numbers["dW[1]"][3, 0, 1] *= np.nextafter(1, 2) ** 64
    save_file(numbers, chunk)
    done = run(certify, tmp_path)
    assert (done.returncode, "at step 4, equation  dW[1] = " in done.stdout) == (1, True), done.stdout + done.stderr


# Names that are a promise ---------------------------------------------------------------------------------------------


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    return found


def tables(page: str, heading: str) -> list[list[list[str]]]:
    """The tables under a heading: the cells of their rows, without the head."""
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", section(page, heading), re.MULTILINE)
    rows = [block.splitlines()[2:] for block in blocks]
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in table] for table in rows]


def documented(page: str, heading: str, number: int = 0) -> set[str]:
    """The names in the first column of a table under a heading."""
    return {name for row in tables(page, heading)[number] for name in re.findall(r"`(\w+)`", row[0])}


def test_the_result_has_the_fields_that_its_page_promises(result: Path) -> None:
    page, content = read("docs/result.md"), json.loads((result / "result.json").read_text(encoding="utf-8"))
    assert documented(page, "result.json") == set(content)
    assert documented(page, "environment") == set(content["environment"])
    for one in content["implementations"]:
        assert documented(page, "implementations") == set(one)
        assert documented(page, "implementations", 1) == set(one["chain"])
    assert all(documented(page, "rows") == set(row) for row in content["rows"])


def test_the_table_has_the_columns_that_its_page_promises_in_order(result: Path) -> None:
    promised = [row[0].strip("`") for row in tables(read("docs/result.md"), "rows")[0]]
    with (result / "result.csv").open(encoding="utf-8", newline="") as lines:
        assert promised == next(csv.reader(lines))


def test_what_is_said_of_whole_runs_is_all_that_there_is(result: Path) -> None:
    page, content = read("docs/result.md"), json.loads((result / "result.json").read_text(encoding="utf-8"))
    assert documented(page, "agreements") == {field.name for field in fields(Agreement)}
    named = {heading: set(re.findall(r"`(\w+)`", section(page, heading)))
             for heading in ("agreements", "explanations", "histories", "bands")}  # fmt: skip
    assert documented(page, "histories") == {field.name for field in fields(History)}
    for kind in (Difference, Score):
        assert set() == {field.name for field in fields(kind)} - named["agreements"]
    for kind in (Explanation, Cause):
        assert set() == {field.name for field in fields(kind)} - named["explanations"]
    assert content["agreements"]
    for name in ("histories", "bands"):
        assert content[name]
        assert set() == {key for entry in content[name] for key in entry} - named[name]
