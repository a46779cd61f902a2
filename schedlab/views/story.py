"""An explained trace as events: plain rows, ticks and epochs, each with what changed and why.

Order of rows in an explained trace: a hook, then the fields and places that it changed; `decided`,
then what the pick changed; then the plain row. What a hook changed belongs to the plain row that
follows at the same instant (a wake-up that enqueues), to the row of its own name before it (a yield),
or, if neither is there, to the last event. A tick is an event of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from schedlab.trace import EXPLAINED, Row, Trace
from schedlab.views.language import Words, solid
from schedlab.views.look import Look
from schedlab.views.payload import NONE16, Payload, shown
from schedlab.views.queues import Queues
from schedlab.views.reasons import Changes, Decisions, Rule

if TYPE_CHECKING:
    from schedlab.views.frames import Kinds

TREE = EXPLAINED + 4  # the kind of row that holds a tree
TICK = "tick"
FEW_TICKS = 2  # ticks for each plain row: with more than these, plain counting down is left out


class Story:
    """Writes the events of an explained trace; `rows[event]` is the row that an event comes from."""

    def __init__(
        self,
        trace: Trace,
        p: Payload,
        look: Look,
        words: Words,
        tasks: Sequence[int],
        kinds: Kinds,
        predict: bool | None,
    ) -> None:
        self.trace, self.p, self.look, self.words, self.tasks, self.kinds = trace, p, look, words, tasks, kinds
        self.names = [shown(solid(name), words.get("no_name")) for name in trace.names.get(look.tasks, ())]
        self.rule = Rule(trace, look, words)
        self.rows: list[int] = []
        self.panels: dict[str, str] = {}
        source = trace.about.get("source") or {}
        if source.get("text"):
            p.source(solid(source["file"]), solid(source["text"]), int(source.get("first", 1)))
            self.panels["source"] = ""
        if self.rule.notes:
            self.rule.judge(p)
            self.panels["candidates"] = ""
        plain = sum(kind < EXPLAINED for kind in trace.kind)
        start, stop = trace.explained or (0, 0)
        self.whole = start <= 0 and stop >= plain  # queues that are known for a while only would be drawn stale
        self.queues = Queues(p, look, words, trace.names.get("place", ()) if self.whole else (), tasks)
        if self.queues.kinds:
            kind = self.queues.kinds[0]
            self.panels["queues"] = words.get(look.titles.get(kind, "panel.queues"))
        self.decisions = Decisions(p, self.rule, tasks, words, predict)
        self.changes = Changes(words, look)
        self.own: dict[str, int] = {}  # payload kinds of ticks, hooks and episodes
        self.noted = -1  # the last event with a grey line
        self.hook: tuple[str, Row] | None = None  # whose changes are being collected
        self.decided: tuple[Row, dict[str, Any]] | None = None
        self.fresh: set[int] = set()  # tasks that have not joined a queue yet
        self.before: dict[int, int] = {}  # moves that were due when the choice began
        self.due_at = 0  # ns: when what is due happened
        self.at = 0  # the row of `hook`
        self.tree_due: list[list[int]] | None = None  # the tree as it is after what is due
        if self.whole and any(kind == TREE for kind in trace.kind) and len(trace.names.get(look.lanes, ())) == 1:
            self.panels.pop("queues", None)
            self.panels["tree"] = words.get("panel.tree")
        self.ran: tuple[int, list[int]] = (-1, [])  # when a hook ran that belongs to the next row, and its lines

    def write(self, ticks: bool | None) -> None:
        """All events, in order."""
        trace = self.trace
        names = {kind.id: kind.name for kind in trace.family.kinds}
        if ticks is None:
            few = sum(k < EXPLAINED for k in trace.kind) * FEW_TICKS
            ticks = sum(
                names[k] == "hook" and trace.names["hook"][a] == TICK for k, a in zip(trace.kind, trace.a)
            ) <= few  # fmt: skip
        self.ticks = ticks
        for i in range(len(trace)):
            row = trace.row(i)
            name = names[row.kind]
            if name == "move":
                self.due_at = row.time
                self.queues.put(row.who, row.a)
            elif name.startswith("field_"):
                self.due_at = row.time
                self.changes.put(row.who, name.removeprefix("field_"), row.a, row.b)
            elif name == "tree":
                self.tree_due = trace.notes[row.a]["tree"]
            else:
                self._settle(row)
                if name == "hook":
                    self.hook = (trace.names["hook"][row.a], row)
                    self.at = i
                elif name == "decided":
                    self.decided, self.before = (row, trace.notes[row.a]), dict(self.queues.due)
                elif name == "episode":
                    self._episode(i, row)
                elif row.kind < EXPLAINED:
                    self._plain(i, row)
        self._settle(None)
        self._attach(len(self.rows) - 1, -1)

    def _settle(self, row: Row | None) -> None:
        """A group of changes is complete: give it to the event that it belongs to, if that is there already."""
        last = len(self.rows) - 1
        if self.hook is not None:
            (name, hook), self.hook = self.hook, None
            if name == TICK:
                return self._tick(hook)
            self.ran = (hook.time, self.trace.notes[hook.b]["lines"])
            if last >= 0 and self._kind_of(last) == name and self.p._columns["events.at"][last] == hook.time:
                return self._attach(last, hook.who)
        if not (self.changes.due or self.queues.due) or last < 0:
            return
        if self._kind_of(last) == "episode" and self.decided is not None and self.decided[0].time == self.due_at:
            self._attach(last, -1)  # what an epoch changed is told with the epoch
        elif row is None or row.time > self.due_at:
            self._attach(last, -1)

    def _kind_of(self, event: int) -> str:
        return self.trace.kinds[self.trace.kind[self.rows[event]]].name

    def _plain(self, i: int, row: Row) -> None:
        """A row of the plain trace, with the decision that stands before it."""
        event = self.kinds.event(i)
        self.rows.append(i)
        kind = self.trace.kinds[row.kind]
        if kind.name == "spawn":
            self.fresh.add(row.who)
        elif kind.name == "wake" and row.who in self.fresh:
            self.fresh.discard(row.who)
            self.p.note(event, self.words.get("wake.first"))
        decided, mine = self.decided, False
        chooses = kind.decision or any(effect.field == self.look.running for effect in kind.sets)
        if chooses and decided is not None and decided[0].where == row.where and decided[0].time == row.time:
            self.decided = None
            small = self.words.get("after") if kind.b == "state" and kind.a == self.look.tasks and row.a >= 0 else ""
            if kind.decision and decided[1]["candidates"]:
                self.queues.flush(event, self.before)
                self.decisions.write(event, decided[1], self.changes.fields, small)
                self.noted, mine = event, True
            elif decided[1]["candidates"]:
                self.p.note(event, self.words.get("pick.nobody"), len(decided[1]["candidates"]))
        if not mine and self.ran[0] == row.time:
            self.decisions.lines(event, self.ran[1], *self._assigned(self.ran[1], self.changes.due))
        self.ran = (-1, [])
        self._attach(event, row.who, silent=mine)

    def _episode(self, i: int, row: Row) -> None:
        name = self.trace.names["episode"][row.a]
        kind = self._own(name, self.words.name("episode", name))
        where = self._cpu_of(i) if row.where < 0 else row.where
        event = self.p.event(row.time, kind, lane=where)
        self.rows.append(i)
        line = row.b
        while self.rule.text(line).lstrip().startswith("@"):
            line += 1  # Python counts a method from its first decorator on
        self.decisions.lines(event, (), line, "")
        self._attach(event, -1)

    def _cpu_of(self, i: int) -> int | None:
        """The CPU whose pick an episode belongs to: that of the next decision of this instant."""
        trace = self.trace
        for n in range(i + 1, len(trace)):
            if trace.time[n] > trace.time[i]:
                break
            if trace.kinds[trace.kind[n]].name == "decided":
                return trace.where[n] if trace.where[n] >= 0 else None
        return None

    def _tick(self, hook: Row) -> None:
        """A tick is an event; one that only counts down is left out where there are too many."""
        due = self.changes.due
        plain = len(due) <= 1 and all(f in self.look.counts_down and old == new + 1 > 1 for _t, f, new, old in due)
        if plain and not self.queues.due and not self.ticks:
            self.changes.take()
            return
        if len(due) == 1 and due[0][3] is not None and not self.queues.due and due[0][0] == hook.who:
            _task, field, new, old = self.changes.take()[0]
            kind = self._own(TICK, self.words.get("tick"))
            event = self._hook_event(kind, hook)
            self.p.note(
                event, None, self.words.name("word", field), *(self.rule.shown(field, v) for v in (old or 0, new))
            )
            due = [(hook.who, field, new, old)]
        else:
            kind = self._own("ticks", self.words.get("ticks"), label=TICK)
            event = self._hook_event(kind, hook)
            due = self.changes.take()
            said = self.changes.told(due, hook.who, self.names)
            self.p.note(event, None, said + self._places(event, hook.who))
            self.noted = event
        note = self.trace.notes[hook.b]
        ran = note["lines"]
        self.decisions.lines(event, ran, *self._assigned(ran, due))

    def _hook_event(self, kind: int, hook: Row) -> int:
        who = self.tasks[hook.who] if 0 <= hook.who < len(self.tasks) - 1 else NONE16
        event = self.p.event(
            hook.time, kind, who=None if who == NONE16 else who, lane=hook.where if hook.where >= 0 else None
        )
        self.rows.append(self.at)
        return event

    def _assigned(self, ran: Sequence[int], due: Sequence[tuple[int, str, int, int | None]]) -> tuple[int | None, str]:
        """The line that gave the first changed field its value, and the value."""
        for _task, field, new, _old in due:
            assigns = re.compile(rf"\.{re.escape(field)}\s*(//|<<|>>|[-+*/%|&^])?=(?!=)")
            for line in reversed(ran):
                if assigns.search(self.rule.text(line)):
                    return line, str(self.rule.shown(field, new))
        return None, ""

    def _own(self, name: str, say: str, label: str | None = None) -> int:
        if name not in self.own:
            text = self.words.get(f"label.{label or name}", (label or name).replace("_", " "))
            taken = {kind["name"] for kind in self.p.head["kinds"]}
            while text in taken:
                text += "\u2009"  # equal words, two kinds: a thin space keeps them apart
            self.own[name] = self.p.kind(text, say)
        return self.own[name]

    def _attach(self, event: int, subject: int, silent: bool = False) -> None:
        """Due changes and moves belong to `event`; said in its grey line unless that is taken."""
        if event < 0:
            return
        if self.tree_due is not None and "tree" in self.panels:
            of = self.tasks
            rows = [
                (of[task], None if up < 0 else of[up], bool(red), side, key)
                for task, up, red, side, key in self.tree_due
            ]
            self.p.tree(event, rows)
            self.tree_due = None
        due = self.changes.take()
        told = self.changes.told(due, subject, self.names) + self._places(event, subject)
        if told and not silent and self.noted != event:
            self.p.small(event, self.words.get("changes"), told)
            self.noted = event

    def _places(self, event: int, subject: int) -> list[str]:
        """Moves of `event`; where its task has gone, in words."""
        moved = self.queues.flush(event)
        mine = self.tasks[subject] if 0 <= subject < len(self.tasks) - 1 else -1
        return [self.words("change.place", place) for task, place in moved if task == mine]
