"""Linux 2.4: one list, one score, one walk.

To choose, a CPU walks every runnable task, scores each with `goodness` and runs the winner: O(n).
When the best score is zero every slice is used up and a new epoch begins: every task of the
system, sleeping or not, gets half of what it had left plus its share.

counter   ticks left in this epoch
goodness  counter, plus a little for nice, for the CPU's cache and for the address space

The flaw: the walk grows with the number of runnable tasks, all CPUs wait for the same lock, and
an epoch touches every task there is. All three are gone in the next generation.
Upstream: kernel/sched.c, kernel/timer.c, kernel/fork.c of Linux 2.4.16.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schedlab.linux.kinds import GONE, READY
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.task import SCHED_NORMAL, SCHED_RR, Task
from schedlab.trace import episode, judgement

PROC_CHANGE_PENALTY = 15  # points, for the CPU whose cache still knows the task (i386)
SAME_MM_BONUS = 1  # point: the page tables can stay
RT_BASE = 1000  # points: any real-time task is better than any other
YIELDED = -1  # points of a task that has just given the CPU up
WORST = -1000  # points, less than any task's
MAX_COUNTER_MS = 200  # what a parent may have after taking over a dead child's ticks
IDLE_COUNTER = -100  # ticks of the idle task, so that anybody beats it


def nice_to_ticks(nice: int, hz: int) -> int:
    """Ticks that a nice value gets for an epoch: NICE_TO_TICKS, whose scale depends on the tick's length."""
    ticks = 20 - nice
    if hz < 200:
        ticks >>= 2
    elif hz < 400:
        ticks >>= 1
    elif hz >= 1600:
        ticks <<= 2
    elif hz >= 800:
        ticks <<= 1
    return ticks + 1


class ONTask(Task):
    """A task with its ticks."""

    __slots__ = ("counter", "yielded")

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.counter = -1  # not given any yet
        self.yielded = False


class ON(Policy):
    """Scheduler of Linux 2.4.16, one CPU or many on one queue."""

    name = "O(n)"
    Task = ONTask
    ranking = Ranking(by="goodness", tie="nearer the head of the list")
    watched = ("counter",)
    default_hz = 100

    def attach(self, machine: Any) -> None:
        """One queue for all CPUs."""
        self.machine = machine
        self.smp = len(machine.cpus) > 1
        self.runqueue: list[Any] = []
        self.active_mm: list[int | None] = [None] * len(machine.cpus)  # address space loaded on each CPU
        self.idle_since = [0] * len(machine.cpus)
        for cpu in machine.cpus:
            cpu.idle.counter = IDLE_COUNTER
            cpu.idle.mm = None

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """New and woken tasks go to the head."""
        self.runqueue.insert(0, task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Out of the list."""
        self.runqueue.remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """schedule(): walk the list; the first task with the highest goodness wins."""
        if prev.policy == SCHED_RR and prev.counter == 0:
            prev.counter = nice_to_ticks(prev.nice, self.machine.hz)
            if prev in self.runqueue:
                self.move_last(prev)
        mm = self.active_mm[cpu.id]
        while True:
            best, next_ = WORST, None
            for task in self.runqueue:
                if self.can_schedule(task, cpu, prev):
                    weight = self.goodness(task, cpu, mm)
                    if weight > best:
                        best, next_ = weight, task
            if best != 0:
                break
            self.new_epoch()
        prev_yielded, prev.yielded = prev.yielded, False
        if next_ is None:
            self.idle_since[cpu.id] = self.machine.now
        elif next_.mm is not None:
            self.active_mm[cpu.id] = next_.mm
        self.offer = None if prev_yielded else prev
        return next_

    def tick(self, cpu: Any, curr: Any) -> None:
        """One tick less; at zero the CPU chooses again."""
        if curr is cpu.idle:
            return
        curr.counter -= 1
        if curr.counter <= 0:
            curr.counter = 0
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """Is the woken task better for this CPU than the one that runs there?"""
        return self.preemption_goodness(woken, cpu) > 0

    def preemption_goodness(self, task: Any, cpu: Any) -> int:
        """By how much `task` is better than what `cpu` runs."""
        mm = self.active_mm[cpu.id]
        return self.goodness(task, cpu, mm) - self.goodness(cpu.curr, cpu, mm)

    @judgement
    def goodness(self, task: Any, cpu: Any, mm: int | None) -> int:
        """How much `cpu` wants `task`. Zero: its slice is used up."""
        if task.yielded:
            return YIELDED
        if task.policy != SCHED_NORMAL:
            return RT_BASE + int(task.rt_priority)
        if task.counter == 0:
            return 0
        score = int(task.counter)
        if self.smp and task.last_cpu is cpu:
            score += PROC_CHANGE_PENALTY
        if task.mm == mm or task.mm is None:
            score += SAME_MM_BONUS
        score += 20 - task.nice
        return score

    @episode
    def new_epoch(self) -> None:
        """Every task of the system gets new ticks and keeps half of its old ones."""
        for task in self.machine.tasks.values():
            if task.state != GONE:
                task.counter = (task.counter >> 1) + nice_to_ticks(task.nice, self.machine.hz)

    def can_schedule(self, task: Any, cpu: Any, prev: Any) -> bool:
        """Not on another CPU, where it may be dying, and allowed on this one."""
        if task.state != READY and task is not prev:
            return False
        return task.allowed is None or cpu.id in task.allowed

    def move_last(self, task: Any) -> None:
        """To the tail of the list."""
        self.runqueue.remove(task)
        self.runqueue.append(task)

    def born(self, task: Any) -> bool:
        """A first slice, unless the scenario gave one."""
        if task.counter < 0:
            task.counter = nice_to_ticks(task.nice, self.machine.hz)
        return True

    def fork(self, child: Any, parent: Any) -> None:
        """The ticks are split: forking creates no CPU time."""
        child.counter = (parent.counter + 1) >> 1
        parent.counter >>= 1
        if parent.counter == 0:
            self.machine.resched(parent.cpu)

    def select_cpu(self, task: Any, why: str) -> Any:
        """reschedule_idle(): its last CPU if idle, else the longest idle one, else where it is better by most."""
        cpus = [cpu for cpu in self.machine.cpus if task.allowed is None or cpu.id in task.allowed]
        home = task.last_cpu if task.last_cpu in cpus else cpus[0]
        if not self.smp or home.curr is home.idle:
            return home
        idle = [cpu for cpu in cpus if cpu.curr is cpu.idle and not cpu.need_resched]
        if idle:
            return min(idle, key=lambda cpu: self.idle_since[cpu.id])
        best, target = 0, home
        for cpu in cpus:
            better = self.preemption_goodness(task, cpu)
            if better > best:
                best, target = better, cpu
        return target

    def put_prev(self, cpu: Any, prev: Any) -> None:
        """The task that lost its CPU is offered to the others, unless it yielded."""
        if self.smp and prev is self.offer:
            other = self.select_cpu(prev, "preempted")
            if other is not cpu and self.preempts(other, prev):
                self.machine.resched(other)

    def yields(self, cpu: Any, curr: Any) -> None:
        """sched_yield(): behind all others once, if there are others."""
        running = sum(each.curr is not each.idle for each in self.machine.cpus)
        if len(self.runqueue) > running:
            curr.yielded = curr.policy == SCHED_NORMAL
            self.move_last(curr)
            self.machine.resched(cpu)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """sched_setscheduler(): to the head of the list, and whoever called it gives the CPU up once."""
        task.policy, task.rt_priority = policy, rt_priority
        if task in self.runqueue:
            self.runqueue.remove(task)
            self.runqueue.insert(0, task)
        self.machine.resched(cpu)

    def release(self, task: Any) -> None:
        """The parent takes over the ticks that a dead child had left."""
        if task.parent is not None:
            most = MAX_COUNTER_MS * self.machine.hz // 1000
            task.parent.counter = min(task.parent.counter + task.counter, most)

    def lock(self, cpu: Any) -> str:
        """One lock for all."""
        return "runqueue_lock"

    def looks_at(self, cpu: Any) -> int:
        """The whole list."""
        return len(self.runqueue)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The list, head first."""
        mm = self.active_mm[cpu.id]
        return [(task, cpu, mm) for task in self.runqueue if self.can_schedule(task, cpu, prev)]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The one list."""
        return [("run queue", list(self.runqueue))]


class ON_2_4_24(ON):
    """Scheduler of Linux 2.4.24: new and woken tasks go to the tail, so the one that has waited longest wins a tie.

    In 2.4.16 the newest wins. Upstream: add_to_runqueue() and setscheduler() in kernel/sched.c of 2.4.27, which
    says why: SCHED_FIFO and SCHED_RR tasks that are preempted should not lose their place to those that wake.
    """

    name = "O(n) 2.4.24"

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """New and woken tasks go to the tail."""
        self.runqueue.append(task)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """sched_setscheduler(): the place in the list stays."""
        task.policy, task.rt_priority = policy, rt_priority
        self.machine.resched(cpu)
