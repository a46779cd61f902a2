"""EEVDF, Linux 6.6 and later: among those who have had too little, the earliest deadline goes first.

V is the average virtual time of everybody queued, weighted. A task behind V is owed time, its *lag*
is positive and it is *eligible*; one that is ahead must wait. Every task asks for a *slice*; the
virtual moment at which it should have had it is its *deadline*. To choose is to take the earliest
deadline among the eligible: a short slice is served sooner, not more.

vruntime  ns of virtual time the task has had
deadline  vruntime at which its present request will be fulfilled
vlag      V - vruntime, kept while the task sleeps; while it runs, a copy of the deadline at which
          it was picked: as long as that is unchanged the task is protected (RUN_TO_PARITY)

The flaw: slices end when somebody looks, at the tick or at a wake-up, so a request shorter than
a tick is served late; and a wake-up hardly ever interrupts a slice that has begun.
Upstream: kernel/sched/fair.c of Linux 6.12 (`EEVDF`) and 6.6 (`EEVDF_6_6`).
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, ClassVar

from schedlab.linux.fair import FIRST_VRUNTIME, FairTask, calc_delta_fair, option_ns, set_load_weight
from schedlab.linux.fair_policy import FairPolicy
from schedlab.linux.policy import Ranking
from schedlab.linux.rbtree import RBTree
from schedlab.linux.task import SCHED_IDLE, SCHED_NORMAL
from schedlab.linux.weights import NICE_0_LOAD, calc_delta, cpu_factor
from schedlab.trace import judgement

BASE_SLICE = 750_000  # ns, times the CPU factor
MIN_SLICE, MAX_SLICE = 100_000, 100_000_000  # ns: what a task may ask for (sched_setattr)

by_deadline = attrgetter("deadline")


class EEVDFTask(FairTask):
    """A task with a request."""

    __slots__ = ("deadline", "slice", "custom_slice", "vlag", "rel_deadline", "sched_delayed")

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.deadline = 0  # ns of virtual time
        self.slice = 0  # ns of CPU time
        self.custom_slice = 0  # ns: what the task asked for, 0 for the default
        self.vlag = 0
        self.rel_deadline = False  # the deadline is kept as a distance from vruntime
        self.sched_delayed = False  # it sleeps, but owes time and so stays in the queue


class EevdfRq:
    """The fair tasks of one CPU. The running task is counted, but stands outside the tree and its sums."""

    __slots__ = (
        "tree", "load", "nr_running", "h_nr_running", "min_vruntime", "avg_vruntime", "avg_load", "curr", "owner",
        "avg",
    )  # fmt: skip

    def __init__(self) -> None:
        self.tree = RBTree(augmented=True)  # in order of deadline, each node with the least vruntime below it
        self.load = 0
        self.nr_running = 0  # with the running and the delayed
        self.h_nr_running = 0  # tasks in it and in all queues below, if there are groups
        self.owner: Any = None  # the entity of the group whose queue it is
        self.avg: Any = None  # its load on average, if there are many CPUs
        self.min_vruntime = FIRST_VRUNTIME
        self.avg_vruntime = 0  # sum of (vruntime - min_vruntime) * weight over the tree
        self.avg_load = 0  # sum of the weights of the tree
        self.curr: Any = None

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        weight = task.weight
        self.tree.insert(task.run_node, task.deadline, task.vruntime)
        self.avg_vruntime += (task.vruntime - self.min_vruntime) * weight
        self.avg_load += weight

    def remove(self, task: Any) -> None:
        """Out of the tree."""
        weight = task.weight
        self.tree.remove(task.run_node)
        self.avg_vruntime -= (task.vruntime - self.min_vruntime) * weight
        self.avg_load -= weight

    def least_vruntime(self) -> int | None:
        """Of those in the tree."""
        root = self.tree.root
        return None if root is None else root.least

    def sums(self) -> tuple[int, int]:
        """The two sums with the running task, if it is still queued."""
        total, load, curr = self.avg_vruntime, self.avg_load, self.curr
        if curr is not None and curr.on_rq:
            total += (curr.vruntime - self.min_vruntime) * curr.weight
            load += curr.weight
        return total, load

    def average(self) -> int:
        """V, rounded down."""
        total, load = self.sums()
        return self.min_vruntime + (total // load if load else 0)

    def eligible(self, task: Any) -> bool:
        """vruntime <= V, exactly: without the division."""
        total, load = self.sums()
        return bool(total >= (task.vruntime - self.min_vruntime) * load)


class EevdfRq66(EevdfRq):
    """The same in the tree of 6.6: in order of vruntime, each node with the earliest deadline below it."""

    __slots__ = ()

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        self.tree.insert(task.run_node, task.vruntime, task.deadline)
        self.avg_vruntime += (task.vruntime - self.min_vruntime) * task.weight
        self.avg_load += task.weight

    def least_vruntime(self) -> int | None:
        """Of those in the tree."""
        first = self.tree.first()
        return None if first is None else int(first.vruntime)


class EEVDF(FairPolicy):
    """Scheduler of Linux 6.12, one queue a CPU. `base_slice` is in ns; None means the kernel's for this many CPUs."""

    name = "EEVDF"
    Task = EEVDFTask
    Rq: ClassVar[type[EevdfRq]] = EevdfRq
    ranking = Ranking(by="virtual_deadline", best="lowest", tie="first in the tree", filters=("eligible",))
    watched = ("vruntime", "deadline", "vlag")
    classes = ("normal", "batch", "idle")
    default_hz: ClassVar[int] = 250
    busy_counts_tasks: ClassVar[bool] = False  # sibling_imbalance(): 0 unless the CPU is idle
    chosen_slices: ClassVar[bool] = True  # may a task ask for a slice of its own?

    def __init__(self, base_slice: int | str | None = None) -> None:
        self.base_slice = option_ns("base_slice", base_slice)
        self.server: Any = None  # the deadline class, if it has a server for the fair tasks

    def tune(self) -> None:
        """A base slice that is not chosen grows with the number of CPUs."""
        self.base_slice_ns = self.base_slice or BASE_SLICE * cpu_factor(len(self.machine.cpus))

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_entity(): place the task around V, with the lag it left with."""
        rq = self.queues_of[cpu.id]
        if task.sched_delayed and why == "wake":
            return self.requeue_delayed(rq, task)
        if self.balancer is not None:
            self.balancer.enqueued(task, cpu)
        self.update_curr(rq, cpu)
        self.place(rq, task, initial=why in ("new", "fork"))
        self.queue_up(rq, task)
        if self.server is not None and rq.nr_running == 1:
            self.server.start_server(cpu)

    def queue_up(self, rq: EevdfRq, task: Any) -> None:
        """Count it in."""
        rq.load += task.weight
        rq.nr_running += 1
        rq.insert(task)
        task.on_rq = True

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_entity(): one that owes time and falls asleep stays, and competes on until it is even."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        if self.delays_dequeue(rq, task, why):
            task.sched_delayed = True
            return
        if self.balancer is not None:
            self.balancer.dequeued(task, cpu, why)
        self.take_off(rq, task, sleeps=why in ("sleep", "exit"), advance=why != "renice")

    def delays_dequeue(self, rq: EevdfRq, task: Any, why: str) -> bool:
        """DELAY_DEQUEUE."""
        return why == "sleep" and not rq.eligible(task)

    def take_off(self, rq: EevdfRq, task: Any, sleeps: bool, advance: bool = True) -> None:
        """Really leave: the lag is kept, and without a sleep the deadline too, as a distance."""
        self.update_entity_lag(rq, task)
        if not sleeps:
            self.keep_deadline(task)
        if task is not rq.curr:
            rq.remove(task)
        task.on_rq = False
        rq.load -= task.weight
        rq.nr_running -= 1
        if advance:
            self.update_min_vruntime(rq)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_task_fair(): a delayed task that is picked is even now, and leaves."""
        rq = self.queues_of[cpu.id]
        while rq.nr_running:
            if rq.curr is not None and rq.curr.on_rq:
                self.update_curr(rq, cpu)
            task = self.pick_eevdf(rq)
            if not task.sched_delayed:
                break
            self.finish_delayed(rq, cpu, task)
        else:
            self.put_prev_entity(rq)
            if self.balancer is None or not self.balancer.newly_idle(cpu):
                return None
            task = self.pick_eevdf(rq)
        if task is not rq.curr:
            self.put_prev_entity(rq)
            self.set_next_entity(rq, task)
            if self.balancer is not None:
                self.balancer.seen(task, cpu)
        return task

    def tick(self, cpu: Any, curr: Any) -> None:
        """entity_tick(): charge; a request that is fulfilled asks for the next pick by itself."""
        if curr is not cpu.idle:
            self.update_curr(self.queues_of[cpu.id], cpu)
            if self.balancer is not None:
                self.balancer.tick(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """check_preempt_wakeup_fair(): would it be picked now?"""
        if cpu.curr is cpu.idle:
            return True
        return not cpu.need_resched and self.preempts_entity(self.queues_of[cpu.id], cpu, cpu.curr, woken)

    def preempts_entity(self, rq: EevdfRq, cpu: Any, curr: Any, woken: Any) -> bool:
        """The same for two of one queue."""
        if curr.policy == SCHED_IDLE and woken.policy != SCHED_IDLE:
            return True
        if woken.policy != SCHED_NORMAL:
            return False
        self.update_curr(rq, cpu)
        self.end_protection(rq, curr, woken)
        return self.pick_eevdf(rq) is woken

    def end_protection(self, rq: EevdfRq, curr: Any, woken: Any) -> None:
        """PREEMPT_SHORT: an eligible task with a shorter request cancels the running one's protection."""
        if woken.slice >= curr.slice or not rq.eligible(woken) or not self.protected(curr):
            return
        if woken.deadline < curr.deadline or not rq.eligible(curr):
            curr.vlag = curr.deadline + 1

    def pick_eevdf(self, rq: EevdfRq) -> Any:
        """The earliest deadline among the eligible; a protected running task goes on."""
        curr = rq.curr if rq.curr is not None and rq.curr.on_rq else None
        if rq.nr_running == 1:
            return curr or rq.tree.first()
        if curr is not None and not rq.eligible(curr):
            curr = None
        if curr is not None and self.protected(curr):
            return curr
        best = self.earliest_eligible(rq)
        if best is None:
            return curr
        if curr is not None and curr.deadline < best.deadline:
            return curr
        return best

    def earliest_eligible(self, rq: EevdfRq) -> Any:
        """The earliest deadline that is eligible: left where somebody is, else here, else right."""
        total, load = rq.sums()
        least = rq.min_vruntime
        first = rq.tree.leftmost
        if first is not None and total >= (first.value - least) * load:
            return first.item
        node = rq.tree.root
        while node is not None:
            if node.left is not None and total >= (node.left.least - least) * load:
                node = node.left
            elif total >= (node.value - least) * load:
                return node.item
            else:
                node = node.right
        return None

    def put_prev_entity(self, rq: EevdfRq) -> None:
        """What ran goes back into the tree."""
        if rq.curr is not None and rq.curr.on_rq:
            rq.insert(rq.curr)
        rq.curr = None

    def set_next_entity(self, rq: EevdfRq, task: Any) -> None:
        """What will run leaves the tree, protected until its request is fulfilled."""
        rq.remove(task)
        rq.curr = task
        self.protect(rq, task)
        task.exec_start = self.machine.now
        task.prev_sum_exec_runtime = task.sum_exec_runtime

    def update_curr(self, rq: EevdfRq, cpu: Any) -> None:
        """Charge what has run since the last time; a fulfilled request is renewed."""
        curr = rq.curr
        if curr is None:
            return
        now = self.machine.now
        ran = now - curr.exec_start
        if ran <= 0:
            return
        curr.exec_start = now
        curr.sum_exec_runtime += ran
        curr.vruntime += ran if curr.weight == NICE_0_LOAD else calc_delta(ran, NICE_0_LOAD, curr.inverse)
        fulfilled = curr.vruntime >= curr.deadline
        if fulfilled:
            self.update_deadline(curr)
        self.update_min_vruntime(rq)
        if self.server is not None:
            self.tell_server(cpu, curr, ran)
        if rq.nr_running > 1 and (fulfilled or self.lost_protection(rq, curr)):
            self.machine.resched(cpu)

    def tell_server(self, cpu: Any, curr: Any, ran: int) -> None:
        """Whatever fair tasks run uses up the server's budget."""
        self.server.charge_server(cpu, ran)

    def lost_protection(self, rq: EevdfRq, curr: Any) -> bool:
        """did_preempt_short(): not protected any more, and not eligible."""
        return curr.vlag != curr.deadline and not rq.eligible(curr)

    def protect(self, rq: EevdfRq, task: Any) -> None:
        """RUN_TO_PARITY: what is picked runs until its request is fulfilled."""
        task.vlag = task.deadline

    def protected(self, curr: Any) -> bool:
        """Is the request that it was picked with still open?"""
        return bool(curr.vlag == curr.deadline)

    def update_deadline(self, task: Any) -> None:
        """The request is fulfilled: the next one starts from here."""
        task.slice = task.custom_slice or self.base_slice_ns
        task.deadline = task.vruntime + calc_delta_fair(task.slice, task)

    def update_min_vruntime(self, rq: EevdfRq) -> None:
        """The least of all, never going back; the sum is kept relative to it."""
        curr, least = rq.curr, rq.least_vruntime()
        if curr is not None and curr.on_rq and (least is None or curr.vruntime < least):
            least = curr.vruntime
        if least is not None and least > rq.min_vruntime:
            rq.avg_vruntime -= rq.avg_load * (least - rq.min_vruntime)
            rq.min_vruntime = least

    def place(self, rq: EevdfRq, task: Any, initial: bool) -> None:
        """place_entity(): at V less the lag, which joining would shrink and so is stretched; then the deadline."""
        task.slice = task.custom_slice or self.base_slice_ns
        lag = 0
        if rq.nr_running:
            load = rq.avg_load
            if rq.curr is not None and rq.curr.on_rq:
                load += rq.curr.weight
            lag = truncated(task.vlag * (load + task.weight), load or 1)
        task.vruntime = rq.average() - lag
        if task.rel_deadline:
            task.deadline += task.vruntime
            task.rel_deadline = False
            return
        request = calc_delta_fair(task.slice, task)
        if initial:
            request //= 2
        task.deadline = task.vruntime + request

    def update_entity_lag(self, rq: EevdfRq, task: Any) -> None:
        """What it is owed, at most two slices (or a tick) either way."""
        task.vlag = self.bounded_lag(rq, task, rq.average())

    def bounded_lag(self, rq: EevdfRq, task: Any, average: int) -> int:
        """entity_lag()."""
        limit = calc_delta_fair(self.most_lag(rq, task), task)
        return int(max(-limit, min(average - task.vruntime, limit)))

    def most_lag(self, rq: EevdfRq, task: Any) -> int:
        """The most that may be owed either way, ns of CPU time."""
        return int(max(2 * task.slice, 1_000_000_000 // self.machine.hz))

    def keep_deadline(self, task: Any) -> None:
        """PLACE_REL_DEADLINE."""
        task.deadline -= task.vruntime
        task.rel_deadline = True

    def requeue_delayed(self, rq: EevdfRq, task: Any) -> None:
        """It wakes before it was even: it stays where it is, or, if time has paid its debt, starts at V."""
        self.update_entity_lag(rq, task)
        if task.vlag > 0:
            rq.nr_running -= 1
            if task is not rq.curr:
                rq.remove(task)
            task.vlag = 0
            self.place(rq, task, initial=False)
            if task is not rq.curr:
                rq.insert(task)
            rq.nr_running += 1
        task.sched_delayed = False

    def finish_delayed(self, rq: EevdfRq, cpu: Any, task: Any) -> None:
        """The delayed dequeue is carried out."""
        if self.balancer is not None:
            self.balancer.dequeued(task, cpu, "sleep")
        self.finish_entity(rq, cpu, task)

    def finish_entity(self, rq: EevdfRq, cpu: Any, task: Any) -> None:
        """What it would be owed by now is not given."""
        self.update_curr(rq, cpu)
        self.take_off(rq, task, sleeps=True)
        task.sched_delayed = False
        task.vlag = min(task.vlag, 0)

    @judgement
    def eligible(self, task: Any, rq: EevdfRq) -> bool:
        """Has it had no more than its share?"""
        return rq.eligible(task)

    @judgement
    def lag(self, task: Any, rq: EevdfRq) -> int:
        """V - vruntime, ns: positive is owed."""
        return int(rq.average() - task.vruntime)

    @judgement
    def virtual_deadline(self, task: Any, rq: EevdfRq) -> int:
        """Its deadline as a distance from V, ns."""
        return int(task.deadline - rq.average())

    def born(self, task: Any) -> bool:
        """Its weight and slice."""
        if task.custom_slice:
            task.custom_slice = max(MIN_SLICE, min(task.custom_slice, MAX_SLICE))
        set_load_weight(task, task.nice)
        return True

    def fork(self, child: Any, parent: Any) -> None:
        """The child asks for what its parent asks for; it owes and is owed nothing."""
        child.custom_slice = parent.custom_slice
        self.update_curr(self.queues_of[parent.cpu.id], parent.cpu)

    def select_cpu(self, task: Any, why: str) -> Any:
        """ttwu_runnable(): a delayed task is still queued where it is."""
        return task.cpu if task.sched_delayed else super().select_cpu(task, why)

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_fair(): the deadline moves a slice away; if it is still the earliest, it runs on."""
        rq = self.queues_of[cpu.id]
        if rq.nr_running > 1:
            self.update_curr(rq, cpu)
            curr.deadline += calc_delta_fair(curr.slice, curr)
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): off the queue, lag in the new weight, back with that lag."""
        old, rq = task.nice, self.queues_of[cpu.id]
        queued, running = task.on_rq, rq.curr is task
        if queued:
            self.dequeue(task, cpu, "renice")
            if running:
                rq.curr = None
        old_weight = task.weight
        task.nice = nice
        set_load_weight(task, nice)
        task.vlag = truncated(task.vlag * old_weight, task.weight)
        if queued:
            self.enqueue(task, cpu, "renice")
            if running:
                self.set_next_entity(rq, task)
            self.priority_changed(task, cpu, rq, old)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Between normal, batch and idle: another weight."""
        task.policy = policy
        self.renice(task, cpu, task.nice)

    def affinity(self, task: Any) -> None:
        """A delayed task that is to move leaves now."""
        if task.sched_delayed:
            self.finish_delayed(self.rq_of(task), task.cpu, task)

    def switched_from(self, task: Any) -> None:
        """switched_from_fair(): a delayed task leaves now."""
        self.affinity(task)

    def switched_to(self, task: Any) -> None:
        """switched_to_fair(): its weight."""
        set_load_weight(task, task.nice)

    def priority_changed(self, task: Any, cpu: Any, rq: EevdfRq, old: int) -> None:
        """A running task that got worse may have to go; a waiting one may come."""
        if rq.nr_running == 1:
            return
        if rq.curr is task:
            if task.nice > old:
                self.machine.resched(cpu)
        elif self.preempts(cpu, task):
            self.machine.resched(cpu)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        self.put_prev_entity(rq)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Everybody who is queued, earliest deadline first."""
        rq = self.queues_of[cpu.id]
        running = [rq.curr] if rq.curr is not None and rq.curr.on_rq else []
        return [(task, rq) for task in sorted([*rq.tree, *running], key=by_deadline)]

    def tree_of(self, cpu: Any) -> list[tuple[Any, Any, bool, int, int]]:
        """The tree of one CPU."""
        return self.queues_of[cpu.id].tree.drawn()

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The tree of every CPU, in order."""
        for number, rq in enumerate(self.queues_of):
            yield f"tree {number}" if len(self.queues_of) > 1 else "tree", list(rq.tree)


class EEVDF_6_6(EEVDF):
    """Scheduler of Linux 6.6: nobody stays for its debts, slices are not chosen, a short one does not interrupt."""

    name = "EEVDF 6.6"
    Rq = EevdfRq66
    chosen_slices = False

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """A new task's half slice is lost: it is placed once more without it, except at boot."""
        rq = self.queues_of[cpu.id]
        if self.balancer is not None:
            self.balancer.enqueued(task, cpu)
        self.update_curr(rq, cpu)
        self.place(rq, task, initial=False)
        self.queue_up(rq, task)

    def pick_eevdf(self, rq: Any) -> Any:
        """Left of an eligible node all are eligible: remember the best such branch, and search it at the end."""
        curr: Any = rq.curr if rq.curr is not None and rq.curr.on_rq and rq.eligible(rq.curr) else None
        if curr is not None and curr.vlag == curr.deadline:
            return curr
        best: Any = curr
        branch, node = None, rq.tree.root
        while node is not None:
            if not rq.eligible(node.item):
                node = node.left
                continue
            if best is None or node.item.deadline < best.deadline:
                best = node.item
            if node.left is not None:
                if branch is None or node.left.least < branch.least:
                    branch = node.left
                if node.left.least == node.least:
                    break
            if node.item.deadline == node.least:
                break
            node = node.right
        if branch is None or branch.least > best.deadline:
            return best or rq.tree.first()
        return self.with_deadline(branch)

    def with_deadline(self, node: Any) -> Any:
        """The task of a branch that has its earliest deadline; of several, the one that this way down meets first."""
        while node.item.deadline != node.least:
            left = node.left
            node = left if left is not None and left.least == node.least else node.right
        return node.item

    def delays_dequeue(self, rq: EevdfRq, task: Any, why: str) -> bool:
        """Not yet."""
        return False

    def keep_deadline(self, task: Any) -> None:
        """Not yet: placed anew."""

    def end_protection(self, rq: EevdfRq, curr: Any, woken: Any) -> None:
        """Not yet."""

    def lost_protection(self, rq: EevdfRq, curr: Any) -> bool:
        """Not yet."""
        return False


def truncated(a: int, b: int) -> int:
    """a / b towards zero, as C divides."""
    return a // b if (a >= 0) == (b > 0) else -(-a // b)
