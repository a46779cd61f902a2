"""What CFS and EEVDF share: an entity with a weight, and virtual time.

Virtual time runs at 1024 / weight of real time: for a task of nice 0 they are the same, for a
heavier one virtual time is slower. Fields here are those of the kernel's `struct sched_entity`.
"""

from __future__ import annotations

from typing import Any

from schedlab.linux.rbtree import Node
from schedlab.linux.task import SCHED_IDLE, Task
from schedlab.linux.weights import (
    IDLE_INVERSE,
    IDLE_WEIGHT,
    NICE_0_LOAD,
    calc_delta,
    inverse_of,
    weight_of,
)
from schedlab.scenario import duration

FIRST_VRUNTIME = -(1 << 20)  # of a new queue: near the wrap, so that wrong comparisons show early


class FairTask(Task):
    """A task with a weight."""

    __slots__ = (
        "weight", "inverse", "vruntime", "exec_start", "sum_exec_runtime", "prev_sum_exec_runtime", "on_rq", "run_node",
        "group",
    )  # fmt: skip

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.weight = NICE_0_LOAD
        self.inverse = inverse_of(0)
        self.vruntime = 0  # ns of virtual time
        self.exec_start = 0  # ns: up to when it has been charged
        self.sum_exec_runtime = 0  # ns, as fresh as the last charge
        self.prev_sum_exec_runtime = 0  # ns: the same when it was last picked
        self.on_rq = False
        self.run_node = Node(self)  # its place in the tree
        self.group: str | None = None  # the control group it is in, None for the root


def set_load_weight(task: Any, nice: int) -> None:
    """From the table; SCHED_IDLE tasks weigh next to nothing."""
    if task.policy == SCHED_IDLE:
        task.weight, task.inverse = IDLE_WEIGHT, IDLE_INVERSE
    else:
        task.weight, task.inverse = weight_of(nice), inverse_of(nice)


def calc_delta_fair(ns: int, task: Any) -> int:
    """Real time as this task's virtual time."""
    return ns if task.weight == NICE_0_LOAD else calc_delta(ns, NICE_0_LOAD, task.inverse)


def option_ns(name: str, value: int | str | None, least: int = 1) -> int | None:
    """A time that a scheduler is given, ns, or None for the kernel's own. Raises ValueError."""
    return None if value is None else duration(value, name, least)
