"""Spreading tasks over CPUs: who takes work from whom, when, and how much.

Every CPU has its own queue, so queues grow uneven. Three things even them out. A waking task may be
put on an idle CPU. A CPU that runs dry takes a task before it idles. And every CPU looks around
from time to time: an idle one often, a busy one sixteen times less. Looking finds the *busiest*
CPU and an *imbalance*, in tasks where this CPU has room and in load where both are full; then
waiting tasks are taken from the far end of the busiest queue until the imbalance is made up.

interval  ms between two looks; doubles while nothing can be moved, up to 512 ms
failed    looks in a row that found an imbalance and moved nothing; a task counts for half as much each time
used      of a CPU's time a task has had lately, 0..1024; a CPU whose task came a moment ago still looks
          as if it had room, so it counts tasks and takes none from a CPU that has one more

One domain with all CPUs, as on a machine whose cores share a cache; idle CPUs have no tick, and the
first of them looks for all when a busy CPU asks it to (nohz). Load is the sum of the weights that
are queued now; the kernel's is an average over time (PELT), as `used` is here too.
Upstream: kernel/sched/fair.c of Linux 5.15 and 6.1 (load_balance, find_busiest_group,
calculate_imbalance, detach_tasks, newidle_balance, nohz_balancer_kick), topology.c (sd_init); since 6.6
(sibling_imbalance) a busy CPU that has room takes nothing: a policy says so by `busy_counts_tasks = False`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Protocol

from schedlab.linux.kinds import READY
from schedlab.linux.pelt import decay_load

BUSY_FACTOR = 16  # a busy CPU looks so many times less often
IMBALANCE_PCT = 117  # of a domain whose CPUs share a cache: how much more load counts as more
CACHE_NICE_TRIES = 1  # looks that leave a task alone whose cache is warm
MIGRATION_COST_NS = 500_000  # a task that ran so recently has a warm cache
MAX_PINNED_INTERVAL_MS = 512
CAPACITY = 1024  # of one CPU
MOST_MOVED = 32  # tasks looked at in one go
PERIOD_SHIFT = 20  # 2^20 ns are a period of PELT
FIRST_USED = CAPACITY // 2  # post_init_entity_util_avg(): of a new task at most


class FairClass(Protocol):
    """What balancing needs of a fair policy."""

    machine: Any
    queues_of: Any

    def enqueue(self, task: Any, cpu: Any, why: str) -> None: ...
    def dequeue(self, task: Any, cpu: Any, why: str) -> None: ...
    def preempts(self, cpu: Any, woken: Any) -> bool: ...


class Domain:
    """When one CPU looks around next."""

    __slots__ = ("interval_ms", "last_balance", "next_balance", "failed")

    def __init__(self, cpus: int) -> None:
        self.interval_ms = 2 * cpus
        self.last_balance = 0  # jiffies
        self.next_balance = 0
        self.failed = 0


class Usage:
    """What part of a CPU a task has used lately (util_avg), brought up to date when somebody asks."""

    __slots__ = ("used", "when", "had")

    def __init__(self, now: int, had: int = 0, used: int = FIRST_USED) -> None:
        self.used = used
        self.when = now  # ns
        self.had = had  # ns of CPU time, up to `when`

    def update(self, now: int, had: int) -> int:
        """The time since the last update counts as if the task had had its part of it evenly."""
        periods = (now - self.when) >> PERIOD_SHIFT
        if periods:
            gained = (CAPACITY - decay_load(CAPACITY, periods)) * (had - self.had) // (now - self.when)
            self.used = decay_load(self.used, periods) + gained
            self.when, self.had = now, had
        return self.used


class Balancer:
    """Balances one fair class over all CPUs of a machine."""

    def __init__(self, policy: FairClass) -> None:
        self.policy = policy
        self.machine = policy.machine
        self.cpus = policy.machine.cpus
        self.weight = len(self.cpus)
        self.min_interval_ms, self.max_interval_ms = self.weight, 2 * self.weight
        # what update_max_interval() left at boot, when the last CPU was not counted yet
        self.longest = max(1, self.machine.hz * max(1, self.weight - 1) // 10)
        self.domains = [Domain(self.weight) for _cpu in self.cpus]
        self.busy_counts_tasks = getattr(policy, "busy_counts_tasks", True)
        self.above: Callable[[Any], int] | None = None  # how many tasks of better classes a CPU has
        self.usage: dict[Any, Usage] = {}
        self.next_for_idle = 0  # jiffies: nohz.next_balance
        self.recent: list[dict[Any, None]] = [{} for _cpu in self.cpus]  # rq->cfs_tasks: far end first

    # -- who is where -------------------------------------------------------------------------

    def seen(self, task: Any, cpu: Any) -> None:
        """A task was queued or picked: it goes to the near end of its CPU's list."""
        mine = self.recent[cpu.id]
        mine.pop(task, None)
        mine[task] = None

    def gone(self, task: Any, cpu: Any) -> None:
        """A task has left its queue."""
        self.recent[cpu.id].pop(task, None)

    def running(self, cpu: Any) -> int:
        """How many tasks a CPU has, those of better classes too."""
        fair = int(self.policy.queues_of[cpu.id].nr_running)
        return fair if self.above is None else fair + self.above(cpu)

    def load(self, cpu: Any) -> int:
        """The weight of a CPU's tasks."""
        return int(self.policy.queues_of[cpu.id].load)

    def idle(self, cpu: Any) -> bool:
        """Nothing runs and nothing waits."""
        return cpu.curr is cpu.idle and self.running(cpu) == 0

    def used(self, task: Any) -> int:
        """util_avg of a task, 0..1024."""
        had = task.sum_exec_runtime + (self.machine.now - task.exec_start if task.cpu.curr is task else 0)
        usage = self.usage.get(task)
        if usage is None:
            usage = self.usage[task] = Usage(self.machine.now, had)
        return usage.update(self.machine.now, had)

    def has_spare(self, cpu: Any) -> bool:
        """group_has_capacity(): it has nothing to run, or one task that does not fill it."""
        if self.running(cpu) == 0:
            return True
        mine = self.recent[cpu.id]
        if self.running(cpu) > 1 or not mine:
            return False
        return IMBALANCE_PCT * self.used(next(reversed(mine))) < 100 * CAPACITY

    # -- when ---------------------------------------------------------------------------------

    def tick(self, cpu: Any) -> None:
        """trigger_load_balance(): a busy CPU's own turn; and if it has more than it can run, that of the idle ones."""
        now = self.machine.jiffies
        if now >= self.domains[cpu.id].next_balance:
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
            if self.idle(cpu) and now >= self.domains[cpu.id].next_balance:
                self.rebalance(cpu, idle=True)
        still = [self.domains[cpu.id].next_balance for cpu in idle if self.idle(cpu)]
        if still:
            self.next_for_idle = max(self.next_for_idle, min(still))

    def rebalance(self, cpu: Any, idle: bool) -> None:
        """rebalance_domains(): look around if the interval is over."""
        domain, now = self.domains[cpu.id], self.machine.jiffies
        if now >= domain.last_balance + self.interval(domain, idle):
            if self.balance(cpu, idle, newly=False):
                idle = False
            domain.last_balance = now
        domain.next_balance = domain.last_balance + self.interval(domain, idle)

    def interval(self, domain: Domain, idle: bool) -> int:
        """get_sd_balance_interval(): jiffies."""
        ms = domain.interval_ms if idle else domain.interval_ms * BUSY_FACTOR
        jiffies = ms * self.machine.hz // 1000
        return max(1, min(jiffies if idle else jiffies - 1, self.longest))

    def newly_idle(self, cpu: Any) -> bool:
        """newidle_balance(): this CPU has run dry; did it find something?"""
        if not any(self.running(other) >= 2 for other in self.cpus):
            return False
        return self.balance(cpu, idle=True, newly=True)

    # -- how much -----------------------------------------------------------------------------

    def balance(self, cpu: Any, idle: bool, newly: bool) -> bool:
        """load_balance(): pull towards `cpu`; did anything come? A CPU whose tasks are all pinned is passed over."""
        domain = self.domains[cpu.id]
        pinned: list[Any] = []
        while True:
            busiest = self.busiest(cpu, pinned)
            by_tasks, imbalance = (False, 0) if busiest is None else self.imbalance(cpu, busiest, idle, pinned)
            if busiest is None or imbalance <= 0:
                domain.failed = 0
                if not newly:  # it looks as often as it runs dry, whatever the interval
                    self.widen(domain, all_pinned=bool(pinned))
                return False
            moved, all_pinned = self.detach(cpu, busiest, domain, by_tasks, imbalance, one=newly)
            if not all_pinned:
                break
            pinned.append(busiest)
        if moved:
            domain.failed = 0
            domain.interval_ms = self.min_interval_ms
            for task in moved:
                self.attach(task, cpu)
            self.note_usage(busiest)
            return True
        if not newly:
            domain.failed += 1
        domain.interval_ms = self.min_interval_ms
        return False

    def note_usage(self, source: Any) -> None:
        """Who is left alone on a CPU has another part of it from now on."""
        if len(self.recent[source.id]) == 1:
            self.used(next(iter(self.recent[source.id])))

    def widen(self, domain: Domain, all_pinned: bool) -> None:
        """Nothing to do here: look less often."""
        most = MAX_PINNED_INTERVAL_MS if all_pinned else self.max_interval_ms
        if domain.interval_ms < most:
            domain.interval_ms *= 2

    def busiest(self, cpu: Any, pinned: Sequence[Any] = ()) -> Any:
        """find_busiest_group(): the CPU with the most load of those that have more than they can run."""
        best, most = None, -1
        for step in range(1, self.weight):
            other = self.cpus[(cpu.id + step) % self.weight]
            if other not in pinned and self.running(other) >= 2 and self.load(other) > max(most, 0):
                best, most = other, self.load(other)
        return best

    def imbalance(self, cpu: Any, busiest: Any, idle: bool, pinned: Sequence[Any] = ()) -> tuple[bool, int]:
        """calculate_imbalance(): whether it is counted in tasks, and how much."""
        here = self.running(cpu)
        if self.has_spare(cpu):
            if not idle and not self.busy_counts_tasks:
                return True, 0
            return True, (self.running(busiest) - here) >> 1
        mine, theirs = self.load(cpu), self.load(busiest)
        average = sum(self.load(one) for one in self.cpus if one not in pinned) // self.weight
        if mine >= theirs or mine >= average:
            return False, 0
        if here >= 2 and 100 * theirs <= IMBALANCE_PCT * mine:
            return False, 0
        return False, min(theirs - average, average - mine)

    def detach(
        self, cpu: Any, source: Any, domain: Domain, by_tasks: bool, imbalance: int, one: bool
    ) -> tuple[list[Any], bool]:
        """detach_tasks(): from the far end of the list; and whether affinity alone stood in the way."""
        moved: list[Any] = []
        all_pinned = True
        for task in list(islice(self.recent[source.id], MOST_MOVED)):
            if imbalance <= 0 or self.running(source) <= 1:
                break
            if task.allowed is not None and cpu.id not in task.allowed:
                continue
            all_pinned = False
            if task.state != READY or self.is_hot(task, domain):
                continue
            if not by_tasks and (task.weight >> domain.failed) > imbalance:
                self.seen(task, source)
                continue
            imbalance -= 1 if by_tasks else task.weight
            self.policy.dequeue(task, source, "migrate")
            moved.append(task)
            if one:
                break
        return moved, all_pinned

    def is_hot(self, task: Any, domain: Domain) -> bool:
        """task_hot(): ran a moment ago, and has not been asked for often enough."""
        recently = self.machine.now - task.exec_start < MIGRATION_COST_NS
        return recently and domain.failed <= CACHE_NICE_TRIES

    def attach(self, task: Any, cpu: Any) -> None:
        """attach_task(): into this CPU's queue; it may preempt what runs here."""
        self.used(task)
        self.machine.migrate(task, cpu)
        self.policy.enqueue(task, cpu, "migrate")
        if self.policy.preempts(cpu, task):
            self.machine.resched(cpu)

    # -- where a waking task goes -------------------------------------------------------------

    def select(self, task: Any, why: str) -> Any:
        """select_task_rq_fair(): where it ran if that is idle, else the next idle CPU, else where it ran.

        A new task goes to the CPU with the fewest.
        """
        allowed = [cpu for cpu in self.cpus if task.allowed is None or cpu.id in task.allowed]
        if why in ("new", "fork"):
            self.usage[task] = Usage(self.machine.now)
            return min(allowed, key=lambda cpu: (self.running(cpu), cpu.id))
        home = task.cpu if task.cpu in allowed else allowed[0]
        if self.idle(home):
            return home
        for step in range(1, self.weight):
            cpu = self.cpus[(home.id + step) % self.weight]
            if cpu in allowed and self.idle(cpu):
                return cpu
        return home
