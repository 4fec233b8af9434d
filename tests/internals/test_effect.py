"""The effect of a dialect on the article's network: measured for all of them, nothing where nothing is changed."""

import pytest

from comparisons.internals.effect import effects_of
from comparisons.internals.words import effect_line
from reference.dialects import DIALECTS


@pytest.mark.parametrize("form", DIALECTS, ids=lambda form: form.name)
def test_every_dialect_has_a_measured_effect(form):
    effects = effects_of(form.name)
    assert ["float32", "float64"] == [effect.precision for effect in effects]
    assert all(0 <= effect.apart < 1 for effect in effects)
    assert all(1 <= effect.epoch <= 50 for effect in effects)


def test_clipping_that_never_bites_has_no_effect_and_epsilon_has_one():
    assert {0.0} == {effect.apart for effect in effects_of("clipped-probabilities")}
    assert 0.0 not in {effect.apart for effect in effects_of("epsilon-hat")}


def test_an_effect_is_told_in_a_sentence():
    (effect, _) = effects_of("epsilon-hat")
    told = effect_line(effect)
    assert told.startswith("epsilon-hat alone parts the loss curve of the article's network, as it is, by at most ")
    assert told.endswith(f" in float32, after epoch {effect.epoch}")
    assert effect_line(effects_of("clipped-probabilities")[0]).endswith("changes no loss in float32")


def test_what_is_no_dialect_has_no_effect():
    with pytest.raises(KeyError):
        effects_of("summed-gradient")
