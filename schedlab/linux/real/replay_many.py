"""The recordings of Linux 5.10 and later on several CPUs, run on the model.

An emulator that runs its CPUs in turn keeps no order finer than a millisecond between them, so what
may be compared is who had how much, when the first task was pulled, and how often tasks moved. As on
one CPU the model is given the program, not the recording. Set up from the recording is what was
decided before it began, or by others:

ticks     when they come, from the monotonic clock at the release; all CPUs have them at the same time
homes     when and on which CPU each task first woke, or was forked
looks     the interval with which each CPU looked around for the first time, and when
unpinned  until when the tasks might only use CPU 0
foreign   when kernel threads and the parent had a CPU
tunables  of the scheduler
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from schedlab.linux.balance import Balancer
from schedlab.linux.classes import ClassStack
from schedlab.linux.kinds import LINUX
from schedlab.linux.load import TaskLoad
from schedlab.linux.machine import EVENT_RANK, Machine
from schedlab.linux.real.recorded import Job, Look, Model, Spread, Unmodelled
from schedlab.linux.real.replay import (
    EXIT_NS,
    FIRST_CALLS_NS,
    FIRST_FAULTS_NS,
    FOREIGN,
    FOREIGN_NAME,
    SWITCH_NS,
    TICK_ENTRY_NS,
    Foreign,
    fair_of,
)
from schedlab.linux.task import Step, exit_, run, sleep
from schedlab.sim import Engine
from schedlab.trace import Recorder

MIGRATE, WAKE = (next(kind.id for kind in LINUX.kinds if kind.name == name) for name in ("migrate", "wake"))
PLAYED = ("hog", "run_sleep", "interactive", "burst")  # kinds of tasks


class ForeignOnEach(Foreign):
    """Whoever is recorded as running on a CPU, runs there."""

    def attach(self, machine: Any) -> None:
        """Nobody yet."""
        self.machine = machine
        self.waiting: list[deque[Any]] = [deque() for _cpu in machine.cpus]

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """To the tail."""
        self.waiting[cpu.id].append(task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Away."""
        self.waiting[cpu.id].remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first."""
        return self.waiting[cpu.id][0] if self.waiting[cpu.id] else None

    def select_cpu(self, task: Any, why: str) -> Any:
        """Where it was recorded."""
        return self.machine.cpus[min(task.allowed)]


class RecordedOnEach(ClassStack):
    """The fair class of a kernel, under the tasks that are no part of the workload."""

    def __init__(self, recording: Spread) -> None:
        self.fair = fair_of(recording)
        self.foreign = ForeignOnEach()
        super().__init__([self.foreign, self.fair])
        self.rank[FOREIGN] = 0
        self.homes = recording.homes
        self.Task = self.fair.Task  # type: ignore[misc]  # a stack has the tasks of its fair class
        self.name = self.fair.name  # type: ignore[misc]  # and goes by its name

    def attach(self, machine: Any) -> None:
        """Foreign tasks count for the balancer as well."""
        super().attach(machine)
        self.balancer: Balancer = self.fair.balancer  # with many CPUs there is one
        self.balancer.above = lambda cpu: len(self.foreign.waiting[cpu.id])

    def select_cpu(self, task: Any, why: str) -> Any:
        """Where the kernel had it first; from then on as the model says."""
        if task.policy != FOREIGN and not task.sum_exec:
            if why != "new" and not self.homes[task.name].forked:  # it has slept for long
                self.balancer.loads.tasks[task] = slept_long(task, self.machine.now)
            return self.machine.cpus[self.homes[task.name].cpu]
        return super().select_cpu(task, why)


def slept_long(task: Any, now: int) -> TaskLoad:
    """The averages of a task that nothing is left of."""
    load = TaskLoad(task.weight, now)
    load.load_avg = 0
    return load


class StageOfMany:
    """A machine with several CPUs on which the tasks of a recording are woken, or forked, as they were."""

    def __init__(self, recording: Spread) -> None:
        self.recording = recording
        self.policy = RecordedOnEach(recording)
        self.engine = Engine()
        self.recorder = Recorder(LINUX)
        self.released: int | None = 0
        self.first_tick = -recording.release_clock % recording.tick + TICK_ENTRY_NS
        self.machine = Machine(
            self.policy,
            self.engine,
            self.recorder,
            cpus=recording.cpus,
            hz=recording.hz,
            first_tick_ns=self.first_tick,
            switch_ns=next(ns for fair, ns in SWITCH_NS.items() if isinstance(self.policy.fair, fair)),
        )
        for cpu, look in recording.looks.items():
            self.set_up_domain(cpu, look)
        for cpu, turns in recording.foreign.items():
            thread: Any = self.machine.create(
                FOREIGN_NAME, self.foreign_steps(turns), policy=FOREIGN, allowed=frozenset({cpu})
            )
            self.machine.start(thread, turns[0][0])
        self.tasks = {job.name: self.prepare(job) for job in recording.jobs if job.name in recording.homes}
        if recording.unpinned is not None:
            self.engine.at(recording.unpinned, self.unpin, None, EVENT_RANK)

    def set_up_domain(self, cpu: int, look: Look) -> None:
        """This CPU looks around when it did first, with the interval that it had then."""
        balancer = self.policy.balancer
        (domain,) = balancer.domains[cpu]
        domain.interval_ms = look.interval
        balancer.next_balance[cpu] = (look.time - self.first_tick) // self.recording.tick + 1
        domain.last_balance = balancer.next_balance[cpu] - balancer.interval(domain, look.idle)

    def prepare(self, job: Job) -> Any:
        """A task that will wake, or be forked, when it was."""
        home = self.recording.homes[job.name]
        pinned = job.name in self.recording.pinned or home.forked
        allowed = frozenset({home.cpu}) if pinned else None
        fields: dict[str, Any] = {"nice": job.nice, "policy": job.policy, "allowed": allowed}
        task: Any = self.machine.create(job.name, self.steps(job), **fields)
        self.machine.start(task, home.time)
        return task

    def unpin(self, _arg: Any) -> None:
        """The parent lets its tasks use every CPU, one after the other; each is queued anew by that."""
        for task in self.tasks.values():
            task.allowed = None
            if task.on_rq:
                self.policy.balancer.seen(task, task.cpu)

    def foreign_steps(self, turns: tuple[tuple[int, int], ...]) -> Iterator[Step]:
        """Tasks that are no part of the workload: on the CPU from one recorded moment to another."""
        for begin, end in turns:
            if begin > self.machine.now:
                yield sleep(begin - self.machine.now)
            yield run(max(0, end - self.machine.now))
        yield sleep()

    def steps(self, job: Job) -> Iterator[Step]:
        """The program of one task. A forked one may use its parent's CPU alone until it has asked for all."""
        if self.recording.homes[job.name].forked:
            yield run(FIRST_FAULTS_NS)
            if job.name not in self.recording.pinned:
                self.tasks[job.name].allowed = None
        yield run(FIRST_CALLS_NS)
        if job.kind == "burst":
            yield run(job.run + EXIT_NS)
            yield exit_()
        while job.kind == "run_sleep":
            yield run(job.run)
            yield sleep(job.sleep)
        while job.kind == "interactive":
            yield sleep(job.sleep)
            yield run(job.run)
        yield run()

    def run(self) -> Model:
        """To the end of the window."""
        self.machine.boot()
        self.engine.run(self.recording.window)
        cpu_times = {name: task.sum_exec + self.since_charged(task) for name, task in self.tasks.items()}
        moves = list(self.moves())
        pulls = [time for time, woke in moves if not woke and time >= (self.recording.unpinned or 0)]
        first = min(pulls, default=None)
        return Model((), cpu_times, {}, {}, "as it was released", self, migrations=len(moves), first_pull=first)

    def since_charged(self, task: Any) -> int:
        """What a running task has had since its time was last counted, ns."""
        return max(0, self.machine.now - task.cpu.since) if task.cpu.curr is task else 0

    def moves(self) -> Iterator[tuple[int, bool]]:
        """When a task of the workload moved to another CPU, and whether it did so waking up."""
        time, kind, who, *_ = self.recorder.columns
        numbers = {task.id for task in self.tasks.values()}
        for i, number in enumerate(kind):
            if number == MIGRATE and who[i] in numbers:
                yield time[i], i + 1 < len(kind) and kind[i + 1] == WAKE and who[i + 1] == who[i]


def play(recording: Spread) -> Model:
    """Run the workload. Raises Unmodelled."""
    for job in recording.jobs:
        if job.kind not in PLAYED or job.group:
            raise Unmodelled(f"no model of {job.kind} tasks of {recording.workload} on {recording.cpus} CPUs yet")
    return StageOfMany(recording).run()
