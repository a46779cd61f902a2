"""Pictures as trees of elements: one tree becomes an SVG file, and the same tree as JSON is drawn live in a page.

An element is `[tag, attributes, children]`; a child is an element or a text. Colours are the player's variables with
their light values behind them, so that a file shows the light tone and a live picture follows its page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from schedlab.views.payload import tame as _tame

Element = list[Any]

INK = "var(--sl-ink,#14181d)"
MUTED = "var(--sl-muted,#64676a)"
LINE = "var(--sl-line,#e1e1e2)"
EDGE = "var(--sl-edge,#858789)"
PAPER = "var(--sl-bg,#ffffff)"
ACCENT = "var(--sl-accent,#0b62c4)"
SANS = "font-family:system-ui,'DejaVu Sans',sans-serif"
CODE = "font-family:ui-monospace,'DejaVu Sans Mono',monospace"

# What XML cannot hold at all.
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def tame(text: object) -> str:
    """A text whose characters only show: nothing in a name acts."""
    return _NOT_XML.sub("␦", _tame(str(text)))


def _lines(text: str) -> str:
    """A text of several lines, which only a description shows as such."""
    return "\n".join(map(tame, text.split("\n")))


def element(tag: str, attributes: Mapping[str, object] | None = None, *children: Element | str) -> Element:
    """An element; numbers are written with at most two digits after the point."""
    given = {name: short(value) if isinstance(value, float) else str(value) for name, value in (attributes or {}).items()}
    return [tag, given, [child if isinstance(child, list) else _lines(child) for child in children]]


def label(x: float, y: float, text: str, *, size: int = 13, fill: str = INK, anchor: str = "", style: str = SANS) -> Element:
    """A line of text whose base line is at `y`."""
    more = {"text-anchor": anchor} if anchor else {}
    return element("text", {"x": float(x), "y": float(y), "font-size": size, "style": f"fill:{fill};{style}", **more}, text)


def short(value: float) -> str:
    """A number of a drawing: two digits after the point at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def picture(width: int, height: int, title: str, desc: str, *children: Element) -> Element:
    """A whole picture with its name and its description, on paper of its own."""
    paper = element("rect", {"width": width, "height": height, "style": f"fill:{PAPER}"})
    head = {"viewBox": f"0 0 {width} {height}", "width": width, "height": height, "role": "img"}
    return element("svg", head, element("title", {}, title), element("desc", {}, desc), paper, *children)


def to_svg(tree: Element) -> str:
    """The SVG file of a picture."""
    return _written([tree[0], {"xmlns": "http://www.w3.org/2000/svg", **tree[1]}, tree[2]])


def _written(node: Element | str) -> str:
    if isinstance(node, str):
        return escape(node)
    tag, attributes, children = node
    head = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{head}>{''.join(map(_written, children))}</{tag}>" if children else f"<{tag}{head}/>"


LINE_HEIGHT = 20


def card(title: str, lines: Sequence[str], *, width: int = 1000, code: bool = False) -> Element:
    """Lines of text under a heading: the picture of what has no other. A line keeps its spaces at the left."""
    style = f"{CODE if code else SANS};white-space:pre"
    body = [
        label(24 + 8 * (len(line) - len(line.lstrip())), 62 + LINE_HEIGHT * k, line.lstrip(), style=style)
        for k, line in enumerate(lines)
    ]
    height = 62 + LINE_HEIGHT * len(lines)
    frame = element(
        "rect",
        {"x": 0.5, "y": 0.5, "width": width - 1, "height": height - 1, "rx": 8, "style": f"fill:none;stroke:{LINE}"},
    )
    heading = label(24, 32, title, size=15, style=f"{SANS};font-weight:600")
    return picture(width, height, title, "\n".join([title, *lines]), frame, heading, *body)
