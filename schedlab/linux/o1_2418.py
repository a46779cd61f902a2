"""The O(1) scheduler before Linux 2.6: as Red Hat put it into their 2.4.18.

The two arrays are there, and so is the bonus for sleeping, but everything is counted in ticks: a
task gains a tick of sleep_avg for each tick it sleeps, loses one for each tick that finds it
running, and remembers two seconds. Slices go from 10 to 300 ms in one straight line of nice values.

The flaw: interactive tasks of one priority do not take turns within a slice, and nothing looks at
how long a woken task waits. 2.6 adds both.
Upstream: kernel/sched.c and kernel/fork.c of 2.4.18-14 (a course's tree: tamuz-o/linux-2.4.18-14custom).
"""

from __future__ import annotations

from typing import Any

from schedlab.linux.o1 import CHILD_PENALTY, MAX_PRIO, MAX_RT_PRIO, MAX_USER_PRIO, O1, RunQueue
from schedlab.linux.task import SCHED_NORMAL

MIN_TIMESLICE_MS = 10
MAX_TIMESLICE_MS = 300
MAX_SLEEP_AVG_S = 2
STARVATION_LIMIT_S = 2


class O1_2_4_18(O1):
    """Scheduler of Red Hat's Linux 2.4.18, one CPU. `sleep_avg` and `timestamp` are ns, but whole ticks."""

    name = "O(1) 2.4.18"
    default_hz = 512

    def attach(self, machine: Any) -> None:
        """The constants of this version, in this machine's ticks."""
        super().attach(machine)
        self.min_timeslice = MIN_TIMESLICE_MS * machine.hz // 1000
        self.max_timeslice = MAX_TIMESLICE_MS * machine.hz // 1000
        self.max_sleep_avg = MAX_SLEEP_AVG_S * machine.hz
        self.ns_max_sleep_avg = self.max_sleep_avg * self.jiffy_ns
        self.starvation_limit = STARVATION_LIMIT_S * machine.hz

    @property
    def jiffies_ns(self) -> int:
        """The clock of this scheduler: the time of the last tick."""
        return self.machine.jiffies * self.jiffy_ns

    def pick(self, cpu: Any, prev: Any) -> Any:
        """schedule(): first set bit, head of its list; whoever leaves is stamped."""
        rq = self.runqueues[cpu.id]
        prev.timestamp = self.jiffies_ns
        if rq.nr_running == 0:
            self.balance(cpu)
        if rq.nr_running == 0:
            rq.expired_timestamp = 0
            return None
        if rq.active.nr_active == 0:
            self.swap_arrays(rq)
        return rq.active.first()

    def tick(self, cpu: Any, curr: Any) -> None:
        """scheduler_tick(): a tick of sleep is forgotten, a tick of the slice used."""
        rq = self.runqueues[cpu.id]
        if curr is cpu.idle:
            return
        if curr.array is not rq.active:
            return self.machine.resched(cpu)
        if curr.prio < MAX_RT_PRIO:
            return self.tick_real_time(rq, cpu, curr)
        curr.sleep_avg = max(curr.sleep_avg - self.jiffy_ns, 0)
        curr.time_slice -= 1
        if curr.time_slice == 0:
            self.slice_ends(rq, cpu, curr)

    def slice_ends(self, rq: RunQueue, cpu: Any, curr: Any) -> None:
        """As later, but only who really expires starts the clock of starvation."""
        rq.active.remove(curr)
        self.machine.resched(cpu)
        curr.prio = self.effective_prio(curr)
        curr.first_time_slice = False
        curr.time_slice = self.task_timeslice(curr)
        if self.is_interactive(curr) and not self.expired_starving(rq, cpu):
            rq.active.append(curr)
        else:
            rq.expired_timestamp = rq.expired_timestamp or self.machine.jiffies
            rq.expired.append(curr)

    def expired_starving(self, rq: RunQueue, cpu: Any) -> bool:
        """EXPIRED_STARVING: time alone."""
        waited = self.machine.jiffies - rq.expired_timestamp
        return bool(rq.expired_timestamp and waited >= self.starvation_limit * rq.nr_running + 1)

    def task_timeslice(self, task: Any) -> int:
        """TASK_TIMESLICE, ticks: 300 ms at nice -20, 150 ms at 0, 10 ms at 19."""
        share = (self.max_timeslice - self.min_timeslice) * (MAX_PRIO - 1 - task.static_prio)
        return int(self.min_timeslice + share // (MAX_USER_PRIO - 1))

    def judge_sleep(self, task: Any) -> None:
        """activate_task(): ticks slept are ticks gained."""
        slept = self.jiffies_ns - task.timestamp
        if task.policy == SCHED_NORMAL and slept > 0:
            task.sleep_avg = min(task.sleep_avg + slept, self.ns_max_sleep_avg)
            task.prio = self.effective_prio(task)

    def fork(self, child: Any, parent: Any) -> None:
        """do_fork(): the slice is split, and the child's sleep begins now."""
        super().fork(child, parent)
        child.timestamp = self.jiffies_ns

    def enqueue_child(self, child: Any, parent: Any, rq: RunQueue) -> None:
        """wake_up_forked_process(): behind its parent's equals, but the parent chooses again."""
        if not child.is_rt:
            child.sleep_avg = child.sleep_avg // self.jiffy_ns * CHILD_PENALTY // 100 * self.jiffy_ns
            child.prio = self.effective_prio(child)
        self.activate(child, rq)
        self.machine.resched(parent.cpu)

    def yields(self, cpu: Any, curr: Any) -> None:
        """sched_yield(): behind one other task of its priority, or of the next one if it is alone."""
        array = curr.array
        array.remove(curr)
        if curr.is_rt:
            array.append(curr)
        else:
            if array.bitmap and not array.lists[curr.prio]:
                curr.prio = max(curr.prio, array.first().prio)
            array.append(curr)
            queue = array.lists[curr.prio]
            queue.remove(curr)
            queue.insert(1, curr)
        self.machine.resched(cpu)
