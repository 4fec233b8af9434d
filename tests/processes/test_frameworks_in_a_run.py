"""`backproof run` with the frameworks themselves, as somebody calls it: on a tiny experiment, to its report."""

import json

from tests.frameworks import framework

framework("torch")
framework("keras")
NAMES = ("numpy", "torch", "torch-plain", "keras", "keras-fit")


def test_all_built_in_implementations_agree_and_are_reported(backproof, folder):
    done = backproof("run", "tiny.toml", "--precision", "both", "--out", "out")
    assert 0 == done.returncode, done.stdout + done.stderr
    result = json.loads((folder / "out/result.json").read_text(encoding="utf-8"))
    runs = [(one["name"], one["precision"]) for one in result["implementations"] if one["verdict"] == "agrees"]
    assert [(name, precision) for name in NAMES for precision in ("float32", "float64")] == runs
    assert "" == result["no_figures"]
    report = backproof("report", "out")
    assert (0, "Report: out/report.html\n") == (report.returncode, report.stdout)
    page = (folder / "out/report.html").read_text(encoding="utf-8")
    assert "AGREES: 10 runs of 5 implementations" in page


def test_a_wrong_one_beside_them_is_told(backproof, folder, write):
    wrong = write(folder, "wrong", "wrong")
    done = backproof(
        "run", "tiny.toml", "--implementations", f"keras-fit,{wrong}", "--precision", "float32", "--out", "out"
    )
    assert 1 == done.returncode
    assert "wrong (float32) disagrees with the article at step 3" in done.stdout
