"""From the events of a real kernel to rows that can be replayed both ways.

A recording starts in the middle of things and may have holes. What each task and CPU was doing before is known only
from what comes next: a task that a CPU switches away from was running there, one that is woken was asleep. So rows are
written as the events come, and the state at the beginning is put in front of them at the end.

Where events are missing, the rows that must have happened are put in at the latest possible moment, and counted:
`about["assumptions"]` tells them all. Tasks are told apart by their pid; a pid that is born again is a new task.
Pid 0 is the idle task of each CPU.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from schedlab.readers.stream import text
from schedlab.trace import COLUMNS, NOBODY, Recorder, Trace, TraceError, family_named

LINUX = family_named("linux")
READY, RUNNING, SLEEPING, DISK, ZOMBIE = (
    LINUX.states.index(name) for name in ("ready", "running", "asleep", "in disk sleep", "zombie")
)
NICE_0_PRIO = 120  # kernel priority of nice 0; 100..139 are nice -20..19, below are real-time tasks
NORMAL_PRIO = range(100, 140)
MOST_CPUS = 8192  # NR_CPUS of the largest kernels; a larger number is a damaged file
MOST_TOLD = 100  # lost stretches and gaps that are listed one by one; all are counted

# prev_state as kernels print it (include/trace/events/sched.h; plugin_sched_switch.c of libtraceevent): the first
# letter decides. "+" and p: preempted, so still runnable whatever the rest says. I, P, T, t, K, W sleep in their ways.
STATE_OF_LETTER = {
    **dict.fromkeys("SIPTtKWNm", SLEEPING),
    "R": READY,
    "p": READY,
    "D": DISK,
    **dict.fromkeys("XxZ", ZOMBIE),
}


def state_named(word: bytes) -> int | None:
    """The state that a task is left in, from the kernel's letters ("R+", "D|K") or number; None if it is neither."""
    if word[:1].isdigit():
        try:
            return state_numbered(int(word, 16 if word[:2] == b"0x" else 10))
        except ValueError:
            return None
    if word[-1:] == b"+" or b"p" in word.split(b"|"):
        return READY
    return STATE_OF_LETTER.get(word[:1].decode("latin-1"))


def state_numbered(bits: int) -> int:
    """The same from the raw number: TASK_* of include/linux/sched.h, one bit each; from 0x100 on it was preempted."""
    if bits & ~0xFF or not bits:
        return READY
    if bits & 0x30:  # EXIT_DEAD, EXIT_ZOMBIE (Linux 3.14 exchanged the two)
        return ZOMBIE
    return DISK if bits & 2 else SLEEPING


class Task:
    """What is known of one task so far."""

    __slots__ = (
        "number",
        "pid",
        "comm",
        "prio",
        "nice",
        "state",
        "home",
        "born",
        "first_state",
        "first_home",
        "first_nice",
    )

    def __init__(self, number: int, pid: int) -> None:
        self.number = number
        self.pid = pid
        self.comm = b""
        self.prio: int | None = None
        self.nice: int | None = None
        self.state = SLEEPING
        self.home: int | None = None
        self.born = False  # within the recording
        self.first_state: int | None = None  # at its beginning; None while nothing has told
        self.first_home = 0
        self.first_nice = 0


class Unknown:
    """What runs on a CPU of which nothing has been heard yet, or from which events were lost."""


UNKNOWN = Unknown()


class Rebuild:
    """Takes events in order of time (ns since the beginning) and makes a Trace of them.

    `wakes_recorded(pid)` says whether the recording holds the wake-ups of a task: if so, a task that is picked without
    one was already waiting when the recording began; if not, it is taken to wake when it is picked.
    """

    def __init__(self, wakes_recorded: Any = lambda pid: True) -> None:
        self.record = Recorder(LINUX)
        self.wakes_recorded = wakes_recorded
        self.tasks: list[Task] = []
        self.by_pid: dict[int, Task] = {}
        self.curr: dict[int, Task | Unknown | None] = {}  # None: idle
        self.began_with: dict[int, Task] = {}  # what each CPU was running at the beginning
        self.first_seen: dict[int, tuple[int, bytes]] = {}  # pid and name in the first event of each CPU
        self.after_loss: set[int] = set()
        self.line = 0  # of the event at hand
        self.inferred_wakes = 0
        self.gaps: list[dict[str, int]] = []
        self.gap_count = 0
        self.lost: list[dict[str, int | None]] = []
        self.lost_events = 0

    # -- events -----------------------------------------------------------------------------------

    def seen(self, cpu: int, pid: int, comm: bytes) -> None:
        """The first event of a CPU, in the context of this task."""
        self.check_cpu(cpu)
        self.first_seen[cpu] = (pid, b"" if comm == b"<...>" else comm)  # ftrace has forgotten the name

    def switch(
        self, now: int, cpu: int,
        prev_pid: int, prev_comm: bytes, prev_prio: int | None, state: int,
        next_pid: int, next_comm: bytes, next_prio: int | None,
    ) -> None:  # fmt: skip
        """`cpu` leaves one task, in `state`, and runs the next; pid 0 is idle."""
        curr = self.curr.get(cpu, UNKNOWN)
        if prev_pid == 0:
            prev = None
            if curr is not None:
                self.put_right(now, cpu, None, curr)
        else:
            prev = self.by_pid.get(prev_pid)
            if prev is None or prev is not curr:
                prev = self.make_running(now, cpu, prev_pid, curr)
            if prev.comm != prev_comm or prev.prio != prev_prio:
                self.describe(now, prev, prev_comm, prev_prio)
        if next_pid == 0:
            self.curr[cpu] = None
            if prev is not None:
                prev.state = state
                self.record.rest(now, NOBODY, cpu, prev.number, state)
            return
        task = self.by_pid.get(next_pid) or self.new(next_pid, cpu)
        if task is prev:
            return
        if task.comm != next_comm or task.prio != next_prio:
            self.describe(now, task, next_comm, next_prio)
        if task.state != READY or task.home != cpu:
            self.make_ready(now, cpu, task)
        task.state = RUNNING
        self.curr[cpu] = task
        if prev is None:
            self.record.resume(now, task.number, cpu, NOBODY, RUNNING)
        else:
            prev.state = state
            self.record.switch(now, task.number, cpu, prev.number, state)

    def wake(
        self, now: int, cpu: int, pid: int, comm: bytes, prio: int | None, waker: int = 0, new: bool = False
    ) -> None:
        """A task becomes runnable on `cpu`; `waker` is the pid that woke it, 0 for an interrupt."""
        if pid == 0:
            return
        task = self.by_pid.get(pid)
        if new and (task is None or task.state == ZOMBIE):
            task = self.bear(now, cpu, pid, self.by_pid.get(waker), comm)
        elif task is None:
            task = self.new(pid, cpu)
            task.first_state = SLEEPING
        self.describe(now, task, comm, prio)
        if task.first_state is None:
            task.first_state = task.state = SLEEPING
        if task.state in (READY, RUNNING):
            return  # the kernel says so too when it catches a task that has not yet left the queue
        self.check_cpu(cpu)
        self.move(now, cpu, task)
        by = self.by_pid.get(waker)
        self.record.wake(now, task.number, cpu, NOBODY if by is None or by is task else by.number, task.state)
        task.state = READY

    def migrate(self, now: int, pid: int, comm: bytes, prio: int | None, orig: int, dest: int) -> None:
        """A task changes its CPU's queue."""
        if pid == 0:
            return
        self.check_cpu(orig)
        self.check_cpu(dest)
        task = self.by_pid.get(pid) or self.new(pid, orig)
        self.describe(now, task, comm, prio)
        self.move(now, dest, task)

    def fork(self, now: int, cpu: int, pid: int, comm: bytes, child_pid: int, child_comm: bytes) -> None:
        """A task is born."""
        parent = self.by_pid.get(pid) or (self.new(pid, cpu) if pid else None)
        if parent is not None:
            self.describe(now, parent, comm, None)
        self.bear(now, cpu, child_pid, parent, child_comm)

    def exit(self, now: int, cpu: int, pid: int, comm: bytes, prio: int | None) -> None:
        """A task ends; it runs on until the CPU leaves it."""
        task = self.by_pid.get(pid) or self.new(pid, cpu)
        self.describe(now, task, comm, prio)
        self.record.exit(now, task.number, cpu)

    def losing(self, now: int, cpu: int, events: int | None) -> None:
        """The kernel says that events of this CPU were lost here; None: it does not say how many."""
        self.check_cpu(cpu)
        if len(self.lost) < MOST_TOLD:
            self.lost.append({"line": self.line, "time": now, "cpu": cpu, "events": events})
        self.lost_events += events or 0
        self.after_loss.add(cpu)

    # -- what must have happened --------------------------------------------------------------------

    def new(self, pid: int, cpu: int) -> Task:
        """A task that was there before the recording began."""
        self.check_cpu(cpu)
        task = Task(len(self.tasks), pid)
        task.home = task.first_home = cpu
        self.tasks.append(task)
        self.by_pid[pid] = task
        return task

    def bear(self, now: int, cpu: int, pid: int, parent: Task | None, comm: bytes) -> Task:
        """A task that is born now. It has its parent's nice value until the kernel says otherwise."""
        task = self.new(pid, cpu)
        task.born = True
        task.comm = comm
        task.first_state = SLEEPING
        task.nice = parent.nice if parent and parent.nice is not None else 0
        self.record.spawn(now, task.number, cpu, parent.number if parent else NOBODY, task.nice)
        return task

    def describe(self, now: int, task: Task, comm: bytes, prio: int | None) -> None:
        """Keep a task's name and nice value up to date."""
        if comm:
            task.comm = comm
        if prio is None or prio == task.prio:
            return
        task.prio = prio
        if prio in NORMAL_PRIO:
            nice = prio - NICE_0_PRIO
            if task.nice is None:
                task.nice = task.first_nice = nice
            elif nice != task.nice:
                self.record.renice(now, task.number, task.home or 0, nice, task.nice)
                task.nice = nice

    def move(self, now: int, cpu: int, task: Task) -> None:
        """Bring a task to the queue of `cpu`, if it is not there."""
        if task.home != cpu:
            self.record.migrate(now, task.number, cpu, task.home)
            task.home = cpu

    def make_ready(self, now: int, cpu: int, task: Task) -> None:
        """Before a CPU picks a task it is runnable and on that CPU's queue."""
        if task.first_state is None:
            if self.wakes_recorded(task.pid):
                task.first_state = task.state = READY
            else:
                task.first_state = task.state = SLEEPING
        if task.state == RUNNING:  # on another CPU, from which events are missing
            other = next((number for number, curr in self.curr.items() if curr is task), None)
            if other is not None:
                self.mark_gap(now, other)
                self.record.rest(now, NOBODY, other, task.number, READY)
                self.curr[other] = None
                self.after_loss.add(other)
            task.state = READY
        self.move(now, cpu, task)
        if task.state != READY:
            self.inferred_wakes += 1
            self.record.wake(now, task.number, cpu, NOBODY, task.state)
            task.state = READY

    def make_running(self, now: int, cpu: int, pid: int, curr: Task | Unknown | None) -> Task:
        """The CPU leaves a task that we did not see it pick: it ran since the beginning, or events are missing."""
        task = self.by_pid.get(pid)
        if curr is UNKNOWN and cpu not in self.after_loss:
            self.check_cpu(cpu)
            task = task or self.new(pid, cpu)
            if task.first_state is None and task.home == cpu:
                task.first_state = task.state = RUNNING
                self.began_with[cpu] = self.curr[cpu] = task
                return task
        task = task or self.new(pid, cpu)
        self.put_right(now, cpu, task, curr)
        return task

    def put_right(self, now: int, cpu: int, task: Task | None, curr: Task | Unknown | None) -> None:
        """Put in the switch that is missing between `curr` and `task` (None: idle)."""
        self.check_cpu(cpu)
        if curr is not UNKNOWN:
            self.mark_gap(now, cpu)
        self.after_loss.discard(cpu)
        if task is not None:
            self.make_ready(now, cpu, task)
            task.state = RUNNING
        if isinstance(curr, Task):
            curr.state = READY
            if task is None:
                self.record.rest(now, NOBODY, cpu, curr.number, READY)
            else:
                self.record.switch(now, task.number, cpu, curr.number, READY)
        elif task is not None:
            self.record.resume(now, task.number, cpu, NOBODY, RUNNING)
        self.curr[cpu] = task

    def mark_gap(self, now: int, cpu: int) -> None:
        """Events are missing here, and no marker said so."""
        if cpu in self.after_loss:
            return
        self.gap_count += 1
        if len(self.gaps) < MOST_TOLD:
            self.gaps.append({"line": self.line, "time": now, "cpu": cpu})

    def check_cpu(self, cpu: int) -> None:
        """Refuse a number that no machine has."""
        if cpu >= MOST_CPUS:
            raise TraceError(f"line {self.line}: CPU {cpu} is more than the {MOST_CPUS:,} that Linux can have")

    # -- the result ---------------------------------------------------------------------------------

    def trace(self, end: int, about: dict[str, Any], assumptions: Iterable[str] = (), cpus: int = 0) -> Trace:
        """All rows, with the state at the beginning in front of them."""
        for cpu, (pid, comm) in self.first_seen.items():
            if cpu not in self.curr and pid and pid not in self.by_pid:  # one task all along: no switch tells of it
                self.describe(0, self.make_running(0, cpu, pid, UNKNOWN), comm, None)
        setup = self.setup()
        columns = []
        for before, after in zip(setup.columns, self.record.columns):
            before.extend(after)
            del after[:]
            columns.append(before)
        seen = [*self.curr, *self.first_seen, *(column_max(columns, "where"),)]
        names = {"task": self.names(), "cpu": [f"CPU {i}" for i in range(max([cpus - 1, *seen]) + 1)]}
        told = {**about, "pids": [task.pid for task in self.tasks], "assumptions": [*assumptions, *self.told()]}
        if self.lost:
            told["lost"] = self.lost
        if self.gaps:
            told["gaps"] = self.gaps
        return Trace(LINUX, columns, names, end=end, about=told)

    def setup(self) -> Recorder:
        """Rows at time 0 that put every task that was there before into its first state."""
        setup = Recorder(LINUX)
        running = {task.number for task in self.began_with.values()}
        for task in self.tasks:
            if task.born:
                continue
            if task.number not in running:
                setup.found(0, task.number, task.first_home, task.first_nice, task.first_state or SLEEPING)
        for cpu, task in sorted(self.began_with.items()):
            setup.found_running(0, task.number, cpu, task.first_nice)
        return setup

    def names(self) -> list[str]:
        """The last name of each task, with its pid where two tasks share it."""
        names = [text(task.comm) or f"pid {task.pid}" for task in self.tasks]
        times: dict[str, int] = {}
        for name in names:
            times[name] = times.get(name, 0) + 1
        return [f"{name}:{task.pid}" if times[name] > 1 else name for name, task in zip(names, self.tasks)]

    def told(self) -> list[str]:
        """What was assumed, in sentences."""
        told = []
        if self.inferred_wakes:
            told.append(
                f"{self.inferred_wakes:,} wake-ups are not recorded: those tasks are shown asleep until picked."
            )
        if self.lost:
            at = self.lost[0]
            count = f"{self.lost_events:,} events" if self.lost_events else "Events"
            told.append(f"{count} were lost by the kernel, first at line {at['line']} on CPU {at['cpu']}.")
        if self.gap_count:
            where = self.gaps[0]
            told.append(
                f"At {self.gap_count:,} places a CPU leaves another task than the one it had picked: events are "
                f"missing, first at line {where['line']} on CPU {where['cpu']}. The missing switch is put in there."
            )
        return told


def column_max(columns: list[array[int]], name: str) -> int:
    """The largest number in a column, -1 if there is none."""
    return max(columns[[n for n, _code in COLUMNS].index(name)], default=-1)


__all__ = ["LINUX", "Rebuild", "state_named"]
