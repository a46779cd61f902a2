"""What a run of the design family comes to, counted from its rows."""

from __future__ import annotations

from typing import NamedTuple

from schedlab.design.kinds import DESIGN
from schedlab.trace import Trace

KIND = {kind.name: kind.id for kind in DESIGN.kinds}
MESSAGES = {KIND[name] for name in ("ask", "share", "steal", "miss")}
PICKS = {KIND["switch"], KIND["resume"]}


class Results(NamedTuple):
    """Times in ns. `idle` is a number for each CPU, up to the makespan; `switches` counts tasks put on a CPU."""

    makespan: int
    idle: tuple[int, ...]
    switches: int
    messages: int
    moved: int


def results(trace: Trace) -> Results:
    """Makespan (when the last task was done), idle time, switches, messages, and tasks that were moved."""
    cpus = range(len(trace.names["cpu"]))
    makespan = switches = messages = moved = 0
    idle = [0 for _cpu in cpus]
    idle_since: list[int | None] = [0 for _cpu in cpus]
    for time, kind, _who, where, _a, _b in trace.rows():
        if kind in PICKS:
            switches += 1
            since = idle_since[where]
            if since is not None:
                idle[where] += time - since
                idle_since[where] = None
        elif kind == KIND["rest"]:
            idle_since[where] = time
        elif kind == KIND["exit"]:
            makespan = time
        elif kind == KIND["migrate"]:
            moved += 1
        if kind in MESSAGES:
            messages += 1
    for cpu, since in enumerate(idle_since):
        if since is not None and since < makespan:
            idle[cpu] += makespan - since
    return Results(makespan, tuple(idle), switches, messages, moved)
