"""The command `backproof`: what it understands, and how it ends.

Exit codes: 0 all agree; 1 a disagreement; 2 the user's mistake, in one line; 3 something that was asked for could not
be compared, or nothing was; 70 a defect of Backproof; 130 Ctrl-C. Each command imports what it needs when it is called.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

HELP = """Prove that two neural networks are the same network.

The article's network is trained side by side in NumPy, Keras and PyTorch, and every equation of every step is checked
on each implementation's own numbers, within rounding bounds that are computed and never chosen.

Start with `backproof run`. Exit codes: 0 all agree, 1 a disagreement, 2 a mistake in what was asked,
3 something could not be compared.
"""


def _version() -> str:
    from importlib import metadata  # costs more than most of what `backproof --help` needs

    return metadata.version("backproof")


app = App(
    name="backproof",
    help=HELP,
    help_format="markdown",
    version=_version,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)

Memory = Annotated[str, Parameter(help="What a process may take, such as 512MiB; longer traces are judged in parts.")]
Kept = Annotated[str, Parameter(help="Steps that stay on disk: all, worst (and first broken), or every N-th.")]
Formats = Literal["text", "csv", "json"]
Experiments = Annotated[str, Parameter(help="`article`, `gradient-descent`, or the path of a TOML file.")]


@app.command
def run(
    experiment: Experiments = "article",
    /,
    *,
    implementations: Annotated[
        str | None, Parameter(help="Names or files, with commas between; by default all but torch-default.")
    ] = None,
    precision: Annotated[
        Literal["float32", "float64", "both"] | None, Parameter(help="Both, or what the TOML says.")
    ] = None,
    out: Annotated[Path, Parameter(help="The folder for result and traces.")] = Path("build/backproof"),
    patience: Annotated[float, Parameter(help="Seconds without a step after which one is given up.")] = 300.0,
    memory: Memory = "1GiB",
    keep: Kept = "all",
    quiet: Annotated[bool, Parameter(negative=(), help="Print the verdict line alone.")] = False,
    figures: Annotated[
        bool, Parameter(help="Work out what figures need, and put the article's claims to the test.")
    ] = True,
) -> int:
    """Train all implementations side by side, certify every step, and write the result.

    Examples:

        backproof run
        backproof run gradient-descent --implementations numpy,torch
        backproof run my.toml --implementations torch,my_jax.py --out build/mine
    """
    from comparisons.command.run import run_command

    return run_command(experiment, implementations, precision, out, patience, memory, quiet, figures, keep)


Result = Annotated[Path, Parameter(help="A folder that `backproof run` wrote.")]


@app.command
def report(
    folder: Result = Path("build/backproof"),
    /,
    *,
    format: Annotated[
        Literal["html", "markdown", "json", "csv", "junit"], Parameter(help="A page, or text to pass on.")
    ] = "html",
    out: Annotated[
        Path | None, Parameter(help="The file; by default report.html beside the result, others are printed.")
    ] = None,
) -> int:
    """Turn a result into a page, a pull request's comment, a test report or a table. It computes nothing.

    Examples:

        backproof report build/backproof
        backproof report build/backproof --format markdown >> "$GITHUB_STEP_SUMMARY"
        backproof report build/backproof --format junit --out backproof.xml
    """
    from comparisons.command.report import report_command

    return report_command(folder, format, out)


@app.command(name="open")
def open_(folder: Result = Path("build/backproof"), /) -> int:
    """Open a result's page in a browser; it is written first where it is missing or old.

    Example: `backproof open build/backproof`
    """
    from comparisons.command.report import open_command

    return open_command(folder)


@app.command
def figures(
    folder: Result = Path("build/backproof"),
    /,
    *,
    out: Annotated[Path, Parameter(help="The folder for the files.")],
) -> int:
    """Write the article's figures, drawn from a run, as SVG and PNG.

    Example: `backproof figures build/backproof --out figures`
    """
    from comparisons.command.report import figures_command

    return figures_command(folder, out)


@app.command
def record(
    implementation: Annotated[str, Parameter(help="A name from `backproof implementations`, or a file.")],
    experiment: Experiments = "article",
    /,
    *,
    out: Annotated[Path, Parameter(help="The trace's folder, NAME.trace.")],
    precision: Annotated[Literal["float32", "float64"] | None, Parameter(help="What the experiment says.")] = None,
    memory: Memory = "1GiB",
    keep: Kept = "all",
) -> int:
    """Run one implementation in this process and keep what it shows, here or on another machine.

    Example: `backproof record torch article --out torch.trace`
    """
    from comparisons.command.traces import record_command

    return record_command(implementation, experiment, out, precision, memory, keep)


@app.command
def certify(
    *traces: Annotated[Path, Parameter(help="Folders that `backproof record` or `run` wrote.")],
    memory: Memory = "1GiB",
) -> int:
    """Judge traces offline; no framework is needed.

    Example: `backproof certify torch.trace keras.trace`
    """
    from comparisons.command.traces import certify_command

    return certify_command(traces, memory)


@app.command
def compare(one: Path, other: Path, /, *, memory: Memory = "1GiB") -> int:
    """Compare two whole runs of one experiment, offline: do they stay together, from which step on not, and why.

    Whether each of them is right, its certificate says, and so does the exit code.

    Example: `backproof compare torch.trace keras.trace`

    Parameters
    ----------
    one
        A folder that `backproof record` or `run` wrote.
    other
        Another one, of the same experiment in the same precision.
    """
    from comparisons.command.traces import compare_command

    return compare_command(one, other, memory)


@app.command
def claims(
    *names: Annotated[str, Parameter(help="C1 to C7; all of them by default.")],
    experiment: Annotated[str, Parameter(help="Of which experiment: a name or a TOML file.")] = "article",
) -> int:
    """Put the article's claims to the test, and print the measured evidence; exit 1 where one does not hold.

    Examples:

        backproof claims
        backproof claims C3 C6 --experiment my.toml
    """
    from comparisons.command.claims import claims_command

    return claims_command(names, experiment)


@app.command
def implementations() -> int:
    """What there is, what is installed, what is missing and how to get it."""
    from comparisons.command.lists import implementations_command

    return implementations_command()


@app.command
def experiment(name: Experiments = "article", /) -> int:
    """Print an experiment as TOML, each field with a comment and its choices.

    Example: `backproof experiment > mine.toml`
    """
    from comparisons.command.lists import experiment_command

    return experiment_command(name)


@app.command
def equations(name: Experiments = "article", /, *, dialects: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print the equations of an experiment's network, as the article writes them.

    Parameters
    ----------
    dialects
        Print the known dialects of them too, with their sources.
    """
    from comparisons.command.lists import equations_command

    return equations_command(name, dialects)


@app.command
def new(file: Annotated[Path, Parameter(help="The file to write, such as `my_network.py`.")], /) -> int:
    """Write a skeleton of the article's network, to be filled in equation by equation, each part checked at once.

    Example: `backproof new my_network.py`
    """
    from comparisons.command.new import new_command

    return new_command(file)


@app.command
def check(
    *files: Annotated[str, Parameter(help="Files, `FILE:FUNCTION`, `MODULE:FUNCTION`, or built-in names.")],
    experiment: Annotated[str, Parameter(help="A name or a TOML file.")] = "article",
    precision: Annotated[Literal["float32", "float64"] | None, Parameter(help="What the experiment says.")] = None,
    visible: Annotated[
        Literal["everything", "gradients", "weights"], Parameter(help="Look at no more than this of what is shown.")
    ] = "everything",
    only: Annotated[
        tuple[str, ...], Parameter(negative=(), help="Tell of this quantity alone, such as `dW[3]`; repeatable.")
    ] = (),
    steps: Annotated[str | None, Parameter(help="The steps to look at, such as 1:100.")] = None,
    conventions: Annotated[Literal["allow", "fail"], Parameter(help="Whether a dialect is a disagreement.")] = "allow",
    format: Annotated[Formats, Parameter(help="Text, or one row for each file.")] = "text",
    patience: Annotated[float, Parameter(help="Seconds without a step after which one is given up.")] = 300.0,
    memory: Memory = "1GiB",
    reproducer: Annotated[Path | None, Parameter(help="A script to write that shows it with NumPy alone.")] = None,
    out: Annotated[Path | None, Parameter(help="A folder to keep traces in; without it they are not kept.")] = None,
    keep: Kept = "all",
) -> int:
    """Run your file, check every number that it shows, and say what is wrong. No sandbox: it is run as it is.

    Examples:

        backproof check my_network.py
        backproof check my_network.py --visible weights --only "dW[3]" --steps 1:100 --conventions fail
        backproof check a.py b.py package.module:train --format csv
    """
    from comparisons.command.check import check_command

    return check_command(
        files, experiment, precision, visible=visible, only=only, steps=steps, is_strict=conventions == "fail",
        how=format, patience=patience, memory=memory, reproducer=reproducer, out=out, kept=keep,
    )  # fmt: skip


@app.command
def mistakes(*, format: Annotated[Formats, Parameter(help="A table, or all fields as CSV or JSON.")] = "text") -> int:
    """List the known mistakes and dialects, by equation."""
    from comparisons.command.known import mistakes_command

    return mistakes_command(format)


@app.command
def explain(name: Annotated[str, Parameter(help="A name from `backproof mistakes`.")], /) -> int:
    """Explain a mistake or a dialect: what it is, the wrong line and the right one, how it shows, where it was seen.

    Example: `backproof explain summed-gradient`
    """
    from comparisons.command.known import explain_command

    return explain_command(name)


@app.command
def internals(
    *names: Annotated[str, Parameter(help="A fact, or with --run facts and areas; with --diff two files.")],
    run: Annotated[bool, Parameter(negative=(), help="Measure all of them, here and now.")] = False,
    diff: Annotated[bool, Parameter(negative=(), help="Compare two files that --run --format json printed.")] = False,
    python: Annotated[Path | None, Parameter(help="Another installation to measure, OTHER/bin/python.")] = None,
    format: Annotated[
        Literal["text", "csv", "json", "html"], Parameter(help="Text, a record for each fact, or a page.")
    ] = "text",
    at_once: Annotated[int | None, Parameter(help="So many processes; by default as there are processors.")] = None,
    patience: Annotated[float, Parameter(help="Seconds after which a fact is given up.")] = 300.0,
    exhaustive: Annotated[
        bool, Parameter(negative=(), help="Functions over all 2³² float32 inputs, for hours.")
    ] = False,
) -> int:
    """What Keras and PyTorch really compute: facts, each an experiment that is run on what is installed.

    Exit codes: 1 where a fact no longer holds, 3 where nothing could be run.

    Examples:

        backproof internals
        backproof internals adam-epsilon
        backproof internals --run adam loss --format json > here.json
        backproof internals --run --format html > internals.html
        backproof internals --diff here.json there.json
    """
    from comparisons.command.internals import internals_command

    return internals_command(
        names, run=run, diff=diff, python=python, how=format, at_once=at_once, patience=patience, exhaustive=exhaustive,
    )  # fmt: skip


@app.command
def quiz(
    *areas: Annotated[str, Parameter(help="Areas or facts, as `backproof internals` lists them; all by default.")],
    questions: Annotated[int, Parameter(help="How many.")] = 5,
    seed: Annotated[int | None, Parameter(help="The same questions again.")] = None,
    python: Annotated[Path | None, Parameter(help="Another installation to measure, OTHER/bin/python.")] = None,
) -> int:
    """Predict what a framework computes, then see it run and explained.

    Example: `backproof quiz adam --questions 3`
    """
    from comparisons.command.quiz import quiz_command

    return quiz_command(areas, questions, seed, python)


def main() -> None:
    """The console script."""
    from comparisons.errors import UsageError

    try:
        code = app(exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        code = _mistake(str(error))
    except UsageError as error:
        code = _mistake(str(error))
    except KeyboardInterrupt as interruption:
        print(str(interruption) or "interrupted; nothing was concluded", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 141  # whoever was reading has gone
        sys.stderr.close()
    except Exception:  # ours, not the user's: no exit code that means something else
        traceback.print_exc()
        print("backproof: this is a defect of Backproof; please report it with the lines above", file=sys.stderr)
        code = 70
    raise SystemExit(code)


def _mistake(text: str) -> int:
    print(f"backproof: {' '.join(text.split())}", file=sys.stderr)
    return 2
