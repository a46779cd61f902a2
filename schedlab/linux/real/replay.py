"""The recordings of Linux 5.10 and later on one CPU, run on the model.

The workload's program (wl.c) is known, so the model is given the program, not the recording: every
task blocks on a futex, and a parent of SCHED_FIFO priority 99 wakes them all at time 0. What no
program tells is taken from the recording:

ticks      when the first one comes, from the monotonic clock at the release
placed     vruntime, deadline and slice of each task as its first pick found them
woken      when, and so in which order, the parent woke them
foreign    when tasks that are no part of the workload (kernel threads, the parent) had the CPU:
           they come and go here at the same times, above all classes
forks      where tasks are forked instead of woken: how much CPU time the parent needed for each
tunables   of the scheduler
rt period  when the period of real-time throttling begins, which is before the recording does
refilled   when the pool of a group with a quota is first filled, for the same reason
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise, zip_longest
from statistics import median
from typing import Any, NamedTuple

from schedlab.linux.cfs import CFS, NR_LATENCY
from schedlab.linux.classes import ClassStack
from schedlab.linux.deadline import Deadline, DLEntity
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6
from schedlab.linux.eevdf_later import EEVDF_7_2, EEVDF_6_12_Stable
from schedlab.linux.fair_server import DeadlineWithServer
from schedlab.linux.grouped import (
    GroupedCFS,
    GroupedEEVDF_6_6,
    GroupedEEVDF_6_12_Stable,
    GroupedEEVDF_7_2,
)
from schedlab.linux.groups import DEFAULT_WEIGHT, Group, Groups
from schedlab.linux.kinds import LINUX, READY
from schedlab.linux.machine import CPU, WAKE_RANK, Machine
from schedlab.linux.policy import Policy
from schedlab.linux.real.recorded import (
    FIRST_EEVDF,
    INTERRUPTION_NS,
    SWITCHES,
    TO_SWITCH_NS,
    Job,
    Model,
    Placed,
    Recording,
    Spread,
    Stretch,
    Traced,
    Unmodelled,
    joined,
    turns_in,
    version_of,
)
from schedlab.linux.rt import RealTime
from schedlab.linux.task import (
    SCHED_BATCH,
    SCHED_DEADLINE,
    SCHED_FIFO,
    SCHED_IDLE,
    SCHED_NORMAL,
    SCHED_RR,
    Step,
    exit_,
    fork,
    run,
    sleep,
    wait,
    wake,
    yield_cpu,
)
from schedlab.sim import MS, US, Engine
from schedlab.trace import NOBODY, Recorder

FIRST_DELAYING, FIRST_SERVER, FIRST_SHORT_PROTECTION = (6, 12), (6, 12), (6, 17)  # versions
FAIR = (SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE)
FOREIGN = -1  # the policy of tasks that are no part of the workload

# real costs, as the recordings show them: they lengthen what a task does, and seldom decide who runs
SWITCH_NS = {CFS: 5_700, EEVDF: 7_100}  # from schedule() until the next task is in its program again
TICK_ENTRY_NS = 1_000  # from the timer's interrupt until the scheduler's clock is read
TICK_NS = 3_150  # what a tick takes from the program that runs
TICK_EXIT_NS = 2_040  # from that clock until schedule(), on the way out of the interrupt
AFTER_TICK_NS = 12 * US  # what a tick has woken has the CPU before so much time has passed
WAKING_NS = 2_500  # from the end of a sleep to schedule(), if that comes at once
TIMER_NS = 230  # that a sleep lasts longer than was asked for, from schedule() to the interrupt
CALLS_NS = 1_600  # two clock readings and the way into nanosleep()
HRTICK_LATE_NS = 12 * US  # a timer that ends a slice goes off so much later
MOST_NS = 10 * US  # more is not a cost, but something else
FIRST_CALLS_NS = 10_300  # from the futex to the program's loop
FIRST_FAULTS_NS = 69 * US  # a child's first page faults
EXIT_NS = 81 * US  # from a child's last clock reading to its end
GROUP_PREFIX = "group:"  # of the names of entities
PARENT, FOREIGN_NAME = "wl_parent", "others"


class Foreign(Policy):
    """Above all classes: whoever is recorded as running, runs."""

    name = "foreign"
    classes = ()

    def attach(self, machine: Any) -> None:
        """Nobody yet."""
        self.machine = machine
        self.queue: deque[Any] = deque()

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """To the tail."""
        self.queue.append(task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Away."""
        self.queue.remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first."""
        return self.queue[0] if self.queue else None

    def tick(self, cpu: Any, curr: Any) -> None:
        """Nothing to do."""

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """Never each other."""
        return False


class Recorded(ClassStack):
    """The classes of a kernel under the tasks that are no part of the workload."""

    def __init__(self, deadline: Deadline, real_time: RealTime, fair: CFS | EEVDF) -> None:
        super().__init__([Foreign(), deadline, real_time, fair])
        self.rank[FOREIGN] = 0
        self.deadline = deadline
        self.fair = fair
        self.Task = fair.Task  # type: ignore[misc]  # a stack has the tasks of its fair class
        self.name = fair.name  # type: ignore[misc]  # and goes by its name

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """A kernel thread that interrupts leaves CFS its LAST_BUDDY, as if it had been queued there."""
        if woken.policy == FOREIGN and isinstance(self.fair, CFS) and cpu.curr.policy in FAIR and not cpu.need_resched:
            rq = self.fair.queues_of[cpu.id]
            self.fair.mark_last(rq, cpu.curr, rq.nr_running + 1 >= NR_LATENCY)
        return super().preempts(cpu, woken)


def kernel_of(recording: Traced) -> Recorded:
    """The scheduler of a recording, with its tunables. Raises Unmodelled."""
    tunable, features = tunables_of(recording)
    grouped: dict[str, Any] = {}
    if any(job.group for job in recording.jobs):
        grouped = {"groups": groups_of(recording), "first_period": recording.refilled}
    fair = fair_of(recording, grouped)
    if version_of(recording.kernel) >= FIRST_SERVER:
        return Recorded(DeadlineWithServer(exact="HRTICK_DL" in features), RealTime(runtime=None), fair)
    micros = (tunable.get("rt_runtime_us", 950_000), tunable.get("rt_period_us", 1_000_000))
    runtime, period = (value * US for value in micros)
    return Recorded(Deadline(), RealTime(runtime, period, phase_of_period(recording) % period), fair)


def tunables_of(recording: Traced | Spread) -> tuple[dict[str, int], list[str]]:
    """The tunables that are numbers, and the features."""
    tunables = recording.tunables or {}
    numbers = {name.removeprefix("sched_"): value for name, value in numbers_in(tunables)}
    return numbers, tunables.get("features", "").split()


def fair_of(recording: Traced | Spread, grouped: Mapping[str, Any] | None = None) -> CFS | EEVDF:
    """The fair class of a recording's kernel, with its tunables; `grouped` are settings of its groups, if there are."""
    version, grouped = version_of(recording.kernel), grouped or {}
    tunable, features = tunables_of(recording)
    if version < FIRST_EEVDF:
        names = ("latency_ns", "min_granularity_ns", "wakeup_granularity_ns")
        return (GroupedCFS if grouped else CFS)(*(tunable.get(name) for name in names), **grouped)
    if version < FIRST_DELAYING:
        return (GroupedEEVDF_6_6 if grouped else EEVDF_6_6)(tunable.get("base_slice_ns"), **grouped)
    if version < FIRST_SHORT_PROTECTION:
        return (GroupedEEVDF_6_12_Stable if grouped else EEVDF_6_12_Stable)(tunable.get("base_slice_ns"), **grouped)
    hrtick = ("HRTICK" in features, HRTICK_LATE_NS)
    return (GroupedEEVDF_7_2 if grouped else EEVDF_7_2)(tunable.get("base_slice_ns"), *hrtick, **grouped)


def numbers_in(tunables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The tunables that are numbers. Their names begin with `sched_` up to 5.12, which had them in /proc/sys."""
    yield from ((name, int(value)) for name, value in tunables.items() if value.isdigit())


def groups_of(recording: Recording) -> tuple[Group, ...]:
    """The groups that the program makes. Raises Unmodelled for others."""
    names = {job.group for job in recording.jobs if job.group}
    if not names <= {"A", "B", "lim"}:
        raise Unmodelled(f"no workload with the groups {', '.join(sorted(names))} is known")
    weight_of_b = 300 if recording.workload.startswith("w08b") else DEFAULT_WEIGHT
    known = (Group("A"), Group("B", weight_of_b), Group("lim", quota=20 * MS, period=100 * MS))
    return tuple(group for group in known if group.name in names)


def phase_of_period(recording: Traced) -> int:
    """When a period of real-time throttling began: a fair task lost the CPU to one that had waited for it."""
    policy = {job.name: job.policy for job in recording.jobs}
    for before, after in pairwise(recording.stretches):
        if policy[before.task] in FAIR and policy[after.task] in (SCHED_FIFO, SCHED_RR):
            return after.start - TO_SWITCH_NS
    return 0


class Costs(NamedTuple):
    """What the kernel takes from a task, ns: in each round, after a sleep that ends at once, by each tick."""

    calls: int
    waking: int
    tick: int


def costs_of(recording: Recording, job: Job, switch_ns: int) -> Costs:
    """As measured in the rounds that nobody interrupted, where a round is shorter than a tick; else as usual."""
    turns = [turn for turn in recording.stretches if turn.task == job.name]
    rounds = [turn.end - turn.start for turn in turns if turn.left == "S" and turn.end - turn.start >= job.run]
    sleeps = [after.start - before.end for before, after in pairwise(turns) if before.left == "S"]
    if not rounds or not sleeps or not 0 < job.run < recording.tick:
        return Costs(CALLS_NS, WAKING_NS, TICK_NS)
    alone = usual(rounds)
    ticked = usual([ns for ns in rounds if ns > alone + US] or [0]) - alone
    waking = usual(sleeps) - job.sleep - TIMER_NS
    return Costs(
        alone - switch_ns - job.run,
        waking if 0 < waking < MOST_NS else WAKING_NS,
        ticked if 0 < ticked < MOST_NS else TICK_NS,
    )


def usual(times: Sequence[int]) -> int:
    """The median of those that are not longer than the shortest, but for a microsecond."""
    return int(median(ns for ns in times if ns <= min(times) + US))


class InterruptedMachine(Machine):
    """A machine whose tick takes time: from the program that runs, and until the CPU chooses again."""

    costs: Mapping[str, Costs] = {}  # of tasks whose times were not recorded with the ticks in them

    def _tick(self, cpu: CPU, now: int) -> None:
        super()._tick(cpu, now)
        costs = self.costs.get(cpu.curr.name)
        if cpu.done_at is not None and costs:
            cpu.done_at += costs.tick
            cpu.curr.remaining += costs.tick
        if cpu in self._settling:  # it stays marked as waiting to choose
            self._settling.remove(cpu)
            self.engine.at(self.now + TICK_EXIT_NS, self._settling.append, cpu)


class Stage:
    """A machine on which the tasks of a recording are woken, or forked, as they were."""

    def __init__(self, recording: Traced) -> None:
        self.recording = recording
        self.policy = kernel_of(recording)
        self.engine = Engine()
        self.recorder = Recorder(LINUX)
        self.released: int | None = 0
        self.first_tick = -recording.release_clock % recording.tick + TICK_ENTRY_NS
        self.switch_ns = next(ns for fair, ns in SWITCH_NS.items() if isinstance(self.policy.fair, fair))
        self.machine = InterruptedMachine(
            self.policy,
            self.engine,
            self.recorder,
            hz=recording.hz,
            first_tick_ns=self.first_tick,
            switch_ns=self.switch_ns,
        )
        self.costs = {job.name: costs_of(recording, job, self.switch_ns) for job in recording.jobs}
        self.machine.costs = self.costs
        self.average = next(
            (
                each._replace(vruntime=each.average, deadline=each.average + each.slice)
                for name, each in (recording.placed or {}).items()
                if not name.startswith(GROUP_PREFIX)
            ),
            None,
        )  # where a task is placed that never ran
        self.foreign = self.start_waiters()
        foreign: Any = self.machine.create(FOREIGN_NAME, self.foreign_steps(), policy=FOREIGN)
        if self.foreign:
            self.machine.start(foreign, self.after_tick(self.foreign[0][0]))
        if recording.has_barrier:
            for job in recording.jobs:
                self.prepare(job)
        else:
            parent: Any = self.machine.create(PARENT, self.parent_steps())
            self.machine.start(parent, 0)

    def start_waiters(self) -> list[tuple[int, int]]:
        """Kernel threads that had to wait for their turn: fair tasks like others. What is left of `foreign`.

        On CFS none has to: each comes with a sleeper's credit, and interrupts.
        """
        foreign = list(self.recording.foreign)
        for begin, end in self.recording.waiting if isinstance(self.policy.fair, EEVDF) else ():
            turns = [turn for turn in foreign if begin < turn[0] and turn[1] <= end]
            if turns:
                at = foreign.index(turns[0])
                since = max(turns[0][0], foreign[at - 1][1] if at else 0)
                ran = max(US, turns[0][1] - since - self.switch_ns)
                thread: Any = self.machine.create(FOREIGN_NAME, [run(ran), sleep()])
                self.machine.start(thread, self.last_tick(begin))
                del foreign[at]
        return foreign

    def last_tick(self, when: int) -> int:
        """The tick before, which has woken somebody."""
        return max(0, when - (when - self.first_tick) % self.recording.tick)

    def prepare(self, job: Job) -> None:
        """A task that will be woken at the moment at which it was."""
        fields: dict[str, Any] = {"nice": job.nice, "policy": job.policy, "rt_priority": job.rt_priority}
        if job.group:
            fields["group"] = job.group
        if job.slice and isinstance(self.policy.fair, EEVDF):
            fields["custom_slice"] = job.slice
        if job.policy == SCHED_DEADLINE:
            fields["dl"] = DLEntity(job.dl_runtime, job.dl_period, job.dl_period)
        task: Any = self.machine.create(job.name, self.steps(job), **fields)
        when = (self.recording.woken or {}).get(job.name, 0)
        self.engine.at(when, self.wake, task, WAKE_RANK + task.id)

    def wake(self, task: Any) -> None:
        """A task wakes for the first time: into its queue, with the virtual times that it had in the kernel."""
        placed = (self.recording.placed or {}).get(task.name) or self.average
        if task.policy not in FAIR or placed is None:
            return self.machine.wake_now(task)
        was, task.state = task.state, READY
        cpu, fair = self.machine.cpus[0], self.policy.fair
        if isinstance(fair, Groups):
            for queue, entity in fair.levels(task):
                name = task.name if entity is task else GROUP_PREFIX + entity.name
                if not entity.on_rq and name in (self.recording.placed or {}):
                    self.put_in(queue, entity, (self.recording.placed or {})[name])
        else:
            self.put_in(fair.queues_of[0], task, placed)
        if isinstance(self.policy.deadline, DeadlineWithServer):
            self.policy.deadline.start_server(cpu)
        self.recorder.wake(self.machine.now, task.id, cpu.id, NOBODY, was)
        if self.policy.preempts(cpu, task):
            self.machine.resched(cpu)

    def put_in(self, queue: Any, entity: Any, placed: Placed) -> None:
        """Into a queue, as its first pick found it."""
        if not queue.nr_running:
            queue.min_vruntime = placed.average
        entity.vruntime = placed.vruntime
        if isinstance(self.policy.fair, EEVDF):
            entity.deadline, entity.slice = placed.deadline, placed.slice
        queue.load += entity.weight
        queue.nr_running += 1
        queue.insert(entity)
        entity.on_rq = True

    def run(self) -> Model:
        """To the end of the window."""
        window = self.recording.window
        self.machine.boot()
        self.engine.run(window)
        names = [job.name for job in self.recording.jobs]
        turns = list(self.turns(set(names)))
        cpu, switches = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        for turn in turns:
            cpu[turn.task] += turn.end - turn.start
            switches[turn.task] += 1
        return Model(joined(turns, INTERRUPTION_NS), cpu, switches, self.waits(names), "as it was released", self)

    def turns(self, names: set[str]) -> Iterator[Stretch]:
        """The turns of the workload's tasks; one that others end at once is none, for the kernel let them in first."""
        turns = list(turns_in(self, names | {FOREIGN_NAME}, self.recording.window))
        for turn, after in zip_longest(turns, turns[1:]):
            cut = after and after.task == FOREIGN_NAME and turn.end - turn.start < AFTER_TICK_NS
            if turn.task != FOREIGN_NAME and not cut:
                yield turn

    def waits(self, names: list[str]) -> dict[str, int]:
        """The longest time between waking, or losing the CPU, and the next turn, ns."""
        longest, ready = dict.fromkeys(names, 0), {}
        of = self.machine.names
        wakes = {kind.id for kind in LINUX.kinds if kind.name == "wake"}
        for now, kind, who, _where, prev, left in zip(*self.recorder.columns):
            if kind in wakes:
                ready[who] = now
            elif kind in SWITCHES:
                if who in ready and of[who] in longest:
                    longest[of[who]] = max(longest[of[who]], now - ready.pop(who))
                if prev != NOBODY and left == READY:
                    ready[prev] = now
        for who, since in ready.items():  # those who wait at the end of the window
            if of[who] in longest:
                longest[of[who]] = max(longest[of[who]], self.recording.window - since)
        return longest

    # -- the programs -----------------------------------------------------------------------------------

    def foreign_steps(self) -> Iterator[Step]:
        """Tasks that are no part of the workload: on the CPU from one recorded moment to another."""
        for begin, end in self.foreign:
            begin = self.after_tick(begin)
            if begin > self.machine.now:
                yield sleep(begin - self.machine.now)
            yield run(max(0, end - self.machine.now))
        yield sleep()

    def after_tick(self, when: int) -> int:
        """The tick that has woken somebody who had the CPU at `when`; `when` itself if none has."""
        since = (when - self.first_tick) % self.recording.tick
        return when - since if since < AFTER_TICK_NS else when

    def read_cpu_clock(self) -> None:
        """clock_gettime(CLOCK_THREAD_CPUTIME_ID) charges the caller, and so EEVDF notices a fulfilled request."""
        fair, cpu = self.policy.fair, self.machine.cpus[0]
        if isinstance(fair, EEVDF):
            fair.update_curr(fair.queues_of[0], cpu)

    def asleep(self, job: Job, ns: int) -> Iterator[Step]:
        """clock_nanosleep(): a task that is let in at once waits for the rest of the interrupt that woke it."""
        due = self.machine.now + ns + TIMER_NS
        yield sleep(ns + TIMER_NS)
        if self.machine.now == due + self.switch_ns:
            yield run(self.costs[job.name].waking)

    def parent_steps(self) -> Generator[Step, int, None]:
        """The parent where tasks are forked."""
        late = self.switch_ns  # it has the CPU already when the recording begins
        for job, took in zip(self.recording.jobs, self.recording.forks):
            yield run(took - late)
            late = 0
            yield fork(job.name, partial(self.steps, job))
        yield run(CALLS_NS)
        yield sleep()

    def steps(self, job: Job) -> Iterator[Step]:
        """The program of one task."""
        burst = job.run + self.costs[job.name].calls
        if job.kind == "burst" and self.recording.has_barrier:
            yield run(FIRST_CALLS_NS + job.run)
            yield sleep()
        if job.kind == "burst":
            yield run(FIRST_FAULTS_NS + job.run)
            self.read_cpu_clock()
            yield run(EXIT_NS)
            yield exit_()
        yield run(FIRST_CALLS_NS)
        if job.delay:
            yield from self.asleep(job, max(0, job.delay - self.machine.now))
        while job.kind == "interactive":
            yield from self.asleep(job, job.sleep)
            yield run(burst)
        while job.kind == "run_sleep":
            yield run(burst)
            yield from self.asleep(job, job.sleep)
        while job.kind in ("yield", "dl_job_yield"):
            yield run(burst)
            yield yield_cpu()
        while job.kind == "ping":
            yield run(burst)
            yield wake("ping")
            yield wait("pong")
        while job.kind == "pong":
            yield wait("ping")
            yield run(burst)
            yield wake("pong")
        yield run()


def play(recording: Recording) -> Model:
    """Run the workload. Raises Unmodelled."""
    assert isinstance(recording, Traced)
    return Stage(recording).run()
