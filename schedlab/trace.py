"""What a run leaves behind: rows in columns, of one schema for every family.

Words used here:

kind        what a row tells: a switch, a wake-up, a steal. A `Kind` names what each column
            means, holds the sentence that says the row in words, and lists what the row changes.
column      time (ns), kind, who, where, a, b: 33 bytes a row, each column one `array`.
field       a part of the state that rows change: who runs on a CPU, the state of a task.
effect      `(field, key, new, old)`: this row sets `field[key]` from `old` to `new`. Because the
            old value is in the row, every row can be undone, and replay runs both ways.
judgement   a pure method by which a policy compares candidates. Marking costs nothing; an
            explained run (see `schedlab.explain`) calls it for every candidate.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from schedlab.words import fill

if TYPE_CHECKING:
    from schedlab.scenario import Scenario

NOBODY = -1  # in who, where, a, b: no task, no CPU
SCHEMA = 1  # of a saved trace
LAST_INSTANT = 2**53  # ns, 104 days: what JavaScript counts exactly
NAMED = ("who", "where", "a", "b")  # the columns a sentence may speak of
COLUMNS = (("time", "q"), ("kind", "B"), ("who", "i"), ("where", "i"), ("a", "q"), ("b", "q"))
EXPLAINED = 200  # kinds from this number on exist only in an explained trace

F = TypeVar("F", bound=Callable[..., Any])


def judgement(method: F) -> F:
    """Mark a pure method that compares candidates; return it unchanged. Raises TypeError for what is no function."""
    if not callable(method):
        raise TypeError(f"@judgement stands before a method, not before {method!r:.60}")
    method.__judgement__ = True  # type: ignore[attr-defined]  # a function has no such declared attribute
    return method


def episode(method: F) -> F:
    """Mark a method whose call is worth a row of its own in an explained trace; return it unchanged."""
    method.__episode__ = True  # type: ignore[attr-defined]  # a function has no such declared attribute
    return method


class Ranking(NamedTuple):
    """How candidates are compared, for explanations: the judgement `by` decides, the `best` one wins.

    `tie` says in words who wins among equals; `filters` are judgements that must be true first. Without `by`
    no choice is explained.
    """

    by: str = ""
    best: str = "highest"
    tie: str = "first in line"
    filters: tuple[str, ...] = ()


class Effect(NamedTuple):
    """`field[key]` goes from `old` to `new`. Each of the three is a column's name or a number -1..7."""

    field: str
    key: str
    new: str | int
    old: str | int


class Kind(NamedTuple):
    """What one kind of row means.

    `who`, `where`, `a`, `b` say what the number in that column is: the name of a table in
    `Trace.names` ("task", "cpu", ...), a unit ("ns"), "number", or "" for unused.
    `text` is the sentence, a template (see `schedlab.words`) over {who} {where} {a} {b}.
    """

    id: int
    name: str
    who: str
    where: str
    a: str
    b: str
    text: str
    sets: tuple[Effect, ...] = ()
    decision: bool = False


class Field(NamedTuple):
    """A part of the state: `of` and `holds` are name tables ("cpu", "task") or "number"; `start` is the first value."""

    name: str
    of: str
    holds: str
    start: int


class Family(NamedTuple):
    """The kinds and fields of one family of schedulers, and the names of its states."""

    name: str
    kinds: tuple[Kind, ...]
    fields: tuple[Field, ...]
    states: tuple[str, ...]


class Row(NamedTuple):
    """One row of a trace: time in ns, the kind's number, and the four columns whose meaning the kind gives."""

    time: int
    kind: int
    who: int
    where: int
    a: int
    b: int


class TraceError(ValueError):
    """A saved trace or a recording that cannot be read; says what is wrong and where."""


PACKED = struct.Struct("qqqiiB7x")  # time, a, b, who, where, kind: a row while it is being taken down
WORDS = PACKED.size // 8


class Recorder:
    """Takes rows down: one bound verb for every kind, `rec.switch(now, who, where, a, b)`.

    With `on=False` the verbs do nothing, for runs of which only the result matters. A row is packed
    in one piece, which costs half of appending to six columns; `columns` sorts the pieces apart.
    """

    def __init__(self, family: Family, on: bool = True) -> None:
        self.family = family
        self.on = on
        self.notes: list[Any] = []
        self._columns = tuple(array(code) for _name, code in COLUMNS)
        self._packed = array("q")
        for kind in family.kinds:
            self.add_verb(kind)

    def add_verb(self, kind: Kind) -> None:
        """Bind the verb of one kind."""
        setattr(self, kind.name, self._verb(kind) if self.on else _silent)

    def __getattr__(self, name: str) -> Callable[..., None]:
        raise AttributeError(f"the {self.family.name} family has no kind of row called {name!r}")

    @property
    def columns(self) -> tuple[array[int], ...]:
        """All rows so far; the same arrays each time, longer when rows have come."""
        packed = self._packed
        if packed:
            time, kind, who, where, a, b = self._columns
            time.extend(packed[0::WORDS])
            a.extend(packed[1::WORDS])
            b.extend(packed[2::WORDS])
            pair = array("i", packed[3::WORDS].tobytes())
            who.extend(pair[0::2])
            where.extend(pair[1::2])
            kind.frombytes(packed[4::WORDS].tobytes()[0::8])
            del packed[:]
        return self._columns

    def __len__(self) -> int:
        return len(self._columns[0]) + len(self._packed) // WORDS

    def note(self, value: Any) -> int:
        """Keep a JSON value; return its number, which a row can hold in `a` or `b`."""
        self.notes.append(value)
        return len(self.notes) - 1

    def _verb(self, kind: Kind) -> Callable[..., None]:
        write, pack, number = self._packed.frombytes, PACKED.pack, kind.id

        def verb(now: int, who: int = NOBODY, where: int = NOBODY, a: int = 0, b: int = 0) -> None:
            try:
                write(pack(now, a, b, who, where, number))
            except struct.error:
                raise OverflowError(f"no row can hold {kind.name}{(now, who, where, a, b)}") from None

        return verb


def _silent(_now: int, _who: int = 0, _where: int = 0, _a: int = 0, _b: int = 0) -> None:
    """The verb of a recorder that is off."""


class Trace:
    """A finished run or a read recording: immutable columns, names, notes.

    `names["task"][7]` is the name of task 7; `end` is the last instant in ns; `about` holds what a
    reader is told of the trace (title, where it comes from, assumptions). `scenario` is what can be
    run again, or None for a recording.
    """

    def __init__(
        self,
        family: Family,
        columns: Sequence[array[int]],
        names: Mapping[str, Sequence[str]],
        *,
        end: int,
        notes: Sequence[Any] = (),
        about: Mapping[str, Any] | None = None,
        scenario: Scenario | None = None,
        explained: tuple[int, int] | None = None,
    ) -> None:
        self.family = family
        self.time, self.kind, self.who, self.where, self.a, self.b = columns
        self.names = {table: list(entries) for table, entries in names.items()}
        self.end = end
        self.notes = list(notes)
        self.about = dict(about or {})
        self.scenario = scenario
        self.explained = explained
        self.kinds = {kind.id: kind for kind in family.kinds}

    # -- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"<Trace {self.family.name}: {len(self):,} rows, {fill('{end:dur}', {'end': self.end})}>"

    def row(self, i: int) -> Row:
        """Row `i`; negative numbers count from the end. Raises IndexError outside the trace."""
        return Row(self.time[i], self.kind[i], self.who[i], self.where[i], self.a[i], self.b[i])

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Rows `start` up to `stop`, in order."""
        for i in range(start, len(self) if stop is None else min(stop, len(self))):
            yield self.row(i)

    def at(self, time: int) -> Replay:
        """The replay standing behind the last row at or before `time` (ns). Raises TypeError for what is no number."""
        replay = Replay(self)
        replay.seek(self.index_at(time))
        return replay

    def index_at(self, time: int) -> int:
        """How many rows stand at or before `time` (ns). Raises TypeError for what is no number."""
        return bisect_right(self.time, _number(time))

    def first_at(self, time: int) -> int:
        """How many rows stand before `time` (ns). Raises TypeError for what is no number."""
        return bisect_left(self.time, _number(time))

    def table(self, kind: str) -> list[Row]:
        """All rows of one kind, by its name. Raises ValueError for a kind the family does not have."""
        number = self.kind_named(kind).id
        return [self.row(i) for i, k in enumerate(self.kind) if k == number]

    def kind_named(self, name: str) -> Kind:
        """The kind with this name. Raises ValueError, with the names there are."""
        for kind in self.family.kinds:
            if kind.name == name:
                return kind
        known = ", ".join(kind.name for kind in self.family.kinds)
        raise ValueError(f"no kind of row is called {name!r}; there are {known}")

    def value(self, table: str, number: int) -> str | int:
        """What a number in a column stands for: a name, or the number itself where the column holds one."""
        if table in ("", "ns", "number"):
            return number
        return self.name(table, number)

    def name(self, table: str, number: int) -> str:
        """The name behind a number of a column; a number without a name is shown as it is."""
        if number == NOBODY:
            return "idle" if table == "task" else "nobody"
        entries = self.family.states if table == "state" else self.names.get(table, ())
        if not 0 <= number < len(entries):
            return f"{table} {number}"
        return entries[number] or "(no name)"

    # -- words --------------------------------------------------------------------------------

    def sentence(self, i: int) -> str:
        """Row `i` in words."""
        row = self.row(i)
        kind = self.kinds[row.kind]
        return fill(kind.text, {column: self.value(getattr(kind, column), getattr(row, column)) for column in NAMED})

    def sentences(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """Rows in words, a line each, with the time in milliseconds in front."""
        for i in range(start, len(self) if stop is None else min(stop, len(self))):
            yield f"{self.time[i] / 1e6:12.6f} ms  {self.sentence(i)}"

    # -- keeping ------------------------------------------------------------------------------

    def plain(self) -> Trace:
        """The trace without the rows that an explanation added."""
        if self.explained is None:
            return self
        keep = [i for i, kind in enumerate(self.kind) if kind < EXPLAINED]
        columns = [array(code, (column[i] for i in keep)) for (_n, code), column in zip(COLUMNS, self._columns())]
        family = self.family._replace(
            kinds=tuple(kind for kind in self.family.kinds if kind.id < EXPLAINED),
            fields=tuple(field for field in self.family.fields if field.name in PLAIN_FIELDS_OF[self.family.name]),
        )
        names = {table: entries for table, entries in self.names.items() if table not in EXPLAINED_TABLES}
        notes = self.notes[: self.about.get("plain_notes", len(self.notes))]
        about = {key: value for key, value in self.about.items() if key != "plain_notes"}
        return Trace(family, columns, names, end=self.end, notes=notes, about=about, scenario=self.scenario)

    def digest(self) -> str:
        """SHA-256 of the rows, names and notes: equal runs have equal digests on every Python."""
        sha = hashlib.sha256()
        head = {"family": self.family.name, "end": self.end, "names": self.names, "notes": self.notes}
        sha.update(json.dumps(head, sort_keys=True, separators=(",", ":")).encode())
        for (name, _code), column in zip(COLUMNS, self._columns()):
            sha.update(name.encode())
            sha.update(little_endian(column))
        return sha.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The trace as plain data: what `save` writes and `from_json` reads."""
        return {
            "schedlab": SCHEMA,
            "family": self.family.name,
            "end": self.end,
            "about": self.about,
            "names": self.names,
            "kinds": {str(kind.id): kind.name for kind in self.family.kinds if kind.id < EXPLAINED},
            "columns": {name: column.tolist() for (name, _code), column in zip(COLUMNS, self._columns())},
            "notes": self.notes,
        }

    def save(self, path: str | Path) -> None:
        """Write the plain trace as JSON. Explanations are not kept: they are made again by re-running."""
        text = json.dumps(self.plain().to_json(), separators=(",", ":"), ensure_ascii=False)
        Path(path).write_bytes(text.encode())  # what cannot be encoded leaves an older file as it was

    @staticmethod
    def load(path: str | Path) -> Trace:
        """Read what `save` wrote. Raises TraceError, saying what is wrong; nothing half-read is returned."""
        if Path(path).exists() and not Path(path).is_file():
            raise TraceError(f"{path}: not a file")  # a directory, or a device that never ends
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except RecursionError:
            raise TraceError(f"{path}: not a saved trace: too many lists inside each other") from None
        except ValueError as error:  # no text, no JSON, a number of thousands of digits
            raise TraceError(f"{path}: not a saved trace: {error}") from None
        try:
            return Trace.from_json(data)
        except TraceError as error:
            raise TraceError(f"{path}: {error}") from None

    @staticmethod
    def from_json(data: Any) -> Trace:
        """A trace from plain data. Raises TraceError."""
        if not isinstance(data, dict) or data.get("schedlab") != SCHEMA:
            raise TraceError(f"not a saved trace: the key 'schedlab' is not {SCHEMA}")
        family = family_named(data.get("family"))
        columns = []
        for name, code in COLUMNS:
            try:
                columns.append(array(code, data["columns"][name]))
            except (KeyError, TypeError, OverflowError, ValueError) as error:
                raise TraceError(f"column {name!r}: {error}") from None
        lengths = {name: len(column) for (name, _code), column in zip(COLUMNS, columns)}
        if len(set(lengths.values())) != 1:
            raise TraceError(f"the columns differ in length: {lengths}")
        known = {kind.id for kind in family.kinds}
        for i, kind in enumerate(columns[1]):
            if kind not in known:
                raise TraceError(f"row {i}: the {family.name} family has no kind {kind}")
        times = columns[0]
        if times and times[0] < 0:
            raise TraceError(f"row 0: a time cannot be negative, and this is {times[0]} ns")
        for i in range(1, len(times)):
            if times[i] < times[i - 1]:
                raise TraceError(f"row {i}: time goes back, from {times[i - 1]} to {times[i]} ns")
        names, end = data.get("names"), data.get("end")
        if not isinstance(names, dict) or not all(isinstance(v, list) for v in names.values()):
            raise TraceError("'names' must map a table to a list of names")
        if not isinstance(end, int) or not (times[-1] if times else 0) <= end <= LAST_INSTANT:
            raise TraceError(f"'end' must be a time in ns not before the last row, not {end!r:.60}")
        notes, about = data.get("notes", []), data.get("about", {})
        if not isinstance(notes, list):
            raise TraceError(f"'notes' must be a list, not {notes!r:.60}")
        if not isinstance(about, dict):
            raise TraceError(f"'about' must map keys to values, not {about!r:.60}")
        assumptions = about.get("assumptions", [])
        if not isinstance(assumptions, list) or not all(isinstance(one, str) for one in assumptions):
            raise TraceError(f"'about.assumptions' must be a list of sentences, not {assumptions!r:.60}")
        tables = {table: [str(entry) for entry in entries] for table, entries in names.items()}
        check_names(family, columns, tables)
        return Trace(family, columns, tables, end=end, notes=notes, about=about)

    def _columns(self) -> tuple[array[int], ...]:
        return (self.time, self.kind, self.who, self.where, self.a, self.b)

    # -- asking again -------------------------------------------------------------------------

    def explain(self, start: int = 0, stop: int | None = None) -> Trace:
        """The same trace with the reasons of rows `start` to `stop`: made by running the scenario again.

        Raises ValueError for a recording (nothing can be run again) and for a run that does not repeat itself, and
        TypeError for a start or stop that is no number of a row.
        """
        for bound in (start, 0 if stop is None else stop):
            if not isinstance(bound, int):
                raise TypeError(f"explain(start, stop) takes whole numbers of rows, not {bound!r:.60}")
        if self.scenario is None:
            raise ValueError("this trace is a recording: there is no scenario to run again, so it has no explanation")
        from schedlab.explain import explain  # a run that is never explained never loads the watcher

        return explain(self, start, len(self) if stop is None else stop)


def _number(time: int) -> int:
    if not isinstance(time, (int, float)):
        raise TypeError(f"a time in a trace is a number of ns, such as 20_000_000, not {time!r:.60}")
    return time


def check_names(family: Family, columns: Sequence[array[int]], tables: Mapping[str, Sequence[str]]) -> None:
    """Every task, CPU and state that a row speaks of is in its table. Raises TraceError with the row."""
    sizes = {table: len(entries) for table, entries in tables.items()} | {"state": len(family.states)}
    spoken = {
        kind.id: [
            (columns[2 + n], getattr(kind, name), sizes.get(getattr(kind, name), 0))
            for n, name in enumerate(NAMED)
            if getattr(kind, name) not in ("", "ns", "number")
        ]
        for kind in family.kinds
    }
    for i, kind in enumerate(columns[1]):
        for column, table, size in spoken[kind]:
            if not NOBODY <= column[i] < size:
                raise TraceError(f"row {i}: there is no {table} {column[i]}, 'names' has {size}")


CHECKPOINT = 512  # rows between two kept states


class Replay:
    """A cursor in a trace with the state at that point, moving both ways.

    `index` is the number of rows applied; `state[field]` is a list by number of task or CPU.
    A step costs the row's own effects; `seek` starts from the nearest kept state.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.index = 0
        sizes = _field_sizes(trace)
        self.state: dict[str, list[int]] = {
            field.name: [field.start] * sizes[field.name] for field in trace.family.fields
        }
        column = {name: n for n, (name, _code) in enumerate(COLUMNS)}
        self._effects = {
            kind.id: tuple(
                (
                    self.state[effect.field],
                    column[effect.key],
                    effect.new + 7 if isinstance(effect.new, int) else column[effect.new],
                    effect.old + 7 if isinstance(effect.old, int) else column[effect.old],
                )
                for effect in kind.sets
            )
            for kind in trace.family.kinds
        }
        self._kept: dict[int, list[array[int]]] = {0: self._keep()}

    def forward(self) -> Row:
        """Apply the next row and return it. Raises IndexError at the end."""
        if self.index >= len(self.trace):
            raise IndexError("the replay stands at the end")
        row = self.trace.row(self.index)
        cells = row + SMALL_NUMBERS
        for field, key, new, _old in self._effects[row.kind]:
            if cells[key] >= 0:
                field[cells[key]] = cells[new]
        self.index += 1
        return row

    def back(self) -> Row:
        """Undo the last row and return it. Raises IndexError at the start."""
        if self.index <= 0:
            raise IndexError("the replay stands at the start")
        self.index -= 1
        row = self.trace.row(self.index)
        cells = row + SMALL_NUMBERS
        for field, key, _new, old in reversed(self._effects[row.kind]):
            if cells[key] >= 0:
                field[cells[key]] = cells[old]
        return row

    def seek(self, index: int) -> None:
        """Stand behind row `index - 1`. Raises IndexError outside 0..len(trace)."""
        if not 0 <= index <= len(self.trace):
            raise IndexError(f"row {index} is not in 0..{len(self.trace)}")
        if abs(index - self.index) > CHECKPOINT:
            self._jump(index)
        while self.index < index:
            self.forward()
        while self.index > index:
            self.back()

    def _jump(self, index: int) -> None:
        base = (index + CHECKPOINT // 2) // CHECKPOINT * CHECKPOINT
        if base > len(self.trace):
            base -= CHECKPOINT
        if base not in self._kept:
            self._keep_all()
        for field, kept in zip(self.state.values(), self._kept[base]):
            field[:] = kept.tolist()
        self.index = base

    def _keep_all(self) -> None:
        """Walk the whole trace once and keep a state every `CHECKPOINT` rows."""
        for field, kept in zip(self.state.values(), self._kept[0]):
            field[:] = kept.tolist()
        self.index = 0
        for index in range(len(self.trace)):
            if index % CHECKPOINT == 0:
                self._kept[index] = self._keep()
            self.forward()
        if len(self.trace) % CHECKPOINT == 0:
            self._kept[len(self.trace)] = self._keep()

    def _keep(self) -> list[array[int]]:
        return [array("q", field) for field in self.state.values()]


SMALL_NUMBERS = tuple(
    range(-1, 8)
)  # an effect's constants, appended to a row so that columns and constants index alike


def _field_sizes(trace: Trace) -> dict[str, int]:
    """How many cells each field needs: one more than the largest key any row uses."""
    column = {"who": trace.who, "where": trace.where, "a": trace.a, "b": trace.b}
    largest: dict[str, int] = {}
    for source in column:
        pairs = zip(trace.kind, column[source])
        for kind, number in set(pairs):
            for effect in trace.kinds[kind].sets:
                if effect.key == source and number > largest.get(effect.field, -1):
                    largest[effect.field] = number
    return {
        field.name: max(largest.get(field.name, -1) + 1, len(trace.names.get(field.of, ())))
        for field in trace.family.fields
    }


class Difference(NamedTuple):
    """The first row in which two traces differ: its number, and its time (ns) in each (None: that one has ended)."""

    row: int
    time_a: int | None
    time_b: int | None


def first_difference(a: Trace, b: Trace) -> Difference | None:
    """Where two futures part: the first row that is not the same in both, or None when they are equal.

    Explanations do not count.
    """
    a, b = a.plain(), b.plain()
    shared = min(len(a), len(b))
    row = shared
    low, high = 0, shared
    columns = list(zip(a._columns(), b._columns()))
    if any(x[:shared] != y[:shared] for x, y in columns):
        while low < high:  # the longest equal prefix, by halving
            middle = (low + high + 1) // 2
            if all(x[low:middle] == y[low:middle] for x, y in columns):
                low = middle
            else:
                high = middle - 1
        row = low
    elif len(a) == len(b):
        return None
    return Difference(row, a.time[row] if row < len(a) else None, b.time[row] if row < len(b) else None)


_FAMILIES: dict[str, Family] = {}
PLAIN_FIELDS_OF: dict[str, frozenset[str]] = {}
EXPLAINED_TABLES = frozenset({"judgement", "hook", "episode", "place", "field"})


def register(family: Family) -> Family:
    """Make a family known by its name, so that its saved traces can be read; return it."""
    _FAMILIES[family.name] = family
    PLAIN_FIELDS_OF[family.name] = frozenset(field.name for field in family.fields)
    return family


KINDS_MODULES = {"linux": "schedlab.linux.kinds", "design": "schedlab.design.kinds"}


def family_named(name: object) -> Family:
    """The family with this name. Raises TraceError, with the names there are."""
    if isinstance(name, str) and name not in _FAMILIES and name in KINDS_MODULES:
        __import__(KINDS_MODULES[name])
    if not isinstance(name, str) or name not in _FAMILIES:
        raise TraceError(f"no family is called {name!r}; there are {', '.join(sorted(KINDS_MODULES))}")
    return _FAMILIES[name]


def little_endian(column: array[int]) -> bytes:
    """The bytes of a column, least significant first on every machine."""
    if sys.byteorder == "little":
        return column.tobytes()
    swapped = array(column.typecode, column)
    swapped.byteswap()
    return swapped.tobytes()
