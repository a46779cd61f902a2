"""How loaded the CPUs are: the PELT averages of tasks and queues, as balancing looks at them.

A task's averages are brought up to date when it is queued, when it leaves, and when somebody asks; the
queue of a CPU likewise. A task that sleeps still counts where it slept, less and less; if it wakes up
elsewhere it takes its part along.

load      weight x the part of time queued: what is wanted
used      the part of time running, 0..1024: what is had
runnable  the part of time queued, without weights, 1024 for each task

Upstream: kernel/sched/fair.c of Linux 6.12 (update_load_avg, attach_entity_load_avg,
post_init_entity_util_avg, remove_entity_load_avg, task_h_load). Two things are coarser here. The part of
a queued task's time in which it ran counts as spread evenly between two updates; and what UTIL_EST adds
to a CPU's use when a task wakes up is left out.
"""

from __future__ import annotations

from typing import Any, Protocol

from schedlab.linux.pelt import CAPACITY, UNIT_NS, LoadAverage


class HasQueues(Protocol):
    """A policy with a queue for every CPU."""

    machine: Any
    queues_of: Any

    def rq_of(self, task: Any) -> Any: ...


class QueueLoad(LoadAverage):
    """Of the queue `rq`. It has to be advanced before anything in the queue changes."""

    __slots__ = ("rq",)

    def __init__(self, now: int, rq: Any) -> None:
        super().__init__(1, now)
        self.rq = rq

    def advance(self, now: int) -> None:
        """Up to `now`, with what it has held since the last time."""
        if now - self.last_update >= UNIT_NS:
            rq = self.rq
            self.update(now, rq.load, rq.nr_running, CAPACITY if rq.nr_running else 0)


class TaskLoad(LoadAverage):
    """Of a task. A new one counts as if it had always been queued."""

    __slots__ = ("had", "queue")

    def __init__(self, weight: int, now: int, had: int = 0) -> None:
        super().__init__(weight, now)
        self.load_avg = weight
        self.had = had  # ns of CPU time, up to the last update
        self.queue: QueueLoad | None = None  # in which it counts

    def round_down(self) -> None:
        """An update at every tick, as the kernel has it, loses a unit to rounding; that decides between equals."""
        if self.load_sum >= self.divider:
            self.load_sum = self.divider - 1
            self.load_avg = self.weight * self.load_sum // self.divider


class Loads:
    """The averages of all tasks and queues of a machine with one queue a CPU."""

    def __init__(self, policy: HasQueues) -> None:
        self.policy = policy
        self.machine = policy.machine
        self.tasks: dict[Any, TaskLoad] = {}
        for rq in policy.queues_of:
            rq.avg = QueueLoad(0, rq)

    # -- where tasks come and go ------------------------------------------------------------------

    def enqueued(self, task: Any) -> None:
        """A task is being queued: it comes with what it has wanted so far, wherever that was counted."""
        queue, now = self.policy.rq_of(task).avg, self.machine.now
        queue.advance(now)
        mine = self.tasks.get(task)
        if mine is None:
            mine = self.born(task, queue)
        elif now > mine.last_update:
            mine.update(now, 0, 0, 0)
        if mine.queue is not queue:
            if mine.queue is not None:
                mine.queue.advance(now)
                mine.queue.detach(mine)
            mine.queue = queue
            queue.attach(mine)
        if mine.weight != task.weight:
            queue.reweigh(mine, task.weight)

    def dequeued(self, task: Any, why: str) -> None:
        """A task leaves its queue; who sleeps still counts there, who dies or leaves the class does not."""
        queue = self.policy.rq_of(task).avg
        queue.advance(self.machine.now)
        mine = self.refresh(task, queued=True)
        if why in ("setscheduler", "exit"):
            queue.detach(mine)
            mine.queue = None
        if why == "exit":
            del self.tasks[task]

    def born(self, task: Any, queue: QueueLoad) -> TaskLoad:
        """post_init_entity_util_avg(): a new task's use is a guess, at most half of what the CPU has left."""
        mine = self.tasks[task] = TaskLoad(task.weight, queue.last_update, task.sum_exec_runtime)
        most = (CAPACITY - queue.util_avg) // 2
        if most > 0:
            like_others = queue.util_avg * task.weight // (queue.load_avg + 1)
            mine.util_avg = min(like_others, most) if queue.util_avg else most
        mine.runnable_avg = mine.util_avg
        return mine

    # -- what is asked ----------------------------------------------------------------------------

    def current(self, cpu: Any) -> QueueLoad:
        """The averages of a CPU's queue now."""
        queue: QueueLoad = self.policy.queues_of[cpu.id].avg
        queue.advance(self.machine.now)
        return queue

    def refresh(self, task: Any, queued: bool) -> TaskLoad:
        """A task's averages now, if it has been queued, or not, since the last update."""
        mine, now = self.tasks[task], self.machine.now
        passed = now - mine.last_update
        if passed > 0:
            had = task.sum_exec_runtime + (now - task.exec_start if task.cpu.curr is task else 0)
            ran = min(CAPACITY, (had - mine.had) * CAPACITY // passed)
            mine.update(now, int(queued), int(queued), ran)
            mine.had = had
            mine.round_down()
        return mine

    def load_of(self, task: Any, queued: bool = True) -> int:
        """task_h_load(): what a task adds to the load of its CPU."""
        load = self.current(task.cpu).load_avg
        return self.refresh(task, queued).load_avg * load // (load + 1)

    def use_of(self, task: Any) -> int:
        """task_util(): of a queued task."""
        return self.refresh(task, queued=True).util_avg
