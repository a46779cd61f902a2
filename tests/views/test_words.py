"""The tables of words: complete, used, and templates that fill."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import schedlab.views
from schedlab.views.language import Words, fit, width
from schedlab.views.words_en import WORDS
from schedlab.words import fields

SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for path in Path(schedlab.views.__file__).parent.glob("*.py")
    if path.name[:6] != "words_"
)
BUILT = (
    re.findall(r'f"([a-z.]+)\.\{', SOURCE)
    + re.findall(r'name\("([a-z.]+)"', SOURCE)
    + re.findall(r'"(column[a-z.]*)"', SOURCE)
)
REASON = (
    "less",
    "more",
    "better",
    "equal",
    "filter",
    "pick.lowest",
    "pick.highest",
)  # with .long or a judgement's name behind
MARKS = re.compile(r"\{(DIFF|MINE|BEST|DOT|WORD|TIE|WON|FILTER)\}")


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_used(key):
    prefixes = tuple(f"{prefix}." for prefix in (*BUILT, *REASON))
    assert f'"{key}"' in SOURCE or f"'{key}'" in SOURCE or key.startswith(prefixes)


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_a_template_that_fills(key):
    fields(MARKS.sub("", WORDS[key]))


def test_a_name_of_the_code_without_a_word_is_shown_with_spaces():
    assert Words("en").name("word", "my_own_number") == "my own number"


def test_a_language_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="language must be one of en"):
        Words("tlh")


def test_wide_characters_take_two_columns():
    assert width("編輯器") == 6
    assert fit("編輯器", 5) == "編輯…"
    assert fit("ab", 4) == "ab  "
