"""Bars of the timeline: who ran on which lane, and what each task did, from the rows in one pass.

The pass is the one loop that a million rows go through, so it knows rows only as tuples and keeps
what it makes in arrays; `Replay` gives the same answers and is held equal by a test.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from schedlab.trace import COLUMNS, Trace
from schedlab.views.look import UNSEEN, Look
from schedlab.views.payload import PREEMPTED, RUNNING, SCHEDULER, WAITING

MIGRATED = 2  # flag of a bar whose task ran elsewhere before
COLUMN = {name: n for n, (name, _code) in enumerate(COLUMNS)}
STATE, LANE, HOLD = range(3)  # what an operation of a row's kind is about
CONSTANT = 100  # in an operation, a number from here on is a value, not a column


class Bars:
    """The bars of one lane, in columns: start and length in ns, task by its number in the trace, state, flags."""

    __slots__ = ("start", "length", "task", "state", "flags")

    def __init__(self) -> None:
        self.start = array("q")
        self.length = array("q")
        self.task = array("i")
        self.state = array("B")
        self.flags = array("B")

    def add(self, start: int, length: int, task: int, state: int, flags: int = 0) -> None:
        """One bar behind the last."""
        self.start.append(start)
        self.length.append(length)
        self.task.append(task)
        self.state.append(state)
        self.flags.append(flags)


def bars(trace: Trace, look: Look, lanes: int, wanted: Sequence[int]) -> tuple[list[Bars], dict[int, Bars]]:
    """Bars of lanes 0 to `lanes`, and of the tasks in `wanted`.

    A run that ends with its task still ready is PREEMPTED; a run on another lane than the one before
    has the flag MIGRATED. Nothing is drawn for states that the look does not name.
    """
    plans = operations(trace, look)
    shown = [look.bars.get(name, UNSEEN) for name in trace.family.states] or [UNSEEN]
    size = 1 + max([*seen(trace, plans), *wanted], default=-1)
    state, since, last = [UNSEEN] * size, [0] * size, [-1] * size
    running, begun, flag, held = [-1] * lanes, [0] * lanes, [0] * lanes, [0] * lanes
    out, tasks = [Bars() for _ in range(lanes)], {task: Bars() for task in wanted}
    mine: list[Bars | None] = [tasks.get(task) for task in range(size)]

    def close(lane: int, now: int) -> None:
        task, start = running[lane], begun[lane]
        free = min(held[lane], now)
        if free > start:
            out[lane].add(start, free - start, -1, SCHEDULER)
            start = free
        if task >= 0 and now > start:
            out[lane].add(start, now - start, task, PREEMPTED if state[task] == WAITING else RUNNING, flag[lane])
        begun[lane] = now

    for row in zip(trace.time, trace.kind, trace.who, trace.where, trace.a, trace.b):
        for about, key, value in plans[row[1]]:
            who = row[key]
            if who < 0:
                continue
            now = row[0]
            new = row[value] if value < CONSTANT else value - CONSTANT
            if about == STATE:
                old = state[who]
                new = shown[new] if 0 <= new < len(shown) else UNSEEN
                if new != old:
                    own = mine[who]
                    if own is not None and old >= 0 and now > since[who]:
                        own.add(
                            since[who], now - since[who], who, PREEMPTED if old == RUNNING and new == WAITING else old
                        )
                    state[who], since[who] = new, now
            elif about == LANE:
                if running[who] != new:
                    close(who, now)
                    running[who] = new
                    if new >= 0:
                        flag[who] = MIGRATED if last[new] not in (-1, who) else 0
                        last[new] = who
            elif new > 0:
                if now > begun[who]:
                    close(who, now)
                    flag[who] = 0
                held[who] = max(held[who], now) + new
    for lane in range(lanes):
        close(lane, trace.end)
    for task, own in tasks.items():
        if task < size and state[task] >= 0 and trace.end > since[task]:
            own.add(since[task], trace.end - since[task], task, state[task])
    return out, tasks


def operations(trace: Trace, look: Look) -> list[tuple[tuple[int, int, int], ...]]:
    """For each kind what its rows do to the picture: `(about, column of the key, column or constant)`."""
    plans: list[tuple[tuple[int, int, int], ...]] = [()] * 256
    about = {look.state: STATE, look.running: LANE}
    for kind in trace.family.kinds:
        found = [
            (
                about[effect.field],
                COLUMN[effect.key],
                COLUMN[effect.new] if isinstance(effect.new, str) else effect.new + CONSTANT,
            )
            for effect in kind.sets
            if effect.field in about
        ]
        found += [(HOLD, COLUMN["where"], COLUMN[column]) for column in look.holds.get(kind.name, ())]
        plans[kind.id] = tuple(sorted(found, key=lambda one: one[0]))  # what a task does now, before who runs
    return plans


def seen(trace: Trace, plans: Sequence[Sequence[tuple[int, int, int]]]) -> list[int]:
    """The tasks that any row gives a state to or puts on a lane, in order of their numbers."""
    columns = {n: (trace.time, trace.kind, trace.who, trace.where, trace.a, trace.b)[n] for n in range(2, len(COLUMN))}
    uses: dict[int, set[int]] = {}
    for kind, plan in enumerate(plans):
        for about, key, value in plan:
            uses.setdefault(key if about == STATE else value, set()).add(kind if about != HOLD else -1)
    found: set[int] = set()
    for n in uses.keys() & columns.keys():
        found |= {number for kind, number in set(zip(trace.kind, columns[n])) if kind in uses[n] and number >= 0}
    return sorted(found)
