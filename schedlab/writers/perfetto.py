"""Chrome's trace JSON, which ui.perfetto.dev and chrome://tracing open.

One process for the CPUs, with a track for each; one for the tasks, with a track for each that shows how it ran and
waited. An arrow goes from who woke a task to the task's next run. Written as a stream: only what is open is in memory.
Format: "Trace Event Format" of the Chromium project (phases X, i, M, s, f; times in microseconds).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from schedlab.trace import NOBODY, Trace
from schedlab.views.look import look_of
from schedlab.views.payload import POOLED, RUNNING, SWAPPED, WAITING
from schedlab.writers.spans import Span, idle, spans

LANES, TASKS = 1, 2  # process numbers; track numbers are those of lanes and tasks plus 1, as 0 has a meaning of its own
INSTANTS = frozenset(
    {"exit", "renice", "yields", "migrate", "kill", "signal", "change", "no_slot", "submit", "no_room"}
)


def write(trace: Trace, path: Path) -> None:
    """Write the trace; equal traces make equal bytes."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write('{"displayTimeUnit":"ns","traceEvents":[\n')
        _Writer(trace, file).all()
        file.write("\n]}\n")


class _Writer:
    def __init__(self, trace: Trace, file: IO[str]) -> None:
        self.trace = trace
        self.file = file
        self.look = look_of(trace.family.name)
        self.first = True
        self.woken: dict[int, int] = {}  # task -> number of the arrow that has not arrived
        self.arrows = 0
        self.running = {i for i, name in enumerate(trace.family.states) if self.look.bars.get(name) == RUNNING}
        waits = (WAITING, SWAPPED, POOLED)
        self.waiting = {i for i, name in enumerate(trace.family.states) if self.look.bars.get(name) in waits}
        self.place: dict[int, int] = {}  # task -> the lane it runs on

    def all(self) -> None:
        self.tracks()
        kinds = self.trace.kinds
        for one in spans(self.trace):
            if isinstance(one, Span):
                self.span(one)
            else:
                row = self.trace.row(one.row)
                kind = kinds[row.kind]
                if kind.name in self.look.wakes:
                    self.wake(row.time, row.who, row.a if kind.a == self.look.tasks else NOBODY)
                elif kind.name in INSTANTS:
                    self.instant(one.row, row.time, row.who if kind.who == self.look.tasks else NOBODY)
                for effect in kind.sets:
                    if effect.field == self.look.running:
                        lane = getattr(row, effect.key)
                        task = effect.new if isinstance(effect.new, int) else getattr(row, effect.new)
                        if task >= 0:
                            self.runs(row.time, task, lane)

    def tracks(self) -> None:
        title = str(self.trace.about.get("title", self.trace.family.name))
        for process, name in ((LANES, f"CPUs: {title}"), (TASKS, "Tasks")):
            self.put({"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}})
            self.put({"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": process}})
        for process, table in ((LANES, self.look.lanes), (TASKS, self.look.tasks)):
            for number in range(len(self.trace.names.get(table, ()))):
                names = {"name": self.trace.name(table, number)}
                self.put({"ph": "M", "pid": process, "tid": number + 1, "name": "thread_name", "args": names})
                order = {"sort_index": number}
                self.put({"ph": "M", "pid": process, "tid": number + 1, "name": "thread_sort_index", "args": order})

    def span(self, span: Span) -> None:
        if span.of == "lane":
            if idle(span):
                return
            name, process = self.trace.name(self.look.tasks, span.value), LANES
        elif span.value in self.running or span.value in self.waiting:
            name, process = self.trace.name("state", span.value), TASKS
        else:
            return
        event = {"ph": "X", "pid": process, "tid": span.key + 1, "name": name, "cat": "sched"}
        self.put(event, span.start, span.end - span.start)

    def wake(self, time: int, task: int, by: int) -> None:
        """An arrow begins at who wakes; nothing visible wakes from an interrupt."""
        if by == NOBODY or by not in self.place:
            return
        self.arrows += 1
        self.woken[task] = self.arrows
        at = {"pid": LANES, "tid": self.place[by] + 1}
        self.put({"ph": "s", **at, "name": "wakes", "cat": "wake", "id": self.arrows}, time)

    def runs(self, time: int, task: int, lane: int) -> None:
        self.place[task] = lane
        arrow = self.woken.pop(task, None)
        if arrow is not None:
            at = {"pid": LANES, "tid": lane + 1}
            self.put({"ph": "f", "bp": "e", **at, "name": "wakes", "cat": "wake", "id": arrow}, time)

    def instant(self, row: int, time: int, task: int) -> None:
        at = {"pid": TASKS, "tid": task + 1, "s": "t"} if task >= 0 else {"pid": LANES, "tid": 1, "s": "g"}
        self.put({"ph": "i", **at, "name": self.trace.sentence(row), "cat": "event"}, time)

    def put(self, event: dict[str, Any], ts: int | None = None, dur: int | None = None) -> None:
        # Names may hold anything: json escapes quotes, control characters and what is not ASCII; `<` and `>` are
        # escaped too, for pages that put a trace inside a script.
        line = json.dumps(event, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
        for key, ns in (("ts", ts), ("dur", dur)):
            if ns is not None:
                line = f'{line[:-1]},"{key}":{micro(ns)}}}'
        self.file.write(line if self.first else ",\n" + line)
        self.first = False


def micro(ns: int) -> str:
    """Nanoseconds as microseconds with all their digits; a float would lose them after some days."""
    return f"{ns // 1000}.{ns % 1000:03d}" if ns % 1000 else str(ns // 1000)
