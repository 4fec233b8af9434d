"""Sets up .venv: Backproof, editable, and everything it is verified with, in exactly the versions of constraints.txt.

A stamp in .venv, written last, holds a digest of all that a set-up depends on. The same digest: nothing to do. Another
one: install what changed. No stamp: a set-up that never came to its end, so it begins again. Whatever `python3` is runs
this file, and one that is too old shall hear so in a sentence; so it keeps to syntax that Python 3.6 knew.
"""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ((3, 11), (3, 12), (3, 13))
DEPENDS_ON = ("pyproject.toml", "constraints.txt", "scripts/setup.py")
STAMP = "backproof-setup"
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"


def refusal(version, system, machine):
    """Why nothing can be set up with this Python on this system, in one sentence; None where it can."""
    if system not in ("Linux", "Darwin"):
        return f"Backproof needs Linux or macOS, but this is {system}; on Windows, use WSL."
    if system == "Darwin" and machine != "arm64":
        return "PyTorch and TensorFlow are no longer built for Intel Macs; use Linux or a Mac with Apple silicon."
    if tuple(version[:2]) not in SUPPORTED:
        return (
            f"Backproof needs Python 3.11, 3.12 or 3.13, but this is Python {_dotted(version)}; "
            "name another one: make setup PYTHON=python3.12"
        )
    return None


def announcement(version, system):
    """What is about to be downloaded, and how to download less."""
    said = f"Setting up .venv with Python {version}. pip downloads what is not on this machine, the largest of it:\n"
    if system == "Darwin":
        return said + "  TensorFlow and PyTorch, some hundred MB each"
    return said + (
        "  TensorFlow  about 600 MB\n"
        "  PyTorch     several GB with CUDA, which is pip's choice; about 200 MB without, if pip is told where it is:\n"
        f"              PIP_EXTRA_INDEX_URL={CPU_BUILDS} make setup"
    )


def digest(root):
    """A digest of everything that a set-up depends on."""
    found = hashlib.sha256()
    for name in DEPENDS_ON:
        content = (root / name).read_bytes()
        found.update(f"{name} {len(content)}\n".encode() + content)
    return found.hexdigest()


def present(environment):
    """The Python version and the digest of an environment that was finished and still works, or (None, None)."""
    stamp, settings = environment / STAMP, environment / "pyvenv.cfg"
    if not (stamp.is_file() and settings.is_file() and (environment / "bin" / "python").exists()):
        return None, None
    folder, _, found = stamp.read_text().partition("\n")
    if folder != str(environment):  # it was moved here, and its programs still point to where it was
        return None, None
    return dict(line.split(" = ", 1) for line in settings.read_text().splitlines())["version"], found


def set_up(root, version, system, machine, is_chosen, run=subprocess.check_call, say=print):
    """Set up root/.venv unless it is as it should be; the exit status: 2 where this Python or system cannot, else 0.

    is_chosen: the user named this Python, so that an environment of another version is replaced.
    """
    environment, wanted = root / ".venv", digest(root)
    stamp, (its_version, its_digest) = environment / STAMP, present(environment)
    is_reusable = its_version is not None and not (is_chosen and its_version != _dotted(version))
    if is_reusable and its_digest == wanted:
        return 0
    if is_reusable:
        say("What .venv was made from has changed; bringing it up to date.")
    else:
        reason = refusal(version, system, machine)
        say(reason or announcement(_dotted(version), system))
        if reason:
            return 2
    if stamp.exists():
        stamp.unlink()
    if not is_reusable:
        run([sys.executable, "-m", "venv", "--clear", str(environment)], cwd=str(root))
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--constraint", "constraints.txt"]
    run([*install, "setuptools"], cwd=str(root))
    run([*install, "--no-build-isolation", "--editable", ".[all,dev]"], cwd=str(root))
    run([*pip, "check"], cwd=str(root))
    stamp.write_text(f"{environment}\n{wanted}")
    return 0


def _dotted(version):
    return ".".join(str(part) for part in version[:3])


def main():
    """Set up the checkout that this file is in."""
    try:
        return set_up(
            ROOT,
            sys.version_info[:3],
            platform.system(),
            platform.machine(),
            is_chosen="PYTHON" in os.environ,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    except subprocess.CalledProcessError as error:
        command = " ".join(str(part) for part in error.cmd)
        print(f"The set-up stopped: '{command}' failed, its reason is above. Then: make setup", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("The set-up was stopped; make setup begins it again.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
