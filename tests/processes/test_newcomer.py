"""The way of somebody who is new: `new`, fill in half, `check`, fill in all, make a mistake, read of it, mend it."""

import pytest

PARTS = (
    """
        Z[1] = W[1] @ A[0] + b[1]
        A[1] = np.maximum(0, Z[1])
""",
    """
        for l in range(2, L + 1):
            Z[l] = W[l] @ A[l - 1] + b[l]
            A[l] = np.maximum(0, Z[l]) if l < L else 1 / (1 + np.exp(-Z[l]))
""",
    """
        J = -np.sum(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L])) / dtype(m)
""",
    """
        dZ[L] = A[L] - Y
        dW[L] = dZ[L] @ A[L - 1].T / m
        db[L] = np.sum(dZ[L], axis=1, keepdims=True) / m
""",
    """
        for l in range(L - 1, 0, -1):
            dA[l] = W[l + 1].T @ dZ[l + 1]
            dZ[l] = dA[l] * (Z[l] > 0)
            dW[l] = dZ[l] @ A[l - 1].T / m
            db[l] = np.sum(dZ[l], axis=1, keepdims=True) / m
""",
    """
        adam = experiment.optimizer
        for l in range(1, L + 1):
            for theta, m_, v_, g in ((W, m_W, v_W, dW), (b, m_b, v_b, db)):
                m_[l] = adam.beta1 * m_[l] + (1 - adam.beta1) * g[l]
                v_[l] = adam.beta2 * v_[l] + (1 - adam.beta2) * g[l] ** 2
                corrected = np.sqrt(v_[l] / (1 - adam.beta2**t)) + adam.epsilon
                theta[l] = theta[l] - adam.learning_rate * (m_[l] / (1 - adam.beta1**t)) / corrected
        after = {"m_W": m_W, "v_W": v_W, "W": W, "m_b": m_b, "v_b": v_b, "b": b}
""",
)

AN_EPOCH = ("--steps", "1:32")  # for all but the first and the last of the whole article: what is said is the same


@pytest.fixture
def file(folder, backproof):
    """The skeleton, as `new` writes it."""
    done = backproof("new", "my_network.py")
    assert (0, "") == (done.returncode, done.stderr)
    assert "my_network.py is written; fill in its first part, and then: backproof check my_network.py\n" == done.stdout
    return folder / "my_network.py"


@pytest.fixture
def fill_in(file):
    """`fill_in(3)`: put the code of the third part below its first comment."""

    def one(number):
        head, _, rest = file.read_text(encoding="utf-8").partition(f"        # {number}. ")
        comment, blank, below = rest.partition("\n\n")
        file.write_text(f"{head}        # {number}. {comment}{PARTS[number - 1]}{blank}{below}", encoding="utf-8")

    return one


def test_the_whole_way(file, fill_in, backproof):
    done = backproof("check", "my_network.py", *AN_EPOCH)
    assert (3, [
        "– my_network (float32) not compared so far: no equation is shown yet",
        "  next      Z[1] = W[1] A[0] + b[1]",
    ]) == (done.returncode, done.stdout.splitlines())  # fmt: skip

    for number, holds, following, *steps in (
        (1, "Z[1] and A[1] (400,000 numbers)", "Z[2] = W[2] A[1] + b[2]"),
        (2, "Z[1], A[1], Z[2], A[2], Z[3], ", "J = −1/m Σᵢ (Y ln A[5] + (1 − Y) ln(1 − A[5]))", *AN_EPOCH),
        (3, "Z[1], A[1], Z[2], A[2], Z[3], ", "dA[5] = −(Y/A[5] − (1 − Y)/(1 − A[5]))", *AN_EPOCH),
        (4, "Z[1], A[1], Z[2], A[2], Z[3], ", "dA[4] = W[5]ᵀ dZ[5]", *AN_EPOCH),
    ):
        fill_in(number)
        done = backproof("check", "my_network.py", *steps)
        first, second, third = done.stdout.splitlines()
        assert (3, "– my_network (float32) not compared so far: what is shown holds") == (done.returncode, first)
        assert second.startswith(f"  holds     {holds}")
        assert f"  next      {following}" == third

    fill_in(5)
    fill_in(6)
    done = backproof("check", "my_network.py")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert done.stdout.startswith("✓ my_network (float32) agrees: all ")
    assert "\n  chain     every parameter of every step is tied to the step before by judged equations" in done.stdout

    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace(" / m\n", "\n"), encoding="utf-8")
    done = backproof("check", "my_network.py", *AN_EPOCH)
    assert 1 == done.returncode
    assert done.stdout.startswith("✗ my_network (float32) disagrees with the article at step 1, equation  d")
    says = "The gradient is summed over the batch, not averaged: the 1/m is missing from dW and db"
    assert f'\n  explained by "summed-gradient": {says}' in done.stdout
    assert "\n  see       backproof explain summed-gradient\n" in done.stdout
    done = backproof("explain", "summed-gradient")
    assert (0, True) == (done.returncode, "\n  right     dW = dZ @ A_prev.T / m\n" in done.stdout)

    file.write_text(right, encoding="utf-8")
    assert 0 == backproof("check", "my_network.py", *AN_EPOCH).returncode


def test_a_mistake_in_half_a_network_is_found(fill_in, file, backproof):
    fill_in(1)
    fill_in(2)
    half = file.read_text(encoding="utf-8")
    file.write_text(half.replace("W[l] @ A[l - 1] + b[l]", "W[l] @ A[l - 1] + b[l] + 1"), encoding="utf-8")
    done = backproof("check", "my_network.py", *AN_EPOCH)
    assert (1, True) == (done.returncode, "at step 1, equation  Z[2] = W[2] A[1] + b[2]\n" in done.stdout)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tiny.py", "tiny.py is there already, and nothing was changed; choose another name"),
        ("network", "network is not the name of a Python file; choose one such as my_network.py"),
        ("nowhere/mine.py", "nowhere/mine.py cannot be written: No such file or directory; choose another place"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_changes_nothing(name, reason, folder, backproof):
    (folder / "tiny.py").write_text("mine = 1\n")
    done = backproof("new", name)
    assert (2, "", f"backproof: {reason}\n") == (done.returncode, done.stdout, done.stderr)
    assert "mine = 1\n" == (folder / "tiny.py").read_text()
