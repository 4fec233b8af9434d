"""Some numbers of a safetensors file are what its own library reads there, and what is no such file is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from comparisons.errors import UsageError
from comparisons.tensors import DTYPES, Place, part_of, places_in

SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)
KINDS = st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_])


@st.composite
def tensors(draw):
    """Some arrays by name."""
    seed = np.random.default_rng(draw(st.integers(0, 2**32)))
    names = draw(st.lists(st.sampled_from(["W[1]", "Z[1] of 5", "ä", "b"]), min_size=1, max_size=4, unique=True))
    return {name: (100 * seed.normal(size=draw(SHAPES))).astype(draw(KINDS)) for name in names}


@given(tensors(), st.data())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_any_columns_of_any_entry_are_what_the_library_reads(tmp_path_factory, arrays, data):
    path = tmp_path_factory.mktemp("file") / "it.safetensors"
    save_file(arrays, path)
    whole, places = load_file(path), places_in(path)
    assert set(places) == set(whole)
    for name, place in places.items():
        assert (place.dtype, place.shape) == (whole[name].dtype, whole[name].shape)
        at = data.draw(st.integers(0, place.shape[0] - 1))
        begin, end = sorted(data.draw(st.tuples(*2 * [st.integers(0, place.shape[-1])])))
        for columns in (None, slice(begin, end)):
            found = part_of(path, place, at, columns)
            expected = whole[name][at : at + 1][..., columns or slice(None)]
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            assert np.array_equal(found, expected)


def test_a_place_that_is_a_column_off_is_noticed(tmp_path):
    path = tmp_path / "it.safetensors"
    save_file({"Z": np.arange(24.0).reshape(2, 3, 4)}, path)
    place = places_in(path)["Z"]
    shifted = place._replace(begin=place.begin + 8)
    assert not np.array_equal(part_of(path, shifted, 0, slice(1, 3)), part_of(path, place, 0, slice(1, 3)))


def test_every_type_of_numpys_that_the_library_writes_has_its_place(tmp_path):
    kinds = sorted({np.dtype(kind).name for kind in DTYPES.values()})
    save_file({kind: np.ones((1, 2), kind) for kind in kinds}, tmp_path / "it.safetensors")
    assert {name: place.dtype.name for name, place in places_in(tmp_path / "it.safetensors").items()} == {
        kind: kind for kind in kinds
    }


@pytest.mark.parametrize(
    "change",
    [lambda b: b[:-1], lambda b: b[:20], lambda b: b"", lambda b: b + b"0"],
    ids=["cut", "no header", "empty", "longer"],
)
def test_a_damaged_file_is_refused_by_its_header(change, tmp_path):
    path = tmp_path / "it.safetensors"
    save_file({"Z": np.ones((2, 3))}, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UsageError, match="is damaged"):
        places_in(path)


def test_a_file_that_is_missing_or_ends_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "it.safetensors"
    with pytest.raises(UsageError, match="is missing"):
        places_in(path)
    save_file({"Z": np.ones((2, 3))}, path)
    with pytest.raises(UsageError, match="ended while it was read"):
        part_of(path, Place(np.dtype("<f8"), (9, 3), 8), 8)
