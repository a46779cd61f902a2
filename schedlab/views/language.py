"""The words of a language, by key; and how wide text is."""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from functools import cache
from pathlib import Path

from schedlab.words import fill

_HALF = re.compile("[\ud800-\udfff]")


class Words:
    """A language's table. `words(key, ...)` fills the template with numbered values."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.table = _table(language)

    def get(self, key: str, default: str | None = None) -> str:
        """The template of a key; without one, `default`. A key that is neither is an error of ours."""
        if key in self.table:
            return self.table[key]
        assert default is not None, f"the {self.language} table has no {key!r}"
        return default

    def name(self, prefix: str, name: str) -> str:
        """The word for a name of the code: from the table, else the name itself with spaces."""
        return self.get(f"{prefix}.{name}", name.replace("_", " "))

    def __call__(self, key: str, *values: object) -> str:
        return fill(self.get(key), {str(n): value for n, value in enumerate(values)})


@cache
def _table(language: str) -> dict[str, str]:
    known = sorted(
        name.removeprefix("words_")
        for _finder, name, _package in pkgutil.iter_modules([str(Path(__file__).parent)])
        if name.startswith("words_")
    )
    if language not in known:
        raise ValueError(f"language must be one of {', '.join(known)}, not {language!r}")
    table: dict[str, str] = importlib.import_module(f"schedlab.views.words_{language}").WORDS
    return table


def solid(text: object) -> str:
    """Text that can be written as UTF-8: half characters, which a name may hold, become U+FFFD."""
    return _HALF.sub("\ufffd", str(text))


def width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )  # fmt: skip


def fit(text: str, columns: int) -> str:
    """`text` padded or cut to exactly `columns` columns of a terminal."""
    if width(text) > columns:
        while text and width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))
