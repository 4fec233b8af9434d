"""A user's own data are read exactly, or what is wrong with them is said in one sentence."""

import pickle
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from comparisons.data import Arrays, Csv
from comparisons.errors import UsageError
from comparisons.experiment import Experiment
from comparisons.start import FromFile
from comparisons.tables import meaning, read_arrays, read_csv, zeros_and_ones

FLOAT32 = {"min_value": -(2.0**127), "max_value": 2.0**127}


def csv(folder: Path, text: str | bytes, name: str = "points.csv", **fields):
    """The examples of a CSV file with this text, whose labels are called y."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Csv(file=path, label="y", **fields).examples


def npz(folder: Path, layout: str = "columns", positive: object = None, **arrays):
    """The examples of an .npz file with these arrays."""
    path = folder / "points.npz"
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return Arrays(file=path, layout=layout, positive=positive).examples


# Tables


def test_columns_of_a_table_become_rows_of_x_in_their_order(tmp_path):
    examples = csv(tmp_path, "b,y,a\n1,0,2\n3,1,4\n5,0,6\n")
    assert examples.X.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert examples.Y.tolist() == [[0, 1, 0]]
    assert examples.X_test is examples.Y_test is None


def test_features_may_be_chosen_and_ordered(tmp_path):
    examples = csv(tmp_path, "b,y,a,note\n1,0,2,foo\n3,1,4,bar\n", features=("a", "b"))
    assert examples.X.tolist() == [[2, 4], [1, 3]]


@given(
    rows=st.lists(st.tuples(st.floats(**FLOAT32), st.floats(**FLOAT32), st.sampled_from([0, 1])), max_size=8).map(
        lambda rows: [(0.0, 1.0, 0), *rows, (2.0, 3.0, 1)]
    )
)
def test_every_number_is_read_as_the_nearest_float32(rows):
    with tempfile.TemporaryDirectory() as folder:
        examples = csv(Path(folder), "a,b,y\n" + "".join(f"{a!r},{b!r},{y}\n" for a, b, y in rows))
    assert examples.X.T.tolist() == [[float(np.float32(a)), float(np.float32(b))] for a, b, _ in rows]
    assert examples.Y.tolist() == [[y for _, _, y in rows]]


def test_a_number_that_float32_does_not_hold_is_rounded(tmp_path):
    assert csv(tmp_path, "x,y\n0.1,0\n1,1\n").X[0, 0] == float(np.float32(0.1)) != 0.1


def test_blanks_blank_lines_quotes_windows_line_ends_and_a_byte_order_mark_are_no_trouble(tmp_path):
    text = b'\xef\xbb\xbfx, "the other" ,y\r\n\r\n 1, 2 ,0\r\n3,"4",1.0\r\n\r\n'
    examples = csv(tmp_path, text, features=("x", "the other"))
    assert examples.X.tolist() == [[1, 3], [2, 4]]
    assert examples.Y.tolist() == [[0, 1]]


def test_cells_may_be_separated_otherwise(tmp_path):
    assert csv(tmp_path, "a;y\n1;0\n2;1\n", separator=";").X.tolist() == [[1, 2]]


def test_a_test_table_is_matched_by_the_names_of_its_columns(tmp_path):
    (tmp_path / "test.csv").write_text("y,b,a\n1,7,8\n")
    examples = csv(tmp_path, "a,b,y\n1,2,0\n3,4,1\n", test_file=tmp_path / "test.csv")
    assert examples.X_test.tolist() == [[8], [7]]
    assert examples.Y_test.tolist() == [[1]]


NEEDS = "it needs a line of column names and a line for each example"
CORRECT = "is not a finite number of float32's range; correct it, or leave the column out"
MISSING = "its value is missing; fill it in, or drop the line"
TABLES = {
    "empty": ("", f" is empty; {NEEDS}"),
    "blank": ("\n\n", f" is empty; {NEEDS}"),
    "names-only": ("x,y\n", f" has no examples; {NEEDS}"),
    "no-label": ("x,label\n1,0\n2,1\n", ' has no column "y"; known are x, label'),
    "other-separator": ("x;y\n1;0\n2;1\n", ' has no column "y"; known are x;y'),
    "label-only": ("y\n0\n1\n", " has no column but the label's; one of features at least is needed"),
    "twice": ("x,x,y\n1,1,0\n2,2,1\n", ' has 2 columns named "x"; give each its own name'),
    "index": (",x,y\n0,1,0\n1,2,1\n", ": column 1 has no name; name it in the first line, or leave it out"),
    "missing": ("x,y\n1,0\n,1\n", f', line 3, column "x": {MISSING}'),
    "missing-after-a-blank-line": ("x,y\n\n1,0\nNaN,1\n", f', line 4, column "x": {MISSING}'),
    "short-line": ("x,y\n1,0\n2\n", f', line 3, column "y": {MISSING}'),
    "long-line": (
        "x,y\n1,0\n2,1,5\n",
        " is not a table: Expected 2 fields in line 3, saw 3; give every line as many cells as the first",
    ),
    "word": ("x,y\n1,0\ntwo,1\n", f', line 3, column "x": "two" {CORRECT}'),
    "date": ("x,y\n1,0\n2024-01-01,1\n", f', line 3, column "x": "2024-01-01" {CORRECT}'),
    "infinite": ("x,y\n1,0\n-inf,1\n", f', line 3, column "x": "-inf" {CORRECT}'),
    "too-large": ("x,y\n1,0\n3.5e38,1\n", f', line 3, column "x": "3.5e38" {CORRECT}'),
    "label-missing": ("x,y\n1,0\n2,n/a\n", f', line 3, column "y": {MISSING}'),
    "minus-one": (
        "x,y\n1,-1\n2,1\n",
        ', column "y": the labels 0 and 1 are needed, but -1, 1 came; say which means 1, for example positive = 1',
    ),
    "words": (
        "x,y\n1,a\n2,b\n",
        ', column "y": the labels 0 and 1 are needed, but "a", "b" came; say which means 1, for example positive = "b"',
    ),
    "three-classes": (
        "x,y\n1,0\n2,1\n3,2\n",
        ', column "y": two labels are needed, but 3 came: 0, 1, 2; leave the others\' examples out',
    ),
    "many-classes": (
        "x,y\n" + "".join(f"1,{label}\n" for label in "abcdefg"),
        ', column "y": two labels are needed, but 7 came: "a", "b", "c", "d", "e", …; leave the others\' examples out',
    ),
    "one-class": (
        "x,y\n1,0\n2,0\n",
        ', column "y": every label is 0, but two classes are needed; add examples of the other',
    ),
    "not-utf-8": (b"x,y\n\xff,1\n", " is not text in UTF-8; save it as such"),
}


@pytest.mark.parametrize(("text", "answer"), TABLES.values(), ids=TABLES)
def test_a_table_that_cannot_be_used_is_answered_in_one_sentence(tmp_path, text, answer):
    with pytest.raises(UsageError) as raised:
        csv(tmp_path, text)
    assert str(raised.value) == f"{tmp_path / 'points.csv'}{answer}"


def test_an_experiment_answers_with_the_sentence_of_its_table(tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n1,0\ntwo,1\n")
    with pytest.raises(UsageError, match=r'points\.csv, line 3, column "x": "two" is not a finite number'):
        Experiment(data={"kind": "csv", "file": tmp_path / "points.csv", "label": "y"})


def test_columns_that_only_one_of_two_tables_has_are_named(tmp_path):
    (tmp_path / "test.csv").write_text("x,y,z\n1,0,3\n")
    text, test = "x,y\n1,0\n2,1\n", {"test_file": tmp_path / "test.csv"}
    with pytest.raises(
        UsageError, match=r'^only one of .*points.csv and .*test.csv has "z"; give both the same columns'
    ):
        csv(tmp_path, text, **test)
    assert csv(tmp_path, text, **test, features=("x",)).X_test.tolist() == [[1]]


def test_a_test_label_that_training_does_not_know_is_refused(tmp_path):
    (tmp_path / "test.csv").write_text("x,y\n1,cow\n")
    with pytest.raises(
        UsageError, match=r'test.csv, column "y": the label "cow" is neither of "cat", "dog"; correct it$'
    ):
        csv(tmp_path, "x,y\n1,cat\n2,dog\n", positive="dog", test_file=tmp_path / "test.csv")


def test_files_that_cannot_be_opened_say_why(tmp_path):
    for describe in (lambda file: Csv(file=file, label="y").examples, lambda file: Arrays(file=file).examples):
        with pytest.raises(UsageError, match=r"nothing.npz does not exist$"):
            describe(tmp_path / "nothing.npz")
        (tmp_path / "folder.npz").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=r"folder.npz cannot be read: .*directory"):
            describe(tmp_path / "folder.npz")


# Labels


@pytest.mark.parametrize(
    ("labels", "positive", "expected"),
    [
        (["0", "1.0", "1"], None, [0, 1, 1]),
        (["0", "1", "1"], 0, [1, 0, 0]),
        (["-1", "1", "-1"], 1, [0, 1, 0]),
        (["-1", "1", "-1"], "-1", [1, 0, 1]),
        (["cat", "dog"], "cat", [1, 0]),
        (["1", "dog"], "dog", [0, 1]),
        ([False, True], None, [0, 1]),
    ],
    ids=str,
)
def test_labels_become_0_and_1(labels, positive, expected):
    assert zeros_and_ones("here", labels, meaning("here", labels, positive)).tolist() == [expected]


def test_a_positive_label_that_does_not_occur_is_refused():
    with pytest.raises(
        UsageError, match=r'^here: positive = "Cat", but the labels are "cat", "dog"; name one of them$'
    ):
        meaning("here", ["cat", "dog"], "Cat")


# Arrays


X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
Y = np.array([0, 1, 1])


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)], ids=str)
@pytest.mark.parametrize("layout", ["columns", "rows"])
def test_arrays_are_taken_in_the_layout_that_is_said(tmp_path, layout, shape):
    examples = npz(tmp_path, layout, X=X if layout == "columns" else X.T, Y=Y.reshape(shape))
    assert examples.X.tolist() == X.tolist()
    assert examples.Y.tolist() == [[0, 1, 1]]
    assert examples.X.flags.c_contiguous


def test_arrays_for_the_test_are_taken_too(tmp_path):
    examples = npz(tmp_path, X=X, Y=Y, X_test=X[:, 2:], Y_test=Y[2:])
    assert (examples.X_test.tolist(), examples.Y_test.tolist()) == ([[3], [6]], [[1]])


def test_arrays_are_rounded_to_float32_whatever_they_are_made_of(tmp_path):
    assert npz(tmp_path, X=X / 10, Y=Y).X.tolist() == (X / 10).astype(np.float32).tolist() != (X / 10).tolist()
    assert npz(tmp_path, X=X.astype(np.int8), Y=Y > 0).X.tolist() == X.tolist()


def test_labels_in_an_array_may_be_words(tmp_path):
    assert npz(tmp_path, positive="b", X=X, Y=["a", "b", "b"]).Y.tolist() == [[0, 1, 1]]


def test_safetensors_are_read_like_npz(tmp_path):
    save_file({"X": X, "Y": Y}, tmp_path / "points.safetensors")
    assert Arrays(file=tmp_path / "points.safetensors").examples.X.tolist() == X.tolist()


ROWS = '; if its examples are rows, set layout = "rows"'
ARRAYS = {
    "no-labels": ({"X": X}, " has no Y; it has X"),
    "nothing": ({}, " has no X; it has nothing"),
    "unknown": (
        {"X": X, "Y": Y, "x_test": X},
        " has x_test, which nothing asks for; did you mean X_test? known are X, Y, X_test, Y_test",
    ),
    "half-a-test": ({"X": X, "Y": Y, "X_test": X}, " has only one of X_test and Y_test; give both, or neither"),
    "other-features": (
        {"X": X, "Y": Y, "X_test": X[:1], "Y_test": Y},
        ": X has 2 features, but X_test 1; give both the same ones",
    ),
    "rows": ({"X": X.T, "Y": Y}, f": Y must hold one label for each of the 2 columns of X, but has shape (3,){ROWS}"),
    "too-few-labels": (
        {"X": X, "Y": Y[:1]},
        ": Y must hold one label for each of the 3 columns of X, but has shape (1,)",
    ),
    "one-hot": (
        {"X": X, "Y": [Y, 1 - Y]},
        ": Y must hold one label for each of the 3 columns of X, but has shape (2, 3)",
    ),
    "flat": ({"X": X[0], "Y": Y}, ": X must hold numbers, features by examples, but has shape (3,)"),
    "no-examples": ({"X": X[:, :0], "Y": Y[:0]}, ": X must hold numbers, features by examples, but has shape (2, 0)"),
    "text": ({"X": [["a", "b"]], "Y": Y}, ": X is made of text, but real numbers are needed; convert it"),
    "complex": ({"X": X * 1j, "Y": Y}, ": X is made of complex128, but real numbers are needed; convert it"),
    "nan": (
        {"X": [[1, 2, np.nan]], "Y": Y},
        ": X[0, 2] is nan, but a finite number of float32's range is needed; correct it",
    ),
    "too-large": (
        {"X": [[1, 2, 3.5e38]], "Y": Y},
        ": X[0, 2] is 3.5e+38, but a finite number of float32's range is needed; correct it",
    ),
    "three-classes": (
        {"X": X, "Y": [0, 1, 2]},
        ": Y: two labels are needed, but 3 came: 0, 1, 2; leave the others' examples out",
    ),
    "objects": (
        {"X": X, "Y": np.array([0, 1, None])},
        " is not what numpy.savez writes: Object arrays cannot be loaded when allow_pickle=False",
    ),
}


@pytest.mark.parametrize(("arrays", "answer"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_cannot_be_used_are_answered_in_one_sentence(tmp_path, arrays, answer):
    with pytest.raises(UsageError) as raised:
        npz(tmp_path, **arrays)
    assert str(raised.value) == f"{tmp_path / 'points.npz'}{answer}"


class Boom:
    """An object that says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"PK\3\4 cut off", b"\x93NUMPY", pickle.dumps(Boom())],
    ids=["empty", "truncated", "a-single-array", "pickle"],
)
def test_a_file_that_is_not_what_its_name_says_is_answered_and_never_unpickled(tmp_path, content, suffix):
    path = tmp_path / f"points{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="^" + re.escape(str(path))):
        read_arrays(path)


def test_a_truncated_file_of_arrays_is_one_sentence(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", X=np.arange(1000.0))
    save_file({"X": np.arange(1000.0)}, tmp_path / "whole.safetensors")
    for suffix in (".npz", ".safetensors"):
        whole = (tmp_path / f"whole{suffix}").read_bytes()
        assert read_arrays(tmp_path / f"whole{suffix}")["X"].tolist() == list(range(1000))
        (tmp_path / f"cut{suffix}").write_bytes(whole[:-100])
        with pytest.raises(UsageError, match=rf"cut{suffix} (is not|cannot be)"):
            read_arrays(tmp_path / f"cut{suffix}")
        damaged = bytearray(whole)
        damaged[100:110] = b"x" * 10
        (tmp_path / f"damaged{suffix}").write_bytes(damaged)
        if suffix == ".npz":  # safetensors carries no checksum
            with pytest.raises(UsageError, match=r"damaged.npz is not what numpy.savez writes"):
                read_arrays(tmp_path / "damaged.npz")


def test_a_file_of_arrays_is_known_by_its_name(tmp_path):
    with pytest.raises(UsageError, match=r"points.pkl is not a file of arrays by its name; save them as .npz or"):
        Arrays(file=tmp_path / "points.pkl").examples  # noqa: B018
    with pytest.raises(UsageError, match=r"weights.h5 is not a file of arrays by its name"):
        FromFile(file=tmp_path / "weights.h5").parameters((2, 1))


def test_cells_keep_the_lines_of_the_file(tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n\n1,0\n\n2,1\n")
    assert read_csv(tmp_path / "points.csv").index.tolist() == [3, 5]
