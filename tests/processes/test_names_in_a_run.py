"""What `run` says of a file that disagrees is what `check` says: a known mistake by its name, or what was measured."""

import json

import pytest

from comparisons.lexicon import entry_of

WRONG = """
import numpy as np


def train(experiment):
    W, b = {}, {}
    for name, start in experiment.initial().items():
        {"W": W, "b": b}[name[0]][int(name[2:-1])] = start
    L, alpha = len(W), experiment.dtype.type(experiment.optimizer.learning_rate)
    for X, Y in experiment.batches():
        m, A, Z, dZ = X.shape[1], {0: X}, {}, {}
        for l in range(1, L + 1):
            Z[l] = W[l] @ A[l - 1] + b[l]
            A[l] = np.maximum(Z[l], 0) if l < L else 1 / (1 + np.exp(-Z[l]))
        dZ[L] = A[L] - Y
        for l in range(L, 1, -1):
            dZ[l - 1] = (W[l].T @ dZ[l]) * (Z[l - 1] > 0)
        db = {l: dZ[l].sum(axis=1, keepdims=True)MEAN for l in dZ}
        for l in range(1, L + 1):
            W[l] = W[l] - alpha * (dZ[l] @ A[l - 1].T / m)
            b[l] = b[l] - alpha * db[l]
        yield {f"{letter}[{l}]": of[l] for letter, of in {"db": db, "W": W, "b": b}.items() for l in db}
"""


FEW = 'name = "few"\nepochs = 2\n\n[optimizer]\nkind = "gradient-descent"\n'


@pytest.fixture
def wrong(folder):
    """`wrong("")`: a user's file with the article's network, in which the bias's gradient has this for its 1/m."""

    def one(mean):
        (folder / "wrong.py").write_text(WRONG.replace("MEAN", mean), encoding="utf-8")

    return one


def below(printed, name):
    """The lines below the one that says that it disagrees."""
    lines = iter(printed.splitlines())
    for line in lines:
        if f"{name} (float32) disagrees with the article" in line:
            break
    found = []
    for line in lines:
        if not line.startswith("  "):
            break
        found.append(line)
    return found


def test_a_known_mistake_is_named_in_a_run(wrong, backproof, folder):
    wrong("")
    (folder / "few.toml").write_text(FEW, encoding="utf-8")
    done = backproof("run", "few.toml", "--implementations", "numpy,wrong.py")
    assert (1, "") == (done.returncode, done.stderr)
    assert f'\n  explained by "summed-bias": {entry_of("summed-bias").says}\n' in done.stdout
    assert "\n  see       backproof explain summed-bias\n" in done.stdout
    assert "\n  hint" not in done.stdout
    found = json.loads((folder / "build/backproof/result.json").read_text(encoding="utf-8"))["implementations"]
    for one in found:
        assert ([["summed-bias"]] if one["name"] == "wrong" else []) == one["explained_by"]
        assert set(one["means"].values()) == ({entry_of("summed-bias").says} if one["explained_by"] else set())


def test_what_nobody_knows_has_hints_in_a_run_as_in_a_check(wrong, backproof, folder):
    wrong(" / m * (1 + 0.25 * (l == 3))")
    (folder / "few.toml").write_text(FEW, encoding="utf-8")
    done = backproof("run", "few.toml", "--implementations", "wrong.py", "--precision", "float32")
    assert 1 == done.returncode
    found = below(done.stdout, "wrong")
    assert "  explained by nothing known: no known mistake reproduces it" in found
    assert "  hint      db[3] is 1.25 times what it should be, at every step" in found
    assert any(line.startswith("  show      ") for line in found)
    checked = backproof("check", "wrong.py", "--experiment", "few.toml", "--precision", "float32")
    assert found == [line for line in below(checked.stdout, "wrong") if not line.startswith("  hidden ")]


def test_an_honest_file_has_nothing_to_explain(wrong, backproof, folder):
    wrong(" / m")
    (folder / "few.toml").write_text(FEW, encoding="utf-8")
    done = backproof("run", "few.toml", "--implementations", "wrong.py", "--precision", "float32")
    assert (0, False) == (done.returncode, "explained by" in done.stdout)
    (one,) = json.loads((folder / "build/backproof/result.json").read_text(encoding="utf-8"))["implementations"]
    assert ([], {}, [], []) == (one["explained_by"], one["means"], one["hints"], one["show_next"])
