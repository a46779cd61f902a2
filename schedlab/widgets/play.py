"""`play(run)`: a scenario or a trace in the player, with its reasons, its questions and what comes of a fork.

A run of lesson size carries the reasons of all its decisions, so that stepping, reading and predicting need no kernel;
of a long one the first are sent and the others are made when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import traitlets

from schedlab.scenario import Scenario, duration
from schedlab.trace import EXPLAINED, Trace
from schedlab.views import picture
from schedlab.views.card import card
from schedlab.views.compare import parting, tolerance
from schedlab.views.payload import DECISION, NONE16, QUESTION, WARM, unpack
from schedlab.views.scene import Scene
from schedlab.widgets.player import Player

MOST_EXPLAINED = 6_000  # rows of a run that is explained whole
FIRST_EXPLAINED = 600  # rows of a longer one


class NotPlayable(ValueError):
    """What was given is neither a scenario nor a trace, or the two cannot be compared."""


def traced(run: Any, reasons: bool = True) -> Trace:
    """The trace of a run, with its reasons where it can be run again. Raises NotPlayable."""
    if isinstance(run, Scenario):
        run = run.run()
    if not isinstance(run, Trace):
        what = f"the class {run.__name__}" if isinstance(run, type) else repr(run)
        raise NotPlayable(f"a scenario or a trace can be played, not {what:.80}")
    if run.scenario is None or run.explained is not None or not reasons:
        return run
    return run.explain(0, len(run) if len(run) <= MOST_EXPLAINED else FIRST_EXPLAINED)


class Playing(Player):
    """A player that answers for the trace it shows. `take` gives it another run, `against` a second future."""

    fork_info = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Any, options: Mapping[str, Any], mode: str = "", reasons: bool = True) -> None:
        self.options, self.mode = dict(options), mode
        self.explained = reasons
        self.trace = traced(run, reasons)
        self._other: Trace | None = None  # the last second future; the page does not say when it closes one
        head, columns, text, svg = self.pictured(self.trace)
        super().__init__(head, columns, text=text, svg=svg, explain=self.reasons, fork=self.forked)

    def pictured(self, trace: Trace) -> tuple[dict[str, Any], bytes, str, str]:
        """What a trace is shown as, with the options of this player."""
        head, columns, text, svg = picture(trace, **self.options)
        if self.mode:
            head["mode"] = self.mode
            text, svg = questions(head, columns)  # not the answers
        return head, columns, text, svg

    def take(self, run: Any) -> None:
        """Show another run in the same place."""
        self._show(traced(run, self.explained))

    def keep(self) -> None:
        """The second future is the trace now."""
        if self._other is not None:
            self._show(self._other)

    def _show(self, trace: Trace) -> None:
        head, columns, text, svg = self.pictured(trace)
        self.trace, self._other, self._svg = trace, None, svg
        with self.hold_sync():  # one message: the page draws head and columns together
            self.head_b, self.columns_b, self.fork_info, self.marks = {}, b"", {}, {}
            self.head, self.columns, self.text = head, columns, text

    def against(self, other: Any, stay: bool = False) -> None:
        """Show a second future below the first, with the first difference marked: there it begins, unless to `stay`."""
        self._other = traced(other, self.explained)
        if self._other.family.name != self.trace.family.name:
            raise NotPlayable(
                f"a {self.trace.family.name} run and a {self._other.family.name} run have no events in common"
            )
        head, columns, text, svg = self.pictured(self._other)
        both = (self.head, self.columns), (head, columns)
        info = self.fork_info = {**parting(*both, tolerance(self.trace, self._other)), "stay": stay}
        self.head_b, self.columns_b = head, columns
        sides = [(side, info[key]) for side, key in zip(both, ("differ_a", "differ_b")) if info[key] is not None]
        parted = min(sides, key=lambda one: unpack(*one[0])["events.at"][one[1]], default=None)
        when = "from beginning to end" if parted is None else f"until {_moment(*parted[0], parted[1])}"
        self.text = f"A\n{self.text}\n\nB\n{text}\n\nA and B are the same {when}."
        self._svg = below(self._svg, svg)

    @property
    def picture(self) -> str:
        """The SVG that stands for the player where nothing runs."""
        return self._svg

    # -- answers to the page ------------------------------------------------------------------

    def reasons(self, event: int) -> dict[str, Any]:
        """The candidates of one decision, and the lines of the rule that ran: by running the scenario again."""
        try:
            return self._reasons(event)
        except Exception as error:  # a learner's policy may fail in any way when it runs again
            return {"candidates": None, "lines": None, "error": str(error) or type(error).__name__}

    def _reasons(self, event: int) -> dict[str, Any]:
        row = self.row_of_decision(event)
        one = self.trace.plain().explain(row, row + 1)
        head, columns = picture(one, **self.options)[:2]
        data = unpack(head, columns)
        if head["reasons"] != self.head["reasons"] or not len(data.get("decisions.event", ())):
            return {"candidates": None, "lines": None}
        first, stop = data["decisions.first"][0], len(data["candidates.task"])
        width = len(head["candidates"]["columns"])
        candidates = [
            [
                data["candidates.task"][k],
                data["candidates.verdict"][k],
                *(data[f"candidates.c{n}"][k] for n in range(width)),
            ]
            for k in range(first, stop)
        ]
        decided = data["decisions.event"][0]
        rows = zip(data.get("lines.event", ()), data.get("lines.line", ()), data.get("lines.value", ()))
        lines = [[line, self._beside(head, value)] for at, line, value in rows if at == decided]
        return {"candidates": candidates, "lines": lines}

    @staticmethod
    def _beside(head: Mapping[str, Any], value: int) -> str | bool:
        """What stands beside a line that ran: the text of the lit one, False for one that only took part."""
        return False if value == WARM else "" if value == NONE16 else str(head["names"][value])

    def events_of_rows(self) -> list[int]:
        """The event of each plain row: they stand in the same order, ticks and epochs between them left out."""
        plain = {kind for kind in self.trace.kind if kind < EXPLAINED}
        # the payload numbers the kinds of the plain rows first
        return [i for i, kind in enumerate(unpack(self.head, self.columns)["events.kind"]) if kind < len(plain)]

    def row_of_decision(self, event: int) -> int:
        """The plain row of a decision: the k-th decision among the events is the k-th among the rows."""
        flags = unpack(self.head, self.columns)["events.flags"]
        if not is_index(event, len(flags)) or not flags[event] & DECISION:
            raise NotPlayable(f"event {event!r} is no decision")
        number = sum(1 for flag in flags[:event] if flag & DECISION)
        plain = self.trace.plain()
        decides = {kind.id for kind in plain.family.kinds if kind.decision}
        rows = [row for row, kind in enumerate(plain.kind) if kind in decides]
        return rows[number]

    def forked(self, event: int, change: Mapping[str, Any]) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
        """The other future after one change at this event. What is wrong with the change is a ValueError."""
        scenario = self.trace.scenario
        if scenario is None:
            raise NotPlayable("this trace was recorded, so it cannot be run again")
        times = unpack(self.head, self.columns)["events.at"]
        if not is_index(event, len(times)):
            raise NotPlayable(f"there is no event {event!r}")
        at = int(times[event])
        self._other = traced(scenario.fork(at, self.change(change)), self.explained)
        head, columns = self.pictured(self._other)[:2]
        self.fork_info = {}  # of an earlier comparison: the page would draw the new one with its numbers
        return head, columns, parting((self.head, self.columns), (head, columns))

    def change(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A change of the page's form as an event of a scenario: tasks by name, a single task without a key."""
        if not isinstance(asked, Mapping):
            raise NotPlayable(f"a change is wanted, not {asked!r:.60}")
        given = dict(asked)
        key = str(given.pop("id", ""))
        form = next((one for one in self.head["forks"] if one["id"] == key), None)
        if form is None:
            raise NotPlayable(f"there is no change called {key!r}")
        fields = {field["id"]: field["type"] for field in form["fields"]}
        values: dict[str, Any] = {}
        for name, what in fields.items():
            value = given.get(name)
            if what == "task":
                value = self.named(value)
            elif what == "number" and isinstance(value, float) and value == int(value):
                value = int(value)
            values[name] = value
        return {key: values["task"] if list(fields) == ["task"] else values}

    def named(self, task: Any) -> str:
        """The name of a task of the page. Raises NotPlayable where another one has the same."""
        tasks = self.head["tasks"]
        if not isinstance(task, int) or not 0 <= task < len(tasks):
            raise NotPlayable("choose a task")
        name = str(tasks[task]["name"])
        if sum(1 for one in tasks if one["name"] == name) > 1:
            raise NotPlayable(f"two tasks are called {name!r}: give them names of their own to change one of them")
        return name


def is_index(number: Any, count: int) -> bool:
    """A whole number from 0 up to below `count`?"""
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < count


def _moment(head: Mapping[str, Any], columns: bytes, event: int) -> str:
    """The time of an event in the unit of its trace."""
    return Scene(head, columns).time(unpack(head, columns)["events.at"][event])


_SIZE = re.compile(r'<svg [^>]*?width="(\d+)" height="(\d+)"')


def below(first: str, second: str) -> str:
    """Two pictures as one, the second below the first."""
    sizes = [_SIZE.match(svg) for svg in (first, second)]
    if None in sizes:
        return first
    (width_a, height_a), (width_b, height_b) = ((int(size[1]), int(size[2])) for size in sizes if size)
    width, height = max(width_a, width_b), height_a + 12 + height_b
    moved = second.replace("<svg ", f'<svg y="{height_a + 12}" ', 1)
    titles = [svg.partition("<title>")[2].partition("</title>")[0] for svg in (first, second)]  # escaped already
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>A: {titles[0]}; B: {titles[1]}</title>{first}{moved}</svg>'
    )


STILL_QUESTIONS = 4  # that a text and a picture of predict mode show
LETTERS = "abcdefghijkl"  # of the candidates of one


def questions(head: Mapping[str, Any], columns: bytes) -> tuple[str, str]:
    """Predict mode where nothing runs: the first questions with their candidates and numbers, as text and as SVG.

    Who is the scheduler sees all numbers but the one that is compared.
    """
    scene = Scene(head, columns)
    asked = [event for event in scene.decisions if scene.flags[event] & QUESTION]
    headings = scene.headings()
    secret = (head["candidates"] or {}).get("decides") if head.get("mode") == "scheduler" else None
    lines: list[str] = []
    for event in asked[:STILL_QUESTIONS]:
        lane = scene.data["events.lane"][event]
        where = scene.lanes[lane]["name"] if lane < len(scene.lanes) else ""
        lines += ["", f"At {scene.time(scene.at[event], None)} {where} must choose. Who runs next?"]
        rows = scene.candidates(event)
        width = max((len(scene.names[row.task]) for row in rows), default=0)
        for letter, row in zip(LETTERS, rows):
            told = [f"{name} {row.cells[k]}" for k, name in enumerate(headings) if k != secret]
            numbers = " · ".join(told)
            lines.append(f"  ( ) {letter}  {scene.names[row.task]:<{width}}  {numbers}".rstrip())
        if len(rows) > len(LETTERS):
            lines.append(f"  and {len(rows) - len(LETTERS)} more")
    more = len(asked) - STILL_QUESTIONS
    lines += ["", f"and {more} more"] if more > 0 else [] if asked else ["", "nobody had a choice in this run"]
    title = f"{head['title']}: predict"
    return "\n".join([title, *lines]), card(title, lines[1:], code=True)


def play(
    run: Scenario | Trace,
    *,
    predict: bool | Collection[int] = False,
    scheduler: bool = False,
    at: int | str | None = None,
    lanes: str = "cpu+tasks",
    panels: Sequence[str] | None = None,
    ticks: bool | None = None,
    title: str | None = None,
    compare: Scenario | Trace | None = None,
    marks: Sequence[Mapping[str, Any]] = (),
    rules: int = 0,
    reasons: bool = True,
) -> Playing:
    """A run in the player, paused.

    predict    start in predict mode; row numbers ask at these decisions only
    scheduler  you are the scheduler: every decision is asked
    at         the moment to begin at, "70ms" or ns; static forms show it too; else two futures begin where they part
    lanes      "cpu+tasks" or "cpu"
    panels     which of "candidates", "queues", "source"
    ticks      are ticks steps of their own?
    compare    a second future, drawn below the first with the first difference marked
    marks      broken rules, as a report of `check` has them: the player stands at the first
    rules      how many rules were asked, broken or not
    reasons    run it again to learn why each choice was made

    Raises NotPlayable for what cannot be played, ValueError for options that are not among these.
    """
    for name, given, kind in (
        ("predict", predict, Collection),
        ("panels", panels, Sequence),
        ("marks", marks, Sequence),
    ):
        if isinstance(given, (str, bytes)) or not isinstance(given, (kind, bool, type(None))):
            raise ValueError(f"{name}: a list is wanted, not {given!r:.60}")
    moment = None if at is None else duration(at, "at")
    asked: bool | Collection[int] | None = True if scheduler else None if isinstance(predict, bool) else predict
    options: dict[str, Any] = {"lanes": lanes, "panels": panels, "ticks": ticks, "title": title, "predict": asked}
    mode = "scheduler" if scheduler else "predict" if predict else ""
    player = Playing(run, {**options, "at": moment}, mode, reasons)
    if moment is not None:
        player.cursor = int(player.head["still"])
    if compare is not None:
        player.against(compare, stay=moment is not None)
    if marks or rules:
        player.mark(rules or len({mark["rule"] for mark in marks}), [_marked(mark, player) for mark in marks])
    return player


def _marked(mark: Mapping[str, Any], player: Playing) -> dict[str, Any]:
    """A broken rule, whose `event` is a row of the trace, as the page takes it."""
    events = player.events_of_rows()
    row = int(mark["event"])
    event = events[min(row, len(events) - 1)] if events and row >= 0 else 0
    return {"event": event, "time": mark["time"], "rule": str(mark["rule"]), "say": str(mark["say"])}
