"""Runs that the tests of the views look at: small, named, made once."""

from __future__ import annotations

from array import array
from functools import cache

from schedlab.linux.kinds import LINUX, READY, SLEEPING
from schedlab.scenario import Scenario
from schedlab.trace import Recorder, Trace

MS = 1_000_000
EDITOR = {"name": "editor", "does": [{"repeat": [{"run": "2ms"}, {"sleep": "30ms"}]}]}
HOGS = {"name": "hog", "count": 2}
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\u202eevil",
    "x" * 300,
    "",
    "",
    "\ud800",
    "a\x00b\nc",
    "編輯器",
    "{who}",
    "]]>&",
)


def scenario(scheduler: str, **changes) -> Scenario:
    return Scenario(scheduler, [HOGS, EDITOR], until="600ms", **changes)


@cache
def explained(scheduler: str) -> Trace:
    return scenario(scheduler).run().explain()


@cache
def plain(scheduler: str) -> Trace:
    return scenario(scheduler).run()


def recorder_trace(rec: Recorder, tasks: list[str], end: int, cpus: int = 1, **more) -> Trace:
    names = {"task": tasks, "cpu": [f"CPU {n}" for n in range(cpus)]}
    about = {"title": "by hand", "from": "made by hand"}
    return Trace(LINUX, rec.columns, names, end=end, about=about, scenario=None, **more)


def recording() -> Trace:
    """Two tasks on one CPU, as a reader would build it: a runs 0-10 ms, b 10-14, a 14-20."""
    rec = Recorder(LINUX)
    for task in (0, 1):
        rec.spawn(0, task, 0, -1, 0)
        rec.wake(0, task, 0, -1, SLEEPING)
    rec.resume(0, 0, 0, -1, 2)
    rec.switch(10 * MS, 1, 0, 0, READY)
    rec.switch(14 * MS, 0, 0, 1, SLEEPING)
    rec.wake(18 * MS, 1, 0, -1, SLEEPING)
    return recorder_trace(rec, ["a", "b"], 20 * MS)


def hostile() -> Trace:
    """The same kind of run by tasks whose names want to do harm."""
    rec = Recorder(LINUX)
    for task in range(len(HOSTILE)):
        rec.spawn(0, task, 0, -1, 0)
        rec.wake(0, task, 0, -1, SLEEPING)
    rec.resume(0, 0, 0, -1, 2)
    for n in range(1, 40):
        rec.switch(n * MS, n % len(HOSTILE), 0, (n - 1) % len(HOSTILE), READY)
    return recorder_trace(rec, list(HOSTILE), 40 * MS)


def turns(rows: int, cpus: int = 8, tasks: int = 64) -> Trace:
    """Tasks that take turns on every CPU, `rows` rows long: what a long recording looks like."""
    rec = Recorder(LINUX)
    for task in range(tasks):
        rec.spawn(0, task, task % cpus, -1, 0)
        rec.wake(0, task, task % cpus, -1, SLEEPING)
    lines = [[task for task in range(tasks) if task % cpus == cpu] for cpu in range(cpus)]
    running = [line.pop(0) for line in lines]
    for cpu in range(cpus):
        rec.resume(0, running[cpu], cpu, -1, 2)
    left = rows - len(rec)
    time, kind, who, where, a, b = (array(column.typecode, column) for column in rec.columns)
    for n in range(left):
        cpu = n % cpus
        next_ = lines[cpu].pop(0)
        lines[cpu].append(running[cpu])
        for column, value in (
            (time, (n + 1) * 1777),
            (kind, 3),
            (who, next_),
            (where, cpu),
            (a, running[cpu]),
            (b, READY),
        ):
            column.append(value)
        running[cpu] = next_
    names = {"task": [f"task {n}" for n in range(tasks)], "cpu": [f"CPU {n}" for n in range(cpus)]}
    about = {"title": "turns", "from": "made by hand"}
    return Trace(LINUX, (time, kind, who, where, a, b), names, end=(left + 1) * 1777, about=about)
