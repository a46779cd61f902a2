"""Preemptive: everybody gets the CPU for one quantum at most, then joins the end of the line.

The scheduler does not know how long a task will work, so it gives all the same slice. A short
task is done within its first slice; a long one is taken off the CPU and comes round again: round
robin.

The flaw: each turn costs a switch, so a short quantum wastes the CPU, and a long one makes the
others wait as under the cooperative scheduler.
"""

from __future__ import annotations

from typing import Any

from schedlab.design.scheduler import Scheduler
from schedlab.scenario import duration

QUANTUM = "10ms"


class Preemptive(Scheduler):
    """Round robin."""

    name = "preemptive"

    def __init__(self, quantum: int | str = QUANTUM) -> None:
        self.quantum = duration(quantum, "quantum", least=1)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first in line."""
        return self.ready.popleft() if self.ready else None
