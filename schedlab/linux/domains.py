"""Scheduling domains: how the CPUs of Linux 2.6.11 even out their queues.

From time to time every CPU looks at the others. How far it looks, and how often, its *domains* say:
all CPUs of its node, and above them all nodes. A domain is divided into *groups*: single CPUs in
the small one, nodes in the wide one. If another group has so much more load that a move is worth
the trouble, tasks are taken from its busiest CPU. A CPU that runs dry looks at once. And if nothing
comes again and again, the busiest CPU is told to *push*: its own migration thread takes it over, so
that even what was running there waits now, and can be moved.

load      128 for each task of a queue
cpu_load  the load, smoothed: every tick goes half of the way to it
power     what a group can run: 128 for each of its CPUs
interval  ms between two looks; many times more while the CPU has something to run
failed    looks in a row that found too much elsewhere and moved nothing

Where tasks would leave, load is guessed low; where they would come, high. So nobody moves in vain.

The flaw: tasks are counted, not weighed. One CPU can have five tasks of nice 19, another one five of
nice -20, and all looks well. And a CPU that finds only pinned tasks at the busiest one looks no further.

The kernel is built for as many CPUs as there are (NR_CPUS), and with wake_idle(), as for CPUs with
siblings (SMT), but none has any. All CPUs tick, idle ones too, at the same moments, and have one clock;
the migration thread takes no time.
Upstream: kernel/sched.c of Linux 2.6.11 (rebalance_tick, load_balance, find_busiest_group, move_tasks,
idle_balance, active_load_balance, try_to_wake_up, sched_exec), include/linux/topology.h and
include/asm-i386/topology.h (the kinds of domains).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

SCHED_LOAD_SCALE = 128  # the load of one task, and the power of one CPU
IDLE, BUSY, NEWLY_IDLE = range(3)  # why a CPU looks: enum idle_type


@dataclass(frozen=True)
class Kind:
    """What all domains of one level have in common."""

    min_interval: int  # ms
    max_interval: int  # ms
    busy_factor: int  # a busy CPU looks so many times less often
    imbalance_pct: int = 125  # how much more load counts as more
    cache_hot_ns: int = 0  # a task that ran so recently has a warm cache
    cache_nice_tries: int = 1  # failed looks that leave such a task alone
    newidle: bool = False  # does a CPU look here when it runs dry?
    exec: bool = False  # may exec put a task anywhere in here?
    fork: bool = False  # and fork a child?
    wake_affine: bool = False  # may a task come to the CPU of its waker?
    wake_idle: bool = False  # or to an idle CPU of this domain?
    wake_balance: bool = False  # or to its waker because there is less load?
    # which smoothing of the load counts, 0 for none (2.6.18 and later)
    busy_idx: int = 0
    idle_idx: int = 0
    newidle_idx: int = 0
    wake_idx: int = 0
    forkexec_idx: int = 0


CPU_DOMAIN = Kind(
    1, 4, 64, cache_hot_ns=2_500_000, newidle=True, exec=True, wake_affine=True, wake_idle=True, wake_balance=True
)  # SD_CPU_INIT
NODE_DOMAIN = Kind(
    8, 32, 32, cache_hot_ns=10_000_000, newidle=True, exec=True, wake_idle=True, wake_balance=True
)  # SD_NODE_INIT of i386


class Group(NamedTuple):
    """Some CPUs, by number, and what they can run together."""

    cpus: tuple[int, ...]
    power: int


class Domain:
    """One level of one CPU. Its own group is the first."""

    __slots__ = ("kind", "span", "groups", "power", "last_balance", "interval", "failed")

    def __init__(self, kind: Kind, groups: Sequence[Group], jiffies: int) -> None:
        self.kind = kind
        self.groups = tuple(groups)
        self.span = tuple(sorted(cpu for group in groups for cpu in group.cpus))
        self.power = sum(group.power for group in groups)
        self.last_balance = jiffies
        self.interval = 1  # ms: balance_interval
        self.failed = 0  # nr_balance_failed


class Queue(Protocol):
    """What balancing needs of a CPU's queue."""

    nr_running: int
    load: int
    active_balance: bool


class Loaded(NamedTuple):
    """A group, the load of its CPUs, and the same for the power of one CPU."""

    group: Group
    total: int
    load: int


def may_use(task: Any, cpu: int) -> bool:
    """Is this CPU in the task's cpus_allowed?"""
    return task.allowed is None or cpu in task.allowed


class Domains:
    """What all versions have in common."""

    scale: ClassVar[int]  # SCHED_LOAD_SCALE: the power of one CPU
    kinds: ClassVar[tuple[Kind, Kind]]

    def __init__(self, policy: Any, queues: Sequence[Queue]) -> None:
        self.policy = policy
        self.queues = queues
        self.machine = policy.machine
        self.cpus = policy.machine.cpus
        self.of = [self.domains_of(cpu.id) for cpu in self.cpus]  # a CPU's domains, the smallest first
        self.push_to: list[Any] = [None for _cpu in self.cpus]  # who asked a CPU to push: push_cpu

    def domains_of(self, cpu: int) -> list[Domain]:
        """arch_init_sched_domains(): one of single CPUs, and one of nodes, each only where there are two or more."""
        topology, jiffies = self.machine.topology, self.machine.jiffies
        home = topology.node_of[cpu]
        node = topology.nodes[home]
        at = node.index(cpu)
        near = [Group((other,), self.scale) for other in (*node[at:], *node[:at])]
        nodes = (*topology.nodes[home:], *topology.nodes[:home])
        far = [Group(cpus, self.scale * len(cpus)) for cpus in nodes]
        return [Domain(kind, groups, jiffies) for kind, groups in zip(self.kinds, (near, far)) if len(groups) > 1]

    def is_idle(self, cpu: int) -> bool:
        """idle_cpu(): does the idle task run there?"""
        one = self.cpus[cpu]
        return one.curr is one.idle

    def jiffies_between(self, domain: Domain, idle: bool) -> int:
        """The interval in ticks, rounded up (msecs_to_jiffies)."""
        ms = domain.interval if idle else domain.interval * domain.kind.busy_factor
        return -(-ms * self.machine.hz // 1000)

    def in_order(self, source: Any) -> Iterator[Any]:
        """Expired tasks first, which are coldest; the best priority first; each list from its tail."""
        queue = self.policy.runqueues[source.id]
        for array in (queue.expired, queue.active):
            for tasks in array.lists if array.nr_active else ():
                yield from list(reversed(tasks))

    def is_hot(self, task: Any, source: Any, domain: Domain) -> bool:
        """task_hot(): did it still run a moment before the last tick?"""
        return bool(self.machine.last_tick - task.last_ran < domain.kind.cache_hot_ns)

    def ask_to_push(self, source: Any, cpu: Any) -> bool:
        """Wake the migration thread of `source`, which takes the CPU at once; was it not awake yet?"""
        queue = self.queues[source.id]
        if queue.active_balance:
            return False
        queue.active_balance = True
        self.push_to[source.id] = cpu
        self.machine.resched(source)
        return True

    def select(self, task: Any, why: str) -> Any:
        """The CPU for a task that wakes up ("wake"), is forked ("fork") or starts another program ("exec")."""
        if why == "wake":
            waker = self.machine.waker
            return self.wake_idle(task, self.wake(task, task.cpu if waker is None else waker.cpu))
        if why == "exec":
            return self.exec(task)
        return self.fork(task) if why == "fork" else task.cpu

    # each version in its own way

    def tick(self, cpu: Any, idle: bool) -> None:
        """The timer interrupt, at its end."""
        raise NotImplementedError

    def newly_idle(self, cpu: Any) -> None:
        """idle_balance(): the CPU has run dry."""
        raise NotImplementedError

    def push(self, source: Any) -> None:
        """active_load_balance(): the migration thread of `source` moves tasks away. Nothing else runs there now."""
        raise NotImplementedError

    def wake(self, task: Any, here: Any) -> Any:
        """try_to_wake_up(): where it ran, or `here`, where its waker runs; an interrupt comes to where it ran."""
        raise NotImplementedError

    def exec(self, task: Any) -> Any:
        """sched_exec(): a new program has nothing in any cache."""
        raise NotImplementedError

    def fork(self, child: Any) -> Any:
        """Where a child begins."""
        raise NotImplementedError

    def wake_idle(self, task: Any, cpu: Any) -> Any:
        """This CPU if it idles; else the first that does, in the smallest domain that has one."""
        if self.is_idle(cpu.id):
            return cpu
        for domain in self.of[cpu.id]:
            if not domain.kind.wake_idle:
                break
            for other in domain.span:
                if may_use(task, other) and self.is_idle(other):
                    return self.cpus[other]
        return cpu


class Counting(Domains):
    """Linux 2.6.11."""

    scale = SCHED_LOAD_SCALE
    kinds = (CPU_DOMAIN, NODE_DOMAIN)

    def __init__(self, policy: Any, queues: Sequence[Queue]) -> None:
        super().__init__(policy, queues)
        self.offset = [self.machine.hz * cpu.id // len(self.cpus) for cpu in self.cpus]  # so that not all look at once
        self.cpu_load = [0 for _cpu in self.cpus]
        self.due = ([0 for _cpu in self.cpus], [0 for _cpu in self.cpus])  # jiffies, of a busy CPU and of an idle one
        for cpu in self.cpus:
            self.plan(cpu.id)

    # -- how much a CPU has -------------------------------------------------------------------------

    def source_load(self, cpu: int) -> int:
        """A low guess, for a CPU that tasks would leave."""
        return min(self.cpu_load[cpu], self.queues[cpu].load)

    def target_load(self, cpu: int) -> int:
        """A high guess, for a CPU to which tasks would come."""
        return max(self.cpu_load[cpu], self.queues[cpu].load)

    # -- when ---------------------------------------------------------------------------------------

    def tick(self, cpu: Any, idle: bool) -> None:
        """rebalance_tick(): the load goes half of the way, rounded up where it grows; then it may be time to look."""
        me = cpu.id
        old, new = self.cpu_load[me], self.queues[me].load
        if old != new:
            self.cpu_load[me] = (old + (new > old) + new) >> 1
        if self.machine.jiffies >= self.due[idle][me]:
            self.rebalance(cpu, idle)

    def rebalance(self, cpu: Any, idle: bool) -> None:
        """Look in every domain whose interval is over."""
        now = self.machine.jiffies + self.offset[cpu.id]
        for domain in self.of[cpu.id]:
            interval = self.jiffies_between(domain, idle)
            if now - domain.last_balance >= interval:
                if self.load_balance(cpu, domain, IDLE if idle else BUSY):
                    idle = False
                domain.last_balance += interval
        self.plan(cpu.id)

    def plan(self, cpu: int) -> None:
        """When the first of the intervals is over, for a CPU that is busy and for one that idles."""
        for idle in (False, True):
            ends = [domain.last_balance + self.jiffies_between(domain, idle) for domain in self.of[cpu]]
            self.due[idle][cpu] = min(ends) - self.offset[cpu]

    def newly_idle(self, cpu: Any) -> None:
        """The smallest domain in which something is found will do."""
        for domain in self.of[cpu.id]:
            if domain.kind.newidle and self.load_balance_newidle(cpu, domain):
                break

    # -- what to do about it ------------------------------------------------------------------------

    def load_balance(self, cpu: Any, domain: Domain, idle: int) -> bool:
        """Bring tasks to `cpu` if the others have too many; did any come?"""
        group, many = self.find_busiest_group(cpu, domain, idle)
        source = None if group is None else self.find_busiest_queue(group)
        if source is None:
            if domain.interval < domain.kind.max_interval:
                domain.interval *= 2
            return False
        if self.take(cpu, source, many, domain):
            domain.failed = 0
            domain.interval = domain.kind.min_interval
            return True
        domain.failed += 1
        if domain.failed > domain.kind.cache_nice_tries + 2:
            self.ask_to_push(source, cpu)
            domain.failed = domain.kind.cache_nice_tries
        if domain.interval < domain.kind.max_interval:
            domain.interval += 1
        return False

    def load_balance_newidle(self, cpu: Any, domain: Domain) -> bool:
        """The same for a CPU that has run dry: it counts no failures and asks nobody to push."""
        group, many = self.find_busiest_group(cpu, domain, NEWLY_IDLE)
        source = None if group is None else self.find_busiest_queue(group)
        return source is not None and self.take(cpu, source, many, domain)

    def find_busiest_group(self, cpu: Any, domain: Domain, idle: int) -> tuple[Group | None, int]:
        """The first group with most load for its power, and how many tasks to take there; None where all is well."""
        own, *others = domain.groups
        here = self.loaded(own, self.target_load)
        busiest = Loaded(own, 0, 0)
        total = here.total
        for group in others:
            theirs = self.loaded(group, self.source_load)
            total += theirs.total
            if theirs.load > busiest.load:
                busiest = theirs
        many = self.imbalance(domain, here, busiest, self.scale * total // domain.power)
        if many == 0 and (idle == NEWLY_IDLE or (idle == IDLE and busiest.load > self.scale)):
            many = 1
        return (busiest.group, many) if many and busiest.load else (None, 0)

    def loaded(self, group: Group, guess: Callable[[int], int]) -> Loaded:
        """How much a group has to do."""
        total = sum(map(guess, group.cpus))
        return Loaded(group, total, total * self.scale // group.power)

    def imbalance(self, domain: Domain, here: Loaded, busiest: Loaded, average: int) -> int:
        """How many tasks to move: so many that neither side crosses the average, which would only move them back."""
        if here.load >= busiest.load or here.load >= average:
            return 0
        if 100 * busiest.load <= domain.kind.imbalance_pct * here.load:
            return 0
        load = min(busiest.load - average, average - here.load)
        load = load * min(busiest.group.power, here.group.power) // self.scale
        if load >= self.scale - 1:
            return (load + 1) // self.scale
        if busiest.load - here.load >= 2 * self.scale:
            return 1
        return 1 if self.gain(here, busiest) >= self.scale // 8 else 0

    def gain(self, here: Loaded, busiest: Loaded) -> int:
        """How much more both groups would get done with one task moved, in 128ths of a CPU."""
        scale, (ours, theirs) = self.scale, (here.group.power, busiest.group.power)
        now = theirs * min(scale, busiest.load) + ours * min(scale, here.load)
        less = scale * scale // theirs  # what one task is for the load of either group
        more = min(scale * scale // ours, busiest.load)
        then = theirs * min(scale, max(busiest.load - less, 0)) + ours * min(scale, here.load + more)
        return then // scale - now // scale

    def find_busiest_queue(self, group: Group) -> Any:
        """The CPU with most load, or None if none has any."""
        busiest = max(group.cpus, key=self.source_load)
        return self.cpus[busiest] if self.source_load(busiest) else None

    # -- moving -------------------------------------------------------------------------------------

    def take(self, cpu: Any, source: Any, most: int, domain: Domain) -> bool:
        """From a CPU that has more than what runs there; did any come?"""
        return self.queues[source.id].nr_running > 1 and self.move_tasks(cpu, source, most, domain, source.curr) > 0

    def move_tasks(self, cpu: Any, source: Any, most: int, domain: Domain, running: Any) -> int:
        """Move up to so many from `source`, where `running` runs, to `cpu`; how many came?"""
        moved = 0
        for task in self.in_order(source):
            if task is not running and self.can_migrate(task, source, cpu, domain):
                self.policy.pull(task, source, cpu)
                moved += 1
                if moved == most:
                    break
        return moved

    def can_migrate(self, task: Any, source: Any, cpu: Any, domain: Domain) -> bool:
        """May it come? A warm task stays, unless `cpu` idles or too many looks have failed."""
        if not may_use(task, cpu.id):
            return False
        if self.is_idle(cpu.id) or domain.failed > domain.kind.cache_nice_tries:
            return True
        return not self.is_hot(task, source, domain)

    def push(self, source: Any) -> None:
        """One task to each idle CPU, while any is left."""
        queue = self.queues[source.id]
        queue.active_balance = False
        seen = {source.id}
        for domain in self.of[source.id]:
            for other in (cpu for group in domain.groups for cpu in group.cpus):
                if queue.nr_running == 0:
                    return
                if other not in seen and self.is_idle(other):
                    self.move_tasks(self.cpus[other], source, 1, domain, None)
                seen.add(other)

    # -- where a task goes --------------------------------------------------------------------------

    def wake(self, task: Any, here: Any) -> Any:
        """Here if the cache is cold anyway, or if here is less to do; but never from an idle CPU to a busy one."""
        home = task.cpu
        if here is home or not may_use(task, here.id):
            return home
        load, load_here = self.source_load(home.id), self.target_load(here.id)
        if load < self.scale // 2 < load_here:
            return home
        for domain in self.of[here.id]:
            kind = domain.kind
            if kind.wake_affine and not self.is_hot(task, home, domain):
                wanted = True
            else:
                half_more = kind.imbalance_pct + (kind.imbalance_pct - 100) // 2
                wanted = kind.wake_balance and half_more * load_here <= 100 * load
            if wanted and home.id in domain.span:
                return here
        return home

    def exec(self, task: Any) -> Any:
        """To the least load of the widest domain, unless it is alone where it is."""
        here = task.cpu
        wide = [domain for domain in self.of[here.id] if domain.kind.exec]
        if self.queues[here.id].nr_running <= 1 or not wide:
            return here
        return self.find_idlest_cpu(task, here, wide[-1])

    def find_idlest_cpu(self, task: Any, here: Any, domain: Domain) -> Any:
        """The CPU with the least load, if it is by half of imbalance_pct less than here with one task more."""
        idlest = min((cpu for cpu in domain.span if may_use(task, cpu)), key=self.target_load)
        half = 100 + (domain.kind.imbalance_pct - 100) // 2
        if self.target_load(idlest) * half < (self.source_load(here.id) + self.scale) * 100:
            return self.cpus[idlest]
        return here

    def fork(self, child: Any) -> Any:
        """A child stays with its parent: it will exec soon."""
        return child.cpu
