"""The catalogue: ids, areas, words and sources of all facts; nothing is measured here."""

import ast
import dataclasses
import importlib.util
import math
import re
from functools import cache
from pathlib import Path

import pytest

from comparisons.accuracy import ACCURACY
from comparisons.errors import UsageError
from comparisons.internals.catalogue import AREAS, FILES, chosen, fact_of, facts, facts_about
from comparisons.internals.conventions import CONVENTIONS
from comparisons.internals.expectation import Within
from comparisons.internals.measuring import parts
from comparisons.internals.words import fact_text
from comparisons.lexicon import entry_of
from comparisons.messages import entry_text
from reference.dialects import DIALECTS
from tests.frameworks import not_installed

ROOT = Path(__file__).resolve().parents[2]
EACH = pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact.id)


def test_ids_are_unique_and_say_their_area_or_what_they_are_about():
    ids = [fact.id for fact in facts()]
    assert len(ids) == len(set(ids)) == len(set(ids) - set(AREAS))
    assert [] == [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9-]+", name)]


def test_every_file_of_facts_is_listed_and_every_area_has_facts():
    files = {path.stem for path in (ROOT / "comparisons/internals/facts").glob("*.py")}
    assert files - {"__init__", "common"} == set(FILES)
    assert {fact.area for fact in facts()} <= set(AREAS)


@EACH
def test_a_fact_says_all_that_it_should(fact):
    assert fact.claim.endswith(".")
    assert fact.matters.endswith(".")
    assert fact.expected
    assert fact.needs or fact.on_article
    assert "def " in fact.code
    assert all(value.because for value in fact.expected.values() if isinstance(value, Within))


@EACH
def test_a_fact_rejects_figures_that_are_missing_or_not_its_own(fact):
    assert len(fact.wrong({})) == len(fact.expected)
    assert fact.wrong({"another": 1.0})[-1] == "another: measured 1.0, expected nothing"


SOURCES = sorted({text for fact in facts() for text in fact.source.split("; ")})


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def defines(file: str, symbol: str) -> bool:
    """Whether an installed package's file defines a function, a class, or a method of one of its classes."""
    package, _, rest = file.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None and package == "jax":
        pytest.skip("jax is not installed, and no extra brings it")
    if spec is None:
        not_installed(f"{package} is not installed")
    tree: ast.AST | None = parsed(Path(spec.submodule_search_locations[0]) / rest)
    for name in symbol.split("."):
        tree = next((node for node in getattr(tree, "body", ()) if name in names(node)), None)
        if tree is None:
            return False
    return True


def names(node: ast.stmt) -> set[str]:
    """What a statement defines: a function, a class, or the names that it assigns; also under an `if`."""
    if isinstance(node, ast.If):
        return {name for part in (*node.body, *node.orelse) for name in names(part)}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else set()


@pytest.mark.parametrize("text", SOURCES)
def test_the_source_of_a_fact_is_there(text):
    match = re.fullmatch(r"(\S+\.pyi?): ([\w.]+)", text)
    assert match, f"{text!r} is not `file.py: symbol`"
    assert defines(*match.groups())


def test_a_source_that_is_not_there_is_noticed():
    assert not defines("reference/optimizers.py", "adams_step")
    assert defines("reference/optimizers.py", "adam_step")


def test_dialects_of_facts_are_dialects():
    known = {form.name for form in DIALECTS}
    assert set() == {name for fact in facts() for name in fact.of} - known
    assert "adam-epsilon" in facts_about("epsilon-hat")
    assert () == facts_about("summed-gradient")


def test_every_dialect_has_a_fact_that_measures_it():
    assert [] == [form.name for form in DIALECTS if not facts_about(form.name)]


def test_a_dialect_and_its_facts_name_each_other():
    told = entry_text(entry_of("epsilon-hat"))
    assert "measured  backproof internals adam-epsilon" in told
    assert "backproof explain epsilon-hat" in fact_text(fact_of("adam-epsilon"))
    assert "backproof internals" not in entry_text(entry_of("summed-gradient"))


def test_every_convention_was_measured_by_facts():
    known = {fact.id for fact in facts()}
    assert [] == [row.choice for row in CONVENTIONS if not row.facts or set(row.facts) - known]
    assert len(CONVENTIONS) == len({row.choice for row in CONVENTIONS})


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "sigmoid", "tanh"])
def test_what_is_measured_of_a_function_is_held_against_what_balls_take_it_to_be(name):
    expected = fact_of(f"error-of-{name}").expected
    assert {"NumPy", "PyTorch", "TensorFlow", "TensorFlow in a graph", "XLA"} == set(expected)
    most = {mode: bound.high for mode, bound in expected.items() if (name, mode) != ("exp", "XLA")}
    assert {ACCURACY[name].float32} == set(most.values())
    beyond = {mode: math.nextafter(ACCURACY[name].float32, math.inf) for mode in expected}
    assert set(most) <= {line.partition(":")[0] for line in fact_of(f"error-of-{name}").wrong(beyond)}
    assert len(expected) == len(fact_of(f"error-of-{name}").wrong(dict.fromkeys(expected, math.nan)))


def test_facts_are_chosen_by_id_and_by_area():
    adam = chosen(["adam"])
    assert {"adam"} == {fact.area for fact in adam}
    assert [fact_of("adam-epsilon")] == list(chosen(["adam-epsilon"]))
    assert adam == chosen(["adam-epsilon", "adam"])
    assert facts() == chosen([])


def test_an_unknown_name_is_an_error_with_the_nearest_ones():
    with pytest.raises(UsageError, match=r'no fact and no area named "adam-epsilom"; near it are adam-epsilon'):
        chosen(["adam-epsilom"])
    with pytest.raises(UsageError, match="`backproof internals` lists them"):
        fact_of("42")


def test_facts_of_one_environment_share_a_child():
    shares = parts(facts(), 2)
    assert sorted(fact.id for fact in facts()) == sorted(name for share in shares for name in share)
    for share in shares:
        assert 1 == len({(fact_of(name).environment, "tensorflow" in fact_of(name).needs) for name in share})


def test_a_fact_shows_the_constants_and_helpers_that_its_experiment_uses():
    code = fact_of("adam-epsilon").code
    assert code.startswith("RATE = 0.0009765625\nBETA1 = 0.875\n")
    assert code.index("def keras_steps(") < code.index("def adam_epsilon(")
    assert "@fact" not in code
    assert "def two_classes(" not in code
    code = fact_of("adam-amsgrad").code
    assert 1 == code.count("def by_rule(")
    assert code.index("SPIKE = [10.0, 0.1") < code.index("def by_rule(") < code.index("def adam_amsgrad(")


def test_a_fact_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact_of("adam-epsilon").claim = "another"
