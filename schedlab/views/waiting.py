"""What every trace knows without an explanation: who ran, who waited and since when.

A recording holds no numbers of the kernel that made it. It does hold who was ready at each choice
and for how long; that is what its candidates and its queue panel show, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedlab.trace import Replay, Trace
from schedlab.views.bars import STATE, operations
from schedlab.views.language import Words
from schedlab.views.look import UNSEEN, Look
from schedlab.views.payload import ASLEEP, POOLED, RUNNING, STATES, SWAPPED, WAITING, Payload

MOST_CANDIDATES = 200  # told at one decision
MOST_DECISIONS = 20_000


class Waiting:
    """Follows the tasks of a trace and writes queues by state; for a recording also its candidates."""

    def __init__(
        self, trace: Trace, p: Payload, look: Look, words: Words, tasks: Sequence[int], predict: bool | None
    ) -> None:
        self.trace, self.p, self.look, self.words, self.tasks, self.predict = trace, p, look, words, tasks, predict
        self.shown = [look.bars.get(name, UNSEEN) for name in trace.family.states]
        self.place: dict[int, int] = {}
        decided = {kind.id for kind in trace.family.kinds if kind.decision}
        self.decided = decided if trace.scenario is None else set()
        if sum(kind in self.decided for kind in trace.kind) > MOST_DECISIONS:
            self.decided = set()

    def write(self, rows: Sequence[int]) -> dict[str, str]:
        """Moves and candidates of all events, which come from these rows; the panels with facts, and their titles."""
        p, words, trace = self.p, self.words, self.trace
        if not len(trace) or not self.shown:
            return {}
        self.place = {
            RUNNING: p.place(words.get("place.running"), "set"),
            WAITING: p.place(words.get("place.waiting"), "list"),
            ASLEEP: p.place(words.get("place.asleep"), "set"),
        }
        panels = {"queues": words.get("panel.states")}
        if self.decided:
            p.judge(
                "table",
                [{"name": words.get("column.waited"), "unit": "ms", "scale": 1e6}],
                title=words.get("task"),
                note=words.get("note.recorded"),
            )
            p.reason(words.get("won"))
            p.reason(words.get("waits"))
            panels["candidates"] = ""
        self._walk(rows)
        return panels

    def _walk(self, rows: Sequence[int]) -> None:
        trace, p = self.trace, self.p
        replay = Replay(trace)
        home = replay.state.get(self.look.home)
        plans = operations(trace, self.look)
        keys = [[key for about, key, _value in plan if about == STATE] for plan in plans]
        states = replay.state[self.look.state]
        bar, since = [UNSEEN] * len(states), [0] * len(states)
        ready: dict[int, None] = {}  # tasks that wait, in the order in which they began to
        events = dict(zip(rows, range(len(rows))))
        for n in range(len(trace)):
            row = replay.forward()
            event = events.get(n, -1)
            if event < 0:
                continue
            waited = row.time - since[row.who] if 0 <= row.who < len(bar) and bar[row.who] == WAITING else 0
            for key in keys[row.kind]:
                task = row[key]
                if task < 0:
                    continue
                new = self.shown[states[task]] if 0 <= states[task] < len(self.shown) else UNSEEN
                if new == bar[task]:
                    continue
                bar[task], since[task] = new, row.time
                ready.pop(task, None)
                if new == WAITING:
                    ready[task] = None
                if task < len(self.tasks) - 1:
                    p.move(event, self.tasks[task], self._place_of(new))
            if row.kind in self.decided:
                others = [task for task in ready if home is None or home[task] in (-1, row.where)]
                self._decide(event, row.who, waited, [(task, row.time - since[task]) for task in others])

    def _place_of(self, state: int) -> int | None:
        """Where a task in this state is shown; a place outside memory is there as soon as somebody is."""
        if state in (SWAPPED, POOLED) and state not in self.place:
            self.place[state] = self.p.place(self.words.get(f"place.{STATES[state]}"), "list")
        return self.place.get(state)

    def _decide(self, event: int, winner: int, waited: int, others: Sequence[tuple[int, int]]) -> None:
        tasks, words = self.tasks, self.words
        if not 0 <= winner < len(tasks) - 1:
            return
        rows = [(tasks[winner], 0, waited), *((tasks[t], 1, ns) for t, ns in others[:MOST_CANDIDATES] if t != winner)]
        self.p.decide(event, sorted(rows), self.predict)
        names: list[int | str] = [row[0] for row in rows[1:5]]
        if len(rows) > 5:
            names.append(words("many", len(rows) - 5))
        self.p.small(event, words.get("pick.others" if names else "pick.waited"), waited, names)
