"""Which equations are judged for all steps at once, and which must follow the steps, follows from what is shown."""

from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pytest

from comparisons.components import are_alike, components, hidden_behind, in_order, with_peers
from reference.article import network
from reference.network import Equation, Network, before, elementwise, now

NETWORK = network((2, 4, 3, 1), ("relu", "relu", "sigmoid"))
SHOWN = tuple(name for name, shape in NETWORK.shapes.items() if shape and name in NETWORK.by_name)
MOMENTS = tuple(name for name in SHOWN if name[:2] in ("m_", "v_"))


def found(shown, equations=NETWORK.equations):
    """Each component as the names that it defines, and whether it is a cycle."""
    return [(tuple(e.defines for e in part), is_cycle) for part, is_cycle in components(equations, shown)]


def by_reachability(equations, shown):
    """The same from the definition: two equations belong together where each can reach the other."""
    names = [e.defines for e in equations]
    reaches = np.zeros((len(names), len(names)), bool)
    for equation in equations:
        for ref in equation.reads.values():
            if ref.name in names and ref.name not in shown:
                reaches[names.index(equation.defines), names.index(ref.name)] = True
    for _ in names:
        reaches |= (reaches.astype(int) @ reaches) > 0
    together = reaches & reaches.T | np.eye(len(names), dtype=bool)
    return {
        (tuple(name for name, is_in in zip(names, row, strict=True) if is_in), bool(reaches[number, number]))
        for number, row in enumerate(together)
    }


def test_with_everything_shown_every_equation_is_judged_by_itself_and_at_once():
    assert {((name,), False) for name in NETWORK.by_name} == set(found(SHOWN))


def test_with_moments_hidden_each_moment_follows_its_own_steps():
    expected = {((name,), name in MOMENTS) for name in NETWORK.by_name}
    assert expected == set(found(set(SHOWN) - set(MOMENTS)))


def test_with_weights_hidden_each_weight_follows_its_own_steps():
    weights = {"W[1]", "W[2]", "W[3]"}
    expected = {((name,), name in weights) for name in NETWORK.by_name}
    assert expected == set(found(set(SHOWN) - weights)), (
        "m, v and their gradients are shown, so that nothing waits for W"
    )


def test_with_all_hidden_everything_that_a_parameter_depends_on_follows_the_steps_together():
    parts = found(())
    (cycle,) = [part for part, is_cycle in parts if is_cycle]
    assert set(cycle) == set(NETWORK.by_name) - {"J", "c1", "c2"}, "nobody waits for J; c1 and c2 wait for t alone"
    assert cycle == tuple(name for name in NETWORK.by_name if name in cycle), "in running order"


@pytest.mark.parametrize("seed", range(20))
def test_components_are_what_can_reach_each_other_through_what_is_hidden(seed):
    rng = np.random.default_rng(seed)
    shown = {name for name in SHOWN if rng.random() < rng.random()}
    parts = found(shown)
    assert by_reachability(NETWORK.equations, shown) == set(parts)
    assert sorted(name for part, _ in parts for name in part) == sorted(NETWORK.by_name)


def assert_dependencies_come_first(parts, shown):
    seen = set()
    for equations, _ in parts:
        own = {e.defines for e in equations}
        hidden = {ref.name for e in equations for ref in e.reads.values()} & set(NETWORK.by_name) - set(shown)
        assert hidden <= seen | own
        seen |= own


@pytest.mark.parametrize("seed", range(20))
def test_what_is_hidden_comes_before_what_reads_it_with_peers_or_without(seed):
    rng = np.random.default_rng(seed)
    shown = {name for name in SHOWN if rng.random() < 0.5}
    parts = components(NETWORK.equations, shown)
    assert_dependencies_come_first(parts, shown)
    assert_dependencies_come_first(with_peers(parts, NETWORK, shown), shown)


# Peers ---------------------------------------------------------------------------------------------------------------


def test_moments_of_all_parameters_are_peers():
    shown = set(SHOWN) - set(MOMENTS)
    parts = [{e.defines for e in part} for part, _ in with_peers(components(NETWORK.equations, shown), NETWORK, shown)]
    for letter in "mv":
        assert {name for name in MOMENTS if name[0] == letter} in parts


def test_what_is_shown_has_no_peers():
    assert all(len(part) == 1 for part, _ in with_peers(components(NETWORK.equations, SHOWN), NETWORK, SHOWN))


@elementwise
def mean(old, new):
    """½ (old + new)"""
    return (old + new) / 2


def doubled(x):
    """2 x"""
    return x + x


def test_peers_that_wait_for_one_another_stay_apart():
    chain = Network(
        (
            Equation("one", mean, {"old": before("one"), "new": now("given")}),
            Equation("between", doubled, {"x": now("one")}),
            Equation("other", mean, {"old": before("other"), "new": now("between")}),
        ),
        shapes=dict.fromkeys(("given", "one", "between", "other"), (3, 1)),
        start={"one": 0.0, "other": 0.0},
    )
    apart = components(chain.equations, ())
    assert apart == with_peers(apart, chain, ())
    (one, other), _ = next(part for part in with_peers(components(chain.equations, {"between"}), chain, {"between"})
                           if len(part[0]) == 2)  # fmt: skip
    assert (one.defines, other.defines) == ("one", "other")


def with_another(name, change):
    """The network in which the equation of this name is another one."""
    return replace(NETWORK, equations=tuple(change(e) if e.defines == name else e for e in NETWORK.equations))


OTHERS = {
    "an equation": with_another("db[2]", lambda e: replace(e, by=lambda dZ: dZ)),
    "what it reads": with_another("W[2]", lambda e: replace(e, reads=e.reads | {"theta": now("dW[2]")})),
    "a constant": with_another("m_W[2]", lambda e: replace(e, constants={"beta1": 0.5})),
    "a start": replace(NETWORK, start=NETWORK.start | {"v_W[2]": 1.0}),
    "the data": replace(NETWORK, batches=iter),
}
SEEN_IN = {
    "an equation": ("db[2]", "m_b[2]"),
    "what it reads": ("W[2]", "Z[2]"),
    "a constant": ("m_W[2]", "W[2]"),
    "a start": ("v_W[2]", "W[2]"),
    "the data": ("A[0]", "Z[1]"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_another_is_seen_where_it_stands_and_in_what_it_is_hidden_from(other):
    itself, follows = SEEN_IN[other]
    hidden = hidden_behind(follows, NETWORK, set(SHOWN) - {itself})
    assert itself in hidden
    assert not are_alike((itself,), NETWORK, OTHERS[other])
    assert not are_alike((follows, *hidden), NETWORK, OTHERS[other])
    assert are_alike(("Z[3]", *hidden_behind("Z[3]", NETWORK, SHOWN)), NETWORK, OTHERS[other])
    assert are_alike((follows, *hidden), NETWORK, replace(NETWORK))


def test_what_is_shown_hides_nothing_behind_it():
    assert {"c1", "c2", "alpha", "t"} == hidden_behind("W[1]", NETWORK, SHOWN)
    assert {"m_W[1]", "v_W[1]"} < hidden_behind("W[1]", NETWORK, set(SHOWN) - set(MOMENTS))
    assert set(NETWORK.shapes) - {"J"} == hidden_behind("W[1]", NETWORK, ())


@pytest.mark.parametrize("seed", range(50))
def test_the_order_is_graphlibs_and_what_waits_in_a_circle_is_left_out(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    places = rng.permutation(n)
    waits_for = {a: {b for b in range(n) if places[b] < places[a] and rng.random() < 0.2} for a in range(n)}
    assert list(TopologicalSorter(waits_for).static_order()) == in_order(waits_for)
    first, last = int(np.argmin(places)), int(np.argmax(places))
    if n > 1:
        waits_for[first], waits_for[last] = {last}, waits_for[last] | {first}
        with pytest.raises(CycleError):
            list(TopologicalSorter(waits_for).static_order())
        assert {first, last}.isdisjoint(in_order(waits_for))
