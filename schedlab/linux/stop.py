"""The stop class: above all others, a thread for each CPU that may interrupt whatever runs there.

A task cannot be taken off its CPU while it runs. When it has to go (its mask has changed, it starts
another program elsewhere, balancing sends it away) the work is handed to `migration/N`, the thread
of its CPU. That wakes up, and as nothing stands above it, the task no longer runs; the thread moves
it and sleeps again.

The flaw: it is never fair: even a deadline task loses what the thread takes. So the work is short;
here it takes no time at all.
Upstream: kernel/sched/stop_task.c, kernel/stop_machine.c (`cpu_stopper_thread`) and core.c
(`migration_cpu_stop`) of Linux 6.12.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.task import SCHED_STOP, Step, move, sleep
from schedlab.trace import judgement


class Stop(Policy):
    """The stop class. It has no tasks but its own threads, which begin when they are first needed."""

    name = "stop"
    classes = ()
    ranking = Ranking(by="works", tie="the only one")

    def attach(self, machine: Any) -> None:
        """No thread yet."""
        self.machine = machine
        self.threads: list[Any] = [None] * len(machine.cpus)
        self.waiting: list[deque[Step]] = [deque() for _cpu in machine.cpus]
        self.queued = [False] * len(machine.cpus)

    def send_away(self, task: Any, cpu: Any) -> bool:
        """stop_one_cpu(): the thread of the CPU on which `task` runs is to move it to `cpu`."""
        here = task.cpu
        self.waiting[here.id].append(move(task, cpu))
        thread = self.threads[here.id]
        if thread is None:
            self.threads[here.id] = self.machine.thread(f"migration/{here.id}", self.steps(here), here, SCHED_STOP)
        elif not self.queued[here.id]:
            self.machine.wake_now(thread)
        return True

    def steps(self, cpu: Any) -> Iterator[Step]:
        """cpu_stopper_thread()."""
        while True:
            while self.waiting[cpu.id]:
                yield self.waiting[cpu.id].popleft()
            yield sleep()

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """The thread has work."""
        self.queued[cpu.id] = True

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """It is done."""
        self.queued[cpu.id] = False

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_stop()."""
        return self.threads[cpu.id] if self.queued[cpu.id] else None

    def tick(self, cpu: Any, curr: Any) -> None:
        """Nothing ends its turn."""

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """There is only one of them on a CPU."""
        return False

    @judgement
    def works(self, task: Any) -> int:
        """How many tasks it has to move."""
        return len(self.waiting[task.cpu.id])

    def select_cpu(self, task: Any, why: str) -> Any:
        """It never leaves its CPU."""
        return self.machine.cpus[min(task.allowed)]

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The thread."""
        return [(self.threads[cpu.id],)] if self.queued[cpu.id] else []

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """A thread that waits never waits long enough to be seen."""
        return ()
