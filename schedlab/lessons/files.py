"""Where lessons and recordings lie: beside the package in a checkout, inside it when it was installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shipped() -> Path:
    """The folder that an installed package brings along."""
    return PACKAGE / "lessons" / "shipped"


def folder(name: str) -> Path:
    """The folder "lessons" or "data". Raises FileNotFoundError with what to do."""
    if (PACKAGE.parent / "pyproject.toml").is_file() and (PACKAGE.parent / name).is_dir():
        return PACKAGE.parent / name
    if (shipped() / name).is_dir():
        return shipped() / name
    raise FileNotFoundError(f"the folder {name!r} did not come with this schedlab: install it again, or clone it")


def data(name: str) -> Path:
    """A recording by its path in data/: `data("linux/6.12-eevdf/cpu1/w03_inter.csv.gz")`. Raises FileNotFoundError."""
    path = folder("data") / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no recording {name!r} in data/")
    return path
