"""cpu.max: a quota of CPU time in each period, handed out in slices, and what happens when it is gone.

The quota lies in a *pool*, one for all CPUs. A group's queue on a CPU takes slices of 5 ms from it;
when the pool is empty and the queue has used its slice up, it is *throttled*: its entity leaves the
parent's queue until there is time again. The period's timer fills the pool and lets the throttled
queues go on in the order in which they stopped, each with what it owes and one ns; the queue on the
timer's own CPU goes last. An empty queue gives back all but 1 ms of its slice; if others wait for
time, a second timer, the *slack* timer, hands it out 5 ms later.

runtime            ns left in the pool
runtime_remaining  ns left of a queue's slice; negative when it was overrun

The flaw: all of a quota can be used up at the period's beginning, by many CPUs at once; so a group
with 20 ms in 100 may stand still for 80 ms at a time.
Upstream: kernel/sched/fair.c of Linux 5.15 and 6.12 (`*_cfs_bandwidth*`, `__assign_cfs_rq_runtime`,
`throttle_cfs_rq`, `distribute_cfs_runtime`, `do_sched_cfs_slack_timer`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MIN_QUOTA_NS = 1_000_000
MIN_PERIOD_NS, DEFAULT_PERIOD_NS, MAX_PERIOD_NS = 1_000_000, 100_000_000, 1_000_000_000
BANDWIDTH_SLICE_NS = 5_000_000  # sched_cfs_bandwidth_slice
KEPT_NS = 1_000_000  # min_cfs_rq_runtime: what an empty queue keeps of its slice
SLACK_NS = 5_000_000  # cfs_bandwidth_slack_period: what is given back waits so long for more
LATE_NS = 2_000_000  # min_bandwidth_expiration: so near the period's end nothing is handed out
PERIOD_TIMER, SLACK_TIMER = "cpu.max period", "cpu.max slack"


class Bandwidth:
    """The pool of a group with a quota, and its queues that wait for it."""

    def __init__(self, quota: int, period: int) -> None:
        self.quota = quota
        self.period = period
        self.runtime = quota
        self.idle = True  # nothing was taken in this period
        self.timer_on = False
        self.expires = 0  # ns: when the period ends
        self.slack_on = False
        self.throttled: list[Any] = []  # in the order in which they stopped


class Quotas:
    """What quotas add to a fair class with groups. To be mixed in beside `schedlab.linux.groups.Groups`."""

    machine: Any
    first_period: int | None

    def account(self, owner: Any, ran: int) -> None:
        """account_cfs_rq_runtime(): off the slice; if it is gone and there is no other, the CPU chooses again."""
        if owner.bandwidth is None:
            return
        owner.runtime_remaining -= ran
        if owner.runtime_remaining > 0 or owner.throttled:
            return
        if not self.assign(owner, BANDWIDTH_SLICE_NS) and owner.queue.curr is not None:
            self.machine.resched(owner.cpu)

    def assign(self, owner: Any, target: int) -> bool:
        """__assign_cfs_rq_runtime(): from the pool, so that `target` is left. Is anything left?"""
        pool = owner.bandwidth
        self.start_period(owner)
        amount = min(pool.runtime, target - owner.runtime_remaining)
        if pool.runtime > 0:
            pool.runtime -= amount
            pool.idle = False
            owner.runtime_remaining += amount
        return bool(owner.runtime_remaining > 0)

    def out_of_runtime(self, owner: Any) -> bool:
        """check_cfs_rq_runtime(): throttle the queue if it has nothing left."""
        if owner.bandwidth is None or owner.runtime_remaining > 0:
            return False
        if not owner.throttled:
            self.throttle(owner)
        return bool(owner.throttled)

    def check_enqueue_throttle(self, owner: Any) -> None:
        """A queue that is not empty any more may have to wait at once."""
        if owner.bandwidth is None or owner.queue.curr is not None or owner.throttled:
            return
        self.account(owner, 0)
        if owner.runtime_remaining <= 0:
            self.throttle(owner)

    def throttle(self, owner: Any) -> None:
        """throttle_cfs_rq(): its entity leaves the parent's queue, unless the pool has just been filled."""
        if self.assign(owner, 1):
            return
        owner.bandwidth.throttled.append(owner)
        if owner.on_rq:
            self.take_down(owner)
        owner.throttled = True
        self.machine.group_stops(owner.name, owner.cpu, -owner.runtime_remaining)

    def unthrottle(self, owner: Any) -> None:
        """unthrottle_cfs_rq(): back into the parent's queue; an idle CPU looks at it."""
        owner.throttled = False
        owner.bandwidth.throttled.remove(owner)
        self.machine.group_goes_on(owner.name, owner.cpu)
        if owner.queue.nr_running:
            self.put_up(owner)
        if owner.cpu.curr is owner.cpu.idle and self.root(owner.cpu).nr_running:
            self.machine.resched(owner.cpu)

    def held_up(self, owner: Any) -> bool:
        """throttled_hierarchy(): is the queue throttled, or one above it?"""
        while owner is not None:
            if owner.throttled:
                return True
            owner = owner.up
        return False

    def give_back(self, owner: Any) -> None:
        """return_cfs_rq_runtime(): an empty queue keeps 1 ms of its slice."""
        pool = owner.bandwidth
        if pool is None or owner.runtime_remaining <= KEPT_NS or owner.queue.nr_running:
            return
        pool.runtime += owner.runtime_remaining - KEPT_NS
        owner.runtime_remaining = KEPT_NS
        if pool.runtime > BANDWIDTH_SLICE_NS and pool.throttled:
            self.start_slack(owner)

    # -- the timers -------------------------------------------------------------------------------------

    def start_period(self, owner: Any) -> None:
        """start_cfs_bandwidth(): the first who takes something starts the timer, on its CPU."""
        pool, now = owner.bandwidth, self.machine.now
        if not pool.timer_on:
            pool.timer_on = True
            since = 0 if self.first_period is None else (now - self.first_period) % pool.period
            self.plan_period(owner.cpu, pool, now + pool.period - since)

    def plan_period(self, cpu: Any, pool: Bandwidth, when: int) -> None:
        """The period ends then."""
        pool.expires = when
        self.machine.timer(cpu, when, (PERIOD_TIMER, pool))

    def start_slack(self, owner: Any) -> None:
        """start_cfs_slack_bandwidth(): if the period does not end before."""
        pool, now = owner.bandwidth, self.machine.now
        if pool.expires - now < SLACK_NS + LATE_NS or pool.slack_on:
            return
        pool.slack_on = True
        self.machine.timer(owner.cpu, now + SLACK_NS, (SLACK_TIMER, pool))

    def timer(self, cpu: Any, name: Any) -> None:
        """One of the two timers rings on `cpu`."""
        which = name[0] if isinstance(name, tuple) else None
        if which == PERIOD_TIMER:
            self.period_ends(cpu, name[1])
        elif which == SLACK_TIMER:
            self.slack_is_over(cpu, name[1])
        else:
            super().timer(cpu, name)  # type: ignore[misc]  # of the fair class

    def period_ends(self, cpu: Any, pool: Bandwidth) -> None:
        """do_sched_cfs_period_timer(): fill the pool; after a period in which nothing was taken, stop."""
        pool.runtime = pool.quota
        waits = bool(pool.throttled)
        if pool.idle and not waits:
            pool.timer_on = False
            return
        self.plan_period(cpu, pool, self.machine.now + pool.period)
        pool.idle = not waits
        while waits and pool.runtime > 0:
            waits = self.distribute(cpu, pool)

    def slack_is_over(self, cpu: Any, pool: Bandwidth) -> None:
        """do_sched_cfs_slack_timer(): what was given back goes to those who wait, unless the period is nearly over."""
        pool.slack_on = False
        if pool.expires - self.machine.now >= LATE_NS and pool.runtime > BANDWIDTH_SLICE_NS:
            self.distribute(cpu, pool)

    def distribute(self, cpu: Any, pool: Bandwidth) -> bool:
        """distribute_cfs_runtime(): pay the debts in order, the timer's own CPU last. Does anybody still wait?"""
        waits, here = False, []
        for owner, paid in self.paid(pool):
            if not paid:
                waits = True
            elif owner.cpu is cpu:
                here.append(owner)
            else:
                self.unthrottle(owner)
        for owner in here:
            self.unthrottle(owner)
        return waits

    def paid(self, pool: Bandwidth) -> Iterator[tuple[Any, bool]]:
        """Each that waits gets what it owes and one ns, as far as the pool goes."""
        left = 1
        for owner in list(pool.throttled):
            if not left:
                yield owner, False
                return
            amount = min(pool.runtime, 1 - owner.runtime_remaining)
            pool.runtime -= amount
            left = pool.runtime
            owner.runtime_remaining += amount
            yield owner, owner.runtime_remaining > 0

    # -- of the groups ----------------------------------------------------------------------------------

    def root(self, cpu: Any) -> Any:
        """The queue of a CPU in which no group's tasks stand."""
        raise NotImplementedError

    def take_down(self, owner: Any) -> None:
        """The entity leaves its parent's queue, and those above theirs if they are empty then."""
        raise NotImplementedError

    def put_up(self, owner: Any) -> None:
        """The entity goes back, and those above if they are not queued."""
        raise NotImplementedError
