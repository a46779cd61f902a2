"""FIFO and round robin: a hundred lists, and the first that is not empty.

A real-time task runs until it blocks, yields or a better one appears; time plays no part in the
choice. Among RR tasks of one priority a slice goes round. A task that is preempted keeps its place
at the head of its list, one that wakes or yields goes to the tail.

prio  99 - rt_priority: lower goes first
rr_ticks  ticks left of an RR task's turn

The flaw: a loop at real-time priority owns the CPU. Kernels up to 6.11 therefore *throttle* the
whole class: 950 ms in any second, and not more. 6.12 leaves that to the fair server.
Upstream: kernel/sched/rt.c of Linux 5.15 and 6.12.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from schedlab.linux.fair import option_ns
from schedlab.linux.kinds import READY, RUNNING
from schedlab.linux.policy import Policy
from schedlab.linux.task import SCHED_DEADLINE, SCHED_FIFO, SCHED_RR, may_use
from schedlab.scenario import duration
from schedlab.trace import Ranking, judgement

MAX_RT_PRIO = 100
RR_TIMESLICE_MS = 100
RT_PERIOD_NS = 1_000_000_000  # sched_rt_period_us
RT_RUNTIME_NS = 950_000_000  # sched_rt_runtime_us
PERIOD_TIMER = "rt period"


class RTEntity:
    """What this class keeps of a task."""

    __slots__ = ("prio", "rr_ticks")

    def __init__(self, prio: int, rr_ticks: int) -> None:
        self.prio = prio
        self.rr_ticks = rr_ticks


class RTRq:
    """The real-time tasks of one CPU; the running one stands at the head of its list."""

    __slots__ = ("bitmap", "lists", "nr_running", "curr", "exec_start", "rt_time", "throttled", "timer_on")

    def __init__(self) -> None:
        self.bitmap = 0
        self.lists: list[deque[Any]] = [deque() for _ in range(MAX_RT_PRIO)]
        self.nr_running = 0
        self.curr: Any = None
        self.exec_start = 0  # ns: up to when `curr` has been charged
        self.rt_time = 0  # ns used of this period, what was used too much in earlier ones included
        self.throttled = False
        self.timer_on = False

    def first(self) -> Any:
        """Who goes first."""
        return self.lists[(self.bitmap & -self.bitmap).bit_length() - 1][0]

    def put(self, task: Any, at_head: bool = False) -> None:
        """Into the list of its priority."""
        queue = self.lists[task.rt.prio]
        if at_head:
            queue.appendleft(task)
        else:
            queue.append(task)
        self.bitmap |= 1 << task.rt.prio
        self.nr_running += 1

    def take(self, task: Any) -> None:
        """Out of its list."""
        queue = self.lists[task.rt.prio]
        queue.remove(task)
        if not queue:
            self.bitmap &= ~(1 << task.rt.prio)
        self.nr_running -= 1


class RealTime(Policy):
    """The rt class, one queue a CPU. `runtime` None: no throttling, as in 6.12. Times are ns."""

    name = "rt"
    classes = ("fifo", "rr")
    ranking = Ranking(by="rt_prio", best="lowest", tie="nearer the head of its list")

    def __init__(self, runtime: int | None = RT_RUNTIME_NS, period: int = RT_PERIOD_NS, phase: int = 0) -> None:
        self.runtime_ns = option_ns("runtime", runtime)
        self.period_ns = duration(period, "period", least=1)
        if self.runtime_ns is not None and self.runtime_ns > self.period_ns:
            raise ValueError(f"runtime: {runtime} ns is more than the period of {period} ns")
        self.phase_ns = duration(phase, "phase")  # a period begins at this time, and so before and after it

    def attach(self, machine: Any) -> None:
        """A queue for every CPU."""
        self.machine = machine
        self.many = len(machine.cpus) > 1
        self.rr_ticks = max(1, RR_TIMESLICE_MS * machine.hz // 1000)
        self.queues_of = [RTRq() for _cpu in machine.cpus]
        self.tasks = 0  # of this class, that may run

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_task_rt(): to the tail."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        if task.rt is None:
            task.rt = RTEntity(MAX_RT_PRIO - 1 - task.rt_priority, self.rr_ticks)
        task.rt.prio = MAX_RT_PRIO - 1 - task.rt_priority
        rq.put(task)
        self.tasks += 1
        self.start_period(rq, cpu)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_task_rt()."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        rq.take(task)
        self.tasks -= 1

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_rt(): the head of the first list, after a look at what waits elsewhere."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        if self.many and self.tasks:
            self.pull(cpu)
        if not rq.nr_running or rq.throttled:
            rq.curr = None
            return None
        rq.curr = rq.first()
        rq.exec_start = self.machine.now
        if self.many:
            self.push(cpu, rq.curr)
        return rq.curr

    def tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_rt(): an RR task's turn ends if there is another of its priority."""
        rq = self.queues_of[cpu.id]
        self.update_curr(rq, cpu)
        if curr.policy != SCHED_RR:
            return
        curr.rt.rr_ticks -= 1
        if curr.rt.rr_ticks:
            return
        curr.rt.rr_ticks = self.rr_ticks
        if len(rq.lists[curr.rt.prio]) > 1:
            self.to_tail(rq, curr)
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """check_preempt_curr_rt(): strictly better."""
        return bool(woken.rt.prio < cpu.curr.rt.prio)

    def to_tail(self, rq: RTRq, task: Any) -> None:
        """requeue_task_rt()."""
        queue = rq.lists[task.rt.prio]
        queue.remove(task)
        queue.append(task)

    def update_curr(self, rq: RTRq, cpu: Any) -> None:
        """Charge what runs to the class's budget; when that is used up, the class must stop."""
        if rq.curr is None or cpu.curr is not rq.curr:
            return
        ran = self.machine.now - rq.exec_start
        rq.exec_start = self.machine.now
        if ran <= 0 or self.runtime_ns is None or self.runtime_ns >= self.period_ns:
            return
        rq.rt_time += ran
        if not rq.throttled and rq.rt_time > self.runtime_ns:
            rq.throttled = True
            self.machine.resched(cpu)

    def start_period(self, rq: RTRq, cpu: Any) -> None:
        """The period timer runs while there are real-time tasks."""
        if self.runtime_ns is not None and not rq.timer_on:
            rq.timer_on = True
            now, period = self.machine.now, self.period_ns
            self.machine.timer(cpu, now + period - (now - self.phase_ns) % period, PERIOD_TIMER)

    def timer(self, cpu: Any, name: str) -> None:
        """do_sched_rt_period_timer(): a period's budget is paid off; who owes less than one may run again.

        What runs is not charged first, so what it has had since the last tick counts for the new period.
        """
        if name != PERIOD_TIMER or self.runtime_ns is None:
            return
        rq = self.queues_of[cpu.id]
        rq.rt_time -= min(rq.rt_time, self.runtime_ns)
        if rq.throttled and rq.rt_time < self.runtime_ns:
            rq.throttled = False
            if rq.nr_running:
                self.machine.resched(cpu)
        if rq.rt_time or rq.nr_running:
            self.machine.timer(cpu, self.machine.now + self.period_ns, PERIOD_TIMER)
        else:
            rq.timer_on = False

    # -- several CPUs: the best tasks run, wherever they wait ---------------------------------------

    def select_cpu(self, task: Any, why: str) -> Any:
        """select_task_rq_rt(): where it was, unless as good a one runs there; then the CPU of the least urgent task."""
        allowed = [cpu for cpu in self.machine.cpus if task.allowed is None or cpu.id in task.allowed]
        home = task.cpu if task.cpu in allowed else allowed[0]
        mine = MAX_RT_PRIO - 1 - task.rt_priority
        if self.urgency(home) > mine and not (home.need_resched and self.queues_of[home.id].nr_running):
            return home
        lowest = max(allowed, key=lambda cpu: (self.urgency(cpu), cpu is home))
        return lowest if self.urgency(lowest) > mine else home

    def urgency(self, cpu: Any) -> int:
        """cpupri: the number of the best list of a CPU; higher is less urgent, an idle CPU the least."""
        if cpu.curr.policy == SCHED_DEADLINE:
            return -1
        rq = self.queues_of[cpu.id]
        if rq.nr_running and not rq.throttled:
            return int(rq.first().rt.prio)
        return MAX_RT_PRIO + (cpu.curr is cpu.idle)

    def push(self, cpu: Any, chosen: Any) -> None:
        """push_rt_task(): who has to wait here goes to the CPU of the least urgent task, if it is better than that."""
        for task in self.waiting(cpu):
            if task is chosen:
                continue
            others = [each for each in self.machine.cpus if each is not cpu and may_use(task, each)]
            target = max(others, key=self.urgency, default=cpu)
            if target is not cpu and self.urgency(target) > task.rt.prio:
                self.move(task, cpu, target)
                self.machine.resched(target)

    def pull(self, cpu: Any) -> None:
        """pull_rt_task(): from every other CPU the best that waits there, if it is better than what is here."""
        for other in self.machine.cpus:
            if other is cpu:
                continue
            task = next((each for each in self.waiting(other) if may_use(each, cpu)), None)
            mine = self.queues_of[cpu.id]
            if task is not None and (not mine.nr_running or task.rt.prio < mine.first().rt.prio):
                self.move(task, other, cpu)

    def waiting(self, cpu: Any) -> list[Any]:
        """Who is ready on a CPU and does not run, best first. A throttled queue keeps its tasks."""
        rq = self.queues_of[cpu.id]
        if not rq.nr_running or rq.throttled:
            return []
        return [task for queue in rq.lists for task in queue if task.state == READY and task is not cpu.curr]

    def move(self, task: Any, source: Any, target: Any) -> None:
        """To the tail of its list on another CPU."""
        self.dequeue(task, source, "migrate")
        self.machine.migrate(task, target)
        self.enqueue(task, target, "migrate")

    @judgement
    def rt_prio(self, task: Any) -> int:
        """The number of its list: lower goes first."""
        return int(task.rt.prio)

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_rt(): to the tail of its list."""
        self.to_tail(self.queues_of[cpu.id], curr)
        self.machine.resched(cpu)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Between fifo and rr, or to another list: to the tail of the new one; to its head if it got worse."""
        rq, queued = self.queues_of[cpu.id], task.state in (READY, RUNNING)
        worse = rt_priority < task.rt_priority
        if queued:
            self.update_curr(rq, cpu)
            rq.take(task)
        task.policy, task.rt_priority = policy, rt_priority
        if task.rt is not None:
            task.rt.prio = MAX_RT_PRIO - 1 - rt_priority
        if queued:
            rq.put(task, at_head=worse)
            better = cpu.curr.policy not in (SCHED_FIFO, SCHED_RR) or self.preempts(cpu, task)
            if self.many or (worse if cpu.curr is task else better and cpu.curr.policy != SCHED_DEADLINE):
                self.machine.resched(cpu)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU: the task keeps its place."""
        self.update_curr(self.queues_of[cpu.id], cpu)
        self.queues_of[cpu.id].curr = None

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The lists in order; nobody while the class is throttled."""
        rq = self.queues_of[cpu.id]
        return [] if rq.throttled else [(task,) for queue in rq.lists for task in queue]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """Every list that is not empty."""
        many = len(self.queues_of) > 1
        for number, rq in enumerate(self.queues_of):
            for prio, queue in enumerate(rq.lists):
                if queue:
                    yield (f"CPU {number} rt {prio}" if many else f"rt {prio}"), list(queue)
