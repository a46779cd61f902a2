"""What CFS and EEVDF do alike: a queue for every CPU, balanced, and a choice of CPUs where tasks begin."""

from __future__ import annotations

from typing import Any, ClassVar

from schedlab.linux.balance import Balancer
from schedlab.linux.placing import Placing
from schedlab.linux.policy import Policy


class FairPolicy(Policy):
    """A fair class. `Rq` is its queue."""

    Rq: ClassVar[type[Any]]
    queues_of: list[Any]

    def attach(self, machine: Any) -> None:
        """A queue for every CPU; who balances them, if there are many."""
        self.machine = machine
        self.tune()
        self.queues_of = [self.Rq() for _cpu in machine.cpus]
        self.balancer = Balancer(self) if len(machine.cpus) > 1 else None
        self.placing = Placing(self.balancer) if self.balancer is not None else None

    def rq_of(self, task: Any) -> Any:
        """The queue of a task."""
        return self.queues_of[task.cpu.id]

    def tasks_on(self, cpu: Any) -> int:
        """How many fair tasks a CPU has."""
        return int(self.queues_of[cpu.id].nr_running)

    def may_pull(self, task: Any, cpu: Any) -> bool:
        """Could `task` run if it were moved to `cpu`?"""
        return True

    def select_cpu(self, task: Any, why: str) -> Any:
        """Among many CPUs there is a choice."""
        return self.machine.cpus[0] if self.placing is None else self.placing.select(task, why)

    def execs(self, task: Any) -> Any:
        """sched_exec(): where a new program begins."""
        return task.cpu if self.placing is None else self.placing.select(task, "exec")
