"""A payload read back: the facts that the text form and the SVG draw, in the player's own words."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from schedlab.views.language import Words
from schedlab.views.payload import (
    DECISION,
    NONE16,
    sentences,
    shown,
    tables_of,
    unpack,
)
from schedlab.words import fill, number

UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
SIGNS = {"ns": "ns", "us": "µs", "ms": "ms", "s": "s"}
BEFORE = 0.3  # of the window stands left of a moment that the first view does not hold


class Candidate(NamedTuple):
    """A row of the table of candidates: whose (a task's number, or -1), its name, its cells and result as text."""

    task: int
    name: str
    cells: tuple[str, ...]
    result: str
    won: bool
    values: tuple[float, ...]


class Scene:
    """`(head, columns)` with its columns unpacked."""

    def __init__(self, head: Mapping[str, Any], columns: bytes) -> None:
        self.head, self.columns = head, columns
        self.data = unpack(head, columns)
        self.words = Words(head["language"])
        self.tables = tables_of(head)
        self.at: Sequence[float] = self.data["events.at"]
        self.flags = self.data["events.flags"]
        self.lanes: Sequence[Mapping[str, Any]] = head["lanes"]
        self.tick = int(head["tick_ns"])
        self.names = [shown(task["name"], self.words.get("no_name")) for task in head["tasks"]]

    def __len__(self) -> int:
        return len(self.at)

    def said(self, event: int) -> tuple[str, str, str]:
        """Kind, sentence and grey line of an event."""
        return sentences(self.head, self.columns, [event])[0]

    @cached_property
    def decisions(self) -> list[int]:
        """The events that are decisions."""
        return [event for event, flags in enumerate(self.flags) if flags & DECISION]

    def event_at(self, time: float) -> int:
        """The last event at or before `time` ns; the first one when there is none."""
        return max(0, bisect_right(self.at, time) - 1)

    def telling_at(self, time: float) -> int:
        """The same, but of the events at that very instant the last decision, if there is one."""
        last = self.event_at(time)
        event = last
        while event > 0 and not self.flags[event] & DECISION and self.at[event - 1] == self.at[last]:
            event -= 1
        return event if len(self) and self.flags[event] & DECISION else last

    def first_telling(self) -> int:
        """The first decision with two candidates or more, else the first decision, else the first event."""
        told, first = self.data.get("decisions.event", ()), self.data.get("decisions.first", ())
        ends = [*first[1:], len(self.data.get("candidates.task", ()))]
        for event, start, stop in zip(told, first, ends):
            if stop - start > 1:
                return int(event)
        return next((event for event, flags in enumerate(self.flags) if flags & DECISION), 0)

    def window(self, event: int) -> tuple[float, float]:
        """The stretch that a still picture shows: the first view, or one as long around the event."""
        start, stop = self.head["first_view"]
        time = self.at[event] if len(self) else 0
        if not start <= time <= stop:
            long = stop - start
            start = min(max(0, time - BEFORE * long), max(0, self.head["end"] - long))
            stop = start + long
        return start, max(stop, start + 1)

    def bars(self, lane: int, start: float, stop: float) -> list[tuple[int, int, int, int]]:
        """The bars of a lane that touch a stretch of time: start, length (ns), task (-1: none), state."""
        first, last = self.data["lane_first"][lane], self.data["lane_first"][lane + 1]
        starts, tick = self.data["segments.start"], self.tick
        k = max(first, bisect_right(starts, start / tick, first, last) - 1)
        found = []
        while k < last and starts[k] * tick < stop:
            begin, length = starts[k] * tick, self.data["segments.length"][k] * tick
            if begin + length > start:
                task = self.data["segments.task"][k]
                found.append((begin, length, -1 if task == NONE16 else task, self.data["segments.state"][k]))
            k += 1
        return found

    def time(self, ns: float, digits: int | None = -1) -> str:
        """A time in the head's unit; `digits` None: as many as it needs."""
        unit = self.head["unit"]
        return f"{number(ns / UNITS[unit], self.head['digits'] if digits == -1 else digits)} {SIGNS[unit]}"

    def candidates(self, event: int) -> list[Candidate]:
        """Who could run at a decision; empty when that is not known."""
        told = self.data.get("decisions.event", ())
        d = bisect_right(told, event) - 1
        if d < 0 or told[d] != event:
            return []
        first = self.data["decisions.first"]
        task, verdict = self.data["candidates.task"], self.data["candidates.verdict"]
        rows = range(first[d], first[d + 1] if d + 1 < len(first) else len(task))
        columns, of = self.head["candidates"]["columns"], self.head["candidates"].get("of", "task")
        names = self.names if of == "task" else self.tables[of]
        numbers = {row: tuple(self.data[f"candidates.c{k}"][row] for k in range(len(columns))) for row in rows}
        won = next((row for row in rows if verdict[row] == 0), None)
        found = []
        for row in rows:
            values = numbers[row]
            cells = tuple(number(v / c["scale"], c["digits"], c["sign"]) for v, c in zip(values, columns))
            who, name = task[row] if of == "task" else -1, names[task[row]]
            found.append(Candidate(who, name, cells, self._result(row, values, won, numbers), row == won, values))
        return found

    def _result(
        self, row: int, values: Sequence[float], won: int | None, numbers: Mapping[int, Sequence[float]]
    ) -> str:
        """A verdict's short word, filled as the player fills it."""
        reason = self.head["reasons"][self.data["candidates.verdict"][row]]
        tasks = self.data["candidates.task"]
        best = numbers[won] if won is not None else [math.nan] * len(values)
        names = self.tables[self.head["candidates"].get("of", "task")]
        given: dict[str, Any] = {"who": names[tasks[row]], "winner": None if won is None else names[tasks[won]]}
        for k, value in enumerate(values):
            given |= {f"c{k}": value, f"w{k}": best[k], f"d{k}": value - best[k]}
        return fill(self.head["templates"][self.head["language"]][reason["short"]], given, self.tables)

    def headings(self) -> list[str]:
        """The headings of the candidates' numbers, with their units."""
        columns = (self.head["candidates"] or {"columns": ()})["columns"]
        return [c["name"] + (f", {c['unit']}" if c["unit"] else "") for c in columns]
