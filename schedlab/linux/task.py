"""A task, and all that it can ask of the kernel.

A behaviour is any iterable of steps. The steps are made by the functions below, so a behaviour
reads like a program:

    def editor():
        while True:
            yield sleep(30 * MS)      # wait for a key
            yield run(3 * MS)         # draw the letter

`steps(data)` makes the same from plain data: `[{"run": "3ms"}, {"repeat": [...]}]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from schedlab.linux.kinds import ABSENT

FOREVER = -1  # ns: a run or a sleep that never ends by itself

SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH = range(4)  # include/uapi/linux/sched.h; 4 was never given out
SCHED_IDLE, SCHED_DEADLINE, SCHED_EXT = 5, 6, 7
SCHED_STOP = -1  # of the kernel's own threads of the stop class; the kernel has no number for them
CLASSES = {
    "normal": SCHED_NORMAL,
    "fifo": SCHED_FIFO,
    "rr": SCHED_RR,
    "batch": SCHED_BATCH,
    "idle": SCHED_IDLE,
    "deadline": SCHED_DEADLINE,
    "ext": SCHED_EXT,
}
POLICY_NAMES = tuple(CLASSES)
NICE_MIN, NICE_MAX = -20, 19
RT_MIN, RT_MAX = 1, 99  # rt_priority of a FIFO or RR task

RUN, SYSTEM, SLEEP, DISK_SLEEP, YIELD, FORK, RENICE, EXIT, ALARM, WAIT, WAKE, REAP, SETSCHEDULER = range(13)
LOCK, UNLOCK, EXEC, MOVE = 13, 14, 15, 16


class Refused(ValueError):
    """The kernel refuses: parameters are not allowed (EINVAL, EPERM), or no bandwidth is left for them (EBUSY)."""


Step = tuple[Any, ...]
Behaviour = Callable[[], Iterable[Step]]


def run(ns: int = FOREVER) -> Step:
    """Compute for `ns` of CPU time, in user mode."""
    return (RUN, ns)


def system(ns: int) -> Step:
    """Compute for `ns` of CPU time inside a system call (kernel mode), then return from it."""
    return (SYSTEM, ns)


def sleep(ns: int = FOREVER) -> Step:
    """Sleep for `ns`; a signal or a wake-up ends it early (TASK_INTERRUPTIBLE)."""
    return (SLEEP, ns)


def disk(ns: int) -> Step:
    """Wait `ns` for a device; no signal ends it (TASK_UNINTERRUPTIBLE)."""
    return (DISK_SLEEP, ns)


def yield_cpu() -> Step:
    """sched_yield: let the others go first, as the generation understands it."""
    return (YIELD,)


def fork(name: str, behaviour: Behaviour, **born: Any) -> Step:
    """Create a child; the step's answer is its id, or -11 (EAGAIN) where the kernel has no room."""
    return (FORK, name, behaviour, born)


def renice(nice: int) -> Step:
    """Set the task's own nice value."""
    return (RENICE, nice)


def setscheduler(policy: int, rt_priority: int = 0, dl: tuple[int, int, int] | None = None) -> Step:
    """Change the task's own class; `dl` are runtime, deadline and period (ns) of SCHED_DEADLINE."""
    return (SETSCHEDULER, policy, rt_priority, dl)


def exit_() -> Step:
    """End here, whatever steps would follow."""
    return (EXIT,)


def alarm(ns: int) -> Step:
    """Ask for a signal in `ns`."""
    return (ALARM, ns)


def wait(channel: str) -> Step:
    """Sleep until another task wakes this channel; sleepers are woken in the order they came."""
    return (WAIT, channel)


def wake(channel: str) -> Step:
    """Wake the task that has waited longest on this channel; remembered if nobody waits."""
    return (WAKE, channel)


def exec_() -> Step:
    """Start another program: nothing that a cache still holds is needed, so it is a good moment to change the CPU."""
    return (EXEC,)


def move(task: Any, cpu: Any) -> Step:
    """Move a task that does not run to another CPU; only the kernel's own threads can."""
    return (MOVE, task, cpu)


def lock(mutex: str) -> Step:
    """Take a mutex, or wait until its owner lets it go."""
    return (LOCK, mutex)


def unlock(mutex: str) -> Step:
    """Let a mutex go."""
    return (UNLOCK, mutex)


def reap() -> Step:
    """Collect the children that have exited."""
    return (REAP,)


class Task:
    """What the kernel keeps of a task. Fields are grouped by who may write them."""

    __slots__ = (
        # fixed at birth
        "id", "name", "parent", "mm", "woken_by_irq",
        # written by the machine
        "state", "cpu", "last_cpu", "nice", "policy", "rt_priority", "remaining", "sum_exec", "in_kernel",
        "rt", "dl", "scx", "steps", "retry", "answer", "alarm_due", "alarm_ticket", "has_signal", "wake_ticket",
        "sleeps_as", "allowed", "wanted_dl",
    )  # fmt: skip

    def __init__(self, id: int, name: str) -> None:
        self.id = id
        self.name = name
        self.parent: Task | None = None
        self.mm: int | None = id  # which address space; None for a kernel thread
        self.woken_by_irq = True  # its sleeps end in an interrupt (timer, key, disk), not in another task's call
        self.state = ABSENT
        self.cpu: Any = None  # the CPU on whose queue it is
        self.last_cpu: Any = None  # the CPU it last ran on
        self.nice = 0
        self.policy = SCHED_NORMAL
        self.rt_priority = 0
        self.remaining = 0  # ns of CPU time until the present step ends; FOREVER for none
        self.sum_exec = 0  # ns of CPU time had so far
        self.in_kernel = False  # inside a system call
        self.rt: Any = None  # what the rt class keeps of it
        self.dl: Any = None  # what the deadline class keeps of it
        self.scx: Any = None  # what sched_ext keeps of it
        self.wanted_dl: tuple[int, int, int] | None = None  # runtime, deadline, period it asks SCHED_DEADLINE for, ns
        self.steps: Iterator[Step] = iter(())
        self.retry: Step | None = None  # a step that it has to take again when it wakes
        self.answer: Any = None
        self.alarm_due = 0  # jiffy of the alarm, 0 for none, where the scheduler itself looks for alarms
        self.alarm_ticket = 0  # of the planned alarm, elsewhere
        self.has_signal = False  # a signal waits to be delivered
        self.wake_ticket = 0  # of the planned end of its sleep
        self.sleeps_as = 0  # the state it blocks with
        self.allowed: frozenset[int] | None = None  # CPUs it may use; None for all

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def is_rt(self) -> bool:
        """FIFO or RR."""
        return self.policy in (SCHED_FIFO, SCHED_RR)


def may_use(task: Any, cpu: Any) -> bool:
    """Does the task's mask have this CPU?"""
    return task.allowed is None or cpu.id in task.allowed
