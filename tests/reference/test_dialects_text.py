"""Every dialect applies, says what it is and where it is from, and its equations are valid text."""

import itertools
import re

import pytest

from reference import activations, decay, layers, losses, optimizers
from reference.activations import ACTIVATIONS
from reference.article import network
from reference.decay import DECAYS
from reference.dialects import DIALECTS
from reference.dialects_of_optimizers import OF_OPTIMIZERS
from reference.forms import in_form
from reference.network import arguments, now

ARTICLE = network()
OPTIMIZERS = [*({"optimizer": name} for name in optimizers.OPTIMIZERS), {"optimizer": "rmsprop", "centered": True}]
TEXTBOOKS = [
    network(**how, decay=kind_and_rate)
    for kind_and_rate in (None, *((kind, 0.1) for kind in DECAYS))
    for how in ({"optimizer": "adam"}, {"epsilon": 1e-3}, *OPTIMIZERS)
]
EACH = pytest.mark.parametrize("form", DIALECTS, ids=lambda form: form.name)

# Beside the arguments' names, a formula has these words: m is the batch's size, i an example, e Euler's number.
WORDS = {"m", "i", "e", "ln", "max", "min", "tanh", "σ"}
PHRASES = ("the power in the precision of ", "Â = A clipped to ")


def textbook_of(form):
    """The article's network, or the first with another epsilon, optimizer or decay that the dialect changes."""
    return next(textbook for textbook in TEXTBOOKS if form.applies_to(textbook))


def check_text(function):
    """The formula has every argument's name, and no word that is neither an argument's nor a known one."""
    formula = function.__doc__.splitlines()[0]
    for phrase in PHRASES:
        formula = formula.replace(phrase, "")
    formula = formula.replace("Â", "A").replace("ᵗ", " t").replace("ᵀ", "").replace("⁽ⁱ⁾", "")
    names = frozenset.union(*arguments(function))
    words = set(re.findall(r"[A-Za-zα-ω]+\d*", formula))
    assert names <= words, f"{function.__name__} does not say {names - words}"
    assert words <= names | WORDS, f"{function.__name__} says {words - names - WORDS}"
    assert not ("1/m" in formula and "m" in names), f"{function.__name__} means two things by m"


def functions():
    """Every function that an equation of the article's network uses, with any activation, optimizer and dialect."""
    networks = [network((2, 3, 3, 3, 3, 3, 1), (*ACTIVATIONS, "sigmoid")), *TEXTBOOKS]
    networks += [in_form(textbook_of(form), form) for form in DIALECTS]
    return sorted({e.by for composed in networks for e in composed.equations}, key=lambda f: f.__name__)


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.__name__)
def test_a_formula_has_its_arguments_and_known_words_only(function):
    check_text(function)


def test_no_public_equation_of_the_reference_is_left_out():
    public = {
        f
        for module in (activations, decay, layers, losses, optimizers)
        for f in vars(module).values()
        if getattr(f, "__module__", "") == module.__name__
        and callable(f)
        and f.__annotations__.get("return") == "Array"
    }
    assert {activations.tanh, layers.weighted_sum, losses.cross_entropy, optimizers.adam_step} <= public
    assert public <= set(functions())


def forgets_an_argument(A, Y):
    """ln A"""


def says_something_else(A):
    """softmax A"""


def means_two_things(m):
    """1/m m"""


def speaks(A):
    """The usual choice."""


@pytest.mark.parametrize("function", [forgets_an_argument, says_something_else, means_two_things, speaks])
def test_a_formula_that_says_something_else_is_refused(function):
    with pytest.raises(AssertionError):
        check_text(function)


@EACH
def test_a_dialect_applies_to_a_textbook_network(form):
    textbook = textbook_of(form)
    composed = in_form(textbook, form)
    assert str(composed) != str(textbook)
    assert composed.shapes == textbook.shapes
    assert composed.parameters == textbook.parameters


def test_kerass_epsilon_is_the_articles_own():
    others = [form for form in DIALECTS if not form.applies_to(ARTICLE)]
    assert [form.name for form in others if form not in OF_OPTIMIZERS] == ["epsilon-1e-7"]


@EACH
def test_a_dialect_says_what_it_is_and_where_it_is_from(form):
    assert form.kind == "dialect"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", form.name)
    assert form.choice
    assert form.choice[0] == form.choice[0].lower() or form.choice.startswith("Adam")
    assert len(form.says) > 40
    assert form.says.endswith(".")
    for source in form.source.split("; "):
        assert re.match(r"^[a-z]\S*/\S+\.(py|cpp): \S+|^documented in \S+", source), source


def test_no_two_dialects_have_one_name():
    names = [form.name for form in DIALECTS]
    assert len(set(names)) == len(names)


def test_the_choices_and_who_makes_them():
    choices = {}
    for form in DIALECTS:
        choices.setdefault(form.choice, []).append(form.name)
    assert choices == {
        "where the 1/m stands": [
            "mean-at-the-loss",
            "clamped-gradient",
            "clipped-gradient",
            "gradient-through-logits",
        ],
        "how the loss is computed": ["clamped-logarithm", "clipped-probabilities", "loss-through-logits"],
        "how the first moment is averaged": ["first-moment-lerp"],
        "how the second moment is averaged": ["second-moment-lerp"],
        "the precision of Adam's powers": ["powers-in-precision"],
        "Adam's epsilon": ["epsilon-1e-8", "epsilon-1e-7"],
        "where Adam's epsilon joins": ["epsilon-hat"],
        "the precision of the momentum": ["momentum-in-float32"],
        "what momentum adds up": ["velocity", "dampened"],
        "where the epsilon of RMSprop joins": ["epsilon-in-the-root"],
        "the precision of the decay": ["decay-in-float32", "penalty-in-float32"],
        "how a decoupled decay shrinks": ["decay-before-alpha", "decay-as-a-factor"],
    }


def textbook_of_both(one, other):
    """The first network to which both apply; momentum and Adam, say, are never in one."""
    return next((textbook for textbook in TEXTBOOKS if one.applies_to(textbook) and other.applies_to(textbook)), None)


PAIRS = [pair for pair in itertools.combinations(DIALECTS, 2) if textbook_of_both(*pair) is not None]
NAMED = {"ids": [f"{one.name}+{other.name}" for one, other in PAIRS]}


def test_every_dialect_is_tried_beside_another():
    assert {form for pair in PAIRS for form in pair} == set(DIALECTS)


@pytest.mark.parametrize(("one", "other"), PAIRS, **NAMED)
def test_two_dialects_of_different_choices_go_together_in_the_tables_order_and_two_of_one_never(one, other):
    textbook = textbook_of_both(one, other)
    if one.choice == other.choice:
        with pytest.raises(ValueError, match=f"^{one.name} and {other.name} exclude each other"):
            in_form(textbook, one, other)
    else:
        both = in_form(textbook, one, other)
        alone = [in_form(textbook, form) for form in (one, other)]
        for equation in both.equations:
            changed = {e.by for n in alone for e in n.equations if e.defines == equation.defines}
            assert equation.by in changed


LINES = {
    "mean-at-the-loss": "dA[5] = −1/m (Y/A[5] − (1 − Y)/(1 − A[5]))",
    "clamped-gradient": "dA[5] = 1/m (A[5] − Y)/max(A[5] (1 − A[5]), 9.999999960041972e-13)",
    "clipped-gradient": "dA[5] = −1/m (Y/A[5] − (1 − Y)/(1 − A[5])) ∘ (1e-07 ≤ A[5] ≤ 1 − 1e-07)",
    "gradient-through-logits": "dZ[5] = 1/m ([Z[5] > 0] − Y ± e^−|Z[5]|/(1 + e^−|Z[5]|))",
    "clamped-logarithm": "J = −1/m Σᵢ (Y max(ln A[5], -100) + (1 − Y) max(ln(1 − A[5]), -100))",
    "clipped-probabilities": "J = −1/m Σᵢ (Y ln Â + (1 − Y) ln(1 − Â)), Â = A[5] clipped to [1e-07, 1 − 1e-07]",
    "loss-through-logits": "J = 1/m Σᵢ (max(Z[5], 0) − Z[5] Y + ln(1 + e^−|Z[5]|))",
    "first-moment-lerp": "m_b[5] ← m_b[5] + (1 − 0.9)(db[5] − m_b[5])",
    "second-moment-lerp": "v_b[5] ← v_b[5] + (1 − 0.999)(db[5]² − v_b[5])",
    "powers-in-precision": "c1 = 1 − 0.8999999761581421ᵗ, the power in the precision of A[0]",
    "epsilon-1e-8": "b[5] ← b[5] − alpha (m_b[5]/c1) / (√(v_b[5]/c2) + 1e-08)",
    "epsilon-1e-7": "b[5] ← b[5] − alpha (m_b[5]/c1) / (√(v_b[5]/c2) + 1e-07)",
    "epsilon-hat": "b[5] ← b[5] − m_b[5] (alpha √c2 / c1) / (√v_b[5] + 1e-07)",
    "momentum-in-float32": "m_b[5] ← 0.8999999761581421 m_b[5] + db[5]",
    "velocity": "m_b[5] ← 0.9 m_b[5] − alpha db[5]",
    "dampened": "m_b[5] ← 0.9 m_b[5] + (1 − 0.9 [t > 1]) db[5]",
    "epsilon-in-the-root": "b[5] ← b[5] − alpha db[5]/√(v_b[5] + 1e-07)",
    "decay-in-float32": "kept_b[5] = b[5] − alpha 0.10000000149011612 b[5]",
    "penalty-in-float32": "g_b[5] = db[5] + 0.10000000149011612 b[5]",
    "decay-before-alpha": "kept_b[5] = b[5] − 0.1 b[5] alpha",
    "decay-as-a-factor": "kept_b[5] = (1 − alpha 0.1) b[5]",
}


@EACH
def test_a_dialect_prints_what_it_computes(form):
    assert LINES[form.name] in str(in_form(textbook_of(form), form)).splitlines()
    assert LINES[form.name] not in str(textbook_of(form)).splitlines()


def test_kerass_dialects_all_together_print_what_keras_computes():
    keras = ("gradient-through-logits", "loss-through-logits", "first-moment-lerp", "second-moment-lerp")
    keras += ("powers-in-precision", "epsilon-hat")
    lines = str(in_form(ARTICLE, *(form for form in DIALECTS if form.name in keras))).splitlines()
    for line in (
        "J = 1/m Σᵢ (max(Z[5], 0) − Z[5] Y + ln(1 + e^−|Z[5]|))",
        "dZ[5] = 1/m ([Z[5] > 0] − Y ± e^−|Z[5]|/(1 + e^−|Z[5]|))",
        "dZ[4] = dA[4] ∘ (Z[4] > 0)",
        "dW[5] = dZ[5] A[4]ᵀ",
        "db[5] = Σᵢ dZ[5]⁽ⁱ⁾",
        "c2 = 1 − 0.9990000128746033ᵗ, the power in the precision of A[0]",
        "m_W[1] ← m_W[1] + (1 − 0.9)(dW[1] − m_W[1])",
        "W[1] ← W[1] − m_W[1] (alpha √c2 / c1) / (√v_W[1] + 1e-07)",
    ):
        assert line in lines


def test_the_output_gradient_through_logits_skips_da_of_the_output():
    composed = in_form(ARTICLE, *(form for form in DIALECTS if form.name == "gradient-through-logits"))
    assert not any(now("dA[5]") in equation.reads.values() for equation in composed.equations)
    assert any(now("dA[5]") in equation.reads.values() for equation in ARTICLE.equations)


def test_sigmoids_inside_the_network_keep_their_way_back_through_logits():
    inside = network((2, 3, 1), ("sigmoid", "sigmoid"))
    composed = in_form(inside, *(form for form in DIALECTS if form.name == "gradient-through-logits"))
    assert str(composed.by_name["dZ[1]"]) == "dZ[1] = dA[1] ∘ A[1] ∘ (1 − A[1])"
    assert str(composed.by_name["dZ[2]"]).startswith("dZ[2] = 1/m ([Z[2] > 0] − Y")
