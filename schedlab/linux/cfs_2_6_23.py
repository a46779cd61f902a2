"""CFS as first released, Linux 2.6.23: a clock that runs as fast as a fair share, and what each task is owed by it.

The queue has a *fair clock*: while n equal tasks want the CPU it advances n times slower than the
wall. A waiting task is owed what the clock advances, a running one uses up what it has beyond its
share: the balance is its *wait_runtime*. Tasks stand in a tree by `fair_clock - wait_runtime`,
fixed when they are put there; who is owed most stands leftmost and runs. The running task stays in
the tree.

fair_clock     ns; stands still while the CPU is idle, and sleep is measured by it
wait_runtime   ns owed, at most one latency either way
fair_key       where the task stands in the tree
sleeper_bonus  ns that sleepers were given and that runners have still to pay back

The flaw: two balances (of tasks and of sleepers) must be kept in step with every clock, and the
clamps and rounding made both drift. 2.6.24 replaced all of it by one number, vruntime.
Upstream: kernel/sched_fair.c, kernel/sched.c of Linux 2.6.23.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from schedlab.linux.domains import Domains
from schedlab.linux.domains_weighted import Weighing_2_6_23
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.rbtree import Node, RBTree
from schedlab.linux.task import SCHED_BATCH, SCHED_IDLE, Task
from schedlab.linux.weights import NICE_0_LOAD, inverse_of, weight_of
from schedlab.trace import episode, judgement

SCHED_LATENCY = 20_000_000  # ns, times the CPU factor
MIN_GRANULARITY = 2_000_000  # ns, times the CPU factor
LONGEST = 100_000_000  # ns: no CPU factor makes them longer
BATCH_WAKEUP_GRANULARITY = 25_000_000  # ns
WMULT_CONST = 1 << 32  # 64-bit kernels
IDLE_WEIGHT, IDLE_INVERSE = 2, 1 << 31  # of SCHED_IDLE tasks


def rounded_shift(value: int, bits: int) -> int:
    """`value / 2**bits`, rounded."""
    return (value + (1 << (bits - 1))) >> bits


def calc_delta_mine(delta: int, weight: int, load: int) -> int:
    """`delta * weight / load` by the load's inverse; in two rounding steps when the product is large."""
    inverse = (WMULT_CONST - load // 2) // load + 1
    product = delta * weight
    if product > WMULT_CONST:
        return rounded_shift(rounded_shift(product, 16) * inverse, 16)
    return rounded_shift(product * inverse, 32)


class CFS2623Task(Task):
    """A task with its balance."""

    __slots__ = (
        "weight", "inverse", "wait_runtime", "fair_key", "exec_start", "sum_exec_runtime", "prev_sum_exec_runtime",
        "wait_start_fair", "sleep_start_fair", "slept_at", "on_rq", "run_node",
    )  # fmt: skip

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.weight = NICE_0_LOAD
        self.inverse = inverse_of(0)
        self.wait_runtime = 0  # ns owed
        self.fair_key = 0
        self.exec_start = 0
        self.sum_exec_runtime = 0
        self.prev_sum_exec_runtime = 0
        self.wait_start_fair = 0  # fair clock when it began to wait; 0: it does not wait
        self.sleep_start_fair = 0  # fair clock when it fell asleep; 0: it did not
        self.slept_at: Any = None  # the queue whose clock that is
        self.on_rq = False
        self.run_node = Node(self)  # its place in the tree


class FairRq:
    """The fair tasks of one CPU, the running one among them."""

    __slots__ = ("tree", "load", "nr_running", "fair_clock", "sleeper_bonus", "curr", "active_balance")

    def __init__(self) -> None:
        self.tree = RBTree()  # in order of fair_key; equal ones as they came
        self.load = 0
        self.nr_running = 0
        self.fair_clock = 1  # not 0, which means "does not wait"
        self.sleeper_bonus = 0
        self.curr: Any = None
        self.active_balance = False  # has another CPU asked to push tasks?

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        self.tree.insert(task.run_node, task.fair_key)

    def remove(self, task: Any) -> None:
        """Out of the tree."""
        self.tree.remove(task.run_node)


class CFS_2_6_23(Policy):
    """Fair class of Linux 2.6.23, one queue a CPU."""

    name = "CFS 2.6.23"
    Task = CFS2623Task
    ranking = Ranking(by="key", best="lowest", tie="before it in the tree")
    watched = ("wait_runtime", "fair_key")
    classes = ("normal", "batch", "idle")
    default_hz: ClassVar[int] = 250
    balancing: ClassVar[type[Domains] | None] = Weighing_2_6_23  # None: every CPU keeps to itself

    def attach(self, machine: Any) -> None:
        """A queue for every CPU; the times grow with the number of CPUs."""
        self.machine = machine
        factor = len(machine.cpus).bit_length()
        self.latency_ns = min(SCHED_LATENCY * factor, LONGEST)
        self.min_granularity_ns = min(MIN_GRANULARITY * factor, LONGEST)
        self.wakeup_granularity_ns = self.min_granularity_ns // 2
        self.runtime_limit_ns = self.latency_ns
        self.queues_of = [FairRq() for _cpu in machine.cpus]
        self.domains = self.balancing(self, self.queues_of) if self.balancing and len(machine.cpus) > 1 else None

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_entity(): a sleeper gets its credit, then a key."""
        rq = self.queues_of[cpu.id]
        if why == "fork" and cpu is task.parent.cpu:
            return self.enqueue_child(rq, task, cpu)
        if task.sleep_start_fair and task.slept_at is not rq:
            self.set_task_cpu(task, rq)
        self.update_curr(rq)
        if why == "wake":
            self.credit_sleeper(rq, task)
        self.start_waiting(rq, task)
        self.account(rq, task)

    def set_task_cpu(self, task: Any, rq: FairRq) -> None:
        """It slept on another CPU, which has a fair clock of its own: as long ago by the clock here."""
        task.sleep_start_fair += rq.fair_clock - task.slept_at.fair_clock
        task.slept_at = rq

    def account(self, rq: FairRq, task: Any) -> None:
        """Count it in."""
        rq.insert(task)
        rq.load += task.weight
        rq.nr_running += 1
        task.on_rq = True

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_entity(): a sleeper remembers the fair clock."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq)
        if task is not rq.curr:
            self.end_waiting(rq, task)
        if why in ("sleep", "exit"):
            task.sleep_start_fair, task.slept_at = rq.fair_clock, rq
        rq.remove(task)
        rq.load -= task.weight
        rq.nr_running -= 1
        task.on_rq = False

    def pick(self, cpu: Any, prev: Any) -> Any:
        """schedule(): prev waits from now on, with its old key; the leftmost runs."""
        rq = self.queues_of[cpu.id]
        if rq.curr is not None and rq.curr.on_rq:
            self.update_curr(rq)
            self.set_wait_start(rq, rq.curr)
        rq.curr = None
        if rq.active_balance:
            self.push(cpu)
        if not len(rq.tree):
            self.balance(cpu)
        if not len(rq.tree):
            return None
        return self.set_next(rq, rq.tree.first())

    def tick(self, cpu: Any, curr: Any) -> None:
        """scheduler_tick(): what runs is charged; then this CPU may look at the others."""
        if curr is not cpu.idle:
            self.task_tick(cpu, curr)
        if self.domains is not None:
            self.domains.tick(cpu, curr is cpu.idle)

    def task_tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_fair(): a new key for what runs; then, is somebody far enough to its left?"""
        rq = self.queues_of[cpu.id]
        self.dequeue(curr, cpu, "tick")
        self.enqueue(curr, cpu, "tick")
        first = rq.tree.first()
        if first is not curr and self.should_give_way(rq, first, curr, self.granularity(rq.nr_running)):
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """check_preempt_curr_fair(): by the key that what runs was given at its last tick."""
        curr, rq = cpu.curr, self.queues_of[cpu.id]
        if curr is cpu.idle:
            return True
        batch = woken.policy == SCHED_BATCH
        return self.should_give_way(rq, woken, curr, BATCH_WAKEUP_GRANULARITY if batch else self.wakeup_granularity_ns)

    def should_give_way(self, rq: FairRq, task: Any, curr: Any, granularity: int) -> bool:
        """Is `task` further left than a granularity? After its ideal time, `curr` has none."""
        ideal = max(self.latency_ns // rq.nr_running, self.min_granularity_ns)
        if curr.sum_exec_runtime - curr.prev_sum_exec_runtime > ideal:
            granularity = 0
        return bool(curr.fair_key - task.fair_key > self.niced_granularity(curr, granularity))

    def set_next(self, rq: FairRq, task: Any) -> Any:
        """Its waiting is over; its ideal time is counted from here."""
        self.end_waiting(rq, task)
        rq.curr = task
        task.exec_start = self.machine.now
        task.prev_sum_exec_runtime = task.sum_exec_runtime
        return task

    def update_curr(self, rq: FairRq) -> None:
        """Advance the fair clock, and the balance of what runs; it pays sleepers back from its share."""
        curr = rq.curr
        if curr is None:
            return
        ran = self.machine.now - curr.exec_start
        if ran <= 0:
            return
        curr.exec_start = self.machine.now
        curr.sum_exec_runtime += ran
        if rq.load == 0:
            return
        fair = calc_delta_mine(ran, NICE_0_LOAD, rq.load)
        mine = calc_delta_mine(ran, curr.weight, rq.load)
        if rq.sleeper_bonus > self.min_granularity_ns:
            paid = min(mine, rq.sleeper_bonus, self.runtime_limit_ns - curr.wait_runtime)
            rq.sleeper_bonus -= paid
            mine -= paid
        rq.fair_clock += fair
        self.add_wait_runtime(curr, mine - ran)

    def add_wait_runtime(self, task: Any, ns: int) -> None:
        """Change the balance, within its limits."""
        limit = self.runtime_limit_ns
        task.wait_runtime = max(-limit, min(task.wait_runtime + ns, limit))

    def start_waiting(self, rq: FairRq, task: Any) -> None:
        """update_stats_enqueue(): waits from now on, at a key that stays."""
        if task is not rq.curr:
            self.set_wait_start(rq, task)
        task.fair_key = self.key_for(rq, task)

    def set_wait_start(self, rq: FairRq, task: Any) -> None:
        """From now on it is owed what the clock advances."""
        task.wait_start_fair = rq.fair_clock

    def key_for(self, rq: FairRq, task: Any) -> int:
        """The fair clock less what it is owed, in virtual time."""
        if task.weight == NICE_0_LOAD:
            return int(rq.fair_clock - task.wait_runtime)
        scaled = abs(task.wait_runtime) * task.inverse >> 22
        return int(rq.fair_clock - scaled if task.wait_runtime >= 0 else rq.fair_clock + scaled)

    def end_waiting(self, rq: FairRq, task: Any) -> None:
        """What it was owed for waiting goes to its balance."""
        if task.wait_start_fair:
            self.add_wait_runtime(task, self.weighted(rq.fair_clock - task.wait_start_fair, task))
            task.wait_start_fair = 0

    def weighted(self, fair_ns: int, task: Any) -> int:
        """Fair time as this task's time, at most two limits."""
        most = min(fair_ns, 2 * self.runtime_limit_ns)
        return int(most if task.weight == NICE_0_LOAD else most * task.weight >> 10)

    def credit_sleeper(self, rq: FairRq, task: Any) -> None:
        """FAIR_SLEEPERS: sleep counts as waiting, unless too much of it has not been paid back yet."""
        if task.policy != SCHED_BATCH and rq.sleeper_bonus <= self.runtime_limit_ns:
            before = task.wait_runtime
            self.add_wait_runtime(task, self.weighted(rq.fair_clock - task.sleep_start_fair, task))
            rq.sleeper_bonus += task.wait_runtime - before
        task.sleep_start_fair = 0

    def granularity(self, nr_running: int) -> int:
        """sched_granularity(), ns: how far ahead others must be before what runs gives way at a tick."""
        if nr_running <= 1:
            return self.latency_ns
        part = self.latency_ns // nr_running
        return max(part - part // nr_running, self.min_granularity_ns)

    def niced_granularity(self, curr: Any, granularity: int) -> int:
        """The granularity in the virtual time of what runs."""
        if curr.weight == NICE_0_LOAD:
            return granularity
        if curr.weight < NICE_0_LOAD:
            return int(curr.weight * granularity >> 10)
        return int(curr.inverse * granularity >> 22)

    @judgement
    def key(self, task: Any) -> int:
        """Where it stands in the tree, ns."""
        return int(task.fair_key)

    def born(self, task: Any) -> bool:
        """Its weight."""
        self.set_load_weight(task, task.nice)
        return True

    def set_load_weight(self, task: Any, nice: int) -> None:
        """A new weight forgets the balance."""
        task.wait_runtime = 0
        if task.policy == SCHED_IDLE:
            task.weight, task.inverse = IDLE_WEIGHT, IDLE_INVERSE
        else:
            task.weight, task.inverse = weight_of(nice), inverse_of(nice)

    def enqueue_child(self, rq: FairRq, child: Any, cpu: Any) -> None:
        """task_new_fair(): the child runs first, and starts owing half a granularity."""
        self.update_curr(rq)
        self.start_waiting(rq, child)
        granularity = self.granularity(rq.nr_running)
        if rq.curr is not None:
            child.fair_key = rq.curr.fair_key - self.niced_granularity(rq.curr, granularity) - 1
        child.wait_runtime = -(granularity // 2)
        self.account(rq, child)

    def select_cpu(self, task: Any, why: str) -> Any:
        """Where it was, or where its domains say; a new one, as after exec, goes to the CPU with the fewest tasks."""
        if why == "new":
            allowed = [cpu for cpu in self.machine.cpus if task.allowed is None or cpu.id in task.allowed]
            return min(allowed, key=lambda cpu: self.queues_of[cpu.id].nr_running)
        return task.cpu if self.domains is None else self.domains.select(task, why)

    def execs(self, task: Any) -> Any:
        """sched_exec()."""
        return self.select_cpu(task, "exec")

    def balance(self, cpu: Any) -> None:
        """idle_balance()."""
        if self.domains is not None:
            self.domains.newly_idle(cpu)

    @episode
    def push(self, cpu: Any) -> None:
        """active_load_balance(): for a moment the migration thread runs here, and moves a task away."""
        if self.domains is not None:
            self.domains.push(cpu)

    def pull(self, task: Any, source: Any, cpu: Any) -> None:
        """pull_task(): a waiting task comes to this CPU, with its balance; it may preempt."""
        self.dequeue(task, source, "migrate")
        self.machine.migrate(task, cpu)
        self.enqueue(task, cpu, "migrate")
        if self.preempts(cpu, task):
            self.machine.resched(cpu)

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_fair(): a new key, no more; the leftmost runs on."""
        rq = self.queues_of[cpu.id]
        if rq.nr_running > 1:
            self.dequeue(curr, cpu, "yield")
            self.enqueue(curr, cpu, "yield")
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): off the queue, new weight and no balance, back."""
        old, rq = task.nice, self.queues_of[cpu.id]
        queued = task.on_rq
        if queued:
            self.dequeue(task, cpu, "renice")
        task.nice = nice
        self.set_load_weight(task, nice)
        if queued:
            self.enqueue(task, cpu, "renice")
            if nice < old or (nice > old and rq.curr is task):
                self.machine.resched(cpu)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Between the fair policies: another weight."""
        task.policy = policy
        self.renice(task, cpu, task.nice)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq)
        if prev.on_rq:
            self.set_wait_start(rq, prev)
        rq.curr = None

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The tree, leftmost first."""
        return [(task,) for task in self.queues_of[cpu.id].tree]

    def tree_of(self, cpu: Any) -> list[tuple[Any, Any, bool, int, int]]:
        """The tree of one CPU."""
        return self.queues_of[cpu.id].tree.drawn()

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The tree of every CPU, in order."""
        for number, rq in enumerate(self.queues_of):
            yield f"tree {number}" if len(self.queues_of) > 1 else "tree", list(rq.tree)
