"""Spreading tasks over CPUs: who takes work from whom, when, and how much.

Every CPU has its own queue, so queues grow uneven. Three things even them out. A waking task may be
put on an idle CPU. A CPU that runs dry takes a task before it idles. And every CPU looks around from
time to time: an idle one often, a busy one sixteen times less. It looks in each of its domains, from
the smallest up; there it compares its own *group* with the others (groups are CPUs in the smallest
domain, nodes in wider ones), finds the *busiest* and an *imbalance*, in tasks where its own group has
room and in load where both are full; then waiting tasks are taken from the far end of the busiest
queue until the imbalance is made up.

interval  ms between two looks; doubles while nothing can be moved
failed    looks in a row that found an imbalance and moved nothing; a task counts for half as much each time
kind      of a group: has spare < fully busy < imbalanced < overloaded

Idle CPUs have no tick; the first of them looks for all when a busy CPU asks it to (nohz).
The flaw: what is looked at is an average, up to a look ago; so a task may wait beside an idle CPU.
Upstream: kernel/sched/fair.c of Linux 6.12 (sched_balance_rq, sched_balance_find_src_group,
calculate_imbalance, detach_tasks, sched_balance_newidle, nohz_balancer_kick), topology.c (sd_init); before 6.6
a busy CPU that has room takes tasks too: a policy says so by `busy_counts_tasks`. CPUs are all alike here, without
hyperthreads, and what real-time tasks use does not lessen a CPU's capacity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from schedlab.linux.kinds import READY
from schedlab.linux.load import HasQueues, Loads
from schedlab.linux.pelt import CAPACITY
from schedlab.linux.task import SCHED_IDLE, may_use
from schedlab.linux.topology import LOCAL_DISTANCE, Level

BUSY_FACTOR = 16  # a busy CPU looks so many times less often
IMBALANCE_PCT = 117  # how much more counts as more
MIGRATION_COST_NS = 500_000  # a task that ran so recently has a warm cache
CACHE_NICE_TRIES, CACHE_NICE_TRIES_NUMA = 1, 2  # looks that leave a task alone whose cache is warm
PATIENCE = 2  # looks more, and a running task is pushed (imbalanced_active_balance)
NUMA_IMBALANCE_MIN = 2  # tasks: between nodes with much room, so little is no imbalance
MAX_PINNED_INTERVAL_MS = 512
RECLAIM_DISTANCE = 30  # include/linux/topology.h (node_reclaim_distance)
MOST_MOVED = 32  # tasks looked at in one go

HAS_SPARE, FULLY_BUSY, IMBALANCED, OVERLOADED = range(4)  # enum group_type, as far as CPUs are alike
LOAD, USE, TASKS = range(3)  # enum migration_type: in what an imbalance is counted


class FairClass(HasQueues, Protocol):
    """What balancing needs of a fair policy."""

    def tasks_on(self, cpu: Any) -> int: ...
    def may_pull(self, task: Any, cpu: Any) -> bool: ...
    def enqueue(self, task: Any, cpu: Any, why: str) -> None: ...
    def dequeue(self, task: Any, cpu: Any, why: str) -> None: ...
    def preempts(self, cpu: Any, woken: Any) -> bool: ...


class Domain:
    """One domain as one CPU sees it, and when it looks around there next."""

    __slots__ = (
        "cpus", "groups", "above", "numa", "far", "prefers_sibling", "nice_tries", "tolerated", "min_interval_ms",
        "max_interval_ms", "interval_ms", "last_balance", "failed",
    )  # fmt: skip

    def __init__(self, level: Level, cpus: Sequence[Any], below: Domain | None) -> None:
        self.cpus = [cpus[number] for number in level.span]
        self.groups = [tuple(cpus[number] for number in group) for group in level.groups]  # the own one first
        self.above: tuple[Any, ...] = ()  # the group that all of it is in the next domain
        self.numa = level.distance > LOCAL_DISTANCE
        self.far = level.distance > RECLAIM_DISTANCE  # so far that no task is placed there when it wakes or begins
        self.prefers_sibling = below is not None and not below.numa  # its groups are whole nodes
        self.nice_tries = CACHE_NICE_TRIES_NUMA if self.numa else CACHE_NICE_TRIES
        self.tolerated = 0  # imb_numa_nr: a group may have so many tasks before a small imbalance counts
        self.min_interval_ms, self.max_interval_ms = len(self.cpus), 2 * len(self.cpus)
        self.interval_ms = self.max_interval_ms  # so it has grown while nothing was to be done
        self.last_balance = 0  # jiffies
        self.failed = 0

    @property
    def own(self) -> tuple[Any, ...]:
        """The group of the CPU whose domain it is."""
        return self.groups[0]


def domains_of(cpu: Any, levels: Sequence[Level], cpus: Sequence[Any]) -> list[Domain]:
    """The domains of one CPU, smallest first (build_sched_domains)."""
    found: list[Domain] = []
    for level in levels:
        found.append(Domain(level, cpus, found[-1] if found else None))
        if len(found) > 1:
            found[-2].above = found[-1].own
    wide = [domain for domain in found if domain.numa]
    for domain in wide:
        node = len(found[0].cpus) if not found[0].numa else 1
        domain.tolerated = max(1, node >> 3) * max(1, len(domain.cpus) // len(wide[0].cpus))
    return found


class Sums(NamedTuple):
    """What is compared of a group (struct sg_lb_stats)."""

    cpus: tuple[Any, ...]
    kind: int
    load: int
    used: int
    runnable: int
    running: int  # tasks of all classes
    fair: int
    idle: int  # CPUs
    capacity: int

    @property
    def average(self) -> int:
        """Load of a CPU of usual capacity."""
        return self.load * CAPACITY // self.capacity


class Look:
    """One look around in one domain (struct lb_env)."""

    __slots__ = ("cpu", "domain", "idle", "newly", "among", "counts", "imbalance", "all_pinned", "some_pinned", "other")

    def __init__(self, cpu: Any, domain: Domain, idle: bool, newly: bool) -> None:
        self.cpu = cpu  # that tasks are pulled to
        self.domain = domain
        self.idle = idle
        self.newly = newly
        self.among = set(domain.cpus)  # without those on which nothing can be moved
        self.counts = TASKS
        self.imbalance = 0
        self.all_pinned = False
        self.some_pinned = False
        self.other: Any = None  # a CPU of the own group that may have a task which this one may not

    def groups(self) -> list[tuple[Any, ...]]:
        """The groups of the domain, as far as they are looked at, the own one first."""
        if len(self.among) == len(self.domain.cpus):
            return self.domain.groups
        own, *others = [tuple(cpu for cpu in group if cpu in self.among) for group in self.domain.groups]
        return [own, *filter(None, others)]


class Balancer:
    """Balances one fair class over all CPUs of a machine."""

    def __init__(self, policy: FairClass) -> None:
        self.policy = policy
        self.machine = policy.machine
        self.cpus = policy.machine.cpus
        self.loads = Loads(policy)
        # what update_max_interval() left at boot, when the last CPU was not counted yet
        self.longest = max(1, self.machine.hz * max(1, len(self.cpus) - 1) // 10)
        topology = self.machine.topology
        self.domains = [domains_of(cpu, topology.levels(cpu.id), self.cpus) for cpu in self.cpus]
        self.next_balance = [0] * len(self.cpus)  # jiffies: when a CPU has to look again
        self.imbalanced: set[tuple[Any, ...]] = set()  # groups in which affinity has stood in the way
        self.busy_counts_tasks = getattr(policy, "busy_counts_tasks", True)
        self.above: Callable[[Any], int] | None = None  # how many tasks of better classes a CPU has
        self.looked: Callable[[Domain], None] | None = None  # told after each look that was not a newly idle CPU's
        self.idle_since = [0] * len(self.cpus)  # ns: when a CPU found nothing to do
        self.next_for_idle = 0  # jiffies: nohz.next_balance
        self.recent: list[dict[Any, None]] = [{} for _cpu in self.cpus]  # rq->cfs_tasks: far end first

    # -- who is where -----------------------------------------------------------------------------

    def enqueued(self, task: Any, cpu: Any) -> None:
        """A task was queued."""
        self.seen(task, cpu)
        self.loads.enqueued(task)

    def dequeued(self, task: Any, cpu: Any, why: str) -> None:
        """A task has left its queue."""
        self.recent[cpu.id].pop(task, None)
        self.loads.dequeued(task, why)

    def seen(self, task: Any, cpu: Any) -> None:
        """A task was queued or picked: it goes to the near end of its CPU's list."""
        mine = self.recent[cpu.id]
        mine.pop(task, None)
        mine[task] = None

    def running(self, cpu: Any) -> int:
        """How many tasks a CPU has, those of better classes too."""
        fair = self.policy.tasks_on(cpu)
        return fair if self.above is None else fair + self.above(cpu)

    def idle(self, cpu: Any) -> bool:
        """idle_cpu(): nothing runs and nothing waits."""
        return cpu.curr is cpu.idle and self.running(cpu) == 0

    def idle_enough(self, cpu: Any) -> bool:
        """available_idle_cpu() or sched_idle_cpu(): whoever runs there is of SCHED_IDLE."""
        curr = cpu.curr
        if curr is cpu.idle:
            return self.running(cpu) == 0
        if curr.policy != SCHED_IDLE:
            return False
        mine = self.recent[cpu.id]
        return len(mine) == self.running(cpu) and all(task.policy == SCHED_IDLE for task in mine)

    # -- when -------------------------------------------------------------------------------------

    def tick(self, cpu: Any) -> None:
        """sched_balance_trigger(): a busy CPU's own turn; and if it has more than it can run, that of the idle ones."""
        now = self.machine.jiffies
        if now >= self.next_balance[cpu.id]:
            self.rebalance(cpu, idle=False)
        if self.machine.idle_cpus and now >= self.next_for_idle and self.running(cpu) >= 2:
            self.balance_idle_cpus()

    def balance_idle_cpus(self) -> None:
        """nohz_idle_balance(): the first idle CPU looks around for all of them, for itself last."""
        idle = [cpu for cpu in self.cpus if cpu.curr is cpu.idle and self.idle(cpu)]
        if not idle:
            return
        now = self.machine.jiffies
        self.next_for_idle = now + 1
        for cpu in [*idle[1:], idle[0]]:
            if self.idle(cpu) and now >= self.next_balance[cpu.id]:
                self.rebalance(cpu, idle=True)
        still = [self.next_balance[cpu.id] for cpu in idle if self.idle(cpu)]
        if still:
            self.next_for_idle = max(self.next_for_idle, min(still))

    def rebalance(self, cpu: Any, idle: bool) -> None:
        """sched_balance_domains(): look around in every domain whose interval is over."""
        now = self.machine.jiffies
        due = []
        for domain in self.domains[cpu.id]:
            mine = True
            if now >= domain.last_balance + self.interval(domain, idle):
                mine = self.is_the_one(cpu, domain)
                if self.balance(Look(cpu, domain, idle, newly=False), mine):
                    idle = self.idle(cpu)
                if mine and self.looked is not None:
                    self.looked(domain)
                domain.last_balance = now
            due.append(domain.last_balance + self.interval(domain, idle))
            if not mine:
                break
        self.next_balance[cpu.id] = min(due)

    def interval(self, domain: Domain, idle: bool) -> int:
        """get_sd_balance_interval(): jiffies."""
        ms = domain.interval_ms if idle else domain.interval_ms * BUSY_FACTOR
        jiffies = ms * self.machine.hz // 1000
        return max(1, min(jiffies if idle else jiffies - 1, self.longest))

    def is_the_one(self, cpu: Any, domain: Domain) -> bool:
        """should_we_balance(): one CPU looks for its group, the first idle one, or the first of all."""
        return cpu is next((one for one in domain.own if self.idle(one)), min(domain.own, key=lambda one: one.id))

    def newly_idle(self, cpu: Any) -> bool:
        """sched_balance_newidle(): this CPU has run dry; did it find something?"""
        self.idle_since[cpu.id] = self.machine.now
        if not any(self.running(other) >= 2 for other in self.cpus):
            return False
        return any(self.balance(Look(cpu, domain, idle=True, newly=True)) for domain in self.domains[cpu.id])

    # -- one look ---------------------------------------------------------------------------------

    def balance(self, look: Look, mine: bool = True) -> bool:
        """sched_balance_rq(): pull towards this CPU; did anything come? Whose tasks are all pinned is passed over."""
        domain, moved = look.domain, 0
        while mine:
            source = self.source(look)
            if source is None:
                break
            look.all_pinned = True
            moved += self.pull(look, source)
            if look.some_pinned and look.imbalance > 0:
                self.imbalanced.add(domain.above)  # this group could not even itself out
            if not look.all_pinned:
                return self.moved(look, source, moved)
            look.among.remove(source)
            if look.among <= set(domain.own):
                break
        if not look.all_pinned:
            self.imbalanced.discard(domain.above)
        domain.failed = 0
        self.widen(look)
        return moved > 0

    def source(self, look: Look) -> Any:
        """The queue that tasks are to be taken from, if there is an imbalance."""
        busiest = self.busiest(look)
        return None if busiest is None else self.busiest_queue(look, busiest)

    def moved(self, look: Look, source: Any, moved: int) -> bool:
        """An imbalance was found: look again soon; if it cannot be made up, push at last."""
        domain = look.domain
        if moved:
            domain.failed = 0
        elif not look.newly:
            domain.failed += 1
        if not moved and look.counts == TASKS and domain.failed > domain.nice_tries + PATIENCE:
            if not self.push(look, source):
                self.widen(look)
                return False
        domain.interval_ms = domain.min_interval_ms
        return moved > 0

    def widen(self, look: Look) -> None:
        """Nothing to do here: look less often. Who runs dry looks whenever it does, whatever the interval."""
        most = MAX_PINNED_INTERVAL_MS if look.all_pinned else look.domain.max_interval_ms
        if not look.newly and look.domain.interval_ms < most:
            look.domain.interval_ms *= 2

    # -- how much ---------------------------------------------------------------------------------

    def sums(self, cpus: tuple[Any, ...]) -> Sums:
        """update_sg_lb_stats()."""
        load = used = runnable = running = fair = idle = 0
        for cpu in cpus:
            queue = self.loads.current(cpu)
            load += queue.load_avg
            used += min(CAPACITY, queue.util_avg)
            runnable += queue.runnable_avg
            tasks = self.policy.tasks_on(cpu)
            fair += tasks
            if self.above is not None:
                tasks += self.above(cpu)
            running += tasks
            if not tasks and cpu.curr is cpu.idle:
                idle += 1
        kind = self.kind(cpus, running, used, runnable)
        return Sums(cpus, kind, load, used, runnable, running, fair, idle, CAPACITY * len(cpus))

    def sums_without(self, cpus: tuple[Any, ...], task: Any) -> Sums:
        """update_sg_wakeup_stats(): as if a task that is to be placed were not there."""
        sums, mine = self.sums(cpus), self.loads.tasks.get(task)
        if mine is None or task.cpu not in cpus:
            return sums
        load = max(0, sums.load - self.loads.load_of(task))
        used, runnable = max(0, sums.used - mine.util_avg), max(0, sums.runnable - mine.runnable_avg)
        here = int(task.on_rq)
        running, fair = sums.running - here, sums.fair - here
        idle = sums.idle + (task.cpu.curr is task and self.running(task.cpu) == here)
        kind = self.kind(cpus, running, used, runnable)
        return Sums(cpus, kind, load, used, runnable, running, fair, idle, sums.capacity)

    def kind(self, cpus: tuple[Any, ...], running: int, used: int, runnable: int) -> int:
        """group_classify()."""
        capacity, weight = CAPACITY * len(cpus), len(cpus)
        full = capacity * IMBALANCE_PCT < runnable * 100
        if running > weight and (capacity * 100 < used * IMBALANCE_PCT or full):
            return OVERLOADED
        if cpus in self.imbalanced:
            return IMBALANCED
        if running < weight or (not full and capacity * 100 > used * IMBALANCE_PCT):
            return HAS_SPARE
        return FULLY_BUSY

    def busiest(self, look: Look) -> Sums | None:
        """sched_balance_find_src_group(): with the look's imbalance; None if all is well."""
        local, *others = groups = [self.sums(group) for group in look.groups()]
        busiest: Sums | None = None
        for sums in others:
            if sums.fair and (busiest is None or is_busier(sums, busiest)):
                busiest = sums
        if busiest is None:
            return None
        average = sum(each.load for each in groups) * CAPACITY // sum(each.capacity for each in groups)
        if busiest.kind != IMBALANCED and self.is_balanced(look, local, busiest, average):
            return None
        look.counts, look.imbalance = self.imbalance(look, local, busiest, average)
        return busiest if look.imbalance else None

    def is_balanced(self, look: Look, local: Sums, busiest: Sums, average: int) -> bool:
        """The decision matrix: is there nothing to do between these two?"""
        if local.kind > busiest.kind:
            return True
        if local.kind == OVERLOADED and (
            local.average >= busiest.average
            or local.average >= average
            or 100 * busiest.average <= IMBALANCE_PCT * local.average
        ):
            return True
        if look.domain.prefers_sibling and local.kind == HAS_SPARE and self.difference(look, local, busiest) > 1:
            return False
        if busiest.kind == OVERLOADED:
            return False
        if not look.idle or (len(busiest.cpus) > 1 and local.idle <= busiest.idle + 1):
            return True
        return busiest.fair == 1

    def imbalance(self, look: Look, local: Sums, busiest: Sums, average: int) -> tuple[int, int]:
        """calculate_imbalance(): in what it is counted, and how much."""
        if busiest.kind == IMBALANCED:
            return TASKS, 1
        if local.kind == HAS_SPARE:
            if busiest.kind == OVERLOADED and look.domain.numa:
                room = max(0, local.capacity - local.used)
                return (USE, room) if room or not look.idle else (TASKS, 1)
            return TASKS, self.spare(look, local, busiest)
        if local.kind < OVERLOADED and (local.average >= busiest.average or local.average >= average):
            return LOAD, 0
        theirs, ours = (busiest.average - average) * busiest.capacity, (average - local.average) * local.capacity
        return LOAD, min(theirs, ours) // CAPACITY

    def spare(self, look: Look, local: Sums, busiest: Sums) -> int:
        """Tasks that would fill the room of the own group half as far as the other one."""
        if len(busiest.cpus) == 1 or look.domain.prefers_sibling:
            many = self.difference(look, local, busiest)
        else:
            many = max(0, local.idle - busiest.idle)
        if look.domain.numa:
            many = tolerable(many, local.running + 1, look.domain.tolerated)
        return many >> 1

    def difference(self, look: Look, local: Sums, busiest: Sums) -> int:
        """sibling_imbalance(): since 6.6 a busy CPU takes nothing, and groups are compared CPU by CPU."""
        if self.busy_counts_tasks:
            return max(0, busiest.running - local.running)
        if not look.idle or not busiest.running:
            return 0
        here, there = len(local.cpus), len(busiest.cpus)
        if here == there:
            return max(0, busiest.running - local.running)
        more = max(0, here * busiest.running - there * local.running)
        many = (2 * more + here + there) // (here + there)
        return 2 if many <= 1 and local.running == 0 and busiest.running > 1 else many

    def busiest_queue(self, look: Look, group: Sums) -> Any:
        """sched_balance_find_src_rq(): the CPU of the busiest group that has most of what is counted."""
        best, most = None, 0
        for cpu in group.cpus:
            fair = self.policy.tasks_on(cpu)
            if not fair or (look.counts == USE and fair <= 1):
                continue
            queue = self.loads.current(cpu)
            much = (queue.load_avg, min(CAPACITY, max(queue.util_avg, queue.runnable_avg)), fair)[look.counts]
            if look.counts == LOAD and fair == 1 and much > look.imbalance:
                continue
            if much > most:
                best, most = cpu, much
        return best

    # -- moving -----------------------------------------------------------------------------------

    def pull(self, look: Look, source: Any) -> int:
        """Detach and attach; what may not come to this CPU may come to another one of its group."""
        if self.running(source) <= 1:
            look.all_pinned = False
            return 0
        moved = 0
        while True:
            tasks = self.detach(look, source)
            for task in tasks:
                self.attach(task, look.cpu)
            moved += len(tasks)
            if look.other is None or look.imbalance <= 0:
                return moved
            look.among.discard(look.cpu)
            look.cpu, look.other = look.other, None

    def detach(self, look: Look, source: Any) -> list[Any]:
        """detach_tasks(): from the far end of the list, until the imbalance is made up."""
        moved: list[Any] = []
        for task in list(islice(self.recent[source.id], MOST_MOVED)):
            if look.imbalance <= 0 or (look.idle and self.running(source) <= 1):
                break
            much = self.amount(task, look.counts) if self.may_move(task, look) else 0
            if not much or (look.counts != TASKS and (much >> look.domain.failed) > look.imbalance):
                self.seen(task, source)
                continue
            look.imbalance -= much
            self.policy.dequeue(task, source, "migrate")
            moved.append(task)
            if look.newly:
                break
        return moved

    def amount(self, task: Any, counts: int) -> int:
        """How much of an imbalance a task makes up."""
        if counts == TASKS:
            return 1
        return max(1, self.loads.use_of(task) if counts == USE else self.loads.load_of(task))

    def may_move(self, task: Any, look: Look) -> bool:
        """can_migrate_task(): allowed there, not running, and not warm."""
        if not self.policy.may_pull(task, look.cpu):
            return False
        if not may_use(task, look.cpu):
            look.some_pinned = True
            if look.other is None and not look.newly:
                look.other = next((cpu for cpu in look.domain.own if may_use(task, cpu) and cpu in look.among), None)
            return False
        look.all_pinned = False
        return task.state == READY and not self.is_hot(task, look.domain)

    def is_hot(self, task: Any, domain: Domain) -> bool:
        """task_hot(): ran a moment ago, and has not been asked for often enough."""
        recently = self.machine.now - task.exec_start < MIGRATION_COST_NS and task.policy != SCHED_IDLE
        return recently and domain.failed <= domain.nice_tries

    def attach(self, task: Any, cpu: Any) -> None:
        """attach_task(): into this CPU's queue; it may preempt what runs here."""
        self.machine.migrate(task, cpu)
        self.policy.enqueue(task, cpu, "migrate")
        if self.policy.preempts(cpu, task):
            self.machine.resched(cpu)

    def push(self, look: Look, source: Any) -> bool:
        """active_load_balance_cpu_stop(): the stopper sends even a running task away, if it may go."""
        curr = source.curr
        if curr is source.idle or not may_use(curr, look.cpu):
            return False
        task = next(
            one for one in self.recent[source.id] if one is curr or (may_use(one, look.cpu) and one.state == READY)
        )
        look.domain.failed = 0
        if task is curr:
            self.machine.move_running(task, look.cpu)
        else:
            self.policy.dequeue(task, source, "migrate")
            self.attach(task, look.cpu)
        return True


def is_busier(one: Sums, other: Sums) -> bool:
    """update_sd_pick_busiest(): of the same kind, the one with more load, or with fewer idle CPUs and more tasks."""
    if one.kind != other.kind:
        return one.kind > other.kind
    if one.kind == OVERLOADED:
        return one.average > other.average
    if one.kind == IMBALANCED:
        return False
    if one.kind == FULLY_BUSY:
        return True  # no averages are compared, so the last one counts
    return one.idle < other.idle or (one.idle == other.idle and one.running > other.running)


def tolerable(imbalance: int, running: int, tolerated: int) -> int:
    """adjust_numa_imbalance(): few tasks on a node may stay together."""
    return 0 if running <= tolerated and imbalance <= NUMA_IMBALANCE_MIN else imbalance
