"""The CSV recordings of data/linux: one row an event, a JSON file beside it that says how it was made.

The columns are those of `COLUMNS`; data/README.md tells what they hold. Wake-ups are recorded of the workload's own
tasks only, in 2.4 and 2.6 of none: there the JSON file tells which tasks were runnable at the release (t_ns = 0).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schedlab.readers.rebuild import MOST_CPUS, Rebuild, state_named
from schedlab.readers.stream import lines_of, shown
from schedlab.trace import Trace, TraceError

COLUMNS = (
    "t_ns", "cpu", "event", "comm", "pid", "prio", "prev_state", "next_comm", "next_pid", "next_prio", "dest_cpu",
    "runtime_ns", "vruntime_ns", "deadline_ns", "slice_ns", "vlag_ns", "vref_ns", "weight", "nr", "extra",
)  # fmt: skip
MEASURED = {  # events that schedule nothing; a lesson reads them with `rows`
    "pick", "enq", "stat_runtime", "throttle", "unthrottle", "balance", "balance_done", "prio_sample",
}  # fmt: skip


def is_recording(head: bytes) -> bool:
    """Does the file begin with our columns?"""
    return head.startswith(b"t_ns,cpu,event,")


def rows(path: str | Path) -> Iterator[dict[str, str]]:
    """Every row of a recording as a mapping, with its line number under "line". Raises TraceError with the line."""
    for number, line in enumerate(lines_of(Path(path)), 1):
        if not line.endswith(b"\n"):
            raise TraceError(f"line {number}: the file is cut off: it ends within this line")
        try:
            cells = next(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise TraceError(f"line {number}: {error}") from None
        if number == 1:
            if tuple(cells) != COLUMNS:
                raise TraceError(f"line 1: the columns must be {','.join(COLUMNS)}")
            continue
        if len(cells) != len(COLUMNS):
            raise TraceError(f"line {number}: {len(cells)} cells, not {len(COLUMNS)}")
        yield {**dict(zip(COLUMNS, cells)), "line": str(number)}


def description(path: str | Path) -> dict[str, Any]:
    """The JSON file beside a recording; empty if there is none. Raises TraceError."""
    path = Path(path)
    beside = path.with_name(path.name.removesuffix(".gz").removesuffix(".csv") + ".json")
    if beside == path or not beside.is_file():
        return {}
    try:
        told = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TraceError(f"{shown(beside.name)}, which stands beside it: {error}") from None
    if not isinstance(told, dict):
        raise TraceError(f"{shown(beside.name)}, which stands beside it: not a mapping")
    return told


def read_recording(path: Path) -> Trace:
    """The trace in a recording. Raises TraceError with the line; then nothing is loaded."""
    told = description(path)
    given = list(rows(path))
    if isinstance(told.get("events"), int) and len(given) < told["events"]:
        raise TraceError(f"line {len(given) + 1}: the file is cut off: {told['events']:,} events were recorded")
    tasks = told.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise TraceError("what stands beside it: 'tasks' is no list of tasks")
    runnable = {task["pid"] for task in tasks if isinstance(task.get("pid"), int)}
    runnable |= {number(row, "pid") for row in given if row["event"] in ("wakeup", "wakeup_new")}
    rebuild = Rebuild(lambda pid: pid in runnable)
    marks: list[list[Any]] = []
    last = 0
    for row in given:
        line = rebuild.line = int(row["line"])
        now = number(row, "t_ns")
        if now < last:
            raise TraceError(f"line {line}: time goes back, from {last} to {now} ns")
        last = now
        if row["event"] == "mark":
            marks.append([now, row["extra"]])
        elif row["event"] not in MEASURED:
            apply(rebuild, now, row)
    about: dict[str, Any] = {
        "title": " ".join(str(told[key]) for key in ("kernel", "workload") if key in told) or path.name,
        "from": f"recorded: {origin(told)}" if told else f"recorded: {path.name}",
        "marks": marks,
    }
    if rebuild.gap_count:
        raise TraceError(
            f"line {rebuild.gaps[0]['line']}: the CPU leaves another task than the one it had picked; a row is missing"
        )
    cpus = told.get("ncpu", 0)
    return rebuild.trace(last, about, cpus=cpus if isinstance(cpus, int) and 0 <= cpus <= MOST_CPUS else 0)


def origin(told: dict[str, Any]) -> str:
    """Which kernel ran which workload, and how it was watched."""
    kernel = f"Linux {told.get('kernel', '(unknown)')} ({told.get('scheduler') or told.get('package') or 'no package'})"
    method = [str(told["trace_method"])] if told.get("trace_method") else []
    return "; ".join([kernel, f"workload {told.get('workload', '(unknown)')}", *method])


def apply(rebuild: Rebuild, now: int, row: dict[str, str]) -> None:
    """One row that schedules."""
    event, cpu = row["event"], number(row, "cpu")
    pid, comm = number(row, "pid"), row["comm"].encode()
    prio = number(row, "prio") if row["prio"] else None
    if cpu not in rebuild.first_seen and event == "switch":
        rebuild.seen(cpu, pid, comm)
    if event == "switch":
        state = state_named(row["prev_state"].encode())
        if state is None:
            raise TraceError(f"line {row['line']}: {shown(row['prev_state'])} is no state of a task (prev_state)")
        next_prio = number(row, "next_prio") if row["next_prio"] else None
        rebuild.switch(now, cpu, pid, comm, prio, state, number(row, "next_pid"), row["next_comm"].encode(), next_prio)
    elif event in ("wakeup", "wakeup_new"):
        by = row["extra"].removeprefix("by=")
        waker = int(by) if is_number(by) else 0
        rebuild.wake(now, number(row, "dest_cpu"), pid, comm, prio, waker, event == "wakeup_new")
    elif event == "fork":
        rebuild.fork(now, cpu, 0, b"", pid, comm)
    elif event == "exit":
        rebuild.exit(now, cpu, pid, comm, prio)
    elif event == "migrate":
        orig = next((word[9:] for word in row["extra"].split() if word.startswith("orig_cpu=")), "")
        if not is_number(orig):
            raise TraceError(f"line {row['line']}: migrate without orig_cpu in extra")
        rebuild.migrate(now, pid, comm, prio, int(orig), number(row, "dest_cpu"))
    else:
        raise TraceError(f"line {row['line']}: {shown(event)} is no event of a recording")


def is_number(text: str) -> bool:
    """Plain digits, and not so many that it could not be a number of a CPU or a process."""
    return text.isascii() and text.isdigit() and len(text) < 19


def number(row: dict[str, str], column: str) -> int:
    """A cell as a whole number. Raises TraceError with line and column."""
    try:
        value = int(row[column])
    except ValueError:
        raise TraceError(
            f"line {row['line']}: {column} must be a whole number, not {shown(row[column]) or 'empty'}"
        ) from None
    if column != "prio" and column != "next_prio" and not 0 <= value < 1 << 62:
        raise TraceError(f"line {row['line']}: {column} is {value}")
    return value
