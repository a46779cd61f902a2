"""CFS, Linux 2.6.24 to 6.5: the task that has had least goes first.

Every task carries its *virtual runtime*: the CPU time it has had, divided by its weight. A tree
keeps waiting tasks in order of it; to choose is to take the leftmost. Nobody has a slice of fixed
length: a queue aims to let everybody run once in a *latency*, and each task's part of it is its
part of the weight.

vruntime      ns of CPU time, scaled by 1024 / weight; small means "had little"
min_vruntime  how far the queue has come; never goes back; where newcomers are placed
buddies       tasks favoured or skipped by the next pick: who just preempted, who just yielded

The flaw: nice decides both how much a task gets and how soon. A sleeper comes back with half a
latency of credit whether it needs it or not, and a task cannot ask to be served sooner for less.
Upstream: kernel/sched/fair.c of Linux 5.15.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, ClassVar

from schedlab.linux.fair import FIRST_VRUNTIME, FairTask, calc_delta_fair, option_ns, set_load_weight
from schedlab.linux.fair_policy import FairPolicy
from schedlab.linux.kinds import READY, RUNNING
from schedlab.linux.policy import Ranking
from schedlab.linux.rbtree import RBTree, following
from schedlab.linux.task import SCHED_BATCH, SCHED_IDLE, SCHED_NORMAL
from schedlab.linux.weights import NICE_0_LOAD, calc_delta, cpu_factor, inverse_of_load
from schedlab.trace import judgement

SCHED_LATENCY = 6_000_000  # ns, times the CPU factor: everybody should run once in this time
MIN_GRANULARITY = 750_000  # ns, times the CPU factor: but nobody for less than this
WAKEUP_GRANULARITY = 1_000_000  # ns, times the CPU factor: how far ahead a waking task must be to preempt
NR_LATENCY = 8  # tasks; with more, the period grows

by_vruntime = attrgetter("vruntime")


class CFSTask(FairTask):
    """A task as CFS sees it: a schedulable entity."""

    __slots__ = ()

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.vruntime = FIRST_VRUNTIME


class CfsRq:
    """The fair tasks of one CPU. The running task is counted, but stands outside the tree."""

    __slots__ = (
        "tree", "load", "nr_running", "h_nr_running", "min_vruntime", "curr", "next", "last", "skip", "owner", "avg",
    )  # fmt: skip

    def __init__(self) -> None:
        self.tree = RBTree()  # in order of vruntime; equal ones as they came
        self.load = 0
        self.nr_running = 0
        self.h_nr_running = 0  # tasks in it and in all queues below, if there are groups
        self.owner: Any = None  # the entity of the group whose queue it is
        self.avg: Any = None  # its load on average, if there are many CPUs
        self.min_vruntime = FIRST_VRUNTIME
        self.curr: Any = None
        self.next: Any = None
        self.last: Any = None
        self.skip: Any = None

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        self.tree.insert(task.run_node, task.vruntime)

    def remove(self, task: Any) -> None:
        """Out of the tree."""
        self.tree.remove(task.run_node)

    def leftmost(self) -> Any:
        """Who has had least of those that wait."""
        return self.tree.first()

    def after(self, task: Any) -> Any:
        """The next in the tree."""
        node = following(task.run_node)
        return None if node is None else node.item


class CFS(FairPolicy):
    """Scheduler of Linux 5.15, one queue a CPU. Times are ns; None means the kernel's value for this many CPUs."""

    name = "CFS"
    Task = CFSTask
    Rq = CfsRq
    ranking = Ranking(by="virtual_runtime", best="lowest", tie="before it in the tree")
    watched = ("vruntime",)
    classes = ("normal", "batch", "idle")
    default_hz: ClassVar[int] = 250

    def __init__(
        self,
        latency: int | str | None = None,
        min_granularity: int | str | None = None,
        wakeup_granularity: int | str | None = None,
    ) -> None:
        self.latency = option_ns("latency", latency)
        self.min_granularity = option_ns("min_granularity", min_granularity)
        self.wakeup_granularity = option_ns("wakeup_granularity", wakeup_granularity, least=0)

    def tune(self) -> None:
        """What is not chosen grows with the number of CPUs."""
        factor = cpu_factor(len(self.machine.cpus))
        self.latency_ns = self.latency or SCHED_LATENCY * factor
        self.min_granularity_ns = self.min_granularity or MIN_GRANULARITY * factor
        wakeup = self.wakeup_granularity
        self.wakeup_granularity_ns = WAKEUP_GRANULARITY * factor if wakeup is None else wakeup

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """Into the queue of the CPU."""
        if self.balancer is not None:
            self.balancer.enqueued(task, cpu)
        self.enqueue_entity(self.queues_of[cpu.id], task, why)

    def enqueue_entity(self, rq: CfsRq, task: Any, why: str) -> None:
        """A waking task is placed, any other brings its distance from min_vruntime."""
        self.update_curr(rq)
        if why == "new":
            task.vruntime = rq.min_vruntime
            if self.machine.now:
                self.place(rq, task, initial=True)
        elif why != "wake":
            task.vruntime += rq.min_vruntime
        rq.load += task.weight
        rq.nr_running += 1
        if why == "wake":
            self.place(rq, task, initial=False)
        if task is not rq.curr:
            rq.insert(task)
        task.on_rq = True

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Out of the queue of the CPU."""
        if self.balancer is not None:
            self.balancer.dequeued(task, cpu, why)
        self.dequeue_entity(self.queues_of[cpu.id], task, why)

    def dequeue_entity(self, rq: CfsRq, task: Any, why: str) -> None:
        """A task that does not sleep takes its distance from min_vruntime along."""
        self.update_curr(rq)
        self.clear_buddies(rq, task)
        if task is not rq.curr:
            rq.remove(task)
        task.on_rq = False
        rq.load -= task.weight
        rq.nr_running -= 1
        if why not in ("sleep", "exit"):
            task.vruntime -= rq.min_vruntime
        if why != "renice":
            self.update_min_vruntime(rq)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_fair(): the leftmost, unless a buddy is nearly as far left."""
        rq = self.queues_of[cpu.id]
        curr = rq.curr if rq.curr is not None and rq.curr.on_rq else None
        if curr is not None:
            self.update_curr(rq)
        if rq.nr_running == 0:
            rq.curr = None
            if self.balancer is None or not self.balancer.newly_idle(cpu):
                return None
        next_ = self.pick_next_entity(rq, curr)
        if next_ is not rq.curr:
            self.put_prev_entity(rq)
            self.set_next_entity(rq, next_)
            if self.balancer is not None:
                self.balancer.seen(next_, cpu)
        return next_

    def tick(self, cpu: Any, curr: Any) -> None:
        """entity_tick(): charge, then ask whether the slice is over."""
        if curr is cpu.idle:
            return
        rq = self.queues_of[cpu.id]
        self.update_curr(rq)
        if rq.nr_running > 1:
            self.check_preempt_tick(rq, cpu, curr)
        if self.balancer is not None:
            self.balancer.tick(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """check_preempt_wakeup(): far enough ahead of what runs?"""
        if cpu.curr is cpu.idle:
            return True
        return not cpu.need_resched and self.preempts_entity(self.queues_of[cpu.id], cpu.curr, woken)

    def preempts_entity(self, rq: CfsRq, curr: Any, woken: Any) -> bool:
        """The same for two of one queue."""
        many = rq.nr_running >= NR_LATENCY
        if curr.policy == SCHED_IDLE and woken.policy != SCHED_IDLE:
            self.mark_last(rq, curr, many)
            return True
        if woken.policy != SCHED_NORMAL:
            return False
        self.update_curr(rq)
        if self.wakeup_preempt(curr, woken) != 1:
            return False
        rq.next = woken
        self.mark_last(rq, curr, many)
        return True

    def mark_last(self, rq: CfsRq, curr: Any, many: bool) -> None:
        """LAST_BUDDY: among many tasks, whoever was preempted is favoured to come back to a warm cache."""
        if many and curr.policy != SCHED_IDLE:
            rq.last = curr

    def check_preempt_tick(self, rq: CfsRq, cpu: Any, curr: Any) -> None:
        """Has `curr` had its slice, or run too far ahead of the leftmost?"""
        ran = curr.sum_exec_runtime - curr.prev_sum_exec_runtime
        if ran < self.min_granularity_ns:  # which no slice is shorter than
            return
        ideal = self.ideal_slice(rq, curr)
        if ran > ideal:
            self.machine.resched(cpu)
            self.clear_buddies(rq, curr)
            return
        if curr.vruntime - rq.leftmost().vruntime > ideal:
            self.machine.resched(cpu)

    def pick_next_entity(self, rq: CfsRq, curr: Any) -> Any:
        """The leftmost of tree and `curr`; then skip, next and last, if that is not too unfair."""
        left = rq.leftmost()
        if left is None or (curr is not None and curr.vruntime < left.vruntime):
            left = curr
        chosen = left
        if rq.skip is chosen:
            if chosen is curr:
                second = rq.leftmost()
            else:
                second = rq.after(chosen)
                if second is None or (curr is not None and curr.vruntime < second.vruntime):
                    second = curr
            if second is not None and self.wakeup_preempt(second, left) < 1:
                chosen = second
        if rq.next is not None and self.wakeup_preempt(rq.next, left) < 1:
            chosen = rq.next
        elif rq.last is not None and self.wakeup_preempt(rq.last, left) < 1:
            chosen = rq.last
        return chosen

    def put_prev_entity(self, rq: CfsRq) -> None:
        """What ran goes back into the tree."""
        if rq.curr is not None and rq.curr.on_rq:
            rq.insert(rq.curr)
        rq.curr = None

    def set_next_entity(self, rq: CfsRq, task: Any) -> None:
        """What will run leaves the tree; its slice is counted from here."""
        self.clear_buddies(rq, task)
        rq.remove(task)
        rq.curr = task
        task.exec_start = self.machine.now
        task.prev_sum_exec_runtime = task.sum_exec_runtime

    def update_curr(self, rq: CfsRq) -> None:
        """Charge what has run since the last time, in virtual time."""
        curr = rq.curr
        if curr is None:
            return
        now = self.machine.now
        ran = now - curr.exec_start
        if ran > 0:
            curr.exec_start = now
            curr.sum_exec_runtime += ran
            curr.vruntime += ran if curr.weight == NICE_0_LOAD else calc_delta(ran, NICE_0_LOAD, curr.inverse)
            self.update_min_vruntime(rq)

    def update_min_vruntime(self, rq: CfsRq) -> None:
        """The least of what runs and what waits, never going back."""
        curr, left = rq.curr, rq.tree.leftmost
        if curr is not None and curr.on_rq:
            least = curr.vruntime
            if left is not None and left.key < least:
                least = left.key
        elif left is not None:
            least = left.key
        else:
            return
        if least > rq.min_vruntime:
            rq.min_vruntime = least

    def period(self, nr_running: int) -> int:
        """In how many ns everybody should have run once."""
        if nr_running <= NR_LATENCY:
            return self.latency_ns
        return nr_running * self.min_granularity_ns

    def ideal_slice(self, rq: CfsRq, task: Any) -> int:
        """sched_slice(): the task's part of the period, ns."""
        load, nr_running = rq.load, rq.nr_running
        if not task.on_rq:
            load, nr_running = load + task.weight, nr_running + 1
        part = calc_delta(self.period(nr_running), task.weight, inverse_of_load(load))
        return part if part > self.min_granularity_ns else self.min_granularity_ns

    def place(self, rq: CfsRq, task: Any, initial: bool) -> None:
        """place_entity(): a newcomer starts a slice behind; a sleeper gets at most half a latency of credit."""
        start = rq.min_vruntime
        if initial:
            start += calc_delta_fair(self.ideal_slice(rq, task), task)
        else:
            start -= self.latency_ns >> 1
        task.vruntime = max(task.vruntime, start)

    def wakeup_preempt(self, curr: Any, other: Any) -> int:
        """1: `other` is ahead by more than a wake-up granularity, 0: ahead, -1: not ahead."""
        ahead = curr.vruntime - other.vruntime
        if ahead <= 0:
            return -1
        return 1 if ahead > calc_delta_fair(self.wakeup_granularity_ns, other) else 0

    def clear_buddies(self, rq: CfsRq, task: Any) -> None:
        """Forget what was marked about this task."""
        if rq.last is task:
            rq.last = None
        if rq.next is task:
            rq.next = None
        if rq.skip is task:
            rq.skip = None

    @judgement
    def virtual_runtime(self, task: Any) -> int:
        """What the tree is ordered by, ns."""
        return int(task.vruntime)

    def born(self, task: Any) -> bool:
        """Its weight."""
        set_load_weight(task, task.nice)
        return True

    def fork(self, child: Any, parent: Any) -> None:
        """task_fork_fair(): the child starts where its parent is, a slice behind."""
        self.fork_entity(self.queues_of[parent.cpu.id], child)

    def fork_entity(self, rq: CfsRq, child: Any) -> None:
        """The same, in the queue of both."""
        self.update_curr(rq)
        if rq.curr is not None:
            child.vruntime = rq.curr.vruntime
        self.place(rq, child, initial=True)
        child.vruntime -= rq.min_vruntime

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_fair(): be skipped once; nothing else changes."""
        rq = self.queues_of[cpu.id]
        if rq.nr_running > 1:
            self.clear_buddies(rq, curr)
            if curr.policy != SCHED_BATCH:
                self.update_curr(rq)
            rq.skip = curr
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): off the queue, new weight, back at the same distance from min_vruntime."""
        old, rq = task.nice, self.queues_of[cpu.id]
        queued, running = task.on_rq, rq.curr is task
        if queued:
            self.dequeue(task, cpu, "renice")
            if running:
                rq.curr = None
        task.nice = nice
        set_load_weight(task, nice)
        if queued:
            self.enqueue(task, cpu, "renice")
            if running:
                self.set_next_entity(rq, task)
            self.priority_changed(task, cpu, rq, old)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Between normal, batch and idle: another weight."""
        task.policy = policy
        self.renice(task, cpu, task.nice)

    def switched_from(self, task: Any) -> None:
        """switched_from_fair(): a sleeper too takes only its distance from min_vruntime along."""
        if task.state not in (READY, RUNNING) and task.sum_exec_runtime:
            rq = self.rq_of(task)
            self.place(rq, task, initial=False)
            task.vruntime -= rq.min_vruntime

    def switched_to(self, task: Any) -> None:
        """switched_to_fair(): its weight; who was never fair has no distance."""
        set_load_weight(task, task.nice)
        if task.vruntime == FIRST_VRUNTIME and not task.sum_exec_runtime:
            task.vruntime = 0
        if task.state not in (READY, RUNNING) and task.sum_exec_runtime:
            task.vruntime += self.rq_of(task).min_vruntime

    def priority_changed(self, task: Any, cpu: Any, rq: CfsRq, old: int) -> None:
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
        self.update_curr(rq)
        self.put_prev_entity(rq)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Everybody who is queued, leftmost first."""
        rq = self.queues_of[cpu.id]
        running = [rq.curr] if rq.curr is not None and rq.curr.on_rq else []
        return [(task,) for task in sorted([*rq.tree, *running], key=by_vruntime)]

    def tree_of(self, cpu: Any) -> list[tuple[Any, Any, bool, int, int]]:
        """The tree of one CPU."""
        return self.queues_of[cpu.id].tree.drawn()

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The tree of every CPU, in order."""
        for number, rq in enumerate(self.queues_of):
            yield f"tree {number}" if len(self.queues_of) > 1 else "tree", list(rq.tree)
