"""PELT: how much a task has wanted the CPU lately, as a sum that forgets.

Time is cut into periods of 1,024 units of 1,024 ns, about a millisecond. What a task did in a period
counts half as much 32 periods later. Everything is integer: the table holds 2^32 * y^k with
y^32 = 1/2, and what is lost in rounding is lost in the kernel too.
Upstream: kernel/sched/pelt.c of Linux 6.12.
"""

from __future__ import annotations

LOAD_AVG_PERIOD = 32  # periods until a contribution has halved
LOAD_AVG_MAX = 47742  # the largest sum: 1024 * (1 + y + y^2 + ...)
PERIOD = 1024  # units of 1,024 ns
CAPACITY_SHIFT = 10  # a whole CPU is 1,024
DECAY = (  # 2^32 * y^k
    0xFFFFFFFF, 0xFA83B2DA, 0xF5257D14, 0xEFE4B99A, 0xEAC0C6E6, 0xE5B906E6, 0xE0CCDEEB, 0xDBFBB796,
    0xD744FCC9, 0xD2A81D91, 0xCE248C14, 0xC9B9BD85, 0xC5672A10, 0xC12C4CC9, 0xBD08A39E, 0xB8FBAF46,
    0xB504F333, 0xB123F581, 0xAD583EE9, 0xA9A15AB4, 0xA5FED6A9, 0xA2704302, 0x9EF5325F, 0x9B8D39B9,
    0x9837F050, 0x94F4EFA8, 0x91C3D373, 0x8EA4398A, 0x8B95C1E3, 0x88980E80, 0x85AAC367, 0x82CD8698,
)  # fmt: skip


def decay_load(value: int, periods: int) -> int:
    """What is left of `value` after so many periods."""
    if periods > LOAD_AVG_PERIOD * 63:
        return 0
    return ((value >> (periods // LOAD_AVG_PERIOD)) * DECAY[periods % LOAD_AVG_PERIOD]) >> 32


class LoadAverage:
    """The sums and averages of one entity; `weight` is its load weight."""

    __slots__ = (
        "weight", "last_update", "period_contrib", "load_sum", "runnable_sum", "util_sum", "load_avg", "runnable_avg",
        "util_avg",
    )  # fmt: skip

    def __init__(self, weight: int, now: int = 0) -> None:
        self.weight = weight
        self.last_update = now  # ns
        self.period_contrib = 0  # units that the present period already has
        self.load_sum = self.runnable_sum = self.util_sum = 0
        self.load_avg = 0  # weight, scaled by the part of time queued
        self.runnable_avg = 0  # 0..1024: the part of time queued
        self.util_avg = 0  # 0..1024: the part of time running

    def update(self, now: int, queued: bool, running: bool) -> bool:
        """Account the time up to `now` (ns), in which the entity was queued or running; has an average changed?"""
        units = (now - self.last_update) >> 10
        if units <= 0:
            return False
        self.last_update += units << 10
        if not self._accumulate(units, queued, queued and running):
            return False
        divider = LOAD_AVG_MAX - PERIOD + self.period_contrib
        self.load_avg = self.weight * self.load_sum // divider
        self.runnable_avg = self.runnable_sum // divider
        self.util_avg = self.util_sum // divider
        return True

    def _accumulate(self, units: int, queued: bool, running: bool) -> int:
        """Decay the sums by the periods that have passed and add what the entity did; how many periods that was."""
        contribution = units
        units += self.period_contrib
        periods, rest = divmod(units, PERIOD)
        if periods:
            self.load_sum = decay_load(self.load_sum, periods)
            self.runnable_sum = decay_load(self.runnable_sum, periods)
            self.util_sum = decay_load(self.util_sum, periods)
            first = decay_load(PERIOD - self.period_contrib, periods)
            whole = LOAD_AVG_MAX - decay_load(LOAD_AVG_MAX, periods) - PERIOD
            contribution = first + whole + rest
        self.period_contrib = rest
        if queued:
            self.load_sum += contribution
            self.runnable_sum += contribution << CAPACITY_SHIFT
        if running:
            self.util_sum += contribution << CAPACITY_SHIFT
        return periods
