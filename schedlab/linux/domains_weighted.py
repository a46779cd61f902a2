"""Scheduling domains that weigh tasks: Linux 2.6.22 and 2.6.23.

The load of a CPU is the weight of its tasks now, so that five of nice 19 are not five of nice -20.
It is smoothed in several ways: the first cpu_load is the load of the last tick, each further one
follows half as fast. A hasty look takes a quick one, a wary look a slow one. A group is never
the busiest while it has a task for each CPU at most, and an *imbalance* is a weight, not a number
of tasks. If all tasks of the busiest CPU are pinned, the next one is tried.

weight     of a task of nice 0: 128 in 2.6.22, where slices give it; 1024 in 2.6.23, from a table
per task   the weight of a group's tasks on average
interval   ms between two looks; doubles up to 512 ms while all tasks are pinned

A node looks at other nodes through one CPU alone: its first idle one, or its first.

2.6.22 measures at boot what a move between two CPUs costs; who ran less than twice that time ago
is warm. Here it is what the scenario says (`cache`). 2.6.23 knows no warm tasks: that came back in 2.6.24.

The flaw: an average hides. A node with one heavy task looks busy, and yet its other CPUs may idle.
Idle CPUs have their tick here (no NO_HZ); all nodes make one domain, as up to 16 do (SD_NODES_PER_DOMAIN).
Upstream: kernel/sched.c of Linux 2.6.22 (update_load, find_busiest_group, move_tasks, load_balance,
rebalance_domains, sched_balance_self, measure_migration_cost) and 2.6.23 (balance_tasks, move_tasks);
include/linux/topology.h and include/asm-i386/topology.h of both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

from schedlab.linux.domains import (
    BUSY,
    IDLE,
    NEWLY_IDLE,
    SCHED_LOAD_SCALE,
    Domain,
    Domains,
    Group,
    Kind,
    Queue,
    may_use,
)
from schedlab.linux.topology import LOCAL_DISTANCE

CPU_DOMAIN = Kind(
    1, 4, 64, newidle=True, exec=True, wake_affine=True,
    busy_idx=2, idle_idx=1, newidle_idx=2, wake_idx=1, forkexec_idx=1,
)  # fmt: skip  # SD_CPU_INIT of 2.6.22
NODE_DOMAIN = Kind(
    8, 32, 32, exec=True, fork=True, wake_balance=True,
    busy_idx=3, idle_idx=1, newidle_idx=2, wake_idx=1,
)  # fmt: skip  # SD_NODE_INIT of i386, both versions
CPU_DOMAIN_2_6_23 = replace(CPU_DOMAIN, wake_idle=True, idle_idx=0, newidle_idx=0)  # SD_CPU_INIT of 2.6.23
MAX_PINNED_INTERVAL_MS = 512
FARTHEST_S = 60  # no look is planned further ahead
EVERYTHING = (1 << 64) - 1  # ULONG_MAX: whatever it weighs
MAX_PRIO = 140  # the idle task's: worse than all


class Weighed(NamedTuple):
    """A group: its smoothed load for the power of one CPU, how many tasks it has, and what they weigh."""

    group: Group
    total: int
    load: int
    running: int
    weight: int

    def per_task(self, none: int) -> int:
        """The average weight; `none` where there are no tasks."""
        return self.weight // self.running if self.running else none


class Weighing(Domains):
    """Linux 2.6.22."""

    scale = SCHED_LOAD_SCALE
    kinds = (CPU_DOMAIN, NODE_DOMAIN)
    cpu_loads: ClassVar[int] = 3  # how many smoothings there are
    fuzz: ClassVar[int] = 0  # so much less than too much is too much, too
    farthest_idle_s: ClassVar[int] = FARTHEST_S  # nor does an idle CPU

    def __init__(self, policy: Any, queues: Sequence[Queue]) -> None:
        super().__init__(policy, queues)
        self.cpu_load = [[0] * self.cpu_loads for _cpu in self.cpus]
        self.next_balance = [self.machine.jiffies for _cpu in self.cpus]

    def domains_of(self, cpu: int) -> list[Domain]:
        """calibrate_migration_costs(): the domains know what a move costs here."""
        found = super().domains_of(cpu)
        for domain in found:
            domain.kind = replace(domain.kind, cache_hot_ns=2 * self.migration_cost(cpu, domain))
        return found

    def migration_cost(self, cpu: int, domain: Domain) -> int:
        """ns to fill a cache again behind a move between groups of this domain."""
        distance = self.machine.topology.distance(cpu, domain.groups[1].cpus[0])
        return int(self.machine.cache_ns * distance // LOCAL_DISTANCE)

    # -- how much a CPU has -------------------------------------------------------------------------

    def source_load(self, cpu: int, index: int) -> int:
        """A low guess, for a CPU that tasks would leave."""
        load = self.queues[cpu].load
        return min(self.cpu_load[cpu][index - 1], load) if index else load

    def target_load(self, cpu: int, index: int) -> int:
        """A high guess, for a CPU to which tasks would come."""
        load = self.queues[cpu].load
        return max(self.cpu_load[cpu][index - 1], load) if index else load

    def per_task(self, cpu: int) -> int:
        """cpu_avg_load_per_task()."""
        queue = self.queues[cpu]
        return queue.load // queue.nr_running if queue.nr_running else self.scale

    def weight(self, task: Any) -> int:
        """What a task counts."""
        return int(task.load_weight)

    def update_load(self, cpu: int) -> None:
        """Each follows half as fast as the one before; rounded up where it grows."""
        load, loads = self.queues[cpu].load, self.cpu_load[cpu]
        for i, old in enumerate(loads):
            others = (1 << i) - 1
            loads[i] = (old * others + load + (others if load > old else 0)) >> i

    def is_hot(self, task: Any, source: Any, domain: Domain) -> bool:
        """task_hot(): the clock of a CPU stands where it last ticked or chose."""
        clock = max(self.machine.last_tick, source.curr.timestamp)
        return bool(clock - task.last_ran < domain.kind.cache_hot_ns)

    # -- when ---------------------------------------------------------------------------------------

    def tick(self, cpu: Any, idle: bool) -> None:
        """scheduler_tick(), trigger_load_balance()."""
        me = cpu.id
        self.update_load(me)
        if self.machine.jiffies >= self.next_balance[me]:
            self.rebalance(cpu, IDLE if idle else BUSY)

    def rebalance(self, cpu: Any, idle: int) -> None:
        """rebalance_domains(): look in every domain whose interval is over, up to one in which others look for us."""
        now = self.machine.jiffies
        soonest = now + FARTHEST_S * self.machine.hz
        for domain in self.of[cpu.id]:
            interval = self.interval_of(domain, idle == IDLE)
            others_look = False
            if now >= domain.last_balance + interval:
                others_look = not self.has_turn(cpu, domain)
                if others_look:
                    self.balanced(domain)
                elif self.load_balance(cpu, domain, idle):
                    idle = BUSY
                domain.last_balance = now
            soonest = min(soonest, domain.last_balance + interval)
            if others_look:
                break
        self.next_balance[cpu.id] = soonest

    def interval_of(self, domain: Domain, idle: bool) -> int:
        """Ticks between two looks."""
        return self.jiffies_between(domain, idle)

    def has_turn(self, cpu: Any, domain: Domain) -> bool:
        """One CPU looks for its group: the first that idles, or the first."""
        own = sorted(domain.groups[0].cpus)
        return cpu.id == next((one for one in own if self.is_idle(one)), own[0])

    def newly_idle(self, cpu: Any) -> None:
        """The smallest domain in which something is found will do; else the next look is planned as an idle CPU's."""
        soonest = self.machine.jiffies + self.farthest_idle_s * self.machine.hz
        pulled = False
        for domain in self.of[cpu.id]:
            pulled = domain.kind.newidle and self.load_balance_newidle(cpu, domain)
            soonest = min(soonest, domain.last_balance + self.jiffies_between(domain, idle=True))
            if pulled:
                break
        if self.plans_anew(cpu.id, pulled):
            self.next_balance[cpu.id] = soonest

    def plans_anew(self, cpu: int, pulled: bool) -> bool:
        """What was planned for a busy CPU comes too late for one that idles now."""
        return not pulled

    # -- what to do about it ------------------------------------------------------------------------

    def load_balance(self, cpu: Any, domain: Domain, idle: int) -> bool:
        """Bring tasks to `cpu` if the others have too much; did any come?"""
        skip: set[int] = set()
        moved, pinned = 0, False
        while True:
            source, imbalance = self.find_busiest(cpu, domain, idle, skip)
            if source is None:
                self.balanced(domain, pinned)
                return False
            many = self.queues[source.id].nr_running
            if many > 1:
                moved, pinned = self.move_tasks(cpu, source, many - 1, imbalance, domain, source.curr)
            if many <= 1 or not pinned:
                break
            skip.add(source.id)
        if moved:
            domain.failed = 0
            domain.interval = domain.kind.min_interval
            return True
        self.failed(cpu, source, domain)
        return False

    def balanced(self, domain: Domain, pinned: bool = False) -> None:
        """Nothing to do: look less often."""
        domain.failed = 0
        self.widen(domain, pinned)

    def widen(self, domain: Domain, pinned: bool) -> None:
        """Twice the interval, up to a limit."""
        if domain.interval < (MAX_PINNED_INTERVAL_MS if pinned else domain.kind.max_interval):
            domain.interval *= 2

    def failed(self, cpu: Any, source: Any, domain: Domain) -> None:
        """Too much there, and nothing came: after some times, what runs there is to be pushed, if it may come."""
        kind = domain.kind
        domain.failed += 1
        asked = False
        if domain.failed > kind.cache_nice_tries + 2:
            if not may_use(source.curr, cpu.id):
                return self.widen(domain, pinned=True)
            asked = self.ask_to_push(source, cpu)
            domain.failed = kind.cache_nice_tries + 1
        if asked:
            self.widen(domain, pinned=False)
        else:
            domain.interval = kind.min_interval

    def load_balance_newidle(self, cpu: Any, domain: Domain) -> bool:
        """The same for a CPU that has run dry: it counts no failures and asks nobody to push."""
        skip: set[int] = set()
        while True:
            source, imbalance = self.find_busiest(cpu, domain, NEWLY_IDLE, skip)
            if source is None:
                domain.failed = 0
                return False
            many = self.queues[source.id].nr_running
            if many <= 1:
                return False
            moved, pinned = self.move_tasks(cpu, source, many - 1, imbalance, domain, source.curr)
            if moved:
                domain.failed = 0
                return True
            if not self.tries_another(pinned):
                return False
            skip.add(source.id)

    def tries_another(self, pinned: bool) -> bool:
        """Nothing came from the busiest CPU: does one that has run dry try the next?"""
        return True

    def find_busiest(self, cpu: Any, domain: Domain, idle: int, skip: Collection[int]) -> tuple[Any, int]:
        """The busiest CPU of the busiest group, and what weight is to come from it; None where all is well."""
        group, imbalance = self.find_busiest_group(cpu, domain, idle, skip)
        return (None if group is None else self.find_busiest_queue(group, imbalance, skip)), imbalance

    def find_busiest_group(
        self, cpu: Any, domain: Domain, idle: int, skip: Collection[int]
    ) -> tuple[Group | None, int]:
        """The first group with most load for its power, of those with a task too many, and what is to come from it."""
        kind = domain.kind
        index = (kind.idle_idx, kind.busy_idx, kind.newidle_idx)[idle]
        own, *others = domain.groups
        here = self.weighed(own, self.target_load, index, skip)
        busiest = Weighed(own, 0, 0, 0, 0)
        total = here.total
        for group in others:
            theirs = self.weighed(group, self.source_load, index, skip)
            total += theirs.total
            if theirs.load > busiest.load and theirs.running > group.power // self.scale:
                busiest = theirs
        average = self.scale * total // domain.power
        if here.load >= busiest.load or here.load >= average:
            return None, 0
        per_task = busiest.per_task(self.scale)
        if 100 * busiest.load <= kind.imbalance_pct * here.load or busiest.load <= per_task:
            return None, 0
        imbalance = self.imbalance(here, busiest, average)
        if imbalance >= per_task:
            return busiest.group, imbalance
        bumped = self.small_imbalance(here, busiest, imbalance)
        return (None, 0) if bumped is None else (busiest.group, bumped)

    def weighed(self, group: Group, guess: Callable[[int, int], int], index: int, skip: Collection[int]) -> Weighed:
        """How much a group has to do, without the CPUs that have been tried in vain."""
        total = running = weight = 0
        for cpu in group.cpus:
            if cpu not in skip:
                total += guess(cpu, index)
                running += self.queues[cpu].nr_running
                weight += self.queues[cpu].load
        return Weighed(group, total, total * self.scale // group.power, running, weight)

    def imbalance(self, here: Weighed, busiest: Weighed, average: int) -> int:
        """What would bring both nearer to the average, and leave the busiest at least a task."""
        if busiest.load < average:  # groups with too few tasks may have more load
            return 0
        pull = min(busiest.load - average, busiest.load - busiest.per_task(self.scale))
        return min(pull * busiest.group.power, (average - here.load) * here.group.power) // self.scale

    def small_imbalance(self, here: Weighed, busiest: Weighed, imbalance: int) -> int | None:
        """Less than a task: one may come all the same if the gap is wide, or if more gets done; else None."""
        per_task = busiest.per_task(self.scale)
        gap = 1 if here.running and per_task > here.per_task(self.scale) else 2
        if busiest.load - here.load + self.fuzz >= per_task * gap or self.gains(here, busiest):
            return per_task
        return None

    def gains(self, here: Weighed, busiest: Weighed) -> bool:
        """Would both groups get more done with one task moved?"""
        scale, ours, theirs = self.scale, here.group.power, busiest.group.power
        task, mine = busiest.per_task(scale), here.per_task(scale)
        now = theirs * min(task, busiest.load) + ours * min(mine, here.load)
        less = task * scale // theirs  # what the task is for the load of either group
        more = min(busiest.load * theirs, task * scale) // ours
        then = theirs * min(task, max(busiest.load - less, 0)) + ours * min(mine, here.load + more)
        return then // scale > now // scale

    def find_busiest_queue(self, group: Group, imbalance: int, skip: Collection[int]) -> Any:
        """The CPU with most weight; not one whose only task is too heavy to be moved."""
        best, most = None, 0
        for cpu in group.cpus:
            queue = self.queues[cpu]
            if cpu not in skip and queue.load > most and not (queue.nr_running == 1 and queue.load > imbalance):
                best, most = self.cpus[cpu], queue.load
        return best

    # -- moving -------------------------------------------------------------------------------------

    def move_tasks(
        self, cpu: Any, source: Any, most: int, weight: int, domain: Domain, running: Any
    ) -> tuple[int, bool]:
        """Move tasks up to this weight from `source`, where `running` runs; how many came, and were all pinned?

        One that is too heavy comes too if it would be the best here; but the best of all stays where it is, if it is
        the only one.
        """
        moved, pinned = 0, True
        best_here, best_there = self.best_prio(cpu, cpu.curr), self.best_prio(source, running)
        seen = running is None or running.prio == best_there
        for task in self.in_order(source):
            prio = task.prio
            stays = self.weight(task) > weight and (prio >= best_here or (prio == best_there and not seen))
            if not stays and may_use(task, cpu.id):
                pinned = False
                stays = task is running or not self.can_migrate(task, source, domain)
            else:
                stays = True
            if stays:
                seen = seen or prio == best_there
                continue
            self.policy.pull(task, source, cpu)
            moved += 1
            weight -= self.weight(task)
            if moved == most or weight <= 0:
                break
            best_here = min(best_here, prio)
        return moved, pinned

    def best_prio(self, cpu: Any, running: Any) -> int:
        """rq_best_prio(): of what runs, which may be the migration thread, and of who has expired."""
        queue = self.policy.runqueues[cpu.id]
        return 0 if running is None else min(running.prio, queue.best_expired_prio)

    def can_migrate(self, task: Any, source: Any, domain: Domain) -> bool:
        """A warm task stays, unless too many looks have failed."""
        return domain.failed > domain.kind.cache_nice_tries or not self.is_hot(task, source, domain)

    def push(self, source: Any) -> None:
        """One task, whatever it weighs, to the CPU that asked."""
        queue, cpu = self.queues[source.id], self.push_to[source.id]
        queue.active_balance = False
        if queue.nr_running:
            domain = next(domain for domain in self.of[cpu.id] if source.id in domain.span)
            self.move_tasks(cpu, source, 1, EVERYTHING, domain, None)

    # -- where a task goes --------------------------------------------------------------------------

    def wake(self, task: Any, here: Any) -> Any:
        """Here if there is less to do here, or little more with the task; else where it ran."""
        home = task.cpu
        if here is home or not may_use(task, here.id):
            return home
        kind = next(domain.kind for domain in self.of[here.id] if home.id in domain.span)
        load, load_here = self.source_load(home.id, kind.wake_idx), self.target_load(here.id, kind.wake_idx)
        half_more = 100 + (kind.imbalance_pct - 100) // 2
        if kind.wake_affine:
            both = load_here + self.target_load(home.id, kind.wake_idx)
            if load_here <= load and both <= self.per_task(here.id):
                return here
            if 100 * (load_here + self.weight(task)) <= half_more * load:
                return here
        if kind.wake_balance and half_more * load_here <= 100 * load:
            return here
        return home

    def wake_idle(self, task: Any, cpu: Any) -> Any:
        """This CPU if it idles, or if it has so much that others must be busy too; else the first that idles."""
        return cpu if self.queues[cpu.id].nr_running > 1 else super().wake_idle(task, cpu)

    def exec(self, task: Any) -> Any:
        """To the idlest CPU of the idlest group, level by level."""
        return self.balance_self(task, task.cpu, attrgetter("kind.exec"))

    def fork(self, child: Any) -> Any:
        """The same, in domains that do so at fork: those of nodes."""
        return self.balance_self(child, child.cpu, attrgetter("kind.fork"))

    def balance_self(self, task: Any, cpu: Any, wanted: Callable[[Domain], bool]) -> Any:
        """sched_balance_self(): from the widest domain down; a CPU that is found goes on in its own narrower ones."""
        left = [domain for domain in self.of[cpu.id] if wanted(domain)]
        while left:
            domain = left.pop()
            group = self.find_idlest_group(task, cpu.id, domain)
            idlest = cpu if group is None else self.find_idlest_cpu(task, cpu.id, group)
            if idlest is not cpu:
                cpu = idlest
                left = [one for one in self.of[cpu.id] if len(one.span) < len(domain.span) and wanted(one)]
        return cpu

    def find_idlest_group(self, task: Any, here: int, domain: Domain) -> Group | None:
        """The group with the least load for its power, if that is clearly less than here; else None."""
        index = domain.kind.forkexec_idx
        least, idlest, load_here = 0, None, 0
        for group in domain.groups:
            if any(may_use(task, cpu) for cpu in group.cpus):
                own = here in group.cpus
                guess = self.source_load if own else self.target_load
                load = sum(guess(cpu, index) for cpu in group.cpus) * self.scale // group.power
                if own:
                    load_here = load
                elif idlest is None or load < least:
                    least, idlest = load, group
        half_more = 100 + (domain.kind.imbalance_pct - 100) // 2
        return None if 100 * load_here < half_more * least else idlest

    def find_idlest_cpu(self, task: Any, here: int, group: Group) -> Any:
        """The CPU with the least weight now; `here` among equals, else the first."""
        allowed = [cpu for cpu in sorted(group.cpus) if may_use(task, cpu)]
        return self.cpus[min(allowed, key=lambda cpu: (self.queues[cpu].load, cpu != here))]


class Weighing_2_6_23(Weighing):
    """Linux 2.6.23: fair tasks, and nothing is warm."""

    scale = 1024
    kinds = (CPU_DOMAIN_2_6_23, NODE_DOMAIN)
    cpu_loads = 5
    fuzz = 1024  # SCHED_LOAD_SCALE_FUZZ
    farthest_idle_s = 1

    def migration_cost(self, cpu: int, domain: Domain) -> int:
        """Not measured any more."""
        return 0

    def weight(self, task: Any) -> int:
        """From the table of weights."""
        return int(task.weight)

    def update_load(self, cpu: int) -> None:
        """update_cpu_load(): not rounded up any more."""
        load, loads = self.queues[cpu].load, self.cpu_load[cpu]
        for i, old in enumerate(loads):
            loads[i] = (old * ((1 << i) - 1) + load) >> i

    def interval_of(self, domain: Domain, idle: bool) -> int:
        """At most a tenth of a second for each CPU (NR_CPUS)."""
        return min(self.jiffies_between(domain, idle), self.machine.hz * len(self.cpus) // 10)

    def plans_anew(self, cpu: int, pulled: bool) -> bool:
        """The other way round, as it was first written; unless the plan is overdue, or nothing was looked at."""
        overdue = self.machine.jiffies > self.next_balance[cpu]
        return pulled or overdue or not self.of[cpu][0].kind.newidle

    def tries_another(self, pinned: bool) -> bool:
        """Only if all tasks of the busiest were pinned."""
        return pinned

    def small_imbalance(self, here: Weighed, busiest: Weighed, imbalance: int) -> int | None:
        """What no rule makes a whole task stays what it is."""
        task = super().small_imbalance(here, busiest, imbalance)
        return imbalance if task is None else task

    def move_tasks(
        self, cpu: Any, source: Any, most: int, weight: int, domain: Domain, running: Any
    ) -> tuple[int, bool]:
        """balance_tasks() of the fair class: from the leftmost on, who has waited longest for its weight.

        Too heavy is a task of more than twice the weight, and some; but one that would be the best here comes.
        """
        if weight == 0:
            return 0, False
        moved, pinned = 0, True
        best_here = MAX_PRIO if running is None else static_prio(cpu.curr)
        for task in list(self.policy.queues_of[source.id].tree):
            prio = static_prio(task)
            too_heavy = self.weight(task) >> 1 > weight + self.fuzz
            if (too_heavy and prio >= best_here) or not may_use(task, cpu.id):
                continue
            pinned = False
            if task is running:
                continue
            self.policy.pull(task, source, cpu)
            moved += 1
            weight -= self.weight(task)
            if moved == most or weight <= 0:
                break
            best_here = min(best_here, prio)
        return moved, pinned


def static_prio(task: Any) -> int:
    """120 for nice 0; the idle task has MAX_PRIO."""
    return 120 + int(task.nice)
