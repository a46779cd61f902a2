"""The schedulers of the family by the names that scenarios give them, oldest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schedlab.linux.cfs import CFS
from schedlab.linux.cfs_2_6_23 import CFS_2_6_23
from schedlab.linux.classes import Linux_5_15, Linux_6_1, Linux_6_12, Linux_7_2, kernel_with
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6
from schedlab.linux.o1 import O1, O1_2_6_22
from schedlab.linux.on import ON, ON_2_4_24
from schedlab.linux.policy import Policy
from schedlab.linux.scx import SchedExt, Simple, SimpleVtime
from schedlab.linux.v001 import V001
from schedlab.scenario import Scenario

SCHEDULERS: dict[str, Callable[..., Policy]] = {
    "v0.01": V001,
    "o(n)": ON,
    "o(n)-2.4.24": ON_2_4_24,
    "o1": O1,
    "o1-2.6.22": O1_2_6_22,
    "cfs-2.6.23": CFS_2_6_23,
    "cfs": CFS,
    "eevdf-6.6": EEVDF_6_6,
    "eevdf": EEVDF,
    # whole kernels: deadline > rt > fair
    "linux-5.15": Linux_5_15,
    "linux-6.1": Linux_6_1,
    "linux-6.12": Linux_6_12,
    "linux-7.2": Linux_7_2,
    "scx_simple-fifo": kernel_with(Simple),  # 6.12 with one of the kernel's own examples loaded
    "scx_simple": kernel_with(SimpleVtime),
}


def is_policy(scheduler: Any) -> bool:
    """A class of a Linux policy, or of a scheduler for sched_ext."""
    return isinstance(scheduler, type) and issubclass(scheduler, (Policy, SchedExt))


def policy_of(scenario: Scenario) -> Any:
    """The scenario's policy class: of a scheduler for sched_ext the kernel into which it is loaded."""
    scheduler = scenario.scheduler
    if isinstance(scheduler, str):
        return SCHEDULERS[scheduler]
    return kernel_with(scheduler) if issubclass(scheduler, SchedExt) else scheduler
