"""What became of EEVDF after 6.12: yielding costs something, protection ends earlier, slices end on time.

Yield     a task that yields gives up the rest of its request: its vruntime jumps to its deadline.
Parity    what is picked is protected only for the shortest request in the queue, not for its own.
HRTICK    a timer ends the request when it is fulfilled; before, only the tick or a wake-up noticed.

vlag of the running task holds `vprot` here: the vruntime up to which it is protected.

The flaw: a short request anywhere in the queue now cuts everybody's turn, and each timer is an
interrupt more.
Upstream: kernel/sched/fair.c of Linux 7.x (`set_protect_slice`, `wakeup_preempt_fair`, `yield_task_fair`,
`hrtick_start_fair`, `entity_lag`); commit 79104becf42b (yield), which stable 6.12 took over too.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

from schedlab.linux.eevdf import EEVDF, EevdfRq
from schedlab.linux.fair import calc_delta_fair, option_ns
from schedlab.linux.weights import NICE_0_LOAD

HRTICK = "hrtick"


class EEVDF_6_12_Stable(EEVDF):
    """Scheduler of later stable releases of Linux 6.12."""

    name = "EEVDF 6.12 stable"

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_fair(): an eligible task forfeits the rest of its request, and asks anew."""
        rq = self.queues_of[cpu.id]
        if rq.nr_running > 1:
            self.update_curr(rq, cpu)
            if rq.eligible(curr):
                curr.vruntime = curr.deadline
                curr.deadline += calc_delta_fair(curr.slice, curr)
                self.update_min_vruntime(rq)
        self.machine.resched(cpu)


class EevdfRq72(EevdfRq):
    """The same, and how long the requests in the tree are: the kernel keeps the least and the most in each node."""

    __slots__ = ("slices",)

    def __init__(self) -> None:
        super().__init__()
        self.slices: list[int] = []  # ns, shortest first

    def insert(self, task: Any) -> None:
        """Into the tree, behind its equals."""
        super().insert(task)
        insort(self.slices, task.slice)

    def remove(self, task: Any) -> None:
        """Out of the tree."""
        super().remove(task)
        del self.slices[bisect_left(self.slices, task.slice)]

    def ask(self, task: Any, ns: int) -> None:
        """The request of a queued task is another one."""
        if task is not self.curr and task.on_rq:
            del self.slices[bisect_left(self.slices, task.slice)]
            insort(self.slices, ns)
        task.slice = ns

    def requests(self) -> tuple[int, int]:
        """cfs_rq_min_slice() and cfs_rq_max_slice(): the shortest and the longest of all that are queued, ns."""
        ends = [*self.slices[:1], *self.slices[-1:]]
        if self.curr is not None and self.curr.on_rq:
            ends.append(self.curr.slice)
        return min(ends), max(ends)


class EEVDF_7_2(EEVDF_6_12_Stable):
    """Scheduler of Linux 7.2. `hrtick`: a timer ends slices; `hrtick_late`, ns: so much after they should have."""

    name = "EEVDF 7.2"
    Rq = EevdfRq72

    def __init__(self, base_slice: int | str | None = None, hrtick: bool = True, hrtick_late: int | str = 0) -> None:
        super().__init__(base_slice)
        if not isinstance(hrtick, bool):
            raise ValueError(f"hrtick: true or false, not {hrtick!r}")
        self.hrtick = hrtick
        self.hrtick_late = option_ns("hrtick_late", hrtick_late, least=0) or 0

    def attach(self, machine: Any) -> None:
        """A timer for every CPU; only the last one set counts."""
        super().attach(machine)
        self.tickets = [0] * len(machine.cpus)
        self.timer_due = [-1] * len(machine.cpus)  # ns: when it goes off

    def queue_up(self, rq: EevdfRq, task: Any) -> None:
        """hrtick_update(): with the second task, the running one gets an end."""
        super().queue_up(rq, task)
        cpu = self.cpu_of(rq)
        if self.timer_due[cpu.id] <= self.machine.now:
            self.start_hrtick(rq, cpu)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The timer is set for whoever is newly picked."""
        rq = self.queues_of[cpu.id]
        before = rq.curr
        task = super().pick(cpu, prev)
        if task is not before:
            self.start_hrtick(rq, cpu)
        return task

    def start_hrtick(self, rq: EevdfRq, cpu: Any) -> None:
        """hrtick_start_fair(): it goes off when the present request is fulfilled."""
        curr = self.hrtick_for(rq)
        if not self.hrtick or curr is None:
            return
        left = curr.deadline - curr.vruntime
        if left < 0:
            self.machine.resched(cpu)
            return
        self.tickets[cpu.id] += 1
        self.timer_due[cpu.id] = self.machine.now + left * curr.weight // NICE_0_LOAD + self.hrtick_late
        self.machine.timer(cpu, self.timer_due[cpu.id], (HRTICK, self.tickets[cpu.id]))

    def hrtick_for(self, rq: EevdfRq) -> Any:
        """Whose request it ends: that of the running task, if another waits."""
        return rq.curr if rq.nr_running > 1 else None

    def cpu_of(self, rq: EevdfRq) -> Any:
        """Whose queue it is."""
        return self.machine.cpus[self.queues_of.index(rq)]

    def timer(self, cpu: Any, name: Any) -> None:
        """hrtick(): as a tick, and whoever runs is looked at again."""
        if isinstance(name, tuple) and name == (HRTICK, self.tickets[cpu.id]) and self.update_running(cpu):
            self.machine.resched(cpu)

    def update_running(self, cpu: Any) -> bool:
        """Charge the running fair task, if there is one."""
        rq = self.queues_of[cpu.id]
        if rq.curr is None or cpu.curr is not rq.curr:
            return False
        self.update_curr(rq, cpu)
        return True

    def protect(self, rq: Any, task: Any) -> None:
        """set_protect_slice(): for the shortest request in the queue."""
        task.vlag = task.deadline
        shortest, _longest = rq.requests()
        if shortest < task.slice:
            task.vlag = min(task.vlag, task.vruntime + calc_delta_fair(shortest, task))

    def protected(self, curr: Any) -> bool:
        """protect_slice()."""
        return bool(curr.vruntime < curr.vlag)

    def lost_protection(self, rq: EevdfRq, curr: Any) -> bool:
        """Whoever is not protected any more is looked at again whenever it is charged."""
        return not self.protected(curr)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """wakeup_preempt_fair(): if it does not preempt, its shorter request still shortens the protection."""
        rq, curr = self.queues_of[cpu.id], cpu.curr
        if curr is not rq.curr:
            return super().preempts(cpu, woken)
        protected_until = curr.vlag
        preempts = super().preempts(cpu, woken)
        if not preempts:
            shortest, _longest = rq.requests()
            curr.vlag = min(protected_until, curr.vruntime + calc_delta_fair(shortest, curr))
        return preempts

    def end_protection(self, rq: EevdfRq, curr: Any, woken: Any) -> None:
        """PREEMPT_SHORT: an eligible task with a shorter request ends the running one's protection."""
        if woken.slice >= curr.slice or not rq.eligible(woken) or not self.protected(curr):
            return
        if woken.deadline < curr.deadline or not rq.eligible(curr):
            curr.vlag = curr.vruntime

    def most_lag(self, rq: Any, task: Any) -> int:
        """entity_lag(): the longest request of all that are queued, and a tick."""
        _shortest, longest = rq.requests()
        return longest + 1_000_000_000 // int(self.machine.hz)
