"""The recordings of kernels up to 2.6.22, run on the model.

The workload's program is known, so the model is given the program, not the recording: a parent of
SCHED_FIFO priority 99 forks the tasks, they block on a pipe, 300 ms later the parent lets them go,
and then it wakes now and then to read /proc. Three things are taken from the recording because no
program tells them:

moments   at which ticks the parent sampled, and how long it took
ticks     for a workload without the pipe: where in a tick it began
start     what the parent had left of its slice (and its sleep_avg) when it began to fork. Its
          children share it, so it decides who runs first. Every value is tried, and the run that
          agrees with the kernel for longest is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import NONINTERACTIVE, O1, O1_2_6_22
from schedlab.linux.o1_2418 import O1_2_4_18
from schedlab.linux.on import ON_2_4_24
from schedlab.linux.policy import Policy
from schedlab.linux.real.recorded import Job, Model, Recording, Stretch, Unmodelled, first_divergence, joined, turns_in
from schedlab.linux.task import SCHED_FIFO, Step, exit_, fork, run, sleep, wait, wake, yield_cpu
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import NOBODY, Recorder

# real costs, as the recordings show them; none of them decides who runs
SWITCH_NS = 2 * US
CALL_NS = 1 * US  # a short system call
FORK_NS = 18 * US
BOOTED_JIFFIES = 30_000  # any number of ticks since boot but 0, which O(1) takes for "never"
PIT_HZ = 1_193_182  # the clock of a PC's timer chip

BARRIER_NS = 300 * MS  # from the last fork to the release
POLL_NS = 50 * MS  # the parent's sleep when it has nothing to sample
PARENT_PRIORITY = 99  # of SCHED_FIFO

FIRST_LOOK_NS = 1 * S  # every start is tried this far
SEMIFINALISTS = 8  # of those that agree for longest, so many are combined with the values of the next field
FINALISTS = 4  # and so many run to the end

# -- the kernels ------------------------------------------------------------------------------------


class Kernel(NamedTuple):
    """What the recordings of a kernel need to know of it besides its scheduler."""

    policy: Callable[[], Policy]
    ticks_asleep: Callable[[int, int, int], int]  # ns since the last tick, ns to sleep, ns of a tick: ticks to wait
    starts: Callable[[Policy], Mapping[str, Sequence[int]]]  # what the parent may have had left when it forked
    quiet_pipes: bool = False  # does waiting on a pipe not count as interactive sleep (TASK_NONINTERACTIVE)?


def jiffies_timer(_since_tick: int, ns: int, tick: int) -> int:
    """schedule_timeout(): whole ticks, rounded up, and one more because the present one has begun."""
    return -(-ns // tick) + 1


def coarse_hrtimer(since_tick: int, ns: int, tick: int) -> int:
    """An hrtimer without high resolution: the first tick after its time."""
    return (since_tick + ns) // tick + 1


Start = Mapping[str, int]  # fields of the parent, and what was left in them when it began to fork


def counters(_policy: Policy) -> Mapping[str, Sequence[int]]:
    """2.4: the parent's counter, up to the most that dead children can have brought it to."""
    return {"counter": range(1, 21)}


def slices(policy: Policy) -> Mapping[str, Sequence[int]]:
    """O(1): the parent's slice, and its sleep_avg in tenths of the most there is."""
    assert isinstance(policy, O1)
    whole = policy.task_timeslice(policy.Task(NOBODY, "parent"))
    tenths = [tenth * policy.ns_max_sleep_avg // 10 for tenth in range(11)]
    return {"time_slice": range(1, whole + 1), "sleep_avg": tenths}


ON_2_4 = Kernel(ON_2_4_24, jiffies_timer, counters)
EARLY_O1 = Kernel(O1_2_4_18, jiffies_timer, slices)
O1_2_6 = Kernel(O1_2_6_22, coarse_hrtimer, slices, quiet_pipes=True)  # 2.6.16 (hrtimers) to 2.6.22


def kernel_of(version: str, scheduler: str) -> Kernel:
    """The kernel of a recording. Raises Unmodelled."""
    if version.startswith("2.4."):
        return EARLY_O1 if "O(1)" in scheduler or version.startswith("2.4.18") else ON_2_4
    if version.startswith("2.6."):
        return O1_2_6
    raise Unmodelled(f"no model of the recordings of {version} yet")


# -- the workload on the model ----------------------------------------------------------------------


def timer_period(hz: int) -> int:
    """ns between two ticks of a PC's timer chip, which divides its clock by a whole number (LATCH)."""
    return (PIT_HZ + hz // 2) // hz * S // PIT_HZ


class Stage:
    """A machine on which the parent forks the tasks of a recording and lets them go."""

    def __init__(self, recording: Recording, start: Start, first_tick: int) -> None:
        self.recording = recording
        self.kernel = kernel_of(recording.kernel, recording.scheduler)
        self.engine = Engine()
        self.recorder = Recorder(LINUX)
        self.machine = Machine(
            self.kernel.policy(),
            self.engine,
            self.recorder,
            hz=recording.hz,
            first_tick_ns=first_tick,
            first_jiffy=BOOTED_JIFFIES,
            switch_ns=SWITCH_NS,
        )
        self.machine.tick_ns = timer_period(recording.hz)
        self.first_tick = first_tick
        self.barrier = recording.has_barrier
        self.blocked: list[str] = []  # in the order in which they came to the pipe
        self.released: int | None = None  # ns, when it was
        self.cpu: dict[str, int] = {}  # ns that each task had since the release
        class_ = {"policy": SCHED_FIFO, "rt_priority": PARENT_PRIORITY} if self.barrier else {}
        parent: Any = self.machine.create("parent", self.parent_steps(), **class_)
        self.parent = parent
        for name, value in start.items():
            setattr(self.parent, name, value)
        if isinstance(self.machine.policy, O1):
            self.parent.prio = self.machine.policy.effective_prio(self.parent)
        self.machine.start(self.parent)

    def run(self, until: int) -> tuple[Stretch, ...]:
        """The turns of the workload's tasks, up to `until` ns after the release."""
        self.machine.boot()
        self.engine.run_while(lambda: self.released is None, 10 * BARRIER_NS)
        assert self.released is not None
        self.engine.run(self.released + until)
        turns = list(turns_in(self, {job.name for job in self.recording.jobs}, until))
        for turn in turns:
            self.cpu[turn.task] = self.cpu.get(turn.task, 0) + turn.end - turn.start
        return joined(turns)

    def asleep(self, ns: int) -> Step:
        """nanosleep(): until a tick, which the kernel believes to last 1/HZ."""
        tick = self.machine.tick_ns
        since_tick = (self.machine.now - self.first_tick) % tick
        return sleep(self.kernel.ticks_asleep(since_tick, ns, self.recording.tick) * tick - since_tick)

    def parent_steps(self) -> Generator[Step, int, None]:
        """The program of the parent."""
        machine = self.machine
        if not self.barrier:
            self.released = machine.now
        for job in self.recording.jobs:
            yield run(FORK_NS)
            number = yield fork(job.name, partial(self.child_steps, job))
            child = machine.tasks[number]
            if self.barrier:
                machine.setscheduler(child, job.policy, job.rt_priority)
                machine.renice(child, job.nice)
        if self.barrier:
            yield self.asleep(BARRIER_NS)
            self.released = machine.now
            for name in reversed(self.blocked):  # each waiter had put itself at the head of the pipe's list
                yield wake(name)
            yield run(CALL_NS)
            for begin, took in self.recording.samples:
                yield sleep(self.released + self.at_tick(begin) - machine.now)
                yield run(took)
        else:
            machine.setscheduler(self.parent, SCHED_FIFO, PARENT_PRIORITY)
        while True:
            yield self.asleep(POLL_NS)
            yield run(CALL_NS)

    def at_tick(self, when: int) -> int:
        """A time since the release, moved to its tick; the release itself came with a tick."""
        tick = self.machine.tick_ns
        return (when + tick // 2) // tick * tick

    def child_steps(self, job: Job) -> Iterator[Step]:
        """The program of one task."""
        if self.barrier:
            if self.kernel.quiet_pipes:
                self.machine.cpus[0].curr.sleep_type = NONINTERACTIVE
            self.blocked.append(job.name)
            yield wait(job.name)
            yield run(CALL_NS)
        if job.delay:
            yield self.asleep(job.delay)
        if job.kind == "burst":
            yield run(job.run)
            yield exit_()
        while job.kind == "interactive":
            yield self.asleep(job.sleep)
            yield run(job.run)
        while job.kind == "yield":
            yield run(job.run)
            yield yield_cpu()
        yield run()


def play(recording: Recording) -> Model:
    """Run the workload from the possible starts, and keep the run that agrees for longest."""
    kernel = kernel_of(recording.kernel, recording.scheduler)
    policy = kernel.policy()
    Machine(policy, Engine(), Recorder(LINUX, on=False), hz=recording.hz)
    horizon = min(recording.window, FIRST_LOOK_NS)
    ticks = first_ticks(recording)
    finalists: list[Start] = [{}]
    for name, values in kernel.starts(policy).items():
        trials: list[Start] = [{**start, name: value} for start, value in product(finalists, values)]
        agreed = [agreement(recording, Stage(recording, trial, ticks[0]).run(horizon), horizon) for trial in trials]
        finalists = [trial for trial, reached in zip(trials, agreed) if reached == max(agreed)][:SEMIFINALISTS]
    chosen, reached = None, -1
    for tick, start in product(ticks, finalists[:FINALISTS]):
        stage = Stage(recording, start, tick)
        turns = stage.run(recording.window)
        agrees = agreement(recording, turns, recording.window)
        if agrees > reached:
            began = ", ".join(f"{key} {value}" for key, value in start.items())
            switches = Counter(turn.task for turn in turns)
            waits = {job.name: longest_wait(turns, job.name) for job in recording.jobs}
            chosen, reached = (
                Model(turns, stage.cpu, switches, waits, f"the parent began with {began}", stage),
                agrees,
            )
        if reached == recording.window:
            break
    assert chosen is not None  # there is always a start
    return chosen


def first_ticks(recording: Recording) -> Sequence[int]:
    """When the first tick may have come after the beginning of the model's run, ns."""
    if not recording.has_barrier:
        preempted = [turn.end for turn in recording.stretches if turn.left == "R" and turn.end < recording.window]
        if preempted:  # bursts do not sleep, so only a tick can have done that
            return (preempted[0] % recording.tick - SWITCH_NS,)
    return tuple(recording.tick * part // 16 for part in (9, 7, 11, 5, 13, 3, 15, 1))


def agreement(recording: Recording, turns: Sequence[Stretch], until: int) -> int:
    """Up to when the same tasks ran at the same times, ns."""
    at = first_divergence(recording.stretches, turns, recording.tick)
    ends = [turns_[at].start for turns_ in (recording.stretches, turns) if at is not None and at < len(turns_)]
    return min([*ends, until]) if at is not None else until


def longest_wait(turns: Iterable[Stretch], task: str) -> int:
    """The longest time for which a preempted task waited, ns. (When a sleeper woke up was not recorded.)"""
    longest, gone = 0, None
    for turn in turns:
        if turn.task == task:
            if gone is not None:
                longest = max(longest, turn.start - gone)
            gone = turn.end if turn.left == "R" else None
    return longest
