"""Cooperative: whoever has the CPU keeps it until it gives it up.

The next in line runs until its work is done, it sleeps, or it yields. Each task costs one switch,
and nothing else is spent on scheduling.

The flaw: one task that works for long starves all others, and the scheduler can do nothing about
it. The preemptive scheduler can.
"""

from __future__ import annotations

from typing import Any

from schedlab.design.scheduler import Scheduler


class Cooperative(Scheduler):
    """First come, first served."""

    name = "cooperative"

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first in line."""
        return self.ready.popleft() if self.ready else None
