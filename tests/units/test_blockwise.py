"""A step judged in blocks of its examples gives what it gives whole, and takes memory that does not grow with them."""

import dataclasses
import math

import numpy as np
import pytest

import comparisons.trace
from comparisons import saving, stored
from comparisons.balls import OWN
from comparisons.block_rows import OfBlocks
from comparisons.blockwise import Blockwise
from comparisons.certifying import certify
from comparisons.columns import NotInBlocks
from comparisons.composed import given_by, network_of
from comparisons.experiment import Circles
from comparisons.judging import Judging
from comparisons.mistakes.table import variants
from comparisons.naming import _all_of, _is_finite
from comparisons.precisions import FLOAT16, FLOAT32, PRECISIONS
from comparisons.recording import record
from comparisons.stored import BASE, Stored, columns_within, steps_within
from comparisons.streaming import Streaming
from comparisons.trace import Trace, load
from comparisons.wording import SENSITIVITY
from reference.dialects import DIALECTS
from reference.forms import in_form
from reference.tape import replayed
from tests.on_disk import HIDDEN, SUMMED, folder_of, in_blocks, in_parts, told, without_medians
from tests.peak import peak
from tests.small import small

EACH = pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
EACH_PRECISION = pytest.mark.parametrize("precision", ["float32", "float64"])
COUNTED = ("quantity", "equation", "checked", "not_judged", "outside", "blind", "first_broken", "n_broken_steps")


def counted(certificate):
    """Verdict, chain and forms, and what of each row are names, steps and counts."""
    rows = [tuple(getattr(row, name) for name in COUNTED) for row in certificate.rows]
    return certificate.verdict, certificate.chain, certificate.forms, certificate.broken(), rows


def are_as_near(whole, blocks, precision):
    """Whether the worst numbers are as near as midpoints allow that were summed in another order.

    Both are off by at most their own share of the radius, OWN of unit + OWN; the radii are float64 sums of at most
    some hundred terms.
    """
    share = 2 * OWN / (PRECISIONS[precision].unit + OWN)
    return all(
        one.worst == other.worst or abs(one.worst - other.worst) <= (share + 2.0**-40) * (1 + one.worst)
        for one, other in zip(whole.rows, blocks.rows, strict=True)
    )


# What comes out -------------------------------------------------------------------------------------------------------


@EACH_PRECISION
@EACH
@pytest.mark.parametrize("form", [None, SUMMED], ids=["right", "wrong"])
def test_in_blocks_of_any_size_the_certificate_is_that_of_the_whole(hidden, precision, form, tmp_path):
    folder = folder_of(tmp_path / "it.trace", small(precision), hidden, () if form is None else (form,))
    whole = certify(load(folder), forms=())
    assert (whole.verdict == "disagrees") == (form is not None)
    for n in (1, 7):
        blocks = certify(in_blocks(folder, n), forms=())
        assert counted(blocks) == counted(whole)
        assert are_as_near(whole, blocks, precision)


@EACH
def test_where_a_block_is_the_step_all_but_the_medians_is_the_same_to_the_last_bit(hidden, tmp_path):
    folder = folder_of(tmp_path / "it.trace", small("float64"), hidden)
    whole, blocks = (certify(trace, forms=()) for trace in (load(folder), in_blocks(folder, 16)))
    assert told(without_medians(dataclasses.replace(blocks, final=None))) == told(
        without_medians(dataclasses.replace(whole, final=None))
    )
    for exact, cut in zip(whole.rows, blocks.rows, strict=True):
        assert cut.median <= exact.median < cut.median * (1 + 2**-6) or exact.median in (0, cut.median)


def test_the_forms_that_are_found_are_the_same(tmp_path):
    keras = [form for form in DIALECTS if form.name in ("gradient-through-logits", "loss-through-logits")]
    for number, form in enumerate((None, SUMMED, *keras)):
        folder = folder_of(tmp_path / f"{number}.trace", small(), (), () if form is None else (form,))
        whole, blocks = certify(load(folder)), certify(in_blocks(folder, 7))
        assert counted(blocks) == counted(whole)
        assert (blocks.not_told_apart, blocks.explained_by) == (whole.not_told_apart, whole.explained_by)
        assert (blocks.hints, blocks.show_next) == (whole.hints, whole.show_next)
        assert blocks.final == pytest.approx(whole.final, rel=2.0**-20)  # float32's, of another order of examples


def test_every_known_form_is_judged_in_blocks_as_it_is_whole_but_for_the_one_that_looks_back(tmp_path):
    experiment = small(epochs=2, batch_size=20)
    folder = folder_of(tmp_path / "it.trace", experiment)
    whole, blocks = Judging(load(folder)), Streaming(in_blocks(folder, 7))
    refused, judged = set(), 0
    for form in (*DIALECTS, *variants(experiment)):
        if not form.applies_to(whole.trace.network):
            continue
        network = in_form(whole.trace.network, form)
        rows = {row.quantity: [getattr(row, name) for name in COUNTED] for row in whole.rows(network)}
        try:
            found = {row.quantity: [getattr(row, name) for name in COUNTED] for row in blocks.rows(network)}
        except NotInBlocks:
            refused.add(form.family)
            continue
        assert found == rows, form.name
        judged += 1
    assert refused == {"stale-activations"}
    assert judged > 100


def test_hints_are_those_of_the_steps_around_where_they_are_bounded(tmp_path):
    """Of what has an entry per example there are none."""
    experiment = small()
    twice = {"dW[2]": 2.0, "dZ[2]": 2.0}
    for name, factor in twice.items():
        folder = changed(
            tmp_path / f"{name}.trace", experiment, lambda number, step, n=name, f=factor: step[n] * f, name
        )
        whole = certify(load(folder), forms=())
        assert any("2 times" in hint for hint in whole.hints)
        expected = whole.hints if name == "dW[2]" else ()
        assert certify(in_blocks(folder, 5), forms=()).hints == expected
        assert certify(in_parts(folder, 5), forms=()).hints == expected


# Faults ---------------------------------------------------------------------------------------------------------------


def changed(path, experiment, change, name, shown=("Z[1]", "A[1]", "Z[2]", "dW[2]", "dZ[2]", "W[2]", "b[2]")):
    """A trace of the reference in which one quantity is something else."""
    network = network_of(experiment)

    def subject(taken):
        for number, step in enumerate(replayed(network, taken.initial(), given_by(taken), shown), 1):
            own = {key: value.copy() for key, value in step.items()}
            yield own | {name: np.asarray(change(number, own), taken.dtype)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "CHUNK_BYTES", 2**11)
        return record(subject, experiment, into=path)


@pytest.mark.parametrize("n", [1, 4, 5, 16])
def test_a_fault_in_one_example_of_a_late_block_is_found_at_its_number(n, tmp_path):
    def fault(number, step):
        Z = step["Z[2]"]
        if number in (7, 10):
            Z[3, 14] += 1
        return Z

    folder = changed(tmp_path / "it.trace", small(), fault, "Z[2]")
    row = certify(in_blocks(folder, n), forms=()).row("Z[2]")
    assert (row.first_broken, row.n_broken_steps, row.outside, row.index) == (7, 2, 2, (3, 14))
    assert row == dataclasses.replace(certify(load(folder), forms=()).row("Z[2]"), median=row.median, radius=row.radius)


def test_of_equally_bad_examples_the_first_of_the_whole_is_told_of(tmp_path):
    """Where a unit is off its ball has no radius, so that each wrong number is infinitely many bounds off."""

    def on(number, step):
        return np.where(step["Z[1]"] < 0, 1, step["A[1]"])

    folder = changed(tmp_path / "it.trace", small(), on, "A[1]")
    whole = certify(load(folder), forms=()).row("A[1]")
    assert (whole.worst, whole.outside > 100) == (np.inf, True)
    for n in (1, 5, 16):
        row = certify(in_blocks(folder, n), forms=()).row("A[1]")
        assert (row.step, row.index, row.outside) == (whole.step, whole.index, whole.outside)


def test_a_block_that_is_left_out_is_noticed(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small())
    assert certify(in_blocks(folder, 5), forms=()).verdict == "agrees"
    blocks = Stored.blocks
    monkeypatch.setattr(Stored, "blocks", lambda self, m, *at_most: blocks(self, m, *at_most)[:-1])
    found = certify(in_blocks(folder, 5), forms=())
    assert {"J", *(f"dW[{layer}]" for layer in range(1, 6))} <= set(found.broken())


def test_blocks_that_overlap_are_noticed(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small())
    blocks = Stored.blocks
    monkeypatch.setattr(Stored, "blocks", lambda self, m, *at_most: [*(all_ := blocks(self, m, *at_most)), all_[0]])
    assert "dW[1]" in certify(in_blocks(folder, 5), forms=()).broken()


def test_hidden_balls_that_are_not_left_for_the_next_step_are_noticed(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "it.trace", small(), HIDDEN["moments"])
    of_step = Blockwise.of_step

    def forgetful(self, reading):
        found = of_step(self, reading)
        self.left = {}
        return found

    monkeypatch.setattr(Blockwise, "of_step", forgetful)
    with pytest.raises(KeyError):
        certify(in_blocks(folder, 5), forms=())


def test_what_is_not_finite_or_in_a_coarser_precision_is_seen_in_every_block(tmp_path):
    folder = changed(tmp_path / "it.trace", small(), lambda number, step: np.round(step["Z[2]"]), "Z[2]")
    for alone in (in_blocks(folder, 5), in_parts(folder, 5)):
        trace = alone.hiding(*(name for name in alone.shown if name != "Z[2]"))
        assert _is_finite(trace)
        assert _all_of(trace, FLOAT16)
        assert not _all_of(alone, FLOAT16)
        assert _all_of(alone, FLOAT32)
    path = sorted(folder.glob("0*.safetensors"))[-1]
    numbers = path.read_bytes()
    path.write_bytes(numbers[:-4] + np.float32(np.nan).tobytes())
    assert not _is_finite(in_blocks(folder, 5))


# Blind numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 16])
def test_blind_numbers_are_counted_beside_the_scale_of_the_whole_step(n, tmp_path):
    """Where everything is hidden but the last layer, nearly all its numbers are blind, too many to be kept."""
    hidden = ("A[1]", "A[2]", "A[3]", "A[4]", "Z[1]", "Z[2]", "Z[3]", "Z[4]", "d", "m_", "v_")
    folder = folder_of(tmp_path / "it.trace", small("float64"), hidden)
    looked_again = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SENSITIVITY, "float64", 1e-15)
        look_again = OfBlocks.look_again
        patch.setattr(OfBlocks, "look_again", lambda self: looked_again.append(self.name) or look_again(self))
        whole, blocks = certify(load(folder), forms=()), certify(in_blocks(folder, n), forms=())
    assert bool(looked_again) == (n < 16)
    assert sum(row.blind for row in whole.rows if row.quantity in ("Z[5]", "A[5]")) > 100
    assert counted(blocks) == counted(whole)


# Memory ---------------------------------------------------------------------------------------------------------------

N_MANY = 30_000  # examples of one step, a hundred blocks and more


def many(m=N_MANY, precision="float32"):
    return small(precision, epochs=2, batch_size=m, data=Circles(n_train=m, n_test=0))


def test_a_step_a_hundred_times_larger_than_a_block_is_certified_in_the_memory_that_is_given(tmp_path):
    experiment = many()
    folder = folder_of(tmp_path / "it.trace", experiment)
    data = sum(array.nbytes for array in experiment.data.examples.items().values())
    a_block = 8 * stored.ARRAYS * N_MANY // 110 * 90  # of less than 90 numbers for each example
    memory = BASE + 3 * data + 8 * stored.ARRAYS * 1000 + a_block  # less than 1,000 numbers have no example
    trace = load(folder, memory)
    assert isinstance(trace, Stored)
    assert trace.columns_at_once is not None
    assert len(trace.blocks(N_MANY)) >= 100
    certify(in_blocks(folder_of(tmp_path / "small.trace", small()), 5), forms=())  # so that what is made once is there

    def certified(trace):
        assert certify(trace, forms=()).verdict == "agrees"

    assert peak(lambda: certified(load(folder, memory))) < memory - BASE
    assert peak(lambda: certified(load(folder))) > memory - BASE


def shows_large_arrays(experiment):
    """A subject whose own arrays are there before it is recorded."""
    for _ in experiment.batches():
        yield LARGE


LARGE = {"Z[1]": np.zeros((1000, 4000), np.float32), "A[1]": np.ones((1000, 4000), np.float32)}


def test_recording_a_large_step_takes_one_copy_of_it_and_no_second(tmp_path, monkeypatch):
    """One is made at the yield; where steps are stacked by copying there are two."""
    size = sum(value.nbytes for value in LARGE.values())
    experiment = many(4000).but(epochs=3, layers=(1000, 1), activations=("relu", "sigmoid"))
    record(shows_large_arrays, experiment, into=tmp_path / "it.trace")  # so that what is made once is there
    assert size < peak(lambda: record(shows_large_arrays, experiment, into=tmp_path / "it.trace")) < 1.8 * size
    found = load(tmp_path / "it.trace")
    assert all(np.array_equal(found.values(name, 3), value) for name, value in LARGE.items())
    monkeypatch.setattr(comparisons.trace, "_stack", np.stack)
    assert peak(lambda: record(shows_large_arrays, experiment, into=tmp_path / "it.trace")) > 2 * size


def test_how_much_is_read_at_once_is_what_memory_holds(tmp_path):
    folder = folder_of(tmp_path / "it.trace", many(1000))
    trace = load(folder)
    whole = next(memory for memory in range(BASE, 2 * BASE, 2**20) if steps_within(memory, trace))
    assert type(load(folder, 2 * whole)) is Trace
    found = [columns_within(memory, trace) for memory in range(0, whole, 2**20)]
    assert found == sorted(found)
    assert found[0] == 1
    assert 1 < found[-1] <= 1000
    assert isinstance(load(folder, whole - 2**20), Stored)
    assert load(folder, whole - 2**20).columns_at_once == found[-1]


@pytest.mark.parametrize("n", [1, 7, 999, 1000, 5000])
def test_blocks_cover_a_step_once(n, tmp_path):
    trace = dataclasses.replace(load(folder_of(tmp_path / "it.trace", small()), 1), columns_at_once=n)
    for m in (1, 2, 999, 1000):
        blocks = trace.blocks(m)
        assert np.array_equal(np.concatenate([np.arange(m)[block] for block in blocks]), np.arange(m))
        assert max(block.stop - block.start for block in blocks) <= n
        assert len(blocks) == math.ceil(m / min(n, m))
