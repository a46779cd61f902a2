"""Mutexes, and priority inheritance.

A task that needs a mutex waits until its owner lets it go. If the owner is preempted meanwhile by somebody of middling
priority, an urgent task waits for that one too, who has nothing to do with the mutex: *priority inversion*. The cure:
as long as it is waited for, the owner has the priority of the most urgent who waits, and so has whoever *it* waits for.

Without inheritance (PTHREAD_PRIO_NONE) the mutex is free when it is let go: who waited first is woken and has to be
quick. With it (PTHREAD_PRIO_INHERIT, an rt_mutex) it is handed over.

Only real-time priorities are inherited: nice values are not. Deadline tasks are not modelled here.
Upstream: kernel/locking/rtmutex.c, kernel/futex.c and rt_mutex_setprio() in kernel/sched/core.c, since Linux 2.6.18.
"""

from __future__ import annotations

from bisect import insort_right
from typing import Any

from schedlab.linux.task import RT_MAX, SCHED_DEADLINE, SCHED_FIFO, SCHED_RR, Refused

NO_REAL_TIME = RT_MAX + 1  # how urgent all are that have no real-time priority: they wait first come, first served

Priority = tuple[int, int]  # policy, rt_priority


def urgency(task: Any) -> int:
    """Lower is more urgent."""
    return RT_MAX - task.rt_priority if task.policy in (SCHED_FIFO, SCHED_RR) else NO_REAL_TIME


class Mutex:
    """Who has it, and who waits, most urgent first."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number  # in the trace
        self.owner: Any = None
        self.waiters: list[Any] = []


class Mutexes:
    """All mutexes of a machine."""

    def __init__(self, machine: Any, inherit: bool) -> None:
        self.machine = machine
        self.inherit = inherit
        self.by_name: dict[str, Mutex] = {}
        self.waits_for: dict[Any, Mutex] = {}
        self.own: dict[Any, Priority] = {}  # what those who have inherited had, and will have again

    def named(self, name: str) -> Mutex:
        """The mutex of that name; new ones are free."""
        if name not in self.by_name:
            self.by_name[name] = Mutex(name, len(self.by_name))
        return self.by_name[name]

    # -- taking and letting go --------------------------------------------------------------------

    def lock(self, task: Any, name: str) -> bool:
        """True if `task` has it now; else it waits. Raises Refused where it would wait for itself (EDEADLK)."""
        mutex, record, now = self.named(name), self.machine.record, self.machine.now
        if task.policy == SCHED_DEADLINE:
            raise Refused(f"{task.name}: mutexes of deadline tasks are not modelled")
        if mutex.owner is None:
            mutex.owner = task
            record.takes(now, task.id, task.cpu.id, mutex.number)
            return True
        if self.inherit and self.leads_to(mutex, task):
            raise Refused(f"{task.name} would wait for itself: it has what the owner of {name!r} needs (EDEADLK)")
        record.needs(now, task.id, task.cpu.id, mutex.number, mutex.owner.id)
        self.waits_for[task] = mutex
        insort_right(mutex.waiters, task, key=urgency)
        self.adjust(mutex.owner)
        return False

    def leads_to(self, mutex: Mutex | None, task: Any) -> bool:
        """Does whoever `mutex` waits for in the end wait for `task`?"""
        while mutex is not None:
            if mutex.owner is task:
                return True
            mutex = self.waits_for.get(mutex.owner)
        return False

    def unlock(self, task: Any, name: str) -> None:
        """`task` lets it go. Raises Refused if it does not have it (EPERM)."""
        mutex = self.named(name)
        if mutex.owner is not task:
            raise Refused(f"{task.name} does not have the mutex {name!r} (EPERM)")
        self.machine.record.lets_go(self.machine.now, task.id, task.cpu.id, mutex.number)
        self.release(mutex, task)

    def release(self, mutex: Mutex, task: Any) -> None:
        """Who waits first is woken: as its owner with inheritance, as one who may try again without."""
        mutex.owner = None
        first = mutex.waiters.pop(0) if mutex.waiters else None
        if first is not None:
            del self.waits_for[first]
            if self.inherit:
                mutex.owner = first
                self.machine.record.takes(self.machine.now, first.id, first.cpu.id, mutex.number)
        self.adjust(task)
        if first is not None:
            if self.inherit:
                self.adjust(first)
            self.machine.wake_for_mutex(first, task)

    def leave(self, task: Any) -> None:
        """`task` has died: it waits no more, and inherited mutexes go on to the next. Others are lost for ever."""
        mutex = self.waits_for.pop(task, None)
        if mutex is not None:
            mutex.waiters.remove(task)
            self.adjust(mutex.owner)
        self.own.pop(task, None)
        for held in self.by_name.values():
            if held.owner is task and self.inherit:
                self.release(held, task)

    # -- inheriting -------------------------------------------------------------------------------

    def adjust(self, task: Any) -> None:
        """rt_mutex_adjust_prio_chain(): the best of its own and of who waits for it; and on along the chain."""
        while self.inherit and task is not None and task.state in self.machine.living:
            own = self.own_priority(task)
            waiting = [mutex.waiters[0] for mutex in self.by_name.values() if mutex.owner is task and mutex.waiters]
            donor: Any = min(waiting, key=urgency, default=None)
            wanted = inherited(own, donor)
            if wanted == (task.policy, task.rt_priority):
                return
            if wanted == own:
                del self.own[task]
                self.machine.record.own_again(self.machine.now, task.id, task.cpu.id)
            else:
                self.own[task] = own
                self.machine.record.inherits(self.machine.now, task.id, task.cpu.id, wanted[1], donor.id)
            self.machine.set_priority(task, *wanted)
            task = self.moved(task)

    def moved(self, task: Any) -> Any:
        """A waiting task of another urgency takes its new place in the line; the owner it waits for."""
        mutex = self.waits_for.get(task)
        if mutex is None:
            return None
        mutex.waiters.remove(task)
        insort_right(mutex.waiters, task, key=urgency)
        return mutex.owner

    def own_priority(self, task: Any) -> Priority:
        """What a child inherits: not what is only lent."""
        return self.own.get(task, (task.policy, task.rt_priority))

    def changed(self, task: Any, policy: int, rt_priority: int) -> bool:
        """sched_setscheduler() on who has inherited counts from when it has given back. False: it has not inherited."""
        if task not in self.own:
            return False
        self.own[task] = (policy, rt_priority)
        self.adjust(task)
        return True


def inherited(own: Priority, donor: Any) -> Priority:
    """The priority of the donor if that is better; who is not round robin by itself gets no slice by it."""
    policy, rt_priority = own
    mine = RT_MAX - rt_priority if policy in (SCHED_FIFO, SCHED_RR) else NO_REAL_TIME
    if donor is None or urgency(donor) >= mine:
        return own
    return (policy if policy == SCHED_RR else SCHED_FIFO), donor.rt_priority
