"""The player in a notebook: one anywidget that carries a payload and passes questions on.

`head` and `columns` are what `views.payload` wrote. Messages (each request has a number `n`, repeated in its answer):

    {n, ask: "explain", event}          -> {n, explained: event, candidates: [[row, verdict, number...]], lines}
                                           or {n, explained: event, candidates: null, lines: null, error: sentence}
    {n, ask: "fork", event, change}     -> head_b and columns_b, then {n, forked: {prefix, differ_a, differ_b, totals}}
                                           or {n, forked: null, error: sentence}
    {n, keep: "b"}                      the learner kept the second future
    {goto: event}                       to the page: move the cursor
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from schedlab.widgets.bundle import css_text, module_text
from schedlab.widgets.kernel import between_cells

Explain = Callable[[int], Mapping[str, Any]]  # event -> {candidates, lines}
Fork = Callable[
    [int, Mapping[str, Any]], tuple[dict[str, Any], bytes, dict[str, Any]]
]  # event, change -> head, columns, info


class Player(anywidget.AnyWidget):
    """Shows one payload. `text` and `svg` are its static forms; `explain` and `fork` answer the page's questions."""

    _esm = module_text()
    _css = css_text()
    head = traitlets.Dict().tag(sync=True)
    columns = traitlets.Bytes().tag(sync=True)
    head_b = traitlets.Dict().tag(sync=True)
    columns_b = traitlets.Bytes().tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    still = traitlets.Bool(False).tag(sync=True)
    cursor = traitlets.Int(0).tag(sync=True)
    answers: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        head: dict[str, Any],
        columns: bytes,
        *,
        text: str = "",
        svg: str = "",
        still: bool = False,
        explain: Explain | None = None,
        fork: Fork | None = None,
    ) -> None:
        super().__init__(head=head, columns=columns, text=text, still=still)
        self._svg, self._explain, self._fork = svg, explain, fork
        self.on_msg(between_cells(self._asked))

    def goto(self, event: int) -> None:
        """Move the cursor of every view to this event."""
        self.send({"goto": event})

    def mark(self, rules: int, broken: Sequence[Mapping[str, Any]]) -> None:
        """The verdict of `check()`: how many rules were asked, and the broken ones as {event, time, rule, say}."""
        self.marks = {"rules": rules, "broken": [dict(m) for m in broken]}

    def keep(self) -> None:
        """The second future is the trace now. What was said of the first one goes with it."""
        self._svg = ""
        with self.hold_sync():  # one message: the page draws head and columns together
            self.head, self.columns, self.text, self.marks = self.head_b, self.columns_b, "", {}

    def _asked(self, _widget: object, message: Any, _buffers: object) -> None:
        if not isinstance(message, dict):
            return
        if message.get("keep") == "b":
            self.keep()
        elif message.get("ask") == "explain" and self._explain:
            event: Any = message.get("event")
            self.send({"n": message.get("n"), "explained": event, **self._explain(event)})
        elif message.get("ask") == "fork":
            event, change = message.get("event"), message.get("change", {})
            self.send({"n": message.get("n"), **self._forked(event, change)})

    def _forked(self, event: int, change: Mapping[str, Any]) -> dict[str, Any]:
        if self._fork is None:
            return {"forked": None, "error": "this trace was recorded, so it cannot be run again"}
        try:
            self.head_b, self.columns_b, info = self._fork(event, change)
        except Exception as error:  # a learner's change may fail in any way: the page shows the reason
            return {"forked": None, "error": str(error) or type(error).__name__}
        return {"forked": info}

    def __repr__(self) -> str:
        return f"Player({self.head.get('title', '')!r}, {self.head.get('counts', {}).get('events', 0)} events)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/plain"] = self.text or repr(self)
        if self._svg:
            data["image/svg+xml"] = self._svg
        return data, metadata
