"""Work sharing: the CPU at which new work arrives looks for somebody who is less busy.

For each new task it asks a few others, drawn at random, how busy they are, and hands the task over
to the least busy of them if that one is less busy than itself.

The flaw: every new task costs messages, most of them when all are busy and nothing is gained;
and a task that was shared well can still be unlucky, because nobody knows how long it will work.
"""

from __future__ import annotations

from typing import Any

from schedlab.design.own_queues import OwnQueues
from schedlab.scenario import whole


class Sharing(OwnQueues):
    """Own queues, and new tasks handed over. `ask` is how many others are asked about each new task."""

    name = "sharing"

    def __init__(self, ask: int = 2, quantum: int | str | None = None) -> None:
        super().__init__(quantum)
        self.ask = whole(ask, "ask", 1, 1_024)

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """New tasks go to whoever is less busy; others to the end of the own queue."""
        if why == "new":
            cpu = self.find_home(task, cpu)
        self.queue[cpu.id].append(task)

    def find_home(self, task: Any, cpu: Any) -> Any:
        """Ask around and hand `task` over, or keep it."""
        machine = self.machine
        others = [other for other in machine.cpus if other is not cpu]
        home, least = cpu, self.busy(cpu)
        for other in machine.shuffled(f"whom {cpu.name} asks", others)[: self.ask]:
            busy = self.busy(other)
            machine.ask(cpu, other, busy)
            if busy < least:
                home, least = other, busy
        if home is not cpu:
            machine.share(task, cpu, home)
        return home

    def busy(self, cpu: Any) -> int:
        """How many tasks run or wait on `cpu`."""
        return len(self.queue[cpu.id]) + (cpu.curr is not None)
