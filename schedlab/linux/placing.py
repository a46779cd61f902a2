"""Where a task begins: the CPU on which it wakes up, is forked, or starts another program.

A waking task has two candidates, the CPU on which it ran and that of whoever wakes it. One of them is
the *target*, and the task goes to an idle CPU that shares its cache: the target itself, the old CPU,
the one before that, or the first that a short search finds. A task that is forked, or executes another program, has
nothing in any cache; it goes down the domains to the idlest group, and in it to the idlest CPU.

flips  how often a task woke another one than the time before; who wakes many spreads them (wake_wide)
scan   how many CPUs of a node are looked at for an idle one; the busier the node, the fewer (SIS_UTIL)

The flaw: a search that is cut short leaves a task waiting though a CPU is idle.
Upstream: kernel/sched/fair.c of Linux 6.12 (select_task_rq_fair, wake_affine, select_idle_sibling,
update_idle_cpu_scan, sched_balance_find_dst_cpu, sched_balance_find_dst_group).
"""

from __future__ import annotations

from typing import Any

from schedlab.linux.balance import (
    FULLY_BUSY,
    HAS_SPARE,
    IMBALANCE_PCT,
    OVERLOADED,
    Balancer,
    Domain,
    Sums,
    tolerable,
)
from schedlab.linux.pelt import CAPACITY
from schedlab.linux.task import may_use
from schedlab.linux.weights import NICE_0_LOAD


class Habits:
    """What is remembered of a task for its next wake-up."""

    __slots__ = ("flips", "last_wakee", "decayed", "recent")

    def __init__(self, jiffies: int) -> None:
        self.flips = 0
        self.last_wakee: Any = None
        self.decayed = jiffies
        self.recent: Any = None  # the CPU of the wake-up before


class Placing:
    """Chooses CPUs for one fair class."""

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer
        self.machine = balancer.machine
        self.cpus = balancer.cpus
        self.habits: dict[Any, Habits] = {}
        topology = self.machine.topology
        self.node = [
            tuple(self.cpus[number] for number in topology.nodes[topology.node_of[cpu.id]]) for cpu in self.cpus
        ]
        self.scan = {node: len(node) for node in self.node}
        balancer.looked = self.set_scan

    def select(self, task: Any, why: str) -> Any:
        """The CPU for a task that wakes up, or is new; one that a scenario begins with goes where there are fewest."""
        if task.allowed is not None and len(task.allowed) == 1:
            return self.cpus[min(task.allowed)]
        if why == "new":
            allowed = [cpu for cpu in self.cpus if may_use(task, cpu)]
            return min(allowed, key=lambda cpu: (self.balancer.running(cpu), cpu.id))
        if why in ("fork", "exec"):
            cpu = self.idlest(task, task.cpu)
        else:
            cpu = self.near(task)
        return cpu if may_use(task, cpu) else self.fallback(task)

    def fallback(self, task: Any) -> Any:
        """select_fallback_rq(): one of the same node, if it may."""
        allowed = [cpu for cpu in (*self.node[task.cpu.id], *self.cpus) if may_use(task, cpu)]
        return allowed[0]

    # -- a task wakes up --------------------------------------------------------------------------

    def near(self, task: Any) -> Any:
        """select_task_rq_fair(), fast path. A timer rings on the CPU on which the task went to sleep."""
        prev, waker = task.cpu, self.machine.waker
        here = prev if waker is None else waker.cpu
        target = prev
        if waker is not None:
            wide = self.wakes_many(waker, task)
            if here is not prev and not wide and may_use(task, here) and self.affine(here, prev):
                target = self.wake_affine(task, here, prev)
        return self.idle_sibling(task, prev, target)

    def affine(self, here: Any, prev: Any) -> bool:
        """Is there a domain with both in which a task may follow its waker?"""
        return any(prev in domain.cpus for domain in self.balancer.domains[here.id] if not domain.far)

    def wakes_many(self, waker: Any, wakee: Any) -> bool:
        """record_wakee() and wake_wide(): do they wake more tasks than share a cache, one of them many more?"""
        mine, theirs = self.of(waker), self.of(wakee)
        now = self.machine.jiffies
        if now > mine.decayed + self.machine.hz:
            mine.flips >>= 1
            mine.decayed = now
        if mine.last_wakee is not wakee:
            mine.last_wakee = wakee
            mine.flips += 1
        few, many = sorted((mine.flips, theirs.flips))
        factor = len(self.node[waker.cpu.id])
        return few >= factor and many >= few * factor

    def of(self, task: Any) -> Habits:
        """What is remembered of it."""
        if task not in self.habits:
            self.habits[task] = Habits(self.machine.jiffies)
        return self.habits[task]

    def wake_affine(self, task: Any, here: Any, prev: Any) -> Any:
        """The waker's CPU if it would be sooner there: by who is idle, else by load."""
        if self.balancer.idle(prev):
            return prev
        loads = self.balancer.loads
        mine = loads.load_of(task, queued=False) if task in loads.tasks else task.weight
        there = loads.current(prev).load_avg
        this_load = (loads.current(here).load_avg + mine) * 100
        prev_load = (there - mine) * (100 + (IMBALANCE_PCT - 100) // 2)
        return here if this_load < prev_load else prev

    def idle_sibling(self, task: Any, prev: Any, target: Any) -> Any:
        """select_idle_sibling(): an idle CPU that shares the target's cache."""
        idle, near = self.balancer.idle_enough, self.node[target.id]
        if may_use(task, target) and idle(target):
            return target
        if prev is not target and prev in near and may_use(task, prev) and idle(prev):
            return prev
        habits = self.of(task)
        recent, habits.recent = habits.recent, prev
        if recent not in (None, prev, target) and recent in near and may_use(task, recent) and idle(recent):
            return recent
        return self.searched(task, target)

    def searched(self, task: Any, target: Any) -> Any:
        """select_idle_cpu(): round the node from the target's neighbour on, as far as the search goes."""
        near = self.node[target.id]
        left, after = self.scan[near], near.index(target) + 1
        for cpu in (*near[after:], *near[:after]):
            if left <= 0:
                break
            if may_use(task, cpu):
                if self.balancer.idle_enough(cpu):
                    return cpu
                left -= 1
        return target

    def set_scan(self, domain: Domain) -> None:
        """update_idle_cpu_scan(): after each look around a node."""
        near = self.node[domain.cpus[0].id]
        if len(near) == len(domain.cpus):
            used = sum(min(CAPACITY, self.balancer.loads.current(cpu).util_avg) for cpu in near) // len(near)
            part = min(used * used * IMBALANCE_PCT * IMBALANCE_PCT // (10_000 * CAPACITY), CAPACITY)
            self.scan[near] = (CAPACITY - part) * len(near) // CAPACITY

    # -- a task is forked, or executes another program --------------------------------------------

    def idlest(self, task: Any, cpu: Any) -> Any:
        """sched_balance_find_dst_cpu(): from the widest domain down, to the idlest group and its idlest CPU."""
        widths = [domain for domain in self.balancer.domains[cpu.id] if not domain.far]
        while widths:
            domain = widths.pop()
            group = self.idlest_group(domain, task, cpu)
            found = cpu if group is None else self.idlest_cpu(group, task, cpu)
            if found is not cpu:
                cpu = found
                below = self.balancer.domains[cpu.id]
                widths = [one for one in below if len(one.cpus) < len(domain.cpus) and not one.far]
        return cpu

    def idlest_group(self, domain: Domain, task: Any, cpu: Any) -> Sums | None:
        """sched_balance_find_dst_group(); None to stay."""
        local: Sums | None = None
        idlest: Sums | None = None
        for group in domain.groups:
            if not any(may_use(task, one) for one in group):
                continue
            sums = self.balancer.sums_without(group, task)
            if cpu in group:
                local = sums
            elif idlest is None or is_idler(sums, idlest):
                idlest = sums
        if idlest is None or local is None:
            return idlest
        return None if self.stays(domain, task, local, idlest) else idlest

    def stays(self, domain: Domain, task: Any, local: Sums, idlest: Sums) -> bool:
        """Is the own group as good a place?"""
        if local.kind != idlest.kind:
            return local.kind < idlest.kind
        if local.kind in (OVERLOADED, FULLY_BUSY):
            little = NICE_0_LOAD * (IMBALANCE_PCT - 100) // 100
            if domain.numa and idlest.average + little >= local.average:
                return True
            if idlest.average >= local.average + little:
                return True
            return 100 * local.average <= IMBALANCE_PCT * idlest.average
        if local.kind != HAS_SPARE:
            return True
        if domain.numa:
            most = min(domain.tolerated, sum(may_use(task, one) for one in local.cpus))
            if not tolerable(abs(local.idle - idlest.idle), local.running + 1, most):
                return True
        return local.idle >= idlest.idle

    def idlest_cpu(self, group: Sums, task: Any, cpu: Any) -> Any:
        """sched_balance_find_dst_group_cpu(): the one that went idle last; if none is idle, the least loaded."""
        if len(group.cpus) == 1:
            return group.cpus[0]
        balancer = self.balancer
        idle_since, idlest = -1, None
        least, lightest = None, cpu
        for one in group.cpus:
            if not may_use(task, one):
                continue
            if balancer.idle_enough(one) and not balancer.idle(one):
                return one
            if balancer.idle(one):
                if balancer.idle_since[one.id] > idle_since:
                    idle_since, idlest = balancer.idle_since[one.id], one
            elif idlest is None:
                load = balancer.loads.current(one).load_avg
                if least is None or load < least:
                    least, lightest = load, one
        return lightest if idlest is None else idlest


def is_idler(one: Sums, other: Sums) -> bool:
    """update_pick_idlest()."""
    if one.kind != other.kind:
        return one.kind < other.kind
    if one.kind in (OVERLOADED, FULLY_BUSY):
        return one.average < other.average
    if one.kind == HAS_SPARE:
        return one.idle > other.idle or (one.idle == other.idle and one.used < other.used)
    return False
