r"""Scheduler events as text: `trace-cmd report`, `perf script`, raw ftrace.

One event, one line:

    ftrace, trace-cmd   "            comm-PID     (TGID) [CPU] flags  SECONDS.FRACTION: event: fields"
    ftrace, latency     "    comm-PID   CPUflags   MICROSECONDSus : event: fields"
    perf                "            comm   TID [CPU] SECONDS.FRACTION: sched:event: fields"

A task may call itself anything of up to 15 bytes, "a-1 [0] 1.0: b:" or " ==> next_comm=" too, and kernels print it as
it is. So nothing is looked for by its words alone: the first name ends at a fixed column (the field is 16 bytes wide,
8 in the latency form), and the fields of an event are matched as a whole up to the end of the line, longer than any
name. In `a:1 [120] S ==> b:2 [120]`, as libtraceevent's plugin prints a switch, even that leaves two readings for a
few names; then the pid in the line's head decides. A name may hold a line break: a line that is no event is tried
together with the next ones before it is refused.

Forms: kernel/trace/trace_output.c and include/trace/events/sched.h of Linux; Documentation/trace/ftrace.rst;
plugin_sched_switch.c of libtraceevent; trace-output.c of trace-cmd; tools/perf/builtin-script.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schedlab.readers.rebuild import MOST_CPUS, Rebuild, state_named
from schedlab.readers.stream import lines_of, shown, text
from schedlab.trace import Trace, TraceError

LONGEST_NAME = 15  # bytes: TASK_COMM_LEN - 1
LATEST = 1 << 62  # ns, 146 years
MOST_MARKS = 1000  # texts written into the trace by programs
KNOWN_LINES = 400  # lines looked at to recognise a form

Handler = Callable[["Reader", int, int, int, bytes | None, bytes], None]


class Malformed(TraceError):
    """An event whose fields cannot be read, unless they go on in the next line."""


class Dialect(NamedTuple):
    """One way to print an event: a pattern with the groups pid, cpu, flags, seconds, fraction, event, fields."""

    name: str
    event: re.Pattern[bytes]


def pattern(text: bytes) -> re.Pattern[bytes]:
    return re.compile(text, re.DOTALL)


EVENT = rb"(?:([\w./-]+):(?=\s|$)[ \t]*)?(.*)"  # the function tracer prints no event's name
FTRACE = Dialect(
    "ftrace",
    pattern(
        rb"(?:.{16}|[ \t]*.{0,15}?)-(\d+)[ \t]+(?:\([ \d-]+\)[ \t]+)?\[(\d+)\][ \t]+"
        rb"(?:([^\s:]{3,10})[ \t]+)?(\d+)\.(\d{1,9}):[ \t]+" + EVENT
    ),
)
LATENCY = Dialect(
    "ftrace",
    pattern(rb"(?:.{8}|[ \t]*.{0,15}?)-(\d+)[ \t]+(\d+)([^\s\d]\S{2,6})[ \t]+()(\d+)us[^\w\s]?[ \t]*:[ \t]+" + EVENT),
)
PERF = Dialect(
    "perf",
    pattern(
        rb"(?:.{16}|[ \t]*.{0,15}?)[ \t]+(?:-?\d+/)?(-?\d+)[ \t]+\[(\d+)\][ \t]+"
        rb"(?:([^\s:]{3,10})[ \t]+)?(\d+)\.(\d{1,9}):[ \t]+(?:\d+[ \t]+)?(?:\w+:(?=\w))?" + EVENT
    ),
)
HEAD_NAME = {
    "ftrace": pattern(rb"(.{16}|[ \t]*.{0,15}?)-\d+[ \t]"),
    "perf": pattern(rb"(.{16}|[ \t]*.{0,15}?)[ \t]+-?\d+[/ ]"),
}

# What stands between the events and is none.
LOST = re.compile(rb"CPU:(\d+) \[(?:LOST )?(\d*) ?(?:LOST )?EVENTS(?: DROPPED)?\]")
STARTED = re.compile(rb"##### CPU (\d+) buffer started ####")
ENTRIES = re.compile(rb"# entries-in-buffer/entries-written: (\d+)/(\d+)\s+#P:(\d+)")
CPUS = re.compile(rb"cpus=(\d+)\s*$")
BETWEEN = re.compile(
    rb"\s*$|#|version = |trace-cmd version|CPU \d+ is empty| +=> |\s*<stack|\s+[0-9a-f]{4,16} .+|.*\(deleted\)\s*$"
)
HOLDS_LINES = {b"print", b"bprint", b"bputs", b"tracing_mark_write", b"raw_data"}  # their text may have line breaks
PERF_NO_CPU = re.compile(rb"[ \t]*.{0,16}?[ \t]+(?:\d+/)?\d+[ \t]+\d+\.\d{6,9}:[ \t]+(?:\w+:)?sched_\w+:", re.DOTALL)
WHOLE_CLOCK = re.compile(
    rb".{0,40}-\d+[ \t]+(?:\([ \d-]+\)[ \t]+)?\[\d+\][ \t]+(?:[^\s:]{3,10}[ \t]+)?\d+:[ \t]", re.DOTALL
)

# A last line without a line break counts only if nothing can be missing from it.
SURELY_WHOLE = re.compile(rb"(?: next_prio=1\d\d| target_cpu=\d{3}| CPU:\d{3}| ==> .*\[1\d\d\])$", re.DOTALL)

# Fields. NAME is greedy: what follows is matched against the end of the line, and is longer than a name can be. Names
# have at most 15 bytes (TASK_COMM_LEN); the bound keeps a line without end from being searched for ever.
NAME = rb"(.{0,63})"
SWITCH = pattern(
    rb"prev_comm=" + NAME + rb" prev_pid=(\d+) prev_prio=(-?\d+) prev_state=(\S+) (?:==> )?"
    rb"next_comm=" + NAME + rb" next_pid=(\d+) next_prio=(-?\d+)(?: \w+=\S+)*$"
)
WAKE = pattern(rb"comm=" + NAME + rb" pid=(\d+) prio=(-?\d+)(?: success=\d+)? target_cpu=(\d+)(?: \w+=\S+)*$")
MIGRATE = pattern(rb"comm=" + NAME + rb" pid=(\d+) prio=(-?\d+) orig_cpu=(\d+) dest_cpu=(\d+)(?: \w+=\S+)*$")
FORK = pattern(rb"(?:parent_)?comm=" + NAME + rb" (?:parent_)?pid=(\d+) child_comm=" + NAME + rb" child_pid=(\d+)$")
EXIT = pattern(rb"comm=" + NAME + rb" pid=(\d+) prio=(-?\d+)(?: \w+=\S+)*$")
PLUGIN_SWITCHES = tuple(
    pattern(name + rb":(\d+) \[(-?\d+)\] (\S+) ==> " + name + rb":(\d+) \[(-?\d+)\]$")
    for name in (rb"(.{0,15})", rb"(.{0,15}?)", rb"(.*)")
)
PLUGIN_WAKE = pattern(rb"(.*):(\d+) \[(-?\d+)\](?: success=\d+|<CANT FIND FIELD \w+>)*(?: CPU:(\d+))?$")


def dialect_of(head: bytes) -> Dialect | None:
    """The dialect in which most of the first lines are events, None if hardly any line is."""
    lines = [line for line in head.splitlines()[:KNOWN_LINES] if not BETWEEN.match(line)]
    counts = {dialect: sum(1 for line in lines if dialect.event.match(line)) for dialect in (FTRACE, PERF, LATENCY)}
    best = max(counts, key=lambda dialect: counts[dialect])
    if counts[best]:
        return best
    for line in lines[:20]:
        if PERF_NO_CPU.match(line):
            raise TraceError("there is no CPU in these events: record with `perf sched record` or `perf record -a`")
        if WHOLE_CLOCK.match(line):
            raise TraceError(
                "the times are counts, not seconds (trace_clock counter or x86-tsc): "
                "record with trace_clock local, global, mono or boot"
            )
    if any(ENTRIES.match(line) or line.startswith(b"# tracer: ") for line in head.splitlines()[:20]) and not lines:
        return FTRACE
    return None


def read_text(path: Path, dialect: Dialect, head: bytes) -> Trace:
    """The trace in a text file. Raises TraceError with the line; then nothing is loaded."""
    reader = Reader(dialect, head)
    try:
        reader.read(lines_of(path))
    except TraceError:
        raise
    except (ValueError, OverflowError) as error:
        raise TraceError(f"line {reader.number}: {error}") from None
    return reader.trace(path)


class Reader:
    """Reads one file, line by line."""

    def __init__(self, dialect: Dialect, head: bytes) -> None:
        self.dialect = dialect
        self.match = dialect.event.match
        wakes = b"sched_wakeup" in head
        self.waking_counts = not wakes and b"sched_waking" in head
        recorded = wakes or self.waking_counts
        self.rebuild = Rebuild(lambda pid: recorded)
        self.number = 0  # of the line at hand
        self.start: int | None = None  # ns of the kernel's clock: the first event
        self.last = 0  # ns of the kernel's clock
        self.events = 0
        self.other: dict[bytes | None, int] = {}  # events that do not schedule
        self.marks: list[list[Any]] = []
        self.last_event: bytes | None = None
        self.promised: int | None = None  # events that the header says there are
        self.overwritten = 0  # events before the first that the kernel's ring buffer no longer holds
        self.cpus = 0
        self.following = b""  # the last line that was taken to go on with another

    def read(self, lines: Iterator[bytes]) -> None:
        """Every line to its handler."""
        match, seen, rebuild, handlers = self.match, self.rebuild.first_seen, self.rebuild, HANDLERS
        start = last = -1
        for line in lines:
            self.number += 1
            found = match(line)
            if found is None:
                found = self.between(line, lines)
                if found is None:
                    continue
            elif line[-1:] != b"\n" and not SURELY_WHOLE.search(line.rstrip()):
                raise self.cut_off("it ends within this line")
            pid, cpu, flags, seconds, fraction, event, fields = found.groups()
            now = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0")) if seconds else int(fraction) * 1000
            if now < last:
                raise TraceError(f"line {self.number}: time goes back, from {clock(last)} to {clock(now)} s")
            if start < 0:
                self.check_time(now)
                self.start = start = now
            last = now
            number = int(cpu)
            rebuild.line = self.number
            if number not in seen:
                rebuild.seen(number, max(0, int(pid)), self.head_name(line))
            self.events += 1
            self.last_event = event
            handler = handlers.get(event)
            if handler is not None:
                try:
                    handler(self, now - start, number, int(pid), flags, fields.rstrip())
                except Malformed as error:
                    whole = self.with_next_lines(line, lines)
                    if whole is None:
                        raise error from None
                    handler(self, now - start, number, int(pid), flags, whole[7].rstrip())
            else:
                self.other[event] = self.other.get(event, 0) + 1
                if event in HOLDS_LINES:
                    self.mark(now - start, fields.rstrip())
        self.last = max(last, 0)
        self.check_time(self.last)
        if self.promised is not None and self.events < self.promised:
            raise self.cut_off(
                f"the header promises {self.promised:,} events and there are {self.events:,}; "
                "if you left some out, take out the line '# entries-in-buffer' too"
            )
        if not self.events:
            raise TraceError(f"line {self.number}: the file holds no event")

    def cut_off(self, why: str) -> TraceError:
        """The error for a file that is not all there."""
        return TraceError(f"line {self.number}: the file is cut off: {why}")

    def check_time(self, now: int) -> None:
        """A clock can show years, not centuries."""
        if now > LATEST:
            raise TraceError(f"line {self.number}: {clock(now)} s is no time that a kernel's clock shows")

    def head_name(self, line: bytes) -> bytes:
        """The name in a line's head."""
        found = HEAD_NAME[self.dialect.name].match(line)
        return found[1].strip() if found else b""

    # -- lines that are no event ----------------------------------------------------------------------

    def between(self, line: bytes, lines: Iterator[bytes]) -> re.Match[bytes] | None:
        """A marker or comment, or an event with a line break in a name (which is returned)."""
        if lost := LOST.match(line):
            now = 0 if self.start is None else self.last_time()
            self.rebuild.line = self.number
            self.rebuild.losing(now, int(lost[1]), int(lost[2]) if lost[2] else None)
            return None
        if started := STARTED.match(line):
            self.rebuild.after_loss.add(int(started[1]))
            return None
        if BETWEEN.match(line):
            if line[-1:] != b"\n":
                raise self.cut_off("it ends within this line")
            if entries := ENTRIES.match(line):
                self.promised, self.cpus = int(entries[1]), int(entries[3])
                self.overwritten = int(entries[2]) - self.promised
            return None
        if cpus := CPUS.match(line):
            self.cpus = int(cpus[1])
            return None
        return self.joined(line, lines)

    def last_time(self) -> int:
        """ns since the beginning of the last row."""
        times = self.rebuild.record.columns[0]
        return times[-1] if times else 0

    def joined(self, line: bytes, lines: Iterator[bytes]) -> re.Match[bytes] | None:
        """A line that is no event: the beginning of one, more of a text that a program wrote, or an error."""
        first = self.number
        found = self.with_next_lines(line, lines)
        if found is not None:
            return found
        if self.last_event in HOLDS_LINES and (found := self.match(self.following)):
            return found
        if not line.endswith(b"\n"):
            raise self.cut_off("it ends within this line")
        raise TraceError(f"line {first}: this is no event: {shown(line.rstrip())}")

    def with_next_lines(self, line: bytes, lines: Iterator[bytes]) -> re.Match[bytes] | None:
        """This line and the next ones, if they make one event with a line break in a name.

        If not, the last line that was taken stays in `following`.
        """
        self.following = b""
        for _ in range(LONGEST_NAME):
            self.following = next(lines, b"")
            if not self.following:
                return None
            self.number += 1
            line += self.following
            found = self.match(line)
            if found and len(self.head_name(line)) <= LONGEST_NAME:
                if fields_fit(found[6], found[7].rstrip()):
                    return found
            elif self.match(self.following):
                return None
        return None

    # -- events ---------------------------------------------------------------------------------------

    def malformed(self, event: str, fields: bytes) -> Malformed:
        """The error for an event whose fields cannot be read."""
        return Malformed(f"line {self.number}: {event} with fields that cannot be read: {shown(fields)}")

    def switch(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_switch."""
        found = SWITCH.match(fields) or plugin_switch(fields, pid)
        if found is None:
            raise self.malformed("sched_switch", fields)
        prev_comm, prev_pid, prev_prio, word, next_comm, next_pid, next_prio = found.groups()
        state = state_named(word)
        if state is None:
            raise TraceError(f"line {self.number}: {shown(word)} is no state of a task (prev_state)")
        self.rebuild.switch(
            now, cpu, int(prev_pid), prev_comm, int(prev_prio), state, int(next_pid), next_comm, int(next_prio)
        )

    def wakeup(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes, new: bool = False) -> None:
        """sched_wakeup: in an interrupt nobody is the waker, else the task that runs."""
        found = WAKE.match(fields) or PLUGIN_WAKE.match(fields)
        if found is None:
            raise self.malformed("sched_wakeup", fields)
        comm, woken, prio, target = found.groups()
        waker = 0 if flags is not None and (b"h" in flags or b"H" in flags or b"s" in flags) else max(0, pid)
        self.rebuild.wake(now, cpu if target is None else int(target), int(woken), comm, int(prio), waker, new)

    def wakeup_new(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_wakeup_new: the first wake-up of a new task."""
        self.wakeup(now, cpu, pid, flags, fields, new=True)

    def waking(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_waking stands just before a sched_wakeup; it counts only where those are not recorded."""
        if self.waking_counts:
            self.wakeup(now, cpu, pid, flags, fields)

    def migrate(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_migrate_task."""
        found = MIGRATE.match(fields)
        if found is None:
            raise self.malformed("sched_migrate_task", fields)
        comm, moved, prio, orig, dest = found.groups()
        self.rebuild.migrate(now, int(moved), comm, int(prio), int(orig), int(dest))

    def fork(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_process_fork."""
        found = FORK.match(fields)
        if found is None:
            raise self.malformed("sched_process_fork", fields)
        self.rebuild.fork(now, cpu, int(found[2]), found[1], int(found[4]), found[3])

    def exit(self, now: int, cpu: int, pid: int, flags: bytes | None, fields: bytes) -> None:
        """sched_process_exit."""
        found = EXIT.match(fields)
        if found is None:
            raise self.malformed("sched_process_exit", fields)
        self.rebuild.exit(now, cpu, int(found[2]), found[1], int(found[3]))

    def mark(self, now: int, fields: bytes) -> None:
        """A text that a program wrote into the trace."""
        if len(self.marks) < MOST_MARKS:
            self.marks.append([now, text(fields.split(b"buf=", 1)[-1])])

    # -- the result -----------------------------------------------------------------------------------

    def trace(self, path: Path) -> Trace:
        """What was read."""
        start = self.start or 0
        form = {"ftrace": "text of ftrace", "perf": "text of perf script"}[self.dialect.name]
        about: dict[str, Any] = {
            "title": path.name,
            "from": f"recorded: {form}, {self.events:,} events from {clock(start)} s of the kernel's clock",
        }
        if self.marks:
            about["marks"] = self.marks
        if self.other:
            about["other_events"] = {text(name or b"(none)"): count for name, count in sorted(
                self.other.items(), key=lambda entry: entry[0] or b"")}  # fmt: skip
        told = [f"{self.overwritten:,} older events had been overwritten."] if self.overwritten > 0 else []
        return self.rebuild.trace(self.last - start, about, told, cpus=min(self.cpus, MOST_CPUS))


def plugin_switch(fields: bytes, pid: int) -> re.Match[bytes] | None:
    """A switch as the plugin prints it; of two readings, the one that leaves the task in the line's head."""
    readings = [found for form in PLUGIN_SWITCHES if (found := form.match(fields))]
    return next((found for found in readings if int(found[2]) == pid), readings[0] if readings else None)


def fields_fit(event: bytes | None, fields: bytes) -> bool:
    """Could these be the fields of this event? Only asked where lines were joined."""
    if event == b"sched_switch":
        return bool(SWITCH.match(fields)) or plugin_switch(fields, 0) is not None
    forms = {b"sched_migrate_task": MIGRATE, b"sched_process_fork": FORK, b"sched_process_exit": EXIT}
    if event in forms:
        return bool(forms[event].match(fields))
    if event in HANDLERS:
        return bool(WAKE.match(fields) or PLUGIN_WAKE.match(fields))
    return True


def clock(ns: int) -> str:
    """A time of the kernel's clock, in seconds, as it prints them."""
    return f"{ns // 1_000_000_000}.{ns % 1_000_000_000:09d}"


HANDLERS: dict[bytes | None, Handler] = {
    b"sched_switch": Reader.switch,
    b"sched_wakeup": Reader.wakeup,
    b"sched_wakeup_new": Reader.wakeup_new,
    b"sched_waking": Reader.waking,
    b"sched_migrate_task": Reader.migrate,
    b"sched_process_fork": Reader.fork,
    b"sched_process_exit": Reader.exit,
}
