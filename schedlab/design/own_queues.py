"""No distribution: a queue for each CPU, and work stays where it arrived.

Nobody waits for a shared line, and nobody sends a message. But nobody knows how long a task will
work: after a while some queues are long and some CPUs are idle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from schedlab.design.scheduler import MachineView, Scheduler
from schedlab.scenario import duration
from schedlab.trace import Ranking, judgement


class OwnQueues(Scheduler):
    """Every CPU takes from its own queue. With a `quantum` long tasks are taken off the CPU and wait again."""

    name = "none"
    ranking = Ranking(by="place", best="lowest")

    def __init__(self, quantum: int | str | None = None) -> None:
        self.quantum = None if quantum is None else duration(quantum, "quantum", least=1)

    def attach(self, machine: MachineView) -> None:
        """A queue for each CPU."""
        self.machine = machine
        self.queue: list[deque[Any]] = [deque() for _cpu in machine.cpus]

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """At the end of the CPU's own queue."""
        self.queue[cpu.id].append(task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Out of its queue."""
        self.queue[task.cpu.id].remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first of the own queue."""
        queue = self.queue[cpu.id]
        return queue.popleft() if queue else None

    @judgement
    def place(self, task: Any) -> int:
        """How many stand before `task` in its queue."""
        return self.queue[task.cpu.id].index(task)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The own queue, and no other."""
        return [(task,) for task in self.queue[cpu.id]]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """One for each CPU."""
        return [(f"queue of {cpu.name}", list(self.queue[cpu.id])) for cpu in self.machine.cpus]
