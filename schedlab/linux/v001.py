"""Linux 0.01: sixty-four slots and a counter.

There is no run queue. To choose, the kernel walks the whole task array from slot 63 down to 1 and
runs the runnable task with the largest counter; equal counters go to the higher slot. When every
runnable task has used its counter up, all tasks, the sleeping ones too, get half of what they had
left plus their priority: a sleeper saves up to twice its quantum, and that is all that an
interactive program is given.

counter   ticks left in this round
priority  ticks a round gives; 15 unless a program calls nice

The flaw: waking up never interrupts anybody, so a key press waits for the end of the running
task's counter; and the walk looks at 64 slots to find the one task that is ready.
Upstream: kernel/sched.c, kernel/fork.c of Linux 0.01 (1991).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schedlab.linux.kinds import READY, RUNNING
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.task import Task
from schedlab.trace import episode, judgement

NR_TASKS = 64  # slots; slot 0 is the idle task
DEF_PRIORITY = 15  # ticks, 150 ms at 100 Hz: task 0's, which every task inherits


class V001Task(Task):
    """A task in its slot."""

    __slots__ = ("slot", "pid", "priority", "counter")

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.slot = 0  # 0: not given one yet
        self.pid = 0
        self.priority = DEF_PRIORITY
        self.counter = DEF_PRIORITY


class V001(Policy):
    """Scheduler of Linux 0.01, one CPU."""

    name = "v0.01"
    Task = V001Task
    ranking = Ranking(by="counter_if_runnable", tie="higher slot")
    watched = ("counter",)
    classes = ("normal",)
    most_cpus = 1
    most_tasks = NR_TASKS - 1
    default_hz = 100
    wakes_before_tick = True
    tick_calls_schedule = True
    idle_polls = True
    looks_for_alarms = True

    def __init__(self) -> None:
        self.slots: list[Any] = [None] * NR_TASKS
        self.last_pid = 0

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """Nothing to do: to be in a slot and runnable is all."""

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Nothing to do."""

    def pick(self, cpu: Any, prev: Any) -> Any:
        """schedule(): deliver signals, then the largest counter, refilling when all are zero."""
        self.wake_the_signalled()
        while True:
            best, chosen = -1, None
            for task in reversed(self.slots[1:]):
                if task is not None and task.state in (READY, RUNNING) and task.counter > best:
                    best, chosen = task.counter, task
            if best != 0:
                return chosen
            self.refill()

    def tick(self, cpu: Any, curr: Any) -> None:
        """do_timer(): one tick less; a task inside the kernel is left alone."""
        curr.counter -= 1
        if curr.counter <= 0:
            curr.counter = 0
            if not curr.in_kernel:
                self.machine.resched(cpu)
        if curr is cpu.idle:
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """Never, but the idle task calls schedule() all the time."""
        return cpu.curr is cpu.idle

    @episode
    def refill(self) -> None:
        """A new round, for every task whatever its state."""
        for task in self.slots[1:]:
            if task is not None:
                task.counter = (task.counter >> 1) + task.priority

    @judgement
    def counter_if_runnable(self, task: Any) -> int:
        """What the walk compares."""
        return int(task.counter)

    def wake_the_signalled(self) -> None:
        """Alarms that are over become signals; a signal ends an interruptible sleep."""
        for task in reversed(self.slots[1:]):
            if task is None:
                continue
            if task.alarm_due and task.alarm_due < self.machine.jiffies:
                task.has_signal = True
                task.alarm_due = 0
            if task.has_signal:
                self.machine.signal(task)

    def born(self, task: Any) -> bool:
        """find_empty_process(): the lowest free slot, if there is one."""
        pid, slot = self.find_empty_process()
        if slot is None:
            return False
        task.pid = pid
        task.slot = task.slot or slot
        self.slots[task.slot] = task
        if task.nice and task.parent is None:
            self.renice_from(task, 0, task.nice)
            task.counter = task.priority
        return True

    def find_empty_process(self) -> tuple[int, int | None]:
        """The next unused pid and the lowest free slot, None when all are taken."""
        in_use = {task.pid for task in self.slots if task is not None}
        self.last_pid += 1
        while self.last_pid in in_use:
            self.last_pid += 1
        for slot in range(1, NR_TASKS):
            if self.slots[slot] is None:
                return self.last_pid, slot
        return self.last_pid, None

    def fork(self, child: Any, parent: Any) -> None:
        """The child gets a whole new quantum and the parent keeps its own."""
        child.priority = parent.priority
        self.renice_from(child, parent.nice, child.nice)
        child.counter = child.priority

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """nice(): ticks off the priority, silently refused when nothing would be left; the counter stays."""
        self.renice_from(task, task.nice, nice)

    def renice_from(self, task: Any, old: int, new: int) -> None:
        """Apply the difference of two nice values to the priority."""
        if task.priority - (new - old) > 0:
            task.priority -= new - old

    def yields(self, cpu: Any, curr: Any) -> None:
        """There is no such system call yet."""

    def system_return(self, cpu: Any, curr: Any) -> None:
        """A quantum that ran out inside the kernel is noticed here."""
        if curr.counter == 0:
            self.machine.resched(cpu)

    def release(self, task: Any) -> None:
        """The slot is free again."""
        self.slots[task.slot] = None

    def looks_at(self, cpu: Any) -> int:
        """Every slot but that of the idle task."""
        return NR_TASKS - 1

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Runnable tasks, highest slot first."""
        return [(task,) for task in reversed(self.slots[1:]) if task is not None and task.state in (READY, RUNNING)]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The slots in use."""
        return [(f"slot {task.slot}", [task]) for task in self.slots[1:] if task is not None]
