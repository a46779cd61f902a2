"""Equal, or the first difference: where, expected, got."""

from __future__ import annotations

from typing import Any, NamedTuple


class Difference(NamedTuple):
    """Where two values first differ."""

    where: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.where or 'value'}: expected {_short(self.expected)}, got {_short(self.got)}"


def first_difference(expected: Any, got: Any, where: str = "") -> Difference | None:
    """The first place, depth first, in which two JSON values differ; numbers and types are compared exactly."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            if key not in got:
                return Difference(f"{where}.{key}", expected[key], "nothing")
            found = first_difference(expected[key], got[key], f"{where}.{key}")
            if found:
                return found
        extra = [key for key in got if key not in expected]
        return Difference(f"{where}.{extra[0]}", "nothing", got[extra[0]]) if extra else None
    if isinstance(expected, list) and isinstance(got, list):
        for i, (left, right) in enumerate(zip(expected, got)):
            found = first_difference(left, right, f"{where}[{i}]")
            if found:
                return found
        if len(expected) != len(got):
            longer = expected if len(expected) > len(got) else got
            at = min(len(expected), len(got))
            pair = (longer[at], "nothing") if longer is expected else ("nothing", longer[at])
            return Difference(f"{where}[{at}]", *pair)
        return None
    if type(expected) is not type(got) or expected != got:
        return Difference(where, expected, got)
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."
