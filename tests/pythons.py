"""Which Pythons that schedlab supports are on this machine? `python -m tests.pythons` lists them.

Nothing is downloaded: the PATH, and the folders where pyenv and uv keep theirs, are all that is looked at.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


def _places() -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    return [*folders, *sorted(pyenv.glob("*/bin")), *sorted(uv.glob("*/bin"))]


def _version(python: Path) -> str | None:
    """Its major.minor as it says itself: a shim may stand there for a Python that is not installed."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


@cache
def at_hand() -> dict[str, Path]:
    """The first working interpreter of each supported version, this one before all others."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": Path(sys.executable)}
    for folder in _places():
        for version in SUPPORTED:
            python = folder / f"python{version}"
            if version not in found and python.is_file() and _version(python) == version:
                found[version] = python
    return {version: found[version] for version in SUPPORTED if version in found}


def python(version: str) -> Path | None:
    """The interpreter of one version such as "3.12", if it is here."""
    if not re.fullmatch(r"3\.\d+", version):
        raise ValueError(f"{version!r} is not a version of Python 3 such as '3.12'")
    return at_hand().get(version)


if __name__ == "__main__":
    for version, path in at_hand().items():
        print(version, path)
