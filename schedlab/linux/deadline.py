"""SCHED_DEADLINE: the earliest deadline goes first, and nobody gets more than was agreed.

A task is admitted with a budget (runtime) for every period and a deadline. While it runs it uses
its budget up; when that is gone it is *throttled*, set aside until its next period, where the
budget is filled again and the deadline moves on. So a task that wants too much hurts nobody but
itself (a constant bandwidth server), and the others keep their deadlines.

runtime, deadline, period  ns, as agreed: so much CPU time, within so long, so often
dl.deadline                ns, absolute: by when the present budget is to be used
dl.runtime                 ns left of it; negative when it was overrun, which is paid back

The flaw: on several CPUs earliest-first is no longer optimal. A set that passes the admission may
miss deadlines, if never by much; and a task must know its own worst case.
Upstream: kernel/sched/deadline.c of Linux 6.12.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from schedlab.linux.kinds import READY, RUNNING
from schedlab.linux.policy import Policy
from schedlab.linux.task import SCHED_DEADLINE, Refused
from schedlab.trace import Ranking, judgement

BW_SHIFT = 20  # a whole CPU is 2^20
DL_SCALE = 10  # times are compared in units of 1,024 ns, so that products fit 64 bits
MIN_RUNTIME_NS = 1 << DL_SCALE
MIN_PERIOD_NS, MAX_PERIOD_NS = 100_000, (1 << 22) * 1_000
RT_LIMIT_US, RT_PERIOD_US = 950_000, 1_000_000  # what all may have together, of each CPU

by_deadline = attrgetter("dl.deadline")


def to_ratio(period_ns: int, runtime_ns: int) -> int:
    """runtime / period in units of 2^-20."""
    return (runtime_ns << BW_SHIFT) // period_ns if period_ns else 0


def overflows(runtime_ns: int, deadline_ns: int, left_ns: int, until_ns: int) -> bool:
    """dl_entity_overflow(): would `left` until the deadline be more than the agreed density?"""
    left = (deadline_ns >> DL_SCALE) * (left_ns >> DL_SCALE)
    right = (until_ns >> DL_SCALE) * (runtime_ns >> DL_SCALE)
    return right < left


class Admission:
    """The bandwidth that has been promised on `cpus` CPUs."""

    def __init__(self, cpus: int) -> None:
        self.cpus = cpus
        self.total = 0
        self.limit = to_ratio(RT_PERIOD_US, RT_LIMIT_US)

    def admit(self, runtime_ns: int, period_ns: int) -> bool:
        """Promise it if there is room."""
        bandwidth = to_ratio(period_ns, runtime_ns)
        if self.total + bandwidth > self.limit * self.cpus:
            return False
        self.total += bandwidth
        return True

    def release(self, runtime_ns: int, period_ns: int) -> None:
        """Take a promise back."""
        self.total -= to_ratio(period_ns, runtime_ns)


class DLEntity:
    """What this class keeps of a task. Times are ns."""

    __slots__ = (
        "dl_runtime", "dl_deadline", "dl_period", "runtime", "deadline", "throttled", "yielded", "queued", "new",
    )  # fmt: skip

    def __init__(self, runtime: int, deadline: int, period: int) -> None:
        period = period or deadline
        if not MIN_RUNTIME_NS <= runtime <= deadline <= period:
            raise Refused(
                f"needs {MIN_RUNTIME_NS} ns <= runtime <= deadline <= period, not {runtime}, {deadline}, {period}"
            )
        if not MIN_PERIOD_NS <= period <= MAX_PERIOD_NS:
            raise Refused(f"period: {period} ns is not in {MIN_PERIOD_NS}..{MAX_PERIOD_NS}")
        self.dl_runtime = runtime
        self.dl_deadline = deadline
        self.dl_period = period
        self.runtime = 0
        self.deadline = 0
        self.throttled = False
        self.yielded = False
        self.queued = False
        self.new = True  # has never been given a deadline

    @property
    def density(self) -> int:
        """runtime / deadline in units of 2^-20."""
        return to_ratio(self.dl_deadline, self.dl_runtime)

    @property
    def next_period(self) -> int:
        """When the period after the present one begins, ns."""
        return self.deadline - self.dl_deadline + self.dl_period

    def new_period(self, now: int) -> None:
        """A whole budget, and a whole deadline from now."""
        self.new = False
        self.deadline = now + self.dl_deadline
        self.runtime = self.dl_runtime

    def wake_up(self, now: int) -> None:
        """update_dl_entity(): keep budget and deadline if together they are within what was agreed."""
        until = self.deadline - now
        if not self.new and until >= 0 and not overflows(self.dl_runtime, self.dl_deadline, self.runtime, until):
            return
        if not self.new and until >= 0 and self.dl_deadline != self.dl_period:
            self.runtime = (self.density * until) >> BW_SHIFT  # revised CBS: less budget, the same deadline
        else:
            self.new_period(now)

    def replenish(self, now: int) -> None:
        """replenish_dl_entity(): a budget for each period until it is positive; an overrun is so paid back."""
        if self.yielded:
            self.runtime = min(self.runtime, 0)
        while self.runtime <= 0:
            self.deadline += self.dl_period
            self.runtime += self.dl_runtime
        if self.deadline < now:
            self.new_period(now)
        self.throttled = self.yielded = False


class Deadline(Policy):
    """The deadline class: one tree for all CPUs, so that pushing and pulling tasks between CPUs takes no time.

    `exact` ends a budget on the nanosecond (HRTICK_DL); otherwise it is looked at in the tick, as by default.
    """

    name = "deadline"
    classes = ("deadline",)
    ranking = Ranking(by="absolute_deadline", best="lowest", tie="first in the tree")

    def __init__(self, exact: bool = False) -> None:
        self.exact = exact

    def attach(self, machine: Any) -> None:
        """An empty tree; nobody has been promised anything."""
        self.machine = machine
        self.tree: list[Any] = []  # in order of deadline, running tasks among them; equal ones as they came
        self.admission = Admission(len(machine.cpus))
        self.exec_start = [0] * len(machine.cpus)  # ns: up to when each CPU's task has been charged

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_task_dl(): a throttled task is runnable, but waits for its next period outside the tree."""
        now, dl = self.machine.now, task.dl
        if dl.throttled:
            return
        if why in ("wake", "new", "fork", "setscheduler"):
            if not dl.new and dl.dl_deadline != dl.dl_period and dl.deadline < now < dl.next_period:
                dl.throttled = True
                dl.runtime = min(dl.runtime, 0)
                self.machine.timer(cpu, dl.next_period, ("replenish", task))
                return
            dl.wake_up(now)
        self.insert(task)

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        self.tree.insert(bisect_right(self.tree, task.dl.deadline, key=by_deadline), task)
        task.dl.queued = True

    def remove(self, task: Any) -> None:
        """Out of the tree."""
        self.tree.remove(task)
        task.dl.queued = False

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_task_dl()."""
        self.update_curr(cpu)
        if task.dl.queued:
            self.remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_dl(): the earliest deadline that no other CPU is running."""
        self.update_curr(cpu)
        if not self.tree:
            return None
        task = next((args[0] for args in self.candidates(cpu, prev)), None)
        self.exec_start[cpu.id] = self.machine.now
        if task is not None and self.exact:
            self.machine.timer(cpu, self.machine.now + task.dl.runtime, ("budget", task))
        if len(self.machine.cpus) > 1:
            self.push(cpu, task)
        return task

    def push(self, cpu: Any, chosen: Any) -> None:
        """push_dl_task(): whoever waits though another CPU does something less urgent."""
        for task, *_rest in self.candidates(cpu, None):
            if task is chosen or not hasattr(task, "sum_exec"):  # a fair server stays with its CPU
                continue
            other = self.least_urgent(each for each in self.machine.cpus if each is not cpu)
            if self.yields_to(other, task):
                self.machine.resched(other)
            return

    def tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_dl(): charge."""
        self.update_curr(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """check_preempt_curr_dl(): strictly earlier; and not while it is throttled."""
        return bool(woken.dl.queued and woken.dl.deadline < cpu.curr.dl.deadline)

    def update_curr(self, cpu: Any) -> None:
        """update_curr_dl(): take what has run off the budget; throttle when it is gone."""
        task, now = cpu.curr, self.machine.now
        if task.policy != SCHED_DEADLINE or task.dl is None or not task.dl.queued:
            return
        task.dl.runtime -= now - self.exec_start[cpu.id]
        self.exec_start[cpu.id] = now
        if task.dl.runtime <= 0 or task.dl.yielded:
            self.throttle(task, cpu)

    def throttle(self, task: Any, cpu: Any) -> None:
        """Aside until the next period; if that has begun already, on with a new budget."""
        dl = task.dl
        dl.throttled = True
        self.remove(task)
        self.machine.resched(cpu)
        if dl.next_period > self.machine.now:
            self.machine.timer(cpu, dl.next_period, ("replenish", task))
        else:
            dl.replenish(self.machine.now)
            self.insert(task)

    def timer(self, cpu: Any, name: Any) -> None:
        """A budget may have ended, or a period begun."""
        if not isinstance(name, tuple):
            return
        what, task = name
        if what == "budget" and cpu.curr is task:
            self.update_curr(cpu)
        elif (
            what == "replenish"
            and task.dl is not None
            and task.dl.throttled
            and task.dl.next_period <= self.machine.now
        ):
            task.dl.replenish(self.machine.now)
            if task.state in (READY, RUNNING):
                self.insert(task)
                self.resched_for(task)

    def resched_for(self, task: Any) -> None:
        """The CPU that runs the least urgent task chooses again."""
        cpu = self.select_cpu(task, "wake")
        if self.yields_to(cpu, task):
            self.machine.resched(cpu)

    def yields_to(self, cpu: Any, task: Any) -> bool:
        """Is what runs there less urgent than `task`?"""
        return bool(cpu.curr is cpu.idle or cpu.curr.policy != SCHED_DEADLINE or self.preempts(cpu, task))

    @judgement
    def absolute_deadline(self, task: Any) -> int:
        """By when its budget is to be used, ns."""
        return int(task.dl.deadline)

    def born(self, task: Any) -> bool:
        """Admission control: raises Refused. A deadline task cannot fork: its child would have to be admitted too."""
        if task.dl is None and task.wanted_dl is None:
            return False
        if task.allowed is not None and len(task.allowed) < len(self.machine.cpus):
            raise Refused(f"{task.name}: a deadline task must be allowed on all CPUs (EPERM)")
        if task.wanted_dl is not None:
            task.dl, task.wanted_dl = DLEntity(*task.wanted_dl), None
        if not self.admission.admit(task.dl.dl_runtime, task.dl.dl_period):
            wanted = f"{task.dl.dl_runtime} ns every {task.dl.dl_period} ns"
            raise Refused(f"{task.name}: no bandwidth left for {wanted} (EBUSY)")
        return True

    def exit(self, task: Any) -> None:
        """What it was promised is free again."""
        self.admission.release(task.dl.dl_runtime, task.dl.dl_period)

    def switched_from(self, task: Any) -> None:
        """What it was promised is free again."""
        self.exit(task)
        task.dl = None

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Other numbers: admitted as if the old ones were given back; they hold from the next period."""
        old, new = task.dl, DLEntity(*task.wanted_dl)
        self.admission.release(old.dl_runtime, old.dl_period)
        if not self.admission.admit(new.dl_runtime, new.dl_period):
            self.admission.total += to_ratio(old.dl_period, old.dl_runtime)
            raise Refused(f"{task.name}: no bandwidth left (EBUSY)")
        old.dl_runtime, old.dl_deadline, old.dl_period = new.dl_runtime, new.dl_deadline, new.dl_period
        task.wanted_dl = None

    def select_cpu(self, task: Any, why: str) -> Any:
        """A CPU that does nothing urgent."""
        return self.least_urgent(self.machine.cpus)

    def least_urgent(self, cpus: Iterable[Any]) -> Any:
        """An idle CPU, then one with no deadline task, then the one with the latest deadline."""

        def urgency(cpu: Any) -> tuple[int, int]:
            if cpu.curr is cpu.idle:
                return (0, cpu.id)
            if cpu.curr.policy != SCHED_DEADLINE:
                return (1, cpu.id)
            return (2, -cpu.curr.dl.deadline)

        return min(cpus, key=urgency)

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_dl(): done for this period."""
        curr.dl.yielded = True
        self.update_curr(cpu)
        self.machine.resched(cpu)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU."""
        self.update_curr(cpu)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The tree, without what other CPUs run."""
        elsewhere = {other.curr for other in self.machine.cpus if other is not cpu}
        return [(task,) for task in self.tree if task not in elsewhere]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The tree."""
        return [("deadline tree", list(self.tree))]
