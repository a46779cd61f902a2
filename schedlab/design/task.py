"""A task of the toy machine, and all that it can ask for.

A task has an amount of work, or does a list of steps, made here or written as data:

    [run(3 * MS), yield_cpu(), run(2 * MS)]     [{"run": "3ms"}, "yield", {"run": "2ms"}]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schedlab.design.kinds import ABSENT

FOREVER = 1 << 60  # ns: work or sleep that never ends by itself
RUN, YIELD, SLEEP, SPAWN = range(4)

Step = tuple[Any, ...]


def run(ns: int = FOREVER) -> Step:
    """Work for `ns` of CPU time."""
    return (RUN, ns)


def yield_cpu() -> Step:
    """Give the CPU up and wait for another turn."""
    return (YIELD,)


def sleep(ns: int = FOREVER) -> Step:
    """Wait for `ns`, for a key or a disk."""
    return (SLEEP, ns)


def spawn(task: Mapping[str, Any]) -> Step:
    """Create tasks on this CPU: a mapping as in a scenario's list of tasks."""
    return (SPAWN, task)


class Task:
    """What the machine keeps of a task. A scheduler may hang fields of its own on it."""

    def __init__(self, id: int, name: str, cpu: Any, arrived: int, work: int, steps: Iterator[Step] | None) -> None:
        self.id = id
        self.name = name
        self.parent: Task | None = None
        self.arrived = arrived  # ns
        self.state = ABSENT
        self.cpu = cpu  # where it arrived, or whose queue took it over
        self.remaining = work  # ns of CPU time until the present step ends
        self.sum_exec = 0  # ns of CPU time had so far
        self.steps = steps  # what follows; None for nothing
        self.pending: Step | None = None  # a step that has been taken but not done
        self.wake_ticket = 0  # of the planned end of its sleep

    def __repr__(self) -> str:
        return f"<{self.name}>"
