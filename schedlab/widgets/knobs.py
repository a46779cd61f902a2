"""Numbers that a learner moves, and what comes of them: `explore(function, Knob(...))`.

The page asks Python once for each position that is still wanted when the last answer is in; a slow function is asked
less often, never queued up. What the function returns is shown: a mapping as facts, a text as a sentence, a list of
mappings as a table, a chart as a picture, a scenario or a trace in the player.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import traitlets

from schedlab.scenario import Scenario, duration
from schedlab.trace import Trace
from schedlab.views import palette
from schedlab.views.card import card
from schedlab.views.charts import Chart
from schedlab.views.payload import tame
from schedlab.widgets.board import Board, Stack, kit_css, kit_module
from schedlab.widgets.kernel import between_cells
from schedlab.words import number

MOST_STEPS = 10_000  # positions of a knob
LARGEST = 2**53  # what JavaScript counts exactly
# the colours of a chart, by the name of their part in the page: there they follow its theme
NARROW = (480, 720)  # px of a chart where a page is narrower than the whole picture
TONES = {
    "bg": palette.BACKGROUND,
    "soft": palette.SOFT,
    "ink": palette.INK,
    "muted": palette.MUTED,
    "edge": palette.EDGE,
    "line": palette.LINE,
    "accent": palette.ACCENT,
}
_AMOUNT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([a-zµ]*)\s*")
_TIME_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}


class Knob:
    """A number, or one of several values, that a learner can move.

    Knob("sleep of the editor", "1ms", "100ms", start="30ms")     the function gets whole nanoseconds
    Knob("tasks", 1, 100, start=3)                                a whole number
    Knob("share", 0, 1, step=0.05)                                a number with a fraction
    Knob("tasks", values=[10, 100, 1000])                         one of these, as it stands here
    Knob("scheduler", values=["o(n)", "o1"])                      the same, chosen by name
    """

    def __init__(
        self,
        label: str,
        low: int | float | str | None = None,
        high: int | float | str | None = None,
        *,
        start: Any = None,
        step: int | float | str | None = None,
        values: Iterable[Any] | None = None,
    ) -> None:
        """Raises ValueError for a range that is empty, in two units that do not fit, or with too many positions."""
        self.label = label
        if values is not None and (isinstance(values, str) or not isinstance(values, Iterable)):
            raise ValueError(f"the knob {label!r}: values is a list such as [1, 2, 3], not {values!r}")
        self.values = None if values is None else list(values)
        self.unit = ""
        if self.values is not None:
            if low is not None or high is not None or not self.values:
                raise ValueError(f"the knob {label!r} has either a range or one or more values")
            begin = self.values[0] if start is None else start
            if begin not in self.values:
                raise ValueError(f"the knob {label!r} starts at one of its values, not at {begin!r}")
            self.start: float = self.values.index(begin)
            return
        if low is None or high is None:
            raise ValueError(f"the knob {label!r} needs a lowest and a highest position, or values")
        if isinstance(low, str):
            match = _AMOUNT.fullmatch(low)
            if match is None or match[2] not in _TIME_UNITS:
                raise ValueError(f"the knob {label!r} starts with {low!r}, which is not a time such as '1ms'")
            self.unit = "us" if match[2] == "µs" else match[2]
        self.low, self.high = self._amount(low), self._amount(high)
        self.step = Decimal(1) if step is None else self._amount(step)
        self.start = float(self.low if start is None else self._amount(start))
        if not (self.low < self.high and self.step > 0 and self.low <= Decimal(str(self.start)) <= self.high):
            raise ValueError(f"the knob {label!r}: {low!r} to {high!r} from {start!r} in steps of {step!r} is no range")
        if (self.high - self.low) / self.step > MOST_STEPS:
            raise ValueError(f"the knob {label!r} has more than {MOST_STEPS:,} positions: give it a larger step")

    def _amount(self, value: Any) -> Decimal:
        """A position in the knob's own unit."""
        if self.unit:
            return Decimal(duration(value, f"the knob {self.label!r}")) / _TIME_UNITS[self.unit]
        if not _is_number(value):
            raise ValueError(f"the knob {self.label!r}: {value!r} is not a number")
        if not abs(value) <= LARGEST:
            raise ValueError(f"the knob {self.label!r}: {value!r:.40} is more than a page can count")
        return Decimal(str(value))

    def spec(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        if self.values is not None:
            numbers = all(map(_is_number, self.values))
            options = [number(value) if numbers else str(value) for value in self.values]
            return {"label": self.label, "form": "list" if numbers else "choice", "options": options}
        unit = "µs" if self.unit == "us" else self.unit
        ends = {"min": float(self.low), "max": float(self.high), "step": float(self.step)}
        return {"label": self.label, "form": "range", "unit": unit, **ends}

    def value(self, position: Any) -> Any:
        """What the function gets for a position of the page. Raises ValueError for a position that is none."""
        if not _is_number(position) or not math.isfinite(position):
            raise ValueError(f"{self.label}: {position!r} is not a number")
        if self.values is not None:
            if position not in range(len(self.values)):
                raise ValueError(f"{self.label}: there is no position {position}")
            return self.values[int(position)]
        exact = Decimal(str(position))
        if not self.low <= exact <= self.high:
            raise ValueError(f"{self.label}: {position} is not between {self.low} and {self.high}")
        if self.unit:
            return int(exact * _TIME_UNITS[self.unit])
        return int(exact) if exact == int(exact) and self.step == int(self.step) else float(exact)

    def words(self, position: Any) -> str:
        """A position as it is read: "30 ms"."""
        spec = self.spec()
        if self.values is not None:
            return str(spec["options"][int(position)])
        return f"{number(position)} {spec['unit']}".strip()

    def line(self, position: Any) -> str:
        """The knob in a text: its name, where it stands and how far it goes."""
        if self.values is not None:
            return f"{self.label}: {self.words(position)}  (of {', '.join(self.spec()['options'])})"
        ends = f"{self.words(float(self.low))} to {self.words(float(self.high))}"
        return f"{self.label}: {self.words(position)}  (from {ends})"


class Knobs(Board):
    """The knobs and, below them, facts, tables, sentences and charts; a player stands beside them in a `Stack`."""

    _esm = kit_module("knobs.js", "knobs.end.js")
    _css = kit_css()
    values: traitlets.List[Any] = traitlets.List().tag(sync=True)
    view: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, function: Callable[..., Any], knobs: Sequence[Knob], title: str = "") -> None:
        self.function, self.knobs, self.title = function, tuple(knobs), title
        self.shown: list[Any] = []
        self.run: Any = None  # the scenario or trace of the last call, for a player
        super().__init__(head={"language": "en", "title": title, "knobs": [knob.spec() for knob in knobs]})
        self.turn([knob.start for knob in self.knobs])
        self.on_msg(between_cells(self._asked))

    def turn(self, positions: Sequence[Any]) -> None:
        """Call the function for these positions and show what it returns. Whatever it raises is the caller's."""
        if len(positions) != len(self.knobs):
            raise ValueError(f"{len(positions)} positions for {len(self.knobs)} knobs")
        got = self.function(*(knob.value(position) for knob, position in zip(self.knobs, positions)))
        parts = got if isinstance(got, tuple) and not hasattr(got, "_fields") else (got,)
        runs = [part for part in parts if isinstance(part, (Scenario, Trace))]
        if len(runs) > 1:
            raise ValueError("the function returns two runs; the player shows one (its compare= shows two)")
        shown = [part for part in parts if part is not None and not isinstance(part, (Scenario, Trace))]
        view = [block(part) for part in shown]
        self.shown, self.run = shown, runs[0] if runs else None
        self.values, self.view = list(positions), view

    def turned(self) -> None:
        """Called when the page has moved a knob and the function has answered."""

    def _asked(self, _widget: object, message: Any, _buffers: object) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("values"), list):
            return
        try:
            self.turn(message["values"])
            self.turned()
        except Exception as error:  # a learner's function may fail in any way: the page says how, the old picture stays
            self.send({"n": message.get("n"), "error": str(error) or type(error).__name__})
        else:
            self.send({"n": message.get("n"), "says": self.says()})

    def says(self) -> str:
        """What has just changed, in one line for the ear."""
        facts = "; ".join(line.strip() for part in self.shown for line in block_lines(block(part))[:6])
        at = ", ".join(f"{knob.label} {knob.words(value)}" for knob, value in zip(self.knobs, self.values))
        return f"{at}. {facts}" if facts else at

    def lines(self) -> list[str]:
        """The knobs as they stand, and what the function says of that."""
        found = [knob.line(value) for knob, value in zip(self.knobs, self.values)]
        for part in self.shown:
            found += ["", *block_lines(block(part))]
        return found

    def text(self) -> str:
        """Knobs, facts and tables in words."""
        return "\n".join([*([tame(self.title)] if self.title else []), *map(tame, self.lines())])

    def svg(self) -> str:
        """The chart if there is one, else the words as a picture."""
        for given in self.view:
            if given["kind"] == "picture":
                return str(given["svg"])
        return card(self.title or "Knobs", self.lines(), code=True)


def block(part: Any) -> dict[str, Any]:
    """What a function returned, as data for the page. Raises ValueError for what cannot be shown."""
    if isinstance(part, Mapping):
        return {"kind": "facts", "rows": [[str(name), _said(value)] for name, value in part.items()]}
    if isinstance(part, str):
        return {"kind": "text", "says": part}
    if isinstance(part, Chart):
        widths = {str(width): part.svg(width) for width in NARROW}
        return {"kind": "picture", "svg": part.svg(), "widths": widths, "text": part.text(), "tones": TONES}
    if hasattr(part, "svg") and hasattr(part, "text"):
        return {"kind": "picture", "svg": part.svg(), "text": part.text()}
    if isinstance(part, Sequence) and part and all(isinstance(row, Mapping) for row in part):
        head = list(dict.fromkeys(str(name) for row in part for name in row))
        return {"kind": "table", "head": head, "rows": [[_said(row.get(name, "")) for name in head] for row in part]}
    raise ValueError(
        f"the function returned {part!r:.80}: a mapping, a text, a list of mappings, a chart or a run is shown"
    )


def _said(value: Any) -> str:
    return number(value) if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    """Is it counted? Yes and no are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def block_lines(given: Mapping[str, Any]) -> list[str]:
    """A block in words."""
    if given["kind"] == "facts":
        width = max((len(name) for name, _value in given["rows"]), default=0)
        return [f"  {name:<{width}}  {value}" for name, value in given["rows"]]
    if given["kind"] == "table":
        rows = [given["head"], *given["rows"]]
        widths = [max(len(row[k]) for row in rows) for k in range(len(given["head"]))]
        return ["  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths)) for row in rows]
    return str(given["text"] if given["kind"] == "picture" else given["says"]).split("\n")


class Explorer:
    """The static forms of knobs with a player: the words of both, the picture of the player."""

    def __init__(self, knobs: Knobs, player: Any) -> None:
        self.knobs, self.player = knobs, player

    def text(self) -> str:
        """The knobs, then what the player shows."""
        return self.knobs.text() + "\n\n" + self.player.text

    def svg(self) -> str:
        """The player's picture."""
        return str(self.player.picture)


def explore(function: Callable[..., Any], *knobs: Knob, title: str = "", **player_options: Any) -> Knobs | Stack:
    """Show `function` of the knobs, and again whenever one is moved. `player_options` are those of `play`.

    Raises ValueError when there is no function or no knob, and whatever the function raises at the start.
    """
    if not callable(function):
        raise ValueError(f"explore(function, Knob(...), ...): {function!r} is not a function")
    if not knobs or not all(isinstance(knob, Knob) for knob in knobs):
        raise ValueError("explore(function, Knob(...), ...): give it one knob or more")
    board = Knobs(function, knobs, title)
    if board.run is None:
        return board
    from schedlab.widgets.play import play  # what needs no player does not load one

    player = play(board.run, **player_options)

    def turned() -> None:
        if board.run is None:
            raise ValueError("the function has to return a run for every position, as it did at the start")
        player.take(board.run)

    board.turned = turned  # type: ignore[method-assign]  # the one place that knows both
    return Stack(board, player, still=Explorer(board, player))
