"""JSON as people write it: comments, a comma too many, and objects that keep repeated keys.

An object comes back as `Pairs`: its (key, value, line) in order. rt-app workloads repeat keys ("run", "sleep", "run");
a scenario may not, and `plain` refuses that with the line.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from schedlab.readers.stream import shown

DEEPEST = 100  # objects and lists inside each other
_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_]\w*")
WORDS = {"true": True, "false": False, "null": None}


class JsonError(ValueError):
    """What is wrong, with line and column."""


class Pair(NamedTuple):
    key: str
    value: Any
    line: int


class Pairs(list[Pair]):
    """An object: its keys in order, repeated ones too."""


class Parser:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = (0, 1)  # up to where lines have been counted, and the line there

    def document(self) -> Any:
        """The one value of the text."""
        value = self.value(0)
        self.skip()
        if self.at < len(self.text):
            raise self.error(f"nothing may follow here, but there is {self.here()}")
        return value

    def value(self, depth: int) -> Any:
        self.skip()
        if depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} objects and lists inside each other")
        first = self.text[self.at : self.at + 1]
        if first == "{":
            return self.pairs(depth)
        if first == "[":
            return self.list(depth)
        if first == '"':
            return self.string()
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return float(found[0]) if set(".eE") & set(found[0]) else int(found[0][:400])
        if (found := _WORD.match(self.text, self.at)) and found[0].lower() in WORDS:
            self.at = found.end()
            return WORDS[found[0].lower()]
        raise self.error(f"a value is missing; there is {self.here()}")

    def pairs(self, depth: int) -> Pairs:
        start = self.line()
        self.at += 1
        found = Pairs()
        while not self.next_is("}", start, "object"):
            line = self.line()
            if self.text[self.at] != '"':
                raise self.error(f'a key in "quotes" is missing; there is {self.here()}')
            key = self.string()
            self.skip()
            if self.text[self.at : self.at + 1] == ":":
                self.at += 1
                found.append(Pair(key, self.value(depth + 1), line))
            elif key.startswith(("suspend", "yield")) and self.text[self.at : self.at + 1] in (",", "}"):
                found.append(Pair(key, "", line))  # workgen lets these two stand alone
            else:
                raise self.error(f"':' is missing behind the key {shown(key)!r}; there is {self.here()}")
            self.comma("}")
        return found

    def list(self, depth: int) -> list[Any]:
        start = self.line()
        self.at += 1
        found = []
        while not self.next_is("]", start, "list"):
            found.append(self.value(depth + 1))
            self.comma("]")
        return found

    def next_is(self, end: str, start: int, what: str) -> bool:
        """Step over the closing bracket if it stands here."""
        self.skip()
        if self.at >= len(self.text):
            raise self.error(f"the file ends within the {what} that begins in line {start}")
        if self.text[self.at] != end:
            return False
        self.at += 1
        return True

    def comma(self, end: str) -> None:
        self.skip()
        here = self.text[self.at : self.at + 1]
        if here == ",":
            self.at += 1
        elif here and here != end:
            raise self.error(f"',' or {end!r} is missing; there is {self.here()}")

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise self.error("this text has no closing quote on its line")
        try:
            value = json.loads(found[0], strict=False)
        except ValueError as error:
            raise self.error(f"not a text: {error}") from None
        self.at = found.end()
        return str(value)

    def skip(self) -> None:
        """Over white space and comments."""
        found = _SPACE.match(self.text, self.at)
        if found:
            self.at = found.end()

    def here(self) -> str:
        rest = self.text[self.at : self.at + 20].split("\n")[0]
        return (
            repr(shown(rest)) if rest else "the end of the file" if self.at >= len(self.text) else "the end of the line"
        )

    def line(self) -> int:
        at, line = self.counted
        self.counted = (self.at, line + self.text.count("\n", at, self.at))
        return self.counted[1]

    def error(self, why: str) -> JsonError:
        column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + 1
        return JsonError(f"line {self.line()}, column {column}: {why}")


def parse(text: str) -> Any:
    """The value of a text; objects are `Pairs`. Raises JsonError."""
    return Parser(text).document()


def plain(value: Any, where: str = "") -> Any:
    """The same with dicts for objects. Raises JsonError for a key that stands twice in one object."""
    if isinstance(value, Pairs):
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, part, line in value:
            if key in found:
                raise JsonError(f"line {line}: the key {shown(key)!r} stands here again; first in line {lines[key]}")
            found[key] = plain(part)
            lines[key] = line
        return found
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value
