"""The words of a language, by key; and names as they may be shown."""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from functools import cache
from pathlib import Path

from schedlab.views.payload import fill

LONGEST_NAME = 24  # characters of a name on a label; the middle of a longer one is left out
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


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


def tame(text: str) -> str:
    """Control characters and those that turn the direction of writing, as pictures; the rest as it is."""

    def picture(match: re.Match[str]) -> str:
        code = ord(match[0])
        return chr(0x2400 + code) if code < 32 else "␡" if code == 127 else "␦"

    return _CONTROL.sub(picture, text)


def shown(name: str, no_name: str = "(no name)", most: int = LONGEST_NAME) -> str:
    """A name as a label: tame, at most `most` characters, never empty."""
    text = tame(name)
    if not text.strip():
        return no_name
    if len(text) <= most:
        return text
    left = most // 2
    return f"{text[:left]}…{text[len(text) - (most - left - 1) :]}"


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
