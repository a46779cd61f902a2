"""PELT: how much a task has wanted the CPU lately, as a sum that forgets.

Time is cut into periods of 1,024 units of 1,024 ns, about a millisecond. What a task did in a period
counts half as much 32 periods later. Everything is integer: the table holds 2^32 * y^k with
y^32 = 1/2, and what is lost in rounding is lost in the kernel too.
Upstream: kernel/sched/pelt.c of Linux 6.12.
"""

from __future__ import annotations

from functools import cache

LOAD_AVG_PERIOD = 32  # periods until a contribution has halved
LOAD_AVG_MAX = 47742  # the largest sum: 1024 * (1 + y + y^2 + ...)
UNIT_NS = 1024
PERIOD = 1024  # units
LEAST_DIVIDER = LOAD_AVG_MAX - PERIOD  # of a sum at the beginning of a period
CAPACITY, CAPACITY_SHIFT = 1024, 10  # a whole CPU
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


@cache
def decayed(periods: int) -> tuple[int, int, int]:
    """How often to halve a sum, by what to multiply it, and what whole periods in between have added."""
    if periods > LOAD_AVG_PERIOD * 63:
        return 0, 0, LOAD_AVG_MAX - PERIOD
    halves, rest = divmod(periods, LOAD_AVG_PERIOD)
    return halves, DECAY[rest], LOAD_AVG_MAX - decay_load(LOAD_AVG_MAX, periods) - PERIOD


class LoadAverage:
    """The sums and averages of one task or group, whose load `weight` is, or of a queue, whose `weight` is 1.

    A queue's load is a sum of weights already; what it has is the sum of what its tasks have, of those too that sleep.
    """

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
        self.runnable_avg = 0  # 0..1024: the part of time queued; of a queue 1024 for each task
        self.util_avg = 0  # 0..1024: the part of time running

    @property
    def divider(self) -> int:
        """The largest sum that could have come together by now."""
        return LEAST_DIVIDER + self.period_contrib

    def update(self, now: int, load: int, runnable: int, running: int) -> bool:
        """Account the time up to `now` (ns); has an average changed?

        `load` is 1 for a task that was queued and the weight of all for a queue, `runnable` how many were
        queued, `running` the part of the time in which one ran, 0..1024.
        """
        units = (now - self.last_update) >> 10
        if units <= 0:
            return False
        self.last_update += units << 10
        begun = self.period_contrib
        periods, self.period_contrib = divmod(units + begun, PERIOD)
        if periods:
            halves, factor, whole = decayed(periods)
            self.load_sum = (self.load_sum >> halves) * factor >> 32
            self.runnable_sum = (self.runnable_sum >> halves) * factor >> 32
            self.util_sum = (self.util_sum >> halves) * factor >> 32
            units = ((PERIOD - begun >> halves) * factor >> 32) + whole + self.period_contrib
        if load:
            self.load_sum += load * units
            self.runnable_sum += runnable * units << CAPACITY_SHIFT
            self.util_sum += running * units
        if not periods:
            return False
        divider = LEAST_DIVIDER + self.period_contrib
        self.load_avg = self.weight * self.load_sum // divider
        self.runnable_avg = self.runnable_sum // divider
        self.util_avg = self.util_sum // divider
        return True

    # -- of a queue -------------------------------------------------------------------------------

    def attach(self, entity: LoadAverage) -> None:
        """attach_entity_load_avg(): it comes with its averages; its periods are those of the queue from now on."""
        divider = self.divider
        entity.last_update, entity.period_contrib = self.last_update, self.period_contrib
        entity.util_sum = entity.util_avg * divider
        entity.runnable_sum = entity.runnable_avg * divider
        load_sum = entity.load_avg * divider
        entity.load_sum = load_sum // entity.weight if load_sum > entity.weight else 1
        self.load_avg += entity.load_avg
        self.load_sum += entity.weight * entity.load_sum
        self.util_avg += entity.util_avg
        self.util_sum += entity.util_sum
        self.runnable_avg += entity.runnable_avg
        self.runnable_sum += entity.runnable_sum

    def detach(self, entity: LoadAverage) -> None:
        """detach_entity_load_avg(): never below nothing, though rounding would have it so."""
        self.take_load(entity)
        self.util_avg = max(0, self.util_avg - entity.util_avg)
        self.util_sum = max(0, self.util_sum - entity.util_sum, self.util_avg * LEAST_DIVIDER)
        self.runnable_avg = max(0, self.runnable_avg - entity.runnable_avg)
        self.runnable_sum = max(0, self.runnable_sum - entity.runnable_sum, self.runnable_avg * LEAST_DIVIDER)

    def take_load(self, entity: LoadAverage) -> None:
        """dequeue_load_avg()."""
        self.load_avg = max(0, self.load_avg - entity.load_avg)
        self.load_sum = max(0, self.load_sum - entity.weight * entity.load_sum, self.load_avg * LEAST_DIVIDER)

    def reweigh(self, entity: LoadAverage, weight: int) -> None:
        """reweight_entity(): the same part of time, of another weight."""
        self.take_load(entity)
        entity.weight = weight
        entity.load_avg = weight * entity.load_sum // entity.divider
        self.load_avg += entity.load_avg
        self.load_sum += weight * entity.load_sum
