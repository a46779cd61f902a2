"""A trace as spans of time, as it streams by: who ran on each lane, and what each task did.

Works for every family: its kinds say which fields a row changes, its `Look` which fields are lanes and states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schedlab.trace import NOBODY, Trace
from schedlab.views.look import Look, look_of

CONSTANT = -1  # in a plan: the value is a number, not a column


class Span(NamedTuple):
    """`lane`'s `value` (the task that ran) or, with `of` "task", the task's state; from `start` to `end` in ns."""

    of: str
    key: int
    value: int
    start: int
    end: int


class Event(NamedTuple):
    """A row that opens no span of its own."""

    row: int


def spans(trace: Trace, stop: int | None = None) -> Iterator[Span | Event]:
    """Every row as an Event, each followed by the spans that it closes; at the end those still open.

    `stop` ends the walk at a time (ns).
    """
    look = look_of(trace.family.name)
    plans = {kind.id: _plan(trace, kind.id, look) for kind in trace.family.kinds}
    end = trace.end if stop is None else min(stop, trace.end)
    open_: dict[tuple[str, int], tuple[int, int]] = {}
    columns = (trace.who, trace.where, trace.a, trace.b)
    for row, (time, kind) in enumerate(zip(trace.time, trace.kind)):
        if time > end:
            break
        yield Event(row)
        for of, key_column, column, constant in plans[kind]:
            key = columns[key_column][row]
            value = constant if column == CONSTANT else columns[column][row]
            if key < 0:
                continue
            before = open_.get((of, key))
            if before is not None and before[0] == value:
                continue
            if before is not None and before[1] < time:
                yield Span(of, key, before[0], before[1], time)
            open_[of, key] = (value, time)
    for (of, key), (value, start) in open_.items():
        if start < end:
            yield Span(of, key, value, start, end)


def _plan(trace: Trace, kind: int, look: Look) -> tuple[tuple[str, int, int, int], ...]:
    """What a row of this kind does to lanes and states: (of, column of the key, column of the value, constant)."""
    column = {"who": 0, "where": 1, "a": 2, "b": 3}
    of = {look.running: "lane", look.state: "task"}
    return tuple(
        (
            of[effect.field],
            column[effect.key],
            CONSTANT if isinstance(effect.new, int) else column[effect.new],
            effect.new if isinstance(effect.new, int) else 0,
        )
        for effect in trace.kinds[kind].sets
        if effect.field in of
    )


def idle(span: Span) -> bool:
    """A lane on which nothing ran."""
    return span.of == "lane" and span.value == NOBODY
