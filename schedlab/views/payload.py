"""What a player is sent: the one writer of the format, and the one reference of its words.

A payload is a pair `(head, columns)`: `head` is a dict of JSON values, `columns` is one little-endian `bytes` in
which every column begins on an 8-byte boundary. `head["columns"][name]` is `[dtype, offset, count]` with dtype `u8`,
`u16`, `u32` or `f64`. Build one with `Payload`; read one back with `unpack`; fill its sentences with `sentences`.
Times are whole nanoseconds for the caller; segments are stored in ticks of `head["tick_ns"]` (smallest power of ten
with `end / tick < 2**32`, rounded down at both ends, so neighbours stay neighbours), events in exact nanoseconds.
65535 (u16) and 4294967295 (u32) mean "none".

Columns (only `segments`, `lane_first` and `events` are always there)
---------------------------------------------------------------------
segments.start u32, .length u32, .task u16, .state u8, .flags u8
    Bars, sorted by lane, then start; none overlaps another of its lane. Lane k owns rows `lane_first[k]` to
    `lane_first[k+1]`. state: an index of `STATES`. flags: 1 stolen in, 2 migrated in, 4 first difference, 8 a rule
    failed.
events.at f64, .kind u8, .flags u8, .lane u16, .who u16, .other u16, .a f64, .b f64
    In order of time; equal times keep their order. flags: 1 decision, 2 question, 4 first difference, 8 a rule failed.
decisions.event u32, .first u32, .moves u32; candidates.task u16, .verdict u8, .c0 .. .cN f64
    Decision d has candidates `first[d]` to `first[d+1]` (or the end). The first `moves` moves of its event were made
    before the choice (who falls asleep leaves its queue): a question shows the queues after them. verdict 0 = won,
    else an index of
    `head["reasons"]`. Column cN is described by `head["candidates"]["columns"][N]`; NaN = not known.
moves.event u32, .item u16, .from u16, .to u16, .from_at u32, .to_at u32
    A move takes `item` out of place `from` (where it was at `from_at`) and puts it into `to` at `to_at`; read
    backward it is undone. In a place of kind "list", "levels" or "set" taking out closes the gap and putting in makes
    one; in "slots" and "one" the others stand still. Items are tasks.
checkpoints.event u32, .first u32; checkpoint_items.item u16, .place u16, .at u32
    The whole state before move 4,096 k, items of a place in order.
modes.event u32, .lane u16, .item u16, .state u8
    What a lane's thread does from that event on (an index of `STATES`), and which thread: an index of `head["names"]`.
tree.event u32, .first u32; nodes.item u16, .parent u16, .red u8, .side u8, .key f64
    The whole tree of that event's lane after that event. parent: none for the root; side: 0 left, 1 right.
messages.sent u32, .got u32, .done u32, .from u16, .to u16, .label u16, .type u8, .code u8
    sent, got: events; got none: lost or in flight. done: the event that answers a request. from, to:
    `head["actors"]`; label: `head["names"]`; type: an index of `MESSAGES`; code: an index of `head["statuses"]`, 255
    = none.
lines.event u32, .line u16, .value u16
    Lines of the rule at an event, where they differ from its kind's. value: an index of `head["names"]` shown beside
    the lit line, 65535 none, 65534 this line only took part.
objects.event u32, .object u16, .says u16, .revision u32, .version u32, .whole u32
    Object (`head["objects"]`) as written at that event; says: `head["names"]`; whole: `head["wholes"]`, its text, or
    none.
notes.event u32, .note u32
    The first note of an event fills its sentence, the second its grey line (none = leave the kind's own).
    `head["notes"][n]` is `[template id or None, values...]`; None keeps the kind's template and gives it these values.

Head
----
version, family, language, title, from (where the trace comes from), assumptions [text], tick_ns, unit, digits, end
(ns), first_view [ns, ns], lanes [{name, kind: "cpu" | "task", task}], tasks [{name, letter}], names [text], kinds
[{name, say, small, ask, value, lit [line], warm [line], who, other, mark}] (say, small, ask, value: template ids;
who, other: the table that the column points into, one of `TABLES`; mark: "wake" draws the black triangle; leads: it
is a part of the choice that follows at the same instant, so a question stops before it), reasons
[{short, long}] (template ids; row 0 is the winner's word), candidates {form, of, columns, ...} (see `judge`), places,
source {file, first, lines}, panels [{kind, title, ...}] (see `panel`), actors, statuses, objects, wholes, notes, marks,
forks, templates {language: {id: text}}, counts, columns.
Optional: mode ("predict" or "scheduler": begin with questions), still (the event that static forms show).
Everything is sent at once, and events are not paged. Paging would save memory or the first picture, and neither
needs it: columns are read where they lie, so a million segments with a million events (44 MB of columns) cost 6 MB of
JavaScript's own and open in 0.12 s (Chromium, two cores; tests/browser/test_states.py holds 60 MB and 1 s).

Templates
---------
Their language is that of `schedlab.words`. Names of values: who, other, where, at, a, b; 0, 1, ... are the values of
the note; in reasons also winner, c0.. (the candidate's numbers), w0.. (the winner's), d0.. (c - w).
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from schedlab.words import TABLES, UNITS, fields, fill, number

__all__ = ["Payload", "fill", "letter", "number", "sentences", "shown", "tables_of", "tame", "unpack"]

VERSION = 1
NONE16, NONE32 = 0xFFFF, 0xFFFFFFFF
WARM = 0xFFFE
CHECKPOINT_MOVES = 4096
FIRST_VIEW_DECISIONS = 12

STATES = (
    "running", "waiting", "asleep", "preempted", "spinning", "scheduler", "throttled", "idle", "swapped", "pooled",
)  # fmt: skip
RUNNING, WAITING, ASLEEP, PREEMPTED, SPINNING, SCHEDULER, THROTTLED, IDLE, SWAPPED, POOLED = range(len(STATES))
MESSAGES = ("request", "answer", "write", "watch")
REQUEST, ANSWER, WRITE, WATCH = range(4)
DECISION, QUESTION, DIFFERENCE, FAILED = 1, 2, 4, 8
PANELS = ("candidates", "queues", "tree", "processors", "source", "graph", "sequence", "objects")
FORMS = ("ruler", "terms", "bitmap", "table", "nodes")
PLACES = ("one", "slots", "list", "levels", "set")

_SIZE = {"u8": 1, "u16": 2, "u32": 4, "f64": 8}
_CODE = {"u8": "B", "u16": "H", "u32": "I", "f64": "d"}


# ---- names and sentences --------------------------------------------------------------------------------------------

NAME_CHARS = 24
_ACTING = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def tame(text: str) -> str:
    """Control characters as their pictures (␀ ...), characters that turn or hide text as ␦: nothing in a name acts."""
    return _ACTING.sub(lambda m: "␡" if m[0] == "\x7f" else chr(0x2400 + ord(m[0])) if ord(m[0]) < 32 else "␦", text)


def shown(name: str, no_name: str = "(no name)") -> str:
    """A name as the player shows it: tame, at most 24 characters (cut in the middle), never empty."""
    text = tame(name)
    if not text.strip():
        return no_name
    return text if len(text) <= NAME_CHARS else f"{text[:12]}…{text[-11:]}"


def _tamed(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_tamed(v) for v in value]
    return tame(value) if isinstance(value, str) else value


def tables_of(head: Mapping[str, Any]) -> dict[str, Any]:
    """The tables that `fill` needs, from a head."""
    words = head["templates"][head["language"]]
    places = [p["name"] for p in head["places"] for _ in range(p["count"])]
    return {
        "task": [shown(t["name"]) for t in head["tasks"]],
        "lane": [shown(lane["name"]) for lane in head["lanes"]],
        "place": [shown(p) for p in places],
        "actor": [shown(a["name"]) for a in head["actors"]],
        "name": [shown(n) for n in head["names"]],
        "object": [shown(o["name"]) for o in head["objects"]],
        "unit": head["unit"],
        "digits": head["digits"],
        "list": words.get("list", ", "),
    }


def unpack(head: Mapping[str, Any], columns: bytes) -> dict[str, array[Any]]:
    """The columns by name. Raises `ValueError` with expected and got when the bytes don't fit the head."""
    out: dict[str, array[Any]] = {}
    for name, (dtype, offset, count) in head["columns"].items():
        stop = offset + count * _SIZE[dtype]
        if offset % 8 or stop > len(columns):
            raise ValueError(f"column {name} needs bytes {offset} to {stop}, got {len(columns)}")
        column = array(_CODE[dtype])
        column.frombytes(columns[offset:stop])
        if sys.byteorder == "big":
            column.byteswap()
        out[name] = column
    return out


def _little(column: array[Any]) -> array[Any]:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column


def _named(rows: Sequence[str], index: int) -> str | None:
    return rows[index] if index < len(rows) else None


def sentences(
    head: Mapping[str, Any], columns: bytes, events: Iterable[int] | None = None
) -> list[tuple[str, str, str]]:
    """Kind, sentence and grey line of every event (or of some): what the player shows, letter for letter."""
    data, tables = unpack(head, columns), tables_of(head)
    words = head["templates"][head["language"]]
    notes: dict[int, list[int]] = {}
    for event, note in zip(data.get("notes.event", ()), data.get("notes.note", ()), strict=True):
        notes.setdefault(event, []).append(note)
    out = []
    for i in range(len(data["events.kind"])) if events is None else events:
        kind = head["kinds"][data["events.kind"][i]]
        values: dict[str, Any] = {
            "who": _named(tables[kind["who"]], data["events.who"][i]),
            "other": _named(tables[kind["other"]], data["events.other"][i]),
            "where": _named(tables["lane"], data["events.lane"][i]),
            "at": data["events.at"][i],
            "a": data["events.a"][i],
            "b": data["events.b"][i],
        }
        said = [kind["say"], kind["small"]]
        filled = []
        own = notes.get(i, [])
        for slot in (0, 1):
            note = head["notes"][own[slot]] if slot < len(own) and own[slot] != NONE32 else [None]
            template = note[0] if note[0] is not None else said[slot]
            more = {str(n): _tamed(v) for n, v in enumerate(note[1:])}
            filled.append(fill(words[template], values | more, tables) if template else "")
        out.append((tame(kind["name"]), filled[0], filled[1]))
    return out


# ---- the writer ----------------------------------------------------------------------------------------------------


def letter(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


class Payload:
    """Collects a run piece by piece and writes it. Every method that names a thing returns its number.

    Order: tasks, lanes, places, kinds and templates first, then events in order of time, each followed by what
    belongs to it (`decide`, `move`, `note`, ...). Segments may come at any point, lane by lane. Wrong input is a
    `ValueError`.
    """

    def __init__(
        self,
        family: str,
        title: str,
        origin: str,
        end: int,
        *,
        unit: str = "ms",
        digits: int = 3,
        language: str = "en",
        assumptions: Sequence[str] = (),
    ) -> None:
        """`origin` is the source line ("recorded: ...", "simulated: ..., seed 7", "made by hand"); `end` is in ns."""
        if unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, not {unit!r}")
        if not 0 <= end < 2**53:
            raise ValueError(f"end must be 0 to 2**53 ns, not {end}")
        self.tick = 1
        while end // self.tick >= 2**32:
            self.tick *= 10
        self.head: dict[str, Any] = {
            "version": VERSION,
            "family": family,
            "language": language,
            "title": title,
            "from": origin,
            "assumptions": list(assumptions),
            "tick_ns": self.tick,
            "unit": unit,
            "digits": digits,
            "end": end,
            "first_view": None,
            "lanes": [],
            "tasks": [],
            "names": [],
            "kinds": [],
            "reasons": [],
            "candidates": None,
            "places": [],
            "source": None,
            "panels": [],
            "actors": [],
            "statuses": [],
            "objects": [],
            "wholes": [],
            "notes": [],
            "marks": [],
            "forks": [],
            "templates": {language: {}},
        }
        self._names: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._notes: dict[str, int] = {}
        self._lanes: dict[int, tuple[array[int], ...]] = {}
        self._columns: dict[str, array[Any]] = {}
        self._kind_of_place: list[str] = []
        self._held: list[list[int]] = []  # items of each place, in order
        self._slot: list[dict[int, int]] = []  # slots: where each item stands
        self._at: dict[int, int] = {}  # the place of each item
        self._winners: dict[int, list[int]] = {}
        for name in ("at", "a", "b"):
            self._column(f"events.{name}", "f64")
        for name, dtype in (("kind", "u8"), ("flags", "u8"), ("lane", "u16"), ("who", "u16"), ("other", "u16")):
            self._column(f"events.{name}", dtype)

    # what the run is about

    def task(self, name: str, mark: str | None = None) -> int:
        """A task; `mark` is its letter or number on tokens (the next letter by default)."""
        tasks = self.head["tasks"]
        tasks.append({"name": str(name), "letter": letter(len(tasks)) if mark is None else str(mark)})
        return self._fits(len(tasks) - 1, "tasks")

    def lane(self, name: str, kind: str = "cpu", task: int | None = None) -> int:
        """A lane: kind "cpu" (CPU, P, component) or "task" (then `task` is whose)."""
        if kind not in ("cpu", "task") or (kind == "task") != (task is not None):
            raise ValueError(f"lane {name!r}: a task lane names its task, a cpu lane does not")
        self.head["lanes"].append({"name": str(name), "kind": kind, "task": task})
        return self._fits(len(self.head["lanes"]) - 1, "lanes")

    def name(self, text: str) -> int:
        """The number of a string; equal strings have one number."""
        text = str(text)
        if text not in self._names:
            self._names[text] = self._fits(len(self._names), "names")
            self.head["names"].append(text)
        return self._names[text]

    def template(self, key: str, text: str) -> str:
        """A template of the payload's language; returns its id. Saying it again with other words is an error."""
        table = self.head["templates"][self.head["language"]]
        if table.get(key, text) != text:
            raise ValueError(f"template {key!r} is already {table[key]!r}")
        fields(text)
        table[key] = text
        return key

    def kind(
        self,
        name: str,
        say: str,
        *,
        small: str = "",
        ask: str = "",
        value: str = "",
        lit: Sequence[int] = (),
        warm: Sequence[int] = (),
        who: str = "task",
        other: str = "task",
        mark: str = "",
        leads: bool = False,
    ) -> int:
        """A kind of event. `say`, `small`, `ask` (its question) and `value` (beside the lit line) are template
        texts."""
        if name in self._kinds:
            raise ValueError(f"the kind {name!r} is there already")
        if who not in TABLES or other not in TABLES:
            raise ValueError(f"kind {name!r}: who and other point into one of {', '.join(TABLES)}")
        row: dict[str, Any] = {
            "name": name,
            "lit": list(lit),
            "warm": list(warm),
            "who": who,
            "other": other,
            "mark": mark,
            "leads": leads,
        }
        for slot, text in (("say", say), ("small", small), ("ask", ask), ("value", value)):
            row[slot] = self.template(f"{name}.{slot}", text) if text else ""
        self.head["kinds"].append(row)
        self._kinds[name] = len(self._kinds)
        if len(self._kinds) > 255:
            raise ValueError("more than 255 kinds")
        return self._kinds[name]

    def judge(self, form: str, columns: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """How candidates are shown. Columns: {name, unit="", scale=1, digits=3, sign=False}, values are divided by
        scale.

        ruler:  dot (column), diamond (column or None), threshold (number or None, in the column's raw unit), side
        ("low" or
                "high": where the eligible stand), low and high (words beside the line)
        terms:  terms (columns that are stacked), total (column or None)
        bitmap: size (cells), level (column)
        table:  nothing more
        nodes:  total (column or None)
        All: of ("task", default, or "place", "actor", "name", "object": what `candidates.task` points into), note
        (template text at the right of the heading, over the event's values), title (the heading of the first column),
        decides (the column that is compared, by default the picture's: total, level, diamond or dot. In mode
        "scheduler" it is not shown before the answer).
        """
        if form not in FORMS:
            raise ValueError(f"the form of candidates is one of {', '.join(FORMS)}, not {form!r}")
        full = [{"unit": "", "scale": 1, "digits": 3, "sign": False} | dict(c) for c in columns]
        for role in ("dot", "diamond", "level", "total", "decides"):
            if more.get(role) is not None and not 0 <= more[role] < len(full):
                raise ValueError(f"candidates have no column {more[role]} for the {role}")
        if "note" in more:
            more["note"] = self.template("candidates.note", more["note"])
        self.head["candidates"] = {"form": form, "of": "task", "columns": full} | more

    def reason(self, short: str, long: str = "") -> int:
        """A verdict: `short` stands in the table, `long` tells why this choice lost. The first one is the winner's."""
        row = len(self.head["reasons"])
        if row > 255:
            raise ValueError("more than 255 reasons")
        self.head["reasons"].append(
            {
                "short": self.template(f"reason.{row}.short", short),
                "long": self.template(f"reason.{row}.long", long) if long else "",
            }
        )
        return row

    def place(
        self, name: str, kind: str = "list", *, count: int = 1, size: int = 0, lane: int | None = None, **more: Any
    ) -> int:
        """Somewhere an item can be: "one", "slots" (of `size`), "list", "set", or "levels" (`count` lists in a row).

        Returns the number of the first; level k is that number + k. `base` (levels): the number that level 0 shows.
        `ranked` (list), False: the order decides nothing but ties, so mode "scheduler" shows it also before the answer.
        """
        if kind not in PLACES:
            raise ValueError(f"a place is one of {', '.join(PLACES)}, not {kind!r}")
        first = len(self._held)
        self.head["places"].append(
            {"name": str(name), "kind": kind, "first": first, "count": count, "size": size, "lane": lane} | more
        )
        for _ in range(count):
            self._kind_of_place.append(kind)
            self._held.append([])
            self._slot.append({})
        self._fits(len(self._held), "places")
        return first

    def panel(self, kind: str, title: str = "", **more: Any) -> None:
        """A linked panel, in order. More facts:

        queues      places: [first numbers], all by default
        tree        running, asleep: place numbers; unit, scale, digits of the key; order (words: "by deadline")
        processors  rows: [{name, lane, running, next, queue}] (place numbers), below: [place numbers]
        objects, graph, sequence, candidates, source: nothing
        """
        if kind not in PANELS:
            raise ValueError(f"a panel is one of {', '.join(PANELS)}, not {kind!r}")
        self.head["panels"].append({"kind": kind, "title": title} | more)

    def source(self, file: str, text: str, first: int = 1) -> None:
        """The policy's functions; `first` is the number that their first line has in the file.

        Lines are counted from 1 everywhere in the payload; only what a reader sees is numbered as in the file.
        """
        self.head["source"] = {"file": file, "first": first, "lines": text.rstrip("\n").split("\n")}

    def actor(self, name: str, short: str | None = None, spot: tuple[float, float] | None = None) -> int:
        """Somebody who sends messages; `spot` is its place in the graph, 0 to 1 from the upper left."""
        row = {"name": str(name), "short": str(name) if short is None else str(short), "spot": spot and list(spot)}
        self.head["actors"].append(row)
        return self._fits(len(self.head["actors"]) - 1, "actors")

    def status(self, code: int, text: str) -> int:
        """An answer's status: 404, "Not Found"."""
        self.head["statuses"].append([code, text])
        if len(self.head["statuses"]) > 255:
            raise ValueError("more than 255 statuses")
        return len(self.head["statuses"]) - 1

    def stored(self, name: str, task: int | None = None) -> int:
        """An object of the store; `task` gives it that task's token."""
        self.head["objects"].append({"name": str(name), "task": task})
        return self._fits(len(self.head["objects"]) - 1, "objects")

    def change(self, key: str, label: str, fields: Sequence[Mapping[str, Any]]) -> None:
        """A change that a fork can make; fields: {id, label, type: "choice" | "number" | "task", options, min, max,
        value}."""
        self.head["forks"].append({"id": key, "label": label, "fields": [dict(f) for f in fields]})

    def mark(self, event: int, rule: str, say: str) -> None:
        """A rule that failed: its name and what happened instead, in words."""
        self._event(event)
        at = self._columns["events.at"][event]
        self._columns["events.flags"][event] |= FAILED
        self.head["marks"].append({"event": event, "time": at, "rule": rule, "say": say})

    # what happened

    def segments(
        self,
        lane: int,
        start: Iterable[int],
        length: Iterable[int],
        task: Iterable[int | None],
        state: Iterable[int],
        flags: Iterable[int] | None = None,
    ) -> None:
        """All bars of a lane as columns: start and length in ns, in order, none overlapping."""
        if not 0 <= lane < len(self.head["lanes"]):
            raise ValueError(f"there is no lane {lane}")
        if lane in self._lanes:
            raise ValueError(f"lane {lane} has its segments already")
        starts, lengths = list(start), list(length)
        tasks = [NONE16 if k is None else k for k in task]
        states = list(state)
        flag = [0] * len(starts) if flags is None else list(flags)
        if not len(starts) == len(lengths) == len(tasks) == len(states) == len(flag):
            raise ValueError(f"the columns of lane {lane} differ in length")
        end = 0
        for k, (t, n) in enumerate(zip(starts, lengths, strict=True)):
            if t < end or n < 0:
                raise ValueError(f"lane {lane}, bar {k}: starts at {t} ns, the one before ends at {end} ns")
            end = t + n
        if end > self.head["end"]:
            raise ValueError(f"lane {lane} ends at {end} ns, after the end of the trace, {self.head['end']} ns")
        if states and not set(states) <= set(range(len(STATES))):
            raise ValueError(f"lane {lane} has an unknown state")
        known = len(self.head["tasks"])
        if any(not 0 <= k < known and k != NONE16 for k in tasks):
            raise ValueError(f"lane {lane} names a task that is not there")
        if self.tick > 1:
            tick = self.tick
            lengths = [(t + n) // tick - t // tick for t, n in zip(starts, lengths, strict=True)]
            starts = [t // tick for t in starts]
        self._lanes[lane] = (
            array("I", starts),
            array("I", lengths),
            array("H", tasks),
            array("B", states),
            array("B", flag),
        )

    def event(
        self,
        at: float,
        kind: int,
        *,
        lane: int | None = None,
        who: int | None = None,
        other: int | None = None,
        a: float = 0.0,
        b: float = 0.0,
        flags: int = 0,
    ) -> int:
        """What happened at `at` ns; returns its number."""
        column = self._columns
        times = column["events.at"]
        if not 0 <= at <= self.head["end"] or (times and at < times[-1]):
            raise ValueError(f"event {len(times)} at {at} ns is out of order or outside the trace")
        if not 0 <= kind < len(self.head["kinds"]):
            raise ValueError(f"event {len(times)}: there is no kind {kind}")
        row = self.head["kinds"][kind]
        for table, value in ((row["who"], who), (row["other"], other), ("lane", lane)):
            if value is not None and not 0 <= value < self._rows(table):
                raise ValueError(f"event {len(times)}: there is no {table} {value}")
        times.append(at)
        column["events.kind"].append(kind)
        column["events.flags"].append(flags)
        column["events.lane"].append(NONE16 if lane is None else lane)
        column["events.who"].append(NONE16 if who is None else who)
        column["events.other"].append(NONE16 if other is None else other)
        column["events.a"].append(a)
        column["events.b"].append(b)
        return len(times) - 1

    def events(self, at: Sequence[float], kind: Sequence[int], **columns: Sequence[float]) -> None:
        """Many events as columns (lane, who, other: 65535 = none; a, b, flags), for runs with hundreds of thousands."""
        n = len(at)
        times = self._columns["events.at"]
        ordered = all(at[k] <= at[k + 1] for k in range(n - 1))
        if n and (not ordered or at[0] < (times[-1] if times else 0) or at[-1] > self.head["end"]):
            raise ValueError("the times of the events are out of order or outside the trace")
        if not set(kind) <= set(range(len(self.head["kinds"]))):
            raise ValueError("an event has an unknown kind")
        given: dict[str, Sequence[float]] = {"at": at, "kind": kind, **columns}
        for name in ("at", "kind", "flags", "lane", "who", "other", "a", "b"):
            none = NONE16 if name in ("lane", "who", "other") else 0
            values = given.get(name, [none] * n)
            if len(values) != n:
                raise ValueError(f"{len(values)} values of {name} for {n} events")
            self._columns[f"events.{name}"].extend(values)

    def decide(
        self, event: int, candidates: Sequence[Sequence[float]], question: bool | None = None, moved: int = 0
    ) -> None:
        """The candidates of a decision: rows of `(task, verdict, number...)`, one of them with verdict 0.

        `moved`: so many moves of the event, told already, were made before the choice. Candidates are kept in the order
        of tasks: a policy looks at its best first, and a question must not tell.
        `question` says whether Predict asks here; by default unless the answer was the same at the last two
        questions of that lane. It never asks where one candidate stands alone: that is no choice.
        """
        self._event(event)
        if self.head["candidates"] is None:
            raise ValueError("say how candidates are shown (judge) before the first decision")
        width = len(self.head["candidates"]["columns"])
        won = [int(c[0]) for c in candidates if c[1] == 0]
        if len(won) > 1:
            raise ValueError(f"decision at event {event}: {len(won)} winners")
        decided, first = self._column("decisions.event", "u32"), self._column("decisions.first", "u32")
        if decided and decided[-1] >= event:
            raise ValueError(f"decisions must be in order of their events: {event} after {decided[-1]}")
        decided.append(event)
        self._column("decisions.moves", "u32").append(moved)
        task, verdict = self._column("candidates.task", "u16"), self._column("candidates.verdict", "u8")
        first.append(len(task))
        known = self._rows(self.head["candidates"]["of"])
        for c in sorted(candidates, key=itemgetter(0)):
            if len(c) != width + 2:
                raise ValueError(f"decision at event {event}: a candidate has {len(c) - 2} numbers, not {width}")
            if not 0 <= c[0] < known or not 0 <= c[1] < max(1, len(self.head["reasons"])):
                raise ValueError(f"decision at event {event}: unknown candidate {c[0]} or reason {c[1]}")
            task.append(int(c[0]))
            verdict.append(int(c[1]))
            for k in range(width):
                self._column(f"candidates.c{k}", "f64").append(c[2 + k])
        last = self._winners.setdefault(self._columns["events.lane"][event], [])
        if question is None:
            question = last[-2:] != won * 2
        question = question and len(candidates) > 1 and len(won) == 1
        if question:
            last.append(won[0])
        self._columns["events.flags"][event] |= DECISION | (QUESTION if question else 0)

    def move(self, event: int, item: int, to: int | None, at: int | None = None) -> None:
        """`item` goes to place `to` (None: out of sight) at position `at` (None: the end, or slot 0)."""
        self._event(event)
        if not 0 <= item < len(self.head["tasks"]) or (to is not None and not 0 <= to < len(self._held)):
            raise ValueError(f"event {event}: no item {item} or place {to}")
        names = ("item", "from", "to", "from_at", "to_at", "event")
        column = {n: self._column(f"moves.{n}", "u16" if n in ("item", "from", "to") else "u32") for n in names}
        if column["event"] and column["event"][-1] > event:
            raise ValueError(f"moves must be in order of their events: {event} after {column['event'][-1]}")
        if len(column["event"]) % CHECKPOINT_MOVES == 0:
            self._checkpoint(event)
        came = self._at.pop(item, None)
        was = 0
        if came is not None:
            was = self._slot[came].pop(item) if item in self._slot[came] else self._held[came].index(item)
            self._held[came].remove(item)
        goes = 0
        if to is not None:
            if self._kind_of_place[to] in ("slots", "one"):
                goes = at or 0
                if goes in self._slot[to].values():
                    raise ValueError(f"event {event}: slot {goes} of place {to} is taken")
                self._slot[to][item] = goes
                self._held[to].append(item)
            else:
                goes = len(self._held[to]) if at is None else at
                if not 0 <= goes <= len(self._held[to]):
                    raise ValueError(f"event {event}: place {to} holds {len(self._held[to])} items, no position {goes}")
                self._held[to].insert(goes, item)
            self._at[item] = to
        row = (item, NONE16 if came is None else came, NONE16 if to is None else to, was, goes, event)
        for name, value in zip(names, row, strict=True):
            column[name].append(value)

    def moves_of(self, event: int) -> int:
        """How many moves are told of the last event so far."""
        events = self._columns.get("moves.event", array("I"))
        return len(events) - bisect_left(events, event)

    def holds(self, place: int) -> list[int]:
        """What `place` holds now, in order: so a writer need not keep a copy."""
        if self._kind_of_place[place] == "slots":
            return sorted(self._held[place], key=self._slot[place].__getitem__)
        return list(self._held[place])

    def mode(self, event: int, lane: int, state: int, thread: str | None = None) -> None:
        """What the lane's thread does from now on: `RUNNING`, `SPINNING`, `IDLE` (parked), ..."""
        self._event(event)
        row = (event, lane, NONE16 if thread is None else self.name(thread), state)
        self._append("modes", (("event", "u32"), ("lane", "u16"), ("item", "u16"), ("state", "u8")), row)

    def tree(self, event: int, nodes: Sequence[tuple[int, int | None, bool, int, float]]) -> None:
        """The tree after an event: rows of (item, its parent's item or None, red, side 0 left 1 right, key)."""
        self._event(event)
        first = len(self._column("nodes.item", "u16"))
        self._append("tree", (("event", "u32"), ("first", "u32")), (event, first))
        items = {n[0] for n in nodes}
        for item, parent, red, side, key in nodes:
            if parent is not None and parent not in items:
                raise ValueError(f"tree at event {event}: {item} hangs from {parent}, which is not in it")
            row = (item, NONE16 if parent is None else parent, int(red), side, key)
            form = (("item", "u16"), ("parent", "u16"), ("red", "u8"), ("side", "u8"), ("key", "f64"))
            self._append("nodes", form, row)

    def message(
        self,
        sent: int,
        got: int | None,
        from_: int,
        to: int,
        label: str,
        what: int = REQUEST,
        code: int | None = None,
        done: int | None = None,
    ) -> int:
        """A message of type `what`; `sent`, `got` and `done` (the event that answers it) are events, `code` a number
        of `status`."""
        for actor in (from_, to):
            if not 0 <= actor < len(self.head["actors"]):
                raise ValueError(f"there is no actor {actor}")
        if not 0 <= what < len(MESSAGES):
            raise ValueError(f"there is no message type {what}")
        form = [(n, "u32") for n in ("sent", "got", "done")] + [(n, "u16") for n in ("from", "to", "label")]
        if self._column("messages.sent", "u32") and self._columns["messages.sent"][-1] > sent:
            raise ValueError(f"messages must be in order of sending: event {sent}")
        late = NONE32 if got is None else got
        row = (
            sent,
            late,
            late if done is None else done,
            from_,
            to,
            self.name(label),
            what,
            255 if code is None else code,
        )
        self._append("messages", [*form, ("type", "u8"), ("code", "u8")], row)
        return len(self._columns["messages.sent"]) - 1

    def answered(self, message: int, event: int) -> None:
        """The request `message` is answered at `event`: until then the graph shows it in flight."""
        self._columns["messages.done"][message] = event

    def line(self, event: int, line: int, value: str | None = None, warm: bool = False) -> None:
        """A lit line of the rule at an event and the value beside it; `warm` only says that it took part."""
        self._event(event)
        number = WARM if warm else NONE16 if value is None else self.name(value)
        self._append("lines", (("event", "u32"), ("line", "u16"), ("value", "u16")), (event, line, number))

    def write(
        self,
        event: int,
        stored: int,
        revision: int | None,
        version: int | None,
        says: str = "",
        whole: str | None = None,
    ) -> None:
        """The store now holds this of an object; revision None: it is deleted."""
        self._event(event)
        number = NONE32
        if whole is not None:
            self.head["wholes"].append(whole)
            number = len(self.head["wholes"]) - 1
        form = (
            ("event", "u32"),
            ("object", "u16"),
            ("says", "u16"),
            ("revision", "u32"),
            ("version", "u32"),
            ("whole", "u32"),
        )
        numbers = (NONE32 if revision is None else revision, NONE32 if version is None else version)
        self._append("objects", form, (event, stored, self.name(says), *numbers, number))

    def note(self, event: int, template: str | None, *values: Any) -> None:
        """Fills the sentence of an event (the second note of an event: its grey line) with a template and values.

        `template` is the text (kept once in the table), or None for the kind's own. Values: numbers, strings, lists
        of these.
        """
        self._event(event)
        note = [None if template is None else self._text_id(template), *values]
        key = repr(note)
        if key not in self._notes:
            self._notes[key] = len(self.head["notes"])
            self.head["notes"].append(note)
        self._append("notes", (("event", "u32"), ("note", "u32")), (event, self._notes[key]))

    def small(self, event: int, template: str, *values: Any) -> None:
        """The grey line of an event, when its sentence is the kind's own or is said already."""
        events = self._column("notes.event", "u32")
        if not events or events[-1] != event:
            self._append("notes", (("event", "u32"), ("note", "u32")), (event, NONE32))
        self.note(event, template, *values)

    def pack(self) -> tuple[dict[str, Any], bytes]:
        """The payload. The head is JSON-clean; the same calls give the same bytes on every machine."""
        head = dict(self.head)
        columns = dict(self._segment_columns())
        columns |= self._columns
        out, where = bytearray(), {}
        for name, column in columns.items():
            out.extend(bytes(-len(out) % 8))
            dtype = next(d for d, c in _CODE.items() if c == column.typecode)
            where[name] = [dtype, len(out), len(column)]
            out.extend(_little(column).tobytes())
        head["columns"] = where
        head["counts"] = {
            "events": len(columns["events.at"]),
            "decisions": sum(1 for f in columns["events.flags"] if f & DECISION),
            "segments": len(columns["segments.start"]),
        }
        if head["first_view"] is None:
            head["first_view"] = self._first_view()
        return head, bytes(out)

    def view(self, start: int, stop: int) -> None:
        """The first stretch on the screen, in ns; by default the first twelve decisions."""
        if not 0 <= start < stop <= self.head["end"]:
            raise ValueError(f"the first view, {start} to {stop} ns, is not inside the trace")
        self.head["first_view"] = [start, stop]

    # inside

    def _column(self, name: str, dtype: str) -> array[Any]:
        if name not in self._columns:
            self._columns[name] = array(_CODE[dtype])
        return self._columns[name]

    def _append(self, set_: str, form: Sequence[tuple[str, str]], row: Sequence[float]) -> None:
        if form[0][0] == "event":
            events = self._column(f"{set_}.event", form[0][1])
            if events and events[-1] > row[0]:
                raise ValueError(f"{set_} must be in order of their events: {row[0]} after {events[-1]}")
        for (name, dtype), value in zip(form, row, strict=True):
            self._column(f"{set_}.{name}", dtype).append(value)

    def _text_id(self, text: str) -> str:
        table = self.head["templates"][self.head["language"]]
        for key, known in table.items():
            if known == text:
                return str(key)
        return self.template(f"note.{len(table)}", text)

    def _rows(self, table: str) -> int:
        return len(self._held) if table == "place" else len(self.head[table + "s"])

    def _event(self, event: int) -> None:
        if not 0 <= event < len(self._columns["events.at"]):
            raise ValueError(f"there is no event {event} yet")

    def _fits(self, row: int, what: str) -> int:
        if row > NONE16 - 2:
            raise ValueError(f"more than {NONE16 - 1:,} {what}: send a selection")
        return row

    def _checkpoint(self, event: int) -> None:
        first = len(self._column("checkpoint_items.item", "u16"))
        self._append("checkpoints", (("event", "u32"), ("first", "u32")), (event, first))
        for place, items in enumerate(self._held):
            for at, item in enumerate(items):
                row = (item, place, self._slot[place].get(item, at))
                self._append("checkpoint_items", (("item", "u16"), ("place", "u16"), ("at", "u32")), row)

    def _segment_columns(self) -> dict[str, array[Any]]:
        names = {"start": "I", "length": "I", "task": "H", "state": "B", "flags": "B"}
        out = {f"segments.{n}": array(code) for n, code in names.items()}
        first = array("I", [0])
        for lane in range(len(self.head["lanes"])):
            for column, more in zip(out.values(), self._lanes.get(lane, ()), strict=False):
                column.extend(more)
            first.append(len(out["segments.start"]))
        return {**out, "lane_first": first}

    def _first_view(self) -> list[float]:
        flags, at, end = self._columns["events.flags"], self._columns["events.at"], self.head["end"]
        decided = [at[i] for i, f in enumerate(flags) if f & DECISION]
        if len(decided) <= FIRST_VIEW_DECISIONS:
            return [0, end]
        # the first stretch from 0 that ends just before decision 13
        stop = decided[FIRST_VIEW_DECISIONS]
        before = decided[FIRST_VIEW_DECISIONS - 1]
        return [0, max(1, min(end, math.ceil((before + stop) / 2)))]
