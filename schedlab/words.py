"""Numbers and sentences as schedlab writes them.

A template is text with fields in braces; `{{` and `}}` are braces. A field is `{name}`, `{name:format}` or
`{name?one|many}` ("one" when the value is exactly 1). A format is, in this order and each part at will:

    +            a sign on positive numbers too
    |            the absolute value
    a table      task lane place actor name object: the value is an index of it and shows the name
    or a unit    ns us ms s: the value is in ns; time: ns in the unit and digits of the table; dur: ns in the unit
                 that suits; %: the value times 100
    .d           exactly d digits after the point; without it at most 3, no zeros at the end

The minus sign is U+2212, thousands are parted by U+202F from 10,000 on, halves round away from zero, a unit follows a
space, `None` and NaN are "–". A list of values is joined by the template "list" (", " when there is none), an empty
one is "–".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

TABLES = ("task", "lane", "place", "actor", "name", "object")
UNITS = {"ns": (1, "ns"), "us": (1_000, "µs"), "ms": (1_000_000, "ms"), "s": (1_000_000_000, "s")}
_WIDE = Context(prec=400)


def number(value: float | None, digits: int | None = None, sign: bool = False) -> str:
    """`value` as the player writes it: −, thin thousands from 10,000 on, `digits` after the point or at most three."""
    if value is None or math.isnan(value):
        return "–"
    minus = "−" if value < 0 else "+" if sign else ""
    if math.isinf(value):
        return minus + "∞"
    places = 3 if digits is None else digits
    text = format(Decimal(abs(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE), "f")
    if digits is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    whole, point, rest = text.partition(".")
    if minus == "−" and not sign and not text.strip("0."):
        minus = ""  # what rounds to nothing has no sign, unless signs are asked for
    if len(whole) > 4:
        head = len(whole) % 3 or 3
        whole = "\u202f".join([whole[:head], *(whole[k : k + 3] for k in range(head, len(whole), 3))])
    return minus + whole + point + rest


_FORMAT = re.compile(r"(\+?)(\|?)([a-z%]*)(?:\.(\d))?")
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)(?::([^{}?]*)|\?([^{}|]*)\|([^{}]*))?\}")


def _shown(value: Any, form: str, tables: Mapping[str, Any]) -> str:
    if isinstance(value, (list, tuple)):
        return tables.get("list", ", ").join(_shown(v, form, tables) for v in value) if value else "–"
    if isinstance(value, str):
        return value
    match = _FORMAT.fullmatch(form)
    if match is None:
        raise ValueError(f"unknown format {form!r} in a template")
    sign, absolute, what, fixed = match.groups()
    if what in TABLES:
        rows = tables.get(what, ())
        return rows[int(value)] if value is not None and 0 <= int(value) < len(rows) else "–"
    if value is None:
        return "–"
    digits = int(fixed) if fixed else None
    x = abs(value) if absolute else value
    if what in ("", "n"):
        return number(x, digits, bool(sign))
    if what == "%":
        return number(x * 100, digits, bool(sign)) + " %"
    if what == "time":
        what, digits = tables.get("unit", "ms"), tables.get("digits", 3) if digits is None else digits
    if what == "dur":
        size = abs(x)
        what = "ns" if size < 1e3 else "us" if size < 1e6 else "ms" if size < 1e9 else "s"
    if what not in UNITS:
        raise ValueError(f"unknown format {form!r} in a template")
    scale, name = UNITS[what]
    return f"{number(x / scale, digits, bool(sign))} {name}"


def fill(template: str, values: Mapping[str, Any], tables: Mapping[str, Any] | None = None) -> str:
    """The sentence of `template`. `tables` maps "task", "lane", ... to lists of names; "unit", "digits", "list" are
    the head's.

    This is the reference; the player's `fill` is held equal to it by a test. A field without a value reads "–".
    """

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value = values.get(match[1])
        if match[3] is not None:
            return match[3] if value == 1 else match[4]
        return _shown(value, match[2] or "", tables or {})

    return _FIELD.sub(one, template)


def fields(template: str) -> list[tuple[str, str]]:
    """Name and format of every field, in order; a stray brace or unknown format is a `ValueError`."""
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError(f"the template {template!r} has a stray brace")
    found = [(m[1], m[2] or "") for m in _FIELD.finditer(template) if m[1] is not None]
    for name, form in found:
        match = _FORMAT.fullmatch(form)
        if match is None or match[3] not in ("", "n", "%", "time", "dur", *UNITS, *TABLES):
            raise ValueError(f"the template {template!r} gives {name} the unknown format {form!r}")
    return found


def show(ns: int) -> str:
    """A time in ns in the unit that suits: "30 ms"."""
    return fill("{ns:dur}", {"ns": ns})
