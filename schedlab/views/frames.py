"""A trace as the player's frames: `frames(trace)` gives the head and the columns that `payload` documents.

A plain trace becomes its rows; an explained one also its decisions with all candidates and reasons,
its queues and its source; a recording shows who waited, which is all that it knows. What a family
shows in its own way stands in its `Look`; this module knows no family.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from typing import Any

from schedlab.sim import MS
from schedlab.trace import EXPLAINED, Kind, Trace
from schedlab.views.bars import Bars, bars, operations, seen
from schedlab.views.language import Words, solid
from schedlab.views.look import Look, look_of
from schedlab.views.payload import DECISION, FIRST_VIEW_DECISIONS, NONE16, QUESTION, Payload
from schedlab.views.story import Story
from schedlab.views.waiting import Waiting

MOST_TASKS = 65_000  # with their own number; the others share one
MOST_LANES = 512  # of tasks
MOST_NAMES = 30_000  # of a name table, other than tasks
MOST_WALKED = 100_000  # rows of a trace whose waiting tasks are followed one by one
QUIET, AFTER = 0.7, 1.1  # of the trace: where nothing happens later, the first view ends a little after the last row
LANES = ("cpu+tasks", "cpu")
PANELS = ("candidates", "queues", "tree", "source")


def frames(
    trace: Trace,
    *,
    lanes: str = "cpu+tasks",
    at: int | None = None,
    predict: bool | Collection[int] | None = None,
    panels: Sequence[str] | None = None,
    ticks: bool | None = None,
    title: str | None = None,
    language: str = "en",
) -> tuple[dict[str, Any], bytes]:
    """`(head, columns)` for the player, the text form and the SVG.

    lanes    "cpu+tasks" or "cpu"
    at       ns: the moment that static forms show; by default the first decision with two candidates
    predict  True: every choice is a question, as in `exercises.questions`; False: none; row numbers of the trace:
             these choices; None: where the answer was not the same twice before. One candidate alone is no choice
    panels   which of "candidates", "queues", "source", in this order; by default all that have facts
    ticks    are ticks that only count down steps of their own? None: while they are few

    Raises ValueError for values that are not among these.
    """
    if lanes not in LANES:
        raise ValueError(f"lanes must be one of {', '.join(LANES)}, not {lanes!r}")
    for panel in panels or ():
        if panel not in PANELS:
            raise ValueError(f"panels must be some of {', '.join(PANELS)}, not {panel!r}")
    making = _Making(trace, Words(language), lanes, title)
    head, columns = making.make(predict, ticks, panels)
    head["still"] = still(head, columns, at)
    return head, columns


class _Making:
    """One payload on its way."""

    def __init__(self, trace: Trace, words: Words, lanes: str, title: str | None) -> None:
        self.trace, self.words = trace, words
        self.look = look_of(trace.family.name)
        self.explained = any(kind.id >= EXPLAINED for kind in trace.family.kinds)
        unit, digits = unit_of(trace)
        about = trace.about
        self.p = Payload(
            trace.family.name,
            solid(about.get("title", trace.family.name) if title is None else title),
            solid(about.get("from") or words("from.unknown")),
            trace.end,
            unit=unit,
            digits=digits,
            language=words.language,
            assumptions=[solid(text) for text in about.get("assumptions", ())],
        )
        self.p.template("list", words.get("list"))
        self._tasks()
        self._lanes(with_tasks=lanes == "cpu+tasks")
        self.kinds = Kinds(self)

    def _tasks(self) -> None:
        """Tasks that do something, in the order of their numbers; `task_of[n]` is the payload's number of task n."""
        trace, look = self.trace, self.look
        self.seen = seen(trace, operations(trace, look))
        size = 1 + max([len(trace.names.get(look.tasks, ())) - 1, *self.seen[-1:]])
        self.task_of = [NONE16] * (size + 1)  # the last cell answers for -1
        for task in self.seen[:MOST_TASKS]:
            self.task_of[task] = self.p.task(solid(trace.name(look.tasks, task)))
        rest = self.seen[MOST_TASKS:]
        if rest:
            pool = self.p.task(self.words("more_tasks", len(rest)), "…")
            for task in rest:
                self.task_of[task] = pool

    def _lanes(self, with_tasks: bool) -> None:
        trace, look, p = self.trace, self.look, self.p
        keys = {e.key for kind in trace.family.kinds for e in kind.sets if e.field == look.running}
        used = max((max(getattr(trace, key), default=-1) for key in keys), default=-1)
        count = max(len(trace.names.get(look.lanes, ())), used + 1)
        self.cpus = count
        for lane in range(count):
            p.lane(solid(trace.name(look.lanes, lane)))
        chosen = self.seen[:MOST_LANES] if with_tasks else []
        if len(chosen) < len(self.seen) and with_tasks:
            p.head["assumptions"].append(self.words("only_tasks", len(chosen), len(self.seen)))
        by_lane, by_task = bars(trace, look, count, chosen)
        for lane, one in enumerate(by_lane):
            self._segments(lane, one)
        for task in chosen:
            lane = p.lane(solid(trace.name(look.tasks, task)), "task", self.task_of[task])
            self._segments(lane, by_task[task])

    def _segments(self, lane: int, one: Bars) -> None:
        tasks = self.task_of
        self.p.segments(
            lane, one.start, one.length, [None if n < 0 else tasks[n] for n in one.task], one.state, one.flags
        )

    def make(
        self, predict: bool | Collection[int] | None, ticks: bool | None, panels: Sequence[str] | None
    ) -> tuple[dict[str, Any], bytes]:
        trace, p = self.trace, self.p
        rule = predict if isinstance(predict, bool) else None
        walked = len(trace) <= MOST_WALKED and len(self.seen) <= MOST_LANES
        has: dict[str, str] = {}
        rows: Sequence[int] = range(len(trace))
        if self.explained:
            story = Story(trace, p, self.look, self.words, self.task_of, self.kinds, rule)
            story.write(ticks)
            rows, has = story.rows, story.panels
        else:
            self.kinds.write_all()
        if walked and not {"queues", "tree"} & has.keys():
            has |= Waiting(trace, p, self.look, self.words, self.task_of, rule).write(rows)
        if trace.scenario is not None and not self.explained:
            has["candidates"] = ""  # each says that its numbers are not there, and can be asked for
        if predict is not None and not isinstance(predict, bool):
            self._ask(rows, predict)
        for panel in [panel for panel in PANELS if panel in has] if panels is None else panels:
            more: dict[str, Any] = {}
            if panel == "tree":
                more = {"order": self.words("tree.order"), "scale": MS, "digits": 3}
            p.panel(panel, has.get(panel, ""), **more)
        self._forks()
        head, columns = p.pack()
        head["first_view"] = self._first_view(head["first_view"])
        return head, columns

    def _first_view(self, view: list[float]) -> list[float]:
        """The payload's, unless nothing happens in most of it, or all its decisions are one instant of many CPUs."""
        trace = self.trace
        last = trace.time[-1] if len(trace) else 0
        if view == [0, trace.end] and 0 < last < QUIET * trace.end:
            return [0, int(last * AFTER)]
        decides = {kind.id for kind in trace.family.kinds if kind.decision}
        moments: dict[int, None] = {}
        for time, kind in zip(trace.time, trace.kind):
            if kind in decides:
                moments[time] = None
                if len(moments) > FIRST_VIEW_DECISIONS:
                    break
        times = list(moments)
        if len(times) < 2 or view[1] > times[1]:
            return view
        return [0, trace.end if len(times) <= FIRST_VIEW_DECISIONS else (times[-2] + times[-1] + 1) // 2]

    def _ask(self, rows: Sequence[int], asked: Collection[int]) -> None:
        """Questions at these rows of the trace, if they are choices, and nowhere else."""
        columns = self.p._columns  # the payload's own: flags are decided last
        flags, chosen, first = columns["events.flags"], set(asked), columns.get("decisions.first", ())
        ends = [*first[1:], len(columns.get("candidates.task", ()))]
        decided = {e for e, a, b in zip(columns.get("decisions.event", ()), first, ends) if b - a > 1}
        for event, row in enumerate(rows):
            ask = row in chosen and event in decided
            flags[event] = flags[event] & ~QUESTION | (QUESTION if ask else 0)

    def _forks(self) -> None:
        if self.trace.scenario is None:
            return
        for change in self.look.changes:
            fields = []
            for key, what, least, most in change.fields:
                field: dict[str, Any] = {"id": key, "label": self.words.name("field", key), "type": what}
                fields.append(field if what != "number" else field | {"min": least, "max": most, "value": 0})
            self.p.change(change.key, self.words.name("fork", change.key), fields)


class Kinds:
    """The kinds of a trace as the payload's, and the way from a row's columns to an event's."""

    def __init__(self, making: _Making) -> None:
        self.trace, self.p, self.words, self.look = making.trace, making.p, making.words, making.look
        self.cpus = making.cpus
        self.tables: dict[str, list[int] | None] = {
            self.look.tasks: making.task_of,
            self.look.lanes: [*range(self.cpus), NONE16],
        }
        self.number = [0] * 256  # of the payload, by the trace's
        self.maps: list[tuple[list[int] | None, ...]] = [(None,) * 5] * 256  # of who, where, other, a, b
        self.others = [""] * 256  # the column that `other` is taken from
        self.flags = [0] * 256
        for number in sorted(set(self.trace.kind)):
            if number < EXPLAINED:
                self._add(self.trace.kinds[number])

    def _add(self, kind: Kind) -> None:
        words, look = self.words, self.look
        other = next((column for column in ("a", "b") if getattr(kind, column) == look.tasks), "")
        key = f"kind.{self.trace.family.name}.{kind.name}"
        say = sentence(self.words.get(key, kind.text), kind, look, other)
        self.number[kind.id] = self.p.kind(
            words.name("label", kind.name),
            say,
            who="task" if kind.who in (look.tasks, "", "number", "ns") else "name",
            mark="wake" if kind.name in look.wakes else "",
            leads=kind.name in look.leads,
        )
        self.others[kind.id] = other
        self.flags[kind.id] = DECISION if kind.decision else 0
        self.maps[kind.id] = tuple(self._table(table) for table in (kind.who, kind.where, look.tasks, kind.a, kind.b))

    def _table(self, name: str) -> list[int] | None:
        """Numbers of a trace's table as the payload's; None where the column holds a number."""
        if name in ("", "number", "ns", "note"):
            return None
        if name not in self.tables:
            entries = self.trace.family.states if name == "state" else self.trace.names.get(name, ())
            known = range(min(len(entries), MOST_NAMES))
            self.tables[name] = [*(self.p.name(solid(self.trace.name(name, n))) for n in known), NONE16]
        return self.tables[name]

    def write_all(self) -> None:
        """Every row as an event, in columns: a million of them take two seconds."""
        trace, kinds = self.trace, self.trace.kind
        other = [
            a if o == "a" else b if o == "b" else -1
            for o, a, b in zip((self.others[k] for k in kinds), trace.a, trace.b)
        ]
        self.p.events(
            list(trace.time),
            [self.number[k] for k in kinds],
            flags=[self.flags[k] for k in kinds],
            who=self._mapped(0, trace.who),
            lane=self._mapped(1, trace.where),
            other=self._mapped(2, other),
            a=self._values(3, trace.a),
            b=self._values(4, trace.b),
        )

    def _mapped(self, slot: int, column: Sequence[int]) -> list[int]:
        maps = [one[slot] or [NONE16] for one in self.maps]  # without a table every number is none
        sizes = [len(one) - 1 for one in maps]
        return [maps[k][n] if -1 <= n < sizes[k] else NONE16 for k, n in zip(self.trace.kind, column)]

    def _values(self, slot: int, column: Sequence[int]) -> list[float]:
        maps = [one[slot] for one in self.maps]
        return [n if maps[k] is None else self._value(maps[k], n) for k, n in zip(self.trace.kind, column)]

    @staticmethod
    def _value(table: list[int] | None, n: int) -> float:
        """A number of a column; where it points into a table, the payload's number, -1 for none."""
        if table is None:
            return n
        found = table[n] if -1 <= n < len(table) - 1 else NONE16
        return -1 if found == NONE16 else found

    def event(self, i: int) -> int:
        """Row `i` as the next event."""
        row = self.trace.row(i)
        who, where, tasks, a, b = self.maps[row.kind]
        other = {"a": row.a, "b": row.b}.get(self.others[row.kind], -1)
        values = [
            self._value(table or [NONE16], n) for table, n in ((who, row.who), (where, row.where), (tasks, other))
        ]
        known = [None if n < 0 else int(n) for n in values]
        return self.p.event(
            row.time,
            self.number[row.kind],
            who=known[0],
            lane=known[1],
            other=known[2],
            a=self._value(a, row.a),
            b=self._value(b, row.b),
            flags=self.flags[row.kind],
        )


_FIELD = re.compile(r"\{(who|where|a|b)([:?][^{}]*)?\}")


def sentence(text: str, kind: Kind, look: Look, other: str) -> str:
    """A kind's text as a template of the payload: its columns named and formatted as events have them."""

    def one(match: re.Match[str]) -> str:
        column, form = match[1], match[2] or ""
        table = getattr(kind, column)
        if column == "where":
            return "{where}"
        if column == "who":
            return "{who}"
        if column == other:
            return "{other}"
        if table in ("", "number", "ns") or form:
            return f"{{{column}{form}}}"
        return f"{{{column}:{'task' if table == look.tasks else 'lane' if table == look.lanes else 'name'}}}"

    said = _FIELD.sub(one, text)
    return said if not said or said[-1] in ".!?:…。" else said + "."


def unit_of(trace: Trace) -> tuple[str, int]:
    """The unit that suits the trace's length, and the digits that its times need, three at most."""
    scale, unit = next(
        ((scale, unit) for scale, unit, least in _UNITS if trace.end >= least), (_UNITS[-1][0], _UNITS[-1][1])
    )
    step = math.gcd(*trace.time, trace.end)
    digits = next((d for d in range(3) if not step * 10**d % scale), 3)
    return unit, digits


_UNITS = ((1_000_000_000, "s", 100_000_000_000), (1_000_000, "ms", 1_000_000), (1_000, "us", 1_000), (1, "ns", 0))


def still(head: dict[str, Any], columns: bytes, at: int | None) -> int:
    """The event that static forms show: the last one at or before `at` ns, else the first that teaches."""
    from schedlab.views.scene import Scene  # reads what is written here

    scene = Scene(head, columns)
    if at is not None:
        if not 0 <= at <= head["end"]:
            raise ValueError(f"at must be 0 to {head['end']} ns, not {at}")
        return scene.telling_at(at)
    return scene.first_telling()
