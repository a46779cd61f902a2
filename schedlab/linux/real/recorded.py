"""What was recorded of a real kernel: the workload, every turn of a task, and the totals.

A recording is a JSON file with the tasks and the totals, and beside it a `.csv.gz` file of events:
every switch, and, from Linux 5.10 on, what the kernel's own tracepoints and probes saw besides.
Times are ns since the release of the workload, unless said otherwise.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from schedlab.linux.kinds import LINUX, READY, SLEEPING, ZOMBIE
from schedlab.linux.machine import Machine
from schedlab.linux.task import (
    SCHED_BATCH,
    SCHED_DEADLINE,
    SCHED_FIFO,
    SCHED_IDLE,
    SCHED_NORMAL,
    SCHED_RR,
)
from schedlab.sim import MS, US, S
from schedlab.trace import NOBODY, Recorder

SWITCHES = {kind.id for kind in LINUX.kinds if kind.name in ("switch", "resume", "rest")}
LEFT = {READY: "R", SLEEPING: "S", ZOMBIE: "X"}  # how a turn ended, by the state it left its task in
CLASSES = {
    "SCHED_OTHER": SCHED_NORMAL,
    "SCHED_FIFO": SCHED_FIFO,
    "SCHED_RR": SCHED_RR,
    "SCHED_BATCH": SCHED_BATCH,
    "SCHED_IDLE": SCHED_IDLE,
    "SCHED_DEADLINE": SCHED_DEADLINE,
}
KINDS = (
    "hog", "late_hog", "interactive", "burst", "yield", "run_sleep", "dl_job_yield", "ping", "pong",
)  # fmt: skip
OLD = ((2, 4), (2, 6))  # kernels that were recorded by what the tasks themselves noticed
FIRST_EEVDF = (6, 6)  # version
SINCE_FTRACE = (5, 10)  # the first kernel that was recorded by its own tracepoints
IDLE_IS_1 = (6, 12)  # the first recorded kernel that numbers the reasons to look around: busy, idle, newly idle
NEWLY_IDLE = "2"
UNSEEN_NS = 12 * US  # an old recording does not notice a task that ran for less than this inside another's time
UPDATE_NS = 25 * US  # schedule() has charged who ran not longer than this before the switch is written
INTERRUPTION_NS = 1 * MS  # kernel threads take less
TO_SWITCH_NS = 5 * US  # from there to the switch, where no event tells
TO_PROGRAM_NS = 1_200  # and from the switch until the task is in its program


class RecordingError(ValueError):
    """A recording that cannot be read; says which file, where and why."""


class Unmodelled(Exception):
    """A recording of a kernel, or of a kind of workload, of which there is no model yet."""


class Job(NamedTuple):
    """One task of a workload: what it does, and what the kernel measured of it (times in ns)."""

    name: str
    kind: str
    policy: int
    nice: int
    rt_priority: int
    run: int
    sleep: int
    delay: int
    cpu: int
    switches: int
    longest_wait: int
    slice: int = 0  # asked for by sched_setattr, 0 for the default
    dl_runtime: int = 0
    dl_period: int = 0
    group: str = ""  # cgroup, "" for the root


class Stretch(NamedTuple):
    """An uninterrupted turn of one task on the CPU, in ns since the release. `left` is R, S or X: how it ended."""

    task: str
    start: int
    end: int
    left: str


class Placed(NamedTuple):
    """A task as its first pick found it; on CFS only `vruntime` is meant. `average` is min_vruntime or V."""

    time: int
    vruntime: int
    deadline: int
    slice: int
    average: int


class Picked(NamedTuple):
    """A pick, and the number that it was made by: on CFS the task's vruntime, on EEVDF its deadline."""

    time: int
    task: str
    compared: int


@dataclass(frozen=True)
class Recording:
    """What was recorded: the set-up, every turn of a task, and when /proc was read."""

    path: Path
    workload: str
    kernel: str
    scheduler: str
    hz: int
    window: int
    jobs: tuple[Job, ...]
    stretches: tuple[Stretch, ...]
    samples: tuple[tuple[int, int], ...]  # (begin, ns it took)

    @property
    def tick(self) -> int:
        """ns between two ticks."""
        return S // self.hz

    @property
    def has_barrier(self) -> bool:
        """Bursts run as soon as they are forked; all other workloads wait until the parent lets them go."""
        return any(job.kind != "burst" for job in self.jobs)


@dataclass(frozen=True)
class Traced(Recording):
    """A recording by the kernel's own tracepoints, which tell more."""

    release_clock: int = 0  # CLOCK_MONOTONIC at the release
    tunables: Mapping[str, str] | None = None  # of the scheduler, by the last part of their path
    woken: Mapping[str, int] | None = None  # when each task first woke
    wakes: tuple[tuple[int, str], ...] = ()  # every wake-up of a task of the workload: when, who
    placed: Mapping[str, Placed] | None = None
    picks: tuple[Picked, ...] = ()
    forks: tuple[int, ...] = ()  # CPU time of the parent before each fork, without a barrier
    refilled: int | None = None  # when a group with a quota could go on for the first time
    waiting: tuple[tuple[int, int], ...] = ()  # when other tasks stood in the queue before they had it
    foreign: tuple[tuple[int, int], ...] = ()  # when tasks that are no part of the workload had the CPU

    @property
    def has_barrier(self) -> bool:
        """Tasks were forked before the release, and woken by it."""
        return not self.forks


class Home(NamedTuple):
    """When and on which CPU a task was first made ready, and whether by a fork."""

    time: int
    cpu: int
    forked: bool


class Look(NamedTuple):
    """A CPU looks around for work: when, with which interval (ms), and whether it was idle."""

    time: int
    interval: int
    idle: bool


@dataclass(frozen=True)
class Spread(Recording):
    """A recording on several CPUs, by the kernel's own tracepoints."""

    cpus: int = 2
    release_clock: int = 0  # CLOCK_MONOTONIC at the release
    tunables: Mapping[str, str] | None = None  # of the scheduler, by the last part of their path
    homes: Mapping[str, Home] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()  # tasks that may use CPU 0 only, until they are unpinned
    unpinned: int | None = None
    looks: Mapping[int, Look] = field(default_factory=dict)  # the first of each CPU before anything may move
    foreign: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)  # of each CPU
    migrations: int = 0  # of tasks of the workload
    first_pull: int | None = None  # when a CPU first got work by looking around


# -- reading ----------------------------------------------------------------------------------------


def version_of(kernel: str) -> tuple[int, ...]:
    """The numbers at the beginning of a kernel's version."""
    numbers = []
    for part in kernel.replace("-", ".").replace("+", ".").split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def read_recording(path: str | Path) -> Recording:
    """Read `NAME.json` and `NAME.csv.gz` beside it.

    Raises RecordingError, with the file and the line, and Unmodelled where there is no model of the kernel.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordingError(f"{path}: {error}") from None
    try:
        version, scheduler = str(data["kernel"]), str(data.get("scheduler", ""))
        if version_of(version) < SINCE_FTRACE and version_of(version)[:2] not in OLD:
            raise Unmodelled(f"no model of the recordings of {version} yet")
        many = int(data["ncpu"]) > 1
        if many and version_of(version) < SINCE_FTRACE:
            raise Unmodelled(f"no model of the recordings of {version} on {data['ncpu']} CPUs")
        jobs = tuple(read_job(entry) for entry in data["tasks"])
        if len({job.name for job in jobs}) < len(jobs):
            raise RecordingError(f"{path}: two tasks have the same name")
        window, known = int(data["window_ns"]), {job.name for job in jobs}
        rows = list(read_rows(path.with_suffix(".csv.gz")))
        head: dict[str, Any] = {
            "path": path,
            "workload": str(data["workload"]),
            "kernel": version,
            "scheduler": scheduler,
            "hz": int(data["hz"]),
            "window": window,
            "jobs": jobs,
        }
        if version_of(version) < SINCE_FTRACE:
            stretches, samples = read_turns(rows, known, window)
            return Recording(**head, stretches=stretches, samples=samples)
        if many:
            return read_spread(head, rows, known, data)
        return read_traced(head, rows, known, data)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, RecordingError):
            raise
        what = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise RecordingError(f"{path}: not the set-up of a recorded workload: {what}") from None


def read_job(entry: Mapping[str, Any]) -> Job:
    """One task of the JSON file. Raises KeyError or TypeError where something is missing."""
    kind = str(entry["kind"])
    if kind not in KINDS:
        kind = str(entry["comm"])  # the program calls the tasks that yield and those on pipes by what they do
    if kind not in KINDS:
        raise Unmodelled(f"no workload of kind {entry['kind']!r} yet")
    if entry["policy"] not in CLASSES:
        raise Unmodelled(f"no model of {entry['policy']} yet")
    group = str(entry.get("cgroup", "-"))
    return Job(
        str(entry["comm"]),
        kind,
        CLASSES[entry["policy"]],
        int(entry["nice"]),
        int(entry["rtprio"]),
        int(entry["run_us"]) * US,
        int(entry["sleep_us"]) * US,
        int(entry["delay_ms"]) * MS,
        int(entry["cpu_ns"]),
        int(entry["switches_in"]),
        int(entry["longest_wait_ns"]),
        int(entry.get("custom_slice_us", 0)) * US,
        int(entry.get("dl_runtime_ms", 0)) * MS,
        int(entry.get("dl_period_ms", 0)) * MS,
        "" if group == "-" else group,
    )


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The events of the CSV file. Raises RecordingError."""
    since = "0"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                since = row["t_ns"]
                int(since)
                if None in row.values():
                    raise ValueError("a line that was cut off")
                yield row
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path}: after {since} ns: {error!r}") from None


def read_turns(
    rows: Iterable[Mapping[str, str]], known: set[str], window: int
) -> tuple[tuple[Stretch, ...], tuple[tuple[int, int], ...]]:
    """The turns of the workload's tasks, and when /proc was read, from the switches of an old recording."""
    turns: list[Stretch] = []
    samples: list[tuple[int, int]] = []
    on_cpu, since, sampled = "", 0, False
    for row in rows:
        if row["event"] == "prio_sample":
            sampled = True
        if row["event"] != "switch":
            continue
        now = int(row["t_ns"])
        if on_cpu in known:
            turns.append(Stretch(on_cpu, since, now, row["prev_state"]))
        elif sampled:
            samples.append((since, now - since))
        on_cpu, since, sampled = row["next_comm"], now, False
    if on_cpu in known:
        turns.append(Stretch(on_cpu, since, window, "R"))
    return joined(mended(turns)), tuple(samples)


def mended(turns: Iterable[Stretch]) -> Iterator[Stretch]:
    """Give a task the rest of a turn that an old recorder cut at a visit too short for it to notice.

    When B comes and sleeps again inside A's time, A's log shows one turn and B's shows a moment in the middle of it.
    The merged list ends A at that moment and leaves the CPU to nobody until the next switch, though A can run.
    """
    before: Stretch | None = None
    visit: Stretch | None = None
    for turn in turns:
        if before and visit and before.left == "R" and visit.left != "R":
            if visit.end - visit.start < UNSEEN_NS < turn.start - visit.end:
                yield Stretch(before.task, visit.end, turn.start, "R")
        yield turn
        before, visit = visit, turn


def joined(turns: Iterable[Stretch], longest_gap: int | None = None) -> tuple[Stretch, ...]:
    """The turns without the interruptions: a task that was preempted by nobody of the workload just went on.

    With `longest_gap`, only if it was away for less than that: a task that has used its quota up stands still.
    """
    result: list[Stretch] = []
    for turn in turns:
        last = result[-1] if result else None
        short = longest_gap is None or (last is not None and turn.start - last.end < longest_gap)
        if last and last.task == turn.task and last.left == "R" and short:
            result[-1] = last._replace(end=turn.end, left=turn.left)
        else:
            result.append(turn)
    return tuple(result)


def read_traced(
    head: Mapping[str, Any], rows: list[dict[str, str]], known: set[str], data: Mapping[str, Any]
) -> Traced:
    """What the tracepoints of a kernel since 5.10 tell. Raises KeyError, TypeError or ValueError."""
    window = int(data["window_ns"])
    parent = "wl_parent" if any(row["event"] == "wakeup_new" and row["comm"] in known for row in rows) else ""
    placed_at = "fork" if version_of(head["kernel"]) < FIRST_EEVDF else "wakeup_new"  # a child, by task_fork_fair()
    places_first = any(row["event"] == "enq" for row in rows)  # then a pick is told by what leaves the tree
    turns: list[Stretch] = []
    woken: dict[str, int] = {}
    wakes: list[tuple[int, str]] = []
    placed: dict[str, Placed] = {}
    picks: list[Picked] = []
    foreign: list[tuple[int, int]] = []
    refilled: int | None = None
    forks: list[int] = []
    on_cpu, idle, since, began, updated, used, seen = "", False, 0, 0, 0, 0, False
    for row in rows:
        now, event, comm = int(row["t_ns"]), row["event"], row["comm"]
        if now > window:
            break
        if event == "switch":
            if not seen:
                on_cpu, seen = comm, True
            charged = updated if now - updated < UPDATE_NS else now - TO_SWITCH_NS
            if on_cpu in known:
                turns.append(Stretch(on_cpu, since, now, row["prev_state"]))
            elif on_cpu == parent:
                used += max(0, now - TO_SWITCH_NS - since)
            elif not idle:
                foreign.append((began, now - TO_SWITCH_NS))
            on_cpu, idle, since, began = row["next_comm"], row["next_pid"] == "0", now, charged
            if on_cpu == parent:
                since += TO_PROGRAM_NS
        if event == placed_at and parent:
            forks.append(used + now - since)
            used, since = 0, now
        if event in ("wakeup", "wakeup_new"):
            woken.setdefault(comm, now)
            if comm in known:
                wakes.append((now, comm))
        elif event in ("pick", "enq") and row["vruntime_ns"]:
            numbers = (row[field] or 0 for field in ("vruntime_ns", "deadline_ns", "slice_ns", "vref_ns"))
            placed.setdefault(comm, Placed(now, *map(int, numbers)))
            if event == "pick":
                picks.append(Picked(now, comm, int(row["deadline_ns"] or row["vruntime_ns"])))
        elif event == "stat_runtime":
            updated = now
        elif event == "unthrottle" and refilled is None:
            refilled = now
    if on_cpu in known:
        turns.append(Stretch(on_cpu, since, window, "R"))
    elif seen and on_cpu != parent and not idle:
        foreign.append((began, window))
    return Traced(
        **head,
        stretches=joined(turns, INTERRUPTION_NS),
        samples=(),
        release_clock=int(data.get("release_clock_monotonic_ns", 0)),
        tunables={name.rsplit("/", 1)[-1]: str(value) for name, value in data.get("sched_tunables", {}).items()},
        woken=woken,
        wakes=tuple(wakes),
        placed=placed,
        picks=tuple(picks),
        forks=tuple(forks),
        waiting=tuple(waiters(rows, window, {parent} - {""})) if never_sleeps(data) and not places_first else (),
        refilled=refilled,
        foreign=tuple(foreign),
    )


def read_spread(
    head: Mapping[str, Any], rows: Iterable[Mapping[str, str]], known: set[str], data: Mapping[str, Any]
) -> Spread:
    """What is needed of a recording on several CPUs. Raises KeyError, TypeError or ValueError."""
    window, cpus = int(data["window_ns"]), int(data["ncpu"])
    idle_type = "0" if version_of(head["kernel"]) < IDLE_IS_1 else "1"
    homes: dict[str, Home] = {}
    looks: dict[int, Look] = {}
    foreign: dict[int, list[tuple[int, int]]] = {}
    since: dict[int, tuple[str, str, int]] = {}  # of each CPU who has it, by name and number, and since when
    unpinned: int | None = None
    first_pull: int | None = None
    pinned = frozenset(str(task["comm"]) for task in data["tasks"] if str(task.get("pin", "")).startswith("cpu0"))
    migrations = 0
    for row in rows:
        now, cpu, event, comm = int(row["t_ns"]), int(row["cpu"]), row["event"], row["comm"]
        if now > window:
            break
        if cpu >= cpus:
            raise ValueError(f"CPU {cpu} of {cpus}")
        if event == "mark" and row["extra"] == "WL_UNPIN":
            unpinned = now
        elif event == "switch":
            who, pid, began = since.get(cpu, (comm, row["pid"], 0))
            if who not in known and pid != "0":
                foreign.setdefault(cpu, []).append((began, now))
            since[cpu] = row["next_comm"], row["next_pid"], now
        elif event in ("wakeup", "wakeup_new") and comm in known:
            homes.setdefault(comm, Home(now, int(row["dest_cpu"]), event == "wakeup_new"))
        elif event == "migrate" and comm in known:
            migrations += 1
        elif event == "balance" and first_pull is None:
            kind, _level, interval = (part.split("=")[1] for part in row["extra"].split())
            if kind != NEWLY_IDLE:
                looks.setdefault(int(row["dest_cpu"]), Look(now, int(interval), kind == idle_type))
        elif event == "balance_done" and int(row["nr"]) > 0 and first_pull is None:
            first_pull = now
    for cpu, (who, pid, began) in since.items():
        if who not in known and pid != "0":
            foreign.setdefault(cpu, []).append((began, window))
    return Spread(
        **head,
        stretches=(),
        samples=(),
        cpus=cpus,
        release_clock=int(data.get("release_clock_monotonic_ns", 0)),
        tunables={name.rsplit("/", 1)[-1]: str(value) for name, value in data.get("sched_tunables", {}).items()},
        homes=homes,
        pinned=pinned,
        unpinned=unpinned,
        looks=looks,
        foreign={cpu: tuple(turns) for cpu, turns in foreign.items()},
        migrations=migrations,
        first_pull=first_pull,
    )


def never_sleeps(data: Mapping[str, Any]) -> bool:
    """Do all tasks compute from the release on? Then whatever else is queued is no part of the workload."""
    return all(entry["kind"] in ("hog", "burst") and not entry["delay_ms"] for entry in data["tasks"])


def waiters(rows: Iterable[Mapping[str, str]], window: int, runnable: set[str]) -> Iterator[tuple[int, int]]:
    """From when to when another task was queued: `nr` of a pick in the root's queue, less the workload's tasks."""
    since: list[int] = []
    for row in rows:
        now = int(row["t_ns"])
        if now > window:
            break
        if row["event"] in ("wakeup", "wakeup_new"):
            runnable.add(row["comm"])
        elif row["event"] == "switch" and row["prev_state"] != "R":
            runnable.discard(row["comm"])
        elif row["event"] == "pick" and "depth=0" in row["extra"] and row["nr"] and "group" not in row["comm"]:
            others = int(row["nr"]) - len(runnable)
            while len(since) < others:
                since.append(now)
            while len(since) > max(0, others):
                yield since.pop(0), now
    yield from ((begin, window) for begin in since)


# -- a run of the model, in the same terms ----------------------------------------------------------


class Stage(Protocol):
    """A machine on which the model has run a recorded workload."""

    recorder: Recorder
    released: int | None

    @property
    def machine(self) -> Machine: ...


class Model(NamedTuple):
    """What came of the model's run: as the kernel's, by task; and in words, how it was set up."""

    turns: tuple[Stretch, ...]
    cpu: Mapping[str, int]  # ns that each task had in the window
    switches: Mapping[str, int]
    longest_wait: Mapping[str, int]  # ns
    set_up: str
    stage: Stage
    migrations: int = 0  # on several CPUs
    first_pull: int | None = None  # ns

    @property
    def policy(self) -> str:
        """The name of the model."""
        return self.stage.machine.policy.name


def turns_in(stage: Stage, known: set[str], until: int) -> Iterator[Stretch]:
    """The turns of the tasks of a workload, up to `until` ns after the release, as the machine wrote them down."""
    names, release = stage.machine.names, stage.released or 0
    time, kind, who, _where, _prev, left = stage.recorder.columns
    on_cpu, since = NOBODY, 0
    for i, number in enumerate(kind):
        if number not in SWITCHES:
            continue
        if on_cpu != NOBODY and names[on_cpu] in known and time[i] >= release:
            yield Stretch(names[on_cpu], since - release, time[i] - release, LEFT[left[i]])
        on_cpu, since = who[i], time[i]
    if on_cpu != NOBODY and names[on_cpu] in known:
        yield Stretch(names[on_cpu], since - release, until, "R")


def first_divergence(kernel: Sequence[Stretch], model: Sequence[Stretch], tick: int) -> int | None:
    """The number of the first turn that is another task's, or begins more than half a tick earlier or later."""
    for i, (left, right) in enumerate(zip(kernel, model)):
        if left.task != right.task or abs(left.start - right.start) > tick // 2:
            return i
    return None if len(kernel) == len(model) else min(len(kernel), len(model))
