"""The machine under the toy schedulers: CPUs that work off slices.

It knows no policy. What falls on one instant goes by rank: tasks arrive, others wake up, something
comes from outside; then the CPUs whose slice is over choose, by number; last come the idle CPUs, if
somebody has begun to wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schedlab.design.kinds import FINISHED, READY, RUNNING, SLEEPING, STATES
from schedlab.design.scheduler import Scheduler
from schedlab.design.task import FOREVER, RUN, SLEEP, SPAWN, YIELD, Step, Task
from schedlab.sim import Engine, shuffled
from schedlab.trace import NOBODY, Recorder
from schedlab.words import show

ARRIVE_RANK, WAKE_RANK, EVENT_RANK, SLICE_RANK, OFFER_RANK = range(0, 5 << 20, 1 << 20)
# Slices that end at one instant go by number of CPU, which is added to the rank.

STEPS_WITHOUT_TIME = 10_000  # steps of one task at one instant before we say that it loops


class Loop(RuntimeError):
    """A behaviour that goes on for ever without using time."""


class PolicyError(RuntimeError):
    """A scheduler answered what none may answer; says what, on which CPU and about which task."""


class CPU:
    """One processor. `curr` is the task that runs on it, None when nothing does."""

    __slots__ = ("id", "name", "curr", "idle", "since", "quantum_ends", "ticket", "need_resched", "owes")

    def __init__(self, id: int) -> None:
        self.id = id
        self.name = f"CPU {id}"
        self.curr: Any = None
        self.idle = None  # what `curr` is when nothing runs
        self.since = 0  # ns: up to when `curr` has been charged
        self.quantum_ends = 0  # ns: when `curr` has to leave at the latest
        self.ticket = 0  # of the planned end of its slice
        self.need_resched = False  # its slice was ended before its time
        self.owes = 0  # ns spent on messages, paid before the next task

    def __repr__(self) -> str:
        return self.name


class Machine:
    """Runs tasks under a scheduler and records what happens.

    `switch_ns` is lost at each change of task, `message_ns` with each question, each task handed over and each
    attempt to steal.
    """

    def __init__(
        self,
        policy: Scheduler,
        engine: Engine,
        recorder: Recorder,
        *,
        cpus: int = 1,
        switch_ns: int = 0,
        message_ns: int = 0,
    ) -> None:
        self.policy = policy
        self.engine = engine
        self.record = recorder
        self.switch_ns = switch_ns
        self.message_ns = message_ns
        self.cpus = [CPU(i) for i in range(cpus)]
        self.tasks: dict[int, Any] = {}
        self.alive = 0  # tasks that are not finished
        self.spawner: Any = None  # makes the tasks that a task creates
        self._came: list[CPU] = []  # where tasks have begun to wait at this instant while CPUs were idle
        self.idle = cpus  # how many CPUs have nothing to run
        self._costs = bool(switch_ns or message_ns)
        self._slices = type(policy).slice is not Scheduler.slice
        self._preempts = type(policy).preempts is not Scheduler.preempts
        policy.attach(self)

    @property
    def now(self) -> int:
        """Simulated time in ns."""
        return self.engine.now

    # -- what a scheduler may ask for -----------------------------------------------------------

    def shuffled(self, stream: str, items: Sequence[Any]) -> list[Any]:
        """The items in an order drawn from the random stream of that name."""
        return shuffled(self.engine.stream(stream), list(items))

    def ask(self, cpu: CPU, other: CPU, busy: int) -> None:
        """`cpu` asks how busy `other` is: one message."""
        cpu.owes += self.message_ns
        self.record.ask(self.engine.now, NOBODY, cpu.id, other.id, busy)

    def share(self, task: Any, cpu: CPU, other: CPU) -> None:
        """`cpu` hands `task` over to `other`: one message."""
        cpu.owes += self.message_ns
        self.record.share(self.engine.now, task.id, cpu.id, other.id, 1)
        self._move(task, other)

    def steal(self, cpu: CPU, victim: CPU, tasks: Sequence[Any]) -> None:
        """`cpu` takes `tasks` from `victim`: one message."""
        cpu.owes += self.message_ns
        self.record.steal(self.engine.now, tasks[0].id, cpu.id, victim.id, len(tasks))
        for task in tasks:
            self._move(task, cpu)

    def miss(self, cpu: CPU, victim: CPU) -> None:
        """`cpu` finds nothing to steal at `victim`: one message for nothing."""
        cpu.owes += self.message_ns
        self.record.miss(self.engine.now, NOBODY, cpu.id, victim.id)

    def _move(self, task: Any, cpu: CPU) -> None:
        self.record.migrate(self.engine.now, task.id, cpu.id, task.cpu.id)
        task.cpu = cpu

    # -- tasks come and go ----------------------------------------------------------------------

    def arrive(self, task: Any) -> None:
        """A new task is ready at `task.cpu`."""
        self.tasks[task.id] = task
        self.alive += 1
        parent = task.parent
        self.record.spawn(self.engine.now, task.id, task.cpu.id, NOBODY if parent is None else parent.id)
        self._ready(task, "new")

    def _wake(self, task: Any) -> None:
        self.record.wake(self.engine.now, task.id, task.cpu.id, NOBODY, SLEEPING)
        self._ready(task, "wake")

    def _ready(self, task: Any, why: str) -> None:
        if task.steps is not None and not task.remaining:
            self._look_ahead(task)
        task.state = READY
        self.policy.enqueue(task, task.cpu, why)
        if self.idle:
            self._waits(task.cpu)
        elif self._preempts:
            self.engine.at(self.engine.now, self._look, task, EVENT_RANK)

    def _waits(self, cpu: CPU) -> None:
        """A task waits at `cpu`, and somebody is idle: at the end of this instant idle CPUs choose."""
        if not self._came:
            self.engine.at(self.engine.now, self._offer, None, OFFER_RANK)
        self._came.append(cpu)

    def _look(self, task: Any) -> None:
        """Should a CPU choose again because `task` has become ready?"""
        for cpu in self.cpus:
            if self.idle or task.state != READY:
                return
            if not cpu.need_resched and self.policy.preempts(cpu, task):
                return self.stop(cpu)

    def stop(self, cpu: CPU) -> None:
        """End the slice that runs on `cpu` now, before its time."""
        if not cpu.need_resched:
            now = self.engine.now
            cpu.need_resched = True
            cpu.since = min(cpu.since, now)  # it may still be inside the switch
            self.engine.cancel(cpu.ticket)
            self.engine.at(now, self._choose, cpu, SLICE_RANK + cpu.id)

    def wake_now(self, task: Any) -> None:
        """End a sleep from outside. Nothing happens to a task that does not sleep."""
        if task.state == SLEEPING:
            self.engine.cancel(task.wake_ticket)
            self._wake(task)

    def yield_now(self, task: Any) -> None:
        """Take the CPU from a running task, asked from outside."""
        if task.state == RUNNING:
            self.stop(self._cpu_of(task))

    def kill(self, task: Any) -> None:
        """End a task from outside, whatever it is doing."""
        if task.state == RUNNING:
            cpu = self._cpu_of(task)
            self.stop(cpu)
            task.remaining = max(0, self.engine.now - cpu.since)  # what it has just done, and no more
            task.steps = task.pending = None
            return
        if task.state == READY:
            self.policy.dequeue(task, task.cpu, "kill")
        elif task.state == SLEEPING:
            self.engine.cancel(task.wake_ticket)
        else:
            return
        self.record.kill(self.engine.now, task.id, task.cpu.id, NOBODY, task.state)
        task.state = FINISHED
        self.alive -= 1

    def _cpu_of(self, task: Any) -> CPU:
        return next(cpu for cpu in self.cpus if cpu.curr is task)

    # -- slices ---------------------------------------------------------------------------------

    def _offer(self, _arg: None) -> None:
        """For each task that has begun to wait one idle CPU starts, first the one where it waits."""
        came, self._came = self._came, []
        enough = max(0, self.idle - len(came))
        for cpu in dict.fromkeys([*came, *self.cpus]):
            if cpu.curr is None:
                self._choose(cpu)
                if self.idle == enough:
                    return

    def _choose(self, cpu: CPU) -> None:
        """`cpu` lets go of its task, if it has one, and asks the scheduler who is next."""
        engine, policy, record, prev = self.engine, self.policy, self.record, cpu.curr
        now = engine.now
        cpu.need_resched = False
        if prev is not None:
            ran = now - cpu.since
            prev.sum_exec += ran
            prev.remaining = left = prev.remaining - ran
            if left:
                prev.state = READY
                policy.enqueue(prev, cpu, "preempt")
            elif prev.steps is None and prev.pending is None:
                self._finish(prev)
            elif self._steps(cpu, prev):
                return
        task = policy.pick(cpu, prev)
        if task is None:
            if prev is not None:
                record.rest(now, NOBODY, cpu.id, prev.id, prev.state)
                cpu.curr = None
                self.idle += 1
            return
        if task.__class__ is not Task or task.state != READY:
            self._check_pick(cpu, task)
        start = now
        if task is prev:
            record.keep(now, task.id, cpu.id)
        else:
            if prev is None:
                record.resume(now, task.id, cpu.id, NOBODY, 0)
                self.idle -= 1
            else:
                record.switch(now, task.id, cpu.id, prev.id, prev.state)
                if self.idle and prev.state == READY:
                    self._waits(cpu)
            if self._costs:
                start += cpu.owes + self.switch_ns
                cpu.owes = 0
            cpu.curr = task
        task.state = RUNNING
        cpu.since = start
        quantum = self._checked_slice(cpu, task) if self._slices else policy.quantum
        if quantum is None:
            cpu.quantum_ends = FOREVER
            end = start + task.remaining
        else:
            cpu.quantum_ends = end = start + quantum
            if task.remaining < quantum:
                end = start + task.remaining
        cpu.ticket = engine.at(end, self._choose, cpu, SLICE_RANK + cpu.id)

    def _check_pick(self, cpu: CPU, task: Any) -> None:
        """A scheduler, a learner's too, may only pick a task that is ready."""
        name = self.policy.name
        if not isinstance(task, Task):
            raise PolicyError(f"{name}.pick must return a task or None, not {task!r}")
        if task.state != READY:
            raise PolicyError(
                f"{name} picks {task.name} on {cpu.name}, but it is {STATES[task.state]}: "
                f"pick must take the task that it returns out of its queue"
            )

    def _checked_slice(self, cpu: CPU, task: Any) -> int | None:
        ns: Any = self.policy.slice(cpu, task)
        if ns is not None and (not isinstance(ns, int) or ns < 1):
            raise PolicyError(f"{self.policy.name}.slice must return whole nanoseconds from 1 up, or None, not {ns!r}")
        return ns

    # -- what tasks do --------------------------------------------------------------------------

    def _steps(self, cpu: CPU, task: Any) -> bool:
        """`task` has finished a step on `cpu`: take the next ones. True when it simply goes on there."""
        engine, why = self.engine, "preempt"
        now = engine.now
        for _ in range(STEPS_WITHOUT_TIME):
            step, task.pending = task.pending or self._take(task), None
            if step is None:
                self._finish(task)
                return False
            op = step[0]
            if op == RUN:
                if not step[1]:
                    continue
                task.remaining = step[1]
                if why == "preempt" and cpu.quantum_ends > now:
                    cpu.since = now
                    end = min(now + step[1], cpu.quantum_ends)
                    cpu.ticket = engine.at(end, self._choose, cpu, SLICE_RANK + cpu.id)
                    return True
                task.state = READY
                self.policy.enqueue(task, cpu, why)
                return False
            if op == YIELD:
                why = "yield"
                self.record.yields(now, task.id, cpu.id)
            elif op == SLEEP:
                task.state = SLEEPING
                task.wake_ticket = engine.at(now + step[1], self._wake, task, WAKE_RANK)
                return False
            elif op == SPAWN:
                self.spawner(step[1], task)
            else:
                raise ValueError(f"{task.name} asks for {step!r}, which is no step; see schedlab.design.task")
        raise Loop(f"{task.name} has taken {STEPS_WITHOUT_TIME:,} steps at {show(now)} without using time")

    def _take(self, task: Any) -> Step | None:
        return None if task.steps is None else next(task.steps, None)

    def _look_ahead(self, task: Any) -> None:
        """A waiting task shows how long it will run, if that is what it does next."""
        step = task.pending or self._take(task)
        if step is not None and step[0] == RUN:
            task.remaining, step = step[1], None
        task.pending = step

    def _finish(self, task: Any) -> None:
        self.record.exit(self.engine.now, task.id, task.cpu.id)
        task.state = FINISHED
        self.alive -= 1
