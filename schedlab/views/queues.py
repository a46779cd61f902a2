"""Where tasks stand: places of a payload, and moves that lead from one picture of the queues to the next."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from schedlab.views.language import Words, solid
from schedlab.views.look import Look
from schedlab.views.payload import Payload

PLACE_SIZE = 65_536  # of the place codes of an explained trace: place * PLACE_SIZE + position


class Queues:
    """The places of a trace in a payload, kept in step by `put` and `flush`."""

    def __init__(self, p: Payload, look: Look, words: Words, names: Sequence[str], tasks: Sequence[int]) -> None:
        """`names` are the trace's place names; `tasks` turns a task's number into the payload's."""
        self.p = p
        self.tasks = tasks
        self.names = [solid(words.get(f"place.{name}", name)) for name in names]
        self.kinds: list[str] = []  # of each trace place
        self.first = [0] * len(names)  # its payload place
        self.slot: list[int | None] = [None] * len(names)
        self.now: dict[int, int] = {}  # payload task -> trace place
        self.due: dict[int, int] = {}  # payload task -> code that it goes to, -1 for nowhere
        self.at: dict[int, int] = {}  # payload task -> position, as last told
        self._make(look, words, names)

    def _make(self, look: Look, words: Words, names: Sequence[str]) -> None:
        """Groups of a lane stand together, in the order of the look's table; what no pattern knows is a list."""
        found: dict[tuple[int, int], int] = {}
        parsed: list[tuple[int, int, int | None]] = []
        for name in names:
            parsed.append(_parse(look, name))
        lanes = sorted({lane for lane, group, _level in parsed if group >= 0})
        groups = sorted({group for _lane, group, _level in parsed if group >= 0})
        beside = {name for g in groups for name in look.groups[g].beside}
        groups = [g for g, group in enumerate(look.groups) if g in groups or group.name in beside]
        for lane in lanes:
            for g in groups:
                group = look.groups[g]
                where = lane if lane >= 0 else None
                more = {} if group.ranked else {"ranked": False}
                found[lane, g] = self.p.place(
                    words.name("place", group.name), group.kind, count=group.levels, size=group.size, lane=where, **more
                )
        self.kinds = []
        for n, (lane, g, level) in enumerate(parsed):
            if g < 0:
                self.first[n] = self.p.place(solid(words.name("place", names[n])), "list")
                self.kinds.append("list")
                continue
            group = look.groups[g]
            self.kinds.append(group.kind)
            self.first[n] = found[lane, g] + (level or 0 if group.kind == "levels" else 0)
            self.slot[n] = level if group.kind == "slots" else None

    def put(self, task: int, code: int) -> None:
        """`task` (of the trace) will stand at a place code, -1 for nowhere."""
        if self.names and 0 <= task < len(self.tasks) - 1:
            self.due[self.tasks[task]] = code

    def flush(self, event: int, seen: Mapping[int, int] | None = None) -> list[tuple[int, str]]:
        """Write what is due as moves of `event`; the tasks that changed place, with the place's name.

        `seen`: only this part of what is due, as it was when a choice began; the rest stays due.
        """
        due = self.due if seen is None else seen
        if not due:
            return []
        changed: list[tuple[int, str]] = []
        touched: set[int] = set()
        for task, code in sorted(due.items(), key=lambda one: one[1] >= 0):  # who leaves makes room first
            place = code // PLACE_SIZE if code >= 0 else -1
            was = self.now.get(task, -1)
            if place < 0:
                if was >= 0:
                    self.p.move(event, task, None)
                    del self.now[task]
                continue
            if self.slot[place] is not None:
                if was != place:
                    self.p.move(event, task, self.first[place], self.slot[place])
            else:
                touched.add(place)
            if was != place:
                changed.append((task, self.names[place]))
            self.now[task] = place
            self.at[task] = code % PLACE_SIZE
        for place in sorted(touched):
            self._order(event, place)
        if seen is None:
            self.due.clear()
        return changed

    def _order(self, event: int, place: int) -> None:
        """Bring a list into its order with as few moves as can be."""
        first = self.first[place]
        goal = sorted((task for task, p in self.now.items() if p == place), key=self.at.__getitem__)
        rank = {task: n for n, task in enumerate(goal)}
        stay = _rising([rank[task] for task in self.p.holds(first) if task in rank])
        before: int | None = None
        for n, task in enumerate(goal):
            if n not in stay:
                held = [other for other in self.p.holds(first) if other != task]
                self.p.move(event, task, first, 0 if before is None else held.index(before) + 1)
            before = task


def _parse(look: Look, name: str) -> tuple[int, int, int | None]:
    """Lane (-1: all share it), group of the look (-1: none) and level of a place's name."""
    for g, group in enumerate(look.groups):
        match = re.fullmatch(group.pattern, name)
        if match is not None:
            parts: Mapping[str, str | None] = match.groupdict()
            cpu, level = parts.get("cpu"), parts.get("level")
            number = None if level is None else int(level)
            if number is not None and number >= max(group.levels, group.size):
                continue
            return -1 if cpu is None else int(cpu), g, number
    return -1, -1, None


def _rising(ranks: Sequence[int]) -> set[int]:
    """The values of a longest rising subsequence: who need not move."""
    tails: list[int] = []
    at: list[int] = []
    before: dict[int, int | None] = {}
    for rank in ranks:
        n = bisect_left(tails, rank)
        before[rank] = at[n - 1] if n else None
        tails[n : n + 1] = [rank]
        at[n : n + 1] = [rank]
    kept: set[int] = set()
    rank_: int | None = at[-1] if at else None
    while rank_ is not None:
        kept.add(rank_)
        rank_ = before[rank_]
    return kept
