"""What the kit's own widgets share: drawn live by a small module of ours, as text and SVG where nothing runs.

A `Board` is one widget; a `Stack` puts several below each other and is still one picture and one text.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import anywidget
import ipywidgets  # type: ignore[import-untyped]  # it ships no types
import traitlets

from schedlab.widgets.bundle import css_text, part

KIT = ("kit.words.en.js", "dom.js", "format.js", "look.js", "kit.js")  # the player's own parts among them
VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def kit_module(*parts: str) -> str:
    """An ES module of the kit: what all of them share, then these parts; the last one exports `render`."""
    return "".join(map(part, (*KIT, *parts)))


@cache
def kit_css() -> str:
    """The player's style sheet and the kit's own."""
    return css_text() + part("kit.css")


class Still(Protocol):
    """What can be shown without a kernel."""

    def text(self) -> str: ...
    def svg(self) -> str: ...


def mimebundle(widget: Any) -> dict[str, Any]:
    """The live view, and for every other place the text and the picture of the same facts."""
    return {
        "text/plain": widget.text(),
        "image/svg+xml": widget.svg(),
        VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id},
    }


class Board(anywidget.AnyWidget):
    """A widget of the kit. Subclasses say which parts its module has, and its text and SVG."""

    head = traitlets.Dict().tag(sync=True)

    def text(self) -> str:
        """The same facts in words, at most 96 columns."""
        raise NotImplementedError

    def svg(self) -> str:
        """The same facts as a picture; the same bytes on every machine."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_kwargs: Any) -> Any:
        return mimebundle(self)


class Stack(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """Widgets below each other. `cover` hides all but the first until its module uncovers them."""

    def __init__(self, *parts: Any, still: Still, cover: bool = False) -> None:
        super().__init__(list(parts))
        self.still = still
        self.add_class("sl-stack")
        if cover:
            self.add_class("sl-covered")

    def text(self) -> str:
        """The same facts in words."""
        return self.still.text()

    def svg(self) -> str:
        """The same facts as a picture."""
        return self.still.svg()

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        return mimebundle(self)
