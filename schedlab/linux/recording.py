"""A recorded run of a real kernel, the same workload on the model, and both in one table.

The recordings are those of small workloads on kernels of one CPU: a JSON file with the tasks and
the totals, and beside it a `.csv.gz` file of every switch. The workload's program is known, so the
model is given the program, not the recording: a parent of SCHED_FIFO priority 99 forks the tasks,
they block on a pipe, 300 ms later the parent lets them go, and then it wakes now and then to read
/proc. Three things are taken from the recording because no program tells them:

moments   at which ticks the parent sampled, and how long it took
ticks     for a workload without the pipe: where in a tick it began
start     what the parent had left of its slice (and its sleep_avg) when it began to fork. Its
          children share it, so it decides who runs first. Every value is tried, and the run that
          agrees with the kernel for longest is taken.
"""

from __future__ import annotations

import csv
import gzip
import json
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from schedlab.linux.kinds import LINUX, READY, SLEEPING, ZOMBIE
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import NONINTERACTIVE, O1, O1_2_6_22
from schedlab.linux.o1_2418 import O1_2_4_18
from schedlab.linux.on import ON_2_4_24
from schedlab.linux.policy import Policy
from schedlab.linux.task import (
    SCHED_BATCH,
    SCHED_FIFO,
    SCHED_NORMAL,
    SCHED_RR,
    Step,
    exit_,
    fork,
    run,
    sleep,
    wait,
    wake,
    yield_cpu,
)
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import NOBODY, Recorder, Trace

LINUX_KINDS = {kind.name: kind.id for kind in LINUX.kinds}
LEFT = {READY: "R", SLEEPING: "S", ZOMBIE: "X"}  # how a turn ended, by the state it left its task in
CLASSES = {"SCHED_OTHER": SCHED_NORMAL, "SCHED_FIFO": SCHED_FIFO, "SCHED_RR": SCHED_RR, "SCHED_BATCH": SCHED_BATCH}
KINDS = ("hog", "late_hog", "interactive", "burst", "yield")

# real costs, as the recordings show them; none of them decides who runs
SWITCH_NS = 2 * US
CALL_NS = 1 * US  # a short system call
FORK_NS = 18 * US
BOOTED_JIFFIES = 30_000  # any number of ticks since boot but 0, which O(1) takes for "never"
PIT_HZ = 1_193_182  # the clock of a PC's timer chip
UNSEEN_NS = 12 * US  # the recorder does not notice a task that ran for less than this inside another's time

BARRIER_NS = 300 * MS  # from the last fork to the release
POLL_NS = 50 * MS  # the parent's sleep when it has nothing to sample
PARENT_PRIORITY = 99  # of SCHED_FIFO

FIRST_LOOK_NS = 1 * S  # every start is tried this far
SEMIFINALISTS = 8  # of those that agree for longest, so many are combined with the values of the next field
FINALISTS = 4  # and so many run to the end

SHARE_POINTS = 0.01  # tolerance: of the total
SWITCH_PART = 0.05
WAIT_PART = 0.10  # or one tick


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


class Stretch(NamedTuple):
    """An uninterrupted turn of one task on the CPU, in ns since the release. `left` is R, S or X: how it ended."""

    task: str
    start: int
    end: int
    left: str


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


# -- reading ----------------------------------------------------------------------------------------


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
        if data["ncpu"] != 1:
            raise Unmodelled(f"no model of the recordings of {data['kernel']} on {data['ncpu']} CPUs yet")
        version, scheduler = str(data["kernel"]), str(data.get("scheduler", ""))
        kernel_of(version, scheduler)
        jobs = tuple(read_job(entry) for entry in data["tasks"])
        if len({job.name for job in jobs}) < len(jobs):
            raise RecordingError(f"{path}: two tasks have the same name")
        turns = read_turns(path.with_suffix(".csv.gz"), {job.name for job in jobs}, int(data["window_ns"]))
        return Recording(
            path,
            str(data["workload"]),
            version,
            scheduler,
            int(data["hz"]),
            int(data["window_ns"]),
            jobs,
            *turns,
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, RecordingError):
            raise
        what = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise RecordingError(f"{path}: not the set-up of a recorded workload: {what}") from None


def read_job(entry: Mapping[str, Any]) -> Job:
    """One task of the JSON file. Raises KeyError or TypeError where something is missing."""
    if entry["kind"] not in KINDS:
        raise Unmodelled(f"no workload of kind {entry['kind']!r} yet")
    if entry["policy"] not in CLASSES:
        raise Unmodelled(f"no model of {entry['policy']} yet")
    return Job(
        str(entry["comm"]),
        str(entry["kind"]),
        CLASSES[entry["policy"]],
        int(entry["nice"]),
        int(entry["rtprio"]),
        int(entry["run_us"]) * US,
        int(entry["sleep_us"]) * US,
        int(entry["delay_ms"]) * MS,
        int(entry["cpu_ns"]),
        int(entry["switches_in"]),
        int(entry["longest_wait_ns"]),
    )


def read_turns(path: Path, known: set[str], window: int) -> tuple[tuple[Stretch, ...], tuple[tuple[int, int], ...]]:
    """The turns of the workload's tasks, and when /proc was read, from the switches of the CSV file."""
    turns: list[Stretch] = []
    samples: list[tuple[int, int]] = []
    on_cpu, since, sampled = "", 0, False
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
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
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path}: after {since} ns: {error!r}") from None
    if on_cpu in known:
        turns.append(Stretch(on_cpu, since, window, "R"))
    return joined(mended(turns)), tuple(samples)


def mended(turns: Iterable[Stretch]) -> Iterator[Stretch]:
    """Give a task the rest of a turn that the recorder cut at a visit too short for it to notice.

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


def joined(turns: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The turns without the interruptions: a task that was preempted by nobody of the workload just went on."""
    result: list[Stretch] = []
    for turn in turns:
        last = result[-1] if result else None
        if last and last.task == turn.task and last.left == "R":
            result[-1] = last._replace(end=turn.end, left=turn.left)
        else:
            result.append(turn)
    return tuple(result)


# -- the kernels ------------------------------------------------------------------------------------


class Kernel(NamedTuple):
    """What the recordings of a kernel need to know of it besides its scheduler."""

    policy: Callable[[], Policy]
    ticks_asleep: Callable[[int, int, int], int]  # ns since the last tick, ns to sleep, ns of a tick: ticks to wait
    starts: Callable[[Policy], Mapping[str, Sequence[int]]]  # what the parent may have had left when it forked
    quiet_pipes: bool = False  # does waiting on a pipe not count as interactive sleep (TASK_NONINTERACTIVE)?


def jiffies_timer(_since_tick: int, ns: int, tick: int) -> int:
    """schedule_timeout(): whole ticks, rounded up, and one more because the present one has begun."""
    return -(-ns // tick) + 1


def coarse_hrtimer(since_tick: int, ns: int, tick: int) -> int:
    """An hrtimer without high resolution: the first tick after its time."""
    return (since_tick + ns) // tick + 1


Start = Mapping[str, int]  # fields of the parent, and what was left in them when it began to fork


def counters(_policy: Policy) -> Mapping[str, Sequence[int]]:
    """2.4: the parent's counter, up to the most that dead children can have brought it to."""
    return {"counter": range(1, 21)}


def slices(policy: Policy) -> Mapping[str, Sequence[int]]:
    """O(1): the parent's slice, and its sleep_avg in tenths of the most there is."""
    assert isinstance(policy, O1)
    whole = policy.task_timeslice(policy.Task(NOBODY, "parent"))
    tenths = [tenth * policy.ns_max_sleep_avg // 10 for tenth in range(11)]
    return {"time_slice": range(1, whole + 1), "sleep_avg": tenths}


ON_2_4 = Kernel(ON_2_4_24, jiffies_timer, counters)
EARLY_O1 = Kernel(O1_2_4_18, jiffies_timer, slices)
O1_2_6 = Kernel(O1_2_6_22, coarse_hrtimer, slices, quiet_pipes=True)  # 2.6.16 (hrtimers) to 2.6.22


def kernel_of(version: str, scheduler: str) -> Kernel:
    """The kernel of a recording. Raises Unmodelled."""
    if version.startswith("2.4."):
        return EARLY_O1 if "O(1)" in scheduler or version.startswith("2.4.18") else ON_2_4
    if version.startswith("2.6."):
        return O1_2_6
    raise Unmodelled(f"no model of the recordings of {version} yet")


# -- the workload on the model ----------------------------------------------------------------------


def timer_period(hz: int) -> int:
    """ns between two ticks of a PC's timer chip, which divides its clock by a whole number (LATCH)."""
    return (PIT_HZ + hz // 2) // hz * S // PIT_HZ


class Stage:
    """A machine on which the parent forks the tasks of a recording and lets them go."""

    def __init__(self, recording: Recording, start: Start, first_tick: int) -> None:
        self.recording = recording
        self.kernel = kernel_of(recording.kernel, recording.scheduler)
        self.engine = Engine()
        self.recorder = Recorder(LINUX)
        self.machine = Machine(
            self.kernel.policy(),
            self.engine,
            self.recorder,
            hz=recording.hz,
            first_tick_ns=first_tick,
            first_jiffy=BOOTED_JIFFIES,
            switch_ns=SWITCH_NS,
        )
        self.machine.tick_ns = timer_period(recording.hz)
        self.first_tick = first_tick
        self.barrier = has_barrier(recording)
        self.blocked: list[str] = []  # in the order in which they came to the pipe
        self.released: int | None = None
        self.cpu: dict[str, int] = {}  # ns that each task had since the release
        class_ = {"policy": SCHED_FIFO, "rt_priority": PARENT_PRIORITY} if self.barrier else {}
        parent: Any = self.machine.create("parent", self.parent_steps(), **class_)
        self.parent = parent
        for name, value in start.items():
            setattr(self.parent, name, value)
        if isinstance(self.machine.policy, O1):
            self.parent.prio = self.machine.policy.effective_prio(self.parent)
        self.machine.start(self.parent)

    def run(self, until: int) -> tuple[Stretch, ...]:
        """The turns of the workload's tasks, up to `until` ns after the release."""
        self.machine.boot()
        self.engine.run_while(lambda: self.released is None, 10 * BARRIER_NS)
        assert self.released is not None
        self.engine.run(self.released + until)
        turns = list(self.turns(until))
        for turn in turns:
            self.cpu[turn.task] = self.cpu.get(turn.task, 0) + turn.end - turn.start
        return joined(turns)

    def turns(self, until: int) -> Iterator[Stretch]:
        """The turns, from the switches that the machine wrote down."""
        names, release = self.machine.names, self.released or 0
        switches = {LINUX_KINDS[name] for name in ("switch", "resume", "rest")}
        time, kind, who, _where, _prev, left = self.recorder.columns
        on_cpu, since = NOBODY, 0
        for i, number in enumerate(kind):
            if number not in switches:
                continue
            if on_cpu not in (NOBODY, self.parent.id) and time[i] >= release:
                yield Stretch(names[on_cpu], since - release, time[i] - release, LEFT[left[i]])
            on_cpu, since = who[i], time[i]
        if on_cpu not in (NOBODY, self.parent.id):
            yield Stretch(names[on_cpu], since - release, until, "R")

    def asleep(self, ns: int) -> Step:
        """nanosleep(): until a tick, which the kernel believes to last 1/HZ."""
        tick = self.machine.tick_ns
        since_tick = (self.machine.now - self.first_tick) % tick
        return sleep(self.kernel.ticks_asleep(since_tick, ns, self.recording.tick) * tick - since_tick)

    def parent_steps(self) -> Generator[Step, int, None]:
        """The program of the parent."""
        machine = self.machine
        if not self.barrier:
            self.released = machine.now
        for job in self.recording.jobs:
            yield run(FORK_NS)
            number = yield fork(job.name, partial(self.child_steps, job))
            child = machine.tasks[number]
            if self.barrier:
                machine.setscheduler(child, job.policy, job.rt_priority)
                machine.renice(child, job.nice)
        if self.barrier:
            yield self.asleep(BARRIER_NS)
            self.released = machine.now
            for name in reversed(self.blocked):  # each waiter had put itself at the head of the pipe's list
                yield wake(name)
            yield run(CALL_NS)
            for begin, took in self.recording.samples:
                yield sleep(self.released + self.at_tick(begin) - machine.now)
                yield run(took)
        else:
            machine.setscheduler(self.parent, SCHED_FIFO, PARENT_PRIORITY)
        while True:
            yield self.asleep(POLL_NS)
            yield run(CALL_NS)

    def at_tick(self, when: int) -> int:
        """A time since the release, moved to its tick; the release itself came with a tick."""
        tick = self.machine.tick_ns
        return (when + tick // 2) // tick * tick

    def child_steps(self, job: Job) -> Iterator[Step]:
        """The program of one task."""
        if self.barrier:
            if self.kernel.quiet_pipes:
                self.machine.cpus[0].curr.sleep_type = NONINTERACTIVE
            self.blocked.append(job.name)
            yield wait(job.name)
            yield run(CALL_NS)
        if job.delay:
            yield self.asleep(job.delay)
        if job.kind == "burst":
            yield run(job.run)
            yield exit_()
        while job.kind == "interactive":
            yield self.asleep(job.sleep)
            yield run(job.run)
        while job.kind == "yield":
            yield run(job.run)
            yield yield_cpu()
        yield run()


def has_barrier(recording: Recording) -> bool:
    """Bursts run as soon as they are forked; all other workloads wait until the parent lets them go."""
    return any(job.kind != "burst" for job in recording.jobs)


class Model(NamedTuple):
    """The run of the model that agrees with the recording for longest."""

    turns: tuple[Stretch, ...]
    cpu: Mapping[str, int]  # ns that each task had in the window
    policy: str
    start: Start
    first_tick: int  # ns after the beginning


def play(recording: Recording) -> Model:
    """Run the workload from the possible starts, and keep the run that agrees for longest."""
    kernel = kernel_of(recording.kernel, recording.scheduler)
    policy = kernel.policy()
    Machine(policy, Engine(), Recorder(LINUX, on=False), hz=recording.hz)
    horizon = min(recording.window, FIRST_LOOK_NS)
    ticks = first_ticks(recording)
    finalists: list[Start] = [{}]
    for name, values in kernel.starts(policy).items():
        trials: list[Start] = [{**start, name: value} for start, value in product(finalists, values)]
        agreed = [agreement(recording, Stage(recording, trial, ticks[0]).run(horizon), horizon) for trial in trials]
        finalists = [trial for trial, reached in zip(trials, agreed) if reached == max(agreed)][:SEMIFINALISTS]
    chosen, reached = None, -1
    for tick, start in product(ticks, finalists[:FINALISTS]):
        stage = Stage(recording, start, tick)
        turns = stage.run(recording.window)
        agrees = agreement(recording, turns, recording.window)
        if agrees > reached:
            chosen, reached = Model(turns, stage.cpu, stage.machine.policy.name, start, tick), agrees
        if reached == recording.window:
            break
    assert chosen is not None  # there is always a start
    return chosen


def first_ticks(recording: Recording) -> Sequence[int]:
    """When the first tick may have come after the beginning of the model's run, ns."""
    if not has_barrier(recording):
        preempted = [turn.end for turn in recording.stretches if turn.left == "R" and turn.end < recording.window]
        if preempted:  # bursts do not sleep, so only a tick can have done that
            return (preempted[0] % recording.tick - SWITCH_NS,)
    return tuple(recording.tick * part // 16 for part in (9, 7, 11, 5, 13, 3, 15, 1))


def agreement(recording: Recording, turns: Sequence[Stretch], until: int) -> int:
    """Up to when the same tasks ran at the same times, ns."""
    at = first_divergence(recording.stretches, turns, recording.tick)
    ends = [turns_[at].start for turns_ in (recording.stretches, turns) if at is not None and at < len(turns_)]
    return min([*ends, until]) if at is not None else until


def first_divergence(kernel: Sequence[Stretch], model: Sequence[Stretch], tick: int) -> int | None:
    """The number of the first turn that is another task's, or begins more than half a tick earlier or later."""
    for i, (left, right) in enumerate(zip(kernel, model)):
        if left.task != right.task or abs(left.start - right.start) > tick // 2:
            return i
    return None if len(kernel) == len(model) else min(len(kernel), len(model))


def trace_of(recording: Recording, model: Model) -> Trace:
    """The model's run as a trace, its clock set to 0 at the release: all that came before stands at 0."""
    stage = Stage(recording, model.start, model.first_tick)
    stage.run(recording.window)
    release = stage.released or 0
    time, *columns = stage.recorder.columns
    shifted = array("q", (max(0, when - release) for when in time))
    names = {"task": stage.machine.names, "cpu": [cpu.name for cpu in stage.machine.cpus]}
    source = f"simulated: {model.policy}, {recording.hz} ticks a second, a workload recorded on {recording.kernel}"
    about = {"title": recording.workload, "from": source}
    return Trace(LINUX, (shifted, *columns), names, end=recording.window, about=about)


# -- model against kernel ---------------------------------------------------------------------------


class Figure(NamedTuple):
    """One number of the kernel, the model's, and whether they are as near as they have to be."""

    kernel: float
    model: float
    ok: bool


class Line(NamedTuple):
    """One task in the table. `share` is a part of all CPU time that the tasks had, `longest_wait` is in ns."""

    task: str
    share: Figure
    switches: Figure
    longest_wait: Figure

    @property
    def ok(self) -> bool:
        """All three within their tolerance."""
        return self.share.ok and self.switches.ok and self.longest_wait.ok


class Divergence(NamedTuple):
    """The first turn in which model and kernel differ: its number, when, who, and why as far as it can be told."""

    turn: int
    time: int
    kernel: str
    model: str
    cause: str


@dataclass(frozen=True)
class Comparison:
    """A recording, the model's run of it, and the table of both."""

    recording: Recording
    model: Model
    lines: tuple[Line, ...]
    divergence: Divergence | None

    @property
    def ok(self) -> bool:
        """No tolerance is exceeded."""
        return all(line.ok for line in self.lines)

    def __str__(self) -> str:
        return "\n".join(table(self))


def compare_with_recording(path: str | Path) -> Comparison:
    """Run a recorded workload on the model of its kernel, and set both side by side.

    `path` is the JSON file of the recording. Raises RecordingError for one that cannot be read, and Unmodelled
    where there is no model of its kernel or its tasks.
    """
    recording = read_recording(path)
    model = play(recording)
    of_kernel, of_model = sum(job.cpu for job in recording.jobs) or 1, sum(model.cpu.values()) or 1
    lines = []
    for job in recording.jobs:
        share = job.cpu / of_kernel, model.cpu.get(job.name, 0) / of_model
        switches = job.switches, turns_of(model.turns, job.name)
        wait = job.longest_wait, longest_wait(model.turns, job.name)
        if job.kind == "yield":  # the totals count turns that a task gave to itself; the switches do not
            switches = turns_of(recording.stretches, job.name), switches[1]
            wait = longest_wait(recording.stretches, job.name), wait[1]
        lines.append(
            Line(
                job.name,
                Figure(*share, ok=abs(share[0] - share[1]) <= SHARE_POINTS),
                Figure(*switches, ok=abs(switches[0] - switches[1]) <= SWITCH_PART * switches[0]),
                Figure(*wait, ok=abs(wait[0] - wait[1]) <= max(WAIT_PART * wait[0], recording.tick)),
            )
        )
    return Comparison(recording, model, tuple(lines), divergence(recording, model))


def turns_of(turns: Iterable[Stretch], task: str) -> int:
    """How many times a task was switched to."""
    return sum(turn.task == task for turn in turns)


def longest_wait(turns: Iterable[Stretch], task: str) -> int:
    """The longest time for which a preempted task waited, ns. (When a sleeper woke up was not recorded.)"""
    longest, gone = 0, None
    for turn in turns:
        if turn.task == task:
            if gone is not None:
                longest = max(longest, turn.start - gone)
            gone = turn.end if turn.left == "R" else None
    return longest


def divergence(recording: Recording, model: Model) -> Divergence | None:
    """Where the order of turns, or their times, first differ."""
    at = first_divergence(recording.stretches, model.turns, recording.tick)
    if at is None:
        return None
    kernel, mine = (turns[at] if at < len(turns) else None for turns in (recording.stretches, model.turns))
    time = min(turn.start for turn in (kernel, mine) if turn)
    real, ours = (turn.task if turn else "nobody" for turn in (kernel, mine))
    return Divergence(at, time, real, ours, cause(recording, kernel, mine))


def cause(recording: Recording, kernel: Stretch | None, model: Stretch | None) -> str:
    """What can be told of a divergence from the two turns alone."""
    if kernel is None or model is None:
        return "one of the two ends here: a turn at the very end of the window"
    apart = abs(model.start - kernel.start) / MS
    side = "later" if model.start > kernel.start else "earlier"
    if kernel.task == model.task:
        return f"its turn began {apart:.1f} ms {side} in the model: the slice or the sleep before had another length"
    if apart > recording.tick / MS / 2:
        return f"the turn before ended {apart:.1f} ms {side} in the model"
    return "chosen at the same moment: the two are equal in what the model compares, or it does not know all"


def table(comparison: Comparison) -> Iterator[str]:
    """The table as lines of text; a `!` stands behind a number that is out of its tolerance."""
    recording, model = comparison.recording, comparison.model
    began = ", ".join(f"{key} {value}" for key, value in model.start.items())
    yield (
        f"{recording.workload}: {recording.kernel} at {recording.hz} Hz against {model.policy}, "
        f"{recording.window / S:g} s; the parent began with {began}"
    )
    yield f"  {'task':<12}{'share':>9}{'model':>9}{'switches':>11}{'model':>8}{'longest wait':>16}{'model':>10}"
    for line in comparison.lines:
        marks = ["" if figure.ok else "!" for figure in line[1:]]
        yield (
            f"  {line.task:<12}{line.share.kernel:>9.2%}{line.share.model:>9.2%}{marks[0]:1}"
            f"{line.switches.kernel:>10.0f}{line.switches.model:>8.0f}{marks[1]:1}"
            f"{line.longest_wait.kernel / MS:>12.1f} ms{line.longest_wait.model / MS:>7.1f} ms{marks[2]:1}".rstrip()
        )
    turns, other = len(recording.stretches), comparison.divergence
    if other is None:
        yield f"  the same tasks ran at the same times, to half a tick, in all {turns} turns"
    else:
        yield (
            f"  the same in {other.turn} of {turns} turns, until {other.time / MS:.1f} ms: "
            f"the kernel ran {other.kernel}, the model {other.model} ({other.cause})"
        )
