"""Linux 2.6 before 2.6.23: a bitmap of 140 and two arrays.

Every priority has its own list and its bit in a bitmap. To choose, a CPU finds the first set bit
of its *active* array and runs the head of that list: the same work for three tasks or three
thousand. A task that has used its slice gets the next one at once and waits in the *expired*
array; when active is empty the two arrays swap.

static_prio  120 + nice: decides the length of a slice
prio         static_prio less a bonus of -5..+5 for sleeping: decides who runs
sleep_avg    ns of sleep remembered, at most a second; running burns it
interactive  enough bonus for its nice value: such a task goes back to active when its slice ends

The flaw: intent is guessed from sleep, and sleep can be faked; a program that sleeps a little
keeps its place while honest ones wait in expired. The next generation counts time instead.
Upstream: kernel/sched.c of Linux 2.6.11 (`O1`) and 2.6.22 (`O1_2_6_22`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar

from schedlab.linux.domains import SCHED_LOAD_SCALE, Counting, Domains
from schedlab.linux.domains_weighted import Weighing
from schedlab.linux.kinds import DISK
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.task import SCHED_BATCH, SCHED_FIFO, Task
from schedlab.trace import episode, judgement

MAX_RT_PRIO = 100  # priorities 0..99 are real time, 0 the best
MAX_PRIO = 140  # 100..139 are normal; 140 is the idle task's
MAX_USER_PRIO = MAX_PRIO - MAX_RT_PRIO
DEF_TIMESLICE_MS = 100
MIN_TIMESLICE_MS = 5
GRANULARITY_MS = 10  # interactive tasks of one priority take turns after this
ON_RUNQUEUE_WEIGHT = 30  # percent of the time waited in the queue that counts as sleep
CHILD_PENALTY = 95  # percent of the sleep that a child inherits
PARENT_PENALTY = 100  # percent that its parent keeps
EXIT_WEIGHT = 3  # a dying child's sleep counts 1 against 3 of its parent's
MAX_BONUS = MAX_USER_PRIO * 25 // 100  # PRIO_BONUS_RATIO 25 %: ten levels
INTERACTIVE_DELTA = 2
NEVER = -(1 << 62)  # ns: before all times
NORMAL, INTERACTIVE, INTERRUPTED, NONINTERACTIVE = 0, 1, 2, -1  # what the last sleep was; `activated` in 2.6.11


class PrioArray:
    """140 lists and a bitmap of those that are not empty."""

    __slots__ = ("nr_active", "bitmap", "lists")

    def __init__(self) -> None:
        self.nr_active = 0
        self.bitmap = 0
        self.lists: list[deque[Any]] = [deque() for _ in range(MAX_PRIO)]

    def first(self) -> Any:
        """The head of the first list that is not empty."""
        lowest_bit = self.bitmap & -self.bitmap
        return self.lists[lowest_bit.bit_length() - 1][0]

    def append(self, task: Any) -> None:
        """At the tail of its priority's list."""
        self.lists[task.prio].append(task)
        self.bitmap |= 1 << task.prio
        self.nr_active += 1
        task.array = self

    def insert_before(self, task: Any, other: Any) -> None:
        """In front of `other`, in its list."""
        queue = self.lists[other.prio]
        queue.insert(len(queue) - 1 if queue[-1] is other else queue.index(other), task)
        self.nr_active += 1
        task.array = self

    def remove(self, task: Any) -> None:
        """Out of its list."""
        self._unlink(task, task.prio)
        self.nr_active -= 1
        task.array = None

    def move(self, task: Any, old_prio: int) -> None:
        """From the list of its old priority to the tail of its present one."""
        self._unlink(task, old_prio)
        self.lists[task.prio].append(task)
        self.bitmap |= 1 << task.prio

    def _unlink(self, task: Any, prio: int) -> None:
        queue = self.lists[prio]
        queue.remove(task)
        if not queue:
            self.bitmap &= ~(1 << prio)


class RunQueue:
    """What one CPU has to run."""

    __slots__ = (
        "active", "expired", "nr_running", "load", "expired_timestamp", "best_expired_prio", "active_balance",
    )  # fmt: skip

    def __init__(self) -> None:
        self.active = PrioArray()
        self.expired = PrioArray()
        self.nr_running = 0
        self.load = 0  # the load_weight of all of them
        self.expired_timestamp = 0  # jiffy of the first expiry since the swap; 0 for none
        self.best_expired_prio = MAX_PRIO
        self.active_balance = False  # has another CPU asked to push tasks?

    def add(self, task: Any, array: PrioArray) -> None:
        """At the tail of its priority's list in one of the arrays."""
        array.append(task)
        self.count(task)

    def count(self, task: Any) -> None:
        """One more to run."""
        self.nr_running += 1
        self.load += task.load_weight

    def take(self, task: Any) -> None:
        """Out of its array."""
        task.array.remove(task)
        self.nr_running -= 1
        self.load -= task.load_weight


class O1Task(Task):
    """A task with its two priorities, its slice and its sleep."""

    __slots__ = (
        "static_prio", "prio", "time_slice", "first_time_slice", "sleep_avg", "timestamp", "sleep_type", "array",
        "clone_vm", "load_weight", "last_ran",
    )  # fmt: skip

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.static_prio = 120
        self.prio = MAX_PRIO
        self.time_slice = 0  # ticks
        self.first_time_slice = False
        self.sleep_avg = 0  # ns
        self.timestamp = 0  # ns
        self.sleep_type = NORMAL
        self.array: PrioArray | None = None
        self.clone_vm = False  # a thread: shares its parent's address space
        self.load_weight = SCHED_LOAD_SCALE
        self.last_ran = NEVER  # ns: when it last lost a CPU


class O1(Policy):
    """Scheduler of Linux 2.6.11."""

    name = "O(1)"
    Task = O1Task
    ranking = Ranking(by="priority", best="lowest", tie="nearer the head of its list")
    least_hz = 1000 // DEF_TIMESLICE_MS
    watched = ("prio", "time_slice", "sleep_avg")
    default_hz = 1000
    balancing: ClassVar[type[Domains] | None] = Counting  # None: every CPU keeps to itself
    requeues_unchanged: ClassVar[bool] = True  # at the pick, does a task go to the tail even of its old list?

    def attach(self, machine: Any) -> None:
        """A run queue for every CPU; the constants in this machine's ticks."""
        self.machine = machine
        hz = machine.hz
        self.jiffy_ns = 1_000_000_000 // hz
        self.def_timeslice = DEF_TIMESLICE_MS * hz // 1000
        self.min_timeslice = max(MIN_TIMESLICE_MS * hz // 1000, 1)
        self.granularity = max(GRANULARITY_MS * hz // 1000, 1)
        self.max_sleep_avg = self.def_timeslice * MAX_BONUS  # ticks
        self.starvation_limit = self.max_sleep_avg
        self.ns_max_sleep_avg = self.max_sleep_avg * self.jiffy_ns
        self.slices = [self.slice_of(static_prio) for static_prio in range(MAX_PRIO)]
        self.deltas = [self.delta(static_prio - 120) for static_prio in range(MAX_PRIO)]
        self.granularities = [self.timeslice_granularity(bonus) for bonus in range(MAX_BONUS + 1)]
        self.runqueues = [RunQueue() for _cpu in machine.cpus]
        self.domains = self.balancing(self, self.runqueues) if self.balancing and len(machine.cpus) > 1 else None

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """activate_task(): judge the sleep, then to the tail of the active array, wherever it was before."""
        rq = self.runqueues[cpu.id]
        if why == "fork":
            return self.enqueue_child(task, task.parent, rq)
        if why == "new":
            task.timestamp = self.machine.now
            task.prio = self.effective_prio(task)
        else:
            if task.sleeps_as == DISK:
                task.sleep_type = NONINTERACTIVE
            self.judge_sleep(task)
        self.activate(task, rq)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """deactivate_task()."""
        self.runqueues[cpu.id].take(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """schedule(): first set bit, head of its list; swap the arrays when active is empty."""
        now, rq = self.machine.now, self.runqueues[cpu.id]
        run_time = min(now - prev.timestamp, self.ns_max_sleep_avg) // (self.current_bonus(prev) or 1)
        if rq.active_balance:
            self.push(cpu)
        if rq.nr_running == 0:
            self.balance(cpu)
        if rq.nr_running == 0:
            rq.expired_timestamp = 0
            next_ = cpu.idle
        else:
            if rq.active.nr_active == 0:
                self.swap_arrays(rq)
            next_ = rq.active.first()
            if next_.prio >= MAX_RT_PRIO and next_.sleep_type > 0:
                self.credit_waiting(next_, now)
            next_.sleep_type = NORMAL
        prev.sleep_avg = max(prev.sleep_avg - run_time, 0)
        prev.timestamp = prev.last_ran = now
        next_.timestamp = now
        return next_

    def tick(self, cpu: Any, curr: Any) -> None:
        """scheduler_tick(): what runs is charged; then this CPU may look at the others."""
        if curr is not cpu.idle:
            self.task_running_tick(cpu, curr)
        if self.domains is not None:
            self.domains.tick(cpu, curr is cpu.idle)

    def task_running_tick(self, cpu: Any, curr: Any) -> None:
        """The slice, and what happens when it ends."""
        rq = self.runqueues[cpu.id]
        if curr.array is not rq.active:
            return self.machine.resched(cpu)
        if curr.prio < MAX_RT_PRIO:
            return self.tick_real_time(rq, cpu, curr)
        curr.time_slice -= 1
        if curr.time_slice == 0:
            self.slice_ends(rq, cpu, curr)
        elif self.is_interactive(curr) and self.turn_is_over(curr):
            rq.active.remove(curr)
            rq.active.append(curr)
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """TASK_PREEMPTS_CURR: strictly better priority."""
        return woken.prio < cpu.curr.prio

    def slice_ends(self, rq: RunQueue, cpu: Any, curr: Any) -> None:
        """Charge, expire, requeue: a new slice at once, and active or expired by interactivity."""
        rq.active.remove(curr)
        self.machine.resched(cpu)
        curr.prio = self.effective_prio(curr)
        curr.time_slice = self.task_timeslice(curr)
        curr.first_time_slice = False
        if not rq.expired_timestamp:
            rq.expired_timestamp = self.machine.jiffies
        if not self.is_interactive(curr) or self.expired_starving(rq, cpu):
            rq.expired.append(curr)
            rq.best_expired_prio = min(rq.best_expired_prio, curr.static_prio)
        else:
            rq.active.append(curr)

    def tick_real_time(self, rq: RunQueue, cpu: Any, curr: Any) -> None:
        """FIFO tasks have no slice; RR tasks take turns inside the active array."""
        if curr.policy == SCHED_FIFO:
            return
        curr.time_slice -= 1
        if curr.time_slice == 0:
            curr.time_slice = self.task_timeslice(curr)
            curr.first_time_slice = False
            self.machine.resched(cpu)
            rq.active.remove(curr)
            rq.active.append(curr)

    @episode
    def swap_arrays(self, rq: RunQueue) -> None:
        """Expired becomes active: two pointers, however many tasks there are."""
        rq.active, rq.expired = rq.expired, rq.active
        rq.expired_timestamp = 0
        rq.best_expired_prio = MAX_PRIO

    @judgement
    def priority(self, task: Any) -> int:
        """The number of its list: lower goes first."""
        return int(task.prio)

    @judgement
    def current_bonus(self, task: Any) -> int:
        """0..10: a level for every tenth of the longest sleep that is remembered."""
        return task.sleep_avg // self.jiffy_ns * MAX_BONUS // self.max_sleep_avg

    def effective_prio(self, task: Any) -> int:
        """static_prio less the bonus, which runs from -5 to +5; real-time tasks keep theirs."""
        if task.is_rt:
            return MAX_RT_PRIO - 1 - int(task.rt_priority)
        prio: int = task.static_prio - (self.current_bonus(task) - MAX_BONUS // 2)
        return MAX_RT_PRIO if prio < MAX_RT_PRIO else MAX_PRIO - 1 if prio >= MAX_PRIO else prio

    def task_timeslice(self, task: Any) -> int:
        """Ticks of a task's slice, by nice value alone."""
        return self.slices[task.static_prio]

    def slice_of(self, static_prio: int) -> int:
        """Ticks: 800 ms at nice -20, 100 ms at 0, 5 ms at 19."""
        base = self.def_timeslice * (4 if static_prio < 120 else 1)
        return max(base * (MAX_PRIO - static_prio) // (MAX_USER_PRIO // 2), self.min_timeslice)

    def delta(self, nice: int) -> int:
        """DELTA: how much bonus a nice value needs; C's division, towards zero."""
        if nice < 0:
            return INTERACTIVE_DELTA - -nice * MAX_BONUS // MAX_USER_PRIO
        return INTERACTIVE_DELTA + nice * MAX_BONUS // MAX_USER_PRIO

    @judgement
    def is_interactive(self, task: Any) -> bool:
        """TASK_INTERACTIVE: enough bonus for its nice value."""
        return task.prio <= task.static_prio - self.deltas[task.static_prio]

    def interactive_sleep(self, task: Any) -> int:
        """INTERACTIVE_SLEEP, ns: one sleep of this length is enough to be interactive."""
        ticks = self.max_sleep_avg * (MAX_BONUS // 2 + self.deltas[task.static_prio] + 1) // MAX_BONUS - 1
        return ticks * self.jiffy_ns

    def timeslice_granularity(self, bonus: int) -> int:
        """Ticks between turns of interactive tasks: the more bonus, the shorter."""
        return self.granularity * (1 << (max(MAX_BONUS - bonus, 1) - 1)) * len(self.machine.cpus)

    def turn_is_over(self, task: Any) -> bool:
        """Has an interactive task used a whole granularity of its slice, with one left?"""
        turn = self.granularities[self.current_bonus(task)]
        if task.time_slice < turn:
            return False
        return (self.slices[task.static_prio] - task.time_slice) % turn == 0

    def expired_starving(self, rq: RunQueue, cpu: Any) -> bool:
        """EXPIRED_STARVING: has somebody waited in expired for too long, or somebody better?"""
        waited = self.machine.jiffies - rq.expired_timestamp
        if rq.expired_timestamp and waited >= self.starvation_limit * rq.nr_running + 1:
            return True
        return bool(cpu.curr.static_prio > rq.best_expired_prio)

    def judge_sleep(self, task: Any) -> None:
        """The part of activate_task() before the queue."""
        self.recalc_task_prio(task, self.machine.now)
        if task.sleep_type == NORMAL:
            task.sleep_type = INTERRUPTED if task.woken_by_irq else INTERACTIVE
        task.timestamp = self.machine.now

    def recalc_task_prio(self, task: Any, now: int) -> None:
        """What a sleep until `now` is worth, and the priority that follows."""
        slept = min(now - task.timestamp, self.ns_max_sleep_avg)
        if slept > 0:
            enough = self.interactive_sleep(task)
            if task.mm is not None and task.sleep_type != NONINTERACTIVE and slept > enough:
                task.sleep_avg = (self.max_sleep_avg - self.def_timeslice) * self.jiffy_ns
            else:
                slept *= max(MAX_BONUS - self.current_bonus(task), 1)
                if task.sleep_type == NONINTERACTIVE and task.mm is not None:
                    slept = self.cap_disk_sleep(task, slept, enough)
                task.sleep_avg = min(task.sleep_avg + slept, self.ns_max_sleep_avg)
        task.prio = self.effective_prio(task)

    def cap_disk_sleep(self, task: Any, slept: int, enough: int) -> int:
        """Waiting for a device makes a task just interactive, not more: what may still be added."""
        if task.sleep_avg >= enough:
            return 0
        if task.sleep_avg + slept >= enough:
            task.sleep_avg = enough
            return 0
        return slept

    def credit_waiting(self, task: Any, now: int) -> None:
        """Time spent in the queue since the wake-up counts as sleep too, in part."""
        waited = now - task.timestamp
        if task.sleep_type == INTERACTIVE:
            waited = waited * (ON_RUNQUEUE_WEIGHT * 128 // 100) // 128
        old = task.prio
        self.recalc_task_prio(task, task.timestamp + waited)
        if self.requeues_unchanged or task.prio != old:
            task.array.move(task, old)

    def activate(self, task: Any, rq: RunQueue) -> None:
        """Into the active array."""
        rq.add(task, rq.active)

    def born(self, task: Any) -> bool:
        """Static priority and a full slice."""
        task.static_prio = 120 + task.nice
        task.load_weight = self.load_weight(task)
        if task.parent is None:
            task.time_slice = self.task_timeslice(task)
            task.timestamp = self.machine.now
            task.prio = self.effective_prio(task)
        return True

    def fork(self, child: Any, parent: Any) -> None:
        """sched_fork(): the slice is split; a parent that has none left expires on the spot."""
        child.sleep_avg = parent.sleep_avg
        child.last_ran = parent.last_ran
        child.prio = parent.prio
        child.time_slice = (parent.time_slice + 1) >> 1
        child.first_time_slice = True
        child.timestamp = self.machine.now
        parent.time_slice >>= 1
        if parent.time_slice == 0:
            parent.time_slice = 1
            self.expire_parent(parent)

    def expire_parent(self, parent: Any) -> None:
        """As if a tick had come, with all that it does."""
        self.tick(parent.cpu, parent)

    def enqueue_child(self, child: Any, parent: Any, rq: RunQueue) -> None:
        """wake_up_new_task(): the child runs first, standing in front of its parent, unless it starts elsewhere."""
        child.sleep_avg = self.inherited_sleep(child, CHILD_PENALTY)
        child.prio = self.effective_prio(child)
        beside = child.cpu is parent.cpu and not child.clone_vm
        if beside and parent.array is not None:
            child.prio = parent.prio
            parent.array.insert_before(child, parent)
            rq.count(child)
        else:
            self.activate(child, rq)
        if beside:
            self.machine.resched(parent.cpu)
        parent.sleep_avg = self.inherited_sleep(parent, PARENT_PENALTY)

    def inherited_sleep(self, task: Any, percent: int) -> int:
        """Whole bonus levels, less a penalty, as ns of sleep."""
        levels = self.current_bonus(task) * percent // 100
        return levels * self.max_sleep_avg // MAX_BONUS * self.jiffy_ns

    def load_weight(self, task: Any) -> int:
        """What it counts when CPUs are compared: all alike."""
        return SCHED_LOAD_SCALE

    def select_cpu(self, task: Any, why: str) -> Any:
        """Where it was, or where its domains say; a new one, as after exec, goes to the CPU with the fewest tasks."""
        if why == "new":
            allowed = [cpu for cpu in self.machine.cpus if task.allowed is None or cpu.id in task.allowed]
            return min(allowed, key=lambda cpu: self.runqueues[cpu.id].nr_running)
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
        """active_load_balance(): for a moment the migration thread runs here, and moves tasks to other CPUs."""
        if self.domains is not None:
            self.domains.push(cpu)

    def pull(self, task: Any, source: Any, cpu: Any) -> None:
        """pull_task(): a waiting task comes to this CPU, into the same kind of array; it may preempt."""
        theirs, ours = self.runqueues[source.id], self.runqueues[cpu.id]
        target = ours.expired if task.array is theirs.expired else ours.active
        theirs.take(task)
        ours.add(task, target)
        self.machine.migrate(task, cpu)
        if self.preempts(cpu, task):
            self.machine.resched(cpu)

    def yields(self, cpu: Any, curr: Any) -> None:
        """sched_yield(): into the expired array; a real-time task to the tail of its list."""
        rq = self.runqueues[cpu.id]
        target = rq.active if curr.is_rt else rq.expired
        curr.array.remove(curr)
        target.append(curr)
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): the bonus is forgotten until the next recalculation."""
        old = task.prio
        array = task.array
        task.nice = nice
        if task.is_rt:
            task.static_prio = 120 + nice
            return
        rq = self.runqueues[cpu.id]
        if array is not None:
            rq.take(task)
        task.static_prio = 120 + nice
        task.prio = self.prio_after_renice(task)
        task.load_weight = self.load_weight(task)
        if array is not None:
            rq.add(task, array)
            if task.prio < old or (task.prio > old and cpu.curr is task):
                self.machine.resched(cpu)

    def prio_after_renice(self, task: Any) -> int:
        """2.6.11 takes the new static priority as it is."""
        return int(task.static_prio)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """sched_setscheduler(): to the list of its new priority, at the tail."""
        old, array = task.prio, task.array
        if array is not None:
            self.dequeue(task, cpu, "setscheduler")
        task.policy, task.rt_priority = policy, rt_priority
        task.prio = self.effective_prio(task) if task.is_rt else self.prio_after_renice(task)
        task.load_weight = self.load_weight(task)
        if policy == SCHED_BATCH:
            task.sleep_avg = 0
        if array is not None:
            self.activate(task, self.runqueues[cpu.id])
            if task.prio > old if cpu.curr is task else self.preempts(cpu, task):
                self.machine.resched(cpu)

    def release(self, task: Any) -> None:
        """sched_exit(), when a dead child is reaped: its first slice goes back, and a little of its sleep."""
        parent = task.parent
        if parent is None:
            return
        if task.first_time_slice and self.gives_slice_back(task, parent):
            parent.time_slice = min(parent.time_slice + task.time_slice, self.task_timeslice(task))
        if task.sleep_avg < parent.sleep_avg:
            parent.sleep_avg = parent.sleep_avg // (EXIT_WEIGHT + 1) * EXIT_WEIGHT + task.sleep_avg // (EXIT_WEIGHT + 1)

    def gives_slice_back(self, task: Any, parent: Any) -> bool:
        """Wherever the parent is."""
        return True

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The active array, or the expired one when active is empty, in the order of the lists."""
        rq = self.runqueues[cpu.id]
        array = rq.active if rq.active.nr_active else rq.expired
        return [(task,) for queue in array.lists for task in queue]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """Every list that is not empty, of every CPU."""
        many = len(self.runqueues) > 1
        for number, rq in enumerate(self.runqueues):
            for label, array in (("active", rq.active), ("expired", rq.expired)):
                for prio, queue in enumerate(array.lists):
                    if queue:
                        yield (f"CPU {number} {label} {prio}" if many else f"{label} {prio}"), list(queue)


class O1_2_6_22(O1):
    """Scheduler of Linux 2.6.22: sleep is added as it is, and one long sleep no longer buys a top place."""

    name = "O(1) 2.6.22"
    balancing = Weighing
    classes = ("normal", "fifo", "rr", "batch")
    requeues_unchanged = False

    def delta(self, nice: int) -> int:
        """Rounded down for every nice value."""
        return (nice + 20) * MAX_BONUS // MAX_USER_PRIO - 20 * MAX_BONUS // MAX_USER_PRIO + INTERACTIVE_DELTA

    def judge_sleep(self, task: Any) -> None:
        """Real-time tasks are not judged any more."""
        if not task.is_rt:
            super().judge_sleep(task)

    def recalc_task_prio(self, task: Any, now: int) -> None:
        """A sleep counts as long as it was, up to the least that makes a task interactive."""
        slept = 0 if task.policy == SCHED_BATCH else now - task.timestamp
        if slept > 0:
            enough = self.interactive_sleep(task)
            if task.mm is not None and slept > enough and task.sleep_avg < enough:
                task.sleep_avg = enough
                task.sleep_type = NONINTERACTIVE
            else:
                if task.sleep_type == NONINTERACTIVE and task.mm is not None:
                    slept = self.cap_disk_sleep(task, slept, enough)
                task.sleep_avg += slept
            task.sleep_avg = min(task.sleep_avg, self.ns_max_sleep_avg)
        task.prio = self.effective_prio(task)

    def activate(self, task: Any, rq: RunQueue) -> None:
        """SCHED_BATCH tasks start in the expired array."""
        rq.add(task, rq.expired if task.policy == SCHED_BATCH else rq.active)

    def expire_parent(self, parent: Any) -> None:
        """Without the rest of a tick."""
        self.task_running_tick(parent.cpu, parent)

    def load_weight(self, task: Any) -> int:
        """LOAD_WEIGHT(): its slice, 128 for that of nice 0; a real-time task weighs more than nice -20."""
        if task.is_rt:
            return self.scaled(self.slices[MAX_RT_PRIO]) + self.scaled(task.rt_priority)
        return self.scaled(self.task_timeslice(task))

    def scaled(self, ticks: int) -> int:
        """In 128ths of the slice of nice 0."""
        return ticks * SCHED_LOAD_SCALE // self.def_timeslice

    def prio_after_renice(self, task: Any) -> int:
        """The bonus is kept."""
        return self.effective_prio(task)

    def gives_slice_back(self, task: Any, parent: Any) -> bool:
        """Only to a parent on the same CPU."""
        return task.cpu is parent.cpu
